"""The C library's memory allocator."""

import ctypes
import sys

_TRIM_THRESHOLD, _TOP_PAD, _MMAP_MAX = -1, -2, -4
"""Numbers that glibc's ``mallopt`` knows them by."""

_NEVER = 2**31 - 1
_GROW_BYTES = 64 << 20


def keep_freed_memory() -> bool:
    """Let this process keep the memory that it frees, for what it allocates next.

    glibc hands large blocks back to the system at once, and the system clears every page that it
    lends anew. A training step on a processor frees and allocates the same gigabyte every time.

    Returns:
        whether the C library has this to set; glibc has.
    """
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None) if sys.platform == "linux" else None
    if mallopt is None:
        return False
    settings = ((_MMAP_MAX, 0), (_TRIM_THRESHOLD, _NEVER), (_TOP_PAD, _GROW_BYTES))
    return all(mallopt(name, value) for name, value in settings)
