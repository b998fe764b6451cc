"""A file is there whole, or as it was."""

import pytest

from touchline.errors import InputError
from touchline.runtime.atomic import atomic_write, write_text


def test_a_file_takes_the_place_of_another(tmp_path):
    path = tmp_path / "a.txt"
    path.write_text("before")
    write_text(path, "Tor für Köln\n")
    assert path.read_bytes().decode("utf-8") == "Tor für Köln\n"
    assert list(tmp_path.iterdir()) == [path]


def test_what_fails_half_way_leaves_everything_as_it_was(tmp_path):
    path = tmp_path / "a.bin"
    path.write_bytes(b"before")
    with pytest.raises(ZeroDivisionError), atomic_write(path) as unfinished:
        unfinished.write_bytes(b"half")
        raise ZeroDivisionError
    assert path.read_bytes() == b"before"
    assert list(tmp_path.iterdir()) == [path]


def test_a_place_that_cannot_be_written_is_named(tmp_path):
    with pytest.raises(InputError, match=r"none/a\.txt"):
        write_text(tmp_path / "none" / "a.txt", "")
