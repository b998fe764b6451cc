"""Untrimmed recordings of halves, ``1_HQ.mkv`` and ``2_HQ.mkv``, and the ``video.ini`` beside them.

``video.ini`` states where in each recording its half lies. The published videos of halves were cut
at these times truncated to whole seconds, and labels count from there.
"""

import configparser
import math
import re
from dataclasses import dataclass

from touchline.errors import FormatError

RECORDING_TIMES = "video.ini"
"""The file, beside the recordings of a game."""

_RECORDING = re.compile(r"([1-4])_HQ\.\w+", re.IGNORECASE)
_MOST_SECONDS = 1e6


@dataclass(frozen=True)
class PartOfRecording:
    """Where a half lies in its recording, in whole seconds.

    Attributes:
        seconds: how long it is; None up to the end.
    """

    start_seconds: int
    seconds: int | None = None


def half_of_recording(name: str) -> int | None:
    """The half of which a file is the untrimmed recording, by its name; None for other files."""
    found = _RECORDING.fullmatch(name)
    return None if found is None else int(found[1])


def read_recording_times(content: bytes, where: str) -> dict[int, PartOfRecording]:
    """The halves of a ``video.ini``.

    Args:
        content: of the file.
        where: its name, for messages.

    Raises:
        FormatError: malformed, or a time that is missing, not a number or negative.
    """
    parser = configparser.ConfigParser(interpolation=None)
    try:
        parser.read_string(content.decode("utf-8-sig"))
        return {
            int(name[0]): _part(parser[name], where)
            for name in parser.sections()
            if name[:1] in "1234"
        }
    except (ValueError, configparser.Error) as error:
        reason = str(error).splitlines()[0]
        raise FormatError(f"cannot be read: {reason}", where=where) from error


def _part(section: configparser.SectionProxy, where: str) -> PartOfRecording:
    times = {}
    for key in ("start_time_second", "duration_second"):
        text = section.get(key)
        if text is None and key == "duration_second":
            continue
        seconds = math.nan if text is None else float(text)
        if not 0 <= seconds <= _MOST_SECONDS:
            raise FormatError(
                f"{section.name}: {key} is {text!r}",
                where=where,
                remedy="give seconds, 0 or more",
            )
        times[key] = int(seconds)
    if times.get("duration_second") == 0:
        raise FormatError(f"{section.name}: a half of less than a second", where=where)
    return PartOfRecording(times["start_time_second"], times.get("duration_second"))
