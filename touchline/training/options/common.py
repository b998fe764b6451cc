"""The groups and values that every recipe holds, whatever is trained and on what."""

from collections.abc import Iterable, Mapping
from typing import Annotated, Any, ClassVar, Literal, Self

import yaml
from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from touchline.errors import InputError
from touchline.labels import LABEL_SETS
from touchline.spotting.peaks import SuppressionKind
from touchline.timebase import parse_rate
from touchline.zoo.cards import NAME

Probability = Annotated[float, Field(ge=0, le=1)]
WindowSeconds = Annotated[float, Field(gt=0, le=600)]
LabelChoice = str | tuple[str, ...]
PrecisionName = Literal["fp32", "bf16", "fp16"]

Rule = tuple[bool, str]
"""Whether a recipe contradicts itself, and how."""


class Group(BaseModel):
    """A group of options: unknown keys are refused, values do not change."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


def exact_rate(value: Any) -> str:
    """A rate as text; for validators.

    Raises:
        ValueError: it is not a rate.
    """
    try:
        parse_rate(value)
    except InputError as error:
        raise ValueError(str(error)) from error
    return str(value)


class LabelOptions(Group):
    """Which games, and which labels of them."""

    root: str = "data"
    """The dataset's folder, in the SoccerNet layout or of videos with events beside them."""
    train: str | tuple[str, ...] | None = "train"
    """Split or splits to train on; null for everything below the root."""
    validation: str | None = "valid"
    """Split that chooses the best epoch; null for none."""
    labels: LabelChoice = "soccernet-v2"
    """A published label set, a list of labels in the order of the outputs, or ``auto``: the labels
    that occur in the training split, sorted."""
    ignore_unknown_labels: bool = False
    """Whether labels outside the set are left out; by default they stop the run."""
    merged_labels: Mapping[str, str] = {}
    """Labels that count as another, such as ``{Red card: Yellow card}``."""
    visible_only: bool = False
    """Whether events labelled as not shown are left out, of both splits."""

    @field_validator("labels")
    @classmethod
    def _known_labels(cls, value: LabelChoice) -> LabelChoice:
        if isinstance(value, str) and value != "auto" and value not in LABEL_SETS:
            raise ValueError(f"use {', '.join(LABEL_SETS)}, auto, or a list of labels")
        return value

    @model_validator(mode="after")
    def _merges_into_its_labels(self) -> Self:
        if self.labels == "auto":
            return self
        known = LABEL_SETS[self.labels].labels if isinstance(self.labels, str) else self.labels
        for label, merged in self.merged_labels.items():
            if merged not in known:
                raise ValueError(
                    f"merged_labels: {label} cannot count as {merged}, which data.labels lacks"
                )
        return self


class OptimiserOptions(Group):
    """How weights are changed."""

    batch: int = Field(8, ge=1)
    """Clips of an optimiser step, over all devices."""
    learning_rate: float = Field(1e-3, gt=0, le=1)
    weight_decay: float = Field(0.0, ge=0)
    average_decay: float | None = Field(None, gt=0, lt=1)
    """Decay a step of a moving average of all weights, which is validated and kept in their place;
    null for none."""
    clip_gradients: float | None = Field(None, gt=0)
    """Largest norm of the gradient; null for any."""
    epochs: int = Field(50, ge=1)
    """Most epochs."""

    @property
    def batches_per_step(self) -> int:
        """Batches whose gradients make a step."""
        return 1

    def total_steps(self, steps_per_epoch: int) -> int:
        """Optimiser steps of the whole run, if nothing ends it early."""
        return steps_per_epoch * self.epochs


class ValidationOptions(Group):
    """How the best epoch is chosen."""

    criterion: str = "last"
    """The figure that decides; ``last``: the last epoch."""
    start_epoch: int | None = Field(1, ge=1)
    """First epoch whose average mAP is measured."""
    every: int = Field(1, ge=1)
    """Epochs from one such measurement to the next."""
    stop_after: int | None = Field(None, ge=1)
    """The run ends when so many measurements of the criterion have not been better."""
    suppression: SuppressionKind = "greedy"
    """Rule for the average mAP, and the model's own afterwards."""
    window_seconds: WindowSeconds | tuple[WindowSeconds, ...] = 10.0
    """Reach of a detection on either side, one for all classes or one for each."""
    floor: float | None = Field(None, gt=0, le=1)
    """What lies below this confidence is no event; null for the usual floor."""

    def first_epoch(self, epochs: int) -> int:
        """The first epoch whose average mAP is measured, of so many."""
        return self.start_epoch or 1


class RunOptions(Group):
    """Where and how it runs."""

    seed: int = Field(0, ge=0)
    device: Literal["auto", "cpu", "gpu"] = "auto"
    devices: int = Field(1, ge=1)
    """Devices of each host that train together."""
    hosts: int = Field(1, ge=1)
    precision: Literal["auto", "fp32", "bf16", "fp16"] = "auto"
    """``auto``: as published: fp16 mixed precision on a GPU for E2E-Spot, else fp32."""
    threads: int | None = Field(None, ge=1)
    """Threads of PyTorch on a CPU; null for one per core."""
    max_minutes: float | None = Field(None, gt=0)
    """The run ends cleanly after this long, interruptions left out."""


class Recipe(Group):
    """Everything that decides a training run; each source of clips has its own."""

    figures: ClassVar[tuple[str, ...]] = ()
    """What is measured on the curves of the validation split, in the order of the log."""
    gpu_precision: ClassVar[PrecisionName] = "fp32"
    """The precision ``auto`` on a GPU."""

    name: str = Field(pattern=NAME)
    description: str = ""
    system: str
    """Which network, see ``touchline.systems``."""
    licence: str = "unknown"
    """Of the weights that come out."""
    training_data_licence: str = "unknown"
    run: RunOptions = RunOptions()
    data: LabelOptions = LabelOptions()
    network: Any = None
    """What the network is built from."""
    clips: Any = None
    """How clips are drawn, and what their targets are."""
    optimiser: OptimiserOptions = OptimiserOptions()
    validation: ValidationOptions = ValidationOptions()

    def to_yaml(self) -> str:
        """The recipe with every value stated."""
        return yaml.safe_dump(self.model_dump(mode="json"), sort_keys=False, allow_unicode=True)

    @property
    def initial_weights(self) -> str | None:
        """A model whose weights to start from, where names and shapes agree."""
        return None

    def rules(self) -> Iterable[Rule]:
        """What a recipe must not be; messages name the keys."""
        criterion = self.validation.criterion
        yield (
            self.data.validation is None and criterion != "last",
            f"validation.criterion {criterion} needs data.validation; "
            "without it use validation.criterion=last",
        )
        yield (
            self.validation.stop_after is not None and criterion == "last",
            "validation.stop_after needs another criterion than last",
        )

    @model_validator(mode="after")
    def _consistent(self) -> "Recipe":
        for is_broken, fault in self.rules():
            if is_broken:
                raise ValueError(fault)
        return self
