"""Features of pictures: a network applied to single frames of a video."""

from collections.abc import Callable, Iterator
from fractions import Fraction
from functools import cached_property
from itertools import islice
from pathlib import Path

import numpy as np
import numpy.typing as npt

from touchline.engines import Engine, open_engine
from touchline.errors import ConfigError
from touchline.features.extractor import (
    DEFAULT_PLACEMENT,
    Extraction,
    Placement,
    Rows,
    Write,
)
from touchline.media.video import FrameStream, read_frames
from touchline.runtime.prefetch import prefetched
from touchline.runtime.progress import Progress
from touchline.timebase import format_rate
from touchline.zoo.identity import FeatureIdentity
from touchline.zoo.store import WEIGHTS_FILE, ModelFolder

Pixels = npt.NDArray[np.uint8]

PICTURES_PER_BATCH = 16
_BATCHES_AHEAD = 3


def describe_frames(
    stream: FrameStream,
    prepare: Callable[[Pixels], Pixels],
    describe: Callable[[Pixels], Rows],
    write: Write,
    progress: Progress,
) -> Extraction:
    """Run a network over the frames of a stream; decoding and network run in parallel.

    Args:
        prepare: turns a frame (H, W, 3) into the network's input picture; runs in the decoding
            thread.
        describe: turns (n, h, w, 3) pictures into (n, dims) rows, n at most
            ``PICTURES_PER_BATCH``.
    """
    first_seconds = 0.0
    rows = 0

    def batches() -> Iterator[tuple[float, Pixels]]:
        while group := list(islice(stream, PICTURES_PER_BATCH)):
            pictures = np.stack([prepare(frame.pixels) for frame in group])
            yield group[0].seconds, pictures

    with stream, prefetched(batches(), _BATCHES_AHEAD) as ahead:
        for seconds, pictures in ahead:
            if not rows:
                first_seconds = seconds
            write(describe(pictures))
            rows += len(pictures)
            progress(min(seconds / (stream.info.duration_seconds or 1), 1.0))
    progress(1.0)
    return Extraction(first_seconds, stream.end_seconds if stream.truncated else None)


class ModelPictures:
    """The picture network of a spotting model, such as the shipped one: an ``Extractor``.

    Args:
        folder: a model whose picture network processes single frames.
        rate: rows a second; the model's own by default.

    Raises:
        ConfigError: a model with a temporal shift, or one that does not read pictures.
    """

    def __init__(
        self,
        folder: ModelFolder,
        rate: Fraction | None = None,
        placement: Placement = DEFAULT_PLACEMENT,
    ) -> None:
        card = folder.card
        if "_" in str(card.config.get("feature_arch", "_")):
            raise ConfigError(
                f"model {card.name} has no network of single frames",
                remedy="use an e2e-spot model with a plain backbone, such as demo",
            )
        self._rate = card.frame_rate if rate is None else rate
        self._size = card.picture_size
        self._folder = folder
        self._placement = placement
        self.suffix = card.name
        self.identity = FeatureIdentity(
            name=card.name,
            weights=card.files.get(WEIGHTS_FILE) or next(iter(card.files.values()), None),
            rate=format_rate(self._rate),
            settings={"size": f"{self._size[0]}x{self._size[1]}"},
        )

    @cached_property
    def _engine(self) -> Engine:
        return open_engine(
            self._folder,
            engine=self._placement.engine,
            precision=self._placement.precision,
            threads=self._placement.threads,
            int8=False,  # others train on these rows
        )

    @property
    def engine(self) -> str:
        """See ``Extractor``."""
        return self._engine.name

    def describe(self, pictures: Pixels) -> Rows:
        """(n, height, width, 3) pictures of the model's size -> (n, dims)."""
        return self._engine.features(pictures)

    def extract(self, source: Path, write: Write, progress: Progress) -> Extraction:
        """See ``Extractor``."""
        stream = read_frames(source, rate=self._rate, size=self._size)
        return describe_frames(stream, unchanged, self.describe, write, progress)

    def close(self) -> None:
        """See ``Extractor``."""
        if "_engine" in self.__dict__:
            self._engine.close()


def unchanged(pixels: Pixels) -> Pixels:
    """The frame itself: no preparation."""
    return pixels
