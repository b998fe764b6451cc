"""The clock of a stream that was recorded in pieces: its time stamps may start anew or jump.

A transport or program stream (``.ts``, ``.mpg``) has no index, and a recorder that starts again,
or two files written one behind the other, leave stamps that repeat or leap by hours. Such a file
is read as the stretches between its breaks, each of which counts on from the one before.
"""

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache
from itertools import pairwise
from pathlib import Path

from av.container import InputContainer
from av.error import FFmpegError
from av.packet import Packet
from av.stream import Stream
from av.video.stream import VideoStream

from touchline.errors import MediaError
from touchline.media.limits import Limits
from touchline.media.opening import audio_stream, exact, has_video, is_unindexed, open_media
from touchline.runtime.wording import counted
from touchline.timebase import format_seconds

LARGEST_STEP_SECONDS = 10
"""A longer step forward is a break, a shorter one a gap that was recorded (FFmpeg's threshold)."""

LARGEST_STEP_BACK_SECONDS = Fraction(1, 2)
"""A longer step back is a break."""

_LEAST_GAP_SECONDS = 1
_LEAST_GAP_PERIODS = 3
"""A gap is longer than both, so that streams of few pictures have none."""

_KEY_FRAMES_APART_SECONDS = 1  # where every picture is a key frame, few of them are enough
_NAMED_BREAKS = 3


@dataclass(frozen=True)
class Stretch:
    """A part of a file whose time stamps run on.

    Attributes:
        position: byte at which its first packet begins.
        first, end: its earliest time stamp and the end of its last picture, in seconds as stored.
        shift: seconds to add to its time stamps so that it follows the stretch before it.
    """

    position: int
    first: Fraction
    end: Fraction
    shift: Fraction


class Clock:
    """Time stamps that count on over the breaks of one file.

    Args:
        stretches: of the picture (of the sound where there is none), at least two.
        key_frames: (seconds counted on, byte) of key frames a second or more apart, in order.
        breaks: by index of a stream, the bytes at which its stretches begin.
    """

    def __init__(
        self,
        stretches: tuple[Stretch, ...],
        key_frames: tuple[tuple[Fraction, int], ...],
        breaks: dict[int, list[int]],
    ) -> None:
        self.stretches = stretches
        self._key_frames = key_frames
        self._breaks = breaks

    @property
    def end(self) -> Fraction:
        """The end of the last picture, in seconds counted on."""
        return self.stretches[-1].end + self.stretches[-1].shift

    @property
    def remark(self) -> str:
        """Where the recording is broken, in words."""
        begin = self.stretches[0].first
        places = [
            f"at {format_seconds(float(after.first + after.shift - begin), 1)} "
            f"({_difference(before, after)})"
            for before, after in pairwise(self.stretches)
        ]
        more = len(places) - _NAMED_BREAKS
        named = [*places[:_NAMED_BREAKS], *([f"{more} times more"] if more > 0 else [])]
        return (
            f"the recording is broken {', '.join(named)}: its time stamps start again or jump, "
            "and times count on from the last picture before"
        )

    def shifts(self, stream: Stream) -> "Shifts":
        """What is to be added to the packets of one stream."""
        own = self._breaks.get(stream.index, [])
        common = [stretch.position for stretch in self.stretches]
        positions = own if len(own) == len(common) else common
        return Shifts(positions, [stretch.shift for stretch in self.stretches])

    def seek(self, container: InputContainer, seconds: Fraction) -> bool:
        """Go to a key frame at or before a time; False where there is none."""
        place = bisect_right(self._key_frames, seconds, key=lambda key: key[0])
        if place == 0:
            return False
        try:
            container.seek(self._key_frames[place - 1][1], unsupported_byte_offset=True)
        except FFmpegError:
            return False
        return True


class Shifts:
    """Moves the time stamps of one stream's packets so that they count on."""

    def __init__(self, positions: list[int], shifts: list[Fraction]) -> None:
        self._positions = positions
        self._shifts = shifts
        self._current = 0
        self._presentation = _Presentation()

    def apply(self, packet: Packet) -> None:
        """Move the time stamps of a packet; one of unknown place is taken to follow the last."""
        if packet.pos is not None and packet.pos >= 0:
            self._current = max(0, bisect_right(self._positions, packet.pos) - 1)
        time_base = exact(packet.time_base)
        if time_base is None:
            return
        ticks = round(self._shifts[self._current] / time_base)
        shown = self._presentation.of(packet)
        if shown is not None:
            packet.pts = shown + ticks
        if packet.dts is not None:
            packet.dts += ticks


def clock_of(container: InputContainer, path: str | Path, limits: Limits) -> Clock | None:
    """The clock of an open file whose time stamps start anew or jump; None for every other file.

    A stream without an index is opened anew and read through once for this (twice where its time
    stamps break and it has sound); the clocks of the last 64 files are kept in this process.

    Raises:
        MediaError: the file cannot be opened again, or lasts beyond the limits.
    """
    measured = _measured_of(container, path, limits)
    if measured.seconds > limits.max_duration_seconds:
        raise MediaError(
            f"lasts {format_seconds(float(measured.seconds))}",
            where=path,
            remedy=f"up to {format_seconds(limits.max_duration_seconds)} are read",
        )
    return measured.clock


def clock_remarks(container: InputContainer, path: str | Path, limits: Limits) -> tuple[str, ...]:
    """Where the recording in an open file is broken, and where it has gaps, in words.

    Raises:
        MediaError: the file cannot be opened again.
    """
    measured = _measured_of(container, path, limits)
    breaks = () if measured.clock is None else (measured.clock.remark,)
    if not measured.gaps:
        return breaks
    at, seconds = measured.gaps[0]
    more = len(measured.gaps) - 1
    return (
        *breaks,
        f"the recording lacks about {float(seconds):.1f} s at {format_seconds(float(at), 1)}"
        + (f", and has {counted(more, 'gap')} more" if more else "")
        + ": the last picture stays on show",
    )


@dataclass(frozen=True)
class _Measured:
    """What reading a file through has shown.

    Attributes:
        clock: None where its time stamps run on.
        seconds: how long it lasts.
        gaps: (seconds from the first picture, length) of stretches without one.
    """

    clock: Clock | None = None
    seconds: Fraction = Fraction(0)
    gaps: tuple[tuple[Fraction, Fraction], ...] = ()


def _measured_of(container: InputContainer, path: str | Path, limits: Limits) -> _Measured:
    if not is_unindexed(container):
        return _Measured()
    path = Path(path)
    status = path.stat()
    return _measured(path.absolute(), (status.st_size, status.st_mtime_ns), limits)


@lru_cache(maxsize=64)
def _measured(path: Path, content: tuple[int, int], limits: Limits) -> _Measured:
    """What is in a file of a size and time of change."""
    with open_media(path, limits) as container:
        stream = _leading(container)
        if stream is None:
            return _Measured()
        index = stream.index
        runs = _runs(container, [stream])[index]
    if not runs:
        return _Measured()
    stretches = tuple(_counted_on(runs))
    begin = stretches[0].first
    seconds = stretches[-1].end + stretches[-1].shift - begin
    gaps = tuple(
        (at + stretch.shift - begin, length)
        for run, stretch in zip(runs, stretches, strict=True)
        for at, length in run.gaps
    )
    if len(runs) == 1:
        return _Measured(None, seconds, gaps)
    keys = tuple(
        (pts + stretch.shift, position)
        for run, stretch in zip(runs, stretches, strict=True)
        for pts, position in run.key_frames
    )
    with open_media(path, limits) as container:
        others = [s for s in container.streams.audio if s.index != index]
        found = {index: runs} | (_runs(container, others) if others else {})
    breaks = {number: [run.position for run in own] for number, own in found.items()}
    return _Measured(Clock(stretches, keys, breaks), seconds, gaps)


def _leading(container: InputContainer) -> Stream | None:
    best = container.streams.best("video") if has_video(container) else audio_stream(container)
    return None if best is None or best.codec_context is None else best


class _Presentation:
    """When packets are shown.

    Right before a break FFmpeg derives a missing time from the packet behind it: such a time lies
    far from that of decoding, and the usual distance holds instead.
    """

    def __init__(self) -> None:
        self._delay = 0

    def of(self, packet: Packet) -> int | None:
        """The presentation time of a packet, in its time base; None if nothing is known."""
        pts, dts, time_base = packet.pts, packet.dts, exact(packet.time_base)
        if pts is None or dts is None or time_base is None:
            return dts if pts is None else pts
        if abs(pts - dts) * time_base <= LARGEST_STEP_SECONDS:
            self._delay = pts - dts
        return dts + self._delay


class _Run:
    """Packets whose time stamps run on, while they are read."""

    def __init__(self, position: int, first: int, time_base: Fraction, period: Fraction) -> None:
        self.position = position
        self.key_frames: list[tuple[Fraction, int]] = []
        self.gaps: list[tuple[Fraction, Fraction]] = []
        self._time_base = time_base
        self._period = period
        self._first, self._last = first, first

    def add(self, packet: Packet, stamp: int) -> None:
        missing = (stamp - self._last) * self._time_base - self._period
        if missing > _LEAST_GAP_SECONDS and missing > _LEAST_GAP_PERIODS * self._period:
            self.gaps.append((self.end, missing))
        self._first, self._last = min(self._first, stamp), max(self._last, stamp)
        if packet.is_keyframe and packet.pos is not None:
            seconds = stamp * self._time_base
            last = self.key_frames[-1][0] if self.key_frames else None
            if last is None or seconds - last >= _KEY_FRAMES_APART_SECONDS:
                self.key_frames.append((seconds, packet.pos))

    @property
    def first(self) -> Fraction:
        return self._first * self._time_base

    @property
    def end(self) -> Fraction:
        return self._last * self._time_base + self._period


class _Runs:
    """The packets of a stream, split where its time stamps break."""

    def __init__(self, stream: Stream) -> None:
        self.found: list[_Run] = []
        self._time_base = exact(stream.time_base) or Fraction(1, 90_000)
        rate = exact(stream.guessed_rate) if isinstance(stream, VideoStream) else None
        self._period = 1 / rate if rate else Fraction(0)
        self._ahead = LARGEST_STEP_SECONDS / self._time_base
        self._back = LARGEST_STEP_BACK_SECONDS / self._time_base
        self._last: int | None = None
        self._position = 0
        self._presentation = _Presentation()

    def add(self, packet: Packet) -> None:
        stamp = packet.dts if packet.dts is not None else packet.pts
        if packet.pos is not None:  # None: begins inside the same piece of the file as the last
            self._position = packet.pos
        if stamp is None:
            return
        shown = self._presentation.of(packet)
        shown = stamp if shown is None else shown
        if self._last is None or not -self._back <= stamp - self._last <= self._ahead:
            self.found.append(_Run(self._position, shown, self._time_base, self._period))
        self.found[-1].add(packet, shown)
        self._last = stamp


def _runs(container: InputContainer, streams: Sequence[Stream]) -> dict[int, list[_Run]]:
    """The runs of streams, by their index."""
    runs = {stream.index: _Runs(stream) for stream in streams}
    for packet in _packets(container, streams):
        runs[packet.stream.index].add(packet)
    return {index: own.found for index, own in runs.items()}


def _packets(container: InputContainer, streams: Sequence[Stream]) -> Iterator[Packet]:
    with suppress(FFmpegError, IndexError):  # as far as it can be read
        yield from container.demux(streams)


def _counted_on(runs: list[_Run]) -> Iterator[Stretch]:
    end = runs[0].first
    for run in runs:
        shift = end - run.first
        yield Stretch(run.position, run.first, run.end, shift)
        end = run.end + shift


def _difference(before: Stretch, after: Stretch) -> str:
    seconds = float(after.first - before.end)
    way = "ahead" if seconds > 0 else "back"
    return f"{format_seconds(abs(seconds), 1)} {way}"
