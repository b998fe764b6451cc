"""Picture networks of timm as spotting systems use them: frames to vectors, places for shifts."""

from collections.abc import Iterator
from dataclasses import dataclass

import timm
from torch import nn


@dataclass(frozen=True)
class Backbone:
    """A picture network: its name in timm, the weights the papers start from, its blocks."""

    timm_name: str
    imagenet_tag: str
    features: int
    stages: tuple[str, ...]
    shifted_conv: str = "conv1"


_RESNET_STAGES = ("layer1", "layer2", "layer3", "layer4")
_REGNET_STAGES = ("s1", "s2", "s3", "s4")
_CONVNEXT_STAGES = tuple(f"stages.{i}.blocks" for i in range(4))

BACKBONES = {
    "rn18": Backbone("resnet18", "tv_in1k", 512, _RESNET_STAGES),
    "rn50": Backbone("resnet50", "tv_in1k", 2048, _RESNET_STAGES),
    "rny002": Backbone("regnety_002", "pycls_in1k", 368, _REGNET_STAGES),
    "rny008": Backbone("regnety_008", "pycls_in1k", 768, _REGNET_STAGES),
    "convnextt": Backbone("convnext_tiny", "fb_in1k", 768, _CONVNEXT_STAGES, "conv_dw"),
}
"""By the names that the published configurations give them."""


def picture_network(
    backbone: Backbone, channels: int = 3, *, pretrained: bool = False
) -> nn.Module:
    """(N, channels, H, W) -> (N, features), without a classifier.

    Args:
        pretrained: start from ImageNet weights, which are downloaded.
    """
    name = f"{backbone.timm_name}.{backbone.imagenet_tag}" if pretrained else backbone.timm_name
    network: nn.Module = timm.create_model(
        name, pretrained=pretrained, num_classes=0, in_chans=channels
    )
    return network


def residual_blocks(
    network: nn.Module, backbone: Backbone, stages: slice = slice(None)
) -> Iterator[nn.Module]:
    """The blocks of the stages, from the input on."""
    for stage in backbone.stages[stages]:
        yield from network.get_submodule(stage).children()
