"""ASTRA: equal to the published network, and fit to be trained."""

import math
import zlib

import numpy as np
import pytest
from extras import needs

torch = needs("torch")

from touchline.errors import ConfigError  # noqa: E402
from touchline.losses.displacement import uncertain_displacement_loss  # noqa: E402
from touchline.models.astra import (  # noqa: E402
    ASTRA,
    ASTRAConfig,
    SectionedEncoder,
    TemporalNoise,
    decibels,
)

SIZES = {
    "num_classes": 3,
    "feature_width": 12,
    "clip_seconds": 8,
    "mels": 16,
    "width": 16,
    "audio_width": 16,
    "feedforward": 16,
    "attention_heads": 2,
    "decoder_layers": 1,
}


def small(**given) -> ASTRA:
    torch.manual_seed(0)
    return ASTRA(ASTRAConfig(**(SIZES | given))).eval()


def ruled_state(network: torch.nn.Module) -> dict[str, torch.Tensor]:
    """The fixture's weights: every entry a function of its name and shape."""
    state = {}
    for key, tensor in network.state_dict().items():
        shape = tuple(tensor.shape)
        r = np.random.default_rng(zlib.crc32(key.encode()))
        value = r.standard_normal(shape, dtype=np.float32)
        if len(shape) >= 2:
            wide = key.startswith(("enc", "queries"))
            value *= np.float32(0.5 if wide else math.sqrt(2 / math.prod(shape[1:])))
        else:
            value *= np.float32(0.1)
            if ".norm" in key and key.endswith("weight"):
                value += 1
        state[key] = torch.from_numpy(value)
    return state


@pytest.mark.slow
def test_the_published_network_gives_its_published_output(shared):
    with np.load(shared / "data" / "parity" / "astra_seeded_weights.npz") as file:
        fixture = {key: file[key] for key in file.files}
    rng = np.random.default_rng(0)
    features = np.maximum(rng.standard_normal((2, 50, 8576), dtype=np.float32), 0)
    power = (7430.77 * 10 ** (-8 * rng.random((2, 5000, 128)))).astype(np.float32)
    np.testing.assert_array_equal(features.ravel()[:5], fixture["check_featB_first5"])
    np.testing.assert_array_equal(power.ravel()[:5], fixture["check_featA_first5"])
    with torch.device("meta"):
        both = ASTRA(ASTRAConfig(num_classes=17)).eval()
        silent = ASTRA(ASTRAConfig(num_classes=17, audio=False)).eval()
    assert sum(p.numel() for p in both.parameters()) == 168_372_918
    weights = ruled_state(both)
    np.testing.assert_array_equal(
        weights["Tencoder.layers.0.linear1.weight"].ravel()[:5],
        fixture["check_encoder0_linear1_weight_first5"],
    )
    both.load_state_dict(weights, strict=True, assign=True)
    silent.load_state_dict(
        {key: weights[key] for key in silent.state_dict()}, strict=True, assign=True
    )
    visual, sound = torch.from_numpy(features), torch.from_numpy(power)
    with torch.inference_mode():
        for kind, said in (
            ("audio_visual", both(visual, sound)),
            ("visual_only", silent(visual)),
        ):
            expected = torch.from_numpy(fixture[f"class_probability_{kind}"])
            torch.testing.assert_close(said.probability, expected, atol=1e-4, rtol=0)
            expected = torch.from_numpy(fixture[f"displacement_mean_logvar_{kind}"])
            torch.testing.assert_close(said.displacement, expected, atol=1e-4, rtol=0)


def test_decibels_end_80_below_the_loudest():
    power = torch.tensor([7430.77, 743.077, 0.0])
    torch.testing.assert_close(
        decibels(power), torch.tensor([0.0, -10.0, -80.0]), atol=1e-4, rtol=0
    )
    quiet = decibels(power[1:], loudest=power[0])
    torch.testing.assert_close(quiet, torch.tensor([-10.0, -80.0]), atol=1e-4, rtol=0)


def test_logarithms_of_magnitude_are_as_loud_as_their_power():
    power = torch.rand(50) + 0.1
    logs = power.sqrt().log()
    torch.testing.assert_close(decibels(logs, logarithmic=True), decibels(power), atol=1e-4, rtol=0)
    network = small(sound="log")
    torch.testing.assert_close(network.loudness(logs), small().loudness(power), atol=1e-4, rtol=0)


def test_the_first_layer_keeps_sections_apart_and_the_last_does_not():
    torch.manual_seed(0)
    apart = SectionedEncoder(ASTRAConfig(**(SIZES | {"sections": (4,)}))).eval()
    joined = SectionedEncoder(ASTRAConfig(**(SIZES | {"sections": (4, 1)}))).eval()
    seen, heard = torch.randn(1, 10, 16), torch.randn(1, 9, 16)
    changed = seen.clone()
    changed[:, 4] += 1  # sections 0-1, 2-3, 4-5, 6-9; of sound 0-1, 2-3, 4-5, 6-8
    with torch.inference_mode():
        before, after = apart([seen, heard]), apart([changed, heard])
        moved = [
            (a != b).any(-1)[0].nonzero().flatten() for a, b in zip(before, after, strict=True)
        ]
        assert [m.tolist() for m in moved] == [[4, 5], [4, 5]]
        before, after = joined([seen, heard]), joined([changed, heard])
        assert all((a != b).any(-1).all() for a, b in zip(before, after, strict=True))


def test_rows_and_patches_are_embedded_alone():
    network = small(backbones=(4, 8))
    features, power = torch.randn(2, 8, 12), torch.rand(2, 800, 16)
    with torch.inference_mode():
        whole = network(features, power)
        heard = network.hear(network.cut(decibels(power)).flatten(0, 1)).unflatten(0, (2, -1))
        again = network.relate(network.see(features.flatten(0, 1)).unflatten(0, (2, 8)), heard)
    torch.testing.assert_close(again.probability, whole.probability)
    torch.testing.assert_close(again.displacement, whole.displacement)
    assert whole.probability.shape == (2, 16, 4) and whole.displacement.shape == (2, 16, 4, 2)


def test_temporal_noise_only_drops_and_swaps_neighbours_and_only_in_training():
    noise = TemporalNoise(1).train()
    with torch.no_grad():
        noise.embedding.fill_(-1)
    rows = torch.arange(200.0).reshape(1, 200, 1)
    torch.manual_seed(1)
    out = noise(rows).detach().flatten()
    left = out != -1
    assert 60 < int(left.sum()) < 140
    moved = (out - rows.flatten())[left].abs()
    assert moved.max() == 1 and 0.15 < float(moved.mean()) < 0.45
    assert torch.equal(noise.eval()(rows), rows)


def test_without_uncertainty_displacements_are_plain_numbers():
    network = small(audio=False, uncertainty=False).train()
    said = network(torch.randn(2, 8, 12))
    assert said.displacement.shape == (*said.probability.shape, 1)
    targets = torch.full(said.probability.shape, 1000.0)
    targets[0, 3, 1] = 2.0
    labels = torch.ones_like(targets)
    loss = uncertain_displacement_loss(said.displacement, targets, labels)
    error = (said.displacement[0, 3, 1, 0] - 2) ** 2
    torch.testing.assert_close(loss, error / (targets.shape[0] * targets.shape[1]))


@pytest.mark.parametrize("audio", [True, False])
def test_gradients_reach_every_parameter(audio):
    network = small(audio=audio).train()
    said = network(torch.randn(2, 8, 12), torch.rand(2, 800, 16) if audio else None)
    (said.probability.square().sum() + said.displacement.square().sum()).backward()
    assert all(p.grad is not None and p.grad.isfinite().all() for p in network.parameters())


@pytest.mark.parametrize(
    "wrong",
    [
        {"num_classes": 0},
        {"backbones": (4, 4)},
        {"mels": 20},
        {"sound": "loud"},
        {"attention_heads": 3},
        {"dropout": 1.0},
        {"sections": ()},
        {"sections": (9,)},
        {"sections": (4, 0)},
    ],
)
def test_a_wrong_configuration_is_refused(wrong):
    with pytest.raises(ConfigError):
        ASTRAConfig(**(SIZES | wrong))
