"""Time shifts: the position of each step relative to the nearby actions, for the CALF loss.

Cioppa et al.: "A Context-Aware Loss Function for Action Spotting in Soccer Videos", CVPR 2020. Each
class has four parameters K1 < K2 < 0 < K3 < K4 relative to an action: up to K1 a step is far before
it, from K2 just before, up to K3 just after, from K4 far after.
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
"""A time shift just before an action, which has no loss."""

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
"""Largest reach of a context as a fraction of the clip: the published 100 s of 120 s."""


def context_of(
    labels: LabelSet,
    halves: Sequence[LabelledHalf],
    rate: Fraction,
    clip_steps: int,
    *,
    published: bool = True,
) -> Floats:
    """K1 to K4 of every class.

    For a label without published parameters, the context reaches half the median distance between
    actions of the class, and the zone just around an action half of that.

    Args:
        labels: the classes.
        halves: the data that parameters are derived from.
        rate: steps a second.
        clip_steps: steps of a clip, of which a derived context covers at most five sixths.
        published: use published parameters for the labels that have them.

    Returns:
        (4, classes) in steps; K2 is at most -1 and K3 at least 1.
    """
    columns = []
    for index, label in enumerate(labels):
        if published and label in PUBLISHED_CONTEXT:
            bounds = np.array(PUBLISHED_CONTEXT[label]) * float(rate)
        else:
            reach = min(_half_median_gap(index, halves), clip_steps * LONGEST_SHARE)
            bounds = np.array((-reach, -reach / 2, reach / 2, reach))
        columns.append(_apart(bounds))
    return np.stack(columns, axis=1).astype(np.float32)


def _half_median_gap(index: int, halves: Iterable[LabelledHalf]) -> float:
    gaps = [np.diff(np.unique(half.events.steps[half.events.classes == index])) for half in halves]
    known = np.concatenate([np.zeros(0, np.int64), *gaps])
    return float(np.median(known)) / 2 if len(known) else np.inf


def _apart(bounds: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Widen the bounds so that every zone has at least one step, even at a low rate."""
    k2, k3 = min(bounds[1], -1.0), max(bounds[2], 1.0)
    return np.array((min(bounds[0], k2 - 1), k2, k3, max(bounds[3], k3 + 1)))


class TimeShifts:
    """The time shifts of a half, stored run-length encoded: one row for every change.

    Args:
        events: all events of the half.
        context: (4, classes) in steps.
        half_steps: steps of the half.
    """

    def __init__(self, events: LabelledSteps, context: Floats, half_steps: int) -> None:
        k1, _, _, k4 = context
        single = events.distinct
        number = np.bincount(single.classes, minlength=len(k1))
        often = np.flatnonzero(number > 1)  # a single event has no neighbours of its class
        classes = np.concatenate((single.classes, often, often))
        places = np.concatenate((single.steps, -k4[often], half_steps - k1[often]))
        order = np.lexsort((places, classes))
        classes, places = classes[order], places[order].astype(np.float32)

        same = np.zeros(len(classes), np.bool_)
        same[1:] = classes[1:] == classes[:-1]
        later = np.flatnonzero(same)
        begins = _handover(places[later - 1], places[later], context[:, classes[later]])
        in_time = np.argsort(begins)
        rows = np.full((1 + len(later), len(k1)), -np.inf, np.float32)
        rows[0] = -k1
        rows[0, classes[~same]] = places[~same]
        rows[1 + np.arange(len(later)), classes[later][in_time]] = places[later][in_time]

        self._begins = begins[in_time]
        self._places = np.maximum.accumulate(rows, axis=0)
        self._occurs = (number > 0).astype(np.float32)

    def between(self, first: int, last: int) -> Floats:
        """The time shifts of the steps ``first <= step < last``, which may be outside the half.

        Returns:
            (last - first, classes) in steps, negative before the action that a step is assigned to;
            K1 for a class that does not occur.
        """
        at = np.arange(first, last)
        rows = self._begins.searchsorted(at, side="right")
        shifts: Floats = at[:, None].astype(np.float32) * self._occurs - self._places[rows]
        return shifts


def _handover(latest: Floats, following: Floats, context: Floats) -> Steps:
    """The first step that is assigned to the later of two neighbouring actions, (n,) each.

    A step is assigned to the earlier action while it is just after it, and on, up to K4, unless it
    is relatively nearer to the zone just before the later action.
    """
    k1, k2, k3, k4 = context
    mine = np.floor(latest).astype(np.int64)
    others = np.ceil(np.minimum(following, latest + k4)).astype(np.int64)
    while (others - mine > 1).any():
        middle = (mine + others) // 2
        at = middle.astype(np.float32)
        since, until = at - latest, at - following  # until is negative
        closer = (since - k3) / (k4 - k3) < (k2 - until) / (k2 - k1)
        of_latest = (since < k3) | ((since < k4) & ((until <= k1) | closer))
        mine, others = np.where(of_latest, middle, mine), np.where(of_latest, others, middle)
    return others


def quiet_runs(shifts: Floats, context: Floats, shortest: int) -> Steps:
    """Runs of steps that are far from every action.

    Args:
        shifts: (steps, classes) of a whole half.
        context: (4, classes) in steps.
        shortest: minimum length of a run, in steps.

    Returns:
        (n, 2) int64, first step and the step after the last.
    """
    quiet = ((shifts >= context[3]) | (shifts <= context[0])).all(axis=1)
    edges = np.flatnonzero(np.diff(quiet, prepend=False, append=False)).reshape(-1, 2)
    return edges[edges[:, 1] - edges[:, 0] >= shortest]
