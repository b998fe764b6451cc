"""The extractor that a model's features come from, found by what its card says of them."""

from dataclasses import dataclass, replace
from fractions import Fraction

from touchline.errors import CheckpointError, ConfigError
from touchline.features.detections import BOXES, DetectionOptions
from touchline.features.detections import NAME as DETECTIONS
from touchline.features.extractor import DEFAULT_PLACEMENT, Extractor, Placement
from touchline.features.extractors import ExtractorSpec, is_known, missing_weights, open_extractor
from touchline.features.stored_detectors import find_detector
from touchline.features.stored_pca import StoredPca, find_pca
from touchline.timebase import parse_rate
from touchline.zoo.identity import PUBLISHED, FeatureIdentity, published_identity

_PUBLISHED_PCA = "touchline models import pca_512_TF2.pkl --average average_512_TF2.pkl"

_WITHOUT_EXTRACTOR = {
    "baidu_soccer_embeddings": "were published without the networks that make them",
}
"""Published features that cannot be made of a video, and why."""


@dataclass(frozen=True)
class WantedFeatures:
    """Features that a model reads.

    Attributes:
        model: its name.
        name: of the files, such as ``"ResNET_TF2_PCA512"``.
        rate: rows a second.
        width: numbers of a row; None where nothing says it.
        identity: what made those that it was trained on; None where nothing says it.
    """

    model: str
    name: str
    rate: Fraction
    width: int | None = None
    identity: FeatureIdentity | None = None


def open_extractor_of(
    wanted: WantedFeatures, placement: Placement = DEFAULT_PLACEMENT
) -> Extractor:
    """Make the extractor ready that makes these features of a video.

    Raises:
        ConfigError: nothing says which it is, or the one that is here makes other numbers.
        CheckpointError: its weights or its PCA are not here; says how to import them.
    """
    identity = wanted.identity or published_identity(wanted.name, wanted.rate)
    if identity is None:
        raise _unknown(wanted)
    if not is_known(identity.name):
        raise ConfigError(
            f"model {wanted.model} reads features of {identity.name}, which is not here",
            remedy=f"bring the model {identity.name} into the zoo, or extract where it is and run "
            f"touchline predict",
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
            f"model {wanted.model} was trained on features that cannot be made here: {difference}",
            remedy="import the weights that its features were made with",
        )
    return extractor


def _unknown(wanted: WantedFeatures) -> ConfigError:
    why = _WITHOUT_EXTRACTOR.get(wanted.name)
    known = f", which {why}" if why else ", and nothing says what makes them"
    return ConfigError(
        f"model {wanted.model} reads features {wanted.name}{known}",
        remedy="give their files to touchline predict",
    )


def _detections(
    identity: FeatureIdentity, wanted: WantedFeatures, placement: Placement
) -> ExtractorSpec:
    """The detector that was imported, or player boxes, which lie beside the video.

    Raises:
        CheckpointError: the detector is not here.
    """
    if identity.settings.get("detector") == BOXES:
        return ExtractorSpec(f"{DETECTIONS}@{BOXES}")
    path = find_detector(identity.weights)
    if path is None:
        raise CheckpointError(
            f"model {wanted.model} reads detections by a detector that is not here",
            remedy="get it and run: touchline models import DETECTOR.onnx (its checksum begins "
            f"with {str(identity.weights)[:16]}), or extract them and run touchline predict",
        )
    told = identity.settings.get("classes")
    return ExtractorSpec(
        f"{DETECTIONS}@{path}",
        placement=replace(placement, engine="auto"),
        detection=DetectionOptions(None if told is None else str(told)),
    )


def _pca(identity: FeatureIdentity, wanted: WantedFeatures) -> StoredPca | None:
    """The PCA that the features pass, if any.

    Raises:
        CheckpointError: it, or the extractor's weights, are not here.
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
            "are not here",
            remedy=f"get them and run: {' and '.join(commands)}",
        )
    return pca
