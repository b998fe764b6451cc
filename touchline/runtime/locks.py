"""Locks on files and folders: the system gives them up when their process ends, however it ends.

Where there are none (Windows, some network file systems), everything counts as free.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from touchline.errors import InputError


def try_lock(descriptor: int, *, without_locks: bool = True) -> bool:
    """Lock an open file or folder for this process; False if another one holds it.

    Args:
        without_locks: the answer where the file system has no locks.
    """
    try:
        import fcntl
    except ImportError:
        return without_locks
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError:
        return without_locks
    return True


def is_at(file: IO[bytes], path: Path) -> bool:
    """Whether an open file still has this name."""
    return path.exists() and os.path.samestat(os.fstat(file.fileno()), path.stat())


@contextmanager
def locked_folder(folder: Path) -> Iterator[None]:
    """Keep other processes that ask for it out of a folder.

    Raises:
        InputError: another process is in it.
    """
    if os.name == "nt":  # has no descriptors of folders
        yield
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        if not try_lock(descriptor):
            raise InputError(
                "another process is writing into it",
                where=folder,
                remedy="wait for that one, or name another folder",
            )
        yield
    finally:
        os.close(descriptor)
