"""Training of CALF with calibration: every kind of player branch learns from its own stream."""

from fractions import Fraction

import numpy as np
import pytest
from extras import needs

torch = needs("torch")
needs("lightning")

from held_features import Held, clip_of, labelled  # noqa: E402

from touchline.datasets.features import LabelledHalf  # noqa: E402
from touchline.engines.networks import config_type, make_network  # noqa: E402
from touchline.engines.torch_stages import TorchStages  # noqa: E402
from touchline.errors import ConfigError  # noqa: E402
from touchline.features.player_graph import MAX_PEOPLE, NODE_FEATURES  # noqa: E402
from touchline.labels import LABEL_SETS, SOCCERNET_V2_VISUAL, LabelSet  # noqa: E402
from touchline.models.calibration import CalibrationConfig, calibration_calf  # noqa: E402
from touchline.spotting.scorers.calibration import segment  # noqa: E402
from touchline.systems import SYSTEMS  # noqa: E402
from touchline.training.config import load_recipe  # noqa: E402
from touchline.training.tasks import feature_task  # noqa: E402
from touchline.training.tasks.calibration import CalibrationTask  # noqa: E402

LABELS = LabelSet("own", ("left", "right"))
RATE = Fraction(2)
EVENTS = [(step, number % 2) for number, step in enumerate(range(40, 580, 45))]
SMALL = {
    "num_classes": 2,
    "slots": 4,
    "clip_steps": 48,
    "receptive_steps": 16,
    "feature_width": 6,
    "player_features": 10,
    "graph_layers": 2,
    "graph_width": 8,
}


def drawn(stream: str, steps: int = 600) -> np.ndarray:
    """Rows of a stream that shows the class of each event while it happens."""
    rng = np.random.default_rng(0)
    if stream == "top_view":
        rows = rng.integers(0, 40, (steps, 3, 32, 64)).astype(np.uint8)
        for step, kind in EVENTS:
            rows[step - 3 : step + 4, :, :, 32 * kind : 32 * kind + 32] = 255
    elif stream == "top_view_features":
        rows = rng.normal(0, 0.1, (steps, 10)).astype(np.float32)
        for step, kind in EVENTS:
            rows[step - 3 : step + 4, kind] = 3
    else:
        rows = np.zeros((steps, MAX_PEOPLE, NODE_FEATURES + 1 + MAX_PEOPLE), np.float32)
        rows[:, :3, NODE_FEATURES] = 1
        rows[:, 0, NODE_FEATURES + 2] = rows[:, 1, NODE_FEATURES + 1] = 1
        for step, kind in EVENTS:
            rows[step - 3 : step + 4, :3, kind] = 3
    return rows


def half_of(stream: str) -> LabelledHalf:
    """Features say nothing: whoever learns, learns from the players."""
    features = Held(np.zeros((600, 6), np.float32), 2)
    return LabelledHalf(
        "half", {"features": features, stream: Held(drawn(stream), 2)}, labelled(EVENTS)
    )


@pytest.mark.parametrize(
    "players",
    [
        pytest.param("3d", marks=pytest.mark.slow),
        "dense",
        "copy",
        pytest.param("graph", marks=pytest.mark.slow),
    ],
)
def test_learns_from_the_players_alone(players: str) -> None:
    torch.manual_seed(0)
    config = CalibrationConfig(**SMALL, players=players)
    task = CalibrationTask(config, {"epoch_clips": 96, "context_weight": 0.01}, LABELS, RATE)
    assert task.streams == ("features", config.stream)
    network = calibration_calf(config)
    halves = [half_of(config.stream)]
    optimiser = torch.optim.Adam(network.parameters(), 3e-3)
    losses = []
    for epoch in range(3):
        clips = task.plan(halves, np.random.default_rng(epoch))
        for first in range(0, len(clips), 16):
            part = clips[first : first + 16]
            streams = {
                name: torch.from_numpy(
                    np.stack([clip_of(task, halves, part, name, i) for i in range(len(part))])
                )
                for name in task.streams
            }
            targets = {k: torch.from_numpy(v) for k, v in task.targets(halves, part).items()}
            optimiser.zero_grad()
            loss = task.loss(network, streams, targets)
            loss.backward()
            optimiser.step()
            losses.append(float(loss.detach()))
    assert np.mean(losses[-6:]) < np.mean(losses[:3])
    near = segment(TorchStages(network.eval()), halves[0].streams)
    assert near.shape == (600, 2)
    step, kind = np.array(EVENTS).T
    margin = near[step, kind] - near[step, 1 - kind]
    assert (margin > 0).sum() >= len(EVENTS) - 1  # by chance once in 300 runs
    assert margin.mean() > 0.1


def test_features_of_another_rate_are_refused() -> None:
    config = CalibrationConfig(num_classes=8)
    with pytest.raises(ConfigError, match="features of 1 rows a second"):
        CalibrationTask(config, {}, SOCCERNET_V2_VISUAL, Fraction(1))


@pytest.mark.parametrize("kind", ["visual", "nonvisual", "gcn"])
def test_recipes_describe_what_was_published(kind: str) -> None:
    recipe = load_recipe(f"calf-calibration-{kind}")
    labels = LABEL_SETS[recipe.data.labels]
    system = SYSTEMS[recipe.system]
    config = config_type(system)(num_classes=len(labels), **recipe.network)
    task = feature_task(recipe.system)(config, recipe.clips, labels, RATE)
    assert set(task.streams) == {"features", *recipe.data.streams}
    assert task.clip_steps == 240 and config.polarity == "distance"
    if kind == "gcn":
        network = make_network(system, config)
        assert sum(parameter.numel() for parameter in network.parameters()) == 741_828
