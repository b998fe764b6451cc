"""Extractors with weights of their own: taken from published files, run on both engines."""

import json
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from extras import needs
from published_files import keras_file
from small_videos import write_video

torch = needs("torch")
h5py = needs("h5py")
needs("onnx")

from touchline.engines.features import open_feature_network, shift, trial_inputs  # noqa: E402
from touchline.errors import CheckpointError, ConfigError  # noqa: E402
from touchline.features.extractor import Placement  # noqa: E402
from touchline.features.extractors import ExtractorSpec  # noqa: E402
from touchline.features.store import write_features  # noqa: E402
from touchline.importers import extractors as extractor_weights  # noqa: E402
from touchline.models.extractors import build_timm  # noqa: E402
from touchline.models.vggish import VGGish  # noqa: E402
from touchline.pulling.extractors import open_with_weights  # noqa: E402
from touchline.zoo.extractors import find_extractor  # noqa: E402

TINY = "timm:test_resnet"


@pytest.fixture(autouse=True)
def own_home(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    monkeypatch.setenv("TOUCHLINE_HOME", str(tmp_path / "home"))
    return tmp_path / "home"


@pytest.fixture
def shallow(monkeypatch: pytest.MonkeyPatch) -> tuple[int, ...]:
    """ResNet of one block a stage: its layout is that of 152 layers."""
    monkeypatch.setattr(extractor_weights, "RESNET152_DEPTHS", (1, 1, 1, 1))
    return (1, 1, 1, 1)


def tiny_backbone(path: Path) -> Path:
    torch.manual_seed(0)
    torch.save(build_timm({"timm_name": "test_resnet"}).state_dict(), path)
    return path


def rows_of(name: str, video: Path, path: Path, engine="openvino", precision="fp32") -> np.ndarray:
    extractor = open_with_weights(ExtractorSpec(name, placement=Placement(engine, precision)))
    write_features(path, extractor, video)
    assert extractor.engine.startswith(engine)
    return np.load(path)


@pytest.mark.slow
def test_keras_weights_run_alike_on_both_engines(shallow, tmp_path, own_home):
    weights = keras_file(tmp_path / "resnet152.h5", shallow)
    video = write_video(tmp_path / "v.mkv", 80, sound=False)
    first = rows_of(f"resnet152@{weights}", video, tmp_path / "a.npy")
    again = rows_of("resnet152", video, tmp_path / "b.npy", "torch")
    assert first.shape == (6, 2048) and (first >= 0).all() and first.std() > 0
    np.testing.assert_allclose(first, again, rtol=1e-3, atol=1e-4 * first.max())
    assert sorted(path.name for path in (own_home / "extractors/resnet152").iterdir()) == [
        "extractor.json",
        "features.onnx",
        "model.safetensors",
    ]


@pytest.mark.slow
def test_backbones_of_timm_run_from_a_file_at_any_rate(tmp_path):
    weights = tiny_backbone(tmp_path / "weights.pt")
    video = write_video(tmp_path / "v.mkv", 80, sound=False)
    first = rows_of(f"{TINY}@{weights}", video, tmp_path / "a.npy")
    again = rows_of(TINY, video, tmp_path / "b.npy", "torch")
    assert len(first) == 7
    np.testing.assert_allclose(first, again, atol=1e-3 * np.abs(first).max())
    extractor = open_with_weights(ExtractorSpec(TINY, rate=Fraction(25, 3)))
    assert extractor.identity.name == TINY and extractor.identity.rate == "25/3"
    assert write_features(tmp_path / "c.npy", extractor, video).rows == 27


@pytest.mark.slow
def test_vggish_maps_sound_both_ways(tmp_path):
    torch.manual_seed(0)
    weights = tmp_path / "vggish.pth"
    entries = VGGish().state_dict()
    torch.save({**entries, "pproc.pca_means": torch.zeros(128, 1)}, weights)
    video = write_video(tmp_path / "v.mkv", 100)
    for name, rows, dims in (("vggish", 4, 128), ("vggish-half-second", 8, 512)):
        first = rows_of(f"{name}@{weights}", video, tmp_path / f"{name}.npy")
        assert first.shape == (rows, dims)
        again = rows_of(name, video, tmp_path / f"{name}-torch.npy", "torch")
        np.testing.assert_allclose(first, again, rtol=1e-3, atol=1e-4)


def test_bfloat16_is_used_where_it_moves_little_and_never_unasked_elsewhere(tmp_path):
    weights = tiny_backbone(tmp_path / "weights.pt")
    open_with_weights(ExtractorSpec(f"{TINY}@{weights}"))
    folder = find_extractor("timm-test_resnet")
    inputs = trial_inputs(folder, "features")
    exact = open_feature_network(folder, engine="openvino", precision="fp32")
    chosen = open_feature_network(folder, engine="openvino", precision="auto")
    assert exact.name == "openvino fp32"
    assert shift(exact(inputs), chosen(inputs)) <= 0.03
    np.testing.assert_array_equal(exact(inputs)[:1], exact(inputs[:1]))


def test_weights_of_other_networks_are_refused_and_leave_nothing(tmp_path, own_home, shallow):
    torch.save({"a.weight": torch.zeros(3)}, tmp_path / "other.pt")
    with h5py.File(tmp_path / "other.h5", "w") as file:
        file["dense/kernel:0"] = np.zeros((3, 3), np.float32)
    keras_file(tmp_path / "deeper.h5", (1, 2, 1, 1))
    broken = keras_file(tmp_path / "broken.h5", shallow)
    with h5py.File(broken, "r+") as file:
        file["conv1_conv/conv1_conv/bias:0"][:] = np.nan
    (tmp_path / "text.h5").write_text("no weights")
    for name, file, said in (
        ("vggish", "other.pt", "does not hold a VGGish"),
        ("resnet152", "other.h5", "does not hold a Keras ResNet"),
        ("resnet152", "deeper.h5", "outside the network"),
        ("resnet152", "broken.h5", "not finite"),
        ("resnet152", "text.h5", "cannot be read"),
        (TINY, "other.pt", "lacks"),
    ):
        with pytest.raises(CheckpointError, match=said):
            open_with_weights(ExtractorSpec(f"{name}@{tmp_path / file}"))
    with pytest.raises(ConfigError, match="timm has no backbone"):
        open_with_weights(ExtractorSpec("timm:resnet50x"))
    assert not (own_home / "extractors").exists() or not list((own_home / "extractors").iterdir())


def test_stored_weights_are_checked_and_not_exchanged_silently(tmp_path, own_home):
    weights = tiny_backbone(tmp_path / "weights.pt")
    open_with_weights(ExtractorSpec(f"{TINY}@{weights}"))
    torch.manual_seed(1)
    other = tmp_path / "other.pt"
    torch.save(build_timm({"timm_name": "test_resnet"}).state_dict(), other)
    with pytest.raises(ConfigError, match="stored with other weights"):
        open_with_weights(ExtractorSpec(f"{TINY}@{other}"))
    folder = own_home / "extractors/timm-test_resnet"
    graph = folder / "features.onnx"
    data = graph.read_bytes()
    graph.write_bytes(data[:-1] + bytes([data[-1] ^ 1]))
    with pytest.raises(CheckpointError, match="checksum"):
        _ = open_with_weights(ExtractorSpec(TINY, placement=Placement("openvino"))).engine
    (folder / "extractor.json").write_text(json.dumps({"format": "touchline-extractor"}))
    with pytest.raises(CheckpointError, match="not an extractor's card"):
        open_with_weights(ExtractorSpec(TINY))


def test_an_identity_names_the_weights(tmp_path):
    weights = tiny_backbone(tmp_path / "weights.pt")
    identity = open_with_weights(ExtractorSpec(f"{TINY}@{weights}")).identity
    assert len(identity.weights) == 64
    assert identity == open_with_weights(ExtractorSpec(TINY)).identity
