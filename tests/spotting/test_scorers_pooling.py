"""Whole halves through pooling networks: a step's score is that of the window around it."""

from fractions import Fraction

import numpy as np
import pytest
from extras import needs

torch = needs("torch")

from hypothesis import given  # noqa: E402
from hypothesis import strategies as st  # noqa: E402

from touchline.datasets.features import FeatureFile  # noqa: E402
from touchline.engines.torch_stages import TorchStages  # noqa: E402
from touchline.models.pooling import POOLINGS, PoolingConfig, PoolingNetwork  # noqa: E402
from touchline.spotting.scorers import pooling as halves  # noqa: E402
from touchline.spotting.scorers.pooling import score  # noqa: E402


class Rows:
    """Features in memory."""

    rate = Fraction(2)

    def __init__(self, rows: np.ndarray) -> None:
        self.rows = rows
        self.steps = len(rows)

    def read(self, first: int, count: int) -> np.ndarray:
        return self.rows[np.clip(np.arange(first, first + count), 0, self.steps - 1)]

    def read_all(self) -> np.ndarray:
        return self.rows


def windowed(network: PoolingNetwork, rows: np.ndarray) -> np.ndarray:
    """As published: each window gathered by itself, its indices clipped to the half."""
    steps, clip_steps = len(rows), network.config.clip_steps
    offsets = np.arange(clip_steps) - clip_steps // 2
    scores = []
    with torch.inference_mode():
        for step in range(steps):
            window = rows[np.clip(step + offsets, 0, steps - 1)]
            scores.append(network(torch.from_numpy(window)[None])[0].sigmoid())
    return torch.stack(scores)[:, 1:].numpy()


@pytest.mark.parametrize("pooling", POOLINGS)
@given(steps=st.integers(1, 120), clip_steps=st.integers(2, 41), seed=st.integers(0, 1000))
def test_every_step_has_the_score_of_the_window_around_it(pooling, steps, clip_steps, seed):
    torch.manual_seed(seed)
    network = PoolingNetwork(PoolingConfig(pooling, 3, clip_steps, 8, 12, 4)).eval()
    rows = torch.randn(steps, 8).numpy()
    found = score(TorchStages(network), {"features": Rows(rows)})
    assert found.dtype == np.float32
    np.testing.assert_allclose(found, windowed(network, rows), rtol=0, atol=1e-5)


@pytest.mark.parametrize("at_once", [1, 7, 60])
def test_long_halves_go_in_pieces(at_once, monkeypatch):
    torch.manual_seed(0)
    network = PoolingNetwork(PoolingConfig("netvlad++", 3, 12, 8, 8, 4)).eval()
    rows = torch.randn(60, 8).numpy()
    monkeypatch.setattr(halves, "STEPS_AT_ONCE", at_once)
    found = score(TorchStages(network), {"features": Rows(rows)})
    np.testing.assert_allclose(found, windowed(network, rows), rtol=0, atol=1e-5)


@pytest.mark.parametrize("pooling", POOLINGS)
def test_half_precision_around_it_changes_nothing(pooling):
    torch.manual_seed(0)
    network = PoolingNetwork(PoolingConfig(pooling, 3, 12, 16, 8, 4)).eval()
    rows = torch.randn(60, 16).numpy()
    with torch.autocast("cpu", torch.bfloat16):
        found = score(TorchStages(network), {"features": Rows(rows)})
    np.testing.assert_array_equal(found, score(TorchStages(network), {"features": Rows(rows)}))


@pytest.mark.slow
@pytest.mark.parametrize("name", ["MAXPOOL_v1", "NETVLAD_v1"])
def test_published_weights_over_a_half(name, shared, tmp_path):
    path = shared / f"data/checkpoints/sn-spotting_Pooling_{name}.pth.tar"
    weights = torch.load(path, map_location="cpu", weights_only=True)["state_dict"]
    pooling = "max" if name.startswith("MAX") else "netvlad-conv"
    network = PoolingNetwork(PoolingConfig(pooling, 3, clip_steps=40)).eval()
    network.load_state_dict(weights)
    rng = np.random.default_rng(0)
    rows = np.maximum(rng.normal(size=(1500, 512)), 0).cumsum(0)[::5].astype(np.float16)
    np.save(tmp_path / "1_ResNET_TF2_PCA512.npy", rows)
    features = FeatureFile(tmp_path / "1_ResNET_TF2_PCA512.npy", Fraction(2))
    found = score(TorchStages(network), {"features": features})
    expected = windowed(network, rows.astype(np.float32))
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-5)
