"""Who is in a picture and where the ball is: what a detector says, and what of it is believed.

A detector is anything that turns pictures into ``Detections``. ``--detector`` names one: a file in
ONNX, ``hf:`` and a name of Hugging Face or a folder, or ``boxes`` for the player-box files that
SoccerNet publishes.
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

LEAST_CONFIDENCE = {PERSON: 0.3, REFEREE: 0.3, BALL: 0.15}
"""Boxes must be surer than this."""

_LEAST = np.array([LEAST_CONFIDENCE[kind] for kind in range(len(KINDS))], np.float32)

MOST_OVERLAP = 0.5
"""Of two boxes of a kind that overlap by more (intersection over union) the surer one stays."""

MOST_PEOPLE = 100
"""In one picture: the surest are kept."""

LEAST_SIDE = 1e-3
"""Boxes that are narrower or lower than this share of the picture are none."""

HUGGING_FACE = "hf:"

_CALLED = {
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
_KIND_OF_NAME = {name: kind for kind, names in _CALLED.items() for name in names}


@dataclass(frozen=True, eq=False)
class Detections:
    """What was found in one picture.

    Attributes:
        corners: (n, 4) float32: x1, y1, x2, y2 as shares of the picture's width and height.
        kinds: (n,) int64: ``PERSON``, ``REFEREE`` or ``BALL``.
        confidence: (n,) float32, 0 to 1.
    """

    corners: Floats
    kinds: npt.NDArray[np.int64]
    confidence: Floats

    def __len__(self) -> int:
        return len(self.kinds)

    def taken(self, which: npt.NDArray[np.int64] | npt.NDArray[np.bool_]) -> "Detections":
        """Some of them, by number or mask."""
        return Detections(self.corners[which], self.kinds[which], self.confidence[which])

    def people(self) -> "Detections":
        """The persons and referees."""
        return self.taken(self.kinds != BALL)

    def balls(self) -> "Detections":
        """The balls, the surest first."""
        found = self.taken(self.kinds == BALL)
        return found.taken(np.argsort(-found.confidence, kind="stable"))


NOTHING = Detections(np.zeros((0, 4), np.float32), np.zeros(0, np.int64), np.zeros(0, np.float32))


def believed(found: Detections) -> Detections:
    """What of a detector's boxes is taken for true: inside the picture, sure, and said once.

    Players and referees push each other out; balls only balls.
    """
    corners = found.corners.clip(0, 1)
    sides = corners[:, 2:] - corners[:, :2]
    kept = (sides >= LEAST_SIDE).all(axis=1) & (found.confidence > _LEAST[found.kinds])
    inside = Detections(corners[kept], found.kinds[kept], found.confidence[kept])
    people, balls = inside.people(), inside.balls()
    parts = [people.taken(_said_once(people)[:MOST_PEOPLE]), balls.taken(_said_once(balls))]
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


def _said_once(found: Detections) -> npt.NDArray[np.int64]:
    """Numbers of the boxes that no surer box says already, the surest first."""
    order = np.argsort(-found.confidence, kind="stable")
    if len(order) < 2:
        return order
    same = overlaps(found.corners[order].astype(np.float64)) > MOST_OVERLAP
    kept = np.ones(len(order), np.bool_)
    for place in range(len(order)):
        if kept[place]:
            kept[place + 1 :] &= ~same[place, place + 1 :]
    return order[kept]


class Detector:
    """A network that finds people and the ball.

    Args:
        network: whose boxes are meant.
        classes: kinds by the network's class; see ``kinds_of``.
    """

    def __init__(self, network: "DetectionNetwork", classes: Mapping[int, int]) -> None:
        self.network = network
        self.classes = dict(sorted(classes.items()))

    @property
    def settings(self) -> dict[str, str | int | None]:
        """What changes its numbers, beside its weights."""
        told = ",".join(f"{KINDS[kind]}={number}" for number, kind in self.classes.items())
        return {"layout": self.network.layout, "classes": told}

    def detect(self, pictures: Pixels) -> list[Detections]:
        """What is believed to be in (n, H, W, 3) pictures of ``network.picture_size``."""
        return [believed(self._known(boxes)) for boxes in self.network(pictures)]

    def _known(self, boxes: Boxes) -> Detections:
        known = np.isin(boxes.classes, list(self.classes))
        kinds = [self.classes[number] for number in boxes.classes[known].tolist()]
        return Detections(boxes.corners[known], np.array(kinds, np.int64), boxes.scores[known])


def open_detector(name: str, classes: str | None, placement: Placement) -> Detector:
    """A detector by its name, ready but for its last preparation.

    Args:
        name: a file in ONNX, or ``hf:`` and a name or folder.
        classes: what the user says of its classes; see ``kinds_of``.

    Raises:
        InputError: no such detector, a broken one, or one that knows no people.
    """
    if name.startswith(HUGGING_FACE):
        _refuse_engine(placement.engine, "torch", "detectors of Hugging Face")
        network = _hugging_face(name.removeprefix(HUGGING_FACE), placement)
    else:
        _refuse_engine(placement.engine, "openvino", "detectors in ONNX")
        from touchline.engines.detectors import OnnxDetector

        network = OnnxDetector(Path(name), placement.precision, placement.threads)
    return Detector(network, kinds_of(network.names, classes, network.classes, name))


def kinds_of(
    names: Mapping[int, str], told: str | None, count: int | None, where: str
) -> dict[int, int]:
    """Which of a network's classes are people, referees and balls.

    Args:
        names: what the network says of its classes.
        told: what the user says: names in the order of the classes, or ``person=0,ball=32``.
        count: of its classes; None if not known.
        where: the detector.

    Raises:
        ConfigError: no class is of people, or a class that there is not.
    """
    if told is not None:
        names = _told_names(told)
    elif not names:
        raise ConfigError(
            "does not say what its classes are",
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
        told_of = ", ".join(list(names.values())[:8])
        raise ConfigError(
            f"knows no people, only {told_of}"[:300],
            where=where,
            remedy="give --detector-classes, such as person=0,ball=1; names known are "
            + ", ".join(_KIND_OF_NAME),
        )
    return kinds


def _plain(name: str) -> str:
    return re.sub(r"[\s_-]+", " ", name).strip().lower()


def _told_names(text: str) -> dict[int, str]:
    names: dict[int, str] = {}
    for place, item in enumerate(text.split(",")):
        name, equals, number = item.partition("=")
        if equals and not re.fullmatch(r"\s*\d{1,5}\s*", number):
            raise ConfigError(
                f"{item!r} names no class", where="--detector-classes", remedy="such as person=0"
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
    """(n, 3) mean RGB amid boxes of a picture: of the middle half each way, which is body."""
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
