"""The folders of downloads: for files until they are whole, checked and imported."""

import shutil
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from touchline.zoo.store import home

_PREFIX = ".pull-"
_LEFT_SECONDS = 24 * 3600


def waiting_folder() -> Path:
    """Where what has arrived of files waits, for a later pull to go on with."""
    return home() / "downloads"


@contextmanager
def scratch_folder() -> Iterator[Path]:
    """A folder for what is fetched and not yet imported."""
    waiting_folder().mkdir(parents=True, exist_ok=True)
    _remove_left()
    try:
        with tempfile.TemporaryDirectory(prefix=_PREFIX, dir=waiting_folder()) as scratch:
            yield Path(scratch)
    finally:
        with suppress(OSError):  # what waits to be gone on with stays
            waiting_folder().rmdir()


def _remove_left() -> None:
    """Remove what killed processes left behind."""
    for path in waiting_folder().glob(f"{_PREFIX}*"):
        with suppress(OSError):
            if time.time() - path.stat().st_mtime > _LEFT_SECONDS:
                shutil.rmtree(path)
