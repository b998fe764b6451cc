"""Clips of features, gathered from files into batches."""

from collections.abc import Mapping, Sequence
from fractions import Fraction

import numpy as np
import torch

from touchline.datasets.features import MAIN, Array, Clips, FeatureFile, LabelledHalf, Stream

_NUMBERS_AT_ONCE = 1 << 14
"""Converted together: too few for PyTorch to call other threads, which train meanwhile."""


class ClipReader:
    """Reads clips of halves into arrays that are there already.

    Args:
        halves: what plans refer to; at least one.
        streams: names of the streams to read.
        clip_steps: rows of the main stream per clip; of a stream of another rate, the rows of the
            same time are read.
    """

    def __init__(
        self, halves: Sequence[LabelledHalf], streams: Sequence[str], clip_steps: int
    ) -> None:
        self.halves = halves
        self.names = tuple(streams)
        main = halves[0].streams[MAIN]
        self._ratio = {name: halves[0].streams[name].rate / main.rate for name in self.names}
        self._rows = {name: max(1, round(clip_steps * r)) for name, r in self._ratio.items()}

    def shapes(self) -> dict[str, tuple[tuple[int, ...], np.dtype[np.generic]]]:
        """By stream: shape and type of one clip."""
        found = {}
        for name in self.names:
            row = self.halves[0].streams[name].read(0, 1)
            found[name] = ((self._rows[name], *row.shape[1:]), row.dtype)
        return found

    def read(self, clips: Clips, into: Mapping[str, Array]) -> None:
        """Fill (batch, rows, ...) arrays with a batch of clips."""
        for name in self.names:
            ratio, rows = self._ratio[name], into[name]
            stored = np.empty(rows.shape[1:], np.float16)
            for half, start, target in zip(
                clips.half.tolist(), clips.start.tolist(), rows, strict=True
            ):
                stream = self.halves[half].streams[name]
                _read_into(stream, _scaled(start, ratio), target, stored)


def _scaled(start: int, ratio: Fraction) -> int:
    return start * ratio.numerator // ratio.denominator


def _read_into(stream: Stream, first: int, target: Array, stored: Array) -> None:
    if not isinstance(stream, FeatureFile):
        target[...] = stream.read(first, len(target))
    elif stream.dtype != stored.dtype:
        stream.read_into(first, target)
    else:
        stream.read_into(first, stored)
        _widen(stored, target)


def _widen(stored: Array, target: Array) -> None:
    """float16 to float32 of the same shape: by PyTorch, which is ten times as fast as NumPy."""
    pieces = (
        torch.from_numpy(array).view(-1).split(_NUMBERS_AT_ONCE) for array in (target, stored)
    )
    for piece, numbers in zip(*pieces, strict=True):
        piece.copy_(numbers)
