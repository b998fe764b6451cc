"""Pooling networks from recipe to model to score, on files."""

import json

import numpy as np
import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("lightning")

from touchline.datasets.features import FeatureFile  # noqa: E402
from touchline.events import Match, Timeline, Video  # noqa: E402
from touchline.formats import read_matches  # noqa: E402
from touchline.labels import LabelSet  # noqa: E402
from touchline.metrics.spotting import evaluate  # noqa: E402
from touchline.scores import Scores  # noqa: E402
from touchline.spotting.halves.pooling import score  # noqa: E402
from touchline.spotting.peaks import Suppression, find_peaks  # noqa: E402
from touchline.zoo.networks import load_network  # noqa: E402
from touchline.zoo.store import find  # noqa: E402

LABELS = ("A", "B")
SETTINGS = (
    "data.labels=[A, B]",
    "data.features={name: small, width: 8}",
    "network.width=8",
    "network.clusters=8",
    "network.clip_len=10",
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
def test_a_run_ends_as_a_model_that_finds_events(recipe, dataset, tmp_path, call):
    settings = [
        part for setting in (*SETTINGS, f"data.root={dataset}") for part in ("--set", setting)
    ]
    trained = call("train", recipe, "--out", tmp_path / "run", "--json", *settings)
    assert trained.code == 0, trained.err
    assert json.loads(trained.out)["best_epoch"] >= 1
    folder = find(tmp_path / "run")
    assert (folder.card.system, folder.card.features.name) == ("pooling", "small")
    game, name = dataset / "test/league/season/test-0", "league/season/test-0"
    timelines = tuple(spotted(folder, game / f"{half}_small.npy", half) for half in (1, 2))
    found = evaluate(
        {name: read_matches(game / "Labels-v2.json").popitem()[1]},
        {name: Match(name, timelines)},
        label_set=LabelSet("two", LABELS),
    )
    assert found.average_map_present > 0.8


def spotted(folder, path, half):
    """What the model finds in a file of features."""
    features = FeatureFile(path, folder.card.frame_rate)
    values = score(load_network(folder), {"features": features})
    scores = Scores(values, np.arange(features.steps) / 2, folder.card.label_set, features.rate)
    rule = Suppression(folder.card.suppression.kind, folder.card.suppression.window_seconds)
    video = Video(path.name, features.steps / 2, None)
    return Timeline(video, find_peaks(scores, rule), half=half)
