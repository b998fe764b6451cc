"""Statistics of detections: number, size and positions of the people, and the ball.

All lengths are fractions of the picture's width and height, so the same number of pixels is a
different length horizontally and vertically unless the picture is square.
"""

from collections.abc import Iterator, Sequence
from fractions import Fraction

import numpy as np
import numpy.typing as npt

from touchline.features.detector import Detections, overlaps

Floats = npt.NDArray[np.float32]
Numbers = npt.NDArray[np.float64]

ROWS_PER_SECOND = Fraction(2)

PLAYERS_ON_PITCH = 22
"""Numbers of people are divided by this."""

CELLS = 4
"""The histogram of positions has this many rows and columns."""

MAX_WAIT_SECONDS = 5.0
MAX_DISTANCE_HEIGHTS = 10.0
CLOSE_UP_HEIGHT = 0.6
WIDE_HEIGHT, WIDE_PEOPLE = 0.15, 8

BORDER = 0.005
"""A box this close to the border of the picture counts as cut by it."""

NAMES = (
    *("people", "balls", "highest confidence", "mean confidence"),
    *("lowest height", "10th percentile of heights", "median height"),
    *("90th percentile of heights", "greatest height", "spread of heights"),
    *("mean x", "spread of x", "mean foot y", "spread of foot y"),
    *("area covered", "largest area", "mean overlap", "mean distance of the nearest"),
    *(f"feet in row {row} column {column}" for row in range(CELLS) for column in range(CELLS)),
    *("ball confidence", "ball x", "ball y", "ball size", "ball visible"),
    *("ball motion x", "ball motion y", "time without ball"),
    "distance of ball to nearest foot",
    *("close-up", "wide shot", "people cut by the border"),
)
"""Names of the columns."""

_BALL = slice(NAMES.index("ball confidence"), NAMES.index("ball visible") + 1)
_MOTION = slice(NAMES.index("ball motion x"), NAMES.index("time without ball") + 1)
_TO_FOOT = NAMES.index("distance of ball to nearest foot")
_VIEW = slice(NAMES.index("close-up"), len(NAMES))

_NEVER = -(1 << 40)
_NUMBERS_AT_ONCE = 1 << 21


class DetectionStatistics:
    """Computes rows of statistics from detections; keeps the last position of the ball.

    Args:
        rate: rows a second.
    """

    def __init__(self, rate: Fraction = ROWS_PER_SECOND) -> None:
        self._row_seconds = float(1 / rate)
        self._rows_since_ball: int | None = None
        self._ball = np.zeros(2)

    def __call__(self, found: Sequence[Detections]) -> Floats:
        """The next rows.

        Args:
            found: the detections of each picture, in time order.

        Returns:
            (n, 46) float32, always finite; columns as ``NAMES``. Without people the first 34 and
            the last 4 columns are 0, without a ball those of the ball.
        """
        rows = np.zeros((len(found), len(NAMES)))
        if not len(found):
            return rows.astype(np.float32)
        balls = [pictured.balls() for pictured in found]
        rows[:, 1] = [len(each) for each in balls]
        rows[:, _BALL] = [_of_ball(each) for each in balls]
        rows[:, _MOTION] = self._motion(rows[:, _BALL])
        for which, corners, confidence in _by_count([pictured.people() for pictured in found]):
            rows[which] += _of_people(corners, confidence)
            rows[which, _TO_FOOT] = _to_nearest_foot(corners, rows[which, _BALL])
        return rows.astype(np.float32)

    def _motion(self, balls: Numbers) -> Numbers:
        """(n, 3) displacement since the ball was last seen, and time without it."""
        count = len(balls)
        numbers = np.arange(count)
        visible = balls[:, -1] > 0
        since = self._rows_since_ball
        start = _NEVER if since is None else -since
        last = np.maximum.accumulate(np.where(visible, numbers, start))
        earlier = np.concatenate(([start], last[:-1]))
        places = balls[:, 1:3]
        before = np.where((earlier >= 0)[:, None], places[earlier.clip(0)], self._ball)
        moved = (visible & (earlier > _NEVER))[:, None] * (places - before)
        waited = np.minimum((numbers - last) * self._row_seconds / MAX_WAIT_SECONDS, 1)
        if last[-1] > _NEVER:
            self._rows_since_ball = int(count - last[-1])
        if last[-1] >= 0:
            self._ball = places[last[-1]]
        return np.column_stack((moved, waited))


def _by_count(
    people: Sequence[Detections],
) -> Iterator[tuple[npt.NDArray[np.int64], Numbers, Numbers]]:
    """Groups of pictures with n people each: m indices, (m, n, 4) corners, (m, n) confidences."""
    counts = np.array([len(each) for each in people])
    for count in np.unique(counts[counts > 0]).tolist():
        alike = np.flatnonzero(counts == count)
        at_once = max(1, _NUMBERS_AT_ONCE // (4 * count * count))
        for first in range(0, len(alike), at_once):
            which = alike[first : first + at_once]
            corners = np.stack([people[number].corners for number in which])
            confidence = np.stack([people[number].confidence for number in which])
            yield which, corners.astype(np.float64), confidence.astype(np.float64)


def _of_people(corners: Numbers, confidence: Numbers) -> Numbers:
    """(m, 46) rows with the columns of people set, for (m, n, 4) boxes and (m, n) confidences."""
    count = corners.shape[1]
    heights = corners[..., 3] - corners[..., 1]
    areas = (corners[..., 2] - corners[..., 0]) * heights
    feet = _feet(corners)
    median = np.median(heights, axis=1)
    low, high = np.percentile(heights, (10, 90), axis=1)
    cut = (corners[..., :2] <= BORDER).any(axis=-1) | (corners[..., 2:] >= 1 - BORDER).any(axis=-1)
    rows = np.zeros((len(corners), len(NAMES)))
    columns = [
        np.full(len(corners), count / PLAYERS_ON_PITCH),
        rows[:, 1],
        confidence.max(axis=1),
        confidence.mean(axis=1),
        heights.min(axis=1),
        low,
        median,
        high,
        heights.max(axis=1),
        heights.std(axis=1),
        feet[..., 0].mean(axis=1),
        feet[..., 0].std(axis=1),
        feet[..., 1].mean(axis=1),
        feet[..., 1].std(axis=1),
        _area_covered(corners),
        areas.max(axis=1),
        _mean_overlap(corners),
        _nearest_neighbour(feet) / median,
        *_histogram(feet).T,
    ]
    rows[:, : len(columns)] = np.column_stack(columns)
    rows[:, _VIEW] = np.column_stack(
        (
            heights.max(axis=1) > CLOSE_UP_HEIGHT,
            (median < WIDE_HEIGHT) & (count >= WIDE_PEOPLE),
            cut.sum(axis=1) / PLAYERS_ON_PITCH,
        )
    )
    return rows


def _feet(corners: Numbers) -> Numbers:
    """(..., 2) the middle of the lower edge of each box."""
    return np.stack(((corners[..., 0] + corners[..., 2]) / 2, corners[..., 3]), axis=-1)


def _area_covered(corners: Numbers) -> Numbers:
    """(m,) fraction of the picture covered by the union of (m, n, 4) boxes.

    The edges of all boxes divide the picture into cells that are entirely inside or outside a box.
    """
    x = np.sort(corners[..., 0::2].reshape(len(corners), -1))
    y = np.sort(corners[..., 1::2].reshape(len(corners), -1))
    across = _cells_within(x, corners[..., 0], corners[..., 2])
    down = _cells_within(y, corners[..., 1], corners[..., 3])
    covered = np.matmul(down.transpose(0, 2, 1), across) > 0
    cells = np.diff(y)[:, :, None] * np.diff(x)[:, None, :]
    return (covered * cells).sum(axis=(1, 2))


def _cells_within(edges: Numbers, low: Numbers, high: Numbers) -> Floats:
    """(m, n, cells) whether each interval between neighbouring edges is within low to high."""
    begins, ends = edges[:, None, :-1], edges[:, None, 1:]
    return ((begins >= low[..., None]) & (ends <= high[..., None])).astype(np.float32)


def _mean_overlap(corners: Numbers) -> Numbers:
    """(m,) mean intersection over union over all pairs; 0 for a single box."""
    count = corners.shape[1]
    if count < 2:
        return np.zeros(len(corners))
    upper = np.triu_indices(count, 1)
    return overlaps(corners)[:, upper[0], upper[1]].mean(axis=1)


def _nearest_neighbour(feet: Numbers) -> Numbers:
    """(m,) mean distance of (m, n, 2) points to their nearest neighbour; 0 for a single point."""
    count = feet.shape[1]
    if count < 2:
        return np.zeros(len(feet))
    apart = np.linalg.norm(feet[:, :, None] - feet[:, None], axis=-1)
    apart[:, np.arange(count), np.arange(count)] = np.inf
    return apart.min(axis=-1).mean(axis=-1)


def _histogram(feet: Numbers) -> Numbers:
    """(m, 16) fraction of (m, n, 2) points in each cell, row by row from the top left."""
    column, row = np.moveaxis((feet * CELLS).astype(np.int64).clip(0, CELLS - 1), -1, 0)
    cells = row * CELLS + column
    return (cells[..., None] == np.arange(CELLS * CELLS)).mean(axis=1)


def _of_ball(balls: Detections) -> tuple[float, ...]:
    """Confidence, x, y, size and 1 of the most confident ball; zeros if there is none."""
    if not len(balls):
        return (0.0,) * 5
    x1, y1, x2, y2 = balls.corners[0].astype(np.float64).tolist()
    size = ((x2 - x1) * (y2 - y1)) ** 0.5
    return float(balls.confidence[0]), (x1 + x2) / 2, (y1 + y2) / 2, size, 1.0


def _to_nearest_foot(corners: Numbers, balls: Numbers) -> Numbers:
    """(m,) distance from the ball to the nearest foot, in tens of median heights, at most 1."""
    heights = corners[..., 3] - corners[..., 1]
    apart = np.linalg.norm(_feet(corners) - balls[:, None, 1:3], axis=-1).min(axis=1)
    distance = np.minimum(apart / np.median(heights, axis=1) / MAX_DISTANCE_HEIGHTS, 1)
    return np.where(balls[:, -1] > 0, distance, 0)
