"""CALF: context-aware action spotting on features.

Cioppa, Deliège, Giancola, Ghanem, Van Droogenbroeck, Gade, Moeslund: "A Context-Aware Loss
Function for Action Spotting in Soccer Videos", CVPR 2020.
"""

from dataclasses import dataclass

from torch import Tensor

from touchline.errors import ConfigError
from touchline.models.parts.capsules import (
    BranchWidths,
    CapsuleConfig,
    CapsuleNetwork,
    CapsuleOutput,
)


@dataclass(frozen=True, kw_only=True)
class CALFConfig(CapsuleConfig):
    """What rebuilds a CALF network.

    Attributes:
        multiplier: how many times the published width the feature branch has; the networks with
            calibration are as wide as 2 where they see features only.

    Raises:
        ConfigError: a value out of range.
    """

    multiplier: int = 1

    def __post_init__(self) -> None:
        super().__post_init__()
        if not isinstance(self.multiplier, int) or self.multiplier < 1:
            raise ConfigError(f"multiplier {self.multiplier!r} is not allowed", remedy="at least 1")

    @property
    def widths(self) -> BranchWidths:
        """Channels of the feature branch."""
        return BranchWidths.multiple(2 * self.multiplier)


class CALF(CapsuleNetwork):
    """The network: clips of features to a segmentation and a list of events.

    Args:
        config: what to build.
    """

    config: CALFConfig

    def __init__(self, config: CALFConfig) -> None:
        super().__init__(config)
        self.add_feature_branch(config.widths)
        self.add_heads(config.widths.encoded)

    def encode(self, reduced: Tensor) -> Tensor:
        """(B, C, T) of ``reduce`` -> (B, E, T)."""
        return self.pyramid(reduced)

    def forward(self, features: Tensor) -> CapsuleOutput:
        """Segment and spot.

        Args:
            features: (B, ``clip_steps``, ``feature_width``).
        """
        return self.decode(self.encode(self.reduce(features)))
