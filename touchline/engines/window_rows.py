"""Which rows of a network windows take over from windows before them, and where these lie.

See ``touchline.models.parts.splicing``: what a row is, and which of them a window computes.
"""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from touchline.engines import Floats

RANGES = 3
"""Of rows that are kept of a window, see ``touchline.models.parts.splicing``."""

NOTHING_KEPT = np.zeros((RANGES, 2), np.int64)

Indices = npt.NDArray[np.int64]


class WindowRows:
    """Rows that windows of one length and overlap, one after the other, take over.

    The first window has nothing to take over. So a few windows come before it, of whose frames
    those before its own do not matter.

    Args:
        clip_len: frames of a window.
        overlap: frames that it shares with the one before; at least ``4 * reach``.
        reach: how far away frames are that a block's output depends on.
        splices: places where rows go in; the last one closes the gap.

    Attributes:
        frames: (N,) those of a window that pass the first block.
        start: first frame of the next window, counted from the first frame of the first one.
        keep: for each splice, (3, 2), where ranges of rows of its input to keep begin and end.
    """

    def __init__(self, clip_len: int, overlap: int, reach: int, splices: int) -> None:
        self._overlap, self._width = overlap, 2 * reach
        self._step = clip_len - overlap
        self.start = -self._step * -(-overlap // self._step)
        self.frames = np.concatenate((self._both_sides(0), np.arange(overlap, clip_len)))
        self._before = [place * reach for place in range(1, splices + 1)]
        self._taken = [self._both_sides(before) for before in self._before[:-1]]
        self._taken += [np.arange(before, overlap - before) for before in self._before[-1:]]
        self._kept = [
            self._kept_of(taken, before, clip_len)
            for taken, before in zip(self._taken, self._before, strict=True)
        ]
        # The second part begins with frame overlap - before, behind the first and rows of no use.
        self.keep = [
            _ranges(frames - (overlap - before) + before + self._width)
            for frames, before in zip(self._kept, self._before, strict=True)
        ]
        self._rows: list[dict[int, Floats]] = [{} for _ in range(splices)]

    def cached(self, shapes: Sequence[tuple[int, ...]]) -> list[Floats]:
        """For each splice, the rows that the next window takes over, each of the shape given."""
        made = []
        for known, taken, shape in zip(self._rows, self._taken, shapes, strict=True):
            rows = np.zeros((len(taken), *shape), np.float32)
            for row, frame in zip(rows, (self.start + taken).tolist(), strict=True):
                if frame in known:
                    row[...] = known[frame]
            made.append(rows)
        return made

    def put(self, kept: Sequence[Floats]) -> None:
        """What was kept of a window, in the order of ``keep``. The next window follows."""
        places = zip(self._rows, self._before, self._kept, kept, strict=True)
        for known, before, frames, rows in places:
            known |= dict(zip((self.start + frames).tolist(), rows, strict=True))
            for frame in [frame for frame in known if frame < self.start + self._step + before]:
                del known[frame]
        self.start += self._step

    def _kept_of(self, taken: Indices, before: int, clip_len: int) -> Indices:
        """Frames that a window is the first to know, and that windows behind it take over."""
        new = np.arange(self._overlap - before, clip_len - before)
        later = [taken + shift for shift in range(self._step, clip_len, self._step)]
        return new[np.isin(new, np.concatenate(later))]

    def _both_sides(self, before: int) -> Indices:
        width = np.arange(self._width)
        return np.concatenate((before + width, self._overlap - before - self._width + width))


def _ranges(rows: Indices) -> Indices:
    """Where ranges of consecutive rows begin and end, behind them empty ones."""
    ranges = NOTHING_KEPT.copy()
    parts = np.split(rows, np.flatnonzero(np.diff(rows) > 1) + 1)
    for place, part in zip(ranges[: len(parts)], parts, strict=True):
        place[:] = part[0], part[-1] + 1
    return ranges
