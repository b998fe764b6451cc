"""What sound and picture say of when a goal was scored, for `touchline.broadcast.goals`.

With the ball in the net the crowd roars, the director leaves the wide shot for a face, and soon
shows it all again. None of these makes a goal; each only says when one that the score confirms
fell. How much each says follows from the recording itself: a roar louder than nearly all others
tells much, the end of a wide shot, of which there are hundreds, little.
"""

from collections.abc import Iterator, Sequence
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from touchline.broadcast.goals import Evidence, weight_of
from touchline.broadcast.replays import ShownReplay
from touchline.broadcast.shots import Shot
from touchline.broadcast.signals import Signals
from touchline.broadcast.sound import ROW_RATE, SoundTrack

Floats = NDArray[np.float32]

ROAR_LAG_SECONDS = 1.1
ROAR_SPREAD_SECONDS = 1.3
ROAR_SHARE = 0.85
"""Share of goals that the crowd answers: that of visitors may leave it silent."""

LEAST_ROAR_DB = 4.0
"""Rise of the crowd over its last minutes from which it may answer a goal."""

ROARS_APART_SECONDS = 6.0

REPLAY_LAG_SECONDS = 9.5
REPLAY_SPREAD_SECONDS = 4.5
REPLAY_SHARE = 0.85

SHOT_LAG_SECONDS = 2.1
SHOT_SPREAD_SECONDS = 1.2
SHOT_SHARE = 0.8

LEAST_WIDE_SECONDS = 3.0
"""Length of a wide shot in which a goal is scored, at least."""

_LOOK_BACK_SECONDS = 5.0


def evidence_of(signals: Signals) -> tuple[Evidence, ...]:
    """Everything in a recording that may say when a goal fell, in no order that matters."""
    seconds = len(signals.excitement.values) / float(signals.excitement.rate)
    heard = () if signals.sound is None else tuple(_roars(signals.sound, seconds))
    shots = tuple(_ends_of_wide_shots(signals.shots, seconds))
    return (*heard, *_replays(signals.replays, seconds), *shots)


def _roars(sound: SoundTrack, seconds: float) -> Iterator[Evidence]:
    """The rises of the crowd, each where it begins; the rarer one so high is, the more it says."""
    rise = _smooth(sound.rise_db)
    rate = float(ROW_RATE)
    apart, back = round(ROARS_APART_SECONDS * rate), round(_LOOK_BACK_SECONDS * rate)
    peaks = [
        row
        for row in np.flatnonzero(rise >= LEAST_ROAR_DB).tolist()
        if rise[row] >= rise[max(0, row - apart) : row + apart + 1].max()
    ]
    heights = np.sort(rise[peaks])
    for row in peaks:
        before = rise[max(0, row - back) : row + 1]
        steepest = int(np.diff(before).argmax()) + 1 if len(before) > 1 else 0
        as_high = len(heights) - int(np.searchsorted(heights, rise[row]))
        yield Evidence(
            (row - len(before) + 1 + steepest) / rate,
            ROAR_LAG_SECONDS,
            ROAR_SPREAD_SECONDS,
            weight_of(ROAR_SHARE, as_high / seconds),
            "roar",
        )


def _replays(replays: Sequence[ShownReplay], seconds: float) -> Iterator[Evidence]:
    for replay in replays:
        yield Evidence(
            replay.start_seconds,
            REPLAY_LAG_SECONDS,
            REPLAY_SPREAD_SECONDS,
            replay.confidence * weight_of(REPLAY_SHARE, len(replays) / seconds),
            "replay",
        )


def _ends_of_wide_shots(shots: Sequence[Shot], seconds: float) -> Iterator[Evidence]:
    ends = [
        shot.end_seconds
        for shot, after in pairwise(shots)
        if shot.kind == "wide" != after.kind and shot.seconds >= LEAST_WIDE_SECONDS
    ]
    for end in ends:
        weight = weight_of(SHOT_SHARE, len(ends) / seconds)
        yield Evidence(end, SHOT_LAG_SECONDS, SHOT_SPREAD_SECONDS, weight, "end of a wide shot")


def _smooth(rows: Floats) -> Floats:
    kernel = np.ones(3, np.float32) / 3
    return np.asarray(np.convolve(rows, kernel, "same")[: len(rows)], np.float32)
