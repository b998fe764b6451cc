"""Whole pictures out of interlaced ones, whose two fields were taken at different times."""

from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import replace
from fractions import Fraction

import av
from av.error import FFmpegError
from av.filter import Graph

from touchline.errors import MediaError
from touchline.media.decoding import Picture

_LEAST_SIDE = 8


def deinterlaced(pictures: Iterable[Picture], *, fields: bool = False) -> Iterator[Picture]:
    """The pictures, those flagged as interlaced filled in by FFmpeg's bwdif, one for each.

    With ``fields`` two for each, one for either field, the second half-way to the next picture.

    Progressive pictures stay as they are. bwdif looks at the neighbours of a picture, so each comes
    out when the next one is read.

    Raises:
        MediaError: a picture cannot be filled in.
    """
    run: _Fields | None = None
    for picture in pictures:
        frame = picture.frame
        if run is not None and not run.fits(frame):
            yield from run.finish()
            run = None
        if run is None and frame.interlaced_frame and min(frame.width, frame.height) > _LEAST_SIDE:
            run = _Fields(frame, 2 if fields else 1)
        if run is None:
            yield picture
        else:
            yield from run.add(picture)
    if run is not None:
        yield from run.finish()


class _Fields:
    """A run of pictures of one size and pixel format in a filter of their own.

    Args:
        each: 1 for one picture out of each, 2 for one out of each field.
    """

    def __init__(self, frame: av.VideoFrame, each: int) -> None:
        self._kind = _kind_of(frame)
        self._each = each
        self._given = 0
        self._waiting: deque[Picture] = deque()
        self._count = 0
        graph = Graph()
        source = graph.add_buffer(
            width=frame.width,
            height=frame.height,
            format=frame.format,
            time_base=Fraction(1, 1000),
        )
        mode = "send_frame" if each == 1 else "send_field"
        bwdif = graph.add("bwdif", f"mode={mode}:parity=auto:deint=interlaced")
        pixels = graph.add("format", frame.format.name)
        sink = graph.add("buffersink")
        graph.link_nodes(source, bwdif, pixels, sink).configure()
        self._graph = graph

    def fits(self, frame: av.VideoFrame) -> bool:
        return _kind_of(frame) == self._kind

    def add(self, picture: Picture) -> Iterator[Picture]:
        """Add a picture; yields those that are ready."""
        self._waiting.append(picture)
        frame = picture.frame
        frame.pts, frame.time_base = self._count, Fraction(1, 1000)
        self._count += 1
        self._push(frame)
        yield from self._ready()

    def finish(self) -> Iterator[Picture]:
        """Yield the pictures that wait for a neighbour."""
        self._push(None)
        yield from self._ready()

    def _push(self, frame: av.VideoFrame | None) -> None:
        try:
            self._graph.push(frame)
        except FFmpegError as error:
            raise _refusal(error) from error

    def _ready(self) -> Iterator[Picture]:
        while self._waiting:
            try:
                frame = self._graph.pull()
            except (BlockingIOError, EOFError):
                return
            except FFmpegError as error:
                raise _refusal(error) from error
            assert isinstance(frame, av.VideoFrame)
            given = self._waiting[0]
            frame.colorspace = given.frame.colorspace
            frame.color_range = given.frame.color_range
            if self._each == 1 or not given.frame.interlaced_frame:
                self._waiting.popleft()
                yield replace(given, frame=frame)
                continue
            middle = (given.start + given.end) / 2
            if self._given == 0:
                self._given = 1
                yield Picture(given.start, middle, frame)
            else:
                self._given = 0
                self._waiting.popleft()
                yield Picture(middle, given.end, frame)


def _refusal(error: FFmpegError) -> MediaError:
    return MediaError(f"a frame cannot be deinterlaced ({error.strerror})")


def _kind_of(frame: av.VideoFrame) -> tuple[int, int, str]:
    return frame.width, frame.height, frame.format.name
