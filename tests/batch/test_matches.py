"""Many matches with one call: kept when it is called again, and never in anybody's way."""

import json
import shutil
from pathlib import Path

import pytest
from small_videos import write_video

GAME = "league/season/2016-01-02 - North End 1 - 0 South Park"


@pytest.fixture(scope="module")
def made_games(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A game of two halves, one of which lies there in two sizes, and a video beside it."""
    root = tmp_path_factory.mktemp("games")
    (root / GAME).mkdir(parents=True)
    for name, steps in (("1_224p", 60), ("1_720p", 20), ("2_224p", 50)):
        write_video(root / GAME / f"{name}.mkv", steps)
    write_video(root / "plain.mp4", 50, sound=False)
    return root


@pytest.fixture
def games(made_games: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(made_games, tmp_path / "games"))


def statuses(ended) -> dict[str, str]:
    return {Path(d["source"]).name: d["status"] for d in json.loads(ended.out)["done"]}


def test_a_folder_is_spotted_once(call, refused, plain_model, games, tmp_path):
    out = tmp_path / "events"
    command = ("spot", games, "--model", plain_model, "--out", out, "--json")
    first = call(*command)
    assert first.code == 0, first
    assert statuses(first) == dict.fromkeys(["1_224p.mkv", "2_224p.mkv", "plain.mp4"], "made")
    files = sorted(p.relative_to(out).as_posix() for p in out.rglob("*.events.json"))
    assert files == [
        f"{GAME}/1_224p.events.json",
        f"{GAME}/2_224p.events.json",
        "plain.events.json",
    ]
    assert set(statuses(call(*command)).values()) == {"kept"}
    assert set(statuses(call(*command, "--threshold", "0.3")).values()) == {"made"}
    assert set(statuses(call(*command)).values()) == {"made"}
    (out / "plain.report.html").unlink()
    (games / "plain.mp4").write_text("not a video")
    again = call(*command)
    assert again.code == 2 and "1 of 3 failed" in again.err.splitlines()[-1]
    assert statuses(again) == {"1_224p.mkv": "kept", "2_224p.mkv": "kept", "plain.mp4": "failed"}
    (tmp_path / "none").mkdir()
    assert "no videos" in refused("spot", tmp_path / "none", "--model", plain_model)


def test_labels_beside_videos_are_not_overwritten(call, plain_model, games):
    labels = games / "plain.events.json"
    document = {
        "format": "touchline-events",
        "version": 1,
        "video": {"name": "plain.mp4"},
        "events": [{"time": 1.0, "label": "Goal"}],
    }
    labels.write_text(json.dumps(document))
    ended = call("spot", games, "--model", plain_model)
    assert ended.code == 2 and "was not written by touchline" in ended.err
    assert json.loads(labels.read_text()) == document
    assert call("spot", games, "--model", plain_model, "--overwrite").code == 0
    assert json.loads(labels.read_text())["model"]["weights"] == plain_model.name


def write_events(path: Path, video: str, seconds: float) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    document = {
        "format": "touchline-events",
        "version": 1,
        "video": {"name": video, "frame_rate": "25/1"},
        "labels": "soccernet-v2",
        "events": [{"time": seconds, "label": "Goal", "confidence": 0.9}],
    }
    path.write_text(json.dumps(document))


def test_reels_of_a_folder_of_events(call, refused, games, tmp_path):
    events, out = tmp_path / "events", tmp_path / "reels"
    for half in (1, 2):
        write_events(events / GAME / f"{half}_224p.events.json", f"{half}_224p.mkv", 1.0)
    write_events(events / "plain.events.json", "plain.mp4", 0.5)
    out.mkdir()
    command = ("reel", events, "--video", games, "-o", out, "--seconds", 30, "--json")
    first = call(*command)
    assert first.code == 0, first
    assert sorted(path.relative_to(out).as_posix() for path in out.rglob("*.*")) == sorted(
        f"{name}{end}" for name in (GAME, "plain") for end in (".mp4", ".reel.json")
    )
    reel = json.loads((out / f"{GAME}.reel.json").read_text())
    assert {clip["half"] for clip in reel["clips"]} == {1, 2}
    made = (out / "plain.mp4").stat().st_mtime_ns
    write_events(events / GAME / "2_224p.events.json", "2_224p.mkv", 1.2)
    assert statuses(call(*command)) == {Path(GAME).name: "made", "plain": "kept"}
    assert (out / "plain.mp4").stat().st_mtime_ns == made
    (out / "plain.reel.json").unlink()
    assert statuses(call(*command))["plain"] == "made"
    shutil.copy(games / "plain.mp4", out / "plain.mp4")
    assert "nothing says what it was made of" in call(*command).err
    lists = call("reel", events, "-o", tmp_path / "lists", "--to", ".json", "--json")
    assert lists.code == 0 and json.loads(lists.out)["failed"] == 0
    assert len(list((tmp_path / "lists").rglob("*.reel.json"))) == 2
    assert "one folder" in refused("reel", events, "-o", out, "--video", games / "plain.mp4")
