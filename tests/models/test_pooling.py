"""Pooling networks: equal to the published ones, and to themselves however windows are passed."""

import numpy as np
import pytest
from extras import needs

torch = needs("torch")

from hypothesis import given  # noqa: E402
from hypothesis import strategies as st  # noqa: E402
from safetensors.torch import load_file  # noqa: E402

from touchline.errors import ConfigError  # noqa: E402
from touchline.models.netvlad import ConvVLAD, NetRVLAD, NetVLAD  # noqa: E402
from touchline.models.parts.sliding import (  # noqa: E402
    sliding_energy,
    sliding_max,
    sliding_sum,
)
from touchline.models.pooling import POOLINGS, PoolingConfig, PoolingNetwork  # noqa: E402

PUBLISHED = {
    "MAX": "max",
    "AVG": "avg",
    "NetVLAD": "netvlad",
    "NetRVLAD": "netrvlad",
    "MAXpp": "max++",
    "AVGpp": "avg++",
    "NetVLADpp": "netvlad++",
    "NetRVLADpp": "netrvlad++",
}

FIRST_BASELINE = {"MAXPOOL_v1": "max", "NETVLAD_v1": "netvlad-conv"}


def filled(config: PoolingConfig, weights: dict[str, "torch.Tensor"]) -> PoolingNetwork:
    network = PoolingNetwork(config).eval()
    network.load_state_dict(weights, strict=True)
    return network


def probabilities(network: PoolingNetwork, clips: np.ndarray) -> np.ndarray:
    with torch.inference_mode():
        return network(torch.from_numpy(clips)).sigmoid().numpy()


def spread(config: PoolingConfig, seed: int = 0) -> PoolingNetwork:
    """A network whose frames belong to few clusters and whose outputs lie apart."""
    torch.manual_seed(seed)
    network = PoolingNetwork(config).eval()
    with torch.no_grad():
        for name, parameter in network.named_parameters():
            if name.endswith((".clusters", "conv.weight")):
                parameter *= 20
    return network


@pytest.mark.parametrize("published", PUBLISHED)
def test_equals_the_published_temporally_aware_network(published, shared):
    case = np.load(shared / "data/parity/tapool_512.npz")
    weights = load_file(shared / f"data/parity/weights/tapool_{published}_512.safetensors")
    network = filled(PoolingConfig(PUBLISHED[published], 17), weights)
    found = probabilities(network, case["input"])
    np.testing.assert_allclose(found, case[f"output_{published}"], atol=1e-5)


def test_equals_the_published_network_with_a_projection(shared):
    case = np.load(shared / "data/parity/tapool_NetVLADpp_2048.npz")
    weights = load_file(shared / "data/parity/weights/tapool_NetVLADpp_2048.safetensors")
    network = filled(PoolingConfig("netvlad++", 17, feature_width=2048), weights)
    assert sum(p.numel() for p in network.parameters()) == 1_704_466
    np.testing.assert_allclose(probabilities(network, case["input"]), case["output"], atol=1e-5)


@pytest.mark.parametrize("published", FIRST_BASELINE)
def test_equals_the_first_baseline_with_its_own_weights(published, shared):
    case = np.load(shared / f"data/parity/pooling_{published}.npz")
    path = shared / f"data/checkpoints/sn-spotting_Pooling_{published}.pth.tar"
    weights = torch.load(path, map_location="cpu", weights_only=True)["state_dict"]
    network = filled(PoolingConfig(FIRST_BASELINE[published], 3, clip_steps=40), weights)
    np.testing.assert_allclose(probabilities(network, case["input"]), case["output"], atol=1e-5)
    if "pooled" in case:
        with torch.inference_mode():
            pooled = network.pool_layer(torch.from_numpy(case["input"][:2]))
        np.testing.assert_allclose(pooled, case["pooled"], atol=1e-6)


@pytest.mark.parametrize(
    ("pooling", "classes", "count"),
    [
        ("max", 17, 9_234),
        ("max", 3, 2_052),
        ("netvlad-conv", 17, 655_378),
        ("netvlad-conv", 3, 196_612),
    ],
)
def test_has_the_published_number_of_parameters(pooling, classes, count):
    with torch.device("meta"):
        network = PoolingNetwork(PoolingConfig(pooling, classes))
    assert sum(p.numel() for p in network.parameters()) == count


@pytest.mark.parametrize("pooling", POOLINGS)
@pytest.mark.parametrize("projects", [False, True])
@pytest.mark.parametrize("precision", ["fp32", "bf16"])
def test_gradients_reach_every_parameter(pooling, projects, precision):
    torch.manual_seed(0)
    config = PoolingConfig(pooling, 3, feature_width=24 if projects else 16, width=16, clusters=4)
    network = PoolingNetwork(config).train()
    with torch.autocast("cpu", torch.bfloat16, enabled=precision == "bf16"):
        logits = network(torch.randn(4, 9, config.feature_width))
    logits.float().square().mean().backward()
    assert logits.shape == (4, 4) and torch.isfinite(logits).all()
    without = [
        name for name, p in network.named_parameters() if p.grad is None or not p.grad.abs().sum()
    ]
    assert not without


@pytest.mark.parametrize("pooling", POOLINGS)
@given(
    clip_steps=st.integers(2, 41),
    more=st.integers(0, 90),
    clusters=st.integers(2, 9),
    seed=st.integers(0, 1000),
)
def test_sliding_is_passing_every_window(pooling, clip_steps, more, clusters, seed):
    config = PoolingConfig(pooling, 3, clip_steps, feature_width=20, width=24, clusters=clusters)
    network = spread(config, seed).double()
    sequence = torch.randn(clip_steps + more, 20, dtype=torch.float64)
    with torch.inference_mode():
        windows = sequence.unfold(0, clip_steps, 1).transpose(1, 2)
        torch.testing.assert_close(network.slide(sequence), network(windows))


@pytest.mark.parametrize("pooling", POOLINGS)
@pytest.mark.parametrize("steps", [30, 1053, 2500])
def test_sliding_is_passing_every_window_over_several_blocks(pooling, steps):
    network = spread(PoolingConfig(pooling, 3, 30, width=64, feature_width=64, clusters=8))
    sequence = torch.randn(steps, 64)
    with torch.inference_mode():
        windows = sequence.unfold(0, 30, 1).transpose(1, 2)
        torch.testing.assert_close(network.slide(sequence), network(windows), rtol=0, atol=1e-5)


@pytest.mark.parametrize("vlad", [ConvVLAD, NetVLAD, NetRVLAD])
@pytest.mark.parametrize("kind", ["still", "empty", "at the centre", "hardly assigned"])
def test_sliding_holds_where_sums_nearly_vanish(vlad, kind):
    torch.manual_seed(0)
    pool = vlad(16, 3).eval()
    frames = torch.randn(1, 16).expand(200, 16).clone()
    with torch.no_grad():
        if kind == "empty":
            frames[50:] = 0
        elif kind == "at the centre" and (centres := pool.centres()) is not None:
            frames = centres[:1] / centres[:1].norm() + 1e-3 * torch.randn(200, 16)
            centres[0] = frames[0] / frames[0].norm()
        elif kind == "hardly assigned":
            frames = torch.randn(200, 16)
            pool.assign = lambda x: (1e3 * x[..., :3]).softmax(dim=-1)
    weight = torch.randn(4, 48)
    with torch.inference_mode():
        expected = pool(frames.unfold(0, 10, 1).transpose(1, 2)) @ weight.T
        found = pool.slide(frames, 10, weight)
    torch.testing.assert_close(found, expected, rtol=0, atol=2e-4 if "centre" in kind else 1e-5)


@given(st.integers(1, 40), st.integers(0, 30), st.sampled_from([torch.float32, torch.float64]))
def test_windows_of_sums_and_maxima(steps, more, dtype):
    x = torch.randn(steps + more, 3, dtype=dtype)
    windows = x.unfold(0, steps, 1)
    torch.testing.assert_close(sliding_sum(x, steps), windows.sum(-1))
    assert torch.equal(sliding_max(x, steps), windows.amax(-1))
    weights = torch.rand(steps + more, 2, dtype=dtype)
    sums = torch.einsum("ndt,nkt->nkd", windows, weights.unfold(0, steps, 1))
    torch.testing.assert_close(sliding_energy(x, weights, steps), sums.square().sum(-1))


@pytest.mark.parametrize(
    ("wrong", "named"),
    [
        ({"pooling": "netvlad+++"}, "netvlad\\+\\+"),
        ({"num_classes": 0}, "num_classes"),
        ({"clip_steps": 1}, "clip_steps"),
        ({"clusters": 1}, "clusters"),
        ({"feature_width": 0}, "feature_width"),
        ({"dropout": 1.0}, "dropout"),
    ],
)
def test_a_wrong_configuration_is_refused(wrong, named):
    with pytest.raises(ConfigError, match=named):
        PoolingConfig(**({"pooling": "netvlad++", "num_classes": 3} | wrong))
