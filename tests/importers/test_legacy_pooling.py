"""Published pooling networks become models: recognised by their entries, with their own classes."""

import json

import numpy as np
import pytest
from extras import needs

torch = needs("torch")

from safetensors.torch import load_file, save_file  # noqa: E402

from touchline.engines.networks import load_network  # noqa: E402
from touchline.errors import CheckpointError  # noqa: E402
from touchline.importers.models import import_checkpoint  # noqa: E402
from touchline.labels import SOCCERNET_V1, SOCCERNET_V2  # noqa: E402
from touchline.models.pooling import POOLINGS, PoolingConfig, PoolingNetwork  # noqa: E402

OPENSPORTSLAB = {
    "feature_extractor.": "backbone.feature_extractor.",
    "pool_layer": "neck.pooling_layer",
    "fc.": "head.head.",
}

OPENSPORTSLAB_CONFIG = """
DATA: {classes: [CLASSES], extract_fps: 2, input_fps: 25}
MODEL:
  type: LearnablePooling
  backbone: {type: PreExtactedFeatures, framerate: 2, window_size: WINDOW}
  neck: {type: POOLING}
"""


@pytest.fixture(autouse=True)
def home(tmp_path, monkeypatch):
    monkeypatch.setenv("TOUCHLINE_HOME", str(tmp_path / "home"))


def weights_of(pooling, classes=17, **config):
    torch.manual_seed(0)
    return PoolingNetwork(PoolingConfig(pooling, classes, **config)).state_dict()


def published(path, weights):
    """A checkpoint as the benchmarks save them."""
    torch.save({"epoch": 3, "state_dict": dict(weights), "best_loss": 0.1}, path)
    return path


def as_opensportslab(weights):
    renamed = {}
    for key, value in weights.items():
        ours = next(prefix for prefix in OPENSPORTSLAB if key.startswith(prefix))
        renamed["module." + OPENSPORTSLAB[ours] + key.removeprefix(ours)] = value
    return renamed


@pytest.mark.parametrize(
    ("name", "pooling", "labels"),
    [
        ("MAXPOOL_v1", "max", SOCCERNET_V1),
        ("MAXPOOL_v2", "max", SOCCERNET_V2),
        ("NETVLAD_v1", "netvlad-conv", SOCCERNET_V1),
    ],
)
def test_the_published_checkpoints(name, pooling, labels, shared):
    path = shared / f"data/checkpoints/sn-spotting_Pooling_{name}.pth.tar"
    folder = import_checkpoint(path)
    card = folder.card
    assert card.system == "pooling" and card.config["pooling"] == pooling
    assert card.labels.labels == labels.labels and card.labels.name == labels.name
    assert (card.rate, card.config["clip_steps"]) == ("2/1", 40)
    assert (card.features.name, card.features.width) == ("ResNET_TF2_PCA512", 512)
    assert (card.suppression.kind, card.suppression.window_seconds) == ("half-open", 10.0)
    network = load_network(folder)
    case_path = shared / f"data/parity/pooling_{name}.npz"
    if not case_path.is_file():
        return
    case = np.load(case_path)
    with torch.inference_mode():
        found = network(torch.from_numpy(case["input"])).sigmoid()
    np.testing.assert_allclose(found, case["output"], atol=1e-5)


def test_every_published_temporally_aware_layout(shared, tmp_path):
    paths = sorted((shared / "data/parity/weights").glob("tapool_*.safetensors"))
    assert paths
    for path in paths:
        card = import_checkpoint(path, name=path.stem).card
        said = path.stem.split("_")[1].lower().replace("pp", "++")
        # A mean has no weights of its own, nor has the first baseline's maximum.
        assert card.config["pooling"] == said.replace("avg", "max")
        assert card.config["clip_steps"] == (40 if "++" not in said and "vlad" not in said else 30)
        assert card.labels.labels == SOCCERNET_V2.labels
        wide = card.config["feature_width"] == 2048
        assert card.features.name == ("ResNET_TF2" if wide else "ResNET_TF2_PCA512")


@pytest.mark.parametrize("pooling", POOLINGS)
@pytest.mark.parametrize("feature_width", [512, 40])
@pytest.mark.parametrize("wrap", [dict, as_opensportslab], ids=["original", "OpenSportsLab"])
def test_every_pooling_is_read_off_its_entries(pooling, feature_width, wrap, tmp_path):
    weights = weights_of(pooling, feature_width=feature_width, clusters=6)
    folder = import_checkpoint(published(tmp_path / "a.pth.tar", wrap(weights)))
    config = folder.card.config
    assert config["pooling"] == pooling.replace("avg", "max")
    assert (config["feature_width"], config["width"]) == (feature_width, 512)
    assert config["clusters"] == (6 if "vlad" in pooling else 64)
    loaded = load_network(folder).state_dict()
    assert all(torch.equal(loaded[key], value) for key, value in weights.items())


@pytest.mark.parametrize("pooling", ["AvgPool++", "MaxPool++"])
def test_a_configuration_says_what_weights_do_not(pooling, tmp_path):
    weights = as_opensportslab(weights_of("avg++"))
    path = published(tmp_path / "a.pth.tar", weights)
    text = OPENSPORTSLAB_CONFIG.replace("CLASSES", ", ".join(reversed(SOCCERNET_V2.labels)))
    (tmp_path / "config.yaml").write_text(text.replace("POOLING", pooling).replace("WINDOW", "15"))
    card = import_checkpoint(path, config_path=tmp_path / "config.yaml").card
    assert card.config["pooling"] == pooling.lower().replace("pool", "")
    assert (card.config["clip_steps"], card.rate) == (30, "2/1")
    assert card.labels.labels == tuple(reversed(SOCCERNET_V2.labels))


def test_the_options_of_the_published_trainer_are_a_configuration(tmp_path):
    path = published(tmp_path / "a.pth.tar", weights_of("avg", 5))
    options = {"pool": "AVG", "framerate": 2, "window_size": 15, "classes": list("abcde")}
    (tmp_path / "options.json").write_text(json.dumps(options))
    card = import_checkpoint(path, config_path=tmp_path / "options.json").card
    assert (card.config["pooling"], card.config["clip_steps"]) == ("avg", 30)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"pool_layer.clusters2": None, "pool_layer_after.clusters2": torch.zeros(1, 2, 2)}, "no"),
        ({"pool_layer.clusters": torch.zeros(512, 65)}, "512, 64.*512, 65"),
        ({"pool_layer.clusters": torch.zeros(3)}, "pool_layer.clusters"),
        ({"pool_layer.clusters2": torch.full((1, 512, 64), torch.nan)}, "not finite"),
        ({"fc.bias": None}, "fc.bias"),
        ({"fc.weight": torch.zeros(1)}, "num_classes"),
    ],
)
def test_broken_checkpoints_are_refused(change, said, tmp_path):
    weights = {**weights_of("netvlad"), **change}
    weights = {key: value for key, value in weights.items() if value is not None}
    save_file(weights, tmp_path / "broken.safetensors")
    with pytest.raises(CheckpointError, match=said):
        import_checkpoint(tmp_path / "broken.safetensors")


def test_a_configuration_of_another_pooling_is_refused(tmp_path):
    save_file(weights_of("netvlad++"), tmp_path / "a.safetensors")
    (tmp_path / "config.json").write_text(json.dumps({"pool": "NetRVLAD++"}))
    with pytest.raises(CheckpointError, match=r"netrvlad\+\+.*netvlad\+\+"):
        import_checkpoint(tmp_path / "a.safetensors", config_path=tmp_path / "config.json")


def test_fixture_weights_run_as_published(shared):
    case = np.load(shared / "data/parity/tapool_NetVLADpp_2048.npz")
    path = shared / "data/parity/weights/tapool_NetVLADpp_2048.safetensors"
    network = load_network(import_checkpoint(path))
    with torch.inference_mode():
        found = network(torch.from_numpy(case["input"])).sigmoid()
    np.testing.assert_allclose(found, case["output"], atol=1e-5)
    assert set(load_file(path)) == set(network.state_dict())
