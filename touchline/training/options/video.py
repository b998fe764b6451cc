"""Recipes of the systems that read video."""

from collections.abc import Iterable
from typing import Any, ClassVar, Literal

from pydantic import Field, field_validator

from touchline.labels import LABEL_SETS
from touchline.spotting.peaks import SuppressionKind
from touchline.training.options.common import (
    Group,
    LabelOptions,
    OptimiserOptions,
    Probability,
    Recipe,
    Rule,
    ValidationOptions,
    WindowSeconds,
    exact_rate,
)

LAST_EPOCHS = 20
"""Epochs that are validated by default, counted from the last."""


class VideoDataOptions(LabelOptions):
    """What is trained and validated on, and the frames that the network sees."""

    video: str = "224p"
    """Which of several videos of a half to read."""
    rate: str = "25/12"
    """Frames a second; the published "2 fps" are every twelfth frame of 25."""
    width: int = Field(398, ge=32, le=1920)
    height: int = Field(224, ge=32, le=1920)
    cache: Literal["auto", "always", "never"] = "auto"
    """Whether frames are kept decoded on disk; ``auto``: if all of them fit."""
    cache_folder: str | None = None
    """Where; by default ``frames`` in the user's cache folder."""
    cache_gigabytes: float = Field(20.0, ge=0)
    """Most that the cache may take."""
    workers: int = Field(4, ge=0, le=64)
    """Processes that read clips; 0 reads in the training process."""

    @field_validator("rate", mode="before")
    @classmethod
    def _exact_rate(cls, value: Any) -> str:
        return exact_rate(value)


class JointOptions(Group):
    """A second data set that is trained on jointly, with classes and a head of its own. Frames are
    those of the first in rate and size; it is not validated on."""

    root: str
    """The second data set's folder."""
    train: str | tuple[str, ...] | None = "train"
    """Split or splits to train on; null for everything below the root."""
    labels: str | tuple[str, ...] = "soccernet-v2"
    """A published label set, or a list of labels in the order of the outputs."""
    ignore_unknown_labels: bool = False
    """Whether labels outside the set are left out; by default they stop the run."""
    video: str = "224p"
    """Which of several videos of a half to read."""
    share: Probability = 0.5
    """Share of the clips that are of it."""
    foreground_share: Probability = 1.0
    """Share of these that are placed on an event drawn first: all, as published."""

    @field_validator("labels")
    @classmethod
    def _known_labels(cls, value: str | tuple[str, ...]) -> str | tuple[str, ...]:
        if isinstance(value, str) and value not in LABEL_SETS:
            raise ValueError(f"use {', '.join(LABEL_SETS)}, or a list of labels")
        return value

    def data(self, main: VideoDataOptions) -> VideoDataOptions:
        """What is read of it, at the rate and size of the first data set."""
        own = self.model_dump(exclude={"share", "foreground_share"})
        none: dict[str, Any] = {"validation": None, "merged_labels": {}, "visible_only": False}
        return main.model_copy(update=own | none)


class VideoNetworkOptions(Group):
    """Where the weights of the network start."""

    pretrained: bool = True
    """Whether the picture network starts from ImageNet weights, which are downloaded."""
    start_from: str | None = None
    """A model whose weights to start from, where names and shapes agree: its zoo name or folder."""


class VideoClipOptions(Group):
    """How clips are drawn; see ``touchline.datasets.clips``."""

    epoch_frames: int = Field(500_000, ge=1)
    """Frames that count as one epoch."""
    mixup_alpha: float = Field(0.2, ge=0)
    """Parameter of mixup's Beta distribution; 0 for no mixup."""
    foreground_share: Probability = 0.0
    """Share of the clips that are placed on an event drawn first."""
    balance: Literal["events", "classes"] = "events"
    """How that event is drawn: all alike, or rare classes more often."""
    padding: Literal["black", "mean"] = "black"
    """What stands where a clip reaches beyond the video: black as published, or the mean colour as
    at inference."""


class FramingOptions(Group):
    """Which part of every frame the network sees."""

    crop: int | None = Field(None, ge=32)
    """Side of the square cut out of every frame; null for the whole frame."""


class AugmentationOptions(FramingOptions):
    """Probabilities of the augmentations of E2E-Spot and T-DEED."""

    flip: Probability = 0.5
    hue: Probability = 0.25
    saturation: Probability = 0.25
    brightness: Probability = 0.25
    contrast: Probability = 0.25
    blur: Probability = 0.25


class VideoOptimiserOptions(OptimiserOptions):
    """How weights are changed: warm-up and cosine."""

    batch: int = Field(8, ge=1)
    """Clips of an optimiser step, over all devices and accumulated batches."""
    weight_decay: float = Field(0.01, ge=0)
    accumulate: int = Field(1, ge=1)
    """Batches of batch/accumulate clips whose gradients make a step."""
    warm_up_epochs: float = Field(3, ge=0)
    max_steps: int | None = Field(None, ge=1)
    """Fewer steps than the epochs have; the schedule runs over these."""
    schedule: Literal["published", "cosine", "timed", "warm-then-cosine"] = "published"
    """``published``, of E2E-Spot: the cosine ends ``warm_up_epochs`` early and then rises.
    ``cosine``: it ends with the last step. ``timed``: it runs over ``run.max_minutes``, whatever
    the speed. ``warm-then-cosine``: it begins after the warm-up, which begins at zero."""
    final_share: Probability = 0.0
    """Share of the learning rate that ``warm-then-cosine`` ends with."""

    @property
    def batches_per_step(self) -> int:
        """See ``OptimiserOptions``."""
        return self.accumulate

    def total_steps(self, steps_per_epoch: int) -> int:
        """See ``OptimiserOptions``."""
        steps = super().total_steps(steps_per_epoch)
        return min(steps, self.max_steps or steps)


class VideoValidationOptions(ValidationOptions):
    """How the best epoch is chosen."""

    criterion: Literal["frame-map", "tight", "at1", "team-at1", "last"] = "frame-map"
    """``frame-map``: mean of the mAP at 1, 2 and 4 frames without suppression, as published;
    ``tight``: the tight average mAP over the classes that occur; ``at1``: their mAP within half a
    second; ``team-at1``: the same by side of the picture, without suppression, for a system that
    tells sides; ``last``: the last epoch."""
    start_epoch: int | None = Field(None, ge=1)
    """First epoch that is validated; by default, as published, the last twenty are."""
    suppression: SuppressionKind = "maximum"
    window_seconds: WindowSeconds | tuple[WindowSeconds, ...] = 1.0
    overlap: int = Field(0, ge=0)
    """Frames that windows share; 0 as published."""

    def first_epoch(self, epochs: int) -> int:
        """See ``ValidationOptions``."""
        return self.start_epoch or max(1, epochs - LAST_EPOCHS + 1)


class VideoRecipe(Recipe):
    """A training run of a system that reads video; each system adds the options of its own."""

    figures: ClassVar[tuple[str, ...]] = ("tight", "at1", "frame-map")

    data: VideoDataOptions = VideoDataOptions()
    network: VideoNetworkOptions = VideoNetworkOptions()
    clips: VideoClipOptions = VideoClipOptions()
    optimiser: VideoOptimiserOptions = VideoOptimiserOptions()
    validation: VideoValidationOptions = VideoValidationOptions()
    augmentation: FramingOptions = FramingOptions()

    @property
    def initial_weights(self) -> str | None:
        """See ``Recipe``."""
        return self.network.start_from

    @property
    def clip_steps(self) -> int:
        """Frames of a clip."""
        raise NotImplementedError

    @property
    def second_data(self) -> JointOptions | None:
        """A second data set; None for all but systems with two heads."""
        return None

    @property
    def hard_negatives(self) -> str | None:
        """The folder of curves of the training videos that clips are drawn by; None for none."""
        return None

    @property
    def needs_sides(self) -> bool:
        """Whether it learns which side of the picture acts."""
        return False

    @property
    def steps_per_epoch(self) -> int:
        """Optimiser steps of an epoch; clips that do not fill a step are not drawn."""
        return self.clips.epoch_frames // self.clip_steps // self.optimiser.batch

    @property
    def total_steps(self) -> int:
        """Optimiser steps of the whole run."""
        return self.optimiser.total_steps(self.steps_per_epoch)

    def rules(self) -> Iterable[Rule]:
        """See ``Recipe``."""
        crop, data, optimiser = self.augmentation.crop, self.data, self.optimiser
        devices = self.run.devices * self.run.hosts
        yield (
            crop is not None and crop > min(data.width, data.height),
            f"augmentation.crop {crop} is larger than the frames, {data.width}x{data.height}",
        )
        yield (
            optimiser.batch % (optimiser.accumulate * devices) != 0,
            f"optimiser.batch {optimiser.batch} is not a multiple of optimiser.accumulate "
            f"{optimiser.accumulate} times {devices} devices",
        )
        yield (
            optimiser.schedule == "published" and optimiser.epochs <= optimiser.warm_up_epochs,
            f"optimiser.epochs {optimiser.epochs} leaves nothing after "
            f"optimiser.warm_up_epochs {optimiser.warm_up_epochs:g}",
        )
        yield (
            optimiser.final_share > 0 and optimiser.schedule != "warm-then-cosine",
            "optimiser.final_share needs optimiser.schedule=warm-then-cosine",
        )
        yield (
            optimiser.schedule == "timed" and self.run.max_minutes is None,
            "optimiser.schedule timed needs run.max_minutes",
        )
        yield (
            self.clips.epoch_frames < self.clip_steps * optimiser.batch,
            f"clips.epoch_frames {self.clips.epoch_frames} is less than one step, "
            f"{optimiser.batch} clips of {self.clip_steps} frames",
        )
        criterion = self.validation.criterion
        yield (
            criterion not in (*self.figures, "last"),
            f"validation.criterion {criterion} is not measured for {self.system}; "
            f"use {', '.join((*self.figures, 'last'))}",
        )
        yield (
            self.validation.overlap >= self.clip_steps,
            f"validation.overlap {self.validation.overlap} is not below the {self.clip_steps} "
            "frames of a clip",
        )
        yield from super().rules()
