"""Whole halves through feature-based networks, each in its own way. Needs PyTorch."""

from collections.abc import Callable, Mapping
from typing import Any

from touchline.datasets.features import Stream
from touchline.scores import FloatArray
from touchline.spotting.scorers import astra, calf, calibration, dense_anchors, fusion, pooling

Score = Callable[[Any, Mapping[str, Stream]], FloatArray]
"""Scores a half: the network (in evaluation mode, on any device) and the half's streams to
(steps, classes) float32, on the steps of the system's output (of which a row of features may have
several, see ``touchline.zoo.networks.steps_per_row``). Background is left out; high means
action, always; systems that emit detections leave every other cell 0."""

SCORERS: dict[str, Score] = {
    "pooling": pooling.score,
    "calf": calf.score,
    "calf-attention": calf.score,
    "calf-se": calf.score,
    "calf-calibration": calibration.score,
    "dense-anchors": dense_anchors.score,
    "astra": astra.score,
    "fusion-early": fusion.score,
    "fusion-late": fusion.score,
    "fusion-attention": fusion.score,
}
"""By system."""
