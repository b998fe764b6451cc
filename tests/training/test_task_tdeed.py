"""Training of T-DEED: its targets, its loss, and a run that learns."""

from dataclasses import replace

import numpy as np
import pytest
from extras import needs

torch = needs("torch")
needs("lightning")

from touchline.datasets.targets import FrameLabels  # noqa: E402
from touchline.events import Match  # noqa: E402
from touchline.formats import read_matches  # noqa: E402
from touchline.labels import LabelSet  # noqa: E402
from touchline.metrics.spotting import evaluate  # noqa: E402
from touchline.spotting.spotter import load  # noqa: E402
from touchline.training.config import load_recipe  # noqa: E402
from touchline.training.run import train  # noqa: E402
from touchline.training.tasks.tdeed import TDEEDTask  # noqa: E402

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


@pytest.mark.slow
def test_a_run_learns_and_spots_a_plain_video(toy, toy_recipe, refused, tmp_path):
    places = (f"data.root={toy}", f"data.cache_folder={tmp_path / 'frames'}")
    result = train(toy_recipe(*places, "optimiser.learning_rate=0.003"), tmp_path / "run")
    assert result.steps == 80
    video = toy / "valid" / "v0.mp4"
    with load(str(tmp_path / "run"), engine="torch") as spotter:
        timeline = spotter.spot(video)
    assert timeline.video.duration_seconds == 40
    assert timeline.model is not None and timeline.model.weights == "toy-tdeed"
    truth = read_matches(video.with_suffix(".events.json"))
    found = {name: Match(name, (replace(timeline, half=1),)) for name in truth}
    scores = evaluate(
        truth, found, label_set=LabelSet("two", ("Red", "Blue")), metric="at1", rate=4
    )
    assert scores.average_map > 0.5
    line = refused("models", "export", tmp_path / "run")
    assert "networks of tdeed have no export; run it with PyTorch: --engine torch" in line
    assert not list((tmp_path / "run").glob("*.onnx"))
