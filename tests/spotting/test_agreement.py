"""Events of a network and of a broadcast, weighed against each other."""

import pytest
from made_broadcasts import SECOND, broadcast, goal

from touchline.broadcast.result import Broadcast
from touchline.events import Event
from touchline.spotting.agreement import agreed, goal_evidence
from touchline.spotting.broadcast_events import events_of

ONE_GOAL = broadcast([goal(1000.0, (1, 0))])


def both(said: Broadcast, *found: Event) -> list[Event]:
    return agreed(events_of(said), found, said)


def of(label: str, events: list[Event]) -> list[Event]:
    return [event for event in events if event.label == label]


def test_a_goal_of_both_is_one_goal_and_surer_than_either():
    found = of("Goal", both(ONE_GOAL, Event(1003.0, "Goal", 0.6)))
    assert len(found) == 1
    assert found[0].confidence > 0.95 and found[0].team == "home"
    assert found[0].extra["network_confidence"] == 0.6


def test_a_goal_after_which_the_score_stays_loses_and_says_why():
    false = of("Goal", both(ONE_GOAL, Event(2000.0, "Goal", 0.9)))[1]
    assert false.confidence == pytest.approx(0.18)
    assert false.note == "the score stays 1-0"


def test_a_second_goal_of_the_network_beside_one_of_the_score_loses():
    goals = of("Goal", both(ONE_GOAL, Event(1001.0, "Goal", 0.9), Event(1012.0, "Goal", 0.8)))
    assert [goal.confidence > 0.5 for goal in goals] == [True, False]
    assert goals[1].note == "the score counts another goal"


@pytest.mark.parametrize(
    "said",
    [
        Broadcast("match.mp4", 6800.0),
        broadcast(halves=[]),
        broadcast(hidden=[(2040.0, 2500.0)]),
        broadcast(hidden=[(0.0, 2500.0)]),
    ],
)
def test_where_the_score_could_not_be_read_the_network_decides(said):
    goals = of("Goal", both(said, Event(2000.0, "Goal", 0.9)))
    assert goals == [Event(2000.0, "Goal", 0.9)]


def test_a_goal_that_was_taken_back_stays_so_whatever_the_network_says():
    said = broadcast([goal(1000.0, (1, 0), taken_back=1100.0)])
    events = both(said, Event(1001.0, "Goal", 0.95))
    assert not of("Goal", events) and len(of("Disallowed goal", events)) == 1


def test_a_bug_that_is_hidden_for_a_replay_is_no_excuse():
    said = broadcast(hidden=[(2005.0, 2045.0)])
    assert of("Goal", both(said, Event(2000.0, "Goal", 0.9)))[0].confidence < 0.2


def test_the_kick_off_of_a_half_is_one_event_at_the_clock_s_time():
    events = of("Kick-off", both(ONE_GOAL, Event(3803.0, "Kick-off", 0.5)))
    assert [event.seconds for event in events] == [100.0, SECOND.start_seconds]


def test_a_kick_off_after_a_goal_stays_one_in_mid_play_loses():
    after, nowhere = Event(1060.0, "Kick-off", 0.8), Event(2500.0, "Kick-off", 0.8)
    events = of("Kick-off", both(ONE_GOAL, after, nowhere))
    confidences = {event.seconds: event.confidence for event in events}
    assert confidences[1060.0] == 0.8
    assert confidences[2500.0] == pytest.approx(0.16)


def test_a_kick_off_while_the_bug_is_hidden_stays():
    said = broadcast(hidden=[(2380.0, 2600.0)])
    assert of("Kick-off", both(said, Event(2500.0, "Kick-off", 0.8)))[0].confidence == 0.95
    assert Event(2500.0, "Kick-off", 0.8) in both(said, Event(2500.0, "Kick-off", 0.8))


def test_other_classes_stay_as_they_are_and_all_are_in_order():
    found = [Event(50.0, "Foul", 0.3), Event(2000.0, "Corner", 0.4), Event(1000.5, "Foul", 0.2)]
    events = both(ONE_GOAL, *found)
    assert set(found) <= set(events)
    assert [e.seconds for e in events] == sorted(e.seconds for e in events)


def test_the_goals_of_a_network_say_when_one_was_scored():
    found = [Event(5.0, "Goal", 0.9), Event(6.0, "Foul", 0.9), Event(9.0, "Goal", 0.1)]
    evidence = goal_evidence(found)
    assert [one.seconds for one in evidence] == [5.0, 9.0]
    assert evidence[0].weight > evidence[1].weight > 0


def test_what_a_replay_shows_again_loses_and_says_why():
    said = broadcast(replays=[(1010.0, 1025.0), (2010.0, 2025.0)])
    live, again = Event(1000.0, "Foul", 0.6), Event(1012.0, "Foul", 0.9)
    only_in_replay = Event(2012.0, "Foul", 0.9)
    fouls = of("Foul", both(said, live, again, only_in_replay))
    assert [foul.confidence for foul in fouls] == pytest.approx([0.6, 0.18, 0.9])
    assert fouls[1].note == "shown again by a replay"
    other = Event(1012.0, "Yellow card", 0.9)
    assert of("Yellow card", both(said, live, other)) == [other]
