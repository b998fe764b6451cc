"""Object detection: people and ball in pictures, with thresholds and suppression of duplicates.

``--detector`` selects a detector: an ONNX file, ``hf:`` and a name on Hugging Face or a folder, or
``boxes`` for the player-box files that SoccerNet publishes.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from touchline.engines import EngineName
from touchline.engines.detector_layouts import Boxes
from touchline.errors import ConfigError, MissingExtraError
from touchline.features.extractor import Placement

if TYPE_CHECKING:
    from touchline.engines.detectors import DetectionNetwork

Floats = npt.NDArray[np.float32]
Pixels = npt.NDArray[np.uint8]

KINDS = ("person", "referee", "ball")
PERSON, REFEREE, BALL = range(len(KINDS))

MIN_CONFIDENCE = {PERSON: 0.3, REFEREE: 0.3, BALL: 0.15}
"""Boxes of lower confidence are dropped."""

_MIN_CONFIDENCES = np.array([MIN_CONFIDENCE[kind] for kind in range(len(KINDS))], np.float32)

MAX_OVERLAP = 0.5
"""Of two boxes with a larger intersection over union, the less confident one is dropped."""

MAX_PEOPLE = 100
"""People kept in one picture: the most confident ones."""

MIN_SIDE = 1e-3
"""Boxes with a smaller width or height (as a fraction of the picture) are dropped."""

HUGGING_FACE = "hf:"

_CLASS_NAMES = {
    PERSON: (
        "person",
        "people",
        "human",
        "pedestrian",
        "player",
        "football player",
        "soccer player",
        "goalkeeper",
        "goalie",
    ),
    REFEREE: ("referee", "main referee", "assistant referee", "side referee", "linesman"),
    BALL: ("ball", "sports ball", "football", "soccer ball"),
}
_KIND_OF_NAME = {name: kind for kind, names in _CLASS_NAMES.items() for name in names}


@dataclass(frozen=True, eq=False)
class Detections:
    """The detections in one picture.

    Attributes:
        corners: (n, 4) float32: x1, y1, x2, y2 as fractions of the picture's width and height.
        kinds: (n,) int64: ``PERSON``, ``REFEREE`` or ``BALL``.
        confidence: (n,) float32, 0 to 1.
    """

    corners: Floats
    kinds: npt.NDArray[np.int64]
    confidence: Floats

    def __len__(self) -> int:
        return len(self.kinds)

    def select(self, which: npt.NDArray[np.int64] | npt.NDArray[np.bool_]) -> "Detections":
        """A subset, by index or mask."""
        return Detections(self.corners[which], self.kinds[which], self.confidence[which])

    def people(self) -> "Detections":
        """The persons and referees."""
        return self.select(self.kinds != BALL)

    def balls(self) -> "Detections":
        """The balls, the most confident first."""
        found = self.select(self.kinds == BALL)
        return found.select(np.argsort(-found.confidence, kind="stable"))


NO_DETECTIONS = Detections(
    np.zeros((0, 4), np.float32), np.zeros(0, np.int64), np.zeros(0, np.float32)
)


def filter_detections(found: Detections) -> Detections:
    """Clip boxes to the picture, drop small and uncertain ones, and suppress duplicates.

    Persons and referees suppress each other; balls suppress only balls.
    """
    corners = found.corners.clip(0, 1)
    sides = corners[:, 2:] - corners[:, :2]
    kept = (sides >= MIN_SIDE).all(axis=1) & (found.confidence > _MIN_CONFIDENCES[found.kinds])
    inside = Detections(corners[kept], found.kinds[kept], found.confidence[kept])
    people, balls = inside.people(), inside.balls()
    parts = [people.select(_suppressed(people)[:MAX_PEOPLE]), balls.select(_suppressed(balls))]
    return Detections(
        np.concatenate([part.corners for part in parts]),
        np.concatenate([part.kinds for part in parts]),
        np.concatenate([part.confidence for part in parts]),
    )


def overlaps(corners: npt.NDArray[np.floating]) -> npt.NDArray[np.floating]:
    """(..., n, 4) boxes to (..., n, n) intersection over union."""
    low = np.maximum(corners[..., :, None, :2], corners[..., None, :, :2])
    high = np.minimum(corners[..., :, None, 2:], corners[..., None, :, 2:])
    shared = np.maximum(high - low, 0).prod(axis=-1)
    areas = (corners[..., 2:] - corners[..., :2]).prod(axis=-1)
    either = areas[..., :, None] + areas[..., None, :] - shared
    result: npt.NDArray[np.floating] = shared / np.maximum(either, np.finfo(np.float32).tiny)
    return result


def _suppressed(found: Detections) -> npt.NDArray[np.int64]:
    """Non-maximum suppression: indices of the kept boxes, the most confident first."""
    order = np.argsort(-found.confidence, kind="stable")
    if len(order) < 2:
        return order
    same = overlaps(found.corners[order].astype(np.float64)) > MAX_OVERLAP
    kept = np.ones(len(order), np.bool_)
    for place in range(len(order)):
        if kept[place]:
            kept[place + 1 :] &= ~same[place, place + 1 :]
    return order[kept]


class Detector:
    """A network that detects people and the ball.

    Args:
        network: the detection network.
        classes: kind (``PERSON`` ...) by class of the network; see ``map_classes``.
    """

    def __init__(self, network: "DetectionNetwork", classes: Mapping[int, int]) -> None:
        self.network = network
        self.classes = dict(sorted(classes.items()))

    @property
    def settings(self) -> dict[str, str | int | None]:
        """The settings, besides the weights, that change its output."""
        classes = ",".join(f"{KINDS[kind]}={number}" for number, kind in self.classes.items())
        return {"layout": self.network.layout, "classes": classes}

    def detect(self, pictures: Pixels) -> list[Detections]:
        """The detections in (n, H, W, 3) pictures of ``network.picture_size``."""
        return [filter_detections(self._known(boxes)) for boxes in self.network(pictures)]

    def _known(self, boxes: Boxes) -> Detections:
        known = np.isin(boxes.classes, list(self.classes))
        kinds = [self.classes[number] for number in boxes.classes[known].tolist()]
        return Detections(boxes.corners[known], np.array(kinds, np.int64), boxes.scores[known])


def open_detector(name: str, classes: str | None, placement: Placement) -> Detector:
    """A detector by its name; it is compiled when it is first used.

    Args:
        name: an ONNX file, or ``hf:`` and a name or folder.
        classes: names of its classes given by the user; see ``map_classes``.

    Raises:
        InputError: no such detector, a broken one, or one without a class of people.
    """
    if name.startswith(HUGGING_FACE):
        _refuse_engine(placement.engine, "torch", "detectors of Hugging Face")
        network = _hugging_face(name.removeprefix(HUGGING_FACE), placement)
    else:
        _refuse_engine(placement.engine, "openvino", "detectors in ONNX")
        from touchline.engines.detectors import OnnxDetector

        network = OnnxDetector(Path(name), placement.precision, placement.threads)
    return Detector(network, map_classes(network.names, classes, network.classes, name))


def map_classes(
    names: Mapping[int, str], given: str | None, count: int | None, where: str
) -> dict[int, int]:
    """Map the classes of a network to ``PERSON``, ``REFEREE`` and ``BALL``.

    Args:
        names: class names in the network's metadata.
        given: class names from the user, in order, or as ``person=0,ball=32``; they override
            ``names``.
        count: number of classes; None if unknown.
        where: the detector, for error messages.

    Raises:
        ConfigError: no class of people, or a class number out of range.
    """
    if given is not None:
        names = _parse_classes(given)
    elif not names:
        raise ConfigError(
            "has no class names",
            where=where,
            remedy="give --detector-classes, such as person=0,ball=32 for the 80 classes of COCO",
        )
    kinds = {
        number: _KIND_OF_NAME[_plain(name)]
        for number, name in names.items()
        if _plain(name) in _KIND_OF_NAME
    }
    if count is not None and any(number >= count for number in kinds):
        raise ConfigError(
            f"has {count} classes, numbered from 0", where=where, remedy="see --detector-classes"
        )
    if not {PERSON, REFEREE} & set(kinds.values()):
        listed = ", ".join(list(names.values())[:8])
        raise ConfigError(
            f"has no class of people, only {listed}"[:300],
            where=where,
            remedy="give --detector-classes, such as person=0,ball=1; known names are "
            + ", ".join(_KIND_OF_NAME),
        )
    return kinds


def _plain(name: str) -> str:
    return re.sub(r"[\s_-]+", " ", name).strip().lower()


def _parse_classes(text: str) -> dict[int, str]:
    names: dict[int, str] = {}
    for place, item in enumerate(text.split(",")):
        name, equals, number = item.partition("=")
        if equals and not re.fullmatch(r"\s*\d{1,5}\s*", number):
            raise ConfigError(
                f"{item!r} is not a class", where="--detector-classes", remedy="such as person=0"
            )
        names[int(number) if equals else place] = name
    return names


def _refuse_engine(engine: EngineName, own: EngineName, what: str) -> None:
    if engine not in ("auto", own):
        raise ConfigError(f"{what} run on {own}, not on {engine}", remedy="leave --engine out")


def _hugging_face(name: str, placement: Placement) -> "DetectionNetwork":
    try:
        from touchline.engines.hugging_face import HuggingFaceDetector
    except ImportError as error:
        raise MissingExtraError("a detector of Hugging Face", "transformers") from error
    return HuggingFaceDetector(name, placement.precision, placement.threads)


def mean_colours(picture: Pixels, corners: Floats) -> Floats:
    """(n, 3) mean RGB of the central half of each box, in both directions."""
    height, width = picture.shape[:2]
    colours = np.zeros((len(corners), 3), np.float32)
    for number, (x1, y1, x2, y2) in enumerate(corners.tolist()):
        columns = _middle(x1 * width, x2 * width, width)
        rows = _middle(y1 * height, y2 * height, height)
        colours[number] = picture[rows, columns].reshape(-1, 3).mean(axis=0)
    return colours


def _middle(low: float, high: float, side: int) -> slice:
    quarter = (high - low) / 4
    first = min(int(low + quarter), side - 1)
    return slice(first, max(first + 1, round(high - quarter)))
