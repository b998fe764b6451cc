"""From the match clock to the time in a recording, half by half."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from touchline.broadcast.result import Broadcast, Half, Reading
from touchline.errors import InputError
from touchline.timebase import HALF_CLOCKS, format_seconds

Floats = NDArray[np.float64]

REACH_SECONDS = 300.0
"""How far the clock is carried on where it is no longer, or not yet, in the picture."""

_KICK_OFF_SLACK_SECONDS = 5.0
_AGREEING_SECONDS = 3.0
_LONGEST_ADDED_SECONDS = 1800.0
_JUMP_SECONDS = 2.5
_SMOOTHED_READINGS = 9
_LEAST_READINGS = 3


@dataclass(frozen=True)
class ClockPiece:
    """A stretch without a cut: the match clock is ``offset_seconds + rate * time`` in it.

    Attributes:
        start_seconds, end_seconds: in the recording.
        offset_seconds: match clock at the recording's start, were the stretch to reach so far.
        rate: 1; another where the recording is slowed down or sped up.
    """

    start_seconds: float
    end_seconds: float
    offset_seconds: float
    rate: float = 1.0

    def clock(self, time_seconds: float) -> float:
        """Match seconds at a time of the recording."""
        return self.offset_seconds + self.rate * time_seconds

    def time_of(self, clock_seconds: float) -> float:
        """The time in the recording of a match clock."""
        return (clock_seconds - self.offset_seconds) / self.rate


@dataclass(frozen=True)
class HalfClock:
    """The match clock of one half of a recording.

    Attributes:
        half: 1 or 2; 3 and 4 of extra time.
        start_seconds, end_seconds: of the half as far as the recording shows it.
        earliest_seconds, latest_seconds: between which times of the recording the half may lie.
        pieces: in order of time; a cut of the recording lies between two.
        residual_seconds: of the readings to the pieces, which nine in ten do not exceed; None
            where there are none.
    """

    half: int
    start_seconds: float
    end_seconds: float
    earliest_seconds: float
    latest_seconds: float
    pieces: tuple[ClockPiece, ...]
    residual_seconds: float | None = None

    @property
    def offset_seconds(self) -> float:
        """Time in the recording at which the half's clock starts, by its first piece."""
        return self.pieces[0].time_of(HALF_CLOCKS[self.half][0])

    @property
    def length_seconds(self) -> float:
        """Of the stretches of the recording in which the clock was seen."""
        return sum(piece.end_seconds - piece.start_seconds for piece in self.pieces)

    def time_of(self, clock_seconds: float) -> float | None:
        """The time in the recording of a match clock; None where the recording lacks it."""
        time = self._time_of(clock_seconds)
        inside = time is not None and self.earliest_seconds <= time <= self.latest_seconds
        return time if inside else None

    def stretch_of(self, begin_seconds: float, end_seconds: float) -> tuple[float, float] | None:
        """The stretch of the recording in which a stretch of the match clock lies.

        Cut to what the recording has of it: of several parts that do not touch, the longest.

        Args:
            begin_seconds, end_seconds: of the match clock; the same for an instant.

        Returns:
            Its first and last time; None where the recording lacks it.
        """
        parts: list[tuple[float, float]] = []
        for piece, (first, last) in zip(self.pieces, self._spans(), strict=True):
            low = max(first, piece.time_of(begin_seconds))
            high = min(last, piece.time_of(end_seconds))
            if high < low or (high == low and end_seconds > begin_seconds):
                continue
            if parts and parts[-1][1] == low:
                low = parts.pop()[0]
            parts.append((low, high))
        return max(reversed(parts), key=lambda part: part[1] - part[0], default=None)

    def clock_at(self, time_seconds: float) -> float:
        """Match seconds at a time of the half."""
        begun = [piece for piece in self.pieces if piece.start_seconds <= time_seconds]
        return (begun[-1] if begun else self.pieces[0]).clock(time_seconds)

    def text_at(self, time_seconds: float) -> str:
        """The match clock at a time of the half to the nearest second, such as ``4:38``."""
        return format_seconds(round(self.clock_at(time_seconds)))

    def _spans(self) -> list[tuple[float, float]]:
        """Between which times of the recording each piece counts."""
        starts = [piece.start_seconds for piece in self.pieces[1:]]
        edges = [self.earliest_seconds, *starts, self.latest_seconds]
        return list(pairwise(edges))

    def _time_of(self, clock_seconds: float) -> float | None:
        begun = [p for p in self.pieces if p.clock(p.start_seconds) <= clock_seconds]
        piece = begun[-1] if begun else self.pieces[0]
        time = piece.time_of(clock_seconds)
        later = self.pieces[len(begun) :] if begun else ()
        if later and time > later[0].start_seconds:
            return None  # between two pieces something was cut out
        return time


def half_clocks(broadcast: Broadcast) -> tuple[HalfClock, ...]:
    """The clock of each half that a recording shows, in order of time.

    Of several stretches of one half, such as those of a show of highlights, the longest counts.
    """
    halves = [half for half in broadcast.halves or () if half.half in HALF_CLOCKS]
    found: dict[int, HalfClock] = {}
    for place, half in enumerate(halves):
        before = halves[place - 1].end_seconds if place else 0.0
        after = halves[place + 1].start_seconds if place + 1 < len(halves) else None
        clock = _half_clock(half, broadcast, before, after)
        known = found.get(half.half)
        if known is None or known.length_seconds < clock.length_seconds:
            found[half.half] = clock
    return tuple(sorted(found.values(), key=lambda clock: clock.earliest_seconds))


def kicked_off(
    kick_offs: Mapping[int, float], video_name: str, duration_seconds: float
) -> Broadcast:
    """A recording of which nothing but the kick-offs is known.

    Args:
        kick_offs: time in the recording by half; negative where it starts after the kick-off.

    Raises:
        InputError: no half of football, not in playing order, or none of it in the recording.
    """
    ordered = sorted(kick_offs.items())
    for half, start in ordered:
        if half not in HALF_CLOCKS:
            raise InputError(f"there is no half {half}", remedy="1 and 2; 3 and 4 of extra time")
        if start >= duration_seconds:
            raise InputError(
                f"half {half} cannot start at {start:.1f} s of {video_name}",
                remedy=f"it lasts {duration_seconds:.1f} s",
            )
    if any(later[1] <= earlier[1] for earlier, later in pairwise(ordered)):
        raise InputError("the kick-offs are not in playing order", remedy="give them in m:ss")
    ends = [*(start for _, start in ordered[1:]), duration_seconds]
    halves = tuple(
        _kicked_off(half, start, end, video_name)
        for (half, start), end in zip(ordered, ends, strict=True)
    )
    return Broadcast(video_name, duration_seconds, halves=halves)


def _kicked_off(half: int, start: float, end: float, video_name: str) -> Half:
    begin, regular_end = HALF_CLOCKS[half]
    if min(end, start + regular_end - begin + _LONGEST_ADDED_SECONDS) <= 0:
        raise InputError(
            f"half {half}, kicked off at {start:.1f} s, is over before {video_name} starts",
            remedy="a negative time says how long before the recording the half was kicked off",
        )
    shown_from = max(0.0, start)
    return Half(half, shown_from, end, begin + shown_from - start, has_kick_off=start >= 0)


def kick_off_remarks(kick_offs: Mapping[int, float], shown: Broadcast) -> list[str]:
    """What the clock in the picture says against kick-offs that a person gives, a line each.

    Args:
        kick_offs: time in the recording by half.
        shown: what was read of the recording.
    """
    remarks = []
    clocks = half_clocks(shown)
    for half, start in sorted(kick_offs.items()):
        clock = next((one for one in clocks if _shows(one, start) and one.half != half), None)
        clock = clock or next((one for one in clocks if one.half == half), None)
        if clock is None or (
            clock.half == half and abs(clock.offset_seconds - start) <= _AGREEING_SECONDS
        ):
            continue
        at = min(max(start, clock.start_seconds), clock.end_seconds)
        remarks.append(
            f"the kick-off given for half {half}, {format_seconds(start)}, is used, but the clock "
            f"in the picture says half {clock.half}, {clock.text_at(at)} at "
            f"{format_seconds(at)}"
        )
    return remarks


def _shows(clock: HalfClock, time_seconds: float) -> bool:
    """Whether a half is seen at a time of the recording."""
    return clock.start_seconds <= time_seconds <= clock.end_seconds


def only_half(broadcast: Broadcast, number: int) -> Broadcast:
    """A recording that holds one half alone, whatever half its clock was taken for.

    Raises:
        InputError: it shows several halves and not this one.
    """
    halves = broadcast.halves or ()
    if found := [half for half in halves if half.half == number]:
        return replace(broadcast, halves=tuple(found))
    if len(halves) > 1:
        raise InputError(f"{broadcast.video_name}: its clock shows no half {number}")
    moved = HALF_CLOCKS[number][0]
    return replace(
        broadcast,
        halves=tuple(
            replace(half, half=number, clock_start_seconds=_moved(half.clock_start_seconds,
                    half.half, moved)) for half in halves
        ),
        readings=None if broadcast.readings is None else tuple(
            one if one.clock_seconds is None or one.half is None
            else replace(one, half=number, clock_seconds=_moved(one.clock_seconds, one.half, moved))
            for one in broadcast.readings
        ),
    )  # fmt: skip


def _moved(clock_seconds: float, half: int, start: float) -> float:
    return clock_seconds - HALF_CLOCKS[half][0] + start


def _half_clock(
    half: Half, broadcast: Broadcast, before_seconds: float, after_seconds: float | None
) -> HalfClock:
    readings = [
        one
        for one in broadcast.readings or ()
        if one.half == half.half
        and one.clock_seconds is not None
        and half.start_seconds - 1 <= one.seconds <= half.end_seconds + 1
    ]
    pieces, residual = _pieces(readings)
    if not pieces:
        offset = half.clock_start_seconds - half.start_seconds
        pieces = (ClockPiece(half.start_seconds, half.end_seconds, offset),)
    slack = _KICK_OFF_SLACK_SECONDS if half.has_kick_off else REACH_SECONDS
    latest = broadcast.duration_seconds if after_seconds is None else after_seconds
    return HalfClock(
        half.half,
        half.start_seconds,
        half.end_seconds,
        max(before_seconds, half.start_seconds - slack),
        min(latest, half.end_seconds + REACH_SECONDS),
        pieces,
        residual,
    )


def _pieces(readings: Sequence[Reading]) -> tuple[tuple[ClockPiece, ...], float | None]:
    """The stretches of a clock, and the residual of its readings to them, if they say any."""
    if len(readings) < _LEAST_READINGS:
        return (), None
    times = np.array([one.seconds for one in readings])
    clocks = np.array([one.clock_seconds for one in readings], np.float64)
    rate = _rate(times, clocks)
    offsets = clocks - rate * times
    steady = _medians(offsets)
    breaks = np.flatnonzero(np.abs(np.diff(steady)) > _JUMP_SECONDS) + 1
    pieces, residuals = [], []
    for members in np.split(np.arange(len(times)), breaks):
        if len(members) < min(_LEAST_READINGS, len(times)):
            continue
        offset = float(np.median(offsets[members]))
        residuals.append(np.abs(offsets[members] - offset))
        first, last = float(times[members[0]]), float(times[members[-1]])
        pieces.append(ClockPiece(first, last, offset, rate))
    residual = float(np.quantile(np.concatenate(residuals), 0.9)) if residuals else None
    return tuple(pieces), residual


def _rate(times: Floats, clocks: Floats) -> float:
    """Seconds of the clock in a second of the recording."""
    apart = min(len(times) - 1, 30)
    spans = np.maximum(times[apart:] - times[:-apart], 1e-6)
    rate = float(np.median((clocks[apart:] - clocks[:-apart]) / spans))
    return 1.0 if abs(rate - 1) < 0.02 or rate <= 0.1 else rate


def _medians(values: Floats) -> Floats:
    """Each value as the median of those around it."""
    reach = min(_SMOOTHED_READINGS, len(values)) // 2
    padded = np.pad(values, reach, mode="edge")
    windows = np.lib.stride_tricks.sliding_window_view(padded, 2 * reach + 1)
    return np.asarray(np.median(windows, axis=1), np.float64)
