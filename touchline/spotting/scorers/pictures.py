"""Networks of pictures over a video: windows of frames, averaged where they overlap."""

from collections.abc import Iterator, Sequence
from itertools import islice
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import nn

from touchline.datasets.frames import VideoFrames
from touchline.models.deploy import DeployedSpotter
from touchline.scores import FloatArray
from touchline.spotting.windows import Decode, Window, WindowAverage, cut_windows, softmax

WINDOWS_AT_ONCE = 4
_FRAMES_PER_READ = 256


@torch.inference_mode()
def score(
    network: Any,
    frames: VideoFrames,
    *,
    overlap: int = 0,
    crop: int | None = None,
    decode: Decode = softmax,
) -> FloatArray:
    """Probabilities at every frame; see ``ScoreVideo``."""
    windows = cut_windows(_pixels(frames), network.config.clip_len, overlap)
    average: WindowAverage | None = None
    device = next(network.parameters()).device
    spotter = DeployedSpotter(network, crop).to(device)
    while group := list(islice(windows, WINDOWS_AT_ONCE)):
        outputs = _outputs(spotter, group, device)
        for window, output in zip(group, outputs, strict=True):
            scores = decode(output)
            average = average or WindowAverage(scores.shape[1])
            average.add(window.start, scores, window.valid)
    if average is None:
        return np.zeros((0, network.config.num_classes), np.float32)
    return average.mean()[:, 1:]  # column 0 is background


def _outputs(spotter: nn.Module, group: Sequence[Window], device: torch.device) -> FloatArray:
    """(windows, T, ...) the output of the network for each."""
    frames = torch.from_numpy(np.stack([window.items for window in group])).to(device)
    valid = torch.from_numpy(np.stack([window.valid for window in group])).to(device)
    outputs: FloatArray = spotter(frames, valid).float().cpu().numpy()
    return outputs


def _pixels(frames: VideoFrames) -> Iterator[npt.NDArray[np.uint8]]:
    for start in range(0, frames.num_frames, _FRAMES_PER_READ):
        count = min(_FRAMES_PER_READ, frames.num_frames - start)
        yield from frames.read(start, count)
