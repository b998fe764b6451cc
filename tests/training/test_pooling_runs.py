"""Pooling networks from recipe to model to score, on files."""

import json

import numpy as np
import pytest
from extras import needs

torch = needs("torch")
needs("lightning")


LABELS = ("Goal", "Corner")
SETTINGS = (
    "data.labels=[Goal, Corner]",
    "data.features={name: small, width: 8}",
    "network.width=8",
    "network.clusters=8",
    "network.clip_steps=10",
    "optimiser.batch=32",
    "optimiser.learning_rate=0.02",
    "optimiser.epochs=30",
    "validation.window_seconds=4",
    "run.device=cpu",
    "run.threads=1",
)


@pytest.fixture(scope="module")
def dataset(tmp_path_factory):
    """Games whose features show what happens, in splits."""
    root = tmp_path_factory.mktemp("games")
    rng = np.random.default_rng(0)
    for split, games in (("train", 2), ("valid", 1), ("test", 1)):
        for number in range(games):
            game = root / split / "league" / "season" / f"{split}-{number}"
            game.mkdir(parents=True)
            annotations = []
            for half in (1, 2):
                annotations += write_half(game, half, rng)
            (game / "Labels-v2.json").write_text(json.dumps({"annotations": annotations}))
    return root


def write_half(game, half, rng, steps=500):
    rows = rng.normal(0, 0.1, (steps, 8))
    shown = np.full(steps, 7)
    annotations = []
    for step in range(10 + half, steps - 10, 21):
        label = int(rng.integers(2))
        shown[step - 2 : step + 3] = label
        annotations.append(
            {
                "gameTime": f"{half} - {step // 120:02d}:{step // 2 % 60:02d}",
                "label": LABELS[label],
                "position": str(500 * step),
                "team": "home",
                "visibility": "visible",
            }
        )
    rows[np.arange(steps), shown] += 2
    np.save(game / f"{half}_small.npy", rows.astype(np.float32))
    return annotations


@pytest.mark.slow
@pytest.mark.parametrize("recipe", ["maxpool", "netvlad", "netrvlad", "avgpool++", "netvlad++"])
def test_train_predict_evaluate(recipe, dataset, tmp_path, call):
    settings = [
        part for setting in (*SETTINGS, f"data.root={dataset}") for part in ("--set", setting)
    ]
    trained = call("train", recipe, "--out", tmp_path / "run", "--json", *settings)
    assert trained.code == 0, trained.err
    assert json.loads(trained.out)["best_epoch"] >= 1
    predicted = call("predict", tmp_path / "run", dataset, "--out", tmp_path / "found")
    assert predicted.code == 0, predicted.err
    labels = dataset / "test"
    scored = call("evaluate", labels, tmp_path / "found", "--metric", "loose", "--json")
    assert scored.code == 0, scored.err
    assert json.loads(scored.out)["average_map_present"] > 0.7
