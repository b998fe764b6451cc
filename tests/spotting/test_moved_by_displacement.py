"""The scores of T-DEED: moved by displacement and averaged over windows as published."""

import json
from pathlib import Path

import numpy as np

from touchline.spotting.displacement import displaced_probabilities
from touchline.spotting.windows import WindowAverage, decoder, softmax, window_starts

GOLDEN = json.loads((Path(__file__).parents[1] / "golden" / "tdeed.json").read_text())


def test_scores_are_where_displacements_point_as_published():
    case = GOLDEN["displacement"]
    r, (batch, steps) = np.random.RandomState(case["seed"]), case["shape"][:2]
    columns = case["num_classes"] + 1 + case["joint_classes"] + 1
    logits = r.randn(batch, steps, columns) * 2
    logits[..., 0] += 2
    outputs = np.concatenate(
        (logits[..., : case["num_classes"] + 1], r.randn(batch, steps)[..., None] * 4), axis=-1
    )
    moved = [displaced_probabilities(clip) for clip in outputs.astype(np.float32)]
    np.testing.assert_allclose(moved, case["scores"], atol=1e-5)


def test_windows_are_averaged_as_published():
    case = GOLDEN["windows"]
    clip, rows, stride = case["clip_len"], case["rows"], case["stride"]
    starts = window_starts(case["video_frames"], clip, case["overlap_len"], stride=stride)
    assert list(starts) == case["starts"]
    assert [s // stride for s in starts] == list(window_starts(rows, clip, case["overlap_len"]))
    average = WindowAverage(2 * case["classes"] + 1)
    for window, start in enumerate(starts):
        r = np.random.RandomState(case["seed"] + window)
        values = r.rand(clip, 2 * case["classes"] + 1).astype(np.float32)
        values[r.rand(clip) < 0.3] = 0
        row = start // stride
        inside = np.arange(row, row + clip)
        average.add(row, values, ((inside >= 0) & (inside < rows)).astype(np.float32))
    np.testing.assert_allclose(average.mean(), case["averaged_scores"], atol=1e-5)


def test_a_system_names_how_its_outputs_are_decoded():
    assert decoder("tdeed") is displaced_probabilities
    assert decoder("e2e-spot") is softmax
