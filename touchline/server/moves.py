"""Match clock and score of events whose time or half a person changes: they hold, or they go."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from touchline.events import Event
from touchline.match_state import clock_fits, is_goal, moved_event
from touchline.server.documents import event_in_match, values_from_event, video_at
from touchline.server.tables import EventRow, MatchRow

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
    fits = moved.clock_seconds is None or clock_fits(moved.clock_seconds, half)
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
