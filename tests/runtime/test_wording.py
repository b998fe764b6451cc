"""Numbers as people read them."""

from fractions import Fraction

import pytest

from touchline.runtime.wording import counted, counted_rate, rate_text


@pytest.mark.parametrize(
    ("number", "text"), [(0, "0 events"), (1, "1 event"), (2, "2 events"), (11, "11 events")]
)
def test_one_thing_and_several(number, text):
    assert counted(number, "event") == text


def test_an_irregular_plural():
    assert [counted(n, "class", "classes") for n in (1, 2)] == ["1 class", "2 classes"]


@pytest.mark.parametrize(
    ("rate", "text"),
    [
        (Fraction(2), "2"),
        (Fraction(30000, 1001), "29.97"),
        (Fraction(25, 12), "2.083"),
        (Fraction(1), "1"),
        (Fraction(1000), "1000"),
    ],
)
def test_rates_are_no_fractions(rate, text):
    assert rate_text(rate) == text
    assert counted_rate(rate, "row") == f"{text} row{'' if rate == 1 else 's'} a second"
