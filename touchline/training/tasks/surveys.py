"""What a task works out once about the halves that it is given again and again."""

from collections.abc import Callable, Sequence
from typing import Generic, TypeVar

from touchline.datasets.features import LabelledHalf

Found = TypeVar("Found")

_KEPT = 2
"""Training and validation take turns."""


class Survey(Generic[Found]):
    """A function of halves that remembers what it found about the last ones.

    Args:
        look: what is to be found; depends on the halves alone.
    """

    def __init__(self, look: Callable[[Sequence[LabelledHalf]], Found]) -> None:
        self._look = look
        self._known: list[tuple[tuple[LabelledHalf, ...], Found]] = []

    def __call__(self, halves: Sequence[LabelledHalf]) -> Found:
        """What is found about these very halves."""
        for known, found in self._known:
            if _same(known, halves):
                return found
        found = self._look(halves)
        self._known = [(tuple(halves), found), *self._known][:_KEPT]
        return found


def _same(known: Sequence[LabelledHalf], halves: Sequence[LabelledHalf]) -> bool:
    return len(known) == len(halves) and all(
        own is given for own, given in zip(known, halves, strict=True)
    )
