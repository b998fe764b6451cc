"""Match clock and score of events whose time or half a person changes: they hold, or they go."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from touchline.events import Event
from touchline.match_state import is_goal
from touchline.server.documents import event_in_match, values_from_event, video_at
from touchline.server.tables import EventRow, MatchRow
from touchline.timebase import HALF_CLOCKS

MAX_MOVE_SECONDS = 60.0
"""How far a clock moves along where no other event confirms it."""

_DRIFT_SECONDS = 3.0
_STATE = ("clock", "clock_seconds", "score")

Changes = list[tuple[EventRow, dict[str, Any]]]


def with_match_state(
    match: MatchRow, row: EventRow, values: Mapping[str, Any], others: Sequence[EventRow]
) -> Changes:
    """The changes of an event, with those of clock and score that follow from its time and half.

    Other events lose their score where a goal is moved past them. What the changes state
    themselves is kept.

    Args:
        others: the other events of the match.
    """
    event = event_in_match(match, row)
    known = [event_in_match(match, other) for other in others]
    moved = moved_event(event, values.get("seconds", event.seconds), known)
    if not _clock_is_of(values.get("half", moved.half), match, event, moved):
        moved = replace(moved, clock=None, clock_seconds=None)
    stated = values_from_event(moved)
    kept = {name: stated[name] for name in _STATE}
    if moved.half is None:
        kept["half"] = None
    if moved.seconds != event.seconds:
        kept["uncertainty_seconds"] = None  # a person has looked
    return [(row, kept | dict(values)), *_without_score(event, moved, others)]


def _clock_is_of(half: int | None, match: MatchRow, event: Event, moved: Event) -> bool:
    """Whether the clock of a moved event can be that of a half."""
    if len(match.videos) > 1:
        return video_at(match, moved.seconds).half == event.half
    fits = moved.clock_seconds is None or _clock_fits(moved.clock_seconds, half)
    return fits and (event.half is None or half == event.half)


def _without_score(
    event: Event, moved: Event, others: Sequence[EventRow]
) -> Iterator[tuple[EventRow, dict[str, Any]]]:
    if not is_goal(event):
        return
    first, last = sorted((event.seconds, moved.seconds))
    for other in others:
        if other.score is not None and first <= other.seconds <= last:
            yield other, {"score": None}


def moved_event(event: Event, seconds: float, others: Sequence[Event]) -> Event:
    """An event at another time of its video; what may no longer hold there is left out.

    The match clock moves along within its half. It is left out where events on the way tell of
    another half or clock, where it would lie before the half, and further than
    ``MAX_MOVE_SECONDS`` away unless the next event beyond confirms it. The score is left out
    where a goal lies on the way, and a clock in text in any case.

    Args:
        others: the other events of the video.
    """
    if seconds == event.seconds:
        return event
    first, last = sorted((event.seconds, seconds))
    passed = [other for other in others if first <= other.seconds <= last]
    half = event.half if all(other.half in (None, event.half) for other in passed) else None
    has_clock = half == event.half and _clock_holds(event, seconds, others)
    clock = event.clock_seconds if has_clock else None
    return replace(
        event,
        seconds=seconds,
        half=half,
        clock=None,
        clock_seconds=None if clock is None else round(clock + seconds - event.seconds, 6),
        score=None if any(map(is_goal, passed)) else event.score,
    )


def _clock_fits(seconds: float, half: int | None) -> bool:
    """Whether a match clock does not lie before its half begins."""
    return seconds >= (0.0 if half is None else HALF_CLOCKS.get(half, (0.0,))[0])


def _clock_holds(event: Event, seconds: float, others: Sequence[Event]) -> bool:
    """Whether the match clock of an event runs on to another time of the video."""
    if event.clock_seconds is None:
        return False
    ahead = 1 if seconds > event.seconds else -1
    distance = abs(seconds - event.seconds)
    if not _clock_fits(event.clock_seconds + ahead * distance, event.half):
        return False
    clocks = sorted(
        (ahead * (other.seconds - event.seconds), _agrees(event, other))
        for other in others
        if other.clock_seconds is not None and ahead * (other.seconds - event.seconds) >= 0
    )
    beyond = next((agrees for away, agrees in clocks if away > distance), False)
    passed = all(agrees for away, agrees in clocks if away <= distance)
    return passed and (beyond or distance <= MAX_MOVE_SECONDS)


def _agrees(event: Event, other: Event) -> bool:
    """Whether the clock of two events of a video is one that runs through."""
    assert event.clock_seconds is not None and other.clock_seconds is not None
    drift = (other.clock_seconds - event.clock_seconds) - (other.seconds - event.seconds)
    same_half = None in (event.half, other.half) or event.half == other.half
    return same_half and abs(drift) <= _DRIFT_SECONDS
