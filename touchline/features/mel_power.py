"""Mel power, the audio input of ASTRA: 128 bands, 100 rows a second.

Xarles et al., MMSports 2023. Of the published files only the bands, the rate and the power of 0 dB
(7430.77, see ``touchline.models.astra``) are documented. The rest follows the defaults of the tools
that the authors use, which agree with that reference: a periodic Hann window of 2048 samples
centred on each row, and Slaney's mel scale with triangles of equal area from 0 Hz to half the
sampling rate. A full-scale tone then has a power within 3 dB of 7430.77 in every band below 1 kHz.
"""

from fractions import Fraction
from functools import cache
from pathlib import Path

import numpy as np

from touchline.features.extractor import Extraction, Write
from touchline.features.sound import check_rate, describe_sound
from touchline.features.spectra import FRAME_RATE, SAMPLE_RATE, Doubles, Floats
from touchline.runtime.progress import Progress
from touchline.timebase import format_rate
from touchline.zoo.identity import FeatureIdentity

BANDS = 128
WINDOW_SAMPLES = 2048
BINS = WINDOW_SAMPLES // 2 + 1

_FRAMES_AT_ONCE = 10 * FRAME_RATE
_LINEAR_HERTZ = 1000.0
_MELS_BELOW = 15.0
_HERTZ_PER_MEL = _LINEAR_HERTZ / _MELS_BELOW
_LOG_STEP = np.log(6.4) / 27


def mel_bands() -> Doubles:
    """(1025, 128) weight of each bin in each band, in 1 / Hz; the triangles have area 1."""
    highest = _MELS_BELOW + np.log(SAMPLE_RATE / 2 / _LINEAR_HERTZ) / _LOG_STEP
    edges = _hertz(np.linspace(0, highest, BANDS + 2))
    bins = np.linspace(0, SAMPLE_RATE / 2, BINS)[:, None]
    low, centre, high = edges[:-2], edges[1:-1], edges[2:]
    weights = np.minimum((bins - low) / (centre - low), (high - bins) / (high - centre))
    return np.maximum(weights, 0) * (2 / (high - low))


def _hertz(mels: Doubles) -> Doubles:
    """Slaney's scale: linear up to 1 kHz, logarithmic above."""
    above = _LINEAR_HERTZ * np.exp(_LOG_STEP * (mels - _MELS_BELOW))
    return np.where(mels < _MELS_BELOW, _HERTZ_PER_MEL * mels, above)


@cache
def _tables() -> tuple[Floats, Floats]:
    window = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(WINDOW_SAMPLES) / WINDOW_SAMPLES)
    return window.astype(np.float32), mel_bands().astype(np.float32)


def mel_power(frames: Floats) -> Floats:
    """(n, 2048) frames of audio -> (n, 128) power of the bands; 0 for silence."""
    window, bands = _tables()
    spectra = np.fft.rfft(frames * window)
    return (np.square(spectra.real) + np.square(spectra.imag)).astype(np.float32) @ bands


class MelPower:
    """Mel power for ASTRA, 128 bands, 100 rows a second: an ``Extractor``.

    Row i is centred at i / 100 s; the audio is padded with silence at both ends.
    """

    suffix = "mel_power"
    engine = "numpy"

    def __init__(self, rate: Fraction | None = None) -> None:
        check_rate("mel-power", rate, Fraction(FRAME_RATE))
        self.identity = FeatureIdentity(name="mel-power", rate=format_rate(Fraction(FRAME_RATE)))

    def extract(self, source: Path, write: Write, progress: Progress) -> Extraction:
        """See ``Extractor``."""
        describe_sound(
            source,
            _FRAMES_AT_ONCE,
            mel_power,
            write,
            progress,
            frame_samples=WINDOW_SAMPLES,
            silence_before=WINDOW_SAMPLES // 2,
            silence_after=WINDOW_SAMPLES // 2,
        )
        return Extraction(first_seconds=0.0)

    def close(self) -> None:
        """See ``Extractor``."""
