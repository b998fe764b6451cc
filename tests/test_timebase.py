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
        (" 25/1 ", Fraction(25)),
        ("0.5", Fraction(1, 2)),
        (1, Fraction(1)),
        (1000, Fraction(1000)),
        ("23.97", Fraction(2397, 100)),
        ("29.98", Fraction(1499, 50)),
        ("23.5", Fraction(47, 2)),
    ],
)
def test_rates(text, rate):
    assert parse_rate(text) == rate
    assert parse_rate(format_rate(rate)) == rate


@pytest.mark.parametrize("rate", [Fraction(24001, 1001), Fraction(25_000, 999), Fraction(1, 1001)])
def test_a_fraction_that_can_be_written_exactly_is_taken_as_it_is(rate):
    assert parse_rate(rate) == rate
    assert parse_rate(format_rate(rate)) == rate


def test_other_fractions_become_the_nearest_that_can():
    for exact in (Fraction(25051, 1002), Fraction(100_001, 4001)):
        rate = parse_rate(exact)
        assert rate == exact.limit_denominator(1001)
        assert rate != exact and parse_rate(rate) == rate


@pytest.mark.parametrize("base", [24, 30, 48, 60, 120])
def test_what_is_within_a_two_hundredth_of_a_television_rate_is_meant_to_be_it(base):
    rate = Fraction(base * 1000, 1001)
    for sign in (-1, 1):
        assert parse_rate(rate + sign * Fraction(498, 100_000)) == rate
        assert parse_rate(rate + sign * Fraction(1, 200)) != rate


@pytest.mark.parametrize("text", ["", "fast", "1/0", float("nan"), float("inf"), None])
def test_no_rates(text):
    with pytest.raises(InputError) as refused:
        parse_rate(text)
    assert str(refused.value) == f"{text!r} is not a frame rate; write 25, 29.97 or 30000/1001"


@pytest.mark.parametrize("rate", ["0", -1, 0.0, 1e-300, 1000.001, "1001", 10**9])
def test_rates_out_of_range(rate):
    with pytest.raises(InputError) as refused:
        parse_rate(rate)
    assert str(refused.value) == f"a frame rate of {rate} is out of range; 1/1001 to 1000"


@given(frame=st.integers(0, 10**7), rate=st.sampled_from(RATES))
def test_a_frame_is_on_show_when_it_begins(frame, rate):
    assert frame_at(seconds_of(frame, rate), rate) == frame


@pytest.mark.parametrize(
    ("seconds", "decimals", "text"),
    [
        (74.999, 0, "1:14"),
        (3674.5, 1, "1:01:14.5"),
        (74.25, 2, "1:14.25"),
        (74.05, 2, "1:14.05"),
        (0.5, 1, "0:00.5"),
        (0.0, 0, "0:00"),
        (-74.5, 1, "-1:14.5"),
        (-3674.5, 0, "-1:01:14"),
        (-0.4, 0, "0:00"),
        (59.9999999, 0, "1:00"),
    ],
)
def test_durations_are_written_as_a_clock_shows_them(seconds, decimals, text):
    assert format_seconds(seconds, decimals) == text


def test_durations_are_whole_seconds_unless_decimals_are_given():
    assert format_seconds(74.9) == "1:14"


@given(st.integers(0, 10**7))
def test_durations_come_back(ticks):
    assert parse_seconds(format_seconds(ticks / 100, 2)) == pytest.approx(ticks / 100)


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("0", 0),
        ("0.5", 0.5),
        (".5", 0.5),
        ("74.5", 74.5),
        ("1:14.5", 74.5),
        (" 1:01:14.5 ", 3674.5),
        ("90:00", 5400),
        ("0:59:59.9", 3599.9),
    ],
)
def test_durations(text, seconds):
    assert parse_seconds(text) == seconds


@pytest.mark.parametrize(
    "text",
    ["", "1:2:3:4", "-1", "nan", "1:inf", "1:-2", "soon", "1::2", "1e3", "1.5:00", "1:2 0", "٣"],
)
def test_no_durations(text):
    with pytest.raises(InputError) as refused:
        parse_seconds(text)
    assert str(refused.value) == f"{text!r} is not a time; write 74.5 or 1:14.5"


@pytest.mark.parametrize("text", ["1:60", "1:99", "0:0:60.5", "1:60:00"])
def test_minutes_and_seconds_after_a_colon_are_below_60(text):
    with pytest.raises(InputError) as refused:
        parse_seconds(text)
    assert str(refused.value) == (
        f"{text!r} is not a time; minutes and seconds after a colon are below 60"
    )


def test_game_clocks():
    assert format_game_clock(1, 461.82) == "1 - 07:41"
    assert format_game_clock(2, 6065) == "2 - 101:05"
    assert parse_game_clock("2 - 101:5") == (2, 6065)
    assert parse_game_clock(" 1-07:41.5 ") == (1, 461.5)


@pytest.mark.parametrize("text", ["", "07:41", "1 - 7", "1 - 07:411", "x - 07:41", "1 - 07:41 x"])
def test_no_game_clocks(text):
    with pytest.raises(InputError) as refused:
        parse_game_clock(text)
    assert str(refused.value) == f'{text!r} is not a game time; write "1 - 07:41"'


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
    assert drop or format_timecode(frame, NTSC) == text
    assert parse_timecode(text, NTSC) == frame


@pytest.mark.parametrize(
    ("rate", "drops"),
    [
        (NTSC, True),
        (Fraction(60000, 1001), True),
        (Fraction(120000, 1001), True),
        (Fraction(24000, 1001), False),
        (Fraction(30), False),
        (Fraction(60), False),
        (Fraction(25), False),
    ],
)
def test_only_rates_of_american_television_drop_frames(rate, drops):
    assert drops_frames(rate) is drops


@given(frame=st.integers(0, 5_000_000), rate=st.sampled_from(RATES[2:]), drop=st.booleans())
def test_timecode_comes_back(frame, rate, drop):
    drop = drop and drops_frames(rate)
    again = parse_timecode(format_timecode(frame, rate, drop), rate)
    assert again == frame and isinstance(again, int)


@pytest.mark.parametrize(
    ("text", "rate", "said"),
    [
        ("00:01:00;00", NTSC, "is a number that drop-frame leaves out"),
        ("00:01:00;01", NTSC, "is a number that drop-frame leaves out"),
        ("00:09:00;03", Fraction(60000, 1001), "is a number that drop-frame leaves out"),
        ("00:00:00:25", Fraction(25), "is not a timecode at 25 frames a second"),
        ("00:00:60:00", Fraction(25), "is not a timecode at 25 frames a second"),
        ("00:60:00:00", Fraction(25), "is not a timecode at 25 frames a second"),
        ("00:00:00;00", Fraction(25), "is drop-frame, which 25 frames a second do not have"),
        ("1:2:3", Fraction(25), "is not a timecode; write 00:01:14:12"),
    ],
)
def test_no_timecode(text, rate, said):
    with pytest.raises(InputError) as refused:
        parse_timecode(text, rate)
    assert str(refused.value) == f"{text!r} {said}"


def test_the_largest_numbers_of_a_timecode():
    assert parse_timecode("00:59:59:24", Fraction(25)) == 60 * 60 * 25 - 1
    assert parse_timecode("00:10:00.00", NTSC) == 17982
    assert parse_timecode("00:01:01;00", NTSC) == 1828


@pytest.mark.parametrize(
    ("frame", "rate", "drop", "said"),
    [
        (-1, Fraction(25), False, "frame -1 has no timecode; timecode begins at 0"),
        (1, Fraction(25), True, "25 frames a second have no drop-frame timecode"),
        (
            1,
            Fraction(25, 12),
            False,
            "timecode cannot count 25/12 frames a second; "
            "give a whole rate, or one such as 30000/1001",
        ),
    ],
)
def test_timecode_needs_a_frame_and_a_rate_that_have_it(frame, rate, drop, said):
    with pytest.raises(InputError) as refused:
        format_timecode(frame, rate, drop_frame=drop)
    assert str(refused.value) == said
    if not drop and frame >= 0:
        with pytest.raises(InputError, match="timecode cannot count"):
            parse_timecode("00:00:00:00", rate)


@pytest.mark.parametrize(("rate", "dropped"), [(NTSC, 2), (2 * NTSC, 4)])
@pytest.mark.parametrize("hours", [0, 23])
def test_drop_frame_counts_on_across_every_minute(rate, dropped, hours):
    """The frame after hh:mm:59;29 is hh:mm+1:00;02, and :00;00 in each tenth minute."""
    base = round(rate)
    for minute in range(60):
        last = f"{hours:02d}:{minute:02d}:59;{base - 1:02d}"
        frame = parse_timecode(last, rate)
        assert format_timecode(frame, rate, drop_frame=True) == last
        first = 0 if (minute + 1) % 10 == 0 else dropped
        follows = divmod(60 * hours + minute + 1, 60)
        assert format_timecode(frame + 1, rate, drop_frame=True) == (
            f"{follows[0]:02d}:{follows[1]:02d}:00;{first:02d}"
        )
