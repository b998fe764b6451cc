"""A reel file says where the window of a reshaped picture lies, and a person corrects it."""

import json
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from touchline.editing.hand_framing import FRAMING
from touchline.editing.render import render_reel
from touchline.errors import InputError
from touchline.formats import read, write
from touchline.media.video import read_frames
from touchline.media.writer import VideoWriter
from touchline.pipeline import cut_reel
from touchline.reel import Clip, Reel

SQUARE = Fraction(1)


@pytest.fixture(scope="module")
def stripes(tmp_path_factory) -> Path:
    """Three seconds of columns that are brighter the further right they are."""
    path = tmp_path_factory.mktemp("framing") / "match.mp4"
    row = np.linspace(20, 235, 1920).astype(np.uint8)
    with VideoWriter(path, (1920, 1080), 25, keyframe_seconds=1) as writer:
        for _ in range(40):
            writer.write(np.broadcast_to(row[None, :, None], (1080, 1920, 3)).copy())
    return path


def middles(path: Path) -> list[float]:
    """Where the middle of each picture lies in the whole one, 0 to 1."""
    with read_frames(path) as frames:
        return [(float(f.pixels[540, 530:550].mean()) - 20) / 215 for f in frames]


def test_a_reel_file_holds_the_window_and_a_person_moves_it(stripes, tmp_path):
    decisions = tmp_path / "match.reel.json"
    reel = Reel((Clip("match.mp4", 0.0, 1.5),))
    cut_reel(reel, decisions, stripes, aspect=SQUARE)
    document = json.loads(decisions.read_text())
    (point,) = document["clips"][0][FRAMING]
    assert point == {"time": 0.0, "centre": 0.5, "shot": True}
    document["clips"][0][FRAMING] = [
        {"time": 0.0, "centre": 0.3, "shot": True},
        {"time": 0.4, "centre": 0.5},
        {"time": 0.8, "centre": 0.7, "shot": True},
    ]
    decisions.write_text(json.dumps(document))
    moved = read(decisions)
    assert isinstance(moved, Reel)
    again = tmp_path / "again.reel.json"
    write(moved, again)
    assert read(again).clips[0].extra == moved.clips[0].extra
    out = tmp_path / "square.mp4"
    render_reel(moved, out, stripes, aspect=SQUARE, snap=False)
    found = middles(out)
    assert found[0] == pytest.approx(0.3, abs=0.02)
    assert found[5] == pytest.approx(0.4, abs=0.02)
    assert found[15] == pytest.approx(0.5, abs=0.02)
    assert found[21] == pytest.approx(0.7, abs=0.02)


@pytest.mark.parametrize(
    "framing",
    [
        [],
        "left",
        [{"time": 1}],
        [{"time": 1, "centre": 2}],
        [{"time": 1, "centre": 0.5}] * 2,
        [{"time": 1, "centre": 0.5, "shot": "yes"}],
    ],
)
def test_a_malformed_window_is_refused(stripes, tmp_path, framing):
    clip = replace(Clip("match.mp4", 0.0, 1.0), extra={FRAMING: framing})
    with pytest.raises(InputError, match=r"match.mp4, clip at 0.0 s: its framing .*centre"):
        render_reel(Reel((clip,)), tmp_path / "x.mp4", stripes, aspect=SQUARE, snap=False)
    assert list(tmp_path.iterdir()) == []
