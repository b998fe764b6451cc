"""E2E-Spot: a picture network with temporal shifting, and a recurrent or convolutional head.

Hong, Zhang, Gharbi, Fisher, Fatahalian: "Spotting Temporally Precise, Fine-Grained Events in
Video", ECCV 2022. Parameter names are those of the published weights: ``_features.*`` for the
picture network, ``_pred_fine.*`` for the head.
"""

import copy
from dataclasses import dataclass
from typing import Self

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from touchline.errors import ConfigError
from touchline.models.parts.picture_network import (
    BACKBONES,
    Backbone,
    picture_network,
    residual_blocks,
)
from touchline.models.parts.shift import REACH, add_gate_shift, add_temporal_shift
from touchline.models.parts.splicing import SplicedNetwork
from touchline.models.parts.temporal_heads import HEADS

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
    def shares_frames(self) -> bool:
        """Whether ``E2ESpot.features`` sees every frame by itself."""
        return not self.shift

    @property
    def channels(self) -> int:
        """Channels of a normalised input frame."""
        return MODALITY_CHANNELS[self.modality]

    @property
    def padding(self) -> str:
        """What stands for frames that a window lacks: see ``touchline.models.deploy``."""
        return "mean"

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

    def spliced(self, overlap: int) -> SplicedNetwork:
        """``frame_features`` over windows that share at least ``overlap`` frames, of a copy."""
        pictures = copy.deepcopy(self._features)
        return SplicedNetwork(pictures, self.config.backbone, REACH[self.config.shift], overlap)

    def head(self, features: Tensor) -> Tensor:
        """(B, T, D) -> (B, T, K+1), or (S, B, T, K+1) for a head of several stages."""
        return self._pred_fine(features)

    def predict(self, features: Tensor) -> Tensor:
        """(B, T, D) -> (B, T, K+1): what spotting reads, the last stage of the head."""
        return prediction_of(self.head(features))

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
    network = picture_network(backbone, config.channels, pretrained=pretrained)
    add_shift = SHIFTS[config.shift]
    if add_shift is not None:
        for block in residual_blocks(network, backbone):
            add_shift(block, backbone.shifted_conv, config.clip_len)
    return network
