"""The audio front end of VGGish: frames of 25 ms every 10 ms, their spectra, and mel bands.

Hershey et al.: "CNN Architectures for Large-Scale Audio Classification", ICASSP 2017. It uses
magnitudes, not powers; HTK's mel scale with triangles that are linear in mel and not normalised;
and an offset inside the logarithm.
"""

from collections.abc import Iterable, Iterator
from functools import cache

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float32]
Doubles = npt.NDArray[np.float64]

SAMPLE_RATE = 16_000
FRAME_SAMPLES = 400
HOP_SAMPLES = 160
FRAME_RATE = SAMPLE_RATE // HOP_SAMPLES
FFT_SAMPLES = 512
BINS = FFT_SAMPLES // 2 + 1
BIN_HERTZ = SAMPLE_RATE / FFT_SAMPLES

MEL_BANDS = 64
MEL_RANGE_HERTZ = (125.0, 7500.0)
LOG_OFFSET = 0.01
SILENCE = float(np.log(LOG_OFFSET))
"""Log-mel value of silence."""


def hann() -> Doubles:
    """(400,) periodic Hann window."""
    return 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(FRAME_SAMPLES) / FRAME_SAMPLES)


def mel_weights() -> Doubles:
    """(257, 64) weight of each bin in each band; 0 for bin 0."""
    lowest, highest = _mel(np.array(MEL_RANGE_HERTZ))
    edges = np.linspace(lowest, highest, MEL_BANDS + 2)
    bins = _mel(np.linspace(0, SAMPLE_RATE / 2, BINS))[:, None]
    low, centre, high = edges[:-2], edges[1:-1], edges[2:]
    weights = np.minimum((bins - low) / (centre - low), (high - bins) / (high - centre))
    weights[0] = 0
    return np.maximum(weights, 0)


def _mel(hertz: Doubles) -> Doubles:
    return 1127 * np.log(1 + hertz / 700)


@cache
def _window() -> Floats:
    return hann().astype(np.float32)


@cache
def _bands() -> Floats:
    return mel_weights().astype(np.float32)


def count_frames(samples: int, frame_samples: int = FRAME_SAMPLES) -> int:
    """Number of complete frames in a number of samples."""
    return max(0, 1 + (samples - frame_samples) // HOP_SAMPLES)


def frames_of(
    blocks: Iterable[Floats],
    frames_at_once: int,
    *,
    frame_samples: int = FRAME_SAMPLES,
    silence_before: int = 0,
    silence_after: int = 0,
) -> Iterator[Floats]:
    """Cut audio into overlapping frames, in constant memory.

    Args:
        blocks: contiguous audio at 16 kHz, (n,) each.
        frames_at_once: frames per block of the result.
        frame_samples: length of a frame.
        silence_before: samples of silence to add at the start.
        silence_after: samples of silence to add at the end, so that the last frame is complete.

    Yields:
        (n, ``frame_samples``), n = ``frames_at_once`` except at the end; read-only views of a
        buffer.
    """
    step = frames_at_once * HOP_SAMPLES
    needed = step - HOP_SAMPLES + frame_samples
    waiting = [np.zeros(silence_before, np.float32)]
    samples = silence_before
    for block in blocks:
        waiting.append(block)
        samples += len(block)
        if samples >= needed:
            sound = np.concatenate(waiting)
            while len(sound) >= needed:
                yield _overlapping(sound[:needed], frame_samples)
                sound = sound[step:]
            waiting, samples = [sound], len(sound)
    sound = np.concatenate([*waiting, np.zeros(silence_after, np.float32)])
    while count_frames(len(sound), frame_samples):
        yield _overlapping(sound[:needed], frame_samples)
        sound = sound[step:]


def _overlapping(sound: Floats, frame_samples: int) -> Floats:
    return np.lib.stride_tricks.sliding_window_view(sound, frame_samples)[::HOP_SAMPLES]


def magnitudes(frames: Floats) -> Floats:
    """(n, 400) frames -> (n, 257) magnitude spectra."""
    return np.abs(np.fft.rfft(frames * _window(), FFT_SAMPLES))


def log_mel(frames: Floats) -> Floats:
    """(n, 400) frames -> (n, 64) log-mel; ``SILENCE`` for silence."""
    return np.log(magnitudes(frames) @ _bands() + np.float32(LOG_OFFSET))
