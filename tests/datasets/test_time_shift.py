"""Time shifts: the published encoding, clip by clip, and contexts for labels of one's own."""

from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from touchline.datasets.features import LabelledHalf, LabelledSteps
from touchline.datasets.time_shift import (
    PUBLISHED_CONTEXT,
    TimeShifts,
    context_of,
    quiet_runs,
)
from touchline.labels import SOCCERNET_V1, SOCCERNET_V2, LabelSet

FIXTURES = ("calf_time_shift_encoding", "calf_time_shift_encoding_sparse")


def labelled(steps: list[int], classes: list[int]) -> LabelledSteps:
    return LabelledSteps(
        np.array(steps, np.int64), np.array(classes, np.int64), np.ones(len(steps), bool)
    )


def half_of(*steps: int, index: int = 0) -> LabelledHalf:
    return LabelledHalf("half", {}, labelled(list(steps), [index] * len(steps)))


def known(shared: Path, name: str) -> tuple[dict[str, np.ndarray], LabelledSteps]:
    with np.load(shared / "data" / "parity" / f"{name}.npz") as arrays:
        values = {key: arrays[key] for key in arrays}
    return values, labelled(values["event_frames"].tolist(), values["event_classes"].tolist())


@pytest.mark.parametrize("name", FIXTURES)
def test_is_the_published_encoding(shared: Path, name: str) -> None:
    values, events = known(shared, name)
    context = context_of(SOCCERNET_V2, [], Fraction(2), 240)
    np.testing.assert_array_equal(context, values["K_frames"])
    steps = int(values["num_frames"])
    shifts = TimeShifts(events, context, steps).between(0, steps)
    np.testing.assert_array_equal(shifts, values["time_shift"])
    runs = quiet_runs(shifts, context, 240)
    np.testing.assert_array_equal(runs, values["negative_intervals"].reshape(-1, 2))


@pytest.mark.parametrize("name", FIXTURES)
@pytest.mark.parametrize("first", [0, 37, 1000, 2760])
def test_a_clip_is_a_part_of_its_half(shared: Path, name: str, first: int) -> None:
    values, events = known(shared, name)
    shifts = TimeShifts(events, values["K_frames"], int(values["num_frames"])).between(
        first, first + 240
    )
    np.testing.assert_array_equal(shifts, values["time_shift"][first : first + 240])


def test_two_labels_of_one_class_on_one_step_are_one_event() -> None:
    context = context_of(LabelSet("own", ("Goal",)), [], Fraction(2), 240)
    once, twice = labelled([50], [0]), labelled([50, 50], [0, 0])
    np.testing.assert_array_equal(
        TimeShifts(once, context, 300).between(0, 300),
        TimeShifts(twice, context, 300).between(0, 300),
    )


@pytest.mark.parametrize("labels", [SOCCERNET_V1, SOCCERNET_V2])
def test_published_labels_have_their_published_context(labels: LabelSet) -> None:
    context = context_of(labels, [half_of(10, 20)], Fraction(2), 240)
    expected = np.array([PUBLISHED_CONTEXT[label] for label in labels]).T * 2
    np.testing.assert_array_equal(context, expected)


def test_labels_of_ones_own_reach_half_way_to_the_next_event() -> None:
    halves = [half_of(0, 40, 80, 120), half_of(7)]
    context = context_of(LabelSet("own", ("dive", "never")), halves, Fraction(2), 240)
    np.testing.assert_array_equal(context[:, 0], (-20, -10, 10, 20))
    np.testing.assert_array_equal(context[:, 1], (-200, -100, 100, 200))


def test_data_may_replace_what_is_published() -> None:
    labels = LabelSet("own", ("Goal",))
    halves = [half_of(0, 40, 80)]
    derived = context_of(labels, halves, Fraction(2), 240, published=False)
    np.testing.assert_array_equal(derived[:, 0], (-20, -10, 10, 20))


@pytest.mark.parametrize("rate", [Fraction(1, 10), Fraction(1), Fraction(2), Fraction(25)])
@pytest.mark.parametrize("gap", [1, 2, 3, 1000])
def test_every_zone_is_a_step_wide_at_least(rate: Fraction, gap: int) -> None:
    labels = LabelSet("own", ("dive", *SOCCERNET_V2))
    context = context_of(labels, [half_of(0, gap, 2 * gap)], rate, 240)
    assert (context[1] <= -1).all() and (context[2] >= 1).all()
    assert (context[1] - context[0] >= 1).all() and (context[3] - context[2] >= 1).all()


def test_quiet_runs_are_long_enough() -> None:
    context = np.array([[-4], [-2], [2], [4]], np.float32)
    shifts = np.array([9] * 5 + [0] + [-9] * 7 + [3] + [9] * 4, np.float32)[:, None]
    assert quiet_runs(shifts, context, 5).tolist() == [[0, 5], [6, 13]]
    assert quiet_runs(shifts, context, 1).tolist() == [[0, 5], [6, 13], [14, 18]]


@settings(max_examples=60, deadline=None)
@given(
    events=st.lists(st.tuples(st.integers(0, 299), st.integers(0, 1)), max_size=12),
    reach=st.tuples(*[st.integers(1, 90) for _ in range(4)]),
)
def test_a_step_belongs_to_the_neighbour_that_it_is_relatively_nearer_to(
    events: list[tuple[int, int]], reach: tuple[int, int, int, int]
) -> None:
    """The rule, step by step, for classes with two events or more."""
    k2, k3 = -reach[1], reach[2]
    k1, k4 = k2 - reach[0], k3 + reach[3]
    context = np.tile(np.array([[k1], [k2], [k3], [k4]], np.float32), 2)
    steps, classes = zip(*sorted(events), strict=True) if events else ((), ())
    shifts = TimeShifts(labelled(list(steps), list(classes)), context, 300).between(0, 300)
    for index in range(2):
        places = sorted({step for step, own in events if own == index})
        if len(places) < 2:
            expected = [float(at - places[0]) if places else float(k1) for at in range(300)]
        else:
            bounded = [-k4, *places, 300 - k1]
            expected = []
            for at in range(300):
                behind = max(place for place in bounded if place <= at)
                ahead = min(place for place in bounded if place > at)
                since, until = at - behind, at - ahead
                nearer = Fraction(since - k3, k4 - k3) < Fraction(k2 - until, k2 - k1)
                own = since < k3 or (since < k4 and (until <= k1 or nearer))
                expected.append(since if own else until)
        np.testing.assert_array_equal(shifts[:, index], expected)
