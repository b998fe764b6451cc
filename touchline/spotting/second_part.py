"""The second part of a video, read and scored by a process of its own while the first part is.

Both together find what one process finds, to the bit. The second part begins at the border of a
window and of a batch of pictures. As sums of float32 depend on their order, windows that see frames
which the first part's windows see, too, come back one by one, and the others as sums. Around the
border, or wherever the first process reads on, both have read the same pictures: that is compared,
as a seek in a damaged file may land on others. Where they differ, or the second process has failed,
the first one goes on alone.
"""

import zlib
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import numpy as np

from touchline.errors import InputError
from touchline.media.video import Frame, VideoInfo
from touchline.runtime.memory import is_memory_error
from touchline.runtime.processes import Beside, beside
from touchline.runtime.progress import Progress
from touchline.spotting.windows import Window, WindowAverage

SHORTEST_SECONDS = 300.0
"""Of video that is worth a second process, which takes seconds to start and memory of its own."""

_FRAMES_A_WATCH = 32


class PartsDifferError(Exception):
    """The second part does not fit the first, and what was read of it is gone."""


@dataclass(frozen=True)
class Border:
    """Where the second part of a video begins; frames count from the first that is read.

    Attributes:
        next_start: first frame of its first window.
        first_needed: first frame that it takes, in whole batches of pictures.
        shared_until: end of the frames that windows of both parts see.
        share: of the video, what lies before it, 0 to 1.
    """

    next_start: int
    first_needed: int
    shared_until: int
    share: float


def is_divided(info: VideoInfo, start_seconds: float, end_seconds: float | None) -> bool:
    """Whether a video, or a part of it, is long enough for two processes."""
    end = min(info.duration_seconds, end_seconds or info.duration_seconds)
    return end - start_seconds >= SHORTEST_SECONDS


class Shown:
    """What frames of a reading have shown: by this, two readings are compared.

    Attributes:
        seconds: for each frame, when its picture begins.
        checksums: for each frame, of its pixels.
    """

    def __init__(self) -> None:
        self.seconds: list[float] = []
        self.checksums: list[int] = []

    def add(self, frame: Frame) -> None:
        """One frame more."""
        self.seconds.append(frame.seconds)
        self.checksums.append(zlib.crc32(np.ascontiguousarray(frame.pixels).data))

    def begins_with(self, other: "Shown") -> bool:
        """Whether the first frames are those of another reading, all of them."""
        count = len(other.seconds)
        return self.seconds[:count] == other.seconds and self.checksums[:count] == other.checksums


@dataclass(frozen=True, eq=False)
class Rest:
    """What the second part of a video says.

    Attributes:
        shown: its frames, from ``first_needed`` on.
        shared: scores of its windows that see frames of the first part's, in order.
        average: of all its windows, from ``next_start`` on; None where there is none.
        end_seconds, truncated, strain: of its reading, see ``FrameSource``.
    """

    shown: Shown
    shared: tuple[Window, ...]
    average: WindowAverage | None
    end_seconds: float
    truncated: bool
    strain: float


class ReadsRest(Protocol):
    """A spotter, as far as the second process needs one."""

    def rest(
        self,
        video: Path,
        border: Border,
        start_seconds: float,
        end_seconds: float | None,
        progress: Progress,
    ) -> Rest:
        """The part of a video, or of a part of it, that begins at a border."""
        ...


OpenAgain = Callable[[str], AbstractContextManager[ReadsRest]]
"""Opens in another process, so it can be pickled, the spotter that an engine of this name runs."""


@dataclass(frozen=True)
class SecondPart:
    """The task of the second process; see ``ReadsRest.rest``."""

    open_again: OpenAgain
    engine: str
    video: Path
    border: Border
    start_seconds: float
    end_seconds: float | None

    def run(self, progress: Progress) -> Rest:
        """See ``Task``."""
        with self.open_again(self.engine) as spotter:
            return spotter.rest(
                self.video, self.border, self.start_seconds, self.end_seconds, progress
            )


class Second:
    """The second process, as the first one sees it.

    Attributes:
        border: where its part begins.
        reads_on: whether the first process reads the whole video all the same, for others.
    """

    def __init__(self, task: SecondPart, running: Beside[Rest], *, reads_on: bool) -> None:
        self.border = task.border
        self._engine = task.engine
        self._running = running
        self.reads_on = reads_on
        self._seen = Shown()
        self._has_failed = False

    def see(self, number: int, frame: Frame) -> None:
        """Note a frame that the first process has read."""
        if number >= self.border.first_needed:
            self._seen.add(frame)

    def share(self, own: float) -> float:
        """Of the work of both, what is done when the first one is at a share of the video."""
        if self._has_failed:
            return own
        most, left = 1.0 if self.reads_on else self.border.share, 1 - self.border.share
        return (min(own, most) + left * self._running.done) / (most + left)

    def take_over(
        self,
        unread: Iterator[object],
        engine: str,
        strain: Callable[[], float],
        watch: Callable[[], None],
    ) -> Rest | None:
        """At the border: what the second process says of the rest; None if the first goes on alone.

        Args:
            unread: frames of the first process, which are read to the end if it reads on.
            engine: what its network runs on by now.
            strain: of its reading, see ``FrameSource``.
            watch: called several times a second; raises to wait no longer.

        Raises:
            PartsDifferError: the first process has read on, and cannot go on alone.
        """
        if self._running.is_over and self._result(watch) is None:
            self._has_failed = True
            return None
        if self.reads_on:
            for count, _ in enumerate(unread):
                if count % _FRAMES_A_WATCH == 0:
                    watch()
        rest = self._result(watch)
        if rest is not None and engine == self._engine and self._fits(rest, strain()):
            return rest
        if self.reads_on:
            raise PartsDifferError
        self._has_failed = True
        return None

    def _fits(self, rest: Rest, strain: float) -> bool:
        """Whether both have read the same where both have read, and one process would as well."""
        read, seen = rest.shown, self._seen
        is_as_long = len(read.seconds) == len(seen.seconds) or not self.reads_on
        # Either reading alone may have borne what would have ended one of the whole.
        return is_as_long and read.begins_with(seen) and rest.strain + strain < 1

    def _result(self, watch: Callable[[], None]) -> Rest | None:
        try:
            return self._running.result(watch)
        except Exception as error:
            # Whoever goes on alone meets the same error, if it has to be met.
            if isinstance(error, InputError) or is_memory_error(error):
                return None
            raise


@contextmanager
def second_process(task: SecondPart, *, reads_on: bool) -> Iterator[Second]:
    """A second process at work on its part, until the context is left."""
    with beside(task) as running:
        yield Second(task, running, reads_on=reads_on)
