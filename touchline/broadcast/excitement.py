"""How exciting a recording is, twice a second, and where it peaks, with the reasons in words.

Nothing here knows football. The crowd rises, the commentator rises, the director shows something
again: each says by itself that something happened a moment before. What they say is put at that
moment and added up; a moment is a peak that stands out of its own recording.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

from touchline.broadcast.replays import ShownReplay
from touchline.broadcast.shots import Shot
from touchline.broadcast.sound import FLOOR_DB, ROW_RATE, SoundTrack

Floats = NDArray[np.float32]

RATE = ROW_RATE
"""Values a second."""

CROWD_DB = 12.0
"""Rise of the crowd that counts as much as anything can."""

VOICE_DB = 10.0

CROWD_WEIGHT = 1.0
VOICE_WEIGHT = 0.35
REPLAY_WEIGHT = 0.45
MORE_REPLAYS_WEIGHT = 0.3
CLOSE_WEIGHT = 0.15

REPLAY_AFTER_SECONDS = (4.0, 30.0)
"""How long after an action its replay begins."""

LONG_REPLAY_SECONDS = 18.0
"""A replay this long shows an action more than once."""

APART_SECONDS = 20.0
"""Least time between two moments."""

LEAST_VALUE = 0.3
"""Value of a moment at least."""

_SAID_DB = 3.0
_SMOOTH_ROWS = 3
_LOOK_BACK_SECONDS = 4.0
_LOOK_AHEAD_SECONDS = 3.0


@dataclass(frozen=True, order=True)
class Moment:
    """A peak of excitement.

    Attributes:
        seconds: when it happened, as far as sound and replays tell.
        value: 0 to 1, within its own recording's reach.
        reason: what says so, in words, such as ``crowd +11 dB, two replays``.
    """

    seconds: float
    value: float
    reason: str


@dataclass(frozen=True, eq=False)
class Excitement:
    """One curve, and where it peaks.

    Attributes:
        values: (n,) 0 to 1, two a second from the first frame shown.
        moments: in order of time.
        rate: values a second.
        heard: whether sound had a part; without it replays and cuts alone decide.
    """

    values: Floats
    moments: tuple[Moment, ...]
    rate: Fraction = RATE
    heard: bool = True


def excitement(
    duration_seconds: float,
    sound: SoundTrack | None = None,
    replays: Sequence[ShownReplay] = (),
    shots: Sequence[Shot] = (),
) -> Excitement:
    """The excitement of a recording.

    Args:
        duration_seconds: its length.
        sound: what was heard; None, or a silent track, where nothing was.
        replays: what was shown again.
        shots: what was shown.
    """
    count = max(1, int(np.ceil(duration_seconds * float(RATE))))
    parts = _Parts.of(count, sound, replays, shots)
    total = np.clip(parts.total(), 0, None)
    values = (1 - np.exp(-total)).astype(np.float32)
    moments = tuple(
        Moment(row / float(RATE), float(values[peak]), parts.reason(row, peak))
        for row, peak in _peaks(values, parts.crowd)
    )
    return Excitement(values, moments, RATE, parts.heard)


@dataclass(frozen=True, eq=False)
class _Parts:
    """What each sign adds, (n,) each, and what it is in words."""

    crowd: Floats
    voice: Floats
    replayed: Floats
    close: Floats
    crowd_db: Floats
    voice_db: Floats
    replays: tuple[ShownReplay, ...]
    heard: bool

    @classmethod
    def of(
        cls,
        count: int,
        sound: SoundTrack | None,
        replays: Sequence[ShownReplay],
        shots: Sequence[Shot],
    ) -> "_Parts":
        heard = sound is not None and not sound.is_silent
        crowd_db = _fitted(sound.rise_db if sound is not None and heard else None, count)
        voice_db = _fitted(sound.voice_rise_db if sound is not None and heard else None, count)
        return cls(
            CROWD_WEIGHT * np.clip(_smooth(crowd_db) / CROWD_DB, 0, 1.3),
            VOICE_WEIGHT * np.clip(_smooth(voice_db) / VOICE_DB, 0, 1),
            _replayed(count, replays),
            _close(count, shots),
            crowd_db,
            voice_db,
            tuple(replays),
            heard,
        )

    def total(self) -> Floats:
        """The sum of all signs."""
        return self.crowd + self.voice + self.replayed + self.close

    def reason(self, row: int, peak: int) -> str:
        """What makes a moment, in words."""
        rate = float(RATE)
        near = slice(
            max(0, row - round(_LOOK_AHEAD_SECONDS * rate)),
            max(row, peak) + round(_LOOK_AHEAD_SECONDS * rate) + 1,
        )
        said = []
        rise = float(self.crowd_db[near].max(initial=0))
        if rise >= _SAID_DB:
            said.append(f"crowd {rise:+.0f} dB")
        voice = float(self.voice_db[near].max(initial=0))
        if voice >= _SAID_DB:
            said.append(f"commentator {voice:+.0f} dB")
        replays = _replays_of(self.replays, row / rate)
        if replays:
            said.append(f"{_number(replays)} replay{'s' if replays > 1 else ''}")
        if self.close[row] > 0.5 * CLOSE_WEIGHT:
            said.append("close-ups")
        return ", ".join(said) or "several small signs"


def _fitted(rows: Floats | None, count: int) -> Floats:
    out = np.zeros(count, np.float32)
    if rows is not None:
        part = rows[:count]
        out[: len(part)] = np.clip(part, FLOOR_DB, -FLOOR_DB)
    return out


def _smooth(rows: Floats) -> Floats:
    kernel = np.ones(_SMOOTH_ROWS, np.float32) / _SMOOTH_ROWS
    return np.asarray(np.convolve(rows, kernel, "same")[: len(rows)], np.float32)


def _replayed(count: int, replays: Sequence[ShownReplay]) -> Floats:
    """What replays say of the time before them."""
    out = np.zeros(count, np.float32)
    seconds = np.arange(count) / float(RATE)
    low, high = REPLAY_AFTER_SECONDS
    for replay in replays:
        weight = REPLAY_WEIGHT
        if replay.seconds >= LONG_REPLAY_SECONDS:
            weight += MORE_REPLAYS_WEIGHT
        before = replay.start_seconds - seconds
        # Full from the nearest to the middle of the range, then less and less.
        shape = np.interp(before, (0, low, (low + high) / 2, high), (0, 1, 1, 0), left=0, right=0)
        out = np.maximum(out, (replay.confidence * weight * shape).astype(np.float32))
    return out


def _close(count: int, shots: Sequence[Shot]) -> Floats:
    """Close-ups and crowd one after the other: the director dwells on something."""
    out = np.zeros(count, np.float32)
    rate = float(RATE)
    for shot in shots:
        if shot.kind in ("close-up", "crowd"):
            start, end = int(shot.start_seconds * rate), int(np.ceil(shot.end_seconds * rate))
            out[start:end] = CLOSE_WEIGHT
    window = np.ones(round(12 * rate), np.float32) / round(12 * rate)
    ahead = np.convolve(out, window, "full")[len(window) - 1 :][:count]
    return np.asarray(ahead, np.float32)


def _replays_of(replays: Sequence[ShownReplay], seconds: float) -> int:
    """How often what happened then is shown again, as far as lengths tell."""
    low, high = 0.0, REPLAY_AFTER_SECONDS[1]
    own = [r for r in replays if low <= r.start_seconds - seconds <= high]
    return sum(1 + int(r.seconds // LONG_REPLAY_SECONDS) for r in own)


def _number(count: int) -> str:
    words = {1: "one", 2: "two", 3: "three", 4: "four"}
    return words.get(count, str(count))


def _peaks(values: Floats, crowd: Floats) -> list[tuple[int, int]]:
    """(row where it happened, row of the peak) of the moments, in order of time."""
    apart = round(APART_SECONDS * float(RATE))
    least = max(LEAST_VALUE, float(np.percentile(values, 80)))
    order = np.argsort(-values, kind="stable")
    taken: list[int] = []
    for row in order:
        if values[row] < least:
            break
        if all(abs(int(row) - other) >= apart for other in taken):
            taken.append(int(row))
    return sorted((_onset(crowd, row), row) for row in taken)


def _onset(crowd: Floats, peak: int) -> int:
    """Where the crowd began to rise to a peak; the peak itself without a rise."""
    back = max(0, peak - round(_LOOK_BACK_SECONDS * float(RATE)))
    part = crowd[back : peak + 1]
    if part.size < 2 or part.max() < 0.25:
        return peak
    steps = np.diff(part)
    return back + int(steps.argmax())
