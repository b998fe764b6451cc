"""What some tests need beside ``pip install '.[dev]'``; where it is missing they skip and name it.

With ``TOUCHLINE_TEST_ALL`` set, as CI has it, they fail instead.
"""

import importlib
import importlib.util
import os
import shutil
from pathlib import Path
from types import ModuleType
from typing import NoReturn

import pytest

EXTRAS = {
    "torch": "torch",
    "timm": "torch",
    "h5py": "torch",
    "lightning": "train",
    "huggingface_hub": "hub",
    "transformers": "transformers",
    "psycopg": "postgres",
    "ray": "ray",
    "kloppy": "data",
    "pandas": "data",
    "rapidocr": "broadcast",
    "cv2": "broadcast",
    "nncf": "quantize",
    "playwright": "dev-all",
    "schemathesis": "dev-all",
    "SoccerNet": "dev-all",
}
"""The extra that brings each module."""


def needs(module: str) -> ModuleType:
    """The module; skips the test, or the test file, where it is not installed."""
    top = module.partition(".")[0]
    if importlib.util.find_spec(top) is None:
        skip_without(f"touchline[{EXTRAS[top]}]")
    return importlib.import_module(module)


def needs_program(*names: str) -> str:
    """The path of a program by the first of its names; skips where it is not installed."""
    found = next(filter(None, map(shutil.which, names)), None)
    return found or skip_without(f"the program {names[0]}")


def needs_file(path: Path, command: str) -> Path:
    """The path of a file that a command puts there; skips where it is not."""
    return path if path.exists() else skip_without(f"{path.name} ({command})")


def skip_without(what: str) -> NoReturn:
    """Leave out the test, or the test file, as something is not installed."""
    if os.environ.get("TOUCHLINE_TEST_ALL"):
        raise RuntimeError(f"needs {what}, and TOUCHLINE_TEST_ALL lets no test be left out")
    pytest.skip(f"needs {what}", allow_module_level=True)
