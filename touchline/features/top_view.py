"""Top views: pitch, field of view and people from above, 64 by 32 pixels, two a second.

Cioppa et al.: "Camera Calibration and Player Localization in SoccerNet-v2 and Investigation of
their Representations for Action Spotting", CVPR Workshops 2021. Top views equal the published ones
pixel for pixel, which published weights need; as there, people are offset from the lines of the
pitch by a fortieth of the picture to the right and down.

The lines, ``top_view_pitch.png``, are ``radar.png`` of SoccerNet/sn-spotting (CALF_Calibration;
licensed under the Apache License 2.0), reduced to 60 by 30 pixels by cubic interpolation.
"""

from dataclasses import dataclass
from fractions import Fraction
from functools import cache
from importlib.resources import files

import numpy as np
import numpy.typing as npt
from PIL import Image

from touchline.errors import ConfigError
from touchline.features import raster
from touchline.features.pitch import (
    CONFIDENT,
    LENGTH_METRES,
    WIDTH_METRES,
    feet,
    picture_corners,
    project,
    to_pitch,
)
from touchline.formats.player_boxes import PLAYER_BOXES_RATE, Calibration, PlayerBoxes

WIDTH, HEIGHT, CHANNELS = 64, 32, 3

Pixels = npt.NDArray[np.uint8]
Whole = npt.NDArray[np.int64]

_PITCH_SHARE = 0.95
_MARGIN_SHARE = 0.025
_PITCH_ROWS = slice(0, 30)
_PITCH_COLUMNS = slice(1, 61)


@dataclass(frozen=True)
class TopViewStyle:
    """What a top view shows.

    Attributes:
        field: draw the lines of the pitch.
        cone: draw the outline of the field of view.
        trail: number of entries before and after whose people are also drawn, fainter.
        physic: people, view and lines in one channel each, instead of colours.
        calibrated: draw from above; else draw only the people, as rectangles at their place in the
            picture, on ``background``.
        background: grey level of an uncalibrated view. Published networks were trained with 0 and
            tested with 127.
        confidence: lowest confidence at which a homography is used.

    Raises:
        ConfigError: a trail or background out of range.
    """

    field: bool = True
    cone: bool = True
    trail: int = 0
    physic: bool = False
    calibrated: bool = True
    background: int = 0
    confidence: float = CONFIDENT

    def __post_init__(self) -> None:
        if not 0 <= self.trail <= 20:
            raise ConfigError(f"a trail of {self.trail} is not allowed", remedy="0 to 20")
        if not 0 <= self.background <= 255:
            raise ConfigError(
                f"a background of {self.background} is not allowed", remedy="0 to 255"
            )


PUBLISHED_STYLE = TopViewStyle()
"""The style of the best published network."""


class TopView:
    """The top views of a half, drawn on demand: a ``Stream``.

    It keeps a few hundred bytes per entry in memory.

    Args:
        calibration: the calibration.
        boxes: the player boxes.
        style: what to draw.
        steps: number of rows; by default the number of calibrations. Rows without a calibration
            of sufficient confidence, or beyond the end of either file, are black.
    """

    rate: Fraction = PLAYER_BOXES_RATE

    def __init__(
        self,
        calibration: Calibration,
        boxes: PlayerBoxes,
        style: TopViewStyle = PUBLISHED_STYLE,
        steps: int | None = None,
    ) -> None:
        self.style = style
        self.steps = len(calibration) if steps is None else steps
        known = min(len(calibration), len(boxes), self.steps)
        self._usable = np.zeros(self.steps, np.bool_)
        if style.calibrated:
            inverse = to_pitch(calibration)[:known]
            trusted = calibration.confidence[:known] >= style.confidence
            self._usable[:known] = trusted & ~np.isnan(inverse[:, 0, 0])
            usable = np.flatnonzero(self._usable)
            self._cones = _cones(calibration, inverse[usable]).astype(np.int32)
            self._people = _from_above(boxes, inverse, usable, style.trail)
        else:
            self._usable[:known] = True
            self._people = _in_picture(boxes, known)
        self._cone_of = np.cumsum(self._usable) - 1

    def read(self, first: int, count: int) -> Pixels:
        """(count, 3, 32, 64) top views; see ``Stream``."""
        wanted = np.arange(first, first + count).clip(0, self.steps - 1)
        begin, end = int(wanted[0]), int(wanted[-1]) + 1
        drawn = self._draw(begin, end)
        return drawn if len(drawn) == count else drawn[wanted - begin]

    def read_all(self) -> Pixels:
        """(steps, 3, 32, 64) all top views."""
        return self.read(0, self.steps)

    def _draw(self, begin: int, end: int) -> Pixels:
        style = self.style
        views = np.zeros((end - begin, CHANNELS, HEIGHT, WIDTH), np.uint8)
        people = self._people.between(begin, end)
        if not style.calibrated:
            views[:] = style.background
            people.fill(views)
            return views
        usable = np.flatnonzero(self._usable[begin:end])
        cones = self._cones[self._cone_of[begin + usable]].astype(np.int64)
        if style.physic:
            if style.field:
                views[usable, 2, _PITCH_ROWS, _PITCH_COLUMNS] = pitch_lines()
            if style.cone:
                views[usable, 1] = 255 * raster.filled(cones, WIDTH, HEIGHT)
            people.fill(views[:, :1], 255)
            return views
        if style.field:
            views[usable, :, _PITCH_ROWS, _PITCH_COLUMNS] = pitch_lines()
        if style.cone:
            owner, row, column = np.nonzero(raster.outline(cones, WIDTH, HEIGHT))
            views[usable[owner], :, row, column] = 255
        people.fill(views)
        return views


@cache
def pitch_lines() -> Pixels:
    """(30, 60) lines of the pitch, white on black."""
    with (files("touchline.features") / "top_view_pitch.png").open("rb") as file:
        return np.asarray(Image.open(file).convert("L"))


@dataclass(frozen=True, eq=False)
class _Rectangles:
    """Rectangles in drawing order.

    Attributes:
        entry: (n,) int32, index of the view of each, ascending.
        sides: (n, 4) uint8: left, top, right, bottom; right and bottom are exclusive.
        colours: (n, 3) uint8.
    """

    entry: npt.NDArray[np.int32]
    sides: Pixels
    colours: Pixels

    def between(self, begin: int, end: int) -> "_Rectangles":
        low, high = np.searchsorted(self.entry, (begin, end))
        inside = slice(low, high)
        return _Rectangles(self.entry[inside] - begin, self.sides[inside], self.colours[inside])

    def fill(self, views: Pixels, value: int | None = None) -> None:
        """Draw into (entries, channels, H, W), in order."""
        for entry, sides, colour in zip(
            self.entry.tolist(), self.sides.tolist(), self.colours, strict=True
        ):
            left, top, right, bottom = sides
            painted = views[entry, :, top:bottom, left:right]
            painted[...] = colour[:, None, None] if value is None else value


def _cones(calibration: Calibration, inverse: npt.NDArray[np.float64]) -> Whole:
    """(n, 4, 2) corners of the field of view, in pixels of the top view."""
    corners = picture_corners(calibration)
    points = [project(inverse, np.broadcast_to(corner, (len(inverse), 2))) for corner in corners]
    return _pixels(np.stack(points, axis=1))


def _from_above(
    boxes: PlayerBoxes, inverse: npt.NDArray[np.float64], usable: Whole, trail: int
) -> _Rectangles:
    entry, person, strength = _appearances(boxes, usable, trail)
    column, row = _pixels(project(inverse[entry], feet(boxes)[person])).T
    inside = (column >= 1) & (column + 1 < WIDTH) & (row >= 1) & (row + 1 < HEIGHT)
    entry, person, strength = entry[inside], person[inside], strength[inside]
    column, row = column[inside], row[inside]
    sides = np.stack((column - 1, row - 1, column + 1, row + 1), axis=1)
    colours = boxes.colours[person] * strength[:, None]
    return _Rectangles(entry.astype(np.int32), sides.astype(np.uint8), _to_uint8(colours))


def _appearances(
    boxes: PlayerBoxes, usable: Whole, trail: int
) -> tuple[Whole, Whole, npt.NDArray[np.float64]]:
    """Index of the view, index of the person and opacity, in drawing order."""
    if not trail:
        counts = np.diff(boxes.first)[usable]
        people = [np.arange(boxes.first[i], boxes.first[i + 1]) for i in usable]
        person = np.concatenate(people) if people else np.zeros(0, np.int64)
        return np.repeat(usable, counts), person, np.ones(len(person))
    rising = np.arange(1, trail + 2) / (trail + 1)
    triangle = np.concatenate((rising, rising[-2::-1]))
    entries, persons, strengths = [], [], []
    for i in usable:
        low, high = max(0, i - trail), min(i + trail, len(boxes) - 1)
        # The triangle starts at the first existing entry: off-centre at the start, as published.
        around = np.arange(boxes.first[low], boxes.first[high + 1])
        faint = np.repeat(triangle[: high - low + 1], np.diff(boxes.first[low : high + 2]))
        own = np.arange(boxes.first[i], boxes.first[i + 1])
        persons += [around, own]
        strengths += [faint, np.ones(len(own))]
        entries.append(np.full(len(around) + len(own), i))
    if not entries:
        return np.zeros(0, np.int64), np.zeros(0, np.int64), np.zeros(0)
    return np.concatenate(entries), np.concatenate(persons), np.concatenate(strengths)


def _in_picture(boxes: PlayerBoxes, known: int) -> _Rectangles:
    width, height = boxes.size
    count = boxes.first[known]
    scale = np.array((width / WIDTH, height / HEIGHT) * 2)
    last = np.array((WIDTH - 1, HEIGHT - 1) * 2)
    sides = np.trunc(boxes.corners[:count] / scale).clip(0, last)
    entry = np.repeat(np.arange(known), np.diff(boxes.first[: known + 1]))
    return _Rectangles(
        entry.astype(np.int32), sides.astype(np.uint8), _to_uint8(boxes.colours[:count])
    )


def _pixels(metres: npt.NDArray[np.float64]) -> Whole:
    """(..., 2) pitch metres to (..., 2) column and row, truncated towards zero."""
    ratio = _PITCH_SHARE * metres / (LENGTH_METRES, WIDTH_METRES) + 0.5 + _MARGIN_SHARE
    places = np.nan_to_num(np.trunc((WIDTH, HEIGHT) * ratio), nan=raster.MAX_COORDINATE)
    return places.clip(-raster.MAX_COORDINATE, raster.MAX_COORDINATE).astype(np.int64)


def _to_uint8(colours: npt.NDArray[np.float64]) -> Pixels:
    return colours.clip(0, 255).astype(np.uint8)
