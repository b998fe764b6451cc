"""A half through CALF with calibration: the published detections, and one pass as good as many."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from extras import needs

torch = needs("torch")

from safetensors.torch import load_file  # noqa: E402

from touchline.datasets.features import Stream  # noqa: E402
from touchline.datasets.player_boxes import DRAWN_STREAMS  # noqa: E402
from touchline.engines.torch_stages import TorchStages  # noqa: E402
from touchline.formats.player_boxes import (  # noqa: E402
    PLAYER_BOXES_RATE,
    calibration_name,
    player_boxes_name,
    read_calibration,
    read_player_boxes,
)
from touchline.models.calf import CALF, CALFConfig  # noqa: E402
from touchline.models.calibration import CalibrationConfig, calibration_calf  # noqa: E402
from touchline.models.parts.capsules import CapsuleOutput  # noqa: E402
from touchline.spotting.scorers import half_scorer  # noqa: E402
from touchline.spotting.scorers.calf import clip_rows, score_clips, segment_clips  # noqa: E402
from touchline.spotting.scorers.calibration import score, segment  # noqa: E402

STEPS = 500
PUBLISHED_WINDOW = 40


@pytest.fixture(autouse=True)
def no_gradients() -> "Iterator[None]":
    with torch.inference_mode():
        yield


class Rows:
    """A stream in memory."""

    rate = PLAYER_BOXES_RATE

    def __init__(self, values: np.ndarray) -> None:
        self.values = values

    @property
    def steps(self) -> int:
        return len(self.values)

    def read(self, first: int, count: int) -> np.ndarray:
        return self.values[np.clip(np.arange(first, first + count), 0, self.steps - 1)]

    def read_all(self) -> np.ndarray:
        return self.values


def network_of(shared: Path, name: str, players: str | None) -> Any:
    network = (
        calibration_calf(CalibrationConfig(num_classes=8, players=players))
        if players
        else CALF(CALFConfig(num_classes=9, multiplier=2))
    )
    weights = load_file(shared / "data" / "parity" / "weights" / f"{name}.safetensors")
    network.load_state_dict({key: value.float() for key, value in weights.items()})
    return network.eval()


def streams_of(shared: Path, half: int) -> dict[str, Stream]:
    folder = shared / "data" / "parity" / "calibration"
    with np.load(folder / f"{half}_features.npz") as arrays:
        streams: dict[str, Stream] = {"features": Rows(arrays["features"].astype(np.float32))}
    calibration = read_calibration(folder / calibration_name(half))
    boxes = read_player_boxes(folder / player_boxes_name(half))
    streams |= {name: draw(calibration, boxes, STEPS) for name, draw in DRAWN_STREAMS.items()}
    return streams


def placed(spotting: np.ndarray, clips: tuple[int, ...], starts: tuple[int, ...]) -> np.ndarray:
    """Detections of three published clips, each where ``starts`` says; -1 where there is none."""
    values = np.full((STEPS, spotting.shape[2] - 2), -1, np.float32)
    for number, (clip, start) in enumerate(zip(clips, starts, strict=True)):
        one = np.full((240, values.shape[1]), -1, np.float32)
        for slot in spotting[clip]:
            one[int(np.floor(slot[1] * np.float32(239))), slot[2:].argmax()] = slot[0]
        first, last = (0 if number == 0 else 40), (240 if number == 2 else 200)
        values[start + first : start + last] = one[first:last]
    return values


def suppressed(values: np.ndarray) -> list[tuple[int, int, float]]:
    """Published suppression: half-open windows on the steps of the half."""
    values, found = values.copy(), []
    for column in range(values.shape[1]):
        scores = values[:, column]
        while scores.max() >= 0:
            step = int(scores.argmax())
            found.append((step, column, float(scores[step])))
            scores[max(0, step - PUBLISHED_WINDOW // 2) : step + PUBLISHED_WINDOW // 2] = -1
    return sorted(found)


def misplaced(spotting: np.ndarray) -> np.ndarray:
    """As published, which takes a wrong clip for the last."""
    return placed(spotting, (0, 1, 2), (0, 160, 260))


def published_detections(
    known: Mapping[str, np.ndarray], suffix: str
) -> list[tuple[int, int, float]]:
    parts = (known[f"nms_{part}{suffix}"].tolist() for part in ("frames", "classes", "scores"))
    return sorted(zip(*parts, strict=True))


PUBLISHED = [
    ("calf_calib_3dconv_visual", "3d", 1, ""),
    ("calf_calib_features_only_nonvisual", None, 1, ""),
    ("calf_gcn14_visual", "graph", 1, "_half1"),
    ("calf_gcn14_visual", "graph", 2, "_half2"),
]


@pytest.mark.parametrize(("name", "players", "half", "suffix"), PUBLISHED)
def test_equals_the_published_half(
    shared: Path, name: str, players: str | None, half: int, suffix: str
) -> None:
    with np.load(shared / "data" / "parity" / f"{name}.npz") as arrays:
        known = {key: arrays[key] for key in arrays}
    spotting = known[f"spotting{suffix}"]
    network = network_of(shared, name, players)
    run = half_scorer("calf-calibration" if players else "calf")
    ours = run(TorchStages(network), streams_of(shared, half))
    expected = placed(spotting, (0, 1, 3), (0, 160, 260))
    np.testing.assert_allclose(ours, np.maximum(expected, 0), rtol=0, atol=1e-5)
    assert published_detections(known, suffix) == suppressed(misplaced(spotting))


@pytest.mark.parametrize("players", ["dense", "copy"])
def test_equals_the_published_clips(shared: Path, players: str) -> None:
    """Top views of these are described clip by clip, not as one half."""
    name = f"calf_calib_{players.replace('copy', 'conv')}_resnet34_visual"
    with np.load(shared / "data" / "parity" / f"{name}.npz") as arrays:
        known = {key: arrays[key] for key in arrays}
    network = network_of(shared, name, players)
    features = streams_of(shared, 1)["features"].read_all()
    seen = known["radar_resnet_features_clips"][[0, 1, 3]].astype(np.float32)

    def read(starts: np.ndarray) -> CapsuleOutput:
        rows = features[clip_rows(starts, STEPS, network.config)]
        return network(torch.from_numpy(rows), torch.from_numpy(seen))

    expected = placed(known["spotting"], (0, 1, 3), (0, 160, 260))
    ours = score_clips(network.config, STEPS, read)
    np.testing.assert_allclose(ours, np.maximum(expected, 0), rtol=0, atol=1e-5)
    assert published_detections(known, "") == suppressed(misplaced(known["spotting"]))


SMALL = {
    "num_classes": 3,
    "slots": 4,
    "clip_steps": 48,
    "receptive_steps": 16,
    "feature_width": 20,
    "player_features": 24,
    "graph_layers": 2,
    "graph_width": 8,
}


@pytest.mark.parametrize("players", ["3d", "dense", "copy", "graph"])
@pytest.mark.parametrize("steps", [1, 47, 48, 130, 300])
def test_one_pass_equals_clip_by_clip(shared: Path, players: str, steps: int) -> None:
    torch.manual_seed(0)
    network = calibration_calf(CalibrationConfig(**SMALL, players=players)).eval()
    rng = np.random.default_rng(steps)
    rows = rng.standard_normal((steps, 20), np.float32)
    seen = rng.standard_normal((steps, 24), np.float32)
    if network.config.stream in DRAWN_STREAMS:
        seen = streams_of(shared, 1)[network.config.stream].read(0, steps)

    def clip_by_clip(starts: np.ndarray) -> CapsuleOutput:
        clips = clip_rows(starts, steps, network.config)
        pairs = zip(torch.from_numpy(rows[clips]), torch.from_numpy(seen[clips]), strict=True)
        said = [network(features[None], players[None]) for features, players in pairs]
        return CapsuleOutput(*map(torch.cat, zip(*said, strict=True)))

    streams = {"features": Rows(rows), network.config.stream: Rows(seen)}
    near = segment_clips(network.config, steps, clip_by_clip)
    np.testing.assert_allclose(segment(TorchStages(network), streams), near, rtol=0, atol=1e-5)
    scores = score_clips(network.config, steps, clip_by_clip)
    np.testing.assert_allclose(score(TorchStages(network), streams), scores, rtol=0, atol=1e-5)
