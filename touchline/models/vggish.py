"""VGGish: a second of sound to 128 numbers, as trained for AudioSet.

Hershey et al.: "CNN Architectures for Large-Scale Audio Classification", ICASSP 2017. Entries are
named as in the PyTorch port that the field uses: ``features.*`` and ``embeddings.*``. The second
map over time is that of Vanderplaetse and Dupont, "Improved Soccer Action Spotting using both Audio
and Video Streams", CVPRW 2020: half a second to the mean of the last convolution.
"""

from dataclasses import dataclass

import torch
from torch import Tensor, nn

EMBEDDING = 128
CHANNELS = 512
EXAMPLE_SHAPE = (96, 64)
"""Time steps of 10 ms and mel bands of an example."""

_WIDTHS = (64, "pool", 128, "pool", 256, 256, "pool", 512, 512, "pool")
_FLAT = CHANNELS * (EXAMPLE_SHAPE[0] // 16) * (EXAMPLE_SHAPE[1] // 16)
_HIDDEN = 4096


@dataclass(frozen=True)
class VGGishConfig:
    """What rebuilds a network; there is one VGGish."""


class VGGish(nn.Module):
    """Log-mel examples to embeddings."""

    def __init__(self, config: VGGishConfig | None = None) -> None:
        super().__init__()
        self.config = config or VGGishConfig()
        self.features = _convolutions()
        self.embeddings = nn.Sequential(
            nn.Linear(_FLAT, _HIDDEN),
            nn.ReLU(),
            nn.Linear(_HIDDEN, _HIDDEN),
            nn.ReLU(),
            nn.Linear(_HIDDEN, EMBEDDING),
            nn.ReLU(),
        )

    def convolve(self, x: Tensor) -> Tensor:
        """(N, 1, 96, 64) -> (N, 512, 6, 4)."""
        return self.features(x)

    def forward(self, x: Tensor) -> Tensor:
        """(N, 1, 96, 64) examples of log-mel -> (N, 128), not negative."""
        maps = self.convolve(x)
        return self.embeddings(maps.permute(0, 2, 3, 1).flatten(1))  # time, mel, channel

    def half_seconds(self, x: Tensor) -> Tensor:
        """(N, 1, 46, 64) half seconds of log-mel -> (N, 512), not negative.

        Odd sizes are pooled as TensorFlow does, with the last column alone in its window; the
        last pooling is left out.
        """
        for layer in list(self.features)[:-1]:
            if isinstance(layer, nn.MaxPool2d):
                x = nn.functional.max_pool2d(x, 2, 2, ceil_mode=True)
            else:
                x = layer(x)
        return x.mean((2, 3))


def postprocess(embeddings: Tensor, eigen_vectors: Tensor, means: Tensor) -> Tensor:
    """The quantised embeddings that AudioSet publishes.

    Args:
        embeddings: (N, 128).
        eigen_vectors: (128, 128).
        means: (128, 1).

    Returns:
        (N, 128) whole numbers from 0 to 255, as float.
    """
    projected = (embeddings - means.reshape(1, -1)) @ eigen_vectors.T
    return torch.round((projected.clamp(-2, 2) + 2) * (255 / 4))


def _convolutions() -> nn.Sequential:
    layers: list[nn.Module] = []
    channels = 1
    for width in _WIDTHS:
        if isinstance(width, int):
            layers += [nn.Conv2d(channels, width, 3, padding=1), nn.ReLU()]
            channels = width
        else:
            layers.append(nn.MaxPool2d(2, 2))
    return nn.Sequential(*layers)
