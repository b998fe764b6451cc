"""Scores moved to where the displacements of a network point."""

import numpy as np

from touchline.scores import FloatArray


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
