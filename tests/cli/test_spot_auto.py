"""``touchline spot`` with its default model, and reels of what it finds."""

import json
from pathlib import Path

import pytest
from extras import needs
from PIL import Image

from touchline.broadcast import ocr
from touchline.broadcast.reading import BroadcastReader
from touchline.broadcast.result import Broadcast, Reading, read_broadcast

ENDINGS = (".broadcast.json", ".events.json", ".report.html")


@pytest.fixture(autouse=True)
def plain_install(monkeypatch, tmp_path):
    """No text can be read, and nobody has put a network into the zoo."""
    monkeypatch.setattr(ocr, "is_installed", lambda: False)
    monkeypatch.setenv("TOUCHLINE_HOME", str(tmp_path / "home"))


def statuses(ended) -> list[str]:
    return [row["status"] for row in json.loads(ended.out)["done"]]


def test_it_writes_events_report_and_broadcast_and_says_what_ran(call, videos, tmp_path):
    out = tmp_path / "out"
    ended = call("spot", videos / "match.mp4", "--out", out)
    assert ended.code == 0
    assert sorted(path.name for path in out.iterdir()) == [f"match{end}" for end in ENDINGS]
    assert "match.broadcast.json" in ended.out and "sound, cuts and replays" in ended.out
    assert "touchline models pull" in ended.out
    assert "pip install 'touchline[broadcast]'" in ended.err
    assert read_broadcast(out / "match.broadcast.json").video_name == "match.mp4"
    document = json.loads((out / "match.events.json").read_text())
    assert document["labels"] == "broadcast" and document["ran"]


def test_wishes_for_a_network_are_said_to_change_nothing_where_none_runs(call, videos):
    words = ("spot", videos / "match.mp4", "--engine", "openvino")
    ended = call(*words, "--precision", "fp32")
    assert "nothing follows from --engine openvino and --precision fp32" in ended.err
    assert "nothing follows" not in call("spot", videos / "match.mp4", "--overwrite").err


def test_json_lists_the_files_and_what_ran(call, videos):
    (row,) = json.loads(call("spot", videos / "match.mp4", "--json").out)["done"]
    assert [Path(file).name.partition(".")[2] for file in row["files"]] == [
        "events.json", "report.html", "broadcast.json",
    ]  # fmt: skip
    assert "sound, cuts and replays" in row["ran"]


def test_it_names_only_what_there_was_to_read(call, videos, monkeypatch):
    assert "read by cuts and replays; no sound;" in call("spot", videos / "silent.mp4").out
    needs("rapidocr")
    monkeypatch.undo()
    monkeypatch.setenv("TOUCHLINE_HOME", str(videos))
    ran = "read by cuts and replays; no sound, no score bug;"
    assert ran in call("spot", videos / "silent.mp4").out
    assert ran in (videos / "silent.report.html").read_text()
    assert json.loads((videos / "silent.events.json").read_text())["ran"].startswith(ran)


def test_teams_and_score_are_said_now_and_when_kept(call, videos, monkeypatch):
    def bug(reader, report, evidence=()):
        readings = (Reading(0.0, True, score=(0, 0)), Reading(3.0, True, score=(0, 1)))
        return Broadcast("match.mp4", 6.0, ("RIVER PLATE", "BOCA <b>"), readings=readings)

    monkeypatch.setattr(BroadcastReader, "finish", bug)
    for _ in range(2):
        assert "\n  RIVER PLATE 0-1 BOCA <b>\n" in call("spot", videos / "match.mp4").out
    assert "RIVER PLATE 0-1 BOCA &lt;b&gt;" in (videos / "match.report.html").read_text()
    (row,) = json.loads(call("spot", videos / "match.mp4", "--json").out)["done"]
    assert (row["status"], row["match"]) == ("kept", "RIVER PLATE 0-1 BOCA <b>")
    assert row["ran"].startswith("read by score bug, sound, cuts and replays;")


def test_a_still_picture_is_sent_to_the_command_that_reads_it(refused, videos):
    Image.new("RGB", (320, 180)).save(videos / "pic.jpg")
    assert "touchline broadcast pic.jpg" in refused("spot", videos / "pic.jpg")


def test_results_are_kept_until_something_of_them_is_gone_or_more_can_be_read(
    call, videos, monkeypatch
):
    words = ("spot", videos / "match.mp4", "--json")
    assert [statuses(call(*words)) for _ in range(2)] == [["made"], ["kept"]]
    (videos / "match.broadcast.json").unlink()
    assert [statuses(call(*words)) for _ in range(2)] == [["made"], ["kept"]]
    assert statuses(call(*words, "--start", "1")) == ["made"]
    assert statuses(call(*words, "--start", "1", "--threshold", "0.3")) == ["made"]


def test_a_broadcast_of_somebody_else_is_not_overwritten(call, refused, videos):
    theirs = videos / "match.broadcast.json"
    theirs.write_text('{"notes": "mine"}')
    assert "match.broadcast.json" in refused("spot", videos / "match.mp4")
    assert theirs.read_text() == '{"notes": "mine"}'
    assert not (videos / "match.events.json").exists()
    assert call("spot", videos / "match.mp4", "--overwrite").code == 0
    assert read_broadcast(theirs).video_name == "match.mp4"


def test_a_named_model_writes_no_broadcast(call, videos, plain_model):
    assert call("spot", videos / "silent.mp4", "--model", plain_model).code == 0
    assert not (videos / "silent.broadcast.json").exists()


@pytest.mark.parametrize("name", ["text.mp4", "empty.mp4", "sound-only.mp4"])
def test_what_is_no_video_leaves_nothing(refused, videos, tmp_path, name):
    assert name in refused("spot", videos / name, "--out", tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_a_part_is_read_alone(call, videos):
    ended = call("spot", videos / "match.mp4", "--start", "2", "--end", "4")
    assert ended.code == 0
    document = json.loads((videos / "match.events.json").read_text())
    assert document["part"] == {"start": 2.0, "end": 4.0}
    assert "no picture" in call("spot", videos / "match.mp4", "--start", "60").err


def test_a_reel_of_the_events_alone_has_goal_replay_and_reason(call, videos, tmp_path):
    events = tmp_path / "elsewhere" / "match.events.json"
    events.parent.mkdir()
    document = {
        "format": "touchline-events", "version": 1, "labels": "broadcast",
        "video": {"name": "match.mp4", "duration": 900.0, "frame_rate": "25/1"},
        "replays": [{"start": 240.0, "end": 251.0}],
        "events": [
            {"time": 200.0, "label": "Goal", "confidence": 0.95, "team": "home", "half": 1,
             "clock": 100.0, "score": [0, 0], "uncertainty": 2.0, "note": "1-0 for ARS"},
            {"time": 700.0, "label": "Highlight", "confidence": 0.8, "note": "crowd +9 dB"},
        ],
    }  # fmt: skip
    events.write_text(json.dumps(document))
    reel = tmp_path / "reel.json"
    assert call("reel", events, "-o", reel, "--seconds", "60").code == 0
    clips = json.loads(reel.read_text())["clips"]
    assert [clip["title"] for clip in clips] == [
        "Goal: 1-0 for ARS", "Replay of goal: 1-0 for ARS", "Highlight: crowd +9 dB",
    ]  # fmt: skip
    start, end = clips[1]["start"], clips[1]["end"]
    assert 240 < start < 241 and 250 < end < 251  # without the wipes at its ends
    for name in ("reel.edl", "reel.vtt", "reel.xml"):
        rate = ("--rate", "25") if name.endswith(".edl") else ()
        assert call("reel", events, "-o", tmp_path / name, "--seconds", "60", *rate).code == 0
        assert "crowd +9 dB" in (tmp_path / name).read_text()
    captions = (tmp_path / "reel.vtt").read_text()
    assert "Goal: 1-0 for ARS (1H 1:40, 1-0)" in captions
    assert "Replay of goal: 1-0 for ARS (1H 1:40, 1-0)" in captions
