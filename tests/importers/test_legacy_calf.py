"""Published networks of the CALF family become models, each as its origin means it."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from extras import needs

torch = needs("torch")

from safetensors.torch import save_file  # noqa: E402

from touchline.engines.networks import load_network  # noqa: E402
from touchline.errors import CheckpointError  # noqa: E402
from touchline.importers.models import import_checkpoint  # noqa: E402
from touchline.labels import SOCCERNET_V1, SOCCERNET_V2, SOCCERNET_V2_NON_VISUAL  # noqa: E402
from touchline.models.calf import CALF, CALFConfig  # noqa: E402
from touchline.models.calf_attention import AttentionCALF, AttentionCALFConfig  # noqa: E402

KERAS_FILE = "context-aware-loss_soccernet_trained_weights_resnet_pca512.h5"


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TOUCHLINE_HOME", str(tmp_path / "home"))


def said(network: Any, *inputs: np.ndarray) -> Any:
    with torch.inference_mode():
        return network(*(torch.from_numpy(rows.astype(np.float32)) for rows in inputs))


def agree(output: Any, known: Any, suffix: str = "") -> None:
    for name, tensor in output._asdict().items():
        np.testing.assert_allclose(tensor.numpy(), known[name + suffix], rtol=0, atol=1e-5)


@pytest.mark.parametrize(
    ("name", "system", "polarity"),
    [
        ("calf_17", "calf", "distance"),
        ("calf_mha_8h_1024", "calf-attention", "score"),
        ("calf_se", "calf-se", "score"),
    ],
)
def test_networks_of_17_classes(shared: Path, name: str, system: str, polarity: str) -> None:
    folder = import_checkpoint(shared / "data/parity/weights" / f"{name}.safetensors", name=name)
    card = folder.card
    assert card.system == system and card.label_set.labels == SOCCERNET_V2.labels
    assert card.rate == "2/1" and card.config["polarity"] == polarity
    assert card.features is not None and card.features.name == "ResNET_TF2_PCA512"
    with np.load(shared / "data/parity" / f"{name}.npz") as known:
        agree(said(load_network(folder), known["input"][:, 0]), known)


def test_the_keras_original(shared: Path) -> None:
    folder = import_checkpoint(shared / "data/checkpoints" / KERAS_FILE, name="keras")
    assert folder.card.label_set.labels == ("soccer", "card", "subs")
    assert set(folder.card.label_set.labels) == set(SOCCERNET_V1)
    assert folder.card.config["polarity"] == "distance"
    assert folder.card.features is not None and folder.card.features.name == "ResNET_PCA512"
    with np.load(shared / "data/parity/calf_keras_v1.npz") as known:
        agree(said(load_network(folder), known["input"]), known)


@pytest.mark.parametrize("kind", ["trained", "more_negative_trained"])
def test_replay_grounding(shared: Path, kind: str) -> None:
    path = shared / "data/checkpoints" / f"sn-grounding_CALF_v2_{kind}.pth.tar"
    folder = import_checkpoint(path, name="grounding")
    assert folder.card.system == "calf-grounding"
    assert folder.card.label_set.labels == ("Replay",)
    with np.load(shared / "data/parity/calf_replay_grounding.npz") as known:
        game, replay = known["input"][:, 0], known["input"][:, 1]
        agree(said(load_network(folder), game, replay), known, "_" + kind.removesuffix("_trained"))


def test_calibration_without_calibration_is_a_wide_calf(shared: Path) -> None:
    name = "calf_calib_features_only_nonvisual"
    folder = import_checkpoint(shared / "data/parity/weights" / f"{name}.safetensors", name="wide")
    assert folder.card.system == "calf" and folder.card.config["multiplier"] == 2
    assert folder.card.label_set.labels == SOCCERNET_V2_NON_VISUAL.labels
    with np.load(shared / "data/parity/calibration/1_features.npz") as arrays:
        rows = arrays[arrays.files[0]].astype(np.float32)
    starts = np.array([0, 160, 320, 260])
    clips = rows[np.minimum(starts[:, None] + np.arange(240), len(rows) - 1)]
    with np.load(shared / "data/parity" / f"{name}.npz") as known:
        agree(said(load_network(folder), clips), known)


def opensportslab(weights: dict[str, Any]) -> dict[str, Any]:
    """Names as OpenSportsLab's Lightning module has them."""
    head = ("conv_spot", "conv_conf", "conv_class")
    return {
        f"model.{'head' if key.startswith(head) else 'neck'}.{key}": value
        for key, value in weights.items()
    }


def test_opensportslab_means_scores(tmp_path: Path) -> None:
    network = CALF(CALFConfig(num_classes=17)).eval()
    torch.save(
        {"epoch": 1, "state_dict": opensportslab(network.state_dict())}, tmp_path / "calf.ckpt"
    )
    folder = import_checkpoint(tmp_path / "calf.ckpt", name="osl")
    assert folder.card.config["polarity"] == "score"
    rows = np.random.default_rng(0).standard_normal((1, 240, 512))
    loaded = load_network(folder)
    for ours, theirs in zip(said(loaded, rows), said(network, rows), strict=True):
        torch.testing.assert_close(ours, theirs)


def test_a_configuration_says_what_weights_of_calf_do_not(tmp_path: Path) -> None:
    small = {"slots": 3, "clip_steps": 48, "receptive_steps": 16, "feature_width": 20}
    torch.save(CALF(CALFConfig(num_classes=2, **small)).state_dict(), tmp_path / "calf.pth")
    text = "model: {polarity: score, neck: {framerate: 1}}\nDATA: {classes: [dive, slide]}\n"
    (tmp_path / "config.yaml").write_text(text)
    card = import_checkpoint(tmp_path / "calf.pth", config_path=tmp_path / "config.yaml").card
    assert card.config["polarity"] == "score"
    assert (card.labels.labels, card.rate) == (("dive", "slide"), "1/1")

    config = AttentionCALFConfig(num_classes=2, heads=2, hidden=12, polarity="distance", **small)
    torch.save(AttentionCALF(config).state_dict(), tmp_path / "attention.pth")
    (tmp_path / "config.json").write_text('{"heads": 2, "polarity": "distance"}')
    said = {"config_path": tmp_path / "config.json", "labels": "dive,slide"}
    assert load_network(import_checkpoint(tmp_path / "attention.pth", **said)).config == config
    for wrong in ('{"heads": 3}', '{"heads": "many"}', '{"polarity": "near"}', '{"framerate": 0}'):
        (tmp_path / "config.json").write_text(wrong)
        with pytest.raises(CheckpointError):
            import_checkpoint(tmp_path / "attention.pth", name="other", **said)


def test_any_size_is_read_off_the_weights(tmp_path: Path) -> None:
    config = CALFConfig(
        num_classes=2,
        slots=3,
        clip_steps=48,
        receptive_steps=16,
        feature_width=20,
        polarity="distance",
        capsules=6,
    )
    save_file(CALF(config).state_dict(), tmp_path / "small.safetensors")
    folder = import_checkpoint(tmp_path / "small.safetensors", name="small", labels="dive,slide")
    assert load_network(folder).config == config


def damage(weights: dict[str, Any], kind: str) -> dict[str, Any]:
    changed = dict(weights)
    if kind == "pyramid":
        changed["conv_p_2.weight"] = torch.zeros(16, 32, 5, 1)
    elif kind == "slots":
        changed["conv_class.weight"] = torch.zeros(7, 464, 1, 1)
    elif kind == "width":
        changed["conv_2.weight"] = torch.zeros(33, 128, 1, 1)
    elif kind == "flat":
        changed["conv_p_4.weight"] = torch.zeros(3)
    elif kind == "missing":
        del changed["conv_conf.bias"]
    elif kind == "empty":
        changed["conv_conf.weight"] = torch.zeros(0, 464, 1, 1)
    else:
        changed["batch_seg.weight"] = torch.full((240,), torch.nan)
    return changed


@pytest.mark.parametrize(
    "kind", ["pyramid", "slots", "width", "flat", "missing", "empty", "not finite"]
)
def test_weights_that_contradict_each_other_are_refused(tmp_path: Path, kind: str) -> None:
    weights = damage(CALF(CALFConfig(num_classes=17)).state_dict(), kind)
    save_file(weights, tmp_path / "bad.safetensors")
    with pytest.raises(CheckpointError):
        import_checkpoint(tmp_path / "bad.safetensors", name="bad")


def test_positions_that_are_not_the_published_ones_are_refused(tmp_path: Path) -> None:
    weights = AttentionCALF(AttentionCALFConfig(num_classes=17)).state_dict()
    weights["positional_encoding.pe"] = torch.zeros(1, 5000, 152)
    save_file(weights, tmp_path / "bad.safetensors")
    with pytest.raises(CheckpointError, match="sines"):
        import_checkpoint(tmp_path / "bad.safetensors", name="bad")


def test_a_keras_file_of_another_network_is_refused(tmp_path: Path) -> None:
    h5py = needs("h5py")
    with h5py.File(tmp_path / "other.h5", "w") as file:
        for layer in ("conv2d_5", "conv2d_10", "dense_3"):
            file[f"{layer}/{layer}/kernel:0"] = np.zeros((1, 1, 16, 3), np.float32)
    with pytest.raises(CheckpointError, match="dense_3"):
        import_checkpoint(tmp_path / "other.h5", name="other")
