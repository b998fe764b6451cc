"""Training of multi-frame stacking: its targets, its clips, and a run that learns."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from extras import needs

torch = needs("torch")
needs("lightning")

from touchline.datasets.augment_stacks import (  # noqa: E402
    StackAugmentation,
    augment_stack,
    shaken,
)
from touchline.datasets.centres import CentreRules  # noqa: E402
from touchline.datasets.targets import FrameLabels  # noqa: E402
from touchline.engines.networks import config_dict, save_weights  # noqa: E402
from touchline.errors import ConfigError  # noqa: E402
from touchline.events import Match  # noqa: E402
from touchline.formats import read_matches  # noqa: E402
from touchline.importers.legacy.frame_stacking import ACTION_LABELS  # noqa: E402
from touchline.labels import LabelSet  # noqa: E402
from touchline.metrics.spotting import evaluate  # noqa: E402
from touchline.models.frame_stacking import FrameStacking, FrameStackingConfig  # noqa: E402
from touchline.spotting.spotter import load  # noqa: E402
from touchline.training.config import load_recipe  # noqa: E402
from touchline.training.module import WeightAverage  # noqa: E402
from touchline.training.run import train  # noqa: E402
from touchline.training.schedule import schedule_factor, warm_then_cosine  # noqa: E402
from touchline.training.session import copy_weights  # noqa: E402
from touchline.training.tasks.frame_stacking import FrameStackingTask  # noqa: E402
from touchline.zoo.cards import CardLabels, ModelCard, write_card  # noqa: E402
from touchline.zoo.store import sha256_of  # noqa: E402

TOY_RECIPE = """
name: toy-stacks
system: frame-stacking
data: {labels: [Red, Blue], rate: "4", width: 48, height: 32, workers: 0}
network: {clip_len: 1, frame_step: 1, pretrained: false, flip_average: false}
clips: {epoch_frames: 800, mixup_alpha: 0, foreground_share: 0.6, reach: 1, centred_within: 1}
augmentation: {rotation: 0, zoom: 0, camera_move: 0, posterize: 0, noise: 0, shake: 0,
  motion_blur: 0, sharpness: 0, brightness: 0}
optimiser: {batch: 16, epochs: 5, learning_rate: 0.003, warm_up_epochs: 1,
  schedule: warm-then-cosine, average_decay: 0.8}
validation: {criterion: tight, start_epoch: 5, suppression: distance, window_seconds: 1,
  floor: 0.05}
run: {device: cpu, precision: fp32}
"""

TWO = LabelSet("two", ("Red", "Blue"))


@pytest.fixture
def toy_recipe(tmp_path):
    path = tmp_path / "toy.yaml"
    path.write_text(TOY_RECIPE)
    return lambda *settings: load_recipe(path, [*settings])


def test_the_published_recipe_has_the_published_windows():
    recipe = load_recipe("frame-stacking-ball")
    task = FrameStackingTask(recipe, LabelSet("ball", ("PASS", "DRIVE")))
    assert task.clip_steps == 31 and task.rules.centres == CentreRules(4, 0.5, 13)
    labels = FrameLabels(np.array([100]), np.array([2]))
    hits = [int(task.targets(labels, middle - 15)["actions"][1]) for middle in range(90, 111)]
    assert hits == [0] * 3 + [1] * 15 + [0] * 3


def test_of_two_events_at_one_frame_the_later_counts(toy_recipe):
    task = FrameStackingTask(toy_recipe(), TWO)
    labels = FrameLabels(np.array([9, 9, 20]), np.array([1, 2, 1]))
    start = 9 - task.clip_steps // 2
    assert task.targets(labels, start)["actions"].tolist() == [0, 1]
    assert task.targets(labels, start + 5)["actions"].tolist() == [0, 0]


class Answer(torch.nn.Module):
    """Keeps what it is shown."""

    def forward(self, clips):
        self.seen = clips
        return torch.zeros(len(clips), 2)


def test_a_clip_is_every_second_frame_in_grey_padded(toy_recipe):
    task = FrameStackingTask(toy_recipe("network.frame_step=2", "augmentation.flip=0"), TWO)
    frames = torch.arange(task.clip_steps, dtype=torch.uint8)[None, :, None, None, None]
    answer = Answer()
    loss = task.loss(
        answer,
        {"frames": frames.expand(1, -1, 30, 32, 1), "valid": torch.ones(1, task.clip_steps)},
        {"actions": torch.zeros(1, 2)},
    )
    assert float(loss) == pytest.approx(np.log(2) * 0.5**1.2, rel=1e-5)
    assert answer.seen.shape == (1, 3, 32, 32)
    assert (255 * answer.seen[0, :, 16, 16]).round().tolist() == [1, 3, 5]
    assert not answer.seen[0, :, 0].any() and not answer.seen[0, :, 31].any()


ALWAYS = StackAugmentation(**dict.fromkeys(StackAugmentation.__dataclass_fields__, 1.0))
NEVER = StackAugmentation(**dict.fromkeys(StackAugmentation.__dataclass_fields__, 0.0))


def test_augmentation_keeps_shape_and_range_and_can_be_left_out():
    torch.manual_seed(0)
    clip = torch.rand(6, 40, 64)
    changed = augment_stack(clip, ALWAYS)
    assert changed.shape == clip.shape and changed.min() >= 0 and changed.max() <= 1
    assert not torch.allclose(changed, clip, atol=0.01)
    assert torch.equal(augment_stack(clip, NEVER), clip)
    torch.testing.assert_close(
        augment_stack(clip, replace(NEVER, flip=1.0)), clip.flip(-1), atol=1e-5, rtol=0
    )
    assert set(shaken(200, ALWAYS).tolist()) == {-1, 0, 1} and not shaken(9, NEVER).any()


def test_the_average_of_weights_follows_slowly_and_copies_counters():
    network = torch.nn.BatchNorm1d(1)
    average = WeightAverage(network, 0.75)
    with torch.no_grad():
        network.weight += 4
        network.num_batches_tracked += 3
    average.take(network)
    assert average.network.weight.item() == pytest.approx(2)
    assert average.network.num_batches_tracked == 3
    assert not average.train().network.training


def test_the_rate_rises_from_zero_and_ends_at_its_share():
    rates = [warm_then_cosine(step, 2, 6, 0.1) for step in range(7)]
    assert rates == pytest.approx([0, 0.5, 1, 0.868198, 0.55, 0.231802, 0.1], abs=1e-5)


STAGES = {
    "frame-stacking-ball": (31, 6000, 36, 6, 3e-4, 3e-6, 0.999, None, "adamw"),
    "frame-stacking-soccernet": (31, 36000, 24, 4, 3e-4, 3e-6, 0.9995, None, "adamw"),
    "frame-stacking-ball-tuned": (31, 6000, 42, 7, 3e-4, 3e-6, 0.999, 0.4, "adamw"),
    "frame-stacking-ball-long": (67, 6000, 9, 2, 1e-3, 5e-5, 0.999, 0.4, "sgd"),
}
"""Frames of the video of a clip, with the shake; clips and epochs; the rates; the loss."""


@pytest.mark.parametrize("name", STAGES)
def test_the_stages_are_trained_as_published(name):
    recipe = load_recipe(name)
    steps, clips, epochs, warm_up, first, last, decay, alpha, method = STAGES[name]
    optimiser = recipe.optimiser
    assert recipe.clip_steps == steps and 4 * recipe.steps_per_epoch == clips
    assert (optimiser.epochs, optimiser.warm_up_epochs, optimiser.batch) == (epochs, warm_up, 4)
    rates = [optimiser.learning_rate * schedule_factor(recipe, int(share * recipe.total_steps))
             for share in (0, warm_up / epochs, 1)]  # fmt: skip
    assert rates == pytest.approx([0, first, last])
    assert (optimiser.average_decay, optimiser.alpha, optimiser.gamma) == (decay, alpha, 1.2)
    assert (optimiser.method, recipe.validation.criterion) == (method, "last")
    assert (recipe.clips.reach, recipe.clips.centred_within, recipe.clips.cleared_within) == (
        7,
        4,
        13,
    )


def test_each_stage_starts_from_the_one_before():
    tuned, last = (load_recipe(f"frame-stacking-ball-{name}") for name in ("tuned", "long"))
    assert Path(tuned.network.start_from).name == load_recipe("frame-stacking-soccernet").name
    assert Path(last.network.start_from).name == tuned.name
    assert tuned.clips.hard_negatives == last.clips.hard_negatives == "curves"
    assert last.network.frozen_encoder and not tuned.network.frozen_encoder


def test_the_classes_of_broadcasts_are_those_of_the_published_weights():
    recipe = load_recipe("frame-stacking-soccernet")
    assert recipe.data.labels == ACTION_LABELS
    assert set(recipe.data.merged_labels) == {"Red card", "Yellow->red card"}
    assert set(recipe.data.merged_labels.values()) == {"Yellow card"} and recipe.data.visible_only
    labels = LabelSet("actions", ACTION_LABELS)
    weights = FrameStackingTask(recipe, labels).rules.centres.class_weights
    assert len(weights) == 15 and sum(weights) == pytest.approx(1, abs=0.01)


def write_run(folder, network, labels):
    folder.mkdir()
    save_weights(network, folder / "model.safetensors")
    card = ModelCard(
        name="earlier",
        system="frame-stacking",
        config=config_dict(network.config),
        labels=CardLabels(name="custom", labels=labels),
        rate="25",
        width=1280,
        height=720,
        files={"model.safetensors": sha256_of(folder / "model.safetensors")},
    )
    write_card(card, folder / "card.json")
    return folder


def test_a_longer_network_of_other_classes_takes_all_but_the_classifier(tmp_path):
    torch.manual_seed(0)
    earlier = FrameStacking(FrameStackingConfig(15, clip_len=5))
    for value in earlier.state_dict().values():
        value.fill_(0.5)  # in place, counters of batches too
    folder = write_run(tmp_path / "run", earlier, ACTION_LABELS)
    longer = FrameStacking(FrameStackingConfig(2, clip_len=11))
    own = {name: value.clone() for name, value in longer.state_dict().items()}
    said = []
    copy_weights(longer, str(folder), said.append)
    assert said == ["started from 513 of 515 weights of earlier"]
    given = earlier.state_dict()
    for name, value in longer.state_dict().items():
        kept = name in ("classifier.weight", "classifier.bias")
        assert torch.equal(value, own[name] if kept else given[name]), name


@pytest.mark.parametrize("method", ["adamw", "sgd"])
def test_a_frozen_picture_network_keeps_its_weights_and_follows_the_pictures(toy_recipe, method):
    """As published: its batch norms are in training, only its weights are not."""
    recipe = toy_recipe("network.frozen_encoder=true", f"optimiser.method={method}")
    task = FrameStackingTask(recipe, TWO)
    torch.manual_seed(0)
    network = task.build_network()
    before = {name: value.clone() for name, value in network.state_dict().items()}
    optimiser = task.optimiser(network, 0.01, 0.1)
    network.train()
    for _ in range(2):
        frames = torch.randint(0, 255, (2, task.clip_steps, 32, 64, 1), dtype=torch.uint8)
        streams = {"frames": frames, "valid": torch.ones(2, task.clip_steps)}
        optimiser.zero_grad()
        task.loss(network, streams, {"actions": torch.ones(2, 2)}).backward()
        optimiser.step()
    after = network.state_dict()
    moved = {name for name, value in before.items() if not torch.equal(value, after[name])}
    weights = {name for name, _ in network.named_parameters()}
    encoder = {name for name in weights if name.startswith("conv2d_encoder.")}
    assert len(encoder) > 100 and not encoder & moved
    assert weights - encoder <= moved
    assert {name for name in before if name.endswith("running_mean")} <= moved


def test_the_last_stage_descends_with_nesterovs_momentum(toy_recipe):
    task = FrameStackingTask(toy_recipe("optimiser.method=sgd"), TWO)
    (group,) = task.optimiser(torch.nn.Linear(1, 1), 0.01, 0.1).param_groups
    assert (group["momentum"], group["nesterov"], group["weight_decay"]) == (0.9, True, 0.1)
    assert group["initial_lr"] == group["lr"] == 0.01


@pytest.mark.parametrize(
    ("setting", "fault"),
    [
        ("clips.balance=classes", "clips.balance must be events"),
        ("clips.centred_within=14", "clips.cleared_within 13 is less than clips.centred_within 14"),
        ("clips.foreground_share=0", "clips.foreground_share"),
    ],
)
def test_middles_that_cannot_be_weighed_are_refused(toy_recipe, setting, fault):
    with pytest.raises(ConfigError, match=fault):
        toy_recipe(setting)


@pytest.mark.slow
def test_a_run_learns_and_spots_a_plain_video(grey_toy, toy_recipe, tmp_path):
    places = (f"data.root={grey_toy}", f"data.cache_folder={tmp_path / 'frames'}")
    train(toy_recipe(*places), tmp_path / "run")
    video = grey_toy / "valid" / "v0.mp4"
    with load(str(tmp_path / "run"), engine="torch") as spotter:
        timeline = spotter.spot(video)
    truth = read_matches(video.with_suffix(".events.json"))
    found = {name: Match(name, (replace(timeline, half=1),)) for name in truth}
    scores = evaluate(truth, found, label_set=TWO, metric="at1", rate=4)
    assert scores.average_map > 0.5
