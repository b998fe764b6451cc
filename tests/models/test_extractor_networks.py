"""ResNet-152 in the Keras layout and VGGish, against what the published networks compute."""

import json
import zlib
from pathlib import Path

import numpy as np
import pytest
from extras import needs

torch = needs("torch")

from touchline.engines.networks import fill  # noqa: E402
from touchline.importers.legacy import keras_resnet  # noqa: E402
from touchline.models.resnet_keras import KerasResNet, published_pixels  # noqa: E402
from touchline.models.vggish import VGGish, postprocess  # noqa: E402


def seeded(key: str, shape: list[int] | torch.Size) -> np.ndarray:
    """The generator that the fixtures' weights come from."""
    rng = np.random.default_rng(zlib.crc32(key.encode()))
    return rng.standard_normal(tuple(shape), dtype=np.float32)


def keras_variable(path: str, shape: list[int]) -> torch.Tensor:
    noise = seeded(path, shape)
    scaled = {
        "kernel": lambda: noise * np.sqrt(2 / np.prod(shape[:3])),
        "bias": lambda: 0.01 * noise,
        "gamma": lambda: 0.5 + 0.05 * noise,
        "beta": lambda: 0.05 * noise,
        "moving_mean": lambda: 0.1 * noise,
        "moving_variance": lambda: np.exp(0.1 * noise),
    }[path.rpartition("/")[2]]()
    return torch.from_numpy(scaled.astype(np.float32))


def vggish_entry(key: str, shape: torch.Size) -> torch.Tensor:
    scale = 0.01 if key.endswith("bias") else np.sqrt(2 / np.prod(shape[1:]))
    return torch.from_numpy((seeded(key, shape) * scale).astype(np.float32))


def relative(found: torch.Tensor, expected: np.ndarray) -> float:
    return float(np.abs(found.numpy() - expected).max() / np.abs(expected).max())


@pytest.fixture(scope="module")
def keras(shared: Path) -> dict[str, np.ndarray]:
    return dict(np.load(shared / "data/parity/resnet152_keras_layout.npz"))


@pytest.fixture(scope="module")
def sound(shared: Path) -> dict[str, np.ndarray]:
    names = ("vggish_network", "vggish_frontend")
    files = [np.load(shared / f"data/parity/{name}.npz") for name in names]
    return {key: file[key] for file in files for key in file.files}


@pytest.fixture(scope="module")
def vggish() -> VGGish:
    network = VGGish().eval()
    weights = {k: vggish_entry(k, v.shape) for k, v in network.state_dict().items()}
    fill(network, weights, where="seeded")
    return network


@pytest.mark.slow
def test_resnet_computes_what_keras_computes(keras):
    names = json.loads(str(keras["weight_names"]))
    variables = {path: keras_variable(path, shape) for path, shape in names}
    assert keras_resnet.is_keras_resnet(variables)
    network = KerasResNet().eval()
    fill(network, keras_resnet.rename(variables), where="seeded")
    frames = torch.from_numpy(keras["frames_bgr"][..., ::-1].copy())
    with torch.no_grad():
        outputs = network.stage_outputs(published_pixels(frames))
        features = network(published_pixels(frames))
    for name, at, patch in (
        ("conv1_relu_patch", 0, (slice(50, 54), 8)),
        ("pool1_patch", 1, (slice(20, 24), 8)),
        ("conv3_out_patch", 3, (slice(10, 12), 16)),
    ):
        window, channels = patch
        found = outputs[at].permute(0, 2, 3, 1)[:, window, window, :channels].numpy()
        np.testing.assert_allclose(found, keras[name], atol=1e-4)
    np.testing.assert_allclose([float(x.mean()) for x in outputs], keras["stage_mean"], rtol=1e-4)
    tolerance = 1e-3 * keras["avg_pool"].std()
    np.testing.assert_allclose(features.numpy(), keras["avg_pool"], rtol=0, atol=tolerance)
    assert (features >= 0).all()


def test_pixels_keep_the_published_exchange_of_red_and_blue(keras):
    frames = torch.from_numpy(keras["frames_bgr"][:, :4, :4, ::-1].copy())
    corner = published_pixels(frames).permute(0, 2, 3, 1).numpy()
    np.testing.assert_allclose(corner, keras["preprocessed_corner"], atol=1e-4)


def test_keras_names_and_layout_are_turned_with_or_without_its_classifier():
    network = KerasResNet()
    variables = {
        "conv1_conv/conv1_conv/kernel:0": torch.zeros(7, 7, 3, 64),
        "conv5_block1_0_conv/conv5_block1_0_conv/kernel:0": torch.zeros(1, 1, 1024, 2048),
        "conv5_block1_0_bn/conv5_block1_0_bn/moving_variance:0": torch.ones(2048),
        "predictions/predictions/kernel:0": torch.zeros(2048, 1000),
    }
    assert keras_resnet.is_keras_resnet(variables)
    renamed = keras_resnet.rename(variables)
    wanted = network.state_dict()
    assert {key: value.shape for key, value in renamed.items()} == {
        key: wanted[key].shape for key in renamed
    }
    assert len(renamed) == 4  # a batch norm's variance brings its counter, the classifier nothing


@pytest.mark.slow
def test_vggish_computes_what_the_published_port_computes(vggish, sound):
    examples = torch.from_numpy(sound["examples"])[:, None]
    with torch.no_grad():
        maps = vggish.convolve(examples[:1])
        embeddings = vggish(examples)
        halves = vggish.half_seconds(torch.from_numpy(sound["half_second_examples"])[:, None])
        single = vggish(examples[:1])
    first = vggish.state_dict()["features.0.weight"][:2].numpy()
    np.testing.assert_allclose(first, sound["first_weights_features_0"], rtol=1e-6)
    assert relative(maps, sound["conv_features"]) < 1e-4
    assert relative(embeddings, sound["embeddings"]) < 1e-4
    assert relative(halves, sound["half_second_conv4_2_gap"]) < 1e-4
    assert single.shape == (1, 128) and not single.requires_grad


def test_quantised_embeddings_are_the_published_ones(sound):
    given = [torch.from_numpy(sound[k]) for k in ("embeddings", "pca_eigen_vectors", "pca_means")]
    found = postprocess(*given).numpy()
    assert (np.abs(found - sound["postprocessed"]) <= 1).all()
    assert (found == sound["postprocessed"]).mean() > 0.99
