"""Whole halves through dense anchors and ASTRA."""

from fractions import Fraction

import numpy as np
import pytest
from extras import needs
from hypothesis import given
from hypothesis import strategies as st

torch = needs("torch")

from touchline.datasets.displacement import anchor_targets, astra_targets  # noqa: E402
from touchline.datasets.features import LabelledSteps  # noqa: E402
from touchline.engines.torch_stages import TorchStages  # noqa: E402
from touchline.errors import ConfigError  # noqa: E402
from touchline.models.astra import ASTRA, ASTRAConfig  # noqa: E402
from touchline.models.dense_anchors import DenseAnchors, DenseAnchorsConfig  # noqa: E402
from touchline.spotting.displacement import move_confidences  # noqa: E402
from touchline.spotting.scorers import astra, dense_anchors  # noqa: E402


class Held:
    """A stream in memory."""

    def __init__(self, rows: np.ndarray, rate: int) -> None:
        self.rows, self.rate, self.steps = rows, Fraction(rate), len(rows)

    def read(self, first: int, count: int) -> np.ndarray:
        return self.rows[np.clip(np.arange(first, first + count), 0, self.steps - 1)]

    def read_all(self) -> np.ndarray:
        return self.rows


def noise(*shape: int) -> np.ndarray:
    return np.random.default_rng(0).standard_normal(shape).astype(np.float32)


def labelled(events: list[tuple[int, int]]) -> LabelledSteps:
    table = np.array(sorted(events), np.int64).reshape(-1, 2)
    return LabelledSteps(table[:, 0], table[:, 1], np.ones(len(table), bool))


@pytest.fixture
def published(shared):
    with np.load(shared / "data" / "parity" / "spivak_postprocess.npz") as fixture:
        return {key: fixture[key] for key in fixture.files}


@pytest.mark.parametrize("steps", [224, 333, 500, 1200])
def test_chunks_overlap_as_published(published, steps):
    starts = dense_anchors.clip_starts(steps, 224)
    np.testing.assert_array_equal(starts, published[f"chunk_starts_{steps}"])
    source = np.empty(steps, np.int64)
    for chunk, (first, last) in enumerate(dense_anchors.kept_steps(starts, steps, 224)):
        source[first:last] = chunk
    np.testing.assert_array_equal(source, published[f"chunk_source_{steps}"])


@given(st.integers(1, 2000), st.sampled_from([32, 64, 224]))
def test_chunks_say_every_step_once_and_only_what_they_see(steps, clip_steps):
    starts = dense_anchors.clip_starts(steps, clip_steps)
    kept = dense_anchors.kept_steps(starts, steps, clip_steps)
    said = np.concatenate([np.arange(first, last) for first, last in kept])
    np.testing.assert_array_equal(said, np.arange(steps))
    assert (kept[:, 0] >= starts).all() and (kept[:, 1] <= starts + clip_steps).all()


def test_confidences_move_as_published(published):
    moved = move_confidences(published["confidences"], published["deltas_frames"])
    np.testing.assert_allclose(moved, published["detection_scores"], atol=1e-7)


@given(
    st.lists(st.tuples(st.integers(0, 79), st.integers(0, 1)), unique=True, max_size=6),
)
def test_perfect_anchors_point_at_the_event(events):
    targets = anchor_targets(labelled(events), 0, 80, 2, 6, 12)
    moved = move_confidences(
        targets.confidence, np.where(targets.confidence > 0, 12 * targets.delta, 0)
    )
    assert sorted(map(tuple, np.argwhere(moved > 0))) == sorted(events)


def anchors(**given) -> DenseAnchors:
    torch.manual_seed(0)
    sizes = {"num_classes": 2, "feature_width": 6, "width": 1, "clip_steps": 32}
    return DenseAnchors(DenseAnchorsConfig(**(sizes | given))).eval()


@pytest.mark.parametrize("upsampling", [1, 2])
@pytest.mark.parametrize("rows", [10, 40, 75])
def test_a_half_is_what_its_chunks_say_one_by_one(monkeypatch, rows, upsampling):
    monkeypatch.setattr(dense_anchors, "ROWS_AT_ONCE", 7)
    monkeypatch.setattr(dense_anchors, "CLIPS_AT_ONCE", 2)
    network = anchors(upsampling=upsampling)
    features = Held(noise(rows, 6), 2)
    said_of_half = dense_anchors.read_half(TorchStages(network), {"features": features})
    with torch.inference_mode():
        steps = network.interpolate(torch.from_numpy(features.rows)[None])[0]
        count = len(steps)
        padded = torch.cat((steps, torch.zeros(max(0, 32 - count), 6)))
        starts = dense_anchors.clip_starts(count, 32)
        kept = dense_anchors.kept_steps(starts, count, 32)
        for start, (first, last) in zip(starts, kept, strict=True):
            said = network(padded[None, start : start + 32])
            own = slice(first - start, last - start)
            for whole, part in zip(said_of_half[:2], said, strict=True):
                np.testing.assert_allclose(whole[first:last], part[0, own].numpy(), atol=1e-5)
    assert dense_anchors.score(TorchStages(network), {"features": features}).shape == (count, 2)


def test_without_displacements_confidences_stay_where_they_are():
    network = anchors(heads=("confidence",))
    scores = dense_anchors.score(TorchStages(network), {"features": Held(noise(50, 6), 2)})
    assert ((scores > 0) & (scores < 1)).all()


def test_displacements_are_read_in_the_unit_that_they_are_trained_in():
    network = anchors(delta_seconds=3.3)  # 6 whole steps
    said = dense_anchors.read_half(TorchStages(network), {"features": Held(noise(40, 6), 2)})
    logits, delta = np.full((40, 2), -200, np.float32), np.zeros((40, 2), np.float32)
    logits[10, 0], delta[10, 0] = 9, 1
    scores = dense_anchors.detections(said._replace(logits=logits, delta=delta))
    assert np.argwhere(scores).tolist() == [[16, 0]]


ASTRA_SIZES = {
    "num_classes": 2,
    "feature_width": 6,
    "clip_seconds": 10,
    "mels": 16,
    "width": 8,
    "audio_width": 8,
    "feedforward": 8,
    "attention_heads": 2,
    "decoder_layers": 1,
}


def transformer(**given) -> ASTRA:
    torch.manual_seed(0)
    return ASTRA(ASTRAConfig(**(ASTRA_SIZES | given))).eval()


@pytest.mark.parametrize("rows_per_second", [1, 2])
def test_astra_over_a_half_is_its_clips_one_by_one(monkeypatch, rows_per_second):
    monkeypatch.setattr(astra, "ROWS_AT_ONCE", 7)
    monkeypatch.setattr(astra, "CLIPS_AT_ONCE", 2)
    network = transformer(rows_per_second=rows_per_second)
    features = Held(noise(29 * rows_per_second, 6), rows_per_second)
    power = Held(np.abs(noise(2900, 16)), 100)
    power.rows[1100] = 1e5  # in every clip, so that all are measured from the same loudest
    scores = astra.score(TorchStages(network), {"features": features, "log_mel": power})
    expected = np.zeros((58, 2), np.float32)
    with torch.inference_mode():
        for second in (0, 8, 16, 19):
            row, count = second * rows_per_second, 10 * rows_per_second
            sound = torch.from_numpy(power.read(100 * second, 1000))[None].clone()
            seen = network.see(torch.from_numpy(features.read(row, count))[None])
            heard = network.loudness(sound, torch.tensor(1e5))
            said = network.relate(seen, network.hear(network.cut(heard)))
            for step, label in np.ndindex(20, 2):
                place = 2 * second + step - float(said.displacement[0, step, label + 1, 0])
                place = min(max(round(place), 0), 57)
                probability = float(said.probability[0, step, label + 1])
                expected[place, label] = max(expected[place, label], probability)
    np.testing.assert_allclose(scores, expected, atol=1e-5)


def test_perfect_displacements_point_at_the_event():
    events = [(3, 0), (30, 1), (36, 1), (57, 0)]
    targets = astra_targets(labelled(events), 0, 58, 2, 4, 6)

    class Perfect:
        name = "by hand"
        config = ASTRAConfig(**(ASTRA_SIZES | {"audio": False}))

        def has(self, stage):
            return stage in ("see", "relate")

        def __call__(self, stage, **inputs):
            if stage == "see":
                return inputs["rows"][:, :1]
            first = 2 * inputs["seen"][:, 0, 0].astype(int)
            steps = first[:, None] + np.arange(20)
            return np.stack((targets.labels[steps], targets.displacement[steps]), axis=-1)

    rows = np.arange(29, dtype=np.float32)[:, None].repeat(6, axis=1)
    scores = astra.score(Perfect(), {"features": Held(rows, 1)})
    assert sorted(map(tuple, np.argwhere(scores > 0))) == sorted(events)


def test_a_network_that_hears_needs_sound():
    with pytest.raises(ConfigError, match="log_mel"):
        astra.score(TorchStages(transformer()), {"features": Held(noise(20, 6), 1)})


def test_a_half_shorter_than_a_clip():
    network = transformer(audio=False)
    assert astra.score(TorchStages(network), {"features": Held(noise(4, 6), 1)}).shape == (8, 2)
    scores = dense_anchors.score(TorchStages(anchors()), {"features": Held(noise(1, 6), 2)})
    assert scores.shape == (1, 2)
