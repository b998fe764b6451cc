"""The CALF family: equal to the published networks, at any size, and fit to be trained."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from extras import needs

torch = needs("torch")

from safetensors.torch import load_file  # noqa: E402
from torch import nn  # noqa: E402

from touchline.errors import ConfigError  # noqa: E402
from touchline.models.calf import CALF, CALFConfig  # noqa: E402
from touchline.models.calf_attention import (  # noqa: E402
    AttentionCALF,
    AttentionCALFConfig,
    SqueezeCALF,
    SqueezeCALFConfig,
)
from touchline.models.calf_grounding import GroundingCALF, GroundingCALFConfig  # noqa: E402
from touchline.models.parts.capsules import nearness  # noqa: E402

NETWORKS = {
    "calf_17": (CALF, CALFConfig(num_classes=17)),
    "calf_mha_8h_1024": (AttentionCALF, AttentionCALFConfig(num_classes=17)),
    "calf_se": (SqueezeCALF, SqueezeCALFConfig(num_classes=17)),
}

SMALL = {"num_classes": 3, "slots": 4, "clip_steps": 48, "receptive_steps": 16, "feature_width": 20}

COMPUTED_OR_UNUSED = ("positional_encoding.", "conv_seg_bn.")


def fixture(shared: Path, name: str) -> dict[str, np.ndarray]:
    with np.load(shared / "data" / "parity" / f"{name}.npz") as arrays:
        return {key: arrays[key] for key in arrays}


def filled(network: nn.Module, weights: dict[str, Any]) -> nn.Module:
    network.load_state_dict(
        {k: v for k, v in weights.items() if not k.startswith(COMPUTED_OR_UNUSED)}, strict=True
    )
    return network.eval()


def agree(output: Any, expected: dict[str, np.ndarray], suffix: str = "") -> None:
    for name, tensor in output._asdict().items():
        np.testing.assert_allclose(tensor.numpy(), expected[name + suffix], rtol=0, atol=1e-5)


@pytest.mark.parametrize("name", NETWORKS)
def test_equals_the_published_network(shared: Path, name: str) -> None:
    build, config = NETWORKS[name]
    weights = load_file(shared / "data" / "parity" / "weights" / f"{name}.safetensors")
    network = filled(build(config), weights)
    known = fixture(shared, name)
    with torch.inference_mode():
        output = network(torch.from_numpy(known["input"][:, 0].astype(np.float32)))
    agree(output, known)


def test_equals_the_keras_original(shared: Path) -> None:
    weights = load_file(shared / "data/parity/weights/calf_keras_v1_converted.safetensors")
    network = filled(CALF(CALFConfig(num_classes=3, slots=5, polarity="distance")), weights)
    known = fixture(shared, "calf_keras_v1")
    with torch.inference_mode():
        agree(network(torch.from_numpy(known["input"].astype(np.float32))), known)


@pytest.mark.parametrize(
    ("name", "suffix"), [("trained", "_trained"), ("more_negative_trained", "_more_negative")]
)
def test_equals_the_published_replay_grounding(shared: Path, name: str, suffix: str) -> None:
    path = shared / "data" / "checkpoints" / f"sn-grounding_CALF_v2_{name}.pth.tar"
    weights = torch.load(path, map_location="cpu", weights_only=True)["state_dict"]
    network = filled(GroundingCALF(GroundingCALFConfig()), weights)
    known = fixture(shared, "calf_replay_grounding")
    game, replay = torch.from_numpy(known["input"].astype(np.float32)).unbind(1)
    with torch.inference_mode():
        agree(network(game, replay), known, suffix)


@pytest.mark.parametrize(
    ("network", "count"),
    [
        (CALF(CALFConfig(num_classes=17)), 578_245),
        (AttentionCALF(AttentionCALFConfig(num_classes=17)), 985_811),
        (
            AttentionCALF(
                AttentionCALFConfig(num_classes=17, heads=4, hidden=512, refinement=False)
            ),
            828_189,
        ),
        (SqueezeCALF(SqueezeCALFConfig(num_classes=17)), 369_073 - 2 * 272),  # an unused norm
    ],
    ids=["calf", "attention", "attention-4-512", "squeeze"],
)
def test_has_the_published_number_of_parameters(network: nn.Module, count: int) -> None:
    assert sum(parameter.numel() for parameter in network.parameters()) == count


@pytest.mark.parametrize("clip_steps", [15, 16, 47, 48, 120, 480])
@pytest.mark.parametrize("receptive_steps", [1, 7, 15])
def test_takes_any_size(clip_steps: int, receptive_steps: int) -> None:
    config = CALFConfig(**SMALL | {"clip_steps": clip_steps, "receptive_steps": receptive_steps})
    output = CALF(config).eval()(torch.randn(2, clip_steps, 20))
    assert output.segmentation.shape == (2, clip_steps, 3)
    assert output.spotting.shape == (2, 4, 5)
    assert output.segmentation.min() >= 0 and output.segmentation.max() <= 1
    torch.testing.assert_close(output.spotting[..., 2:].sum(dim=2), torch.ones(2, 4))


@pytest.mark.parametrize("rows", [torch.zeros, torch.ones, torch.randn])
@pytest.mark.parametrize(
    "build",
    [
        lambda: CALF(CALFConfig(**SMALL)),
        lambda: AttentionCALF(AttentionCALFConfig(**SMALL)),
        lambda: SqueezeCALF(SqueezeCALFConfig(**SMALL)),
    ],
    ids=["calf", "attention", "squeeze"],
)
def test_gradients_are_finite(
    build: Callable[[], nn.Module], rows: Callable[..., torch.Tensor]
) -> None:
    torch.manual_seed(0)
    network = build()
    output = network(rows(4, 48, 20))
    (output.segmentation.sum() + output.spotting.sum()).backward()
    for name, parameter in network.named_parameters():
        assert parameter.grad is not None, name
        assert torch.isfinite(parameter.grad).all(), name


def test_silent_capsules_have_a_finite_gradient() -> None:
    network = CALF(CALFConfig(**SMALL))
    nn.init.zeros_(network.conv_seg.weight)
    nn.init.zeros_(network.conv_seg.bias)  # every capsule exactly 1/2: the root of zero
    output = network(torch.randn(2, 48, 20))
    output.segmentation.sum().backward()
    assert torch.isfinite(network.conv_seg.weight.grad).all()


def test_high_means_near_an_action_whatever_the_loss_was() -> None:
    segmentation = torch.tensor([0.1, 0.9])
    torch.testing.assert_close(nearness(segmentation, "distance"), torch.tensor([0.9, 0.1]))
    torch.testing.assert_close(nearness(segmentation, "score"), segmentation)


@pytest.mark.parametrize(
    "wrong",
    [
        {"num_classes": 0},
        {"slots": 0},
        {"clip_steps": 14},
        {"receptive_steps": 49},
        {"feature_width": 0},
        {"feature_width": "512"},
        {"multiplier": 0},
        {"polarity": "near"},
    ],
)
def test_refuses_sizes_that_cannot_be(wrong: dict[str, Any]) -> None:
    with pytest.raises(ConfigError):
        CALFConfig(**SMALL | wrong)


@pytest.mark.parametrize("wrong", [{"heads": 3}, {"heads": 0}, {"hidden": 0}, {"dropout": 1.0}])
def test_refuses_attention_that_cannot_be(wrong: dict[str, Any]) -> None:
    with pytest.raises(ConfigError):
        AttentionCALFConfig(**SMALL | wrong)


def test_replay_grounding_has_one_class() -> None:
    with pytest.raises(ConfigError, match="one class"):
        GroundingCALFConfig(num_classes=2)
