"""``touchline demo``: the whole product on a simulated match, with the model that is shipped."""

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

from touchline.formats import read
from touchline.labels import SOCCERNET_V2
from touchline.media.video import probe
from touchline.zoo.store import find

MINUTES = "0.5"
FILES = {
    "truth",
    "reel decisions",
    "scores",
    *(f"{what} of half {half}" for what in ("video", "events", "report") for half in (1, 2)),
}


def test_the_shipped_model_is_small_and_whole():
    model = find("demo")
    assert model.card.labels.labels == SOCCERNET_V2.labels
    assert model.has_weights and model.onnx_files
    sizes = [model.file(name).stat().st_size for name in model.card.files]  # checks the sums too
    assert sum(sizes) <= 20e6
    assert model.card.licence and model.card.training_data_licence and model.card.description


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    """Where the demo puts its files."""
    return tmp_path_factory.mktemp("demo") / "new" / "folder"


@pytest.fixture(scope="module")
def demo(folder) -> dict:
    """What the demo prints about its files, having run in that folder."""
    words = ["demo", str(folder), "--minutes", MINUTES, "--json"]
    program = [sys.executable, "-m", "touchline.cli.main"]
    ended = subprocess.run([*program, *words], capture_output=True, text=True, check=False)
    assert (ended.returncode, ended.stderr) == (0, "")
    return json.loads(ended.stdout)


@pytest.mark.slow
def test_everything_is_on_disk(demo, folder):
    files = {name: Path(path) for name, path in demo["files"].items()}
    assert set(files) - {"reel"} == FILES
    assert all(folder in path.parents and path.stat().st_size for path in files.values())
    assert not [path for path in folder.rglob("*") if path.name.startswith(".")]
    assert json.loads(files["scores"].read_text()) == demo
    for half in (1, 2):
        video = probe(files[f"video of half {half}"])
        document = json.loads(files[f"events of half {half}"].read_text())
        assert document["format"] == "touchline-events" and document["version"] == 1
        assert document["video"]["duration"] == pytest.approx(video.duration_seconds, abs=0.1)
        assert document["video"]["frame_rate"] == "25/1"
        assert document["labels"] == "soccernet-v2"
        assert document["model"]["weights"] == "demo" and len(document["model"]["sha256"]) == 64
        for event in document["events"]:
            assert event["label"] in SOCCERNET_V2 and 0 < event["confidence"] <= 1
            assert 0 <= event["time"] <= video.duration_seconds
        report = files[f"report of half {half}"].read_text(encoding="utf-8")
        assert report.count('class="event"') == len(document["events"])
        assert "://" not in report


@pytest.mark.slow
def test_the_reel_is_what_its_decisions_say(demo):
    decisions = json.loads(Path(demo["files"]["reel decisions"]).read_text())
    assert decisions["format"] == "touchline-reel" and decisions["version"] == 1
    reel = read(demo["files"]["reel decisions"])
    assert [clip.half for clip in reel] == sorted(clip.half for clip in reel)
    if "reel" in demo["files"]:
        info = probe(demo["files"]["reel"])
        assert info.has_audio
        assert info.duration_seconds == pytest.approx(reel.seconds, abs=0.1)


@pytest.mark.slow
def test_the_scores_are_those_of_evaluate(demo):
    scores = {score["metric"]: score for score in demo["scores"]}
    assert set(scores) == {"tight", "loose"}
    for score in scores.values():
        assert score["format"] == "touchline-scores" and score["version"] == 1
        assert score["games"] == 1
        assert 0 < score["average_map_present"] <= 1
        assert set(score["per_class"]) <= set(SOCCERNET_V2)


@pytest.mark.slow
def test_a_second_run_in_the_same_folder_gives_the_same(demo, folder, call):
    before = {path: path.stat().st_mtime_ns for path in folder.rglob("*.mkv")}
    ended = call("demo", folder, "--minutes", MINUTES)
    assert ended.code == 0
    assert {path: path.stat().st_mtime_ns for path in folder.rglob("*.mkv")} == before
    for metric in ("tight", "loose"):
        assert re.search(rf"^{metric} average-mAP 0\.\d{{3}} over \d+ classes", ended.out, re.M)
    assert "simulated" in ended.out
    assert json.loads((folder / "scores.json").read_text()) == demo


@pytest.mark.slow
def test_a_folder_of_another_demo_is_refused_and_kept(demo, folder, refused):
    before = {path: path.stat().st_mtime_ns for path in folder.rglob("*") if path.is_file()}
    assert "seed" in refused("demo", folder, "--minutes", MINUTES, "--seed", "5")
    assert "minutes" in refused("demo", folder, "--minutes", "1")
    after = {path: path.stat().st_mtime_ns for path in folder.rglob("*") if path.is_file()}
    assert after == before


@pytest.mark.parametrize("name", ["notes.txt", "match/mine.txt"])
def test_a_folder_that_holds_other_things_is_refused_and_kept(refused, tmp_path, name):
    mine = tmp_path / "mine" / name
    mine.parent.mkdir(parents=True)
    mine.write_text("keep this")
    assert "holds other things" in refused("demo", tmp_path / "mine")
    assert [path for path in (tmp_path / "mine").rglob("*") if path.is_file()] == [mine]


@pytest.mark.parametrize("minutes", ["0", "-1", "nan", "inf", "1e9"])
def test_lengths_that_no_match_has_are_refused(refused, tmp_path, minutes):
    refused("demo", tmp_path / "new", "--minutes", minutes)
    assert list(tmp_path.iterdir()) == []


def test_a_file_is_no_folder_for_a_demo(refused, tmp_path):
    (tmp_path / "file").touch()
    assert "cannot hold the results" in refused("demo", tmp_path / "file")
