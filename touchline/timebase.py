"""Exact rates, and the one place that turns frames into seconds, clocks and back.

Rates are fractions: 29.97 frames a second is 30000/1001, and the published "2 fps" frames of
E2E-Spot are 25/12. Seconds are floats, measured from the first frame shown.
"""

import math
import re
from fractions import Fraction

from touchline.errors import InputError

MAX_RATE = 1000
MIN_RATE = Fraction(1, 1001)
"""The lowest rate that a fraction of ``parse_rate`` can be."""

HALF_CLOCKS = {1: (0.0, 2700.0), 2: (2700.0, 5400.0), 3: (5400.0, 6300.0), 4: (6300.0, 7200.0)}
"""Match clock in seconds at which each half begins, and at which its added time begins."""

_NTSC_BASES = (24, 30, 48, 60, 120)
_TIMECODE = re.compile(r"(\d{1,2}):(\d\d):(\d\d)([:;.])(\d\d)")
_SECONDS = re.compile(r"(?:(?:(\d+):)?(\d+):)?(\d+(?:\.\d*)?|\.\d+)", re.ASCII)
_GAME_CLOCK = re.compile(r"\s*(\d+)\s*-\s*(\d+):(\d{1,2}(?:\.\d+)?)\s*")


def parse_rate(value: str | int | float | Fraction) -> Fraction:
    """Read a rate such as ``"25/1"``, ``"29.97"``, ``25`` or ``2.0833333``, exactly.

    Decimal spellings of NTSC rates become n·1000/1001; other decimals become the nearest
    fraction with a denominator up to 1001.

    Raises:
        InputError: not a number, below ``MIN_RATE``, or above ``MAX_RATE``.
    """
    try:
        exact = Fraction(value)
    except (ValueError, ZeroDivisionError, OverflowError, TypeError) as error:
        raise InputError(
            f"{value!r} is not a frame rate", remedy="write 25, 29.97 or 30000/1001"
        ) from error
    if not MIN_RATE <= exact <= MAX_RATE:
        raise InputError(
            f"a frame rate of {value} is out of range", remedy=f"{MIN_RATE} to {MAX_RATE}"
        )
    if exact.denominator <= 1001:
        decimal = isinstance(value, float) or (isinstance(value, str) and "." in value)
        if not decimal:
            return exact
    for base in _NTSC_BASES:
        ntsc = Fraction(base * 1000, 1001)
        if abs(exact - ntsc) < Fraction(1, 200):
            return ntsc
    return exact.limit_denominator(1001)


def format_rate(rate: Fraction) -> str:
    """Write a rate as ``"25/1"``."""
    return f"{rate.numerator}/{rate.denominator}"


def frame_at(seconds: float, rate: Fraction) -> int:
    """Index of the frame on show at a time: frame i is shown during [i/rate, (i+1)/rate).

    A time within a microsecond of the next frame counts as that frame, so that
    ``frame_at(seconds_of(i, rate), rate) == i`` for every i.
    """
    return math.floor(Fraction(seconds + 1e-6) * rate)


def seconds_of(frame: int, rate: Fraction) -> float:
    """Time in seconds at which a frame of a constant rate begins."""
    return float(frame / rate)


def format_seconds(seconds: float, decimals: int = 0) -> str:
    """Write a duration as ``m:ss`` or ``h:mm:ss``, truncated (as a match clock shows it)."""
    scale = 10**decimals
    ticks = math.floor(abs(seconds) * scale + 1e-6)
    whole, part = divmod(ticks, scale)
    minutes, second = divmod(whole, 60)
    hours, minute = divmod(minutes, 60)
    text = f"{hours}:{minute:02d}:{second:02d}" if hours else f"{minute}:{second:02d}"
    sign = "-" if seconds < 0 and ticks else ""
    return f"{sign}{text}.{part:0{decimals}d}" if decimals else sign + text


def format_game_clock(half: int, seconds: float) -> str:
    """Write SoccerNet's ``gameTime``, ``"1 - 07:41"``: minutes are not folded into hours."""
    minutes, second = divmod(math.floor(seconds + 1e-6), 60)
    return f"{half} - {minutes:02d}:{second:02d}"


def parse_game_clock(text: str) -> tuple[int, float]:
    """Read ``"1 - 07:41"`` (also unpadded, also minutes of three digits) as (half, seconds).

    Raises:
        InputError: the text is not of this form.
    """
    found = _GAME_CLOCK.fullmatch(text)
    if found is None:
        raise InputError(f"{text!r} is not a game time", remedy='write "1 - 07:41"')
    half, minutes, seconds = found.groups()
    return int(half), 60 * int(minutes) + float(seconds)


def parse_seconds(text: str) -> float:
    """Read ``"74.5"``, ``"1:14.5"`` or ``"0:01:14.5"`` as seconds.

    The first number may be of any size (``"90:00"``); those after it are below 60.

    Raises:
        InputError: the text is not of this form.
    """
    found = _SECONDS.fullmatch(text.strip())
    if found is None:
        raise InputError(f"{text!r} is not a time", remedy="write 74.5 or 1:14.5")
    numbers = [float(part) for part in found.groups() if part is not None]
    if any(number >= 60 for number in numbers[1:]):
        raise InputError(
            f"{text!r} is not a time", remedy="minutes and seconds after a colon are below 60"
        )
    seconds = 0.0
    for number in numbers:
        seconds = seconds * 60 + number
    return seconds


def timecode_base(rate: Fraction) -> int:
    """Frames that timecode counts to a second: 30 for 29.97, 24 for 23.976.

    Raises:
        InputError: timecode cannot count this rate (2.08 frames a second, say).
    """
    base = round(rate)
    if rate == base or rate == Fraction(base * 1000, 1001):
        return base
    raise InputError(
        f"timecode cannot count {rate} frames a second",
        remedy="give a whole rate, or one such as 30000/1001",
    )


def drops_frames(rate: Fraction) -> bool:
    """Whether drop-frame timecode exists for a rate: 29.97 and 59.94 have it."""
    return rate.denominator == 1001 and round(rate) % 30 == 0


def format_timecode(frame: int, rate: Fraction, drop_frame: bool = False) -> str:
    """Write a frame number as ``hh:mm:ss:ff``, drop-frame as ``hh:mm:ss;ff``.

    Drop-frame leaves out the first 2 (at 59.94: 4) numbers of every minute but each tenth, so
    that the count keeps up with the clock.

    Raises:
        InputError: a negative frame, a rate without timecode, or without drop-frame.
    """
    base = timecode_base(rate)
    if frame < 0:
        raise InputError(f"frame {frame} has no timecode", remedy="timecode begins at 0")
    if drop_frame:
        frame += _dropped_before(frame, rate)
    seconds, frames = divmod(frame, base)
    minutes, second = divmod(seconds, 60)
    hours, minute = divmod(minutes, 60)
    mark = ";" if drop_frame else ":"
    return f"{hours:02d}:{minute:02d}:{second:02d}{mark}{frames:02d}"


def parse_timecode(text: str, rate: Fraction) -> int:
    """Read ``hh:mm:ss:ff`` as a frame number; a ``;`` or ``.`` before the frames is drop-frame.

    Raises:
        InputError: not of this form, a number that the rate does not have, or dropped.
    """
    found = _TIMECODE.fullmatch(text.strip())
    base = timecode_base(rate)
    if found is None:
        raise InputError(f"{text!r} is not a timecode", remedy="write 00:01:14:12")
    hours, minutes, seconds, frames = (int(found[i]) for i in (1, 2, 3, 5))
    if minutes > 59 or seconds > 59 or frames >= base:
        raise InputError(f"{text!r} is not a timecode at {rate} frames a second")
    frame = ((hours * 60 + minutes) * 60 + seconds) * base + frames
    if found[4] == ":":
        return frame
    if not drops_frames(rate):
        raise InputError(f"{text!r} is drop-frame, which {rate} frames a second do not have")
    dropped = base // 15
    if minutes % 10 and seconds == 0 and frames < dropped:
        raise InputError(f"{text!r} is a number that drop-frame leaves out")
    total_minutes = hours * 60 + minutes
    return frame - dropped * (total_minutes - total_minutes // 10)


def _dropped_before(frame: int, rate: Fraction) -> int:
    """How many numbers drop-frame has left out before it names this frame."""
    if not drops_frames(rate):
        raise InputError(f"{rate} frames a second have no drop-frame timecode")
    base = round(rate)
    dropped = base // 15
    tens, rest = divmod(frame, 600 * base - 9 * dropped)
    minutes = max(rest - dropped, 0) // (60 * base - dropped)
    return dropped * (9 * tens + minutes)
