"""Recipes of E2E-Spot (Hong et al., ECCV 2022), by default as published."""

from typing import ClassVar

from pydantic import Field

from touchline.training.options.common import PrecisionName
from touchline.training.options.video import (
    AugmentationOptions,
    VideoClipOptions,
    VideoNetworkOptions,
    VideoOptimiserOptions,
    VideoRecipe,
)


class E2ESpotNetworkOptions(VideoNetworkOptions):
    """Which network; see ``touchline.models.e2e_spot``."""

    feature_arch: str = "rny002_gsm"
    temporal_arch: str = "gru"
    clip_len: int = Field(100, ge=1, le=10_000)
    """Frames of a clip."""


class E2ESpotClipOptions(VideoClipOptions):
    """How clips are drawn, and which of their frames carry a label."""

    dilation: int = Field(0, ge=0, le=1000)
    """Frames on either side of an event that carry its label too."""


class E2ESpotOptimiserOptions(VideoOptimiserOptions):
    """AdamW with PyTorch's defaults, warm-up and cosine, as published."""

    foreground_weight: float = Field(5.0, gt=0)
    """Weight in the loss of every class against background."""


class E2ESpotRecipe(VideoRecipe):
    """A training run of E2E-Spot."""

    gpu_precision: ClassVar[PrecisionName] = "fp16"

    system: str = "e2e-spot"
    network: E2ESpotNetworkOptions = E2ESpotNetworkOptions()
    clips: E2ESpotClipOptions = E2ESpotClipOptions()
    optimiser: E2ESpotOptimiserOptions = E2ESpotOptimiserOptions()
    augmentation: AugmentationOptions = AugmentationOptions()

    @property
    def clip_steps(self) -> int:
        """See ``VideoRecipe``."""
        return self.network.clip_len
