"""Halves out of a clock's runs: counting through, from zero, down, cut and joined."""

import pytest

from touchline.broadcast.clock_track import ClockRun
from touchline.broadcast.halves import find_halves, find_leaps


def run(start: float, end: float, shown: float, rate: float = 1.0) -> ClockRun:
    """A run that shows ``shown`` at its start."""
    return ClockRun(start, end, shown - rate * start, rate, 100, 1.0)


BREAK = 900.0


@pytest.mark.parametrize(
    ("second", "rate"), [(2702.0, 1.0), (2.0, 1.0)], ids=["counts through", "starts at zero"]
)
def test_both_halves_of_one_recording(second: float, rate: float) -> None:
    runs = [run(302, 3100, 2.0), run(3100 + BREAK, 6900, second, rate)]
    first, other = find_halves(runs, 7200)
    assert (first.half, other.half) == (1, 2)
    assert first.start_seconds == pytest.approx(300)
    assert first.end_seconds == 3100
    assert other.start_seconds == pytest.approx(3100 + BREAK - 2)
    assert other.clock_start_seconds == 2700
    assert other.clock(5000) == pytest.approx(2700 + 5000 - (3100 + BREAK - 2))
    assert first.has_kick_off and other.has_kick_off and first.has_end


def test_a_clock_that_counts_down() -> None:
    runs = [run(302, 2950, 2698.0, -1.0), run(2950 + BREAK, 6500, 2698.0, -1.0)]
    first, other = find_halves(runs, 7200)
    assert (first.half, other.half) == (1, 2)
    assert first.clock(400) == pytest.approx(100)
    assert other.clock_start_seconds == 2700
    assert other.clock(2950 + BREAK + 8) == pytest.approx(2710)


@pytest.mark.parametrize(
    ("shown", "half"), [(600, 1), (2400, 1), (2900, 2), (4000, 2), (5450, 2), (6500, 4)]
)
def test_a_recording_that_starts_in_mid_match(shown: float, half: int) -> None:
    (found,) = find_halves([run(1, 200, shown)], 201)
    assert found.half == half
    assert not found.has_kick_off
    assert found.start_seconds == 0
    assert found.clock_start_seconds == pytest.approx(shown - 1)
    assert found.end_seconds == 201


def test_added_time_of_the_first_half_before_the_break() -> None:
    (found,) = find_halves([run(1, 200, 2760)], 1000, added=[20.0, 60.0])
    assert found.half == 1


def test_a_written_half_counts() -> None:
    (found,) = find_halves([run(1, 12, 292)], 12, marks=[(3.0, 2), (6.0, 2)])
    assert found.half == 2
    assert found.clock(1) == pytest.approx(2992)


def test_extra_time() -> None:
    runs = [
        run(0, 2900, 0),
        run(3800, 6700, 2700),
        run(7000, 8000, 5400),
        run(8100, 9100, 6300),
    ]
    assert [half.half for half in find_halves(runs, 9200)] == [1, 2, 3, 4]


def test_a_bug_that_is_hidden_for_ten_minutes_leaves_one_half() -> None:
    runs = [run(10, 800, 10), run(1400, 2900, 1400)]
    (found,) = find_halves(runs, 2905)
    assert found.clock(1100) == pytest.approx(1100)


def test_highlights_that_jump_have_no_clock_between_the_pieces() -> None:
    runs = [run(5, 40, 700), run(45, 80, 1500), run(85, 120, 3900)]
    first, second = find_halves(runs, 125)
    assert (first.half, second.half) == (1, 2)
    assert first.clock(20) == pytest.approx(715)
    assert first.clock(42) is None
    assert second.start_seconds == 85


def test_a_recording_that_leaps_to_the_second_half_has_both() -> None:
    runs = [
        ClockRun(30, 200, -25.0, 1.0, 40, 1.0),
        ClockRun(264, 420, 2708.0 - 264.0, 1.0, 40, 1.0),
    ]
    halves = find_halves(runs, 450)
    assert [half.half for half in halves] == [1, 2]
    assert halves[0].end_seconds == 200 and halves[1].start_seconds == pytest.approx(256)


def test_a_leap_within_a_half_stays_in_it() -> None:
    runs = [
        ClockRun(30, 200, -25.0, 1.0, 40, 1.0),
        ClockRun(264, 420, 2600.0 - 264.0, 1.0, 40, 1.0),
    ]
    assert [half.half for half in find_halves(runs, 450)] == [1]


def test_a_far_leap_to_the_first_minutes_after_the_break_is_the_second_half() -> None:
    runs = [run(10, 180, 8.0), run(200, 380, 2745.0)]
    assert [half.half for half in find_halves(runs, 400)] == [1, 2]
    with_plate = find_halves(runs, 400, added=[250.0])
    assert [half.half for half in with_plate] == [1], "added time of the first half"


@pytest.mark.parametrize(
    ("runs", "missing"),
    [
        ([run(10, 180, 8.0), run(200, 380, 2745.0)], [2522 + 45 - 20]),
        ([run(10, 700, 8.0), run(705, 1400, 1500.0)], [802 - 5]),
        ([run(302, 3100, 2.0), run(4000, 6900, 2702.0)], []),  # a break
        ([run(302, 3100, 2.0), run(3105, 6005, 2702.0)], []),  # the break is cut out
        ([run(10, 800, 10.0), run(1400, 2900, 1400.0)], []),  # the bug was hidden
        ([run(302, 2800, 2.0), run(4000, 6900, 2702.0)], []),  # its end was not shown
        ([run(5, 40, 700.0), run(45, 80, 1500.0), run(85, 120, 3900.0)], [760, 1165 + 1200 - 5]),
    ],
)
def test_what_a_recording_lacks_of_a_match_is_known(runs: list[ClockRun], missing: list) -> None:
    leaps = find_leaps(find_halves(runs, runs[-1].end_seconds + 10))
    assert [leap.missing_seconds for leap in leaps] == pytest.approx(missing)
