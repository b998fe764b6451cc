"""The checkpoints of the 2023 ball winner become models that spot plain videos."""

import json

import numpy as np
import pytest
from extras import needs

torch = needs("torch")
needs("timm")

from golden_weights import fill_by_rule  # noqa: E402
from small_videos import write_video  # noqa: E402

from touchline.engines.networks import load_network  # noqa: E402
from touchline.errors import CheckpointError  # noqa: E402
from touchline.importers.models import import_checkpoint  # noqa: E402
from touchline.media.video import read_frames  # noqa: E402
from touchline.models.frame_stacking import FrameStacking, FrameStackingConfig  # noqa: E402
from touchline.spotting.passages.stacks import StackPassage, smooth  # noqa: E402
from touchline.spotting.scorers.passages import NetworkInMemory  # noqa: E402
from touchline.spotting.spotter import load  # noqa: E402


@pytest.fixture(autouse=True)
def home(tmp_path, monkeypatch):
    monkeypatch.setenv("TOUCHLINE_HOME", str(tmp_path / "home"))


def checkpoint(path, classes=2, stacks=5, change=lambda document: None):
    """As the winner publishes it: averaged weights, raw ones, and how they were trained."""
    network = FrameStacking(FrameStackingConfig(classes, stacks))
    fill_by_rule(network, convolution_gain=2.6)
    weights = network.state_dict()
    frames = 3 * stacks
    document = {
        "model_name": "BallActionModel",
        "params": {
            "nn_module": (
                "multidim_stacker",
                {
                    "num_classes": classes,
                    "num_frames": frames,
                    "stack_size": 3,
                    "act_layer": "silu",
                },
            ),
            "frame_stack_size": frames,
            "frame_stack_step": 2,
            "frames_processor": ("pad_normalize", {"size": (1280, 736), "fill_value": 0}),
            "device": ["cpu"],
        },
        "nn_state_dict": weights,
        "no_ema_nn_state_dict": {f"_orig_mod.{k}": torch.zeros_like(v) for k, v in weights.items()},
    }
    change(document)
    torch.save(document, path)
    return path


def test_a_ball_model_has_its_two_classes_and_takes_whole_pictures(tmp_path):
    path = checkpoint(tmp_path / "model-035-0.790000.pth", stacks=11)
    folder = import_checkpoint(path, name="ball", onnx=False)
    card = folder.card
    assert (card.system, card.rate, card.picture_size) == ("frame-stacking", "25/1", (1280, 720))
    assert card.labels.labels == ("PASS", "DRIVE") and card.config["flip_average"]
    assert (card.config["clip_len"], card.config["frame_step"]) == (11, 2)
    rule = card.suppression
    assert (rule.kind, rule.window_seconds, rule.floor) == ("distance", 0.6, 0.2)
    original = torch.load(path, weights_only=True)["nn_state_dict"]
    loaded = load_network(folder).state_dict()
    assert loaded.keys() == original.keys()
    assert all(torch.equal(loaded[key], value) for key, value in original.items())


def test_an_action_model_writes_its_cards_as_yellow_ones(tmp_path):
    path = checkpoint(tmp_path / "model.pth", classes=15)
    card = import_checkpoint(path, name="actions", onnx=False).card
    assert card.labels.labels[-2:] == ("Corner", "Yellow card") and len(card.labels.labels) == 15
    assert not card.config["flip_average"]


def named_otherwise(document):
    document["params"]["nn_module"] = ("another_stacker", {})


def of_more_classes(document):
    document["params"]["nn_module"][1]["num_classes"] = 3


def of_more_frames(document):
    document["params"]["nn_module"][1]["num_frames"] = 33
    document["params"]["frame_stack_size"] = 33


def lacking_a_weight(document):
    del document["nn_state_dict"]["conv3d_encoder.3.bn3.bn3d.weight"]


def with_one_too_many(document):
    document["nn_state_dict"]["conv3d_encoder.3.extra"] = torch.zeros(1)


def of_another_step(document):
    document["params"]["frame_stack_step"] = "two"


def without_a_classifier(document):
    del document["nn_state_dict"]["classifier.weight"]


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (named_otherwise, "another_stacker"),
        (of_more_classes, "num_classes 3"),
        (of_more_frames, "33 frames, the weights 15"),
        (lacking_a_weight, "lacks conv3d_encoder.3.bn3.bn3d.weight"),
        (with_one_too_many, "conv3d_encoder.3.extra"),
        (of_another_step, "frame_stack_step 'two'"),
        (without_a_classifier, "lacks classifier.weight"),
    ],
)
def test_what_does_not_fit_is_one_line(tmp_path, change, said):
    path = checkpoint(tmp_path / "model.pth", change=change)
    with pytest.raises(CheckpointError, match=said) as refusal:
        import_checkpoint(path, name="x", onnx=False)
    assert "\n" not in str(refusal.value) and not (tmp_path / "home" / "models" / "x").exists()


@pytest.mark.slow
def test_a_plain_video_is_spotted_as_published_by_both_engines(tmp_path, call):
    needs("onnx")
    path = checkpoint(tmp_path / "model.pth")
    folder = import_checkpoint(path, name="ball", size=(90, 60))
    assert set(folder.onnx_files) == {"picture.onnx", "head.onnx"}
    video = write_video(tmp_path / "match.mp4", 60, size=(90, 60), sound=False)
    with read_frames(video, colours="luma") as stream:
        frames = [frame.pixels for frame in stream]
    with torch.inference_mode():
        network = NetworkInMemory(load_network(folder))
        raw = np.stack([*StackPassage({"clip_len": 5}).probabilities(frames, network)])
    for engine in ("openvino", "torch"):
        with load("ball", engine=engine, precision="fp32") as spotter:
            scores = spotter.score(video).scores
        np.testing.assert_allclose(scores.values[15:-15], smooth(raw), atol=1e-4)
        assert len(scores) == 60 and scores.rate == 25
    with load("ball", engine="openvino") as spotter:
        assert len(spotter.score(video).scores) == 60
    ended = call("spot", video, "--model", "ball", "--out", tmp_path / "out")
    assert ended.code == 0, ended.err
    events = json.loads((tmp_path / "out" / "match.events.json").read_text())["events"]
    assert all(event["confidence"] >= 0.2 for event in events)
