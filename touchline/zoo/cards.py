"""Model cards: what a network is, what it was trained on, and what its files must hash to."""

from fractions import Fraction
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    ValidationError,
    ValidationInfo,
    field_validator,
    model_validator,
)

from touchline.errors import CheckpointError, ConfigError, InputError
from touchline.labels import LabelSet
from touchline.runtime.atomic import write_text
from touchline.scores import SuppressionKind
from touchline.systems import current_config
from touchline.timebase import parse_rate
from touchline.zoo.identity import FeatureIdentity

CARD_FILE = "card.json"
MAX_CARD_BYTES = 1_000_000

NAME = r"^[A-Za-z0-9][A-Za-z0-9._+-]{0,99}$"
"""What models are called: a folder's name and a part of a URL."""

Name = Annotated[str, Field(pattern=NAME)]
Sha256 = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
Text = Annotated[str, Field(max_length=4000)]
Label = Annotated[str, Field(min_length=1, max_length=300)]
PictureSide = Annotated[int, Field(ge=16, le=4096)]
Storage = Literal["fp32", "fp16"]
TrainingData = Literal["real", "simulated"]
DelaySeconds = Annotated[float, Field(ge=-60, le=60)]
WindowSeconds = Annotated[float, Field(gt=0, le=600)]


def _checked_rate(rate: str) -> str:
    try:
        parse_rate(rate)
    except InputError as error:
        raise ValueError(str(error)) from error
    return rate


class _Strict(BaseModel):
    model_config = ConfigDict(strict=True, extra="allow", frozen=True)


class CardLabels(_Strict):
    """The classes in the order of the network's outputs; background, output 0, is not named."""

    name: Annotated[str, Field(min_length=1, max_length=100)]
    labels: Annotated[tuple[Label, ...], Field(min_length=1, max_length=1000)]


class CardSuppression(_Strict):
    """How peaks of one class suppress each other, unless the caller chooses otherwise.

    Attributes:
        kind: see ``touchline.spotting.peaks``.
        window_seconds: its reach, one for all classes or one for each.
        floor: what lies below this confidence is no event; None for the usual floor.
    """

    kind: SuppressionKind
    window_seconds: WindowSeconds | Annotated[tuple[WindowSeconds, ...], Field(max_length=1000)]
    floor: Annotated[float, Field(gt=0, le=1)] | None = None


class CardFeatures(_Strict):
    """Files of features that a network reads: ``<half>_<name>.npy``, ``width`` numbers a row.

    Attributes:
        name: the middle of the files' names, such as ``"ResNET_TF2_PCA512"``.
        width: numbers of a row; None where rows are not plain vectors.
        rate: rows a second of a stream beside the main one, whose rate is the card's own.
        optional: True for a stream that the network can do without.
        identity: which extractor made them, where that is known.
    """

    name: Annotated[str, Field(pattern=r"^[\w][\w .+-]{0,99}$")]
    width: Annotated[int, Field(ge=1, le=1_000_000)] | None = None
    rate: Annotated[str, Field(max_length=40)] | None = None
    identity: FeatureIdentity | None = None
    optional: bool | None = None

    @field_validator("rate")
    @classmethod
    def _is_a_rate(cls, rate: str | None) -> str | None:
        return None if rate is None else _checked_rate(rate)


USUAL_OVERLAP = 0.5
"""Share of a window that the next one covers again, where a card does not say."""


class ModelCard(_Strict):
    """The description that lies beside weights as ``card.json``.

    Attributes:
        name: name in the zoo.
        system: which network, such as ``"e2e-spot"``.
        config: what rebuilds it; the fields of the system's configuration, under their current
            names (cards of earlier versions hold some under others, see ``touchline.systems``).
        labels: classes in the order of its outputs.
        rate: frames or rows a second it was trained at, exactly, such as ``"25/12"``.
        width, height: size in pixels that pictures are scaled to; None for a network of features.
        crop: side of the centred square cut out of them, if any.
        overlap: share of a window that the next one covers again, for a network of pictures; None
            for half.
        features: for a network of features, which.
        streams: what it reads beside these, by the name of the stream.
        files: SHA-256 of every weight file, by its name in the folder.
        training_data: what it learnt from, real matches or simulated ones; None if not known.
        storage: precision in which a file stores its weights, where it is not fp32.
        suppression: default of peak picking.
        delays: seconds by which classes are found late, as `touchline models calibrate` measures
            them; they are taken off the times of events.
    """

    format: Literal["touchline-model"] = "touchline-model"
    version: Literal[1] = 1
    name: Name
    system: Name
    config: Annotated[dict[str, Any], Field(max_length=100)]
    labels: CardLabels
    rate: Annotated[str, Field(max_length=40)]
    width: PictureSide | None = None
    height: PictureSide | None = None
    crop: PictureSide | None = None
    overlap: Annotated[float, Field(ge=0, lt=1)] | None = None
    features: CardFeatures | None = None
    streams: Annotated[dict[Name, CardFeatures], Field(max_length=20)] = {}
    licence: Text = ""
    training_data: TrainingData | None = None
    training_data_licence: Text = ""
    source: Text = ""
    description: Text = ""
    metrics: Annotated[dict[str, Any], Field(max_length=1000)] = {}
    files: Annotated[dict[Name, Sha256], Field(max_length=20)] = {}
    storage: Annotated[dict[Name, Storage], Field(max_length=20)] = {}
    suppression: CardSuppression | None = None
    delays: Annotated[dict[Label, DelaySeconds], Field(max_length=1000)] = {}

    @field_validator("config")
    @classmethod
    def _current_config(cls, config: dict[str, Any], info: ValidationInfo) -> dict[str, Any]:
        return current_config(info.data.get("system", ""), config)

    @field_validator("rate")
    @classmethod
    def _is_a_rate(cls, rate: str) -> str:
        return _checked_rate(rate)

    @model_validator(mode="after")
    def _agrees_with_itself(self) -> "ModelCard":
        count = len(self.labels.labels)
        if len(set(self.labels.labels)) != count:
            raise ValueError("a label occurs twice")
        if self.config.get("num_classes", count) != count:
            raise ValueError(f"{self.config['num_classes']} classes, but {count} labels")
        windows = self.suppression.window_seconds if self.suppression is not None else 1.0
        if isinstance(windows, tuple) and len(windows) != count:
            raise ValueError(f"{len(windows)} suppression windows, but {count} labels")
        if (self.width is None) != (self.height is None):
            raise ValueError("pictures have a width and a height")
        if (self.width is None) == (self.features is None):
            raise ValueError("a network takes either pictures, of width and height, or features")
        size = (self.width, self.height)
        if self.crop is not None and any(side is None or self.crop > side for side in size):
            raise ValueError(f"a crop of {self.crop} does not fit {self.width}x{self.height}")
        return self

    def require_video(self) -> None:
        """Refuse a network that takes features.

        Raises:
            ConfigError: it does.
        """
        if self.features is not None:
            raise ConfigError(
                f"model {self.name} takes features, not video",
                remedy="give a model of pictures, or run touchline predict on feature files",
            )

    @property
    def picture_size(self) -> tuple[int, int]:
        """Width and height that pictures are scaled to.

        Raises:
            ConfigError: the network takes features, not pictures.
        """
        self.require_video()
        assert self.width is not None and self.height is not None  # as the card was checked
        return self.width, self.height

    @property
    def frame_rate(self) -> Fraction:
        """Frames a second, exactly."""
        return parse_rate(self.rate)

    @property
    def label_set(self) -> LabelSet:
        """The classes in the order of the network's outputs, background left out."""
        return LabelSet(self.labels.name, self.labels.labels)

    @property
    def num_outputs(self) -> int:
        """Classes and background."""
        return len(self.labels.labels) + 1


def read_card(path: Path) -> ModelCard:
    """Read a ``card.json``.

    Raises:
        CheckpointError: absent, too large, or not a card; names the field that is wrong.
    """
    try:
        with path.open("rb") as file:
            data = file.read(MAX_CARD_BYTES + 1)
    except OSError as error:
        raise CheckpointError(f"cannot be read ({error.strerror})", where=path) from error
    if len(data) > MAX_CARD_BYTES:
        raise CheckpointError("is too large for a model card", where=path)
    try:
        return ModelCard.model_validate_json(data)
    except ValidationError as error:
        first = error.errors()[0]
        field = ".".join(str(part) for part in first["loc"]) or "the whole file"
        raise CheckpointError(
            f"is not a model card: {field}: {first['msg']}"[:500], where=path
        ) from error


def write_card(card: ModelCard, path: Path) -> None:
    """Write a card; an existing file stays whole until it is replaced."""
    write_text(path, card.model_dump_json(indent=2, exclude_none=True) + "\n")
