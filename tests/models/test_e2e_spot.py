"""E2E-Spot: equal to the published networks, and fit to be trained."""

import json
import zlib
from pathlib import Path

import numpy as np
import pytest
from extras import needs

torch = needs("torch")
needs("timm")

from touchline.errors import ConfigError  # noqa: E402
from touchline.models.e2e_spot import (  # noqa: E402
    BACKBONES,
    FEATURE_ARCHS,
    E2ESpot,
    E2ESpotConfig,
    prediction_of,
)
from touchline.models.parts.shift import (  # noqa: E402
    FoldedGateConv,
    GateShift,
    fold_gates,
    gated_channels,
    temporal_shift,
)
from touchline.models.parts.temporal_heads import HEADS  # noqa: E402

GOLDEN = json.loads((Path(__file__).parents[1] / "golden" / "e2e_spot.json").read_text())


def rule_value(key: str, shape: tuple[int, ...]) -> np.ndarray | None:
    """The golden file's rule for one entry of the weights; None leaves it as it is."""
    r = np.random.RandomState(zlib.crc32(key.encode()) & 0xFFFFFFFF).randn(*shape)
    name = key.rsplit(".", 1)[-1]
    if name == "num_batches_tracked":
        return None
    if name == "running_var":
        return 1 + 0.3 * r * r
    if name == "running_mean":
        return 0.1 * r
    if name.startswith("bias"):
        return 0.05 * r
    if name == "weight" and len(shape) == 1:
        return 1 + 0.1 * r
    return r * np.sqrt(1.5 / np.prod(shape[1:]))


def ruled(config: E2ESpotConfig) -> E2ESpot:
    """A network whose weights follow the golden file's rule, in evaluation mode."""
    network = E2ESpot(config).eval()
    state = network.state_dict()
    for key, tensor in state.items():
        value = rule_value(key, tuple(tensor.shape))
        if value is not None:
            state[key] = torch.from_numpy(np.asarray(value)).float()
    network.load_state_dict(state, strict=True)
    return network


def noise(*shape: int) -> "torch.Tensor":
    return torch.from_numpy(np.random.RandomState(0).randn(*shape).astype(np.float32))


@pytest.mark.parametrize("name", GOLDEN["models"])
def test_equals_the_published_network(name):
    case = GOLDEN["models"][name]
    config = E2ESpotConfig(
        case["feature_arch"],
        case["temporal_arch"],
        case["num_outputs"] - 1,
        case["clip_len"],
        case["modality"],
    )
    frames = noise(1, case["input_T"], config.channels, *case["input_hw"])
    # With these weights ASFormer turns an error of 4e-7 in the features into 2e-4, so that it is
    # compared in double precision, and up to the error of the expected numbers.
    shaky = config.temporal_arch == "asformer"
    dtype, tolerance = (torch.float64, 2e-4) if shaky else (torch.float32, 1e-4)
    with torch.inference_mode():
        logits = ruled(config).to(dtype)(frames.to(dtype))
    if "stages" in case:
        assert logits.shape[0] == case["stages"]
        np.testing.assert_allclose(logits[0, 0], case["logits_first_stage"], atol=tolerance)
    np.testing.assert_allclose(prediction_of(logits)[0], case["logits"], atol=tolerance)


@pytest.mark.parametrize(
    "size", GOLDEN["sizes"], ids=lambda s: f"{s['feature_arch']}-{s['temporal_arch']}"
)
def test_has_the_published_number_of_entries_and_parameters(size):
    with torch.device("meta"):
        network = E2ESpot(
            E2ESpotConfig(
                size["feature_arch"], size["temporal_arch"], 17, modality=size["modality"]
            )
        )
    assert len(network.state_dict()) == size["entries"]
    assert sum(p.numel() for p in network.parameters()) == size["parameters"]


def test_published_key_names():
    with torch.device("meta"):
        gsm = E2ESpot(E2ESpotConfig("rny002_gsm", "gru", 17)).state_dict()
        tsm = E2ESpot(E2ESpotConfig("rn18_tsm", "", 17)).state_dict()
        convnext = E2ESpot(E2ESpotConfig("convnextt_gsm", "", 17)).state_dict()
    assert gsm["_features.s3.b2.conv1.gsm.conv3D.weight"].shape == (2, 20, 3, 3, 3)
    assert gsm["_features.s3.b2.conv1.gsm.bn.running_var"].shape == (40,)
    assert gsm["_features.s4.b7.conv1.net.conv.weight"].shape == (368, 368, 1, 1)
    assert gsm["_pred_fine._gru.weight_ih_l0_reverse"].shape == (1104, 368)
    assert gsm["_pred_fine._fc_out._fc_out.weight"].shape == (18, 736)
    assert tsm["_features.layer2.0.conv1.net.weight"].shape == (128, 64, 3, 3)
    assert tsm["_features.layer2.0.downsample.0.weight"].shape == (128, 64, 1, 1)
    assert tsm["_pred_fine._fc_out.weight"].shape == (18, 512)
    assert "_features.stages.0.blocks.0.conv_dw.net.bias" in convnext


def test_temporal_shift_moves_an_eighth_each_way():
    x = noise(6, 16, 2, 3)
    y = temporal_shift(x, clip_len=3).view(2, 3, 16, 2, 3)
    x = x.view(2, 3, 16, 2, 3)
    assert torch.equal(y[:, :2, :2], x[:, 1:, :2]) and not y[:, 2, :2].any()
    assert torch.equal(y[:, 1:, 2:4], x[:, :2, 2:4]) and not y[:, 0, 2:4].any()
    assert torch.equal(y[:, :, 4:], x[:, :, 4:])


def test_a_fresh_gate_shift_only_interleaves():
    assert [gated_channels(c) for c in (24, 32, 56, 152, 368, 768)] == [8, 8, 16, 40, 92, 192]
    x = noise(4, 32, 2, 3)
    order = [0, 2, 1, 3, 4, 6, 5, 7, *range(8, 32)]
    assert torch.equal(GateShift(32, clip_len=4).eval()(x), x[:, order])


@pytest.mark.parametrize("arch", ["rny002_gsm", "rny002_tsm", "rn18_tsm"])
def test_a_short_clip_is_a_clip_with_zeros_after_it(arch):
    network = ruled(E2ESpotConfig(arch, "", 2, clip_len=6))
    short = noise(2, 4, 3, 33, 47)
    full = torch.cat((short, torch.zeros(2, 2, 3, 33, 47)), dim=1)
    with torch.inference_mode():
        torch.testing.assert_close(network(short), network(full)[:, :4])
        with pytest.raises(ValueError, match="at most 6"):
            network(noise(1, 7, 3, 33, 47))


@pytest.mark.parametrize(
    ("arch", "head"),
    [
        ("rny002_gsm", "gru"),
        ("rny002_tsm", "asformer"),
        ("rn18_tsm", "mstcn"),
        ("rn18", "deeper_gru"),
        ("rny002", "asformer"),
    ],
)
def test_a_clip_does_not_depend_on_its_batch(arch, head):
    network = ruled(E2ESpotConfig(arch, head, 3, clip_len=7))
    clips = noise(3, 7, 3, 40, 36)
    with torch.inference_mode():
        batch = prediction_of(network(clips))
        single = torch.cat([prediction_of(network(clip[None])) for clip in clips])
    torch.testing.assert_close(batch, single, atol=1e-4, rtol=1e-4)


@pytest.mark.parametrize("arch", ["rny002_gsm", "rny002_tsm", "rn18_gsm", "rn18_tsm"])
def test_memory_format_does_not_change_the_result(arch):
    network = ruled(E2ESpotConfig(arch, "", 3, clip_len=5))
    clips = noise(2, 5, 3, 40, 36)
    with torch.inference_mode():
        expected = network(clips)
        network.channels_last()
        clips = clips.flatten(0, 1).to(memory_format=torch.channels_last).unflatten(0, (2, 5))
        torch.testing.assert_close(network(clips), expected, atol=1e-4, rtol=1e-4)


@pytest.mark.parametrize("arch", ["rny002_gsm", "rn18_gsm", "convnextt_gsm", "rny002_tsm"])
def test_folding_gates_for_deployment_does_not_change_the_result(arch):
    network = ruled(E2ESpotConfig(arch, "", 3, clip_len=5)).double()
    clips = noise(2, 4, 3, 40, 36).double()
    with torch.inference_mode():
        expected = network(clips)
        fold_gates(network)
        torch.testing.assert_close(network(clips), expected)
    folds = any(isinstance(module, FoldedGateConv) for module in network.modules())
    assert folds == (arch in ("rny002_gsm", "rn18_gsm"))


@pytest.mark.parametrize(
    ("arch", "head", "precision"),
    [("rny002_gsm", head, precision) for head in HEADS for precision in ("fp32", "bf16")]
    + [
        (arch, "gru", precision)
        for arch in ("rn18_tsm", "rny002")
        for precision in ("fp32", "bf16")
    ],
)
def test_gradients_reach_every_parameter(arch, head, precision):
    torch.manual_seed(0)
    network = E2ESpot(E2ESpotConfig(arch, head, 3, clip_len=4)).train()
    with torch.autocast("cpu", torch.bfloat16, enabled=precision == "bf16"):
        logits = network(noise(2, 4, 3, 64, 64))
    logits.float().square().mean().backward()
    assert torch.isfinite(logits).all()
    without = [name for name, p in network.named_parameters() if p.grad is None]
    assert not without


BY_MODALITY = [(arch, "rgb") for arch in FEATURE_ARCHS] + [
    (f"{backbone}_gsm", modality) for backbone in BACKBONES for modality in ("bw", "flow")
]
"""Every member, and every backbone in every modality: its first convolution is another one."""


@pytest.mark.slow
@pytest.mark.parametrize(("arch", "modality"), BY_MODALITY)
def test_every_member_runs_in_every_modality(arch, modality):
    config = E2ESpotConfig(arch, "gru", 3, clip_len=3, modality=modality)
    with torch.inference_mode():
        logits = E2ESpot(config).eval()(noise(2, 3, config.channels, 45, 51))
    assert logits.shape == (2, 3, 4)


@pytest.mark.parametrize(
    "wrong",
    [
        {"feature_arch": "rny003"},
        {"feature_arch": "rny002_xyz"},
        {"temporal_arch": "lstm"},
        {"modality": "depth"},
        {"num_classes": 0},
        {"clip_len": 0},
    ],
)
def test_a_wrong_configuration_is_refused(wrong):
    right = {"feature_arch": "rny002_gsm", "temporal_arch": "gru", "num_classes": 3}
    with pytest.raises(ConfigError):
        E2ESpotConfig(**(right | wrong))


def test_there_are_no_imagenet_weights_for_flow():
    with pytest.raises(ConfigError, match="flow"):
        E2ESpot(E2ESpotConfig("rny002_gsm", "gru", 3, modality="flow"), pretrained=True)
