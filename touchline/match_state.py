"""Match clock and score of an event, as people read them: ``2H 63:10, 1-0``."""

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from touchline.errors import InputError
from touchline.events import MAX_GOALS, SCORE, SIDES, TEAMS, Event, Score, Timeline
from touchline.labels import GOAL, KICK_OFF
from touchline.reel import Clip
from touchline.timebase import HALF_CLOCKS

Box = tuple[float, float, float, float]
"""Left, top, right and bottom, as shares of a picture."""

_GOAL = GOAL.lower()  # label sets differ in their spelling
_HALF_NAMES = {1: "1H", 2: "2H", 3: "ET1", 4: "ET2"}
_HALVES = {name: half for half, name in _HALF_NAMES.items()}
_TITLE_STATE = re.compile(
    r"""\s*\( (?=[^()]*[:-])  # a half alone is no state
    (?: (?P<half>[1-9]H|ET[12]) (?=[ ]\d|,[ ]) [ ]? )?
    (?P<clock> \d{1,4} (?:\+\d{1,4})? :[0-5]\d )?
    (?: (?:,[ ])? (?P<score> \d{1,3}-\d{1,3} ) )?
    \)""",
    re.ASCII | re.VERBOSE,
)
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


def format_match(teams: Sequence[str | None] | None, score: Score | None) -> str:
    """Write teams and score as ``ARS 1-0 CHE``, without a score as ``ARS v CHE``.

    A name that is not known is ``?``; empty where neither is known.
    """
    if teams is None and score is None:
        return ""
    home, away = (name or "?" for name in teams or (None, None))
    return f"{home} {'v' if score is None else format_score(score)} {away}"


def match_of(timeline: Timeline) -> str:
    """Teams and score that a broadcast said, as ``format_match``; else empty."""
    return format_match(teams_in(timeline.extra), _as_score(timeline.extra.get(SCORE)))


def teams_in(fields: Mapping[str, Any]) -> tuple[str | None, str | None] | None:
    """Names of home and away in the further fields of a timeline or a reel."""
    teams = fields.get(TEAMS)
    if not isinstance(teams, Mapping):
        return None
    home, away = (teams.get(side) for side in SIDES)
    is_named = all(isinstance(name, str | None) for name in (home, away))
    return (home, away) if is_named and (home or away) else None


def as_box(value: Any) -> Box | None:
    """Left, top, right and bottom as shares of a picture; None for what is none."""
    if not isinstance(value, Sequence) or len(value) != 4:
        return None
    if not all(type(share) in (int, float) and 0 <= share <= 1 for share in value):
        return None
    left, top, right, bottom = map(float, value)
    return (left, top, right, bottom) if left < right and top < bottom else None


def _as_score(value: Any) -> Score | None:
    """A further field as a score; None for what is none."""
    if not isinstance(value, Sequence) or len(value) != 2:
        return None
    if not all(type(goals) is int and 0 <= goals <= MAX_GOALS for goals in value):
        return None
    return value[0], value[1]


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
    side = (event.team or "").lower()
    if event.score is None or side not in SIDES or not is_goal(event):
        return event.score
    home, away = event.score
    return (home + 1, away) if side == "home" else (home, away + 1)


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


def event_title(event: Event, half: int | None = None) -> str:
    """The class of an event and what it says of the match: ``Goal (2H 63:10, 1-0)``.

    A clock that only a text of another program states is left out.
    """
    state = match_state(replace(event, clock=None), half)
    return f"{event.label} ({state})" if state else event.label


def clip_event(clip: Clip) -> Event | None:
    """The event that tells where in the match a clip lies: its first goal, else its first event."""
    goals = (event for event in clip.events if event.label.lower() == _GOAL)
    return next(goals, None) or next(iter(clip.events), None)


def clip_word(clip: Clip) -> str:
    """What a clip is called in the name of a file: ``goal``, ``yellow-card``, else ``clip``."""
    event = clip_event(clip)
    words = clip.title if event is None else event.label
    return re.sub(r"[^a-z0-9]+", "-", (words or "clip").lower()).strip("-")[:40] or "clip"


def clip_state(clip: Clip) -> str:
    """What the event of a clip says of the match, as ``match_state``; else empty."""
    event = clip_event(clip)
    return "" if event is None else match_state(replace(event, clock=None), clip.half)


def parse_title(text: str) -> tuple[str, dict[str, Any]]:
    """Read what ``event_title`` wrote: the class, and the fields of ``Event`` in parentheses.

    The score of a goal may be the one after it, so it is not among them.
    """
    found = _TITLE_STATE.search(text)
    label = _TITLE_STATE.sub("", text).strip()
    if found is None or not label:
        return text, {}
    half, clock, score = found["half"], found["clock"], found["score"]
    fields: dict[str, Any] = {}
    if half is not None:
        fields["half"] = _HALVES.get(half) or int(half[0])
    if clock is not None:
        fields["clock_seconds"] = _clock_seconds(clock)
    if score is not None and _GOAL not in label.lower().split(", "):
        fields["score"] = parse_score(score)
    return label, fields


def _clock_seconds(text: str) -> float:
    minutes, second = text.split(":")
    if "+" in minutes:
        whole, added = minutes.split("+")
        return float(60 * (int(whole) + int(added)) + int(second))
    return float(60 * int(minutes) + int(second))


def _minutes(whole_seconds: int) -> str:
    minutes, second = divmod(whole_seconds, 60)
    return f"{minutes}:{second:02d}"


def is_kick_off(event: Event) -> bool:
    """Whether an event is a kick-off, however a file spells it."""
    return event.label.casefold() == KICK_OFF.casefold()


def is_goal(event: Event) -> bool:
    """Whether an event is a goal that counts: one that is not rejected."""
    return event.label.lower() == _GOAL and event.status != "rejected"
