"""The frames of a video on their way into a network, and when the steps of its curve are."""

from collections.abc import Callable, Iterable, Iterator
from fractions import Fraction
from typing import Protocol

import numpy as np
import numpy.typing as npt

from touchline.media.video import Frame, VideoInfo
from touchline.spotting.second_part import Rest, Second

Pixels = npt.NDArray[np.uint8]


class FrameSource(Protocol):
    """Frames of one video, in order of time: a ``FrameStream``, or a pass that others share."""

    @property
    def info(self) -> VideoInfo:
        """What the file says of itself."""
        ...

    @property
    def end_seconds(self) -> float:
        """End of the picture; known after the last frame."""
        ...

    @property
    def truncated(self) -> bool:
        """Whether the picture stops at damage; known after the last frame."""
        ...

    @property
    def strain(self) -> float:
        """How much of what it bears reading has borne so far; at 1 it stops."""
        ...

    def __iter__(self) -> Iterator[Frame]: ...


class StepTimes:
    """When the steps of a curve are: a picture on show for several has its own time at the first.

    Args:
        first_frame: of the part that is read, counted from the video's first.

    Attributes:
        known: seconds of the steps so far.
    """

    def __init__(
        self, first_frame: int, rate: Fraction, start_seconds: float, known: list[float]
    ) -> None:
        self.known = known
        self._first_frame = first_frame
        self._rate = rate
        self._before = start_seconds - 1e-9

    def add(self, seconds: float) -> None:
        """One step more, whose picture begins then."""
        is_new = seconds > (self.known[-1] if self.known else self._before)
        step = self._first_frame + len(self.known)
        self.known.append(seconds if is_new else float(step / self._rate))


class Reading:
    """The frames of a video on their way into the network, by this process and perhaps a second.

    Args:
        frames: of the stream, with their numbers.
        times: of the steps; those of frames that are read are added.
        engine: says what the network runs on by now.
        show: called whenever it has come further.

    Attributes:
        rest: what the second process has read; None as long as it has not, or there is none.
        ending: the reading that came to the end of the video.
    """

    def __init__(
        self,
        stream: FrameSource,
        frames: Iterable[tuple[int, Frame]],
        times: StepTimes,
        second: Second | None,
        engine: Callable[[], str],
        show: Callable[[], None],
    ) -> None:
        self.show = show
        self.rest: Rest | None = None
        self.ending: FrameSource | Rest = stream
        self._stream = stream
        self._frames = frames
        self._times = times
        self._second = second
        self._engine = engine

    def pixels(self, first_needed: int) -> Iterator[Pixels]:
        """Of the frames from one on."""
        for number, frame in self._frames:
            if number == len(self._times.known):
                self._times.add(frame.seconds)
            if self._second is not None:
                self._second.see(number, frame)
            if number >= first_needed:
                yield frame.pixels

    def goes_on(self, unread: Iterator[Pixels]) -> bool:
        """At the border: whether this process has to score the rest.

        Args:
            unread: pixels that the network has not taken.

        Raises:
            PartsDifferError: see ``Second.take_over``.
        """
        second, known = self._second, self._times.known
        if second is None:
            return True
        self.rest = second.take_over(unread, self._engine(), lambda: self._stream.strain, self.show)
        if self.rest is None:
            return True
        if not second.reads_on:
            self.ending = self.rest
        for seconds in self.rest.shown.seconds[len(known) - second.border.first_needed :]:
            self._times.add(seconds)
        return False
