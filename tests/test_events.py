"""Events, timelines and matches: what they refuse, and the order that they keep."""

import math
import sys
from dataclasses import FrozenInstanceError, fields, replace

import numpy as np
import pytest
from extras import needs
from hypothesis import given
from hypothesis import strategies as st

from touchline.errors import FormatError, MissingExtraError
from touchline.events import Event, Match, Producer, Timeline, Video
from touchline.labels import SOCCERNET_V2, LabelSet
from touchline.scores import Scores

ELEVEN_DAYS = 1_000_000.0
EVENTS = st.lists(
    st.builds(
        Event,
        st.sampled_from([-1.5, 0.0, 2.0, 2.0, 3.25, 90.0]),
        st.sampled_from(["Goal", "Foul"]),
        st.floats(0, 1),
    ),
    max_size=12,
)


@pytest.mark.parametrize("seconds", [0.0, -3.0, ELEVEN_DAYS, -ELEVEN_DAYS])
def test_times_up_to_a_million_seconds_either_way_are_taken(seconds):
    assert Event(seconds, "Goal").seconds == seconds


@pytest.mark.parametrize(
    "seconds",
    [
        math.nextafter(ELEVEN_DAYS, math.inf),
        -math.nextafter(ELEVEN_DAYS, math.inf),
        math.nan,
        math.inf,
        -math.inf,
    ],
)
def test_other_times_are_refused(seconds):
    with pytest.raises(FormatError) as refused:
        Event(seconds, "Goal")
    assert str(refused.value) == (
        f"event 'Goal' has time {seconds}; times are seconds within ±1e+06"
    )


@pytest.mark.parametrize("confidence", [math.nan, math.inf, -math.inf])
def test_a_confidence_is_a_finite_number(confidence):
    with pytest.raises(FormatError) as refused:
        Event(1.0, "Goal", confidence)
    assert str(refused.value) == (
        f"event 'Goal' has confidence {confidence}; confidences are finite numbers"
    )


SECONDS_FROM_ZERO = {
    "clock_seconds": ("match clock", "the clock is in seconds from 0: 3790 at 63:10"),
    "uncertainty_seconds": ("uncertainty", "the uncertainty is in seconds, 0 or more"),
}


@pytest.mark.parametrize("name", SECONDS_FROM_ZERO)
@pytest.mark.parametrize("seconds", [0.0, 0.5, 3790.0, ELEVEN_DAYS])
def test_match_clock_and_uncertainty_are_zero_or_more(name, seconds):
    assert getattr(Event(1.0, "Goal", **{name: seconds}), name) == seconds


@pytest.mark.parametrize("name", SECONDS_FROM_ZERO)
@pytest.mark.parametrize(
    "seconds", [-0.001, math.nextafter(ELEVEN_DAYS, math.inf), math.nan, math.inf]
)
def test_other_match_clocks_and_uncertainties_are_refused(name, seconds):
    what, remedy = SECONDS_FROM_ZERO[name]
    with pytest.raises(FormatError) as refused:
        Event(1.0, "Goal", **{name: seconds})
    assert str(refused.value) == f"event 'Goal' has {what} {seconds}; {remedy}"


@pytest.mark.parametrize("score", [(0, 0), (1, 0), (0, 999)])
def test_a_score_is_two_numbers_of_goals(score):
    assert Event(1.0, "Goal", score=score).score == score


@pytest.mark.parametrize(
    "score", [(), (1,), (1, 0, 0), [1, 0], "10", (-1, 0), (0, 1000), (1.0, 0), (True, 0), (None, 0)]
)
def test_other_scores_are_refused(score):
    with pytest.raises(FormatError) as refused:
        Event(1.0, "Goal", score=score)
    assert str(refused.value) == (
        f"event 'Goal' has score {score!r}; the score is the goals of home and away, such as (1, 0)"
    )


@pytest.mark.parametrize("confidence", [-2.5, 0.0, 7.0])
def test_scores_outside_zero_to_one_are_kept(confidence):
    assert Event(1.0, "Goal", confidence).confidence == confidence


def test_an_event_is_a_fact_unless_something_else_is_said():
    event = Event(1.0, "Goal")
    assert event.confidence == 1
    said = [f.name for f in fields(Event) if getattr(event, f.name) is not None]
    assert said == ["seconds", "label", "confidence", "extra"]
    assert event.extra == {}


def test_values_cannot_be_changed_and_can_be_members_of_sets():
    event = Event(1.0, "Goal", extra={"list": [1]})
    timeline = Timeline(Video("a"), (event,), extra={"list": [1]})
    match = Match("game", (timeline,), extra={"list": [1]})
    for value in (event, timeline, match):
        assert value in {value, replace(value)}
        with pytest.raises(FrozenInstanceError):
            value.extra = {}
    assert event != Event(1.0, "Goal", extra={"list": [2]}), "what is kept belongs to the event"


@given(EVENTS)
def test_a_timeline_is_in_order_of_time_and_keeps_the_order_of_equal_times(events):
    timeline = Timeline(Video("a"), tuple(events))
    places = {id(event): place for place, event in enumerate(events)}
    keys = [(event.seconds, places[id(event)]) for event in timeline]
    assert keys == sorted(keys)
    assert len(timeline) == len(events) == len(timeline.events)


@given(EVENTS, st.floats(0, 1))
def test_a_threshold_keeps_what_reaches_it(events, threshold):
    timeline = Timeline(
        Video("a"), tuple(events), SOCCERNET_V2, 2, Producer("demo"), ("short",), extra={"a": 1}
    )
    above = timeline.above(threshold)
    assert above.events == tuple(e for e in timeline if e.confidence >= threshold)
    assert above.with_events(timeline.events) == timeline, "everything else is as it was"


def test_an_event_of_just_the_threshold_stays():
    timeline = Timeline(Video("a"), (Event(1.0, "Goal", 0.5), Event(2.0, "Goal", 0.499)))
    assert [event.seconds for event in timeline.above(0.5)] == [1.0]


def test_the_curves_of_a_timeline_are_no_part_of_what_it_says():
    curves = Scores(np.zeros((1, 1)), np.zeros(1), LabelSet("one", ("Goal",)), 2)
    plain = Timeline(Video("a"), (Event(1.0, "Goal"),))
    assert replace(plain, scores=curves) == plain
    assert "scores" not in repr(replace(plain, scores=curves))
    assert plain.with_events([]) != plain
    assert replace(plain, scores=curves).above(0).scores is curves


def test_a_table_of_events_needs_pandas_and_says_so(monkeypatch):
    monkeypatch.setitem(sys.modules, "pandas", None)
    with pytest.raises(
        MissingExtraError, match=r"^Timeline\.to_dataframe\(\) needs.*touchline\[data\]"
    ) as e:
        Timeline(Video("a")).to_dataframe()
    assert e.value.extra == "data"


def test_a_table_of_events_has_a_column_for_each_field():
    needs("pandas")
    event = Event(1.5, "Goal", 0.25, half=2, team="home", note="late", extra={"mine": 1})
    table = Timeline(Video("a"), (event,)).to_dataframe()
    assert list(table.columns) == [f.name for f in fields(Event) if f.name != "extra"]
    row = table.iloc[0]
    assert {name: row[name] for name in ("seconds", "label", "confidence", "half", "team")} == {
        "seconds": 1.5,
        "label": "Goal",
        "confidence": 0.25,
        "half": 2,
        "team": "home",
    }
    nothing = Timeline(Video("a")).to_dataframe()
    assert len(nothing) == 0 and list(nothing.columns) == list(table.columns)


def test_a_match_gives_its_events_half_by_half():
    first = Timeline(Video("1"), (Event(9.0, "Goal"), Event(2.0, "Foul")), half=1)
    second = Timeline(Video("2"), (Event(1.0, "Corner"),), half=2)
    match = Match("game", (first, second))
    assert [(e.seconds, e.label) for e in match.events] == [
        (2.0, "Foul"),
        (9.0, "Goal"),
        (1.0, "Corner"),
    ]
    assert (match.half(1), match.half(2), match.half(3)) == (first, second, None)
