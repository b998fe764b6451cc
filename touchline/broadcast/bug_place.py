"""One score bug at one place of a recording: is it there, has it changed, what does it say?

Looking at pixels is cheap and reading is not, so pixels decide when to read. Whether the bug is
there is told by the parts of it that do not change; that a score changes, by its own pixels.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from touchline.broadcast.bug_text import BugText, counted_seconds, counts_added_time, moved
from touchline.broadcast.ocr import Picture, TextReader, cut_out, resized
from touchline.broadcast.still_bug import read_place, read_rows
from touchline.broadcast.texts import Box, Line
from touchline.broadcast.tokens import tokens_of

Grey = NDArray[np.float32]

LIKENESS = 0.6
"""Least correlation of the bug's standing parts with what they looked like."""

CHANGED = 0.7
"""Difference of the score's pixels, over their contrast, from which they are read again."""

_SCORE_LOOKS = 6
"""Of one score that are remembered, the latest."""

_FAINT = 10.0
_READ_HEIGHT = 48


@dataclass(frozen=True)
class ClockText:
    """What a clock's cell says: see `BugText`."""

    seconds: float
    has_seconds: bool
    confidence: float


class BugPlace:
    """A bug at a place.

    Args:
        bug: as read in a picture.
        picture: that picture, (height, width, 3) RGB.
    """

    def __init__(self, bug: BugText, picture: Picture) -> None:
        height = _line_height(bug)
        self.bug = bug
        self.line_height = height
        self.box = bug.box.grown(0.3 * height, 0.15 * height)
        self._clock_box = None if bug.clock_box is None else _roomy(bug, bug.clock_box, height)
        self._standing = _standing(bug, self._clock_box)
        self._looks = [_grey(picture, box) for box in self._standing]
        self._seen = 1
        self._wide = self.box.grown(2 * height, height).within(picture.shape[1], picture.shape[0])
        self._mean = cut_out(picture, self._wide).astype(np.float32)
        self._score_looks = [self.score_pixels(picture)]

    @property
    def has_clock(self) -> bool:
        """Whether a clock stands in it."""
        return self._clock_box is not None

    def likeness(self, picture: Picture) -> float:
        """Correlation of the standing parts with their look, -1 to 1; 1 if it has none."""
        if not self._looks:
            return 1.0
        parts = [_grey(picture, box) for box in self._standing]
        weights = [part.size for part in parts]
        values = [correlation(a, b) for a, b in zip(parts, self._looks, strict=True)]
        return float(np.average(values, weights=weights)) if sum(weights) else 0.0

    def learn(self, picture: Picture) -> None:
        """Average the look of the standing parts with that in another picture of the bug."""
        self._seen = min(self._seen + 1, 20)
        for look, box in zip(self._looks, self._standing, strict=True):
            look += (_grey(picture, box) - look) / self._seen
        self._mean += (cut_out(picture, self._wide) - self._mean) / self._seen

    def score_pixels(self, picture: Picture) -> list[Grey]:
        """What the score's cells look like."""
        margin = 0.25 * self.line_height
        return [_grey(picture, box.grown(margin, 0.0)) for box in self.bug.score_boxes]

    def score_changed(self, pixels: list[Grey]) -> bool:
        """Whether a digit of the score looks other than whenever this score was read."""
        return not any(self.are_alike(pixels, look) for look in self._score_looks)

    def are_alike(self, pixels: list[Grey], others: list[Grey]) -> bool:
        """Whether the score's cells look the same in two pictures."""
        return all(
            largest_change(one, other, self.line_height) <= CHANGED
            for one, other in zip(pixels, others, strict=True)
        )

    def keep_score_look(self, pixels: list[Grey], is_new: bool) -> None:
        """Remember what the score's cells look like now, and only that where the score is new.

        Cells that let the picture through, and those that shine now and then, have several looks.
        """
        before = [] if is_new else self._score_looks
        self._score_looks = [pixels, *before][:_SCORE_LOOKS]

    def clock_pixels(self, picture: Picture) -> Picture | None:
        """The clock's cell with room for more digits, or None."""
        return None if self._clock_box is None else cut_out(picture, self._clock_box).copy()

    def read_clock(self, pixels: Picture | None, reader: TextReader) -> ClockText | None:
        """What the clock's cell says, or None where no clock is read."""
        if pixels is None or min(pixels.shape[:2]) < 4:
            return None
        width = _READ_HEIGHT * pixels.shape[1] / pixels.shape[0]
        text, confidence = reader.read(resized(pixels, width, _READ_HEIGHT))
        line = Line(text, Box(0, 0, width, _READ_HEIGHT), confidence)
        return clock_of(line, self.bug.standing_seconds)

    def read(
        self, picture: Picture, reader: TextReader, heights: tuple[float, ...]
    ) -> BugText | None:
        """All that the bug says."""
        return read_place(picture, self.bug, reader, heights)

    @property
    def has_rows(self) -> bool:
        """Whether it is known where its names and its score stand."""
        return len(self.bug.team_boxes) == 2 and bool(self.bug.score_boxes)

    def read_rows(self, picture: Picture, reader: TextReader) -> BugText | None:
        """Names and score, read where they were read before: see ``has_rows``."""
        return read_rows(picture, self.bug, reader)

    def read_names(self, reader: TextReader) -> tuple[str, str] | None:
        """The teams in the mean of the pictures learnt from, where noise is gone."""
        mean = self._mean.round().astype(np.uint8)
        shift = -self._wide.left, -self._wide.top
        bug = read_place(mean, moved(self.bug, *shift), reader)
        return (bug.home, bug.away) if bug is not None and bug.home and bug.away else None


def clock_of(line: Line, standing_seconds: float | None = None) -> ClockText | None:
    """The clock in a line of text.

    Args:
        line: what the clock's cell says.
        standing_seconds: where another clock stands, to which this one adds.
    """
    tokens = tokens_of([line])
    if standing_seconds is not None:
        counting = next((token for token in tokens if counts_added_time(token)), None)
        if counting is None:
            return None
        return ClockText(standing_seconds + counted_seconds(counting), True, counting.confidence)
    for token in tokens:
        if token.kind == "clock":
            return ClockText(counted_seconds(token), True, token.confidence)
        if token.kind == "stoppage":
            minutes, exact = token.values[0] + token.values[1], len(token.values) > 2
            seconds = minutes * 60.0 + (token.values[2] if exact else 0)
            return ClockText(seconds, exact, token.confidence)
        if token.kind == "minute" and token.values[0] <= 130:
            return ClockText(token.values[0] * 60.0, False, token.confidence)
    return None


def correlation(one: Grey, other: Grey) -> float:
    """Of two pictures' pixels, -1 to 1; 0 where one is flat or the shapes differ."""
    if one.shape != other.shape or one.size == 0:
        return 0.0
    first, second = one - one.mean(), other - other.mean()
    norm = float(np.sqrt((first * first).sum() * (second * second).sum()))
    return float((first * second).sum()) / norm if norm > 1e-3 else 0.0


def largest_change(one: Grey, other: Grey, line_height: float) -> float:
    """The largest difference in a window as wide as a digit: 0 for alike, 1.4 for unrelated.

    A difference is set against the contrast of both, so that a faint background does not count.
    """
    if one.shape != other.shape or one.size == 0:
        return 0.0
    wide = min(one.shape[1], max(3, round(0.55 * line_height)))
    lefts = range(0, one.shape[1] - wide + 1, max(1, wide // 2))
    first, second = (
        np.stack([picture[:, left : left + wide].ravel() for left in lefts])
        for picture in (one, other)
    )
    first -= first.mean(axis=1, keepdims=True)
    second -= second.mean(axis=1, keepdims=True)
    powers = [np.einsum("wn,wn->w", part, part) for part in (first, second, first - second)]
    mine, theirs, difference = np.sqrt(np.stack(powers) / first.shape[1])
    return float((difference / ((mine + theirs) / 2 + _FAINT)).max())


def _grey(picture: Picture, box: Box) -> Grey:
    """Brightness of a part; green counts most, as to the eye."""
    part = cut_out(picture, box)
    return np.asarray(part @ np.array([0.299, 0.587, 0.114], np.float32), np.float32)


def _line_height(bug: BugText) -> float:
    boxes = bug.score_boxes or bug.team_boxes or (bug.clock_box or bug.box,)
    return max(4.0, sum(box.height for box in boxes) / len(boxes))


def _roomy(bug: BugText, clock: Box, height: float) -> Box:
    """A clock's box with room for more digits, up to what stands beside it."""
    left, right = clock.left - 0.8 * height, clock.right + 0.8 * height
    standing = () if bug.standing_box is None else (bug.standing_box,)
    for box in (*bug.team_boxes, *bug.score_boxes, *standing):
        if box.bottom < clock.top or box.top > clock.bottom:
            continue
        if box.right <= clock.left + 1:
            left = max(left, box.right + 1)
        elif box.left >= clock.right - 1:
            right = min(right, box.left - 1)
    return Box(left, clock.top - 0.12 * height, right, clock.bottom + 0.12 * height)


def _standing(bug: BugText, clock: Box | None) -> list[Box]:
    """The parts that do not change: the names; without them the bug's ends beside its clock."""
    if bug.team_boxes:
        return [box.grown(0.1 * box.height, 0.0) for box in bug.team_boxes]
    if clock is None:
        return []
    middle = clock.left + 0.35 * (clock.right - clock.left)
    around = Box(clock.left, clock.top - 0.3 * clock.height, middle, clock.bottom)
    return [around]
