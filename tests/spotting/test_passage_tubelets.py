"""COMEDIAN over a video: the published windows, table of scores and predictions."""

import json
from collections import Counter
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from touchline.labels import SOCCERNET_V2
from touchline.media.video import Frame, VideoInfo
from touchline.scores import Scores
from touchline.spotting.passages.tubelets import TubeletPassage
from touchline.spotting.peaks import Suppression, find_peaks, keep_linear
from touchline.spotting.picture_spotter import Spotter
from touchline.zoo.cards import CardLabels, ModelCard
from touchline.zoo.store import ModelFolder

GOLDEN = json.loads((Path(__file__).parents[1] / "golden" / "comedian.json").read_text())
CASE = GOLDEN["windows_predictions"]
PUBLISHED = TubeletPassage({"clip_len": 64, "keep_tail": False})


def curve_of(half: int) -> np.ndarray:
    """(seconds, 17) the raw scores of a half of the golden case."""
    windows = [
        (index, int(window["start"]))
        for index, window in enumerate(CASE["windows"])
        if window["half"] == half
    ]
    frames = round(2 * CASE["durations"][half - 1])
    assert [start for _, start in windows] == PUBLISHED.starts(frames)

    def probabilities(seed: int) -> np.ndarray:
        logits = np.float32(np.random.RandomState(seed).randn(1, 64, 17) * 2 - 4)
        return 1 / (1 + np.exp(-logits[0]))

    return PUBLISHED.merged([(start, probabilities(seed)) for seed, start in windows], frames)


def test_windows_are_merged_as_published():
    for half in (1, 2):
        curve = curve_of(half)
        np.testing.assert_allclose(curve.sum(axis=0), CASE["raw_column_sums"][half - 1], rtol=1e-5)
        scored = 2 * np.flatnonzero(curve.any(axis=1))
        assert [scored[0], scored[-1]] == CASE["first_last_nonzero_row"][half - 1]


def test_predictions_are_the_published_ones():
    found = []
    for half in (1, 2):
        scores = Scores.regular(curve_of(half), SOCCERNET_V2, Fraction(1))
        for event in find_peaks(scores, Suppression("linear", 5.0, 0.001)):
            found.append((half, round(1000 * event.seconds), event.label, event.confidence))
    assert len(found) == CASE["n_predictions"]
    assert Counter(label for _, _, label, _ in found) == CASE["per_class_count"]
    assert sum(row[3] for row in found) == pytest.approx(CASE["confidence_sum"], abs=1e-2)
    by_place = {row[:3]: row[3] for row in found}
    for row in (*CASE["first"], *CASE["last"]):
        place = (int(row["half"]), int(row["position"]), row["label"])
        assert by_place[place] == pytest.approx(row["confidence"], abs=1e-5)


@pytest.mark.parametrize("case", GOLDEN["nms"])
def test_suppression_is_the_published_one(case):
    values = np.float32(np.random.RandomState(case["seed"]).rand(case["n"]) ** 4)
    steps = np.flatnonzero(values >= case["threshold"])
    kept = keep_linear(steps, values[steps], case["window"] / 2)
    full = np.zeros(case["n"])
    full[steps] = np.where(kept >= case["threshold"], kept, 0)
    np.testing.assert_allclose(full, case["soft"], atol=1e-5)


class Numbers:
    """A network whose probability is the logistic of the first grey of a token."""

    def features(self, frames):
        assert frames.shape[-1] == 6
        return frames[:, 0, 0, :1].astype(np.float32)

    def head(self, features, valid):
        assert features.shape[:2] == valid.shape
        return features / 10


def numbered(count: int) -> list[np.ndarray]:
    return [np.full((4, 4, 3), index, np.uint8) for index in range(count)]


class Frames:
    """A source of so many frames, two a second."""

    truncated, strain = False, 0.0

    def __init__(self, count: int) -> None:
        self.end_seconds = count / 2
        self.info = VideoInfo(
            Path("a.mp4"), 4, 4, Fraction(25), self.end_seconds, False, "h264", rotation=0
        )
        self.frames = [Frame(i / 2, pixels) for i, pixels in enumerate(numbered(count))]

    def __iter__(self):
        return iter(self.frames)


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


def test_the_tail_of_a_video_is_scored_unless_it_is_asked_not_to():
    for frames in (128, 150, 201, 255):
        config = {"clip_len": 64}
        whole = TubeletPassage(config).curve(numbered(frames), Numbers(), lambda: None).values
        expected = sigmoid(np.arange(0, frames - 1, 2)[: frames // 2, None] / 10)
        np.testing.assert_allclose(whole, expected, rtol=1e-5)
        cut = TubeletPassage({**config, "keep_tail": False})
        values = cut.curve(numbered(frames), Numbers(), lambda: None).values
        assert not values[-12:].any() and values[:-13].all()


@pytest.mark.parametrize("as_published", [False, True])
def test_a_spotter_leaves_the_tail_out_only_as_published(tmp_path, as_published):
    card = ModelCard(
        name="comedian",
        system="comedian",
        config={"num_classes": 1, "clip_len": 64},
        labels=CardLabels(name="custom", labels=("a",)),
        rate="2",
        width=16,
        height=16,
        files={},
    )
    engine = Numbers()
    engine.clip_len, engine.remarks = 64, ()
    spotter = Spotter(ModelFolder(tmp_path, card), engine, as_published=as_published)
    values = spotter.score_frames(Frames(150)).scores.values
    assert values[:-13].all() and values[-12:].any() != as_published


@pytest.mark.parametrize("frames", [1, 2, 17, 127])
def test_a_short_video_is_scored_and_says_so(frames):
    curve = TubeletPassage({"clip_len": 64}).curve(numbered(frames), Numbers(), lambda: None)
    assert curve.values.shape == (max(1, frames // 2), 1)
    np.testing.assert_allclose(curve.values[-1], sigmoid(max(0, frames // 2 - 1) * 2 / 10))
    assert "128 frames" in curve.remarks[0]


def test_no_frame_has_no_score():
    assert not len(TubeletPassage({"clip_len": 64}).curve([], Numbers(), lambda: None).values)
