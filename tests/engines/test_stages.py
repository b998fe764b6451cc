"""Networks of features in graphs: what they give for a half, and without PyTorch."""

import subprocess
import sys
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from extras import needs

torch = needs("torch")
needs("onnx")

from touchline.engines.export import export_onnx  # noqa: E402
from touchline.engines.networks import config_dict, make_network, save_weights  # noqa: E402
from touchline.engines.stages import OnnxStages, open_stages  # noqa: E402
from touchline.engines.torch_stages import TorchStages  # noqa: E402
from touchline.errors import CheckpointError  # noqa: E402
from touchline.models.astra import ASTRAConfig  # noqa: E402
from touchline.models.calf import CALFConfig  # noqa: E402
from touchline.models.calf_attention import AttentionCALFConfig, SqueezeCALFConfig  # noqa: E402
from touchline.models.calibration import CalibrationConfig  # noqa: E402
from touchline.models.dense_anchors import DenseAnchorsConfig  # noqa: E402
from touchline.models.fusion import AttentionFusionConfig, FusionConfig  # noqa: E402
from touchline.models.pooling import PoolingConfig  # noqa: E402
from touchline.spotting.scorers import half_scorer  # noqa: E402
from touchline.systems import SYSTEMS  # noqa: E402
from touchline.zoo.cards import CardFeatures, CardLabels, ModelCard, write_card  # noqa: E402
from touchline.zoo.store import ModelFolder, sha256_of  # noqa: E402

CLIPS = {"num_classes": 3, "clip_steps": 48, "receptive_steps": 16, "feature_width": 24}
FUSED = {"num_classes": 3, "feature_width": 24, "streams": (("sound", 5),), "clip_steps": 16}
CONFIGS: dict[str, tuple[str, Any]] = {
    "calf": ("calf", CALFConfig(**CLIPS, capsules=7)),
    "attention": ("calf-attention", AttentionCALFConfig(**CLIPS)),
    "squeeze": ("calf-se", SqueezeCALFConfig(**CLIPS)),
    **{
        players: ("calf-calibration", CalibrationConfig(**CLIPS, players=players, graph_layers=2))
        for players in ("3d", "dense", "copy", "graph", "gcn", "edge")
    },
    "players": (
        "calf-calibration",
        CalibrationConfig(**CLIPS, players="graph", graph_layers=2, with_features=False),
    ),
    **{
        pooling: (
            "pooling",
            PoolingConfig(pooling, 3, clip_steps=9, feature_width=24, width=16, clusters=8),
        )
        for pooling in ("max++", "netvlad-conv", "netvlad++", "netrvlad++")
    },
    "anchors": ("dense-anchors", DenseAnchorsConfig(num_classes=3, feature_width=24, width=2)),
    "astra": (
        "astra",
        ASTRAConfig(
            num_classes=3, feature_width=24, clip_seconds=8, mels=16, width=16, audio_width=24,
            feedforward=32, decoder_layers=2, attention_heads=2,
        ),
    ),
    "early": ("fusion-early", FusionConfig(**FUSED)),
    "late": ("fusion-late", FusionConfig(**FUSED)),
    "fused by attention": ("fusion-attention", AttentionFusionConfig(**FUSED)),
}  # fmt: skip
WIDTHS = {"sound": 5, "log_mel": 16, "top_view_features": 512}


class Held:
    """A stream in memory."""

    def __init__(self, rows: np.ndarray, rate: int) -> None:
        self.rows, self.rate, self.steps = rows, Fraction(rate), len(rows)
        self.width = rows.shape[1]

    def read(self, first: int, count: int) -> np.ndarray:
        return self.rows[np.clip(np.arange(first, first + count), 0, self.steps - 1)]

    def read_all(self) -> np.ndarray:
        return self.rows


def streams_of(system: str, config: Any, steps: int) -> dict[str, Held]:
    rng = np.random.default_rng(0)

    def noise(count: int, width: int) -> np.ndarray:
        return rng.normal(size=(count, width)).astype(np.float32)

    streams = {"features": Held(noise(steps, 24), 1 if system == "astra" else 2)}
    if system == "astra":
        streams["log_mel"] = Held(np.abs(noise(100 * steps, 16)), 100)
    if system.startswith("fusion"):
        streams["sound"] = Held(noise(steps, 5), 2)
    if system == "calf-calibration":
        stream = config.stream
        rows: np.ndarray = noise(steps, 512)
        if stream == "top_view":
            rows = rng.integers(0, 256, (steps, 3, 32, 64), np.uint8)
            rows[3:7] = 0
        elif stream == "graph":
            rows = np.zeros((steps, 6, 8 + 1 + 6), np.float32)
            exists = np.arange(6) < rng.integers(0, 7, (steps, 1))
            rows[..., :8] = rng.normal(size=(steps, 6, 8)) * exists[..., None]
            rows[..., 8] = exists
            near = np.triu(rng.random((steps, 6, 6)) < 0.4, 1)
            near = (near | near.swapaxes(1, 2)) & exists[..., None] & exists[:, None]
            rows[..., 9:] = near
        streams[stream] = Held(rows, 2)
    return streams


def write_folder(folder: Path, system: str, config: Any) -> ModelFolder:
    torch.manual_seed(0)
    network = make_network(SYSTEMS[system], config).eval()
    folder.mkdir()
    save_weights(network, folder / "model.safetensors")
    card = ModelCard(
        name=folder.name, system=system, config=config_dict(config), rate="2/1",
        labels=CardLabels(name="custom", labels=("a", "b", "c")),
        features=CardFeatures(name="small", width=24),
        files={"model.safetensors": sha256_of(folder / "model.safetensors")},
    )  # fmt: skip
    write_card(card, folder / "card.json")
    return ModelFolder(folder, card)


@pytest.mark.parametrize("name", CONFIGS)
def test_graphs_score_a_half_as_pytorch_does(tmp_path: Path, name: str) -> None:
    system, config = CONFIGS[name]
    folder = export_onnx(write_folder(tmp_path / "model", system, config))
    graphs, network = OnnxStages(folder, "fp32", 1), open_stages(folder, engine="torch")
    assert isinstance(network, TorchStages)
    score = half_scorer(system)
    for steps in (1, 75, 400):
        streams: Any = streams_of(system, config, steps)
        expected = score(network, streams)
        found = score(graphs, streams)
        assert found.shape == expected.shape and (np.ptp(expected) > 0 or steps == 1)
        np.testing.assert_allclose(found, expected, rtol=0, atol=2e-4)


def test_a_model_of_features_needs_no_pytorch_once_it_is_exported(tmp_path: Path) -> None:
    system, config = CONFIGS["calf"]
    export_onnx(write_folder(tmp_path / "model", system, config))
    rows = np.random.default_rng(0).normal(size=(300, 24)).astype(np.float32)
    np.save(tmp_path / "1_small.npy", rows)
    program = """
import sys
sys.modules["torch"] = None
from touchline.spotting.features import load_for_features
spotter = load_for_features(sys.argv[1])
print(spotter.network.name, len(spotter.spot(sys.argv[2])))
"""
    words = [sys.executable, "-c", program, tmp_path / "model", tmp_path / "1_small.npy"]
    ended = subprocess.run(words, capture_output=True, text=True, check=False)
    assert ended.returncode == 0, ended.stderr
    assert ended.stdout.startswith("openvino fp32 ")
    assert int(ended.stdout.split()[-1]) > 0


@pytest.mark.parametrize("text", ["", "[]", '{"config": {}}', '{"config": 1, "stages": {}}'])
def test_a_damaged_list_of_stages_is_one_line(tmp_path: Path, text: str) -> None:
    folder = write_folder(tmp_path / "model", *CONFIGS["calf"])
    (folder.path / "stages.json").write_text(text)
    files = folder.card.files | {"stages.json": sha256_of(folder.path / "stages.json")}
    broken = ModelFolder(folder.path, folder.card.model_copy(update={"files": files}))
    with pytest.raises(CheckpointError, match="stages of a network"):
        open_stages(broken, engine="openvino")
