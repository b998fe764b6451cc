"""``train`` and ``predict`` on features: from files to a score, and wrong calls in one line."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from extras import needs

needs("torch")
needs("lightning")

from feature_games import write_dataset, write_game, write_recipe  # noqa: E402

from touchline.formats import read_matches  # noqa: E402
from touchline.spotting.features import FeatureSpotter, load_for_features  # noqa: E402


@pytest.fixture(scope="module")
def place(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("features")
    write_recipe(folder / "toy.yaml", write_dataset(folder / "data"))
    return folder


@pytest.fixture
def run_folder(call, place) -> Path:
    folder = place / "run"
    if not folder.exists():
        ended = call("train", place / "toy.yaml", "--out", folder, "--json")
        assert ended.code == 0, ended
        told = json.loads(ended.out)
        assert told["steps"] == 45 and told["validation"]["tight"] > 0.3
    return folder


def test_a_trained_model_predicts_what_can_be_scored(call, run_folder, place, tmp_path):
    out, archive = tmp_path / "out", tmp_path / "out.zip"
    ended = call(
        "predict", run_folder, place / "data", "--out", out, "--challenge", archive, "--json"
    )
    assert ended.code == 0, ended
    told = json.loads(ended.out)
    assert told["games"] == 1 and told["events"] > 20
    assert read_matches(out) == read_matches(archive)
    scored = call("evaluate", place / "data" / "test", out, "--metric", "tight", "--json")
    assert json.loads(scored.out)["average_map_present"] > 0.3


def test_features_may_have_another_name(call, run_folder, place, tmp_path):
    data = tmp_path / "data"
    shutil.copytree(place / "data" / "test", data / "test")
    for path in list(data.glob("test/*/*/*/*_toy.npy")):
        path.rename(path.with_name(path.name.replace("toy", "other")))
    assert "has no features toy" in call("predict", run_folder, data, "-o", tmp_path / "a").err
    ended = call("predict", run_folder, data, "--features", "other", "-o", tmp_path / "a")
    assert ended.code == 0, ended


def test_models_are_listed_with_what_they_read(call, run_folder):
    shown = call("models", "show", run_folder, "--json")
    card = json.loads(shown.out)["card"]
    assert card["features"] == {"name": "toy", "width": 8} and "width" not in card


def test_a_spotter_of_features_gives_timelines(run_folder, place):
    path = place / "data/test/league/season/game 0/1_toy.npy"
    with load_for_features(run_folder) as spotter:
        assert isinstance(spotter, FeatureSpotter)
        timeline = spotter.spot(path, threshold=0.3)
    assert timeline.scores is not None and len(timeline.scores) == 240
    assert timeline.video.duration_seconds == 120
    assert len(timeline) and all(event.confidence >= 0.3 for event in timeline)
    assert timeline.model is not None and timeline.model.name == "pooling"


def test_bad_features_are_told_before_anything_is_written(refused, run_folder, place, tmp_path):
    data, out = tmp_path / "data", tmp_path / "out"
    shutil.copytree(place / "data" / "test", data / "test")
    path = data / "test/league/season/game 0/2_toy.npy"
    rows = np.load(path)
    words = ("predict", run_folder, data, "-o", out)
    np.save(path, rows[:, :3])
    assert "3 wide, not 8" in refused(*words)
    np.save(path, rows.astype(np.float64))
    assert "float64" in refused(*words)
    rows[7, 1] = np.nan
    np.save(path, rows)
    assert "row 7" in refused(*words)
    path.unlink()
    write_game(data / "test/league/season/game 1", seed=1)
    assert "half 2 of this game has no features toy" in refused(*words)
    assert not out.exists() or not list(out.rglob("*.json"))


def test_a_model_of_video_is_not_given_features_and_the_reverse(
    refused, run_folder, place, tmp_path
):
    out = tmp_path / "out"
    assert "takes video" in refused(
        "predict", "demo", place / "data", "--features", "toy", "-o", out
    )
    video = tmp_path / "match.mp4"
    video.write_bytes(b"")
    line = refused("spot", video, "--model", run_folder)
    assert "reads features toy, whose extractor is unknown" in line


@pytest.mark.parametrize(
    ("setting", "said"),
    [
        ("data.root=nowhere", "nowhere: there is no such folder"),
        ("data.features.width=2048", "8 wide, not 2048"),
        ("data.features.rate=25", "beyond the end"),
        ("network.clip_steps=0", "clip_steps"),
        ("optimiser.epochs=0", "optimiser.epochs"),
        ("system=t-deed", "'t-deed'"),
    ],
)
def test_wrong_settings_are_one_line(refused, place, tmp_path, setting, said):
    out = tmp_path / "run"
    assert said in refused("train", place / "toy.yaml", "--set", setting, "--out", out)
    assert not out.exists()


def test_a_run_is_not_overwritten(refused, run_folder, place):
    assert "--resume" in refused("train", place / "toy.yaml", "--out", run_folder)


@pytest.mark.parametrize(("name", "system"), [("netvlad++", "pooling"), ("calf", "calf")])
def test_packaged_recipes_can_be_shown(call, name, system):
    shown = call("train", name, "--show")
    assert shown.code == 0 and f"system: {system}\n" in shown.out
