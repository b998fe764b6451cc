"""Suppression gives what the published programs give, and never invents or loses the best peak."""

import json
import math
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from touchline.errors import ConfigError
from touchline.labels import SOCCERNET_V2, LabelSet
from touchline.scores import Scores
from touchline.spotting.peaks import SUPPRESSIONS, Suppression, find_peaks

GOLDEN = json.loads((Path(__file__).parents[1] / "golden" / "post_processing.json").read_text())
LABELS = LabelSet("two", ("A", "B"))

EVERY_STEP = sorted(set(SUPPRESSIONS) - {"distance"})
"""Suppressions whose candidates are all steps; the other one is held against SciPy elsewhere."""


def scores_of(events: list[tuple[str, int, float]], rate: Fraction = Fraction(1)) -> Scores:
    values = np.zeros((40, 2), np.float32)
    for label, frame, value in events:
        values[frame, LABELS.index(label)] = value
    return Scores(values, np.arange(40) / float(rate), LABELS, rate)


@pytest.mark.parametrize(
    ("kind", "window", "expected"),
    [
        ("maximum", 2, "e2e_window2"),
        ("maximum", 6, "e2e_window6"),
        ("greedy", 6, "tdeed_nms_window6_thr0.01"),
        ("soft", 12, "tdeed_snms_window12_thr0.01"),
    ],
)
def test_published_suppressions(kind, window, expected):
    peaks = find_peaks(scores_of(GOLDEN["nms"]["events"]), Suppression(kind, window))
    got = sorted((e.seconds, e.label, e.confidence) for e in peaks)
    want = sorted((float(frame), label, value) for label, frame, value in GOLDEN["nms"][expected])
    assert [g[:2] for g in got] == [w[:2] for w in want]
    assert [g[2] for g in got] == pytest.approx([w[2] for w in want], abs=1e-5)


@pytest.mark.parametrize(("kind", "power"), [("soft", 2), ("linear", 1)])
@pytest.mark.parametrize("window", [2.5, 7.5])
def test_a_softening_window_need_not_be_whole_steps(kind, power, window):
    last = int(window)
    pair = scores_of([("A", 10, 0.9), ("A", 10 + last, 0.8), ("A", 30, 0.7)])
    _, softened, far = find_peaks(pair, Suppression(kind, window))
    assert softened.confidence == pytest.approx(0.8 * (last / window) ** power)
    assert far.confidence == pytest.approx(0.7)


def test_a_suppressed_candidate_still_suppresses_only_in_the_maximum_filter():
    chain = scores_of([("A", 0, 0.9), ("A", 5, 0.8), ("A", 10, 0.7)])
    assert [e.seconds for e in find_peaks(chain, Suppression("maximum", 6))] == [0]
    assert [e.seconds for e in find_peaks(chain, Suppression("greedy", 6))] == [0, 10]


def test_equal_neighbours_both_stay_in_the_maximum_filter():
    pair = scores_of([("A", 3, 0.5), ("A", 4, 0.5)])
    assert len(find_peaks(pair, Suppression("maximum", 2))) == 2
    assert [e.seconds for e in find_peaks(pair, Suppression("greedy", 2))] == [3]


@pytest.mark.parametrize(("rate", "steps"), [(Fraction(25, 12), 2), (Fraction(25), 25)])
def test_one_second_is_the_published_window_at_both_published_rates(rate, steps):
    near = scores_of([("A", 0, 0.9), ("A", steps, 0.8)], rate)
    beyond = scores_of([("A", 0, 0.9), ("A", steps + 1, 0.8)], rate)
    assert len(find_peaks(near, Suppression("maximum", 1.0))) == 1
    assert len(find_peaks(beyond, Suppression("maximum", 1.0))) == 2


@given(
    values=st.lists(st.floats(0, 1, width=32), min_size=1, max_size=40),
    window=st.integers(0, 12),
    kind=st.sampled_from(EVERY_STEP),
)
def test_the_highest_candidate_always_stays_as_it_is(values, window, kind):
    scores = scores_of([("A", i, v) for i, v in enumerate(values)])
    peaks = find_peaks(scores, Suppression(kind, window))
    best = max(values)
    if best >= np.float32(0.01):
        assert max(e.confidence for e in peaks) == pytest.approx(best)
    else:
        assert peaks == ()


def suppress_one_by_one(kind: str, curve: dict[int, float], reach: float) -> dict[int, float]:
    """What a suppression leaves of candidates, written as its definition reads."""
    left, kept = dict(curve), {}
    if kind == "maximum":
        return {
            step: value
            for step, value in curve.items()
            if value >= max(v for s, v in curve.items() if abs(s - step) <= reach)
        }
    while left:
        step = max(left, key=lambda s: (left[s], -s))
        value = left.pop(step)
        if value > 0:
            kept[step] = value
        for other in list(left):
            distance = abs(other - step)
            if kind in ("soft", "linear") and distance <= reach:
                left[other] *= (distance / reach) ** {"soft": 2, "linear": 1}[kind]
            before = kind == "half-open" and -math.ceil(reach) <= other - step < int(reach)
            if before or (kind == "greedy" and distance <= reach):
                del left[other]
    return kept


@pytest.mark.parametrize("kind", EVERY_STEP)
@given(
    values=st.lists(st.sampled_from([0, 0.1, 0.2, 0.3, 0.5, 0.7, 0.9, 1]), max_size=30),
    reach=st.sampled_from([0, 1, 1.5, 2, 3, 3.5, 7, 100]),
)
def test_suppressions_are_what_they_are_defined_to_be(kind, values, reach):
    values = [np.float32(value) for value in values]
    scores = scores_of([("B", step, value) for step, value in enumerate(values)])
    peaks = find_peaks(scores, Suppression(kind, reach, floor=1e-6))
    curve = {step: float(value) for step, value in enumerate(values) if value > 0}
    expected = {
        step: value
        for step, value in suppress_one_by_one(kind, curve, reach).items()
        if value >= 1e-6
    }
    assert {e.seconds: e.confidence for e in peaks} == pytest.approx(expected, rel=1e-5)
    assert all((e.label, e.source) == ("B", "model") for e in peaks)


def test_events_come_in_order_of_time_and_of_classes_at_equal_times():
    scores = scores_of([("B", 2, 0.9), ("A", 2, 0.3), ("B", 0, 0.4), ("A", 9, 0.8)], Fraction(2))
    peaks = find_peaks(scores, Suppression("greedy", 0.0))
    assert [(e.seconds, e.label) for e in peaks] == [(0, "B"), (1, "A"), (1, "B"), (4.5, "A")]


def test_a_reach_that_rounding_missed_is_the_whole_number_that_was_meant():
    """0.1 s at 29.97 frames a second is less than three frames; 1.16 s at 25 are 29, though the
    product of floats is less."""
    assert 1.16 * 25 < 29
    for rate, seconds, reach in (
        (Fraction(30000, 1001), 0.1, 2),
        (Fraction(25), 0.12, 3),
        (Fraction(25), 1.16, 29),
    ):
        for apart in (reach, reach + 1):
            pair = scores_of([("A", 5, 0.9), ("A", 5 + apart, 0.8)], rate)
            assert len(find_peaks(pair, Suppression("greedy", seconds))) == 1 + (apart > reach)


def test_threshold_applies_after_suppression():
    scores = scores_of([("A", 0, 0.9), ("A", 2, 0.4), ("B", 9, 0.3)])
    assert [e.label for e in find_peaks(scores, Suppression("greedy", 3), 0.35)] == ["A"]


@pytest.mark.parametrize("confidence", [0.25, 0.5])
def test_what_reaches_threshold_and_floor_stays(confidence):
    scores = scores_of([("A", 0, confidence), ("A", 9, np.nextafter(np.float32(confidence), 0))])
    for peaks in (
        find_peaks(scores, Suppression("greedy", 1.0), confidence),
        find_peaks(scores, Suppression("greedy", 1.0, floor=confidence)),
        find_peaks(scores, Suppression("greedy", 1.0, floor=confidence), 0.1),
    ):
        assert [e.seconds for e in peaks] == [0]


def test_softened_peaks_below_the_floor_are_no_events():
    pair = scores_of([("A", 0, 0.9), ("A", 1, 0.4)])
    assert len(find_peaks(pair, Suppression("linear", 4.0, floor=0.1))) == 2
    assert len(find_peaks(pair, Suppression("linear", 4.0, floor=0.11))) == 1


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        (
            {"kind": "hard"},
            "unknown suppression 'hard'; use maximum, greedy, half-open, soft, linear, distance",
        ),
        ({"window_seconds": -0.1}, "a suppression window of -0.1 s; use 0 to 600 s"),
        ({"window_seconds": 600.1}, "a suppression window of 600.1 s; use 0 to 600 s"),
        ({"window_seconds": (1.0, -1.0)}, "a suppression window of -1.0 s; use 0 to 600 s"),
        ({"floor": 0.0}, "a floor of 0.0; use a number above 0, up to 1"),
        ({"floor": 1.01}, "a floor of 1.01; use a number above 0, up to 1"),
    ],
)
def test_a_wrong_suppression_is_refused(wrong, said):
    with pytest.raises(ConfigError) as refused:
        Suppression(**wrong)
    assert str(refused.value) == said


def test_the_ends_of_what_is_allowed_are_allowed():
    assert Suppression("soft", (0.0, 600.0), floor=1.0).windows_of(2) == (0.0, 600.0)
    assert Suppression("soft", 3.0).windows_of(3) == (3.0, 3.0, 3.0)


def test_windows_may_differ_between_classes():
    scores = scores_of([("A", 0, 0.9), ("A", 4, 0.8), ("B", 0, 0.9), ("B", 4, 0.8)])
    peaks = find_peaks(scores, Suppression("greedy", (3.0, 5.0)))
    assert sorted((e.label, e.seconds) for e in peaks) == [("A", 0), ("A", 4), ("B", 0)]
    with pytest.raises(ConfigError) as refused:
        find_peaks(scores, Suppression("greedy", (1.0, 1.0, 1.0)))
    assert str(refused.value) == (
        "3 suppression windows for 2 classes; give one for all, or one for each"
    )


def test_the_floor_decides_what_is_an_event_at_all():
    faint = scores_of([("A", 0, 0.005)])
    assert find_peaks(faint, Suppression("linear", 1.0)) == ()
    assert len(find_peaks(faint, Suppression("linear", 1.0, floor=1e-5))) == 1


def events_of(peaks, rate: int) -> dict[tuple[str, int], float]:
    return {(e.label, round(e.seconds * rate)): e.confidence for e in peaks}


def published_scores(values: np.ndarray) -> Scores:
    seconds = np.arange(len(values)) / 2
    return Scores(values.astype(np.float32), seconds, SOCCERNET_V2, Fraction(2))


def test_suppressions_of_dense_anchors(shared):
    with np.load(shared / "data" / "parity" / "spivak_postprocess.npz") as fixture:
        scores = published_scores(fixture["detection_scores"])
        expected = {key: fixture[key] for key in ("soft_nms", "hard_nms_3s", "hard_nms_20s")}
    for key, rule in (
        ("soft_nms", Suppression("linear", 4.0, floor=1e-5)),
        ("hard_nms_3s", Suppression("greedy", 1.5, floor=1e-5)),
        ("hard_nms_20s", Suppression("greedy", 10.0, floor=1e-5)),
    ):
        found = np.zeros_like(expected[key])
        for (label, step), value in events_of(find_peaks(scores, rule), 2).items():
            found[step, SOCCERNET_V2.index(label)] = value
        np.testing.assert_allclose(found, np.maximum(expected[key], 0), atol=1e-5)


@pytest.mark.parametrize("name", ["aligned", "misaligned"])
def test_suppression_of_the_benchmarks_on_features(shared, name):
    with np.load(shared / f"data/parity/calf_17_half_{name}_last_chunk.npz") as fixture:
        scores = published_scores(np.maximum(fixture["timestamps_long"], 0))
        frames, classes = fixture["nms_frames"].tolist(), fixture["nms_classes"].tolist()
        labels = [SOCCERNET_V2.labels[number] for number in classes]
        expected = dict(zip(zip(labels, frames, strict=True), fixture["nms_scores"], strict=True))
    assert events_of(find_peaks(scores, Suppression("half-open", 10.0, floor=1e-6)), 2) == expected


@given(
    values=st.lists(st.sampled_from([0, 0.1, 0.3, 0.5, 0.9]), min_size=1, max_size=40),
    width=st.integers(2, 12),
)
def test_a_half_open_window_spares_its_last_step(values, width):
    """As the benchmarks write it, with the whole window's ``width`` in steps."""
    left, expected = np.array(values, np.float32), []
    while left.max() > 0:
        step = int(left.argmax())
        expected.append(step)
        left[max(0, int(step - width / 2)) : step + int(width / 2)] = -1
    scores = scores_of([("A", i, v) for i, v in enumerate(values)])
    peaks = find_peaks(scores, Suppression("half-open", width / 2))
    assert [e.seconds for e in peaks] == sorted(expected)


def test_suppression_of_astra(shared):
    with np.load(shared / "data" / "parity" / "astra_losses_postprocess.npz") as fixture:
        scores = published_scores(np.maximum(fixture["snms_input"], 0))
        windows = tuple(float(seconds) / 2 for seconds in fixture["snms_window_seconds"])
        labels = [SOCCERNET_V2.labels[c] for c in fixture["snms_classes"]]
        keys = zip(labels, fixture["snms_frames"].tolist(), strict=True)
        expected = dict(zip(keys, fixture["snms_scores"].tolist(), strict=True))
    found = events_of(find_peaks(scores, Suppression("soft", windows)), 2)
    assert found.keys() == expected.keys()
    assert [found[key] for key in expected] == pytest.approx(list(expected.values()), abs=1e-5)
