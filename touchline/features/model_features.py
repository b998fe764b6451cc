"""The extractor for the features that a model reads, found by the model's card."""

from dataclasses import dataclass, replace
from fractions import Fraction

from touchline.errors import CheckpointError, ConfigError
from touchline.features.detections import BOXES, DetectionOptions
from touchline.features.detections import NAME as DETECTIONS
from touchline.features.extractor import DEFAULT_PLACEMENT, Extractor, Placement
from touchline.features.extractors import (
    ExtractorSpec,
    is_extractor,
    missing_weights,
    open_extractor,
)
from touchline.features.stored_detectors import find_detector
from touchline.features.stored_pca import StoredPca, find_pca
from touchline.timebase import parse_rate
from touchline.zoo.identity import PUBLISHED, FeatureIdentity, published_identity

_PUBLISHED_PCA = "touchline models import pca_512_TF2.pkl --average average_512_TF2.pkl"

_NOT_REPRODUCIBLE = {
    "baidu_soccer_embeddings": "were published without their networks",
}
"""Published features that cannot be extracted, and why."""


@dataclass(frozen=True)
class WantedFeatures:
    """The features that a model reads.

    Attributes:
        model: name of the model.
        name: name of the feature files, such as ``"ResNET_TF2_PCA512"``.
        rate: rows a second.
        width: numbers per row; None if unknown.
        identity: the extractor of the training features; None if unknown.
    """

    model: str
    name: str
    rate: Fraction
    width: int | None = None
    identity: FeatureIdentity | None = None


def open_model_extractor(
    wanted: WantedFeatures, placement: Placement = DEFAULT_PLACEMENT
) -> Extractor:
    """Open the extractor that produces these features.

    Raises:
        ConfigError: the extractor is unknown, or the installed one produces other features.
        CheckpointError: its weights or its PCA are missing; names the command that imports them.
    """
    identity = wanted.identity or published_identity(wanted.name, wanted.rate)
    if identity is None:
        raise _unknown(wanted)
    if not is_extractor(identity.name):
        raise ConfigError(
            f"model {wanted.model} reads features of {identity.name}, which is not installed",
            remedy=f"import the model {identity.name}, or extract the features where it is "
            "installed and run touchline predict",
        )
    if identity.name == DETECTIONS:
        spec = _detections(identity, wanted, placement)
    else:
        pca = _pca(identity, wanted)
        files = None if pca is None else (pca.path, None)
        spec = ExtractorSpec(identity.name, parse_rate(identity.rate), placement, files)
    extractor = open_extractor(spec)
    if difference := identity.difference(extractor.identity):
        raise ConfigError(
            f"model {wanted.model} was trained on other features: {difference}",
            remedy="import the weights that its features were extracted with",
        )
    return extractor


def _unknown(wanted: WantedFeatures) -> ConfigError:
    why = _NOT_REPRODUCIBLE.get(wanted.name)
    known = f", which {why}" if why else ", whose extractor is unknown"
    return ConfigError(
        f"model {wanted.model} reads features {wanted.name}{known}",
        remedy="run touchline predict on feature files",
    )


def _detections(
    identity: FeatureIdentity, wanted: WantedFeatures, placement: Placement
) -> ExtractorSpec:
    """The imported detector, or the player-box files next to the video.

    Raises:
        CheckpointError: the detector is missing.
    """
    if identity.settings.get("detector") == BOXES:
        return ExtractorSpec(f"{DETECTIONS}@{BOXES}")
    path = find_detector(identity.weights)
    if path is None:
        raise CheckpointError(
            f"model {wanted.model} reads detections of a detector that is missing",
            remedy="get it and run: touchline models import DETECTOR.onnx (its checksum begins "
            f"with {str(identity.weights)[:16]}), or extract them and run touchline predict",
        )
    classes = identity.settings.get("classes")
    return ExtractorSpec(
        f"{DETECTIONS}@{path}",
        placement=replace(placement, engine="auto"),
        detection=DetectionOptions(None if classes is None else str(classes)),
    )


def _pca(identity: FeatureIdentity, wanted: WantedFeatures) -> StoredPca | None:
    """The PCA of the features, if any.

    Raises:
        CheckpointError: the PCA or the extractor's weights are missing.
    """
    origin = identity.settings.get("pca")
    pca = None if origin is None else find_pca(str(origin), wanted.width)
    missing = missing_weights(identity.name)
    commands = [] if missing is None else [missing]
    if origin is not None and pca is None:
        own = f"touchline models import PCA.safetensors (its checksum begins with {origin})"
        commands.append(_PUBLISHED_PCA if origin == PUBLISHED or "+" in str(origin) else own)
    if commands:
        raise CheckpointError(
            f"model {wanted.model} reads features {wanted.name} of {identity.name}, whose files "
            "are missing",
            remedy=f"get them and run: {' and '.join(commands)}",
        )
    return pca
