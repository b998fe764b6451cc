"""From single readings of a clock to the stretches in which it ran.

A clock of football runs one second a second, up or down, and never stops; it jumps at half-time
and where a recording was cut. A reading that lies on no such line is a misreading, however often
it comes: a frozen 45:00, the time of day and the clocks of sports that stop are no lines.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import groupby, pairwise

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

TOLERANCE_SECONDS = 1.2
"""How far a right reading may lie from the line: it is cut to whole seconds."""

_LEAST_SUPPORT = 3
_LEAST_SHARE = 0.4
_MAX_LINES = 80
_MOST_SPED_UP = 400
_JUMP_COST = 2.5
"""In misreadings: how many must be explained before a jump of the clock is believed."""


@dataclass(frozen=True)
class ClockReading:
    """What a clock showed in one picture.

    Attributes:
        time_seconds: of the picture in the recording.
        shown_seconds: as shown.
        confidence: 0 to 1.
        has_seconds: whether it shows seconds; else it is right to the minute.
    """

    time_seconds: float
    shown_seconds: float
    confidence: float = 1.0
    has_seconds: bool = True


@dataclass(frozen=True)
class ClockRun:
    """A stretch in which the clock ran: it showed ``offset_seconds + rate * time``, cut to seconds.

    Attributes:
        start_seconds, end_seconds: of the first and the last reading on it.
        offset_seconds: the shown time at the recording's start, were the run to reach so far.
        rate: 1 up, -1 down; another where the whole recording is slowed down or sped up.
        support: readings on it.
        share: of the readings in its stretch, 0 to 1.
    """

    start_seconds: float
    end_seconds: float
    offset_seconds: float
    rate: float
    support: int
    share: float

    def shown(self, time_seconds: float) -> float:
        """The clock at a time of the recording, in seconds with fractions."""
        return self.offset_seconds + self.rate * time_seconds

    def time_of(self, shown_seconds: float) -> float:
        """The time in the recording at which the clock shows that."""
        return (shown_seconds - self.offset_seconds) / self.rate


def find_runs(readings: Sequence[ClockReading]) -> list[ClockRun]:
    """The runs of a clock, in order of time, not overlapping.

    Args:
        readings: in order of time; a fifth or more of them may be wrong.
    """
    exact = [reading for reading in readings if reading.has_seconds]
    coarse = [reading for reading in readings if not reading.has_seconds]
    if len(exact) < max(2, len(coarse) / 4):
        exact = _minute_changes(coarse)
    runs = _find(exact)
    return [_extended(run, runs[place + 1 :], coarse) for place, run in enumerate(runs)]


def _find(readings: Sequence[ClockReading]) -> list[ClockRun]:
    if len(readings) < 2:
        return []
    times = np.array([reading.time_seconds for reading in readings])
    shown = np.array([reading.shown_seconds for reading in readings])
    weights = np.array([0.25 + 0.75 * reading.confidence for reading in readings])
    lines = _lines(times, shown)
    runs = _runs(times, shown, weights, lines) if lines else []
    return runs or [run for run in [_sped_up(times, shown)] if run]


def _minute_changes(readings: Sequence[ClockReading]) -> list[ClockReading]:
    """Of a clock without seconds, the moments at which the minute changes are exact."""
    changes = []
    for before, after in pairwise(readings):
        span = after.time_seconds - before.time_seconds
        step = after.shown_seconds - before.shown_seconds
        if step == 60 and span <= 12:
            middle = (before.time_seconds + after.time_seconds) / 2
            changes.append(ClockReading(middle, after.shown_seconds, after.confidence))
    return changes


def _extended(run: ClockRun, later: Sequence[ClockRun], coarse: Sequence[ClockReading]) -> ClockRun:
    """A run with the readings to the minute (``45+2``) that carry it on."""
    limit = later[0].start_seconds if later else np.inf
    start, end = run.start_seconds, run.end_seconds
    for reading in coarse:
        off = run.shown(reading.time_seconds) - reading.shown_seconds
        if not -60 - TOLERANCE_SECONDS <= off <= 60 + TOLERANCE_SECONDS:
            continue
        if end < reading.time_seconds < min(limit, end + 75):
            end = reading.time_seconds
        elif start - 75 < reading.time_seconds < start and not later:
            start = min(start, reading.time_seconds)
    return replace(run, start_seconds=start, end_seconds=end)


def _lines(times: Floats, shown: Floats) -> list[tuple[float, float]]:
    """(rate, offset) of lines that several readings lie on, the best supported first."""
    least = min(_LEAST_SUPPORT, len(times))
    least_spread = min(2.0, 0.5 * (times[-1] - times[0]))
    found: list[tuple[int, float, float]] = []
    for rate in (1.0, -1.0):
        offsets = np.sort(shown - rate * times)
        order = np.argsort(shown - rate * times, kind="stable")
        first = np.searchsorted(offsets, offsets - TOLERANCE_SECONDS / 2, "left")
        last = np.searchsorted(offsets, offsets + TOLERANCE_SECONDS / 2, "right")
        support = last - first
        taken = np.zeros(len(offsets), bool)
        for place in np.argsort(-support, kind="stable"):
            if support[place] < least or len(found) >= 2 * _MAX_LINES:
                break
            if taken[place]:
                continue
            members = order[first[place] : last[place]]
            spread = np.ptp(shown[members])
            taken[first[place] : last[place]] = True
            if spread >= max(1.0, least_spread):
                found.append((int(support[place]), rate, float(np.median(offsets[place]))))
    found.sort(key=lambda line: -line[0])
    return [(rate, offset) for _, rate, offset in found[:_MAX_LINES]]


def _runs(
    times: Floats, shown: Floats, weights: Floats, lines: list[tuple[float, float]]
) -> list[ClockRun]:
    """Follow the cheapest path over the lines, where a misreading and a jump each cost."""
    rates = np.array([rate for rate, _ in lines])
    offsets = np.array([offset for _, offset in lines])
    cost = np.zeros(len(lines))
    origin = np.zeros((len(times), len(lines)), np.int32)
    hits = np.zeros((len(times), len(lines)), bool)
    for place, (time, value) in enumerate(zip(times, shown, strict=True)):
        hits[place] = np.abs(value - offsets - rates * time) <= TOLERANCE_SECONDS
        best = int(np.argmin(cost))
        jumps = cost > cost[best] + _JUMP_COST
        origin[place] = np.where(jumps, best, np.arange(len(lines)))
        cost = np.where(jumps, cost[best] + _JUMP_COST, cost) + weights[place] * ~hits[place]
    path = np.empty(len(times), np.int32)
    state = int(np.argmin(cost))
    for place in range(len(times) - 1, -1, -1):
        path[place] = state
        state = int(origin[place, state])
    runs = []
    for line, group in groupby(range(len(times)), key=lambda place: int(path[place])):
        members = np.array(list(group))
        on_line = members[hits[members, line]]
        run = _run(times, shown, on_line, *lines[line]) if len(on_line) else None
        if run is not None:
            runs.append(run)
    return runs


def _run(
    times: Floats, shown: Floats, on_line: NDArray[np.int64], rate: float, offset: float
) -> ClockRun | None:
    between = on_line[-1] - on_line[0] + 1
    least = min(_LEAST_SUPPORT, len(times))
    share = len(on_line) / between
    spread = np.ptp(shown[on_line])
    if len(on_line) < least or share < _LEAST_SHARE or spread < 1:
        return None
    exact = _exact_offset(shown[on_line] - rate * times[on_line])
    start, end = float(times[on_line[0]]), float(times[on_line[-1]])
    return ClockRun(start, end, exact, rate, len(on_line), share)


def _exact_offset(offsets: Floats) -> float:
    """The offset that most readings allow: a shown second holds for a second.

    Each reading says that the offset lies within [o, o + 1); the middle of where most of these
    overlap is taken.
    """
    edges = np.concatenate((offsets, offsets + 1.0))
    steps = np.concatenate((np.ones(len(offsets)), -np.ones(len(offsets))))
    order = np.lexsort((steps, edges))
    depth = np.cumsum(steps[order])
    best = int(np.argmax(depth))
    low, high = edges[order[best]], edges[order[min(best + 1, len(order) - 1)]]
    return float((low + high) / 2)


def _sped_up(times: Floats, shown: Floats) -> ClockRun | None:
    """One line of another rate, where nearly all readings of a recording lie on it."""
    if not 5 <= len(times) <= _MOST_SPED_UP:
        return None
    pairs = np.triu_indices(len(times), 1)
    spans = np.maximum(times[pairs[1]] - times[pairs[0]], 0.01)
    slopes = (shown[pairs[1]] - shown[pairs[0]]) / spans
    rate = float(np.median(slopes))
    offset = float(np.median(shown - rate * times)) + 0.5
    on_line = np.abs(shown + 0.5 - offset - rate * times) <= TOLERANCE_SECONDS
    if abs(rate) < 0.2 or on_line.mean() < 0.8:
        return None
    return ClockRun(
        float(times[0]), float(times[-1]), offset, rate, int(on_line.sum()), float(on_line.mean())
    )
