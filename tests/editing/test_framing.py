"""Other shapes of picture: the window has the shape, and keeps what moves in it."""

from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from touchline.editing.framing import (
    ASPECTS,
    LEAST_SIDE,
    follow_play,
    frame_in,
    parse_aspect,
    window_size,
)
from touchline.editing.render import render_reel
from touchline.errors import InputError
from touchline.media.video import probe, read_frames
from touchline.media.writer import VideoWriter
from touchline.reel import Clip, Reel

SIZE = (256, 144)
RATE = Fraction(25)
FRAMES = 150


def player_at(index: int) -> int:
    """Column of the one that runs: in the middle of the first shot, then far on the right."""
    return 128 + index % 9 if index < 75 else 225 - (index - 75) // 3


@pytest.fixture(scope="module")
def panned(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Six seconds: a camera that follows somebody, and from 3 on one that stands still."""
    path = tmp_path_factory.mktemp("framing") / "panned.mp4"
    noise = np.random.default_rng(2).integers(60, 110, (144, 900), np.uint8)
    with VideoWriter(path, SIZE, RATE, crf=16) as writer:
        for index in range(FRAMES):
            shown = noise[:, index * 2 : index * 2 + 256] if index < 75 else 150 - noise[:, -256:]
            pixels = np.repeat(shown[..., None], 3, 2).copy()
            at = player_at(index)
            pixels[70:100, at - 6 : at + 6] = (250, 240, 20)
            writer.write(pixels)
    return path


def test_the_window_follows_what_moves(panned: Path) -> None:
    track = follow_play(panned, 0.0, 6.0)
    assert track.shots == (3.0,)
    assert abs(track.at(1.5) - 0.5) < 0.02, "the operator follows the play"
    assert track.at(4.5) > 0.75
    width, _ = window_size(*SIZE, Fraction(9, 16))
    for index in range(5, FRAMES, 5):
        away = abs(track.at(index / 25) * SIZE[0] - player_at(index))
        assert away < width / 2 - 6, (index, away)


@pytest.mark.parametrize("aspect", ASPECTS)
def test_a_reel_of_every_shape(panned: Path, tmp_path: Path, aspect: str) -> None:
    shape = parse_aspect(aspect)
    made = tmp_path / "reel.mp4"
    render_reel(Reel((Clip("panned", 1.0, 1.4),)), made, panned, snap=False, aspect=shape)
    info = probe(made)
    assert (info.width, info.height) == frame_in(*SIZE, shape).window
    assert abs(info.width / info.height - shape) < 0.04
    with read_frames(made) as frames:
        pictures = [frame.pixels for frame in frames]
    assert len(pictures) == 10
    yellow = [(p[..., 0] > 200) & (p[..., 2] < 120) for p in pictures]
    assert all(mask.sum() > 250 for mask in yellow), "whoever runs is in the picture"


@pytest.mark.parametrize(
    ("size", "aspect", "shown"),
    [
        ((640, 360), "9:16", (540, 960)),
        ((640, 360), "1:1", (540, 540)),
        ((640, 360), "16:9", (640, 360)),
        ((398, 224), "16:9", (398, 222)),
        ((1920, 1080), "9:16", (606, 1080)),
    ],
)
def test_a_part_of_a_small_picture_is_enlarged(
    size: tuple[int, int], aspect: str, shown: tuple[int, int]
) -> None:
    shape = parse_aspect(aspect)
    frame = frame_in(*size, shape)
    assert frame.window == shown
    assert frame.picture[0] >= shown[0] and frame.picture[1] >= shown[1]
    share = frame.window[1] / frame.picture[1]
    assert share == pytest.approx(window_size(*size, shape)[1] / size[1], abs=0.01)
    assert min(shown) >= LEAST_SIDE or aspect == "16:9"


@pytest.mark.parametrize("text", ["", "16x9", "0:1", "1:00", "9:16:1", "1:9", "-1:1", "16:9 "])
def test_what_is_no_aspect(text: str) -> None:
    with pytest.raises(InputError):
        parse_aspect(text)
