"""Files that are whole whenever they are there: written under another name, then put in place."""

import filecmp
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from secrets import token_hex

from touchline.errors import InputError


def temporary_name(path: Path) -> Path:
    """A hidden name in the same folder that no other process writes to."""
    return path.with_name(f".{path.name[:200]}-{token_hex(4)}.part")


def remove_temporary(path: Path) -> None:
    """Remove the temporary files of this path that killed processes left behind."""
    start, end = f".{path.name[:200]}-", ".part"
    for beside in path.parent.iterdir() if path.parent.is_dir() else ():
        token = beside.name.removeprefix(start).removesuffix(end)
        if beside.name == f"{start}{token}{end}" and len(token) == 8:
            beside.unlink(missing_ok=True)


@contextmanager
def atomic_write(path: Path, *, overwrite: bool = True) -> Iterator[Path]:
    """The temporary path to write to: renamed to ``path`` if all goes well, else removed.

    Raises:
        InputError: ``overwrite`` is false and ``path`` holds something else.
    """
    temporary = temporary_name(path)
    try:
        yield temporary
        if overwrite or not path.exists():
            temporary.replace(path)
        elif not filecmp.cmp(temporary, path, shallow=False):
            raise already_there(path)
    finally:
        with suppress(OSError):
            temporary.unlink(missing_ok=True)


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

    Raises:
        InputError: it cannot be written there, or another file is there that must stay.
    """
    try:
        with atomic_write(path, overwrite=overwrite) as temporary:
            temporary.write_text(text, encoding="utf-8")
    except OSError as error:
        raise InputError(
            f"cannot be written ({error.strerror})", where=path, remedy="choose another place"
        ) from error
