"""Pooling networks over a half: the window around every step."""

from collections.abc import Mapping

import numpy as np

from touchline.datasets.features import MAIN, Stream
from touchline.engines.stages import Stages
from touchline.scores import FloatArray
from touchline.spotting.windows import sigmoid

STEPS_AT_ONCE = 8192
"""More than a half has at the published rate; longer ones go in pieces, for memory."""

WINDOWS_AT_ONCE = 256


def score(network: Stages, streams: Mapping[str, Stream]) -> FloatArray:
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


def _score(network: Stages, features: Stream, first: int, count: int) -> FloatArray:
    """(count, classes) of the steps from ``first`` on."""
    clip_steps = network.config.clip_steps
    rows = features.read(first - clip_steps // 2, count + clip_steps - 1)
    logits = network("slide", rows=rows) if network.has("slide") else _windows(network, rows)
    return sigmoid(logits[:, 1:])


def _windows(network: Stages, rows: FloatArray) -> FloatArray:
    """(n, classes + 1) of all windows of some rows, for a network without stage ``slide``."""
    clip_steps = network.config.clip_steps
    if network.has("project"):
        starts = range(0, len(rows), STEPS_AT_ONCE // 4)
        parts = [network("project", rows=rows[i : i + STEPS_AT_ONCE // 4]) for i in starts]
        rows = np.concatenate(parts)
    places = np.arange(len(rows) - clip_steps + 1)[:, None] + np.arange(clip_steps)
    groups = (places[i : i + WINDOWS_AT_ONCE] for i in range(0, len(places), WINDOWS_AT_ONCE))
    return np.concatenate([network("pool", clips=rows[group]) for group in groups])
