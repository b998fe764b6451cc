"""Multi-frame stacking: equal to the published network, and fit to be trained."""

import json
import re
from pathlib import Path

import numpy as np
import pytest
from extras import needs

torch = needs("torch")
needs("timm")

from golden_weights import block_pictures, fill_by_rule  # noqa: E402

from touchline.errors import ConfigError  # noqa: E402
from touchline.losses.classification import binary_focal  # noqa: E402
from touchline.models.frame_stacking import FrameStacking, FrameStackingConfig  # noqa: E402

GOLDEN = json.loads((Path(__file__).parents[1] / "golden" / "frame_stacking.json").read_text())


def ruled(config: FrameStackingConfig) -> FrameStacking:
    network = FrameStacking(config)
    fill_by_rule(network, convolution_gain=2.6)
    return network


def config_of(case: dict) -> FrameStackingConfig:
    return FrameStackingConfig(case["num_classes"], case["num_frames"] // 3)


def check_parity(case: dict, tolerance: float) -> None:
    network = ruled(config_of(case))
    seed, count, height, width = map(
        int, re.match(r"frames\((\d+),(\d+),(\d+),(\d+)\)", case["input"]).groups()
    )
    clip = torch.from_numpy(block_pictures(seed, count, height, width)).float()[None] / 255
    with torch.inference_mode():
        logits, mirrored = network(clip), network(clip.flip(-1))
    np.testing.assert_allclose(logits, case["logits"], atol=tolerance)
    np.testing.assert_allclose(mirrored, case["logits_of_mirrored"], atol=tolerance)
    mean = (logits.sigmoid() + mirrored.sigmoid()) / 2
    np.testing.assert_allclose(mean, case["tta_probability"], atol=tolerance)


@pytest.mark.parametrize("name", GOLDEN["models"])
def test_equals_the_published_network(name):
    check_parity(GOLDEN["models"][name], 1e-4)


@pytest.mark.slow
def test_equals_the_published_network_at_full_size(shared):
    path = shared / "data" / "parity" / "lromul_golden.json"
    check_parity(json.loads(path.read_text())["models"]["ball_15_full"], 1e-3)


@pytest.mark.parametrize("name", GOLDEN["models"])
def test_has_the_published_names_shapes_and_parameters(name, shared):
    case = GOLDEN["models"][name]
    keys = json.loads((shared / "data" / "parity" / "checkpoint_keys.json").read_text())
    with torch.device("meta"):
        network = FrameStacking(config_of(case))
    state = {key: list(value.shape) for key, value in network.state_dict().items()}
    published = keys[f"lromul_{name}"]
    assert state == {
        key: [side for side in shape if isinstance(side, int)] for key, shape in published.items()
    }
    assert sum(p.numel() for p in network.parameters()) == case["parameters"]


@pytest.mark.parametrize("case", GOLDEN["focal"])
def test_the_focal_loss_is_the_published_one(case):
    r = np.random.RandomState(case["seed"])
    logits, targets = torch.tensor(r.randn(8, 2) * 2), torch.tensor(r.rand(8, 2) < 0.3)
    alpha = case["alpha"] if case["alpha"] >= 0 else None
    loss = binary_focal(logits, targets.float(), case["gamma"], alpha)
    assert float(loss) == pytest.approx(case["mean"], abs=1e-5)


def test_gradients_reach_every_parameter():
    network = ruled(FrameStackingConfig(3, 1)).train()
    network(torch.rand(2, 3, 64, 32)).square().mean().backward()
    assert not [name for name, p in network.named_parameters() if p.grad is None]


def test_a_clip_of_another_length_is_refused():
    with torch.device("meta"):
        network = FrameStacking(FrameStackingConfig(2, 3))
    with pytest.raises(ValueError, match="15 frames, not 9"):
        network(torch.zeros(1, 15, 32, 32, device="meta"))


@pytest.mark.parametrize(
    "wrong", [{"num_classes": 0}, {"clip_len": 4}, {"frame_step": 0}, {"squeeze": 7}]
)
def test_a_wrong_configuration_is_refused(wrong):
    with pytest.raises(ConfigError):
        FrameStackingConfig(**({"num_classes": 2} | wrong))
