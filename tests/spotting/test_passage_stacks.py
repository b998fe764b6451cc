"""Multi-frame stacking over a video: the published frames get the published scores and peaks."""

import json
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from extras import needs

from touchline.labels import LabelSet
from touchline.scores import Scores
from touchline.spotting.passages.stacks import StackPassage, margins, pad_picture, smooth
from touchline.spotting.peaks import Suppression, find_peaks, local_maxima

GOLDEN = json.loads((Path(__file__).parents[1] / "golden" / "frame_stacking.json").read_text())


class Echo:
    """A network whose probability is the logistic of the mean grey of a clip's frames.

    Keeps which frames its clips were made of.
    """

    def __init__(self) -> None:
        self.clips: list[list[int]] = []

    def features(self, frames):
        return frames[:, 0, 0].astype(np.float32)

    def head(self, features, valid):
        self.clips += features.reshape(len(features), -1).astype(int).tolist()
        return features.mean(axis=(1, 2), keepdims=True)


def numbered(count: int) -> list[np.ndarray]:
    return [np.full((32, 32, 1), index, np.uint8) for index in range(count)]


@pytest.mark.parametrize("frames", [15, 33])
def test_a_clip_takes_every_second_frame_around_its_middle(frames):
    echo = Echo()
    passage = StackPassage({"clip_len": frames // 3, "flip_average": False})
    scored = list(passage.probabilities(numbered(120), echo))
    first = passage.reach + 1
    assert first == GOLDEN["indexes"]["clip_0_of_1000"][frames == 33]
    assert first + len(scored) - 1 == 120 - (
        1000 - GOLDEN["indexes"]["clip_1000_of_1000"][frames == 33]
    )
    around = [index - 100 + first for index in GOLDEN["indexes"][str(frames)]]
    assert echo.clips[1] == around


@pytest.mark.slow
def test_a_stream_of_frames_has_the_published_probabilities():
    needs("torch")
    needs("timm")
    from golden_weights import block_pictures, fill_by_rule

    from touchline.models.frame_stacking import FrameStacking, FrameStackingConfig
    from touchline.spotting.scorers.passages import NetworkInMemory

    network = FrameStacking(FrameStackingConfig(2))
    fill_by_rule(network, convolution_gain=2.6)
    case = GOLDEN["stream"]
    frames = block_pictures(10, case["frames"], 60, 90)[..., None]
    import torch

    with torch.inference_mode():
        passage = StackPassage({"clip_len": 5})
        found = np.stack([*passage.probabilities(frames, NetworkInMemory(network))])
    np.testing.assert_allclose(found, case["probabilities"], atol=1e-5)
    assert (passage.reach + 1, passage.reach + len(found)) == tuple(case["clip_index"])


def test_the_ends_have_the_nearest_score_and_every_frame_has_one():
    passage = StackPassage({"clip_len": 1, "frame_step": 1})
    curve = passage.curve(numbered(40), Echo(), lambda: None)
    assert curve.values.shape == (40, 1) and not curve.remarks
    assert (curve.values[:3] == curve.values[2]).all() and (
        curve.values[37:] == curve.values[37]
    ).all()


@pytest.mark.parametrize("count", [1, 2, 30])
def test_a_video_that_is_too_short_is_scored_and_says_so(count):
    curve = StackPassage({"clip_len": 5}).curve(numbered(count), Echo(), lambda: None)
    assert curve.values.shape == (count, 1)
    assert "31 frames" in curve.remarks[0]


def test_no_frame_has_no_score():
    assert not len(StackPassage({"clip_len": 5}).curve([], Echo(), lambda: None).values)


def test_pictures_are_padded_with_the_odd_rest_to_the_right_and_below():
    assert margins(720, 1280) == (0, 0, 8, 8)
    assert margins(61, 91) == (2, 3, 1, 2)
    padded = pad_picture(np.ones((61, 91, 1), np.uint8))
    assert padded.shape == (64, 96, 1) and padded.sum() == 61 * 91 and padded[1, 2, 0] == 1


@pytest.mark.parametrize("case", GOLDEN["peaks"])
def test_curves_are_smoothed_and_picked_as_published(case):
    r = np.random.RandomState(case["seed"])
    n = case["n"]
    curve = 0.02 * r.rand(n)
    for peak in sorted(r.randint(0, n, 12)):
        for at in range(max(0, peak - 7), min(n, peak + 8)):
            curve[at] = max(curve[at], (0.3, 0.5, 0.7, 0.9, 1.0)[peak % 5])
    smoothed = smooth(curve[:, None])
    np.testing.assert_allclose(smoothed[:10, 0], case["smoothed_first10"], atol=1e-5)
    first = case["first_index"]
    values = np.pad(smoothed, ((first, first), (0, 0)), mode="edge")
    scores = Scores.regular(values, LabelSet("one", ("x",)), Fraction(25))
    events = find_peaks(scores, Suppression("distance", 0.6, 0.2))
    assert [round(1000 * event.seconds) for event in events] == case["position_ms"]
    np.testing.assert_allclose([e.confidence for e in events], case["confidences"], atol=1e-5)


def test_local_maxima_are_those_of_find_peaks():
    signal = pytest.importorskip("scipy.signal")
    rng = np.random.default_rng(0)
    for _ in range(200):
        curve = rng.integers(0, 5, int(rng.integers(1, 60))).astype(np.float32)
        assert local_maxima(curve).tolist() == signal.find_peaks(curve)[0].tolist()
        heights = rng.permutation(100)[:60].astype(np.float32) / 100
        scores = Scores.regular(heights[:, None], LabelSet("one", ("x",)), Fraction(1))
        events = find_peaks(scores, Suppression("distance", 7.0, 0.2))
        found = signal.find_peaks(heights, height=np.float32(0.2), distance=7)[0]
        assert [int(event.seconds) for event in events] == found.tolist()
