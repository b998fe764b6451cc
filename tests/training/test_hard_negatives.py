"""Clips are drawn more often where a network finds what is not there, in videos it did not see."""

import shutil
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from extras import needs

needs("torch")
needs("lightning")

from touchline.errors import ConfigError, InputError  # noqa: E402
from touchline.labels import LabelSet  # noqa: E402
from touchline.scores import Scores  # noqa: E402
from touchline.spotting.curve_files import (  # noqa: E402
    curves_path,
    read_curves,
    write_curves,
)
from touchline.training.config import load_recipe  # noqa: E402
from touchline.training.run import open_source, train  # noqa: E402
from touchline.training.sources.base import Share  # noqa: E402

FRAMES = 160
TWO = LabelSet("two", ("Blue", "Red"))

RECIPE = """
name: toy-stacks
system: frame-stacking
data: {labels: [Red, Blue], rate: "4", width: 48, height: 32, workers: 0, cache: never}
network: {clip_len: 1, frame_step: 1, pretrained: false, flip_average: false}
clips: {epoch_frames: 40, mixup_alpha: 0, foreground_share: 0.5, reach: 1, centred_within: 1,
  cleared_within: 2}
optimiser: {batch: 4, epochs: 1, warm_up_epochs: 0, schedule: warm-then-cosine}
validation: {criterion: last, suppression: distance, window_seconds: 1, floor: 0.05}
run: {device: cpu, precision: fp32}
"""


@pytest.fixture
def small(grey_toy, tmp_path) -> Path:
    """Two videos to train on and one to validate on."""
    root = tmp_path / "small"
    for split, stem in (("train", "a0"), ("train", "a1"), ("valid", "v0")):
        (root / split).mkdir(parents=True, exist_ok=True)
        for file in (grey_toy / split).glob(f"{stem}.*"):
            shutil.copy(file, root / split)
    return root


@pytest.fixture
def recipe(small, tmp_path):
    path = tmp_path / "toy.yaml"
    path.write_text(RECIPE)
    return lambda *settings: load_recipe(path, [f"data.root={small}", *settings])


def middles(source) -> np.ndarray:
    """(2, FRAMES) how often each frame of the videos was the middle of a clip."""
    clips = source.training_batches(Share()).dataset
    drawn = np.zeros((2, FRAMES), int)
    rng = np.random.default_rng(0)
    for _ in range(3000):
        video, start = clips.draw(rng)
        frame = start + source.task.clip_steps // 2
        drawn[clips.videos.index(video), min(max(frame, 0), FRAMES - 1)] += 1
    return drawn


def far_from_events(video) -> np.ndarray:
    """Every third frame that has no event near it."""
    apart = np.abs(np.arange(FRAMES)[:, None] - video.labels.frames).min(axis=1)
    return np.flatnonzero(apart > 2)[::3]


def write_found(folder: Path, game: str, values, labels=TWO, rate=4) -> Path:
    path = curves_path(folder, game, 1)
    write_curves(path, Scores.regular(np.asarray(values, np.float32), labels, Fraction(rate)))
    return path


def test_what_is_wrongly_found_is_drawn_more_often(recipe, tmp_path):
    source = open_source(recipe())
    first, second = source.data.training
    assert (first.name, second.name) == ("a0/1", "a1/1")
    hard = far_from_events(second)
    found = np.zeros((FRAMES, 2))
    found[hard, 0] = 0.99
    write_found(tmp_path / "curves", "a0", np.zeros((FRAMES, 2)))
    write_found(tmp_path / "curves", "a1", found)
    plain = middles(source)
    drawn = middles(open_source(recipe(f"clips.hard_negatives={tmp_path / 'curves'}")))
    assert drawn[1, hard].sum() > 1.6 * plain[1, hard].sum() > 100
    # Both halves of the mass stay what they were.
    near = np.isin(np.arange(FRAMES), second.labels.frames[:, None] + np.arange(-1, 2))
    assert drawn[1, near].sum() / drawn[1].sum() == pytest.approx(0.5, abs=0.05)
    assert drawn[0].sum() == pytest.approx(1500, abs=100)


def test_what_predict_writes_is_taken(recipe, small, call, tmp_path):
    """The documented road: a run, its curves of games, and a run that draws by them."""
    train(recipe("optimiser.max_steps=1"), tmp_path / "run")
    curves = tmp_path / "curves"
    ended = call("predict", tmp_path / "run", small, "--split", "train", "--curves", curves)
    assert ended.code == 0, ended
    assert f"{curves}: the curves of 2 halves" in ended.out
    assert not (Path.cwd() / "predictions").exists()
    source = open_source(recipe(f"clips.hard_negatives={curves}"))
    found = read_curves(curves / "a1" / "1_curves.npz")
    clips = source.training_batches(Share()).dataset
    assert tuple(found.labels) == ("Red", "Blue") and found.rate == 4
    assert clips.videos[1].predicted.tolist() == found.values.max(axis=1).tolist()
    assert next(iter(source.training_batches(Share())))["targets"]["actions"].shape == (4, 2)


def test_curves_a_little_shorter_or_longer_are_taken(recipe, tmp_path):
    write_found(tmp_path, "a0", np.full((FRAMES - 2, 2), 0.5))
    write_found(tmp_path, "a1", np.full((FRAMES + 3, 2), 0.5))
    source = open_source(recipe(f"clips.hard_negatives={tmp_path}"))
    first, second = source.training_batches(Share()).dataset.videos
    assert first.predicted.tolist() == [0.5] * (FRAMES - 2) + [0, 0]
    assert second.predicted.tolist() == [0.5] * FRAMES


def test_curves_that_do_not_fit_are_refused_in_one_line(recipe, tmp_path):
    folder = tmp_path / "curves"
    wanted = recipe(f"clips.hard_negatives={folder}")

    def fault() -> str:
        with pytest.raises(InputError) as caught:
            open_source(wanted)
        return str(caught.value)

    assert fault().startswith(f"{folder}: there is no such folder; write it with touchline predict")
    folder.mkdir()
    a0, a1 = (curves_path(folder, game, 1) for game in ("a0", "a1"))
    assert fault().startswith(f"{a0}: these curves are missing, and those of 1 other half; write")
    good = np.zeros((FRAMES, 2))
    write_found(folder, "a0", good)
    assert fault().startswith(f"{a1}: these curves are missing; write")
    a1.parent.mkdir()
    a1.write_text("none")
    assert fault().startswith(f"{a1}: is damaged, or no file of curves")
    write_found(folder, "a1", good, LabelSet("others", ("Red", "Green")))
    assert fault().startswith(f"{a1}: these curves are of Red, Green, not of Red, Blue; predict")
    write_found(folder, "a1", good, rate=2)
    assert fault().startswith(f"{a1}: these curves have 2 steps a second, not 4; predict")
    for length in (FRAMES - 5, FRAMES + 5):
        write_found(folder, "a1", np.zeros((length, 2)))
        assert fault().startswith(f"{a1}: these curves have {length} steps, the video 160 frames")


def test_class_weights_name_every_class(recipe):
    for weights, fault in (("{Red: 1}", "lacks the class 'Blue'"), ("{Red: 1, Blue: 2, Green: 1}",
            "names the class 'Green'")):  # fmt: skip
        with pytest.raises(ConfigError, match=f"clips.class_weights: {fault}"):
            open_source(recipe(f"clips.class_weights={weights}"))
    source = open_source(recipe("clips.class_weights={Blue: 3, Red: 1}"))
    assert source.task.rules.centres.class_weights == (1, 3)
