"""Match clock and score, as people read them."""

import pytest

from touchline.errors import InputError
from touchline.events import Event
from touchline.match_state import (
    clip_state,
    event_title,
    format_match_clock,
    format_score,
    match_state,
    parse_score,
    parse_title,
    score_shown,
)
from touchline.reel import Clip


@pytest.mark.parametrize(
    ("seconds", "half", "text"),
    [
        (3790.0, 2, "2H 63:10"),
        (3790.99, 2, "2H 63:10"),
        (3790.9999999, 2, "2H 63:11"),
        (0.0, 1, "1H 0:00"),
        (2700.0, 1, "1H 45:00"),
        (2700.9, 1, "1H 45:00"),
        (2710.0, 1, "1H 45+0:10"),
        (2830.0, 1, "1H 45+2:10"),
        (2830.0, 2, "2H 47:10"),
        (5399.0, 2, "2H 89:59"),
        (6090.0, 2, "2H 90+11:30"),
        (6362.0, 3, "ET1 105+1:02"),
        (6300.0, 4, "ET2 105:00"),
        (7262.0, 4, "ET2 120+1:02"),
        (60.0, 5, "5H 1:00"),
        (2830.0, None, "47:10"),
        (6362.0, None, "106:02"),
    ],
)
def test_the_clock_is_written_as_broadcasts_do(seconds, half, text):
    assert format_match_clock(seconds, half) == text


@pytest.mark.parametrize("text", ["1-0", "1 - 0", " 1:0 ", "1–0"])
def test_scores_are_read(text):
    assert parse_score(text) == (1, 0)
    assert format_score(parse_score("12-3")) == "12-3"


@pytest.mark.parametrize("text", ["", "1", "-1-0", "1-", "a-b", "1-0-2", "1000-0", "²-0", "1.5-0"])
def test_what_is_no_score_is_told(text):
    with pytest.raises(InputError, match="not a score"):
        parse_score(text)


@pytest.mark.parametrize(
    ("event", "shown"),
    [
        (Event(1.0, "Goal", team="home", score=(1, 0)), (2, 0)),
        (Event(1.0, "GOAL", team="Away", score=(1, 0)), (1, 1)),
        (Event(1.0, "Goal", team="North", score=(1, 0)), (1, 0)),
        (Event(1.0, "Goal", score=(1, 0)), (1, 0)),
        (Event(1.0, "Goal", team="home", status="rejected", score=(1, 0)), (1, 0)),
        (Event(1.0, "Corner", team="home", score=(1, 0)), (1, 0)),
        (Event(1.0, "Goal", team="home"), None),
    ],
)
def test_a_goal_of_a_known_side_shows_the_score_after_it(event, shown):
    assert score_shown(event) == shown


@pytest.mark.parametrize(
    ("event", "half", "text"),
    [
        (Event(1.0, "Foul", half=2, clock_seconds=3790.0, score=(1, 0)), None, "2H 63:10, 1-0"),
        (Event(1.0, "Foul", clock_seconds=3790.0), 2, "2H 63:10"),
        (Event(1.0, "Foul", half=1, clock_seconds=60.0), 2, "1H 1:00"),
        (Event(1.0, "Foul", half=2, score=(0, 0)), None, "2H, 0-0"),
        (Event(1.0, "Foul", score=(0, 0)), None, "0-0"),
        (Event(1.0, "Foul", clock="45+2'", score=(0, 1)), 1, "45+2', 0-1"),
        (Event(1.0, "Foul", clock="45+2", clock_seconds=2820.0), None, "47:00"),
        (Event(1.0, "Foul", half=2), 2, ""),
        (Event(1.0, "Foul"), None, ""),
    ],
)
def test_what_an_event_says_of_the_match(event, half, text):
    assert match_state(event, half) == text


@pytest.mark.parametrize(
    ("event", "half", "title"),
    [
        (Event(1.0, "Foul", half=2, clock_seconds=3790.9, score=(1, 0)), None, "(2H 63:10, 1-0)"),
        (Event(1.0, "Foul", clock_seconds=2830.0, score=(0, 0)), 1, "(1H 45+2:10, 0-0)"),
        (Event(1.0, "Foul", half=3, clock_seconds=6362.0), None, "(ET1 105+1:02)"),
        (Event(1.0, "Foul", clock_seconds=6362.0), None, "(106:02)"),
        (Event(1.0, "Foul", half=2, score=(10, 0)), None, "(2H, 10-0)"),
        (Event(1.0, "Foul", score=(1, 0)), None, "(1-0)"),
    ],
)
def test_a_title_is_read_back(event, half, title):
    assert event_title(event, half) == f"Foul {title}"
    label, fields = parse_title(f"Foul {title}")
    assert label == "Foul"
    clock = None if event.clock_seconds is None else float(int(event.clock_seconds))
    assert fields.get("clock_seconds") == clock
    assert fields.get("score") == event.score
    assert fields.get("half") == (half or event.half)


@pytest.mark.parametrize(
    "text", ["Goal", "Goal (penalty)", "Goal (2H)", "(1-0)", "Goal (1H2:00)", "A (63:75)", "A ()"]
)
def test_other_parentheses_are_part_of_the_class(text):
    assert parse_title(text) == (text, {})


def test_the_score_in_the_title_of_a_goal_is_not_the_one_before_it():
    goal = Event(1.0, "Goal", team="home", half=1, clock_seconds=60.0, score=(0, 0))
    assert event_title(goal) == "Goal (1H 1:00, 1-0)"
    assert parse_title(event_title(goal)) == ("Goal", {"half": 1, "clock_seconds": 60.0})


def test_a_clip_is_where_its_first_goal_is():
    foul = Event(3.0, "Foul", half=2, clock_seconds=3000.0, score=(0, 0))
    goal = Event(9.0, "Goal", team="away", half=2, clock_seconds=3006.0, score=(0, 0))
    assert clip_state(Clip("m", 0.0, 12.0, events=(foul, goal))) == "2H 50:06, 0-1"
    assert clip_state(Clip("m", 0.0, 12.0, events=(foul,))) == "2H 50:00, 0-0"
    assert clip_state(Clip("m", 0.0, 12.0)) == ""
