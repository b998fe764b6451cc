"""A reel shows what must be shown, nothing that must not, and fits its length all the same."""

from dataclasses import replace

import pytest

from touchline.editing.wishes import Pin, Wishes, parse_pin
from touchline.errors import InputError
from touchline.events import Event, Match, Timeline, Video
from touchline.pipeline import chosen_reel
from touchline.reel import Clip, Reel

EVENTS = (
    Event(100.0, "Goal", 1.0, team="home", player="Ana Roe"),
    Event(300.0, "Shots on target", 0.9, team="away", player="Ben Ray"),
    Event(500.0, "Corner", 0.9, team="home", player="Cy Low"),
    Event(700.0, "Goal", 1.0, team="away", player="Ben Ray"),
    Event(900.0, "Yellow card", 0.9, team="away", player="Dan Fox"),
)
TIMELINE = Timeline(Video("match.mp4", 1000.0), EVENTS, labels=("Corner", "Foul", "Goal"))


def chosen(seconds: float = 60.0, thing: Timeline | Match = TIMELINE, **wishes) -> Reel:
    reel = chosen_reel(thing, seconds, wishes=Wishes(**wishes))
    assert reel.seconds <= seconds + 1e-6
    for before, clip in zip(reel.clips, reel.clips[1:], strict=False):
        assert before.half != clip.half or before.end_seconds <= clip.start_seconds
    return reel


def labels(reel: Reel) -> set[str]:
    return {event.label for clip in reel for event in clip.events}


def shows(reel: Reel, start: float, end: float) -> bool:
    return any(clip.start_seconds <= start and end <= clip.end_seconds for clip in reel)


def test_only_wanted_classes_players_and_teams_are_shown():
    assert labels(chosen(include=("goal",))) == {"Goal"}
    assert "Goal" not in labels(chosen(exclude=("Goal",)))
    assert {e.player for clip in chosen(players=("ray",)) for e in clip.events} == {"Ben Ray"}
    assert {e.team for clip in chosen(teams=("home",)) for e in clip.events} == {"home"}


@pytest.mark.parametrize(
    ("wishes", "message"),
    [
        ({"include": ("Gaol",)}, "--include: no event has 'Gaol'; they have: Corner, Goal"),
        ({"exclude": ("Foul",)}, "--exclude: no event has 'Foul'"),
        ({"players": ("Zed",)}, "--players: no event has 'Zed'"),
        ({"teams": ("third",)}, "--team: no event has 'third'; they have: away, home"),
        ({"pins": (Pin(2000, 2010),)}, "--pin: 33:20 is beyond the end"),
        ({"pins": (Pin(10, 110),)}, "--pin: they last 1:40.0, longer than the reel"),
        ({"pins": (Pin(10, 20, half=2),)}, "--pin: there is no half 2 here.*there are: no halves"),
        ({"least_seconds": 70.0}, "--min-clip: clips of 70 s or more in a reel of 60 s"),
        ({"include": ("Goal",), "exclude": ("Goal",)}, "the wishes leave no event: ask for less"),
    ],
)
def test_wishes_that_nothing_can_fulfil_are_refused(wishes, message):
    with pytest.raises(InputError, match=message):
        chosen(**wishes)


def test_pins_are_shown_whole_and_overlapping_ones_once():
    reel = chosen(40.0, pins=(Pin(600, 610), Pin(605, 620)))
    assert shows(reel, 600, 620)
    assert sum(clip.start_seconds < 620 and clip.end_seconds > 600 for clip in reel) == 1
    assert shows(reel, 98, 102) and shows(reel, 698, 702)
    assert [reel.is_pinned(clip) for clip in reel].count(True) == 1
    alone = next(clip for clip in reel if reel.is_pinned(clip))
    assert (alone.reason or "").startswith("pinned")


def test_certain_goals_are_always_shown_even_in_little_time():
    goals = tuple(Event(100.0 * k, "Goal", 1.0) for k in range(1, 9))
    reel = chosen(24.0, Timeline(Video("match.mp4", 1000.0), goals))
    for goal in goals:
        assert shows(reel, goal.seconds - 0.5, goal.seconds + 0.5)


def test_clips_have_the_length_that_is_wished():
    reel = chosen(80.0, least_seconds=12, greatest_seconds=15)
    assert all(12 - 1e-3 <= clip.seconds <= 15 + 1e-3 for clip in reel)
    assert shows(reel, 99, 101)


def test_pins_of_a_match_name_their_half():
    halves = tuple(replace(TIMELINE, half=half) for half in (1, 2))
    match = Match("game", halves)
    assert parse_pin("2/1:40-1:50") == Pin(100, 110, 2)
    reel = chosen(60.0, match, pins=(Pin(800, 810, 2),))
    assert any(c.half == 2 and c.start_seconds <= 800 < 810 <= c.end_seconds for c in reel)
    with pytest.raises(InputError, match="write the half before it"):
        chosen(60.0, match, pins=(Pin(800, 810),))


@pytest.mark.parametrize("text", ["12:30", "12:50-12:30", "a-b", "1-1"])
def test_a_pin_that_is_none_is_refused(text):
    with pytest.raises(InputError):
        parse_pin(text)


def test_a_reel_that_is_given_keeps_its_clips():
    reel = Reel((Clip("match.mp4", 1, 5),))
    assert chosen_reel(reel, 60.0) is reel


def test_clips_that_grow_into_each_other_are_one():
    thing = Timeline(Video("match.mp4", 1000.0), (Event(100.0, "Goal"), Event(125.0, "Goal")))
    reel = chosen(60.0, thing, least_seconds=40.0)
    assert [clip.seconds >= 40 for clip in reel] == [True] * len(reel.clips)


def test_a_clip_at_the_end_of_a_video_has_the_least_length_too():
    thing = Timeline(Video("match.mp4", 1000.0), (Event(998.0, "Goal"),))
    (clip,) = chosen(60.0, thing, least_seconds=30.0)
    assert (clip.start_seconds, clip.end_seconds) == (970.0, 1000.0)


def test_pins_of_two_halves_are_merged_each_in_its_own():
    halves = tuple(Timeline(Video(f"{n}.mp4", 1000.0), EVENTS, half=n) for n in (1, 2))
    pins = (Pin(10, 20, 1), Pin(12, 18, 2), Pin(15, 25, 1))
    reel = chosen(25.0, Match("a/b/c", halves), pins=pins, include=("Corner",))
    assert shows(reel, 10, 25)
    assert sum(clip.seconds for clip in reel if clip.half == 2) >= 6


def test_a_pin_stays_whole_where_certain_goals_leave_little_time():
    reel = chosen(30.0, pins=(Pin(400, 420),))
    assert shows(reel, 400, 420)
    assert "Goal" in labels(reel)


def test_pins_that_leave_no_room_for_goals_say_so():
    reel = chosen(30.0, pins=(Pin(400, 430),))
    assert shows(reel, 400, 430) and "no room for every goal" in reel.warnings[0]


def test_more_certain_goals_than_there_is_room_for_leave_some_out_and_it_is_said():
    goals = tuple(Event(60.0 * k, "Goal") for k in range(1, 41))
    reel = chosen(30.0, Timeline(Video("match.mp4", 2700.0), goals), pins=(Pin(0, 5),))
    assert shows(reel, 0, 5) and "Goal" in labels(reel) and reel.seconds > 25
    assert reel.warnings == (
        "there is no room for every goal that is certain: give a greater --seconds",
    )


def test_a_certain_goal_is_shown_where_all_events_are_moved_to():
    thing = Timeline(Video("match.mp4", 4000.0), (Event(2000.0, "Goal"),))
    reel = chosen_reel(thing, 60.0, shift_seconds=-300.0)
    assert all(clip.end_seconds < 1900 for clip in reel)


CLASSES = ("Foul", "Ball out of play", "Throw-in", "Clearance", "Corner", "Offside")
GOAL_IN_A_MATCH = (
    Event(60.0, "Goal", 1.0),
    Event(95.0, "Kick-off", 1.0),
    *(Event(150.0 + 23 * n, CLASSES[n % 6], 1.0) for n in range(60)),
)


@pytest.mark.parametrize("selection", ["learned", "plain"])
def test_events_that_are_not_shown_still_say_that_play_has_gone_on(selection):
    timeline = Timeline(Video("match.mp4", 1600.0), GOAL_IN_A_MATCH)
    reel = chosen_reel(timeline, 60.0, wishes=Wishes(include=("Goal",)), selection=selection)
    assert labels(reel) == {"Goal"} and shows(reel, 55, 62)
    assert all(clip.end_seconds <= 97 for clip in reel)


@pytest.mark.parametrize("selection", ["learned", "plain"])
def test_a_wanted_event_is_shown_where_others_speak_against_it(selection):
    """The reel of a match shows little of a card in the celebration of a goal."""
    card = Event(75.0, "Yellow card", 1.0)
    timeline = Timeline(Video("match.mp4", 1600.0), (*GOAL_IN_A_MATCH, card))
    wishes = Wishes(include=("Yellow card",))
    reel = chosen_reel(timeline, 20.0, wishes=wishes, selection=selection)
    assert labels(reel) == {"Yellow card"} and shows(reel, 74, 76)
    assert min(clip.score for clip in reel) > 0


def test_a_replay_is_that_of_its_action_though_the_action_is_not_wanted():
    events = (Event(100.0, "Shots off target", 1.0), Event(130.0, "Goal", 1.0))
    timeline = Timeline(Video("match.mp4", 400.0), events, replays=((150.0, 160.0),))
    of_goal = chosen_reel(timeline, 60.0)
    assert any(clip.title == "Replay of goal" for clip in of_goal)
    of_shot = chosen_reel(timeline, 60.0, wishes=Wishes(include=("Shots off target",)))
    assert not shows(of_shot, 153, 157)


@pytest.mark.parametrize(("goal", "kick_off"), [(0.92, 0.9), (1.0, 0.95), (0.9, 1.0)])
def test_after_a_kick_off_nothing_more_is_shown_of_a_goal(goal, kick_off):
    """What a broadcast says is sure, and certain for nobody."""
    events = (Event(600.0, "Goal", goal), Event(645.0, "kick-off", kick_off))
    timeline = Timeline(Video("match.mp4", 900.0), events)
    reel = chosen_reel(timeline, 60.0, wishes=Wishes(include=("Goal",)))
    assert shows(reel, 597, 602) and reel.clips[-1].end_seconds <= 645


def test_clips_of_goals_that_had_to_be_shown_say_why():
    goals = tuple(Event(60.0 * n, "Goal", 1.0) for n in range(1, 10))
    reel = chosen_reel(Timeline(Video("match.mp4", 900.0), goals), 20.0)
    assert len(reel) == 9 and all(clip.reason == "Goal (confirmed)" for clip in reel)
    assert reel.seconds <= 20


def test_hidden_events_say_that_the_video_goes_on():
    events = (Event(600.0, "Goal", 0.9), Event(645.0, "Corner", 0.9))
    timeline = Timeline(Video("match.mp4"), events)
    everything = chosen_reel(timeline, 30.0)
    reel = chosen_reel(timeline, 30.0, wishes=Wishes(include=("Goal",)))
    assert reel.clips[0].end_seconds >= everything.clips[0].end_seconds


def test_events_before_the_video_are_not_shown_and_it_is_said():
    timeline = Timeline(Video("match.mp4", 900.0), (Event(-5.0, "Goal"), Event(300.0, "Goal")))
    reel = chosen_reel(timeline, 60.0)
    assert all(clip.start_seconds > 200 for clip in reel)
    assert "1 event of match.mp4 before its start cannot be shown" in reel.warnings


def test_a_pin_within_a_longer_clip_is_told_among_its_reasons():
    reel = chosen(include=("Goal",), pins=(Pin(96, 104), Pin(98, 120)))
    (clip,) = [one for one in reel if one.start_seconds <= 96 < one.end_seconds]
    assert clip.end_seconds >= 120 and clip.reason == "Goal (confirmed); pinned"
