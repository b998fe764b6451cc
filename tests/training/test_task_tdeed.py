"""Training of T-DEED: its targets, its loss, and a run that learns."""

from dataclasses import replace

import numpy as np
import pytest
from extras import needs

torch = needs("torch")
needs("lightning")

from touchline.datasets.targets import FrameLabels  # noqa: E402
from touchline.errors import ConfigError  # noqa: E402
from touchline.events import Match  # noqa: E402
from touchline.formats import read_matches  # noqa: E402
from touchline.labels import LabelSet  # noqa: E402
from touchline.metrics.spotting import evaluate  # noqa: E402
from touchline.spotting.spotter import load  # noqa: E402
from touchline.training.config import load_recipe  # noqa: E402
from touchline.training.run import open_source, train  # noqa: E402
from touchline.training.sources.base import Share  # noqa: E402
from touchline.training.tasks.tdeed import TDEEDTask, TeamTDEEDTask  # noqa: E402

TOY_RECIPE = """
name: toy-tdeed
system: tdeed
data: {labels: [Red, Blue], rate: "4", width: 48, height: 32, workers: 0}
network: {clip_len: 16, layers: 2, kernel: 3, factor: 2, pretrained: false}
clips: {epoch_frames: 640, mixup_alpha: 0, foreground_share: 0.5, reach: 1}
augmentation: {hue: 0, blur: 0}
optimiser: {batch: 4, epochs: 8, warm_up_epochs: 1, schedule: cosine}
validation: {criterion: tight, start_epoch: 6, suppression: soft, window_seconds: 0.5}
run: {device: cpu, precision: fp32}
"""


@pytest.fixture
def toy_recipe(tmp_path):
    path = tmp_path / "toy.yaml"
    path.write_text(TOY_RECIPE)
    return lambda *settings: load_recipe(path, [*settings])


TWO = LabelSet("two", ("Red", "Blue"))


def task_of(recipe) -> TDEEDTask:
    return TDEEDTask(recipe, TWO)


def test_frames_around_an_event_know_how_far_it_is(toy_recipe):
    task = task_of(toy_recipe("clips.reach=2", "network.clip_len=8"))
    labels = FrameLabels(np.array([9, 13, 15, 40]), np.array([1, 2, 1, 2]))
    targets = task.targets(labels, 10)
    assert targets["classes"].tolist() == [1, 2, 2, 1, 1, 1, 1, 1]
    assert targets["displacement"].tolist() == [1, -2, -1, -2, -1, 0, 1, 2]
    assert targets["displacement"].dtype == np.float32
    assert not task.targets(labels, 20)["displacement"].any()


class Answer(torch.nn.Module):
    """A network that says the same of every clip, and keeps what it was shown."""

    def __init__(self, outputs: torch.Tensor) -> None:
        super().__init__()
        self.outputs = outputs

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        self.seen = x
        return self.outputs


PLAIN = "augmentation={flip: 0, hue: 0, saturation: 0, brightness: 0, contrast: 0, blur: 0}"


def clip_of(colour: int) -> torch.Tensor:
    return torch.full((1, 2, 4, 4, 3), colour, dtype=torch.uint8)


def test_the_loss_is_that_of_classes_and_squared_displacement(toy_recipe):
    task = task_of(toy_recipe("network.clip_len=2", PLAIN))
    network = Answer(torch.tensor([[[0.0, 0, 0, 3], [0, 0, 0, -1]]]))
    streams = {"frames": clip_of(9), "valid": torch.ones(1, 2)}
    targets = {"classes": torch.tensor([[0, 2]]), "displacement": torch.tensor([[1.0, 0]])}
    expected = np.log(3) + (2**2 + 1**2) / 2
    assert float(task.loss(network, streams, targets)) == pytest.approx(expected)


def test_mixed_clips_have_mixed_pictures_classes_and_displacements(toy_recipe):
    task = task_of(toy_recipe("network.clip_len=2", PLAIN, "optimiser.foreground_weight=1"))
    network = Answer(torch.tensor([[[0.0, 0, 0, 3], [0, 0, 0, -1]]]))
    one = {"frames": clip_of(200), "valid": torch.ones(1, 2)}
    streams = one | {"other_frames": clip_of(100), "other_valid": torch.ones(1, 2)}
    targets = {
        "classes": torch.tensor([[1, 1]]),
        "displacement": torch.tensor([[2.0, 0]]),
        "other_classes": torch.tensor([[0, 0]]),
        "other_displacement": torch.tensor([[-2.0, 4]]),
        "share": torch.tensor([0.75]),
    }
    loss = float(task.loss(network, streams, targets))
    assert loss == pytest.approx(np.log(3) + (2**2 + 2**2) / 2)
    mixed = network.seen.clone()
    task.loss(network, {"frames": clip_of(175), "valid": one["valid"]}, _first(targets))
    torch.testing.assert_close(mixed, network.seen)


def _first(targets: dict) -> dict:
    return {key: targets[key] for key in ("classes", "displacement")}


def test_without_reach_there_is_no_displacement(toy_recipe):
    task = task_of(toy_recipe("clips.reach=0"))
    network = task.build_network()
    assert not any("_pred_displ" in name for name, _ in network.named_parameters())


JOINT = "joint={root: elsewhere, labels: [A, B, C]}"
FLAT = (PLAIN, "network.clip_len=2")


def joint_task(toy_recipe, *settings: str) -> TDEEDTask:
    return task_of(toy_recipe(*FLAT, JOINT, *settings))


def test_a_clip_teaches_the_head_of_its_own_data_set(toy_recipe):
    """Head 1 of 3 outputs, displacement, head 2 of 4; background weighs 1 in both."""
    task = joint_task(toy_recipe)
    assert task.config.extra_classes == 3
    output = torch.zeros(2, 2, 8)
    targets = {
        "classes": torch.tensor([[0, 2], [3, 0]]),
        "displacement": torch.zeros(2, 2),
        "extra": torch.tensor([False, True]),
    }
    expected = (np.log(3) + np.log(4)) / 2
    assert float(task.loss_of(output, targets)) == pytest.approx(expected)
    output[1, 0, 4 + 3] = 50.0  # the second head is sure of the second clip's event
    rest = (np.log(3) + np.log(4) / (1 + 5)) / 2
    assert float(task.loss_of(output, targets)) == pytest.approx(rest)


def test_mixed_clips_of_the_second_data_set_are_both_numbered_as_it_numbers(toy_recipe):
    task = joint_task(toy_recipe, "optimiser.foreground_weight=1")
    output = torch.zeros(1, 2, 8)
    output[0, 0, 4:] = torch.tensor([0.0, 1, 2, 3])
    targets = {
        "classes": torch.tensor([[3, 0]]),
        "displacement": torch.zeros(1, 2),
        "other_classes": torch.tensor([[1, 0]]),
        "other_displacement": torch.zeros(1, 2),
        "share": torch.tensor([0.25]),
        "extra": torch.tensor([True]),
    }
    wanted = targets | task.mixed(targets, targets["share"][:, None])
    of_first = -torch.log_softmax(output[0, 0, 4:], 0)
    expected = (0.25 * of_first[3] + 0.75 * of_first[1] + np.log(4)) / 2
    assert float(task.loss_of(output, wanted)) == pytest.approx(float(expected))


def team_task(toy_recipe, *settings: str) -> TeamTDEEDTask:
    return TeamTDEEDTask(toy_recipe("system=tdeed-team", PLAIN, *settings), TWO)


def test_frames_around_an_event_know_its_side(toy_recipe):
    task = team_task(toy_recipe, "clips.reach=1", "network.clip_len=8")
    labels = FrameLabels(np.array([9, 13, 16]), np.array([1, 2, 1]), sides=np.array([1, 0, -1]))
    assert task.targets(labels, 10)["sides"].tolist() == [1, -1, 0, 0, 0, -1, -1, -1]


@pytest.mark.parametrize(
    ("mine", "others", "expected"),
    [(1, 0, 0.75), (1, -1, 1), (-1, 0, 0), (-1, -1, None)],
)
def test_a_side_is_mixed_where_both_clips_have_one(toy_recipe, mine, others, expected):
    """Weight 2, binary cross-entropy over the frames that have a side."""
    task = team_task(toy_recipe, "network.clip_len=2")
    targets = {
        "classes": torch.zeros(1, 2, dtype=torch.int64),
        "other_classes": torch.zeros(1, 2, dtype=torch.int64),
        "displacement": torch.zeros(1, 2),
        "other_displacement": torch.zeros(1, 2),
        "sides": torch.tensor([[float(mine), -1.0]]),
        "other_sides": torch.tensor([[float(others), -1.0]]),
    }
    wanted = targets | task.mixed(targets, torch.tensor([[0.75]]))
    output = torch.zeros(1, 2, 5)
    output[0, 0, 4] = 2.0
    loss = float(task.loss_of(output, wanted)) - np.log(3)
    right, left = np.log1p(np.exp(-2.0)), np.log1p(np.exp(2.0))
    known = 0 if expected is None else expected * right + (1 - expected) * left
    assert loss == pytest.approx(2 * known, abs=1e-6)


def test_mirrored_pictures_and_sides_exclude_each_other(toy_recipe):
    with pytest.raises(ConfigError, match=r"augmentation.flip"):
        team_task(toy_recipe, "augmentation.flip=0.5")


def test_a_joint_run_draws_from_both_data_sets(toy, toy_recipe, tmp_path):
    places = (f"data.root={toy}", f"data.cache_folder={tmp_path / 'frames'}")
    joint = f"joint={{root: {toy}, train: valid, labels: [Blue, Red], foreground_share: 0}}"
    recipe = toy_recipe(*places, joint, "network.clip_len=8", "clips.epoch_frames=128")
    source = open_source(recipe)
    found = [batch["targets"]["extra"] for batch in source.training_batches(Share())]
    share = torch.cat(found).float().mean()
    assert 0 < share < 1
    network = source.build_network()
    assert network.config.extra_classes == 2
    values = source.score(network.eval(), source.validation[0]).values
    assert values.shape == (160, 2)


def test_training_on_sides_needs_labels_that_have_them(toy, toy_recipe, tmp_path):
    for path in toy.glob("*/*.json"):
        copy = tmp_path / path.relative_to(toy)
        copy.parent.mkdir(exist_ok=True)
        copy.write_text(path.read_text().replace('"left"', '"home"').replace('"right"', '"away"'))
        (copy.parent / path.name.replace(".events.json", ".mp4")).symlink_to(
            path.with_name(path.name.replace(".events.json", ".mp4"))
        )
    settings = (f"data.root={tmp_path}", f"data.cache_folder={tmp_path / 'frames'}", PLAIN)
    with pytest.raises(ConfigError, match="no event has a team of left or right"):
        open_source(toy_recipe("system=tdeed-team", *settings))


@pytest.mark.slow
def test_a_run_on_sides_learns_events_and_sides_and_spots_a_plain_video(toy, toy_recipe, tmp_path):
    places = (f"data.root={toy}", f"data.cache_folder={tmp_path / 'frames'}", PLAIN)
    sided = ("system=tdeed-team", "validation.criterion=team-at1", "validation.start_epoch=8")
    recipe = toy_recipe(*places, *sided, "optimiser.learning_rate=0.003")
    result = train(recipe, tmp_path / "run")
    assert result.steps == 80 and result.figures["team-at1"] > 0.4
    video = toy / "valid" / "v0.mp4"
    with load(str(tmp_path / "run"), engine="torch") as spotter:
        timeline = spotter.spot(video)
    assert timeline.video.duration_seconds == 40
    assert timeline.model is not None and timeline.model.weights == "toy-tdeed"
    sure = [event for event in timeline if event.confidence >= 0.5]
    right = [event.team == {"Red": "left", "Blue": "right"}[event.label] for event in sure]
    assert sure and np.mean(right) > 0.9
    truth = read_matches(video.with_suffix(".events.json"))
    found = {name: Match(name, (replace(timeline, half=1),)) for name in truth}
    scores = evaluate(
        truth, found, label_set=LabelSet("two", ("Red", "Blue")), metric="at1", rate=4
    )
    assert scores.average_map > 0.5
