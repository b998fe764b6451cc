"""Recipes of COMEDIAN (Denize et al., WACV workshops 2024), by default its fine-tuning."""

from collections.abc import Iterable
from typing import ClassVar, Literal

from pydantic import Field

from touchline.training.options.common import PrecisionName, Probability, Rule
from touchline.training.options.video import (
    FramingOptions,
    VideoClipOptions,
    VideoNetworkOptions,
    VideoRecipe,
)


class ComedianNetworkOptions(VideoNetworkOptions):
    """Which network; see ``touchline.models.comedian``."""

    pretrained: Literal[False] = False
    """There are no ImageNet weights for it; ``start_from`` takes those of a model."""
    encoder: Literal["vivit", "viswin"] = "vivit"
    clip_len: int = Field(64, ge=2, le=10_000)
    """Tokens of a window, of two frames each."""
    image_size: int = Field(224, ge=16, le=1024)
    """Side of the square that pictures are resized to."""
    patch: int = Field(16, ge=1, le=64)
    """Side of a patch of it: 16 for ViViT, 4 for ViSwin."""
    width: int = Field(192, ge=3, le=2048)
    """Of a patch's vector: 192 for ViViT-tiny, 96 for ViSwin-tiny."""
    spatial_depth: int = Field(12, ge=1, le=48)
    """Blocks of ViViT's encoder of pictures."""
    temporal_depth: int = Field(6, ge=1, le=48)
    """Blocks of the encoder of time."""
    frozen_trunk: bool = False
    """Whether only the classifier is trained, as in the first of the two published stages."""


class ComedianClipOptions(VideoClipOptions):
    """How clips are drawn, and which of their frames carry a label."""

    reach_seconds: float = Field(0.5, ge=0, le=60)
    """How far from an event a frame may be that carries its label."""
    hidden_share: float = Field(0.25, ge=0, lt=1)
    """Share of the tokens of a clip that are hidden from the network."""


class ComedianAugmentationOptions(FramingOptions):
    """Probabilities of the published augmentations."""

    flip: Probability = 0.5
    colours: Probability = 0.8
    """Of a change of brightness, contrast and saturation."""
    blur: Probability = 0.5


class ComedianRecipe(VideoRecipe):
    """A training run of COMEDIAN."""

    gpu_precision: ClassVar[PrecisionName] = "fp16"

    system: str = "comedian"
    network: ComedianNetworkOptions = ComedianNetworkOptions()
    clips: ComedianClipOptions = ComedianClipOptions()
    augmentation: ComedianAugmentationOptions = ComedianAugmentationOptions()

    @property
    def clip_steps(self) -> int:
        """Frames of a clip."""
        return 2 * self.network.clip_len

    def rules(self) -> Iterable[Rule]:
        """See ``Recipe``."""
        yield (
            self.validation.overlap > 0,
            "validation.overlap must be 0: windows overlap by half as published",
        )
        yield from super().rules()
