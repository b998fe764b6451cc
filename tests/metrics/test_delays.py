"""Delays of a detector are measured class by class, from what lies near an annotation."""

import pytest

from touchline.errors import FormatError
from touchline.events import Event, Match, Timeline, Video
from touchline.metrics.delays import FEWEST_PAIRS, measure_delays


def game(shift, confidence=0.9, half=1):
    times = [100.0 * n for n in range(1, FEWEST_PAIRS + 1)]
    found = [Event(seconds + shift, "Goal", confidence) for seconds in times]
    return {"a": Match("a", (Timeline(Video("1"), tuple(found), half=half),))}


def test_the_median_is_the_delay():
    assert measure_delays(game(0), game(6.25))["Goal"].seconds == pytest.approx(6.2, abs=0.06)
    assert measure_delays(game(0), game(-4.0))["Goal"].seconds == -4.0


@pytest.mark.parametrize("found", [game(40), game(6, confidence=0.3), game(6, half=2)])
def test_what_is_far_or_faint_or_of_another_half_tells_nothing(found):
    assert measure_delays(game(0), found) == {}


def test_games_without_labels_are_refused():
    with pytest.raises(FormatError, match="no game"):
        measure_delays(game(0), {"b": Match("b", ())})
