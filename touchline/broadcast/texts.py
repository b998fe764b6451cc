"""Lines of text in a picture, with their places."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Protocol, TypeVar


@dataclass(frozen=True)
class Box:
    """An upright rectangle in pixels: left and top inclusive, right and bottom exclusive."""

    left: float
    top: float
    right: float
    bottom: float

    @property
    def width(self) -> float:
        return self.right - self.left

    @property
    def height(self) -> float:
        return self.bottom - self.top

    def grown(self, across: float, down: float) -> "Box":
        """The box with a margin on each side, which may leave the picture."""
        return Box(self.left - across, self.top - down, self.right + across, self.bottom + down)

    def moved(self, across: float, down: float) -> "Box":
        """The box elsewhere."""
        return Box(self.left + across, self.top + down, self.right + across, self.bottom + down)

    def within(self, width: int, height: int) -> "Box":
        """The part inside a picture of that size, on whole pixels."""
        return Box(
            max(0, int(self.left)),
            max(0, int(self.top)),
            min(width, int(self.right + 0.999)),
            min(height, int(self.bottom + 0.999)),
        )

    def overlap(self, other: "Box") -> float:
        """Common area over that of the smaller box, 0 to 1."""
        width = min(self.right, other.right) - max(self.left, other.left)
        height = min(self.bottom, other.bottom) - max(self.top, other.top)
        smaller = min(self.width * self.height, other.width * other.height)
        return 0.0 if width <= 0 or height <= 0 or smaller <= 0 else width * height / smaller


class Placed(Protocol):
    """Anything with a box."""

    @property
    def box(self) -> Box: ...


P = TypeVar("P", bound=Placed)


@dataclass(frozen=True)
class Line:
    """A line of text as a reader found it.

    Attributes:
        text: what it says.
        box: the smallest upright rectangle around it.
        confidence: of the reading, 0 to 1.
        tilt_degrees: of its base line against the horizontal.
    """

    text: str
    box: Box
    confidence: float = 1.0
    tilt_degrees: float = 0.0


def around(boxes: Iterable[Box]) -> Box:
    """The smallest box that holds all; there must be one."""
    known = list(boxes)
    return Box(
        min(box.left for box in known),
        min(box.top for box in known),
        max(box.right for box in known),
        max(box.bottom for box in known),
    )


def same_row(one: Box, other: Box, share: float = 0.5) -> bool:
    """Whether two boxes stand beside each other: they share that part of the lower one's height."""
    common = min(one.bottom, other.bottom) - max(one.top, other.top)
    return common >= share * min(one.height, other.height)


def rows_of(items: Sequence[P]) -> list[list[P]]:
    """Items by rows from top to bottom, each from left to right.

    A row is held together by its tallest item, so that two lines of small print beside a large
    word stay two rows.
    """
    rows: list[list[P]] = []
    for item in sorted(items, key=lambda item: -item.box.height):
        fitting = [row for row in rows if same_row(row[0].box, item.box, 0.6)]
        if fitting and item.box.height >= 0.4 * fitting[0][0].box.height:
            fitting[0].append(item)
        else:
            rows.append([item])
    for row in rows:
        row.sort(key=lambda item: item.box.left)
    return sorted(rows, key=lambda row: min(item.box.top for item in row))
