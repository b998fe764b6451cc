"""Half, match clock and score on events, out of what a broadcast says."""

from dataclasses import replace

import pytest
from made_broadcasts import FIRST, broadcast, goal

from touchline.broadcast.result import Broadcast, Half
from touchline.broadcast.stamps import Stamp, Stamps, stamped
from touchline.events import Event, Timeline, Video

SAID = broadcast([goal(1000.0, (1, 0)), goal(4000.0, (1, 1), "away")])


def stamped_at(seconds: float, said: Broadcast = SAID, **of_timeline) -> Event:
    timeline = Timeline(Video("match.mp4"), (Event(seconds, "Foul"),), **of_timeline)
    return stamped(timeline, said).events[0]


@pytest.mark.parametrize(
    ("seconds", "stamp"),
    [
        (100.0, Stamp(1, 0.0, (0, 0))),
        (700.25, Stamp(1, 600.25, (0, 0))),
        (3900.5, Stamp(2, 2800.5, (1, 0))),
        (6700.0, Stamp(2, 5600.0, (1, 1))),
        (50.0, Stamp(None, None, (0, 0))),
        (3300.0, Stamp(None, None, (1, 0))),
    ],
)
def test_the_clock_runs_on_between_readings_and_stands_nowhere(seconds, stamp):
    event = stamped_at(seconds)
    assert (event.half, event.score) == (stamp.half, stamp.score)
    assert event.clock_seconds == (
        None if stamp.clock_seconds is None else pytest.approx(stamp.clock_seconds)
    )


def test_a_goal_counts_from_its_moment_not_from_when_it_is_shown():
    scores = [Stamps(SAID).at(at).score for at in (999.0, 1000.0, 1000.5, 1013.0, 1020.0)]
    assert scores == [(0, 0), (0, 0), (1, 0), (1, 0), (1, 0)]


def test_a_goal_that_is_taken_back_stood_until_then():
    said = broadcast([goal(1000.0, (1, 0), taken_back=1100.0)])
    scores = [Stamps(said).at(at).score for at in (999.0, 1050.0, 1150.0)]
    assert scores == [(0, 0), (1, 0), (0, 0)]


def test_what_an_event_says_itself_stays():
    given = Event(700.0, "Foul", half=2, clock_seconds=12.0, score=(3, 3))
    assert stamped(Timeline(Video("a.mp4"), (given,)), SAID).events == (given,)


def test_a_video_that_is_one_half_says_so_itself():
    event = stamped_at(700.0, half=1)
    assert event.half is None and event.clock_seconds == pytest.approx(600.0)


def test_the_file_of_a_second_half_whose_clock_starts_anew_is_in_match_time():
    said = broadcast(halves=[Half(1, 100.0, 2900.0, 0.0, True, True)])
    assert stamped_at(700.0, said, half=2).clock_seconds == pytest.approx(2700.0 + 600.0)
    counting_on = broadcast(halves=[Half(2, 100.0, 2900.0, 2700.0, True, True)])
    assert stamped_at(700.0, counting_on, half=2).clock_seconds == pytest.approx(2700.0 + 600.0)


@pytest.mark.parametrize(
    "said",
    [
        Broadcast("match.mp4", 100.0),
        replace(SAID, readings=(), halves=(), goals=()),
        replace(SAID, readings=None, halves=None, goals=None),
    ],
)
def test_where_nothing_was_read_events_stay_as_they_are(said):
    assert stamped_at(700.0, said) == Event(700.0, "Foul")


def test_the_score_before_the_first_reading_is_open_if_a_goal_may_lie_between():
    late = tuple(one for one in SAID.readings or () if one.seconds > 1200.0)
    said = replace(SAID, readings=late)
    assert stamped_at(300.0, said).score is None
    assert stamped_at(1100.0, said).score == (1, 0)
    none = replace(broadcast(), readings=broadcast().readings[1200:])
    assert stamped_at(300.0, none).score == (0, 0)


def test_a_clock_far_from_any_reading_is_open():
    gap = tuple(one for one in SAID.readings or () if not 500 < one.seconds < 600)
    event = stamped_at(550.0, replace(SAID, readings=gap))
    assert (event.half, event.clock_seconds) == (FIRST.half, None)
