"""COMEDIAN over a video: tokens of two frames, in windows half over each other, one score a token.

Every token passes the encoder of pictures once, whatever windows it is part of. A token near the
border of a window is scored by the neighbouring window instead, and the highest score counts.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from itertools import islice
from typing import Any

import numpy as np

from touchline.scores import FloatArray
from touchline.spotting.passages import Curve, Pixels, SharedFrames, sigmoid, until

TUBELET_FRAMES = 2

BORDER = 3 / 16
"""Share of a window at either end that its neighbour scores better: 12 of 64 seconds."""

_TOKENS_AT_ONCE = 16


class TubeletPassage:
    """See ``Passage``. Holds a vector for each token of the video in memory.

    Args:
        config: of ``touchline.models.comedian``.
    """

    def __init__(self, config: Mapping[str, Any]) -> None:
        self.tokens = int(config.get("clip_len", 64))
        self.keep_tail = bool(config.get("keep_tail", True))

    def curve(
        self, frames: Iterable[Pixels], network: SharedFrames, show: Callable[[], None]
    ) -> Curve:
        """See ``Passage``: a step is a token."""
        count = 0

        def counted() -> Iterator[Pixels]:
            nonlocal count
            for frame in frames:
                count += 1
                yield frame

        fewest = TUBELET_FRAMES * self.tokens
        vectors = list(self._vectors(until(counted(), fewest), network, show))
        if not vectors:
            return Curve(np.zeros((0, 0), np.float32))
        windows = [
            (start, self._probabilities(np.stack(vectors[start : start + self.tokens]), network))
            for start in self.starts(max(count, fewest))
        ]
        steps = max(1, count // TUBELET_FRAMES)
        return Curve(self.merged(windows, max(count, fewest))[:steps], _remarks(count, fewest))

    def starts(self, frames: int) -> list[int]:
        """First token of every window over so many frames."""
        step = self.tokens // 2 or 1
        length = frames / TUBELET_FRAMES
        starts = [step * i for i in range(int((length - step) // step))]
        if (length - step) % step:
            starts.append(int(length) - self.tokens)
        return sorted(set(starts))

    def merged(self, windows: Iterable[tuple[int, FloatArray]], frames: int) -> FloatArray:
        """(tokens, K): the highest of what windows say of a token, without their borders.

        As published, the end of the last window is a border too, so that a video's last seconds
        have no score; ``keep_tail`` keeps it.

        Args:
            windows: first token, and (clip_len, K) probabilities.
            frames: of the video.
        """
        border, total = int(BORDER * self.tokens), frames // TUBELET_FRAMES
        merged: FloatArray | None = None
        for start, values in windows:
            if merged is None:
                merged = np.zeros((total, values.shape[1]), np.float32)
            at = start + np.arange(len(values))
            is_last = self.keep_tail and start + self.tokens >= total
            inside = (at - start >= border) | (at < border)
            inside &= (at - start < len(values) - border) | is_last
            merged[at[inside]] = np.maximum(merged[at[inside]], values[inside])
        assert merged is not None
        return merged

    def _vectors(
        self, frames: Iterator[Pixels], network: SharedFrames, show: Callable[[], None]
    ) -> Iterator[FloatArray]:
        """(D,) for every two frames; one that is left over at the end is not used."""
        pairs = iter(lambda: list(islice(frames, TUBELET_FRAMES)), [])
        tubelets = (np.concatenate(pair, axis=-1) for pair in pairs if len(pair) == TUBELET_FRAMES)
        while group := list(islice(tubelets, _TOKENS_AT_ONCE)):
            yield from network.features(np.stack(group))
            show()

    def _probabilities(self, vectors: FloatArray, network: SharedFrames) -> FloatArray:
        return sigmoid(network.head(vectors[None], np.ones((1, len(vectors)), np.float32))[0])


def _remarks(count: int, fewest: int) -> tuple[str, ...]:
    if count >= fewest:
        return ()
    return (f"shorter than the {fewest} frames that the network sees: its last one stands still",)
