"""Windows cover every frame as published, and averaging them gives each frame back."""

import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from touchline.spotting.windows import WindowAverage, cut_windows, softmax, window_starts

GOLDEN = json.loads((Path(__file__).parents[1] / "golden" / "post_processing.json").read_text())


@pytest.mark.parametrize(
    ("case", "frames", "clip", "overlap", "stride"),
    [
        ("n=40,clip100,ov50", 40, 100, 50, 1),
        ("n=230,clip100,ov50", 230, 100, 50, 1),
        ("n=230,clip100,ov0", 230, 100, 0, 1),
        ("n=500,clip100,ov75,stride2", 500, 100, 75, 2),
    ],
)
def test_published_starts(case, frames, clip, overlap, stride):
    assert list(window_starts(frames, clip, overlap, stride=stride)) == GOLDEN["windows"][case]


sizes = st.tuples(st.integers(1, 400), st.integers(6, 60), st.floats(0, 0.9))


@given(sizes)
def test_a_stream_is_cut_as_the_rule_says(size):
    frames, clip, share = size
    overlap = int(clip * share)
    stream = [np.full(3, i + 1, np.int32) for i in range(frames)]
    windows = list(cut_windows(iter(stream), clip, overlap))
    assert [w.start for w in windows] == list(window_starts(frames, clip, overlap))
    for window in windows:
        index = window.start + np.arange(clip)
        exists = (index >= 0) & (index < frames)
        assert (window.valid == exists).all()
        assert (window.items[:, 0] == np.where(exists, index + 1, 0)).all()


@given(sizes)
def test_averaging_gives_back_what_every_window_agrees_on(size):
    frames, clip, share = size
    truth = np.random.default_rng(frames).random((frames, 4)).astype(np.float32)
    average = WindowAverage(4)
    for window in cut_windows(iter(truth), clip, int(clip * share)):
        average.add(window.start, window.items, window.valid)
    assert average.mean() == pytest.approx(truth, abs=1e-6)


def test_windows_that_disagree_are_averaged():
    average = WindowAverage(1)
    valid = np.ones(2, np.float32)
    average.add(0, np.array([[0.2], [0.4]], np.float32), valid)
    average.add(1, np.array([[0.8], [1.0]], np.float32), valid)
    assert average.mean()[:, 0] == pytest.approx([0.2, 0.6, 1.0])


def test_a_window_that_says_nothing_of_a_frame_does_not_count():
    average = WindowAverage(2)
    valid = np.ones(2, np.float32)
    average.add(0, np.array([[0.2, 0.4], [0.0, 0.0]], np.float32), valid)
    average.add(0, np.array([[0.0, 0.0], [0.0, 0.0]], np.float32), valid)
    assert average.mean() == pytest.approx(np.array([[0.2, 0.4], [0.0, 0.0]]))


def test_no_frames_make_no_windows():
    assert list(cut_windows(iter([]), 100, 50)) == []
    assert WindowAverage(3).mean().shape == (0, 3)


def test_softmax_stands_large_logits():
    probabilities = softmax(np.array([[1000.0, 0.0], [0.0, 0.0]], np.float32))
    assert probabilities == pytest.approx(np.array([[1.0, 0.0], [0.5, 0.5]]))
