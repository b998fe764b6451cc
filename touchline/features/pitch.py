"""Projection from the picture to the pitch."""

import numpy as np
import numpy.typing as npt

from touchline.formats.player_boxes import Calibration, PlayerBoxes

Points = npt.NDArray[np.float64]

LENGTH_METRES = 105.0
WIDTH_METRES = 68.0

CONFIDENT = 0.75
"""Lowest confidence at which a homography is used."""


def to_pitch(calibration: Calibration) -> Points:
    """(T, 3, 3) homographies from pixels to pitch metres; NaN for entries without one."""
    homographies = calibration.homographies
    scale = homographies[:, 2, 2]
    usual = homographies / np.where(scale == 0, 1, scale)[:, None, None]
    found = (scale != 0) & (np.linalg.det(usual) != 0)
    inverse = np.full(homographies.shape, np.nan)
    inverse[found] = np.linalg.inv(usual[found])
    return inverse


def project(transforms: Points, points: Points) -> Points:
    """Apply (n, 3, 3) homographies to (n, 2) points; infinite or NaN beyond the horizon."""
    x, y, scale = (
        transforms[:, row, 0] * points[:, 0] + transforms[:, row, 1] * points[:, 1]
        + transforms[:, row, 2]
        for row in range(3)
    )  # fmt: skip
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        return np.stack((x / scale, y / scale), axis=1)


def feet(boxes: PlayerBoxes) -> Points:
    """(n, 2) foot points: the middle of the lower edge of each box, x in whole pixels."""
    x1, _, x2, y2 = boxes.corners.T
    return np.stack((np.trunc((x1 + x2) / 2), y2), axis=1)


def picture_corners(calibration: Calibration) -> Points:
    """(4, 2) corners of the picture: top left, top right, bottom right, bottom left."""
    width, height = calibration.size
    return np.array([(0, 0), (width, 0), (width, height), (0, height)], np.float64)


def picture_centre(calibration: Calibration) -> Points:
    """(2,) the middle of the picture."""
    width, height = calibration.size
    return np.array((width / 2, height / 2))
