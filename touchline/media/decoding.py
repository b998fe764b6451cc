"""Decoded pictures of one file in time order, with seeking and recovery from damage.

Times are exact seconds on the file's own clock, which may start anywhere (a transport stream at
101.4 s); `touchline.media.video` counts from the first frame shown.
"""

import math
import re
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from fractions import Fraction
from functools import partial
from itertools import chain
from pathlib import Path
from typing import Generic, Self, TypeVar

import av
from av.container import InputContainer
from av.error import FFmpegError
from av.packet import Packet
from av.stream import Stream
from av.video.stream import VideoStream

from touchline.errors import MediaError
from touchline.media.clocks import Clock, clock_of, clock_remarks
from touchline.media.halves import part_of
from touchline.media.limits import Limits
from touchline.media.opening import audio_stream, exact, open_media, sound_remark, video_stream
from touchline.media.skipping import Grid, IsWanted, can_skip, skipping, wanted_by
from touchline.recordings import PartOfRecording
from touchline.timebase import format_seconds

MAX_READ_FAILURES = 50
"""Number of failed reads of a container after which reading stops."""

MAX_DECODE_FAILURES = 1000
"""Number of consecutive undecodable packets after which reading stops (40 s at 25 fps)."""

EARLY_SECONDS = 1
"""A file counts as truncated if its video ends more than this before the stated end."""

SEEK_BACK_SECONDS = (0, 2, 10, 40, 160)
"""How far before the target to seek, tried in order until the first frame is not after it.

Open groups of pictures decode to no frame before their key frame, and a seek in a transport
stream lands anywhere between two key frames.
"""

SETTLING_SECONDS = {"mpeg": 2, "mpegts": 2}
"""By format: how long after a seek time stamps are guessed rather than read from the file. MPEG
packets may hold several frames and the time stamp of only the first."""

BELIEVED_SECONDS = 60
"""What any file is believed to last."""

FEWEST_BYTES_A_SECOND = 100
"""What a file holds for each further second; the plainest picture and its sound take ten times as
much. What it claims beyond that is not believed, so that work follows what is there."""

_STILL_SECONDS = 1  # a picture that stays for longer stands still

_FALLBACK_RATE = Fraction(25)
_LOWEST_RATE = Fraction(1, 60)
_TIMECODE = "timecode"

FrameT = TypeVar("FrameT")


@dataclass(frozen=True)
class Picture:
    """One decoded frame, not yet converted, with its display interval on the file's own clock."""

    start: Fraction
    end: Fraction
    frame: av.VideoFrame


def exact_range(
    path: str | Path, start: float | Fraction, end: float | Fraction | None
) -> tuple[Fraction, Fraction | None]:
    """A range of seconds as fractions.

    Raises:
        MediaError: it starts before 0, ends before it starts, or is not finite.
    """
    within = 0 <= start < math.inf and (end is None or start <= end < math.inf)
    if not within:
        raise MediaError(
            f"cannot read from {start} to {end} seconds",
            where=path,
            remedy="start at 0 or later, and end after the start",
        )
    return Fraction(start), None if end is None else Fraction(end)


def believed_seconds(path: str | Path) -> Fraction | None:
    """How long a file may last by its size; None for a folder, whose frames are counted."""
    path = Path(path)
    if path.is_dir():
        return None
    return Fraction(path.stat().st_size, FEWEST_BYTES_A_SECOND) + BELIEVED_SECONDS


class StreamDecoder(Generic[FrameT]):
    """Decodes one stream from the container's current position, skipping damaged packets.

    With a clock, time stamps count on over the breaks of the file. ``choose`` may set the decoder
    for each packet on its way.

    Attributes:
        gave_up: whether decoding stopped at damage rather than at the end of the file.
        failed_reads: how often the container could not be read; it gives up in the end.
    """

    def __init__(
        self,
        container: InputContainer,
        stream: Stream,
        decode: Callable[[Packet | None], list[FrameT]],
        watched: Sequence[Stream] = (),
        clock: Clock | None = None,
        choose: Callable[[Iterator[Packet | None]], Iterator[Packet | None]] | None = None,
    ) -> None:
        self.gave_up = False
        self.failed_reads = 0
        self._demuxed: dict[Stream, int] = {}
        self._container = container
        self._stream = stream
        self._decode = decode
        self._streams = [stream, *watched]
        self._shifts = {} if clock is None else {s: clock.shifts(s) for s in self._streams}
        self._choose = choose

    @property
    def demuxed_until(self) -> Fraction:
        """Latest end of the packets read from this stream and the watched ones."""
        ends = (stamp * (exact(s.time_base) or Fraction(0)) for s, stamp in self._demuxed.items())
        return max(ends, default=Fraction(0))

    def frames(self) -> Generator[FrameT, None, None]:
        """Frames in the order in which the decoder returns them."""
        failures = 0
        packets = self._packets()
        for packet in packets if self._choose is None else self._choose(packets):
            try:
                frames = self._decode(packet)
            except FFmpegError:
                failures += 1
                if failures > MAX_DECODE_FAILURES:
                    self.gave_up = True
                    return
                continue
            if frames:
                failures = 0
            yield from frames

    def _packets(self) -> Iterator[Packet | None]:
        """Packets to the end of the file, then None, which flushes the decoder."""
        for _ in range(MAX_READ_FAILURES):
            try:
                for packet in self._container.demux(self._streams):
                    if packet.stream in self._shifts:
                        self._shifts[packet.stream].apply(packet)
                    self._note_end(packet)
                    if packet.stream is self._stream and packet.size:
                        yield packet
                break
            except IndexError:  # from PyAV, at the end of files in which damage mimics new streams
                break
            except FFmpegError:
                self.failed_reads += 1
        else:
            self.gave_up = True
        yield None

    def _note_end(self, packet: Packet) -> None:
        stamp = packet.dts if packet.pts is None else packet.pts
        if stamp is not None:
            end = stamp + (packet.duration or 0)
            self._demuxed[packet.stream] = max(self._demuxed.get(packet.stream, 0), end)


class PictureSource:
    """The pictures of one file; of an untrimmed recording, those of its half.

    Args:
        path: file to read.
        limits: bounds on what is read.
        threads: threads of the decoder; None for the decoder's default.
        skim: skip frames that no other frame refers to.

    Attributes:
        stream: the video stream.
        first: the first picture that is shown.
        believed_seconds: see ``believed_seconds``; pictures that stand still last no longer in all.
        clock: counts on over the breaks of the file; None if it has none.

    Raises:
        MediaError: the file cannot be opened, has no decodable frame, or ends before its half.
    """

    def __init__(
        self, path: str | Path, limits: Limits, threads: int | None = None, *, skim: bool = False
    ) -> None:
        part = part_of(path)
        self.path = path
        self._limits = limits
        self._threads = threads
        self._skim = skim
        self._wanted: IsWanted | None = None
        self._shown_until = Fraction(0)
        self._last: Fraction | None = None
        self._stood_still = Fraction(0)
        self._stopped_at_still = False
        self._open()
        self.believed_seconds = believed_seconds(path)
        self._decoded = self._decode()
        first = next(self._decoded, None)
        if first is None:
            self.close()
            raise MediaError("no frame could be decoded", where=path, remedy="copy it again")
        self.first = first
        self._beginning = first.start
        self._pending: Iterator[Picture] = chain([first], self._decoded)
        if part is not None:
            self._enter_half(part)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def tolerance(self) -> Fraction:
        """Largest rounding error of the file's time stamps (Matroska rounds to milliseconds)."""
        return min(max(self._time_base, Fraction(1, 1_000_000)), Fraction(1, 1000))

    @property
    def nominal_rate(self) -> Fraction:
        """Frames a second: the nominal rate if the mean is within one percent, else the mean.

        What is slower than any recording is not believed.
        """
        average = _believed_rate(exact(self.stream.average_rate))
        guessed = _believed_rate(exact(self.stream.guessed_rate))
        if average is None or guessed is None:
            return average or guessed or _FALLBACK_RATE
        return guessed if abs(average - guessed) <= guessed / 100 else average

    @property
    def timecode(self) -> str | None:
        """The timecode of the first frame, as the file states it."""
        container = self._container
        tracks = (stream.metadata for stream in container.streams)
        stated = (self.stream.metadata, *tracks, container.metadata)
        texts = (text for tags in stated for key, text in tags.items() if key.lower() == _TIMECODE)
        return next(filter(None, texts), None)

    def take_at(self, grids: Sequence[Grid]) -> None:
        """Leave out pictures that are not on show at any time of these grids, in seconds from the
        first picture, where that spares decoding."""
        origin = self.first.start
        shifted = [Grid(grid.first_seconds + origin, grid.rate) for grid in grids]
        self._wanted = wanted_by(shifted, self.tolerance)

    def pictures(self) -> Iterator[Picture]:
        """The remaining pictures, with strictly increasing starts."""
        return self._pending

    def pictures_from(self, time: Fraction) -> Iterator[Picture]:
        """Pictures from the one on show at ``time``, or from an earlier one."""
        if time - self.first.start < SEEK_BACK_SECONDS[1]:
            return self._pending
        for back in SEEK_BACK_SECONDS:
            if time - back <= self._beginning or not self._seek(time - back):
                break
            landed = next(self._decoded, None)
            if landed is not None and landed.start + self._settling <= time + self.tolerance:
                return chain([landed], self._decoded)
        self._restart()
        return self._decoded

    @property
    def stated_end(self) -> Fraction | None:
        """The end of the video according to the file; None if it does not state one."""
        end = self._picture_end or self._container_end
        return None if end is None else self._inside(end)

    @property
    def ended_early(self) -> bool:
        """Whether reading stopped at damage, or well before the stated end."""
        if self._decoder.gave_up or self._stopped_at_still:
            return True
        if self._picture_end is not None:
            return self._inside(self._picture_end) - self._shown_until > EARLY_SECONDS
        if self._container_end is not None:  # the audio may be longer than the video
            return self._inside(self._container_end) - self._decoder.demuxed_until > EARLY_SECONDS
        return False

    @property
    def strain(self) -> float:
        """How much of what it bears reading has borne since it last sought: failed reads, or
        pictures that stand still; at 1 it stops."""
        still = self._stood_still / self.believed_seconds if self.believed_seconds else 0
        return float(max(Fraction(self._decoder.failed_reads, MAX_READ_FAILURES), still))

    @property
    def last(self) -> Fraction | None:
        """Where the half of an untrimmed recording ends; None if it goes on to the file's end."""
        return self._last

    @property
    def has_audio(self) -> bool:
        """Whether the file has audio that can be decoded."""
        return audio_stream(self._container) is not None

    @property
    def sound_remark(self) -> str | None:
        """See ``touchline.media.opening.sound_remark``."""
        return sound_remark(self._container)

    def measured_end(self) -> Fraction:
        """The end of the video by the time stamps of its packets; demuxes the whole file."""
        end = self.first.end
        with open_media(self.path, self._limits) as container, suppress(FFmpegError):
            for packet in container.demux(container.streams[self.stream.index]):
                end = max(end, _end_of(packet))
        return self._inside(end)

    def close(self) -> None:
        """Close the file, and release the decoder and its threads."""
        self._decoded.close()
        self._container.close()

    def _enter_half(self, part: PartOfRecording) -> None:
        """Begin at the first picture of a half, and end with its last one."""
        start = self.first.start + part.start_seconds
        pictures = self.pictures_from(start)
        first = next((p for p in pictures if p.start + self.tolerance >= start), None)
        if first is None:
            self.close()
            raise MediaError(
                f"ends before its half begins, at {format_seconds(part.start_seconds)}",
                where=self.path,
                remedy="the recording is cut short, or the video.ini beside it is of another",
            )
        self.first = first
        self._pending = chain([first], pictures)
        if part.seconds is not None:
            self._last = start + part.seconds

    def _inside(self, end: Fraction) -> Fraction:
        return end if self._last is None else min(end, self._last)

    def _open(self) -> None:
        self._container: InputContainer = open_media(self.path, self._limits)
        try:
            self.stream: VideoStream = video_stream(self._container, self.path, self._limits)
            self.clock = clock_of(self._container, self.path, self._limits)
            self.clock_remarks = clock_remarks(self._container, self.path, self._limits)
        except MediaError:
            self._container.close()
            raise
        self.stream.thread_type = "AUTO"
        if self._threads is not None:
            self.stream.thread_count = self._threads
        if self._skim:
            self.stream.codec_context.skip_frame = "NONREF"
        self._time_base = exact(self.stream.time_base) or Fraction(1, 1000)
        # AVI stores no presentation time: it is derived from the decoding time less the delay.
        self._lacks_stamps = self._container.format.name == "avi"
        self._delay: int | None = None
        self._settling = SETTLING_SECONDS.get(self._container.format.name, 0)
        self._picture_end = self._read_picture_end()
        self._container_end = self._read_container_end()
        self._watched = self._container.streams.audio if self._picture_end is None else ()

    def _read_picture_end(self) -> Fraction | None:
        if self.clock is not None:
            return self.clock.end
        if self.stream.duration:
            return (self.stream.duration + (self.stream.start_time or 0)) * self._time_base
        tagged = re.fullmatch(r"(\d+):(\d\d):(\d\d\.\d+)", self.stream.metadata.get("DURATION", ""))
        if tagged is None:
            return None
        hours, minutes, seconds = tagged.groups()
        return int(hours) * 3600 + int(minutes) * 60 + Fraction(seconds)

    def _read_container_end(self) -> Fraction | None:
        if not self._container.duration:
            return None
        from_zero = self._container.format.name == "matroska,webm"
        start = 0 if from_zero else self._container.start_time or 0
        return Fraction(self._container.duration + start, 1_000_000)

    def _restart(self) -> None:
        self.close()
        self._open()
        self._decoded = self._decode()

    def _seek(self, time: Fraction) -> bool:
        if self._lacks_stamps or not seek(self._container, self.stream, time, self.clock):
            return False
        self._decoded = self._decode()
        return True

    def _decode(self) -> Generator[Picture, None, None]:
        context = self.stream.codec_context
        choose = None
        if not self._skim and not self._lacks_stamps and can_skip(context):
            choose = partial(skipping, context=context, wanted=lambda: self._wanted)
        self._decoder = StreamDecoder(
            self._container, self.stream, self.stream.decode, self._watched, self.clock, choose
        )
        last: Fraction | None = None
        left = self.believed_seconds
        self._stood_still = Fraction(0)
        for frame in self._decoder.frames():
            start = self._start_of(frame)
            if last is not None and start <= last:
                continue
            if last is not None and left is not None:
                still = max(Fraction(0), start - last - _STILL_SECONDS)
                left -= still
                self._stood_still += still
                if left < 0:
                    self._stopped_at_still = True
                    return
            if self._last is not None and start + self.tolerance >= self._last:
                return
            length = frame.duration * self._time_base if frame.duration else 1 / self.nominal_rate
            if left is not None:
                length = min(length, left + _STILL_SECONDS)
            last = start
            self._shown_until = start + length
            yield Picture(start, self._shown_until, frame)

    def _start_of(self, frame: av.VideoFrame) -> Fraction:
        stamp = frame.pts
        if self._lacks_stamps:
            if self._delay is None:
                self._delay = (frame.dts or 0) - (self.stream.start_time or 0)
            stamp = None if frame.dts is None else frame.dts - self._delay
        return self._shown_until if stamp is None else stamp * self._time_base


def seek(container: InputContainer, stream: Stream, time: Fraction, clock: Clock | None) -> bool:
    """Go to the last key frame of a stream at or before a time; False where it cannot be done."""
    if clock is not None:
        return clock.seek(container, time)
    time_base = exact(stream.time_base)
    if time_base is None:
        return False
    try:
        container.seek(int(time / time_base), stream=stream)
    except FFmpegError:
        return False
    return True


def _believed_rate(rate: Fraction | None) -> Fraction | None:
    return None if rate is None or rate < _LOWEST_RATE else rate


def _end_of(packet: Packet) -> Fraction:
    """The end of a packet; 0 if it has no time stamp."""
    stamp = packet.dts if packet.pts is None else packet.pts
    time_base = exact(packet.time_base)
    if stamp is None or time_base is None:
        return Fraction(0)
    return (stamp + (packet.duration or 0)) * time_base
