"""The CALF family from recipe to scores, on files."""

import json
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from extras import needs

torch = needs("torch")
needs("lightning")

from feature_games import write_dataset, write_recipe  # noqa: E402
from held_features import half_with_events  # noqa: E402

from touchline.datasets.features import FeatureFile  # noqa: E402
from touchline.datasets.time_shift import context_of  # noqa: E402
from touchline.engines.networks import load_network  # noqa: E402
from touchline.engines.torch_stages import TorchStages  # noqa: E402
from touchline.errors import InputError  # noqa: E402
from touchline.formats import read_matches  # noqa: E402
from touchline.formats.grounding import SHOT_FILE, read_replays, read_shots  # noqa: E402
from touchline.labels import LabelSet  # noqa: E402
from touchline.metrics.spotting import evaluate  # noqa: E402
from touchline.replays import replays_of  # noqa: E402
from touchline.spotting.grounding import ground  # noqa: E402
from touchline.training.config import load_recipe  # noqa: E402
from touchline.training.run import train  # noqa: E402
from touchline.zoo.store import find  # noqa: E402

STEPS = 300
LABELS = ("A", "B")
SMALL = "slots: 4, clip_steps: 48, receptive_steps: 16"
CASES = {
    "calf": SMALL,
    "calf-attention": SMALL + ", heads: 2, hidden: 16, refinement: false",
    "calf-se": SMALL,
}
LEAST_MAP = {"calf": 0.2, "calf-attention": 0.1, "calf-se": 0.25}
"""Untrained networks reach 0.05."""


def labelled(half: int, step: int, label: str, **further: object) -> dict[str, object]:
    clock = f"{half} - {step // 120:02d}:{step // 2 % 60:02d}"
    return {"gameTime": clock, "label": label, "position": str(500 * step), **further}


@pytest.fixture(scope="module")
def dataset(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two games whose features show their events; every second one is shown again 10 s later."""
    root = tmp_path_factory.mktemp("games")
    for number in range(2):
        game = root / "league" / "season" / f"game-{number}"
        game.mkdir(parents=True)
        events, shots = [], []
        for half in (1, 2):
            made = half_with_events(10 * number + half, STEPS, width=8)
            rows = made.streams["features"].rows
            for step, label in zip(made.events.steps, made.events.classes, strict=True):
                events.append(labelled(half, int(step), LABELS[label], team="home"))
            for step in made.events.steps[::4] // 2 * 2:
                if step + 30 < STEPS:
                    rows[step + 20 : step + 30] = rows[step - 5 : step + 5]
                    link = {"half": str(half), "label": "Goal", "time": f"{step // 120:02d}:"}
                    link["time"] += f"{step // 2 % 60:02d}"
                    shots.append(labelled(half, int(step) + 20, "", replay="real-time"))
                    shots.append(labelled(half, int(step) + 30, "", replay="replay", link=link))
            np.save(game / f"{half}_small.npy", rows)
        (game / "Labels-v2.json").write_text(json.dumps({"annotations": events}))
        (game / "Labels-cameras.json").write_text(json.dumps({"annotations": shots}))
    return root


def settings(dataset: Path, network: str, epochs: int) -> tuple[str, ...]:
    return (
        f"data.root={dataset}",
        "data.train=null",
        "data.validation=null",
        "data.features={name: small, width: 8, rate: 2}",
        f"network={{{network}}}",
        "clips.epoch_clips=64",
        "validation.criterion=last",
        "optimiser.schedule=constant",
        "optimiser.batch=16",
        "optimiser.learning_rate=0.003",
        f"optimiser.epochs={epochs}",
        "run.device=cpu",
    )


@pytest.mark.slow
@pytest.mark.parametrize("system", CASES)
def test_a_trained_network_finds_its_events(
    dataset: Path, tmp_path: Path, call: Callable[..., Any], system: str
) -> None:
    chosen = settings(dataset, CASES[system], 40)
    window = "validation.window_seconds=3"
    train(load_recipe(system, (*chosen, window, "data.labels=[A, B]")), tmp_path / "run")
    assert find(tmp_path / "run").card.system == system
    predicted = tmp_path / "predictions"
    assert call("predict", tmp_path / "run", dataset, "--split", "all", "-o", predicted).code == 0
    truth, found = read_matches(dataset), read_matches(predicted)
    measured = evaluate(truth, found, label_set=LabelSet("own", LABELS), metric="tight")
    assert measured.average_map > LEAST_MAP[system]


@pytest.mark.slow
def test_a_grounding_network_can_be_trained_and_scored(
    dataset: Path, tmp_path: Path, call: Callable[..., Any]
) -> None:
    network_options = "clip_steps: 48, receptive_steps: 16"
    recipe = load_recipe("calf-grounding", settings(dataset, network_options, 2))
    train(recipe, tmp_path / "run")
    shots = read_shots(dataset)
    network = load_network(find(tmp_path / "run"))
    words = ("predict", tmp_path / "run", dataset, "--split", "all", "--json")
    for target in ("--out", tmp_path / "found"), ("--challenge", tmp_path / "found.zip"):
        ended = call(*words, *target, "--threshold", 0)
        assert ended.code == 0, ended
        told = json.loads(ended.out)
        assert told["games"] == 2 and told["replays"] > 5
        assert told["written"] == [str(target[1])]
        grounded = read_replays(target[1])
        assert grounded.keys() == shots.keys()
        for name, own in shots.items():
            stream = FeatureFile(dataset / name / "1_small.npy", Fraction(2))
            replays = [replay for replay in replays_of(own) if replay.half == 1]
            wanted = ground(TorchStages(network), stream, replays)
            found = [replay for replay in grounded[name] if replay.half == 1]
            assert [(r.end_seconds, r.times) for r in found] == [
                (r.end_seconds, r.times) for r in wanted
            ]
        scored = call("evaluate", dataset, target[1], "--task", "grounding", "--json")
        assert scored.code == 0, scored
        scores = json.loads(scored.out)
        assert scores["pairs"] > 5 and 0 <= scores["average_ap"] <= 1
    assert call(*words, "--threshold", 1, "--out", tmp_path / "few").code == 0
    assert not any(r.times for own in read_replays(tmp_path / "few").values() for r in own)
    ended = call(*words, "--curves", tmp_path / "curves")
    assert ended.code == 2 and "--curves: calf-grounding has no curves" in ended.err
    (dataset / next(iter(shots)) / SHOT_FILE).rename(tmp_path / SHOT_FILE)
    try:
        ended = call(*words, "--out", tmp_path / "none")
    finally:
        (tmp_path / SHOT_FILE).rename(dataset / next(iter(shots)) / SHOT_FILE)
    assert ended.code == 2 and SHOT_FILE in ended.err and ended.err.count("\n") == 1
    assert not (tmp_path / "none").exists()


def test_classes_without_any_event_do_not_stop_a_run(dataset: Path, tmp_path: Path) -> None:
    chosen = (*settings(dataset, SMALL, 1), "data.labels=[A, B, Never]", "clips.epoch_clips=16")
    train(load_recipe("calf", chosen), tmp_path / "run")
    assert find(tmp_path / "run").card.label_set.labels == ("A", "B", "Never")


def test_validation_asks_by_the_context_of_the_training_games(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    looked_at = []

    def watched(labels: LabelSet, halves: Any, *rest: Any, **options: Any) -> Any:
        looked_at.append(len(halves))
        return context_of(labels, halves, *rest, **options)

    monkeypatch.setattr("touchline.training.tasks.calf.context_of", watched)
    recipe = write_recipe(tmp_path / "toy.yaml", write_dataset(tmp_path / "data", training=2))
    chosen = ("system=calf", f"network={{{SMALL}}}", "clips={epoch_clips: 16, context: data}")
    train(load_recipe(recipe, (*chosen, "optimiser.epochs=1")), tmp_path / "run")
    assert looked_at == [4]  # validation has two halves


def test_games_without_linked_replays_stop_before_training(dataset: Path, tmp_path: Path) -> None:
    game = tmp_path / "games" / "league" / "season" / "game"
    game.mkdir(parents=True)
    source = dataset / "league" / "season" / "game-0"
    for name in ("1_small.npy", "2_small.npy", "Labels-v2.json"):
        (game / name).write_bytes((source / name).read_bytes())
    chosen = settings(tmp_path / "games", "clip_steps: 48, receptive_steps: 16", 1)
    with pytest.raises(InputError, match=r"Labels-cameras\.json"):
        train(load_recipe("calf-grounding", chosen), tmp_path / "run")
    assert not (tmp_path / "run").exists()
