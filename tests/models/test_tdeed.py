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
from touchline.models.deploy import DeployedSpotter, Normalise  # noqa: E402
from touchline.models.tdeed import TDEED, TDEEDConfig, TeamTDEEDConfig, halved  # noqa: E402
from touchline.spotting.windows import decoder  # noqa: E402

GOLDEN = json.loads((Path(__file__).parents[1] / "golden" / "tdeed.json").read_text())


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


def ruled(config: TDEEDConfig) -> TDEED:
    """A network whose weights follow the golden file's rule, in evaluation mode."""
    network = TDEED(config).eval()
    state = network.state_dict()
    for key, tensor in state.items():
        value = rule_value(key, tuple(tensor.shape))
        if value is not None:
            state[key] = torch.from_numpy(np.asarray(value)).float()
    network.load_state_dict(state, strict=True)
    return network


def config_of(case: dict) -> TDEEDConfig:
    kind = TeamTDEEDConfig if case["team"] else TDEEDConfig
    return kind(
        case["feature_arch"],
        case["num_classes"],
        case["clip_len"],
        case["n_layers"],
        case["sgp_ks"],
        case["sgp_r"],
        displacement=case["radi_displacement"] > 0,
        extra_classes=case["joint_classes"],
    )


def check_parity(case: dict, tolerance: float) -> None:
    """Raw pixels to every output of the network, and to the scores of the main classes."""
    config = config_of(case)
    network = ruled(config)
    shape = (1, config.clip_len, 3, *case["input_hw"])
    raw = np.random.RandomState(case["seed"]).randint(0, 256, shape).astype(np.uint8)
    frames = torch.from_numpy(raw).permute(0, 1, 3, 4, 2)
    main, read = config.num_outputs, config.num_columns
    with torch.inference_mode():
        pictures = Normalise("rgb")(frames.flatten(0, 1)).unflatten(0, frames.shape[:2])
        output = network(pictures)[0].numpy()
        deployed = DeployedSpotter(network)(frames, torch.ones(1, config.clip_len))[0].numpy()
    logits = np.concatenate((output[:, :main], output[:, read:]), axis=1)
    np.testing.assert_allclose(logits, case["class_logits"], atol=tolerance)
    displacement = case.get("displacement", np.zeros(config.clip_len))
    np.testing.assert_allclose(output[:, main], displacement, atol=tolerance)
    if config.team:
        np.testing.assert_allclose(output[:, main + 1], case["team_logit"], atol=tolerance)
    np.testing.assert_allclose(deployed, output[:, :read], atol=tolerance)
    if "postprocessed_scores" in case:
        scores = decoder("tdeed-team" if config.team else "tdeed")(deployed)
        np.testing.assert_allclose(scores, case["postprocessed_scores"], atol=1e-4)


@pytest.mark.parametrize("name", GOLDEN["models"])
def test_equals_the_published_network(name):
    check_parity({"team": False} | GOLDEN["models"][name], 1e-4)


VARIANTS = ("team_small", "ball_big_small_size", "finediving_small")
"""Beside those of the golden file: sides, two heads, a larger backbone, clips of 100 frames."""


@pytest.mark.slow
@pytest.mark.parametrize("name", VARIANTS)
def test_equals_the_published_network_in_every_variant(name, shared):
    path = shared / "data" / "parity" / "tdeed_team_golden.json"
    case = json.loads(path.read_text())["models"][name]
    check_parity(case, 1e-4)


@pytest.mark.parametrize("name", GOLDEN["models"])
def test_has_the_published_number_of_entries_and_parameters(name):
    case = {"team": False} | GOLDEN["models"][name]
    with torch.device("meta"):
        network = TDEED(config_of(case))
    assert len(network.state_dict()) == case["entries"]
    assert sum(p.numel() for p in network.parameters()) == case["parameters"]


PUBLISHED = {
    "tdeed_finediving_small": (TDEEDConfig("rny002_gsf", 4, 100, 2, 7, 4), 12_267_634),
    "tdeed_team_baseline": (
        TeamTDEEDConfig("rny002_gsf", 12, 100, 2, 9, 4, extra_classes=17),
        12_317_341,
    ),
    "tdeed_ball_challenge2_rny008": (
        TDEEDConfig("rny008_gsf", 12, 16, 2, 9, 4, extra_classes=17),
        46_173_736,
    ),
}


@pytest.mark.parametrize("name", PUBLISHED)
def test_has_the_published_names_and_shapes(name, shared):
    path = shared / "data" / "parity" / "checkpoint_keys.json"
    published = json.loads(path.read_text())[name]
    config, parameters = PUBLISHED[name]
    with torch.device("meta"):
        network = TDEED(config)
    shapes = {key: list(value.shape) for key, value in network.state_dict().items()}
    assert shapes == {k: [n for n in v if isinstance(n, int)] for k, v in published.items()}
    assert sum(p.numel() for p in network.parameters()) == parameters


SIZES = [
    (TDEEDConfig("rny002_gsf", 12, extra_classes=17), 598, 12_316_972),
    (TDEEDConfig("rny008_gsf", 12, extra_classes=17), 609, 46_238_248),
    (TDEEDConfig("rny002_gsf", 17, layers=3), 664, 16_483_087),
    (TDEEDConfig("rny008_gsf", 17, layers=3, kernel=11), 675, 64_268_571),
]


@pytest.mark.parametrize(("config", "entries", "parameters"), SIZES)
def test_has_the_published_size_at_the_published_clip(config, entries, parameters):
    with torch.device("meta"):
        network = TDEED(config)
    assert len(network.state_dict()) == entries
    assert sum(p.numel() for p in network.parameters()) == parameters


@pytest.mark.parametrize("steps", [2, 3, 7, 13, 100])
def test_halving_is_the_adaptive_maximum(steps):
    x = torch.randn(1, 3, steps)
    expected = torch.nn.functional.adaptive_max_pool1d(x, -(-steps // 2))
    assert torch.equal(halved(x), expected)


@pytest.mark.parametrize(
    ("kernel", "factor", "long"), [(9, 4, 41), (9, 2, 21), (5, 4, 25), (7, 4, 33), (11, 2, 25)]
)
def test_the_long_convolution_has_the_published_length(kernel, factor, long):
    assert TDEEDConfig("rny002_gsf", 1, kernel=kernel, factor=factor).long_kernel == long


def small(arch: str = "rny002_gsf", kind: type[TDEEDConfig] = TDEEDConfig, **given) -> TDEED:
    torch.manual_seed(0)
    return ruled(kind(arch, 3, **({"clip_len": 5, "kernel": 3, "factor": 2} | given)))


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


@pytest.mark.parametrize(
    "given", [{}, {"displacement": False}, {"extra_classes": 2}, {"kind": TeamTDEEDConfig}]
)
@pytest.mark.parametrize("arch", ["rny002_gsf", "rny002_gsm"])
def test_gradients_reach_every_parameter(arch, given):
    network = small(arch, **given).train()
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
        {"extra_classes": -1},
    ],
)
def test_a_wrong_configuration_is_refused(wrong):
    with pytest.raises(ConfigError):
        TDEEDConfig(**({"feature_arch": "rny002_gsf", "num_classes": 3} | wrong))
