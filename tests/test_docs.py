"""Paths and names in the documents about the code exist, and so do the targets of links."""

import importlib
import re
from importlib.util import find_spec
from pathlib import Path

import pytest
from extras import needs

ROOT = Path(__file__).parents[1]
ABOUT_CODE = ("docs/architecture.md", "docs/glossary.md", "CONTRIBUTING.md")
ALL = sorted(str(path.relative_to(ROOT)) for path in (*ROOT.glob("*.md"), *ROOT.glob("docs/*.md")))

_CODE = re.compile(r"`([^`\n]+)`")
_PATH = re.compile(r"(?:touchline|tests|docs|benchmarks|\.ci)/[\w./+-]+")
_NAME = re.compile(r"touchline(?:\.\w+)+")
_FOLDER = re.compile(r"[\w/]+/")
_LINK = re.compile(r"\]\(([^)#\s]+)(?:#[^)]*)?\)")


def quoted(document: str) -> set[str]:
    return set(_CODE.findall((ROOT / document).read_text(encoding="utf-8")))


def is_folder(name: str) -> bool:
    """Whether a folder is in the repository or anywhere in the package."""
    return (ROOT / name).is_dir() or any((ROOT / "touchline").rglob(name))


def exists(name: str) -> bool:
    """Whether a dotted name is a module, or leads to an attribute or annotation of one."""
    parts = name.split(".")
    for end in range(len(parts), 0, -1):
        module = ".".join(parts[:end])
        try:
            if find_spec(module) is None:
                continue
        except ModuleNotFoundError:
            continue
        thing = importlib.import_module(module)
        for part in parts[end:]:
            if not hasattr(thing, part) and part not in getattr(thing, "__annotations__", {}):
                return False
            thing = getattr(thing, part, None)
        return True
    return False


@pytest.mark.parametrize("document", ABOUT_CODE)
def test_every_path_exists(document):
    texts = quoted(document)
    paths = {path for text in texts for path in _PATH.findall(text)}
    folders = {text for text in texts if _FOLDER.fullmatch(text)} - paths
    assert paths or folders
    assert sorted(path for path in paths if not (ROOT / path).exists()) == []
    assert sorted(folder for folder in folders if not is_folder(folder)) == []


@pytest.mark.parametrize("document", ABOUT_CODE)
def test_every_name_exists(document):
    needs("torch")
    needs("lightning")
    needs("fastapi")
    names = {text for text in quoted(document) if _NAME.fullmatch(text)}
    assert sorted(name for name in names if not exists(name)) == []


def test_no_walk_passes_a_file_twice():
    walks = (ROOT / "docs/architecture.md").read_text(encoding="utf-8").split("\n## ")[1:]
    tables = [re.findall(r"^\| \d+ \| `([^`]+)`", walk, re.MULTILINE) for walk in walks]
    assert len([table for table in tables if table]) == 3
    for table in tables:
        assert len(table) == len(set(table))


@pytest.mark.parametrize("document", ALL)
def test_links_lead_somewhere(document):
    folder = (ROOT / document).parent
    text = (ROOT / document).read_text(encoding="utf-8")
    local = [link for link in _LINK.findall(text) if "://" not in link]
    assert [link for link in local if not (folder / link).exists()] == []


@pytest.mark.parametrize("name", ["touchline.nowhere", "touchline.events.Nobody"])
def test_a_name_that_does_not_exist_is_noticed(name):
    assert not exists(name)
