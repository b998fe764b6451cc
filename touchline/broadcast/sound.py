"""The sound of a broadcast: how loud the crowd is against its own last minutes, speech, whistles.

A commentator is louder than the crowd, so the crowd's level is taken where nobody speaks, or, where
somebody speaks all the time, between the syllables. Levels are decibels below full scale and mean
nothing by themselves; what counts is the rise over what the same recording had before.
"""

from dataclasses import dataclass
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

from touchline.broadcast.speech import CHUNK_SAMPLES, RATE_HZ, SpeechDetector, speech_detector
from touchline.broadcast.whistles import Whistle, WhistleFinder
from touchline.errors import InputError

Floats = NDArray[np.float32]

ROW_RATE = Fraction(2)
"""Rows a second in which loudness and speech are told."""

FLOOR_DB = -80.0
"""Level of silence."""

BEFORE_SECONDS = 120.0
"""What a level is compared with: its median over this long before."""

LEAST_BEFORE_SECONDS = 5.0

SPEECH = 0.5
"""Probability from which a chunk counts as speech."""

_CROWD_HZ = (250, 2000)
_HOP = 256
_FRAME = 512
_BLOCK = RATE_HZ * 8
_FREE_PERCENTILE = 30
_QUIET_PERCENTILE = 15
_ENOUGH_CHUNKS = 8
_REACH_SECONDS = 0.75


@dataclass(frozen=True, eq=False)
class SoundTrack:
    """What the sound says, in rows of half a second from the first frame shown.

    Attributes:
        crowd_db: (n,) level of the crowd, decibels below full scale.
        rise_db: (n,) the same over its median of the two minutes before; 0 where too little was
            before, or in silence.
        speech: (n,) share of the time in which somebody speaks, 0 to 1.
        voice_rise_db: (n,) level of the speech over its median of the two minutes before; 0 where
            nobody speaks.
        whistles: in order of time.
        speech_by: what told speech from crowd: ``silero-vad``, or ``level of syllables``, a guess.
    """

    crowd_db: Floats
    rise_db: Floats
    speech: Floats
    voice_rise_db: Floats
    whistles: tuple[Whistle, ...]
    speech_by: str

    @property
    def is_silent(self) -> bool:
        """Whether nothing is heard at all."""
        return not (self.crowd_db > FLOOR_DB + 1).any()


class SoundListener:
    """Sound in, a `SoundTrack` out; holds eight seconds of sound and a few numbers a half second.

    Args:
        detector: what tells speech; the best that is installed if None.
    """

    rate_hz = RATE_HZ

    def __init__(self, detector: SpeechDetector | None = None) -> None:
        self._detector = speech_detector() if detector is None else detector
        self._whistles = WhistleFinder(RATE_HZ / _FRAME, _HOP / RATE_HZ)
        bins = np.arange(_FRAME // 2 + 1) * (RATE_HZ / _FRAME)
        self._crowd_bins = (bins >= _CROWD_HZ[0]) & (bins <= _CROWD_HZ[1])
        self._window = np.hanning(_FRAME).astype(np.float32)
        # A full-scale sine has a power of 1 over the bins that it spreads to.
        self._scale = np.float32(4 / (_FRAME * (self._window**2).sum()))
        self._waiting: list[Floats] = []
        self._waiting_samples = 0
        self._tail = np.zeros(_FRAME - _HOP, np.float32)
        self._heard = 0
        self._levels: list[Floats] = []
        self._speech: list[Floats] = []

    def hear(self, start_seconds: float, samples: Floats, rate_hz: int) -> None:
        """Take the next sound.

        Args:
            start_seconds: when it begins; a gap before it counts as silence.
            samples: float32 (n,) within -1 to 1.
            rate_hz: samples a second; 16,000.

        Raises:
            InputError: another rate, or sound that begins before the end of what was heard.
        """
        if rate_hz != RATE_HZ:
            raise InputError(f"sound at {rate_hz} samples a second", remedy=f"give {RATE_HZ}")
        missing = round(start_seconds * RATE_HZ) - self._heard
        if missing < -_HOP:
            raise InputError(
                f"sound of second {start_seconds:g} comes after second {self._heard / RATE_HZ:g}",
                remedy="give it in order",
            )
        while missing > _HOP:
            part = min(missing, _BLOCK)
            self._take(np.zeros(part, np.float32))
            missing -= part
        self._take(np.asarray(samples, np.float32))

    def finish(self) -> SoundTrack:
        """All that was heard."""
        if self._heard:
            self._process(self._waiting_samples // CHUNK_SAMPLES * CHUNK_SAMPLES)
        return self._track()

    def _take(self, samples: Floats) -> None:
        self._heard += len(samples)
        self._waiting.append(samples)
        self._waiting_samples += len(samples)
        if self._waiting_samples >= _BLOCK:
            self._process(self._waiting_samples // CHUNK_SAMPLES * CHUNK_SAMPLES)

    def _process(self, count: int) -> None:
        """Analyse the first ``count`` waiting samples, whole chunks."""
        if not count:
            return
        sound = np.nan_to_num(np.concatenate(self._waiting), posinf=1.0, neginf=-1.0)
        now, rest = sound[:count], sound[count:]
        self._waiting, self._waiting_samples = [rest], len(rest)
        joined = np.concatenate([self._tail, now])
        self._tail = joined[len(joined) - (_FRAME - _HOP) :]
        frames = np.lib.stride_tricks.sliding_window_view(joined, _FRAME)[::_HOP]
        spectra = np.fft.rfft(frames * self._window, axis=1)
        power = (spectra.real**2 + spectra.imag**2).astype(np.float32) * self._scale
        self._whistles.see(power)
        level = 10 * np.log10(np.maximum(power[:, self._crowd_bins].sum(1), 1e-12))
        # The quieter frame of a chunk, as a pause between two syllables is hardly longer.
        self._levels.append(np.maximum(level, FLOOR_DB).reshape(-1, CHUNK_SAMPLES // _HOP).min(1))
        self._speech.append(self._detector(now.reshape(-1, CHUNK_SAMPLES)))

    def _track(self) -> SoundTrack:
        levels = np.concatenate(self._levels) if self._levels else np.empty(0, np.float32)
        speech = np.concatenate(self._speech) if self._speech else np.empty(0, np.float32)
        count = int(self._heard * ROW_RATE / RATE_HZ) if len(levels) else 0
        crowd, voice, share = _rows(levels, speech, count)
        return SoundTrack(
            crowd,
            _rise(crowd),
            share,
            _rise(voice),
            self._whistles.finish(),
            self._detector.name,
        )


def _rows(levels: Floats, speech: Floats, count: int) -> tuple[Floats, Floats, Floats]:
    """Levels and speech of chunks to rows: crowd, voice (silence where none), share of speech."""
    per_second = RATE_HZ / CHUNK_SAMPLES
    crowd = np.full(count, FLOOR_DB, np.float32)
    voice = np.full(count, FLOOR_DB, np.float32)
    share = np.zeros(count, np.float32)
    spoken = speech >= SPEECH
    # The edges of a word are quiet, and belong to it.
    near = np.convolve(spoken, np.ones(5), "same") > 0 if len(spoken) else spoken
    for row in range(count):
        centre = (row + 0.5) / float(ROW_RATE) * per_second
        own = _round(centre, per_second / 4)
        wide = _round(centre, per_second * _REACH_SECONDS)
        share[row] = spoken[own].mean()
        free = levels[wide][~near[wide]]
        if len(free) >= _ENOUGH_CHUNKS:
            crowd[row] = np.percentile(free, _FREE_PERCENTILE)
        else:
            crowd[row] = np.percentile(levels[wide], _QUIET_PERCENTILE)
        said = levels[own][spoken[own]]
        if len(said) >= _ENOUGH_CHUNKS // 2:
            voice[row] = np.percentile(said, 75)
    return crowd, voice, share


def _round(centre: float, reach: float) -> slice:
    return slice(max(0, round(centre - reach)), max(1, round(centre + reach) + 1))


def _rise(levels: Floats) -> Floats:
    """Levels over their median of the time before, silence left out."""
    before = round(BEFORE_SECONDS * float(ROW_RATE))
    least = round(LEAST_BEFORE_SECONDS * float(ROW_RATE))
    rise = np.zeros_like(levels)
    heard = levels > FLOOR_DB + 1
    for row in np.flatnonzero(heard):
        part = slice(max(0, row - before), row)
        history = levels[part][heard[part]]
        if len(history) >= least:
            rise[row] = levels[row] - np.median(history)
    return rise
