"""``touchline annotate``: the video again, with its events in it."""

import json
from pathlib import Path

import pytest

from touchline.media.video import probe


def test_every_event_is_shown_slowly_with_sound(call, videos, events, tmp_path):
    out = tmp_path / "annotated.mp4"
    ended = call("annotate", videos / "match.mp4", events, "-o", out, "--json")
    assert (ended.code, ended.err) == (0, "")
    (result,) = json.loads(ended.out)["done"]
    info = probe(out)
    assert result["events"] == 2
    assert result["seconds"] == pytest.approx(info.duration_seconds, abs=0.05)
    assert info.duration_seconds > probe(videos / "match.mp4").duration_seconds + 2
    assert info.has_audio and info.frame_rate == 25 and info.size == (96, 64)


@pytest.mark.parametrize("name", ["silent", "truncated"])
def test_silent_and_damaged_videos_are_annotated_too(call, videos, events, tmp_path, name):
    out = tmp_path / "annotated.mkv"
    ended = call("annotate", videos / f"{name}.mp4", events, "-o", out, "--slow", "1")
    assert ended.code == 0
    assert 1 < probe(out).duration_seconds < 6
    assert probe(out).has_audio == (name != "silent")


def test_when_no_event_is_certain_enough_that_is_said(call, videos, events, tmp_path):
    ended = call(
        "annotate", videos / "match.mp4", events, "-o", tmp_path / "a.mp4",
        "--min-confidence", "0.95",
    )  # fmt: skip
    assert ended.code == 0
    assert "--min-confidence" in ended.err and "0 events" in ended.out


def test_predictions_of_one_video_without_a_list_are_drawn(call, videos, tmp_path):
    path = tmp_path / "predictions.json"
    event = {"label": "PASS", "frame": 50, "score": 0.9}
    path.write_text(json.dumps({"video": "match", "fps": 25.0, "events": [event]}))
    words = ("annotate", videos / "match.mp4", path, "-o", tmp_path / "a.mp4", "--json")
    (result,) = json.loads(call(*words).out)["done"]
    assert (result["status"], result["events"]) == ("made", 1)
    ended = call("convert", path, tmp_path / "match.csv")
    assert ended.code == 0 and "PASS" in (tmp_path / "match.csv").read_text()


@pytest.fixture
def halves(videos: Path) -> Path:
    """Labels of both halves of a match."""
    annotations = [
        {"gameTime": f"{half} - 00:02", "label": "Goal", "position": "2000", "team": "home"}
        for half in (1, 2)
    ]
    path = videos / "Labels-v2.json"
    path.write_text(json.dumps({"UrlLocal": "a/b/c", "annotations": annotations}))
    return path


def test_the_half_is_named_where_there_are_two(call, refused, videos, halves, tmp_path):
    words = ("annotate", videos / "silent.mp4", halves, "-o", tmp_path / "a.mp4")
    assert "--half" in (line := refused(*words)) and "1, 2" in line
    assert "no half 3" in refused(*words, "--half", "3")
    assert not (tmp_path / "a.mp4").exists()
    assert call(*words, "--half", "2").code == 0


@pytest.mark.parametrize(
    ("words", "what"),
    [
        (["match.mp4", "match.events.json", "-o", "a.gif"], ".mp4"),
        (["match.mp4", "match.events.json", "-o", "nowhere/a.mp4"], "there is no folder"),
        (["match.mp4", "match.events.json", "-o", "match.mp4"], "overwritten"),
        (["match.mp4", "match.events.json", "-o", "a.mp4", "--slow", "0"], "1 to 20"),
        (["match.mp4", "match.events.json", "-o", "a.mp4", "--min-confidence", "2"], "--min-conf"),
        (["match.mp4", "missing.json", "-o", "a.mp4"], "no such file"),
        (["match.mp4", "text.mp4", "-o", "a.mp4"], "text.mp4"),
        (["text.mp4", "match.events.json", "-o", "a.mp4"], "is not a video file"),
        (["sound-only.mp4", "match.events.json", "-o", "a.mp4"], "has no picture"),
        (["one-frame.mp4", "match.events.json", "-o", "a.mp4"], "belong to this video"),
        (["match.mp4", "match.events.json"], "--output"),
    ],
)
def test_a_wrong_call_is_one_line_and_no_file(refused, videos, events, monkeypatch, words, what):
    monkeypatch.chdir(videos)
    before = {path: path.read_bytes() for path in videos.iterdir()}
    assert what in refused("annotate", *words)
    assert {path: path.read_bytes() for path in videos.iterdir()} == before


def test_a_reel_is_not_annotated(call, refused, videos, events, tmp_path):
    assert call("reel", events, "-o", tmp_path / "match.reel.json").code == 0
    line = refused(
        "annotate", videos / "match.mp4", tmp_path / "match.reel.json", "-o", tmp_path / "a.mp4"
    )
    assert "this is a reel" in line
