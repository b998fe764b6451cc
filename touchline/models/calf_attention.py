"""CALF with multi-head attention, and with squeeze and excitation.

Embar, Gilmore, Emami: project of CS7643 at Georgia Tech on SoccerNet-v2 action spotting. Attention
sees the clip between the temporal pyramid and the segmentation; squeeze and excitation weighs the
channels of each branch of the pyramid. Both smooth the segmentation over time before spotting.
"""

import math
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from touchline.errors import ConfigError
from touchline.models.parts.capsules import (
    BranchWidths,
    CapsuleConfig,
    CapsuleNetwork,
    CapsuleOutput,
)
from touchline.models.parts.dropout import Attention, Dropout

WIDTHS = BranchWidths.multiple(2)
"""The feature branch of plain CALF, 152 channels in all."""

SQUEEZE_GROUPS = (8, 16, 32, 32)
SQUEEZE_REDUCTION = 4


@dataclass(frozen=True, kw_only=True)
class AttentionCALFConfig(CapsuleConfig):
    """What rebuilds a CALF network with attention.

    Attributes:
        heads: of the attention; a divisor of 152.
        hidden: width between the two layers of the feed-forward part.
        refinement: whether the segmentation is smoothed over time.
        dropout: in training, of attention and feed-forward.

    Raises:
        ConfigError: a value out of range.
    """

    heads: int = 8
    hidden: int = 1024
    refinement: bool = True
    dropout: float = 0.1

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.heads < 1 or WIDTHS.encoded % self.heads:
            raise ConfigError(
                f"heads {self.heads} is not allowed", remedy=f"use a divisor of {WIDTHS.encoded}"
            )
        if self.hidden < 1:
            raise ConfigError(f"hidden {self.hidden} is not allowed", remedy="at least 1")
        if not 0 <= self.dropout < 1:
            raise ConfigError(f"dropout {self.dropout} is not allowed", remedy="0 up to 1")


@dataclass(frozen=True, kw_only=True)
class SqueezeCALFConfig(CapsuleConfig):
    """What rebuilds a CALF network with squeeze and excitation.

    Raises:
        ConfigError: a value out of range.
    """


class SinusoidalPositions(nn.Module):
    """Adds a code of its position to each step: sines in even channels, cosines in odd ones."""

    pe: Tensor

    def __init__(self, steps: int, width: int) -> None:
        super().__init__()
        step = torch.arange(steps, dtype=torch.float32)[:, None]
        frequency = torch.exp(torch.arange(0, width, 2) * (-math.log(10_000) / width))
        table = torch.stack(((step * frequency).sin(), (step * frequency).cos()), dim=2)
        self.register_buffer("pe", table.reshape(1, steps, width), persistent=False)

    def forward(self, x: Tensor) -> Tensor:
        """(B, T, width) -> alike."""
        return x + self.pe


class EncoderLayer(nn.Module):
    """Attention and feed-forward, each added to its input and then normalised."""

    def __init__(self, width: int, heads: int, hidden: int, dropout: float) -> None:
        super().__init__()
        self.self_attn = Attention(width, heads, dropout=dropout, batch_first=True)
        self.ffn = nn.Sequential(
            nn.Linear(width, hidden), nn.ReLU(), Dropout(dropout), nn.Linear(hidden, width)
        )
        self.norm1 = nn.LayerNorm(width)
        self.norm2 = nn.LayerNorm(width)
        self.dropout = Dropout(dropout)

    def forward(self, x: Tensor) -> Tensor:
        """(B, T, width) -> alike."""
        attended, _ = self.self_attn(x, x, x, need_weights=False)
        x = self.norm1(x + self.dropout(attended))
        return self.norm2(x + self.dropout(self.ffn(x)))


class TemporalRefinement(nn.Module):
    """A convolution over five steps of the segmentation, and a sigmoid."""

    def __init__(self, classes: int) -> None:
        super().__init__()
        self.conv1d = nn.Conv1d(classes, classes, 5, padding=2)

    def forward(self, segmentation: Tensor) -> Tensor:
        """(B, T, classes) -> alike."""
        return self.conv1d(segmentation.transpose(1, 2)).sigmoid().transpose(1, 2)


class SqueezeExcitation(nn.Module):
    """Adds to each channel a share of itself, decided from the means of all over time."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        squeezed = channels // SQUEEZE_REDUCTION
        self.fc1 = nn.Linear(channels, squeezed)
        self.fc2 = nn.Linear(squeezed, channels)

    def forward(self, x: Tensor) -> Tensor:
        """(B, C, T) -> alike."""
        share = self.fc2(self.fc1(x.mean(dim=2)).relu()).sigmoid()
        return x + x * share[:, :, None]


class AttentionCALF(CapsuleNetwork):
    """CALF with a transformer layer before the segmentation.

    Args:
        config: what to build.
    """

    config: AttentionCALFConfig

    def __init__(self, config: AttentionCALFConfig) -> None:
        super().__init__(config)
        width = WIDTHS.encoded
        self.add_feature_branch(WIDTHS)
        self.positional_encoding = SinusoidalPositions(config.clip_steps, width)
        self.transformer = EncoderLayer(width, config.heads, config.hidden, config.dropout)
        self.add_heads(width)
        if config.refinement:
            self.temporal_refinement_module = TemporalRefinement(config.num_classes)

    def encode(self, reduced: Tensor) -> Tensor:
        """(B, C, T) of ``reduce`` -> (B, E, T)."""
        steps = self.pyramid(reduced).transpose(1, 2)
        return self.transformer(self.positional_encoding(steps)).transpose(1, 2)

    def refine(self, segmentation: Tensor) -> Tensor:
        """(B, T, classes) -> alike."""
        if not self.config.refinement:
            return segmentation
        return self.temporal_refinement_module(segmentation)

    def forward(self, features: Tensor) -> CapsuleOutput:
        """Segment and spot.

        Args:
            features: (B, ``clip_steps``, ``feature_width``).
        """
        return self.decode(self.encode(self.reduce(features)))


class SqueezeCALF(CapsuleNetwork):
    """CALF with grouped convolutions in the pyramid, and squeeze and excitation after each.

    Args:
        config: what to build.
    """

    config: SqueezeCALFConfig

    def __init__(self, config: SqueezeCALFConfig) -> None:
        super().__init__(config)
        self.add_feature_branch(WIDTHS, groups=SQUEEZE_GROUPS)
        for number, width in enumerate(WIDTHS.pyramid, 1):
            self.add_module(f"se_p_{number}", SqueezeExcitation(width))
        self.add_heads(WIDTHS.encoded)
        self.temporal_refinement_module = TemporalRefinement(config.num_classes)

    def encode(self, reduced: Tensor) -> Tensor:
        """(B, C, T) of ``reduce`` -> (B, E, T)."""
        branches = [reduced]
        for number in range(1, 5):
            branch = self.get_submodule(f"conv_p_{number}")(reduced).relu()
            branches.append(self.get_submodule(f"se_p_{number}")(branch))
        return torch.cat(branches, dim=1)

    def refine(self, segmentation: Tensor) -> Tensor:
        """(B, T, classes) -> alike."""
        return self.temporal_refinement_module(segmentation)

    def forward(self, features: Tensor) -> CapsuleOutput:
        """Segment and spot.

        Args:
            features: (B, ``clip_steps``, ``feature_width``).
        """
        return self.decode(self.encode(self.reduce(features)))
