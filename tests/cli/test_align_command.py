"""``touchline align``: a feed and a video in, events on the video's time out."""

import json
from fractions import Fraction

import numpy as np
import pytest

from touchline.broadcast import align_files
from touchline.broadcast.result import Broadcast, Half, Reading, ScoreGoal, write_broadcast
from touchline.formats import read
from touchline.media.writer import VideoWriter

FEED = """half,minute,second,label,team
1,0,5,Foul,home
1,0,20,Goal,home
1,0,30,Foul,away
2,45,4,Corner,away
2,45,10,Foul,home
"""


@pytest.fixture
def match(tmp_path):
    """A video of a minute with both halves: from 3 s and from 43 s on."""
    path = tmp_path / "match.mp4"
    with VideoWriter(path, (64, 48), Fraction(5)) as writer:
        for index in range(300):
            writer.write(np.full((48, 64, 3), index % 200, np.uint8))
    (tmp_path / "feed.csv").write_text(FEED)
    return path


@pytest.fixture
def broadcast_file(match):
    halves = (Half(1, 3.0, 38.0, 0.0, True, True), Half(2, 43.0, 60.0, 2700.0, True, False))
    readings = tuple(
        Reading(float(t), True, half.half, half.clock_start_seconds + t - half.start_seconds)
        for half in halves
        for t in range(int(half.start_seconds), int(half.end_seconds))
    )
    goals = (ScoreGoal(23.4, "home", (1, 0), 27.0, 2.0),)
    path = match.with_name("match.broadcast.json")
    said = Broadcast("match.mp4", 60.0, halves=halves, readings=readings, goals=goals)
    write_broadcast(said, path)
    return path


def test_the_reading_beside_the_video_places_the_feed(call, match, broadcast_file, tmp_path):
    output = tmp_path / "x.events.json"
    said = call("align", tmp_path / "feed.csv", "--video", match, "-o", output)
    timeline = read(output)
    assert [round(e.seconds, 1) for e in timeline] == [8.5, 23.5, 33.5, 47.5, 53.5]
    assert [(e.half, e.source) for e in timeline][::4] == [(1, "import"), (2, "import")]
    assert timeline.video.name == "match.mp4" and timeline.video.frame_rate == 5
    assert "half 1: 3 events" in said.out and "give or take" in said.out
    assert "1 agree with the score" in said.out


def test_json_is_one_object(call, match, broadcast_file, tmp_path):
    output = tmp_path / "x.events.json"
    said = json.loads(
        call("align", tmp_path / "feed.csv", "--video", match, "-o", output, "--json").out
    )
    assert set(said) == {"feed", "files", "events", "videos"}
    assert (said["files"], said["events"]) == ([str(output)], 5)
    (video,) = said["videos"]
    assert [half["half"] for half in video["halves"]] == [1, 2]
    assert video["halves"][0]["offset"] == pytest.approx(3.0, abs=0.01)
    assert len(video["goals"]["matched"]) == 1 and video["step"] == 1.0


def test_kick_offs_serve_where_no_clock_is_in_the_picture(call, match, tmp_path, monkeypatch):
    monkeypatch.setattr(align_files, "is_installed", lambda: False)
    output = tmp_path / "x.events.json"
    call("align", tmp_path / "feed.csv", "--video", match, "-o", output,
         "--kick-off", "0:03", "--second-half", "0:43")  # fmt: skip
    assert [round(e.seconds, 1) for e in read(output)] == [8.5, 23.5, 33.5, 47.5, 53.5]


@pytest.mark.parametrize("words", [["--kick-off=-4:30"], ["--kick-off", "1=-4:30"]])
def test_a_kick_off_may_lie_before_the_video(call, match, tmp_path, words):
    (tmp_path / "feed.csv").write_text("half,minute,second,label\n1,4,50,Foul\n")
    output = tmp_path / "x.events.json"
    said = call("align", tmp_path / "feed.csv", "--video", match, "-o", output, *words)
    assert [(e.seconds, e.clock_seconds, e.uncertainty_seconds) for e in read(output)] == [
        (20.5, 290.5, 1.0)
    ]
    assert "(by the kick-off given)" in said.out


def test_a_kick_off_that_the_picture_contradicts_is_told(
    call, refused, match, broadcast_file, tmp_path
):
    """The clock beside the video starts at 3 s; its score still serves."""
    output = tmp_path / "x.events.json"
    words = ["align", tmp_path / "feed.csv", "--video", match, "-o", output]
    said = call(*words, "--kick-off", "0:07", "--second-half", "0:43")
    assert "note: the kick-off given for half 1, 0:07, is used" in said.err
    assert "the clock in the picture says half 1, 0:04 at 0:07" in said.err
    assert "goals: 1 agree with the score" in said.out
    assert "half 1, 0:57 at 1:00" not in said.err and "given for half 2" not in said.err
    apart = refused(*words, "--overwrite", "--kick-off", "0:59")
    assert "none of the feed's" in apart and "half 2, 45:16 at 0:59" in apart


def test_a_half_that_the_feed_lacks_is_said(refused, match, broadcast_file, tmp_path):
    (tmp_path / "feed.csv").write_text("half,minute,second,label\n1,0,5,Foul\n")
    output = tmp_path / "x.events.json"
    said = refused("align", tmp_path / "feed.csv", "--video", match, "-o", output, "--half", 2)
    assert "the feed has no event of half 2; it has half 1" in said


def test_a_file_for_each_half_becomes_a_match_of_halves(call, match, tmp_path):
    second = match.rename(tmp_path / "2_720p.mp4")
    first = tmp_path / "1_720p.mp4"
    first.write_bytes(second.read_bytes())
    output = tmp_path / "Labels-v2.json"
    call("align", tmp_path / "feed.csv", "--video", first, "--video", second, "-o", output,
         "--kick-off", "0:03", "--kick-off", "0:01")  # fmt: skip
    halves = read(output)
    assert [round(e.seconds, 1) for e in halves.half(1)] == [8.5, 23.5, 33.5]
    assert [round(e.seconds, 1) for e in halves.half(2)] == [5.5, 11.5]


def test_one_half_alone(call, match, tmp_path):
    output = tmp_path / "x.events.json"
    call("align", tmp_path / "feed.csv", "--video", match, "-o", output, "--half", 2,
         "--kick-off", "1")  # fmt: skip
    timeline = read(output)
    assert timeline.half == 2 and [round(e.seconds, 1) for e in timeline] == [5.5, 11.5]


def test_a_recording_is_read_where_nothing_else_says_its_clock(
    call, match, broadcast_file, tmp_path, monkeypatch
):
    said = align_files.read_broadcast(broadcast_file)
    broadcast_file.unlink()
    monkeypatch.setattr(align_files, "is_installed", lambda: True)
    monkeypatch.setattr(align_files, "read_recording", lambda video, **_: said)
    output = tmp_path / "x.csv"
    assert "5 events" in call("align", tmp_path / "feed.csv", "--video", match, "-o", output).out


def test_a_video_in_which_nothing_can_be_read_asks_for_the_kick_offs(
    refused, match, tmp_path, monkeypatch
):
    monkeypatch.setattr(align_files, "is_installed", lambda: False)
    said = refused("align", tmp_path / "feed.csv", "--video", match, "-o", tmp_path / "x.csv")
    assert "touchline[broadcast]" in said and "--kick-off" in said
    assert not (tmp_path / "x.csv").exists()


def test_another_match_is_refused_and_nothing_is_written(refused, match, broadcast_file, tmp_path):
    (tmp_path / "feed.csv").write_text(
        "half,minute,second,label\n1,0,5,Goal\n2,45,3,Goal\n2,45,9,Goal\n2,45,12,Goal\n"
    )
    output = tmp_path / "x.events.json"
    assert "another match" in refused(
        "align", tmp_path / "feed.csv", "--video", match, "-o", output
    )
    assert not output.exists()


@pytest.mark.parametrize(
    ("more", "said"),
    [
        (["--kick-off", "soon"], "is not a time"),
        (["--kick-off", "x=3"], "is not a kick-off"),
        (["--kick-off", "0:03", "--kick-off", "1=0:43"], "is not a kick-off of another half"),
        (["--kick-off", "5:00"], "cannot start at 300.0 s"),
        (["--broadcast", "missing.broadcast.json"], "missing.broadcast.json"),
    ],
)
def test_wrong_calls_are_told_in_a_line(refused, match, tmp_path, more, said):
    output = tmp_path / "x.events.json"
    assert said in refused("align", tmp_path / "feed.csv", "--video", match, "-o", output, *more)


def test_an_output_that_is_there_is_kept_unless_told_otherwise(
    call, refused, match, broadcast_file, tmp_path
):
    output = tmp_path / "x.events.json"
    output.write_text("mine")
    words = ["align", tmp_path / "feed.csv", "--video", match, "-o", output]
    assert "is there already" in refused(*words)
    assert output.read_text() == "mine"
    call(*words, "--overwrite")
    assert len(read(output)) == 5
    call(*words)  # the same once more stays
    assert "is there already" in refused(*words, "--ignore-score", "--kick-off", "0:05")


def test_events_of_a_video_are_no_feed(refused, match, broadcast_file, events, tmp_path):
    output = tmp_path / "x.events.json"
    said = refused("align", events, "--video", match, "-o", output)
    assert "half" in said and "columns half, minute, second" in said
