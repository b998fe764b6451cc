"""Dense anchors: equal to the published network, and fit to be trained."""

import numpy as np
import pytest
from extras import needs

torch = needs("torch")

from touchline.errors import CheckpointError, ConfigError  # noqa: E402
from touchline.importers.legacy import spivak  # noqa: E402
from touchline.models.dense_anchors import (  # noqa: E402
    DenseAnchors,
    DenseAnchorsConfig,
)


def small(**given) -> DenseAnchors:
    torch.manual_seed(0)
    sizes = {"num_classes": 3, "feature_width": 20, "width": 1, "clip_steps": 64}
    return DenseAnchors(DenseAnchorsConfig(**(sizes | given))).eval()


@pytest.fixture
def published(shared):
    with np.load(shared / "data" / "parity" / "spivak_unet_small.npz") as fixture:
        return {key: torch.from_numpy(fixture[key]) for key in fixture.files}


def variables_of(published) -> dict[str, torch.Tensor]:
    return {key: value for key, value in published.items() if key.startswith("w:")}


def test_the_published_network_gives_its_published_output(published):
    variables = variables_of(published)
    assert spivak.is_spivak(variables)
    weights = spivak.convert(variables)
    network = DenseAnchors(spivak.infer_config(weights)).eval()
    network.load_state_dict(weights, strict=True)
    with torch.inference_mode():
        said = network(published["input"].float())
    expected = published["confidence_logits"][..., 0], published["delta_tanh"][..., 0]
    torch.testing.assert_close(said.confidence, expected[0], atol=1e-5, rtol=0)
    torch.testing.assert_close(said.delta, expected[1], atol=1e-5, rtol=0)
    post = published["confidence_post"][..., 0]
    torch.testing.assert_close(said.confidence.sigmoid(), post, atol=1e-5, rtol=0)
    frames = published["delta_frames_post"][..., 0]
    torch.testing.assert_close(12 * said.delta, frames, atol=1e-4, rtol=0)


def test_a_pair_of_networks_gets_a_trunk_for_each(published):
    pair = {}
    for head, other in (("confidence", "delta"), ("delta", "confidence")):
        for key, value in variables_of(published).items():
            if not key.startswith(f"w:{other}_"):
                pair[f"{head}:{key.removeprefix('w:')}"] = value
    assert spivak.is_spivak(pair)
    weights = spivak.convert(pair)
    config = spivak.infer_config(weights)
    assert config.heads == ("confidence", "delta") and not config.shared_trunk
    network = DenseAnchors(config).eval()
    network.load_state_dict(weights, strict=True)
    with torch.inference_mode():
        said = network(published["input"].float())
    expected = published["delta_tanh"][..., 0]
    torch.testing.assert_close(said.delta, expected, atol=1e-5, rtol=0)


@pytest.mark.parametrize("feature_width", [20, 600])
@pytest.mark.parametrize("shared_trunk", [False, True])
def test_keras_names_and_ours_convert_into_each_other(feature_width, shared_trunk):
    network = small(feature_width=feature_width, shared_trunk=shared_trunk)
    ours = network.state_dict()
    heads = ("confidence",) if shared_trunk else network.config.heads
    variables = {
        f"{head}:{name}": value
        for head in heads
        for name, value in spivak.to_keras(ours, head).items()
    }
    back = spivak.convert(variables)
    assert back.keys() == ours.keys()
    assert all(torch.equal(back[key], ours[key]) for key in ours)


@pytest.mark.parametrize(
    "wrong",
    [
        {"input_reduction_out/kernel:0": torch.zeros(1, 1, 4, 4)},
        {"confidence_convolution/kernel:0": torch.zeros(3, 4, 3)},
        {"confidence_convolution/kernel:0": torch.zeros(3, 1, 4, 3), "x/y": torch.zeros(3)},
        {"confidence_convolution/kernel:0": torch.zeros(3, 1, 4, 3), "a/bias": torch.zeros(3)},
        {"confidence_convolution/kernel:0": torch.zeros(3, 1, 4, 3)},
        {"delta_convolution/kernel:0": torch.zeros(3, 1, 4, 3)},
    ],
)
def test_variables_of_another_network_are_refused(wrong):
    with pytest.raises(CheckpointError):
        spivak.infer_config(spivak.convert(wrong))


def test_the_published_size():
    with torch.device("meta"):
        network = DenseAnchors(
            DenseAnchorsConfig(num_classes=17, feature_width=8576, heads=("confidence",))
        )
    assert sum(p.numel() for p in network.parameters()) == 21_856_721


def test_steps_are_reduced_alone_and_clips_do_not_depend_on_their_batch():
    network = small()
    clips = torch.randn(3, 64, 20)
    with torch.inference_mode():
        whole = network(clips)
        reduced = network.reduce(clips.flatten(0, 1))
        parts = {name: x.unflatten(0, (3, 64))[1:2] for name, x in reduced.items()}
        again = network.relate(parts)
    torch.testing.assert_close(again.confidence, whole.confidence[1:2])
    torch.testing.assert_close(again.delta, whole.delta[1:2])


def test_rows_are_interpolated_to_steps_at_the_end_of_their_time():
    network = small(upsampling=2, feature_width=1)
    rows = torch.tensor([0.0, 1.0, 2.0]).reshape(1, 3, 1)
    assert network.interpolate(rows).flatten().tolist() == [0, 0, 0.5, 1, 1.5, 2]
    assert torch.equal(small().interpolate(rows), rows)


@pytest.mark.parametrize("heads", [("confidence",), ("confidence", "delta")])
@pytest.mark.parametrize("shared_trunk", [False, True])
def test_gradients_reach_every_parameter(heads, shared_trunk):
    network = small(heads=heads, feature_width=600, shared_trunk=shared_trunk).train()
    said = network(torch.randn(2, 64, 600))
    sum(x.square().sum() for x in said if x is not None).backward()
    assert all(p.grad is not None and p.grad.isfinite().all() for p in network.parameters())


def test_a_head_alone_says_what_it_says_among_others():
    for shared_trunk in (False, True):
        network = small(shared_trunk=shared_trunk)
        clips = torch.randn(2, 64, 20)
        with torch.inference_mode():
            whole = network(clips)
            torch.testing.assert_close(network.apply_head("confidence", clips), whole.confidence)
            torch.testing.assert_close(network.apply_head("delta", clips), whole.delta)


@pytest.mark.parametrize(
    "wrong",
    [
        {"num_classes": 0},
        {"heads": ()},
        {"heads": ("delta",)},
        {"heads": ("delta", "confidence")},
        {"clip_steps": 100},
        {"upsampling": 0},
        {"delta_seconds": 0},
    ],
)
def test_a_wrong_configuration_is_refused(wrong):
    with pytest.raises(ConfigError):
        DenseAnchorsConfig(**({"num_classes": 3, "feature_width": 20} | wrong))
