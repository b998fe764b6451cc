"""Scoring whole videos with a network in training, by the windows and peaks that users get."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from itertools import islice
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import nn

from touchline.datasets.augment import centre_crop, normalise, to_channels_first
from touchline.datasets.frames import VideoFrames
from touchline.events import Match, Timeline
from touchline.labels import LabelSet, evaluation_rate
from touchline.metrics.frames import FrameEvents, evaluate_frames
from touchline.metrics.spotting import evaluate
from touchline.models.e2e_spot import prediction_of
from touchline.scores import FloatArray, Scores
from touchline.spotting.peaks import MIN_CONFIDENCE, Suppression, find_peaks
from touchline.spotting.windows import Window, WindowAverage, cut_windows
from touchline.timebase import frame_at, parse_rate
from touchline.training.config import Recipe

WINDOWS_PER_BATCH = 4
_FRAMES_PER_READ = 256


@dataclass(frozen=True)
class ValidationVideo:
    """One video of the validation split: its frames and everything labelled in it.

    Attributes:
        game: the game it belongs to.
        half: its number in the game.
    """

    game: str
    half: int
    frames: VideoFrames
    truth: Timeline


@torch.inference_mode()
def score_video(
    network: nn.Module,
    frames: VideoFrames,
    recipe: Recipe,
    labels: LabelSet,
    device: torch.device,
    precision: Callable[[], AbstractContextManager[Any]],
) -> Scores:
    """The curves of one video.

    Frames that a window lacks are zeros after normalisation, as published for inference.

    Args:
        network: in evaluation mode, on ``device``.
        precision: makes the context that the network runs in.
    """
    windows = cut_windows(_pixels(frames), recipe.network.clip_len, recipe.validation.overlap)
    average = WindowAverage(len(labels) + 1)
    while group := list(islice(windows, WINDOWS_PER_BATCH)):
        with precision():
            values = _probabilities(network, group, recipe.augmentation.crop, device)
        for window, value in zip(group, values, strict=True):
            average.add(window.start, value, window.valid)
    values = average.mean()[:, 1:]  # column 0 is background
    rate = parse_rate(recipe.data.rate)
    seconds = np.arange(len(values)) / float(rate)
    return Scores(values, seconds, labels, rate)


def _probabilities(
    network: nn.Module, windows: Sequence[Window], crop: int | None, device: torch.device
) -> FloatArray:
    """(windows, clip_len, K+1)."""
    frames = torch.from_numpy(np.stack([window.items for window in windows])).to(device)
    valid = torch.from_numpy(np.stack([window.valid for window in windows])).to(device)
    x = normalise(to_channels_first(centre_crop(frames, crop)))
    logits = prediction_of(network(x * valid[:, :, None, None, None]))
    return logits.float().softmax(dim=-1).cpu().numpy()


def _pixels(frames: VideoFrames) -> Iterator[npt.NDArray[np.uint8]]:
    for start in range(0, frames.num_frames, _FRAMES_PER_READ):
        count = min(_FRAMES_PER_READ, frames.num_frames - start)
        yield from frames.read(start, count)


def criterion_of(
    curves: Mapping[tuple[str, int], Scores], videos: Sequence[ValidationVideo], recipe: Recipe
) -> dict[str, float]:
    """The figures of a validation; the recipe's criterion is among them.

    Args:
        curves: by game and half.
    """
    labels = next(iter(curves.values())).labels
    truth = matches_of({(v.game, v.half): v.truth for v in videos})
    rule = Suppression(recipe.validation.suppression, recipe.validation.window_seconds)
    predictions = matches_of(
        {
            (v.game, v.half): v.truth.with_events(find_peaks(curves[v.game, v.half], rule))
            for v in videos
        }
    )
    rate = evaluation_rate(labels)
    tight = evaluate(truth, predictions, label_set=labels, metric="tight", rate=rate)
    figures = {
        "tight": tight.average_map_present or 0.0,
        "frame-map": _frame_map(curves, videos),
    }
    return {name: float(figure) for name, figure in figures.items()}


def _frame_map(
    curves: Mapping[tuple[str, int], Scores], videos: Sequence[ValidationVideo]
) -> float:
    """Mean of the frame-level mAP at 1, 2 and 4 frames, without suppression (E2E-Spot)."""
    truth, predictions = {}, {}
    for video in videos:
        scores = curves[video.game, video.half]
        name = f"{video.game}/{video.half}"
        known = [event for event in video.truth if event.label in scores.labels]
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


def matches_of(timelines: Mapping[tuple[str, int], Timeline]) -> dict[str, Match]:
    """Timelines by game and half, as games."""
    games: dict[str, list[Timeline]] = {}
    for (game, _), timeline in sorted(timelines.items()):
        games.setdefault(game, []).append(timeline)
    return {game: Match(game, tuple(halves)) for game, halves in games.items()}
