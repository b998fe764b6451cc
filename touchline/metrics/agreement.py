"""How far two annotators agree: their events paired, and what they say of the same events.

Neither is the truth, so nothing here is asymmetric but the names. The share of agreement is F1 with
one of them as the truth, which is the same either way; kappa is Cohen's (1960).
"""

from collections.abc import Sequence
from dataclasses import dataclass

Point = tuple[float, str]
"""Seconds and class of an event."""

Pair = tuple[int, int]


@dataclass(frozen=True)
class Pairing:
    """Which events of two annotators are the same.

    Attributes:
        same: places of events of one class, near each other.
        confused: near each other, but of two classes.
        first_only, second_only: places of events that the other has not.
    """

    same: tuple[Pair, ...]
    confused: tuple[Pair, ...]
    first_only: tuple[int, ...]
    second_only: tuple[int, ...]

    @property
    def f1(self) -> float | None:
        """Share of the events that both have, 0 to 1; None without any event."""
        others = 2 * len(self.confused) + len(self.first_only) + len(self.second_only)
        total = 2 * len(self.same) + others
        return 2 * len(self.same) / total if total else None


def pair_events(first: Sequence[Point], second: Sequence[Point], within_seconds: float) -> Pairing:
    """Pair events of two annotators, the nearest first; those of one class before all others.

    Args:
        within_seconds: largest distance of a pair, inclusive.
    """
    free = set(range(len(first))), set(range(len(second)))
    near = _near(first, second, within_seconds)
    same = _take([pair for pair in near if first[pair[0]][1] == second[pair[1]][1]], free)
    confused = _take(near, free)
    return Pairing(same, confused, tuple(sorted(free[0])), tuple(sorted(free[1])))


def _near(first: Sequence[Point], second: Sequence[Point], within_seconds: float) -> list[Pair]:
    """All pairs within the distance, the nearest first."""
    order = sorted(range(len(second)), key=lambda j: second[j][0])
    found: list[tuple[float, int, int]] = []
    begin = 0
    for i in sorted(range(len(first)), key=lambda i: first[i][0]):
        seconds = first[i][0]
        while begin < len(order) and second[order[begin]][0] < seconds - within_seconds:
            begin += 1
        for j in order[begin:]:
            if second[j][0] > seconds + within_seconds:
                break
            found.append((abs(second[j][0] - seconds), i, j))
    return [(i, j) for _, i, j in sorted(found)]


def _take(pairs: Sequence[Pair], free: tuple[set[int], set[int]]) -> tuple[Pair, ...]:
    taken = []
    for i, j in pairs:
        if i in free[0] and j in free[1]:
            free[0].remove(i)
            free[1].remove(j)
            taken.append((i, j))
    return tuple(sorted(taken))


def kappa(both: int, first_only: int, second_only: int, neither: int) -> float | None:
    """Cohen's kappa of two annotators who say yes or no of the same things.

    Args:
        both, neither: how many both said yes, or no, of.
        first_only, second_only: how many only one said yes of.

    Returns:
        1 for full agreement, 0 for what chance gives; None where chance alone explains all of it,
        as both said the same of everything.
    """
    total = both + first_only + second_only + neither
    if not total:
        return None
    yes = (both + first_only) / total, (both + second_only) / total
    chance = yes[0] * yes[1] + (1 - yes[0]) * (1 - yes[1])
    if chance == 1:
        return None
    return ((both + neither) / total - chance) / (1 - chance)
