"""Replay grounding (legacy): find the live action that a replay shows.

Each predicted replay that pairs with an annotated one is a lane with one annotation. Detections
pass a greedy suppression per tolerance, then spotting's matching, thresholds and recall levels
hold. Annotated replays that nobody predicted are not counted as misses. Source: the evaluator of
SoccerNet's replay grounding 2021 and 2022.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from touchline.errors import ConfigError, FormatError
from touchline.labels import SOCCERNET_V2, LabelSet
from touchline.metrics.matching import (
    NONE,
    FloatArray,
    IntArray,
    last_per_frame,
    match_greedily,
    rank_detections,
)
from touchline.metrics.spotting import THRESHOLDS, average_precision, tolerances_of, trapezoid
from touchline.replays import CameraShot, GroundedReplay
from touchline.runtime.wording import counted

RATE = 2
FRAMES = 7000
"""The official vectors end after 58 min 20 s; the evaluator stops at later times."""


@dataclass(frozen=True)
class GroundingScores:
    """Average AP over the pairs of predicted and annotated replays."""

    metric: str
    games: int
    pairs: int
    unpaired: int
    average_ap: float

    def to_json(self) -> dict[str, Any]:
        """A ``touchline-scores`` object."""
        notes = {"predicted replays without an annotated one, left out": self.unpaired}
        return {
            "format": "touchline-scores",
            "version": 1,
            "metric": f"grounding-{self.metric}",
            "games": self.games,
            "pairs": self.pairs,
            "average_ap": self.average_ap,
            "notes": notes if self.unpaired else {},
        }


def evaluate_grounding(
    labels: Mapping[str, Sequence[CameraShot]],
    predictions: Mapping[str, Sequence[GroundedReplay]],
    *,
    metric: str = "loose",
    label_set: LabelSet = SOCCERNET_V2,
) -> GroundingScores:
    """Score predicted replays of games against annotated ones.

    Raises:
        ConfigError: a metric other than loose and tight.
        FormatError: a game without predictions, or a time past 58 min 20 s.
    """
    if metric not in ("loose", "tight"):
        raise ConfigError(f"no grounding metric {metric!r}", remedy="choose loose or tight")
    missing = [game for game in labels if game not in predictions]
    if missing:
        games = counted(len(missing), "game")
        raise FormatError(f"no predicted replays for {games}, such as {missing[0]!r}")
    pairs: list[tuple[int, GroundedReplay]] = []
    unpaired = 0
    for game, shots in labels.items():
        for replay in predictions[game]:
            action = _action_of(replay, shots, label_set)
            unpaired += action is None
            if action is not None:
                pairs.append((_frame(action, game), replay))
    curves = [_point_counts(pairs, tolerance) for tolerance in tolerances_of(metric)]
    values = np.array([average_precision(h, f, np.array([len(pairs)])) for h, f in curves])
    return GroundingScores(metric, len(labels), len(pairs), unpaired, float(trapezoid(values)))


def _action_of(
    replay: GroundedReplay, shots: Sequence[CameraShot], label_set: LabelSet
) -> int | None:
    """Seconds of the action that the annotated replay of this end shows; None if there is none.

    Of annotations with one time, the first alone is looked at; their own half is not.
    """
    before: int | None = None
    for shot in shots:
        fits = shot.link_half == replay.half and shot.link_label in label_set
        if fits and shot.seconds != before and shot.seconds == replay.end_seconds:
            return shot.link_seconds
        before = shot.seconds
    return None


def _frame(seconds: float, where: str) -> int:
    frame = int(seconds * RATE)
    if not 0 <= frame < FRAMES:
        raise FormatError(
            f"a time of {seconds} s", where=where, remedy=f"times are 0 to {FRAMES // RATE} s"
        )
    return frame


def _point_counts(
    pairs: Sequence[tuple[int, GroundedReplay]], tolerance: int
) -> tuple[IntArray, IntArray]:
    """(thresholds,) hits and detections at or above each threshold."""
    stride = FRAMES + tolerance * RATE
    keys, scores = [np.zeros(0, np.int64)], [np.zeros(0)]
    for lane, (_, replay) in enumerate(pairs):
        frames, kept = _suppress(replay, tolerance * RATE)
        keys.append(lane * stride + frames)
        scores.append(kept)
    detections = rank_detections(np.concatenate(keys), np.concatenate(scores))
    truth = np.array([lane * stride + frame for lane, (frame, _) in enumerate(pairs)], np.int64)
    taken = match_greedily(truth, detections, tolerance * RATE // 2)
    hits = detections.scores[taken[taken != NONE]]
    return _at_least(hits), _at_least(detections.scores)


def _suppress(replay: GroundedReplay, window: int) -> tuple[IntArray, FloatArray]:
    """Frames in order, and scores, of the detections that are the best of their window."""
    where = f"replay that ends at {replay.end_seconds} s"
    frames = np.array([_frame(seconds, where) for seconds in replay.times], np.int64)
    last = last_per_frame(frames)
    frames, scores = frames[last], np.array(replay.scores, np.float64)[last]
    alive = scores >= 0
    kept = []
    for place in np.argsort(-scores, kind="stable"):
        if alive[place]:
            kept.append(place)
            distance = frames - frames[place]
            alive &= (distance < -(window / 2)) | (distance >= window // 2)
    chosen = np.sort(np.array(kept, np.int64))
    return frames[chosen], scores[chosen]


def _at_least(scores: FloatArray) -> IntArray:
    return (scores >= THRESHOLDS[:, None]).sum(axis=1)
