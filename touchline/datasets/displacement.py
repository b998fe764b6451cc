"""Targets of the systems that say how far the event is: dense anchors, and ASTRA.

Dense anchors say event minus step, ASTRA says step minus event.
"""

import math
from collections.abc import Sequence
from fractions import Fraction
from typing import NamedTuple

import numpy as np

from touchline.datasets.features import LabelledHalf, LabelledSteps
from touchline.losses.displacement import UNDEFINED
from touchline.scores import FloatArray

NO_EVENT = 10.0
"""A dense anchor's displacement where there is no event within reach."""


def reach_steps(seconds: float, rate: Fraction) -> int:
    """A reach in whole steps: 3 seconds at 2 steps a second are 6."""
    return math.floor(seconds * rate + 1e-6)


class AnchorTargets(NamedTuple):
    """What dense anchors should say of a clip.

    Attributes:
        confidence: (T, classes) 1 near an event, else 0.
        delta: (T, classes) distance to the nearest event in units of the reach, -1 to 1;
            ``NO_EVENT`` where there is none.
    """

    confidence: FloatArray
    delta: FloatArray


def anchor_targets(
    events: LabelledSteps,
    first: int,
    count: int,
    num_classes: int,
    confidence_reach: int,
    delta_reach: int,
) -> AnchorTargets:
    """Targets of the steps from ``first`` on; events outside may reach in.

    Args:
        events: of the whole half.
        first: first step of the clip; may be negative.
        count: steps of the clip.
        num_classes: classes.
        confidence_reach: steps around an event, inclusive, that count as the event.
        delta_reach: steps around an event, inclusive, that know where it is.
    """
    confidence = np.zeros((count, num_classes), np.float32)
    delta = np.full((count, num_classes), NO_EVENT, np.float32)
    reach = max(confidence_reach, delta_reach)
    near = events.between(first - reach, first + count + reach)
    for step, label in zip(near.steps - first, near.classes, strict=True):
        confidence[_around(step, confidence_reach), label] = 1
        inside = _around(step, delta_reach)
        known = delta[inside, label]
        here = np.arange(count)[inside]
        distance = ((step - here) / max(delta_reach, 1)).astype(np.float32)
        np.copyto(known, distance, where=np.abs(distance) < np.abs(known))
    return AnchorTargets(confidence, delta)


def _around(step: int, reach: int) -> slice:
    """The steps within reach, cut at 0; a slice cuts at the end by itself."""
    return slice(max(0, step - reach), max(0, step + reach + 1))


class AnchorWeights(NamedTuple):
    """What a positive and a negative step of each class weigh in the loss, (classes,) each."""

    positive: FloatArray
    negative: FloatArray


def anchor_weights(
    positives: FloatArray, negatives: FloatArray, positive_weight: float
) -> AnchorWeights:
    """Weights that make positive steps ``positive_weight`` of the whole, whatever their number.

    Args:
        positives: (classes,) steps near an event.
        negatives: (classes,) the others.
        positive_weight: 0 to 1.
    """
    total = positives + negatives
    positive = total * positive_weight / np.maximum(positives, 1)
    negative = total * (1 - positive_weight) / np.maximum(negatives, 1)
    return AnchorWeights(positive.astype(np.float32), negative.astype(np.float32))


def count_near(
    halves: Sequence[LabelledHalf], steps_per_row: int, num_classes: int, reach: int
) -> tuple[FloatArray, FloatArray]:
    """Steps within reach of an event of each class, and the others, over whole halves.

    As published one more counts as near, so that there is some of every class.

    Returns:
        two (classes,).
    """
    positives = np.ones(num_classes)
    total = 0
    for half in halves:
        steps = half.steps * steps_per_row
        total += steps
        for label in range(num_classes):
            own = half.events.steps[half.events.classes == label]
            first = np.clip(own - reach, 0, steps)
            last = np.clip(own + reach + 1, 0, steps)
            # In order of time an event adds what the one before has not covered already.
            fresh = last - np.maximum(first, np.append(0, last[:-1]))
            positives[label] += np.maximum(fresh, 0).sum()
    return positives.astype(np.float32), (total - positives).astype(np.float32)


class AstraTargets(NamedTuple):
    """What ASTRA should say of a clip.

    Attributes:
        labels: (T, classes + 1) 1 near an event; column 0 where there is none of any class.
        displacement: (T, classes + 1) step minus event; ``UNDEFINED`` where there is none.
    """

    labels: FloatArray
    displacement: FloatArray


def astra_targets(
    events: LabelledSteps,
    first: int,
    count: int,
    num_classes: int,
    class_reach: int,
    displacement_reach: int,
) -> AstraTargets:
    """Targets of the steps from ``first`` on; a later event replaces an earlier one's displacement.

    Args:
        events: of the whole half; those outside the clip may reach in.
        first: first step of the clip; may be negative.
        count: steps of the clip.
        num_classes: classes without background.
        class_reach: steps around an event, inclusive, that bear its class.
        displacement_reach: steps around it, inclusive, that know where it is.
    """
    labels = np.zeros((count, num_classes + 1), np.float32)
    labels[:, 0] = 1
    displacement = np.full((count, num_classes + 1), UNDEFINED, np.float32)
    reach = max(class_reach, displacement_reach)
    near = events.between(first - reach, first + count + reach)
    for step, label in zip(near.steps - first, near.classes + 1, strict=True):
        inside = _around(step, class_reach)
        labels[inside, label] = 1
        labels[inside, 0] = 0
        inside = _around(step, displacement_reach)
        displacement[inside, label] = np.arange(count)[inside] - step
    return AstraTargets(labels, displacement)
