"""A half through CALF: the published figures, every step judged once, one pass as good as many."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from extras import needs

torch = needs("torch")

from safetensors.torch import load_file  # noqa: E402

from touchline.engines.torch_stages import TorchStages  # noqa: E402
from touchline.models.calf import CALF, CALFConfig  # noqa: E402
from touchline.models.calf_attention import AttentionCALF, AttentionCALFConfig  # noqa: E402
from touchline.models.parts.capsules import CapsuleOutput  # noqa: E402
from touchline.spotting.scorers.calf import (  # noqa: E402
    clip_rows,
    clip_starts,
    judged_steps,
    score,
    score_clips,
    segment,
    segment_clips,
)

SMALL = {"num_classes": 3, "slots": 4, "clip_steps": 48, "receptive_steps": 16, "feature_width": 20}


@dataclass
class Rows:
    """A stream in memory."""

    values: np.ndarray
    rate: Fraction = Fraction(2)

    @property
    def steps(self) -> int:
        return len(self.values)

    def read(self, first: int, count: int) -> np.ndarray:
        return self.values[np.clip(np.arange(first, first + count), 0, self.steps - 1)]

    def read_all(self) -> np.ndarray:
        return self.values


@pytest.fixture(autouse=True)
def no_gradients() -> "Iterator[None]":
    with torch.inference_mode():
        yield


@pytest.fixture(scope="module")
def published(shared: Path) -> CALF:
    network = CALF(CALFConfig(num_classes=17))
    network.load_state_dict(load_file(shared / "data/parity/weights/calf_17.safetensors"))
    return network.eval()


def known_half(shared: Path, name: str) -> tuple[dict[str, np.ndarray], dict[str, Rows]]:
    with np.load(shared / "data" / "parity" / f"calf_17_half_{name}_last_chunk.npz") as arrays:
        known = {key: arrays[key] for key in arrays}
    return known, {"features": Rows(known["features"].astype(np.float32))}


def placed(spotting: np.ndarray, starts: np.ndarray, steps: int, last_start: int) -> np.ndarray:
    """Detections of published clips, each clip where ``starts`` says; -1 where there is none."""
    values = np.full((steps, spotting.shape[2] - 2), -1, np.float32)
    for clip, start in zip(spotting, starts, strict=True):
        one = np.full((240, values.shape[1]), -1, np.float32)
        for slot in clip:
            one[int(np.floor(slot[1] * np.float32(239))), slot[2:].argmax()] = slot[0]
        first = 0 if start == 0 else 40
        last = 240 if start == last_start else 200
        values[start + first : start + last] = one[first:last]
    return values


def test_equals_the_published_half(shared: Path, published: CALF) -> None:
    known, streams = known_half(shared, "aligned")
    expected = np.maximum(known["timestamps_long"], 0)
    np.testing.assert_allclose(score(TorchStages(published), streams), expected, rtol=0, atol=1e-5)
    near = segment(TorchStages(published), streams)
    filled = known["segmentation_filled"]
    np.testing.assert_array_equal(near.argmax(axis=1)[filled], known["segmentation_argmax"][filled])


def test_puts_the_last_clip_where_it_belongs(shared: Path, published: CALF) -> None:
    known, streams = known_half(shared, "misaligned")
    spotting, steps = known["spotting"], len(known["features"])
    true_clips = [0, 1, 2, 3, 4, 6]
    starts = known["clip_first_frame"]
    misplaced = placed(
        spotting[[0, 1, 2, 3, 4, 5]], np.append(starts[:5], steps - 240), steps, steps - 240
    )
    np.testing.assert_array_equal(misplaced, known["timestamps_long"])  # 37 steps too early
    expected = placed(spotting[true_clips], starts[true_clips], steps, steps - 240)
    ours = score(TorchStages(published), streams)
    np.testing.assert_allclose(ours, np.maximum(expected, 0), rtol=0, atol=1e-5)


@pytest.mark.parametrize(("chunk", "receptive"), [(240, 80), (48, 16), (40, 40), (30, 7)])
def test_every_step_is_judged_once(chunk: int, receptive: int) -> None:
    config = CALFConfig(num_classes=1, clip_steps=chunk, receptive_steps=receptive)
    for steps in range(1, 2001):
        starts = clip_starts(steps, config)
        judged = judged_steps(starts, steps, config)
        assert judged[0, 0] == 0 and judged[-1, 1] == steps
        assert (judged[1:, 0] == judged[:-1, 1]).all()
        assert (judged[:, 0] < judged[:, 1]).all()
        assert (judged[:, 0] >= starts).all()
        assert (judged[:, 1] <= np.minimum(starts + chunk, steps)).all()
        border = receptive // 2
        assert (judged[1:, 0] - starts[1:] >= border).all()
        rows = clip_rows(starts, steps, config)
        assert rows.shape == (len(starts), chunk) and rows.max() == steps - 1


@pytest.mark.parametrize("steps", [1, 20, 47, 48, 49, 80, 97, 500])
@pytest.mark.parametrize(
    "network",
    [CALF(CALFConfig(**SMALL)), AttentionCALF(AttentionCALFConfig(**SMALL))],
    ids=["calf", "attention"],
)
def test_one_pass_equals_clip_by_clip(network: Any, steps: int) -> None:
    network.eval()
    rng = np.random.default_rng(steps)
    rows = rng.standard_normal((steps, 20), np.float32)

    def clip_by_clip(starts: np.ndarray) -> CapsuleOutput:
        clips = torch.from_numpy(rows[clip_rows(starts, steps, network.config)])
        return CapsuleOutput(*map(torch.cat, zip(*map(network, clips[:, None]), strict=True)))

    streams: Mapping[str, Rows] = {"features": Rows(rows)}
    near = segment_clips(network.config, steps, clip_by_clip)
    np.testing.assert_allclose(segment(TorchStages(network), streams), near, rtol=0, atol=1e-5)
    scores = score_clips(network.config, steps, clip_by_clip)
    assert scores.shape == (steps, 3)
    np.testing.assert_allclose(score(TorchStages(network), streams), scores, rtol=0, atol=1e-5)


def test_nothing_is_spotted_behind_a_short_half() -> None:
    config = CALFConfig(**SMALL)
    spotting = torch.tensor([[[0.9, 0.2, 1, 0, 0], [0.8, 0.9, 0, 1, 0]]])  # steps 9 and 42

    def read(starts: np.ndarray) -> CapsuleOutput:
        return CapsuleOutput(torch.zeros(1, 48, 3), spotting)

    scores = score_clips(config, 20, read)
    assert np.argwhere(scores).tolist() == [[9, 0]]
    assert scores[9, 0] == np.float32(0.9)


def test_a_later_slot_replaces_an_earlier_one() -> None:
    config = CALFConfig(**SMALL)
    spotting = torch.tensor([[[0.9, 0.2, 1, 0, 0], [0.3, 0.2, 1, 0, 0]]])

    def read(starts: np.ndarray) -> CapsuleOutput:
        return CapsuleOutput(torch.zeros(1, 48, 3), spotting)

    assert score_clips(config, 48, read)[9, 0] == np.float32(0.3)


@pytest.mark.parametrize(("polarity", "near"), [("distance", 0.75), ("score", 0.25)])
def test_segmentation_is_high_near_actions(polarity: Any, near: float) -> None:
    config = CALFConfig(**SMALL | {"polarity": polarity})

    def read(starts: np.ndarray) -> CapsuleOutput:
        return CapsuleOutput(torch.full((len(starts), 48, 3), 0.25), torch.zeros(len(starts), 4, 5))

    assert (segment_clips(config, 100, read) == np.float32(near)).all()
