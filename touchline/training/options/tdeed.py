"""Recipes of T-DEED (Xarles et al., CVsports 2024), by default as published for SoccerNet."""

from collections.abc import Iterable
from typing import ClassVar

from pydantic import Field

from touchline.training.options.common import PrecisionName, Probability, Rule
from touchline.training.options.video import (
    AugmentationOptions,
    JointOptions,
    VideoClipOptions,
    VideoNetworkOptions,
    VideoOptimiserOptions,
    VideoRecipe,
)


class TDEEDNetworkOptions(VideoNetworkOptions):
    """Which network; see ``touchline.models.tdeed``."""

    feature_arch: str = "rny002_gsf"
    clip_len: int = Field(100, ge=1, le=10_000)
    """Frames of a clip."""
    layers: int = Field(3, ge=1, le=10)
    """Poolings of the encoder."""
    kernel: int = Field(9, ge=1, le=99)
    """Of the short convolutions over time; odd."""
    factor: float = Field(4, gt=0, le=16)
    """By how much the long convolutions are longer."""


class TDEEDClipOptions(VideoClipOptions):
    """How clips are drawn, and which of their frames carry a label."""

    reach: int = Field(3, ge=0, le=1000)
    """Frames on either side of an event that carry its label and their displacement from it; 0 for
    a network without displacement."""


class TDEEDOptimiserOptions(VideoOptimiserOptions):
    """AdamW with PyTorch's defaults, warm-up and cosine, as published."""

    foreground_weight: float = Field(5.0, gt=0)
    """Weight in the loss of every class against background."""


class TDEEDRecipe(VideoRecipe):
    """A training run of T-DEED."""

    gpu_precision: ClassVar[PrecisionName] = "fp16"

    system: str = "tdeed"
    network: TDEEDNetworkOptions = TDEEDNetworkOptions()
    clips: TDEEDClipOptions = TDEEDClipOptions()
    optimiser: TDEEDOptimiserOptions = TDEEDOptimiserOptions()
    augmentation: AugmentationOptions = AugmentationOptions()
    joint: JointOptions | None = None
    """A second data set with a head of its own; null for none."""

    @property
    def clip_steps(self) -> int:
        """See ``VideoRecipe``."""
        return self.network.clip_len

    @property
    def second_data(self) -> JointOptions | None:
        """See ``VideoRecipe``."""
        return self.joint


class TeamAugmentationOptions(AugmentationOptions):
    """Without mirrored pictures, in which the sides change places."""

    flip: Probability = 0.0


class TeamTDEEDRecipe(TDEEDRecipe):
    """A training run of T-DEED that also learns which side of the picture acts."""

    figures: ClassVar[tuple[str, ...]] = (*TDEEDRecipe.figures, "team-at1")

    system: str = "tdeed-team"
    augmentation: TeamAugmentationOptions = TeamAugmentationOptions()

    @property
    def needs_sides(self) -> bool:
        """See ``VideoRecipe``."""
        return True

    def rules(self) -> Iterable[Rule]:
        """See ``Recipe``."""
        yield (
            self.augmentation.flip > 0,
            "augmentation.flip mirrors pictures, in which left and right change places; use 0",
        )
        yield from super().rules()
