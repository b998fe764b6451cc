"""A file is there whole, or as it was."""

import os
import signal
import threading
import time

import pytest

from touchline.errors import InputError
from touchline.runtime.atomic import (
    atomic_write,
    together,
    uninterrupted,
    write_text,
)


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


def test_files_that_belong_together_appear_together(tmp_path):
    first, second = tmp_path / "1.txt", tmp_path / "2.txt"
    with together():
        write_text(first, "one")
        assert not first.exists()
        write_text(second, "two")
    assert (first.read_text(), second.read_text()) == ("one", "two")
    assert sorted(tmp_path.iterdir()) == [first, second]


def test_if_one_of_those_fails_none_appears(tmp_path):
    first = tmp_path / "1.txt"
    first.write_text("before")
    with pytest.raises(InputError), together():
        write_text(first, "one")
        write_text(tmp_path / "2.txt", "new")
        write_text(tmp_path / "none" / "3.txt", "three")
    assert first.read_text() == "before"
    assert list(tmp_path.iterdir()) == [first]


def test_together_with_one_that_must_stay_changes_nothing(tmp_path):
    kept = tmp_path / "2.txt"
    kept.write_text("of somebody else")
    with pytest.raises(InputError, match="is there already"), together():
        write_text(tmp_path / "1.txt", "one")
        write_text(kept, "two", overwrite=False)
        kept.write_text("of somebody else, written meanwhile")
    assert list(tmp_path.iterdir()) == [kept]


@pytest.mark.skipif(os.name != "posix", reason="signals as POSIX has them")
def test_signals_wait_until_what_belongs_together_is_done():
    leave = threading.Event()
    other = threading.Thread(target=leave.wait)  # the system may hand it the signal instead
    other.start()
    done = []
    try:
        with pytest.raises(KeyboardInterrupt):
            with uninterrupted():
                os.kill(os.getpid(), signal.SIGINT)
                time.sleep(0.1)
                done.append("the renames")
            done.append("interrupted too late")
    finally:
        leave.set()
        other.join()
    assert done == ["the renames"]
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
