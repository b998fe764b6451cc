"""Streams of other rates on the clock of the main one."""

from fractions import Fraction

import numpy as np
import pytest

from touchline.datasets.aligned import AlignedStream, align_streams, mean_and_deviation
from touchline.errors import ConfigError

STEPS = 40
RATE = Fraction(2)
MIDDLES = 0.25 + 0.5 * np.arange(STEPS)


class Rows:
    """A stream in memory."""

    def __init__(self, rows: np.ndarray, rate: Fraction, first_seconds: float | None = None):
        self.rows, self.rate, self.steps = rows.astype(np.float32), rate, len(rows)
        self.first_seconds = first_seconds

    def read(self, first: int, count: int) -> np.ndarray:
        return self.rows[np.clip(np.arange(first, first + count), 0, self.steps - 1)]

    def read_all(self) -> np.ndarray:
        return self.rows


def clock(rate: Fraction, rows: int, first_seconds: float) -> Rows:
    """Rows that say when they are, and something that is no line."""
    seconds = first_seconds + np.arange(rows) / float(rate)
    return Rows(np.stack([seconds, np.sin(9 * seconds)], 1), rate, first_seconds)


def aligned(stream, manner: str, **given) -> np.ndarray:
    first_seconds = stream.first_seconds
    return AlignedStream(
        stream, RATE, STEPS, 2, resampling=manner, first_seconds=first_seconds, **given
    ).read_all()


def test_rows_at_the_middles_of_the_steps_stay_as_they_are():
    stream = clock(RATE, STEPS, 0.25)
    for manner in ("nearest", "linear", "mean"):
        np.testing.assert_allclose(aligned(stream, manner), stream.rows, atol=1e-5)


@pytest.mark.parametrize(("rate", "rows"), [(Fraction(25, 24), 21), (Fraction(1), 20)])
def test_slower_streams_are_interpolated(rate, rows):
    stream = clock(rate, rows, 0.4875)
    found = aligned(stream, "linear")
    inside = (stream.rows[0, 0] <= MIDDLES) & (stream.rows[-1, 0] >= MIDDLES)
    np.testing.assert_allclose(found[inside, 0], MIDDLES[inside], atol=1e-5)
    wave = np.interp(MIDDLES, stream.rows[:, 0], stream.rows[:, 1])
    near = ~np.isnan(found[:, 1])
    assert near.all()  # the ends lie within a second
    np.testing.assert_allclose(found[:, 1], wave, atol=1e-4)


def test_single_frames_are_taken_from_the_nearest_row_and_of_two_from_the_earlier():
    frames = clock(Fraction(1), 20, 0.0)
    found = aligned(frames, "nearest")[:, 0]
    assert found[:6].tolist() == [0, 1, 1, 2, 2, 3]
    shown = clock(RATE, STEPS, 0.0)  # on show at 0, 0.5, ...: the middles lie between two
    assert (aligned(shown, "nearest")[:, 0] == shown.rows[:, 0]).all()


def test_of_faster_streams_the_mean_is_taken():
    sound = clock(Fraction(100), 100 * STEPS // 2, 0.0125)
    found = aligned(sound, "mean")
    for step in (0, 1, 7, STEPS - 1):
        covered = (sound.rows[:, 0] >= step / 2 - 1e-6) & (sound.rows[:, 0] < step / 2 + 0.5 - 1e-6)
        np.testing.assert_allclose(found[step], sound.rows[covered].mean(axis=0), atol=1e-4)


@pytest.mark.parametrize("manner", ["nearest", "linear", "mean"])
@pytest.mark.parametrize("rate", [Fraction(25, 24), Fraction(2), Fraction(25), Fraction(2, 3)])
def test_any_part_that_is_read_is_that_of_the_whole(manner, rate):
    stream = clock(rate, int(15 * rate), 1.7)
    whole = AlignedStream(stream, RATE, STEPS, 2, resampling=manner, first_seconds=1.7)
    everything = whole.read_all()
    for first, count in ((0, 7), (5, 20), (13, 1), (33, 7)):
        part = whole.read(first, count)
        np.testing.assert_allclose(part, everything[first : first + count], atol=1e-5)
    beyond = whole.read(-3, STEPS + 5)
    assert np.isnan(beyond[:3]).all() and np.isnan(beyond[-2:]).all()
    np.testing.assert_allclose(beyond[3:-2], everything, atol=1e-5)


def test_where_nothing_is_within_a_second_nothing_is_said():
    stream = clock(Fraction(2), 12, 5.0)  # from 5 s to 10.5 s
    for manner in ("nearest", "linear", "mean"):
        said = ~np.isnan(aligned(stream, manner)).any(axis=1)
        assert (said == ((MIDDLES >= 4.0) & (MIDDLES <= 11.5))).all()
    lacking = AlignedStream(None, RATE, STEPS, 3).read_all()
    assert lacking.shape == (STEPS, 3) and np.isnan(lacking).all()


def test_streams_are_aligned_by_their_rates_and_once():
    main = Rows(np.arange(STEPS)[:, None].repeat(4, 1), RATE, 0.48)
    streams = {
        "features": main,
        "sound": clock(Fraction(100), 2000, 0.0125),
        "slow": clock(Fraction(1), 20, 0.5),
        "frames": clock(Fraction(1), 20, 0.0),
        "unread": clock(Fraction(1), 20, 0.0),
    }
    widths = {"features": 4, "sound": 2, "slow": 2, "frames": 2, "lacking": 5}
    found = align_streams(streams, widths, ["frames"])
    assert list(found) == list(widths)
    assert (found["features"].read_all() == main.rows).all()  # whenever its frames were taken
    np.testing.assert_allclose(found["sound"].read_all()[:, 0], MIDDLES, atol=0.005)
    np.testing.assert_allclose(found["slow"].read_all()[1:-1, 0], MIDDLES[1:-1], atol=1e-4)
    assert found["frames"].read_all()[:3, 0].tolist() == [0, 1, 1]
    assert np.isnan(found["lacking"].read_all()).all()
    assert align_streams(found, widths)["sound"] is found["sound"]


def test_rows_of_another_width_are_refused():
    streams = {"features": clock(RATE, STEPS, 0.25), "sound": clock(RATE, STEPS, 0.25)}
    with pytest.raises(ConfigError, match="sound has rows of 2 numbers, the network takes 31"):
        align_streams(streams, {"features": 2, "sound": 31})
    streams["sound"] = Rows(np.zeros((STEPS, 3, 4)), RATE)
    with pytest.raises(ConfigError, match="3 x 4 numbers"):
        align_streams(streams, {"features": 2, "sound": 12})


def test_mean_and_deviation_leave_out_what_is_not_there():
    rng = np.random.default_rng(0)
    rows = rng.normal(5, 2, (3000, 3))
    rows[:, 2] = 7
    known = AlignedStream(Rows(rows, RATE), RATE, 3000, 3)
    mean, deviation = mean_and_deviation([known, AlignedStream(None, RATE, 50, 3)], 3)
    np.testing.assert_allclose(mean, rows.mean(axis=0), rtol=1e-4)
    np.testing.assert_allclose(deviation[:2], rows.std(axis=0)[:2], rtol=1e-4)
    assert deviation[2] == 1
    mean, deviation = mean_and_deviation([AlignedStream(None, RATE, 50, 3)], 3)
    assert (mean == 0).all() and (deviation == 1).all()
