"""Boosted decision trees as flat lists of numbers, evaluated without the library that grew them."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

FloatArray = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Tree:
    """One tree: its branches from the root on, and its leaves.

    Attributes:
        columns: of each branch, the column of the inputs that it looks at.
        thresholds: values up to this, inclusive, go left; the others go right.
        left, right: where to: a branch from 0 on, which lies further down the lists, or a leaf as
            ``-1 - place``.
        leaves: log-odds that each leaf adds.
    """

    columns: tuple[int, ...]
    thresholds: tuple[float, ...]
    left: tuple[int, ...]
    right: tuple[int, ...]
    leaves: tuple[float, ...]

    def __post_init__(self) -> None:
        lengths = {len(self.columns), len(self.thresholds), len(self.left), len(self.right)}
        leads_down = all(
            (place < to < len(self.columns)) if to >= 0 else -to <= len(self.leaves)
            for place, pair in enumerate(zip(self.left, self.right, strict=False))
            for to in pair
        )
        if len(lengths) != 1 or not leads_down or not self.leaves:
            raise ValueError("the branches of a tree do not lead to its leaves")

    def log_odds(self, inputs: FloatArray) -> FloatArray:
        """(rows,) what the tree adds for inputs of (columns, rows)."""
        found: dict[int, FloatArray | float] = {}

        def value(to: int) -> FloatArray | float:
            return found.pop(to) if to >= 0 else self.leaves[-1 - to]

        for place in reversed(range(len(self.columns))):
            goes_left = inputs[self.columns[place]] <= self.thresholds[place]
            left, right = value(self.left[place]), value(self.right[place])
            found[place] = np.where(goes_left, left, right)
        return np.broadcast_to(np.asarray(value(0 if self.columns else -1)), inputs.shape[1:])

    @classmethod
    def from_json(cls, fields: Mapping[str, Any]) -> "Tree":
        """The tree of an object with its five lists.

        Raises:
            ValueError, KeyError, TypeError: it is none.
        """
        return cls(
            tuple(map(int, fields["columns"])),
            tuple(map(float, fields["thresholds"])),
            tuple(map(int, fields["left"])),
            tuple(map(int, fields["right"])),
            tuple(map(float, fields["leaves"])),
        )


@dataclass(frozen=True)
class BoostedTrees:
    """Trees whose outputs add up to log-odds."""

    base: float
    trees: tuple[Tree, ...]

    def log_odds(self, inputs: FloatArray) -> FloatArray:
        """(rows,) log-odds for inputs of (columns, rows)."""
        total = np.full(inputs.shape[1:], self.base)
        for tree in self.trees:
            total += tree.log_odds(inputs)
        return total
