"""Features of halves on disk, and the events on them: what feature-based systems read.

A feature file is ``<half>_<name>.npy`` in a game's folder: one row of numbers per step, a fixed
number of steps a second. Only the rows that are asked for are read, so a dataset may be far larger
than memory. (Files are read rather than mapped: a mapped file that shrinks ends the process, and
what has been touched of it counts as memory.)
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
"""Name of the stream whose steps are those of the network's output or of its clips."""

_CHECKED_BYTES = 1 << 22


class Stream(Protocol):
    """One kind of input over a half: a row of fixed shape at every step.

    Attributes:
        rate: rows a second, exactly.
        steps: how many rows there are; row i describes time i / rate.
    """

    @property
    def rate(self) -> Fraction: ...

    @property
    def steps(self) -> int: ...

    def read(self, first: int, count: int) -> Array:
        """(count, ...) rows from ``first`` on; before the first and after the last row, that row
        again."""
        ...

    def everything(self) -> Array:
        """(steps, ...) all rows."""
        ...


class FeatureFile:
    """One ``.npy`` file of float16 or float32 rows, read as float32.

    Attributes:
        path: the file.
        rate: rows a second.
        steps: rows in it.
        row_shape: shape of a row, such as ``(512,)``.
        dtype: of the numbers on disk.
        first_seconds: what moment row 0 shows; None where nothing says it.

    Raises:
        FormatError: not such a file, damaged, or cut off.
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

    def everything(self) -> npt.NDArray[np.float32]:
        """See ``Stream``."""
        return self.read(0, self.steps)

    def read_into(self, first: int, rows: npt.NDArray[np.floating[Any]]) -> None:
        """``read`` into an array that is there already, contiguous (count, ...) float32.

        An array of the type on disk takes the numbers as they are.

        Raises:
            FormatError: the file has become shorter since it was opened.
        """
        with self.request(first, len(rows)) as request:
            request.read_into(rows)

    def request(self, first: int, count: int) -> "RequestedRows":
        """Have the system fetch rows that will be read soon.

        A disk serves many requests at a time far faster than one after the other.

        Raises:
            FormatError: the file cannot be opened any more.
        """
        begin = min(max(first, 0), self.steps - 1)
        end = max(min(first + count, self.steps), begin + 1)
        offset = self._offset + begin * self._row_bytes
        try:
            file = FileIO(self.path)
        except OSError as error:
            raise _unreadable(self.path, error) from error
        if hasattr(os, "posix_fadvise"):
            with suppress(OSError):  # advice that a file system does not take
                length = (end - begin) * self._row_bytes
                os.posix_fadvise(file.fileno(), offset, length, os.POSIX_FADV_WILLNEED)
        before = min(max(begin - first, 0), count - 1)
        return RequestedRows(self, file, offset, slice(before, before + end - begin))

    def check_finite(self) -> None:
        """Read everything once, a piece at a time.

        Raises:
            FormatError: a number that is not finite; names its step.
        """
        rows_at_once = max(1, _CHECKED_BYTES // max(1, self._row_bytes))
        for first in range(0, self.steps, rows_at_once):
            rows = self.read(first, min(rows_at_once, self.steps - first))
            with np.errstate(over="ignore", invalid="ignore"):
                if np.isfinite(rows.sum()):  # what is not finite stays so in a sum
                    continue
            bad = np.flatnonzero(~np.isfinite(rows.reshape(len(rows), -1)).all(axis=1))
            if len(bad):
                step = first + int(bad[0])
                raise FormatError(
                    f"row {step} (at {format_seconds(float(step / self.rate))}) holds NaN or "
                    "infinity",
                    where=self.path,
                    remedy="extract the features again",
                )


@dataclass(frozen=True)
class RequestedRows:
    """Rows of a feature file that is open within the context.

    Attributes:
        stream: the feature file.
        file: it, open.
        offset: of the first row in it, in bytes.
        present: which of the rows asked for lie inside the file.
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
            f"holds {dtype} numbers", where=path, remedy="save the features as float32 or float16"
        )
    if len(shape) < 2:
        raise FormatError(f"has shape {shape}", where=path, remedy="features are (steps, width)")


@dataclass(frozen=True, eq=False)
class LabelledSteps:
    """The events of one half on the steps of a stream, sorted by (step, class).

    Attributes:
        steps: (n,) step of each event.
        classes: (n,) its class, from 0, in the order of the label set; there is no background.
        visible: (n,) False where the event is labelled as not shown.
    """

    steps: Steps
    classes: Steps
    visible: npt.NDArray[np.bool_]

    def __len__(self) -> int:
        return len(self.steps)

    def span(self, first: int, last: int) -> slice:
        """Where the events on steps ``first <= step < last`` stand."""
        low, high = self.steps.searchsorted((first, last))
        return slice(low, high)

    def between(self, first: int, last: int) -> "LabelledSteps":
        """The events on steps ``first <= step < last``."""
        inside = self.span(first, last)
        return LabelledSteps(self.steps[inside], self.classes[inside], self.visible[inside])

    @cached_property
    def distinct(self) -> "LabelledSteps":
        """The events without those of a class and step that another one has."""
        changes = (np.diff(self.steps) != 0) | (np.diff(self.classes) != 0)
        first = np.append(True, changes)[: len(self)]
        return LabelledSteps(self.steps[first], self.classes[first], self.visible[first])


@dataclass(frozen=True, eq=False)
class LabelledHalf:
    """One half: its inputs and its events.

    Attributes:
        name: ``league/season/game/1``.
        streams: by name; the main one is called ``"features"``.
        events: on the steps of the main stream, or of the network's output where that has several
            for every row (see ``touchline.zoo.networks.steps_per_row``).
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
    """Which clips an epoch, or a batch of it, consists of.

    Attributes:
        half: (n,) int64, index of the half among those that the plan was made for.
        start: (n,) int64, first step of the clip in the main stream; a clip may reach beyond the
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
    """Put events on steps: each on the step whose time it has reached.

    Args:
        whole_seconds: cut times to whole seconds first, as the published benchmarks do, which read
            the match clock.

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
