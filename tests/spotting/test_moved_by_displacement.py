"""The scores of T-DEED: moved by displacement and averaged over windows as published."""

import json
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from touchline.labels import LabelSet
from touchline.scores import Scores
from touchline.spotting.displacement import displaced_probabilities, displaced_sides
from touchline.spotting.peaks import Suppression, find_peaks
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


def team_golden(shared) -> dict:
    return json.loads((shared / "data" / "parity" / "tdeed_team_golden.json").read_text())


@pytest.mark.parametrize("number", [0, 1])
def test_scores_of_sides_are_as_published(number, shared):
    case = team_golden(shared)["displacement_and_team"][number]
    r, (batch, steps) = np.random.RandomState(case["seed"]), case["shape"]
    main = case["num_classes"] + 1
    extra = case["joint_classes"] + 1 if case["joint_classes"] else 0
    logits = r.randn(batch, steps, main + extra) * 2
    logits[..., 0] += 2
    displacement, team = r.randn(batch, steps) * 4, r.randn(batch, steps) * 2
    outputs = np.concatenate(
        (logits[..., :main], displacement[..., None], team[..., None]), axis=-1
    ).astype(np.float32)
    plain = [displaced_probabilities(clip[:, :-1]) for clip in outputs]
    np.testing.assert_allclose(plain, case["scores"], atol=1e-5)
    sided = [displaced_sides(clip) for clip in outputs]
    np.testing.assert_allclose(sided, case["team_scores"], atol=1e-5)


ROWS_A_SECOND = Fraction(25, 2)


@pytest.mark.parametrize(("kind", "name"), [("soft", "soft"), ("greedy", "hard")])
def test_a_class_is_suppressed_over_both_sides_as_published(kind, name, shared):
    for case in team_golden(shared)["suppression"]:
        labels = LabelSet("three", ("PASS", "DRIVE", "SHOT"))
        columns = np.zeros((200, 6), np.float32)
        for row, label, side, score in case["input"]:
            columns[row, 2 * labels.index(label) + (side == "right")] = score
        scores = Scores.regular(columns, labels, ROWS_A_SECOND)
        window = float(case[f"{name}_window"] / ROWS_A_SECOND)
        found = find_peaks(scores, Suppression(kind, window))
        events = sorted(
            (round(event.seconds * 12.5), event.label, event.team, event.confidence)
            for event in found
        )
        expected = sorted(map(tuple, case[name]))
        assert [event[:3] for event in events] == [event[:3] for event in expected]
        np.testing.assert_allclose(
            [event[3] for event in events], [event[3] for event in expected], atol=1e-5
        )


def test_a_system_names_how_its_outputs_are_decoded():
    assert decoder("tdeed-team") is displaced_sides
    assert decoder("tdeed") is displaced_probabilities
    assert decoder("e2e-spot") is softmax
