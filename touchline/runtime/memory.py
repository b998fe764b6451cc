"""How much memory a process may take for a while, and which errors tell of too little."""

import errno
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_STATUS = Path("/proc/self/status")
_WORDS = ("bad_alloc", "MemoryError", "allocate memory", "failed to map segment")
"""What libraries, Python and the system say where memory is lacking, the system in
``Cannot allocate memory``, PyTorch in ``can't allocate memory``, the linker of a library that there
is no room for in ``failed to map segment from shared object``."""

GAVE_UP = "a library gave up (SIGABRT): the file may be damaged, or need more memory than there is"
"""Of a process that was aborted: libraries do so where memory is short, mostly without a word."""

_lock = threading.Lock()
_inside = 0
_before: tuple[int, int] | None = None


def is_memory_error(error: BaseException) -> bool:
    """Whether an error tells of too little memory, whichever library raised it."""
    if isinstance(error, OSError) and error.errno == errno.ENOMEM:
        return True
    is_of_library = isinstance(error, RuntimeError | ImportError) and tells_of_memory(str(error))
    return isinstance(error, MemoryError) or is_of_library


def tells_of_memory(text: str) -> bool:
    """Whether the message of an error tells of too little memory."""
    return any(words in text for words in _WORDS)


@contextmanager
def at_most_more(allowed_bytes: int) -> Iterator[None]:
    """Let this process allocate so much more, on Linux; beyond it, what allocates fails.

    The limit is the whole process's, so there is none while other threads of Python's run: they
    would fail in the place of what is done within.

    Raises:
        MemoryError: what is done within asked for more, in Python.
    """
    with _lock:
        _enter(allowed_bytes)
    try:
        yield
    finally:
        with _lock:
            _leave()


def _enter(allowed_bytes: int) -> None:
    global _inside, _before
    _inside += 1
    taken = _taken_bytes()
    if _inside > 1 or taken is None or threading.active_count() > 1:
        return
    import resource

    soft, hard = resource.getrlimit(resource.RLIMIT_DATA)
    wanted = taken + allowed_bytes
    if soft == resource.RLIM_INFINITY or wanted < soft:
        resource.setrlimit(resource.RLIMIT_DATA, (wanted, hard))
        _before = (soft, hard)


def _leave() -> None:
    global _inside, _before
    _inside -= 1
    if _inside or _before is None:
        return
    import resource

    resource.setrlimit(resource.RLIMIT_DATA, _before)
    _before = None


def _taken_bytes() -> int | None:
    """Private memory that this process may write to; None where it is not known."""
    try:
        text = _STATUS.read_text("ascii", "replace")
    except OSError:
        return None
    line = next((line for line in text.splitlines() if line.startswith("VmData:")), None)
    return None if line is None else int(line.split()[1]) << 10
