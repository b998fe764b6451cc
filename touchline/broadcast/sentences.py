"""When the commentator speaks in a stretch of a video: what he says in one breath."""

from pathlib import Path

import numpy as np

from touchline.broadcast.sound import SPEECH
from touchline.broadcast.speech import CHUNK_SAMPLES, RATE_HZ, SpeechDetector
from touchline.media.audio import read_audio
from touchline.media.video import probe

BREATH_SECONDS = 0.25
"""Silence of this length ends a sentence."""

_CHUNK_SECONDS = CHUNK_SAMPLES / RATE_HZ


def sentences_between(
    video: str | Path, start_seconds: float, end_seconds: float, detector: SpeechDetector
) -> list[tuple[float, float]]:
    """(start, end) in seconds of the stretches in which somebody speaks; none without sound.

    One that goes on at an end of the stretch is cut there.

    Raises:
        MediaError: the video cannot be read.
    """
    if not probe(video).has_audio:
        return []
    start = max(start_seconds, 0.0)
    sound = read_audio(video, RATE_HZ, start_seconds=start, end_seconds=end_seconds, channels=1)
    samples = np.concatenate([np.zeros(0, np.float32), *sound])
    chunks = samples[: len(samples) // CHUNK_SAMPLES * CHUNK_SAMPLES].reshape(-1, CHUNK_SAMPLES)
    if not len(chunks):
        return []
    speaks = np.flatnonzero(detector(chunks) >= SPEECH)
    breaks = np.flatnonzero(np.diff(speaks) * _CHUNK_SECONDS > BREATH_SECONDS + _CHUNK_SECONDS)
    return [
        (start + one[0] * _CHUNK_SECONDS, start + (one[-1] + 1) * _CHUNK_SECONDS)
        for one in np.split(speaks, breaks + 1)
        if len(one)
    ]
