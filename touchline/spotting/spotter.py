"""A model ready to run: a video in, a timeline out, whatever the model reads."""

from pathlib import Path
from typing import Protocol, Self

from touchline.engines import EngineName, Precision, open_engine
from touchline.events import Timeline
from touchline.runtime.progress import Progress
from touchline.spotting.peaks import Suppression
from touchline.spotting.picture_spotter import Spotter
from touchline.spotting.timelines import ScoredVideo
from touchline.zoo.cards import ModelCard
from touchline.zoo.store import find


class VideoSpotter(Protocol):
    """A model ready to run over videos, whatever it takes: a context manager."""

    @property
    def card(self) -> ModelCard:
        """What is known of the model."""
        ...

    def check(self, video: str | Path) -> None:
        """See at once whether a video can be spotted; raises ``MediaError`` if not."""
        ...

    def score(
        self,
        video: str | Path,
        *,
        start_seconds: float = ...,
        end_seconds: float | None = ...,
        progress: Progress | None = None,
    ) -> ScoredVideo:
        """The curves of a video, or of a part of it."""
        ...

    def spot(
        self,
        video: str | Path,
        *,
        threshold: float = ...,
        start_seconds: float = ...,
        end_seconds: float | None = ...,
        progress: Progress | None = None,
    ) -> Timeline:
        """The events of a video, or of a part of it."""
        ...

    def __enter__(self) -> Self: ...

    def __exit__(self, *exception: object) -> None: ...


def load(
    name: str | Path,
    *,
    engine: EngineName = "auto",
    precision: Precision = "auto",
    suppression: Suppression | None = None,
    overlap: float = 0.5,
    threads: int | None = None,
) -> VideoSpotter:
    """Make a model ready to run: a name in the zoo, a run folder, or a checkpoint with its card.

    A model of features is run with the extractors that its card names.

    Args:
        engine: ``auto``, ``openvino`` or ``torch``; for a model of features, of its extractors.
        precision: ``auto``, ``fp32`` or ``bf16``.
        overlap: share of a window that the next one covers again; for a model of pictures.
        threads: processor threads to use at most; all by default.

    Raises:
        InputError: no such model, or one that cannot run on videos; CheckpointError: its files
            are not what its card says; MissingExtraError: the engine is not installed.
    """
    folder = find(name)
    if folder.card.features is not None:
        from touchline.spotting.video_spotter import load_for_videos  # slow to import

        return load_for_videos(
            folder, engine=engine, precision=precision, suppression=suppression, threads=threads
        )
    opened = open_engine(folder, engine=engine, precision=precision, threads=threads)
    return Spotter(folder, opened, suppression=suppression, overlap=overlap)
