"""What the official spotting figure hides, from the same matches.

The official AP looks at 200 thresholds, keeps classes that never occur, and says nothing of how
sure a figure of a few games is. This puts beside it: AP at every threshold, precision and recall
at one, which classes are taken for which, how far off in time, whether scores mean what they say,
how the figure varies over games, and what chance would have scored.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from touchline.errors import ConfigError
from touchline.metrics.matching import (
    NONE,
    BoolArray,
    FloatArray,
    IntArray,
    match_greedily,
    rank_detections,
)
from touchline.metrics.spotting import (
    RECALL_LEVELS,
    THRESHOLDS,
    Spots,
    SpottingScores,
    average_precision,
    reach,
    score,
    threshold_counts,
    tolerances_of,
    trapezoid,
)

CALIBRATION_BINS = 10
RESAMPLES = 400
CHANCE_DRAWS = 5

Interval = tuple[float, float]


@dataclass(frozen=True)
class OperatingPoint:
    """What a threshold yields; a hit is decided among all detections, as officially."""

    threshold: float
    precision: float
    recall: float

    @property
    def f1(self) -> float:
        """Harmonic mean of precision and recall."""
        total = self.precision + self.recall
        return 2 * self.precision * self.recall / total if total else 0.0

    def to_json(self) -> dict[str, float]:
        """The fields and ``f1``."""
        return {
            "threshold": self.threshold,
            "precision": self.precision,
            "recall": self.recall,
            "f1": self.f1,
        }


@dataclass(frozen=True, eq=False)
class TimeErrors:
    """Detection minus annotation, in seconds, of the hits within the widest tolerance."""

    count: int
    quartiles: tuple[float, float, float]
    edges: FloatArray
    counts: IntArray

    def to_json(self) -> dict[str, Any]:
        """Median, quartiles and histogram."""
        lower, median, upper = self.quartiles
        return {
            "count": self.count,
            "median_seconds": median,
            "quartiles_seconds": [lower, upper],
            "histogram": {"edges_seconds": self.edges.tolist(), "counts": self.counts.tolist()},
        }


@dataclass(frozen=True, eq=False)
class Calibration:
    """Detections in bins of equal width of score: how often do they hit?

    Attributes:
        edges: (bins + 1,).
        counts, mean_scores, hit_rates: (bins,); NaN in empty bins.
        error: expected calibration error, the mean gap weighted by the detections.
    """

    edges: FloatArray
    counts: IntArray
    mean_scores: FloatArray
    hit_rates: FloatArray
    error: float

    def to_json(self) -> dict[str, Any]:
        """One object per bin that is not empty."""
        rows = zip(
            self.edges[:-1].tolist(),
            self.edges[1:].tolist(),
            self.counts.tolist(),
            self.mean_scores.tolist(),
            self.hit_rates.tolist(),
            strict=True,
        )
        return {
            "expected_error": self.error,
            "bins": [
                {"from": low, "to": high, "count": count, "mean_score": mean, "hit_rate": rate}
                for low, high, count, mean, rate in rows
                if count
            ],
        }


@dataclass(frozen=True, eq=False)
class ClassExplanation:
    """One class.

    Attributes:
        exact_ap: average AP with every score as a threshold.
        interval: of the official AP, 95 % over games.
        chosen, best: operating points at the asked threshold and at that of the largest F1.
        time_errors: None where nothing hit.
        precision, recall: (thresholds,) the official points at the one tolerance.
    """

    label: str
    annotations: int
    detections: int
    ap: float
    exact_ap: float
    interval: Interval
    chosen: OperatingPoint
    best: OperatingPoint
    time_errors: TimeErrors | None
    precision: FloatArray
    recall: FloatArray

    def to_json(self) -> dict[str, Any]:
        """All but the curve."""
        return {
            "annotations": self.annotations,
            "detections": self.detections,
            "ap": self.ap,
            "exact_ap": self.exact_ap,
            "interval": list(self.interval),
            "at_threshold": self.chosen.to_json(),
            "at_best_threshold": self.best.to_json(),
            "time_errors": self.time_errors and self.time_errors.to_json(),
        }


@dataclass(frozen=True, eq=False)
class Explanation:
    """Everything beside one official figure.

    Attributes:
        within_seconds: largest distance of a hit wherever one tolerance had to be chosen.
        threshold: the asked one.
        exact_average_map: mean of ``exact_ap`` over the classes that occur; None if none does.
        interval, present_interval: 95 % over games, of the official mean and of the mean over
            classes that occur.
        chance: official mean of as many detections at random times.
        overall: the operating point of all classes together.
        confusion: (classes + 1, classes + 1) annotations by class (rows) against detections over
            the threshold by class (columns); the last row is detections of nothing, the last
            column annotations that nothing found.
    """

    scores: SpottingScores
    within_seconds: float
    threshold: float
    classes: tuple[ClassExplanation, ...]
    exact_average_map: float | None
    interval: Interval
    present_interval: Interval | None
    chance: float
    overall: OperatingPoint
    confusion: IntArray
    time_errors: TimeErrors | None
    calibration: Calibration
    missing_games: tuple[str, ...]
    extra_games: tuple[str, ...]

    def to_json(self) -> dict[str, Any]:
        """The official record with an ``explain`` object."""
        record = self.scores.to_json()
        names = list(self.scores.label_set)
        record["explain"] = {
            "within_seconds": self.within_seconds,
            "threshold": self.threshold,
            "exact_average_map": self.exact_average_map,
            "interval": list(self.interval),
            "present_interval": self.present_interval and list(self.present_interval),
            "chance_average_map": self.chance,
            "overall": self.overall.to_json(),
            "per_class": {item.label: item.to_json() for item in self.classes},
            "confusion": {
                "annotated": [*names, None],
                "predicted": [*names, None],
                "counts": self.confusion.tolist(),
            },
            "time_errors": self.time_errors and self.time_errors.to_json(),
            "calibration": self.calibration.to_json(),
            "missing_games": list(self.missing_games),
            "extra_games": list(self.extra_games),
        }
        return record


def explain(
    spots: Spots,
    metric: str = "loose",
    *,
    threshold: float = 0.5,
    resamples: int = RESAMPLES,
    seed: int = 0,
) -> Explanation:
    """Look behind the figure of one metric.

    Args:
        threshold: of the chosen operating point, of confusion and of time errors.
        resamples: how often games are drawn for the intervals.
        seed: of the intervals and of chance; the same seed gives the same figures.

    Raises:
        ConfigError: unknown metric, or a threshold that is not a number.
    """
    if not np.isfinite(threshold):
        raise ConfigError(f"a threshold of {threshold}", remedy="use a number, such as 0.5")
    tolerances = tolerances_of(metric)
    middle = (len(tolerances) - 1) // 2
    scores = score(spots, metric)
    taken = [
        match_greedily(spots.truth, spots.detections, reach(seconds, spots.rate))
        for seconds in tolerances
    ]
    rng = np.random.default_rng(seed)
    intervals, interval, present_interval = _intervals(spots, taken, resamples, rng)
    exact = _exact_ap(spots, taken)
    present = scores.annotations > 0
    hit = _hits(spots, taken[middle])
    return Explanation(
        scores,
        tolerances[middle] / 2,
        threshold,
        tuple(_class_explanations(spots, scores, taken, middle, exact, intervals, threshold)),
        float(exact[present].mean()) if present.any() else None,
        interval,
        present_interval,
        _chance(spots, metric, rng),
        _operating_points(spots.detections.scores, hit, len(spots.truth), threshold)[0],
        _confusion(spots, taken[middle], reach(tolerances[middle], spots.rate), threshold),
        _time_errors(spots, taken[-1], tolerances[-1] / 2, threshold),
        _calibration(spots.detections.scores, hit),
        spots.missing,
        spots.extra,
    )


def _hits(spots: Spots, taken: IntArray) -> BoolArray:
    """(detections,) whether an annotation took each."""
    hit = np.zeros(len(spots.detections.keys), bool)
    hit[taken[taken != NONE]] = True
    return hit


def _class_explanations(
    spots: Spots,
    scores: SpottingScores,
    taken: list[IntArray],
    middle: int,
    exact: FloatArray,
    intervals: FloatArray,
    threshold: float,
) -> Iterator[ClassExplanation]:
    classes = spots.class_of(spots.detections.keys)
    truth_classes = spots.class_of(spots.truth)
    hit = _hits(spots, taken[middle])
    widest = tolerances_of(scores.metric)[-1] / 2
    for index, label in enumerate(spots.label_set):
        mine = classes == index
        total = int(scores.annotations[index])
        chosen, best = _operating_points(spots.detections.scores[mine], hit[mine], total, threshold)
        hits = threshold_counts(spots.detections.scores[mine & hit])
        found = threshold_counts(spots.detections.scores[mine])
        yield ClassExplanation(
            label,
            total,
            int(scores.detections[index]),
            float(scores.all.per_class[index]),
            float(exact[index]),
            (float(intervals[0, index]), float(intervals[1, index])),
            chosen,
            best,
            _time_errors(spots, taken[-1], widest, threshold, truth_classes == index),
            hits / np.maximum(found, 1),
            hits / max(total, 1),
        )


def _exact_ap(spots: Spots, taken: list[IntArray]) -> FloatArray:
    """(classes,) average over tolerances of the 11-point AP with every score as a threshold."""
    order = spots.detections.order
    classes = spots.class_of(spots.detections.keys)[order]
    totals = np.bincount(spots.class_of(spots.truth), minlength=len(spots.label_set))
    values = np.zeros((len(taken), len(spots.label_set)))
    for index in range(len(spots.label_set)):
        mine = order[classes == index]
        scores = spots.detections.scores[mine]
        last_of_score = np.append(scores[1:] != scores[:-1], True)[: len(scores)]
        found = np.arange(1, len(mine) + 1)[last_of_score]
        for row, matched in enumerate(taken):
            hits = np.cumsum(_hits(spots, matched)[mine])[last_of_score]
            values[row, index] = _eleven_points(hits, found, int(totals[index]))
    return trapezoid(values)


def _eleven_points(hits: IntArray, found: IntArray, total: int) -> float:
    """AP from counts at falling thresholds."""
    if not len(hits) or not total:
        return 0.0
    best_from_here = np.maximum.accumulate((hits / found)[::-1])[::-1]
    first = np.searchsorted(hits / total, RECALL_LEVELS, "left")
    return float(np.append(best_from_here, 0.0)[first].sum() / len(RECALL_LEVELS))


def _operating_points(
    scores: FloatArray, hit: BoolArray, total: int, threshold: float
) -> tuple[OperatingPoint, OperatingPoint]:
    """The point at a threshold, and the one of the largest F1 (the highest such threshold)."""
    order = np.argsort(-scores, kind="stable")
    ordered, hits = scores[order], np.cumsum(hit[order])

    def point(number: int, at: float) -> OperatingPoint:
        correct = int(hits[number - 1]) if number else 0
        return OperatingPoint(at, correct / max(number, 1), correct / max(total, 1))

    chosen = point(int(np.searchsorted(-ordered, -threshold, "right")), threshold)
    if not len(ordered):
        return chosen, chosen
    f1 = 2 * hits / (np.arange(1, len(hits) + 1) + total)
    f1[:-1][ordered[:-1] == ordered[1:]] = -1.0  # a threshold cannot part equal scores
    best = int(f1.argmax())
    return chosen, point(best + 1, float(ordered[best]))


def _confusion(spots: Spots, taken: IntArray, window: int, threshold: float) -> IntArray:
    """Annotations against detections over the threshold; see ``Explanation``.

    Hits of the right class come first. What is left pairs across classes by the same greedy rule.
    """
    classes = len(spots.label_set)
    lanes_of_half = spots.stride * classes

    def across(keys: IntArray) -> IntArray:
        return keys // lanes_of_half * spots.stride + keys % spots.stride

    over = spots.detections.scores >= threshold
    right = (taken != NONE) & np.append(over, False)[taken]
    matrix = np.zeros((classes + 1, classes + 1), np.int64)
    truth_class, found_class = (
        spots.class_of(spots.truth),
        spots.class_of(spots.detections.keys),
    )
    np.add.at(matrix, (truth_class[right], truth_class[right]), 1)

    missed = np.flatnonzero(~right)
    over[taken[right]] = False
    spare = np.flatnonzero(over)
    missed = missed[np.argsort(across(spots.truth[missed]), kind="stable")]
    spare = spare[np.argsort(across(spots.detections.keys[spare]), kind="stable")]
    others = rank_detections(across(spots.detections.keys[spare]), spots.detections.scores[spare])
    pairs = match_greedily(across(spots.truth[missed]), others, window)
    wrong = pairs != NONE
    np.add.at(matrix, (truth_class[missed[wrong]], found_class[spare[pairs[wrong]]]), 1)
    matrix[:, classes] += np.bincount(truth_class[missed[~wrong]], minlength=classes + 1)
    spurious = np.ones(len(spare), bool)
    spurious[pairs[wrong]] = False
    matrix[classes] += np.bincount(found_class[spare[spurious]], minlength=classes + 1)
    return matrix


def _time_errors(
    spots: Spots,
    taken: IntArray,
    widest_seconds: float,
    threshold: float,
    chosen: BoolArray | None = None,
) -> TimeErrors | None:
    hit = taken != NONE
    if chosen is not None:
        hit = hit & chosen
    hit[hit] = spots.detections.scores[taken[hit]] >= threshold
    if not hit.any():
        return None
    errors = (spots.detections.keys[taken[hit]] - spots.truth[hit]) / float(spots.rate)
    lower, median, upper = np.percentile(errors, [25, 50, 75]).tolist()
    edges = np.linspace(-widest_seconds, widest_seconds, 31)
    return TimeErrors(len(errors), (lower, median, upper), edges, np.histogram(errors, edges)[0])


def _calibration(scores: FloatArray, hit: BoolArray) -> Calibration:
    edges = np.linspace(0, 1, CALIBRATION_BINS + 1)
    clipped = np.minimum(scores, 1.0)
    place = np.minimum((clipped * CALIBRATION_BINS).astype(np.int64), CALIBRATION_BINS - 1)
    counts = np.bincount(place, minlength=CALIBRATION_BINS)
    with np.errstate(invalid="ignore"):
        mean_scores = np.bincount(place, clipped, CALIBRATION_BINS) / counts
        hit_rates = np.bincount(place, hit, CALIBRATION_BINS) / counts
    gaps = np.nan_to_num(np.abs(mean_scores - hit_rates))
    error = float((gaps * counts).sum() / max(len(scores), 1))
    return Calibration(edges, counts, mean_scores, hit_rates, error)


def _intervals(
    spots: Spots, taken: list[IntArray], resamples: int, rng: np.random.Generator
) -> tuple[FloatArray, Interval, Interval | None]:
    """95 % intervals over games: (2, classes) of AP, of their mean, of the mean over those present.

    Counts add up over games, so a draw of games is a weighted sum of their counts.
    """
    classes, games = len(spots.label_set), len(spots.games)
    weights = rng.multinomial(games, np.full(games, 1 / games), resamples) if games else None
    if weights is None or not resamples:
        nothing = np.zeros((2, classes))
        return nothing, (0.0, 0.0), None
    bucket = np.searchsorted(THRESHOLDS, spots.detections.scores, "right") - 1
    game_of = spots.game_of(spots.detections.keys)
    cell = spots.class_of(spots.detections.keys) * len(THRESHOLDS) + bucket
    truth = _sums_of_draws(
        weights, spots.game_of(spots.truth), spots.class_of(spots.truth), classes
    ).reshape(resamples, classes, 1)

    def at_least(chosen: IntArray | slice) -> IntArray:
        sums = _sums_of_draws(weights, game_of[chosen], cell[chosen], classes * len(THRESHOLDS))
        sums = sums.reshape(resamples, classes, len(THRESHOLDS))
        return sums[..., ::-1].cumsum(axis=-1)[..., ::-1]

    found = at_least(slice(None))
    per_tolerance = np.stack(
        [average_precision(at_least(t[t != NONE]), found, truth) for t in taken]
    )
    values = trapezoid(per_tolerance)
    present = truth[..., 0] > 0
    occurring = present.any(axis=1)
    present_means = np.where(present, values, 0).sum(axis=1)[occurring] / present[occurring].sum(
        axis=1
    )
    return (
        np.percentile(values, [2.5, 97.5], axis=0),
        _interval(values.mean(axis=1)),
        _interval(present_means) if occurring.any() else None,
    )


def _sums_of_draws(weights: IntArray, games: IntArray, cells: IntArray, number: int) -> IntArray:
    """(draws, number) how many events fall into each cell when games weigh as drawn."""
    used, place = np.unique(cells, return_inverse=True)
    counts = np.zeros((weights.shape[1], len(used)), np.float32)
    np.add.at(counts, (games, place), 1)
    sums = np.zeros((len(weights), number), np.int64)
    sums[:, used] = np.rint(weights.astype(np.float32) @ counts)
    return sums


def _interval(values: FloatArray) -> Interval:
    low, high = np.percentile(values, [2.5, 97.5]).tolist()
    return low, high


def _chance(spots: Spots, metric: str, rng: np.random.Generator) -> float:
    """Mean official figure of the same scores at random times of the same lanes."""
    keys, classes = spots.detections.keys, len(spots.label_set)
    half = spots.stride * classes
    extent = np.zeros(2 * max(len(spots.games), 1), np.int64)
    for each in (keys, spots.truth):
        np.maximum.at(extent, each // half, each % spots.stride)
    values = []
    for _ in range(CHANCE_DRAWS):
        frames = rng.integers(0, extent[keys // half] + 1) if len(keys) else keys
        drawn = keys // spots.stride * spots.stride + frames
        values.append(score(spots.with_detections(drawn, spots.detections.scores), metric))
    return float(np.mean([value.average_map for value in values]))
