"""Clips of features, gathered from files into batches."""

from collections.abc import Mapping, Sequence
from fractions import Fraction

import numpy as np

from touchline.datasets.features import MAIN, Array, Clips, FeatureFile, LabelledHalf, Stream


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
            for half, start, target in zip(
                clips.half.tolist(), clips.start.tolist(), rows, strict=True
            ):
                stream = self.halves[half].streams[name]
                _read_into(stream, _scaled(start, ratio), target)


def _scaled(start: int, ratio: Fraction) -> int:
    return start * ratio.numerator // ratio.denominator


def _read_into(stream: Stream, first: int, target: Array) -> None:
    if isinstance(stream, FeatureFile):
        stream.read_into(first, target)
    else:
        target[...] = stream.read(first, len(target))
