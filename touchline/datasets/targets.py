"""Targets of frames: the class of each frame of a clip."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from fractions import Fraction
from itertools import compress
from math import ceil, floor

import numpy as np
import numpy.typing as npt

from touchline.events import PICTURE_SIDES, Event
from touchline.labels import LabelSet
from touchline.timebase import frame_at

Classes = npt.NDArray[np.int64]

BACKGROUND = 0
"""Class of a frame without an event; label c of the set is class c + 1."""


NO_SIDE = -1
"""Of an event that is of neither side of the picture, or of which nobody says."""


@dataclass(frozen=True, eq=False)
class FrameLabels:
    """The events of one video on the frames of a rate, in order of frame.

    Attributes:
        frames: (n,) frame of each event.
        classes: (n,) class of each event, from 1.
        seconds: (n,) its exact time; None where it is not known.
        sides: (n,) which of ``PICTURE_SIDES`` each is of, or ``NO_SIDE``; None where nobody asks.
    """

    frames: Classes
    classes: Classes
    seconds: tuple[float, ...] | None = None
    sides: Classes | None = None

    def within(self, num_frames: int) -> "FrameLabels":
        """The events on the first ``num_frames`` frames."""
        inside = (self.frames >= 0) & (self.frames < num_frames)
        seconds = self.seconds and tuple(compress(self.seconds, inside))
        sides = None if self.sides is None else self.sides[inside]
        return FrameLabels(self.frames[inside], self.classes[inside], seconds, sides)

    def __len__(self) -> int:
        return len(self.frames)


def label_frames(events: Iterable[Event], labels: LabelSet, rate: Fraction) -> FrameLabels:
    """Assign events to frames: each to the frame on show at its time.

    Raises:
        LabelError: an event's label is not in the set.
    """
    rows = [
        (frame_at(e.seconds, rate), labels.index(e.label) + 1, _side_of(e), e.seconds)
        for e in events
    ]
    rows.sort(key=lambda row: row[0])
    table = np.array([row[:3] for row in rows], np.int64).reshape(-1, 3)
    seconds = tuple(row[3] for row in rows)
    return FrameLabels(table[:, 0], table[:, 1], seconds, table[:, 2])


def _side_of(event: Event) -> int:
    return next((i for i, side in enumerate(PICTURE_SIDES) if side == event.team), NO_SIDE)


def frames_around(
    labels: FrameLabels, reach_seconds: float, rate: Fraction
) -> Iterator[tuple[int, int, int]]:
    """The first and the last frame that lies within reach of each event, and its class.

    Frame n lies at n / rate seconds; frames at exactly the reach are in.
    """
    seconds = labels.seconds or [float(frame / rate) for frame in labels.frames.tolist()]
    reach = Fraction(reach_seconds)
    for time, label in zip(seconds, labels.classes.tolist(), strict=True):
        # Decimal fractions of seconds are meant as they are written.
        at = Fraction(str(time))
        yield ceil((at - reach) * rate), floor((at + reach) * rate), label


def clip_targets(labels: FrameLabels, start: int, clip_steps: int, dilation: int = 0) -> Classes:
    """(clip_steps,) class of each frame of the clip that begins at frame ``start``.

    An event also labels the ``dilation`` frames on either side of it, even if it is just outside
    the clip. Where two events overlap, the later one counts (E2E-Spot).
    """
    return _around_events(labels, labels.classes, start, clip_steps, dilation, BACKGROUND)


def side_targets(labels: FrameLabels, start: int, clip_steps: int, dilation: int) -> Classes:
    """(clip_steps,) which of ``PICTURE_SIDES`` acts in each frame that ``clip_targets`` labels;
    ``NO_SIDE`` elsewhere, and where the event is of neither.

    Raises:
        ValueError: labels without sides.
    """
    if labels.sides is None:
        raise ValueError("these labels hold no sides")
    return _around_events(labels, labels.sides, start, clip_steps, dilation, NO_SIDE)


def _around_events(
    labels: FrameLabels, values: Classes, start: int, clip_steps: int, dilation: int, fill: int
) -> Classes:
    targets = np.full(clip_steps, fill, np.int64)
    first, last = np.searchsorted(
        labels.frames, (start - dilation, start + clip_steps + dilation), side="left"
    )
    for frame, value in zip(labels.frames[first:last], values[first:last], strict=True):
        at = int(frame) - start
        targets[max(0, at - dilation) : max(0, at + dilation + 1)] = value
    return targets
