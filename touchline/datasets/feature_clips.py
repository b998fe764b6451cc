"""Reading batches of feature clips from files."""

from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from fractions import Fraction

import numpy as np
import torch
from torch import Tensor

from touchline.datasets.features import MAIN, Array, Clips, FeatureFile, LabelledHalf, Stream

_NUMBERS_AT_ONCE = 1 << 15
"""Largest conversion that PyTorch runs on one thread, leaving the others to training."""

_REQUESTED_AT_ONCE = 64
"""Number of clips prefetched from disk before the first is read; as many files are open."""


class ClipReader:
    """Reads clips of halves into preallocated arrays.

    Args:
        halves: the halves that plans index; at least one.
        streams: names of the streams to read.
        clip_steps: rows of the main stream per clip; other streams are read for the same time.
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
        """Shape and type of one clip, by stream."""
        found = {}
        for name in self.names:
            row = self.halves[0].streams[name].read(0, 1)
            found[name] = ((self._rows[name], *row.shape[1:]), row.dtype)
        return found

    def read(self, clips: Clips, into: Mapping[str, Array]) -> None:
        """Fill (batch, rows, ...) arrays with a batch of clips."""
        for name in self.names:
            ratio = self._ratio[name]
            places = [
                (self.halves[half].streams[name], _scaled(start, ratio))
                for half, start in zip(clips.half.tolist(), clips.start.tolist(), strict=True)
            ]
            for first in range(0, len(places), _REQUESTED_AT_ONCE):
                group = slice(first, first + _REQUESTED_AT_ONCE)
                _read(places[group], into[name][group])


def _read(places: Sequence[tuple[Stream, int]], rows: Array) -> None:
    """Fill (clips, rows, ...) from pairs of a stream and a first row."""
    stored = _Stored(rows.shape[1:])
    with ExitStack() as files:
        requests = [
            files.enter_context(stream.request(first, rows.shape[1]))
            if isinstance(stream, FeatureFile)
            else None
            for stream, first in places
        ]
        for (stream, first), request, target in zip(places, requests, rows, strict=True):
            if request is None:
                target[...] = stream.read(first, len(target))
            elif request.stream.dtype == np.float16:
                request.read_into(stored.numbers)
                stored.widen(target)
            else:
                request.read_into(target)


def _scaled(start: int, ratio: Fraction) -> int:
    return start * ratio.numerator // ratio.denominator


class _Stored:
    """A buffer for a clip of float16 numbers, converted by PyTorch: ten times faster than NumPy.

    Args:
        shape: shape of a clip.
    """

    def __init__(self, shape: tuple[int, ...]) -> None:
        self.numbers = np.empty(shape, np.float16)
        self._pieces = self._split(self.numbers)

    def widen(self, target: Array) -> None:
        """Fill (*shape) float32."""
        for piece, numbers in zip(self._split(target), self._pieces, strict=True):
            piece.copy_(numbers)

    @staticmethod
    def _split(array: Array) -> Sequence[Tensor]:
        flat = torch.from_numpy(array).view(-1)
        return flat.split(_NUMBERS_AT_ONCE) if len(flat) > _NUMBERS_AT_ONCE else (flat,)
