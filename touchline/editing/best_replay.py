"""Which replay of an action a reel shows, where its broadcast shows several.

What is known of a replay is where it begins and ends, and where play restarts; not whether it
shows the shot or the crowd. So a score stands for that: replays that show a whole action have a
usual length, while shorter ones show a face and longer ones the celebration, too; those that come
late, or after the restart, more often show something else. Editors come back to a goal 28 to 40 s
after it. The weights are set by hand: no data with replays and editors' choices were at hand.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import log

Span = tuple[float, float]

USUAL_SECONDS = 10.0
"""Length of a replay that shows the build-up and the shot."""

LENGTH_SPREAD = 0.6
"""Standard deviation of the logarithm of that length."""

LATE_AFTER_SECONDS = 40.0
"""A replay that begins later after its action is late."""


@dataclass(frozen=True)
class ReplayWeights:
    """What speaks against a replay.

    Attributes:
        length: for a length one spread away from the usual one; four times that for two spreads.
        lateness: for each half minute that it is late.
        restart: for one that ends after play has restarted.
    """

    length: float = 0.5
    lateness: float = 1.0
    restart: float = 2.0


WEIGHTS = ReplayWeights()


@dataclass(frozen=True)
class ChosenReplay:
    """The replay of an action that a reel shows.

    Attributes:
        start_seconds, end_seconds: of the whole replay.
        number: which of them it is, from 1.
        others: the replays that are left out.
        action_seconds: when the action took place.
    """

    start_seconds: float
    end_seconds: float
    number: int
    others: tuple[Span, ...]
    action_seconds: float

    @property
    def reason(self) -> str:
        """Such as ``replay 2 of 3: 9 s long, 31 s after it``."""
        length = f"{self.end_seconds - self.start_seconds:.0f} s long"
        after = f"{self.start_seconds - self.action_seconds:.0f} s after it"
        count = len(self.others) + 1
        which = "replay" if count == 1 else f"replay {self.number} of {count}"
        return f"{which}: {length}, {after}"


def best_replay(
    replays: Sequence[Span], action_seconds: float, restarts: Sequence[float] = ()
) -> ChosenReplay:
    """The replay of an action that most likely shows it whole; of two as likely the first.

    Args:
        replays: those of the action, at least one.
        restarts: seconds of the kick-offs of the video.
    """
    ordered = sorted(replays)
    scores = [replay_score(replay, action_seconds, restarts) for replay in ordered]
    place = scores.index(max(scores))
    others = tuple(one for one in ordered if one is not ordered[place])
    return ChosenReplay(*ordered[place], place + 1, others, action_seconds)


def replay_score(
    replay: Span,
    action_seconds: float,
    restarts: Sequence[float] = (),
    weights: ReplayWeights = WEIGHTS,
) -> float:
    """What speaks for a replay of an action; 0 at the most."""
    start, end = replay
    spreads = log(max(end - start, 0.1) / USUAL_SECONDS) / LENGTH_SPREAD
    late = max(0.0, start - action_seconds - LATE_AFTER_SECONDS)
    is_restarted = any(action_seconds < restart < end for restart in restarts)
    against = weights.length * spreads**2 + weights.lateness * late / 30
    return -against - weights.restart * is_restarted
