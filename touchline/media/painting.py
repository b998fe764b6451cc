"""Drawing on decoded pictures, which keep their size, pixel format and colours."""

from collections.abc import Callable
from fractions import Fraction

import av
import numpy as np
from av.video.reformatter import VideoReformatter
from numpy.typing import NDArray

from touchline.media.splicing import Painter

Drawing = Callable[[NDArray[np.uint8], float], NDArray[np.uint8]]
"""Draws on RGB pixels (height, width, 3), given the time in seconds."""

_UNSPECIFIED = 2


def painter(draw: Drawing) -> Painter:
    """A painter that hands each picture to ``draw`` as RGB."""
    to_rgb, back = VideoReformatter(), VideoReformatter()

    def paint(frame: av.VideoFrame, seconds: Fraction) -> av.VideoFrame:
        pixels = to_rgb.reformat(frame, format="rgb24", threads=1).to_ndarray()
        drawn = np.ascontiguousarray(draw(np.asarray(pixels, np.uint8), float(seconds)))
        matrix, range_ = int(frame.colorspace), int(frame.color_range)
        return back.reformat(
            av.VideoFrame.from_ndarray(drawn, format="rgb24"),
            format=frame.format.name,
            dst_colorspace=None if matrix == _UNSPECIFIED else matrix,
            dst_color_range=range_ or None,
            threads=1,
        )

    return paint
