"""Exact rates, and the one place that turns frames into seconds, clocks and back.

Rates are fractions: 29.97 frames a second is 30000/1001, and the published "2 fps" frames of
E2E-Spot are 25/12. Seconds are floats, measured from the first frame shown.
"""

import math
import re
from fractions import Fraction

from touchline.errors import InputError

MAX_RATE = 1000

_NTSC_BASES = (24, 30, 48, 60, 120)
_GAME_CLOCK = re.compile(r"\s*(\d+)\s*-\s*(\d+):(\d{1,2}(?:\.\d+)?)\s*")


def parse_rate(value: str | int | float | Fraction) -> Fraction:
    """Read a rate such as ``"25/1"``, ``"29.97"``, ``25`` or ``2.0833333``, exactly.

    Decimal spellings of NTSC rates become n·1000/1001; other decimals become the nearest
    fraction with a denominator up to 1001.

    Raises:
        InputError: not a number, not positive, or above ``MAX_RATE``.
    """
    try:
        exact = Fraction(value) if not isinstance(value, str) else Fraction(value.strip())
    except (ValueError, ZeroDivisionError, OverflowError, TypeError) as error:
        raise InputError(
            f"{value!r} is not a frame rate", remedy="write 25, 29.97 or 30000/1001"
        ) from error
    if not 0 < exact <= MAX_RATE:
        raise InputError(f"a frame rate of {value} is out of range", remedy=f"0 to {MAX_RATE}")
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

    Raises:
        InputError: the text is not of this form.
    """
    parts = text.strip().split(":")
    try:
        if not 1 <= len(parts) <= 3:
            raise ValueError(text)
        numbers = [float(part) for part in parts]
        if any(not math.isfinite(number) or number < 0 for number in numbers):
            raise ValueError(text)
    except ValueError as error:
        raise InputError(f"{text!r} is not a time", remedy="write 74.5 or 1:14.5") from error
    seconds = 0.0
    for number in numbers:
        seconds = seconds * 60 + number
    return seconds
