"""The convolutions of VGGish, which hear with other layers behind them in several networks.

Hershey et al.: "CNN Architectures for Large-Scale Audio Classification", ICASSP 2017.
"""

from torch import nn

PATCH_STEPS = 96
"""Rows of the spectrogram that VGGish takes at once: 0.96 seconds at 100 rows a second."""

VGGISH_CHANNELS = 512
"""Channels out."""

VGGISH_SHRINKING = 16
"""By what time and frequency shrink."""

_LAYERS = (64, "pool", 128, "pool", 256, 256, "pool", 512, 512, "pool")


def vggish_convolutions() -> nn.Sequential:
    """(N, 1, steps, mels) -> (N, 512, steps / 16, mels / 16); entries 0, 3, 6, 8, 11, 13."""
    layers: list[nn.Module] = []
    channels = 1
    for layer in _LAYERS:
        if isinstance(layer, int):
            layers += [nn.Conv2d(channels, layer, 3, padding=1), nn.ReLU()]
            channels = layer
        else:
            layers.append(nn.MaxPool2d(2, 2))
    return nn.Sequential(*layers)
