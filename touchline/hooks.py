"""What the domain calls and the package provides, so that the domain imports nothing above it."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from touchline.reel import Reel

ReelWriter = Callable[["Reel", Path, str | Path | Mapping[int, Path] | None], None]

_reel_writer: ReelWriter | None = None


def set_reel_writer(writer: ReelWriter) -> None:
    """Say what ``Reel.write`` does; the package does so when it is imported."""
    global _reel_writer
    _reel_writer = writer


def reel_writer() -> ReelWriter:
    """What ``Reel.write`` does."""
    if _reel_writer is None:
        raise RuntimeError("the package touchline provides the writer of reels")
    return _reel_writer
