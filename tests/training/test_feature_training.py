"""A run on features learns, ends as a model folder, and goes on after an interruption as if there
was none."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from extras import needs

torch = needs("torch")
needs("lightning")

from feature_games import write_dataset, write_recipe  # noqa: E402
from safetensors.torch import load_file  # noqa: E402

from touchline.datasets.features import Clips  # noqa: E402
from touchline.errors import CheckpointError  # noqa: E402
from touchline.training.config import load_recipe  # noqa: E402
from touchline.training.run import train  # noqa: E402
from touchline.training.schedule import Plateau, rate_share  # noqa: E402
from touchline.training.sources.base import Share  # noqa: E402
from touchline.training.sources.feature_batches import FeatureBatches  # noqa: E402
from touchline.training.sources.feature_halves import open_halves  # noqa: E402
from touchline.training.sources.games import read_labels  # noqa: E402
from touchline.zoo.store import find  # noqa: E402


@pytest.fixture(autouse=True)
def _one_thread():
    """Sums come out alike only for one number of threads."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope="module")
def recipe_path(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("features")
    return write_recipe(folder / "toy.yaml", write_dataset(folder / "data"))


@pytest.fixture(scope="module")
def unbroken(recipe_path, tmp_path_factory) -> Path:
    """A run that nothing interrupted."""
    folder = tmp_path_factory.mktemp("unbroken") / "run"
    train(load_recipe(recipe_path), folder)
    return folder


class InterruptedRunError(Exception):
    """What stops a run half-way."""


def stop_at(step: int):
    def on_step(done: int, total: int) -> None:
        if done == step:
            raise InterruptedRunError

    return on_step


def assert_same(one: Path, other: Path) -> None:
    first, second = (load_file(folder / "model.safetensors") for folder in (one, other))
    assert first.keys() == second.keys()
    assert all(torch.equal(first[name], second[name]) for name in first)
    assert figures(one) == figures(other)
    assert find(one).card.metrics == find(other).card.metrics


def figures(folder: Path) -> list[dict]:
    lines = (folder / "log.jsonl").read_text().splitlines()
    rows = [json.loads(line) for line in lines]
    return [{key: row[key] for key in ("epoch", "step", "loss", "validation")} for row in rows]


def test_a_run_is_a_model_that_says_what_it_reads(unbroken):
    card = find(unbroken).card
    assert (card.system, card.rate, card.width) == ("pooling", "2/1", None)
    assert (card.features.name, card.features.width) == ("toy", 8)
    assert card.labels.labels == ("Goal", "Corner", "Foul")
    best = max(figures(unbroken), key=lambda row: row["validation"]["tight"])
    assert card.metrics["validation tight"] == best["validation"]["tight"] > 0.3
    assert {"loss", "tight", "loose"} == set(best["validation"])


@pytest.mark.parametrize("step", [1, 20])
def test_an_interrupted_run_comes_to_the_same_end(recipe_path, unbroken, tmp_path, step):
    recipe = load_recipe(recipe_path)
    with pytest.raises(InterruptedRunError):
        train(recipe, tmp_path / "run", on_step=stop_at(step))
    train(recipe, tmp_path / "run", resume=True)
    assert_same(tmp_path / "run", unbroken)


@pytest.mark.parametrize("earlier", ["FeatureKeeper", "VideoKeeper"])
def test_a_checkpoint_of_an_earlier_version_is_gone_on_with(
    recipe_path, unbroken, tmp_path, earlier
):
    recipe = load_recipe(recipe_path)
    with pytest.raises(InterruptedRunError):
        train(recipe, tmp_path / "run", on_step=stop_at(20))
    path = tmp_path / "run" / "last.ckpt"
    checkpoint = torch.load(path, weights_only=True)
    (state,) = checkpoint["callbacks"].values()
    if earlier == "VideoKeeper":  # it did not count epochs without a better figure
        del state["not_better"]
    checkpoint["callbacks"] = {earlier: state}
    torch.save(checkpoint, path)
    train(recipe, tmp_path / "run", resume=True)
    assert_same(tmp_path / "run", unbroken)


KILLED_RUN = """
import sys
import torch
from touchline.training.config import load_recipe
from touchline.training.run import train

torch.set_num_threads(1)

def on_step(done, total):
    if done == 20:
        print("in the middle of an epoch", flush=True)
        sys.stdin.read()

train(load_recipe(sys.argv[1]), sys.argv[2], on_step=on_step)
"""


@pytest.mark.slow
@pytest.mark.skipif(os.name != "posix", reason="SIGKILL")
def test_a_killed_run_comes_to_the_same_end(recipe_path, unbroken, tmp_path):
    words = [sys.executable, "-c", KILLED_RUN, str(recipe_path), str(tmp_path / "run")]
    process = subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    assert process.stdin and process.stdout
    try:
        assert process.stdout.readline() == b"in the middle of an epoch\n"
    finally:
        process.kill()
        assert process.wait() == -signal.SIGKILL
        process.stdin.close()
        process.stdout.close()
    assert [row["epoch"] for row in figures(tmp_path / "run")] == [1]
    train(load_recipe(recipe_path), tmp_path / "run", resume=True)
    assert_same(tmp_path / "run", unbroken)


def test_seeds_decide_the_outcome(recipe_path, unbroken, tmp_path):
    train(load_recipe(recipe_path, ["run.seed=1"]), tmp_path / "one")
    assert figures(tmp_path / "one") != figures(unbroken)
    train(load_recipe(recipe_path, ["data.prefetch=0"]), tmp_path / "same")
    assert_same(tmp_path / "same", unbroken)


def test_resuming_with_another_network_is_refused(recipe_path, unbroken):
    before = (unbroken / "recipe.yaml").read_text()
    with pytest.raises(CheckpointError, match="recipe that the run began with"):
        train(load_recipe(recipe_path, ["network.pooling=max++"]), unbroken, resume=True)
    assert (unbroken / "recipe.yaml").read_text() == before


def test_a_run_may_start_from_the_weights_of_another(recipe_path, unbroken, tmp_path):
    told: list[str] = []
    settings = [f"start_from={unbroken}", "optimiser.epochs=1"]
    train(load_recipe(recipe_path, settings), tmp_path / "run", say=told.append)
    assert any("started from" in line for line in told)


@pytest.mark.parametrize("precision", ["bf16", "fp32"])
def test_precision_is_a_choice(recipe_path, tmp_path, precision):
    settings = [f"run.precision={precision}", "optimiser.epochs=1"]
    assert train(load_recipe(recipe_path, settings), tmp_path / "run").figures["tight"] > 0.2


def test_the_plateau_ends_the_run_and_it_stays_ended(recipe_path, tmp_path):
    settings = [
        "optimiser.learning_rate=1e-8",
        "optimiser.plateau_patience=1",
        "optimiser.epochs=50",
        "validation.criterion=loss",
    ]
    recipe = load_recipe(recipe_path, settings)
    steps = train(recipe, tmp_path / "run").steps
    assert 0 < steps < 50 * 15
    assert train(recipe, tmp_path / "run", resume=True).steps == steps


def test_patience_with_the_criterion_ends_the_run(recipe_path, tmp_path):
    settings = ["validation.stop_after=1", "optimiser.schedule=constant", "optimiser.epochs=40"]
    folder = tmp_path / "run"
    train(load_recipe(recipe_path, settings), folder)
    values = [row["validation"]["tight"] for row in figures(folder)]
    assert len(values) < 40 and values[-1] <= max(values[:-1])
    assert all("loss" not in row["validation"] for row in figures(folder))


def test_the_last_epoch_can_be_kept_without_validation(recipe_path, tmp_path):
    settings = [
        "data.validation=null",
        "validation.criterion=last",
        "optimiser.schedule=cosine",
        "optimiser.epochs=2",
    ]
    assert train(load_recipe(recipe_path, settings), tmp_path / "run").best_epoch == 2
    assert find(tmp_path / "run").has_weights


@pytest.mark.slow
def test_processes_that_train_together_see_each_clip_once(recipe_path, tmp_path):
    words = [sys.executable, "-m", "touchline.cli.main", "train", str(recipe_path)]
    words += ["--out", str(tmp_path / "run"), "--set", "run.devices=2", "--json"]
    words += ["--set", "optimiser.epochs=2"]
    ended = subprocess.run(words, capture_output=True, text=True, timeout=900, check=False)
    assert ended.returncode == 0, ended.stderr
    assert json.loads(ended.stdout)["steps"] == 30
    assert [row["epoch"] for row in figures(tmp_path / "run")] == [1, 2]


@pytest.fixture(scope="module")
def halves(recipe_path):
    options = load_recipe(recipe_path).data
    return open_halves(read_labels(options, features="toy"), options, ("features",), 1).training


class EveryRow:
    """A task whose clips are rows, in order."""

    clip_steps = 4
    streams = ("features",)

    def plan(self, halves, rng):
        count = 21
        return Clips(rng.integers(0, len(halves), count), np.arange(count) * 7 - 3)

    def targets(self, halves, clips):
        return {"start": clips.start}


@pytest.mark.parametrize("prefetch", [0, 3])
def test_batches_hold_the_clips_that_were_planned(halves, prefetch):
    batches = FeatureBatches(halves, EveryRow(), 4, seed=0, prefetch=prefetch)
    batches.set_epoch(2)
    clips, at = batches.clips, 0
    assert len(batches) == 6
    before = None
    for batch in batches:
        rows, starts = batch["streams"]["features"], batch["targets"]["start"]
        assert starts.tolist() == clips.start[at : at + 4].tolist()
        for row, half, start in zip(rows, clips.half[at:], starts.tolist(), strict=False):
            wanted = halves[half].streams["features"].read(start, 4)
            np.testing.assert_array_equal(row.numpy(), wanted)
        if before is not None:  # the batch before is whole until the next is asked for
            assert torch.equal(before[0], before[1])
        before = rows, rows.clone()
        at += len(rows)
    assert at == 21


def test_epochs_differ_and_repeat(halves):
    batches = FeatureBatches(halves, EveryRow(), 4, seed=0)
    first = batches.clips.half.tolist()
    batches.set_epoch(1)
    assert batches.clips.half.tolist() != first
    assert FeatureBatches(halves, EveryRow(), 4, seed=0).clips.half.tolist() == first


@pytest.mark.parametrize(
    ("count", "batch", "world"), [(21, 4, 2), (16, 8, 4), (3, 4, 4), (9, 8, 2)]
)
def test_shares_are_equal_and_do_not_overlap(count, batch, world):
    shares = [Share(rank, world).of(count, batch) for rank in range(world)]
    assert len({len(share) for share in shares}) == 1
    for parts in zip(*shares, strict=True):
        assert len({part.stop - part.start for part in parts}) == 1
    seen = [i for share in shares for part in share for i in range(part.start, part.stop)]
    assert len(seen) == len(set(seen)) > count - world * (1 + count // batch)


def test_the_plateau_is_that_of_pytorch():
    """Published runs use ReduceLROnPlateau with its defaults."""
    weight = torch.nn.Parameter(torch.zeros(1))
    optimiser = torch.optim.SGD([weight], lr=1e-3)
    theirs = torch.optim.lr_scheduler.ReduceLROnPlateau(optimiser, "min", factor=0.1, patience=3)
    ours = Plateau(1e-3, patience=3, factor=0.1)
    rng = np.random.default_rng(0)
    for epoch in range(120):
        loss = float(rng.choice([1.0, 0.99995, 1 - epoch / 1000, 1.1]))
        theirs.step(loss)
        ours.step(loss)
        assert optimiser.param_groups[0]["lr"] == pytest.approx(1e-3 * ours.scale)
        rate = optimiser.param_groups[0]["lr"]
        over = rate < 2 * theirs.eps and theirs.num_bad_epochs >= theirs.patience
        assert ours.is_over == over


def test_schedules_end_at_their_share(recipe_path):
    for schedule in ("linear", "cosine"):
        settings = [
            f"optimiser.schedule={schedule}",
            "optimiser.epochs=10",
            "optimiser.warm_up_epochs=2",
            "optimiser.final_share=0.01",
        ]
        options = load_recipe(recipe_path, settings).optimiser
        shares = [rate_share(options, done) for done in (0, 1, 2, 6, 10)]
        assert shares[0] < 0.01 and shares[1] == pytest.approx(0.5, abs=0.01)
        assert shares[2] == 1 and shares[3] == pytest.approx(0.505)
        assert shares[4] == pytest.approx(0.01)
