"""Fitting what is likeliest of videos into a length: whole cores, and single steps around them."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from touchline.editing.curve import STEPS_PER_SECOND, Candidate, Curve, shortest_clip

FloatArray = npt.NDArray[np.float64]
IndexArray = npt.NDArray[np.intp]

JOIN_GAP_SECONDS = 1.5
"""Clips closer than this are joined."""

LONG_CORE_SECONDS = 10.0
"""A longer core, such as a replay, that does not fit is passed over, so that what is less likely
and shorter uses the length; to do so for any core agrees less with editors."""

_LONG_CORES = 8

SHORTENED_GOAL_SECONDS = 4.0
"""A goal that does not fit is shown if so much is left for it."""

UNUSED_SHARE = 0.02
"""Of a length: less than this stays unused; to fill it agrees a little less with editors."""


@dataclass(frozen=True, eq=False)
class Intervals:
    """Intervals of several videos, (n,) each."""

    place: IndexArray  # which of the videos
    start: FloatArray
    end: FloatArray

    def __len__(self) -> int:
        return len(self.place)

    def __getitem__(self, index: slice | IndexArray) -> "Intervals":
        return Intervals(self.place[index], self.start[index], self.end[index])

    @property
    def seconds(self) -> float:
        return float((self.end - self.start).sum())

    @classmethod
    def of_one(cls, place: int, start: float, end: float) -> "Intervals":
        """A single interval."""
        return cls(np.array([place]), np.array([start]), np.array([end]))

    def holds(self, place: int, core: Candidate) -> bool:
        """Whether a core lies wholly in one of them."""
        holding = (self.start <= core.start_seconds) & (core.end_seconds <= self.end)
        return bool((holding & (self.place == place)).any())

    def joined_by(self, other: "Intervals") -> "Intervals":
        """Both, merged."""
        place = np.concatenate([self.place, other.place])
        start = np.concatenate([self.start, other.start])
        return Intervals(place, start, np.concatenate([self.end, other.end])).merged()

    def merged(self) -> "Intervals":
        """Sorted by video and time, joined where they overlap or nearly touch."""
        if not len(self):
            return self
        ordered = self[np.lexsort((self.start, self.place))]
        apart = ordered.place * (self.end.max() + 2 * JOIN_GAP_SECONDS)
        reached = np.maximum.accumulate(ordered.end + apart)
        gaps = (ordered.start + apart)[1:] - reached[:-1]
        first = np.flatnonzero(np.r_[True, gaps > JOIN_GAP_SECONDS])
        last = np.r_[first[1:], len(ordered)] - 1
        place = ordered.place[first]
        return Intervals(place, ordered.start[first], reached[last] - apart[first])


def ranked(curves: Sequence[Curve]) -> Intervals:
    """Cores of moments and single steps of sufficient probability, the most probable first."""
    rows = [np.zeros((0, 5))]  # minus the score, 0 for a core, place, start, end
    for place, curve in enumerate(curves):
        rows += [
            np.array([[-curve.score(core), 0, place, core.start_seconds, core.end_seconds]])
            for core in curve.whole
        ]
        scores = curve.step_scores()
        steps = np.flatnonzero(scores >= curve.least_probability)
        starts = steps / STEPS_PER_SECOND
        ends = np.minimum(starts + 1 / STEPS_PER_SECOND, curve.seconds)
        one, where = np.ones(len(steps)), np.full(len(steps), place)
        rows.append(np.column_stack([-scores[steps], one, where, starts, ends]))
    columns = np.concatenate(rows)
    columns = columns[np.lexsort(columns.T[::-1])]
    return Intervals(columns[:, 2].astype(np.intp), columns[:, 3], columns[:, 4])


def fitted(ranked: Intervals, seconds: float, curves: Sequence[Curve]) -> Intervals:
    """The likeliest intervals that make at most so many seconds, sorted and joined.

    Args:
        ranked: see ``ranked``.
    """
    chosen = _fit(ranked, seconds, curves)
    if not len(chosen):
        chosen = _shortened(curves, seconds)
    is_used = seconds - chosen.seconds < UNUSED_SHARE * seconds
    return chosen if is_used else _extended(chosen, seconds, curves)


def _fit(ranked: Intervals, seconds: float, curves: Sequence[Curve]) -> Intervals:
    """As many of the first intervals as fit when joined, without long cores that do not."""
    for _ in range(_LONG_CORES):
        count, fitting = _fit_first(ranked, seconds, curves)
        core = ranked[count : count + 1]
        goal = _goal_at(core, curves)
        if goal is not None:
            return _with_goal(fitting, goal, seconds)
        if core.seconds < LONG_CORE_SECONDS:
            break
        inside = (ranked.start < core.end[0]) & (ranked.end > core.start[0])
        ranked = ranked[np.flatnonzero(~(inside & (ranked.place == core.place[0])))]
    return fitting


def _goal_at(core: Intervals, curves: Sequence[Curve]) -> tuple[int, Candidate] | None:
    """The goal that a core is of, and the place of its video."""
    for place, start, end in zip(core.place, core.start, core.end, strict=True):
        for goal in curves[place].shown_goals:
            if (goal.start_seconds, goal.end_seconds) == (start, end):
                return int(place), goal
    return None


def _with_goal(fitting: Intervals, goal: tuple[int, Candidate], seconds: float) -> Intervals:
    """A goal, too, shortened to the seconds that are left, where these are enough to see it.

    It is joined with what is near, and so is what lies between.
    """
    length = seconds - fitting.seconds
    while length >= SHORTENED_GOAL_SECONDS:
        longer = fitting.joined_by(_around(*goal, length))
        if longer.seconds <= seconds + 1e-9:
            return longer
        length -= 1 / STEPS_PER_SECOND
    return fitting


def _extended(chosen: Intervals, seconds: float, curves: Sequence[Curve]) -> Intervals:
    """Intervals extended into the seconds that are left, by the likeliest steps next to them.

    They do not reach into cores that are not shown.
    """
    worth = [
        curve.worth_outside([core for core in curve.whole if not chosen.holds(place, core)])
        for place, curve in enumerate(curves)
    ]
    while seconds - chosen.seconds > 1e-9:
        likeliest = max(_next_steps(chosen, worth), default=None)
        if likeliest is None or not likeliest[0] > 0:
            break
        _, place, step = likeliest
        start, end = step / STEPS_PER_SECOND, (step + 1) / STEPS_PER_SECOND
        more = Intervals.of_one(place, start, min(end, curves[place].seconds))
        longer = chosen.joined_by(more)
        if longer.seconds <= seconds + 1e-9:
            chosen = longer
        worth[place][step] = 0.0
    return chosen


def _next_steps(chosen: Intervals, worth: Sequence[FloatArray]) -> Iterator[tuple[float, int, int]]:
    """What each step that an interval does not wholly show, next to it, is worth; place; step."""
    for place, start, end in zip(chosen.place, chosen.start, chosen.end, strict=True):
        for step in (math.ceil(start * STEPS_PER_SECOND) - 1, int(end * STEPS_PER_SECOND)):
            if 0 <= step < len(worth[place]):
                yield float(worth[place][step]), int(place), step


def _fit_first(ranked: Intervals, seconds: float, curves: Sequence[Curve]) -> tuple[int, Intervals]:
    """The largest number of first intervals that fit when joined; the length grows with it."""
    shortest = np.array([shortest_clip(curve.seconds) for curve in curves])

    def merged_first(count: int) -> Intervals:
        merged = ranked[:count].merged()
        enough = merged.end - merged.start >= shortest[merged.place] - 1e-9
        return merged[np.flatnonzero(enough)]

    fits, too_many = 0, len(ranked) + 1
    while too_many - fits > 1:
        count = (fits + too_many) // 2
        if merged_first(count).seconds <= seconds + 1e-9:
            fits = count
        else:
            too_many = count
    return fits, merged_first(fits)


def _shortened(curves: Sequence[Curve], seconds: float) -> Intervals:
    """The best core, shortened."""
    candidates = [(c.score(o), -place, o) for place, c in enumerate(curves) for o in c.candidates]
    if not candidates:
        return Intervals(np.zeros(0, np.intp), np.zeros(0), np.zeros(0))
    _, place, best = max(candidates, key=lambda candidate: candidate[:2])
    return _around(-place, best, seconds)


def _around(place: int, core: Candidate, seconds: float) -> Intervals:
    """A core, where it is longer than so many seconds shortened in proportion around its event."""
    share = min(1.0, seconds / (core.end_seconds - core.start_seconds))
    at = min(max(core.seconds, core.start_seconds), core.end_seconds)
    start, end = (at + (edge - at) * share for edge in (core.start_seconds, core.end_seconds))
    return Intervals.of_one(place, start, end)
