"""Drawing on decoded pictures, which keep their size, pixel format and colours."""

from collections.abc import Callable, Iterator
from fractions import Fraction

import av
import numpy as np
from av.video.reformatter import Colorspace, VideoReformatter
from numpy.typing import NDArray

from touchline.media.gops import Coding
from touchline.media.splicing import Painter
from touchline.media.writer import MATRICES

_MATRICES = MATRICES | {9: Colorspace.BT2020, 10: Colorspace.BT2020}
"""Those of the writer, and of pictures that are copied beside those drawn on."""

Drawing = Callable[[NDArray[np.uint8], float], NDArray[np.uint8]]
"""Draws on RGB pixels (height, width, 3), given the time in seconds."""


def still_frames(pixels: NDArray[np.uint8], coding: Coding, count: int) -> Iterator[av.VideoFrame]:
    """A picture (height, width, 3) as frames like those of a video, at its rate, from tick 0 on."""
    matrix, _, _, range_ = coding.colours
    still = _in_colours(VideoReformatter(), pixels, coding.pixel_format, matrix, range_)
    planes = still.to_ndarray()
    for place in range(count):
        frame = av.VideoFrame.from_ndarray(planes, format=coding.pixel_format)
        frame.pts = place * coding.period
        yield frame


def _in_colours(
    reformatter: VideoReformatter,
    pixels: NDArray[np.uint8],
    pixel_format: str,
    matrix: int,
    range_: int,
) -> av.VideoFrame:
    return reformatter.reformat(
        av.VideoFrame.from_ndarray(np.ascontiguousarray(pixels), format="rgb24"),
        format=pixel_format,
        dst_colorspace=_MATRICES.get(matrix),
        dst_color_range=range_ or None,
        threads=1,
    )


def painter(draw: Drawing) -> Painter:
    """A painter that hands each picture to ``draw`` as RGB."""
    to_rgb, back = VideoReformatter(), VideoReformatter()

    def paint(frame: av.VideoFrame, seconds: Fraction) -> av.VideoFrame:
        pixels = to_rgb.reformat(frame, format="rgb24", threads=1).to_ndarray()
        drawn = draw(np.asarray(pixels, np.uint8), float(seconds))
        matrix, range_ = int(frame.colorspace), int(frame.color_range)
        return _in_colours(back, drawn, frame.format.name, matrix, range_)

    return paint
