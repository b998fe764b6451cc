"""The graph of players: who is where on the pitch, and who is near whom, twice a second.

Cioppa et al.: "Camera Calibration and Player Localization in SoccerNet-v2 and Investigation of
their Representations for Action Spotting", CVPR Workshops 2021, as CALF_Calibration_GCN makes it.
"""

from fractions import Fraction

import numpy as np
import numpy.typing as npt

from touchline.features.pitch import CONFIDENT, feet, picture_centre, project, to_pitch
from touchline.formats.sightings import SIGHTINGS_RATE, Calibration, PlayerBoxes

NODE_FEATURES = 8
"""Three channels of colour, size of the box, place on the pitch, place of the picture's centre."""

MOST_PEOPLE = 40
"""In one view; further ones are left out."""

NEAR_METRES = 25.0
"""People closer than this are joined."""

_METRES = 50.0
_SQUARE_PIXELS = 10_000.0
_FRAMES_AT_ONCE = 512

Rows = npt.NDArray[np.float32]


class PlayerGraph:
    """The graphs of a half: a ``Stream`` of one graph a row.

    A row is (people, 8 + 1 + people) float32: of each person the features, whether there is such a
    person (1 or 0), and who is joined to them (1 or 0 for each). Without a trusted calibration,
    without people, and beyond the end of either file there is one person whose features are 0.

    Args:
        calibration: where the picture lies. A confidence of exactly 0.75 is not trusted here.
        boxes: who is in it.
        centre: tell every node where the picture's centre is; published networks were told 0.
        steps: rows; by default as many as there are calibrations.
    """

    rate: Fraction = SIGHTINGS_RATE

    def __init__(
        self,
        calibration: Calibration,
        boxes: PlayerBoxes,
        *,
        centre: bool = False,
        steps: int | None = None,
    ) -> None:
        self.steps = len(calibration) if steps is None else steps
        known = min(len(calibration), len(boxes), self.steps)
        inverse = to_pitch(calibration)[:known]
        trusted = calibration.confidence[:known] > CONFIDENT
        usable = trusted & ~np.isnan(inverse[:, 0, 0])
        counts = np.diff(boxes.first[: known + 1])
        entry = np.repeat(np.arange(known), counts)
        place = np.arange(len(entry)) - np.repeat(boxes.first[:known], counts)
        seen = np.flatnonzero(usable[entry] & (place < MOST_PEOPLE))
        self._entry, self._place = entry[seen].astype(np.int32), place[seen].astype(np.uint8)
        self._looks = _looks(boxes, seen)
        self._metres = _finite(project(inverse[entry[seen]], feet(boxes)[seen]))
        self._middle = np.zeros((self.steps, 2))
        if centre:
            points = np.broadcast_to(picture_centre(calibration), (known, 2))
            self._middle[:known] = _finite(project(inverse, points))

    def read(self, first: int, count: int) -> Rows:
        """(count, people, 8 + 1 + people) graphs; see ``Stream``."""
        wanted = np.arange(first, first + count).clip(0, self.steps - 1)
        begin, end = int(wanted[0]), int(wanted[-1]) + 1
        graphs = np.zeros((end - begin, MOST_PEOPLE, NODE_FEATURES + 1 + MOST_PEOPLE), np.float32)
        for start in range(begin, end, _FRAMES_AT_ONCE):
            stop = min(end, start + _FRAMES_AT_ONCE)
            self._fill(graphs[start - begin : stop - begin], start, stop)
        return graphs if len(graphs) == count else graphs[wanted - begin]

    def everything(self) -> Rows:
        """(steps, people, 8 + 1 + people) all graphs."""
        return self.read(0, self.steps)

    def _fill(self, graphs: Rows, begin: int, end: int) -> None:
        low, high = np.searchsorted(self._entry, (begin, end))
        entry, place = self._entry[low:high] - begin, self._place[low:high]
        graphs[entry, place, :4] = self._looks[low:high]
        graphs[entry, place, 4:6] = self._metres[low:high] / _METRES
        graphs[entry, place, 6:NODE_FEATURES] = self._middle[self._entry[low:high]] / _METRES
        graphs[entry, place, NODE_FEATURES] = 1
        graphs[:, 0, NODE_FEATURES] = 1
        people = int(place.max(initial=0)) + 1
        metres = np.full((end - begin, people, 2), np.nan)
        metres[entry, place] = self._metres[low:high]
        apart = metres[:, :, None] - metres[:, None]
        near = np.sqrt(apart[..., 0] ** 2 + apart[..., 1] ** 2) < NEAR_METRES
        near &= ~np.eye(people, dtype=np.bool_)
        graphs[:, :people, NODE_FEATURES + 1 : NODE_FEATURES + 1 + people] = near


def _looks(boxes: PlayerBoxes, seen: npt.NDArray[np.int64]) -> Rows:
    """(n, 4) colour and size of people."""
    x1, y1, x2, y2 = boxes.corners[seen].T
    area = (x1 - x2) * (y1 - y2) / _SQUARE_PIXELS
    return np.column_stack((boxes.colours[seen] / 127 - 1, area)).astype(np.float32)


def _finite(metres: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Places on the horizon, which are nowhere, at the centre spot."""
    return np.where(np.isfinite(metres).all(axis=1, keepdims=True), metres, 0.0)
