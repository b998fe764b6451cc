"""Tests say which extra brings what they need, and say it truly."""

import tomllib
from pathlib import Path

import extras
import pytest
from extras import EXTRAS, needs, needs_file, needs_program

PROJECT = tomllib.loads((Path(__file__).parents[1] / "pyproject.toml").read_text())["project"]
PACKAGES = {"cv2": "rapidocr"}


def packages_of(extra: str) -> set[str]:
    """What an extra asks for, and the extras that it includes."""
    found = set()
    for requirement in PROJECT["optional-dependencies"][extra]:
        name, _, rest = requirement.partition("[")
        if name == "touchline":
            included = rest.rstrip("]").split(",")
            found = found.union(*map(packages_of, included))
        else:
            found.add(name.partition(">")[0].lower())
    return found


@pytest.mark.parametrize("module", EXTRAS)
def test_the_extra_that_a_test_names_brings_what_it_needs(module):
    package = PACKAGES.get(module, module.replace("_", "-").lower())
    assert package in packages_of(EXTRAS[module])
    assert package in packages_of("dev-all")
    assert package not in packages_of("dev"), "nothing that dev brings need be asked for"


def test_what_is_there_is_given():
    assert needs("json") is __import__("json")
    assert needs("os.path") is __import__("os").path
    assert Path(needs_program("no such program", "python3", "python")).exists()
    assert needs_file(Path(__file__), "git checkout") == Path(__file__)


@pytest.mark.parametrize(
    ("ask", "reason"),
    [
        (lambda: needs("torch"), r"^needs touchline\[torch\]$"),
        (lambda: needs("playwright.sync_api"), r"^needs touchline\[dev-all\]$"),
        (lambda: needs_program("no such program"), "^needs the program no such program$"),
        (lambda: needs_file(Path("nowhere/tsc"), "npm ci"), r"^needs tsc \(npm ci\)$"),
    ],
)
def test_what_is_not_there_is_named_and_ci_leaves_nothing_out(monkeypatch, ask, reason):
    monkeypatch.setattr(extras.importlib.util, "find_spec", lambda name: None)
    monkeypatch.delenv("TOUCHLINE_TEST_ALL", raising=False)
    with pytest.raises(pytest.skip.Exception, match=reason):
        ask()
    monkeypatch.setenv("TOUCHLINE_TEST_ALL", "1")
    with pytest.raises(RuntimeError, match=r"needs .* lets no test be left out"):
        ask()
