"""Dense detection anchors: a confidence and a time displacement at every step, by U-Nets over time.

Soares, Shah, Biswas: "Temporally Precise Action Spotting in Soccer Videos Using Dense Detection
Anchors", ICIP 2022 (yahoo/spivak). The published system trains one network for confidences and one
for displacements; here both live in one module, on trunks of their own or on a shared one.
"""

from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from touchline.errors import ConfigError

LEVELS = 6
"""Resolutions of the U-Net; each level has half the steps of the one before."""

STEP_MULTIPLE = 2 ** (LEVELS - 1)
"""A clip has a multiple of this many steps."""

PROJECTED_WIDTH = 512
"""Wider features are projected to this first."""

CONFIDENCE = "confidence"
DELTA = "delta"
HEADS = (CONFIDENCE, DELTA)

SHARED = "shared"
"""Name of a trunk that both heads stand on."""


@dataclass(frozen=True, kw_only=True)
class DenseAnchorsConfig:
    """What rebuilds a network.

    Attributes:
        num_classes: classes; there is no background.
        feature_width: numbers in a row of features.
        width: 16 as published; the first level has four times as many channels.
        heads: ``"confidence"`` and, unless it names steps as they are, ``"delta"``.
        shared_trunk: whether both heads stand on one U-Net; published are two.
        clip_steps: steps of the output that the network sees at once.
        upsampling: steps of the output for every row of features: 2 for features at one row a
            second, which are interpolated, else 1.
        scaled: whether features are divided by the largest magnitude that each of their numbers
            has in the training data (published for ResNet features, not for Baidu's).
        confidence_seconds: reach of an event in the confidence targets.
        delta_seconds: reach of an event in the displacement targets; the unit of displacements.

    Raises:
        ConfigError: a value out of range.
    """

    num_classes: int
    feature_width: int
    width: int = 16
    heads: tuple[str, ...] = HEADS
    shared_trunk: bool = False
    clip_steps: int = 224
    upsampling: int = 1
    scaled: bool = False
    confidence_seconds: float = 3.0
    delta_seconds: float = 6.0

    def __post_init__(self) -> None:
        for field in ("num_classes", "feature_width", "width", "clip_steps", "upsampling"):
            value = getattr(self, field)
            if not isinstance(value, int) or isinstance(value, bool) or value < 1:
                raise ConfigError(f"{field} {value!r} is not allowed", remedy="at least 1")
        for field in ("confidence_seconds", "delta_seconds"):
            value = getattr(self, field)
            if not isinstance(value, int | float) or not 0 < value <= 600:
                raise ConfigError(f"{field} {value!r} is not allowed", remedy="use 0 to 600 s")
        if self.heads not in ((CONFIDENCE,), HEADS):
            raise ConfigError(
                f"heads {list(self.heads)!r} are not known",
                remedy=f"use [{CONFIDENCE}] or [{', '.join(HEADS)}]",
            )
        if self.clip_steps % STEP_MULTIPLE or self.clip_steps % self.upsampling:
            raise ConfigError(
                f"clip_steps {self.clip_steps} is not allowed",
                remedy=f"use a multiple of {STEP_MULTIPLE} and of upsampling",
            )

    @property
    def steps_per_row(self) -> int:
        """Steps of the output for every row of features."""
        return self.upsampling


class AnchorOutput(NamedTuple):
    """The output for a batch of clips.

    Attributes:
        confidence: (B, T, classes) logits.
        delta: (B, T, classes) event minus step, in units of the displacement's reach, -1 to 1;
            None without such a head.
    """

    confidence: Tensor
    delta: Tensor | None


class ResidualBlock(nn.Module):
    """Pre-activated bottleneck: (B, inputs, T) -> (B, outputs, T)."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        inner = outputs // 4
        self.reduce = nn.Conv1d(inputs, inner, 1)
        self.convolve = nn.Conv1d(inner, inner, 3, padding=1)
        self.shortcut_conv = nn.Conv1d(inputs, outputs, 1) if inputs != outputs else None
        self.expand = nn.Conv1d(inner, outputs, 1)

    def forward(self, x: Tensor) -> Tensor:
        """(B, inputs, T) -> (B, outputs, T)."""
        active = x.relu()
        shortcut = x if self.shortcut_conv is None else self.shortcut_conv(active)
        inner = self.convolve(self.reduce(active).relu()).relu()
        return shortcut + self.expand(inner)


class Level(nn.Module):
    """Two residual blocks, on the way down after halving and on the way up after doubling."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.block0 = ResidualBlock(inputs, outputs)
        self.block1 = ResidualBlock(outputs, outputs)

    def forward(self, x: Tensor) -> Tensor:
        """(B, inputs, T) -> (B, outputs, T)."""
        return self.block1(self.block0(x))


class UpLevel(Level):
    """A level on the way up: twice the steps, joined with the level of the way down."""

    def __init__(self, channels: int) -> None:
        super().__init__(channels, channels)
        self.transpose = nn.ConvTranspose1d(2 * channels, channels, 2, stride=2)

    def join(self, below: Tensor, across: Tensor) -> Tensor:
        """(B, 2C, T/2) from below and (B, C, T) from across -> (B, C, T)."""
        return self(self.transpose(below.relu()) + across)


class Trunk(nn.Module):
    """The U-Net: (B, T, feature_width) -> (B, T, channels).

    Args:
        feature_width: numbers in a row.
        width: a quarter of the channels of the first level and of the output.
    """

    def __init__(self, feature_width: int, width: int) -> None:
        super().__init__()
        channels = [4 * width * 2**level for level in range(LEVELS)]
        self.optional_projection = (
            nn.Linear(feature_width, PROJECTED_WIDTH) if feature_width > PROJECTED_WIDTH else None
        )
        reduced_from = min(feature_width, PROJECTED_WIDTH)
        self.input_reduction_1 = nn.Linear(reduced_from, 4 * channels[0])
        self.input_reduction_out = nn.Linear(4 * channels[0], channels[0])
        self.bu_layer = nn.ModuleList(
            Level(inputs, outputs)
            for inputs, outputs in zip(channels[:1] + channels[:-1], channels, strict=True)
        )
        self.td_layer = nn.ModuleList(UpLevel(c) for c in channels[:-1])

    def reduce(self, features: Tensor) -> Tensor:
        """What is done to each step alone: (..., feature_width) -> (..., channels)."""
        if self.optional_projection is not None:
            features = self.optional_projection(features).relu()
        return self.input_reduction_out(self.input_reduction_1(features).relu()).relu()

    def relate(self, reduced: Tensor) -> Tensor:
        """What relates steps to each other: (B, T, channels) of ``reduce`` -> (B, T, channels)."""
        x = reduced.transpose(1, 2)
        across = []
        for number, level in enumerate(self.bu_layer):
            x = level(F.max_pool1d(x, 2) if number else x)
            across.append(x)
        for layer, same in zip(reversed(self.td_layer), reversed(across[:-1]), strict=True):
            assert isinstance(layer, UpLevel)
            x = layer.join(x, same)
        return x.relu().transpose(1, 2)


class DenseAnchors(nn.Module):
    """The network: clips of features to confidences and displacements at every step.

    Buffers:
        feature_scale: (feature_width,) what features are divided by; ones unless they are scaled.

    Args:
        config: what to build.
    """

    feature_scale: Tensor

    def __init__(self, config: DenseAnchorsConfig) -> None:
        super().__init__()
        self.config = config
        self.register_buffer("feature_scale", torch.ones(config.feature_width))
        names = (SHARED,) if config.shared_trunk else config.heads
        self.trunks = nn.ModuleDict(
            {name: Trunk(config.feature_width, config.width) for name in names}
        )
        self.heads = nn.ModuleDict(
            {
                name: nn.Conv1d(4 * config.width, config.num_classes, 3, padding=1)
                for name in config.heads
            }
        )
        self.apply(_start_as_published)

    def interpolate(self, features: Tensor) -> Tensor:
        """Rows of features to steps of the output, linearly.

        A row stands at the end of the time that it describes, as published: of rows 0, 1, 2 and
        two steps a row, the steps are (0, 0, 1/2, 1, 3/2, 2).

        Args:
            features: (B, rows, feature_width).

        Returns:
            (B, ``upsampling`` x rows, feature_width).
        """
        factor = self.config.upsampling
        if factor == 1:
            return features
        share = torch.arange(1, factor + 1, device=features.device, dtype=features.dtype) / factor
        before = torch.cat((features[:, :1], features[:, :-1]), dim=1)
        steps = torch.lerp(before[:, :, None], features[:, :, None], share[:, None])
        return steps.flatten(1, 2)

    def reduce(self, features: Tensor) -> dict[str, Tensor]:
        """What is done to each step alone, by trunk: (..., feature_width) -> (..., channels)."""
        features = features / self.feature_scale
        return {name: self._trunk(name).reduce(features) for name in self.trunks}

    def relate(self, reduced: dict[str, Tensor]) -> AnchorOutput:
        """From the reduced steps of clips, (B, T, channels) by trunk, to the heads' output."""
        related = {name: self._trunk(name).relate(x) for name, x in reduced.items()}
        output = {
            name: self._apply_head(name, related[SHARED if SHARED in related else name])
            for name in self.config.heads
        }
        return AnchorOutput(output[CONFIDENCE], output.get(DELTA))

    def forward(self, features: Tensor) -> AnchorOutput:
        """Confidences and displacements of clips.

        Args:
            features: (B, T, feature_width) on the steps of the output, T a multiple of
                ``STEP_MULTIPLE``; zeros beyond the video.
        """
        return self.relate(self.reduce(features))

    def apply_head(self, head: str, features: Tensor) -> Tensor:
        """The output of one head, (B, T, classes), for clips as of ``forward``."""
        trunk = self._trunk(SHARED if self.config.shared_trunk else head)
        return self._apply_head(head, trunk.relate(trunk.reduce(features / self.feature_scale)))

    def _apply_head(self, head: str, related: Tensor) -> Tensor:
        output = self.heads[head](related.transpose(1, 2)).transpose(1, 2)
        return output.tanh() if head == DELTA else output

    def _trunk(self, name: str) -> Trunk:
        trunk = self.trunks[name]
        assert isinstance(trunk, Trunk)
        return trunk


def _start_as_published(module: nn.Module) -> None:
    """Glorot's uniform distribution for weights, zero for biases."""
    if isinstance(module, nn.Linear | nn.Conv1d | nn.ConvTranspose1d):
        nn.init.xavier_uniform_(module.weight)
        if module.bias is not None:
            nn.init.zeros_(module.bias)
