"""Reading video: the properties of a file, and its frames with their true times.

Times come from the time stamps. Seconds count from the first frame shown, whatever the file's own
clock; of an untrimmed recording beside its ``video.ini``, from the first frame of its half. The
frame rate may vary; rotated pictures are returned upright.
"""

from collections.abc import Callable, Generator, Iterator
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Literal

import numpy as np
from av import VideoFrame
from av.error import FFmpegError
from av.video.reformatter import Interpolation, VideoReformatter
from numpy.typing import NDArray

from touchline.errors import MediaError
from touchline.media.colour_tags import (
    drop_unknown_matrix,
    has_wide_primaries,
    state_matrix,
)
from touchline.media.decoding import Picture, PictureSource, exact_range
from touchline.media.deinterlacing import deinterlaced
from touchline.media.hdr import ToneMapper, hdr_name
from touchline.media.limits import DEFAULT_LIMITS, Limits
from touchline.media.opening import exact, open_media
from touchline.media.orientation import Orientation
from touchline.media.skipping import Grid
from touchline.media.streams import Item, Stream
from touchline.timebase import format_seconds

_MAX_PIXEL_ASPECT = 4

TONE_MAPPED = "shown tone-mapped to BT.709"
"""How a remark on high dynamic range ends."""

Colours = Literal["rgb", "shown", "luma"]
"""What a picture is converted to: RGB, or its luma just as it is stored, in whatever range."""

_WITH_LUMA = {
    f"yuv{range_}{sampling}p" for range_ in ("", "j") for sampling in ("420", "422", "444")
} | {"nv12", "gray"}
"""Pixel formats whose first plane holds the luma, a byte for each pixel."""


@dataclass(frozen=True)
class VideoInfo:
    """The properties of a video file.

    Attributes:
        path: the file.
        width, height: as displayed: upright, with square pixels.
        frame_rate: nominal frame rate; the mean rate if the rate varies.
        duration_seconds: from the first frame shown to the end of the last, as the file states,
            as far as its size allows.
        has_audio: whether it has audio.
        codec: FFmpeg's name of the video codec, such as ``h264``.
        rotation: clockwise rotation of the coded picture for display: 0, 90, 180 or 270 degrees.
        nominal_rate: the rate whose multiples the time stamps are, also where frames are missing.
        timecode: of the first frame, such as ``10:00:00:00``, where the file states it.
        remarks: what limits how far the times and pictures can be trusted, in words.
        sound_remark: which track is heard and what is mixed, where there is more than stereo.
        is_interlaced: whether the first picture is two fields of different times.
        colours: (matrix, primaries, transfer, range) as ITU-T H.273 and FFmpeg number them; None
            of high dynamic range and wide primaries, which are read as BT.709.
    """

    path: Path
    width: int
    height: int
    frame_rate: Fraction
    duration_seconds: float
    has_audio: bool
    codec: str
    rotation: int
    nominal_rate: Fraction | None = None
    timecode: str | None = None
    remarks: tuple[str, ...] = ()
    sound_remark: str | None = None
    is_interlaced: bool = False
    colours: tuple[int, int, int, int] | None = None

    @property
    def size(self) -> tuple[int, int]:
        """(width, height) as displayed."""
        return self.width, self.height


@dataclass(frozen=True, eq=False)
class Frame:
    """One frame and its time.

    Attributes:
        seconds: start of its display, from the first frame shown.
        pixels: uint8 RGB of shape (height, width, 3), or luma (height, width, 1), upright.
    """

    seconds: float
    pixels: NDArray[np.uint8]


Converter = Callable[[Picture], Frame]
"""Makes a frame of a decoded picture."""


def probe(path: str | Path, limits: Limits = DEFAULT_LIMITS) -> VideoInfo:
    """Read the properties of a video file; decodes its first frame.

    Raises:
        MediaError: the file cannot be opened, has no video stream, or no decodable frame.
    """
    with PictureSource(path, limits, threads=1) as source:
        return describe(source)


def read_comment(path: str | Path) -> str | None:
    """The comment that a media file carries, if any.

    Raises:
        MediaError: the file cannot be opened.
    """
    with open_media(path) as container:
        found = (value for key, value in container.metadata.items() if key.lower() == "comment")
        return next(found, None)


def read_frames(
    path: str | Path,
    *,
    rate: Fraction | int | None = None,
    size: tuple[int, int] | None = None,
    start_seconds: float | Fraction = 0.0,
    end_seconds: float | Fraction | None = None,
    threads: int | None = None,
    skim: bool = False,
    colours: Colours = "rgb",
    deinterlace: bool | Literal["fields"] = False,
    limits: Limits = DEFAULT_LIMITS,
) -> "PictureStream[Frame]":
    """Read the frames of a video, in time order and in constant memory.

    Args:
        path: file to read.
        rate: None for every frame that begins in [start_seconds, end_seconds). Otherwise the
            frame on show at start_seconds + i/rate, for every i for which that lies before
            end_seconds and before the end of the last frame; so a frame may come twice.
        size: (width, height) to scale to (bilinear); None for the displayed size.
        start_seconds: where to start, from the first frame shown; exact to the frame.
        end_seconds: where to end; None for the end of the file.
        threads: threads of the decoder; None for the decoder's default.
        skim: skip frames that no other frame refers to: faster after a seek, and up to a few
            frames early.
        colours: ``"rgb"`` as libswscale converts pictures, as the published networks saw them;
            ``"shown"`` for RGB of BT.709 as players show it, whatever the pictures say or leave
            unsaid of their colours; ``"luma"`` for the luma alone.
        deinterlace: fill in the lines of interlaced frames, for frames that people see;
            ``"fields"`` makes a frame of each field, twice as many.
        limits: bounds on what is read.

    Raises:
        MediaError: the file cannot be opened, has no video stream or no decodable frame, or the
            arguments are out of range.
    """
    start, end = exact_range(path, start_seconds, end_seconds)
    if rate is not None and rate <= 0:
        raise MediaError(f"cannot read at {rate} frames a second", where=path)
    if size is not None and (min(size) < 1 or size[0] * size[1] > limits.max_pixels):
        raise MediaError(f"cannot scale to {size[0]}x{size[1]}", where=path)
    source = PictureSource(path, limits, threads, skim=skim)
    info = describe(source)
    if rate is not None and not deinterlace:
        source.take_at([Grid(start, Fraction(rate))])
    pictures = PictureRange(
        source, start, end, limits.max_duration_seconds, deinterlace=deinterlace
    )
    convert = converter(colours, Orientation.of(source.first.frame), size or info.size)
    frames = (
        _every(pictures, convert) if rate is None else _on_grid(pictures, convert, Fraction(rate))
    )
    return PictureStream(source, info, pictures, frames)


class PictureStream(Stream[Item]):
    """What is made of the pictures of one video, in order of time.

    The file is also closed when the stream is garbage-collected.

    Attributes:
        info: the properties of the file.
    """

    def __init__(
        self,
        source: PictureSource,
        info: VideoInfo,
        pictures: "PictureRange",
        items: Generator[Item, None, None],
    ) -> None:
        super().__init__(items, source.close)
        self.info = info
        self._range = pictures

    def __del__(self) -> None:
        self._close_file()

    @property
    def truncated(self) -> bool:
        """Whether reading stopped at damage or well before the stated end; set after the last
        item."""
        return self._range.truncated

    @property
    def end_seconds(self) -> float:
        """End of the last picture, or the requested end if that is earlier; set after the last
        item."""
        return float(self._range.reached)

    @property
    def strain(self) -> float:
        """See ``touchline.media.decoding.PictureSource.strain``."""
        return self._range.strain


FrameStream = PictureStream[Frame]
"""The frames of one video; see `read_frames`."""


class PictureRange:
    """The pictures of a source on show in [start, end), in seconds from the first frame shown.

    Attributes:
        start, end: the range; ``end`` None for the end of the file.
        reached: end of the last picture read, at most ``end``.
        truncated: whether the file ended before its stated end.
    """

    def __init__(
        self,
        source: PictureSource,
        start: Fraction,
        end: Fraction | None,
        max_seconds: float,
        *,
        deinterlace: bool | Literal["fields"] = False,
    ) -> None:
        self._deinterlace = deinterlace
        self.start, self.end = start, end
        self.tolerance = source.tolerance
        self.reached = Fraction(0)
        self.truncated = False
        self._source = source
        self._max_seconds = max_seconds

    @property
    def strain(self) -> float:
        """See ``PictureSource.strain``."""
        return self._source.strain

    def __iter__(self) -> Iterator[Picture]:
        """The picture on show at the start, possibly earlier ones, and all that follow."""
        if not self._deinterlace:
            return self._read()
        return deinterlaced(self._read(), fields=self._deinterlace == "fields")

    def _read(self) -> Iterator[Picture]:
        origin = self._source.first.start
        for picture in self._source.pictures_from(self.start + origin):
            start = picture.start - origin
            if self.end is not None and start + self.tolerance >= self.end:
                self.reached = self.end
                return
            if start > self._max_seconds:
                self.truncated = True
                return
            self.reached = picture.end - origin
            yield Picture(start, self.reached, picture.frame)
        if self.end is None or self.reached + self.tolerance < self.end:
            self.truncated = self._source.ended_early
        else:
            self.reached = self.end


def _every(pictures: PictureRange, convert: Converter) -> Generator[Frame, None, None]:
    for picture in pictures:
        if picture.start + pictures.tolerance >= pictures.start:
            yield convert(picture)


def _on_grid(
    pictures: PictureRange, convert: Converter, rate: Fraction
) -> Generator[Frame, None, None]:
    # The tolerance accepts time stamps that rounding moved just past a grid time.
    wanted = pictures.start + pictures.tolerance
    for picture, until in with_time_on_show(pictures):
        if wanted < until:
            frame = convert(picture)
            while wanted < until:
                yield frame
                wanted += 1 / rate


def with_time_on_show(pictures: PictureRange) -> Iterator[tuple[Picture, Fraction]]:
    """Each picture with the time at which the next one replaces it, or the range ends."""
    shown: Picture | None = None
    for picture in pictures:
        if shown is not None:
            yield shown, picture.start
        shown = picture
    if shown is not None:
        yield shown, pictures.reached


class RgbConverter:
    """Converts pictures of any size and pixel format to upright RGB of one size.

    Pictures of high dynamic range are tone-mapped to BT.709.

    One scaler is shared by the whole stream: PyAV up to 18 leaks memory with one per frame.
    """

    def __init__(self, orientation: Orientation, size: tuple[int, int]) -> None:
        self._orientation = orientation
        self._coded_size = orientation.size(*size)
        self._reformatter = VideoReformatter()
        self._tone_mapper = ToneMapper(self._coded_size)

    def __call__(self, picture: Picture) -> Frame:
        try:
            converted = self._converted(picture.frame)
        except FFmpegError as error:
            raise MediaError(f"a frame cannot be converted ({error.strerror})") from error
        pixels = np.asarray(converted.to_ndarray(), dtype=np.uint8)
        return Frame(float(picture.start), self._orientation.apply(pixels))

    def _converted(self, frame: VideoFrame) -> VideoFrame:
        if hdr_name(frame) is not None:
            return self._tone_mapper(frame)
        drop_unknown_matrix(frame)
        return self._plain(frame)

    def _plain(self, frame: VideoFrame) -> VideoFrame:
        width, height = self._coded_size
        return self._reformatter.reformat(
            frame,
            width=width,
            height=height,
            format="rgb24",
            interpolation=Interpolation.BILINEAR,
            threads=1,
        )


class ShownConverter(RgbConverter):
    """As `RgbConverter`, with the colours that players show.

    Untagged pictures have the matrix that players take them for; BT.2020 becomes BT.709.
    """

    def _converted(self, frame: VideoFrame) -> VideoFrame:
        if hdr_name(frame) is not None or has_wide_primaries(frame):
            return self._tone_mapper(frame)
        state_matrix(frame)
        return self._plain(frame)


class LumaConverter:
    """The luma of pictures at one size, upright: neither its range nor its values are changed."""

    def __init__(self, orientation: Orientation, size: tuple[int, int]) -> None:
        self._orientation = orientation
        self._coded_size = orientation.size(*size)
        self._reformatter = VideoReformatter()

    def __call__(self, picture: Picture) -> Frame:
        width, height = self._coded_size
        frame, name = picture.frame, picture.frame.format.name
        drop_unknown_matrix(frame)
        if name not in _WITH_LUMA or (frame.width, frame.height) != (width, height):
            try:
                frame = self._reformatter.reformat(
                    frame,
                    width=width,
                    height=height,
                    format=name if name in _WITH_LUMA else "yuv420p",
                    interpolation=Interpolation.BILINEAR,
                    threads=1,
                )
            except FFmpegError as error:
                raise MediaError(f"a frame cannot be converted ({error.strerror})") from error
        luma = plane_of(frame, 0, (height, width))[..., None]
        return Frame(float(picture.start), self._orientation.apply(luma))


_CONVERTERS: dict[Colours, Callable[[Orientation, tuple[int, int]], Converter]] = {
    "rgb": RgbConverter,
    "shown": ShownConverter,
    "luma": LumaConverter,
}


def converter(colours: Colours, orientation: Orientation, size: tuple[int, int]) -> Converter:
    """Makes frames of a size (width, height) in these colours."""
    return _CONVERTERS[colours](orientation, size)


def plane_of(frame: VideoFrame, index: int, shape: tuple[int, int]) -> NDArray[np.uint8]:
    """(rows, columns) of a plane of bytes, without the padding of its lines; not a copy."""
    plane = frame.planes[index]
    data = np.frombuffer(memoryview(plane), np.uint8)
    return data[: shape[0] * plane.line_size].reshape(shape[0], plane.line_size)[:, : shape[1]]


def describe(source: PictureSource) -> VideoInfo:
    first = source.first
    orientation = Orientation.of(first.frame)
    width, height = orientation.size(*_square_pixels(source))
    end = source.measured_end() if source.stated_end is None else source.stated_end
    seconds = max(end, first.end) - first.start
    believed = min(seconds, source.believed_seconds or seconds)
    return VideoInfo(
        path=Path(source.path),
        width=width,
        height=height,
        frame_rate=source.nominal_rate,
        duration_seconds=float(believed),
        has_audio=source.has_audio,
        codec=source.stream.codec_context.name,
        rotation=orientation.clockwise_degrees,
        nominal_rate=exact(source.stream.guessed_rate),
        timecode=source.timecode,
        remarks=(*_remarks(source), *_disbelief(source, seconds, believed)),
        sound_remark=source.sound_remark,
        is_interlaced=bool(source.first.frame.interlaced_frame),
        colours=_kept_colours(source.first.frame),
    )


def _kept_colours(frame: VideoFrame) -> tuple[int, int, int, int] | None:
    is_mapped = hdr_name(frame) is not None or has_wide_primaries(frame)
    return None if is_mapped else colours_of(frame)


def colours_of(frame: VideoFrame) -> tuple[int, int, int, int]:
    """(matrix, primaries, transfer, range) of a picture, by their numbers."""
    return (
        int(frame.colorspace),
        int(frame.color_primaries),
        int(frame.color_trc),
        int(frame.color_range),
    )


def _remarks(source: PictureSource) -> tuple[str, ...]:
    breaks = source.clock_remarks
    hdr = hdr_name(source.first.frame)
    if hdr is None:
        return breaks
    return (*breaks, f"the picture is HDR ({hdr}): it is {TONE_MAPPED}")


def _disbelief(source: PictureSource, stated: Fraction, believed: Fraction) -> tuple[str, ...]:
    """That a file states more than it can hold, in words."""
    if stated <= believed:
        return ()
    return (
        f"the file states a length of {format_seconds(float(stated))}, and is too small for more "
        f"than {format_seconds(float(believed))}",
    )


def _square_pixels(source: PictureSource) -> tuple[int, int]:
    """The coded size, with the width corrected for non-square pixels."""
    frame = source.first.frame
    aspect = exact(source.stream.sample_aspect_ratio) or Fraction(1)
    if not Fraction(1, _MAX_PIXEL_ASPECT) <= aspect <= _MAX_PIXEL_ASPECT:
        aspect = Fraction(1)
    return max(1, round(frame.width * aspect)), frame.height
