"""Camera calibration and player boxes of a half, two entries a second.

``{half}_field_calib_ccbv.json`` holds a homography per entry, from the pitch to the picture, and
``{half}_player_boundingbox_maskrcnn.json`` the people in the picture with the mean colour of each.
Entry i of both describes row i of the features of that half. Pitch coordinates are metres from the
centre spot: x along the 105 m, y along the 68 m.

Cioppa et al.: "Camera Calibration and Player Localization in SoccerNet-v2 and Investigation of
their Representations for Action Spotting", CVPR Workshops 2021.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from touchline.errors import FormatError
from touchline.formats.reading import read_json

Numbers = npt.NDArray[np.float64]
Json = dict[str, Any]

PLAYER_BOXES_RATE = Fraction(2)
"""Entries a second, in both files."""

CALIBRATION_FILES = "field_calib_ccbv.json"
PLAYER_BOXES_FILES = "player_boundingbox_maskrcnn.json"
"""Endings of the file names, after the half."""

MAX_ENTRIES = 100_000
MAX_PEOPLE = 1_000
"""People in one entry."""

MAX_SIDE = 100_000
_LARGEST = 1e12
"""Largest coordinate that is accepted."""


def calibration_name(half: int | str) -> str:
    """Name of the calibration file of a half."""
    return f"{half}_{CALIBRATION_FILES}"


def player_boxes_name(half: int | str) -> str:
    """Name of the player-box file of a half."""
    return f"{half}_{PLAYER_BOXES_FILES}"


@dataclass(frozen=True, eq=False)
class Calibration:
    """The mapping from the pitch to the picture, for T entries.

    Attributes:
        size: (width, height) of the picture that the pixel coordinates refer to.
        confidence: (T,) float64; 0 for entries without calibration.
        homographies: (T, 3, 3) float64, from pitch metres to pixels; zeros for entries without
            calibration.
    """

    size: tuple[int, int]
    confidence: Numbers
    homographies: Numbers

    def __len__(self) -> int:
        return len(self.confidence)


@dataclass(frozen=True, eq=False)
class PlayerBoxes:
    """The people in the picture, for T entries with n people in all.

    Attributes:
        size: (width, height) of the picture that the pixel coordinates refer to.
        first: (T + 1,) int64; rows ``first[i]`` to ``first[i + 1]`` are the people of entry i.
        corners: (n, 4) float64: x1, y1, x2, y2 in pixels; may be outside the picture.
        colours: (n, 3) float64, 0 to 255: mean of each channel, in the order of the file.
    """

    size: tuple[int, int]
    first: npt.NDArray[np.int64]
    corners: Numbers
    colours: Numbers

    def __len__(self) -> int:
        return len(self.first) - 1


def read_calibration(path: str | Path) -> Calibration:
    """Read a calibration file; of several candidates for an entry the first is used.

    Raises:
        FormatError: missing, malformed, or of another layout; names the entry.
    """
    size, entries = _read(path)
    confidence = np.zeros(len(entries))
    homographies = np.zeros((len(entries), 3, 3))
    for index, entry in enumerate(entries):
        where = f"{path}: predictions[{index}]"
        found = entry[0] if isinstance(entry, list) and entry else entry
        if found is None or found == []:
            continue
        if not isinstance(found, Mapping):
            raise FormatError("not a calibration", where=where, remedy=_CALIBRATION_REMEDY)
        confidence[index] = _row([found.get("confidence")], 1, where, "confidence")[0]
        homography = _row(found.get("homography"), 9, where, "homography")
        homographies[index] = homography.reshape(3, 3)
    return Calibration(size, confidence, homographies)


def read_player_boxes(path: str | Path) -> PlayerBoxes:
    """Read a player-box file.

    Raises:
        FormatError: missing, malformed, or of another layout; names the entry.
    """
    size, entries = _read(path)
    corners: list[Any] = []
    colours: list[Any] = []
    first = [0]
    for index, entry in enumerate(entries):
        if entry:
            boxes, means = _people(entry, f"{path}: predictions[{index}]")
            corners += boxes
            colours += means
        first.append(len(corners))
    counts = np.asarray(first, np.int64)
    return PlayerBoxes(
        size,
        counts,
        _rows(corners, 4, counts, path, "bboxes"),
        _rows(colours, 3, counts, path, "colors"),
    )


def calibration_document(calibration: Calibration) -> Json:
    """The content of a calibration file; numbers are rounded to 9 significant digits."""
    entries = zip(calibration.confidence, calibration.homographies, strict=True)
    predictions = [
        [
            {
                "confidence": float(confidence),
                "homography": [float(f"{value:.9g}") for value in homography.ravel()],
            }
        ]
        for confidence, homography in entries
    ]
    return {"size": _shape(calibration.size, len(calibration)), "predictions": predictions}


def player_boxes_document(boxes: PlayerBoxes) -> Json:
    """The content of a player-box file; numbers are rounded to 2 decimals."""
    predictions = [
        {
            "bboxes": _rounded(boxes.corners[begin:end]),
            "colors": _rounded(boxes.colours[begin:end]),
            "onfield": [1] * int(end - begin),
        }
        for begin, end in zip(boxes.first[:-1], boxes.first[1:], strict=True)
    ]
    return {"size": _shape(boxes.size, len(boxes)), "predictions": predictions}


def _rounded(rows: Numbers) -> list[list[float]]:
    return [[round(value, 2) for value in row] for row in rows.tolist()]


_CALIBRATION_REMEDY = 'an entry holds [{"confidence": 0.9, "homography": [9 numbers]}]'
_BOXES_REMEDY = 'an entry holds {"bboxes": [[x1, y1, x2, y2]], "colors": [[c0, c1, c2]]}'


def _shape(size: tuple[int, int], entries: int) -> list[int]:
    return [entries, size[1], size[0], 3]


def _read(path: str | Path) -> tuple[tuple[int, int], list[Any]]:
    document = read_json(path)
    if not isinstance(document, Mapping) or not isinstance(document.get("predictions"), list):
        raise FormatError(
            "has no list of predictions",
            where=path,
            remedy='write {"size": [entries, height, width, 3], "predictions": [...]}',
        )
    entries = document["predictions"]
    if not entries:
        raise FormatError("has no entries", where=path, remedy="give one every half second")
    if len(entries) > MAX_ENTRIES:
        raise FormatError(
            f"has {len(entries)} entries", where=path, remedy=f"at most {MAX_ENTRIES} are read"
        )
    return _picture_size(document.get("size"), path), entries


def _picture_size(size: Any, path: str | Path) -> tuple[int, int]:
    """Height and width are the second and third number in every edition of these files."""
    sides = size[1:3] if isinstance(size, list) else []
    right = len(sides) == 2 and all(
        isinstance(side, int) and not isinstance(side, bool) and 0 < side <= MAX_SIDE
        for side in sides
    )
    if not right:
        raise FormatError(
            f"size {str(size)[:60]} is not a picture size",
            where=path,
            remedy="write [entries, height, width, 3]",
        )
    return sides[1], sides[0]


def _people(entry: Any, where: str) -> tuple[list[Any], list[Any]]:
    if not isinstance(entry, Mapping):
        raise FormatError("not a list of people", where=where, remedy=_BOXES_REMEDY)
    boxes, colours = entry.get("bboxes"), entry.get("colors")
    if not isinstance(boxes, list) or not isinstance(colours, list):
        raise FormatError("lacks bboxes or colors", where=where, remedy=_BOXES_REMEDY)
    if len(boxes) != len(colours):
        raise FormatError(
            f"has {len(boxes)} bboxes and {len(colours)} colors",
            where=where,
            remedy="give one colour per box",
        )
    if len(boxes) > MAX_PEOPLE:
        raise FormatError(
            f"has {len(boxes)} boxes", where=where, remedy=f"at most {MAX_PEOPLE} are read"
        )
    # Numbers after the third are further colours of the same person.
    return boxes, [colour[:3] if isinstance(colour, list) else colour for colour in colours]


def _rows(
    rows: list[Any], width: int, first: npt.NDArray[np.int64], path: str | Path, field: str
) -> Numbers:
    """Lists as an (n, width) array; searches for the invalid list only if there is one."""
    try:
        numbers = np.asarray(rows, np.float64).reshape(len(rows), width)
        if (np.abs(numbers) < _LARGEST).all():
            return numbers
    except (ValueError, TypeError, OverflowError):
        pass
    for index, row in enumerate(rows):
        entry = int(np.searchsorted(first, index, "right")) - 1
        _row(row, width, f"{path}: predictions[{entry}]", f"{field}[{index - first[entry]}]")
    raise FormatError(f"{field} are not lists of {width} numbers", where=path)


def _row(row: Any, width: int, where: str, field: str) -> Numbers:
    right = isinstance(row, Sequence) and not isinstance(row, str) and len(row) == width
    if not right or not all(map(_is_coordinate, row)):
        wanted = "a number" if width == 1 else f"{width} numbers"
        raise FormatError(f"{field} is not {wanted}", where=where)
    return np.asarray(row, np.float64)


def _is_coordinate(value: Any) -> bool:
    right = isinstance(value, int | float) and not isinstance(value, bool)
    return right and abs(value) < _LARGEST
