"""Benchmarks that tests do not run still name what there is."""

import ast
import importlib
from pathlib import Path

import pytest
from extras import needs

ROOT = Path(__file__).parents[1]
SCRIPTS = sorted((ROOT / "benchmarks").glob("*.py"))


def imports(script: Path) -> list[tuple[str, str]]:
    """Modules of the package and names that a script imports from them."""
    return [
        (node.module, alias.name)
        for node in ast.walk(ast.parse(script.read_text("utf-8")))
        if isinstance(node, ast.ImportFrom) and node.module and node.module.startswith("touchline")
        for alias in node.names
    ]


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda path: path.stem)
def test_what_a_benchmark_imports_is_there(script):
    for module, name in imports(script):
        try:
            found = importlib.import_module(module)
            if not hasattr(found, name):
                importlib.import_module(f"{module}.{name}")
        except ModuleNotFoundError as error:
            if str(error.name).startswith("touchline"):
                pytest.fail(f"{script.name} imports {name} from {module}, which has none")
            needs(str(error.name))
            raise
