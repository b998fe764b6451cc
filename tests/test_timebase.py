"""Time in all its spellings: rates, clocks, frames and timecode."""

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from touchline.errors import InputError
from touchline.timebase import (
    drops_frames,
    format_game_clock,
    format_rate,
    format_seconds,
    format_timecode,
    frame_at,
    parse_game_clock,
    parse_rate,
    parse_seconds,
    parse_timecode,
    seconds_of,
)

NTSC = Fraction(30000, 1001)
RATES = [Fraction(2), Fraction(25, 12), Fraction(25), NTSC, Fraction(60000, 1001), Fraction(50)]


@pytest.mark.parametrize(
    ("text", "rate"),
    [
        ("25/1", Fraction(25)),
        (25, Fraction(25)),
        ("29.97", NTSC),
        (29.97, NTSC),
        ("23.976", Fraction(24000, 1001)),
        (2.0833333333333335, Fraction(25, 12)),
        ("30000/1001", NTSC),
        (59.94, Fraction(60000, 1001)),
        ("30", Fraction(30)),
    ],
)
def test_rates(text, rate):
    assert parse_rate(text) == rate
    assert parse_rate(format_rate(rate)) == rate


@pytest.mark.parametrize("text", ["", "fast", "0", -1, "1/0", float("nan"), float("inf"), 10**9])
def test_no_rates(text):
    with pytest.raises(InputError):
        parse_rate(text)


@given(frame=st.integers(0, 10**7), rate=st.sampled_from(RATES))
def test_a_frame_is_on_show_when_it_begins(frame, rate):
    assert frame_at(seconds_of(frame, rate), rate) == frame


def test_clocks():
    assert format_game_clock(1, 461.82) == "1 - 07:41"
    assert parse_game_clock("2 - 101:5") == (2, 6065)
    assert format_seconds(74.999) == "1:14"
    assert format_seconds(3674.5, 1) == "1:01:14.5"
    assert parse_seconds("1:01:14.5") == 3674.5
    for text in ("", "1:2:3:4", "-1", "nan", "1:inf"):
        with pytest.raises(InputError):
            parse_seconds(text)


@given(
    half=st.integers(1, 4),
    seconds=st.integers(0, 10_000),
)
def test_game_clock_comes_back(half, seconds):
    assert parse_game_clock(format_game_clock(half, seconds)) == (half, seconds)


@pytest.mark.parametrize(
    ("frame", "drop", "text"),
    [
        (0, True, "00:00:00;00"),
        (1799, True, "00:00:59;29"),
        (1800, True, "00:01:00;02"),
        (17981, True, "00:09:59;29"),
        (17982, True, "00:10:00;00"),
        (107892, True, "01:00:00;00"),
        (107892, False, "00:59:56:12"),
    ],
)
def test_drop_frame_keeps_up_with_the_clock(frame, drop, text):
    assert format_timecode(frame, NTSC, drop) == text
    assert parse_timecode(text, NTSC) == frame


@given(frame=st.integers(0, 5_000_000), rate=st.sampled_from(RATES[2:]), drop=st.booleans())
def test_timecode_comes_back(frame, rate, drop):
    drop = drop and drops_frames(rate)
    assert parse_timecode(format_timecode(frame, rate, drop), rate) == frame


@pytest.mark.parametrize(
    ("text", "rate"),
    [
        ("00:01:00;00", NTSC),
        ("00:00:00:25", Fraction(25)),
        ("00:00:60:00", Fraction(25)),
        ("00:00:00;00", Fraction(25)),
        ("1:2:3", Fraction(25)),
        ("00:00:00:00", Fraction(25, 12)),
    ],
)
def test_no_timecode(text, rate):
    with pytest.raises(InputError):
        parse_timecode(text, rate)


def test_timecode_needs_a_rate_that_has_it():
    with pytest.raises(InputError):
        format_timecode(-1, Fraction(25))
    with pytest.raises(InputError):
        format_timecode(1, Fraction(25), drop_frame=True)
