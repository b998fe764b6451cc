"""How often each frame of a video is the middle of a clip, as the winner of the 2023 ball challenge
draws it: near events, and elsewhere where a network is wrong.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from touchline.datasets.targets import Classes, FrameLabels

Weights = npt.NDArray[np.float64]
Mask = npt.NDArray[np.bool_]

Predicted = npt.NDArray[np.floating]
"""(num_frames,) the largest probability of any class at each frame of a video."""


@dataclass(frozen=True)
class CentreRules:
    """What the weights of frames depend on.

    Attributes:
        near: frames on either side of an event that weigh as much as it.
        share: what all these weigh together, over 0 and at most 1; the rest is of all others.
        cleared: frames on either side of an event where predictions do not count: what is found
            there is found late or early, and no mistake.
        class_weights: what an event of each class weighs; 1 each where there are none.
    """

    near: int = 4
    share: float = 0.5
    cleared: int = 13
    class_weights: tuple[float, ...] | None = None


def centre_weights(
    labels: FrameLabels,
    num_frames: int,
    rules: CentreRules,
    predicted: Predicted | None = None,
) -> Weights:
    """How often each frame of a video is drawn.

    A frame near events weighs as the heaviest of them, and all others share their part alike. With
    predictions these weigh at least what is predicted, which makes hard negatives frequent, but
    for those within ``cleared`` frames of an event; their part stays what it is. Frames of a video
    without events all weigh alike.

    Args:
        labels: its events, all on its frames.
        num_frames: its length.
        rules: what the weights depend on.
        predicted: (num_frames,) of a network that was not trained on the video.

    Returns:
        (num_frames,) of sum 1.
    """
    inside = _around(labels.frames, rules.near, num_frames)
    outside = ~inside
    if not inside.any():
        return np.full(num_frames, 1 / num_frames)
    weights = _event_weights(labels, rules, num_frames)
    if outside.any():
        part = weights.sum() * (1 - rules.share) / rules.share
        flat = part / outside.sum()
        weights[outside] = flat
        if predicted is not None:
            weights = np.maximum(weights, predicted)
            weights[outside & _around(labels.frames, rules.cleared, num_frames)] = flat
            weights[outside] *= part / max(weights[outside].sum(), np.finfo(np.float64).tiny)
    return weights / weights.sum()


def _event_weights(labels: FrameLabels, rules: CentreRules, num_frames: int) -> Weights:
    """(num_frames,) the weight of the heaviest event near each frame, else 0."""
    values = np.ones(len(labels))
    if rules.class_weights is not None:
        values = np.array(rules.class_weights)[labels.classes - 1]
    weights = np.zeros(num_frames)
    for shift in range(-rules.near, rules.near + 1):
        frames = labels.frames + shift
        known = (frames >= 0) & (frames < num_frames)
        np.maximum.at(weights, frames[known], values[known])
    return weights


def _around(frames: Classes, reach: int, num_frames: int) -> Mask:
    """(num_frames,) which are at most ``reach`` away from one of these frames."""
    found = np.zeros(num_frames, bool)
    for shift in range(-reach, reach + 1):
        shifted = frames + shift
        found[shifted[(shifted >= 0) & (shifted < num_frames)]] = True
    return found
