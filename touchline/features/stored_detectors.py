"""The detectors that the user imported, stored under their checksums, by which models name them."""

import shutil
from collections.abc import Iterator
from pathlib import Path

from touchline.engines.onnx_files import inspect_onnx
from touchline.runtime.atomic import atomic_write
from touchline.zoo.store import home, sha256_of

SUFFIX = ".onnx"


def user_detectors() -> Path:
    """The folder of the imported detectors."""
    return home() / "detectors"


def store_detector(path: Path) -> Path:
    """Store a detector, so that models that read its detections can be run on videos.

    Raises:
        CheckpointError: not an ONNX file, or one with external data.
    """
    inspect_onnx(path)
    target = user_detectors() / f"{sha256_of(path)}{SUFFIX}"
    if not target.exists():
        target.parent.mkdir(parents=True, exist_ok=True)
        with atomic_write(target) as unfinished:
            shutil.copyfile(path, unfinished)
    return target


def find_detector(digest: str | None) -> Path | None:
    """The detector with this checksum; None if it is missing or was changed."""
    path = user_detectors() / f"{digest}{SUFFIX}"
    return path if path.is_file() and sha256_of(path) == digest else None


def list_detectors() -> Iterator[Path]:
    """All stored detectors."""
    yield from sorted(user_detectors().glob(f"*{SUFFIX}"))
