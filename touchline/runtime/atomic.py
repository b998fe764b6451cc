"""Files that are whole whenever they are there: written under another name, then put in place."""

import filecmp
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from pathlib import Path

from touchline.errors import InputError
from touchline.runtime.temporary import TemporaryFile


@dataclass(frozen=True)
class _Written:
    """A file that is complete under its temporary name."""

    temporary: TemporaryFile
    path: Path
    overwrite: bool

    def check(self) -> None:
        """Refuse to replace a file that must stay and holds something else."""
        if self.overwrite or not self.path.exists():
            return
        if not filecmp.cmp(self.temporary.path, self.path, shallow=False):
            raise already_there(self.path)

    def put(self) -> None:
        """Give it its name, unless the same content has it."""
        if self.overwrite or not self.path.exists():
            self.temporary.replace(self.path)


_together: ContextVar[list[_Written] | None] = ContextVar("_together", default=None)


@contextmanager
def atomic_write(path: Path, *, overwrite: bool = True) -> Iterator[Path]:
    """The temporary path to write to: renamed to ``path`` if all goes well, else removed.

    Raises:
        InputError: ``overwrite`` is false and ``path`` holds something else.
    """
    written = _Written(TemporaryFile(path), path, overwrite)
    group = _together.get()
    waits = False
    try:
        yield written.temporary.path
        written.check()
        if group is None:
            written.put()
        else:
            group.append(written)
            waits = True
    finally:
        if not waits:
            written.temporary.remove()


@contextmanager
def together() -> Iterator[None]:
    """Files that belong together: those written within get their names at the end, or none does."""
    group: list[_Written] = []
    token = _together.set(group)
    try:
        yield
        for written in group:
            written.check()
        with uninterrupted():
            for written in group:
                written.put()
    finally:
        _together.reset(token)
        for written in group:
            written.temporary.remove()


def already_there(path: Path) -> InputError:
    """The error for a file with other content in the place of a result."""
    return InputError(
        "is there already",
        where=path,
        remedy="write elsewhere, or give --overwrite",
    )


@contextmanager
def uninterrupted() -> Iterator[None]:
    """Hold back Ctrl-C and SIGTERM for a few renames that belong together.

    Python runs handlers of signals in its main thread only, whichever thread the system hands a
    signal to, so other threads need no protection, and blocking signals in one thread gives none.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    held: list[int] = []
    before = {
        number: signal.signal(number, lambda number, frame: held.append(number))
        for number in (signal.SIGINT, signal.SIGTERM)
    }
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, signal.SIG_DFL if handler is None else handler)
        for held_back in dict.fromkeys(held):
            signal.raise_signal(held_back)


def write_text(path: Path, text: str, *, overwrite: bool = True) -> None:
    """Write a text as UTF-8; an existing file stays whole until it is replaced.

    Bytes of a file name that are not UTF-8 are written as ``\\udcff``, which JSON reads back.

    Raises:
        InputError: it cannot be written there, or another file is there that must stay.
    """
    try:
        with atomic_write(path, overwrite=overwrite) as temporary:
            temporary.write_text(text, encoding="utf-8", errors="backslashreplace")
    except OSError as error:
        raise InputError(
            f"cannot be written ({error.strerror})", where=path, remedy="choose another place"
        ) from error
