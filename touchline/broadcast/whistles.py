"""The referee's whistle: a narrow tone of 2 to 4.5 kHz that stands clear of everything near it.

A whistle with a pea trills, one without sounds two or three tones close together; either way nearly
all that is heard between 2 and 4.5 kHz lies within some hundred hertz, steadily, for a tenth of a
second or longer. Voices have formants there too, but spread wider, moving, and with far more below.
All is compared with what usually sounds at that pitch in those seconds.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import groupby

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]

LOW_HZ = 2000
HIGH_HZ = 4500

NARROW_HZ = 400
"""Half the width in which a whistle's tones lie."""

LEAST_SHARE = 0.7
"""Share of what is new between 2 and 4.5 kHz that lies in the tone, at least."""

LEAST_STRENGTH_DB = 8.0
"""The tone over what usually sounds there, at least."""

LEAST_AGAINST_DB = -14.0
"""The tone over all that sounds from 300 Hz to 2 kHz, at least: voices have most there."""

VOICES_FROM_HZ = 300

LEAST_SECONDS = 0.1
"""Shortest blast."""

LONG_SECONDS = 0.6
"""A blast from this length on is a long one."""

TOGETHER_SECONDS = 0.7
"""Blasts no further apart are one whistle."""

LEAST_CONFIDENCE = 0.7
"""Less sure ones are not told."""

_STEADY_HZ = 200.0
_GAP_FRAMES = 2
_SILENCE = np.float32(1e-10)


@dataclass(frozen=True, order=True)
class Whistle:
    """One or several blasts of a whistle.

    Attributes:
        seconds: when it begins.
        duration_seconds: to the end of the last blast.
        confidence: 0 to 1.
        blasts: how many; three often end a half.
        longest_seconds: length of the longest blast.
    """

    seconds: float
    duration_seconds: float
    confidence: float
    blasts: int = 1
    longest_seconds: float = 0.0

    @property
    def is_long(self) -> bool:
        """Whether a blast is a long one."""
        return self.longest_seconds >= LONG_SECONDS


@dataclass(frozen=True)
class _Blast:
    start: float
    end: float
    hertz: float
    confidence: float


class WhistleFinder:
    """Spectra in, whistles out; keeps four numbers a frame."""

    def __init__(self, bin_hz: float, hop_seconds: float) -> None:
        self._bin_hz = bin_hz
        self._hop = hop_seconds
        self._band = slice(int(LOW_HZ / bin_hz), int(HIGH_HZ / bin_hz) + 1)
        self._voices = slice(int(VOICES_FROM_HZ / bin_hz), self._band.start)
        self._reach = max(1, round(NARROW_HZ / bin_hz))
        self._tones: list[Floats] = []

    def see(self, power: Floats) -> None:
        """Take the next frames.

        Args:
            power: (n, bins) power of consecutive spectra, 1 for a full-scale sine.
        """
        if not len(power):
            return
        usual = np.median(power, axis=0) + _SILENCE
        excess = np.maximum(power - 4 * usual, 0)
        band = excess[:, self._band]
        peak = band.argmax(1)
        low = np.maximum(peak - self._reach, 0)
        high = np.minimum(peak + self._reach + 1, band.shape[1])
        tone = _sum_between(band, low, high)
        background = _sum_between(np.broadcast_to(usual[self._band], band.shape), low, high)
        share = tone / np.maximum(band.sum(1), _SILENCE)
        # The centre, as the louder of two tones changes with the trill.
        centre = _sum_between(band * np.arange(band.shape[1], dtype=np.float32), low, high)
        centre /= np.maximum(tone, _SILENCE)
        hertz = (centre + self._band.start) * np.float32(self._bin_hz)
        strength = _decibels(tone / background)
        against = _decibels(tone / (power[:, self._voices].sum(1) + _SILENCE))
        self._tones.append(np.stack([share, strength, hertz, against], 1).astype(np.float32))

    def finish(self) -> tuple[Whistle, ...]:
        """All whistles, in order of time; time 0 is the first frame."""
        if not self._tones:
            return ()
        blasts = [self._blast(*run) for run in self._runs(np.concatenate(self._tones))]
        self._tones = []
        return _joined([blast for blast in blasts if blast is not None])

    def _runs(self, tones: Floats) -> Iterator[tuple[int, Floats]]:
        """(first frame, rows) of tones without a longer gap."""
        heard = (
            (tones[:, 0] >= LEAST_SHARE)
            & (tones[:, 1] >= LEAST_STRENGTH_DB)
            & (tones[:, 3] >= LEAST_AGAINST_DB)
        )
        places = np.flatnonzero(heard)
        apart = np.diff(places) > _GAP_FRAMES + 1
        jumps = np.abs(np.diff(tones[places, 2])) > NARROW_HZ
        gaps = np.concatenate([[0], np.cumsum(apart | jumps)])
        for _, group in groupby(range(len(places)), key=lambda k: int(gaps[k])):
            members = list(group)
            first, last = int(places[members[0]]), int(places[members[-1]])
            yield first, tones[first : last + 1][heard[first : last + 1]]

    def _blast(self, first: int, tones: Floats) -> _Blast | None:
        hertz = tones[:, 2]
        steady = np.abs(hertz - np.median(hertz)) <= _STEADY_HZ
        seconds = len(tones) * self._hop
        if seconds < LEAST_SECONDS or steady.mean() < 0.8:
            return None
        share, strength, _, against = (float(column) for column in tones.mean(0))
        score = 6 * (share - 0.85) + 0.1 * (strength - 16) + 0.2 * against
        score += 4.0 * (min(seconds, 0.5) - 0.2)
        start = first * self._hop
        confidence = float(1 / (1 + np.exp(-score)))
        if confidence < LEAST_CONFIDENCE:
            return None
        return _Blast(start, start + seconds, float(np.median(hertz)), confidence)


def _sum_between(rows: Floats, low: NDArray[np.intp], high: NDArray[np.intp]) -> Floats:
    """(n,) sum of each row from a column up to another one."""
    total = np.concatenate([np.zeros((len(rows), 1)), np.cumsum(rows, 1, dtype=np.float64)], 1)
    places = np.arange(len(rows))
    return np.asarray(total[places, high] - total[places, low], np.float32)


def _decibels(ratio: Floats) -> Floats:
    return np.asarray(10 * np.log10(np.maximum(ratio, 1e-9)), np.float32)


def _joined(blasts: list[_Blast]) -> tuple[Whistle, ...]:
    """Blasts that follow each other closely as one whistle."""
    groups: list[list[_Blast]] = []
    for blast in blasts:
        before = groups[-1][-1] if groups else None
        if (
            before is not None
            and blast.start - before.end <= TOGETHER_SECONDS
            and abs(blast.hertz - before.hertz) <= 2 * NARROW_HZ
        ):
            groups[-1].append(blast)
        else:
            groups.append([blast])
    return tuple(
        Whistle(
            group[0].start,
            group[-1].end - group[0].start,
            max(blast.confidence for blast in group),
            len(group),
            max(blast.end - blast.start for blast in group),
        )
        for group in groups
    )
