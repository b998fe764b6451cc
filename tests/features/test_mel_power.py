"""Mel power for ASTRA: where sounds are in time and pitch, and how loud against its reference."""

from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from extras import needs
from small_videos import write_video

from touchline.features.extractors import ExtractorSpec, open_extractor
from touchline.features.mel_power import BANDS, WINDOW_SAMPLES, mel_bands, mel_power
from touchline.features.spectra import SAMPLE_RATE, frames_of
from touchline.features.store import write_features

REFERENCE = 7430.77
SECONDS = np.arange(2 * SAMPLE_RATE) / SAMPLE_RATE


def rows_of(sound: np.ndarray, at_once: int = 10**6) -> np.ndarray:
    half = WINDOW_SAMPLES // 2
    blocks = np.array_split(sound.astype(np.float32), 7)
    cut = {"frame_samples": WINDOW_SAMPLES, "silence_before": half, "silence_after": half}
    return np.concatenate([mel_power(part) for part in frames_of(blocks, at_once, **cut)])


def decibels(power: np.ndarray) -> np.ndarray:
    return 10 * np.log10(np.maximum(power, 1e-10) / REFERENCE)


def test_bands_have_equal_area_and_follow_slaneys_scale():
    bands = mel_bands()
    assert bands.shape == (WINDOW_SAMPLES // 2 + 1, BANDS)
    bin_hertz = SAMPLE_RATE / WINDOW_SAMPLES
    np.testing.assert_allclose(bands.sum(0) * bin_hertz, 1, atol=0.05)
    centres = (bands * np.arange(len(bands))[:, None]).sum(0) / bands.sum(0) * bin_hertz
    below = centres < 950
    assert np.ptp(np.diff(centres[below])) < 3  # straight below 1 kHz
    above = centres > 1100
    ratios = centres[above][1:] / centres[above][:-1]
    np.testing.assert_allclose(ratios, ratios.mean(), rtol=0.003)


@pytest.mark.parametrize("hertz", [100, 250, 440, 700, 950])
def test_a_tone_of_full_scale_is_about_the_reference(hertz):
    level = decibels(rows_of(np.sin(2 * np.pi * hertz * SECONDS))[100])
    assert -3 <= level.max() <= 3
    softer = decibels(rows_of(0.01 * np.sin(2 * np.pi * hertz * SECONDS))[100])
    np.testing.assert_allclose(softer.max(), level.max() - 40, atol=0.01)
    centre = (mel_bands() * np.arange(WINDOW_SAMPLES // 2 + 1)[:, None]).argmax(0) * 7.8125
    assert abs(centre[level.argmax()] - hertz) < 25


def test_rows_are_a_hundred_a_second_around_their_moment():
    sound = np.zeros(2 * SAMPLE_RATE)
    sound[SAMPLE_RATE] = 1
    rows = rows_of(sound)
    assert rows.shape == (201, BANDS) and rows.dtype == np.float32
    loudness = rows.sum(1)
    assert loudness.argmax() == 100 and not loudness[:90].any() and not loudness[111:].any()
    np.testing.assert_allclose(rows_of(sound, at_once=13), rows, rtol=1e-5)


def test_a_video_becomes_what_the_network_reads(tmp_path: Path):
    video = write_video(tmp_path / "1.mp4", 75)
    extractor = open_extractor(ExtractorSpec("mel-power"))
    path = tmp_path / f"1_{extractor.suffix}.npy"
    described = write_features(path, extractor, video, lambda share: None)
    rows = np.load(path)
    assert (described.rate, described.first_seconds) == (Fraction(100), 0.0)
    assert rows.shape[1] == BANDS and abs(len(rows) - 301) <= 3
    level = decibels(rows[150].max())  # a tone at 0.3 of full scale
    assert -14 < level < -7


def test_astra_trains_on_it(tmp_path: Path):
    torch = needs("torch")
    from touchline.datasets.features import FeatureFile, LabelledHalf, LabelledSteps
    from touchline.labels import LabelSet
    from touchline.models.astra import ASTRA, SOUND_STREAM, ASTRAConfig
    from touchline.training.sources.feature_batches import FeatureBatches
    from touchline.training.tasks.astra import AstraTask

    rng = np.random.default_rng(0)
    rows = rows_of(0.1 * rng.normal(size=8 * SAMPLE_RATE))
    np.save(tmp_path / "1_mel_power.npy", rows)
    np.save(tmp_path / "1_seen.npy", rng.normal(size=(8, 4)).astype(np.float32))
    streams = {
        "features": FeatureFile(tmp_path / "1_seen.npy", Fraction(1)),
        SOUND_STREAM: FeatureFile(tmp_path / "1_mel_power.npy", Fraction(100)),
    }
    steps = np.array([5, 11])
    half = LabelledHalf("a/1", streams, LabelledSteps(steps, np.array([0, 1]), steps > 0))
    config = ASTRAConfig(
        num_classes=2, feature_width=4, clip_seconds=2, width=16, audio_width=8, feedforward=16,
        attention_heads=2, decoder_layers=1, sections=(2, 1),
    )  # fmt: skip
    assert config.mels == BANDS and config.sound == "power"
    torch.manual_seed(0)
    network = ASTRA(config)
    task = AstraTask(config, {"stride_seconds": 2}, LabelSet("own", ("A", "B")), Fraction(1))
    (batch, *_) = FeatureBatches([half], task, 2, seed=0, prefetch=0)
    loss = task.loss(network, batch["streams"], batch["targets"])
    loss.backward()
    assert torch.isfinite(loss)
    heard = network.vggish_features[0].weight.grad
    assert torch.isfinite(heard).all() and heard.abs().sum() > 0
