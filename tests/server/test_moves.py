"""The match clock and score of an event that a person moves."""

import pytest

from touchline.events import Event
from touchline.server.moves import moved_event

MOVED = Event(100.0, "Foul", half=1, clock="1:40", clock_seconds=90.0, score=(1, 0))


def clocked(seconds, clock_seconds, half=1, label="Corner", **more):
    return Event(seconds, label, half=half, clock_seconds=clock_seconds, **more)


@pytest.mark.parametrize(
    ("to", "others", "clock_seconds", "half", "score"),
    [
        (104.5, [], 94.5, 1, (1, 0)),
        (95.5, [], 85.5, 1, (1, 0)),
        (160.0, [], 150.0, 1, (1, 0)),
        (160.5, [], None, 1, (1, 0)),
        (400.0, [clocked(500.0, 490.0)], 390.0, 1, (1, 0)),
        (400.0, [clocked(500.0, 520.0)], None, 1, (1, 0)),
        (400.0, [clocked(50.0, 40.0)], None, 1, (1, 0)),
        (5.0, [], None, 1, (1, 0)),  # before the kick-off
        (110.0, [clocked(105.0, 95.4), clocked(120.0, 500.0)], 100.0, 1, (1, 0)),
        (110.0, [clocked(105.0, 300.0)], None, 1, (1, 0)),
        (110.0, [clocked(105.0, 2705.0, half=2)], None, None, (1, 0)),
        (110.0, [Event(105.0, "Kick-off", half=2)], None, None, (1, 0)),
        (110.0, [Event(105.0, "Goal")], 100.0, 1, None),
        (90.0, [Event(95.0, "GOAL")], 80.0, 1, None),
        (110.0, [Event(105.0, "Goal", status="rejected")], 100.0, 1, (1, 0)),
        (110.0, [Event(111.0, "Goal"), Event(99.0, "Goal")], 100.0, 1, (1, 0)),
    ],
)
def test_the_clock_moves_with_its_event_or_goes(to, others, clock_seconds, half, score):
    moved = moved_event(MOVED, to, others)
    assert (moved.seconds, moved.clock_seconds, moved.half) == (to, clock_seconds, half)
    assert moved.score == score
    assert moved.clock is None


def test_an_event_of_the_second_half_does_not_move_before_its_kick_off():
    event = Event(100.0, "Foul", half=2, clock_seconds=2705.0)
    assert moved_event(event, 96.0, []).clock_seconds == 2701.0
    assert moved_event(event, 94.0, []).clock_seconds is None


def test_an_event_that_stays_keeps_all():
    assert moved_event(MOVED, 100.0, [Event(100.0, "Goal")]) == MOVED


def test_an_event_without_a_half_goes_by_the_clocks_of_others():
    event = Event(100.0, "Foul", clock_seconds=90.0)
    assert moved_event(event, 110.0, [clocked(105.0, 95.0)]).clock_seconds == 100.0
