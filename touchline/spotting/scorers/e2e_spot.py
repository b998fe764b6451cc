"""E2E-Spot over a video: windows of frames, averaged where they overlap.

Frames that a window lacks are zeros after normalisation, as published for inference.
"""

from collections.abc import Iterator, Sequence
from itertools import islice

import numpy as np
import numpy.typing as npt
import torch

from touchline.datasets.augment import centre_crop, normalise, to_channels_first
from touchline.datasets.frames import VideoFrames
from touchline.models.e2e_spot import E2ESpot, prediction_of
from touchline.scores import FloatArray
from touchline.spotting.windows import Window, WindowAverage, cut_windows

WINDOWS_AT_ONCE = 4
_FRAMES_PER_READ = 256


@torch.inference_mode()
def score(
    network: E2ESpot, frames: VideoFrames, *, overlap: int = 0, crop: int | None = None
) -> FloatArray:
    """Probabilities at every frame; see ``ScoreVideo``."""
    windows = cut_windows(_pixels(frames), network.config.clip_len, overlap)
    average = WindowAverage(network.config.num_outputs)
    while group := list(islice(windows, WINDOWS_AT_ONCE)):
        values = _probabilities(network, group, crop)
        for window, value in zip(group, values, strict=True):
            average.add(window.start, value, window.valid)
    return average.mean()[:, 1:]  # column 0 is background


def _probabilities(network: E2ESpot, windows: Sequence[Window], crop: int | None) -> FloatArray:
    """(windows, T, K+1)."""
    device = next(network.parameters()).device
    frames = torch.from_numpy(np.stack([window.items for window in windows])).to(device)
    valid = torch.from_numpy(np.stack([window.valid for window in windows])).to(device)
    x = normalise(to_channels_first(centre_crop(frames, crop)))
    logits = prediction_of(network(x * valid[:, :, None, None, None]))
    return logits.float().softmax(dim=-1).cpu().numpy()


def _pixels(frames: VideoFrames) -> Iterator[npt.NDArray[np.uint8]]:
    for start in range(0, frames.num_frames, _FRAMES_PER_READ):
        count = min(_FRAMES_PER_READ, frames.num_frames - start)
        yield from frames.read(start, count)
