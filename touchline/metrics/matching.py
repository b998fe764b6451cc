"""Which detection an annotation takes: the official greedy rule, without dense vectors.

Events live on *lanes*: one lane per game, half and class, so nothing matches across lanes. A *key*
is ``lane * stride + frame``; with a stride longer than a lane plus the widest window, one sorted
array of keys holds all lanes and a window in time is a window of keys.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

IntArray = npt.NDArray[np.int64]
FloatArray = npt.NDArray[np.float64]
BoolArray = npt.NDArray[np.bool_]

NONE = -1
"""Marks an annotation that took no detection."""


@dataclass(frozen=True, eq=False)
class Detections:
    """Detections in order of key, ready for matching at any tolerance.

    Attributes:
        keys: (n,) increasing.
        scores: (n,) not NaN.
        order: (n,) detection indices from best to worst; equal scores by key.
        ranks: (n + 1,) place of each detection in ``order``; n at the end, a sentinel.
    """

    keys: IntArray
    scores: FloatArray
    order: IntArray
    ranks: IntArray


def rank_detections(keys: IntArray, scores: FloatArray) -> Detections:
    """Order detections by falling score, the earlier first among equals."""
    order = np.argsort(-scores, kind="stable")
    ranks = np.empty(len(keys) + 1, np.int64)
    ranks[order] = np.arange(len(keys))
    ranks[-1] = len(keys)
    return Detections(keys, scores, order, ranks)


def last_per_frame(keys: IntArray) -> IntArray:
    """Indices, in order of key, of the last of the events that share a key."""
    order = np.argsort(keys, kind="stable")
    ordered = keys[order]
    last = np.ones(len(keys), bool)
    np.not_equal(ordered[1:], ordered[:-1], out=last[:-1])
    return order[last]


def match_greedily(truth: IntArray, detections: Detections, reach: int) -> IntArray:
    """(annotations,) the detection that each annotation takes, or ``NONE``.

    Annotations choose in order of key, each the best free detection at most ``reach`` frames
    away. Here they choose in rounds: an annotation may choose as soon as no earlier undecided
    annotation can see its favourite, so each round settles many at once and the outcome is that
    of choosing one after the other.

    Args:
        truth: (annotations,) keys, increasing.
        detections: what they choose from.
        reach: largest distance in frames, inclusive.
    """
    taken = np.full(len(truth), NONE, np.int64)
    sentinel = len(detections.keys)
    free = detections.ranks.copy()
    start = np.searchsorted(detections.keys, truth - reach, "left")
    stop = np.searchsorted(detections.keys, truth + reach, "right")
    undecided = np.flatnonzero(start < stop)
    while len(undecided):
        best = _least_in_windows(free, start[undecided], stop[undecided])
        undecided, best = undecided[best < sentinel], best[best < sentinel]
        favourite = detections.order[best]
        first_to_see = np.searchsorted(truth, detections.keys[favourite] - reach, "left")
        first_undecided = undecided[np.searchsorted(undecided, first_to_see, "left")]
        settled = first_undecided == undecided
        taken[undecided[settled]] = favourite[settled]
        free[favourite[settled]] = sentinel
        undecided = undecided[~settled]
    return taken


def _least_in_windows(values: IntArray, start: IntArray, stop: IntArray) -> IntArray:
    """Least of ``values[start:stop]`` for each window; none is empty, all end inside."""
    if not len(start):
        return start
    bounds = np.stack([start, stop], axis=1).ravel()
    return np.minimum.reduceat(values, bounds)[::2]
