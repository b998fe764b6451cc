"""A file is there whole, or as it was."""

import os
import signal
import threading
import time

import pytest

from touchline.errors import InputError
from touchline.runtime.atomic import (
    atomic_write,
    remove_temporary,
    temporary_name,
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


def test_temporary_files_of_killed_processes_are_removed_and_no_others(tmp_path):
    path = tmp_path / "a.npy"
    left = temporary_name(path)
    left.touch()
    others = [path, temporary_name(tmp_path / "b.npy"), tmp_path / ".a.npy-x.part"]
    for other in others:
        other.touch()
    remove_temporary(path)
    assert sorted(tmp_path.iterdir()) == sorted(others)


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
