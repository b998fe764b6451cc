"""Extractors as they are deployed: pictures or log-mel in, one row of numbers each out."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import timm
import torch
from torch import Tensor, nn

from touchline.models.resnet_keras import KerasResNet, KerasResNetConfig, published_pixels
from touchline.models.vggish import VGGish


class PublishedPictures(nn.Module):
    """ResNet-152 of the published features."""

    def __init__(self, network: KerasResNet) -> None:
        super().__init__()
        self.network = network

    def forward(self, inputs: Tensor) -> Tensor:
        """(N, 224, 224, 3) uint8 RGB -> (N, 2048)."""
        return self.network(published_pixels(inputs))


class TimmPictures(nn.Module):
    """A backbone of timm behind the normalisation that it was trained with."""

    scale: Tensor
    shift: Tensor

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network
        config = timm.data.resolve_model_data_config(network)
        mean, std = torch.tensor(config["mean"]), torch.tensor(config["std"])
        self.register_buffer("scale", 1 / (255 * std[:, None, None]), persistent=False)
        self.register_buffer("shift", -(mean / std)[:, None, None], persistent=False)

    def forward(self, inputs: Tensor) -> Tensor:
        """(N, H, W, 3) uint8 RGB -> (N, D)."""
        pictures = inputs.permute(0, 3, 1, 2).to(self.scale.dtype)
        return self.network(pictures * self.scale + self.shift)


class SoundEmbedding(nn.Module):
    """VGGish's embedding of 0.96 seconds."""

    def __init__(self, network: VGGish) -> None:
        super().__init__()
        self.network = network

    def forward(self, inputs: Tensor) -> Tensor:
        """(N, 96, 64) log-mel -> (N, 128)."""
        return self.network(inputs[:, None])


class SoundHalfSeconds(nn.Module):
    """VGGish's last convolution over half a second."""

    def __init__(self, network: VGGish) -> None:
        super().__init__()
        self.network = network

    def forward(self, inputs: Tensor) -> Tensor:
        """(N, 46, 64) log-mel -> (N, 512)."""
        return self.network.half_seconds(inputs[:, None])


@dataclass(frozen=True)
class ExtractorNetwork:
    """How a network is built from a card's config, and what is made of it."""

    build: Callable[[Mapping[str, Any]], nn.Module]
    graphs: Mapping[str, Callable[[Any], nn.Module]]


def build_timm(config: Mapping[str, Any], pretrained: bool = False) -> nn.Module:
    """A backbone of timm by name, without its classifier.

    Raises:
        RuntimeError: timm does not know it, or its weights cannot be fetched.
    """
    return timm.create_model(str(config["timm_name"]), pretrained=pretrained, num_classes=0)


NETWORKS = {
    "resnet152-keras": ExtractorNetwork(
        lambda config: KerasResNet(KerasResNetConfig(**_depths(config))),
        {"features": PublishedPictures},
    ),
    "vggish": ExtractorNetwork(
        lambda config: VGGish(), {"features": SoundEmbedding, "half_seconds": SoundHalfSeconds}
    ),
    "timm": ExtractorNetwork(build_timm, {"features": TimmPictures}),
}
"""Every network that a card may name; its graphs are the files ``<graph>.onnx``."""


def _depths(config: Mapping[str, Any]) -> dict[str, tuple[int, ...]]:
    return {"depths": tuple(config["depths"])} if "depths" in config else {}
