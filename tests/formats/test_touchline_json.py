"""touchline's own event and reel files, as design.md states them."""

import json
from fractions import Fraction

import pytest

from touchline.errors import FormatError
from touchline.events import Event, Match, Producer, Timeline, Video
from touchline.formats import read, read_matches, read_reel, write
from touchline.labels import SOCCERNET_V2, LabelSet
from touchline.reel import Clip, Reel, SourceVideo

TIMELINE = Timeline(
    Video("match.mp4", 2712.48, Fraction(25)),
    (
        Event(74.52, "Goal", 0.91, team="home", player="9", half=1, clock="1:14"),
        Event(80.0, "Foul", 0.5, status="pending", source="model", note="?", extra={"x": [1]}),
    ),
    labels=SOCCERNET_V2,
    model=Producer("e2e-spot-rny002-gsm-gru", "demo", "ab12"),
    warnings=("the video ended early",),
    extra={"camera": {"id": 3}},
)
REEL = Reel(
    (
        Clip("1.mkv", 70.1, 84.0, 0.8, 1, (Event(74.52, "Goal", 0.91),), "Goal", {"rank": 1}),
        Clip("2.mkv", 3.0, 9.25, half=2),
    ),
    {"seed": 4},
)


def test_the_file_is_the_one_of_the_design(tmp_path):
    write(Timeline(TIMELINE.video, (Event(74.52, "Goal", 0.91),), SOCCERNET_V2,
                   model=TIMELINE.model), tmp_path / "m.events.json")  # fmt: skip
    assert json.loads((tmp_path / "m.events.json").read_text()) == {
        "format": "touchline-events",
        "version": 1,
        "video": {"name": "match.mp4", "duration": 2712.48, "frame_rate": "25/1"},
        "model": {"name": "e2e-spot-rny002-gsm-gru", "weights": "demo", "sha256": "ab12"},
        "labels": "soccernet-v2",
        "events": [{"time": 74.52, "label": "Goal", "confidence": 0.91}],
    }


def test_everything_comes_back(tmp_path):
    write(TIMELINE, tmp_path / "m.events.json")
    assert read(tmp_path / "m.events.json") == TIMELINE


def test_equal_things_give_equal_files(tmp_path):
    write(TIMELINE, tmp_path / "a.events.json")
    write(read(tmp_path / "a.events.json"), tmp_path / "b.events.json")
    assert (tmp_path / "a.events.json").read_bytes() == (tmp_path / "b.events.json").read_bytes()


def test_times_are_rounded_to_microseconds(tmp_path):
    write(Timeline(Video("m"), (Event(1 / 3, "Goal"),)), tmp_path / "m.events.json")
    assert read(tmp_path / "m.events.json").events[0].seconds == 0.333333


def test_a_match_of_halves_comes_back(tmp_path):
    match = Match(
        "league/season/game",
        (
            Timeline(Video("1.mkv", 2700.0), (Event(5.0, "Goal"),), half=1, warnings=("w",)),
            Timeline(Video("2.mkv"), (Event(3.0, "Foul", extra={"k": None}),), half=2),
        ),
        {"venue": "here"},
    )
    write(match, tmp_path / "m.events.json")
    assert read(tmp_path / "m.events.json") == match


def test_a_folder_of_halves_is_one_match(tmp_path):
    folder = tmp_path / "league" / "season" / "game"
    folder.mkdir(parents=True)
    write(TIMELINE, folder / "2_224p.events.json")
    write(TIMELINE, folder / "1_224p.events.json")
    matches = read_matches(tmp_path)
    assert [t.half for t in matches["league/season/game"].timelines] == [1, 2]


def test_custom_labels_are_a_list(tmp_path):
    timeline = Timeline(Video("m"), (Event(1.0, "Try"),), LabelSet("custom", ("Try", "Scrum")))
    write(timeline, tmp_path / "m.events.json")
    assert json.loads((tmp_path / "m.events.json").read_text())["labels"] == ["Try", "Scrum"]
    assert read(tmp_path / "m.events.json") == timeline


def test_a_label_outside_the_set_is_kept(tmp_path):
    timeline = Timeline(Video("m"), (Event(1.0, "Streaker"),), SOCCERNET_V2)
    write(timeline, tmp_path / "m.events.json")
    back = read(tmp_path / "m.events.json")
    assert back.events == timeline.events
    assert back.labels == LabelSet("custom", (*SOCCERNET_V2.labels, "Streaker"))


def test_a_reel_comes_back(tmp_path):
    write(REEL, tmp_path / "m.reel.json")
    assert read(tmp_path / "m.reel.json") == REEL == read_reel(tmp_path / "m.reel.json")
    assert json.loads((tmp_path / "m.reel.json").read_text())["seconds"] == 20.15


@pytest.mark.parametrize(
    ("change", "place"),
    [
        ({"version": 2}, "version"),
        ({"events": {}}, "events"),
        ({"events": [{"time": "1", "label": "Goal"}]}, "events[0].time"),
        ({"events": [{"time": 1, "label": 5}]}, "events[0].label"),
        ({"events": [{"time": 1e300, "label": "Goal"}]}, "events[0]"),
        ({"events": [{"time": 1, "label": "Goal", "status": "maybe"}]}, "events[0].status"),
        ({"events": [{"time": 1, "label": "Goal", "half": 1.5}]}, "events[0].half"),
        ({"video": "m.mp4"}, "video"),
        ({"video": {"name": "m", "frame_rate": "0/1"}}, "video.frame_rate"),
        ({"video": {"name": "m", "duration": -1}}, "video.duration"),
        ({"labels": ["Goal", "Goal"]}, "labels"),
        ({"warnings": "none"}, "warnings"),
    ],
)
def test_a_fault_names_file_and_place(tmp_path, change, place):
    path = tmp_path / "m.events.json"
    whole = {"format": "touchline-events", "version": 1, "video": {"name": "m"}, "events": []}
    path.write_text(json.dumps(whole | change))
    with pytest.raises(FormatError) as error:
        read(path)
    assert f"{path}: {place}" in str(error.value)


def test_not_a_number_is_refused(tmp_path):
    path = tmp_path / "m.events.json"
    path.write_text('{"format": "touchline-events", "version": 1, "video": {"name": "m"}, '
                    '"events": [{"time": NaN, "label": "Goal"}]}')  # fmt: skip
    with pytest.raises(FormatError, match=r"events\[0\].time"):
        read(path)


def test_what_is_known_of_the_videos_of_a_reel_is_kept(tmp_path):
    videos = (
        SourceVideo("1.mp4", 1, 2700.5, "../match/1.mp4", "00ff"),
        SourceVideo("2.mp4", 2, path="2.mp4"),
    )
    clips = (Clip("1.mp4", 0.0, 5.0, half=1), Clip("1.mp4", 0.0, 5.0, half=1))
    write(Reel(clips, videos=videos), tmp_path / "m.reel.json")
    back = read_reel(tmp_path / "m.reel.json")
    assert (back.videos, back.clips) == (videos, clips)


def test_a_failed_write_leaves_what_was_there(tmp_path):
    path = tmp_path / "m.events.json"
    path.write_text("before")
    with pytest.raises(FormatError):
        write(Timeline(Video("m"), (Event(1.0, "Goal", extra={"x": float("nan")}),)), path)
    assert [p.name for p in tmp_path.iterdir()] == ["m.events.json"]
    assert path.read_text() == "before"
