"""Player graphs: people as nodes, joined if they are near each other, two graphs a second.

Cioppa et al.: "Camera Calibration and Player Localization in SoccerNet-v2 and Investigation of
their Representations for Action Spotting", CVPR Workshops 2021, as in CALF_Calibration_GCN.
"""

from dataclasses import dataclass
from fractions import Fraction

import numpy as np
import numpy.typing as npt

from touchline.errors import ConfigError
from touchline.features.pitch import CONFIDENT, feet, picture_centre, project, to_pitch
from touchline.formats.player_boxes import PLAYER_BOXES_RATE, Calibration, PlayerBoxes

NODE_FEATURES = 8
"""Three colour channels, area of the box, position on the pitch, position of the view's centre."""

MAX_PEOPLE = 40
"""Nodes of a graph; further people are left out."""

NEAR_METRES = 25.0
"""People closer than this are joined by an edge."""

_METRES = 50.0
_SQUARE_PIXELS = 10_000.0
_FRAMES_AT_ONCE = 512

Rows = npt.NDArray[np.float32]


@dataclass(frozen=True)
class GraphStyle:
    """The features of the nodes.

    Attributes:
        centre: include the position of the picture's centre on the pitch; else 0.
        certainty: include the confidence of the calibration as a ninth feature.
        calibrated: positions in metres; else in pixels and without edges.
        confidence: homographies of at most this confidence are not used.
        people: maximum number of nodes.

    Raises:
        ConfigError: a number of people outside 1 to 255.
    """

    centre: bool = False
    certainty: bool = False
    calibrated: bool = True
    confidence: float = CONFIDENT
    people: int = MAX_PEOPLE

    def __post_init__(self) -> None:
        if not 1 <= self.people <= 255:
            raise ConfigError(f"{self.people} people are not allowed", remedy="1 to 255")

    @property
    def node_features(self) -> int:
        """Number of features of a node."""
        return NODE_FEATURES + self.certainty


PUBLISHED_STYLE = GraphStyle()
"""The style of the published networks."""


class PlayerGraph:
    """The graphs of a half: a ``Stream`` with one graph per row.

    A row is (people, features + 1 + people) float32: for each node its features, 1 if the node
    exists, and a row of the adjacency matrix. Without a calibration of sufficient confidence,
    without people, and beyond the end of either file, there is one node with features 0.

    Args:
        calibration: the calibration. Here a confidence of exactly 0.75 is not sufficient.
        boxes: the player boxes.
        style: the features of the nodes.
        steps: number of rows; by default the number of calibrations.
    """

    rate: Fraction = PLAYER_BOXES_RATE

    def __init__(
        self,
        calibration: Calibration,
        boxes: PlayerBoxes,
        style: GraphStyle = PUBLISHED_STYLE,
        *,
        steps: int | None = None,
    ) -> None:
        self.style = style
        self.steps = len(calibration) if steps is None else steps
        known = min(len(calibration), len(boxes), self.steps)
        inverse = to_pitch(calibration)[:known]
        usable = np.ones(known, np.bool_)
        if style.calibrated:
            trusted = calibration.confidence[:known] > style.confidence
            usable = trusted & ~np.isnan(inverse[:, 0, 0])
        counts = np.diff(boxes.first[: known + 1])
        entry = np.repeat(np.arange(known), counts)
        place = np.arange(len(entry)) - np.repeat(boxes.first[:known], counts)
        seen = np.flatnonzero(usable[entry] & (place < style.people))
        self._entry, self._place = entry[seen].astype(np.int32), place[seen].astype(np.uint8)
        self._looks = _looks(boxes, seen)
        self._places = feet(boxes)[seen]
        if style.calibrated:
            self._places = _finite(project(inverse[entry[seen]], self._places))
        self._middle = np.zeros((self.steps, 2))
        if style.centre and style.calibrated:
            points = np.broadcast_to(picture_centre(calibration), (known, 2))
            self._middle[:known] = _finite(project(inverse, points))
        self._confidence = calibration.confidence[:known]

    def read(self, first: int, count: int) -> Rows:
        """(count, people, features + 1 + people) graphs; see ``Stream``."""
        wanted = np.arange(first, first + count).clip(0, self.steps - 1)
        begin, end = int(wanted[0]), int(wanted[-1]) + 1
        people = self.style.people
        graphs = np.zeros((end - begin, people, self.style.node_features + 1 + people), np.float32)
        for start in range(begin, end, _FRAMES_AT_ONCE):
            stop = min(end, start + _FRAMES_AT_ONCE)
            self._fill(graphs[start - begin : stop - begin], start, stop)
        return graphs if len(graphs) == count else graphs[wanted - begin]

    def read_all(self) -> Rows:
        """(steps, people, features + 1 + people) all graphs."""
        return self.read(0, self.steps)

    def _fill(self, graphs: Rows, begin: int, end: int) -> None:
        width = self.style.node_features
        low, high = np.searchsorted(self._entry, (begin, end))
        entry, place = self._entry[low:high] - begin, self._place[low:high]
        graphs[entry, place, :4] = self._looks[low:high]
        graphs[entry, place, 4:6] = self._places[low:high] / _METRES
        graphs[entry, place, 6:8] = self._middle[self._entry[low:high]] / _METRES
        if self.style.certainty:
            graphs[entry, place, 8] = self._confidence[self._entry[low:high]]
        graphs[entry, place, width] = 1
        graphs[:, 0, width] = 1
        if self.style.calibrated:
            people = int(place.max(initial=0)) + 1
            metres = np.full((end - begin, people, 2), np.nan)
            metres[entry, place] = self._places[low:high]
            graphs[:, :people, width + 1 : width + 1 + people] = _near(metres)


def _near(metres: npt.NDArray[np.float64]) -> npt.NDArray[np.bool_]:
    """(n, p, 2) positions, NaN for missing people -> (n, p, p) adjacency."""
    apart = metres[:, :, None] - metres[:, None]
    near: npt.NDArray[np.bool_] = np.sqrt(apart[..., 0] ** 2 + apart[..., 1] ** 2) < NEAR_METRES
    near &= ~np.eye(metres.shape[1], dtype=np.bool_)
    return near


def _looks(boxes: PlayerBoxes, seen: npt.NDArray[np.int64]) -> Rows:
    """(n, 4) colour and area of the boxes."""
    x1, y1, x2, y2 = boxes.corners[seen].T
    area = (x1 - x2) * (y1 - y2) / _SQUARE_PIXELS
    return np.column_stack((boxes.colours[seen] / 127 - 1, area)).astype(np.float32)


def _finite(metres: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Replace positions that are not finite (beyond the horizon) by the centre spot."""
    return np.where(np.isfinite(metres).all(axis=1, keepdims=True), metres, 0.0)
