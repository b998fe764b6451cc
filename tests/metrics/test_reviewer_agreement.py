"""Two annotators compared."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from touchline.metrics.agreement import kappa, pair_events

points = st.lists(st.tuples(st.floats(0, 30), st.sampled_from(["Goal", "Foul"])), max_size=8)


def test_the_nearest_of_one_class_are_pairs_before_all_others() -> None:
    found = pair_events(
        [(1.0, "Goal"), (1.9, "Goal"), (9.0, "Foul"), (20.0, "Foul")],
        [(2.0, "Goal"), (9.5, "Goal"), (30.0, "Foul")],
        2.0,
    )
    assert found.same == ((1, 0),)  # and not the earlier one
    assert found.confused == ((2, 1),)
    assert (found.first_only, found.second_only) == ((0, 3), (2,))
    assert found.f1 == pytest.approx(2 / 7)
    assert pair_events([], [], 2.0).f1 is None


@given(points, points)
def test_who_is_first_makes_no_difference_to_the_share(first: list, second: list) -> None:
    one, two = pair_events(first, second, 2.0), pair_events(second, first, 2.0)
    assert one.f1 == two.f1
    assert len(one.same) + len(one.confused) + len(one.first_only) == len(first)
    assert len({j for _, j in one.same + one.confused}) == len(one.same + one.confused)


def test_kappa_is_cohens() -> None:
    assert kappa(20, 5, 10, 15) == pytest.approx(0.4)  # Cohen's own kind of example
    assert kappa(5, 0, 0, 5) == 1
    assert kappa(5, 5, 5, 5) == pytest.approx(0)
    assert kappa(9, 0, 0, 0) is kappa(0, 0, 0, 0) is None
    assert np.sign(kappa(1, 4, 4, 1) or 0) == -1
