"""What dense anchors are trained on, and that they learn from it."""

from fractions import Fraction

import numpy as np
import pytest
from extras import needs

torch = needs("torch")
needs("lightning")

from held_features import Held, clip_of, half_with_events, labelled, train  # noqa: E402

from touchline.datasets.features import LabelledHalf  # noqa: E402
from touchline.engines.torch_stages import TorchStages  # noqa: E402
from touchline.errors import ConfigError, InputError  # noqa: E402
from touchline.labels import SOCCERNET_V2, LabelSet  # noqa: E402
from touchline.models.dense_anchors import DenseAnchors, DenseAnchorsConfig  # noqa: E402
from touchline.scores import Scores  # noqa: E402
from touchline.spotting.peaks import Suppression, find_peaks  # noqa: E402
from touchline.spotting.scorers import dense_anchors  # noqa: E402
from touchline.training.config import load_recipe  # noqa: E402
from touchline.training.tasks.dense_anchors import DenseAnchorsTask  # noqa: E402

LABELS = LabelSet("two", ("A", "B"))


def config_of(**given) -> DenseAnchorsConfig:
    sizes = {"num_classes": 2, "feature_width": 8, "width": 2, "clip_steps": 64}
    return DenseAnchorsConfig(**(sizes | given))


def task_of(rate: int = 2, options: dict | None = None, **given) -> DenseAnchorsTask:
    settings = {"epoch_clips": 40} | (options or {})
    return DenseAnchorsTask(config_of(**given), settings, LABELS, Fraction(rate))


@pytest.mark.parametrize("upsampling", [1, 2])
def test_a_clip_holds_the_steps_that_its_targets_are_of(upsampling):
    task = task_of(2 // upsampling, upsampling=upsampling)
    half = half_with_events(0, 90, rate=2 // upsampling, per_row=upsampling)
    short = half_with_events(1, 20, rate=2 // upsampling, per_row=upsampling)
    halves = [half, short]
    network = DenseAnchors(config_of(upsampling=upsampling))
    clips = task.plan(halves, np.random.default_rng(0))
    assert len(clips) == 40 and set(clips.half) == {0, 1}
    targets = task.targets(halves, clips)
    lead = task.clip_steps * upsampling - 64
    for number, (index, start) in enumerate(zip(clips.half, clips.start, strict=True)):
        everything = torch.from_numpy(halves[index].streams["features"].rows)[None]
        whole = network.interpolate(everything)[0]
        first = start * upsampling + lead
        clip = torch.from_numpy(clip_of(task, halves, clips, "features", number))[None]
        steps = network.interpolate(clip)[0, lead:]
        valid = torch.from_numpy(targets["valid"][number]).bool()
        inside = whole[first : first + 64]
        assert int(valid.sum()) == len(inside) and valid[: len(inside)].all()
        torch.testing.assert_close(steps[valid], inside)
        assert not targets["confidence_weights"][number][~valid.numpy()].any()
        own = halves[index].events.between(first, first + 64)
        here = targets["delta"][number][own.steps - first, own.classes]
        assert not here.any()


def test_positive_steps_weigh_what_they_should():
    task = task_of()
    halves = [half_with_events(0, 64)]
    clip = task.plan(halves, np.random.default_rng(0))[:1]
    targets = task.targets(halves, clip)
    assert clip.start == [0]
    near = targets["confidence"] > 0
    weights = targets["confidence_weights"]
    share = (weights * near).sum(axis=(0, 1)) / weights.sum(axis=(0, 1))
    np.testing.assert_allclose(share, 0.03, rtol=0.1)
    assert not targets["delta_weights"][np.abs(targets["delta"]) > 1].any()


def test_the_largest_magnitudes_become_the_scale():
    task = task_of(scaled=True)
    rows = np.zeros((5, 8), np.float32)
    rows[3, 0], rows[4, 1] = -4, 0.5
    network = DenseAnchors(config_of(scaled=True))
    task.prepare(network, [LabelledHalf("a", {"features": Held(rows, 2)}, labelled([]))])
    assert network.feature_scale.tolist() == [4, 0.5, 1, 1, 1, 1, 1, 1]
    untouched = DenseAnchors(config_of())
    task_of().prepare(untouched, [])
    assert (untouched.feature_scale == 1).all()


def test_each_network_is_trained_by_its_own_group():
    network = DenseAnchors(config_of())
    optimiser = task_of(options={"confidence_sharpness": 0.2}).optimiser(network, 2e-4, 0.7)
    own, delta = optimiser.param_groups
    assert (own["lr"], own["weight_decay"], own["rho"]) == (2e-4, 0.7, 0.2)
    assert (delta["lr"], delta["weight_decay"], delta["rho"]) == (5e-4, 1.0, 0.7)
    assert len(own["params"]) == len(delta["params"]) == len(list(network.parameters())) / 2


@pytest.mark.slow
@pytest.mark.parametrize("shared_trunk", [False, True])
def test_it_learns_to_point_at_events(shared_trunk):
    torch.manual_seed(0)
    options = {
        "epoch_clips": 128,
        "confidence_sharpness": 0.05 if shared_trunk else 0.0,
        "delta_sharpness": 0.05,
        "delta_learning_rate": None,
        "delta_weight_decay": None,
    }
    task = task_of(options=options, width=4, shared_trunk=shared_trunk)
    network = DenseAnchors(task.config)
    halves = [half_with_events(seed, 300) for seed in range(16)]
    losses = train(task, network, halves, epochs=10, batch=8, learning_rate=3e-3)
    assert np.mean(losses[-5:]) < 0.6 * np.mean(losses[:5])
    # 0.80 to 1.0 by seed and processor; guessing finds 0.09.
    found = np.concatenate([events_found(network, half_with_events(90 + n, 300)) for n in range(6)])
    assert found.mean() > 0.5


def events_found(network: DenseAnchors, half: LabelledHalf) -> list[bool]:
    """Of each event, whether one of as many best peaks lies within half a second of it."""
    values = dense_anchors.score(TorchStages(network), half.streams)
    scores = Scores(values, np.arange(300) / 2, LABELS, Fraction(2))
    peaks = find_peaks(scores, Suppression("linear", 4.0, floor=1e-5))
    best = sorted(peaks, key=lambda e: -e.confidence)[: len(half.events)]
    seen = {(round(2 * e.seconds), LABELS.index(e.label)) for e in best}
    true = zip(half.events.steps.tolist(), half.events.classes.tolist(), strict=True)
    return [any(abs(s - t) <= 1 and c == d for t, d in seen) for s, c in true]


def test_the_recipe_is_the_published_one():
    recipe = load_recipe("dense-anchors")
    width = recipe.data.features.width
    config = DenseAnchorsConfig(num_classes=17, feature_width=width, **recipe.network)
    task = DenseAnchorsTask(config, recipe.clips, SOCCERNET_V2, Fraction(1))
    assert task.clip_steps == 113  # of 112 seconds, and the row before
    with torch.device("meta"):
        network = DenseAnchors(config)
    options = recipe.optimiser
    groups = task.optimiser(network, options.learning_rate, options.weight_decay).param_groups
    published = [(2e-4, 2e-4, 0.0), (5e-4, 5e-4, 0.7)]
    for group, (rate, decay, sharpness) in zip(groups, published, strict=True):
        assert sum(p.numel() for p in group["params"]) == 21_856_721
        assert group["lr"] == rate and group["rho"] == sharpness
        assert group["lr"] * group["weight_decay"] == pytest.approx(decay)


def test_what_cannot_be_trained_on_is_refused():
    with pytest.raises(InputError, match="no event"):
        task_of().plan(
            [LabelledHalf("a", {"features": Held(np.zeros((9, 8)), 2)}, labelled([]))],
            np.random.default_rng(0),
        )
    with pytest.raises(ConfigError, match="delta_seconds"):
        task_of(delta_seconds=0.2)
    with pytest.raises(ConfigError, match="one way"):
        task_of(shared_trunk=True)
    with pytest.raises(ConfigError, match="epoch_clip"):
        task_of(options={"epoch_clip": 3})
