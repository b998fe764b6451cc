"""Targets of the systems that predict a displacement to the event.

For dense anchors the displacement is event minus step, for ASTRA and T-DEED step minus event.
"""

import math
from collections.abc import Sequence
from fractions import Fraction
from typing import NamedTuple

import numpy as np

from touchline.datasets.features import LabelledHalf, LabelledSteps
from touchline.datasets.targets import FrameLabels
from touchline.losses.displacement import UNDEFINED
from touchline.scores import FloatArray

NO_EVENT = 10.0
"""Displacement of a dense anchor without an event within reach."""


def reach_steps(seconds: float, rate: Fraction) -> int:
    """A reach in whole steps: 3 seconds at 2 steps a second are 6 steps."""
    return math.floor(seconds * rate + 1e-6)


class AnchorTargets(NamedTuple):
    """The targets of dense anchors for a clip.

    Attributes:
        confidence: (T, classes) 1 near an event, else 0.
        delta: (T, classes) displacement to the nearest event in units of the reach, -1 to 1;
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
    """The targets of ``count`` steps, including events outside the clip that are within reach.

    Args:
        events: events of the whole half.
        first: first step of the clip; may be negative.
        count: number of steps.
        num_classes: number of classes.
        confidence_reach: steps around an event, inclusive, with confidence 1.
        delta_reach: steps around an event, inclusive, with a displacement.
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
    """The steps within reach, cut at 0; slicing cuts at the end."""
    return slice(max(0, step - reach), max(0, step + reach + 1))


class AnchorWeights(NamedTuple):
    """Weights of a positive and a negative step of each class in the loss, (classes,) each."""

    positive: FloatArray
    negative: FloatArray


def anchor_weights(
    positives: FloatArray, negatives: FloatArray, positive_weight: float
) -> AnchorWeights:
    """Weights that give the positive steps a fraction ``positive_weight`` of the total weight.

    Args:
        positives: (classes,) number of steps near an event.
        negatives: (classes,) number of other steps.
        positive_weight: 0 to 1.
    """
    total = positives + negatives
    positive = total * positive_weight / np.maximum(positives, 1)
    negative = total * (1 - positive_weight) / np.maximum(negatives, 1)
    return AnchorWeights(positive.astype(np.float32), negative.astype(np.float32))


def count_near(
    halves: Sequence[LabelledHalf], steps_per_row: int, num_classes: int, reach: int
) -> tuple[FloatArray, FloatArray]:
    """Number of steps near an event of each class, and of the other steps, over whole halves.

    As published, the first number is one higher, so that it is positive for every class.

    Returns:
        two arrays (classes,).
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
            # Each event adds the steps that the previous one does not cover.
            fresh = last - np.maximum(first, np.append(0, last[:-1]))
            positives[label] += np.maximum(fresh, 0).sum()
    return positives.astype(np.float32), (total - positives).astype(np.float32)


class AstraTargets(NamedTuple):
    """The targets of ASTRA for a clip.

    Attributes:
        labels: (T, classes + 1) 1 near an event; column 0 is background.
        displacement: (T, classes + 1) step minus event; ``UNDEFINED`` where there is no event.
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
    """The targets of ``count`` steps; of several events the displacement is that of the latest.

    Args:
        events: events of the whole half, including those outside the clip that are within reach.
        first: first step of the clip; may be negative.
        count: number of steps.
        num_classes: number of classes without background.
        class_reach: steps around an event, inclusive, with its class.
        displacement_reach: steps around an event, inclusive, with a displacement.
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


def frame_displacement(labels: FrameLabels, start: int, clip_steps: int, reach: int) -> FloatArray:
    """(clip_steps,) frame minus event around the events of a clip, 0 elsewhere (T-DEED).

    The frames are those that ``clip_targets`` gives a class with ``dilation`` as ``reach``: those
    of events just outside the clip too, and where two events overlap, those of the later one.

    Args:
        start: first frame of the clip; may be negative.
        reach: frames on either side of an event, inclusive.
    """
    displacement = np.zeros(clip_steps, np.float32)
    first, last = np.searchsorted(labels.frames, (start - reach, start + clip_steps + reach))
    for frame in labels.frames[first:last]:
        at = int(frame) - start
        inside = _around(at, reach)
        displacement[inside] = np.arange(clip_steps)[inside] - at
    return displacement
