"""Streams of any rate on the clock of the main one, and where they have nothing to say.

Step j of the main stream covers the seconds from j / rate to (j + 1) / rate; its middle is where
the other streams are read. Of a faster stream a step gets the mean of the rows that it covers, of
one as fast or slower what lies between the nearest two rows, or the nearest row where rows show
single frames. Where there is no row within a second, the step's row is NaN throughout.
"""

from collections.abc import Collection, Mapping
from fractions import Fraction
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from touchline.datasets.features import MAIN, Stream
from touchline.errors import ConfigError

NEAR_SECONDS = 1.0
"""A stream has something to say of a step if a row of it lies so near to the step's middle."""

Manner = Literal["nearest", "linear", "mean"]
Rows = npt.NDArray[np.float32]
Places = npt.NDArray[np.float64]

_ROUNDING = 1e-6
_STEPS_AT_ONCE = 1024


class AlignedStream:
    """A stream of plain vectors on the clock of another: a ``Stream``.

    Unlike other streams it says nothing, NaN, before the first and after the last step of the half.

    Args:
        stream: what is aligned; None where a half lacks it, which is NaN throughout.
        rate: steps a second.
        steps: of the half.
        width: numbers of a row.
        manner: how a step's row comes from the rows around it.
        first_seconds: when row 0 is; None where rows are known to cover the time from one to the
            next, as the steps do.

    Attributes:
        rate, steps: see above.
    """

    def __init__(
        self,
        stream: Stream | None,
        rate: Fraction,
        steps: int,
        width: int,
        *,
        manner: Manner = "nearest",
        first_seconds: float | None = None,
    ) -> None:
        self.rate = rate
        self.steps = steps
        self.width = width
        self._stream = stream
        self._manner = manner
        if stream is not None:
            half_a_row = float(1 / stream.rate / 2)
            self._first_seconds = half_a_row if first_seconds is None else first_seconds
            self._per_step = float(stream.rate / rate)
            self._near_rows = max(NEAR_SECONDS, half_a_row) * float(stream.rate)

    def read(self, first: int, count: int) -> Rows:
        """See ``Stream``; NaN where there is nothing to say."""
        rows = np.full((count, self.width), np.nan, np.float32)
        inside = np.arange(max(first, 0), min(first + count, self.steps))
        if self._stream is None or not len(inside):
            return rows
        middles = self._places(inside + 0.5)
        nearest = np.clip(_nearest(middles), 0, self._stream.steps - 1)
        said = np.abs(nearest - middles) <= self._near_rows + _ROUNDING
        if said.any():
            known = inside[said]
            rows[known - first] = self._rows_of(known, middles[said], nearest[said])
        return rows

    def everything(self) -> Rows:
        """See ``Stream``."""
        return self.read(0, self.steps)

    def _places(self, steps: npt.NDArray[np.floating[Any]]) -> Places:
        """Where in the stream these points of the clock are, in rows."""
        assert self._stream is not None
        seconds: Places = (steps / float(self.rate)).astype(np.float64)
        return (seconds - self._first_seconds) * float(self._stream.rate)

    def _rows_of(
        self, steps: npt.NDArray[np.int64], middles: Places, nearest: npt.NDArray[np.int64]
    ) -> Rows:
        assert self._stream is not None
        last = self._stream.steps - 1
        if self._manner == "mean":
            begin = np.clip(_at_or_after(self._places(steps.astype(float))), 0, last)
            end = np.clip(_at_or_after(self._places(steps + 1.0)), 0, last + 1)
            empty = end <= begin  # beyond an end of the stream, but near it
            begin, end = np.where(empty, nearest, begin), np.where(empty, nearest + 1, end)
            return self._means(begin, end)
        if self._manner == "nearest":
            origin = int(nearest[0])
            return self._block(origin, int(nearest[-1]) + 1)[nearest - origin]
        middles = np.clip(middles, 0, last)
        low = np.floor(middles + _ROUNDING).astype(np.int64)
        share = np.clip(middles - low, 0, 1).astype(np.float32)[:, None]
        high = np.minimum(low + 1, last)
        origin = int(low[0])
        block = self._block(origin, int(high[-1]) + 1)
        return block[low - origin] * (1 - share) + block[high - origin] * share

    def _means(self, begin: npt.NDArray[np.int64], end: npt.NDArray[np.int64]) -> Rows:
        origin = int(begin[0])
        sums = np.zeros((int(end[-1]) - origin + 1, self.width))
        np.cumsum(self._block(origin, int(end[-1])), axis=0, dtype=np.float64, out=sums[1:])
        totals = sums[end - origin] - sums[begin - origin]
        return (totals / (end - begin)[:, None]).astype(np.float32)

    def _block(self, begin: int, end: int) -> Rows:
        assert self._stream is not None
        block: Rows = self._stream.read(begin, end - begin)
        return block


def _nearest(places: Places) -> npt.NDArray[np.int64]:
    """Of two rows that are as near, the earlier: a frame is on show until the next one."""
    return np.ceil(places - 0.5 - _ROUNDING).astype(np.int64)


def _at_or_after(places: Places) -> npt.NDArray[np.int64]:
    return np.ceil(places - _ROUNDING).astype(np.int64)


def align_streams(
    streams: Mapping[str, Stream], widths: Mapping[str, int], frame_streams: Collection[str] = ()
) -> dict[str, AlignedStream]:
    """The streams that a network reads, on the clock of the main one.

    Args:
        streams: of a half; those that are missing are NaN throughout, but for the main one. What
            is aligned already stays as it is.
        widths: of the rows, by the name of the stream.
        frame_streams: those whose rows show single frames.

    Raises:
        ConfigError: a stream whose rows are not vectors of the width.
    """
    main = streams[MAIN]
    aligned = {}
    for name, width in widths.items():
        stream = streams.get(name)
        if isinstance(stream, AlignedStream):
            aligned[name] = stream
            continue
        if stream is not None:
            _check_width(name, stream, width)
        aligned[name] = AlignedStream(
            stream,
            main.rate,
            main.steps,
            width,
            manner=_manner(name, stream, main, frame_streams),
            # The rows of the main stream are the steps, whenever they were taken.
            first_seconds=None if name == MAIN else getattr(stream, "first_seconds", None),
        )
    return aligned


def _manner(
    name: str, stream: Stream | None, main: Stream, frame_streams: Collection[str]
) -> Manner:
    if stream is None or name == MAIN or name in frame_streams:
        return "nearest"
    return "mean" if stream.rate > main.rate else "linear"


def _check_width(name: str, stream: Stream, width: int) -> None:
    shape = stream.read(0, 1).shape[1:]
    if shape != (width,):
        has = " x ".join(str(side) for side in shape) or "1"
        raise ConfigError(
            f"the stream {name} has rows of {has} numbers, the network takes {width}",
            where=f"data.streams.{name}" if name != MAIN else "data.features",
            remedy="give the features that it was trained on",
        )


def mean_and_deviation(streams: Collection[Stream], width: int) -> tuple[Rows, Rows]:
    """(width,) each, over all rows that are not NaN; 0 and 1 where there are none."""
    count, total, squares = 0, np.zeros(width), np.zeros(width)
    for stream in streams:
        for first in range(0, stream.steps, _STEPS_AT_ONCE):
            rows = stream.read(first, min(_STEPS_AT_ONCE, stream.steps - first)).astype(np.float64)
            rows = rows[~np.isnan(rows[:, 0])]
            count += len(rows)
            total += rows.sum(axis=0)
            squares += np.square(rows).sum(axis=0)
    mean = total / max(count, 1)
    deviation = np.sqrt(np.maximum(squares / max(count, 1) - mean**2, 0))
    # What never changes, but for rounding, says nothing and must not be blown up.
    deviation[deviation <= 1e-5 * np.abs(mean)] = 1
    deviation[deviation == 0] = 1
    return mean.astype(np.float32), deviation.astype(np.float32)
