"""Pictures of ordinary range have the colours that players show, however they are tagged."""

from pathlib import Path

import av
import numpy as np
import pytest

from touchline.media.video import read_frames

PATCH = (0.25, 0.6, 0.2)
"""Red, green and blue of the test picture."""

WEIGHTS = {1: (0.2126, 0.0722), 6: (0.299, 0.114)}
"""What red and blue weigh in luma, by the number of the matrix (BT.709, BT.601)."""


def yuv_of(matrix: int) -> tuple[int, int, int]:
    """The patch in 8-bit studio range, worked out from the matrix."""
    red, green, blue = PATCH
    for_red, for_blue = WEIGHTS[matrix]
    luma = for_red * red + (1 - for_red - for_blue) * green + for_blue * blue
    chroma = ((blue - luma) / (2 - 2 * for_blue), (red - luma) / (2 - 2 * for_red))
    return (round(16 + 219 * luma), *(round(128 + 224 * one) for one in chroma))


def write_patch(path: Path, size: tuple[int, int], coded: int, tagged: int) -> Path:
    with av.open(str(path), "w") as file:
        video = file.add_stream("libx264", rate=25, options={"preset": "ultrafast", "qp": "4"})
        video.width, video.height = size
        video.pix_fmt = "yuv420p"
        video.codec_context.colorspace = tagged
        for index in range(2):
            frame = av.VideoFrame(*size, "yuv420p")
            for plane, level in zip(frame.planes, yuv_of(coded), strict=True):
                plane.update(bytes([level]) * plane.buffer_size)
            frame.pts = index
            file.mux(video.encode(frame))
        file.mux(video.encode(None))
    return path


def seen(path: Path, colours: str) -> np.ndarray:
    with read_frames(path, size=(32, 18), colours=colours) as frames:
        return next(iter(frames)).pixels.reshape(-1, 3).mean(axis=0) / 255


@pytest.mark.parametrize(
    ("size", "coded", "tagged"),
    [
        ((1280, 720), 1, 2),  # untagged, large: BT.709
        ((720, 576), 6, 2),  # untagged, small: BT.601
        ((1280, 720), 6, 6),  # tagged against its size
        ((720, 576), 1, 1),
    ],
)
def test_colours_are_those_that_players_show(tmp_path, size, coded, tagged):
    path = write_patch(tmp_path / "a.mp4", size, coded, tagged)
    assert seen(path, "shown") == pytest.approx(PATCH, abs=0.02)


def test_networks_see_untagged_pictures_as_libswscale_converts_them(tmp_path):
    path = write_patch(tmp_path / "a.mp4", (1280, 720), 6, 2)
    assert seen(path, "rgb") == pytest.approx(PATCH, abs=0.02)


@pytest.mark.parametrize("colours", ["rgb", "shown"])
def test_a_matrix_that_no_standard_defines_is_read_as_none(tmp_path, colours):
    path = write_patch(tmp_path / "a.mp4", (720, 576), 6, 3)
    assert seen(path, colours) == pytest.approx(PATCH, abs=0.02)
