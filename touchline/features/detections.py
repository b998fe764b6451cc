"""Detections as features: 46 statistics of the people and the ball in the picture.

The player-box files of Cioppa et al., CVPR Workshops 2021, can be read instead of running a
detector, and can be written from any detector.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path

import numpy as np

from touchline.engines.detector_layouts import Size
from touchline.errors import ConfigError, InputError
from touchline.features.detection_statistics import ROWS_PER_SECOND, DetectionStatistics
from touchline.features.detector import (
    HUGGING_FACE,
    PERSON,
    Detections,
    Detector,
    Floats,
    Pixels,
    filter_detections,
    mean_colours,
    open_detector,
)
from touchline.features.extractor import DEFAULT_PLACEMENT, Extraction, Placement, Write
from touchline.features.pictures import describe_frames, unchanged
from touchline.features.sound import check_rate
from touchline.features.store import files_prefix
from touchline.formats.player_boxes import (
    PLAYER_BOXES_FILES,
    PlayerBoxes,
    player_boxes_document,
    player_boxes_name,
    read_player_boxes,
)
from touchline.media.video import probe, read_frames
from touchline.runtime.progress import Progress
from touchline.timebase import format_rate
from touchline.zoo.identity import FeatureIdentity

NAME = "detections"
SUFFIX = "DET"

BOXES = "boxes"
"""The detector that reads player-box files."""

_ROWS_AT_ONCE = 1024


@dataclass(frozen=True)
class DetectionOptions:
    """Options of a detector.

    Attributes:
        classes: names of its classes; see ``map_classes``.
        keeps_boxes: also write the boxes of people.
    """

    classes: str | None = None
    keeps_boxes: bool = False


DEFAULT_DETECTION = DetectionOptions()


def open_detections(
    detector: str,
    rate: Fraction | None = None,
    placement: Placement = DEFAULT_PLACEMENT,
    options: DetectionOptions = DEFAULT_DETECTION,
) -> "PictureDetections | BoxDetections":
    """The extractor for a detector; its network is compiled when it is first used.

    Args:
        detector: an ONNX file, ``hf:`` and a name or folder, or ``boxes``.

    Raises:
        InputError: no such detector, a broken one, or one without a class of people.
        ConfigError: a rate other than 2, or options that do not apply to box files.
    """
    if not detector:
        raise InputError(
            "needs a detector",
            where=NAME,
            remedy=f"give --detector FILE.onnx, {HUGGING_FACE}NAME or {BOXES}",
        )
    if detector != BOXES:
        found = open_detector(detector, options.classes, placement)
        return PictureDetections(found, rate, keeps_boxes=options.keeps_boxes)
    if options != DEFAULT_DETECTION:
        raise ConfigError(
            "--detector-classes and --player-boxes do not apply to player-box files",
            where=f"--detector {BOXES}",
            remedy="leave both out",
        )
    return BoxDetections(rate)


class PictureDetections:
    """Statistics of the detections in a video: an ``Extractor``.

    Args:
        detector: the detector.
        rate: rows a second; only 2 is supported.
        keeps_boxes: also write the boxes of people, as a player-box file.

    Raises:
        ConfigError: another rate.
    """

    suffix = SUFFIX

    def __init__(
        self, detector: Detector, rate: Fraction | None = None, *, keeps_boxes: bool = False
    ) -> None:
        check_rate(NAME, rate, ROWS_PER_SECOND)
        self._detector = detector
        self._keeps_boxes = keeps_boxes
        self.identity = FeatureIdentity(
            name=NAME,
            weights=detector.network.digest,
            rate=format_rate(ROWS_PER_SECOND),
            settings=detector.settings,
        )

    @property
    def engine(self) -> str:
        """See ``Extractor``."""
        return self._detector.network.name

    def extract(self, source: Path, write: Write, progress: Progress) -> Extraction:
        """See ``Extractor``."""
        size = probe(source).size
        statistics = DetectionStatistics()
        people = _People()

        def describe(pictures: Pixels) -> Floats:
            found = self._detector.detect(pictures)
            if self._keeps_boxes:
                people.add(pictures, found)
            return statistics(found)

        stream = read_frames(
            source, rate=ROWS_PER_SECOND, size=self._detector.network.picture_size(size)
        )
        extracted = describe_frames(stream, unchanged, describe, write, progress)
        if not self._keeps_boxes:
            return extracted
        document = player_boxes_document(people.boxes(size))
        text = json.dumps(document, separators=(",", ":"), allow_nan=False) + "\n"
        return Extraction(
            extracted.first_seconds, extracted.stopped_at_seconds, {PLAYER_BOXES_FILES: text}
        )

    def close(self) -> None:
        """See ``Extractor``."""


class BoxDetections:
    """Statistics of a player-box file, which has no ball: an ``Extractor``.

    Its source is that file, or another file of the same half in its folder, such as the video.

    Args:
        rate: rows a second; only the rate of the files is supported.

    Raises:
        ConfigError: another rate.
    """

    suffix = SUFFIX
    engine = "numpy"

    def __init__(self, rate: Fraction | None = None) -> None:
        check_rate(NAME, rate, ROWS_PER_SECOND)
        self.identity = FeatureIdentity(
            name=NAME, rate=format_rate(ROWS_PER_SECOND), settings={"detector": BOXES}
        )

    def extract(self, source: Path, write: Write, progress: Progress) -> Extraction:
        """See ``Extractor``.

        Raises:
            FormatError: the player-box file of the half is missing or malformed.
        """
        found = read_detections(_boxes_of(source))
        statistics = DetectionStatistics()
        for first in range(0, len(found), _ROWS_AT_ONCE):
            write(statistics(found[first : first + _ROWS_AT_ONCE]))
            progress(min(first + _ROWS_AT_ONCE, len(found)) / len(found))
        return Extraction(first_seconds=0.0)

    def close(self) -> None:
        """See ``Extractor``."""


def read_detections(path: Path) -> list[Detections]:
    """The people of a player-box file, entry by entry, as detections.

    Raises:
        FormatError: the file is missing or malformed.
    """
    return detections_of(read_player_boxes(path))


def detections_of(boxes: PlayerBoxes) -> list[Detections]:
    """Player boxes as detections, entry by entry, with confidence 1."""
    shares = (boxes.corners / np.tile(boxes.size, 2)).astype(np.float32)
    return [
        filter_detections(
            Detections(
                shares[begin:end],
                np.full(end - begin, PERSON),
                np.ones(end - begin, np.float32),
            )
        )
        for begin, end in zip(boxes.first[:-1].tolist(), boxes.first[1:].tolist(), strict=True)
    ]


def _boxes_of(source: Path) -> Path:
    """The player-box file of the half that a file belongs to."""
    if source.suffix in (".json", ".gz"):
        return source
    return source.with_name(player_boxes_name(files_prefix(source)))


@dataclass
class _People:
    """Collects the people of a half, picture by picture."""

    _counts: list[int] = field(default_factory=lambda: [0])
    _corners: list[Floats] = field(default_factory=list)
    _colours: list[Floats] = field(default_factory=list)

    def add(self, pictures: Pixels, found: Sequence[Detections]) -> None:
        """Add the people of (n, H, W, 3) pictures."""
        for picture, seen in zip(pictures, found, strict=True):
            corners = seen.people().corners
            self._counts.append(len(corners))
            self._corners.append(corners)
            self._colours.append(mean_colours(picture, corners))

    def boxes(self, size: Size) -> PlayerBoxes:
        """The collected boxes, in pixels of a picture of this (width, height)."""
        corners = np.concatenate([np.zeros((0, 4), np.float32), *self._corners])
        colours = np.concatenate([np.zeros((0, 3), np.float32), *self._colours])
        return PlayerBoxes(
            size,
            first=np.cumsum(self._counts),
            corners=corners.astype(np.float64) * np.tile(size, 2),
            colours=colours.astype(np.float64),
        )
