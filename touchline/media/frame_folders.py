"""Folders of frames: ``000000.jpg``, ``000001.jpg``, ... beside ``fps.txt``, as E2E-Spot has them.

Such a folder is a video without sound, frame i of which is shown from i / rate on. A frame that is
missing would move all later ones, so that it is refused.
"""

import os
import re
from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache
from pathlib import Path

from touchline.errors import InputError, MediaError
from touchline.timebase import parse_rate

RATE_FILE = "fps.txt"
"""The file that makes a folder of pictures a video: frames a second, as text."""

MAX_FRAMES = 2_000_000

_FRAME = re.compile(r"(?P<before>.*?)(?P<number>\d{1,12})(?P<after>\.(?:jpe?g|png))", re.IGNORECASE)
_MAX_RATE_BYTES = 100


@dataclass(frozen=True)
class FrameFolder:
    """What there is in a folder of frames.

    Attributes:
        pattern: of the names, with one ``%d`` for the number.
        first: number of the first frame.
        count: frames.
        rate: frames a second.
    """

    path: Path
    pattern: str
    first: int
    count: int
    rate: Fraction

    @property
    def names(self) -> list[str]:
        """Of the frames, in order."""
        return [self.pattern % (self.first + i) for i in range(self.count)]

    @property
    def files(self) -> list[Path]:
        """The frames, in order."""
        return [self.path / name for name in self.names]


def is_frame_folder(path: str | Path) -> bool:
    """Whether a path is a folder with ``fps.txt``."""
    try:
        return (Path(path) / RATE_FILE).is_file()
    except (OSError, ValueError):  # a name that no file can have
        return False


def read_frame_folder(path: str | Path) -> FrameFolder:
    """The frames of a folder; no picture is opened.

    A half has tens of thousands of frames, and clips are read from it again and again, so that
    what was found is kept until the folder or its rate changes.

    Raises:
        MediaError: no frames, one that is missing, names that do not agree, or no rate.
    """
    path = Path(path)
    try:
        changed = path.stat().st_mtime_ns, (path / RATE_FILE).stat().st_mtime_ns
    except OSError as error:
        raise MediaError(f"cannot be read ({error.strerror})", where=path) from error
    return _found(path, changed)


@lru_cache(maxsize=1024)
def _found(path: Path, changed: tuple[int, int]) -> FrameFolder:
    """The frames of a folder whose names and rate changed at these times."""
    rate = _read_rate(path / RATE_FILE)
    with os.scandir(path) as entries:
        found = [
            name
            for entry in entries
            if (name := _FRAME.fullmatch(entry.name)) is not None and entry.is_file()
        ]
    if not found:
        raise MediaError("holds no frames", where=path, remedy="such as 000000.jpg")
    if len(found) > MAX_FRAMES:
        raise MediaError(f"holds more than {MAX_FRAMES} frames", where=path)
    numbers = {int(name["number"]): name for name in found}
    first = min(numbers)
    width = len(numbers[first]["number"])
    pattern = f"{_literal(numbers[first]['before'])}%0{width}d{numbers[first]['after']}"
    folder = FrameFolder(path, pattern, first, len(found), rate)
    names = {name.group() for name in found}
    for frame in folder.names:
        if frame not in names:
            raise MediaError(
                f"the frame {frame} is missing",
                where=path,
                remedy="extract the frames again: a gap would move all later ones",
            )
    return folder


def _literal(text: str) -> str:
    return text.replace("%", "%%")


def _read_rate(path: Path) -> Fraction:
    try:
        with path.open("rb") as file:
            text = file.read(_MAX_RATE_BYTES).decode("ascii").strip()
        return parse_rate(text)
    except OSError as error:
        raise MediaError(f"cannot be read ({error.strerror})", where=path) from error
    except (UnicodeDecodeError, InputError) as error:
        raise MediaError(
            "does not state the frames a second", where=path, remedy="such as 2.0833333333333335"
        ) from error
