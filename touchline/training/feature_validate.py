"""Measuring a network in training on whole halves of features, by the scores and peaks that users
get, and on clips by its loss."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import AbstractContextManager
from typing import Any, Literal

import numpy as np
import torch
from torch import nn

from touchline.datasets.features import MAIN
from touchline.labels import LabelSet, evaluation_rate
from touchline.metrics.spotting import evaluate
from touchline.scores import Scores
from touchline.spotting.peaks import MIN_CONFIDENCE, Suppression, find_peaks
from touchline.spotting.scorers import half_scorer
from touchline.training.feature_batches import Batch
from touchline.training.feature_config import FeatureValidationOptions
from touchline.training.feature_data import ValidationHalf
from touchline.training.module import seed_step
from touchline.training.tasks.base import Task
from touchline.training.validate import matches_of
from touchline.zoo.networks import steps_per_row

Precision = Callable[[], AbstractContextManager[Any]]
Metric = Literal["tight", "loose"]

_RANDOM_STEP = 1 << 40
"""No step of a training reaches it: validation has random numbers of its own."""


def score_half(
    system: str, network: Any, half: ValidationHalf, labels: LabelSet, precision: Precision
) -> Scores:
    """The curves of a half.

    Args:
        network: in evaluation mode.
        precision: makes the context that the network runs in.
    """
    with precision():
        values = half_scorer(system)(network, half.half.streams)
    rate = half.half.streams[MAIN].rate * steps_per_row(network.config)
    return Scores(values, np.arange(len(values)) / float(rate), labels, rate)


def suppression_of(options: FeatureValidationOptions) -> Suppression:
    """The recipe's rule for peaks."""
    return Suppression(options.suppression, options.window_seconds, options.floor or MIN_CONFIDENCE)


def average_map(
    curves: Mapping[tuple[str, int], Scores],
    halves: Sequence[ValidationHalf],
    rule: Suppression,
    metrics: Iterable[Metric],
) -> dict[str, float]:
    """The average mAP over the classes that occur, by metric.

    Args:
        curves: by game and half.
    """
    labels = next(iter(curves.values())).labels
    truth = matches_of({(half.game, half.number): half.truth for half in halves})
    found = matches_of(
        {
            (half.game, half.number): half.truth.with_events(
                find_peaks(curves[half.game, half.number], rule, rule.floor)
            )
            for half in halves
        }
    )
    rate = evaluation_rate(labels)
    return {
        metric: float(
            evaluate(truth, found, label_set=labels, metric=metric, rate=rate).average_map_present
            or 0.0
        )
        for metric in metrics
    }


@torch.no_grad()
def loss_on(
    task: Task,
    network: nn.Module,
    batches: Iterable[Batch],
    device: torch.device,
    precision: Precision,
) -> tuple[float, int]:
    """Sum of the losses of clips, each batch weighing as many clips as it has, and these clips.

    Args:
        network: in evaluation mode, on ``device``.
    """
    total, clips = 0.0, 0
    for number, batch in enumerate(batches):
        seed_step(0, _RANDOM_STEP + number, 0)
        moved = {
            kind: {name: value.to(device, non_blocking=True) for name, value in part.items()}
            for kind, part in batch.items()
        }
        count = len(next(iter(batch["streams"].values())))
        with precision():
            total += count * float(task.loss(network, moved["streams"], moved["targets"]))
        clips += count
    return total, clips
