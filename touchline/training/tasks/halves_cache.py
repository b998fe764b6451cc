"""What a task computes from the halves that it is given again and again."""

from collections.abc import Callable, Sequence
from typing import Generic, TypeVar

from touchline.datasets.features import LabelledHalf

Value = TypeVar("Value")

_KEPT = 2
"""Training and validation take turns."""


class HalvesCache(Generic[Value]):
    """A function of halves that keeps its values for the last ones.

    Args:
        compute: the function; its value depends on the halves alone.
    """

    def __init__(self, compute: Callable[[Sequence[LabelledHalf]], Value]) -> None:
        self._compute = compute
        self._kept: list[tuple[tuple[LabelledHalf, ...], Value]] = []

    def __call__(self, halves: Sequence[LabelledHalf]) -> Value:
        """The value for these very halves."""
        for known, value in self._kept:
            if _are_same(known, halves):
                return value
        value = self._compute(halves)
        self._kept = [(tuple(halves), value), *self._kept][:_KEPT]
        return value


def _are_same(known: Sequence[LabelledHalf], halves: Sequence[LabelledHalf]) -> bool:
    return len(known) == len(halves) and all(
        own is given for own, given in zip(known, halves, strict=True)
    )
