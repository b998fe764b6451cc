"""Files that are whole whenever they are there: written beside, then put in place."""

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from secrets import token_hex

from touchline.errors import InputError


def name_beside(path: Path) -> Path:
    """A name in the same folder that no other process writes to."""
    return path.with_name(f".{path.name[:200]}-{token_hex(4)}.part")


def remove_unfinished(path: Path) -> None:
    """Remove what processes that were killed left beside a file of this name."""
    start, end = f".{path.name[:200]}-", ".part"
    for beside in path.parent.iterdir() if path.parent.is_dir() else ():
        token = beside.name.removeprefix(start).removesuffix(end)
        if beside.name == f"{start}{token}{end}" and len(token) == 8:
            beside.unlink(missing_ok=True)


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """The name to write to. It takes the place of ``path`` if all goes well, else it is removed."""
    unfinished = name_beside(path)
    try:
        yield unfinished
        unfinished.replace(path)
    finally:
        with suppress(OSError):
            unfinished.unlink(missing_ok=True)


def write_text(path: Path, text: str) -> None:
    """Write a text as UTF-8; an existing file stays whole until it is replaced.

    Raises:
        InputError: it cannot be written there.
    """
    try:
        with replacing(path) as unfinished:
            unfinished.write_text(text, encoding="utf-8")
    except OSError as error:
        raise InputError(
            f"cannot be written ({error.strerror})", where=path, remedy="choose another place"
        ) from error
