"""Recipes: everything that decides a training run, as typed values with the published defaults.

A recipe is a YAML file with groups; ``--set group.key=value`` overrides single values. Which groups
it has, and what they hold, its ``system`` says: those below for E2E-Spot, those of
``touchline.training.feature_config`` for every system that reads features.
"""

from collections.abc import Mapping, Sequence
from importlib.resources import files
from pathlib import Path
from typing import Annotated, Any, Literal, TypeVar

import yaml
from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    ValidationError,
    field_validator,
    model_validator,
)

from touchline.errors import ConfigError, InputError
from touchline.labels import LABEL_SETS
from touchline.systems import SYSTEMS, load_part
from touchline.timebase import parse_rate
from touchline.zoo.cards import NAME

MAX_RECIPE_BYTES = 1_000_000
USUAL_SYSTEM = "e2e-spot"
"""Of a recipe that names none."""

Probability = Annotated[float, Field(ge=0, le=1)]
LabelChoice = str | tuple[str, ...]


class Group(BaseModel):
    """A group of options: unknown keys are refused, values do not change."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


GroupType = TypeVar("GroupType", bound=Group)


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

    @field_validator("labels")
    @classmethod
    def _known_labels(cls, value: LabelChoice) -> LabelChoice:
        if isinstance(value, str) and value != "auto" and value not in LABEL_SETS:
            raise ValueError(f"use {', '.join(LABEL_SETS)}, auto, or a list of labels")
        return value


class DataOptions(LabelOptions):
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


class NetworkOptions(Group):
    """Which network; see ``touchline.models.e2e_spot``."""

    feature_arch: str = "rny002_gsm"
    temporal_arch: str = "gru"
    clip_len: int = Field(100, ge=1, le=10_000)
    """Frames of a clip."""
    pretrained: bool = True
    """Whether the picture network starts from ImageNet weights, which are downloaded."""
    start_from: str | None = None
    """A model whose weights to start from, where names and shapes agree: its zoo name or folder."""


class ClipOptions(Group):
    """How clips are drawn; see ``touchline.datasets.clips``."""

    epoch_frames: int = Field(500_000, ge=1)
    """Frames that count as one epoch."""
    dilation: int = Field(0, ge=0, le=1000)
    """Frames on either side of an event that carry its label too."""
    mixup_alpha: float = Field(0.2, ge=0)
    """Parameter of mixup's Beta distribution; 0 for no mixup."""
    foreground_share: Probability = 0.0
    """Share of the clips that are placed on an event drawn first."""
    balance: Literal["events", "classes"] = "events"
    """How that event is drawn: all alike, or rare classes more often."""
    padding: Literal["black", "mean"] = "black"
    """What stands where a clip reaches beyond the video: black as published, or the mean colour as
    at inference."""


class AugmentationOptions(Group):
    """Probabilities of the published augmentations."""

    flip: Probability = 0.5
    hue: Probability = 0.25
    saturation: Probability = 0.25
    brightness: Probability = 0.25
    contrast: Probability = 0.25
    blur: Probability = 0.25
    crop: int | None = Field(None, ge=32)
    """Side of the square cut out of every frame; null for the whole frame."""


class OptimiserOptions(Group):
    """AdamW with PyTorch's defaults, warm-up and cosine, as published."""

    batch: int = Field(8, ge=1)
    """Clips of an optimiser step, over all devices and accumulated batches."""
    accumulate: int = Field(1, ge=1)
    """Batches of batch/accumulate clips whose gradients make a step."""
    learning_rate: float = Field(1e-3, gt=0, le=1)
    weight_decay: float = Field(0.01, ge=0)
    foreground_weight: float = Field(5.0, gt=0)
    """Weight in the loss of every class against background."""
    clip_gradients: float | None = Field(None, gt=0)
    """Largest norm of the gradient; null for any, as published."""
    epochs: int = Field(50, ge=1)
    warm_up_epochs: float = Field(3, ge=0)
    max_steps: int | None = Field(None, ge=1)
    """Fewer steps than the epochs have; the schedule runs over these."""
    schedule: Literal["published", "cosine", "timed"] = "published"
    """``published``: the cosine ends ``warm_up_epochs`` early and then rises. ``cosine``: it ends
    with the last step. ``timed``: it runs over ``run.max_minutes``, whatever the speed."""


class ValidationOptions(Group):
    """How the best epoch is chosen."""

    criterion: Literal["frame-map", "tight", "last"] = "frame-map"
    """``frame-map``: mean of the mAP at 1, 2 and 4 frames without suppression, as published;
    ``tight``: the tight average mAP over the classes that occur; ``last``: the last epoch."""
    start_epoch: int | None = Field(None, ge=1)
    """First epoch that is validated; by default, as published, the last twenty are."""
    every: int = Field(1, ge=1)
    """Epochs from one validation to the next."""
    overlap: int = Field(0, ge=0)
    """Frames that windows share; 0 as published."""
    suppression: Literal["maximum", "greedy", "soft"] = "maximum"
    """Rule for ``tight``, and the model's own afterwards."""
    window_seconds: float = Field(1.0, gt=0, le=600)


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


class AnyRecipe(Group):
    """What every training run says of itself."""

    name: str = Field(pattern=NAME)
    description: str = ""
    system: str
    """Which network, of those that cards may name."""
    licence: str = "unknown"
    """Of the weights that come out."""
    training_data_licence: str = "unknown"
    run: RunOptions = RunOptions()

    def to_yaml(self) -> str:
        """The recipe with every value stated."""
        return yaml.safe_dump(self.model_dump(mode="json"), sort_keys=False, allow_unicode=True)


class Recipe(AnyRecipe):
    """A training run of E2E-Spot."""

    system: str = USUAL_SYSTEM
    data: DataOptions = DataOptions()
    network: NetworkOptions = NetworkOptions()
    clips: ClipOptions = ClipOptions()
    augmentation: AugmentationOptions = AugmentationOptions()
    optimiser: OptimiserOptions = OptimiserOptions()
    validation: ValidationOptions = ValidationOptions()

    @model_validator(mode="after")
    def _consistent(self) -> "Recipe":
        crop, data = self.augmentation.crop, self.data
        optimiser = self.optimiser
        devices = self.run.devices * self.run.hosts
        rules = (
            (
                crop is not None and crop > min(data.width, data.height),
                f"augmentation.crop {crop} is larger than the frames, {data.width}x{data.height}",
            ),
            (
                optimiser.batch % (optimiser.accumulate * devices) != 0,
                f"optimiser.batch {optimiser.batch} is not a multiple of optimiser.accumulate "
                f"{optimiser.accumulate} times {devices} devices",
            ),
            (
                optimiser.schedule == "published" and optimiser.epochs <= optimiser.warm_up_epochs,
                f"optimiser.epochs {optimiser.epochs} leaves nothing after "
                f"optimiser.warm_up_epochs {optimiser.warm_up_epochs:g}",
            ),
            (
                optimiser.schedule == "timed" and self.run.max_minutes is None,
                "optimiser.schedule timed needs run.max_minutes",
            ),
            (
                self.clips.epoch_frames < self.network.clip_len * optimiser.batch,
                f"clips.epoch_frames {self.clips.epoch_frames} is less than one step, "
                f"{optimiser.batch} clips of {self.network.clip_len} frames",
            ),
            (
                self.validation.overlap >= self.network.clip_len,
                f"validation.overlap {self.validation.overlap} is not below network.clip_len "
                f"{self.network.clip_len}",
            ),
            (
                data.validation is None and self.validation.criterion != "last",
                f"validation.criterion {self.validation.criterion} needs data.validation; "
                "without it use validation.criterion=last",
            ),
        )
        for broken, fault in rules:
            if broken:
                raise ValueError(fault)
        return self

    @property
    def steps_per_epoch(self) -> int:
        """Optimiser steps of an epoch; clips that do not fill a step are not drawn."""
        return self.clips.epoch_frames // self.network.clip_len // self.optimiser.batch

    @property
    def total_steps(self) -> int:
        """Optimiser steps of the whole run."""
        steps = self.steps_per_epoch * self.optimiser.epochs
        return min(steps, self.optimiser.max_steps or steps)


def recipe_names() -> list[str]:
    """The packaged recipes."""
    folder = files("touchline.training") / "recipes"
    return sorted(
        item.name.removesuffix(".yaml") for item in folder.iterdir() if item.name.endswith(".yaml")
    )


def load_recipe(source: str | Path, settings: Sequence[str] = ()) -> AnyRecipe:
    """Read a recipe and override single values.

    Args:
        source: name of a packaged recipe, or path of a YAML file or of a run's folder.
        settings: overrides such as ``"optimiser.batch=4"``; values are YAML.

    Returns:
        A ``Recipe`` of E2E-Spot, or a ``FeatureRecipe``, by its ``system``.

    Raises:
        ConfigError: no such recipe, a key or value that it does not allow, or values that
            contradict each other; the message names the key.
    """
    text, where = _read(source)
    try:
        values = yaml.safe_load(text)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        place = f"{where}:{mark.line + 1}" if mark is not None else where
        raise ConfigError("this is not YAML", where=place) from error
    if not isinstance(values, dict):
        raise ConfigError("a recipe is a table of groups", where=where)
    for setting in settings:
        _override(values, setting)
    return read_group(_options_of(values.get("system", USUAL_SYSTEM)), values, where=where)


def _options_of(system: object) -> type[AnyRecipe]:
    if not isinstance(system, str) or system not in SYSTEMS:
        raise ConfigError(
            f"system {system!r} is not known",
            where="system",
            remedy=f"use one of: {', '.join(SYSTEMS)}",
        )
    options: type[AnyRecipe] = load_part(SYSTEMS[system].options)
    return options


def read_group(
    kind: type[GroupType],
    values: Mapping[str, Any],
    *,
    within: str = "",
    where: str | None = None,
) -> GroupType:
    """Options out of what a recipe says.

    Args:
        within: the group's own name, for messages: ``"clips"``.
        where: the recipe, for messages.

    Raises:
        ConfigError: an unknown key, a value that is not allowed, or values that contradict each
            other; names the first.
    """
    try:
        return kind.model_validate(dict(values))
    except ValidationError as error:
        raise _explain(error, kind, within, where) from error


def _read(source: str | Path) -> tuple[str, str]:
    path = Path(source)
    if path.is_dir():
        path = path / "recipe.yaml"
    if path.is_file():
        if path.stat().st_size > MAX_RECIPE_BYTES:
            raise ConfigError("a recipe cannot be this large", where=path)
        try:
            return path.read_text("utf-8"), str(path)
        except UnicodeDecodeError as error:
            raise ConfigError("this is not UTF-8 text", where=path) from error
    if str(source) in recipe_names():
        packaged = files("touchline.training") / "recipes" / f"{source}.yaml"
        return packaged.read_text("utf-8"), f"recipe {source}"
    raise ConfigError(
        f"there is no recipe {str(source)!r}",
        remedy=f"give a YAML file, or one of: {', '.join(recipe_names())}",
    )


def _override(values: dict[str, Any], setting: str) -> None:
    key, equals, text = setting.partition("=")
    if not equals or not key.strip():
        raise ConfigError(f"{setting!r} is not a setting", where="--set", remedy="group.key=value")
    *groups, last = key.strip().split(".")
    table: Any = values
    for group in groups:
        table = table.setdefault(group, {})
        if not isinstance(table, dict):
            raise ConfigError(f"{group!r} is a value, not a group", where=f"--set {setting}")
    try:
        table[last] = yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise ConfigError("the value is not YAML", where=f"--set {setting}") from error


def _explain(
    error: ValidationError, kind: type[Group], within: str, where: str | None
) -> ConfigError:
    """The first fault as one line: which key, what is wrong, what is allowed."""
    fault = error.errors(include_url=False)[0]
    place = [str(part) for part in fault["loc"]]
    key = ".".join([within, *place] if within else place)
    if fault["type"] == "extra_forbidden":
        group: Any = kind
        for part in place[:-1]:
            group = getattr(group, "model_fields", {}).get(part)
            group = getattr(group, "annotation", None)
        fields = getattr(group, "model_fields", {})
        remedy = f"use one of: {', '.join(fields)}" if fields else "leave it out"
        return ConfigError(f"unknown key {key!r}", where=where, remedy=remedy)
    message = fault["msg"].removeprefix("Value error, ")
    if not place:
        return ConfigError(message, where=where)
    return ConfigError(f"{key}: {fault['input']!r} is not allowed", where=where, remedy=message)
