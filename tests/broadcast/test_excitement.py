"""One curve, and peaks that say why."""

import numpy as np
import pytest

from touchline.broadcast.excitement import APART_SECONDS, excitement
from touchline.broadcast.replays import ShownReplay
from touchline.broadcast.shots import Shot
from touchline.broadcast.sound import SoundTrack


def track(seconds: int, roars: dict[float, float], voice: dict[float, float] | None = None):
    """A sound track with rises that begin at given seconds and die away within ten."""
    count = 2 * seconds
    rows = []
    for rises in (roars, voice or {}):
        rise = np.zeros(count, np.float32)
        for start, decibels in rises.items():
            since = np.arange(count) / 2 - start
            rise = np.maximum(rise, np.where(since >= 0, decibels * np.exp(-since / 6), 0))
        rows.append(rise.astype(np.float32))
    level = np.full(count, -30, np.float32)
    return SoundTrack(level + rows[0], rows[0], np.zeros(count, np.float32), rows[1], (), "test")


def test_a_goal_stands_out_and_says_why():
    sound = track(600, {100: 5, 300: 11, 450: 4}, {301: 8})
    replays = [ShownReplay(315, 340)]
    result = excitement(600, sound, replays)
    best = max(result.moments, key=lambda moment: moment.value)
    assert best.seconds == pytest.approx(300, abs=1.5)
    assert best.reason == "crowd +11 dB, commentator +8 dB, two replays"
    assert len(result.values) == 1200
    assert result.values.min() >= 0 and result.values.max() <= 1


def test_a_replay_speaks_for_the_time_before_it_not_for_itself():
    result = excitement(200, None, [ShownReplay(100, 112)])
    (moment,) = result.moments
    assert 82 <= moment.seconds <= 97
    assert moment.reason == "one replay"
    assert result.values[2 * 101 : 2 * 111].max() == 0
    assert not result.heard


def test_louder_is_more_exciting_all_else_equal():
    values = [excitement(100, track(100, {50: db})).values.max() for db in (3, 6, 9, 12)]
    assert np.all(np.diff(values) > 0)


def test_moments_keep_apart_and_in_order():
    rng = np.random.default_rng(0)
    roars = {float(t): float(rng.uniform(4, 12)) for t in np.sort(rng.uniform(0, 1800, 60))}
    moments = excitement(1800, track(1800, roars)).moments
    times = [moment.seconds for moment in moments]
    assert times == sorted(times)
    assert np.diff(times).min() >= APART_SECONDS - 5
    assert len(moments) >= 10


def test_nothing_to_go_by_is_no_moment():
    result = excitement(300, track(300, {}))
    assert result.moments == ()
    assert result.values.max() == 0


def test_a_recording_shorter_than_its_sound_or_longer_is_fine():
    for seconds in (0.2, 50, 400):
        result = excitement(seconds, track(100, {20: 9}))
        assert len(result.values) == max(1, int(np.ceil(2 * seconds)))


def test_close_ups_after_an_action_are_a_small_sign():
    shots = [Shot(0, 60, "wide"), Shot(60, 75, "close-up"), Shot(75, 120, "wide")]
    result = excitement(120, None, (), shots)
    assert 0 < result.values.max() < 0.2
    assert result.moments == ()
