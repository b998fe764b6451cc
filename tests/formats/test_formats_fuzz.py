"""Whatever a file holds: read, or refused with one of our errors; in bounded time and memory.

``FUZZ_EXAMPLES=2000 pytest tests/formats/test_formats_fuzz.py`` looks longer.
"""

import json
import os
import zipfile
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from touchline.errors import FormatError, InputError
from touchline.formats import FORMATS, read, read_matches
from touchline.formats.base import SourceFile

GOLDEN = sorted((Path(__file__).parents[1] / "golden" / "formats").iterdir())
READERS = sorted(name for name in FORMATS if name != "kloppy")
KEYS = tuple(Path(__file__).with_name("field_names.txt").read_text().split())

numbers = st.one_of(
    st.integers(),
    st.floats(),
    st.sampled_from([10**400, -(10**400), 1e308, -0.0, 2**63, 10**15, 0, 1, 2]),
)
texts = st.one_of(
    st.text(max_size=20),
    st.sampled_from(
        ["1 - 07:41", "9" * 5000, "nan", "-inf", "1e999", "touchline-events", "touchline-reel",
         "Timeline.1", "Clip.2", "Track.1", "Stack.1", "TimeRange.1", "RationalTime.1", "\ud800"]
    ),
)  # fmt: skip
values = st.recursive(
    st.one_of(st.none(), st.booleans(), numbers, texts),
    lambda inner: st.one_of(
        st.lists(inner, max_size=4),
        st.dictionaries(st.sampled_from(KEYS), inner, max_size=6),
    ),
    max_leaves=25,
)

fuzz = settings(
    deadline=None,
    max_examples=int(os.environ.get("FUZZ_EXAMPLES", "40")),
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)


def attempt(name: str, data: bytes, file: str = "x.json") -> None:
    """Sniff and read; nothing but our own errors may come out."""
    known = FORMATS[name]
    known.sniff(SourceFile(file, file, data))
    try:
        known.read(SourceFile(file, file, data))
    except InputError as error:
        assert file in str(error)


@pytest.mark.parametrize("name", READERS)
@fuzz
@given(data=st.binary(max_size=400))
def test_random_bytes(name, data):
    attempt(name, data)


@pytest.mark.parametrize("name", READERS)
@fuzz
@given(document=st.one_of(values, st.dictionaries(st.sampled_from(KEYS), values, max_size=8)))
def test_random_json(name, document):
    attempt(name, json.dumps(document).encode())


def _mutate(document, path, value):
    """The document with the value at a random place replaced."""
    if isinstance(document, dict) and document and path:
        key = sorted(document)[path[0] % len(document)]
        return document | {key: _mutate(document[key], path[1:], value)}
    if isinstance(document, list) and document and path:
        at = path[0] % len(document)
        return [*document[:at], _mutate(document[at], path[1:], value), *document[at + 1 :]]
    return value


@pytest.mark.parametrize("golden", [p for p in GOLDEN if p.suffix in (".json", ".otio")],
                         ids=lambda path: path.name)  # fmt: skip
@fuzz
@given(path=st.lists(st.integers(0, 9), min_size=1, max_size=8), value=values)
def test_valid_json_with_one_value_replaced(golden, path, value):
    document = json.dumps(_mutate(json.loads(golden.read_text()), path, value)).encode()
    for name in READERS:
        if FORMATS[name].sniff(SourceFile(golden.name, golden.name, document)):
            attempt(name, document, golden.name)


@pytest.mark.parametrize("golden", GOLDEN, ids=lambda path: path.name)
@fuzz
@given(data=st.data())
def test_valid_files_with_bytes_changed(golden, data):
    content = bytearray(golden.read_bytes())
    for _ in range(data.draw(st.integers(1, 4))):
        at = data.draw(st.integers(0, len(content) - 1))
        length = data.draw(st.integers(0, 6))
        content[at : at + length] = data.draw(st.binary(max_size=6))
    for name in READERS:
        source = SourceFile(golden.name, golden.name, bytes(content))
        if FORMATS[name].sniff(source):
            attempt(name, bytes(content), golden.name)


@pytest.mark.parametrize("golden", GOLDEN, ids=lambda path: path.name)
def test_valid_files_cut_short(golden):
    content = golden.read_bytes()
    for tenth in range(10):
        part = content[: len(content) * tenth // 10]
        for name in READERS:
            if FORMATS[name].sniff(SourceFile(golden.name, golden.name, part)):
                attempt(name, part, golden.name)


@pytest.mark.parametrize("text", ["[" * 200_000, '{"a":' * 200_000, "[" * 300 + "]" * 300])
def test_depth(tmp_path, text):
    for name in ("a.json", "a.events.json", "a.otio", "Labels-v2.json"):
        (tmp_path / name).write_text(text)
        with pytest.raises(FormatError):
            read(tmp_path / name)


def test_endless_lists(tmp_path):
    document = b'{"predictions":[' + b",".join([b"{}"] * 1_000_001) + b"]}"
    (tmp_path / "results_spotting.json").write_bytes(document)
    with pytest.raises(FormatError, match="1000001 items"):
        read(tmp_path / "results_spotting.json")


def test_billion_laughs(tmp_path):
    entities = "".join(f'<!ENTITY a{i} "{f"&a{i - 1};" * 10 if i else "ha"}">' for i in range(10))
    for name, root in (("a.xml", "file"), ("a.fcpxml", "fcpxml")):
        (tmp_path / name).write_text(f"<!DOCTYPE {root} [{entities}]><{root}>&a9;</{root}>")
        with pytest.raises(FormatError, match="document type"):
            read(tmp_path / name)


def test_a_zip_bomb(tmp_path):
    with zipfile.ZipFile(tmp_path / "a.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("l/s/g/results_spotting.json", b"[" + b" " * 100_000_000)
    assert (tmp_path / "a.zip").stat().st_size < 200_000
    with pytest.raises(FormatError, match="bomb"):
        read_matches(tmp_path / "a.zip")


@pytest.mark.parametrize(
    "name",
    [
        "../results_spotting.json",
        "/etc/results_spotting.json",
        "a\\..\\..\\results_spotting.json",
        "C:/results_spotting.json",
    ],
)
def test_a_zip_that_leads_outside(tmp_path, name):
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        archive.writestr(name, '{"predictions": []}')
    with pytest.raises(FormatError, match="outside"):
        read_matches(tmp_path / "a.zip")


def test_a_zip_that_is_none(tmp_path):
    (tmp_path / "a.zip").write_bytes(b"PK\x03\x04 not really")
    with pytest.raises(FormatError, match="zip"):
        read(tmp_path / "a.zip")


@pytest.mark.parametrize("game", ["../outside", "/outside", "a/../../b", ".."])
def test_games_cannot_be_written_outside(tmp_path, game):
    from touchline.events import Event, Match, Timeline, Video
    from touchline.formats import write

    match = Match(game, (Timeline(Video("1"), (Event(1.0, "Goal"),), half=1),))
    for target in ("tree", "tree.zip"):
        with pytest.raises(FormatError):
            write({game: match, "b": match}, tmp_path / target)
    assert not (tmp_path / "tree.zip").exists()
