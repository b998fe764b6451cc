"""Recipes of multi-frame stacking (the 2023 ball winner), by default its first ball stage."""

from collections.abc import Iterable, Mapping
from typing import Annotated, Literal

from pydantic import Field

from touchline.spotting.passages.stacks import StackPassage
from touchline.training.options.common import Probability, Rule
from touchline.training.options.video import (
    FramingOptions,
    VideoClipOptions,
    VideoNetworkOptions,
    VideoOptimiserOptions,
    VideoRecipe,
)


class FrameStackingNetworkOptions(VideoNetworkOptions):
    """Which network; see ``touchline.models.frame_stacking``."""

    clip_len: int = Field(5, ge=1, le=99)
    """Stacks of three frames of a clip; odd."""
    frame_step: int = Field(2, ge=1, le=25)
    """From one frame of a clip to the next, in frames of the video."""
    flip_average: bool = True
    """Whether a video is scored upright and mirrored, and both averaged."""
    frozen_encoder: bool = False
    """Whether the weights of the picture network stay as they are, as in the last of the published
    stages; its batch norms still follow the pictures, as published."""


class FrameStackingClipOptions(VideoClipOptions):
    """How clips are drawn, and which events they are said to show; see
    ``touchline.datasets.centres``."""

    foreground_share: Probability = Field(0.5, gt=0)
    """Share of the clips whose middle is near an event."""
    centred_within: int = Field(4, ge=0, le=1000)
    """How far from a clip's middle that event may be, in frames."""
    class_weights: Mapping[str, Annotated[float, Field(gt=0)]] | None = None
    """How often clips are placed on an event of each class, all of them named; null for all
    alike."""
    hard_negatives: str | None = None
    """The folder of what ``touchline predict --curves`` wrote of the training games, by networks
    that were not trained on them: where these find what is not there, more clips are drawn; null
    for none."""
    cleared_within: int = Field(13, ge=0, le=1000)
    """How far from an event such a find is none, in frames."""
    reach: int = Field(7, ge=0, le=1000)
    """How far from a clip's middle an event may be to be said to happen there, in frames."""


class StackAugmentationOptions(FramingOptions):
    """Probabilities of the published augmentations; see ``touchline.datasets.augment_stacks``."""

    flip: Probability = 0.5
    camera_move: Probability = 0.2
    rotation: Probability = 0.3
    zoom: Probability = 0.8
    sharpness: Probability = 0.2
    motion_blur: Probability = 0.2
    brightness: Probability = 0.3
    posterize: Probability = 0.2
    noise: Probability = 0.2
    shake: Probability = 0.25


class FrameStackingOptimiserOptions(VideoOptimiserOptions):
    """Warm-up and cosine, and a focal loss."""

    method: Literal["adamw", "sgd"] = "adamw"
    """AdamW, or gradient descent with Nesterov's momentum of 0.9, as in the last of the published
    stages."""
    gamma: float = Field(1.2, ge=0)
    """Of the focal loss: how little it counts what is answered well."""
    alpha: float | None = Field(None, gt=0, lt=1)
    """Of the focal loss: weight of what happens, and 1 - alpha of what does not; null for 1 and
    1."""


class FrameStackingRecipe(VideoRecipe):
    """A training run of multi-frame stacking."""

    system: str = "frame-stacking"
    network: FrameStackingNetworkOptions = FrameStackingNetworkOptions()
    clips: FrameStackingClipOptions = FrameStackingClipOptions()
    optimiser: FrameStackingOptimiserOptions = FrameStackingOptimiserOptions()
    augmentation: StackAugmentationOptions = StackAugmentationOptions()

    @property
    def clip_steps(self) -> int:
        """Frames of the video that a clip is taken from, one more on either side for the shake."""
        return 2 * StackPassage(self.network.model_dump()).reach + 3

    @property
    def hard_negatives(self) -> str | None:
        """See ``VideoRecipe``."""
        return self.clips.hard_negatives

    def rules(self) -> Iterable[Rule]:
        """See ``Recipe``."""
        yield (
            self.clips.balance != "events",
            "clips.balance must be events: clips.class_weights says how often each class is shown",
        )
        yield (
            self.clips.cleared_within < self.clips.centred_within,
            f"clips.cleared_within {self.clips.cleared_within} is less than clips.centred_within "
            f"{self.clips.centred_within}",
        )
        yield (
            self.clips.mixup_alpha > 0,
            "clips.mixup_alpha must be 0: clips of stacked frames are not mixed",
        )
        yield self.validation.overlap > 0, "validation.overlap must be 0: every frame is scored"
        yield from super().rules()
