"""CALF with calibration on simulated matches: from their files to a model and its scores."""

from pathlib import Path

import numpy as np
import pytest
from extras import needs

torch = needs("torch")
needs("lightning")

from touchline.datasets.features import MAIN  # noqa: E402
from touchline.datasets.player_boxes import DRAWN_STREAMS  # noqa: E402
from touchline.datasets.streams import StreamSource, open_half  # noqa: E402
from touchline.engines.networks import load_network  # noqa: E402
from touchline.engines.torch_stages import TorchStages  # noqa: E402
from touchline.errors import InputError  # noqa: E402
from touchline.labels import SOCCERNET_V2_VISUAL  # noqa: E402
from touchline.simulator.dataset import simulate  # noqa: E402
from touchline.spotting.scorers import half_scorer  # noqa: E402
from touchline.timebase import parse_rate  # noqa: E402
from touchline.training.config import load_recipe  # noqa: E402
from touchline.training.run import train  # noqa: E402
from touchline.zoo.store import find  # noqa: E402

MINUTES = 2.0
STEPS = int(2 * 60 * MINUTES)
NETWORKS = {
    "graph": ("calf-calibration-gcn", "graph_layers: 2, graph_width: 8"),
    "certain_graph": ("calf-calibration-gcn", "graph_layers: 2, graph_width: 8, node_features: 9"),
    "top_view": ("calf-calibration-visual", ""),
    "top_view_features": ("calf-calibration-visual", "player_features: 6"),
}
PLAYERS = {
    "graph": "graph",
    "certain_graph": "graph",
    "top_view": "3d",
    "top_view_features": "dense",
}


@pytest.fixture(scope="module")
def dataset(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One match as the simulator writes it, with features that say nothing."""
    root = tmp_path_factory.mktemp("simulated")
    modalities = ("labels", "boxes", "calibration")
    made = simulate(root, games=1, seed=4, minutes=MINUTES, modalities=modalities, jobs=1)
    for half in (1, 2):
        for name, width in (("small", 8), ("described", 6)):
            rows = np.random.default_rng(half).normal(size=(STEPS, width))
            np.save(root / made.games[0] / f"{half}_{name}.npy", rows.astype(np.float32))
    return root


def settings(dataset: Path, stream: str) -> tuple[str, ...]:
    source = "{name: described, width: 6}" if stream == "top_view_features" else "{rate: 2}"
    network = f"players: {PLAYERS[stream]}, slots: 4, clip_steps: 48, receptive_steps: 16"
    further = NETWORKS[stream][1]
    return (
        f"data.root={dataset}",
        "data.train=null",
        "data.validation=null",
        "data.features={name: small, width: 8, rate: 2}",
        f"data.streams={{{stream}: {source}}}",
        f"network={{multiplier: 1, {network}{', ' + further if further else ''}}}",
        "clips.epoch_clips=8",
        "validation.criterion=last",
        "optimiser.schedule=constant",
        "optimiser.batch=4",
        "optimiser.epochs=1",
        "run.device=cpu",
    )


@pytest.mark.parametrize("stream", NETWORKS)
def test_a_simulated_match_trains_a_network_that_scores_it(
    dataset: Path, tmp_path: Path, stream: str
) -> None:
    train(load_recipe(NETWORKS[stream][0], settings(dataset, stream)), tmp_path / "run")
    folder = find(tmp_path / "run")
    card = folder.card
    assert card.system == "calf-calibration"
    assert card.training_data == "simulated"
    assert card.label_set.labels == SOCCERNET_V2_VISUAL.labels
    assert card.features is not None and set(card.streams) == {stream}
    sources = {MAIN: StreamSource(card.features.name, card.frame_rate, card.features.width)}
    for name, told in card.streams.items():
        sources[name] = StreamSource(told.name, parse_rate(told.rate or card.rate), told.width)
    network = load_network(folder)
    for path in sorted(dataset.rglob("*_small.npy")):
        values = half_scorer(card.system)(TorchStages(network), open_half(path, sources))
        assert values.shape == (STEPS, len(SOCCERNET_V2_VISUAL))
        assert values.any() and np.isfinite(values).all()


@pytest.mark.parametrize("name", DRAWN_STREAMS)
@pytest.mark.parametrize(
    "broken", ["1_field_calib_ccbv.json", "2_player_boundingbox_maskrcnn.json"]
)
def test_a_broken_file_stops_before_training(
    dataset: Path, tmp_path: Path, name: str, broken: str
) -> None:
    for file in dataset.rglob("*"):
        if file.is_file():
            copy = tmp_path / "data" / file.relative_to(dataset)
            copy.parent.mkdir(parents=True, exist_ok=True)
            copy.write_bytes(file.read_bytes()[: 3000 if file.name == broken else None])
    recipe = load_recipe(NETWORKS[name][0], settings(tmp_path / "data", name))
    with pytest.raises(InputError) as refusal:
        train(recipe, tmp_path / "run")
    assert broken in str(refusal.value) and "\n" not in str(refusal.value)
    assert not (tmp_path / "run").exists()
