"""Pictures that are drawn on keep their colours."""

from fractions import Fraction

import av
import numpy as np
import pytest

from touchline.media.painting import painter


@pytest.mark.parametrize("matrix", [1, 6, 9])
def test_nothing_drawn_changes_no_colour(matrix):
    frame = av.VideoFrame(64, 48, "yuv420p10le")
    for plane, level in zip(frame.planes, (500, 360, 680), strict=True):
        plane.update(np.full(plane.buffer_size // 2, level, np.uint16).tobytes())
    frame.colorspace, frame.color_range = matrix, 1
    painted = painter(lambda pixels, seconds: pixels)(frame, Fraction(0))
    levels = [int(np.frombuffer(plane, np.uint16)[0]) for plane in painted.planes]
    assert levels == pytest.approx([500, 360, 680], abs=6)
