"""Certain events take the place of those detected, half by half."""

import pytest

from touchline.editing.certain import with_certain
from touchline.errors import InputError
from touchline.events import Event, Match, Timeline, Video

FOUND = Match(
    "game",
    (
        Timeline(Video("1"), (Event(100, "Goal", 0.9), Event(200, "Corner", 0.8)), half=1),
        Timeline(
            Video("2"), (Event(300, "Goal", 0.4), Event(9, "Goal", 0.7, status="rejected")), half=2
        ),
    ),
)


def certain(*events, half=None):
    return Timeline(Video("certain"), events, half=half)


def test_detected_goals_that_are_not_confirmed_are_out():
    given = Match("game", (certain(Event(1200, "Goal", half=2)),))
    first, second = with_certain(FOUND, given, "goals.csv").timelines
    assert [event.label for event in first] == ["Corner"]
    assert [(e.seconds, e.status) for e in second] == [(9, "rejected"), (1200, "accepted")]


def test_no_goals_are_certain_too():
    assert [e.label for e in with_certain(FOUND, certain(), "none.csv").events] == [
        "Corner",
        "Goal",
    ]


def test_other_classes_are_replaced_where_they_are_given():
    merged = with_certain(FOUND, certain(Event(210, "Corner", half=1)), "corners.csv")
    assert [(e.seconds, e.label) for e in merged.timelines[0]] == [(210, "Corner")]


def test_one_video_takes_the_events_of_its_half():
    video = Timeline(Video("1"), (Event(100, "Goal", 0.9),), half=1)
    both = Match("game", (certain(Event(5, "Goal"), half=1), certain(Event(7, "Goal"), half=2)))
    assert [event.seconds for event in with_certain(video, both, "goals")] == [5]
    alone = certain(Event(6, "Goal"))
    assert [event.seconds for event in with_certain(video, alone, "goals")] == [6]


def test_events_of_halves_that_are_not_there_are_refused():
    third = Match("game", (certain(Event(5, "Goal"), half=1), certain(Event(7, "Goal"), half=3)))
    with pytest.raises(InputError, match="half 3"):
        with_certain(FOUND, third, "goals.csv")
    whole = Timeline(Video("whole"), (Event(100, "Goal", 0.9),))
    with pytest.raises(InputError, match="one video"):
        with_certain(whole, FOUND, "goals.csv")


def test_goals_of_the_other_half_are_not_put_into_the_one_that_is_found():
    given = Match("game", (certain(Event(700, "Goal", half=2)),))
    merged = with_certain(FOUND.timelines[0], given, "goals.csv")
    assert [event.label for event in merged] == ["Corner"]
