"""Measuring a network in training: whole halves and videos by the curves and peaks that users get,
clips by their loss."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import replace
from typing import Any, Literal

import numpy as np
import torch
from torch import nn

from touchline.columns import EventColumns, columns_of
from touchline.events import PICTURE_SIDES, Event, Match, Timeline
from touchline.labels import evaluation_rate
from touchline.metrics.frames import FrameEvents, evaluate_frames
from touchline.metrics.spotting import evaluate
from touchline.metrics.team import evaluate_team
from touchline.scores import Scores
from touchline.spotting.peaks import MIN_CONFIDENCE, Suppression, find_peaks
from touchline.timebase import frame_at
from touchline.training.module import seed_step
from touchline.training.options.common import ValidationOptions
from touchline.training.sources.base import Batch, ClipSource, ValidationItem
from touchline.training.tasks.base import Task

Precision = Callable[[], AbstractContextManager[Any]]
"""Makes the context that the network runs in."""

Curves = Mapping[tuple[str, int], Scores]
"""Scores by game and half."""

_RANDOM_STEP = 1 << 40
"""No step of a training reaches it: validation has random numbers of its own."""


def suppression_of(options: ValidationOptions) -> Suppression:
    """The recipe's rule for peaks."""
    return Suppression(options.suppression, options.window_seconds, options.floor or MIN_CONFIDENCE)


def score_items(
    source: ClipSource, network: nn.Module, items: Iterable[ValidationItem], precision: Precision
) -> dict[tuple[str, int], Scores]:
    """The curves of halves or videos, by game and half.

    Args:
        network: in evaluation mode.
    """
    curves = {}
    for item in items:
        with precision():
            curves[item.game, item.number] = source.score(network, item)
    return curves


def measure(
    names: Iterable[str], curves: Curves, items: Sequence[ValidationItem], rule: Suppression
) -> dict[str, float]:
    """Figures of a validation by their name; see ``FIGURES``.

    Args:
        curves: of every item.
    """
    return {name: float(FIGURES[name](curves, items, rule)) for name in names}


def _average_map(
    metric: Literal["tight", "loose", "at1"],
    curves: Curves,
    items: Sequence[ValidationItem],
    rule: Suppression,
) -> float:
    """The average mAP over the classes that occur."""
    labels = next(iter(curves.values())).labels
    truth = _matches_of({(item.game, item.number): item.truth for item in items})
    found = _matches_of(
        {
            (item.game, item.number): item.truth.with_events(
                find_peaks(curves[item.game, item.number], rule, rule.floor)
            )
            for item in items
        }
    )
    rate = evaluation_rate(labels)
    measured = evaluate(truth, found, label_set=labels, metric=metric, rate=rate)
    return measured.average_map_present or 0.0


def _tight(curves: Curves, items: Sequence[ValidationItem], rule: Suppression) -> float:
    return _average_map("tight", curves, items, rule)


def _loose(curves: Curves, items: Sequence[ValidationItem], rule: Suppression) -> float:
    return _average_map("loose", curves, items, rule)


def _at1(curves: Curves, items: Sequence[ValidationItem], rule: Suppression) -> float:
    return _average_map("at1", curves, items, rule)


def _team_at1(curves: Curves, items: Sequence[ValidationItem], rule: Suppression) -> float:
    """The mAP within half a second by side, without suppression, over the classes that occur."""
    labels = next(iter(curves.values())).labels
    truth: dict[str, EventColumns] = {}
    found: dict[str, EventColumns] = {}
    for item in items:
        sided = [event for event in item.truth if event.team in PICTURE_SIDES]
        detections = _sided_events(curves[item.game, item.number])
        name = f"{item.game}/{item.number}"
        for side, events in ((truth, sided), (found, detections)):
            timeline = replace(item.truth.with_events(events), half=1)
            side[name] = columns_of(Match(name, (timeline,)))
    rate = evaluation_rate(labels)
    measured = evaluate_team(truth, found, label_set=labels, rate=rate).per_class
    return float(np.nanmean(measured)) if np.isfinite(measured).any() else 0.0


def _sided_events(scores: Scores) -> list[Event]:
    """Every step, class and side above the floor."""
    assert scores.sides is not None  # as the recipe's figures say
    return [
        Event(
            float(scores.seconds[step]),
            scores.labels.labels[column],
            float(scores.sides[step, column, side]),
            team=PICTURE_SIDES[side],
        )
        for step, column, side in np.argwhere(scores.sides >= MIN_CONFIDENCE)
    ]


def _frame_map(curves: Curves, items: Sequence[ValidationItem], rule: Suppression) -> float:
    """Mean of the frame-level mAP at 1, 2 and 4 frames, without suppression (E2E-Spot)."""
    truth, predictions = {}, {}
    for item in items:
        scores = curves[item.game, item.number]
        name = f"{item.game}/{item.number}"
        known = [event for event in item.truth if event.label in scores.labels]
        truth[name] = FrameEvents(
            tuple(event.label for event in known),
            np.array([frame_at(event.seconds, scores.rate) for event in known], np.int64),
            np.ones(len(known)),
        )
        steps, columns = np.nonzero(scores.values >= MIN_CONFIDENCE)
        predictions[name] = FrameEvents(
            tuple(scores.labels.labels[column] for column in columns),
            steps.astype(np.int64),
            scores.values[steps, columns].astype(np.float64),
        )
    if not any(events.labels for events in truth.values()):
        return 0.0
    return evaluate_frames(truth, predictions).selection


FIGURES: dict[str, Callable[[Curves, Sequence[ValidationItem], Suppression], float]] = {
    "tight": _tight,
    "loose": _loose,
    "at1": _at1,
    "team-at1": _team_at1,
    "frame-map": _frame_map,
}
"""What can be measured on curves; higher is better."""


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


def _matches_of(timelines: Mapping[tuple[str, int], Timeline]) -> dict[str, Match]:
    """Timelines by game and half, as games."""
    games: dict[str, list[Timeline]] = {}
    for (game, _), timeline in sorted(timelines.items()):
        games.setdefault(game, []).append(timeline)
    return {game: Match(game, tuple(halves)) for game, halves in games.items()}
