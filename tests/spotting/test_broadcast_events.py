"""What a broadcast says, as events."""

from dataclasses import replace

import pytest
from made_broadcasts import FIRST, SECOND, broadcast, goal

from touchline.broadcast.result import Broadcast, Half, Moment
from touchline.events import Event
from touchline.labels import BROADCAST
from touchline.spotting.broadcast_events import events_of


def the(label: str, events: tuple[Event, ...]) -> Event:
    found = [event for event in events if event.label == label]
    assert len(found) == 1
    return found[0]


def test_the_halves_of_a_match():
    events = events_of(broadcast())
    assert [(e.label, e.seconds, e.half, e.score) for e in events] == [
        ("Kick-off", 100.0, 1, (0, 0)),
        ("Half-time", 2900.0, 1, (0, 0)),
        ("Kick-off", 3800.0, 2, (0, 0)),
        ("Full-time", 6700.0, 2, (0, 0)),
    ]
    assert [e.clock_seconds for e in events] == pytest.approx([0.0, 2800.0, 2700.0, 5600.0])


@pytest.mark.parametrize("known", [None, False])
def test_half_a_match_has_no_kick_off_and_no_end_that_it_does_not_show(known):
    part = replace(FIRST, has_kick_off=known, has_end=known)
    assert events_of(broadcast(halves=[part])) == ()


def test_extra_time_ends_the_match_too():
    halves = [FIRST, SECOND, Half(3, 7000.0, 7900.0, 5400.0, True, True)]
    halves.append(Half(4, 8000.0, 8900.0, 6300.0, True, True))
    events = events_of(broadcast(halves=halves, duration=9000.0))
    ends = [e.label for e in events if e.label != "Kick-off"]
    assert ends == ["Half-time", "Full-time", "Half-time", "Full-time"]


def test_a_goal_has_its_team_the_score_before_and_after_and_its_uncertainty():
    found = the("Goal", events_of(broadcast([goal(1000.0, (0, 1), "away", uncertainty=6.5)])))
    assert (found.seconds, found.team, found.score) == (1000.0, "away", (0, 0))
    assert (found.half, found.uncertainty_seconds) == (1, 6.5)
    assert found.clock_seconds == pytest.approx(900.0)
    assert found.note == "0-1 for CHE"
    assert found.confidence < 1  # only people make facts


def test_a_goal_of_teams_without_names():
    said = replace(broadcast([goal(1000.0, (1, 0))]), teams=None)
    assert the("Goal", events_of(said)).note == "1-0 for the home team"


def test_a_goal_that_was_taken_back_is_no_goal():
    events = events_of(broadcast([goal(1000.0, (1, 0), taken_back=1100.0)]))
    assert "Goal" not in {event.label for event in events}
    assert the("Disallowed goal", events).note == "1-0 for ARS, taken back"


def test_moments_are_highlights_with_their_reason_but_those_of_goals_explain_the_goal():
    roar, chance = Moment(1002.0, 0.9, "crowd +11 dB"), Moment(2000.0, 0.6, "two replays")
    events = events_of(broadcast([goal(1000.0, (1, 0))], moments=[roar, chance]))
    highlight = the("Highlight", events)
    assert (highlight.seconds, highlight.confidence) == (2000.0, 0.6)
    assert (highlight.note, highlight.half, highlight.score) == ("two replays", 1, (1, 0))
    assert the("Goal", events).note == "1-0 for ARS; crowd +11 dB"


def test_excitement_in_the_studio_counts_half_where_the_clock_was_read():
    moments = [Moment(1500.0, 0.8), Moment(3300.0, 0.8), Moment(2905.0, 0.8)]
    found = {e.seconds: e.confidence for e in events_of(broadcast(moments=moments))}
    assert (found[1500.0], found[3300.0], found[2905.0]) == (0.8, 0.4, 0.8)
    unread = broadcast(halves=[], moments=moments)
    assert {e.confidence for e in events_of(unread)} == {0.8}


def test_sound_alone_gives_highlights_and_nothing_else():
    said = Broadcast("match.mp4", 100.0, moments=(Moment(50.0, 0.7, "crowd +9 dB"),))
    assert events_of(said) == (Event(50.0, "Highlight", 0.7, note="crowd +9 dB"),)


def test_every_event_is_of_the_label_set():
    goals = [goal(1000.0, (1, 0)), goal(1500.0, (2, 0), taken_back=1600.0)]
    events = events_of(broadcast(goals, moments=[Moment(2500.0, 1.0)]))
    assert {event.label for event in events} == set(BROADCAST)
    assert all(0 < event.confidence < 1 for event in events)
