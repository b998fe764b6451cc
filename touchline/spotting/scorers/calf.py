"""A half through a network of the CALF family: overlapping clips, each step judged by one of them.

Cioppa et al., CVPR 2020. A clip is trusted only where its network sees both sides; at the ends of a
half there is no other side. Steps are reduced to few channels once, before clips overlap.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from touchline.datasets.features import MAIN, Stream
from touchline.engines.stages import Stages
from touchline.scores import FloatArray
from touchline.spotting.scorers.rows import rows_through

CLIPS_AT_ONCE = 32
STEPS_AT_ONCE = 2048

Steps = npt.NDArray[np.int64]


def score(network: Stages, streams: Mapping[str, Stream]) -> FloatArray:
    """What the network spots in a half.

    Args:
        network: of CALF, of CALF with attention or of that with squeeze and excitation.
        streams: ``features``, rows of the width that the network takes.

    Returns:
        (steps, classes) confidences; 0 where nothing was spotted.
    """
    return score_clips(network.config, streams[MAIN].steps, _clip_reader(network, streams[MAIN]))


def segment(network: Stages, streams: Mapping[str, Stream]) -> FloatArray:
    """How near an action of each class is, as the network's segmentation has it.

    Args:
        network: as for ``score``.
        streams: as for ``score``.

    Returns:
        (steps, classes) from 0 to 1; high near an action, whatever the network's polarity.
    """
    steps = streams[MAIN].steps
    return segment_clips(network.config, steps, _clip_reader(network, streams[MAIN]))


ReadClips = Callable[[Steps], tuple[FloatArray, FloatArray]]
"""What a network says of the clips that begin at these steps (see ``clip_rows``): segmentation
(B, T, classes), of the network's polarity, and spotting (B, slots, 2 + classes)."""


def score_clips(config: Any, steps: int, read: ReadClips) -> FloatArray:
    """``score`` for whichever inputs a network has.

    Args:
        config: of the network, or its facts.
        steps: of the half.
        read: runs the network.
    """
    values = np.zeros((steps, config.num_classes), np.float32)
    for clip in _each_clip(config, steps, read):
        places = np.floor(clip.spotting[:, 1] * np.float32(config.clip_steps - 1))
        for step, spot in zip(clip.start + places.astype(np.int64), clip.spotting, strict=True):
            if clip.first <= step < clip.last:  # as published a later slot replaces an earlier one
                values[step, spot[2:].argmax()] = spot[0]
    return values


def segment_clips(config: Any, steps: int, read: ReadClips) -> FloatArray:
    """``segment`` for whichever inputs a network has; arguments as ``score_clips``."""
    values = np.zeros((steps, config.num_classes), np.float32)
    for clip in _each_clip(config, steps, read):
        judged = slice(clip.first - clip.start, clip.last - clip.start)
        values[clip.first : clip.last] = clip.nearness[judged]
    return values


def clip_starts(steps: int, config: Any) -> Steps:
    """(n,) first steps of the clips that cover a half: evenly apart, the last one at its end.

    Neighbours share ``receptive_steps``. A half shorter than a clip has one clip, from 0.
    """
    stride = max(1, config.clip_steps - config.receptive_steps)
    last = max(0, steps - config.clip_steps)
    return np.append(np.arange(0, last, stride), last).astype(np.int64)


def judged_steps(starts: Steps, steps: int, config: Any) -> Steps:
    """(n, 2) the steps, first and the one behind the last, that each clip decides on.

    Together they are all steps of the half, each once.
    """
    borders = starts[1:] + config.receptive_steps // 2
    return np.stack((np.append(0, borders), np.append(borders, steps)), axis=1)


def clip_rows(starts: Steps, steps: int, config: Any) -> Steps:
    """(n, clip_steps) rows that clips consist of; behind the half, its last row again."""
    return np.minimum(starts[:, None] + np.arange(config.clip_steps), steps - 1)


@dataclass(frozen=True, eq=False)
class _Clip:
    """A clip from step ``start``, which decides on the steps ``first`` up to ``last``."""

    start: int
    first: int
    last: int
    nearness: FloatArray
    spotting: FloatArray


def _each_clip(config: Any, steps: int, read: ReadClips) -> Iterator[_Clip]:
    starts = clip_starts(steps, config)
    judged = judged_steps(starts, steps, config)
    for begin in range(0, len(starts), CLIPS_AT_ONCE):
        these = slice(begin, begin + CLIPS_AT_ONCE)
        segmentation, spotting = map(np.asarray, read(starts[these]))
        near = 1 - segmentation if config.polarity == "distance" else segmentation
        for i, start in enumerate(starts[these]):
            first, last = judged[begin + i]
            yield _Clip(int(start), int(first), int(last), near[i], spotting[i])


def parts_of(output: FloatArray, config: Any) -> tuple[FloatArray, FloatArray]:
    """Segmentation and spotting, see ``ReadClips``, of the output of stage ``read``."""
    classes, clip_steps = config.num_classes, config.clip_steps
    segmentation, spotting = np.split(output, [clip_steps * classes], axis=1)
    shape = (len(output), config.slots, -1)
    return segmentation.reshape(-1, clip_steps, classes), spotting.reshape(shape)


def _clip_reader(network: Stages, stream: Stream) -> ReadClips:
    reduced = reduce_half(network, stream)

    def read(starts: Steps) -> tuple[FloatArray, FloatArray]:
        rows = clip_rows(starts, stream.steps, network.config)
        return parts_of(network("read", reduced=reduced[rows]), network.config)

    return read


def reduce_half(network: Stages, stream: Stream) -> FloatArray:
    """(steps, C) every step of a half through the part of the network that sees single steps; a
    few thousand rows are in memory at a time."""
    return rows_through(network, "reduce", "rows", stream, STEPS_AT_ONCE)
