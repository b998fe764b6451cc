"""The sound of a file that is written: AAC, fed with samples in any blocks."""

from collections import deque
from fractions import Fraction

import av
import numpy as np
from av.audio.stream import AudioStream
from av.container import OutputContainer
from numpy.typing import NDArray

LAYOUTS = {2: "stereo", 6: "5.1"}
"""Layouts that are written, by their number of channels."""

BIT_RATES = {2: 128_000, 6: 384_000}
AUDIO_RATES = (8000, 11025, 12000, 16000, 22050, 24000, 32000, 44100, 48000)

_FRAME = 1024

Samples = NDArray[np.float32]


def frame_of(samples: Samples, rate: int, place: int) -> av.AudioFrame:
    """Samples (n, channels) as a frame of floats that begins at a sample."""
    planes = np.ascontiguousarray(samples.T, np.float32)
    frame = av.AudioFrame.from_ndarray(planes, format="fltp", layout=LAYOUTS[samples.shape[1]])
    frame.sample_rate, frame.pts, frame.time_base = rate, place, Fraction(1, rate)
    return frame


class SoundTrack:
    """Encodes samples as they come due, so that sound may be given ahead of the picture.

    Args:
        container: the file; it has the track from now on.
        rate: samples a second.
        channels: 2, or 6 for 5.1.
        quick: half the work, at half as many bits again.
    """

    def __init__(
        self, container: OutputContainer, rate: int, channels: int = 2, *, quick: bool = False
    ) -> None:
        self.rate = rate
        self.channels = channels
        self.encoded = 0
        self._container = container
        self._stream: AudioStream = container.add_stream(
            "aac",
            rate=rate,
            layout=LAYOUTS[channels],
            bit_rate=BIT_RATES[channels] * (3 if quick else 2) // 2,
            options={"aac_coder": "fast"} if quick else {},
        )
        self._stream.codec_context.time_base = Fraction(1, rate)
        self._blocks: deque[Samples] = deque()
        self._waiting = 0

    def add(self, samples: Samples) -> None:
        """Append samples in [-1, 1]: (n,) mono, on every channel, or (n, channels).

        Raises:
            ValueError: another shape.
        """
        if samples.ndim == 1:
            samples = np.repeat(samples[:, None], self.channels, axis=1)
        if samples.ndim != 2 or samples.shape[1] != self.channels:
            raise ValueError(f"audio of shape {samples.shape} has not {self.channels} channels")
        self._blocks.append(np.asarray(samples, dtype=np.float32))
        self._waiting += len(samples)

    def encode_until(self, due: int) -> None:
        """Encode what is there of the first ``due`` samples, in whole frames of the codec."""
        while min(due - self.encoded, self._waiting) >= _FRAME:
            self._encode(self._take(_FRAME))

    def finish(self, due: int) -> None:
        """End the track after ``due`` samples; what is missing is silence."""
        missing = due - self.encoded - self._waiting
        if missing > 0:
            self.add(np.zeros((missing, self.channels), np.float32))
        self.encode_until(due)
        if due > self.encoded:
            self._encode(self._take(due - self.encoded))
        self._container.mux(self._stream.encode(None))

    def _take(self, count: int) -> Samples:
        taken: list[Samples] = []
        missing = count
        while missing:
            block = self._blocks.popleft()
            if len(block) > missing:
                self._blocks.appendleft(block[missing:])
                block = block[:missing]
            taken.append(block)
            missing -= len(block)
        self._waiting -= count
        return np.concatenate(taken)

    def _encode(self, samples: Samples) -> None:
        frame = frame_of(np.clip(samples, -1, 1), self.rate, self.encoded)
        self.encoded += len(samples)
        self._container.mux(self._stream.encode(frame))
