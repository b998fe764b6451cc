"""Replays lie between two wipes; one missed wipe must not turn all that follow."""

import numpy as np
import pytest

from touchline.broadcast.replays import ShownReplay, replays_between
from touchline.broadcast.wipes import Wipe


def wipes_at(times, designs=None):
    designs = designs or [0] * len(times)
    return [Wipe(t, t - 0.3, t + 0.3, d) for t, d in zip(times, designs, strict=True)]


def match(seed: int, count: int = 30) -> list[tuple[float, float]]:
    """Replays of a half, as they come in broadcasts."""
    rng = np.random.default_rng(seed)
    spans, now = [], 20.0
    for _ in range(count):
        now += float(rng.lognormal(np.log(80), 0.7)) + 8
        end = now + float(np.clip(rng.lognormal(np.log(11), 0.45), 4, 45))
        spans.append((now, end))
        now = end
    return spans


def spans_of(replays) -> list[tuple[float, float]]:
    return [(replay.start_seconds, replay.end_seconds) for replay in replays]


@pytest.mark.parametrize("seed", range(4))
def test_replays_are_what_lies_between_wipes(seed):
    spans = match(seed)
    found = replays_between(wipes_at([t for span in spans for t in span]))
    assert len(set(spans_of(found)) & set(spans)) >= 0.95 * len(spans)
    assert len(found) <= len(spans) + 1


@pytest.mark.parametrize("missing", [0, 1, 20, 33])
def test_a_missed_wipe_costs_one_replay(missing):
    spans = match(7)
    times = [t for span in spans for t in span]
    del times[missing]
    found = spans_of(replays_between(wipes_at(times)))
    assert len(set(found) & set(spans)) >= len(spans) - 2


def test_designs_that_open_and_close_settle_what_lengths_leave_open():
    times = [10.0, 40.0, 70.0, 100.0, 400.0, 412.0, 700.0, 711.0, 900.0, 909.0, 1300.0, 1312.0]
    designs = [0, 1] * 6
    found = spans_of(replays_between(wipes_at(times, designs)))
    assert found == [(a, b) for a, b in zip(times[::2], times[1::2], strict=True)]


def test_a_long_look_at_the_pitch_is_no_replay():
    times = [100.0, 118.0, 136.0, 154.0]
    looks = [(119.0, 135.0)]
    assert spans_of(replays_between(wipes_at(times), looks)) == [(100.0, 118.0), (136.0, 154.0)]


def test_less_than_two_wipes_hold_no_replay():
    assert replays_between([]) == ()
    assert replays_between(wipes_at([50.0])) == ()


def test_lengths_are_in_seconds():
    assert ShownReplay(10.0, 22.5).seconds == 12.5
