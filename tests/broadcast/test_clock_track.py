"""A clock's runs are found whatever a fifth of its readings says."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from touchline.broadcast.clock_track import ClockReading, find_runs

SEEDS = st.integers(0, 2**32 - 1)


def readings(
    start: float, end: float, offset: float, rng: np.random.Generator, wrong: float, step: float = 4
) -> list[ClockReading]:
    """A clock that shows offset + time, read every ``step`` seconds, some of it wrongly."""
    found = []
    for time in np.arange(start, end, step):
        shown = float(np.floor(offset + time))
        if rng.random() < wrong:
            shown = float(rng.integers(0, 100 * 60))
        found.append(ClockReading(float(time), shown, 0.9))
    return found


@settings(max_examples=40, deadline=None)
@given(seed=SEEDS, wrong=st.floats(0.0, 0.25), offset=st.floats(-4000, 4000))
def test_one_run_is_followed_through_misreadings(seed: int, wrong: float, offset: float) -> None:
    rng = np.random.default_rng(seed)
    start = max(0.0, -offset)
    runs = find_runs(readings(start, start + 900, offset, rng, wrong))
    assert len(runs) == 1
    assert runs[0].rate == 1
    assert abs(runs[0].offset_seconds - offset) < 1.0
    assert runs[0].start_seconds - start < 60 and start + 900 - runs[0].end_seconds < 60


@settings(max_examples=25, deadline=None)
@given(seed=SEEDS, stand=st.floats(300, 1500))
def test_two_halves_are_two_runs(seed: int, stand: float) -> None:
    rng = np.random.default_rng(seed)
    first = readings(100, 2900, -100, rng, 0.2)
    kick_off = 2900 + stand
    second = readings(kick_off, kick_off + 2800, 2700 - kick_off, rng, 0.2)
    runs = find_runs(first + second)
    assert [round(run.offset_seconds) for run in runs] == pytest.approx(
        [-100, 2700 - kick_off], abs=1.5
    )
    assert runs[0].end_seconds <= 2900 and runs[1].start_seconds >= kick_off


@pytest.mark.parametrize("down", [False, True])
def test_direction(down: bool) -> None:
    times = np.arange(0, 300, 3.0)
    shown = 2700 - times if down else 100 + times
    runs = find_runs(
        [ClockReading(t, float(np.floor(s))) for t, s in zip(times, shown, strict=True)]
    )
    assert [run.rate for run in runs] == [-1.0 if down else 1.0]


@pytest.mark.parametrize("shown", [2700.0, 20 * 60 + 45.0])
def test_a_standing_clock_and_the_time_of_day_do_not_run(shown: float) -> None:
    standing = [ClockReading(t, shown) for t in np.arange(0, 600, 2.0)]
    of_day = [ClockReading(t, shown + t // 60) for t in np.arange(0, 600, 2.0)]
    assert find_runs(standing) == []
    assert find_runs(of_day) == []


@settings(max_examples=30, deadline=None)
@given(seed=SEEDS)
def test_noise_is_no_clock(seed: int) -> None:
    rng = np.random.default_rng(seed)
    times = np.arange(0, 600, 4.0)
    assert find_runs([ClockReading(float(t), float(rng.integers(0, 6000))) for t in times]) == []


def test_a_clock_without_seconds_is_exact_where_the_minute_changes() -> None:
    times = np.arange(0, 1200, 2.0)
    shown = [60.0 * ((t + 37) // 60) for t in times]
    runs = find_runs(
        [ClockReading(t, s, has_seconds=False) for t, s in zip(times, shown, strict=True)]
    )
    assert len(runs) == 1
    assert runs[0].offset_seconds == pytest.approx(37, abs=1.6)


def test_added_time_to_the_minute_carries_a_run_on() -> None:
    exact = [ClockReading(t, float(int(2400 + t))) for t in np.arange(0, 300, 3.0)]
    coarse = [
        ClockReading(t, 60.0 * ((2400 + t) // 60), has_seconds=False)
        for t in np.arange(300, 480, 3.0)
    ]
    runs = find_runs(exact + coarse)
    assert len(runs) == 1
    assert runs[0].end_seconds >= 474


def test_a_recording_that_is_sped_up_keeps_its_clock() -> None:
    times = np.arange(0.2, 5, 0.5)
    runs = find_runs([ClockReading(t, float(int(1276 + 3.6 * t))) for t in times])
    assert len(runs) == 1
    assert runs[0].shown(3.0) == pytest.approx(1276 + 3.6 * 3, abs=1.0)
