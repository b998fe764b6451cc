"""Statistics of detections: what each number says, worked out by hand."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from touchline.features.detection_statistics import NAMES, DetectionStatistics
from touchline.features.detector import (
    BALL,
    NO_DETECTIONS,
    PERSON,
    REFEREE,
    Detections,
    filter_detections,
)


def seen(*people, ball=None, confidence=1.0) -> Detections:
    """People as x1, y1, x2, y2; a ball as these and its confidence."""
    corners = [*people, *([] if ball is None else [ball[:4]])]
    return Detections(
        np.array(corners, np.float32).reshape(-1, 4),
        np.array([PERSON] * len(people) + [BALL] * (ball is not None), np.int64),
        np.array([confidence] * len(people) + ([] if ball is None else [ball[4]]), np.float32),
    )


def told(*found: Detections) -> dict[str, np.ndarray]:
    rows = DetectionStatistics()(found)
    assert rows.shape == (len(found), 46) and rows.dtype == np.float32
    assert np.isfinite(rows).all()
    return dict(zip(NAMES, rows.T, strict=True))


def test_there_are_46_of_them_in_the_order_of_the_specification():
    assert len(NAMES) == len(set(NAMES)) == 46
    starts = ("people", "lowest height", "mean x", "area covered", "feet in row 0 column 0")
    assert [NAMES.index(name) for name in starts] == [0, 4, 10, 14, 18]
    ends = ("ball confidence", "ball motion x", "distance of ball to nearest foot", "close-up")
    assert [NAMES.index(name) for name in ends] == [34, 39, 42, 43]


def test_two_people_by_hand():
    found = told(seen((0.1, 0.2, 0.2, 0.6), (0.15, 0.4, 0.25, 1.0), confidence=0.8))
    expected = {
        "people": 2 / 22,
        "balls": 0,
        "highest confidence": 0.8,
        "mean confidence": 0.8,
        "lowest height": 0.4,
        "10th percentile of heights": 0.42,
        "median height": 0.5,
        "90th percentile of heights": 0.58,
        "greatest height": 0.6,
        "spread of heights": 0.1,
        "mean x": 0.175,
        "spread of x": 0.025,
        "mean foot y": 0.8,
        "spread of foot y": 0.2,
        "area covered": 0.04 + 0.06 - 0.01,
        "largest area": 0.06,
        "mean overlap": 0.01 / 0.09,
        "mean distance of the nearest": np.hypot(0.05, 0.4) / 0.5,
        "feet in row 2 column 0": 0.5,
        "feet in row 3 column 0": 0.5,
        "close-up": 0,
        "wide shot": 0,
        "people cut by the border": 1 / 22,
        "time without ball": 1,
    }
    for name, values in found.items():
        assert values[0] == pytest.approx(expected.get(name, 0), abs=1e-6), name


def test_nobody_and_nothing():
    found = told(NO_DETECTIONS, NO_DETECTIONS)
    for name, values in found.items():
        assert (values == (name == "time without ball")).all(), name


def test_a_single_person_has_no_neighbour():
    found = told(seen((0.0, 0.3, 0.5, 0.95)))
    assert found["mean overlap"] == found["mean distance of the nearest"] == 0
    assert found["spread of x"] == found["spread of heights"] == 0
    assert found["close-up"] == 1 and found["people cut by the border"] == pytest.approx(1 / 22)


def test_wide_shots_have_many_small_people():
    small = [(0.1 * i, 0.5, 0.1 * i + 0.03, 0.62) for i in range(1, 9)]
    assert told(seen(*small))["wide shot"] == 1
    assert told(seen(*small[:7]))["wide shot"] == 0
    taller = [(x1, 0.45, x2, y2) for x1, _, x2, y2 in small]
    assert told(seen(*taller))["wide shot"] == 0


def test_referees_count_as_people_and_only_the_surest_ball_is_followed():
    corners = np.array([(0.1, 0.1, 0.2, 0.4), (0.5, 0.5, 0.52, 0.54), (0.7, 0.7, 0.8, 0.8)])
    kinds = np.array([REFEREE, BALL, BALL])
    confidence = np.array([0.6, 0.3, 0.4], np.float32)
    found = told(Detections(corners.astype(np.float32), kinds, confidence))
    assert found["people"] == pytest.approx(1 / 22) and found["balls"] == 2
    assert found["ball confidence"] == pytest.approx(0.4) and found["ball visible"] == 1
    assert (found["ball x"], found["ball y"]) == (pytest.approx(0.75), pytest.approx(0.75))
    assert found["ball size"] == pytest.approx(0.1)


def ball(x: float, y: float) -> tuple[float, ...]:
    return x - 0.01, y - 0.02, x + 0.01, y + 0.02, 0.5


def test_the_ball_is_followed_over_gaps():
    found = told(
        seen(),
        seen(ball=ball(0.2, 0.5)),
        seen(ball=ball(0.3, 0.4)),
        *[seen()] * 11,
        seen(ball=ball(0.7, 0.6)),
    )
    np.testing.assert_allclose(found["ball motion x"][[1, 2, 3, 14]], [0, 0.1, 0, 0.4], atol=1e-6)
    np.testing.assert_allclose(found["ball motion y"][[1, 2, 3, 14]], [0, -0.1, 0, 0.2], atol=1e-6)
    waited = [1, 0, 0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1, 1, 0]
    np.testing.assert_allclose(found["time without ball"], waited, atol=1e-6)
    assert found["ball size"][1] == pytest.approx(np.sqrt(0.02 * 0.04), abs=1e-6)


def test_the_distance_of_the_ball_is_in_heights_and_has_an_end():
    people = (0.4, 0.4, 0.5, 0.6), (0.9, 0.7, 1.0, 0.9)
    found = told(
        seen(*people, ball=ball(0.45, 0.7)),
        seen((0.1, 0.1, 0.102, 0.102), ball=ball(0.9, 0.9)),
        seen(ball=ball(0.5, 0.5)),
        seen(*people),
    )
    to_foot = found["distance of ball to nearest foot"]
    np.testing.assert_allclose(to_foot, [0.1 / 0.2 / 10, 1, 0, 0], atol=1e-6)


@st.composite
def halves(draw) -> list[Detections]:
    found = []
    for _ in range(draw(st.integers(1, 12))):
        count = draw(st.integers(0, 6))
        shares = st.floats(-0.5, 1.5, width=32) | st.just(float("nan"))
        corners = draw(arrays.arrays(np.float32, (count, 4), elements=shares))
        kinds = draw(arrays.arrays(np.int64, count, elements=st.integers(0, 2)))
        confidence = draw(arrays.arrays(np.float32, count, elements=st.floats(0, 1, width=32)))
        found.append(filter_detections(Detections(corners, kinds, confidence)))
    return found


@settings(max_examples=40)
@given(halves(), st.integers(0, 12))
def test_rows_are_finite_and_do_not_depend_on_how_many_are_made_together(found, cut):
    together = DetectionStatistics()(found)
    assert np.isfinite(together).all() and together.min() >= -1
    parted = DetectionStatistics()
    parts = [parted(found[:cut]), parted(found[cut:])]
    np.testing.assert_allclose(np.concatenate(parts), together, atol=1e-6)


def test_only_sure_boxes_inside_the_picture_are_believed_and_each_once():
    corners = [
        (0.1, 0.1, 0.2, 0.4),
        (0.11, 0.1, 0.21, 0.4),  # the same again, by a class that is less sure
        (0.6, 0.1, 0.7, 0.4),  # not sure enough
        (0.9, -0.2, 1.3, 0.5),  # reaches out
        (1.2, 0.2, 1.4, 0.5),  # outside
        (0.5, 0.5, 0.5, 0.6),  # of no width
        (0.5, 0.5, 0.52, 0.54),
        (0.8, 0.8, 0.82, 0.84),  # not sure enough for a ball
    ]
    kinds = [PERSON, REFEREE, PERSON, PERSON, PERSON, PERSON, BALL, BALL]
    confidence = [0.9, 0.8, 0.3, 0.5, 0.9, 0.9, 0.2, 0.15]
    found = filter_detections(
        Detections(np.array(corners, np.float32), np.array(kinds), np.array(confidence, np.float32))
    )
    np.testing.assert_allclose(
        found.corners,
        [(0.1, 0.1, 0.2, 0.4), (0.9, 0, 1, 0.5), (0.5, 0.5, 0.52, 0.54)],
        atol=1e-7,
    )
    assert found.kinds.tolist() == [PERSON, PERSON, BALL]
