"""The folders of downloads: for files until they are whole, checked and imported."""

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from touchline.runtime.temporary import temporary_folder
from touchline.zoo.store import home


def waiting_folder() -> Path:
    """Where what has arrived of files waits, for a later pull to go on with."""
    return home() / "downloads"


@contextmanager
def scratch_folder() -> Iterator[Path]:
    """A folder for what is fetched and not yet imported."""
    waiting_folder().mkdir(parents=True, exist_ok=True)
    try:
        with temporary_folder(waiting_folder() / "pull") as scratch:
            yield scratch
    finally:
        with suppress(OSError):  # what waits to be gone on with stays
            waiting_folder().rmdir()
