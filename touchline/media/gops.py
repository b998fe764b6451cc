"""Which pictures of a clip can be copied as they are coded, and which have to be encoded anew.

Coded pictures refer to others, so copying begins at a picture that decoding can begin with, and
takes pictures in the order of decoding: any first part of it can be decoded by itself. What it
shows without a gap is copied; the pictures before, and the few behind whose reference is shown
after the end, are encoded.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Self

from av.container import InputContainer
from av.error import FFmpegError
from av.packet import Packet
from av.video.stream import VideoStream

from touchline.media.decoding import PictureSource
from touchline.media.hdr import hdr_name
from touchline.media.limits import DEFAULT_LIMITS, Limits
from touchline.media.nal_units import (
    UNIT_KINDS,
    length_size,
    parameter_sets_of,
    sets_among,
    starts_afresh,
    units_of,
)
from touchline.media.opening import exact, open_media, video_stream
from touchline.media.orientation import Orientation
from touchline.media.video import colours_of

LEAST_COPIED_SECONDS = Fraction(1, 2)
"""Fewer pictures on end are not worth a change between copying and encoding."""

ENCODERS = {"h264": "libx264", "hevc": "libx265"}
"""The encoder whose pictures stand between copied ones, by codec."""

_PIXEL_FORMATS = {
    "h264": ("yuv420p", "yuvj420p", "yuv422p", "yuv420p10le", "yuv422p10le"),
    "hevc": ("yuv420p", "yuvj420p", "yuv422p", "yuv420p10le", "yuv422p10le"),
}
_SEEK_BACK_SECONDS = (0, 2, 10, 40)
_SEEK_LEAD_SECONDS = Fraction(1, 10)
"""A seek goes by decoding time, which lies before the time on show."""
_TAIL_SECONDS = Fraction(1, 2)
"""How far decoding is followed beyond the end, for what is shown next."""


@dataclass(frozen=True)
class Coding:
    """How the pictures of a video are coded, where they can be copied.

    Attributes:
        path: the video.
        codec: ``h264`` or ``hevc``.
        size: (width, height) as coded for display, before rotation.
        pixel_format: FFmpeg's name.
        time_base: seconds a tick of its time stamps.
        origin: ticks of the first picture shown.
        length_bytes: of the length before each unit; None for start codes.
        extradata: the parameter sets that the container states.
        period: ticks of a picture that states no duration.
        rate: pictures a second, on average.
        profile: FFmpeg's name, such as ``High``.
        colours: (matrix, primaries, transfer, range) as ITU-T H.273 and FFmpeg number them.
        pixel_aspect: width by height of a pixel; None for square ones.
        rotation: how it is turned for display.
        hdr: ``PQ`` or ``HLG``; None for a picture of ordinary range.
    """

    path: Path
    codec: str
    size: tuple[int, int]
    pixel_format: str
    time_base: Fraction
    origin: int
    length_bytes: int | None
    extradata: bytes
    period: int
    rate: Fraction
    profile: str | None
    colours: tuple[int, int, int, int]
    pixel_aspect: Fraction | None
    rotation: Orientation
    hdr: str | None

    def fits(self, other: "Coding") -> bool:
        """Whether pictures of both can follow each other in one file."""
        return self._kind == other._kind

    @property
    def is_upright(self) -> bool:
        """Whether its pictures are displayed as they are coded."""
        return self.rotation == Orientation() and self.pixel_aspect in (None, 1)

    @property
    def _kind(self) -> tuple[object, ...]:
        shape = (self.size, self.pixel_aspect, self.rotation)
        return (self.codec, self.pixel_format, self.colours, *shape)

    def seconds(self, ticks: int) -> Fraction:
        """The time of a stamp from the first picture shown."""
        return (ticks - self.origin) * self.time_base


@dataclass(frozen=True)
class CodedPicture:
    """A picture in its file.

    Attributes:
        shown: its time stamp.
        duration: ticks on show, as the file states.
        is_fresh: whether decoding can begin with it.
        is_hidden: whether an edit list leaves it out.
        is_key: whether the file calls it a key frame.
        sets: the parameter sets before it.
    """

    shown: int
    duration: int
    is_fresh: bool
    is_hidden: bool
    is_key: bool
    sets: tuple[bytes, ...] = ()


@dataclass(frozen=True)
class Piece:
    """Pictures on end that are copied or encoded anew.

    Attributes:
        stamps: of its pictures in order of showing.
        copied: indexes into the pictures of the clip, in order of decoding; None if encoded.
    """

    stamps: tuple[int, ...]
    copied: tuple[int, ...] | None = None


@dataclass(frozen=True)
class ClipPlan:
    """How a clip is made.

    Attributes:
        coding: of its video.
        seek: ticks to seek to; None for the beginning of the file.
        pictures: from the next key frame on, in order of decoding.
        pieces: in order of showing, together every picture of the clip once.
        end: ticks at which its last picture ends.
        reorder: ticks by which decoding must run ahead of showing.
    """

    coding: Coding
    seek: int | None
    pictures: tuple[CodedPicture, ...]
    pieces: tuple[Piece, ...]
    end: int
    reorder: int

    @property
    def first(self) -> int:
        return self.pieces[0].stamps[0]

    @property
    def copied_seconds(self) -> float:
        """Seconds of pictures that are copied, nearly: by their share of all pictures."""
        copied = sum(len(piece.stamps) for piece in self.pieces if piece.copied is not None)
        pictures = sum(len(piece.stamps) for piece in self.pieces)
        return float((self.end - self.first) * self.coding.time_base * copied / pictures)


def coding_of(path: str | Path, limits: Limits = DEFAULT_LIMITS) -> Coding | str:
    """How a video is coded; or why its pictures cannot be copied, in words.

    Raises:
        MediaError: it cannot be read.
    """
    with PictureSource(path, limits, threads=1) as source:
        stream, context, frame = source.stream, source.stream.codec_context, source.first.frame
        time_base = exact(stream.time_base)
        reason = _reason_against(source)
        if reason is not None or time_base is None:
            return reason or "it states no time base"
        extradata = context.extradata or b""
        codec = context.name
        return Coding(
            path=Path(path),
            codec=codec,
            size=(frame.width, frame.height),
            pixel_format=frame.format.name,
            time_base=time_base,
            origin=round(source.first.start / time_base),
            length_bytes=length_size(codec, extradata),
            extradata=extradata,
            period=max(1, round(1 / source.nominal_rate / time_base)),
            rate=source.nominal_rate,
            profile=context.profile,
            colours=colours_of(frame),
            pixel_aspect=exact(stream.sample_aspect_ratio),
            rotation=Orientation.of(frame),
            hdr=hdr_name(frame),
        )


def _reason_against(source: PictureSource) -> str | None:
    context, frame = source.stream.codec_context, source.first.frame
    if Path(source.path).is_dir():
        return "it is a folder of pictures"
    if context.name not in UNIT_KINDS:
        return f"its pictures are {context.name}, and only H.264 and HEVC are copied"
    if frame.format.name not in _PIXEL_FORMATS[context.name]:
        return f"its pictures are {frame.format.name}, which is not copied"
    if frame.interlaced_frame:
        return "it is interlaced"
    if source.clock is not None:
        return "its time stamps start again"
    return None


def plan_clip(
    file: "CodedFile",
    coding: Coding,
    start: Fraction,
    end: Fraction,
    drawn: Sequence[tuple[Fraction, Fraction]] = (),
) -> ClipPlan | str:
    """How the pictures on show in [start, end), in seconds from the first one shown, are made.

    Pictures on show are those of a copy at the video's own rate that begins at ``start``: the one
    on show there, and what begins before the length is over.

    Args:
        drawn: stretches whose pictures are drawn on, and so encoded.

    Returns:
        The plan; or why there is none, in words.

    Raises:
        MediaError: the file cannot be read.
    """
    found = _pictures_around(file, coding, start, end)
    if isinstance(found, str):
        return found
    seek, pictures = found
    stamps = sorted(p.shown for p in pictures if not p.is_hidden)
    if len(set(stamps)) != len(stamps):
        return "pictures share a time stamp"
    begin = coding.origin + start / coding.time_base
    tolerance = min(Fraction(1), Fraction(1, 1000) / coding.time_base)
    first = max(0, bisect_right(stamps, begin + tolerance) - 1)
    length = (end - start) / coding.time_base
    opening = max(Fraction(stamps[first]), begin - coding.period)
    last = bisect_left(stamps, opening + length - tolerance)
    window = stamps[first:last]
    if not window:
        return "no picture is on show"
    durations = {p.shown: p.duration for p in pictures}
    after = stamps[last] if last < len(stamps) else window[-1] + durations[window[-1]]
    must = [any(a <= coding.seconds(s) < b for a, b in drawn) for s in window]
    pieces = tuple(_pieces(pictures, window, must, coding))
    return ClipPlan(coding, seek, pictures, pieces, after, _reorder(pictures, pieces))


def _reorder(pictures: Sequence[CodedPicture], pieces: Sequence[Piece]) -> int:
    ahead = 0
    for piece in pieces:
        decoded = [pictures[index].shown for index in piece.copied or ()]
        for shown, own in zip(piece.stamps, decoded, strict=False):
            ahead = max(ahead, shown - own)
    return ahead


def _pieces(
    pictures: Sequence[CodedPicture],
    window: Sequence[int],
    must: Sequence[bool],
    coding: Coding,
) -> Iterator[Piece]:
    least = LEAST_COPIED_SECONDS / coding.time_base
    stated = tuple(parameter_sets_of(coding.codec, coding.extradata))
    entries = _entries(pictures)
    waiting: list[int] = []
    at = 0
    while at < len(window):
        entry = None if must[at] else entries.get(window[at])
        if entry is None:
            waiting.append(window[at])
            at += 1
            continue
        stop = next((place for place in range(at, len(window)) if must[place]), len(window))
        copied = _copied_from(pictures, entry, window[at:stop], stated)
        shown = window[at : at + len(copied)]
        if shown[-1] - shown[0] < least:
            waiting += shown
        else:
            if waiting:
                yield Piece(tuple(waiting))
                waiting = []
            yield Piece(tuple(shown), copied)
        at += len(shown)
    if waiting:
        yield Piece(tuple(waiting))


def _entries(pictures: Sequence[CodedPicture]) -> dict[int, int]:
    """Where copying can begin: indexes by what is shown first."""
    entries: dict[int, int] = {}
    highest: int | None = None
    for index, picture in enumerate(pictures):
        is_next = highest is None or picture.shown > highest
        if picture.is_fresh and not picture.is_hidden and is_next:
            entries[picture.shown] = index
        highest = picture.shown if highest is None else max(highest, picture.shown)
    return entries


def _copied_from(
    pictures: Sequence[CodedPicture],
    entry: int,
    window: Sequence[int],
    stated: tuple[bytes, ...],
) -> tuple[int, ...]:
    """The longest run of pictures to copy from an entry, which is shown first in the window.

    It ends before other parameter sets: a run is written with those of its entry.
    """
    sets = pictures[entry].sets or stated
    places = {stamp: place for place, stamp in enumerate(window)}
    taken: list[int] = []
    whole, highest = 0, -1
    for index in range(entry, len(pictures)):
        picture = pictures[index]
        if picture.shown < window[0]:  # leads the entry: may refer to what is before it
            continue
        place = places.get(picture.shown)
        if place is None or picture.is_hidden or (picture.sets and picture.sets != sets):
            break
        taken.append(index)
        highest = max(highest, place)
        if highest + 1 == len(taken):
            whole = len(taken)
    return tuple(taken[:whole])


def _pictures_around(
    file: "CodedFile", coding: Coding, start: Fraction, end: Fraction
) -> tuple[int | None, tuple[CodedPicture, ...]] | str:
    """Where to seek for a clip, None for the beginning; and the coded pictures from there on."""
    begin = coding.origin + start / coding.time_base
    for back in _SEEK_BACK_SECONDS:
        target = int(begin - (back + _SEEK_LEAD_SECONDS) / coding.time_base)
        seek = target if target > coding.origin else None
        try:
            found = _read_pictures(file.packets(seek), coding, end)
        except FFmpegError:
            return "its pictures cannot be read without decoding them"
        if isinstance(found, str):
            return found
        if found and found[0].shown <= begin + 1:
            return seek, tuple(found)
        if seek is None:
            break
    return "no key frame lies near before it"


def _read_pictures(
    packets: Iterator[Packet], coding: Coding, end: Fraction
) -> list[CodedPicture] | str:
    stop = coding.origin + (end + _TAIL_SECONDS) / coding.time_base
    pictures: list[CodedPicture] = []
    for packet in packets:
        if packet.pts is None:
            return "its pictures have no time stamps"
        if packet.dts is not None and packet.dts > stop:
            break
        pictures.append(coded_picture(packet, coding))
    return pictures


class CodedFile:
    """The coded pictures of one video, from any place on; opening a long file takes a while.

    Use as a context manager.

    Attributes:
        stream: of the pictures.

    Raises:
        MediaError: the file cannot be opened.
    """

    def __init__(self, path: Path, limits: Limits = DEFAULT_LIMITS) -> None:
        self._path, self._limits = path, limits
        self._is_read = False
        self._open()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._container.close()

    def packets(self, seek: int | None) -> Iterator[Packet]:
        """The packets from the next key frame after a seek; None for the beginning of the file.

        Raises:
            FFmpegError: the file cannot be read there.
        """
        if seek is not None:
            self._container.seek(seek, stream=self.stream)
        elif self._is_read:
            self._container.close()
            self._open()
        self._is_read = True
        begun = False
        for packet in self._container.demux(self.stream):
            begun = begun or packet.is_keyframe
            if begun and packet.size:
                yield packet

    def _open(self) -> None:
        self._container: InputContainer = open_media(self._path, self._limits)
        self.stream: VideoStream = video_stream(self._container, self._path, self._limits)
        self.stream.thread_type = "AUTO"


def coded_picture(packet: Packet, coding: Coding) -> CodedPicture:
    """What a packet says of its picture."""
    fresh = False
    sets: tuple[bytes, ...] = ()
    if packet.is_keyframe:
        units = units_of(bytes(packet), coding.length_bytes)
        fresh = starts_afresh(coding.codec, units)
        sets = sets_among(coding.codec, units)
    assert packet.pts is not None
    return CodedPicture(
        shown=packet.pts,
        duration=packet.duration or coding.period,
        is_fresh=fresh,
        is_hidden=packet.is_discard,
        is_key=packet.is_keyframe,
        sets=sets,
    )
