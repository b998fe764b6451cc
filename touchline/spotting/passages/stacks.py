"""Multi-frame stacking over a video: every frame is the middle of a clip (the 2023 ball winner).

A stack of three frames passes the picture network once, whatever clips it is part of. As published,
the frames at both ends that lack neighbours get no score; the nearest score stands for them here.
"""

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping
from itertools import islice
from typing import Any

import numpy as np

from touchline.scores import FloatArray
from touchline.spotting.passages import Curve, Pixels, SharedFrames, sigmoid, until

STACK_FRAMES = 3
SIDE_UNIT = 32
"""Both sides of a picture are padded to a multiple of this."""

SMOOTHING_FRAMES = 3.0
"""Deviation of the Gaussian that the curves are smoothed with."""

SMOOTHING_REACH = 4
"""Deviations after which the Gaussian ends."""

_STACKS_AT_ONCE = 16
_CLIPS_AT_ONCE = 4

Margins = tuple[int, int, int, int]


class StackPassage:
    """See ``Passage``. Holds the maps of about one clip in memory.

    Args:
        config: of ``touchline.models.frame_stacking``.
    """

    def __init__(self, config: Mapping[str, Any]) -> None:
        self.stacks = int(config["clip_len"])
        self.frame_step = int(config.get("frame_step", 2))
        self.flip_average = bool(config.get("flip_average", True))

    @property
    def reach(self) -> int:
        """Frames of the video on either side of a clip's middle."""
        return self.frame_step * (STACK_FRAMES * self.stacks // 2)

    def curve(
        self, frames: Iterable[Pixels], network: SharedFrames, show: Callable[[], None]
    ) -> Curve:
        """See ``Passage``."""
        counter = _Counter(frames)
        fewest = 2 * self.reach + 3
        clips = list(self.probabilities(until(counter, fewest), network, show))
        if not clips:
            return Curve(np.zeros((0, 0), np.float32))
        scored = smooth(np.stack(clips))
        before = self.reach + 1
        after = max(0, counter.count - before - len(scored))
        values = np.pad(scored, ((before, after), (0, 0)), mode="edge")[: counter.count]
        return Curve(values, _remarks(counter.count, fewest))

    def probabilities(
        self,
        frames: Iterable[Pixels],
        network: SharedFrames,
        show: Callable[[], None] = lambda: None,
    ) -> Iterator[FloatArray]:
        """(K,) for the frames from ``reach + 1`` to ``n - reach - 2``, as published."""
        scored = self._clips(frames, network, show)
        next(scored, None)
        waiting = next(scored, None)
        for probability in scored:
            assert waiting is not None
            yield waiting
            waiting = probability

    def _clips(
        self, frames: Iterable[Pixels], network: SharedFrames, show: Callable[[], None]
    ) -> Iterator[FloatArray]:
        """(K,) for every frame that has ``reach`` others on either side."""
        spans = deque[list[FloatArray]](maxlen=2 * self.reach - 2 * self.frame_step + 1)
        stacks = self._stacks(frames)
        while group := list(islice(stacks, _STACKS_AT_ONCE)):
            clips = []
            for views in zip(*self._maps(np.stack(group), network), strict=True):
                spans.append(list(views))
                if len(spans) == spans.maxlen:
                    clips.append([*islice(spans, 0, None, STACK_FRAMES * self.frame_step)])
            for start in range(0, len(clips), _CLIPS_AT_ONCE):
                yield from self._probabilities(clips[start : start + _CLIPS_AT_ONCE], network)
            show()

    def _stacks(self, frames: Iterable[Pixels]) -> Iterator[Pixels]:
        """(H, W, 3): every frame with those one and two steps later, padded."""
        span = deque[Pixels](maxlen=2 * self.frame_step + 1)
        for frame in frames:
            span.append(pad_picture(frame))
            if len(span) == span.maxlen:
                yield np.concatenate([*islice(span, 0, None, self.frame_step)], axis=-1)

    def _maps(self, stacks: Pixels, network: SharedFrames) -> list[FloatArray]:
        """(N, ...) of the stacks, and of the mirrored ones where both are averaged."""
        maps = [network.features(stacks)]
        if self.flip_average:
            maps.append(network.features(np.ascontiguousarray(stacks[:, :, ::-1])))
        return maps

    def _probabilities(
        self, clips: list[list[list[FloatArray]]], network: SharedFrames
    ) -> FloatArray:
        """(clips, K): the mean over the views of each clip, a list of stacks of views."""
        valid = np.ones((len(clips), self.stacks), np.float32)
        views = [
            sigmoid(network.head(np.stack([np.stack([s[view] for s in c]) for c in clips]), valid))
            for view in range(len(clips[0][0]))
        ]
        mean: FloatArray = np.mean(views, axis=0)[:, 0]
        return mean


class _Counter:
    """Counts the frames that pass."""

    def __init__(self, frames: Iterable[Pixels]) -> None:
        self.count = 0
        self._frames = frames

    def __iter__(self) -> Iterator[Pixels]:
        for frame in self._frames:
            self.count += 1
            yield frame


def _remarks(count: int, fewest: int) -> tuple[str, ...]:
    if count >= fewest:
        return ()
    return (f"shorter than the {fewest} frames that the network needs: its last one stands still",)


def margins(height: int, width: int) -> Margins:
    """Zeros to add left, right, above and below; an odd one goes right or below."""
    across, down = -width % SIDE_UNIT, -height % SIDE_UNIT
    return across // 2, across - across // 2, down // 2, down - down // 2


def pad_picture(frame: Pixels) -> Pixels:
    """(H, W, C) with black margins."""
    left, right, top, bottom = margins(*frame.shape[:2])
    return np.pad(frame, ((top, bottom), (left, right), (0, 0)))


def smooth(curves: FloatArray) -> FloatArray:
    """(steps, K) filtered by a Gaussian, reflected at both ends, as SciPy's does by default."""
    reach = int(SMOOTHING_REACH * SMOOTHING_FRAMES + 0.5)
    weights = np.exp(-0.5 * (np.arange(-reach, reach + 1) / SMOOTHING_FRAMES) ** 2)
    weights /= weights.sum()
    longer = np.pad(curves.astype(np.float64), ((reach, reach), (0, 0)), mode="symmetric")
    columns = [np.convolve(column, weights, mode="valid") for column in longer.T]
    return np.stack(columns, axis=1).astype(np.float32)
