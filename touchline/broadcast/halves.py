"""From the runs of a clock to the halves of a match.

Most clocks count through: the second half starts at 45:00. Some start each half at 00:00, some
count down. A recording may hold both halves with the break between, one half, or any part.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

from touchline.broadcast.clock_track import ClockRun

BASES_SECONDS = (0, 2700, 5400, 6300)
"""Match time at which the halves, and those of extra time, begin."""

ENDS_SECONDS = (2700, 5400, 6300, 7200)

MAX_ADDED_SECONDS = 20 * 60
"""Of one half: how far a clock counts on beyond its end."""

_DRIFT_SECONDS = 4.0
_LEAST_BREAK_SECONDS = 90.0
_LEAST_RUN_SECONDS = 2.0
_LEAST_LEAP_SECONDS = 120.0
_LATEST_BUG_SECONDS = 10.0
_FAR_LEAP_SECONDS = 20 * 60.0
_EARLY_SECONDS = 120.0
_LATE_SECONDS = 60.0


@dataclass(frozen=True)
class Piece:
    """A run of the clock as part of a half.

    Attributes:
        half: 1 or 2; 3 and 4 of extra time.
        start_seconds, end_seconds: in the recording.
        offset_seconds, rate: the match clock is ``offset_seconds + rate * time``.
        share: of the readings in it that lie on it.
    """

    half: int
    start_seconds: float
    end_seconds: float
    offset_seconds: float
    rate: float
    share: float

    def clock(self, time_seconds: float) -> float:
        """Match seconds at a time of the recording."""
        return self.offset_seconds + self.rate * time_seconds

    def time_of(self, clock_seconds: float) -> float:
        """The time in the recording of a match clock."""
        return (clock_seconds - self.offset_seconds) / self.rate


@dataclass(frozen=True)
class HalfTrack:
    """A half as far as a recording shows it.

    Attributes:
        half: 1 or 2; 3 and 4 of extra time.
        start_seconds, end_seconds: in the recording.
        clock_start_seconds: match clock at its start there: 0 or 2700 where the kick-off is in
            the recording.
        has_kick_off, has_end: whether they are in the recording.
        pieces: the clock in it, in order of time.
    """

    half: int
    start_seconds: float
    end_seconds: float
    clock_start_seconds: float
    has_kick_off: bool
    has_end: bool
    pieces: tuple[Piece, ...]

    def clock(self, time_seconds: float) -> float | None:
        """Match seconds at a time within the half, also where the bug is hidden."""
        if not self.start_seconds <= time_seconds <= self.end_seconds:
            return None
        before = [p for p in self.pieces if p.start_seconds <= time_seconds]
        after = [p for p in self.pieces if p.start_seconds > time_seconds]
        if not before:
            return after[0].clock(time_seconds)
        piece = before[-1]
        if time_seconds <= piece.end_seconds or not after:
            return piece.clock(time_seconds)
        earlier, later = piece.clock(time_seconds), after[0].clock(time_seconds)
        # between two pieces of one half the recording was cut somewhere: nobody knows where
        return earlier if abs(earlier - later) <= _DRIFT_SECONDS else None


def find_halves(
    runs: Sequence[ClockRun],
    duration_seconds: float,
    marks: Sequence[tuple[float, int]] = (),
    added: Sequence[float] = (),
) -> list[HalfTrack]:
    """The halves that a clock shows, in order of time.

    Args:
        runs: of the clock, in order of time.
        duration_seconds: of the recording.
        marks: (time, half) where the bug itself names the half.
        added: times at which a plate of added time was shown.
    """
    pieces: list[Piece] = []
    for run in runs:
        if run.end_seconds - run.start_seconds >= _LEAST_RUN_SECONDS or len(runs) == 1:
            pieces.append(_piece(run, pieces, marks, added))
    halves: list[HalfTrack] = []
    for piece in pieces:
        if halves and _continues(halves[-1], piece):
            last = halves.pop()
            halves.append(_half([*last.pieces, piece], halves))
        else:
            halves.append(_half([piece], halves))
    final = len(halves) - 1
    return [_ended(half, place == final, duration_seconds) for place, half in enumerate(halves)]


@dataclass(frozen=True)
class Leap:
    """Where a recording lacks a stretch of the match.

    Attributes:
        at_seconds: where in the recording the clock has leapt.
        from_seconds, to_seconds: the match clock before and after it.
        missing_seconds: of the match, at least.
    """

    at_seconds: float
    from_seconds: float
    to_seconds: float
    missing_seconds: float


def find_leaps(halves: Sequence[HalfTrack]) -> list[Leap]:
    """Where the clock goes on by more than the recording, in order of time.

    The break between two halves is none: what remains of the first and has gone by of the second
    counts.
    """
    pieces = [piece for half in halves for piece in half.pieces]
    leaps = []
    for before, after in pairwise(pieces):
        last, first = before.clock(before.end_seconds), after.clock(after.start_seconds)
        gone = first - last
        if after.half > before.half:
            over = max(0.0, ENDS_SECONDS[before.half - 1] - last)
            gone = over + max(0.0, first - BASES_SECONDS[after.half - 1])
        missing = gone - before.rate * (after.start_seconds - before.end_seconds)
        if missing >= _LEAST_LEAP_SECONDS:
            leaps.append(Leap(after.start_seconds, last, first, missing))
    return leaps


def _piece(
    run: ClockRun,
    before: Sequence[Piece],
    marks: Sequence[tuple[float, int]],
    added: Sequence[float],
) -> Piece:
    low = min(run.shown(run.start_seconds), run.shown(run.end_seconds))
    high = max(run.shown(run.start_seconds), run.shown(run.end_seconds))
    named = [half for time, half in marks if run.start_seconds <= time <= run.end_seconds]
    written = max(set(named), key=named.count) if named else None
    plated = any(run.start_seconds <= time <= run.end_seconds for time in added)
    if run.rate < 0:
        half, base = _half_of_countdown(run, before, written)
        offset, rate = base + 2700 - run.offset_seconds, -run.rate
        return Piece(half, run.start_seconds, run.end_seconds, offset, rate, run.share)
    half, shift = _half_of_count(run, low, high, before, written, plated)
    offset = run.offset_seconds + shift
    return Piece(half, run.start_seconds, run.end_seconds, offset, run.rate, run.share)


def _half_of_countdown(
    run: ClockRun, before: Sequence[Piece], written: int | None
) -> tuple[int, float]:
    """Which half a clock that counts down from 45:00 is in, and where that begins."""
    if written in (1, 2):
        half = int(written)
    elif not before:
        half = 1
    else:
        last = before[-1]
        back = (
            run.shown(run.start_seconds)
            > 2700
            - (last.clock(run.start_seconds) - BASES_SECONDS[last.half - 1])
            + _LEAST_BREAK_SECONDS
        )
        half = min(last.half + 1, 2) if back else last.half
    return half, BASES_SECONDS[half - 1]


def _half_of_count(
    run: ClockRun,
    low: float,
    high: float,
    before: Sequence[Piece],
    written: int | None,
    plated: bool,
) -> tuple[int, float]:
    """Which half a clock that counts up is in, and what makes match time of what it shows."""
    fits = [
        half
        for half in (1, 2, 3, 4)
        if low >= BASES_SECONDS[half - 1] - 1
        and high <= ENDS_SECONDS[half - 1] + MAX_ADDED_SECONDS
        and (low <= ENDS_SECONDS[half - 1] or (plated or before) or half == 2)
    ]
    last = before[-1] if before else None
    if written == 2 and high < 2700:
        return 2, 2700.0
    if written in (1, 2) and written in fits:
        return int(written), 0.0
    if last is not None and low < 2700 and high < 2700 + MAX_ADDED_SECONDS:
        # back at a low clock after a half that was nearly over: the second starts at 00:00
        gone = last.clock(last.end_seconds)
        anew = last.half == 1 and gone > 2100 and low < 900
        goes_on = (
            last.half == 2
            and last.offset_seconds - run.offset_seconds > 2000
            and (abs(last.offset_seconds - run.offset_seconds - 2700) < 1200)
            and low + 2700 >= gone - 60
        )
        if anew or goes_on:
            return 2, 2700.0
    if not fits:
        return (2 if low >= 2700 else 1), 0.0
    if last is None or last.half not in (1, 2, 3, 4):
        if len(fits) > 1 and plated and low >= ENDS_SECONDS[fits[0] - 1] - 120:
            return fits[0], 0.0
        return _latest_start(fits, low), 0.0
    fell = last.offset_seconds - run.offset_seconds  # how long the clock stood, or was not shown
    later = [half for half in fits if half > last.half]
    # a break that was cut short still lets the clock stand, and go on from a half's start
    kicks_off = fell >= _DRIFT_SECONDS and _begins(low, later, _DRIFT_SECONDS)
    # a shortened recording leaps from early in a half to the start of the next
    leaps = fell <= -_LEAST_LEAP_SECONDS and _begins(low, later, _LATEST_BUG_SECONDS)
    leaps_far = fell <= -_FAR_LEAP_SECONDS and not plated and _begins(low, later, _EARLY_SECONDS)
    stays = fell < _LEAST_BREAK_SECONDS and not (kicks_off or leaps or leaps_far)
    if last.half in fits and (stays or not later):
        return last.half, 0.0
    return (min(later) if later else fits[0]), 0.0


def _begins(low: float, halves: Sequence[int], within_seconds: float) -> bool:
    """Whether a clock is at the very start of one of these halves."""
    return any(-1 <= low - BASES_SECONDS[half - 1] <= within_seconds for half in halves)


def _latest_start(fits: Sequence[int], low: float) -> int:
    """The last half that has begun at a clock, as a recording rarely starts in added time."""
    begun = [half for half in fits if half <= 2 and low >= BASES_SECONDS[half - 1] - 1]
    return begun[-1] if begun else fits[0]


def _continues(half: HalfTrack, piece: Piece) -> bool:
    if piece.half != half.half:
        return False
    last = half.pieces[-1]
    return piece.clock(piece.start_seconds) >= last.clock(last.end_seconds) - _DRIFT_SECONDS


def _half(pieces: Sequence[Piece], before: Sequence[HalfTrack]) -> HalfTrack:
    first, last = pieces[0], pieces[-1]
    base = BASES_SECONDS[first.half - 1]
    kick_off = first.time_of(base)
    earliest = before[-1].end_seconds if before else 0.0
    has_kick_off = kick_off >= earliest - 0.5
    if has_kick_off:
        start, clock = max(kick_off, 0.0), float(base)
    else:
        near = first.start_seconds - earliest <= _LATE_SECONDS
        start = earliest if near and not before else first.start_seconds
        clock = first.clock(start)
    return HalfTrack(first.half, start, last.end_seconds, clock, has_kick_off, False, tuple(pieces))


def _ended(half: HalfTrack, is_last: bool, duration: float) -> HalfTrack:
    """A half with its end: the last second in which the clock was seen to run."""
    clock = half.pieces[-1].clock(half.end_seconds)
    over = clock >= ENDS_SECONDS[half.half - 1] - 30
    cut = is_last and duration - half.end_seconds <= 12
    end = duration if cut else half.end_seconds
    return replace(half, end_seconds=end, has_end=bool(over and not cut))
