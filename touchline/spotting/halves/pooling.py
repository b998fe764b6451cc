"""Pooling networks over a half: the window around every step, all in one pass."""

from collections.abc import Mapping

import torch

from touchline.datasets.features import MAIN, Stream
from touchline.models.pooling import PoolingNetwork
from touchline.scores import FloatArray


def score(network: PoolingNetwork, streams: Mapping[str, Stream]) -> FloatArray:
    """Probabilities at every step of a half.

    The window of step i holds the steps from i - clip_len // 2 on; before the first and after the
    last, that one is repeated. (The published code leaves out the last step or two.)

    Returns:
        (steps, classes), background left out.
    """
    features = streams[MAIN]
    clip_len = network.config.clip_len
    rows = features.read(-(clip_len // 2), features.steps + clip_len - 1)
    with torch.inference_mode():
        logits = network.slide(torch.from_numpy(rows).to(network.fc.weight.device))
        return logits[:, 1:].sigmoid().float().cpu().numpy()
