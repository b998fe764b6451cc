"""Where every step lies relative to the actions around it: the targets of the context-aware loss.

Cioppa et al.: "A Context-Aware Loss Function for Action Spotting in Soccer Videos", CVPR 2020. Each
class has four parameters K1 < K2 < 0 < K3 < K4, counted from an action: up to K1 far before, from
K2 just before, up to K3 just after, from K4 far after.
"""

from collections.abc import Iterable, Sequence
from fractions import Fraction

import numpy as np
import numpy.typing as npt

from touchline.datasets.features import LabelledHalf, LabelledSteps
from touchline.labels import LabelSet

Floats = npt.NDArray[np.float32]
Steps = npt.NDArray[np.int64]

Bounds = tuple[float, float, float, float]
"""K1 to K4 of one class."""

UNASKED = -1.0
"""A time shift that costs nothing: just before an action."""

SOCCERNET_V2_CONTEXT: dict[str, Bounds] = {
    "Penalty": (-100, -50, 50, 100),
    "Kick-off": (-98, -49, 49, 98),
    "Goal": (-20, -10, 60, 90),
    "Substitution": (-40, -20, 10, 20),
    "Offside": (-96, -48, 48, 96),
    "Shots on target": (-5, -3, 3, 5),
    "Shots off target": (-8, -4, 4, 8),
    "Clearance": (-93, -46, 46, 93),
    "Ball out of play": (-99, -50, 50, 99),
    "Throw-in": (-31, -15, 15, 31),
    "Foul": (-75, -37, 37, 75),
    "Indirect free-kick": (-10, -5, 5, 10),
    "Direct free-kick": (-97, -49, 49, 97),
    "Corner": (-75, -38, 38, 75),
    "Yellow card": (-20, -10, 10, 20),
    "Red card": (-84, -42, 42, 84),
    "Yellow->red card": (-18, -9, 9, 18),
}
"""In seconds, as published for SoccerNet-v2."""

SOCCERNET_V1_CONTEXT: dict[str, Bounds] = {
    "soccer": (-20, -10, 60, 90),
    "card": (-20, -10, 10, 20),
    "subs": (-40, -20, 10, 20),
}
"""In seconds, as published for the three classes of SoccerNet-v1."""

PUBLISHED_CONTEXT = SOCCERNET_V2_CONTEXT | SOCCERNET_V1_CONTEXT

LONGEST_SHARE = 5 / 6
"""Furthest that a context reaches, as a share of the clip: the published 100 s of 120 s."""


def context_of(
    labels: LabelSet,
    halves: Sequence[LabelledHalf],
    rate: Fraction,
    chunk_steps: int,
    *,
    published: bool = True,
) -> Floats:
    """K1 to K4 of every class.

    Where nothing is published for a label, a step belongs to the action that it is nearest to: the
    context reaches half-way to the next action of the class, in the median over the data, with half
    of that as the zone just around the action.

    Args:
        labels: the classes.
        halves: what parameters are derived from.
        rate: steps a second.
        chunk_steps: steps of a clip, of which a derived context takes at most five sixths.
        published: whether published parameters are used for the labels that have them.

    Returns:
        (4, classes) in steps; K2 is at most -1 and K3 at least 1.
    """
    columns = []
    for index, label in enumerate(labels):
        if published and label in PUBLISHED_CONTEXT:
            bounds = np.array(PUBLISHED_CONTEXT[label]) * float(rate)
        else:
            reach = min(_half_median_gap(index, halves), chunk_steps * LONGEST_SHARE)
            bounds = np.array((-reach, -reach / 2, reach / 2, reach))
        columns.append(_apart(bounds))
    return np.stack(columns, axis=1).astype(np.float32)


def _half_median_gap(index: int, halves: Iterable[LabelledHalf]) -> float:
    gaps = [np.diff(np.unique(half.events.steps[half.events.classes == index])) for half in halves]
    known = np.concatenate([np.zeros(0, np.int64), *gaps])
    return float(np.median(known)) / 2 if len(known) else np.inf


def _apart(bounds: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Bounds that leave every zone a step at least, which a low rate may not."""
    k2, k3 = min(bounds[1], -1.0), max(bounds[2], 1.0)
    return np.array((min(bounds[0], k2 - 1), k2, k3, max(bounds[3], k3 + 1)))


def time_shift(
    events: LabelledSteps, context: Floats, half_steps: int, first: int, last: int
) -> Floats:
    """Time shifts of the steps ``first <= step < last`` of a half.

    Args:
        events: all events of the half.
        context: (4, classes) in steps.
        half_steps: steps of the half.
        first: may be below 0.
        last: may be beyond the half.

    Returns:
        (last - first, classes) in steps, negative before the action that a step belongs to.
    """
    k1, k2, k3, k4 = context
    at = np.arange(first, last, dtype=np.float32)[:, None]
    latest, next_one = _neighbours(events, -k4, half_steps - k1, first, last)
    since, until = at - latest, at - next_one  # until is negative
    closer = (since - k3) / (k4 - k3) < (k2 - until) / (k2 - k1)
    of_latest = (since < k3) | ((since < k4) & ((until <= k1) | closer))
    shifts = np.where(of_latest, since, until)

    single = events.distinct
    number = np.bincount(single.classes, minlength=context.shape[1])
    shifts[:, number == 0] = k1[number == 0]
    alone = number[single.classes] == 1
    shifts[:, single.classes[alone]] = at - single.steps[alone].astype(np.float32)
    return shifts


def _neighbours(
    events: LabelledSteps, before_all: Floats, after_all: Floats, first: int, last: int
) -> tuple[Floats, Floats]:
    """For each step and class, (last - first, classes): the last event up to it and the first one
    behind it; where there is none, the (classes,) places given."""
    low, high = np.searchsorted(events.steps, (first, last))
    steps, classes = events.steps, events.classes
    latest = np.full((last - first, len(before_all)), -np.inf, np.float32)
    latest[0] = before_all
    latest[0, classes[:low]] = steps[:low]  # of several the last one stays
    latest[steps[low:high] - first, classes[low:high]] = steps[low:high]

    next_one = np.full_like(latest, np.inf)
    inner = slice(np.searchsorted(steps, first + 1), high)
    next_one[steps[inner] - 1 - first, classes[inner]] = steps[inner]
    next_one[-1] = after_all
    next_one[-1, classes[high:][::-1]] = steps[high:][::-1]
    return (
        np.maximum.accumulate(latest, axis=0),
        np.minimum.accumulate(next_one[::-1], axis=0)[::-1],
    )


def quiet_runs(shifts: Floats, context: Floats, shortest: int) -> Steps:
    """Runs of steps that are far from every action.

    Args:
        shifts: (steps, classes) of a whole half.
        context: (4, classes) in steps.
        shortest: steps that a run has at least.

    Returns:
        (n, 2) int64, first step and the step behind the last.
    """
    quiet = ((shifts >= context[3]) | (shifts <= context[0])).all(axis=1)
    edges = np.flatnonzero(np.diff(quiet, prepend=False, append=False)).reshape(-1, 2)
    return edges[edges[:, 1] - edges[:, 0] >= shortest]
