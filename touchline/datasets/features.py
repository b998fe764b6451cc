"""Feature files of halves, and their events: the input of feature-based systems.

A feature file is ``<half>_<name>.npy`` in a game's folder: one row per step, at a constant rate.
Only requested rows are read, so a dataset may be much larger than memory. (Files are read rather
than memory-mapped: a mapped file that shrinks kills the process, and mapped pages count as memory.)
"""

import math
import os
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property
from io import FileIO
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from touchline.errors import FormatError
from touchline.events import Event
from touchline.features.arrays import read_header
from touchline.labels import LabelSet
from touchline.timebase import format_seconds, frame_at

Array = npt.NDArray[Any]
Steps = npt.NDArray[np.int64]

MAIN = "features"
"""Name of the main stream, whose rows are the steps of clips."""

_CHECKED_BYTES = 1 << 22


class Stream(Protocol):
    """One input of a network over a half: a row of fixed shape at every step.

    Attributes:
        rate: rows a second, exact.
        steps: number of rows; row i is at time i / rate.
    """

    @property
    def rate(self) -> Fraction: ...

    @property
    def steps(self) -> int: ...

    def read(self, first: int, count: int) -> Array:
        """(count, ...) rows from ``first`` on; outside the stream its first or last row is
        repeated."""
        ...

    def read_all(self) -> Array:
        """(steps, ...) all rows."""
        ...


class FeatureFile:
    """One ``.npy`` file of float16 or float32 rows, read as float32.

    Attributes:
        path: the file.
        rate: rows a second.
        steps: number of rows.
        row_shape: shape of a row, such as ``(512,)``.
        dtype: type of the numbers on disk.
        first_seconds: time of row 0; None if unknown.

    Raises:
        FormatError: not a feature file, damaged, or truncated.
    """

    def __init__(self, path: Path, rate: Fraction, first_seconds: float | None = None) -> None:
        self.path = path
        self.rate = rate
        self.first_seconds = first_seconds
        header = read_header(path)
        _check_kind(path, header.dtype, header.shape)
        self.dtype = header.dtype
        self.steps, *row_shape = header.shape
        self.row_shape = tuple(row_shape)
        self._offset = header.offset
        self._row_bytes = self.dtype.itemsize * math.prod(self.row_shape)

    def read(self, first: int, count: int) -> npt.NDArray[np.float32]:
        """See ``Stream``."""
        rows = np.empty((count, *self.row_shape), np.float32)
        self.read_into(first, rows)
        return rows

    def read_all(self) -> npt.NDArray[np.float32]:
        """See ``Stream``."""
        return self.read(0, self.steps)

    def read_into(self, first: int, rows: npt.NDArray[np.floating[Any]]) -> None:
        """``read`` into a preallocated, contiguous array (count, ...).

        Args:
            rows: float32, or the type on disk, which avoids a conversion.

        Raises:
            FormatError: the file has become shorter since it was opened.
        """
        with self.request(first, len(rows)) as request:
            request.read_into(rows)

    def request(self, first: int, count: int) -> "RequestedRows":
        """Open the file and prefetch rows that will be read soon.

        A disk serves many concurrent requests much faster than the same ones in sequence.

        Raises:
            FormatError: the file can no longer be opened.
        """
        begin = min(max(first, 0), self.steps - 1)
        end = max(min(first + count, self.steps), begin + 1)
        offset = self._offset + begin * self._row_bytes
        try:
            file = FileIO(self.path)
        except OSError as error:
            raise _unreadable(self.path, error) from error
        if hasattr(os, "posix_fadvise"):
            with suppress(OSError):  # not supported by every file system
                length = (end - begin) * self._row_bytes
                os.posix_fadvise(file.fileno(), offset, length, os.POSIX_FADV_WILLNEED)
        before = min(max(begin - first, 0), count - 1)
        return RequestedRows(self, file, offset, slice(before, before + end - begin))

    def check_finite(self) -> None:
        """Check that all numbers are finite, in constant memory.

        Raises:
            FormatError: a number is not finite; names its row.
        """
        rows_at_once = max(1, _CHECKED_BYTES // max(1, self._row_bytes))
        for first in range(0, self.steps, rows_at_once):
            rows = self.read(first, min(rows_at_once, self.steps - first))
            with np.errstate(over="ignore", invalid="ignore"):
                if np.isfinite(rows.sum()):  # a sum is not finite if any number is not
                    continue
            bad = np.flatnonzero(~np.isfinite(rows.reshape(len(rows), -1)).all(axis=1))
            if len(bad):
                step = first + int(bad[0])
                raise FormatError(
                    f"row {step} (at {format_seconds(float(step / self.rate))}) contains NaN or "
                    "infinity",
                    where=self.path,
                    remedy="extract the features again",
                )


@dataclass(frozen=True)
class RequestedRows:
    """Prefetched rows of a feature file, which is open within the context.

    Attributes:
        stream: the feature file.
        file: the open file.
        offset: position of the first row, in bytes.
        present: the requested rows that are inside the file.
    """

    stream: FeatureFile
    file: FileIO
    offset: int
    present: slice

    def __enter__(self) -> "RequestedRows":
        return self

    def __exit__(self, *error: object) -> None:
        self.file.close()

    def read_into(self, rows: npt.NDArray[np.floating[Any]]) -> None:
        """See ``FeatureFile.read_into``."""
        present = rows[self.present]
        if self.stream.dtype == rows.dtype:
            self._fill(present)
        else:
            stored = np.empty(present.shape, self.stream.dtype)
            self._fill(stored)
            present[...] = stored
        rows[: self.present.start] = present[0]
        rows[self.present.stop :] = present[-1]

    def _fill(self, rows: Array) -> None:
        target = rows.reshape(-1).view(np.uint8).data
        try:
            self.file.seek(self.offset)
            got = self.file.readinto(target)
            while got and got < len(target):
                more = self.file.readinto(target[got:])
                got = got + more if more else 0
        except OSError as error:
            raise _unreadable(self.stream.path, error) from error
        if got != len(target):
            raise FormatError("the file has become shorter", where=self.stream.path)


def _unreadable(path: Path, error: OSError) -> FormatError:
    return FormatError(f"cannot be read ({error.strerror})", where=path)


def _check_kind(path: Path, dtype: np.dtype[Any], shape: tuple[int, ...]) -> None:
    if dtype not in (np.dtype(np.float32), np.dtype(np.float16)):
        raise FormatError(
            f"contains {dtype} numbers",
            where=path,
            remedy="save the features as float32 or float16",
        )
    if len(shape) < 2:
        raise FormatError(f"has shape {shape}", where=path, remedy="features are (steps, width)")


@dataclass(frozen=True, eq=False)
class LabelledSteps:
    """The events of one half on the steps of a stream, sorted by (step, class).

    Attributes:
        steps: (n,) step of each event.
        classes: (n,) class of each event, an index into the label set; there is no background.
        visible: (n,) False if the event is labelled as not shown.
    """

    steps: Steps
    classes: Steps
    visible: npt.NDArray[np.bool_]

    def __len__(self) -> int:
        return len(self.steps)

    def span(self, first: int, last: int) -> slice:
        """The slice of the events on steps ``first <= step < last``."""
        low, high = self.steps.searchsorted((first, last))
        return slice(low, high)

    def between(self, first: int, last: int) -> "LabelledSteps":
        """The events on steps ``first <= step < last``."""
        inside = self.span(first, last)
        return LabelledSteps(self.steps[inside], self.classes[inside], self.visible[inside])

    @cached_property
    def distinct(self) -> "LabelledSteps":
        """The events without repetitions of the same step and class."""
        changes = (np.diff(self.steps) != 0) | (np.diff(self.classes) != 0)
        first = np.append(True, changes)[: len(self)]
        return LabelledSteps(self.steps[first], self.classes[first], self.visible[first])


@dataclass(frozen=True, eq=False)
class LabelledHalf:
    """One half: its inputs and its events.

    Attributes:
        name: ``league/season/game/1``.
        streams: streams by name; the main one is ``"features"``.
        events: events on the steps of the main stream, or of the network's output if that has
            several steps per row (see ``touchline.engines.networks.steps_per_row``).
    """

    name: str
    streams: Mapping[str, Stream]
    events: LabelledSteps

    @property
    def steps(self) -> int:
        """Steps of the main stream."""
        return self.streams[MAIN].steps


@dataclass(frozen=True, eq=False)
class Clips:
    """The clips of an epoch or of a batch.

    Attributes:
        half: (n,) int64, index of the half.
        start: (n,) int64, first step of the clip in the main stream; a clip may extend beyond the
            half on either side.
    """

    half: Steps
    start: Steps

    def __len__(self) -> int:
        return len(self.half)

    def __getitem__(self, which: slice) -> "Clips":
        return Clips(self.half[which], self.start[which])


def label_steps(
    events: Iterable[Event], labels: LabelSet, rate: Fraction, *, whole_seconds: bool = False
) -> LabelledSteps:
    """Assign events to steps: each to the last step that is not after it.

    Args:
        whole_seconds: truncate times to whole seconds first, as the published systems do, which
            read the game clock.

    Raises:
        LabelError: an event's label is not in the set.
    """
    rows = sorted(
        (
            frame_at(math.floor(event.seconds) if whole_seconds else event.seconds, rate),
            labels.index(event.label),
            event.visibility != "not shown",
        )
        for event in events
    )
    table = np.array(rows, np.int64).reshape(-1, 3)
    return LabelledSteps(table[:, 0], table[:, 1], table[:, 2].astype(bool))
