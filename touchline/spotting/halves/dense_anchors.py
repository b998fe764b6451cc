"""Dense anchors over a half: overlapping chunks, each step said by one that sees enough around it.

Soares et al., ICIP 2022. What is done to single steps is done once, before chunks overlap.
"""

from collections.abc import Mapping

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from touchline.datasets.displacement import reach_steps
from touchline.datasets.features import MAIN, Stream
from touchline.models.dense_anchors import AnchorOutput, DenseAnchors
from touchline.scores import FloatArray

ROWS_AT_ONCE = 512
CHUNKS_AT_ONCE = 16

Steps = npt.NDArray[np.int64]


def score(network: DenseAnchors, streams: Mapping[str, Stream]) -> FloatArray:
    """Detections of a half: confidences, moved to where the event is said to be.

    Args:
        network: in evaluation mode.
        streams: ``features``, rows of the width that the network takes.

    Returns:
        (steps, classes); with a displacement head 0 where nothing was moved to.
    """
    config = network.config
    confidence, delta = dense_output(network, streams[MAIN])
    if delta is None:
        return confidence
    reach = reach_steps(config.delta_seconds, streams[MAIN].rate * config.upsampling)
    return move_confidences(confidence, delta * np.float32(reach))


def dense_output(network: DenseAnchors, stream: Stream) -> tuple[FloatArray, FloatArray | None]:
    """Confidences (steps, classes) from 0 to 1, and displacements in units of their reach."""
    config = network.config
    steps = stream.steps * config.upsampling
    reduced = _reduced_half(network, stream)
    starts = chunk_starts(steps, config.chunk_steps)
    kept = kept_steps(starts, steps, config.chunk_steps)
    confidence = np.zeros((steps, config.num_classes), np.float32)
    delta = np.zeros_like(confidence) if "delta" in config.heads else None
    for begin in range(0, len(starts), CHUNKS_AT_ONCE):
        these = slice(begin, begin + CHUNKS_AT_ONCE)
        said = _read_chunks(network, reduced, starts[these])
        for i, (start, (first, last)) in enumerate(zip(starts[these], kept[these], strict=True)):
            inside = slice(first - start, last - start)
            confidence[first:last] = said.confidence[i, inside].sigmoid().cpu().numpy()
            if delta is not None and said.delta is not None:
                delta[first:last] = said.delta[i, inside].cpu().numpy()
    return confidence, delta


def chunk_starts(steps: int, chunk_steps: int) -> Steps:
    """(n,) first steps of the chunks: evenly apart, the last one at the end of the half.

    Neighbours share a border of 100 of 224 steps on either side, as published. A half shorter than
    a chunk has one, from 0.
    """
    stride = chunk_steps - 2 * border_steps(chunk_steps)
    last = max(0, steps - chunk_steps)
    return np.append(np.arange(0, last, stride), last).astype(np.int64)


def border_steps(chunk_steps: int) -> int:
    """Steps at either end of a chunk that another chunk says, where there is one."""
    return chunk_steps * 100 // 224


def kept_steps(starts: Steps, steps: int, chunk_steps: int) -> Steps:
    """(n, 2) the steps, first and the one behind the last, that each chunk says.

    Together they are all steps of the half, each once. As published a later chunk replaces what an
    earlier one said, so the last one says everything from its border on.
    """
    borders = starts[1:] + border_steps(chunk_steps)
    return np.stack((np.append(0, borders), np.append(borders, steps)), axis=1)


def move_confidences(confidence: FloatArray, delta_steps: FloatArray) -> FloatArray:
    """Every confidence at the step where it says that the event is; the highest of them stays.

    Args:
        confidence: (steps, classes).
        delta_steps: (steps, classes) event minus step; halves are rounded to even.

    Returns:
        (steps, classes); 0 where no confidence has been moved to.
    """
    steps = np.arange(len(confidence))[:, None] + np.rint(delta_steps).astype(np.int64)
    steps = np.clip(steps, 0, len(confidence) - 1)
    moved = np.zeros_like(confidence)
    np.maximum.at(moved, (steps, np.arange(confidence.shape[1])[None]), confidence)
    return moved


def _reduced_half(network: DenseAnchors, stream: Stream) -> dict[str, Tensor]:
    """Every step reduced, (steps, channels) by trunk; zeros before reduction fill a first chunk."""
    config = network.config
    device = network.feature_scale.device
    parts: dict[str, list[Tensor]] = {name: [] for name in network.trunks}
    for first in range(0, stream.steps, ROWS_AT_ONCE):
        # One row before, since steps lie between rows.
        rows = stream.read(first - 1, min(ROWS_AT_ONCE, stream.steps - first) + 1)
        with torch.inference_mode():
            steps = network.interpolate(torch.from_numpy(rows)[None].to(device))
            for name, part in network.reduce(steps[0, config.upsampling :]).items():
                parts[name].append(part)
    missing = config.chunk_steps - stream.steps * config.upsampling
    if missing > 0:
        with torch.inference_mode():
            empty = network.reduce(torch.zeros(missing, config.feature_width, device=device))
        for name, part in empty.items():
            parts[name].append(part)
    return {name: torch.cat(reduced) for name, reduced in parts.items()}


def _read_chunks(network: DenseAnchors, reduced: dict[str, Tensor], starts: Steps) -> AnchorOutput:
    rows = torch.from_numpy(starts[:, None] + np.arange(network.config.chunk_steps))
    with torch.inference_mode():
        said = network.relate(
            {name: steps[rows.to(steps.device)] for name, steps in reduced.items()}
        )
    return AnchorOutput(said.confidence.float(), None if said.delta is None else said.delta.float())
