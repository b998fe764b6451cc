"""What networks find in training videos that they were not trained on, to draw clips by it."""

from collections.abc import Sequence
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import numpy as np

from touchline.datasets.centres import Predicted
from touchline.datasets.clips import LabelledVideo
from touchline.errors import InputError
from touchline.labels import LabelSet
from touchline.runtime.wording import counted, counted_rate, rate_text
from touchline.scores import Scores
from touchline.spotting.curve_files import curves_path, read_curves

MOST_APART_SECONDS = 1
"""Between the ends of a video and of its curves: a container may state more than it has."""

_REMEDY = "write it with touchline predict --curves"


def with_predictions(
    videos: Sequence[LabelledVideo], folder: Path, labels: LabelSet, rate: Fraction
) -> tuple[LabelledVideo, ...]:
    """The videos with the largest probability of any class at each of their frames.

    Args:
        folder: what ``touchline predict --curves`` wrote, of every video.
        labels: the classes that the curves must be of.
        rate: frames a second of the videos.

    Raises:
        InputError: no such folder, a video without curves, or curves of other classes, at another
            rate or of another length.
    """
    if not folder.is_dir():
        raise InputError("there is no such folder", where=folder, remedy=_REMEDY)
    paths = [_path_of(video, folder) for video in videos]
    if missing := [path for path in paths if not path.exists()]:
        others = counted(len(missing) - 1, "other half", "other halves")
        more = f", and those of {others}" if len(missing) > 1 else ""
        raise InputError(f"these curves are missing{more}", where=missing[0], remedy=_REMEDY)
    return tuple(
        replace(video, predicted=_predicted(path, video.frames.num_frames, labels, rate))
        for video, path in zip(videos, paths, strict=True)
    )


def _path_of(video: LabelledVideo, folder: Path) -> Path:
    game, _, half = video.name.rpartition("/")
    return curves_path(folder, game, int(half))


def _predicted(path: Path, num_frames: int, labels: LabelSet, rate: Fraction) -> Predicted:
    curves = read_curves(path)
    _check(path, curves, num_frames, labels, rate)
    largest = curves.values.max(axis=1).astype(np.float16)[:num_frames]
    return np.pad(largest, (0, num_frames - len(largest)))


def _check(path: Path, curves: Scores, num_frames: int, labels: LabelSet, rate: Fraction) -> None:
    if set(curves.labels) != set(labels):
        raise InputError(
            f"these curves are of {', '.join(curves.labels)}, not of {', '.join(labels)}",
            where=path,
            remedy="predict with a network of the same classes",
        )
    if curves.rate != rate:
        raise InputError(
            f"these curves have {counted_rate(curves.rate, 'step')}, not {rate_text(rate)}",
            where=path,
            remedy="predict with a network of the same rate",
        )
    if abs(len(curves) - num_frames) > MOST_APART_SECONDS * rate:
        raise InputError(
            f"these curves have {counted(len(curves), 'step')}, the video {num_frames} frames",
            where=path,
            remedy="predict this video again",
        )
