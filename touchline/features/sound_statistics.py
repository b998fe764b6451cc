"""Statistics of the spectra of each half second, which tell whistle, crowd and silence apart.

Levels are in dB relative to a full-scale square wave, at least -80; frequencies are in kHz.
"""

from itertools import pairwise
from math import ceil

import numpy as np

from touchline.features.spectra import (
    BIN_HERTZ,
    BINS,
    FFT_SAMPLES,
    FRAME_SAMPLES,
    HOP_SAMPLES,
    Floats,
    hann,
    magnitudes,
)

FRAMES_PER_ROW = 50
FLOOR_DECIBELS = -80.0
BAND_EDGES_HERTZ = (0, 150, 300, 600, 1200, 2000, 3000, 5000, 8000)
WHISTLE_HERTZ = (2000, 5000)
ROLL_OFF = 0.85
MEDIAN_ROWS = 120
SLOPE_ROWS = 10
ROWS_PER_SECOND = 2

NAMES = (
    *(f"level {low}-{high} Hz" for low, high in pairwise(BAND_EDGES_HERTZ)),
    *(f"spread {low}-{high} Hz" for low, high in pairwise(BAND_EDGES_HERTZ)),
    *("level", "highest level", "spread of level", "crest"),
    *("centroid", "bandwidth", "roll-off", "flatness"),
    *("flux", "highest flux", "zero crossings"),
    *("whistle", "whistle frequency"),
    *("level over the last minute's median", "slope of level"),
)
"""Names of the columns: levels and crest in dB, frequencies in kHz, the slope in dB per second."""


def _bins(low: int, high: int) -> tuple[int, int]:
    """First bin, and the one after the last, of ``low <= frequency < high``; includes 8 kHz."""
    first, last = (ceil(edge / BIN_HERTZ) for edge in (low, high))
    return first, BINS if high == BAND_EDGES_HERTZ[-1] else last


_POWER_FLOOR = 10 ** (FLOOR_DECIBELS / 10)
_KILOHERTZ = (np.arange(BINS) * BIN_HERTZ / 1000).astype(np.float32)
_TINY = np.float32(1e-12)

_window = hann()
_POWER_SCALE = np.full(BINS, 2 / (FFT_SAMPLES * (_window**2).sum()), np.float32)
_POWER_SCALE[[0, -1]] /= 2
_MAGNITUDE_SCALE = np.float32(1 / _window.sum())
_BANDS = [slice(*_bins(low, high)) for low, high in pairwise(BAND_EDGES_HERTZ)]
_WHISTLE = slice(*_bins(*WHISTLE_HERTZ))


class SoundStatistics:
    """Computes rows of statistics from audio frames; keeps the history that rows refer to."""

    def __init__(self) -> None:
        self._last_spectrum: Floats | None = None
        self._levels = np.empty(0, np.float32)

    def __call__(self, frames: Floats) -> Floats:
        """The next rows.

        Args:
            frames: (n, 400) audio, starting at a half second; an incomplete half second at the end
                is left out.

        Returns:
            (n // 50, 31) float32, always finite; columns as ``NAMES``.
        """
        count = len(frames) // FRAMES_PER_ROW
        if not count:
            return np.empty((0, len(NAMES)), np.float32)
        frames = frames[: count * FRAMES_PER_ROW]
        spectra = magnitudes(frames)
        power = np.square(spectra) * _POWER_SCALE
        bands = _decibels(np.stack([power[:, band].sum(1) for band in _BANDS], 1))
        rows = np.concatenate(
            [
                _by_row(bands).mean(1),
                _by_row(bands).std(1),
                _loudness(frames),
                _by_row(_shape(spectra, power)).mean(1),
                self._flux(spectra * _MAGNITUDE_SCALE),
                _by_row(_zero_crossings(frames)).mean(1),
                _whistle(power),
            ],
            axis=1,
        )
        level = rows[:, NAMES.index("level")]
        return np.concatenate([rows, self._against_before(level)], 1).astype(np.float32)

    def _flux(self, spectra: Floats) -> Floats:
        """(rows, 2) mean and largest change from one spectrum to the next."""
        first = spectra[:1] if self._last_spectrum is None else self._last_spectrum
        self._last_spectrum = spectra[-1:]
        changes = np.diff(spectra, axis=0, prepend=first)
        flux = _by_row(np.sqrt(np.square(changes).sum(1, keepdims=True)))
        return np.concatenate([flux.mean(1), flux.max(1)], 1)

    def _against_before(self, levels: Floats) -> Floats:
        """(rows, 2) level minus the median of the last minute, and slope in dB per second."""
        history = np.concatenate([self._levels, levels])
        known = len(self._levels)
        compared = [
            (
                history[row] - np.median(history[max(0, row + 1 - MEDIAN_ROWS) : row + 1]),
                _slope(history[max(0, row + 1 - SLOPE_ROWS) : row + 1]),
            )
            for row in range(known, len(history))
        ]
        self._levels = history[-MEDIAN_ROWS:]
        return np.array(compared, np.float32)


def _by_row(values: Floats) -> Floats:
    """(frames, columns) -> (rows, 50, columns)."""
    return values.reshape(-1, FRAMES_PER_ROW, values.shape[1])


def _decibels(power: Floats) -> Floats:
    return np.maximum(10 * np.log10(np.maximum(power, _POWER_FLOOR)), FLOOR_DECIBELS)


def _loudness(frames: Floats) -> Floats:
    """(rows, 4) mean, maximum and spread of the level, and the crest (peak minus level)."""
    level = _decibels(np.square(frames).mean(1, keepdims=True))
    by_row = _by_row(level)
    parts = _by_row(frames)[:, :, :HOP_SAMPLES]
    whole = _decibels(np.square(parts).mean((1, 2)))[:, None]
    peak = _decibels(np.square(parts).max((1, 2)))[:, None]
    return np.concatenate([by_row.mean(1), by_row.max(1), by_row.std(1), peak - whole], 1)


def _shape(spectra: Floats, power: Floats) -> Floats:
    """(frames, 4) centroid, bandwidth and roll-off in kHz, and flatness; 0 for silence."""
    total = spectra.sum(1)
    heard = power.sum(1) > _POWER_FLOOR
    centroid = spectra @ _KILOHERTZ / np.maximum(total, _TINY)
    squares = spectra @ np.square(_KILOHERTZ) / np.maximum(total, _TINY)
    bandwidth = np.sqrt(np.maximum(squares - np.square(centroid), 0))
    share = np.cumsum(power, 1)
    roll_off = _KILOHERTZ[(share < ROLL_OFF * share[:, -1:]).sum(1).clip(max=BINS - 1)]
    logarithms = np.log(np.maximum(power, _TINY)).mean(1)
    flatness = np.exp(logarithms) / np.maximum(power.mean(1), _TINY)
    return np.where(heard[:, None], np.stack([centroid, bandwidth, roll_off, flatness], 1), 0)


def _zero_crossings(frames: Floats) -> Floats:
    """(frames, 1) fraction of neighbouring samples with different signs."""
    negative = frames[:, :FRAME_SAMPLES] < 0
    return (negative[:, 1:] != negative[:, :-1]).mean(1, keepdims=True, dtype=np.float32)


def _whistle(power: Floats) -> Floats:
    """(rows, 2) prominence of the strongest tone of 2 to 5 kHz, in dB, and its frequency in kHz."""
    region = _decibels(power[:, _WHISTLE])
    prominence = _by_row(region.max(1, keepdims=True) - np.median(region, 1, keepdims=True))
    places = _by_row(_KILOHERTZ[_WHISTLE][region.argmax(1)][:, None])
    best = prominence.argmax(1)[:, None]
    strength = np.take_along_axis(prominence, best, 1)[:, 0]
    place = np.take_along_axis(places, best, 1)[:, 0]
    return np.concatenate([strength, np.where(strength > 0, place, 0)], 1)


def _slope(levels: Floats) -> float:
    """Least-squares slope over rows of half a second, in dB per second; 0 for a single row."""
    if len(levels) < 2:
        return 0.0
    seconds = (np.arange(len(levels)) - (len(levels) - 1) / 2) / ROWS_PER_SECOND
    return float(seconds @ levels / (seconds @ seconds))
