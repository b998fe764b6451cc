"""CALF for replay grounding: when did that happen which this replay shows?

Held, Deliège, Giancola et al., SoccerNet replay grounding (Benchmarks of SoccerNet/sn-grounding),
with the network of Cioppa et al., CVPR 2020: a clip of the game and a replay pass the same feature
branch; segmentation and spotting have one class.
"""

from dataclasses import dataclass

import torch
from torch import Tensor

from touchline.errors import ConfigError
from touchline.models.parts.capsules import (
    BranchWidths,
    CapsuleConfig,
    CapsuleNetwork,
    CapsuleOutput,
    Polarity,
)

WIDTHS = BranchWidths(128, 16, (4, 8, 16, 32))
"""Half of plain CALF's, but for the first layer."""


@dataclass(frozen=True, kw_only=True)
class GroundingCALFConfig(CapsuleConfig):
    """What rebuilds a replay-grounding network.

    Raises:
        ConfigError: a value out of range, or more than the one class and slot.
    """

    num_classes: int = 1
    slots: int = 1
    polarity: Polarity = "distance"

    def __post_init__(self) -> None:
        super().__post_init__()
        if (self.num_classes, self.slots, self.polarity) != (1, 1, "distance"):
            raise ConfigError("replay grounding has one class, one slot and polarity distance")


class GroundingCALF(CapsuleNetwork):
    """The network: a clip of the game and a replay to the place of the action in the clip.

    Args:
        config: what to build.
    """

    config: GroundingCALFConfig

    def __init__(self, config: GroundingCALFConfig) -> None:
        super().__init__(config)
        self.add_feature_branch(WIDTHS)
        self.add_heads(2 * WIDTHS.encoded)

    @property
    def names_classes(self) -> bool:
        """There is one class: the action that the replay shows."""
        return False

    def encode_one(self, features: Tensor) -> Tensor:
        """(B, T, D) of a game clip or a replay -> (B, E, T); either may be reused."""
        return self.pyramid(self.reduce(features))

    def forward(self, game: Tensor, replay: Tensor) -> CapsuleOutput:
        """Segment and spot.

        Args:
            game: (B, ``clip_steps``, ``feature_width``).
            replay: alike; a replay repeated as often as it fits whole, then zeros.

        Returns:
            ``segmentation`` (B, T, 1), a distance; ``spotting`` (B, 1, 2).
        """
        return self.decode(torch.cat((self.encode_one(game), self.encode_one(replay)), dim=1))
