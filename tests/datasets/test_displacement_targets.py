"""Targets of dense anchors and of ASTRA: the published arrays, and what they promise."""

from fractions import Fraction

import numpy as np
from extras import needs
from hypothesis import given
from hypothesis import strategies as st

needs("torch")

from touchline.datasets.displacement import (  # noqa: E402
    NO_EVENT,
    anchor_targets,
    anchor_weights,
    astra_targets,
    count_near,
    reach_steps,
)
from touchline.datasets.features import LabelledHalf, LabelledSteps  # noqa: E402
from touchline.losses.displacement import UNDEFINED  # noqa: E402


def labelled(events: list[tuple[int, int]]) -> LabelledSteps:
    table = np.array(sorted(events), np.int64).reshape(-1, 2)
    return LabelledSteps(table[:, 0], table[:, 1], np.ones(len(table), bool))


class Rows:
    """A stream without content."""

    rate = Fraction(2)

    def __init__(self, steps: int) -> None:
        self.steps = steps


def test_anchor_targets_and_weights_are_the_published_ones(shared):
    with np.load(shared / "data" / "parity" / "spivak_postprocess.npz") as file:
        fixture = {key: file[key] for key in file.files}
    events = labelled([(int(s), int(c)) for s, c in np.argwhere(fixture["labels"] > 0)])
    targets = anchor_targets(events, 0, 400, 17, 6, 12)
    np.testing.assert_array_equal(targets.confidence, fixture["confidence_targets"])
    np.testing.assert_allclose(targets.delta, fixture["delta_targets"], atol=1e-6)
    half = LabelledHalf("half", {"features": Rows(400)}, events)
    positives, negatives = count_near([half], 1, 17, 6)
    np.testing.assert_array_equal(positives, fixture["positive_counts"])
    np.testing.assert_array_equal(negatives, fixture["negative_counts"])
    weights = anchor_weights(positives, negatives, 0.03)
    np.testing.assert_allclose(weights.positive, fixture["positive_weight_per_class"], rtol=1e-6)
    np.testing.assert_allclose(weights.negative, fixture["negative_weight_per_class"], rtol=1e-6)


def test_astra_targets_are_the_published_ones(shared):
    with np.load(shared / "data" / "parity" / "astra_losses_postprocess.npz") as file:
        fixture = {key: file[key] for key in file.files}
    for clip in range(3):
        own = fixture["events"][fixture["events"][:, 0] == clip]
        events = labelled([(int(step), int(label)) for _, step, label in own])
        targets = astra_targets(events, 0, 100, 17, 4, 6)
        np.testing.assert_array_equal(targets.labels, fixture["labels"][clip])
        np.testing.assert_array_equal(targets.displacement, fixture["displacement_targets"][clip])


events_anywhere = st.lists(st.tuples(st.integers(0, 99), st.integers(0, 2)), max_size=12)


@given(events_anywhere, st.integers(-40, 90))
def test_a_clip_sees_what_the_whole_half_sees(events, first):
    events = labelled(events)
    for make, defaults in ((anchor_targets, (0, NO_EVENT)), (astra_targets, (0, UNDEFINED))):
        whole, clip = make(events, -100, 300, 3, 4, 6), make(events, first, 30, 3, 4, 6)
        for all_steps, own, _ in zip(whole, clip, defaults, strict=True):
            np.testing.assert_array_equal(own, all_steps[first + 100 : first + 130])


@given(events_anywhere)
def test_counted_steps_are_those_of_the_targets(events):
    half = LabelledHalf("half", {"features": Rows(50)}, labelled(events))
    positives, negatives = count_near([half], 2, 3, 4)
    wanted = anchor_targets(half.events, 0, 100, 3, 4, 6).confidence.sum(axis=0)
    np.testing.assert_array_equal(positives - 1, wanted)
    np.testing.assert_array_equal(positives + negatives, [100] * 3)


def test_no_class_is_too_rare_or_too_frequent_for_a_weight():
    for near in (1, 50):
        counts = np.array([near], np.float32), np.array([50 - near], np.float32)
        weights = anchor_weights(*counts, 0.03)
        assert np.isfinite(weights.positive).all() and np.isfinite(weights.negative).all()


def test_reaches_are_whole_steps():
    assert [reach_steps(s, Fraction(2)) for s in (3, 6, 2.4)] == [6, 12, 4]
    assert reach_steps(3, Fraction(25, 12)) == 6
