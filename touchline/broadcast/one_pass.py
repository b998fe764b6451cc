"""One pass over the picture and the sound of a video, for whoever wants to see or hear it.

The picture is decoded once and handed out at the sizes and rates that are asked for, the sound
beside it, in order of time: shown to observers (`observe`), or pulled by one who wants frames while
the others look on (`open_pass`). Memory does not grow with length. A pass can go on where an
earlier one was, whose observers were kept (`Resumption`).
"""

from collections.abc import Callable, Generator, Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from math import gcd, lcm
from pathlib import Path
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from touchline.errors import MediaError
from touchline.media.audio import read_audio
from touchline.media.limits import DEFAULT_LIMITS, Limits
from touchline.media.streams import Stream
from touchline.media.video import Frame, VideoInfo
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


@dataclass(frozen=True)
class Resumption:
    """Where a pass goes on that an earlier one has begun. The sound is heard from its start again.

    Attributes:
        from_seconds: where decoding begins; see `meeting_seconds`.
        seen_seconds: for each who looks, the time of the last picture that it has seen; None for
            none.
    """

    from_seconds: Fraction
    seen_seconds: tuple[float | None, ...]


Pause = Callable[[tuple[float | None, ...]], None]
"""Called between two pictures, with the ``seen_seconds`` of a `Resumption`: the state of all who
look is that after the pictures up to there."""


def meeting_seconds(
    views: Sequence[View], start_seconds: Fraction, latest_seconds: float | Fraction
) -> Fraction:
    """The last time up to ``latest_seconds`` at which all rated views take a frame.

    A pass that begins there gives the frames of one that began at ``start_seconds``.
    """
    apart = Fraction(1)
    for view in views:
        if view.rate is not None:
            period = 1 / view.rate
            top = lcm(apart.numerator, period.numerator)
            apart = Fraction(top, gcd(apart.denominator, period.denominator))
    steps = max(0, (Fraction(latest_seconds) - start_seconds) // apart)
    return start_seconds + steps * apart


def observe(
    video: str | Path,
    pictures: Sequence[tuple[View, PictureObserver]] = (),
    sounds: Sequence[SoundObserver] = (),
    *,
    start_seconds: float | Fraction = 0.0,
    end_seconds: float | Fraction | None = None,
    resumption: Resumption | None = None,
    pause: Pause | None = None,
    progress: Callable[[float, float], None] | None = None,
    threads: int | None = None,
    limits: Limits = DEFAULT_LIMITS,
) -> PassReport:
    """Show a video to observers, once; see `open_pass` for its arguments and errors."""
    with open_pass(
        video,
        None,
        pictures,
        sounds,
        start_seconds=start_seconds,
        end_seconds=end_seconds,
        resumption=resumption,
        pause=pause,
        threads=threads,
        limits=limits,
        progress=progress,
    ) as one:
        for _ in one:
            pass
        return one.report


def open_pass(
    video: str | Path,
    view: View | None,
    pictures: Sequence[tuple[View, PictureObserver]] = (),
    sounds: Sequence[SoundObserver] = (),
    *,
    start_seconds: float | Fraction = 0.0,
    end_seconds: float | Fraction | None = None,
    resumption: Resumption | None = None,
    pause: Pause | None = None,
    threads: int | None = None,
    limits: Limits = DEFAULT_LIMITS,
    progress: Callable[[float, float], None] | None = None,
) -> "Pass":
    """Read the frames of a view, while observers see and hear the same pass.

    For whatever wants to pull frames instead of being shown them: a network takes its frames as
    from `touchline.media.video.read_frames`, and they are the same to the bit.

    Args:
        video: file to read.
        view: the frames to give; None for none.
        pictures: who looks, and at what; the same view may be given to several, and is made once.
        sounds: who listens, to 16,000 samples a second.
        start_seconds, end_seconds: the part to read; times given to observers count from the
            first frame shown all the same.
        resumption: where to go on; those who look have the state that they had there. The frames
            of ``view`` are given from its ``from_seconds`` on.
        pause: see ``Pause``.
        threads: threads of the decoder.
        limits: bounds on what is read.
        progress: called about once a second of video with the seconds done and the stated
            length; may raise to stop.

    Raises:
        MediaError: the file cannot be opened, or has no picture that can be decoded.
    """
    return Pass(
        video,
        view,
        pictures,
        sounds,
        start_seconds,
        end_seconds,
        threads,
        limits,
        progress,
        resumption,
        pause,
    )


class Pass(Stream[Frame]):
    """An iterator over the frames of one view, which feeds observers on the way; see `open_pass`.

    Attributes:
        info: what the file holds.
    """

    def __init__(
        self,
        video: str | Path,
        view: View | None,
        pictures: Sequence[tuple[View, PictureObserver]],
        sounds: Sequence[SoundObserver],
        start_seconds: float | Fraction,
        end_seconds: float | Fraction | None,
        threads: int | None,
        limits: Limits,
        progress: Callable[[float, float], None] | None,
        resumption: Resumption | None = None,
        pause: Pause | None = None,
    ) -> None:
        wanted = [] if view is None else [view]
        views = list(dict.fromkeys([*wanted, *(one for one, _ in pictures)]))
        before = () if resumption is None else resumption.seen_seconds
        seen = dict(zip((one for one, _ in pictures), before, strict=bool(before)))
        # Where nobody looks the picture still says how long the video is.
        self._stream = read_views(
            video,
            views or [View(size=(2, 2), rate=Fraction(1))],
            start_seconds=start_seconds if resumption is None else resumption.from_seconds,
            end_seconds=end_seconds,
            taken_seconds=[None if one == view else seen.get(one) for one in views] or None,
            threads=threads,
            limits=limits,
        )
        self.info = self._stream.info
        self._pulled = None if view is None else 0
        self._observers = [[one for own, one in pictures if own == looked] for looked in views]
        self._before = [seen.get(one) for one in views]
        self._seen = list(self._before)
        self._places = [views.index(own) for own, _ in pictures]
        self._shown = -1.0
        self._pause = pause
        self._ear = _Ear(
            video, self._stream, sounds, float(start_seconds), _or_none(end_seconds), limits
        )
        self._progress = progress
        self._told = float(start_seconds) - _PROGRESS_SECONDS
        self._report: PassReport | None = None
        super().__init__(self._run(), self._stream.close)

    @property
    def end_seconds(self) -> float:
        """Known after the last frame: the end of the picture, or where it was asked to end."""
        return self._stream.end_seconds

    @property
    def truncated(self) -> bool:
        """Known after the last frame: whether the picture stops before its stated end."""
        return self._stream.truncated

    @property
    def strain(self) -> float:
        """See ``touchline.media.decoding.PictureSource.strain``."""
        return self._stream.strain

    @property
    def report(self) -> PassReport:
        """Known after the last frame: what the pass came over.

        Raises:
            RuntimeError: frames are left.
        """
        if self._report is None:
            raise RuntimeError("the pass is not over")
        return self._report

    def _run(self) -> Generator[Frame, None, None]:
        for index, frame in self._stream:
            self._between(frame.seconds)
            if self._observers:
                self._show(index, frame)
            self._keep_up(frame.seconds)
            if index == self._pulled:
                yield frame
        self._ear.listen(None)
        stream, ear = self._stream, self._ear
        notes = (*ear.notes, *_picture_notes(stream))
        self._report = PassReport(
            self.info, stream.end_seconds, ear.end_seconds, stream.truncated, notes
        )
        if self._progress is not None:
            self._progress(stream.end_seconds, max(self.info.duration_seconds, stream.end_seconds))

    def _between(self, seconds: float) -> None:
        """Pause before the first frame of another picture."""
        if self._pause is not None and self._shown < seconds and self._shown >= 0:
            self._pause(tuple(self._seen[place] for place in self._places))
        self._shown = seconds

    def _show(self, index: int, frame: Frame) -> None:
        """Show a frame to those who look and have not seen its picture in an earlier pass."""
        seen = self._before[index]
        if seen is None or frame.seconds > seen:
            for observer in self._observers[index]:
                observer.see(frame.seconds, frame.pixels)
            self._seen[index] = frame.seconds

    def _keep_up(self, seconds: float) -> None:
        """Let the sound follow the picture, and tell how far it is."""
        if seconds - self._told < _PROGRESS_SECONDS:
            return
        self._told = seconds
        self._ear.listen(seconds)
        if self._progress is not None:
            total = self.info.duration_seconds
            self._progress(min(seconds, total), total)


def _or_none(seconds: float | Fraction | None) -> float | None:
    return None if seconds is None else float(seconds)


def _picture_notes(stream: ViewStream) -> tuple[str, ...]:
    if not stream.truncated:
        return stream.info.remarks
    end, stated = stream.end_seconds, stream.info.duration_seconds
    return (
        *stream.info.remarks,
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
