"""Temporary files and folders: locked while their process lives, so that the next one that writes
beside them removes what a killed process left.
"""

import os
import re
import shutil
import tempfile
import time
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from functools import lru_cache
from pathlib import Path
from secrets import token_hex
from typing import IO

from touchline.errors import InputError
from touchline.runtime.locks import is_at, try_lock

_MAX_NAME_BYTES = 200
"""Of the name of the result; with what is added the name stays below the 255 bytes of a system."""

_TEMPORARY = re.compile(r"\..+-[0-9a-f]{8}\.part", re.DOTALL)

_LEFT_SECONDS = 3600
"""A file of another result is removed only if it has not been written to for this long: some file
systems do not show the locks of another computer."""


def temporary_name(path: Path) -> Path:
    """A hidden name in the same folder that no other process writes to."""
    return path.with_name(f"{_beginning(path)}{token_hex(4)}.part")


def _beginning(path: Path) -> str:
    """How the temporary names of a path begin: with its own name, cut at whole characters."""
    name = os.fsencode(path.name)[:_MAX_NAME_BYTES].decode("utf-8", "ignore")
    return f".{name}-"


class TemporaryFile:
    """A file beside the place of a result, empty at first.

    Attributes:
        path: its name, for whatever writes it.

    Raises:
        OSError: it cannot be made there.
    """

    def __init__(self, beside: Path) -> None:
        _sweep(beside)
        self.path, self._held = _made_and_locked(beside)

    def replace(self, target: Path) -> None:
        """Give it the name of the result."""
        if os.name == "nt":  # where an open file cannot be renamed
            self._held.close()
        self.path.replace(target)
        self._held.close()

    def remove(self) -> None:
        """Remove it, if it is there still."""
        if os.name == "nt":
            self._held.close()
        with suppress(OSError):
            self.path.unlink(missing_ok=True)
        self._held.close()


def _made_and_locked(beside: Path) -> tuple[Path, IO[bytes]]:
    while True:
        path = temporary_name(beside)
        file = path.open("xb")
        if os.name == "nt":
            file.close()
            return path, file
        if try_lock(file.fileno()) and is_at(file, path):
            return path, file
        file.close()  # another process swept it away between the two steps


@contextmanager
def temporary_folder(beside: Path | None = None) -> Iterator[Path]:
    """A folder that is gone afterwards.

    Args:
        beside: the place of the result that is made in it; None for the system's own place for
            temporary files.

    Raises:
        OSError: it cannot be made there.
    """
    if beside is None:
        beside = Path(tempfile.gettempdir()) / "touchline"
    remove_temporary(beside)
    folder, held = _made_folder(beside)
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)
        if held is not None:
            os.close(held)


@contextmanager
def scratch_in(target: Path, name: str) -> Iterator[Path]:
    """A hidden folder in a target folder to write into, which is gone afterwards.

    So are the target and the folders above it, if they were made for nothing.

    Args:
        name: of the work, for the hidden folder's name.

    Raises:
        InputError: it cannot be made there.
    """
    made = [folder for folder in (target, *target.parents) if not folder.exists()]
    with ExitStack() as held:
        held.callback(_remove_empty, made)
        try:
            target.mkdir(parents=True, exist_ok=True)
            scratch = held.enter_context(temporary_folder(target / name))
        except OSError as error:
            raise InputError(
                f"cannot be written to ({error.strerror})",
                where=target,
                remedy="choose another folder",
            ) from error
        yield scratch


def _remove_empty(folders: Iterable[Path]) -> None:
    for folder in folders:
        with suppress(OSError):
            folder.rmdir()


def _made_folder(beside: Path) -> tuple[Path, int | None]:
    while True:
        path = temporary_name(beside)
        path.mkdir(mode=0o700)
        if os.name == "nt":
            return path, None
        with suppress(FileNotFoundError):  # swept away between the steps
            descriptor = os.open(path, os.O_RDONLY)
            if try_lock(descriptor) and path.exists():
                return path, descriptor
            os.close(descriptor)


def remove_temporary(path: Path) -> None:
    """Remove the temporary files and folders of this path that killed processes left behind."""
    for left in _temporary_in(path.parent):
        if left.name.startswith(_beginning(path)):
            _remove_unheld(left)


def _sweep(beside: Path) -> None:
    """Remove what killed processes left of this path, and old leavings of others beside it."""
    for left, is_old in _left_in(beside.parent):
        if is_old or left.name.startswith(_beginning(beside)):
            _remove_unheld(left)


@lru_cache(maxsize=4096)
def _left_in(folder: Path) -> tuple[tuple[Path, bool], ...]:
    """Temporary files that lay in a folder when this process first looked, and whether old."""
    found = []
    for path in _temporary_in(folder):
        with suppress(OSError):
            found.append((path, time.time() - path.stat().st_mtime > _LEFT_SECONDS))
    return tuple(found)


def _temporary_in(folder: Path) -> list[Path]:
    with suppress(OSError):
        return [path for path in folder.iterdir() if _TEMPORARY.fullmatch(path.name)]
    return []


def _remove_unheld(path: Path) -> None:
    """Remove a file or folder, unless a living process holds it."""
    if os.name == "nt":
        return
    with suppress(OSError):
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
        try:
            if not try_lock(descriptor, without_locks=False):
                return
            if path.is_dir():
                shutil.rmtree(path)
            else:
                path.unlink()
        finally:
            os.close(descriptor)
