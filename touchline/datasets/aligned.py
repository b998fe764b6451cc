"""Alignment of streams of any rate to the steps of the main stream.

Step j of the main stream covers the seconds from j / rate to (j + 1) / rate; the other streams are
resampled at its middle: a faster stream by the mean of the rows in the step, a slower or equally
fast one by linear interpolation, or by the nearest row if its rows show single frames. If there is
no row within a second, the row of the step is NaN.
"""

from collections.abc import Collection, Mapping
from fractions import Fraction
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from touchline.datasets.features import MAIN, Stream
from touchline.errors import ConfigError

NEAR_SECONDS = 1.0
"""A step has a value if the stream has a row this close to the middle of the step."""

Resampling = Literal["nearest", "linear", "mean"]
Rows = npt.NDArray[np.float32]
Places = npt.NDArray[np.float64]

_ROUNDING = 1e-6
_STEPS_AT_ONCE = 1024


class AlignedStream:
    """A stream of vectors, resampled to the steps of another stream: a ``Stream``.

    Unlike other streams it is NaN before the first and after the last step of the half.

    Args:
        stream: the stream to align; None if the half lacks it, which gives NaN.
        rate: steps a second.
        steps: number of steps of the half.
        width: numbers per row.
        resampling: how the row of a step is computed from the rows around it.
        first_seconds: time of row 0; None if each row covers the time up to the next one, as steps
            do.

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
        resampling: Resampling = "nearest",
        first_seconds: float | None = None,
    ) -> None:
        self.rate = rate
        self.steps = steps
        self.width = width
        self._stream = stream
        self._resampling = resampling
        if stream is not None:
            half_a_row = float(1 / stream.rate / 2)
            self._first_seconds = half_a_row if first_seconds is None else first_seconds
            self._per_step = float(stream.rate / rate)
            self._near_rows = max(NEAR_SECONDS, half_a_row) * float(stream.rate)

    def read(self, first: int, count: int) -> Rows:
        """See ``Stream``; NaN where the stream has no row nearby."""
        rows = np.full((count, self.width), np.nan, np.float32)
        inside = np.arange(max(first, 0), min(first + count, self.steps))
        if self._stream is None or not len(inside):
            return rows
        middles = self._places(inside + 0.5)
        nearest = np.clip(_nearest(middles), 0, self._stream.steps - 1)
        near = np.abs(nearest - middles) <= self._near_rows + _ROUNDING
        if near.any():
            known = inside[near]
            rows[known - first] = self._rows_of(known, middles[near], nearest[near])
        return rows

    def read_all(self) -> Rows:
        """See ``Stream``."""
        return self.read(0, self.steps)

    def _places(self, steps: npt.NDArray[np.floating[Any]]) -> Places:
        """The positions of points in time, in rows of the stream."""
        assert self._stream is not None
        seconds: Places = (steps / float(self.rate)).astype(np.float64)
        return (seconds - self._first_seconds) * float(self._stream.rate)

    def _rows_of(
        self, steps: npt.NDArray[np.int64], middles: Places, nearest: npt.NDArray[np.int64]
    ) -> Rows:
        assert self._stream is not None
        last = self._stream.steps - 1
        if self._resampling == "mean":
            begin = np.clip(_at_or_after(self._places(steps.astype(float))), 0, last)
            end = np.clip(_at_or_after(self._places(steps + 1.0)), 0, last + 1)
            empty = end <= begin  # just beyond an end of the stream
            begin, end = np.where(empty, nearest, begin), np.where(empty, nearest + 1, end)
            return self._means(begin, end)
        if self._resampling == "nearest":
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
    """The nearest row; of two equally near ones the earlier, as a frame lasts until the next."""
    return np.ceil(places - 0.5 - _ROUNDING).astype(np.int64)


def _at_or_after(places: Places) -> npt.NDArray[np.int64]:
    return np.ceil(places - _ROUNDING).astype(np.int64)


def align_streams(
    streams: Mapping[str, Stream], widths: Mapping[str, int], frame_streams: Collection[str] = ()
) -> dict[str, AlignedStream]:
    """The streams that a network reads, aligned to the main stream.

    Args:
        streams: the streams of a half; missing ones other than the main stream become NaN. Aligned
            streams are kept.
        widths: width of the rows, by name of the stream.
        frame_streams: names of the streams whose rows show single frames.

    Raises:
        ConfigError: a stream whose rows are not vectors of this width.
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
            resampling=_resampling(name, stream, main, frame_streams),
            # The rows of the main stream define the steps, whatever their time in the video.
            first_seconds=None if name == MAIN else getattr(stream, "first_seconds", None),
        )
    return aligned


def _resampling(
    name: str, stream: Stream | None, main: Stream, frame_streams: Collection[str]
) -> Resampling:
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
            remedy="give the features that the network was trained on",
        )


def mean_and_deviation(streams: Collection[Stream], width: int) -> tuple[Rows, Rows]:
    """(width,) mean and standard deviation of all rows that are not NaN; 0 and 1 without rows."""
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
    # A column that is constant up to rounding must not be scaled up.
    deviation[deviation <= 1e-5 * np.abs(mean)] = 1
    deviation[deviation == 0] = 1
    return mean.astype(np.float32), deviation.astype(np.float32)
