"""``predict``: what evaluation and the challenge's server read."""

import json
import shutil
from fractions import Fraction
from pathlib import Path

import pytest
from small_videos import write_video

from touchline.datasets.checks import check_challenge
from touchline.formats import read_matches
from touchline.labels import LabelSet
from touchline.metrics.spotting import evaluate
from touchline.spotting.curve_files import read_curves

GAMES = (
    "league_a/2015-2016/2016-01-02 - 15-45 North End 1 - 0 South Park",
    "league_b/2016-2017/2016-09-09 - 15-45 South Park 0 - 0 North End",
)
LABELS = LabelSet("custom", ("a", "b", "c"))


@pytest.fixture(scope="module")
def dataset(tmp_path_factory) -> Path:
    """One game of two halves and one of a single video; both are the test split."""
    root = tmp_path_factory.mktemp("dataset")
    video = write_video(root / "short.mp4", 100, sound=False)
    for game, files in zip(GAMES, (("1_224p.mp4", "2_224p.mp4"), ("224p.mp4",)), strict=True):
        (root / game).mkdir(parents=True)
        for file in files:
            shutil.copy(video, root / game / file)
        annotation = {"gameTime": "1 - 00:01", "label": "a", "position": "1000"}
        labels = {"UrlLocal": game, "annotations": [annotation]}
        (root / game / "Labels-v2.json").write_text(json.dumps(labels))
    video.unlink()
    (root / "test.json").write_text(json.dumps(GAMES))
    return root


def test_predictions_can_be_evaluated_and_submitted(call, plain_model, dataset, tmp_path):
    out, archive = tmp_path / "out", tmp_path / "new" / "out.zip"
    ended = call(
        "predict", plain_model, dataset, "--out", out, "--challenge", archive, "--json"
    )  # fmt: skip
    assert ended.code == 0, ended
    told = json.loads(ended.out)
    assert told["games"] == 2 and told["events"] > 0
    assert told["written"] == [str(out), str(archive)]
    predictions = read_matches(archive)
    assert predictions == read_matches(out)
    assert tuple(predictions) == GAMES
    halves = [{t.half for t in match.timelines if t.events} for match in predictions.values()]
    assert halves == [{1, 2}, {1}]
    assert sum(len(match.events) for match in predictions.values()) == told["events"]
    report = check_challenge(archive, games=GAMES, label_set=LABELS)
    assert report.findings == []
    truth = read_matches(dataset, "soccernet-v2")
    scored = evaluate(truth, predictions, label_set=LABELS)
    assert scored.average_map_present is not None
    checked = call("dataset", "check", archive, "--json")
    assert json.loads(checked.out)["errors"] == 0


def test_a_game_without_any_event_has_its_file_too(call, plain_model, dataset, tmp_path):
    ended = call("predict", plain_model, dataset, "--out", tmp_path / "out", "--threshold", 1)
    assert ended.code == 0 and "2 games, 0 predictions" in ended.out
    for game in GAMES:
        document = json.loads((tmp_path / "out" / game / "results_spotting.json").read_text())
        assert document["predictions"] == []


def test_results_that_are_there_are_refused_before_anything_is_spotted(
    call, refused, plain_model, dataset, tmp_path, monkeypatch
):
    first = tmp_path / "out" / GAMES[0] / "results_spotting.json"
    for target in (first, tmp_path / "out.zip"):
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text("written by a person")
    command = ("predict", plain_model, dataset)
    with monkeypatch.context() as spotting:
        spotting.setattr("touchline.batch.predictions.check_games", None)
        for words, place in (
            (("--out", tmp_path / "out"), first),
            (("--challenge", tmp_path / "out.zip"), tmp_path / "out.zip"),
        ):
            assert refused(*command, *words) == (
                f"error: {place}: is there already; write elsewhere, or give --overwrite\n"
            )
    assert call(*command, "--out", tmp_path / "out", "--overwrite").code == 0
    assert tuple(read_matches(tmp_path / "out")) == GAMES


def test_curves_of_every_half_can_be_kept(
    call, refused, plain_model, dataset, tmp_path, monkeypatch
):
    monkeypatch.chdir(tmp_path)
    command = ("predict", plain_model, dataset, "--curves", "curves")
    ended = call(*command, "--json")
    assert ended.code == 0, ended
    assert json.loads(ended.out)["written"] == ["curves"]
    assert not Path("predictions").exists(), "nothing else was asked for"
    kept = [Path("curves") / GAMES[0] / f"{half}_curves.npz" for half in (1, 2)]
    kept.append(Path("curves") / GAMES[1] / "1_curves.npz")
    assert sorted(Path("curves").rglob("*.*")) == sorted(kept)
    for path in kept:
        curves = read_curves(path)
        assert tuple(curves.labels) == LABELS.labels and curves.rate == Fraction(25, 12)
        assert len(curves) == 9 and curves.values.any()  # of 100 frames, every twelfth
    kept[2].write_text("written by a person")
    with monkeypatch.context() as spotting:
        spotting.setattr("touchline.batch.predictions.check_games", None)
        fault = "is there already; write elsewhere, or give --overwrite"
        assert refused(*command) == f"error: {kept[0]}: {fault}\n"
        for path in kept[:2]:
            path.unlink()
        assert refused(*command) == f"error: {kept[2]}: {fault}\n"
    assert call(*command, "-o", "out", "--overwrite").code == 0
    assert len(read_curves(kept[2])) == 9 and tuple(read_matches(Path("out"))) == GAMES


def test_what_is_wrong_is_said_before_anything_is_spotted(refused, plain_model, dataset, tmp_path):
    out = tmp_path / "out"
    assert "no-run" in refused("predict", tmp_path / "no-run", dataset, "-o", out)
    assert "no such folder" in refused("predict", plain_model, tmp_path / "none", "-o", out)
    assert "split 'valid'" in refused(
        "predict", plain_model, dataset, "--split", "valid", "-o", out
    )
    assert "takes a zip" in refused("predict", plain_model, dataset, "--challenge", out)
    assert "anyway" in refused("predict", plain_model, dataset, "--as-published", "-o", out)
    broken = tmp_path / "broken"
    shutil.copytree(dataset, broken)
    (broken / GAMES[1] / "224p.mp4").write_text("not a video")
    assert "224p.mp4" in refused("predict", plain_model, broken, "--split", "all", "-o", out)
    assert not out.exists()
