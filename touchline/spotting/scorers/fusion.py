"""Fused streams over a half: overlapping clips, each step taken from one that sees around it.

What is done to single rows is done once, before clips overlap.
"""

from collections.abc import Mapping

import numpy as np
import numpy.typing as npt

from touchline.datasets.aligned import AlignedStream, align_streams
from touchline.datasets.features import MAIN, Stream
from touchline.engines.stages import Stages
from touchline.scores import FloatArray
from touchline.spotting.scorers.astra import clip_starts
from touchline.spotting.scorers.rows import rows_of
from touchline.spotting.windows import sigmoid

ROWS_AT_ONCE = 512
CLIPS_AT_ONCE = 16

BORDER_SHARE = 4
"""One step of so many, at either end of a clip, is taken from another clip where there is one."""


def score(network: Stages, streams: Mapping[str, Stream]) -> FloatArray:
    """Probabilities of a half.

    Args:
        network: of fusion.
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


def _encoded_half(network: Stages, streams: Mapping[str, AlignedStream]) -> FloatArray:
    """(steps, streams, width + 1) every row of a half, and rows beyond its end that fill a first
    clip; the last number is 1 where a stream is present."""
    config = network.config
    steps = max(streams[MAIN].steps, config.clip_steps)
    given = {name: rows_of(stream, ROWS_AT_ONCE, steps=steps) for name, stream in streams.items()}
    parts = []
    for rows in zip(*given.values(), strict=True):
        known = dict(zip(given, rows, strict=True))
        parts.append(network("encode", **_with_missing(known, config.widths)))
    return np.concatenate(parts)


def _with_missing(
    rows: Mapping[str, npt.NDArray[np.generic]], widths: Mapping[str, int]
) -> dict[str, npt.NDArray[np.generic]]:
    """Rows of every stream, of one that is missing absent ones."""
    count = len(next(iter(rows.values())))
    return {
        name: rows[name] if name in rows else np.full((count, width), np.nan, np.float32)
        for name, width in widths.items()
    }


def _probabilities(
    network: Stages, encoded: FloatArray, starts: "np.ndarray[tuple[int], np.dtype[np.int64]]"
) -> FloatArray:
    """(clips, T, classes)."""
    clips = encoded[starts[:, None] + np.arange(network.config.clip_steps)]
    present = np.ascontiguousarray(clips[..., -1])
    return sigmoid(network("relate", rows=np.ascontiguousarray(clips[..., :-1]), present=present))
