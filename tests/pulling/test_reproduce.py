"""``touchline reproduce``: published weights over a copy of the data, beside the reported score."""

import io
import json
import shutil
from pathlib import Path

import pytest
from extras import needs

needs("torch")
needs("timm")

import numpy as np  # noqa: E402
import torch  # noqa: E402
from feature_games import annotation, write_labels  # noqa: E402
from small_videos import write_video  # noqa: E402

from touchline.labels import SOCCERNET_V1, SOCCERNET_V2  # noqa: E402
from touchline.models.e2e_spot import E2ESpot, E2ESpotConfig  # noqa: E402
from touchline.models.pooling import PoolingConfig, PoolingNetwork  # noqa: E402
from touchline.zoo import catalogue  # noqa: E402
from touchline.zoo.catalogue import Catalogue  # noqa: E402

FEATURES = "ResNET_TF2_PCA512"
GAMES = tuple(f"league/season/game {number}" for number in range(3))
STEPS = 300


def saved(document):
    held = io.BytesIO()
    torch.save(document, held)
    return held.getvalue()


def pooling(kind, seed=0, classes=17):
    torch.manual_seed(seed)
    network = PoolingNetwork(PoolingConfig(kind, classes))
    return saved({"epoch": 3, "state_dict": network.state_dict()})


def write_game(folder, seed, width=512):
    """Two halves of random features, and labels every 20 seconds."""
    folder.mkdir(parents=True)
    rng = np.random.default_rng(seed)
    labels = ("Goal", "Corner", "Foul", "Throw-in")
    found = []
    for half in (1, 2):
        rows = np.maximum(rng.normal(size=(STEPS, width)), 0).astype(np.float32)
        np.save(folder / f"{half}_{FEATURES}.npy", rows)
        found += [
            annotation(half, seconds, labels[int(rng.integers(4))]) for seconds in range(5, 145, 20)
        ]
    write_labels(folder, found)


@pytest.fixture
def data(tmp_path) -> Path:
    """Three games of features, listed as the split test."""
    root = tmp_path / "data"
    for seed, game in enumerate(GAMES):
        write_game(root / game, seed)
    (root / "test.json").write_text(json.dumps(GAMES))
    return root


@pytest.fixture
def maxpool(call, publish, alone):
    """A stand-in of the published MaxPool, pulled."""
    publish("maxpool-v2", pooling("max"))
    assert call("models", "pull", "maxpool-v2").code == 0


def set_row(monkeypatch, names, field, value):
    """Change a field of these entries of the catalogue."""
    document = json.loads(catalogue.catalogue().model_dump_json())
    for family in document["families"]:
        for row in family["entries"]:
            if row["name"] in names:
                row[field] = value
    made = Catalogue.model_validate(document)
    monkeypatch.setattr(catalogue, "catalogue", lambda: made)


def scored_as(monkeypatch, how, networks):
    """Let the scores of these entries be of all of them."""
    set_row(monkeypatch, networks, "scores_of", {"how": how, "networks": networks})


def test_the_score_is_that_of_predict_and_evaluate(call, publish, alone, data, tmp_path):
    publish("maxpool-v2", pooling("max"))
    out = tmp_path / "out"
    command = ("reproduce", "maxpool-v2", "--data", data, "--out", out, "--json")
    ended = call(*command, "--pull")
    assert ended.code == 0, ended
    told = json.loads(ended.out)
    assert (told["split"], told["games"], told["is_part"]) == ("test", 3, False)
    assert (told["of_games"], told["made"], told["kept"]) == (3, 3, 0)
    (score,) = told["scores"]
    assert (score["metric"], score["reported"]) == ("loose", 18.6)
    assert score["difference"] == pytest.approx(score["reached"] - 18.6)
    call("predict", "maxpool-v2", data, "-o", tmp_path / "plain")
    plain = json.loads(call("evaluate", data, tmp_path / "plain", "--json").out)
    assert plain["average_map"] > 0
    assert score["reached"] == pytest.approx(100 * plain["average_map"], abs=1e-6)
    kept = json.loads(call("evaluate", data, out / "maxpool-v2", "--json").out)
    assert kept["average_map"] == plain["average_map"]
    again = json.loads(call(*command).out)
    assert (again["made"], again["kept"], again["scores"]) == (0, 3, told["scores"])


def test_only_what_changed_is_predicted_again(call, refused, maxpool, data, tmp_path):
    out = tmp_path / "out"
    command = ("reproduce", "maxpool-v2", "--data", data, "--out", out)
    assert call(*command).code == 0
    features = data / GAMES[1] / f"1_{FEATURES}.npy"
    np.save(features, np.load(features) * 2)
    told = json.loads(call(*command, "--json").out)
    assert (told["made"], told["kept"]) == (1, 2)
    path = out / "maxpool-v2" / GAMES[2] / "results_spotting.json"
    document = json.loads(path.read_text())
    document["predictions"][0]["confidence"] = "0.123"
    path.write_text(json.dumps(document))
    ended = call(*command)
    assert ended.code == 2 and "was changed since" in ended.err and str(path) in ended.err
    assert json.loads(path.read_text()) == document
    told = json.loads(call(*command, "--json", "--overwrite").out)
    assert (told["made"], told["kept"]) == (3, 0)


def test_a_part_says_that_it_is_one(call, maxpool, data, tmp_path):
    command = ("reproduce", "maxpool-v2", "--data", data, "--out", tmp_path / "out")
    told = json.loads(call(*command, "--games", 2, "--json").out)
    assert (told["games"], told["of_games"], told["is_part"]) == (2, 3, True)
    assert "this is a part: 2 of 3 games" in told["may_differ"][0]
    ended = call(*command, "--games", 1)
    assert "1 game of 3: a part of it" in ended.out
    assert "18.60" in ended.out and "Why they may differ" in ended.out


def test_games_that_are_missing_are_named(call, refused, maxpool, data, tmp_path):
    shutil.rmtree(data / GAMES[0])
    (data / GAMES[2] / "Labels-v2.json").unlink()
    command = ("reproduce", "maxpool-v2", "--data", data, "--out", tmp_path / "out")
    line = refused(*command)
    assert "2 of 3 games" in line and GAMES[0] in line and GAMES[2] in line
    assert f"touchline dataset download {data} --data resnet-pca512 --data labels" in line
    assert not (tmp_path / "out").exists()
    told = json.loads(call(*command, "--available", "--json").out)
    assert (told["games"], told["of_games"], told["is_part"]) == (1, 3, True)
    assert set(told["absent"]) == {GAMES[0], GAMES[2]}
    assert "no labels" in told["absent"][GAMES[2]]
    told = json.loads(call(*command, "--available", "--games", 1, "--json").out)
    assert told["games"] == 1 and set(told["absent"]) == {GAMES[0]}


def test_the_folder_of_a_split_is_one_too(call, maxpool, data, tmp_path):
    for game in GAMES[:2]:
        (data / "valid" / game).parent.mkdir(parents=True, exist_ok=True)
        shutil.move(data / game, data / "valid" / game)
    (data / "valid" / GAMES[1] / f"2_{FEATURES}.npy").unlink()
    command = ("reproduce", "maxpool-v2", "--data", data, "--split", "valid")
    command += ("--out", tmp_path / "out", "--json")
    assert "half 2" in json.loads(call(*command).out)["error"]
    told = json.loads(call(*command, "--available").out)
    assert (told["games"], list(told["absent"])) == (1, [GAMES[1]])
    assert any("reported on SoccerNet-v2 test" in reason for reason in told["may_differ"])


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("nobody",), "is no published network; touchline models list"),
        (("maxpool-v9",), "did you mean maxpool-v"),
        (("e2e-spot-tennis",), "no score is reported for it"),
        (("calf-se",), "run: touchline models pull calf-se; or give --pull"),
        (("dense-anchors",), "only a browser can fetch them"),
        (("maxpool-v2", "--split", "valid"), "there is no split 'valid'"),
        (("maxpool-v2", "--split", "challenge"), "there is no split 'challenge'"),
        (("maxpool-v2", "--features", "other"), "has no features other"),
    ],
)
def test_what_is_wrong_is_one_line(refused, maxpool, data, tmp_path, words, said, monkeypatch):
    monkeypatch.setattr("touchline.datasets.splits.published_games", lambda split, ball: None)
    line = refused("reproduce", *words, "--data", data, "--out", tmp_path / "out")
    assert said in line
    assert not (tmp_path / "out").exists()


def test_features_of_another_width_are_refused_before_anything_is_predicted(
    refused, maxpool, data, tmp_path
):
    for game in GAMES:
        for half in (1, 2):
            np.save(data / game / f"{half}_{FEATURES}.npy", np.zeros((STEPS, 8), np.float32))
    line = refused("reproduce", "maxpool-v2", "--data", data, "--out", tmp_path / "out")
    assert "8 wide, not 512" in line and "touchline dataset download" in line
    assert not (tmp_path / "out").exists()


def test_a_folder_that_is_not_there(refused, maxpool, tmp_path):
    line = refused("reproduce", "maxpool-v2", "--data", tmp_path / "nowhere")
    assert "there is no such folder" in line


def test_another_model_of_that_name_is_not_the_published_one(call, refused, home, data, tmp_path):
    weights = tmp_path / "own.pth.tar"
    weights.write_bytes(pooling("max", seed=5))
    assert call("models", "import", weights, "--name", "maxpool-v2").code == 0
    line = refused("reproduce", "maxpool-v2", "--data", data, "--out", tmp_path / "out")
    assert "is not the published maxpool-v2" in line and "models pull maxpool-v2" in line


def test_labels_of_the_challenge_are_not_public(call, refused, publish, alone, data, tmp_path):
    publish("netvlad++-challenge", pooling("max"))
    assert call("models", "pull", "netvlad++-challenge").code == 0
    (data / "challenge.json").write_text(json.dumps(GAMES))
    for game in GAMES:
        (data / game / "Labels-v2.json").unlink()
    line = refused("reproduce", "netvlad++-challenge", "--data", data, "--out", tmp_path / "out")
    assert "labels are not public" in line and "--challenge netvlad++-challenge.zip" in line


def test_a_reported_mean_is_the_mean_of_all_its_networks(
    call, publish, alone, data, tmp_path, monkeypatch
):
    both = ["maxpool-v2", "netvlad-v2"]
    publish("maxpool-v2", pooling("max"))
    publish("netvlad-v2", pooling("max", seed=1))
    scored_as(monkeypatch, "mean", both)
    command = ("reproduce", "maxpool-v2", "--data", data, "--out", tmp_path / "out")
    assert "maxpool-v2, netvlad-v2" in call(*command).err
    told = json.loads(call(*command, "--pull", "--json").out)
    (score,) = told["scores"]
    assert told["networks"] == both and list(score["each"]) == both
    assert score["each"]["maxpool-v2"] != score["each"]["netvlad-v2"]
    assert score["reached"] == pytest.approx(sum(score["each"].values()) / 2, abs=1e-6)
    ended = call(*command)
    assert "mean of the scores of 2 networks" in ended.out


def test_networks_scored_together_are_scored_as_one(
    call, publish, alone, data, tmp_path, monkeypatch
):
    both = ["maxpool-v2", "maxpool-v1"]
    publish("maxpool-v2", pooling("max"))
    publish("maxpool-v1", pooling("max", classes=3))
    scored_as(monkeypatch, "together", both)
    out = tmp_path / "out"
    command = ("reproduce", "maxpool-v2", "--data", data, "--out", out, "--pull", "--json")
    told = json.loads(call(*command).out)
    assert told["how"] == "together" and "each" not in told["scores"][0]
    merged = tmp_path / "merged"
    assert call("combine", *(out / name for name in both), "-o", merged).code == 0
    labels = ",".join((*SOCCERNET_V2, *SOCCERNET_V1))
    plain = call("evaluate", data, merged, "--label-set", labels, "--json")
    expected = 100 * json.loads(plain.out)["average_map"]
    assert told["scores"][0]["reached"] == pytest.approx(expected, abs=1e-6) != 0


@pytest.mark.slow
def test_features_can_be_extracted_from_the_videos(call, refused, publish, stand_ins, tmp_path):
    publish("maxpool-v2", pooling("max"))
    assert call("models", "pull", "maxpool-v2", "--yes").code == 0
    root, game = tmp_path / "data", GAMES[0]
    (root / game).mkdir(parents=True)
    for half in (1, 2):
        write_video(root / game / f"{half}_224p.mkv", 600, sound=False)
    write_labels(root / game, [annotation(1, 12, "Goal"), annotation(2, 14, "Foul")])
    (root / "test.json").write_text(json.dumps([game]))
    command = ("reproduce", "maxpool-v2", "--data", root, "--out", tmp_path / "out")
    assert "give --extract to make them of the videos" in refused(*command)
    assert "exclude each other" in refused(*command, "--extract", "--features", "other")
    told = json.loads(call(*command, "--extract", "--json").out)
    assert told["games"] == 1 and any("extracted here" in reason for reason in told["may_differ"])
    exactly = ("--model", "maxpool-v2", "--threshold", 0.000001, "--precision", "fp32")
    call("spot", root / game / "1_224p.mkv", *exactly)
    spotted = json.loads((root / game / "1_224p.events.json").read_text())["events"]
    kept = tmp_path / "out/maxpool-v2" / game / "results_spotting.json"
    found = [row for row in json.loads(kept.read_text())["predictions"] if row["half"] == "1"]
    times = sorted((row["label"], int(row["position"])) for row in found)
    assert times == sorted((row["label"], round(1000 * row["time"])) for row in spotted) != []


@pytest.mark.slow
def test_the_average_of_twins_finds_what_each_finds(call, refused, publish, tmp_path, monkeypatch):
    torch.manual_seed(0)
    weights = saved(E2ESpot(E2ESpotConfig("rny002_gsm", "gru", 17)).state_dict())
    twins = ["e2e-spot-soccer-small", "e2e-spot-soccer"]
    for name in twins:
        publish(name, weights)
    root, game = tmp_path / "data", GAMES[0]
    (root / game).mkdir(parents=True)
    write_video(root / game / "1_224p.mkv", 100, sound=False)
    write_labels(root / game, [annotation(1, 2, "Goal")])
    (root / "test.json").write_text(json.dumps([game]))
    out = tmp_path / "out"
    command = ("reproduce", twins[0], "--data", root, "--out", out, "--pull", "--json")
    assert "no average" in json.loads(call(*command, "--average").out)["error"]
    score = {"metric": "tight", "value": 70, "on": "SoccerNet-v2 test"}
    set_row(monkeypatch, twins[:1], "average", {"networks": twins, "scores": [score]})
    told = json.loads(call(*command, "--average").out)
    assert (told["how"], told["networks"], told["scores"][0]["reported"]) == ("average", twins, 70)
    assert json.loads(call(*command).out)["how"] == "alone"
    alone, average = (
        json.loads((out / name / game / "results_spotting.json").read_text())["predictions"]
        for name in (twins[0], f"{twins[0]}-average")
    )
    assert alone == average != []


@pytest.mark.slow
def test_a_network_of_pictures_over_videos(call, publish, tmp_path):
    torch.manual_seed(0)
    network = E2ESpot(E2ESpotConfig("rny002_gsm", "gru", 17))
    publish("e2e-spot-soccer-small", saved(network.state_dict()))
    root, game = tmp_path / "data", GAMES[0]
    (root / game).mkdir(parents=True)
    for half in (1, 2):
        write_video(root / game / f"{half}_224p.mkv", 150, sound=False)
    write_labels(root / game, [annotation(1, 2, "Goal"), annotation(2, 4, "Foul")])
    (root / "test.json").write_text(json.dumps([game]))
    command = ("reproduce", "e2e-spot-soccer-small", "--data", root, "--out", tmp_path / "out")
    told = json.loads(call(*command, "--pull", "--json").out)
    assert [score["metric"] for score in told["scores"]] == ["tight", "loose"]
    assert [score["reported"] for score in told["scores"]] == [61.19, 73.25]
    assert all(0 <= score["reached"] <= 100 for score in told["scores"])
    assert any("ffmpeg" in reason for reason in told["may_differ"])
    assert any("float32" in reason for reason in told["may_differ"])
    assert json.loads(call(*command, "--json").out)["kept"] == 1


def test_a_folder_without_labels_is_refused_before_anything_is_fetched(refused, tmp_path):
    line = refused("reproduce", "calf-se", "--data", tmp_path, "--pull", "--out", tmp_path / "out")
    assert "holds no Labels-v2.json" in line
