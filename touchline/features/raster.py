"""Rasterisation of lines and polygons on a small grid, pixel for pixel as OpenCV.

Published networks were trained on pictures drawn by ``cv2.polylines`` and ``cv2.fillPoly`` with
integer points and without anti-aliasing. Here many polygons are drawn at once.
"""

import numpy as np
import numpy.typing as npt

Whole = npt.NDArray[np.int64]
Mask = npt.NDArray[np.bool_]

MAX_COORDINATE = 2**31 - 1
"""Largest absolute value of a coordinate."""

_FRACTION_BITS = 16
"""Fractional bits of the crossings of rows and sides."""


def outline(corners: Whole, width: int, height: int) -> Mask:
    """The outlines of closed polygons, one pixel wide.

    Args:
        corners: (n, p, 2) x and y of the corners, which may be far outside the grid.

    Returns:
        (n, height, width), true on the outline.
    """
    grid = np.zeros((len(corners), height, width), np.bool_)
    starts = corners.reshape(-1, 2)
    ends = np.roll(corners, -1, axis=1).reshape(-1, 2)
    starts, ends, seen = _clip(starts, ends, width, height)
    owner = np.repeat(np.arange(len(corners)), corners.shape[1])[seen]
    x, y, on_line = _walk(starts[seen], ends[seen], max(width, height))
    grid[np.broadcast_to(owner[:, None], x.shape)[on_line], y[on_line], x[on_line]] = True
    return grid


def filled(corners: Whole, width: int, height: int) -> Mask:
    """Filled polygons, by the even-odd rule.

    Args:
        corners: (n, p, 2) x and y of the corners, which may be far outside the grid.

    Returns:
        (n, height, width), true on the outline and inside.
    """
    crossings = _crossings(corners, width, height)
    columns = np.arange(width)
    grid = outline(corners, width, height)
    for left in range(0, corners.shape[1] - 1, 2):
        first, last = crossings[..., left, None], crossings[..., left + 1, None]
        # Columns whose centres are between two crossings; infinity where there is no crossing.
        grid |= (columns >= first) & (columns <= last)
    return grid


def _crossings(corners: Whole, width: int, height: int) -> npt.NDArray[np.float64]:
    """(n, height, p) sorted columns at which sides cross rows; infinite where they do not."""
    starts, ends = corners, np.roll(corners, -1, axis=1)
    near, far, _ = _clip(starts.reshape(-1, 2), ends.reshape(-1, 2), width, height)
    near, far = near.reshape(starts.shape), far.reshape(ends.shape)
    # A side that leaves the grid takes the slope of its clipped part; if that is horizontal, only
    # the columns are clipped.
    level = near[..., 1] == far[..., 1]
    near[level, 1], far[level, 1] = starts[level, 1], ends[level, 1]
    run = (far[..., 0] - near[..., 0]) << _FRACTION_BITS
    rise = far[..., 1] - near[..., 1]
    slope = _divide(run, np.where(rise == 0, 1, rise))
    rows = np.arange(height)[:, None]
    top = np.minimum(starts[..., 1], ends[..., 1])[:, None]
    bottom = np.maximum(starts[..., 1], ends[..., 1])[:, None]
    x = (near[..., 0] << _FRACTION_BITS)[:, None] + (rows - near[:, None, :, 1]) * slope[:, None]
    crossing = np.where((top <= rows) & (rows < bottom), x / (1 << _FRACTION_BITS), np.inf)
    return np.sort(crossing, axis=-1)


def _clip(starts: Whole, ends: Whole, width: int, height: int) -> tuple[Whole, Whole, Mask]:
    """Clip segments, (n, 2) each, to the grid; clipped coordinates are truncated towards zero.

    Returns:
        starts, ends, and (n,) whether any part is inside.
    """
    starts, ends = starts.copy(), ends.copy()
    last = np.array([width - 1, height - 1])
    beside = ((starts < 0) & (ends < 0)) | ((starts > last) & (ends > last))
    seen = np.asarray(~beside.any(axis=1))
    for axis in (1, 0):
        along = 1 - axis
        for point, other in ((starts, ends), (ends, starts)):
            border = point[:, axis].clip(0, last[axis])
            cut = seen & (point[:, axis] != border)
            near, step = point[cut], other[cut] - point[cut]
            share = (border[cut] - near[:, axis]).astype(np.float64) * step[:, along]
            point[cut, along] += np.trunc(share / step[:, axis]).astype(np.int64)
            point[cut, axis] = border[cut]
        left, right = starts[:, 0], ends[:, 0]
        seen &= ~(((left < 0) & (right < 0)) | ((left > last[0]) & (right > last[0])))
    return starts, ends, seen


def _walk(starts: Whole, ends: Whole, longest: int) -> tuple[Whole, Whole, Mask]:
    """(n, ``longest``) x and y of the pixels of segments, and a mask of those on the segment.

    Bresenham's algorithm from left to right: at each step along the longer axis the other
    coordinate is rounded, halves towards the start.
    """
    backward = ends[:, 0] < starts[:, 0]
    left = np.where(backward[:, None], ends, starts)
    reach = np.where(backward[:, None], starts, ends) - left
    length = np.abs(reach)
    steep = length[:, 1] > length[:, 0]
    major = np.where(steep, length[:, 1], length[:, 0])[:, None]
    minor = np.where(steep, length[:, 0], length[:, 1])[:, None]
    steps = np.arange(longest)
    aside = -((major - 2 * minor * steps) // np.maximum(2 * major, 1))
    aside = np.where(major == 0, 0, aside)
    down = np.where(reach[:, 1] < 0, -1, 1)[:, None]
    x = left[:, :1] + np.where(steep[:, None], aside, steps)
    y = left[:, 1:] + down * np.where(steep[:, None], steps, aside)
    return x, y, steps <= major


def _divide(numerator: Whole, denominator: Whole) -> Whole:
    """Integer division that truncates towards zero."""
    quotient = np.abs(numerator) // np.abs(denominator)
    return quotient * np.sign(numerator) * np.sign(denominator)
