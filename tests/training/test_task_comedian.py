"""Training of COMEDIAN: its targets, its loss, and a run that learns."""

import json
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from extras import needs

torch = needs("torch")
needs("lightning")

from touchline.datasets.targets import label_frames  # noqa: E402
from touchline.events import Event, Match  # noqa: E402
from touchline.formats import read_matches  # noqa: E402
from touchline.labels import SOCCERNET_V2, LabelSet  # noqa: E402
from touchline.metrics.spotting import evaluate  # noqa: E402
from touchline.spotting.spotter import load  # noqa: E402
from touchline.training.config import load_recipe  # noqa: E402
from touchline.training.run import train  # noqa: E402
from touchline.training.tasks.comedian import ComedianTask  # noqa: E402

GOLDEN = json.loads((Path(__file__).parents[1] / "golden" / "comedian.json").read_text())

TOY_RECIPE = """
name: toy-comedian
system: comedian
data: {labels: [Red, Blue], rate: "4", width: 48, height: 32, workers: 0}
network: {clip_len: 8, image_size: 32, patch: 8, width: 48, spatial_depth: 2, temporal_depth: 1}
clips: {epoch_frames: 2048, mixup_alpha: 0, reach_seconds: 0.2, hidden_share: 0}
augmentation: {colours: 0, blur: 0}
optimiser: {batch: 8, epochs: 16, learning_rate: 0.002, warm_up_epochs: 1,
  schedule: warm-then-cosine, clip_gradients: 1}
validation: {criterion: tight, start_epoch: 14, suppression: linear, window_seconds: 1.5,
  floor: 0.01}
run: {device: cpu, precision: fp32}
"""


@pytest.fixture
def toy_recipe(tmp_path):
    path = tmp_path / "toy.yaml"
    path.write_text(TOY_RECIPE)
    return lambda *settings: load_recipe(path, [*settings])


def test_an_event_marks_the_published_tokens():
    case = GOLDEN["labels"]
    labels = SOCCERNET_V2
    events = [Event(seconds, labels.labels[label]) for seconds, label in case["events"]]
    task = ComedianTask(load_recipe("comedian-soccernet"), labels)
    actions = task.targets(label_frames(events, labels, Fraction(2)), 0)["actions"]
    assert actions.shape == (64, 17)
    assert np.argwhere(actions).tolist() == case["token_positive"]
    later = task.targets(label_frames(events, labels, Fraction(2)), 20)["actions"]
    assert np.array_equal(later[:54], actions[10:])


class Answer(torch.nn.Module):
    """Says these logits, and keeps what it is shown."""

    def __init__(self, logits):
        super().__init__()
        self.logits = logits

    def forward(self, clips, hidden):
        self.seen, self.hidden = clips, hidden
        return self.logits


def test_the_loss_of_mixed_clips_is_the_published_one(toy_recipe):
    case = GOLDEN["loss"]
    r = np.random.RandomState(case["seed"])
    logits, targets = torch.tensor(r.randn(4, 6, 17)), torch.tensor(r.rand(4, 6, 17) < 0.1).float()
    share, order = torch.tensor(r.beta(0.1, 0.1, 4)).float(), torch.tensor(r.permutation(4))
    plain = ("augmentation={flip: 0, colours: 0, blur: 0}", "network.image_size=16")
    task = ComedianTask(toy_recipe(*plain, "network.clip_len=6"), LabelSet("two", ("a", "b")))
    frames = torch.randint(0, 256, (4, 12, 16, 16, 3), dtype=torch.uint8)
    network = Answer(logits)
    loss = task.loss(network, {"frames": frames}, {"actions": targets})
    assert float(loss) == pytest.approx(case["bce"], abs=1e-5)
    alone = network.seen
    mixed = {"actions": targets, "other_actions": targets[order], "share": share}
    loss = task.loss(network, {"frames": frames, "other_frames": frames[order]}, mixed)
    assert float(loss) == pytest.approx(case["bce_mixup"], abs=1e-5)
    weights = share[:, None, None, None, None]
    torch.testing.assert_close(network.seen, weights * alone + (1 - weights) * alone[order])


def test_a_quarter_of_the_tokens_of_every_clip_is_hidden(toy_recipe):
    task = ComedianTask(toy_recipe("clips.hidden_share=0.25"), LabelSet("two", ("a", "b")))
    network = Answer(torch.zeros(3, 8, 2)).train()
    frames = torch.zeros(3, 16, 32, 48, 3, dtype=torch.uint8)
    task.loss(network, {"frames": frames}, {"actions": torch.zeros(3, 8, 2)})
    assert network.hidden.sum(dim=1).tolist() == [2, 2, 2]
    task.loss(network.eval(), {"frames": frames}, {"actions": torch.zeros(3, 8, 2)})
    assert network.hidden is None


def test_what_decays_and_what_is_trained(toy_recipe):
    labels = LabelSet("two", ("a", "b"))
    task = ComedianTask(toy_recipe(), labels)
    network = task.build_network()
    plain, decayed = task.optimiser(network, 0.1, 0.05).param_groups
    assert (plain["weight_decay"], decayed["weight_decay"]) == (0, 0.05)
    names = {id(p): name for name, p in network.named_parameters()}
    kept = {names[id(p)] for p in plain["params"]}
    assert {name for name in kept if "token" in name or "embed" in name} >= {
        f"trunk.transformer.{name}"
        for name in ("pos_embed", "time_embed", "spatial_cls_token", "temporal_mask_token")
    }
    assert "trunk.transformer.patch_embed.proj.weight" in {names[id(p)] for p in decayed["params"]}
    frozen = ComedianTask(toy_recipe("network.frozen_trunk=true"), labels)
    groups = frozen.optimiser(network, 0.1, 0.05).param_groups
    assert sum(len(group["params"]) for group in groups) == 2


@pytest.mark.slow
def test_a_run_learns_and_spots_a_plain_video(toy, toy_recipe, tmp_path):
    places = (f"data.root={toy}", f"data.cache_folder={tmp_path / 'frames'}")
    train(toy_recipe(*places), tmp_path / "run")
    video = toy / "valid" / "v0.mp4"
    with load(str(tmp_path / "run"), engine="torch") as spotter:
        timeline = spotter.spot(video)
    truth = read_matches(video.with_suffix(".events.json"))
    found = {name: Match(name, (replace(timeline, half=1),)) for name in truth}
    labels = LabelSet("two", ("Red", "Blue"))
    scores = evaluate(truth, found, label_set=labels, metric="at1", rate=4)
    assert scores.average_map > 0.5
