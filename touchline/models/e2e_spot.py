"""E2E-Spot: a picture network with temporal shifting, and a recurrent or convolutional head.

Hong, Zhang, Gharbi, Fisher, Fatahalian: "Spotting Temporally Precise, Fine-Grained Events in
Video", ECCV 2022. Parameter names are those of the published weights: ``_features.*`` for the
picture network, ``_pred_fine.*`` for the head.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Self

import timm
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from touchline.errors import ConfigError
from touchline.models.parts.shift import add_gate_shift, add_temporal_shift
from touchline.models.parts.temporal_heads import HEADS


@dataclass(frozen=True)
class Backbone:
    """A picture network: its name in timm, the weights the paper starts from, its blocks."""

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

SHIFTS = {"": None, "tsm": add_temporal_shift, "gsm": add_gate_shift}
"""How frames exchange channels, by the suffix of ``feature_arch``."""

MODALITY_CHANNELS = {"rgb": 3, "bw": 1, "flow": 2}

FEATURE_ARCHS = tuple(f"{b}_{s}" if s else b for b in BACKBONES for s in SHIFTS)


@dataclass(frozen=True)
class E2ESpotConfig:
    """What rebuilds a network.

    Attributes:
        feature_arch: backbone and shift, such as ``"rny002_gsm"``, ``"rn18_tsm"`` or ``"rn50"``.
        temporal_arch: head: ``"gru"``, ``"deeper_gru"``, ``"mstcn"``, ``"asformer"`` or ``""``.
        num_classes: classes without background.
        clip_len: frames over which a shifting backbone works; no weight depends on it.
        modality: ``"rgb"``, ``"bw"`` or ``"flow"``.

    Raises:
        ConfigError: a name that is not known, or a count below one.
    """

    feature_arch: str
    temporal_arch: str
    num_classes: int
    clip_len: int = 100
    modality: str = "rgb"

    def __post_init__(self) -> None:
        for field, known in (
            ("feature_arch", FEATURE_ARCHS),
            ("temporal_arch", tuple(HEADS)),
            ("modality", tuple(MODALITY_CHANNELS)),
        ):
            value = getattr(self, field)
            if value not in known:
                names = ", ".join(repr(name) for name in known)
                raise ConfigError(f"{field} {value!r} is not known", remedy=f"choose of {names}")
        if self.num_classes < 1 or self.clip_len < 1:
            raise ConfigError("num_classes and clip_len must be at least 1")

    @property
    def backbone(self) -> Backbone:
        """The picture network."""
        return BACKBONES[self.feature_arch.partition("_")[0]]

    @property
    def shift(self) -> str:
        """``"tsm"``, ``"gsm"`` or ``""``."""
        return self.feature_arch.partition("_")[2]

    @property
    def channels(self) -> int:
        """Channels of a normalised input frame."""
        return MODALITY_CHANNELS[self.modality]

    @property
    def num_outputs(self) -> int:
        """Classes and background; background is output 0."""
        return self.num_classes + 1


class E2ESpot(nn.Module):
    """The network: clips of normalised frames to class logits per frame.

    Args:
        config: what to build.
        pretrained: start the picture network from ImageNet weights (rgb only; downloads them).

    Raises:
        ConfigError: ``pretrained`` with a modality other than rgb.
    """

    def __init__(self, config: E2ESpotConfig, *, pretrained: bool = False) -> None:
        super().__init__()
        self.config = config
        self._features = _picture_network(config, pretrained)
        self._pred_fine = HEADS[config.temporal_arch](config.backbone.features, config.num_outputs)

    def channels_last(self) -> Self:
        """Lay the picture network's weights out channels-last; give it channels-last frames.

        (``Module.to(memory_format=...)`` refuses the three-dimensional convolutions of GSM.)
        """
        for module in self._features.modules():
            if isinstance(module, nn.Conv2d):
                module.to(memory_format=torch.channels_last)
        return self

    def features(self, x: Tensor) -> Tensor:
        """One feature vector per frame.

        A shifting backbone always works on ``clip_len`` frames: a shorter clip gets zeros
        appended, and its features are cut back.

        Args:
            x: (B, T, C, H, W), normalised; T at most ``clip_len`` for a shifting backbone.

        Returns:
            (B, T, D).

        Raises:
            ValueError: a clip longer than ``clip_len`` for a shifting backbone.
        """
        steps = x.shape[1]
        if self.config.shift:
            missing = self.config.clip_len - steps
            if missing < 0:
                raise ValueError(f"a clip of {steps} frames; at most {self.config.clip_len}")
            x = F.pad(x, (0, 0, 0, 0, 0, 0, 0, missing))
        _, padded_steps, channels, height, width = x.shape
        vectors = self.frame_features(x.reshape(-1, channels, height, width))
        return vectors.reshape(-1, padded_steps, vectors.shape[1])[:, :steps]

    def frame_features(self, frames: Tensor) -> Tensor:
        """(N, C, H, W) -> (N, D); with a shifting backbone N is a multiple of ``clip_len``."""
        return self._features(frames)

    def head(self, features: Tensor) -> Tensor:
        """(B, T, D) -> (B, T, K+1), or (S, B, T, K+1) for a head of several stages."""
        return self._pred_fine(features)

    def forward(self, x: Tensor) -> Tensor:
        """Class logits per frame.

        Args:
            x: (B, T, C, H, W), normalised.

        Returns:
            (B, T, K+1), or (S, B, T, K+1) for a head of several stages; background is output 0.
        """
        return self.head(self.features(x))


def prediction_of(logits: Tensor) -> Tensor:
    """The last stage: (B, T, K+1) of (B, T, K+1) or (S, B, T, K+1)."""
    return logits if logits.ndim == 3 else logits[-1]


def _picture_network(config: E2ESpotConfig, pretrained: bool) -> nn.Module:
    if pretrained and config.modality != "rgb":
        raise ConfigError(
            f"there are no ImageNet weights for {config.modality} pictures",
            remedy="train from scratch (pretrained: false) or use rgb",
        )
    backbone = config.backbone
    name = f"{backbone.timm_name}.{backbone.imagenet_tag}" if pretrained else backbone.timm_name
    network = timm.create_model(
        name, pretrained=pretrained, num_classes=0, in_chans=config.channels
    )
    add_shift = SHIFTS[config.shift]
    if add_shift is not None:
        for block in _residual_blocks(network, backbone):
            add_shift(block, backbone.shifted_conv, config.clip_len)
    return network


def _residual_blocks(network: nn.Module, backbone: Backbone) -> Iterator[nn.Module]:
    for stage in backbone.stages:
        yield from network.get_submodule(stage).children()
