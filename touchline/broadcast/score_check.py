"""The goals of a feed against those that the score in the picture shows."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from touchline.broadcast.result import ScoreGoal
from touchline.errors import InputError
from touchline.runtime.wording import counted

WITHIN_SECONDS = 130.0
"""How far a goal of the feed and the same goal by the score may lie apart, to either side."""

_UNMATCHED = 1.0
_OTHER_SIDE = 0.6
_SEEN_SLACK_SECONDS = 10.0


@dataclass(frozen=True)
class PlacedGoal:
    """A goal of a feed on the time of a recording.

    Attributes:
        earliest_seconds, latest_seconds: the stretch in which it was scored, by the feed.
        side: ``home`` or ``away``; None where the feed does not tell.
    """

    earliest_seconds: float
    latest_seconds: float
    side: str | None = None


def pair_goals(mine: Sequence[PlacedGoal], shown: Sequence[ScoreGoal]) -> dict[int, int]:
    """Which goals are the same: place among ``mine`` to place among ``shown``.

    Both are in order of time. The pairing that explains most is taken, by dynamic programming.
    """
    differences = [[_difference(one, goal) for goal in shown] for one in mine]
    cost = np.zeros((len(mine) + 1, len(shown) + 1))
    cost[:, 0] = _UNMATCHED * np.arange(len(mine) + 1)
    cost[0] = _UNMATCHED * np.arange(len(shown) + 1)
    for i, row in enumerate(differences):
        for j, difference in enumerate(row):
            alone = min(cost[i, j + 1], cost[i + 1, j]) + _UNMATCHED
            cost[i + 1, j + 1] = min(alone, cost[i, j] + difference)
    pairs: dict[int, int] = {}
    i, j = len(mine), len(shown)
    while i and j:
        if cost[i, j] == cost[i - 1, j - 1] + differences[i - 1][j - 1]:
            i, j = i - 1, j - 1
            pairs[i] = j
        elif cost[i, j] == cost[i - 1, j] + _UNMATCHED:
            i -= 1
        else:
            j -= 1
    return pairs


def _difference(one: PlacedGoal, goal: ScoreGoal) -> float:
    """How unlike two goals are: 0 the same, infinite where they cannot be one."""
    before = one.earliest_seconds - goal.seconds
    after = goal.seconds - one.latest_seconds
    apart = max(0.0, before, after)
    too_late = one.earliest_seconds > goal.seen_at_seconds + _SEEN_SLACK_SECONDS
    if apart > WITHIN_SECONDS or too_late:
        return float("inf")
    # of own goals some providers name the side that scored, some the one that conceded
    return apart / WITHIN_SECONDS + (_OTHER_SIDE if one.side not in (None, goal.team) else 0.0)


def disagreement(in_feed: int, shown: int, agree: int, where: str) -> list[str]:
    """A warning that goals do not agree; none where they do.

    Args:
        in_feed, shown, agree: goals of the feed in the recording, by the score, and the same ones.
        where: the recording, for messages.

    Raises:
        InputError: so many do not agree that the feed is of another match.
    """
    only_feed, only_shown = in_feed - agree, shown - agree
    if not only_feed and not only_shown:
        return []
    told = (
        f"the feed has {counted(in_feed, 'goal')}, the score in the picture {shown}, of which "
        f"{agree} {'agrees' if agree == 1 else 'agree'}"
    )
    if only_feed and only_feed + only_shown > max(1, agree):
        raise InputError(
            f"the feed seems to be of another match: {told}", where=where,
            remedy="check feed and video; --ignore-score places the events by the clock alone",
        )  # fmt: skip
    return [told]
