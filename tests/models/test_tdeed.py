"""T-DEED: equal to the published networks, and fit to be trained."""

import json
import zlib
from pathlib import Path

import numpy as np
import pytest
from extras import needs

torch = needs("torch")
needs("timm")

from touchline.errors import ConfigError  # noqa: E402
from touchline.models.deploy import DeployedSpotter  # noqa: E402
from touchline.models.tdeed import TDEED, TDEEDConfig  # noqa: E402

GOLDEN = json.loads((Path(__file__).parents[1] / "golden" / "tdeed.json").read_text())

JOINT = {"_pred_fine._fc_out.": "_pred_fine._fc1._fc_out."}
"""A published network of two heads holds the first one under another name."""


def rule_value(key: str, shape: tuple[int, ...]) -> np.ndarray | None:
    """The golden file's rule for one entry of the weights; None leaves it as it is."""
    r = np.random.RandomState(zlib.crc32(key.encode()) & 0xFFFFFFFF).randn(*shape)
    name = key.rsplit(".", 1)[-1]
    if name == "num_batches_tracked":
        return None
    if name == "running_var":
        return 1 + 0.3 * r * r
    if name == "running_mean" or key == "temp_enc":
        return 0.1 * r
    if name.startswith("bias"):
        return 0.05 * r
    if name == "weight" and (len(shape) == 1 or (len(shape) == 3 and shape[0] == shape[2] == 1)):
        return 1 + 0.1 * r
    return r * np.sqrt(1.5 / np.prod(shape[1:]))


def ruled(config: TDEEDConfig, *, joint: bool = False) -> TDEED:
    """A network whose weights follow the golden file's rule, in evaluation mode."""
    network = TDEED(config).eval()
    state = network.state_dict()
    for key, tensor in state.items():
        published = key.replace(*next(iter(JOINT.items()))) if joint else key
        value = rule_value(published, tuple(tensor.shape))
        if value is not None:
            state[key] = torch.from_numpy(np.asarray(value)).float()
    network.load_state_dict(state, strict=True)
    return network


def config_of(case: dict) -> TDEEDConfig:
    return TDEEDConfig(
        case["feature_arch"],
        case["num_classes"],
        case["clip_len"],
        case["n_layers"],
        case["sgp_ks"],
        case["sgp_r"],
        case["radi_displacement"] > 0,
    )


def check_parity(case: dict, tolerance: float) -> None:
    config = config_of(case)
    network = ruled(config, joint=case["joint_classes"] > 0)
    shape = (1, config.clip_len, 3, *case["input_hw"])
    raw = np.random.RandomState(case["seed"]).randint(0, 256, shape).astype(np.uint8)
    with torch.inference_mode():
        output = DeployedSpotter(network)(
            torch.from_numpy(raw).permute(0, 1, 3, 4, 2), torch.ones(1, config.clip_len)
        )[0].numpy()
    logits = np.array(case["class_logits"])[:, : config.num_outputs]
    np.testing.assert_allclose(output[:, :-1], logits, atol=tolerance)
    displacement = case.get("displacement", np.zeros(config.clip_len))
    np.testing.assert_allclose(output[:, -1], displacement, atol=tolerance)


@pytest.mark.parametrize("name", GOLDEN["models"])
def test_equals_the_published_network(name):
    check_parity(GOLDEN["models"][name], 1e-4)


@pytest.mark.slow
@pytest.mark.parametrize(
    "name", ["team_small", "ball_big_small_size", "finediving_small", "team_full"]
)
def test_equals_the_published_network_of_other_sizes(name, shared):
    """Of those trained jointly or with teams, the first head and the displacement."""
    path = shared / "data" / "parity" / "tdeed_team_golden.json"
    case = json.loads(path.read_text())["models"][name]
    check_parity(case, 1e-3 if name == "team_full" else 1e-4)


@pytest.mark.parametrize("name", GOLDEN["models"])
def test_has_the_published_number_of_entries_and_parameters(name):
    case = GOLDEN["models"][name]
    with torch.device("meta"):
        network = TDEED(config_of(case))
    assert len(network.state_dict()) == case["entries"]
    assert sum(p.numel() for p in network.parameters()) == case["parameters"]


def test_has_the_published_names(shared):
    path = shared / "data" / "parity" / "checkpoint_keys.json"
    keys = json.loads(path.read_text())["tdeed_finediving_small"]
    with torch.device("meta"):
        state = TDEED(TDEEDConfig("rny002_gsf", 4, 100, 2, 7, 4)).state_dict()
    assert set(state) == set(keys.get("keys", keys))


@pytest.mark.parametrize(
    ("kernel", "factor", "long"), [(9, 4, 41), (9, 2, 21), (5, 4, 25), (7, 4, 33), (11, 2, 25)]
)
def test_the_long_convolution_has_the_published_length(kernel, factor, long):
    assert TDEEDConfig("rny002_gsf", 1, kernel=kernel, factor=factor).long_kernel == long


def small(arch: str = "rny002_gsf", **given) -> TDEED:
    torch.manual_seed(0)
    return ruled(TDEEDConfig(arch, 3, **({"clip_len": 5, "kernel": 3, "factor": 2} | given)))


def clips(count: int = 2) -> "torch.Tensor":
    return torch.randn(count, 5, 3, 40, 36, generator=torch.Generator().manual_seed(0))


@pytest.mark.parametrize("arch", ["rny002_gsf", "rny002_gsm"])
def test_neither_batch_nor_memory_format_changes_the_result(arch):
    network = small(arch)
    with torch.inference_mode():
        expected = network(clips(3))
        single = torch.cat([network(clip[None]) for clip in clips(3)])
        torch.testing.assert_close(single, expected, atol=1e-4, rtol=1e-4)
        network.channels_last()
        torch.testing.assert_close(network(clips(3)), expected, atol=1e-4, rtol=1e-4)


@pytest.mark.parametrize("displacement", [True, False])
@pytest.mark.parametrize("arch", ["rny002_gsf", "rny002_gsm"])
def test_gradients_reach_every_parameter(arch, displacement):
    network = small(arch, displacement=displacement).train()
    network(clips()).square().mean().backward()
    assert not [name for name, p in network.named_parameters() if p.grad is None]


def test_frames_that_a_window_lacks_are_black():
    spotter = DeployedSpotter(small())
    frames = torch.randint(0, 256, (1, 5, 40, 36, 3), dtype=torch.uint8)
    valid = torch.tensor([[0.0, 1, 1, 1, 1]])
    black = frames.clone()
    black[:, 0] = 0
    with torch.inference_mode():
        assert torch.equal(spotter(frames, valid), spotter(black, torch.ones(1, 5)))


def test_a_clip_of_another_length_is_refused():
    with pytest.raises(ValueError, match="5 frames, not 6"):
        small(clip_len=6)(clips())


@pytest.mark.parametrize(
    "wrong",
    [
        {"feature_arch": "rny002_tsm"},
        {"num_classes": 0},
        {"clip_len": 0},
        {"layers": 0},
        {"kernel": 8},
        {"factor": 0},
    ],
)
def test_a_wrong_configuration_is_refused(wrong):
    with pytest.raises(ConfigError):
        TDEEDConfig(**({"feature_arch": "rny002_gsf", "num_classes": 3} | wrong))
