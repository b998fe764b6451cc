"""Several views of one video from one decoding: at the sizes and the rates that each one needs.

Scaling a frame to RGB costs as much as decoding it. What only compares pictures is content with a
thumbnail taken straight from the decoder's planes: luma and two colour differences, the mean of a
few samples a cell, which costs a tenth of a millisecond.
"""

from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Literal

import numpy as np
from av.video.reformatter import Interpolation, VideoReformatter
from numpy.typing import NDArray

from touchline.errors import MediaError
from touchline.media.colour_tags import drop_unknown_matrix
from touchline.media.decoding import Picture, PictureSource, exact_range
from touchline.media.limits import DEFAULT_LIMITS, Limits
from touchline.media.orientation import Orientation
from touchline.media.skipping import Grid
from touchline.media.video import (
    Frame,
    PictureRange,
    PictureStream,
    converter,
    describe,
    plane_of,
    with_time_on_show,
)

Pixels = NDArray[np.uint8]

_CHROMA_STEPS = {
    "yuv420p": (2, 2),
    "yuvj420p": (2, 2),
    "yuv422p": (2, 1),
    "yuvj422p": (2, 1),
    "yuv444p": (1, 1),
    "yuvj444p": (1, 1),
}
"""Pixel formats whose planes are sampled as they are, and the columns and rows a colour spans."""

_LUMA_SAMPLES = (2, 4)
_CHROMA_SAMPLES = (1, 2)


@dataclass(frozen=True)
class View:
    """One way in which the frames of a video are wanted.

    Attributes:
        size: (width, height); None for the displayed size.
        rate: frames a second, the frame on show at i/rate for every i; None for every frame.
        densest: of every frame, leave out those that follow another too closely for this many
            a second; None for all of them.
        colours: ``"rgb"`` or ``"luma"``, scaled with care; or ``"yuv"``, sampled: luma, blue and
            red difference.
        late_seconds: of a rated view, by how much later than i/rate its frames are taken.
    """

    size: tuple[int, int] | None = None
    rate: Fraction | None = None
    densest: Fraction | None = None
    colours: Literal["rgb", "luma", "yuv"] = "rgb"
    late_seconds: Fraction = Fraction(0)


def read_views(
    path: str | Path,
    views: Sequence[View],
    *,
    start_seconds: float | Fraction = 0.0,
    end_seconds: float | Fraction | None = None,
    taken_seconds: Sequence[float | None] | None = None,
    threads: int | None = None,
    limits: Limits = DEFAULT_LIMITS,
) -> PictureStream[tuple[int, Frame]]:
    """Read a video once for several views of it, in constant memory.

    Args:
        path: file to read.
        views: what is wanted of each frame.
        start_seconds: where to start, from the first frame shown; rated views count from there.
        end_seconds: where to end; None for the end of the file.
        taken_seconds: of each view, the time of the last frame that an earlier reading took, after
            which this one goes on; None where it took none.
        threads: threads of the decoder; None lets it choose.
        limits: bounds on what is read.

    Returns:
        An iterator of (index of the view, frame), each view's frames in order of time; pixels
        are uint8 (height, width, 3).

    Raises:
        MediaError: the file cannot be opened, has no picture, or none that can be decoded; or
            a view asks for what cannot be.
    """
    start, end = exact_range(path, start_seconds, end_seconds)
    for view in views:
        if view.rate is not None and view.rate <= 0:
            raise MediaError(f"cannot read at {view.rate} frames a second", where=path)
        if view.size is not None and not 0 < min(view.size) <= max(view.size) <= 1 << 14:
            raise MediaError(f"cannot scale to {view.size[0]}x{view.size[1]}", where=path)
    source = PictureSource(path, limits, threads)
    info = describe(source)
    grids = [Grid(start + view.late_seconds, view.rate) for view in views if view.rate]
    if len(grids) == len(views):
        source.take_at(grids)
    pictures = PictureRange(source, start, end, limits.max_duration_seconds)
    orientation = Orientation.of(source.first.frame)
    turns = [
        _Turns(view, pictures, _converter(view, orientation, info.size), taken)
        for view, taken in zip(views, taken_seconds or [None] * len(views), strict=True)
    ]
    return PictureStream(source, info, pictures, _by_turns(pictures, turns))


ViewStream = PictureStream[tuple[int, Frame]]
"""Frames of several views, one after the other; see `read_views`."""


class _Turns:
    """When a view wants a frame."""

    def __init__(
        self,
        view: View,
        pictures: PictureRange,
        convert: Callable[[Picture], Frame],
        taken_seconds: float | None,
    ) -> None:
        self._rate = view.rate
        self._taken = taken_seconds
        self._convert = convert
        # A stamp that rounding put just before its time belongs to it, hence the tolerance.
        self._wanted = pictures.start + (pictures.tolerance if view.rate else -pictures.tolerance)
        if view.rate:
            self._wanted += view.late_seconds
        self._apart = Fraction(0) if view.densest is None else 1 / view.densest
        self._apart = max(Fraction(0), self._apart - pictures.tolerance - self._apart / 100)
        if taken_seconds is not None and view.rate is None:
            self._wanted = Fraction(taken_seconds) + self._apart

    def frames(self, picture: Picture, until: Fraction) -> Generator[Frame, None, None]:
        """What the view takes of a picture that is on show until a time."""
        is_new = self._taken is None or float(picture.start) > self._taken
        if self._rate is None:
            if is_new and picture.start >= self._wanted:
                self._wanted = picture.start + self._apart
                yield self._convert(picture)
        elif self._wanted < until:
            frame = self._convert(picture) if is_new else None
            while self._wanted < until:
                if frame is not None:
                    yield frame
                self._wanted += 1 / self._rate


def _by_turns(
    pictures: PictureRange, turns: Sequence[_Turns]
) -> Generator[tuple[int, Frame], None, None]:
    for picture, until in with_time_on_show(pictures):
        for index, view in enumerate(turns):
            for frame in view.frames(picture, until):
                yield index, frame


def _converter(
    view: View, orientation: Orientation, displayed: tuple[int, int]
) -> Callable[[Picture], Frame]:
    size = view.size or displayed
    if view.colours == "yuv":
        return _Sampler(orientation, size)
    return converter(view.colours, orientation, size)


class _Sampler:
    """Takes thumbnails from the planes of decoded frames."""

    def __init__(self, orientation: Orientation, size: tuple[int, int]) -> None:
        self._orientation = orientation
        self._coded_size = orientation.size(*size)
        self._reformatter = VideoReformatter()

    def __call__(self, picture: Picture) -> Frame:
        frame = picture.frame
        drop_unknown_matrix(frame)
        width, height = self._coded_size
        steps = _CHROMA_STEPS.get(frame.format.name)
        if steps is None or frame.width < 4 * width or frame.height < 2 * height:
            frame = self._reformatter.reformat(
                frame, 4 * width, 2 * height, "yuv444p", interpolation=Interpolation.AREA, threads=1
            )
            steps = (1, 1)
        pixels = np.empty((height, width, 3), np.uint8)
        for plane in range(3):
            across, down = (1, 1) if plane == 0 else steps
            shape = (-(-frame.height // down), -(-frame.width // across))
            samples = _LUMA_SAMPLES if plane == 0 else _CHROMA_SAMPLES
            pixels[..., plane] = _cells(plane_of(frame, plane, shape), width, height, samples)
        return Frame(float(picture.start), self._orientation.apply(pixels))


def _cells(plane: Pixels, width: int, height: int, samples: tuple[int, int]) -> NDArray[np.uint16]:
    """(height, width) means of a few samples of each cell of a plane; the rest is cropped."""
    high, wide = plane.shape[0] // height, plane.shape[1] // width
    if not high or not wide:
        rows = np.arange(height) * plane.shape[0] // height
        return plane[rows[:, None], np.arange(width) * plane.shape[1] // width].astype(np.uint16)
    down, across = min(samples[0], high), min(samples[1], wide)
    total = np.zeros((height, width), np.uint16)
    for row in range(down):
        rows = plane[(2 * row + 1) * high // (2 * down) :: high][:height]
        for column in range(across):
            total += rows[:, (2 * column + 1) * wide // (2 * across) :: wide][:, :width]
    return total // (down * across)
