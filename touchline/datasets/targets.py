"""Targets of frames: the class of each frame of a clip."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from fractions import Fraction
from itertools import compress
from math import ceil, floor

import numpy as np
import numpy.typing as npt

from touchline.events import Event
from touchline.labels import LabelSet
from touchline.timebase import frame_at

Classes = npt.NDArray[np.int64]

BACKGROUND = 0
"""Class of a frame without an event; label c of the set is class c + 1."""


@dataclass(frozen=True, eq=False)
class FrameLabels:
    """The events of one video on the frames of a rate, in order of frame.

    Attributes:
        frames: (n,) frame of each event.
        classes: (n,) class of each event, from 1.
        seconds: (n,) its exact time; None where it is not known.
    """

    frames: Classes
    classes: Classes
    seconds: tuple[float, ...] | None = None

    def within(self, num_frames: int) -> "FrameLabels":
        """The events on the first ``num_frames`` frames."""
        inside = (self.frames >= 0) & (self.frames < num_frames)
        seconds = self.seconds and tuple(compress(self.seconds, inside))
        return FrameLabels(self.frames[inside], self.classes[inside], seconds)

    def __len__(self) -> int:
        return len(self.frames)


def label_frames(events: Iterable[Event], labels: LabelSet, rate: Fraction) -> FrameLabels:
    """Assign events to frames: each to the frame on show at its time.

    Raises:
        LabelError: an event's label is not in the set.
    """
    placed = [(frame_at(e.seconds, rate), labels.index(e.label) + 1, e.seconds) for e in events]
    placed.sort(key=lambda event: event[0])
    table = np.array([event[:2] for event in placed], np.int64).reshape(-1, 2)
    return FrameLabels(table[:, 0], table[:, 1], tuple(event[2] for event in placed))


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
    targets = np.full(clip_steps, BACKGROUND, np.int64)
    first, last = np.searchsorted(
        labels.frames, (start - dilation, start + clip_steps + dilation), side="left"
    )
    for frame, label in zip(labels.frames[first:last], labels.classes[first:last], strict=True):
        at = int(frame) - start
        targets[max(0, at - dilation) : max(0, at + dilation + 1)] = label
    return targets
