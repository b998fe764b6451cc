"""How the files of each origin of published weights are recognised and read."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any

from torch import Tensor

from touchline.importers.legacy.settings import PublishedSettings
from touchline.labels import LabelSet
from touchline.zoo.cards import CardFeatures, CardSuppression

Weights = Mapping[str, Tensor]
Labels = tuple[str, ...]

SOCCERNET_SIZE = (398, 224)


@dataclass(frozen=True)
class Checkpoint:
    """The entries of a published file.

    Attributes:
        weights: by name, without the prefixes that training wrappers add.
        is_bare: whether the file holds just these, without a container around or a prefix before.
        container: the container around them, with what training keeps beside them.
    """

    weights: Weights
    is_bare: bool
    container: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Pictures:
    """What a network of pictures reads.

    Attributes:
        size: width and height.
        crop: side of the centred square cut out of them, if any.
        overlap: share of a window that the next one covers again; None for half.
    """

    size: tuple[int, int] = SOCCERNET_SIZE
    crop: int | None = None
    overlap: float | None = None


def _soccernet_pictures(labels: LabelSet) -> Pictures:
    return Pictures()


def _no_settings(config: Mapping[str, Any]) -> PublishedSettings:
    return PublishedSettings()


def _none_inside(container: Mapping[str, Any]) -> PublishedSettings:
    return PublishedSettings()


def _no_streams(config: Any) -> dict[str, CardFeatures]:
    return {}


@dataclass(frozen=True)
class LegacyReader:
    """Turns the checkpoints of one origin into ours.

    Attributes:
        origin: in words, such as ``"sn-spotting pooling"``.
        system: which of ``touchline.systems.SYSTEMS`` they are.
        entries: in words, what its entries are called; for whoever brings a file of none.
        recognises: whether a checkpoint is of this origin, by names and shapes alone.
        infer_config: the network's config, from published names and the settings beside them.
        usual_rate: what the origin trained at, for given classes; None if it is not known.
        suppression: the published default for a rate.
        usual_labels: the label sets it was published for, each in the official order.
        rename: names (and layouts) to the published PyTorch ones.
        order: a set in the official order to the order of the origin's outputs.
        read_settings: the settings in a configuration beside the weights.
        settings_inside: the settings that the file itself holds, in the container of its weights.
        features: for a network of features, which files it was trained on, from its config.
        streams: what it reads beside them, by the name of the stream, from its config.
        pictures: for a network of pictures, what it was trained on, for given classes.
    """

    origin: str
    system: str
    entries: str
    recognises: Callable[[Checkpoint], bool]
    infer_config: Callable[[Weights, PublishedSettings], Any]
    usual_rate: Callable[[LabelSet], Fraction | None]
    suppression: Callable[[Fraction], CardSuppression]
    usual_labels: tuple[Labels, ...]
    rename: Callable[[Weights], dict[str, Tensor]] = dict
    order: Callable[[Labels], Labels] = tuple
    read_settings: Callable[[Mapping[str, Any]], PublishedSettings] = _no_settings
    settings_inside: Callable[[Mapping[str, Any]], PublishedSettings] = _none_inside
    features: Callable[[Any], CardFeatures] | None = None
    streams: Callable[[Any], dict[str, CardFeatures]] = _no_streams
    pictures: Callable[[LabelSet], Pictures] = _soccernet_pictures
