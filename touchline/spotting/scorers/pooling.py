"""Pooling networks over a half: the window around every step, all in one pass."""

from collections.abc import Mapping

import numpy as np
import torch

from touchline.datasets.features import MAIN, Stream
from touchline.models.pooling import PoolingNetwork
from touchline.scores import FloatArray

STEPS_AT_ONCE = 8192
"""More than a half has at the published rate; longer ones go in pieces, for memory."""


def score(network: PoolingNetwork, streams: Mapping[str, Stream]) -> FloatArray:
    """Probabilities at every step of a half.

    The window of step i holds the steps from i - clip_steps // 2 on; before the first and after the
    last, that one is repeated. (The published code leaves out the last step or two.)

    Returns:
        (steps, classes), background left out.
    """
    features = streams[MAIN]
    starts = range(0, features.steps, STEPS_AT_ONCE)
    return np.concatenate(
        [_score(network, features, i, min(STEPS_AT_ONCE, features.steps - i)) for i in starts]
    )


def _score(network: PoolingNetwork, features: Stream, first: int, count: int) -> FloatArray:
    """(count, classes) of the steps from ``first`` on."""
    clip_steps = network.config.clip_steps
    rows = features.read(first - clip_steps // 2, count + clip_steps - 1)
    device = network.fc.weight.device
    # In full precision also where the caller computes in half: what windows share adds up.
    with torch.inference_mode(), torch.autocast(device.type, enabled=False):
        logits = network.slide(torch.from_numpy(rows).to(device))
        return logits[:, 1:].sigmoid().float().cpu().numpy()
