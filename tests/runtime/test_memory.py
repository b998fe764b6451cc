"""What a process may take for a while, and which errors tell of too little memory."""

import errno
import subprocess
import sys

import pytest

from touchline.runtime import memory
from touchline.runtime.confined import is_confinable
from touchline.runtime.memory import at_most_more, is_memory_error

LIMITED = pytest.mark.skipif(not is_confinable(), reason="limits as Linux has them")

PROGRAM = """
import resource, threading
from touchline.runtime.memory import at_most_more

resource.setrlimit(resource.RLIMIT_DATA, (1 << 34, resource.RLIM_INFINITY))
before = resource.getrlimit(resource.RLIMIT_DATA)
{start}
try:
    with at_most_more(64 << 20), at_most_more(64 << 20):
        print(len(bytearray(1 << 28)))
except MemoryError:
    print("refused")
assert resource.getrlimit(resource.RLIMIT_DATA) == before
print(len(bytearray(1 << 28)))
"""


def said(start: str) -> list[str]:
    """In a process of its own, as that of the tests may have further threads."""
    words = [sys.executable, "-c", PROGRAM.format(start=start)]
    done = subprocess.run(words, capture_output=True, text=True)
    assert not done.stderr
    return done.stdout.split()


@LIMITED
def test_what_takes_more_than_allowed_fails_and_later_work_does_not():
    assert said("") == ["refused", str(1 << 28)]


@LIMITED
def test_other_threads_do_not_fail_in_its_place():
    start = "threading.Thread(target=threading.Event().wait, daemon=True).start()"
    assert said(start) == [str(1 << 28)] * 2


@LIMITED
def test_where_the_memory_taken_is_not_known_the_limit_stays_as_it_was(monkeypatch, tmp_path):
    import resource

    status = tmp_path / "status"
    status.write_text("Name:\tpython\n")
    monkeypatch.setattr(memory, "_STATUS", status)
    before = resource.getrlimit(resource.RLIMIT_DATA)
    with at_most_more(1 << 20):
        pass
    assert resource.getrlimit(resource.RLIMIT_DATA) == before


@pytest.mark.parametrize(
    "error, is_memory",
    [
        (MemoryError(), True),
        (RuntimeError("std::bad_alloc"), True),
        (ImportError("libx.so.0: failed to map segment from shared object"), True),
        (ImportError("No module named x"), False),
        (RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried to ..."), True),
        (OSError(errno.ENOMEM, "Cannot allocate memory"), True),
        (OSError(errno.ENOENT, "No such file"), False),
        (RuntimeError("shapes differ"), False),
        (ValueError("MemoryError"), False),
    ],
)
def test_libraries_say_in_words_of_their_own_that_memory_is_lacking(error, is_memory):
    assert is_memory_error(error) is is_memory
