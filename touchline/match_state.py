"""Match clock and score of an event, as people read them: ``2H 63:10, 1-0``."""

import math
import re

from touchline.errors import InputError
from touchline.events import Event, Score
from touchline.timebase import HALF_CLOCKS

GOAL = "goal"
"""The class of a goal, in lower case: label sets differ in their spelling."""

_HALF_NAMES = {1: "1H", 2: "2H", 3: "ET1", 4: "ET2"}
_SIDES = {"home": 0, "away": 1}
_SCORE = re.compile(r"\s*(\d{1,3})\s*[-:–]\s*(\d{1,3})\s*", re.ASCII)


def format_half(half: int) -> str:
    """Write a half as ``1H``, ``2H``, ``ET1`` or ``ET2``."""
    return _HALF_NAMES.get(half, f"{half}H")


def format_match_clock(seconds: float, half: int | None = None) -> str:
    """Write a match clock as ``63:10``, truncated; minutes are not folded into hours.

    With the half before it (``2H 63:10``) where that is given, and then with added time:
    ``1H 45+2:10``, ``2H 90+0:30``, ``ET1 105+1:02``.
    """
    whole = math.floor(seconds + 1e-6)
    if half is None:
        return _minutes(whole)
    end = round(HALF_CLOCKS[half][1]) if half in HALF_CLOCKS else whole
    if whole <= end:
        return f"{format_half(half)} {_minutes(whole)}"
    return f"{format_half(half)} {end // 60}+{_minutes(whole - end)}"


def format_score(score: Score) -> str:
    """Write a score as ``1-0``."""
    return f"{score[0]}-{score[1]}"


def parse_score(text: str) -> Score:
    """Read ``1-0`` (also ``1:0``, also with spaces).

    Raises:
        InputError: the text is not of this form.
    """
    found = _SCORE.fullmatch(text)
    if found is None:
        raise InputError(f"{text[:40]!r} is not a score", remedy="write 1-0")
    return int(found[1]), int(found[2])


def score_shown(event: Event) -> Score | None:
    """The score to show at an event: before it, but after it at a goal whose side is known.

    A goal of ``home`` or ``away`` counts unless it is rejected; one of a team that is only named
    shows the score before it.
    """
    side = _SIDES.get((event.team or "").lower())
    if event.score is None or side is None:
        return event.score
    if event.label.lower() != GOAL or event.status == "rejected":
        return event.score
    home, away = event.score
    return (home + 1, away) if side == 0 else (home, away + 1)


def match_state(event: Event, half: int | None = None) -> str:
    """What an event says of the match at its time, such as ``2H 63:10, 1-0``; else empty.

    A clock that only a text of another program states is given as written there. A half alone
    is not shown.

    Args:
        half: that of the event's video, where the event does not name one.
    """
    half = event.half or half
    score = score_shown(event)
    parts = []
    if event.clock_seconds is not None:
        parts.append(format_match_clock(event.clock_seconds, half))
    elif event.clock:
        parts.append(event.clock)
    elif half is not None and score is not None:
        parts.append(format_half(half))
    if score is not None:
        parts.append(format_score(score))
    return ", ".join(parts)


def _minutes(whole_seconds: int) -> str:
    minutes, second = divmod(whole_seconds, 60)
    return f"{minutes}:{second:02d}"
