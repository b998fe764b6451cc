"""Networks of pictures that pass over a video in a way of their own, in training."""

from collections.abc import Iterator
from typing import Any

import torch

from touchline.datasets.frames import VideoFrames
from touchline.engines.networks import config_dict
from touchline.models.deploy import DeployedHead, DeployedPictures
from touchline.scores import FloatArray
from touchline.spotting.passages import MakePassage, Pixels
from touchline.spotting.windows import Decode, softmax

_FRAMES_PER_READ = 64
_PICTURES_AT_ONCE = 16


class NetworkInMemory:
    """See ``SharedFrames``.

    Args:
        network: in evaluation mode, on any device.
        crop: side of the centred square cut out of every picture.
    """

    def __init__(self, network: Any, crop: int | None = None) -> None:
        self._device = next(network.parameters()).device
        self._pictures = DeployedPictures(network, crop).to(self._device).eval()
        self._head = DeployedHead(network).eval()

    def features(self, frames: Pixels, /) -> FloatArray:
        """See ``Engine.features``."""
        parts = torch.from_numpy(frames).split(_PICTURES_AT_ONCE)
        found = [
            self._pictures(part.to(self._device), torch.ones(len(part), device=self._device))
            for part in parts
        ]
        return torch.cat(found).float().cpu().numpy()

    def head(self, features: FloatArray, valid: FloatArray, /) -> FloatArray:
        """See ``Engine.head``: nothing is padded here."""
        logits = self._head(torch.from_numpy(features).to(self._device))
        return logits.float().cpu().numpy()


@torch.inference_mode()
def score(
    network: Any,
    frames: VideoFrames,
    *,
    overlap: int = 0,
    crop: int | None = None,
    decode: Decode = softmax,
    passage: MakePassage,
) -> FloatArray:
    """Probabilities at every step; see ``ScoreVideo``.

    Args:
        overlap, decode: without effect; how the network passes over a video decides.
        passage: makes that of the system.
    """
    made = passage(config_dict(network.config))
    return made.curve(_pixels(frames), NetworkInMemory(network, crop), lambda: None).values


def _pixels(frames: VideoFrames) -> Iterator[Pixels]:
    for start in range(0, frames.num_frames, _FRAMES_PER_READ):
        yield from frames.read(start, min(_FRAMES_PER_READ, frames.num_frames - start))
