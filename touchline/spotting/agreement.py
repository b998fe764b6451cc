"""What a network finds and what the broadcast says, weighed against each other.

The score knows whether there was a goal, and the network when: a goal of the network is evidence
for the moment of one that the score confirms. One after which the score stays as it was loses
confidence. Likewise the clock knows when a half begins, and what is found again in a replay
happened before it. Where the bug could not be read the network alone decides, and everything else
that it finds stays as it is.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from itertools import pairwise

from touchline.broadcast.goals import Evidence
from touchline.broadcast.result import Broadcast, Reading
from touchline.events import Event
from touchline.labels import DISALLOWED_GOAL, GOAL, KICK_OFF
from touchline.match_state import format_score
from touchline.spotting.broadcast_events import MOST_CONFIDENCE

CONTRADICTED = 0.2
"""Share of its confidence that an event keeps which the broadcast contradicts."""

SCORE_DELAY_SECONDS = 60.0
"""Time after which the score in the picture has changed for a goal."""

SCORE_KNOWN_SECONDS = 240.0
"""A score first read later than this after a goal says nothing about it."""

GOAL_APART_SECONDS = 10.0
"""A goal of a network and one of the score are the same if they are no farther apart, beyond the
uncertainty of the latter."""

KICK_OFF_APART_SECONDS = 8.0

RESTART_SECONDS = 180.0
"""Time within which a goal is followed by a kick-off."""

REPLAYED_SECONDS = 90.0
"""A replay shows what happened at most so long before it."""

CONFIRMED = "network_confidence"
"""Field of an event of the broadcast that a network found, too: with which confidence."""

_NETWORK_WEIGHT = 5.0
_NETWORK_SPREAD_SECONDS = 2.0


def goal_evidence(found: Iterable[Event]) -> tuple[Evidence, ...]:
    """The goals of a network as evidence of when the goals that the score confirms were scored."""
    return tuple(
        Evidence(
            event.seconds,
            spread_seconds=_NETWORK_SPREAD_SECONDS,
            weight=_NETWORK_WEIGHT * min(max(event.confidence, 0.0), 1.0),
            kind="network",
        )
        for event in found
        if event.label == GOAL
    )


def agreed(said: Sequence[Event], found: Iterable[Event], broadcast: Broadcast) -> list[Event]:
    """The events of a broadcast and of a network as one list, in order of time.

    Args:
        said: the events of the broadcast.
        found: the events of the network; none is dropped but those that ``said`` has, too.
        broadcast: what the recording says.
    """
    events = list(said)
    found = sorted(found, key=lambda event: -event.confidence)
    for event in found:
        place = _same(event, events)
        if place is None:
            again = _against_repetition(event, found, broadcast)
            events.append(_judged(event, again or _against(event, said, broadcast)))
        else:
            events[place] = _confirmed(events[place], event)
    return sorted(events, key=lambda event: event.seconds)


def _same(event: Event, events: Sequence[Event]) -> int | None:
    """The place of the event of the broadcast that is this one of the network.

    Each is confirmed once: a second goal of the network beside one of the score is judged.
    """
    near = [
        (abs(other.seconds - event.seconds), place)
        for place, other in enumerate(events)
        if _is_same_kind(other, event)
        and abs(other.seconds - event.seconds) <= _reach(other)
        and CONFIRMED not in other.extra
    ]
    return min(near)[1] if near else None


def _is_same_kind(said: Event, found: Event) -> bool:
    if found.label == GOAL:
        return said.label in (GOAL, DISALLOWED_GOAL)
    return found.label == said.label == KICK_OFF


def _reach(said: Event) -> float:
    if said.label == KICK_OFF:
        return KICK_OFF_APART_SECONDS
    return GOAL_APART_SECONDS + (said.uncertainty_seconds or 0.0)


def _confirmed(said: Event, found: Event) -> Event:
    doubt = (1 - said.confidence) * (1 - min(max(found.confidence, 0.0), 1.0))
    sure = min(max(said.confidence, 1 - doubt), MOST_CONFIDENCE)
    extra = {**said.extra, CONFIRMED: round(found.confidence, 4)}
    return replace(said, confidence=sure, extra=extra)


def _judged(event: Event, why: str | None) -> Event:
    """An event of the network, with less confidence where something speaks against it."""
    if why is None:
        return event
    note = why if event.note is None else f"{event.note}; {why}"
    return replace(event, confidence=event.confidence * CONTRADICTED, note=note)


def _against(event: Event, said: Sequence[Event], broadcast: Broadcast) -> str | None:
    return _JUDGES[event.label](event, said, broadcast) if event.label in _JUDGES else None


def _against_repetition(event: Event, found: Sequence[Event], broadcast: Broadcast) -> str | None:
    """What speaks against an event in a replay: the network found the same before the replay."""
    starts = [
        one.start_seconds
        for one in broadcast.replays or ()
        if one.start_seconds <= event.seconds < one.end_seconds
    ]
    is_repetition = any(
        one.label == event.label and 0 <= start - one.seconds <= REPLAYED_SECONDS
        for start in starts
        for one in found
    )
    return "shown again by a replay" if is_repetition else None


def _against_goal(event: Event, said: Sequence[Event], broadcast: Broadcast) -> str | None:
    """What speaks against a goal that is not among those of the score."""
    readings = [one for one in broadcast.readings or () if one.visible and one.score is not None]
    before = [one for one in readings if one.seconds <= event.seconds]
    after = [
        one
        for one in readings
        if SCORE_DELAY_SECONDS <= one.seconds - event.seconds <= SCORE_KNOWN_SECONDS
    ]
    if not before or not after or not _same_match(before[-1], after[0]):
        return None
    if before[-1].score == after[0].score:
        assert after[0].score is not None
        return f"the score stays {format_score(after[0].score)}"
    return "the score counts another goal"


def _same_match(before: Reading, after: Reading) -> bool:
    assert before.score is not None and after.score is not None
    return all(later >= earlier for earlier, later in zip(before.score, after.score, strict=True))


def _against_kick_off(event: Event, said: Sequence[Event], broadcast: Broadcast) -> str | None:
    """What speaks against a kick-off at which the broadcast begins no half."""
    half = broadcast.half_at(event.seconds)
    if half is None or event.seconds - half.start_seconds <= KICK_OFF_APART_SECONDS:
        return None
    seen = [one.seconds for one in broadcast.readings or () if one.visible]
    start = event.seconds - RESTART_SECONDS
    if not _is_seen_throughout(seen, max(start, half.start_seconds), event.seconds):
        return None
    goals = (one for one in said if one.label in (GOAL, DISALLOWED_GOAL))
    if any(start <= one.seconds <= event.seconds for one in goals):
        return None
    return "the clock runs, and no goal was scored before"


def _is_seen_throughout(times: Sequence[float], start: float, end: float) -> bool:
    inside = [start, *(time for time in times if start <= time <= end), end]
    return max(later - earlier for earlier, later in pairwise(inside)) <= SCORE_DELAY_SECONDS


_JUDGES: dict[str, Callable[[Event, Sequence[Event], Broadcast], str | None]] = {
    GOAL: _against_goal,
    KICK_OFF: _against_kick_off,
}
