"""What fused networks are trained on, and that they learn where the class is."""

from fractions import Fraction

import numpy as np
import pytest
from extras import needs

torch = needs("torch")
needs("lightning")

from held_features import Held, labelled  # noqa: E402

from touchline.datasets.features import LabelledHalf  # noqa: E402
from touchline.engines.networks import config_type  # noqa: E402
from touchline.engines.torch_stages import TorchStages  # noqa: E402
from touchline.errors import ConfigError, InputError  # noqa: E402
from touchline.labels import LabelSet  # noqa: E402
from touchline.models.fusion import (  # noqa: E402
    AttentionFusion,
    AttentionFusionConfig,
    EarlyFusion,
    FusionConfig,
    LateFusion,
)
from touchline.spotting.scorers import fusion  # noqa: E402
from touchline.systems import SYSTEMS  # noqa: E402
from touchline.training.config import load_recipe  # noqa: E402
from touchline.training.tasks import feature_task  # noqa: E402
from touchline.training.tasks.fusion import FusionTask, drop_streams, near_targets  # noqa: E402

LABELS = LabelSet("two", ("A", "B"))
KINDS = {
    "fusion-early": (EarlyFusion, FusionConfig),
    "fusion-late": (LateFusion, FusionConfig),
    "fusion-attention": (AttentionFusion, AttentionFusionConfig),
}
SIZES = {"num_classes": 2, "feature_width": 3, "clip_steps": 32, "width": 16, "dropout": 0.0}
LEARNING = {"clip_steps": 24, "layers": 2}


def task_of(options: dict | None = None, kind: str = "fusion-early", **given) -> FusionTask:
    config = KINDS[kind][1](**(SIZES | {"streams": (("sound", 2),)} | given))
    return FusionTask(config, {"epoch_clips": 64} | (options or {}), LABELS, Fraction(2))


def half_of(seed: int, rows: int = 160) -> LabelledHalf:
    """The picture shows that something happens, the sound, four rows a second, tells what."""
    rng = np.random.default_rng(seed)
    picture = rng.normal(0, 0.3, (rows, 3)).astype(np.float32)
    sound = rng.normal(0, 0.3, (2 * rows, 2)).astype(np.float32)
    at = np.arange(9, rows - 6, 13) + rng.integers(-3, 4, len(range(9, rows - 6, 13)))
    classes = rng.integers(0, 2, len(at))
    picture[at, 0] += 4
    sound[2 * at, classes] += 8
    events = labelled([(int(step), int(c)) for step, c in zip(at, classes, strict=True)])
    streams = {"features": Held(picture, 2), "sound": Held(sound, 4)}
    return LabelledHalf(f"half-{seed}", streams, events)


def batch_of(task: FusionTask, halves, clips) -> tuple[dict, dict]:
    streams = {
        name: torch.from_numpy(
            np.stack(
                [
                    halves[h].streams[name].read(s, task.clip_steps)
                    for h, s in zip(clips.half, clips.start, strict=True)
                ]
            )
        )
        for name in task.streams
    }
    targets = task.targets(halves, clips)
    return streams, {name: torch.from_numpy(value) for name, value in targets.items()}


@pytest.mark.parametrize("kind", KINDS)
def test_it_learns_what_only_one_stream_tells_and_misses_it_without(kind):
    torch.manual_seed(0)
    task = task_of({"stream_dropout": 0.1, "epoch_clips": 48}, kind, **LEARNING)
    halves = [task.arrange(half_of(seed)) for seed in range(6)]
    network = KINDS[kind][0](task.config).train()
    task.prepare(network, halves)
    optimiser = torch.optim.Adam(network.parameters(), 1e-2)
    for epoch in range(15):
        clips = task.plan(halves, np.random.default_rng(epoch))
        for first in range(0, len(clips), 8):
            optimiser.zero_grad()
            loss = task.loss(network, *batch_of(task, halves, clips[first : first + 8]))
            loss.backward()
            optimiser.step()
    network.eval()
    unseen = half_of(99)
    at = unseen.events.steps, unseen.events.classes
    values = fusion.score(TorchStages(network), unseen.streams)
    assert values.shape == (160, 2)
    right = values[at] > values[at[0], 1 - at[1]]
    assert right.mean() > 0.9 and values[at].mean() > 2 * values.mean()
    picture = {"features": unseen.streams["features"]}
    guessed = fusion.score(TorchStages(network), picture)
    assert guessed[at].mean() > 2 * guessed.mean()  # it still sees that something happens
    for_a = guessed[at[0], 0] - guessed[at[0], 1]  # but what it is makes no difference
    assert abs(for_a[at[1] == 0].mean() - for_a[at[1] == 1].mean()) < 0.1


def test_a_half_is_said_as_one_clip_says_it_wherever_clips_meet():
    torch.manual_seed(0)
    task = task_of(layers=2)  # sees 3 steps to either side, clips share more
    network = EarlyFusion(task.config).eval()
    half = task.arrange(half_of(0, 101))
    whole = {n: torch.from_numpy(s.read_all())[None] for n, s in half.streams.items()}
    with torch.inference_mode():
        said = network(whole).logits[0].sigmoid().numpy()
    np.testing.assert_allclose(fusion.score(TorchStages(network), half.streams), said, atol=1e-6)
    short = half_of(1, 20)
    assert fusion.score(TorchStages(network), short.streams).shape == (20, 2)


def test_clips_lie_inside_and_half_of_them_around_events_of_any_class():
    task = task_of({"epoch_clips": 400})
    rare = LabelledHalf("rare", half_of(9).streams, labelled([(30, 1)]))
    plenty = half_of(1)
    common = plenty.events.steps[plenty.events.classes == 0]
    plenty = LabelledHalf("plenty", plenty.streams, labelled([(int(s), 0) for s in common]))
    halves = [rare, plenty, half_of(2, 20)]
    clips = task.plan(halves, np.random.default_rng(0))
    again = task.plan(halves, np.random.default_rng(0))
    assert (clips.half == again.half).all() and (clips.start == again.start).all()
    lengths = np.array([half.steps for half in halves])
    assert (clips.start >= 0).all()
    assert (clips.start <= np.maximum(lengths[clips.half] - 32, 0)).all()
    holds = task.targets(halves, clips)["near"][..., 1].max(axis=1) == 1
    assert holds.mean() > 0.25  # one event of class B in 340 steps
    inside = task.targets(halves, clips)["inside"]
    assert (inside[clips.half == 2].sum(axis=1) == 20).all()


def test_targets_fall_with_the_distance_to_the_event():
    events = labelled([(3, 0), (5, 0), (11, 1)])
    near = near_targets(events, 2, 8, 2, 2)
    third = np.float32(1 / 3)
    np.testing.assert_allclose(near[:, 0], [2 * third, 1, 2 * third, 1, 2 * third, third, 0, 0])
    np.testing.assert_allclose(near[:, 1], [0] * 7 + [third])


def test_of_every_clip_a_stream_is_left():
    torch.manual_seed(0)
    streams = {"a": torch.zeros(500, 4, 2), "b": torch.ones(500, 4, 1)}
    streams["a"][:100] = torch.nan  # so b must stay there
    dropped = drop_streams(streams, 0.7)
    gone = {name: rows[:, 0, 0].isnan() for name, rows in dropped.items()}
    assert not (gone["a"] & gone["b"]).any() and not gone["b"][:100].any()
    assert 0.4 < gone["b"][100:].float().mean() < 0.55  # 0.7, less half of the times both go
    for name, rows in dropped.items():
        assert (rows[~gone[name]] == streams[name][~gone[name]]).all()
    kept = drop_streams({"a": streams["b"]}, 0.9)
    assert not kept["a"].isnan().any()


@pytest.mark.parametrize("kind", KINDS)
def test_the_recipes_make_what_they_name(kind):
    recipe = load_recipe(kind)
    config = config_type(SYSTEMS[recipe.system])(
        num_classes=17, feature_width=512, streams=(("fft", 31),), **recipe.network
    )
    task = feature_task(recipe.system)(config, recipe.clips, LABELS, Fraction(2))
    assert task.streams == ("features", "fft") and task.does_without


def test_what_cannot_be_trained_on_is_refused():
    with pytest.raises(InputError, match="no event"):
        empty = LabelledHalf("a", half_of(0).streams, labelled([]))
        task_of().plan([empty], np.random.default_rng(0))
    with pytest.raises(ConfigError, match="stream_dropout"):
        task_of({"stream_dropout": 1.0})
    with pytest.raises(ConfigError, match=r"clips\.speed"):
        task_of({"speed": 1})
