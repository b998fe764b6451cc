"""Goals out of changes of the score, and when each was scored.

The score changes 5 to 60 seconds after the ball is in the net. When it was in the net is told by
what else a broadcast gives away: the crowd's roar, a replay, a network's event. Without any of
these the usual delay is taken, and the uncertainty says so.
"""

import itertools
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from touchline.broadcast.halves import HalfTrack
from touchline.broadcast.result import ScoreGoal
from touchline.broadcast.score_track import ScoreChange, ScoreTrack
from touchline.events import SIDES, Score, Side

Floats = NDArray[np.float64]

USUAL_DELAY_SECONDS = 14.0
"""Median time from a goal to the change of the score in the picture."""

_DELAY_SPREAD = 0.75
"""Standard deviation of that delay's natural logarithm: nine in ten lie from 4 to 50 s."""

_LONGEST_DELAY_SECONDS = 150.0
_PRIOR_WIDTH_SECONDS = 20.0
_MOST_WEIGHT = 10.0
_STEP_SECONDS = 0.25
_AFTER_HALF_SECONDS = 90.0
_RETRACTED_WITHIN_SECONDS = 480.0

_CORRECTED_WITHIN_SECONDS = 120.0
"""Time within which a goal given to the wrong side, or counted twice, is put right."""

_AT_ONCE_SECONDS = 20.0
"""Two goals are not seen within so short a time."""


@dataclass(frozen=True)
class Evidence:
    """Something that says when a goal may have been scored.

    Attributes:
        seconds: when it happened in the recording.
        lag_seconds: how long after a goal that usually is: 0.5 for a roar, 12 for a replay.
        spread_seconds: standard deviation of that.
        weight: how much likelier it belongs to the goal than not: 1 is a hint, 5 strong; see
            `weight_of`.
        kind: what it is, such as ``roar``, ``replay`` or ``network``.
    """

    seconds: float
    lag_seconds: float = 0.0
    spread_seconds: float = 2.0
    weight: float = 2.0
    kind: str = ""


def weight_of(share: float, per_second: float) -> float:
    """The weight of evidence of a kind.

    Args:
        share: of goals, those that bring it about.
        per_second: how often it occurs whatever happens.
    """
    return min(_MOST_WEIGHT, share / (_PRIOR_WIDTH_SECONDS * max(per_second, 1e-9)))


def find_goals(
    track: ScoreTrack,
    halves: Sequence[HalfTrack],
    evidence: Sequence[Evidence] = (),
) -> list[ScoreGoal]:
    """The goals of a recording, in order of time; those taken back are marked.

    A change of the score is no goal where no clock ran although the recording has one (studio,
    penalties after extra time), where both sides or several goals changed at once in view (another
    match), and where readings do not behave as a score of football.

    Args:
        track: the score over time.
        halves: of the recording; empty where its bug has no clock.
        evidence: of the moments of goals, in any order.
    """
    if not track.is_sure:
        return []
    goals: list[ScoreGoal] = []
    kicks = shoot_out_kicks(track, halves)
    changes = [change for change in track.changes if change not in kicks]
    for change, right_at_seconds in _corrected(changes):
        half = _half_of(change, halves)
        if halves and half is None:
            continue
        home, away = change.steps
        if home < 0 or away < 0:
            _take_back(goals, change)
            continue
        for score, team in _single_goals(change):
            earliest = goals[-1].seconds + 10.0 if goals else 0.0
            if half is not None:
                earliest = max(earliest, half.start_seconds)
            time, uncertainty = likeliest(change, earliest, evidence)
            goals.append(
                ScoreGoal(
                    seconds=time,
                    team=team,
                    score=score,
                    seen_at_seconds=right_at_seconds,
                    uncertainty_seconds=uncertainty,
                    confidence=change.confidence,
                )
            )
    return goals


def _corrected(changes: Sequence[ScoreChange]) -> Iterator[tuple[ScoreChange, float]]:
    """Changes of the score, each with when it was right; a mistake and its correction are one.

    A goal that is first given to the other side or counted twice, and soon put right, is one goal:
    it fell before the mistake, and its score was seen with the correction.
    """
    place = 0
    while place < len(changes):
        change = changes[place]
        groups = (changes[place : place + count] for count in (3, 2))
        group = next(filter(_is_mistake, groups), [change])
        yield replace(change, after=group[-1].after), group[-1].seen_seconds
        place += len(group)


def _is_mistake(group: Sequence[ScoreChange]) -> bool:
    """Whether changes in a row, the last one back in part, come to a single goal.

    A leap by two may be read as two steps at nearly the same time.
    """
    *wrong, right = group
    if not wrong or min(right.steps) >= 0:
        return False
    seconds = [change.seen_seconds - group[0].seen_seconds for change in group]
    gained = [sum(change.steps[side] for change in group) for side in (0, 1)]
    return (
        all(min(change.steps) >= 0 for change in wrong)
        and max(seconds[:-1]) <= _AT_ONCE_SECONDS
        and seconds[-1] <= _CORRECTED_WITHIN_SECONDS
        and sorted(gained) == [0, 1]
    )


def shoot_out_kicks(track: ScoreTrack, halves: Sequence[HalfTrack]) -> list[ScoreChange]:
    """Changes of the score that count penalties after the match.

    After the clock of a half has ended, one change may be of a goal just before the whistle; two
    are a shoot-out.
    """
    kicks = []
    for half, following in itertools.zip_longest(halves, halves[1:]):
        until = math.inf if following is None else following.start_seconds
        late = [
            change
            for change in track.changes
            if half.end_seconds < change.before_seconds and change.seen_seconds < until
        ]
        if sum(min(change.steps) >= 0 for change in late) > 1:
            kicks += late
    return kicks


def _half_of(change: ScoreChange, halves: Sequence[HalfTrack]) -> HalfTrack | None:
    for half in halves:
        starts = half.start_seconds - 1.0 <= change.seen_seconds
        if starts and change.before_seconds <= half.end_seconds + _AFTER_HALF_SECONDS:
            return half
    return None


def _single_goals(change: ScoreChange) -> list[tuple[Score, Side]]:
    """The goals in a change, one by one; of several unseen ones the order is not known."""
    home, away = change.steps
    gained = home + away
    hidden = change.seen_seconds - change.before_seconds
    if gained > 1 and hidden < 45.0 * (gained - 1):
        return []
    score = change.before
    found: list[tuple[Score, Side]] = []
    for team, count in zip(SIDES, (home, away), strict=True):
        for _ in range(count):
            score = (score[0] + 1, score[1]) if team == "home" else (score[0], score[1] + 1)
            found.append((score, team))
    return found


def _take_back(goals: list[ScoreGoal], change: ScoreChange) -> None:
    """Mark the last goal of the side that lost one, if it is recent."""
    if sum(change.steps) != -1 or max(change.steps) != 0:
        return
    team = "home" if change.steps[0] < 0 else "away"
    for place in range(len(goals) - 1, -1, -1):
        goal = goals[place]
        if goal.team != team or goal.taken_back_at_seconds is not None:
            continue
        if change.seen_seconds - goal.seen_at_seconds <= _RETRACTED_WITHIN_SECONDS:
            goals[place] = replace(goal, taken_back_at_seconds=change.seen_seconds)
        return


def likeliest(
    change: ScoreChange, earliest_seconds: float, evidence: Sequence[Evidence] = ()
) -> tuple[float, float]:
    """The likeliest moment of a goal and its uncertainty, both in seconds.

    The uncertainty is half the width of the shortest span that holds two thirds of the chance.
    """
    latest = change.seen_seconds
    earliest = max(earliest_seconds, change.before_seconds - _LONGEST_DELAY_SECONDS, 0.0)
    if earliest >= latest:
        return max(0.0, latest - 1.0), 1.0
    grid = np.arange(earliest, latest + _STEP_SECONDS / 2, _STEP_SECONDS)
    chance = _prior(grid, change)
    gain = _gain(grid, evidence)
    chance = chance * gain
    total = chance.sum()
    if not total > 0:
        return float(grid[-1]), float(latest - earliest) / 2
    chance /= total
    if len(evidence) and gain.max() > 2.0:
        best = int(np.argmax(chance))
    else:  # of a broad hill the middle errs less than the top
        best = int(np.searchsorted(np.cumsum(chance), 0.5))
    return float(grid[best]), _half_width(chance, best)


def _gain(grid: Floats, evidence: Sequence[Evidence]) -> Floats:
    """How much likelier evidence makes each time: what is of one kind are alternatives, and kinds
    confirm each other."""
    kinds = {item.kind: np.ones_like(grid) for item in evidence}
    for item in evidence:
        peak = item.seconds - item.lag_seconds
        height = item.weight * _PRIOR_WIDTH_SECONDS / (item.spread_seconds * math.sqrt(2 * math.pi))
        kinds[item.kind] += height * np.exp(-0.5 * ((grid - peak) / item.spread_seconds) ** 2)
    return np.prod([np.ones_like(grid), *kinds.values()], axis=0)


def _prior(grid: Floats, change: ScoreChange) -> Floats:
    """Chance of a goal at each time, as the score changed between two readings."""
    longest = np.maximum(change.seen_seconds - grid, 1e-6)
    shortest = np.maximum(change.before_seconds - grid, 1e-6)
    return _delay_within(longest) - _delay_within(shortest) + 1e-9


def _delay_within(seconds: Floats) -> Floats:
    scores = (np.log(seconds) - math.log(USUAL_DELAY_SECONDS)) / (_DELAY_SPREAD * math.sqrt(2))
    return np.array([0.5 * (1 + math.erf(score)) for score in scores])


def _half_width(chance: Floats, best: int) -> float:
    low = high = best
    held = chance[best]
    while held < 2 / 3 and (low > 0 or high < len(chance) - 1):
        left = chance[low - 1] if low > 0 else -1.0
        right = chance[high + 1] if high < len(chance) - 1 else -1.0
        if left >= right:
            low -= 1
            held += left
        else:
            high += 1
            held += right
    return max(_STEP_SECONDS, (high - low) * _STEP_SECONDS / 2)
