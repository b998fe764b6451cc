"""Files from outside: read within limits, or refused with file, place and remedy."""

import gzip
import io
import json
import struct
import zipfile
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from touchline.errors import FormatError
from touchline.formats import read
from touchline.formats.reading import (
    MAX_DEPTH,
    Limits,
    open_tree,
    parse_json,
    read_bytes,
    read_json,
)

JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=8,
)


@settings(max_examples=60, deadline=None)
@given(JSON_VALUES)
def test_json_is_read_as_python_reads_it(value: object) -> None:
    text = json.dumps(value)
    assert parse_json(text.encode(), "x.json") == json.loads(text)


@settings(deadline=None)
@given(st.binary(max_size=200))
def test_bytes_that_are_no_json_are_refused(content: bytes) -> None:
    try:
        expected = json.loads(content.decode())
    except ValueError:
        if not content.startswith(b"\xef\xbb\xbf"):
            with pytest.raises(FormatError):
                parse_json(content, "x.json")
    else:
        assert repr(parse_json(content, "x.json")) == repr(expected)


def test_what_python_reads_beyond_the_standard_is_read(tmp_path: Path) -> None:
    assert parse_json(b"[Infinity, -Infinity, 1e400]", "x") == [
        float("inf"), float("-inf"), float("inf"),
    ]  # fmt: skip
    assert parse_json(b'["\\ud800", {"a": 1, "a": 2}]', "x") == ["\ud800", {"a": 2}]
    assert parse_json(b"\xef\xbb\xbf[1]", "x") == [1]


def test_malformed_json_names_the_file_and_the_line() -> None:
    with pytest.raises(FormatError, match=r"game\.json: malformed JSON.*line 2 column"):
        parse_json(b'{"a": 1,\n oops}', "game.json")


def test_deep_nesting_is_refused_at_once() -> None:
    for content in (b"[" * 100_000_000, b'{"a":' * 1000):
        with pytest.raises(FormatError, match="nested"):
            parse_json(content, "deep.json")
    shallow = b"[" * (MAX_DEPTH - 1) + b"]" * (MAX_DEPTH - 1)
    assert parse_json(shallow, "x")


def test_large_files_are_refused_before_they_are_read(tmp_path: Path) -> None:
    path = tmp_path / "large.json"
    with path.open("wb") as stream:
        stream.truncate(10 << 30)
    with pytest.raises(FormatError, match="larger than 256 MiB"):
        read_json(path)


def test_compressed_files_are_read_within_the_limit(tmp_path: Path) -> None:
    path = tmp_path / "events.json.gz"
    path.write_bytes(gzip.compress(b"[1, 2]"))
    assert read_json(path) == [1, 2]
    path.write_bytes(gzip.compress(bytes(5 << 20)))
    with pytest.raises(FormatError, match="larger than 1 MiB"):
        read_bytes(path, Limits(max_file_bytes=1 << 20))
    for damaged in (b"not gzip at all", gzip.compress(bytes(1000))[:-9]):
        path.write_bytes(damaged)
        with pytest.raises(FormatError, match="cannot be read"):
            read_bytes(path)


def test_missing_files_and_folders(tmp_path: Path) -> None:
    with pytest.raises(FormatError, match="no such file"):
        read_bytes(tmp_path / "nothing.json")
    with pytest.raises(FormatError, match="not a regular file"):
        read_bytes(tmp_path)
    with pytest.raises(FormatError, match="no such file or folder"):
        open_tree(tmp_path / "nothing")


def test_folders_and_zips_show_the_same_files(tmp_path: Path) -> None:
    files = {"b/two.json": b"2", "a/one.json": b"1", "top.txt": b"3"}
    for name, content in files.items():
        (tmp_path / "tree" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "tree" / name).write_bytes(content)
    write_zip(tmp_path / "tree.zip", files)
    for path in (tmp_path / "tree", tmp_path / "tree.zip"):
        with open_tree(path) as tree:
            assert tree.names() == sorted(files)
            assert {name: tree.read(name) for name in tree.names()} == files
            assert "one.json" in tree.where("a/one.json")


@pytest.mark.parametrize(
    "name", ["../up.json", "a/../../up.json", "/etc/up.json", "C:/up.json", "..\\up"]
)
def test_zip_names_that_lead_outside_are_refused(tmp_path: Path, name: str) -> None:
    write_zip(tmp_path / "evil.zip", {name: b"{}"})
    with pytest.raises(FormatError, match="leads outside"):
        open_tree(tmp_path / "evil.zip")


def test_zip_with_one_name_twice_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "twice.zip"
    with zipfile.ZipFile(path, "w") as archive, pytest.warns(UserWarning, match="Duplicate"):
        archive.writestr("game/Labels-v2.json", b"{}")
        archive.writestr("game/Labels-v2.json", b"{}")
    with pytest.raises(FormatError, match="occurs twice"):
        open_tree(path)


def test_zip_bombs_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "bomb.zip"
    write_zip(path, {"bomb.json": bytes(64 << 20)})
    with open_tree(path) as tree, pytest.raises(FormatError, match="zip bomb"):
        tree.read("bomb.json")
    with pytest.raises(FormatError, match="unpacks to more than 32 MiB"):
        open_tree(path, Limits(max_total_bytes=32 << 20))
    with pytest.raises(FormatError, match="more than 0 files"):
        open_tree(path, Limits(max_files=0))


def test_zip_that_lies_about_its_sizes_is_refused(tmp_path: Path) -> None:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("bomb.json", bytes(8 << 20))
    content = buffer.getvalue()
    honest, lie = struct.pack("<I", 8 << 20), struct.pack("<I", 100)
    (tmp_path / "lie.zip").write_bytes(content.replace(honest, lie))
    with open_tree(tmp_path / "lie.zip") as tree, pytest.raises(FormatError, match="damaged"):
        tree.read("bomb.json")


def test_encrypted_and_damaged_zips_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "some.zip"
    write_zip(path, {"a.json": b"[1, 2, 3]" * 100})
    content = bytearray(path.read_bytes())
    place = content.index(b"PK\x01\x02")
    content[place + 8] |= 1
    path.write_bytes(content)
    with open_tree(path) as tree, pytest.raises(FormatError, match="encrypted"):
        tree.read("a.json")
    path.write_bytes(content[: len(content) // 2])
    with pytest.raises(FormatError, match="not a readable zip"):
        open_tree(path)


@settings(max_examples=60, deadline=None)
@given(st.binary(max_size=300), st.integers(0, 300))
def test_any_damage_to_a_zip_is_survived(
    tmp_path_factory: pytest.TempPathFactory, noise: bytes, at: int
) -> None:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("league/season/game/Labels-v2.json", b'{"annotations": []}' * 5)
    content = buffer.getvalue()
    path = tmp_path_factory.mktemp("zip") / "x.zip"
    path.write_bytes(content[:at] + noise + content[at + len(noise) :])
    try:
        with open_tree(path) as tree:
            for name in tree.names():
                tree.read(name)
    except FormatError as error:
        assert "x.zip" in str(error)


def write_zip(path: Path, files: dict[str, bytes]) -> None:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(name, content)


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32"])
def test_json_of_every_unicode_encoding_is_read(tmp_path, encoding):
    text = '{"UrlLocal": "a/b/c", "annotations": [{"gameTime": "1 - 00:05", "label": "Tor für"}]}'
    (tmp_path / "Labels-v2.json").write_bytes(text.encode(encoding))
    assert [event.label for event in read(tmp_path / "Labels-v2.json").events] == ["Tor für"]


def test_half_a_character_of_utf_16_is_refused(tmp_path):
    (tmp_path / "m.json").write_bytes('{"a": 1}'.encode("utf-16")[:-1])
    with pytest.raises(FormatError, match="UTF-16"):
        read(tmp_path / "m.json")
