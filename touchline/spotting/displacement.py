"""Scores moved to where the displacements of a network point."""

import numpy as np

from touchline.scores import FloatArray
from touchline.spotting.windows import softmax


def move_confidences(confidence: FloatArray, delta_steps: FloatArray) -> FloatArray:
    """Every confidence at the step that its displacement points to; the highest of them stays.

    Args:
        confidence: (steps, classes).
        delta_steps: event minus step, (steps, classes), or (steps, 1) where the classes share it;
            halves are rounded to even.

    Returns:
        (steps, classes); 0 where no confidence has been moved to.
    """
    steps = np.arange(len(confidence))[:, None] + np.rint(delta_steps).astype(np.int64)
    steps = np.clip(steps, 0, len(confidence) - 1)
    moved = np.zeros_like(confidence)
    np.maximum.at(moved, (steps, np.arange(confidence.shape[1])[None]), confidence)
    return moved


def displaced_probabilities(outputs: FloatArray) -> FloatArray:
    """The scores of a window (T-DEED): the classes of every frame, where its displacement points.

    Args:
        outputs: (T, K+2): logits, background first, and frame minus event in frames.

    Returns:
        (T, K+1); 0 where no frame points to. Background moves like a class, as published.
    """
    return move_confidences(softmax(outputs[:, :-1]), -outputs[:, -1:])


def displaced_sides(outputs: FloatArray) -> FloatArray:
    """The scores of a window (T-DEED with teams): every class of either side of the picture.

    A class is shared out by the side's probability at the frame that it is moved to.

    Args:
        outputs: (T, K+3): as for ``displaced_probabilities``, and the logit of the right side.

    Returns:
        (T, 2K+1): background, then left and right of each class.
    """
    moved = displaced_probabilities(outputs[:, :-1])
    right = sigmoid(outputs[:, -1:])
    sides = np.stack(((1 - right) * moved[:, 1:], right * moved[:, 1:]), axis=-1)
    return np.concatenate((moved[:, :1], sides.reshape(len(sides), -1)), axis=1)


def sigmoid(logits: FloatArray) -> FloatArray:
    """Probabilities of logits, without overflow."""
    return (0.5 * (1 + np.tanh(0.5 * logits))).astype(np.float32)
