"""Spectra equal to the published front end, and statistics that say what they should."""

from pathlib import Path

import numpy as np
import pytest

from touchline.features.sound_statistics import FLOOR_DECIBELS, NAMES, SoundStatistics
from touchline.features.spectra import (
    SILENCE,
    count_frames,
    frames_of,
    hann,
    log_mel,
    mel_weights,
)
from touchline.features.vggish import EMBEDDING, HALF_SECONDS, examples

RATE = 16_000
SECONDS = np.arange(8 * RATE) / RATE


@pytest.fixture(scope="module")
def published(shared: Path) -> dict[str, np.ndarray]:
    return dict(np.load(shared / "data/parity/vggish_frontend.npz"))


def frames(sound: np.ndarray, at_once: int = 10**6, **options) -> np.ndarray:
    blocks = np.array_split(sound.astype(np.float32), 13)
    return np.concatenate(list(frames_of(blocks, at_once, **options)))


def test_window_and_bands_are_the_published_ones(published):
    np.testing.assert_allclose(hann(), published["hann400"], atol=1e-12)
    np.testing.assert_allclose(mel_weights(), published["mel_weights"], atol=1e-12)


def test_log_mel_is_the_published_one(published):
    found = log_mel(frames(published["waveform"]))
    np.testing.assert_allclose(found, published["log_mel"], atol=1e-4)
    assert found.min() == pytest.approx(SILENCE, abs=1e-5)


def test_examples_are_the_published_ones(published):
    sound = published["waveform"]
    for waveform, name in (
        (sound, "examples"),
        ((sound + sound[::-1]) / 2, "examples_stereo_mean"),
        (np.round(sound * 32767).astype(np.int16) / 32768, "examples_from_int16"),
    ):
        found = examples(frames(waveform), EMBEDDING)
        np.testing.assert_allclose(found, published[name], atol=2e-3 if "int16" in name else 1e-4)
    halves = frames(sound, silence_after=HALF_SECONDS.silence_after)
    found = examples(halves, HALF_SECONDS)
    np.testing.assert_allclose(found, published["half_second_examples"], atol=1e-4)


def test_sound_of_less_than_a_row_makes_none():
    sound = np.zeros(95 * 160, np.float32)
    assert examples(frames(sound), EMBEDDING).shape == (0, 96, 64)
    assert SoundStatistics()(frames(sound[:7000])).shape == (0, len(NAMES))


def test_frames_do_not_depend_on_how_sound_arrives():
    sound = np.random.default_rng(1).random(5000).astype(np.float32)
    whole = frames(sound)
    assert len(whole) == count_frames(5000) == 1 + (5000 - 400) // 160
    for at_once in (1, 3, 7, 28):
        np.testing.assert_array_equal(frames(sound, at_once), whole)
    assert frames_of([], 5) is not None and list(frames_of([], 5)) == []
    assert list(frames_of([sound[:399]], 5)) == []


def statistics(sound: np.ndarray) -> dict[str, np.ndarray]:
    rows = SoundStatistics()(frames(sound, silence_after=240))
    assert rows.shape == (len(sound) // 8000, len(NAMES)) and rows.dtype == np.float32
    assert np.isfinite(rows).all()
    return dict(zip(NAMES, rows.T, strict=True))


def test_silence_is_at_the_floor_and_finite():
    found = statistics(np.zeros(8 * RATE))
    assert (found["level"] == FLOOR_DECIBELS).all()
    assert (found["level 300-600 Hz"] == FLOOR_DECIBELS).all()
    for name in ("crest", "centroid", "flux", "whistle", "whistle frequency", "flatness"):
        assert (found[name] == 0).all()


def test_a_pure_tone_is_where_it_is():
    found = statistics(0.5 * np.sin(2 * np.pi * 1000 * SECONDS))
    np.testing.assert_allclose(found["centroid"], 1.0, atol=0.05)
    np.testing.assert_allclose(found["roll-off"], 1.0, atol=0.05)
    np.testing.assert_allclose(found["level"], 20 * np.log10(0.5 / np.sqrt(2)), atol=0.1)
    np.testing.assert_allclose(found["level 600-1200 Hz"], found["level"], atol=0.1)
    np.testing.assert_allclose(found["zero crossings"], 2000 / RATE, atol=0.002)
    np.testing.assert_allclose(found["crest"], 3.01, atol=0.05)
    assert (found["flux"] < 0.01).all() and (found["flatness"] < 0.01).all()


def test_a_click_has_a_crest_and_noise_is_flat():
    click = np.zeros(8 * RATE)
    click[4 * RATE + 100] = 1
    found = statistics(click)
    assert found["crest"][8] > 35 and found["crest"][7] == 0
    noise = np.random.default_rng(0).normal(0, 0.1, 8 * RATE)
    assert (statistics(noise)["flatness"] > 0.4).all()


def test_a_whistle_over_noise_is_heard_where_it_is():
    noise = np.random.default_rng(0).normal(0, 0.05, 8 * RATE)
    blown = (SECONDS >= 3) & (SECONDS < 4)
    found = statistics(noise + blown * 0.3 * np.sin(2 * np.pi * 3500 * SECONDS))
    assert found["whistle"][6:8].min() > 20 > found["whistle"][[0, 1, 4, 10, 15]].max()
    np.testing.assert_allclose(found["whistle frequency"][6:8], 3.5, atol=0.04)


def test_rising_sound_is_above_its_past_and_has_a_slope():
    loud = np.random.default_rng(0).normal(0, 1, 8 * RATE) * 10 ** (-2 + SECONDS * 3 / 20)
    found = statistics(loud)
    np.testing.assert_allclose(found["slope of level"][10:], 3, atol=0.3)
    assert (found["level over the last minute's median"][4:] > 2).all()


def test_rows_do_not_depend_on_how_many_are_made_together():
    sound = np.random.default_rng(2).normal(0, 0.1, 8 * RATE)
    one_by_one = SoundStatistics()
    parts = [one_by_one(part) for part in frames_of([sound.astype(np.float32)], 50)]
    together = SoundStatistics()(frames(sound))
    np.testing.assert_allclose(np.concatenate(parts), together, rtol=1e-4, atol=1e-4)
