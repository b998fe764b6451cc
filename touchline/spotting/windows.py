"""Overlapping windows over a stream of frames, and one curve out of them again.

The published rule (E2E-Spot): windows of ``clip_len`` frames start 5 frames before the video and
then every ``clip_len - overlap`` frames while any frame beyond the overlap is left; what they say
of frames that exist is summed and divided by how many windows saw the frame.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from touchline.scores import FloatArray
from touchline.systems import SYSTEMS, load_part

LEAD_FRAMES = 5
"""Frames by which the first window starts before the video."""

Array = npt.NDArray[Any]

Decode = Callable[[FloatArray], FloatArray]
"""Makes scores of the outputs (clip_len, ...) of a network for one window: (clip_len, K+1),
background first, or (clip_len, 2K+1) with a left and a right side of each class."""


def decoder(system: str) -> Decode:
    """How the outputs of a network of pictures become scores; softmax for an unknown system."""
    row = SYSTEMS.get(system)
    if row is None:
        return softmax
    decode: Decode = load_part(row.decode)
    return decode


def window_starts(
    num_frames: int, clip_len: int, overlap: int, *, stride: int = 1, lead: int = LEAD_FRAMES
) -> range:
    """First frame of each window over a video of ``num_frames``; negative ones begin before it.

    Source: E2E-Spot, ``range(-5·stride, max(0, n - overlap·stride), (clip_len - overlap)·stride)``.
    """
    step = (clip_len - overlap) * stride
    return range(-lead * stride, max(0, num_frames - overlap * stride), step)


@dataclass(frozen=True, eq=False)
class Window:
    """``clip_len`` consecutive frames (or features), padded where the video has none.

    Attributes:
        start: index of the first frame; may be negative.
        items: (clip_len, ...) in the stream's dtype, zeros where padded.
        valid: (clip_len,) float32, 1 for frames that exist.
    """

    start: int
    items: Array
    valid: FloatArray


def cut_windows(
    items: Iterable[Array], clip_len: int, overlap: int, *, lead: int = LEAD_FRAMES
) -> Iterator[Window]:
    """Cut a stream of arrays into windows as they come; holds no more than one window.

    Yields exactly the windows of ``window_starts``; none for an empty stream.
    """
    step = clip_len - overlap
    start, count = -lead, 0
    buffer: list[Array] = []  # frames max(0, start) .. count - 1
    for item in items:
        buffer.append(item)
        count += 1
        if count == start + clip_len:
            yield _window(buffer, start, clip_len)
            del buffer[: max(0, start + step) - max(0, start)]
            start += step
    while count and (start < 0 or start < count - overlap):
        yield _window(buffer, start, clip_len)
        del buffer[: max(0, start + step) - max(0, start)]
        start += step


def _window(buffer: list[Array], start: int, clip_len: int) -> Window:
    before = max(0, -start)
    present = buffer[: clip_len - before]
    items = np.zeros((clip_len, *present[0].shape), present[0].dtype)
    items[before : before + len(present)] = present
    valid = np.zeros(clip_len, np.float32)
    valid[before : before + len(present)] = 1
    return Window(start, items, valid)


class WindowAverage:
    """Averages what overlapping windows say of each frame, growing with the video."""

    def __init__(self, columns: int) -> None:
        self._sum = np.zeros((1024, columns), np.float32)
        self._count = np.zeros(1024, np.int32)
        self._end = 0

    @classmethod
    def from_sums(cls, sums: FloatArray, counts: npt.NDArray[np.int32]) -> "WindowAverage":
        """The average that ``sums`` says."""
        average = cls(sums.shape[1])
        average._sum, average._count, average._end = sums, counts, len(counts)
        return average

    def sums(self) -> tuple[FloatArray, npt.NDArray[np.int32]]:
        """(frames, columns) sums so far, and (frames,) of how many windows."""
        return self._sum[: self._end], self._count[: self._end]

    def add(self, start: int, values: FloatArray, valid: FloatArray) -> None:
        """Add one window's (clip_len, columns) values; frames marked invalid are dropped.

        A window whose values of a frame are all zero does not count for it.
        """
        frames = start + np.flatnonzero(valid)
        if not frames.size:
            return
        self._reach(int(frames[-1]) + 1)
        known = values[valid > 0]
        self._sum[frames] += known
        self._count[frames] += known.any(axis=-1)

    def append(
        self, start: int, later: "WindowAverage", shared: Iterable[Window], until: int
    ) -> None:
        """Go on with what windows from a frame on say, averaged elsewhere: as if they were added.

        Args:
            start: the frame that ``later`` counts from.
            later: the average of these windows alone.
            shared: the scores of those of them that see frames before ``until``, in order; sums
                depend on it.
            until: end of the frames that this average knows.
        """
        for window in shared:
            is_known = window.start + np.arange(len(window.valid)) < until
            self.add(window.start, window.items, window.valid * is_known)
        sums, counts = later.sums()
        end = start + len(counts)
        if end > until:
            self._reach(end)
            self._sum[until:end] = sums[until - start :]
            self._count[until:end] = counts[until - start :]

    def _reach(self, end: int) -> None:
        """Make room for the frames before ``end``."""
        self._end = max(self._end, end)
        if self._end > len(self._count):
            grow = max(self._end, 2 * len(self._count)) - len(self._count)
            self._sum = np.pad(self._sum, ((0, grow), (0, 0)))
            self._count = np.pad(self._count, (0, grow))

    def mean(self) -> FloatArray:
        """(frames, columns): the average so far; zeros where no window has been."""
        count: FloatArray = np.maximum(self._count[: self._end], 1).astype(np.float32)
        return np.divide(self._sum[: self._end], count[:, None])


def sigmoid(logits: FloatArray) -> FloatArray:
    """Probabilities of classes that are independent of each other, of any shape."""
    shrunk = np.exp(-np.abs(logits))
    probabilities: FloatArray = np.where(logits >= 0, 1, shrunk) / (1 + shrunk)
    return probabilities


def softmax(logits: FloatArray) -> FloatArray:
    """Softmax over the last axis."""
    powers: FloatArray = np.exp(logits - logits.max(axis=-1, keepdims=True))
    total: FloatArray = powers.sum(axis=-1, keepdims=True)
    return np.divide(powers, total)
