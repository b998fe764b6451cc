"""Broadcasts that tests make up: a match of two halves with readings once a second."""

from collections.abc import Iterable, Sequence
from fractions import Fraction

from touchline.broadcast.result import Broadcast, Curve, Half, Moment, Reading, ScoreGoal, Span
from touchline.events import Score, Side

FIRST = Half(1, 100.0, 2900.0, 0.0, True, True)
SECOND = Half(2, 3800.0, 6700.0, 2700.0, True, True)
DELAY = 14.0


def goal(
    seconds: float,
    score: Score,
    team: Side = "home",
    *,
    uncertainty: float = 5.0,
    taken_back: float | None = None,
) -> ScoreGoal:
    """A goal whose score is shown 14 s later."""
    return ScoreGoal(
        seconds,
        team,
        score,
        seconds + DELAY,
        uncertainty,
        taken_back,
        0.95,
    )


def broadcast(
    goals: Sequence[ScoreGoal] = (),
    *,
    halves: Sequence[Half] = (FIRST, SECOND),
    hidden: Iterable[tuple[float, float]] = (),
    replays: Sequence[tuple[float, float]] = (),
    moments: Sequence[Moment] = (),
    duration: float = 6800.0,
) -> Broadcast:
    """A broadcast with these goals; the bug is hidden in some stretches, and outside the halves."""
    away = tuple(hidden)
    readings = tuple(_reading(float(at), goals, halves, away) for at in range(int(duration)))
    return Broadcast(
        "match.mp4",
        duration,
        ("ARS", "CHE"),
        tuple(halves),
        readings,
        tuple(goals),
        tuple(Span(start, end) for start, end in replays),
        (),
        (),
        Curve(Fraction(2), (0.1,) * int(2 * duration)),
        tuple(moments),
    )


def _reading(
    at: float,
    goals: Sequence[ScoreGoal],
    halves: Sequence[Half],
    hidden: tuple[tuple[float, float], ...],
) -> Reading:
    half = next((one for one in halves if one.start_seconds <= at <= one.end_seconds), None)
    if half is None:
        return Reading(at, False)
    visible = not any(start <= at <= end for start, end in hidden)
    score: Score = (0, 0)
    for one in goals:
        if one.seen_at_seconds <= at:
            score = one.score
        if one.taken_back_at_seconds is not None and one.taken_back_at_seconds <= at:
            score = _without(one)
    clock = half.clock_start_seconds + at - half.start_seconds
    return Reading(at, visible, half.half, clock, None, score, 0.95)


def _without(one: ScoreGoal) -> Score:
    home, away = one.score
    return (home - 1, away) if one.team == "home" else (home, away - 1)
