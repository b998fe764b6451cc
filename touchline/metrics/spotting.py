"""Action spotting: the official average mAP of SoccerNet, to the last bit.

Positions are truncated to frames; one event per class and frame survives, the last written.
Annotations, in order of time, each take the highest-scoring free detection within half the
tolerance. Precision and recall are taken at 200 fixed thresholds, AP at 11 recall levels, and
several tolerances are combined by the trapezoid rule. A class that never occurs has AP 0 and
stays in the mean. Source: the evaluator of the SoccerNet challenges (Giancola et al. 2018,
Deliege et al. 2021; PyPI package ``SoccerNet``).
"""

import math
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from fractions import Fraction
from itertools import chain, repeat
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from touchline.columns import EventColumns, columns_of, empty_columns
from touchline.errors import ConfigError, FormatError, LabelError
from touchline.events import Match
from touchline.labels import SOCCERNET_V1, LabelSet, legacy_class
from touchline.metrics.matching import (
    NONE,
    BoolArray,
    Detections,
    FloatArray,
    IntArray,
    last_per_frame,
    match_greedily,
    rank_detections,
)
from touchline.runtime.wording import counted

METRICS: dict[str, tuple[int, ...]] = {
    "loose": tuple(range(5, 61, 5)),
    "tight": (1, 2, 3, 4, 5),
    "medium": tuple(range(1, 11)),
    **{f"at{seconds}": (seconds,) for seconds in range(1, 6)},
}
"""Tolerances in seconds. A detection may be at most half of one from its annotation."""

HALVES = (1, 2)
HALF_SECONDS = 7200
"""Events after two hours count as in the last frame before."""

THRESHOLDS = np.linspace(0, 1, 200)
"""As computed by ``linspace``: sixteen of them differ from k/199 in the last bit."""

RECALL_LEVELS = np.arange(11) / 10

Events = Match | EventColumns
Rounding = Literal["official", "spivak"]
AnyArray = npt.NDArray[Any]


@dataclass(frozen=True, eq=False)
class Part:
    """Scores of all events, or of the visible or unshown ones.

    Attributes:
        average_map: mean over classes and tolerances, classes that never occur included.
        per_class: (classes,) average over tolerances.
        per_tolerance: (tolerances, classes) AP.
    """

    average_map: float
    per_class: FloatArray
    per_tolerance: FloatArray


@dataclass(frozen=True, eq=False)
class SpottingScores:
    """The result of one metric.

    Attributes:
        metric: name in ``METRICS``, after ``spivak-`` where that rounding was asked for.
        rate: frames a second of the evaluation.
        games: number of games scored.
        all, visible, unshown: fractions; the latter two are None for SoccerNet-v1.
        annotations: (classes,) number of annotations after merging within frames.
        detections: (classes,) number of detections after merging within frames.
        notes: what the official evaluator passes over in silence, as text to number.
    """

    metric: str
    label_set: LabelSet
    rate: Fraction
    games: int
    all: Part
    visible: Part | None
    unshown: Part | None
    annotations: IntArray
    detections: IntArray
    notes: Mapping[str, int] = field(default_factory=dict)

    @property
    def average_map(self) -> float:
        """The official figure."""
        return self.all.average_map

    @property
    def average_map_present(self) -> float | None:
        """The mean over the classes that occur; None if none does."""
        present = self.annotations > 0
        return float(self.all.per_class[present].mean()) if present.any() else None

    @property
    def per_class(self) -> dict[str, float]:
        """Average AP by label."""
        return dict(zip(self.label_set, self.all.per_class.tolist(), strict=True))

    def to_json(self) -> dict[str, Any]:
        """The ``touchline-scores`` object, version 1; fractions at full precision."""
        record: dict[str, Any] = {
            "format": "touchline-scores",
            "version": 1,
            "metric": self.metric,
            "labels": self.label_set.name,
            "rate": float(self.rate),
            "games": self.games,
            "average_map": self.average_map,
            "average_map_present": self.average_map_present,
            "per_class": self.per_class,
        }
        for name, part in (("visible", self.visible), ("unshown", self.unshown)):
            record[name] = part and {
                "average_map": part.average_map,
                "per_class": dict(zip(self.label_set, part.per_class.tolist(), strict=True)),
            }
        record["annotations"] = dict(zip(self.label_set, self.annotations.tolist(), strict=True))
        record["notes"] = dict(self.notes)
        return record


def evaluate(
    labels: Mapping[str, Events],
    predictions: Mapping[str, Events],
    *,
    label_set: LabelSet,
    metric: str = "loose",
    rate: int | Fraction = 2,
    missing: Literal["refuse", "empty"] = "refuse",
    rounding: Rounding = "official",
) -> SpottingScores:
    """Score predictions against labels as the official evaluator does.

    Args:
        labels, predictions: by game. Games that only ``predictions`` has are not scored.
        label_set: the classes; with ``SOCCERNET_V1`` labels are mapped by substring, as officially.
        metric: a name in ``METRICS``.
        rate: frames a second: 2 for SoccerNet-v1 and v2, 25 for ball action spotting.
        missing: what a labelled game without predictions is: an error, or a game of misses.
        rounding: how times become frames. ``spivak`` is Yahoo's evaluator (Soares et al. 2022):
            annotations at whole seconds, frames rounded, and no split by visibility. Quote
            ``official``.

    Raises:
        ConfigError: unknown metric, or a rate that is not positive.
        FormatError: a labelled game without predictions, or a time before -2 hours.
        LabelError: v1 predictions of an unknown class.
    """
    spots = prepare(
        labels, predictions, label_set=label_set, rate=rate, missing=missing, rounding=rounding
    )
    return score(spots, metric)


@dataclass(frozen=True, eq=False)
class Spots:
    """Labels and predictions on the frames of lanes (game, half, class), ready for scoring.

    Attributes:
        truth: (annotations,) keys, increasing.
        shown: (annotations,) bool.
        near_shown: (detections,) whether the nearest annotation of the lane is a visible one.
        stride: frames from one lane to the next; the lane of a key is ``key // stride``.
        label_set: the classes; the class of a lane is ``lane % classes``.
        games: names in the order of lanes; each has ``halves * classes`` lanes.
        missing, extra: games without predictions, and predicted games without labels.
    """

    truth: IntArray
    shown: BoolArray
    detections: Detections
    near_shown: BoolArray
    stride: int
    label_set: LabelSet
    rate: Fraction
    games: tuple[str, ...]
    notes: Mapping[str, int]
    missing: tuple[str, ...] = ()
    extra: tuple[str, ...] = ()
    rounding: Rounding = "official"

    @property
    def split(self) -> bool:
        """Whether visible and unshown events are scored apart, too."""
        return self.label_set != SOCCERNET_V1 and self.rounding == "official"

    def with_detections(self, keys: IntArray, scores: FloatArray) -> "Spots":
        """The same truth with other detections, of which one per key is kept."""
        last = last_per_frame(keys)
        keys, scores = keys[last], scores[last]
        return replace(
            self,
            detections=rank_detections(keys, scores),
            near_shown=near_shown(self.truth, self.shown, keys, self.stride),
        )

    def game_of(self, keys: IntArray) -> IntArray:
        """The index of the game of each key."""
        return keys // (self.stride * len(self.label_set) * len(HALVES))

    def class_of(self, keys: IntArray) -> IntArray:
        """The class index of each key."""
        return keys // self.stride % len(self.label_set)


def prepare(
    labels: Mapping[str, Events],
    predictions: Mapping[str, Events],
    *,
    label_set: LabelSet,
    rate: int | Fraction = 2,
    missing: Literal["refuse", "empty"] = "refuse",
    rounding: Rounding = "official",
) -> Spots:
    """Put labels and predictions on frames; arguments and errors as in ``evaluate``."""
    exact = Fraction(rate)
    if not 0 < exact <= 1000:
        raise ConfigError(f"a rate of {rate} frames a second", remedy="use a rate from 0 to 1000")
    notes: dict[str, int] = {}
    grid = _Grid(label_set, exact, rounding)
    annotated = _pool([_columns(events) for events in labels.values()])
    predicted = _pool(_pair(labels, predictions, missing, notes))

    classes = _annotation_classes(annotated.events, label_set)
    keys, kept = grid.place(annotated, classes, "annotations", notes)
    truth, shown = _merge(keys, annotated.events.shown[kept], "annotations", notes)

    classes = _prediction_classes(predicted.events, label_set)
    keys, kept = grid.place(predicted, classes, "predictions", notes)
    found, scores = _merge(keys, predicted.events.confidences[kept], "predictions", notes)
    _count(notes, "predictions whose confidence is not a number, left out", np.isnan(scores))
    _count(notes, "predictions with a confidence below 0, left out", scores < 0)
    _count(notes, "predictions with a confidence above 1", scores > 1)
    found, scores = found[scores >= 0], scores[scores >= 0]
    return Spots(
        truth,
        shown,
        rank_detections(found, scores),
        near_shown(truth, shown, found, grid.stride),
        grid.stride,
        label_set,
        exact,
        tuple(labels),
        notes,
        tuple(game for game in labels if game not in predictions),
        tuple(game for game in predictions if game not in labels),
        rounding,
    )


def score(spots: Spots, metric: str) -> SpottingScores:
    """Score prepared spots by one metric; several metrics share the preparation.

    Raises:
        ConfigError: unknown metric.
    """
    tolerances = tolerances_of(metric)
    classes = len(spots.label_set)
    bucket = np.searchsorted(THRESHOLDS, spots.detections.scores, "right") - 1
    cell = (spots.class_of(spots.detections.keys) * 2 + spots.near_shown) * 200 + bucket
    hits = np.stack([_at_least(cell[hit], classes) for hit in hit_detections(spots, tolerances)])
    found = _at_least(cell, classes)
    annotations = np.zeros((classes, 2), np.int64)
    np.add.at(annotations, (spots.class_of(spots.truth), spots.shown.astype(int)), 1)

    # The official correction for four classes that never occur unshown in the test set.
    scaled = len(tolerances) > 1
    everything = _average(hits.sum(axis=2), found.sum(axis=1), annotations.sum(axis=1))
    visible = _average(hits[:, :, 1], found[:, 1], annotations[:, 1]) if spots.split else None
    unshown = (
        _average(hits[:, :, 0], found[:, 0], annotations[:, 0], scaled) if spots.split else None
    )
    return SpottingScores(
        metric if spots.rounding == "official" else f"{spots.rounding}-{metric}",
        spots.label_set,
        spots.rate,
        len(spots.games),
        everything,
        visible,
        unshown,
        annotations.sum(axis=1),
        found.sum(axis=1)[:, 0],
        spots.notes,
    )


def tolerances_of(metric: str) -> tuple[int, ...]:
    """The tolerances of a metric in seconds.

    Raises:
        ConfigError: unknown metric.
    """
    if metric not in METRICS:
        raise ConfigError(f"unknown metric {metric!r}", remedy=f"choose from: {', '.join(METRICS)}")
    return METRICS[metric]


def hit_detections(spots: Spots, tolerances: tuple[int, ...]) -> Iterator[IntArray]:
    """For each tolerance in seconds, the indices of the detections that an annotation takes."""
    for tolerance in tolerances:
        taken = match_greedily(spots.truth, spots.detections, reach(tolerance, spots.rate))
        yield taken[taken != NONE]


def average_precision(hits: IntArray, found: IntArray, annotations: IntArray) -> FloatArray:
    """(...) 11-point AP from counts at the thresholds.

    Args:
        hits: (..., thresholds) detections that hit, at or above each threshold.
        found: (..., thresholds) detections at or above each threshold.
        annotations: (..., 1) number of annotations.
    """
    precision = hits / np.maximum(found, 1)
    recall = hits / np.maximum(annotations, 1)
    best = np.maximum.accumulate(precision, axis=-1)
    # Recall falls along the thresholds, so the points of enough recall are the first ones.
    reached = (recall[..., None, :] >= RECALL_LEVELS[:, None]).sum(axis=-1)
    last = np.take_along_axis(best, np.maximum(reached - 1, 0), axis=-1)
    return _sum_in_order(np.moveaxis(np.where(reached > 0, last, 0.0), -1, 0)) / len(RECALL_LEVELS)


def trapezoid(values: FloatArray) -> FloatArray:
    """(...) values of equally spaced tolerances (tolerances, ...) combined: the ends count half."""
    if len(values) == 1:
        return values[0]
    return _sum_in_order((values[:-1] + values[1:]) / 2) / (len(values) - 1)


def _sum_in_order(values: FloatArray) -> FloatArray:
    """Sum over the first axis term by term: numpy's pairwise sum differs in the last bit."""
    return np.add.accumulate(values, axis=0)[-1]


def _average(hits: IntArray, found: IntArray, annotations: IntArray, scaled: bool = False) -> Part:
    """Scores from counts: hits (tolerances, classes, thresholds), found (classes, thresholds)."""
    per_tolerance = average_precision(hits, found, annotations[:, None])
    average_map = float(trapezoid(per_tolerance.mean(axis=1)))
    if scaled:
        average_map = average_map * 17 / 13
    return Part(average_map, trapezoid(per_tolerance), per_tolerance)


def threshold_counts(scores: FloatArray) -> IntArray:
    """(thresholds,) how many scores reach each."""
    bucket = np.searchsorted(THRESHOLDS, scores, "right") - 1
    return np.bincount(bucket, minlength=len(THRESHOLDS))[::-1].cumsum()[::-1]


def _at_least(cell: IntArray, classes: int) -> IntArray:
    """(classes, 2, thresholds) how many reach each threshold, from their cells of that grid."""
    counts = np.bincount(cell, minlength=classes * 2 * 200).reshape(classes, 2, 200)
    return counts[..., ::-1].cumsum(axis=-1)[..., ::-1]


def reach(tolerance: int, rate: Fraction) -> int:
    """Largest distance in whole frames within half the tolerance."""
    return math.floor(tolerance * rate / 2)


@dataclass(frozen=True)
class _Grid:
    """Where events lie: lanes of ``frames`` frames, one per game, half and class."""

    label_set: LabelSet
    rate: Fraction
    rounding: Rounding

    @property
    def frames(self) -> int:
        return max(int(HALF_SECONDS * self.rate), 1)

    @property
    def stride(self) -> int:
        widest = max(max(tolerances) for tolerances in METRICS.values())
        return self.frames + reach(widest, self.rate) + 1

    def place(
        self, pool: "_Pool", classes: IntArray, what: str, notes: dict[str, int]
    ) -> tuple[IntArray, BoolArray]:
        """Keys of the events that the metric keeps, and (events,) which those are.

        Raises:
            FormatError: a time before -2 hours, where the official evaluator stops too.
        """
        events = pool.events
        first_half, last_half = HALVES
        in_half = (events.halves >= first_half) & (events.halves <= last_half)
        _count_labels(notes, what, events.labels, classes < 0)
        _count(notes, f"{what} of a half other than 1 and 2, left out", (classes >= 0) & ~in_half)
        kept = in_half & (classes >= 0)
        frames = self._frames_of(events.milliseconds[kept], what)
        _count(notes, f"{what} after 2 hours, counted there", frames >= self.frames)
        _count(notes, f"{what} of negative time, counted from the end of 2 hours", frames < 0)
        if len(frames) and frames.min() < -self.frames:
            place = np.flatnonzero(kept)[frames.argmin()]
            raise FormatError(
                f"{events.labels[place]!r} at {events.milliseconds[place]} ms "
                "lies more than 2 hours before the half",
                where=pool.sources[pool.game[place]] or None,
                remedy="positions are milliseconds from the start of the half",
            )
        frames = np.minimum(frames, self.frames - 1)
        frames[frames < 0] += self.frames
        halves = pool.game[kept] * len(HALVES) + events.halves[kept] - first_half
        lanes = halves * len(self.label_set) + classes[kept]
        return lanes * self.stride + frames, kept

    def _frames_of(self, milliseconds: IntArray, what: str) -> IntArray:
        seconds = milliseconds / 1000
        if self.rounding == "official":
            # Divide first, then multiply, then truncate: whole numbers or another order give
            # other frames, at 25 frames a second for one in twenty times.
            return (float(self.rate) * seconds).astype(np.int64)
        whole = np.floor(seconds) if what == "annotations" else seconds
        return np.rint(whole * float(self.rate)).astype(np.int64)


def _columns(events: Events) -> EventColumns:
    return events if isinstance(events, EventColumns) else columns_of(events)


def halves_without_predictions(
    labels: Mapping[str, Events], predictions: Mapping[str, Events]
) -> list[tuple[str, int, int]]:
    """Halves with labels and no prediction, of games with some: game, half, number of labels."""
    found = []
    for game in labels.keys() & predictions.keys():
        labelled, predicted = _columns(labels[game]), _columns(predictions[game])
        if len(predicted.halves):
            for half in sorted(set(labelled.halves.tolist()) - set(predicted.halves.tolist())):
                found.append((game, half, int((labelled.halves == half).sum())))
    return sorted(found)


def _pair(
    labels: Mapping[str, Events],
    predictions: Mapping[str, Events],
    missing: str,
    notes: dict[str, int],
) -> list[EventColumns]:
    """The predictions of each labelled game, in the order of the labels."""
    absent = [game for game in labels if game not in predictions]
    if absent and missing == "refuse":
        shown = ", ".join(absent[:3]) + (f" and {len(absent) - 3} more" if len(absent) > 3 else "")
        raise FormatError(
            f"no predictions for {len(absent)} of {counted(len(labels), 'game')}: {shown}",
            remedy="predict them (an empty list will do), or count them as misses "
            "with --missing empty",
        )
    if absent:
        notes["games without predictions, counted as misses"] = len(absent)
    extra = sum(game not in labels for game in predictions)
    if extra:
        notes["predicted games without labels, left out"] = extra
    return [
        _columns(predictions[game]) if game in predictions else empty_columns(game)
        for game in labels
    ]


@dataclass(frozen=True, eq=False)
class _Pool:
    """The events of all games in one, (events,) the game of each, and the games' sources."""

    events: EventColumns
    game: IntArray
    sources: list[str]


def _pool(games: list[EventColumns]) -> _Pool:
    parts = games or [empty_columns()]
    events = EventColumns(
        labels=tuple(chain.from_iterable(part.labels for part in parts)),
        halves=np.concatenate([part.halves for part in parts]),
        milliseconds=np.concatenate([part.milliseconds for part in parts]),
        confidences=np.concatenate([part.confidences for part in parts]),
        shown=np.concatenate([part.shown for part in parts]),
    )
    game = np.repeat(np.arange(len(parts)), [len(part) for part in parts])
    return _Pool(events, game, [part.source for part in parts])


def _annotation_classes(events: EventColumns, label_set: LabelSet) -> IntArray:
    """(events,) class indices; -1 for a label outside the set."""
    if label_set != SOCCERNET_V1:
        return _class_indices(events.labels, label_set)
    classes = (legacy_class(label) for label in events.labels)
    return np.array([-1 if x is None else SOCCERNET_V1.index(x) for x in classes], np.int64)


def _prediction_classes(events: EventColumns, label_set: LabelSet) -> IntArray:
    classes = _class_indices(events.labels, label_set)
    if label_set == SOCCERNET_V1 and (classes < 0).any():
        label = events.labels[int(classes.argmin())]
        raise LabelError(
            f"prediction of unknown class {label!r}",
            remedy=f"SoccerNet-v1 predictions are named {', '.join(SOCCERNET_V1)}",
        )
    return classes


def _class_indices(labels: tuple[str, ...], label_set: LabelSet) -> IntArray:
    index = {label: place for place, label in enumerate(label_set)}
    return np.fromiter(map(index.get, labels, repeat(-1)), np.int64, len(labels))


def _merge(
    keys: IntArray, values: AnyArray, what: str, notes: dict[str, int]
) -> tuple[IntArray, AnyArray]:
    """Keys in order, each once, with the value that was written last."""
    last = last_per_frame(keys)
    if len(last) < len(keys):
        notes[f"{what} replaced by a later one of their class and frame"] = len(keys) - len(last)
    return keys[last], values[last]


def near_shown(truth: IntArray, shown: BoolArray, found: IntArray, stride: int) -> BoolArray:
    """(detections,) whether the annotation whose zone holds a detection is a visible one.

    The zone of an annotation begins halfway to the one before it in its lane, rounded down. A
    detection on a lane without annotations counts as unshown.
    """
    if not len(truth):
        return np.zeros(len(found), bool)
    lane, frame = np.divmod(truth, stride)
    begin = np.zeros(len(truth), np.int64)
    follows = lane[1:] == lane[:-1]
    begin[1:] = np.where(follows, (frame[1:] + frame[:-1]) // 2, 0)
    zone = np.searchsorted(lane * stride + begin, found, "right") - 1
    on_lane = (zone >= 0) & (lane[zone] == found // stride)
    return shown[zone] & on_lane


def _count(notes: dict[str, int], text: str, where: BoolArray) -> None:
    number = int(np.count_nonzero(where))
    if number:
        notes[text] = number


def _count_labels(
    notes: dict[str, int], what: str, labels: tuple[str, ...], unknown: BoolArray
) -> None:
    """Count the events whose label is outside the set, by label."""
    for label, number in Counter(labels[place] for place in np.flatnonzero(unknown)).items():
        notes[f"{what} of unknown label {label!r}, left out"] = number
