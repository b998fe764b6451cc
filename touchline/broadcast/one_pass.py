"""One pass over the picture and the sound of a video, for whoever wants to see or hear it.

The picture is decoded once and handed out at the sizes and rates that are asked for, the sound
beside it, in order of time. Memory does not grow with length.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from touchline.errors import MediaError
from touchline.media.audio import read_audio
from touchline.media.limits import DEFAULT_LIMITS, Limits
from touchline.media.video import VideoInfo
from touchline.media.views import View, ViewStream, read_views
from touchline.timebase import format_seconds

SOUND_RATE_HZ = 16_000

THUMBNAIL = View(size=(64, 36), densest=Fraction(30), colours="yuv")
"""What finders of cuts, wipes and shots look at."""

_PROGRESS_SECONDS = 1.0


class PictureObserver(Protocol):
    """Looks at pictures, in order of time."""

    def see(self, time_seconds: float, picture: NDArray[np.uint8]) -> None:
        """Take the picture (height, width, 3) that is on show at a time."""


class SoundObserver(Protocol):
    """Listens, in order of time."""

    def hear(self, start_seconds: float, samples: NDArray[np.float32], rate_hz: int) -> None:
        """Take the sound (n,) that begins at a time."""


@dataclass(frozen=True)
class PassReport:
    """What a pass came over.

    Attributes:
        info: what the file says of itself.
        end_seconds: end of the last picture, from the first frame shown.
        sound_end_seconds: end of the sound; None where there is none.
        truncated: whether the picture stops at damage, or well before the stated end.
        notes: in a line each, what a user should know: no sound, a damaged end.
    """

    info: VideoInfo
    end_seconds: float
    sound_end_seconds: float | None
    truncated: bool
    notes: tuple[str, ...]

    @property
    def seconds(self) -> float:
        """Length of the recording: to the end of its picture."""
        return self.end_seconds


def observe(
    video: str | Path,
    pictures: Sequence[tuple[View, PictureObserver]] = (),
    sound: Sequence[SoundObserver] = (),
    *,
    start_seconds: float = 0.0,
    end_seconds: float | None = None,
    progress: Callable[[float, float], None] | None = None,
    threads: int | None = None,
    limits: Limits = DEFAULT_LIMITS,
) -> PassReport:
    """Show a video to observers, once.

    Args:
        video: file to read.
        pictures: who looks, and at what; the same view may be given to several, and is made once.
        sound: who listens, to 16,000 samples a second.
        start_seconds, end_seconds: the part to read; times given to observers count from the
            first frame shown all the same.
        progress: called about once a second of video with the seconds done and the stated
            length; may raise to stop.
        threads: threads of the decoder.
        limits: bounds on what is read.

    Raises:
        MediaError: the file cannot be opened, or has no picture that can be decoded.
    """
    views = list(dict.fromkeys(view for view, _ in pictures))
    observers = [[one for view, one in pictures if view == wanted] for wanted in views]
    # Where nobody looks the picture still says how long the video is.
    with read_views(
        video,
        views or [View(size=(2, 2), rate=Fraction(1))],
        start_seconds=start_seconds,
        end_seconds=end_seconds,
        threads=threads,
        limits=limits,
    ) as stream:
        ear = _Ear(video, stream, sound, start_seconds, end_seconds, limits)
        last = start_seconds - _PROGRESS_SECONDS
        total = stream.info.duration_seconds
        for index, frame in stream:
            for observer in observers[index] if views else ():
                observer.see(frame.seconds, frame.pixels)
            if frame.seconds - last >= _PROGRESS_SECONDS:
                last = frame.seconds
                ear.listen(last)
                if progress is not None:
                    progress(min(last, total), total)
        ear.listen(None)
        if progress is not None:
            progress(stream.end_seconds, max(total, stream.end_seconds))
        return PassReport(
            stream.info,
            stream.end_seconds,
            ear.end_seconds,
            stream.truncated,
            (*ear.notes, *_picture_notes(stream)),
        )


def _picture_notes(stream: ViewStream) -> tuple[str, ...]:
    if not stream.truncated:
        return ()
    end, stated = stream.end_seconds, stream.info.duration_seconds
    return (
        f"the picture ends at {format_seconds(end)}, damaged; "
        f"the file says {format_seconds(stated)}",
    )


class _Ear:
    """Hands on the sound up to where the picture is."""

    def __init__(
        self,
        video: str | Path,
        stream: ViewStream,
        observers: Sequence[SoundObserver],
        start_seconds: float,
        end_seconds: float | None,
        limits: Limits,
    ) -> None:
        self.notes: list[str] = []
        self._observers = observers
        self._start = start_seconds
        self._given = 0
        self._blocks: Iterator[NDArray[np.float32]] = iter(())
        self._has_sound = stream.info.has_audio
        if not self._has_sound:
            self.notes.append("has no sound")
        elif observers:
            self._blocks = read_audio(
                video, SOUND_RATE_HZ, start_seconds, end_seconds, limits=limits
            )

    @property
    def end_seconds(self) -> float | None:
        """How far the sound was heard; None without any."""
        if not self._has_sound or not self._observers:
            return None
        return self._start + self._given / SOUND_RATE_HZ

    def listen(self, until_seconds: float | None) -> None:
        """Hand on the sound up to a time, or all that is left."""
        try:
            while until_seconds is None or (self.end_seconds or 0.0) < until_seconds:
                block = next(self._blocks, None)
                if block is None:
                    return
                for observer in self._observers:
                    start = self._start + self._given / SOUND_RATE_HZ
                    observer.hear(start, block, SOUND_RATE_HZ)
                self._given += len(block)
        except MediaError as error:
            self._blocks = iter(())
            self.notes.append(f"the sound cannot be read on: {error.what}")
