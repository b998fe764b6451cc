"""Frame-level mean average precision, as E2E-Spot and T-DEED report it.

Detections of all videos, by falling score and where equal in the order of the predictions, each
take the nearest free annotation of their class in their video; one within the tolerance is a hit.
Precision is made non-increasing and summed at the hits. Classes without annotations are left out of
the mean. Tolerances are whole frames to either side. Source: Hong et al. 2022, Spotting Temporally
Precise, Fine-Grained Events in Video.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np

from touchline.columns import EventColumns
from touchline.errors import FormatError
from touchline.events import Match
from touchline.metrics.matching import FloatArray, IntArray
from touchline.runtime.wording import counted
from touchline.timebase import frame_at

TOLERANCES = (0, 1, 2, 4)


@dataclass(frozen=True, eq=False)
class FrameEvents:
    """Events of one video, in the order of their file; n events.

    Attributes:
        labels: n class names.
        frames: (n,) int64.
        scores: (n,) float64, at most 1; ignored for annotations.
    """

    labels: tuple[str, ...]
    frames: IntArray
    scores: FloatArray


@dataclass(frozen=True, eq=False)
class FrameScores:
    """The result: AP by tolerance and class.

    Attributes:
        tolerances: in frames.
        labels: the classes that occur in the truth, sorted.
        average_precision: (tolerances, classes).
        videos: number of videos.
    """

    tolerances: tuple[int, ...]
    labels: tuple[str, ...]
    average_precision: FloatArray
    videos: int

    @property
    def mean_average_precision(self) -> FloatArray:
        """(tolerances,) mean over classes."""
        return self.average_precision.mean(axis=1)

    @property
    def selection(self) -> float:
        """The figure that E2E-Spot chooses its epoch by: the mean over all tolerances but 0."""
        chosen = [t > 0 for t in self.tolerances]
        return float(self.mean_average_precision[chosen].mean()) if any(chosen) else 0.0

    def to_json(self) -> dict[str, Any]:
        """A ``touchline-scores`` object, by tolerance in frames."""
        means = self.mean_average_precision.tolist()
        return {
            "format": "touchline-scores",
            "version": 1,
            "metric": "frame-map",
            "videos": self.videos,
            "average_map": float(np.mean(means)),
            "by_tolerance": {
                str(tolerance): {
                    "map": mean,
                    "per_class": dict(zip(self.labels, row.tolist(), strict=True)),
                }
                for tolerance, mean, row in zip(
                    self.tolerances, means, self.average_precision, strict=True
                )
            },
        }


def evaluate_frames(
    truth: Mapping[str, FrameEvents],
    predictions: Mapping[str, FrameEvents],
    *,
    tolerances: Sequence[int] = TOLERANCES,
) -> FrameScores:
    """Score detections against annotations, both by video.

    Raises:
        FormatError: videos that only one side has, no annotations, or a score that is not a
            number of at most 1.
    """
    _check(truth, predictions)
    labels = sorted({label for events in truth.values() for label in events.labels})
    if not labels:
        raise FormatError("the labels hold no events", remedy="frame mAP needs at least one")
    # Ties between videos follow the order of the predictions, as in the published evaluation.
    detections = _by_class(list(predictions.values()))
    annotations = _by_class([truth[video] for video in predictions])
    nothing = _ClassEvents.empty()
    values = [
        [
            _average_precision(annotations[label], detections.get(label, nothing), tolerance)
            for label in labels
        ]
        for tolerance in tolerances
    ]
    return FrameScores(tuple(tolerances), tuple(labels), np.array(values), len(truth))


def frames_of_columns(games: Mapping[str, EventColumns], rate: Fraction) -> dict[str, FrameEvents]:
    """Events of games as those of one video per half, named ``game/half``; frames are truncated.

    Halves without events are there all the same, so that both sides name the same videos.
    """
    videos: dict[str, FrameEvents] = {}
    for game, events in games.items():
        for half in sorted({1, 2} | set(events.halves.tolist())):
            chosen = np.flatnonzero(events.halves == half)
            frames = events.milliseconds[chosen] / 1000 * float(rate)
            videos[f"{game}/{half}"] = FrameEvents(
                tuple(events.labels[place] for place in chosen),
                frames.astype(np.int64),
                events.confidences[chosen],
            )
    return videos


def frames_of_matches(
    matches: Mapping[str, Match], rate: Fraction | None = None
) -> dict[str, FrameEvents]:
    """Events of matches on the frames of their videos, by ``game/half``, else by game.

    Args:
        rate: frames a second; by default each video's own.

    Raises:
        FormatError: a video whose rate is not known.
    """
    videos: dict[str, FrameEvents] = {}
    for game, match in matches.items():
        for timeline in match.timelines:
            name = f"{game}/{timeline.half}" if timeline.half else game
            own = rate or timeline.video.frame_rate
            if own is None:
                raise FormatError(
                    "the frame rate is not known", where=name, remedy="give it with --rate"
                )
            videos[name] = FrameEvents(
                tuple(event.label for event in timeline),
                np.array([frame_at(event.seconds, own) for event in timeline], np.int64),
                np.array([event.confidence for event in timeline], np.float64),
            )
    return videos


@dataclass(frozen=True, eq=False)
class _ClassEvents:
    """All events of one class: (n,) video index, frame and score."""

    videos: IntArray
    frames: IntArray
    scores: FloatArray

    @classmethod
    def empty(cls) -> "_ClassEvents":
        none = np.zeros(0, np.int64)
        return cls(none, none, np.zeros(0))


def _check(truth: Mapping[str, FrameEvents], predictions: Mapping[str, FrameEvents]) -> None:
    if truth.keys() != predictions.keys():
        lone = sorted(truth.keys() ^ predictions.keys())
        side = "predictions" if lone[0] in truth else "labels"
        raise FormatError(
            f"{counted(len(lone), 'video')} on one side only; {lone[0]!r} has no {side}",
            remedy="frame mAP needs the same videos in labels and predictions",
        )
    for video, events in predictions.items():
        if len(events.scores) and not (events.scores <= 1).all():
            raise FormatError(
                "a score above 1, or one that is not a number",
                where=video,
                remedy="scores lie in [0, 1]",
            )


def _by_class(videos: Sequence[FrameEvents]) -> dict[str, _ClassEvents]:
    if not videos:
        return {}
    names = np.array([label for events in videos for label in events.labels], dtype=object)
    index = np.repeat(np.arange(len(videos)), [len(events.labels) for events in videos])
    frames = np.concatenate([events.frames for events in videos])
    scores = np.concatenate([events.scores for events in videos])
    classes: dict[str, _ClassEvents] = {}
    for label in set(names):
        chosen = names == label
        classes[label] = _ClassEvents(index[chosen], frames[chosen], scores[chosen])
    return classes


def _average_precision(truth: _ClassEvents, found: _ClassEvents, tolerance: int) -> float:
    """AP of one class; the denominator counts annotations that share a frame, too."""
    order = np.argsort(-found.scores, kind="stable")
    stride = 2 * (_largest(truth, found) + tolerance + 1)
    truth_keys, listed = np.unique(truth.videos * stride + truth.frames, return_index=True)
    keys = (found.videos * stride + found.frames)[order]
    start = np.searchsorted(truth_keys, keys - tolerance, "left")
    stop = np.searchsorted(truth_keys, keys + tolerance, "right")
    free = np.ones(len(truth_keys), bool)
    ranks: list[int] = []
    for rank in np.flatnonzero(start < stop).tolist():
        key = keys[rank]
        near = [
            (abs(int(truth_keys[place] - key)), int(listed[place]), place)
            for place in range(start[rank], stop[rank])
            if free[place]
        ]
        if near:
            free[min(near)[2]] = False
            ranks.append(rank + 1)
    precision = np.arange(1, len(ranks) + 1) / np.array(ranks, np.int64)
    highest_from_here = np.maximum.accumulate(precision[::-1])
    return float(highest_from_here.sum() / len(truth.frames))


def _largest(*sides: _ClassEvents) -> int:
    return max((int(np.abs(side.frames).max()) for side in sides if len(side.frames)), default=0)
