"""Published dense anchors and ASTRA become models."""

import numpy as np
import pytest
from extras import needs

torch = needs("torch")

from safetensors.torch import save_file  # noqa: E402

from touchline.engines.networks import load_network  # noqa: E402
from touchline.errors import CheckpointError  # noqa: E402
from touchline.importers.legacy import spivak  # noqa: E402
from touchline.importers.models import import_checkpoint  # noqa: E402
from touchline.labels import SOCCERNET_V2  # noqa: E402
from touchline.models.astra import ASTRA, ASTRAConfig  # noqa: E402
from touchline.models.dense_anchors import DenseAnchors, DenseAnchorsConfig  # noqa: E402
from touchline.zoo.cards import ModelCard  # noqa: E402


@pytest.fixture(autouse=True)
def home(tmp_path, monkeypatch):
    monkeypatch.setenv("TOUCHLINE_HOME", str(tmp_path / "home"))


def variables_of(shared) -> dict[str, torch.Tensor]:
    with np.load(shared / "data" / "parity" / "spivak_unet_small.npz") as fixture:
        names = [name for name in fixture.files if name.startswith("w:")]
        return {name.removeprefix("w:"): torch.from_numpy(fixture[name]) for name in names}


def test_published_dense_anchors_become_a_model(shared, tmp_path):
    variables = variables_of(shared)
    save_file(variables, tmp_path / "both.safetensors")
    folder = import_checkpoint(tmp_path / "both.safetensors", out=tmp_path / "model")
    card = folder.card
    assert (card.system, card.rate, card.features.width) == ("dense-anchors", "2/1", 600)
    assert card.labels.labels == SOCCERNET_V2.labels
    assert (card.suppression.kind, card.suppression.floor) == ("linear", 1e-5)
    assert load_network(folder).config.shared_trunk


def test_keras_files_nest_the_same_variables(shared, tmp_path):
    h5py = needs("h5py")
    with h5py.File(tmp_path / "weights.h5", "w") as file:
        for name, value in variables_of(shared).items():
            if not name.startswith("delta"):
                file[f"{name.partition('/')[0]}/{name}"] = value.numpy()
    folder = import_checkpoint(tmp_path / "weights.h5", out=tmp_path / "model")
    assert folder.card.config["heads"] in (["confidence"], ("confidence",))
    assert (folder.card.suppression.kind, folder.card.suppression.window_seconds) == ("greedy", 10)


def test_baidu_features_are_interpolated(tmp_path):
    config = DenseAnchorsConfig(num_classes=17, feature_width=8576, width=1)
    ours = DenseAnchors(config).state_dict()
    pair = {
        f"{head}:{name}": value
        for head in config.heads
        for name, value in spivak.to_keras(ours, head).items()
    }
    save_file(pair, tmp_path / "pair.safetensors")
    card = import_checkpoint(tmp_path / "pair.safetensors", out=tmp_path / "model").card
    assert (card.rate, card.config["upsampling"]) == ("1/1", 2)
    assert card.features.name == "baidu_soccer_embeddings"


def test_features_are_divided_by_the_scale_that_is_given(shared, tmp_path):
    variables = variables_of(shared)
    scale = torch.linspace(0.5, 2, 600)
    plain = spivak.convert(variables)
    scaled = spivak.convert(variables | {"feature_scale": scale})
    config = spivak.infer_config(scaled)
    assert config.scaled and not spivak.infer_config(plain).scaled
    networks = []
    for weights in (plain, scaled):
        networks.append(DenseAnchors(config).eval())
        networks[-1].load_state_dict(weights)
    clips = torch.rand(1, 224, 600)
    with torch.inference_mode():
        expected, said = networks[0](clips), networks[1](clips * scale)
    torch.testing.assert_close(said.confidence, expected.confidence, atol=1e-5, rtol=1e-4)
    for wrong in (scale[:5], -scale):
        with pytest.raises(CheckpointError, match="feature_scale"):
            spivak.convert(variables | {"feature_scale": wrong})


def test_displacements_alone_are_refused(shared, tmp_path):
    variables = variables_of(shared)
    alone = {k: v for k, v in variables.items() if not k.startswith("confidence")}
    save_file(alone, tmp_path / "delta.safetensors")
    with pytest.raises(CheckpointError, match=r"find nothing.*in one file"):
        import_checkpoint(tmp_path / "delta.safetensors", out=tmp_path / "model")


@pytest.mark.parametrize(
    ("classes", "audio", "plain"),
    [(17, True, False), (17, False, False), (3, False, False), (17, True, True), (3, False, True)],
)
def test_published_astra_becomes_a_model(tmp_path, classes, audio, plain):
    config = ASTRAConfig(
        num_classes=classes,
        feature_width=12,
        backbones=(4, 8),
        audio=audio,
        clip_seconds=8,
        mels=16 if audio else 128,
        width=16,
        audio_width=24 if audio else 4096,
        feedforward=32,
        decoder_layers=2,
        sections=(4, 2, 1, 1),
        uncertainty=not plain,
    )
    torch.manual_seed(0)
    network = ASTRA(config)
    queues = {"labelQ": torch.zeros(3, 2, 16, 3), "featBQ": torch.zeros(3, 2, 8, 12)}
    weights = network.state_dict()
    if plain:  # nor with its augmentation of features
        weights = {key: value for key, value in weights.items() if "temporal_drop" not in key}
    torch.save({"state_dict": weights | queues}, tmp_path / "best.pt")
    labels = None if classes == 17 else "A,B,C"
    folder = import_checkpoint(tmp_path / "best.pt", out=tmp_path / "model", labels=labels)
    loaded = load_network(folder)
    assert loaded.config == config
    assert all(
        torch.equal(a, b) for a, b in zip(loaded.parameters(), network.parameters(), strict=True)
    )
    assert {name: s.width for name, s in folder.card.streams.items()} == (
        {"log_mel": 16} if audio else {}
    )
    windows = folder.card.suppression.window_seconds
    assert windows == 4.0 if classes == 3 else windows[:3] == (2.5, 3.5, 4.5)
    again = ModelCard.model_validate_json(folder.card.model_dump_json())
    assert again.suppression == folder.card.suppression


def test_an_astra_that_lacks_an_entry_is_refused(tmp_path):
    weights = {"queries": torch.zeros(4, 8), "encTB": torch.zeros(2, 8)}
    weights["Tencoder.layers.0.linear1.weight"] = torch.zeros(8, 8)
    torch.save(weights, tmp_path / "best.pt")
    with pytest.raises(CheckpointError, match=r"lacks clas_head.head.4.weight"):
        import_checkpoint(tmp_path / "best.pt", out=tmp_path / "model")
