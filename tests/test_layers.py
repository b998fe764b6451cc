"""CONTRIBUTING shows the layers that import-linter holds."""

import re
import tomllib
from pathlib import Path

ROOT = Path(__file__).parents[1]


def test_the_table_of_contributing_is_the_contract() -> None:
    configuration = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
    contract = configuration["tool"]["importlinter"]["contracts"][0]
    layers = [set(re.findall(r"\w+", layer)) for layer in contract["layers"]]
    table = (ROOT / "CONTRIBUTING.md").read_text("utf-8").partition("| layer | holds |")[2]
    rows = [line for line in table.partition("\n\n")[0].splitlines() if line.startswith("| `")]
    assert [set(re.findall(r"`(\w+)/?`", row.split("|")[1])) for row in rows] == layers
