"""Writing a video out of copied and newly encoded pictures, with sound of its own."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from fractions import Fraction
from itertools import islice
from pathlib import Path
from types import TracebackType
from typing import Self

import av
from av.error import FFmpegError
from av.video.stream import VideoStream

from touchline.errors import MediaError
from touchline.media.border_encoder import BorderEncoder, EncodedPicture
from touchline.media.gops import ClipPlan, CodedFile, Coding, Piece
from touchline.media.nal_units import (
    UNIT_KINDS,
    as_first_picture,
    parameter_sets_of,
    picture_units,
    set_number,
    units_of,
    with_start_codes,
)
from touchline.media.opening import open_media, video_stream
from touchline.media.segments import container_of
from touchline.media.sound_track import Samples, SoundTrack
from touchline.media.writer import container_options
from touchline.runtime.atomic import atomic_write
from touchline.timebase import format_seconds

Painter = Callable[[av.VideoFrame, Fraction], av.VideoFrame]
"""Draws on a picture, given its time from the first picture shown; keeps size and pixel format."""

_TAGS = {("h264", False): "avc1", ("h264", True): "avc3", ("hevc", False): "hvc1"}
_IN_BAND_HEVC = "hev1"
_MOST_SETS = 32


class ParameterSets:
    """The parameter sets of all that one file holds.

    In the head of the file each number stands for one set. Where two sets share a number, each
    stretch of pictures carries its own.
    """

    def __init__(self, codec: str) -> None:
        self._codec = codec
        self._by_number: dict[tuple[int, int], bytes] = {}
        self.clash = False

    def add(self, sets: Iterable[bytes]) -> None:
        """Add sets that are used."""
        for unit in sets:
            key = (UNIT_KINDS[self._codec].kind(unit), self._number(unit))
            if self._by_number.setdefault(key, unit) != unit:
                self.clash = True

    @property
    def all(self) -> list[bytes]:
        """The first of each number, sequences before pictures."""
        return [unit for _, unit in sorted(self._by_number.items())]

    @property
    def free_number(self) -> int | None:
        """A number that no set has, of H.264; None where numbers cannot be chosen."""
        if self._codec != "h264":
            return None
        taken = {number for _, number in self._by_number}
        return next((number for number in range(1, _MOST_SETS) if number not in taken), None)

    def _number(self, unit: bytes) -> int:
        try:
            return set_number(unit) if self._codec == "h264" else 0
        except ValueError:
            return 0


@dataclass(frozen=True)
class Run:
    """Coded pictures on end, in order of decoding, complete in order of showing.

    Attributes:
        end: ticks at which the last one ends.
        sets: the parameter sets of these pictures.
    """

    pictures: Sequence[EncodedPicture]
    end: int
    sets: Sequence[bytes]


def runs_of(
    plan: ClipPlan,
    file: CodedFile,
    encoder: BorderEncoder | None,
    paint: Painter | None = None,
) -> Iterator[Run]:
    """The pictures of a clip, copied and encoded anew as its plan says.

    Args:
        file: the clip's video.
        encoder: for what is encoded; None where all is copied.
        paint: draws on the pictures that are encoded.

    Raises:
        MediaError: a picture cannot be decoded. FFmpegError: one cannot be encoded.
    """
    coding = plan.coding
    packets = list(islice(file.packets(plan.seek), len(plan.pictures)))
    ends = [piece.stamps[0] for piece in plan.pieces[1:]]
    for piece, end in zip(plan.pieces, [*ends, plan.end], strict=True):
        if piece.copied is not None:
            yield _copied(plan, piece.copied, packets, end)
            continue
        assert encoder is not None
        decoded = _decoded(plan, piece, packets, file.stream)
        painted = decoded if paint is None else _painted(decoded, paint, coding)
        yield Run(list(encoder.encode(painted)), end, encoder.sets)


def _copied(plan: ClipPlan, indexes: Sequence[int], packets: Sequence[av.Packet], end: int) -> Run:
    coding = plan.coding
    pictures = []
    for index in indexes:
        units = units_of(bytes(packets[index]), coding.length_bytes)
        units = picture_units(coding.codec, units)
        if index == indexes[0]:
            units = as_first_picture(coding.codec, units)
        picture = plan.pictures[index]
        pictures.append(EncodedPicture(picture.shown, picture.is_key, units))
    stated = parameter_sets_of(coding.codec, coding.extradata)
    return Run(pictures, end, plan.pictures[indexes[0]].sets or stated)


def _painted(
    frames: Iterator[av.VideoFrame], paint: Painter, coding: Coding
) -> Iterator[av.VideoFrame]:
    for frame in frames:
        stamp = frame.pts
        painted = paint(frame, coding.seconds(stamp or 0))
        painted.pts = stamp
        yield painted


def _decoded(
    plan: ClipPlan, piece: Piece, packets: Sequence[av.Packet], stream: VideoStream
) -> Iterator[av.VideoFrame]:
    """The decoded pictures of a piece, in order of showing.

    What is decoded before only for others to refer to it leaves out pictures that none refers to.
    """
    context = stream.codec_context
    context.flush_buffers()
    wanted = set(piece.stamps)
    pictures = plan.pictures
    last = max(index for index, picture in enumerate(pictures) if picture.shown in wanted)
    keys = (i for i, p in enumerate(pictures) if p.is_key and p.shown <= piece.stamps[0])
    missing = len(wanted)
    for packet in [*packets[max(keys, default=0) : last + 1], None]:
        is_wanted = packet is None or packet.pts in wanted
        context.skip_frame = "DEFAULT" if is_wanted else "NONREF"
        for frame in _decode(stream, packet):
            if frame.pts in wanted:
                missing -= 1
                yield frame
    if missing:
        raise MediaError(
            f"{missing} pictures cannot be decoded near "
            f"{format_seconds(float(plan.coding.seconds(piece.stamps[0])), 1)}",
            where=plan.coding.path,
            remedy="encode the whole clip anew",
        )


def _decode(stream: VideoStream, packet: av.Packet | None) -> list[av.VideoFrame]:
    try:
        return stream.decode(packet)
    except FFmpegError:
        return []


def sets_of(plan: ClipPlan) -> list[bytes]:
    """The parameter sets that the copied pictures of a clip use."""
    sets = parameter_sets_of(plan.coding.codec, plan.coding.extradata)
    return [*sets, *(unit for picture in plan.pictures for unit in picture.sets)]


class SplicedWriter:
    """Writes one file out of pictures that are coded already; it appears only when complete.

    Args:
        path: file to write (.mp4, .m4v, .mov or .mkv); an existing one is replaced.
        coding: of the video that the others are made like.
        sets: all parameter sets of the file.
        reorder_seconds: how far decoding runs ahead of showing, at most.
        audio_rate, audio_channels: of the sound; no rate for a silent file.
        comment: a text stored in the file's metadata.

    Raises:
        MediaError: a suffix that is not supported, or the file cannot be written.
    """

    def __init__(
        self,
        path: str | Path,
        coding: Coding,
        sets: ParameterSets,
        *,
        reorder_seconds: Fraction = Fraction(0),
        audio_rate: int | None = None,
        audio_channels: int = 2,
        comment: str | None = None,
    ) -> None:
        self.path = Path(path)
        self._coding = coding
        self._time_base = coding.time_base
        self._sets = sets
        self._delay = round(reorder_seconds / coding.time_base)
        self._end = Fraction(0)
        self._stack = ExitStack()
        container_format = container_of(self.path)
        options = container_options(container_format)
        with self._failures():
            temporary = self._stack.enter_context(atomic_write(self.path))
            self._container = self._stack.enter_context(
                av.open(f"file:{temporary}", "w", format=container_format, options=options)
            )
            if comment is not None:
                self._container.metadata["comment"] = comment
            self._video = self._add_video(container_format)
            self._sound = (
                None
                if audio_rate is None
                else SoundTrack(self._container, audio_rate, audio_channels, quick=True)
            )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if kind is not None:
            self._discard(error)
            return
        with self._failures():
            if self._sound is not None:
                self._sound.finish(self.samples_due)
            self._stack.close()

    @property
    def seconds(self) -> Fraction:
        """Length of the picture so far."""
        return self._end

    @property
    def samples_due(self) -> int:
        """Samples of sound that the picture so far lasts."""
        return 0 if self._sound is None else round(self._end * self._sound.rate)

    def write(self, run: Run, scale: Fraction) -> None:
        """Append a run of pictures, whose ticks are ``scale`` seconds."""
        pictures, end, sets = run.pictures, run.end, run.sets
        shown = sorted(picture.shown for picture in pictures)
        begin = shown[0]
        places = [round((self._end + (s - begin) * scale) / self._time_base) for s in shown]
        stop = round((self._end + (end - begin) * scale) / self._time_base)
        place_of = dict(zip(shown, places, strict=True))
        with self._failures():
            for order, picture in enumerate(pictures):
                packet = av.Packet(self._bytes(picture, sets if order == 0 else ()))
                packet.stream = self._video
                packet.time_base = self._time_base
                packet.pts = place_of[picture.shown]
                packet.dts = places[order] - self._delay
                packet.is_keyframe = picture.is_key
                packet.duration = ([*places[1:], stop])[order] - places[order]
                self._container.mux(packet)
        self._end += (end - begin) * scale

    def write_sound(self, samples: Samples) -> None:
        """Append sound, (n,) mono or (n, channels)."""
        assert self._sound is not None
        with self._failures():
            self._sound.add(samples)
            self._sound.encode_until(self.samples_due)

    def _bytes(self, picture: EncodedPicture, sets: Sequence[bytes]) -> bytes:
        before = sets if self._sets.clash else ()
        return with_start_codes([*before, *picture.units])

    def _add_video(self, container_format: str) -> VideoStream:
        coding = self._coding
        with open_media(coding.path) as given:
            template = video_stream(given, coding.path)
            stream = self._container.add_stream_from_template(template, opaque=True)
        context = stream.codec_context
        context.extradata = with_start_codes(self._sets.all)
        if container_format != "matroska":
            context.codec_tag = _TAGS.get((coding.codec, self._sets.clash), _IN_BAND_HEVC)
        stream.time_base = coding.time_base
        return stream

    @contextmanager
    def _failures(self) -> Iterator[None]:
        """Turn errors of the encoder and the disk into a MediaError; nothing half-written stays."""
        try:
            yield
        except (FFmpegError, OSError) as error:
            self._discard(error)
            raise MediaError(
                f"cannot be written ({error.strerror or error})",
                where=self.path,
                remedy="check free space and permissions of the folder",
            ) from error

    def _discard(self, error: BaseException | None) -> None:
        with suppress(FFmpegError, OSError):
            self._stack.__exit__(None if error is None else type(error), error, None)
