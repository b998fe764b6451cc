"""How much memory a process may take for a while."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_STATUS = Path("/proc/self/status")
_lock = threading.Lock()
_inside = 0
_before: tuple[int, int] | None = None


@contextmanager
def at_most_more(allowed_bytes: int) -> Iterator[None]:
    """Let this process allocate so much more, on Linux; beyond it, what allocates fails.

    The limit is the whole process's, whichever thread allocates: allow far more than what else
    may be at work needs.

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
    if _inside > 1 or taken is None:
        return
    import resource

    _before = resource.getrlimit(resource.RLIMIT_DATA)
    soft, hard = _before
    wanted = taken + allowed_bytes
    if soft == resource.RLIM_INFINITY or wanted < soft:
        resource.setrlimit(resource.RLIMIT_DATA, (wanted, hard))


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
