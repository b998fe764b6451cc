"""Recipes of the systems that read features."""

from collections.abc import Iterable
from typing import Annotated, Any, ClassVar, Literal

from pydantic import Field, ValidationInfo, field_validator

from touchline.systems import current_config
from touchline.training.options.common import (
    Group,
    LabelOptions,
    OptimiserOptions,
    Recipe,
    Rule,
    ValidationOptions,
    exact_rate,
)

FeatureName = Annotated[str, Field(pattern=r"^\w[\w .+-]{0,99}$")]


class StreamOptions(Group):
    """One kind of input: files ``<half>_<name>.npy`` beside the labels, unless the stream has
    files of its own (see ``touchline.datasets.streams``)."""

    name: FeatureName = "features"
    width: int | None = Field(None, ge=1, le=1_000_000)
    """Numbers of a row; null where rows are not plain vectors."""
    rate: str = "2"
    """Rows a second."""

    @field_validator("rate", mode="before")
    @classmethod
    def _exact_rate(cls, value: Any) -> str:
        return exact_rate(value)


class SideStreamOptions(StreamOptions):
    """What is read beside the main stream."""

    optional: bool = False
    """Whether a half may be without it, in training and afterwards; for systems that can do
    without."""


class FeatureDataOptions(LabelOptions):
    """What is trained and validated on."""

    features: StreamOptions = StreamOptions(name="ResNET_TF2_PCA512", width=512)
    """The main stream: its steps are those of the network."""
    streams: dict[str, SideStreamOptions] = Field(default_factory=dict)
    """What the system reads beside it, by the name of the stream."""
    whole_seconds: bool = False
    """Whether times of events are cut to whole seconds, as the published benchmarks have them."""
    late_events: Literal["refuse", "leave-out"] = "refuse"
    """What becomes of events beyond the end of their features. Up to two seconds beyond, they count
    as on the last row."""
    prefetch: int = Field(2, ge=0, le=64)
    """Batches that are read ahead by a thread; 0 reads in the training thread."""


class FeatureOptimiserOptions(OptimiserOptions):
    """How weights are changed. A system with an optimiser of its own takes the learning rate and
    the decay from here."""

    batch: int = Field(256, ge=1)
    """Clips of an optimiser step, over all devices."""
    epochs: int = Field(1000, ge=1, le=1_000_000)
    """Most epochs."""
    kind: Literal["adam", "adamw"] = "adam"
    epsilon: float = Field(1e-8, gt=0, le=1)
    schedule: Literal["plateau", "constant", "linear", "cosine"] = "plateau"
    """``plateau``: the rate falls when the validation loss stops falling, and the run ends once it
    cannot fall further. ``linear``, ``cosine``: down to ``final_share`` over all epochs."""
    plateau_patience: int = Field(10, ge=0)
    """Epochs without a better validation loss after which the rate falls."""
    plateau_factor: float = Field(0.1, gt=0, lt=1)
    """To which share of itself."""
    warm_up_epochs: float = Field(0, ge=0)
    """Epochs in which the rate first rises."""
    final_share: float = Field(0.0, ge=0, le=1)
    """Share of the rate at the end of ``linear`` and ``cosine``."""


class FeatureValidationOptions(ValidationOptions):
    """How the best epoch is chosen."""

    criterion: Literal["loss", "tight", "loose", "last"] = "loss"
    """``loss``: the lowest validation loss; ``tight``, ``loose``: the highest average mAP over the
    classes that occur; ``last``: the last epoch."""
    start_epoch: int = Field(1, ge=1)
    """First epoch whose average mAP is measured."""


class FeatureRecipe(Recipe):
    """A training run of a system that reads features.

    ``network`` holds fields of the system's configuration, ``clips`` options of its task; both are
    checked when the run begins, by the system itself.
    """

    figures: ClassVar[tuple[str, ...]] = ("tight", "loose")

    data: FeatureDataOptions = FeatureDataOptions()
    network: dict[str, Any] = Field(default_factory=dict)
    clips: dict[str, Any] = Field(default_factory=dict)
    optimiser: FeatureOptimiserOptions = FeatureOptimiserOptions()
    validation: FeatureValidationOptions = FeatureValidationOptions()
    start_from: str | None = None
    """A model whose weights to start from, where names and shapes agree: its zoo name or folder."""

    @field_validator("network")
    @classmethod
    def _current_config(cls, network: dict[str, Any], info: ValidationInfo) -> dict[str, Any]:
        return current_config(info.data.get("system", ""), network)

    @property
    def initial_weights(self) -> str | None:
        """See ``Recipe``."""
        return self.start_from

    @property
    def measures_loss(self) -> bool:
        """Whether the validation loss is needed after every epoch."""
        return self.optimiser.schedule == "plateau" or self.validation.criterion == "loss"

    def rules(self) -> Iterable[Rule]:
        """See ``Recipe``."""
        devices = self.run.devices * self.run.hosts
        yield (
            self.optimiser.batch % devices != 0,
            f"optimiser.batch {self.optimiser.batch} is not a multiple of {devices} devices",
        )
        yield from super().rules()
        yield (
            self.data.validation is None and self.optimiser.schedule == "plateau",
            "optimiser.schedule plateau needs data.validation; without it use constant, "
            "linear or cosine",
        )
