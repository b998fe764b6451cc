"""Extractors by name."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

from touchline.errors import CheckpointError, ConfigError, InputError
from touchline.features.detections import (
    BOXES,
    DEFAULT_DETECTION,
    DetectionOptions,
    open_detections,
)
from touchline.features.detections import NAME as DETECTIONS
from touchline.features.extractor import DEFAULT_PLACEMENT, Extractor, Placement
from touchline.features.mel_power import MelPower
from touchline.features.pca import PcaExtractor
from touchline.features.pictures import ModelPictures
from touchline.features.resnet import TRANSFORMS, PublishedResNet, TimmBackbone
from touchline.features.sound import LogMel, SpectrumStatistics
from touchline.features.stored_pca import store_pca
from touchline.features.top_view_vectors import WEIGHTS as TOP_VIEW_WEIGHTS
from touchline.features.top_view_vectors import TopViewVectors
from touchline.features.vggish import EMBEDDING, HALF_SECONDS, VGGishSound
from touchline.formats.player_boxes import CALIBRATION_FILES, PLAYER_BOXES_FILES
from touchline.zoo.extractors import ExtractorFolder, find_extractor, folder_name
from touchline.zoo.store import find, sha256_of


@dataclass(frozen=True)
class ExtractorSpec:
    """An extractor and its options.

    Attributes:
        name: one of ``NAMES``, or a model of the zoo such as ``"demo"``; ``<name>@<file>`` takes
            its weights from a file; or ``"detections@<detector>"``.
        rate: rows a second; the extractor's own by default.
        placement: where and how its network runs.
        pca: a PCA applied to its rows, and the published average, if any.
        detection: options of the detector.
    """

    name: str
    rate: Fraction | None = None
    placement: Placement = DEFAULT_PLACEMENT
    pca: tuple[Path, Path | None] | None = None
    detection: DetectionOptions = DEFAULT_DETECTION

    @property
    def additional_files(self) -> tuple[str, ...]:
        """Additional files written with the features, by the part of their names after ``1_``."""
        keeps_boxes = self.detection.keeps_boxes and _is_detections(self.name)
        return (PLAYER_BOXES_FILES,) if keeps_boxes else ()


def _is_detections(name: str) -> bool:
    return name.partition("@")[0] == DETECTIONS


_WITHOUT_WEIGHTS: Mapping[str, Callable[[Fraction | None], Extractor]] = {
    "log-mel": LogMel,
    "fft": SpectrumStatistics,
    "mel-power": MelPower,
}

_RESNETS = {f"resnet152{'' if name == 'crop' else f'-{name}'}": name for name in TRANSFORMS}
"""The transform of frames, by extractor."""

_STORED_AS = {
    **dict.fromkeys(_RESNETS, "resnet152"),
    "vggish": "vggish",
    "vggish-half-second": "vggish",
    "top-view": TOP_VIEW_WEIGHTS,
}
"""The name of the stored weights, by extractor."""

_PUBLISHED_FILES = {
    "resnet152": ("resnet152_weights_tf_dim_ordering_tf_kernels_notop.h5", "Keras"),
    "vggish": ("vggish-10086976.pth", "torchvggish"),
}
"""The published file of the weights, and its publisher, by name of the weights."""

AUDIO_EXTRACTORS = {"vggish", "vggish-half-second", "log-mel", "mel-power", "fft"}
"""Extractors that need audio."""

_INPUT_FILES = {"top-view": CALIBRATION_FILES, f"{DETECTIONS}@{BOXES}": PLAYER_BOXES_FILES}

_TIMM = "timm:"

NAMES = (*_STORED_AS, *_WITHOUT_WEIGHTS, DETECTIONS, "timm:<backbone>", "demo")
"""Names of the extractors; ``demo`` stands for any model with a network of single frames."""


def input_file_ending(spec: ExtractorSpec) -> str | None:
    """Ending of the file of a half that an extractor reads; None if it reads the video."""
    return _INPUT_FILES.get(spec.name) or _INPUT_FILES.get(spec.name.partition("@")[0])


def open_extractor(spec: ExtractorSpec) -> Extractor:
    """Open an extractor; its network is loaded when it is first used.

    Raises:
        InputError: unknown extractor, missing weights, or a PCA of other features.
    """
    extractor = _open_without_pca(spec)
    if spec.pca is None:
        return extractor
    if spec.additional_files:
        raise ConfigError("--player-boxes cannot be combined with a PCA", where="--pca")
    reduced = PcaExtractor(extractor, *spec.pca)
    store_pca(*spec.pca)
    return reduced


def is_extractor(name: str) -> bool:
    """Whether an extractor or a model of the zoo has this name."""
    if name in (*_WITHOUT_WEIGHTS, *_STORED_AS, DETECTIONS) or name.startswith(_TIMM):
        return True
    try:
        find(name)
    except CheckpointError:
        return False
    return True


def missing_weights(name: str) -> str | None:
    """The command that imports an extractor's weights; None if they are stored or downloadable.

    Raises:
        CheckpointError: a broken card.
    """
    stored = _STORED_AS.get(name)
    if stored not in _PUBLISHED_FILES or find_extractor(folder_name(stored)) is not None:
        return None
    file, publisher = _PUBLISHED_FILES[stored]
    return f"touchline models import {file} (of {publisher})"


def _open_without_pca(spec: ExtractorSpec) -> Extractor:
    name, _, file = spec.name.partition("@")
    if name in _WITHOUT_WEIGHTS:
        return _WITHOUT_WEIGHTS[name](spec.rate)
    if name == DETECTIONS:
        return open_detections(file, spec.rate, spec.placement, spec.detection)
    if name in _STORED_AS or name.startswith(_TIMM):
        folder = _weights(_STORED_AS.get(name, name), Path(file) if file else None)
        if name.startswith(_TIMM):
            return TimmBackbone(folder, spec.rate, spec.placement)
        if name == "top-view":
            return TopViewVectors(folder, spec.rate, spec.placement)
        if name in _RESNETS:
            return PublishedResNet(folder, spec.rate, spec.placement, _RESNETS[name])
        sound_map = EMBEDDING if name == EMBEDDING.name else HALF_SECONDS
        return VGGishSound(folder, sound_map, spec.rate, spec.placement)
    try:
        model = find(spec.name)
    except CheckpointError as error:
        raise InputError(
            f"there is no extractor {spec.name!r}",
            remedy=f"use {', '.join(NAMES)}, or another model of `touchline models list`",
        ) from error
    return ModelPictures(model, spec.rate, spec.placement)


def obtainable_weights(name: str) -> tuple[str, Path | None] | None:
    """The weights that an extractor lacks and that can be had: their name, and the file that holds
    them or None for those that timm downloads. None if nothing is lacking or can be had."""
    name, _, file = name.partition("@")
    if name not in _STORED_AS and not name.startswith(_TIMM):
        return None
    stored = _STORED_AS.get(name, name)
    if find_extractor(folder_name(stored)) is not None or not (file or stored.startswith(_TIMM)):
        return None
    return stored, Path(file) if file else None


def _weights(name: str, file: Path | None) -> ExtractorFolder:
    folder = find_extractor(folder_name(name))
    if file is not None and not file.is_file():
        raise CheckpointError("no such file", where=file)
    if folder is None:
        command = missing_weights(name) or f"touchline models import {file or name}"
        raise CheckpointError(f"the weights of {name} are not here", remedy=f"run: {command}")
    if file is not None and sha256_of(file) != folder.card.original_sha256:
        raise ConfigError(
            f"extractor {name} is stored with other weights than {file.name}",
            where=folder.path,
            remedy="remove that folder to take the new ones",
        )
    return folder
