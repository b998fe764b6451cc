"""Dense anchors over a half: overlapping clips, each step taken from one that sees around it.

Soares et al., ICIP 2022. What is done to single steps is done once, before clips overlap.
"""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from touchline.datasets.displacement import reach_steps
from touchline.datasets.features import MAIN, Stream
from touchline.engines.stages import Stages
from touchline.scores import FloatArray
from touchline.spotting.displacement import move_confidences
from touchline.spotting.scorers.rows import rows_of
from touchline.spotting.windows import sigmoid

ROWS_AT_ONCE = 512
CLIPS_AT_ONCE = 16

_BELOW_ONE = np.nextafter(np.float32(1), np.float32(0))
"""``arctanh`` of 1 is infinite."""

Steps = npt.NDArray[np.int64]


class HalfOutput(NamedTuple):
    """A network's output at the steps of a half.

    Attributes:
        logits: (steps, classes) of the confidences.
        delta: (steps, classes) event minus step, in units of ``reach_steps``, -1 to 1; None without
            such a head.
        reach_steps: the furthest that a displacement reaches.
    """

    logits: FloatArray
    delta: FloatArray | None
    reach_steps: int


def score(network: Stages, streams: Mapping[str, Stream]) -> FloatArray:
    """Detections of a half: confidences, moved by the predicted displacements.

    Args:
        network: of dense anchors.
        streams: ``features``, rows of the width that the network takes.

    Returns:
        (steps, classes); with a displacement head 0 where nothing was moved to.
    """
    return detections(read_half(network, streams))


def detections(output: HalfOutput) -> FloatArray:
    """(steps, classes) confidences, moved by the predicted displacements."""
    confidence = sigmoid(output.logits)
    if output.delta is None:
        return confidence
    return move_confidences(confidence, output.delta * np.float32(output.reach_steps))


def fuse(
    outputs: Sequence[HalfOutput], weights: Sequence[float], *, arctanh: bool = False
) -> HalfOutput:
    """The fused output of networks of different features for one half.

    Confidences are averaged as logits, not as probabilities. Displacements are averaged as they
    are, in units of the reach that all networks share: the mean of where they see the event. Soares
    et al. name the mean of their ``arctanh``, too: of what went into the networks' last function,
    so that a network at the end of its reach outweighs one near zero.

    Args:
        outputs: by network, with the same classes, heads and reach; cut at the end to the shortest.
        weights: of each network, 1 together.
        arctanh: how displacements are averaged.
    """
    steps = min(len(one.logits) for one in outputs)
    logits = _mean([one.logits[:steps] for one in outputs], weights)
    deltas = [one.delta[:steps] for one in outputs if one.delta is not None]
    if not deltas:
        delta = None
    elif arctanh:
        inner = [np.arctanh(np.clip(part, -_BELOW_ONE, _BELOW_ONE), dtype=float) for part in deltas]
        delta = np.tanh(_mean(inner, weights)).astype(np.float32)
    else:
        delta = _mean(deltas, weights).astype(np.float32)
    return HalfOutput(logits.astype(np.float32), delta, outputs[0].reach_steps)


def _mean(parts: Sequence[npt.NDArray[Any]], weights: Sequence[float]) -> npt.NDArray[np.float64]:
    """In double precision, so that what networks agree in stays what it is in single precision."""
    weighted = [np.float64(weight) * part for weight, part in zip(weights, parts, strict=True)]
    mean: npt.NDArray[np.float64] = np.sum(weighted, axis=0)
    return mean


def read_half(network: Stages, streams: Mapping[str, Stream]) -> HalfOutput:
    """The network's output at every step, before anything is moved; arguments as of ``score``."""
    config, stream = network.config, streams[MAIN]
    steps = stream.steps * config.upsampling
    reduced = _reduced_half(network, stream)
    starts = clip_starts(steps, config.clip_steps)
    kept = kept_steps(starts, steps, config.clip_steps)
    logits = np.zeros((steps, config.num_classes), np.float32)
    delta: FloatArray | None = None
    for begin in range(0, len(starts), CLIPS_AT_ONCE):
        these = slice(begin, begin + CLIPS_AT_ONCE)
        clips = starts[these, None] + np.arange(config.clip_steps)
        output = network("relate", steps=reduced[clips])
        if delta is None and output.shape[-1] > 1:
            delta = np.zeros_like(logits)
        for i, (start, (first, last)) in enumerate(zip(starts[these], kept[these], strict=True)):
            inside = slice(first - start, last - start)
            logits[first:last] = output[i, inside, :, 0]
            if delta is not None:
                delta[first:last] = output[i, inside, :, 1]
    reach = reach_steps(config.delta_seconds, stream.rate * config.upsampling)
    return HalfOutput(logits, delta, reach)


def clip_starts(steps: int, clip_steps: int) -> Steps:
    """(n,) first steps of the clips: evenly apart, the last one at the end of the half.

    Neighbours share a border of 100 of 224 steps on either side, as published. A half shorter than
    a clip has one, from 0.
    """
    stride = clip_steps - 2 * border_steps(clip_steps)
    last = max(0, steps - clip_steps)
    return np.append(np.arange(0, last, stride), last).astype(np.int64)


def border_steps(clip_steps: int) -> int:
    """Steps at either end of a clip that are taken from another clip, where there is one."""
    return clip_steps * 100 // 224


def kept_steps(starts: Steps, steps: int, clip_steps: int) -> Steps:
    """(n, 2) the steps, first and the one behind the last, that are taken from each clip.

    Together they are all steps of the half, each once. As published a later clip replaces an
    earlier one, so everything from the border of the last one on is taken from it.
    """
    borders = starts[1:] + border_steps(clip_steps)
    return np.stack((np.append(0, borders), np.append(borders, steps)), axis=1)


def _reduced_half(network: Stages, stream: Stream) -> FloatArray:
    """(steps, channels) every step reduced; zeros before reduction fill a first clip."""
    config = network.config
    parts = [
        network("reduce", rows=rows)[config.upsampling :]
        for rows in rows_of(stream, ROWS_AT_ONCE, lead=1)  # steps lie between rows
    ]
    missing = config.clip_steps - stream.steps * config.upsampling
    if missing > 0:
        nothing = np.zeros((missing, config.feature_width), np.float32)
        parts.append(network("reduce", rows=nothing)[:missing])
    return np.concatenate(parts)
