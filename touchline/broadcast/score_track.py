"""From single readings of a score to the score over time.

A score goes up by one, now and then back by one (a goal taken back), and by more only while
nobody sees it. So the readings are explained together, by the cheapest course of the score, not
one by one.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Score = tuple[int, int]

MAX_GOALS = 15
"""Highest count of a side that is followed."""

_GOAL_COST = 4.0
_BACK_COST = 7.0
_SWAP_COST = 7.0
_LEAP_COST = 9.0
"""In sure misreadings: what a goal, a goal taken back, one given to the other side instead, and any
other change has to explain."""

_SEEN_CHANGE = 0.5
"""Share of the first three that is enough where the digits were seen to change."""

_HIDDEN_SECONDS = 45.0
"""A gap between readings in which several goals may fall."""

_HIDDEN_GOAL_COST = 2.5
_MOST_UNEXPLAINED = 0.34


@dataclass(frozen=True)
class ScoreReading:
    """What a bug's score was in one picture.

    Attributes:
        confidence: 0 to 1.
        is_new: whether its digits looked other than before.
    """

    time_seconds: float
    score: Score
    confidence: float = 1.0
    is_new: bool = False


@dataclass(frozen=True)
class ScoreChange:
    """A change of the score.

    Attributes:
        before_seconds: of the last reading with the score before.
        seen_seconds: of the first reading with the score after.
        before, after: the scores.
        confidence: share of the readings around that agree, 0 to 1.
    """

    before_seconds: float
    seen_seconds: float
    before: Score
    after: Score
    confidence: float = 1.0

    @property
    def steps(self) -> tuple[int, int]:
        """What each side gained."""
        return self.after[0] - self.before[0], self.after[1] - self.before[1]


@dataclass(frozen=True)
class ScoreTrack:
    """The score over time.

    Attributes:
        times_seconds: of the readings.
        scores: the score at each.
        changes: in order of time.
        explained: share of the readings' weight that the course explains, 0 to 1.
    """

    times_seconds: tuple[float, ...] = ()
    scores: tuple[Score, ...] = ()
    changes: tuple[ScoreChange, ...] = ()
    explained: float = 0.0

    @property
    def is_sure(self) -> bool:
        """Whether the readings behave as a score of football at all."""
        return bool(self.scores) and self.explained >= 1 - _MOST_UNEXPLAINED

    def at(self, time_seconds: float) -> Score | None:
        """The score at a time: that of the last reading before, or of the first."""
        if not self.scores:
            return None
        place = int(np.searchsorted(self.times_seconds, time_seconds, "right")) - 1
        return self.scores[max(0, place)]


def track_score(readings: Sequence[ScoreReading]) -> ScoreTrack:
    """The cheapest course of the score through all readings.

    Args:
        readings: in order of time; a fifth or more of them may be wrong.
    """
    known = [r for r in readings if max(r.score) <= MAX_GOALS]
    if not known:
        return ScoreTrack()
    states = sorted({r.score for r in known})
    places = {score: place for place, score in enumerate(states)}
    path, matched = _cheapest(known, states, places)
    weights = np.array([_weight(r) for r in known])
    # readings that the follower never considered count as unexplained too
    lost = sum(_weight(r) for r in readings) - weights.sum()
    explained = float(weights[matched].sum() / (weights.sum() + lost))
    scores = [states[place] for place in path]
    return ScoreTrack(
        tuple(r.time_seconds for r in known),
        tuple(scores),
        tuple(_changes(known, scores, matched)),
        explained,
    )


def _weight(reading: ScoreReading) -> float:
    return 0.2 + 0.8 * reading.confidence


def _cheapest(
    readings: Sequence[ScoreReading], states: list[Score], places: dict[Score, int]
) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
    array = np.array(states)
    steps = array[None, :, :] - array[:, None, :]  # from, to, side
    up = np.clip(steps, 0, None).sum(axis=2)
    down = np.clip(-steps, 0, None).sum(axis=2)
    seen = np.full(up.shape, _LEAP_COST)
    seen[(up == 1) & (down == 0)] = _GOAL_COST
    seen[(up == 0) & (down == 1)] = _BACK_COST
    seen[(up == 1) & (down == 1)] = _SWAP_COST
    hidden = np.where(down == 0, np.minimum(seen, _GOAL_COST + _HIDDEN_GOAL_COST * (up - 1)), seen)
    changed = np.where(np.maximum(up, down) == 1, _SEEN_CHANGE * seen, seen)
    for matrix in (seen, hidden, changed):
        np.fill_diagonal(matrix, 0.0)
    cost = np.zeros(len(states))
    origin = np.zeros((len(readings), len(states)), np.int64)
    before = readings[0].time_seconds
    for place, reading in enumerate(readings):
        gap = reading.time_seconds - before
        before = reading.time_seconds
        unseen = hidden if gap > _HIDDEN_SECONDS else seen
        total = cost[:, None] + (np.minimum(changed, unseen) if reading.is_new else unseen)
        origin[place] = np.argmin(total, axis=0)
        cost = np.min(total, axis=0) + _weight(reading)
        cost[places[reading.score]] -= _weight(reading)
    path = np.empty(len(readings), np.int64)
    state = int(np.argmin(cost))
    for place in range(len(readings) - 1, -1, -1):
        path[place] = state
        state = int(origin[place, state])
    matched = np.array([places[r.score] for r in readings]) == path
    return path, matched


def _changes(
    readings: Sequence[ScoreReading], scores: list[Score], matched: NDArray[np.bool_]
) -> list[ScoreChange]:
    """Changes, each between the last reading that shows the old score and the first of the new."""
    changes = []
    for place in range(1, len(scores)):
        if scores[place] == scores[place - 1]:
            continue
        old = next((n for n in range(place - 1, -1, -1) if matched[n]), 0)
        new = next((n for n in range(place, len(scores)) if matched[n]), place)
        around = matched[max(0, place - 5) : place + 5]
        changes.append(
            ScoreChange(
                readings[old].time_seconds,
                readings[new].time_seconds,
                scores[place - 1],
                scores[place],
                float(np.mean(around)),
            )
        )
    return changes
