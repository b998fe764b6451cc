"""A model with an int8 variant runs in what is fastest, and goes on without a broken variant."""

from dataclasses import replace

import numpy as np
import pytest
from extras import needs

torch = needs("torch")
needs("onnx")

from model_folders import small_network, write_folder  # noqa: E402

from touchline.engines import open_engine, openvino  # noqa: E402
from touchline.engines.export import export_onnx  # noqa: E402
from touchline.engines.openvino import OpenVINOEngine, trial_of  # noqa: E402
from touchline.engines.openvino_graph import ov  # noqa: E402
from touchline.engines.trial import Trial  # noqa: E402
from touchline.errors import ConfigError  # noqa: E402
from touchline.features.pictures import ModelPictures  # noqa: E402
from touchline.zoo.store import INT8_FILES, sha256_of  # noqa: E402


@pytest.fixture(autouse=True)
def home(tmp_path, monkeypatch):
    monkeypatch.setenv("TOUCHLINE_HOME", str(tmp_path / "home"))
    monkeypatch.setattr(openvino, "has_bfloat16", lambda: False)


@pytest.fixture
def folder(tmp_path):
    """A model whose variant is the same graph, in OpenVINO's own format."""
    folder = export_onnx(write_folder(tmp_path / "model", small_network("rny002", "gru")))
    graph, numbers = (folder.path / name for name in INT8_FILES["picture.onnx"])
    ov.save_model(ov.Core().read_model(folder.file("picture.onnx")), graph, compress_to_fp16=False)
    return with_checksums(folder, graph, numbers)


def with_checksums(folder, *paths):
    files = {**folder.card.files, **{path.name: sha256_of(path) for path in paths}}
    return replace(folder, card=folder.card.model_copy(update={"files": files}))


def fastest(monkeypatch, name):
    seconds = {"fp32": 2.0, "int8": 2.0, name: 1.0}
    monkeypatch.setattr(openvino, "trial", lambda *_: Trial(seconds))


def clip():
    frames = np.random.default_rng(1).integers(0, 256, (1, 6, 48, 64, 3), dtype=np.uint8)
    return frames, np.ones((1, 6), np.float32)


@pytest.mark.parametrize("name", ["fp32", "int8"])
def test_auto_runs_in_what_the_trial_found_fastest(folder, monkeypatch, name):
    fastest(monkeypatch, name)
    engine = open_engine(folder, engine="openvino")
    expected = open_engine(folder, engine="openvino", precision="fp32").logits(*clip())
    np.testing.assert_allclose(engine.logits(*clip()), expected, atol=1e-4)
    assert (engine.name, engine.remarks) == (f"openvino {name}", ())


def test_the_trial_passes_pictures_in_every_precision(folder):
    assert set(trial_of(folder).seconds) == {"fp32", "int8"}
    asked = open_engine(folder, engine="openvino", precision="int8")
    assert asked.name == "openvino int8"
    assert open_engine(folder, engine="openvino", precision="fp32").name == "openvino fp32"


def test_a_variant_that_moves_scores_is_left(folder, monkeypatch):
    fastest(monkeypatch, "int8")
    monkeypatch.setattr(openvino, "agree", lambda exact, coarse: False)
    engine = OpenVINOEngine(folder)
    engine.logits(*clip())
    assert engine.name == "openvino fp32"
    assert "int8 moves the scores" in engine.remarks[0]


@pytest.mark.parametrize("file", INT8_FILES["picture.onnx"])
@pytest.mark.parametrize(("is_known", "is_tried"), [(True, False), (False, False), (False, True)])
def test_a_broken_variant_is_said_and_not_used(folder, monkeypatch, file, is_known, is_tried):
    if is_tried:
        fastest(monkeypatch, "int8")  # an earlier trial says so
    path = folder.path / file
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    if is_known:  # the card has the checksum of the broken file
        folder = with_checksums(folder, path)
    engine = open_engine(folder, engine="openvino")
    assert engine.name == "openvino fp32"
    assert len(engine.remarks) == 1
    assert engine.remarks[0].startswith("runs in fp32, not in int8: ")
    assert file.split(".")[0] in engine.remarks[0]
    engine.logits(*clip())


def test_what_has_no_variant_says_how_to_make_one(tmp_path, folder):
    plain = export_onnx(write_folder(tmp_path / "plain", small_network("rny002", "")))
    with pytest.raises(ConfigError, match="touchline models quantize plain"):
        open_engine(plain, engine="openvino", precision="int8")
    with pytest.raises(ConfigError, match="use openvino"):
        open_engine(folder, engine="torch", precision="int8")


def test_features_that_others_train_on_are_not_in_int8(folder, monkeypatch):
    fastest(monkeypatch, "int8")
    extractor = ModelPictures(folder)
    assert extractor.engine == "openvino fp32"
    extractor.close()


def test_graphs_exported_anew_have_no_variant(folder):
    again = export_onnx(folder)
    assert not again.int8_files
    assert not list(folder.path.glob("*.int8.*"))
