"""Fused streams over a half: overlapping clips, each step taken from one that sees around it.

What is done to single rows is done once, before clips overlap.
"""

from collections.abc import Mapping

import numpy as np
import torch

from touchline.datasets.aligned import AlignedStream, align_streams
from touchline.datasets.features import MAIN, Stream
from touchline.models.fusion import Encoded, Fusion
from touchline.scores import FloatArray
from touchline.spotting.scorers.astra import clip_starts
from touchline.spotting.scorers.rows import rows_on

ROWS_AT_ONCE = 512
CLIPS_AT_ONCE = 16

BORDER_SHARE = 4
"""One step of so many, at either end of a clip, is taken from another clip where there is one."""


def score(network: Fusion, streams: Mapping[str, Stream]) -> FloatArray:
    """Probabilities of a half.

    Args:
        network: in evaluation mode.
        streams: by name; the network does without those that are missing, but for the main one.

    Returns:
        (steps, classes) from 0 to 1.

    Raises:
        ConfigError: rows that are not what the network takes.
    """
    config = network.config
    aligned = align_streams(streams, config.widths, config.frame_streams)
    encoded = _encoded_half(network, aligned)
    steps, clip = aligned[MAIN].steps, config.clip_steps
    border = clip // BORDER_SHARE
    starts = clip_starts(steps, clip, max(1, clip - 2 * border))
    ends = np.append(starts[1:] + border, steps)
    begins = np.append(0, ends[:-1])
    values = np.zeros((steps, config.num_classes), np.float32)
    for first in range(0, len(starts), CLIPS_AT_ONCE):
        these = slice(first, first + CLIPS_AT_ONCE)
        curves = _probabilities(network, encoded, starts[these])
        for start, begin, end, curve in zip(
            starts[these], begins[these], ends[these], curves, strict=True
        ):
            values[begin:end] = curve[begin - start : end - start]
    return values


def _encoded_half(network: Fusion, streams: Mapping[str, AlignedStream]) -> Encoded:
    """Every row of a half, and rows beyond its end that fill a first clip."""
    device = next(network.parameters()).device
    steps = max(streams[MAIN].steps, network.config.clip_steps)
    rows = (rows_on(device, stream, ROWS_AT_ONCE, steps=steps) for stream in streams.values())
    with torch.inference_mode():
        parts = [
            network.encode(dict(zip(streams, part, strict=True)))
            for part in zip(*rows, strict=True)
        ]
    return Encoded(
        torch.cat([part.rows for part in parts]), torch.cat([part.present for part in parts])
    )


def _probabilities(
    network: Fusion, encoded: Encoded, starts: "np.ndarray[tuple[int], np.dtype[np.int64]]"
) -> FloatArray:
    """(clips, T, classes)."""
    at = torch.from_numpy(starts[:, None] + np.arange(network.config.clip_steps))
    at = at.to(encoded.rows.device)
    with torch.inference_mode():
        output = network.relate(Encoded(encoded.rows[at], encoded.present[at]))
    probabilities: FloatArray = output.logits.float().sigmoid().cpu().numpy()
    return probabilities
