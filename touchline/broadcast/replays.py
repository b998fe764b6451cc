"""Replays: what lies between two wipes.

A wipe is the same on the way in and on the way out, so which is which has to be told from the whole
sequence: a replay lasts some seconds to half a minute, live play between two replays mostly longer
and with a long look at the whole pitch; and a wipe that was not found must not turn all that
follow. The cheapest reading of a recording's wipes under these rules is the answer. Where one
design of wipe mostly opens and another one mostly closes, that counts too.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from math import log

from touchline.broadcast.wipes import Wipe

REPLAY_SECONDS = 11.0
"""Usual length of a replay, the middle of a log-normal spread."""

REPLAY_SPREAD = 0.6

PLAY_SECONDS = 80.0
"""Usual time from the end of a replay to the start of the next."""

PLAY_SPREAD = 1.2

LONGEST_REPLAY_SECONDS = 90.0

SHORTEST_REPLAY_SECONDS = 1.5

LONG_LOOK_SECONDS = 9.0
"""A single uncut shot of the pitch this long is live play."""

_LONE_WIPE = 4.5
_BETWEEN_ANGLES = 3.0
_OPEN_END = 1.0
_LONG_LOOK = 2.0
_SMOOTHING = 2.0


@dataclass(frozen=True, order=True)
class ShownReplay:
    """A stretch of the recording that shows an action again.

    Attributes:
        start_seconds, end_seconds: from the middle of the wipe in to the middle of that out; or
            of the shot.
        confidence: 0 to 1.
    """

    start_seconds: float
    end_seconds: float
    confidence: float = 1.0

    @property
    def seconds(self) -> float:
        """How long it is."""
        return self.end_seconds - self.start_seconds


def replays_between(
    wipes: Sequence[Wipe], long_looks: Sequence[tuple[float, float]] = ()
) -> tuple[ShownReplay, ...]:
    """Replays of a recording, in order of time.

    Args:
        wipes: in order of time.
        long_looks: (start, end) seconds of shots that show the whole pitch.
    """
    if len(wipes) < 2:
        return ()
    looks = [look for look in long_looks if look[1] - look[0] >= LONG_LOOK_SECONDS]
    gaps = [_Gap.between(before, after, looks) for before, after in pairwise(wipes)]
    opens = [0.0] * len(wipes)
    inside = _cheapest(gaps, opens)
    for _ in range(2):  # what the designs do is read off the answer, and then helps to give it
        opens = _opening_costs(wipes, inside)
        inside = _cheapest(gaps, opens)
    return _joined(wipes, gaps, inside)


@dataclass(frozen=True)
class _Gap:
    """Costs (negative logarithms of likelihood) of what lies between two wipes."""

    as_replay: float
    as_play: float

    @classmethod
    def between(cls, before: Wipe, after: Wipe, looks: Sequence[tuple[float, float]]) -> "_Gap":
        seconds = max(after.seconds - before.seconds, 0.1)
        replay = _log_normal(seconds, REPLAY_SECONDS, REPLAY_SPREAD)
        play = _log_normal(seconds, PLAY_SECONDS, PLAY_SPREAD)
        if seconds > LONGEST_REPLAY_SECONDS or seconds < SHORTEST_REPLAY_SECONDS:
            replay += 20
        longest = max(
            (min(end, after.seconds) - max(start, before.seconds) for start, end in looks),
            default=0.0,
        )
        if longest >= LONG_LOOK_SECONDS:
            replay += _LONG_LOOK
        return cls(replay, play)


def _log_normal(value: float, middle: float, spread: float) -> float:
    return 0.5 * (log(value / middle) / spread) ** 2 + log(spread)


def _opening_costs(wipes: Sequence[Wipe], inside: Sequence[bool]) -> list[float]:
    """Of each wipe, what it costs that it opens a replay, against that it closes one."""
    opened: dict[int, float] = {}
    closed: dict[int, float] = {}
    for index, wipe in enumerate(wipes):
        before = index > 0 and inside[index - 1]
        after = index < len(inside) and inside[index]
        if before != after:
            count = opened if after else closed
            count[wipe.design] = count.get(wipe.design, 0.0) + 1
    costs = []
    for wipe in wipes:
        opens = opened.get(wipe.design, 0.0) + _SMOOTHING
        closes = closed.get(wipe.design, 0.0) + _SMOOTHING
        costs.append(log(closes / opens))
    return costs


def _cheapest(gaps: Sequence[_Gap], opens: Sequence[float]) -> list[bool]:
    """Whether each gap is a replay, so that the whole costs least."""
    # State: whether a replay is on after the wipe. A recording may begin or end within one.
    costs = {True: opens[0] / 2, False: _OPEN_END - opens[0] / 2}
    trail: list[dict[bool, bool]] = []
    for index, gap in enumerate(gaps):
        reached: dict[bool, float] = {}
        came: dict[bool, bool] = {}
        for after in (True, False):
            options = {}
            for now in (True, False):
                cost = costs[now] + (gap.as_replay if now else gap.as_play)
                if now == after:
                    cost += _BETWEEN_ANGLES if now else _LONE_WIPE
                else:
                    cost += (opens[index + 1] if after else -opens[index + 1]) / 2
                options[now] = cost
            came[after] = min(options, key=lambda now: options[now])
            reached[after] = options[came[after]]
        costs = reached
        trail.append(came)
    state = costs[True] + _OPEN_END < costs[False]
    inside = []
    for came in reversed(trail):
        state = came[state]
        inside.append(state)
    return inside[::-1]


def _joined(
    wipes: Sequence[Wipe], gaps: Sequence[_Gap], inside: Sequence[bool]
) -> tuple[ShownReplay, ...]:
    """Replays, those that a wipe only parts into angles joined."""
    found: list[ShownReplay] = []
    for index, gap in enumerate(gaps):
        if not inside[index]:
            continue
        before, after = wipes[index], wipes[index + 1]
        sure = 1 / (1 + 2.7182818 ** min(gap.as_replay - gap.as_play - 2, 50))
        sure *= min(1.0, 0.5 * (before.confidence + after.confidence) + 0.2)
        if found and index and inside[index - 1]:
            first = found.pop()
            sure = max(sure, first.confidence)
            found.append(ShownReplay(first.start_seconds, after.seconds, sure))
        else:
            found.append(ShownReplay(before.seconds, after.seconds, sure))
    return tuple(found)
