"""The checkpoints of COMEDIAN become models that spot plain videos."""

import json
import re

import numpy as np
import pytest
from extras import needs

torch = needs("torch")
needs("timm")

from golden_weights import fill_by_rule  # noqa: E402
from small_videos import write_video  # noqa: E402

from touchline.engines.export import export_onnx  # noqa: E402
from touchline.engines.networks import config_dict, load_network, save_weights  # noqa: E402
from touchline.errors import CheckpointError  # noqa: E402
from touchline.importers.legacy.comedian import infer_config, rename  # noqa: E402
from touchline.importers.legacy.settings import PublishedSettings  # noqa: E402
from touchline.importers.models import import_checkpoint  # noqa: E402
from touchline.labels import SOCCERNET_V2  # noqa: E402
from touchline.media.video import read_frames  # noqa: E402
from touchline.models.comedian import Comedian, ComedianConfig  # noqa: E402
from touchline.spotting.spotter import load  # noqa: E402
from touchline.zoo.cards import CardLabels, ModelCard  # noqa: E402
from touchline.zoo.store import ModelFolder, sha256_of  # noqa: E402

SMALL = ComedianConfig(17, 8, "vivit", 32, 8, 12, 2, 1)
MASK = "trunk.transformer.temporal_mask_token"


@pytest.fixture(autouse=True)
def home(tmp_path, monkeypatch):
    monkeypatch.setenv("TOUCHLINE_HOME", str(tmp_path / "home"))


def weights():
    network = Comedian(SMALL)
    fill_by_rule(network)
    return network.state_dict()


def without_mask(state):
    return {key: value for key, value in state.items() if key != MASK}


@pytest.mark.parametrize(
    "wrap",
    [
        dict,
        lambda state: {"state_dict": dict(state), "epoch": 3},
        lambda state: {f"model.{key}": value for key, value in state.items()},
        lambda state: {"state_dict": {f"module.{k}": v for k, v in without_mask(state).items()}},
        without_mask,
    ],
)
def test_every_layout_that_may_be_published_is_read(tmp_path, wrap):
    torch.save(wrap(weights()), tmp_path / "comedian_vivit_tiny_seed42.pth")
    folder = import_checkpoint(tmp_path / "comedian_vivit_tiny_seed42.pth", onnx=False)
    card = folder.card
    assert (card.system, card.rate, card.picture_size) == ("comedian", "2/1", (398, 224))
    assert card.labels.labels == SOCCERNET_V2.labels
    rule = card.suppression
    assert (rule.kind, rule.window_seconds, rule.floor) == ("linear", 5.0, 0.001)
    network = load_network(folder)
    assert network.config == SMALL
    loaded = network.state_dict()
    assert all(torch.equal(loaded[k], v) for k, v in without_mask(weights()).items())


def test_a_shifted_window_network_has_its_stages_renamed(shared):
    keys = json.loads((shared / "data" / "parity" / "checkpoint_keys.json").read_text())
    published = {
        key: torch.empty([side for side in shape if isinstance(side, int)], device="meta")
        for key, shape in keys["comedian_viswin_tiny"].items()
    }
    renamed = rename(published)
    config = infer_config(renamed, PublishedSettings())
    assert config == ComedianConfig(17, 64, "viswin", 224, 4, 96)
    with torch.device("meta"):
        ours = Comedian(config).state_dict()
    assert {k: v.shape for k, v in ours.items()} == {k: v.shape for k, v in renamed.items()}


@pytest.mark.slow
def test_a_shifted_window_network_exports(tmp_path):
    needs("onnx")
    network = Comedian(ComedianConfig(17, 8, "viswin", 56, 1, 12, temporal_depth=1))
    fill_by_rule(network)
    path = tmp_path / "model"
    path.mkdir()
    save_weights(network, path / "model.safetensors")
    card = ModelCard(
        name="swin",
        system="comedian",
        config=config_dict(network.config),
        labels=CardLabels(name="soccernet-v2", labels=SOCCERNET_V2.labels),
        rate="2",
        width=64,
        height=48,
        files={"model.safetensors": sha256_of(path / "model.safetensors")},
    )
    made = export_onnx(ModelFolder(path, card), tmp_path / "out")
    assert set(made.onnx_files) == {"picture.onnx", "head.onnx"}


def lacking(name):
    return lambda state: {key: value for key, value in state.items() if key != name}


def with_more(state):
    return {**state, "trunk.transformer.temporal_cls_token": torch.zeros(1, 1, 12)}


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lacking("head_class.layers.0.bias"), "lacks head_class.layers.0.bias"),
        (lacking("trunk.transformer.time_embed"), "lacks trunk.transformer.time_embed"),
        (with_more, "temporal_cls_token"),
        (lambda s: s | {"head_class.layers.0.weight": torch.zeros(17)}, r"shape \(17,\)"),
        (lambda s: {re.sub("^trunk.", "body.", k): v for k, v in s.items()}, "no known network"),
    ],
)
def test_anything_else_is_one_line(tmp_path, change, said):
    torch.save(dict(change(weights())), tmp_path / "x.pth")
    with pytest.raises(CheckpointError, match=said) as refusal:
        import_checkpoint(tmp_path / "x.pth", onnx=False)
    assert "\n" not in str(refusal.value) and not (tmp_path / "home" / "models" / "x").exists()


@pytest.mark.slow
def test_a_plain_video_is_spotted_as_published_by_both_engines(tmp_path, call):
    needs("onnx")
    torch.save(dict(weights()), tmp_path / "small.pth")
    folder = import_checkpoint(tmp_path / "small.pth")
    assert set(folder.onnx_files) == {"picture.onnx", "head.onnx"}
    video = write_video(tmp_path / "match.mp4", 25 * 21, sound=False)
    # FFmpeg's filter fps=2 gives slot n the last of all frames before n/2 + 1/4 seconds.
    with read_frames(video, size=(398, 224)) as stream:
        frames = list(stream)
    slots = [
        [frame.pixels for frame in frames if frame.seconds < n / 2 + 0.25][-1] for n in range(42)
    ]
    network = load_network(folder)
    pairs = np.stack([np.concatenate(slots[i : i + 2], axis=-1) for i in range(0, 42, 2)])
    from touchline.models.deploy import Normalise

    with torch.inference_mode():
        pictures = Normalise("tubelet", side=32)(torch.from_numpy(pairs))
        tokens = network.frame_features(pictures)
        first = network.head(tokens[None, :8])[0].sigmoid().numpy()
    for engine in ("openvino", "torch"):
        with load("small", engine=engine, precision="fp32") as spotter:
            scores = spotter.score(video).scores
            part = spotter.score(video, start_seconds=2.6, end_seconds=18).scores
        assert len(scores) == 21 and scores.rate == 1 and scores.seconds[:2].tolist() == [0, 1]
        np.testing.assert_allclose(scores.values[:4], first[:4], atol=1e-4)
        assert part.seconds[0] == 3 and len(part) == 15
    ended = call("spot", video, "--model", "small", "--out", tmp_path / "out")
    assert ended.code == 0, ended.err
