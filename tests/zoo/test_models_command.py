"""``touchline models`` as a user meets it."""

import json
import sys

import pytest
from extras import needs

needs("torch")
needs("timm")

import torch  # noqa: E402
from model_folders import small_network, write_folder  # noqa: E402
from published_files import keras_file, write_pca_pickles  # noqa: E402

from touchline.cli.main import run  # noqa: E402
from touchline.features.extractors import ExtractorSpec, open_extractor  # noqa: E402
from touchline.features.stored_pca import find_pca  # noqa: E402
from touchline.importers import extractors as extractor_weights  # noqa: E402
from touchline.models.calf import CALF, CALFConfig  # noqa: E402
from touchline.models.e2e_spot import E2ESpot, E2ESpotConfig  # noqa: E402
from touchline.zoo.identity import PUBLISHED as PUBLISHED_FILES  # noqa: E402
from touchline.zoo.store import find  # noqa: E402


@pytest.fixture(autouse=True)
def home(tmp_path, monkeypatch):
    monkeypatch.setenv("TOUCHLINE_HOME", str(tmp_path / "home"))
    return tmp_path / "home"


@pytest.fixture
def touchline(monkeypatch, capsys):
    def call(*words):
        monkeypatch.setattr(sys, "argv", ["touchline", "models", *map(str, words)])
        try:
            run()
            code = 0
        except SystemExit as left:
            code = left.code or 0
        captured = capsys.readouterr()
        return code, captured.out, captured.err

    return call


def test_list_and_show(touchline, home):
    write_folder(home / "models" / "tiny", small_network("rny002", ""))
    code, out, _ = touchline("list", "--json")
    listed = json.loads(out)
    assert code == 0
    assert "tiny" in [model["name"] for model in listed["models"]]
    assert "osl-ball-2025" in [model["name"] for model in listed["to_pull"]]
    code, out, _ = touchline("list")
    assert "tiny" in out and "AGPL-3.0" in out
    code, out, _ = touchline("show", "tiny", "--json")
    assert json.loads(out)["card"]["rate"] == "25/12"
    code, out, _ = touchline("show", "tiny")
    assert code == 0 and "rny002" in out
    card = find("tiny").card
    whole = [str(find("tiny").path), *card.files.values()]
    assert len(whole) > 1 and all(f"{text}\n" in out for text in whole)
    code, out, _ = touchline("export", "tiny", "-o", home / "out")
    assert "1 class" not in out and " 2.083 frames a second, " in out
    code, _, err = touchline("show", "nobody")
    assert code == 2 and "known models: " in err and err.count("\n") == 1
    for command in ("show", "pull"):
        code, _, err = touchline(command, "e2e-spot-socer")
        assert code == 2 and "did you mean e2e-spot-soccer " in err


def test_import_and_export(touchline, tmp_path, home):
    torch.save(E2ESpot(E2ESpotConfig("rny002", "", 2)).state_dict(), tmp_path / "ball.pt")
    code, out, _ = touchline("import", tmp_path / "ball.pt", "--no-onnx", "--json")
    assert code == 0 and json.loads(out)["files"] == ["model.safetensors"]
    code, out, _ = touchline("export", "ball", "-o", tmp_path / "out", "--fp16", "--json")
    assert code == 0 and json.loads(out)["files"] == ["picture.onnx", "head.onnx"]
    assert find(tmp_path / "out").card.storage["head.onnx"] == "fp16"
    code, _, err = touchline("import", tmp_path / "ball.pt", "--size", "big")
    assert code == 2 and "write 398x224" in err
    code, _, err = touchline("import", tmp_path / "ball.pt", "--name", "../up")
    assert code == 2 and "is not a name" in err


def test_what_makes_features_is_imported_and_listed(touchline, tmp_path, home, monkeypatch):
    needs("h5py")
    monkeypatch.setattr(extractor_weights, "RESNET152_DEPTHS", (1, 1, 1, 1))
    weights = keras_file(tmp_path / "resnet152.h5", (1, 1, 1, 1))
    for _ in range(2):  # the second time there is nothing to do
        code, out, err = touchline("import", weights, "--no-onnx", "--json")
        assert code == 0, err
    told = json.loads(out)
    assert told["name"] == "resnet152" and told["files"] == ["model.safetensors"]
    pca, average = write_pca_pickles(tmp_path, 2048, 6)
    code, _, err = touchline("import", pca)
    assert code == 2 and "--average" in err and err.count("\n") == 1
    code, out, _ = touchline("import", pca, "--average", average, "--json")
    assert code == 0 and json.loads(out)["published"]
    stored = find_pca(PUBLISHED_FILES, 6)
    assert stored is not None and find_pca(PUBLISHED_FILES, 7) is None
    identities = {
        open_extractor(ExtractorSpec("resnet152", pca=files)).identity
        == open_extractor(ExtractorSpec("resnet152", pca=(pca, average))).identity
        for files in ((stored.path, None), (pca, average))
    }
    assert identities == {True}
    code, out, _ = touchline("list")
    assert "Extractor: resnet152 (resnet152-keras, 224x224" in out
    assert "2048 to 6 numbers" in out and "None" not in out
    code, out, _ = touchline("list", "--json")
    assert [folder["name"] for folder in json.loads(out)["extractors"]] == ["resnet152"]
    code, out, _ = touchline("show", "resnet152", "--json")
    assert json.loads(out)["card"]["network"] == "resnet152-keras"
    code, _, err = touchline("import", weights, "--labels", "a,b")
    assert code == 2 and "--labels: the file holds the extractor resnet152" in err


def test_a_published_model_says_what_made_its_features(touchline, tmp_path, home):
    network = CALF(CALFConfig(num_classes=17, slots=3, clip_steps=32, receptive_steps=16))
    torch.save({"state_dict": network.state_dict()}, tmp_path / "calf.pth.tar")
    code, out, err = touchline("import", tmp_path / "calf.pth.tar", "--json")
    assert code == 0, err
    identity = find("calf").card.features.identity
    assert (identity.name, identity.rate, identity.weights) == ("resnet152", "2/1", "published")
    assert identity.settings["pca"] == PUBLISHED_FILES
    code, out, _ = touchline("list")
    assert "ResNET_TF2_PCA512 (512)" in out and "NonexNone" not in out


def test_an_entry_that_cannot_be_renamed_names_the_file(touchline, tmp_path):
    h5py = needs("h5py")
    with h5py.File(tmp_path / "odd.h5", "w") as file:
        for layer in ("conv2d_10/conv2d_10/kernel:0", "conv2d_5/conv2d_5/kernel:0", "what"):
            file[layer] = [[1.0]]
    code, _, err = touchline("import", tmp_path / "odd.h5")
    assert code == 2 and "odd.h5: " in err and err.count("\n") == 1
