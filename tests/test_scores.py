"""Scores: shapes that fit, finite values, times that go forward."""

from fractions import Fraction
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from touchline.errors import InputError, LabelError
from touchline.labels import LabelSet
from touchline.scores import Scores

TWO = LabelSet("two", ("Goal", "Foul"))


def scores(values, seconds, labels=TWO):
    return Scores(values, seconds, labels, Fraction(2))


@given(st.lists(st.floats(-100, 100, width=32), max_size=20))
def test_times_are_taken_where_each_is_later_than_the_one_before(times):
    values = np.zeros((len(times), 2), np.float32)
    if all(later > earlier for earlier, later in pairwise(times)):
        assert scores(values, times).seconds.tolist() == times
    else:
        with pytest.raises(InputError, match="the times of scores do not increase"):
            scores(values, times)


@pytest.mark.parametrize(
    "times", [[0, 0], [0, 1, 1, 2], [1, 0], [0, np.nan], [np.nan, 0, 1], [2, 3, 1]]
)
def test_times_that_stand_still_go_back_or_are_unknown_are_refused(times):
    with pytest.raises(InputError, match=r"^the times of scores do not increase$"):
        scores(np.zeros((len(times), 2)), times)


@pytest.mark.parametrize(
    ("shape", "steps"),
    [((3, 2), 2), ((2, 3), 2), ((2, 1), 2), ((4,), 2), ((2, 2, 1), 2), ((2, 2), 0), ((0, 1), 0)],
)
def test_values_that_do_not_fit_steps_and_labels_are_refused(shape, steps):
    with pytest.raises(InputError) as refused:
        scores(np.zeros(shape), np.arange(steps))
    assert str(refused.value) == (f"scores of shape {shape} do not fit {steps} steps and 2 labels")


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_every_value_is_a_finite_number(value):
    values = np.zeros((3, 2))
    values[1, 1] = value
    with pytest.raises(InputError, match=r"^scores hold values that are not finite numbers$"):
        scores(values, np.arange(3))


def test_numbers_of_any_kind_become_the_documented_ones():
    made = scores([[0, 1], [0.5, 0.25]], [0, 1])
    assert (made.values.dtype, made.seconds.dtype) == (np.float32, np.float64)
    assert made.values.tolist() == [[0, 1], [0.5, 0.25]]
    assert len(made) == 2


def test_a_half_of_no_steps_has_no_scores_and_is_no_error():
    made = scores(np.zeros((0, 2)), np.zeros(0))
    assert len(made) == 0
    assert made.of("Foul").shape == (0,)


@pytest.mark.parametrize("rate", [Fraction(2), Fraction(25, 12)])
def test_regular_steps_lie_at_their_number_by_the_rate(rate):
    made = Scores.regular(np.array([[0, 1], [0.5, 0.25], [1, 1]]), TWO, rate)
    assert made.seconds == pytest.approx([0, float(1 / rate), float(2 / rate)])
    assert made.values.tolist() == [[0, 1], [0.5, 0.25], [1, 1]]
    assert (made.labels, made.rate) == (TWO, rate)


def test_the_curve_of_a_class_is_its_column():
    made = scores([[0.1, 0.9], [0.2, 0.8]], [0, 0.5])
    assert made.of("Foul").tolist() == pytest.approx([0.9, 0.8])
    assert made.of("Goal").tolist() == pytest.approx([0.1, 0.2])
    with pytest.raises(LabelError, match="unknown label 'Corner'; two has: Goal, Foul"):
        made.of("Corner")
