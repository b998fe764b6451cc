"""The kick-offs that people give: ``--kick-off 1=12.4,2=1:00:05``."""

from collections.abc import Iterable

from touchline.errors import InputError
from touchline.timebase import parse_seconds


def parse_kick_offs(given: Iterable[str], half: int | None = None) -> dict[int, float]:
    """Seconds in the video by half; negative where it starts after the kick-off.

    Args:
        given: times, each with its half and ``=`` before it, or of the halves in order; several
            with commas between.
        half: that of the first time without one.

    Raises:
        InputError: not a time, or a half twice.
    """
    found: dict[int, float] = {}
    for text in (part for several in given for part in several.split(",")):
        name, equals, time = text.strip().rpartition("=")
        number = int(name) if name.isdecimal() else (half or len(found) + 1)
        if (equals and not name.isdecimal()) or number in found:
            raise InputError(
                f"{text!r} is not a kick-off of another half", where="--kick-off",
                remedy="write 5:12 for the first half, 2=1:02:30 for the second",
            )  # fmt: skip
        found[number] = _signed_seconds(time)
    return found


def _signed_seconds(text: str) -> float:
    return -parse_seconds(text[1:]) if text.startswith("-") else parse_seconds(text)
