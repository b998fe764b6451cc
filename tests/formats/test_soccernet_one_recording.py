"""SoccerNet's files of one long recording: half by half, by the match clock."""

import json

import pytest

from touchline.events import Event, Timeline, Video
from touchline.formats import read_matches, write

EVENTS = (
    Event(60.0, "Highlight", 0.5),  # in the studio, before the match
    Event(300.0, "Kick-off", half=1, clock_seconds=0.0),
    Event(900.25, "Corner", 0.8, half=1, clock_seconds=600.25),
    Event(3100.0, "Highlight", 0.5),  # in the break
    Event(4000.0, "Kick-off", half=2, clock_seconds=2700.0),
    Event(5090.0, "Goal", 0.9, half=2, clock_seconds=3790.0, score=(0, 0)),
    Event(5100.0, "Foul", 0.4, half=2),  # the clock was not read here
)
TIMELINE = Timeline(Video("match.mp4", 7000.0), EVENTS)
TIMES = [
    ("1 - 00:00", "0", "Highlight"),
    ("1 - 00:00", "0", "Kick-off"),
    ("1 - 10:00", "600250", "Corner"),
    ("1 - 46:40", "2800000", "Highlight"),
    ("2 - 00:00", "0", "Kick-off"),
    ("2 - 18:10", "1090000", "Goal"),
    ("2 - 18:20", "1100000", "Foul"),
]


@pytest.mark.parametrize(
    ("name", "rows"), [("Labels-v2.json", "annotations"), ("results_spotting.json", "predictions")]
)
def test_times_count_from_the_kick_off_of_each_half(tmp_path, name, rows):
    write(TIMELINE, tmp_path / name)
    written = json.loads((tmp_path / name).read_text())[rows]
    assert [(row["gameTime"], row["position"], row["label"]) for row in written] == TIMES


def test_they_come_back_as_two_halves(tmp_path):
    write(TIMELINE, tmp_path / "Labels-v2.json")
    (match,) = read_matches(tmp_path / "Labels-v2.json").values()
    assert [timeline.half for timeline in match.timelines] == [1, 2]
    goal = next(event for event in match.events if event.label == "Goal")
    assert (goal.seconds, goal.clock_seconds, goal.score) == (1090.0, 3790.0, (0, 0))


def test_a_wrong_clock_moves_its_own_event_alone(tmp_path):
    odd = Event(5200.0, "Corner", half=2, clock_seconds=5000.0)
    write(TIMELINE.with_events((*EVENTS, odd)), tmp_path / "Labels-v2.json")
    rows = json.loads((tmp_path / "Labels-v2.json").read_text())["annotations"]
    foul = next(row for row in rows if row["label"] == "Foul")
    assert foul["gameTime"] == "2 - 18:20"


@pytest.mark.parametrize("half", [1, 2])
def test_the_file_of_one_half_keeps_its_times(tmp_path, half):
    event = Event(1090.0, "Goal", clock_seconds=3790.0)
    timeline = Timeline(Video("2.mp4"), (event,), half=half)
    write(timeline, tmp_path / "Labels-v2.json")
    (row,) = json.loads((tmp_path / "Labels-v2.json").read_text())["annotations"]
    assert (row["gameTime"], row["position"]) == (f"{half} - 18:10", "1090000")


def test_without_any_clock_times_stay_as_they_are(tmp_path):
    timeline = Timeline(Video("a.mp4"), (Event(5.0, "Goal", half=2), Event(6.0, "Foul")))
    write(timeline, tmp_path / "Labels-v2.json")
    rows = json.loads((tmp_path / "Labels-v2.json").read_text())["annotations"]
    assert [row["gameTime"] for row in rows] == ["1 - 00:06", "2 - 00:05"]
