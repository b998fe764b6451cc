"""How often a frame is the middle of a clip, by hand."""

import numpy as np
import pytest

from touchline.datasets.centres import CentreRules, centre_weights
from touchline.datasets.targets import FrameLabels


def events(*pairs: tuple[int, int]) -> FrameLabels:
    table = np.array(pairs, np.int64).reshape(-1, 2)
    return FrameLabels(table[:, 0], table[:, 1])


RULES = CentreRules(near=1, cleared=3)
"""Of an event at frame 4: 3 to 5 are near it, 1, 2, 6 and 7 are cleared."""


def parts(weights: np.ndarray, of: int) -> list[int]:
    """The weights as whole parts of a sum."""
    counted = weights * of
    assert counted == pytest.approx(counted.round(), abs=1e-9)
    return counted.round().astype(int).tolist()


def test_near_an_event_each_frame_weighs_one_and_the_others_share_as_much():
    weights = centre_weights(events((4, 1)), 13, RULES)
    assert parts(weights, 60) == [3, 3, 3, 10, 10, 10, 3, 3, 3, 3, 3, 3, 3]


def test_the_published_windows_have_9_and_27_frames():
    found = np.ones(101)
    weights = centre_weights(events((50, 1)), 101, CentreRules(), found)
    near, hard, flat = weights[50], weights[0], weights[45]
    assert np.flatnonzero(weights == near).tolist() == list(range(46, 55))
    cleared = [*range(37, 46), *range(55, 64)]
    assert np.flatnonzero(weights == flat).tolist() == cleared
    assert weights.sum() == pytest.approx(1) and 9 * near == pytest.approx(0.5)
    assert hard == pytest.approx(flat * 92 / 9)  # 1 beside 9 / 92


def test_what_is_found_where_nothing_is_weighs_more_at_the_cost_of_the_rest():
    found = np.zeros(13)
    found[[4, 7, 10, 12]] = 0.9, 0.9, 0.9, 0.2  # an event, late, a mistake, less than flat: 0.3
    weights = centre_weights(events((4, 1)), 13, RULES, found)
    # Of the rest nine are 0.3 and one is 0.9, 3.6 in all, and have to be 3.
    assert parts(weights, 24) == [1, 1, 1, 4, 4, 4, 1, 1, 1, 1, 3, 1, 1]


def test_rare_classes_may_weigh_more_and_overlapping_events_as_the_heavier():
    rules = CentreRules(near=1, class_weights=(0.5, 2))
    weights = centre_weights(events((4, 2), (5, 1), (9, 1), (10, 2)), 14, rules)
    assert (weights[3:7] / weights[3]).tolist() == [1, 1, 1, 0.25]
    assert (weights[8:12] / weights[3]).tolist() == [0.25, 1, 1, 1]
    assert weights[[0, 1, 2, 7, 12, 13]].sum() == pytest.approx(0.5)


def test_the_part_near_events_can_be_another():
    weights = centre_weights(events((4, 1)), 13, CentreRules(near=1, share=0.25))
    assert weights[3:6].sum() == pytest.approx(0.25) and weights.sum() == pytest.approx(1)
    found = np.full(13, 0.7)
    only = centre_weights(events((4, 1)), 13, CentreRules(near=1, share=1), found)
    assert only[3:6].tolist() == pytest.approx([1 / 3] * 3) and only.sum() == pytest.approx(1)


def test_windows_end_with_the_video():
    weights = centre_weights(events((0, 1), (12, 1)), 13, RULES, np.ones(13))
    assert (weights[[0, 1, 11, 12]] == weights[0]).all() and weights[0] == pytest.approx(1 / 8)
    assert (weights[[2, 3, 9, 10]] == weights[2]).all() and weights[5] > weights[2]
    for frame, near in ((0, [0, 1]), (12, [11, 12])):
        only = centre_weights(events((frame, 1)), 13, RULES, np.ones(13))
        assert np.flatnonzero(np.isclose(only, 0.25)).tolist() == near
        assert np.isclose(only, only[6]).sum() == 9, "two are cleared, the rest is a mistake"


def test_everything_near_events_or_nothing_at_all():
    with np.errstate(all="raise"):
        assert centre_weights(events((1, 1)), 3, RULES, np.ones(3)).tolist() == [1 / 3] * 3
    found = np.zeros(4)
    found[2] = 1
    assert centre_weights(events(), 4, RULES, found).tolist() == [0.25] * 4
