"""A run learns, ends as a model folder, and goes on after an interruption as if there was none."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from extras import needs

torch = needs("torch")
needs("lightning")

from safetensors.torch import load_file  # noqa: E402

from touchline.errors import CheckpointError, ConfigError  # noqa: E402
from touchline.training.options.e2e_spot import E2ESpotRecipe  # noqa: E402
from touchline.training.run import train  # noqa: E402

SHORT = (
    "network.clip_len=8",
    "clips.epoch_frames=64",
    "optimiser.epochs=3",
    "clips.mixup_alpha=0.2",
    "validation.criterion=last",
    "data.validation=null",
)
"""Three epochs of two steps."""


@pytest.fixture(autouse=True)
def _one_thread():
    """Sums come out alike only for one number of threads."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


class InterruptedRunError(Exception):
    """What stops a run half-way."""


def stop_at(step: int):
    def on_step(done: int, total: int) -> None:
        if done == step:
            raise InterruptedRunError

    return on_step


def assert_same_weights(one: Path, other: Path) -> None:
    first, second = (load_file(folder / "model.safetensors") for folder in (one, other))
    assert first.keys() == second.keys()
    for name in first:
        assert torch.equal(first[name], second[name]), name


@pytest.fixture(scope="module")
def short_recipe(toy_recipe) -> E2ESpotRecipe:
    return toy_recipe(*SHORT)


@pytest.fixture(scope="module")
def unbroken(short_recipe, tmp_path_factory) -> Path:
    """A run that nothing interrupted."""
    torch.set_num_threads(1)
    folder = tmp_path_factory.mktemp("unbroken") / "run"
    assert train(short_recipe, folder).steps == 6
    return folder


def epochs_logged(folder: Path) -> list[int]:
    return [json.loads(line)["epoch"] for line in (folder / "log.jsonl").read_text().splitlines()]


@pytest.mark.slow
@pytest.mark.parametrize("step", [1, 5])
def test_an_interrupted_run_comes_to_the_same_weights(short_recipe, unbroken, tmp_path, step):
    with pytest.raises(InterruptedRunError):
        train(short_recipe, tmp_path / "run", on_step=stop_at(step))
    result = train(short_recipe, tmp_path / "run", resume=True)
    assert result.steps == 6 and epochs_logged(tmp_path / "run") == [1, 2, 3]
    assert_same_weights(tmp_path / "run", unbroken)


@pytest.mark.slow
def test_a_run_ends_with_its_last_step_and_stays_ended(toy_recipe, tmp_path):
    for steps, folder in ((3, tmp_path / "odd"), (4, tmp_path / "even")):
        recipe = toy_recipe(*SHORT, f"optimiser.max_steps={steps}")
        assert train(recipe, folder).steps == steps
        weights = (folder / "model.safetensors").read_bytes()
        assert train(recipe, folder, resume=True).steps == steps
        assert (folder / "model.safetensors").read_bytes() == weights


KILLED_RUN = """
import sys
import torch
from touchline.training.config import load_recipe
from touchline.training.run import train

torch.set_num_threads(1)

def on_step(done, total):
    if done == 3:
        print("in the middle of an epoch", flush=True)
        sys.stdin.read()

train(load_recipe(sys.argv[1]), sys.argv[2], on_step=on_step)
"""


@pytest.mark.slow
@pytest.mark.skipif(os.name != "posix", reason="SIGKILL")
def test_a_killed_run_comes_to_the_same_weights(short_recipe, unbroken, tmp_path):
    recipe = tmp_path / "killed.yaml"
    recipe.write_text(short_recipe.to_yaml())
    words = [sys.executable, "-c", KILLED_RUN, str(recipe), str(tmp_path / "run")]
    process = subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    assert process.stdin and process.stdout
    try:
        assert process.stdout.readline() == b"in the middle of an epoch\n"
    finally:
        process.kill()
        assert process.wait() == -signal.SIGKILL
        process.stdin.close()
        process.stdout.close()
    assert epochs_logged(tmp_path / "run") == [1]
    assert train(short_recipe, tmp_path / "run", resume=True).steps == 6
    assert_same_weights(tmp_path / "run", unbroken)


def test_a_folder_that_holds_a_run_is_not_overwritten(short_recipe, tmp_path):
    (tmp_path / "recipe.yaml").write_text("mine")
    with pytest.raises(ConfigError, match="--resume"):
        train(short_recipe, tmp_path)
    assert (tmp_path / "recipe.yaml").read_text() == "mine"


@pytest.mark.slow
def test_resuming_with_another_network_is_refused(toy_recipe, unbroken):
    other = toy_recipe(*SHORT, "network.feature_arch=rn18")
    before = (unbroken / "recipe.yaml").read_text()
    with pytest.raises(CheckpointError, match="recipe that the run began with"):
        train(other, unbroken, resume=True)
    assert (unbroken / "recipe.yaml").read_text() == before


@pytest.mark.slow
def test_a_run_learns_and_is_a_model(toy_recipe, tmp_path):
    from touchline.zoo.store import find

    recipe = toy_recipe(
        "optimiser.epochs=8",
        "clips.epoch_frames=640",
        "clips.foreground_share=0.5",
        "validation.start_epoch=6",
    )
    result = train(recipe, tmp_path / "run")
    assert max(result.figures["tight"], result.figures["frame-map"]) > 0.8, result
    card = find(tmp_path / "run").card
    assert tuple(card.label_set) == ("Red", "Blue")
    assert card.metrics["validation tight"] == result.figures["tight"]
