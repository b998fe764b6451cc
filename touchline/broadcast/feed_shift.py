"""By how much the clock of a feed is off that of the broadcast.

A provider's clock may be started late, or count from the start of a recording. The shift is taken
from what both know: goals against changes of the score, fouls and restarts against whistles, the
kick-off against the clock. Without strong evidence there is none.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from touchline.broadcast.feed import FeedEvent
from touchline.broadcast.match_clock import HalfClock
from touchline.broadcast.result import Moment, ScoreGoal
from touchline.timebase import HALF_CLOCKS

Floats = NDArray[np.float64]

LARGEST_SECONDS = 150.0
"""Larger shifts are not looked for."""

NONE_SECONDS = 2.0
"""A shift smaller than this is none: kick-offs and clocks differ by as much."""

LEAST_GAIN = 8.0
"""How much likelier (natural logarithm) a shift must make what is seen than any other does; more
with more than 20 events, whose chance likeness grows with the root of their number."""

_USUAL_EVENTS = 20

_STEP_SECONDS = 0.25
_NEAR_SECONDS = 20.0
_APART_SECONDS = 6.0
_WHISTLED = frozenset(
    {"foul", "offside", "penalty", "yellow card", "red card", "yellow->red card", "foul committed",
     "kick-off", "direct free-kick", "indirect free-kick"}
)  # fmt: skip
_WHISTLE_SPREAD_SECONDS = 1.5
_KICK_OFF_SPREAD_SECONDS = 1.5
_KICK_OFF_GAIN = 12.0
_FLOOR = 0.05


@dataclass(frozen=True)
class Shift:
    """What is added to a feed's clock in one half.

    Attributes:
        seconds: 0 where nothing says otherwise.
        uncertainty_seconds: to either side.
        by: what says so, such as ``3 goals and 14 whistles``.
    """

    seconds: float = 0.0
    uncertainty_seconds: float = 0.0
    by: str | None = None


def measure_shift(
    events: Sequence[FeedEvent],
    clock: HalfClock,
    goals: Sequence[ScoreGoal],
    whistles: Sequence[Moment],
    step_seconds: float,
) -> Shift:
    """The shift of a feed's clock in one half.

    Args:
        events: of the feed in this half, in order of the clock.
        clock: of the broadcast in this half.
        goals: of the recording that the score shows in this half.
        whistles: of the recording.
        step_seconds: to which the feed's clock is cut.
    """
    shifts = np.arange(-LARGEST_SECONDS, LARGEST_SECONDS + _STEP_SECONDS / 2, _STEP_SECONDS)
    parts = {
        "kick-off": _by_kick_off(events, clock.half, shifts),
        "goal": _by_goals(events, clock, goals, shifts),
        "whistle": _by_whistles(events, clock, whistles, shifts),
    }
    gain = np.sum([part for part, _ in parts.values()], axis=0)
    none = np.abs(shifts) <= max(NONE_SECONDS, step_seconds)
    best = int(np.argmax(gain))
    off = np.abs(shifts - shifts[best])
    near = (gain > gain[best] - 1.0) & (off <= _NEAR_SECONDS)
    width = max(_STEP_SECONDS, float(np.ptp(shifts[near])) / 2)
    others = off > max(_APART_SECONDS, 5 * width)
    events_used = sum(count for _, count in parts.values())
    least = LEAST_GAIN * max(1.0, events_used / _USUAL_EVENTS) ** 0.5
    if none[best] or gain[best] - gain[others].max() < least:
        return Shift()
    named = [
        name if name == "kick-off" else f"{count} {name}{'s' if count != 1 else ''}"
        for name, (part, count) in parts.items()
        if count and part[best] - part[none].max() > 1.0
    ]
    return Shift(float(shifts[best]), width, " and ".join(named))


def _by_kick_off(events: Sequence[FeedEvent], half: int, shifts: Floats) -> tuple[Floats, int]:
    """A feed whose first event is a kick-off says where its clock starts."""
    first = events[0] if events else None
    start = HALF_CLOCKS[half][0]
    if first is None or first.event.label.lower() != "kick-off":
        return np.zeros_like(shifts), 0
    late = first.clock_seconds - start
    if abs(late) <= NONE_SECONDS:
        return np.zeros_like(shifts), 0
    gain = np.exp(-0.5 * ((shifts + late) / _KICK_OFF_SPREAD_SECONDS) ** 2)
    return _KICK_OFF_GAIN * gain, 1


def _by_goals(
    events: Sequence[FeedEvent], clock: HalfClock, goals: Sequence[ScoreGoal], shifts: Floats
) -> tuple[Floats, int]:
    def near(times: Floats) -> Floats:
        found = [np.zeros_like(times)]
        for goal in goals:
            spread = max(2.0, goal.uncertainty_seconds)
            off = (times - goal.seconds) / spread
            found.append(np.where(times <= goal.seen_at_seconds + 1, np.exp(-0.5 * off**2), 0.0))
        return np.asarray(np.max(found, axis=0), np.float64)

    mine = [one for one in events if one.is_goal]
    return _gain(mine, clock, shifts, near) if goals else (np.zeros_like(shifts), 0)


def _by_whistles(
    events: Sequence[FeedEvent], clock: HalfClock, whistles: Sequence[Moment], shifts: Floats
) -> tuple[Floats, int]:
    at = np.array([one.seconds for one in whistles])

    def near(times: Floats) -> Floats:
        late = at[None, :] - times[:, None] - 0.5
        return np.asarray(np.exp(-0.5 * (late / _WHISTLE_SPREAD_SECONDS) ** 2).max(1), np.float64)

    mine = [one for one in events if one.event.label.lower() in _WHISTLED]
    return _gain(mine, clock, shifts, near) if len(at) else (np.zeros_like(shifts), 0)


def _gain(
    events: Sequence[FeedEvent],
    clock: HalfClock,
    shifts: Floats,
    near: Callable[[Floats], Floats],
) -> tuple[Floats, int]:
    """How much each shift gains over any other, and by how many events."""
    gain, count = np.zeros_like(shifts), 0
    for one in events:
        time = clock.time_of(one.clock_seconds)
        if time is None:
            continue
        close = near(time + shifts)
        if close.max() < 0.1:
            continue
        gain += np.log((_FLOOR + close) / (_FLOOR + close.mean()))
        count += 1
    return gain, count
