"""What a broadcast says, as events: halves, goals, and moments of excitement."""

from collections.abc import Iterator, Sequence
from dataclasses import replace

from touchline.broadcast.result import Broadcast, Half, Moment, ScoreGoal
from touchline.broadcast.stamps import Stamps
from touchline.events import Event
from touchline.labels import (
    DISALLOWED_GOAL,
    FULL_TIME,
    GOAL,
    HALF_TIME,
    HIGHLIGHT,
    KICK_OFF,
)
from touchline.match_state import format_score

CLOCK_CONFIDENCE = 0.95
"""Of kick-offs and ends of halves, which the clock says."""

SCORE_CONFIDENCE = 0.9
"""Of goals whose reading states none."""

MOST_CONFIDENCE = 0.99
"""Only people make facts: events of confidence 1."""

BEFORE_GOAL_SECONDS, AFTER_GOAL_SECONDS = 12.0, 45.0
"""Around a goal, what the crowd and the director do is of that goal."""


OUT_OF_PLAY = 0.5
"""Share of its confidence that a highlight keeps while no clock runs, in studio or adverts."""

AROUND_PLAY_SECONDS = 15.0


def events_of(broadcast: Broadcast, half: int | None = None) -> tuple[Event, ...]:
    """The events that a broadcast says, in order of time, with half, match clock and score.

    Goals have the team ``home`` or ``away``, the score after them in their note, and the
    uncertainty of their time. A goal that was taken back is a ``Disallowed goal``. A highlight has
    its reason in its note; one that is the answer to a goal is left out, and its reason stands in
    the goal's note.

    Args:
        half: which half the whole recording is, where that is known otherwise; its events do not
            repeat it.
    """
    moments = list(broadcast.moments or ())
    goals = [_goal(goal, broadcast, moments) for goal in broadcast.goals or ()]
    own = [moment for moment in moments if not any(_answers(moment, goal) for goal in goals)]
    highlights = [_highlight(moment, broadcast.halves or ()) for moment in own]
    events = [*_half_events(broadcast.halves or (), half), *goals, *highlights]
    stamps = Stamps(broadcast, half)
    return tuple(
        stamps.on(event, own_half=half is not None)
        for event in sorted(events, key=lambda event: event.seconds)
    )


def _half_events(halves: Sequence[Half], known: int | None) -> Iterator[Event]:
    for half in halves:
        named = half.half if known is None else None
        if half.has_kick_off:
            yield Event(half.start_seconds, KICK_OFF, CLOCK_CONFIDENCE, half=named)
        if half.has_end:
            label = HALF_TIME if max(half.half, known or 0) in (1, 3) else FULL_TIME
            yield Event(half.end_seconds, label, CLOCK_CONFIDENCE, half=named)


def _goal(goal: ScoreGoal, broadcast: Broadcast, moments: Sequence[Moment]) -> Event:
    stated = SCORE_CONFIDENCE if goal.confidence is None else goal.confidence
    event = Event(
        goal.seconds,
        GOAL if goal.taken_back_at_seconds is None else DISALLOWED_GOAL,
        min(stated, MOST_CONFIDENCE),
        team=goal.team,
        uncertainty_seconds=round(goal.uncertainty_seconds, 2),
    )
    reasons = [moment.reason for moment in moments if moment.reason and _answers(moment, event)]
    note = "; ".join([_what_changed(goal, broadcast), *reasons[:1]])
    return replace(event, note=note)


def _what_changed(goal: ScoreGoal, broadcast: Broadcast) -> str:
    """Such as ``1-0 for ARS``."""
    names = broadcast.teams or (None, None)
    name = names[0 if goal.team == "home" else 1] or f"the {goal.team} team"
    taken_back = "" if goal.taken_back_at_seconds is None else ", taken back"
    return f"{format_score(goal.score)} for {name}{taken_back}"


def _answers(moment: Moment, goal: Event) -> bool:
    """Whether a moment of excitement is the answer to a goal."""
    after = moment.seconds - goal.seconds
    spread = goal.uncertainty_seconds or 0.0
    return -BEFORE_GOAL_SECONDS - spread <= after <= AFTER_GOAL_SECONDS + spread


def _highlight(moment: Moment, halves: Sequence[Half]) -> Event:
    confidence = min(moment.confidence, MOST_CONFIDENCE)
    if halves and not any(_is_around(moment, half) for half in halves):
        confidence *= OUT_OF_PLAY
    return Event(moment.seconds, HIGHLIGHT, confidence, note=moment.reason)


def _is_around(moment: Moment, half: Half) -> bool:
    start, end = half.start_seconds - AROUND_PLAY_SECONDS, half.end_seconds + AROUND_PLAY_SECONDS
    return start <= moment.seconds <= end
