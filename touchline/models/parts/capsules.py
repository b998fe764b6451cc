"""What the networks of the CALF family share: feature branch, capsule segmentation, spotting.

Cioppa et al.: "A Context-Aware Loss Function for Action Spotting in Soccer Videos", CVPR 2020.
A network of the family derives from ``CapsuleNetwork`` and defines how a clip is encoded;
parameters have the published names.
"""

from dataclasses import dataclass
from typing import Literal, NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from touchline.errors import ConfigError
from touchline.models.parts.time_convolution import (
    FeatureProjection,
    TimeConv,
    halve,
    halved,
    pyramid_layers,
    temporal_pyramid,
)

Polarity = Literal["distance", "score"]

POLARITIES: tuple[Polarity, ...] = ("distance", "score")
"""What a high segmentation means: far from an action (loss of 2020), or near one (loss of 2021)."""

_SMALLEST_SQUARE = 1e-12
"""Below this the gradient of the square root would overflow; it moves outputs by 1e-6 at most."""


@dataclass(frozen=True, kw_only=True)
class CapsuleConfig:
    """What every network of the family needs to be rebuilt.

    Attributes:
        num_classes: classes without background.
        slots: most events that the spotting branch can name in a clip.
        clip_steps: steps of a clip; batch norm and the spotting branch depend on it.
        receptive_steps: steps that the longest convolution of the pyramid sees.
        feature_width: numbers in a row of features.
        polarity: what a high segmentation means, see ``POLARITIES``.
        capsules: numbers that describe each class at each step; their distance from 1/2 is the
            segmentation. 16 as published (``--dim_capsule``).

    Raises:
        ConfigError: a value out of range.
    """

    num_classes: int
    slots: int = 15
    clip_steps: int = 240
    receptive_steps: int = 80
    feature_width: int = 512
    polarity: Polarity = "score"
    capsules: int = 16

    def __post_init__(self) -> None:
        smallest = {
            "num_classes": 1,
            "slots": 1,
            "clip_steps": 15,
            "receptive_steps": 1,
            "feature_width": 1,
            "capsules": 1,
        }
        for field, least in smallest.items():
            value = getattr(self, field)
            if not isinstance(value, int) or isinstance(value, bool) or value < least:
                raise ConfigError(f"{field} {value!r} is not allowed", remedy=f"at least {least}")
        if self.receptive_steps > self.clip_steps:
            raise ConfigError(
                f"receptive_steps {self.receptive_steps} exceeds clip_steps {self.clip_steps}"
            )
        if self.polarity not in POLARITIES:
            raise ConfigError(
                f"polarity {self.polarity!r} is not known", remedy=f"use {' or '.join(POLARITIES)}"
            )


@dataclass(frozen=True)
class BranchWidths:
    """Channels of a feature branch.

    Attributes:
        projected: out of the first layer.
        reduced: out of the second.
        pyramid: out of the four branches of the pyramid.
    """

    projected: int
    reduced: int
    pyramid: tuple[int, int, int, int]

    @classmethod
    def multiple(cls, q: int) -> "BranchWidths":
        """``q`` times the smallest branch: 64, 16 and 4, 8, 16, 32; plain CALF has 2."""
        return cls(64 * q, 16 * q, (4 * q, 8 * q, 16 * q, 32 * q))

    @property
    def encoded(self) -> int:
        """Channels that the branch gives: 76 ``q``."""
        return self.reduced + sum(self.pyramid)


class CapsuleOutput(NamedTuple):
    """The output for a batch of clips.

    Attributes:
        segmentation: (B, T, classes) in [0, 1]; what high means is the configuration's polarity.
        spotting: (B, slots, 2 + classes): confidence, place in the clip from 0 to 1, and the
            probabilities of the classes.
    """

    segmentation: Tensor
    spotting: Tensor


class CapsuleNetwork(nn.Module):
    """Segmentation by capsules and spotting of single events, on top of an encoding.

    A derived class calls ``add_feature_branch`` for each branch that it has, then ``add_heads``
    with the number of channels that its encoding has, and gives ``forward``.

    Args:
        config: sizes.
    """

    config: CapsuleConfig

    def __init__(self, config: CapsuleConfig) -> None:
        super().__init__()
        self.config = config

    def add_feature_branch(
        self,
        widths: BranchWidths,
        *,
        suffix: str = "",
        feature_width: int | None = None,
        groups: tuple[int, int, int, int] = (1, 1, 1, 1),
    ) -> None:
        """Create ``conv_1``, ``conv_2`` and ``conv_p_1`` to ``conv_p_4``.

        Args:
            widths: channels.
            suffix: what the published names end in, such as ``"_copy"``.
            feature_width: numbers in a row of features, by default the configuration's.
            groups: of the pyramid's convolutions.
        """
        width = self.config.feature_width if feature_width is None else feature_width
        self.add_module(f"conv_1{suffix}", FeatureProjection(width, widths.projected))
        self.add_module(f"conv_2{suffix}", TimeConv(widths.projected, widths.reduced, 1))
        layers = pyramid_layers(
            widths.reduced, widths.pyramid, self.config.receptive_steps, groups=groups
        )
        for number, layer in enumerate(layers, 1):
            self.add_module(f"conv_p_{number}{suffix}", layer)

    def add_heads(self, encoded: int) -> None:
        """Create segmentation and spotting for an encoding of ``encoded`` channels."""
        classes, slots, capsules = self.config.num_classes, self.config.slots, self.config.capsules
        self.conv_seg = TimeConv(encoded, capsules * classes, 3)
        self.batch_seg = nn.BatchNorm2d(self.config.clip_steps, eps=1e-3, momentum=0.01)
        self.conv_spot_1 = TimeConv((capsules + 1) * classes, 32, 3)
        self.conv_spot_2 = TimeConv(32, 16, 3)
        flat = 16 * halved(halved(halved(self.config.clip_steps)))
        self.conv_conf = FlatLinear(flat, 2 * slots)
        if self.names_classes:
            self.conv_class = FlatLinear(flat, classes * slots)

    @property
    def names_classes(self) -> bool:
        """Whether spotting has classes."""
        return True

    def reduce(self, features: Tensor, suffix: str = "") -> Tensor:
        """The part of the feature branch that sees single steps: (B, T, D) -> (B, C, T)."""
        projected = self.get_submodule(f"conv_1{suffix}")(features).relu()
        return self.get_submodule(f"conv_2{suffix}")(projected).relu()

    def pyramid(self, reduced: Tensor, suffix: str = "") -> Tensor:
        """The part that sees time: (B, C, T) -> (B, E, T)."""
        layers = [self.get_submodule(f"conv_p_{number}{suffix}") for number in range(1, 5)]
        return temporal_pyramid(reduced, layers)

    def refine(self, segmentation: Tensor) -> Tensor:
        """What a variant makes of the segmentation before it is used: (B, T, classes) alike."""
        return segmentation

    def decode(self, encoded: Tensor) -> CapsuleOutput:
        """Segment and spot.

        Args:
            encoded: (B, E, ``clip_steps``).
        """
        capsules = self.conv_seg(encoded)
        segmentation = self.refine(self._segment(capsules))
        return CapsuleOutput(segmentation, self._spot(capsules, segmentation))

    def _segment(self, capsules: Tensor) -> Tensor:
        """(B, N·K, T), capsule by capsule -> (B, T, K): how far the N capsules are from 1/2."""
        sizes = self.config.capsules, self.config.num_classes
        steps = capsules.transpose(1, 2).unflatten(2, sizes)
        squashed = self.batch_seg(steps).float().sigmoid()  # half precision is coarse at 1/2
        square = ((squashed - 0.5) ** 2).sum(dim=2) * (4 / self.config.capsules)
        return square.clamp_min(_SMALLEST_SQUARE).sqrt()

    def _spot(self, capsules: Tensor, segmentation: Tensor) -> Tensor:
        x = torch.cat((capsules, 1 - segmentation.transpose(1, 2)), dim=1).relu()
        x = halve(x)
        x = halve(self.conv_spot_1(x).relu())
        x = halve(self.conv_spot_2(x).relu()).flatten(1)
        slots = self.config.slots
        parts = [self.conv_conf(x).unflatten(1, (slots, 2)).sigmoid()]
        if self.names_classes:
            parts.append(self.conv_class(x).unflatten(1, (slots, -1)).softmax(dim=2))
        return torch.cat(parts, dim=2)


class FlatLinear(nn.Module):
    """A linear layer, stored as a convolution: (B, inputs) -> (B, outputs)."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        initial = nn.Linear(inputs, outputs)
        self.weight = nn.Parameter(initial.weight.detach()[:, :, None, None])
        self.bias = nn.Parameter(initial.bias.detach())

    def forward(self, x: Tensor) -> Tensor:
        """(B, inputs) -> (B, outputs)."""
        return F.linear(x, self.weight.flatten(1), self.bias)


def nearness(segmentation: Tensor, polarity: Polarity) -> Tensor:
    """The segmentation so that high means near an action, whatever the loss was."""
    return 1 - segmentation if polarity == "distance" else segmentation
