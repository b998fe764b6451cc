"""Small games of features in the SoccerNet layout, whose rows show the events."""

import json
from pathlib import Path

import numpy as np

LABELS = ("Goal", "Corner", "Foul")
RATE = 2
STEPS = 240
WIDTH = 8
NAME = "toy"


def write_game(
    folder: Path,
    seed: int,
    *,
    name: str = NAME,
    steps: int = STEPS,
    width: int = WIDTH,
    dtype: str = "float32",
    rate: int = RATE,
) -> None:
    """Two halves, ``1_toy.npy`` and ``2_toy.npy``, and ``Labels-v2.json``."""
    folder.mkdir(parents=True, exist_ok=True)
    rng = np.random.default_rng(seed)
    annotations = []
    for half in (1, 2):
        rows = rng.normal(0, 0.3, (steps, width)).astype(dtype)
        at = np.arange(6, steps - 4, 15) + rng.integers(0, 6, len(range(6, steps - 4, 15)))
        for step, label in zip(at.tolist(), rng.integers(0, 3, len(at)).tolist(), strict=True):
            rows[step, label] += 4
            annotations.append(annotation(half, step / rate, LABELS[label]))
        np.save(folder / f"{half}_{name}.npy", rows)
    write_labels(folder, annotations)


def annotation(half: int, seconds: float, label: str) -> dict[str, str]:
    return {
        "gameTime": f"{half} - {int(seconds // 60):02d}:{int(seconds % 60):02d}",
        "label": label,
        "position": str(int(seconds * 1000)),
        "team": "home",
        "visibility": "visible",
    }


def write_labels(folder: Path, annotations: list[dict[str, str]]) -> None:
    document = {"UrlLocal": folder.name, "annotations": annotations}
    (folder / "Labels-v2.json").write_text(json.dumps(document))


def write_dataset(root: Path, training: int = 3, validation: int = 1) -> Path:
    """``train/``, ``valid/`` and ``test/`` of some games."""
    for i in range(training):
        write_game(root / "train" / "league" / "season" / f"game {i}", seed=i)
    for i in range(validation):
        write_game(root / "valid" / "league" / "season" / f"game {i}", seed=100 + i)
    write_game(root / "test" / "league" / "season" / "game 0", seed=200)
    return root


RECIPE = """
name: toy-features
system: pooling
data:
  labels: [Goal, Corner, Foul]
  features: {name: toy, width: 8, rate: 2}
network: {pooling: max, clip_steps: 6}
optimiser: {batch: 16, learning_rate: 0.05, epochs: 3, plateau_patience: 2}
validation: {criterion: tight, window_seconds: 2.0}
run: {device: cpu, precision: fp32, threads: 1}
"""


def write_recipe(path: Path, root: Path) -> Path:
    """A recipe that trains on such a dataset in a moment."""
    path.write_text(RECIPE.replace("data:\n", f"data:\n  root: {json.dumps(str(root))}\n"))
    return path
