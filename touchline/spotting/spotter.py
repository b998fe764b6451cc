"""A model ready to run: a video in, a timeline out, whatever the model reads."""

from functools import partial
from pathlib import Path
from typing import Protocol, Self

from touchline.engines import EngineName, Precision, chosen_engine, open_engine
from touchline.errors import ConfigError
from touchline.events import Producer, Timeline
from touchline.runtime.processes import available_cores
from touchline.runtime.progress import Progress
from touchline.spotting.passages import passage_of
from touchline.spotting.peaks import Suppression
from touchline.spotting.picture_spotter import Spotter
from touchline.spotting.timelines import ScoredVideo, producer_of
from touchline.zoo.real_matches import AUTO, find_model
from touchline.zoo.store import ModelFolder

_PRECISIONS: tuple[Precision, ...] = ("fp32", "bf16", "int8")


class VideoSpotter(Protocol):
    """Ready to run over videos, whatever it takes: a context manager."""

    @property
    def producer(self) -> Producer:
        """What its timelines name as what produced them."""
        ...

    def check(self, video: str | Path) -> None:
        """See at once whether a video can be spotted; raises ``MediaError`` if not."""
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


class NetworkSpotter(VideoSpotter, Protocol):
    """One network, whose curves can be had."""

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

    def timeline(self, scored: ScoredVideo, threshold: float = ...) -> Timeline:
        """The events that its curves show."""
        ...


def load(
    name: str | Path = AUTO,
    *,
    engine: EngineName = "auto",
    precision: Precision = "auto",
    suppression: Suppression | None = None,
    overlap: float | None = None,
    threads: int | None = None,
    processes: int = 1,
    as_published: bool = False,
) -> VideoSpotter:
    """Make a model ready to run: a name in the zoo, a run folder, or a checkpoint with its card.

    Args:
        name: ``auto`` reads what the broadcast says, with the best network for real matches that
            is here. A model of features is run with the extractors that its card names.
        engine: ``auto``, ``openvino`` or ``torch``; for a model of features, of its extractors.
        precision: ``auto``, ``fp32``, ``bf16`` or, for a model of pictures that has the variant,
            ``int8``.
        overlap: share of a window that the next one covers again, for a model of pictures; as its
            card says by default.
        threads: processor threads to use at most; all by default.
        processes: 2 lets a second process take the second part of a video of five minutes or more,
            and its part of the threads, where OpenVINO runs a network of pictures by windows; what
            is found is the same to the bit. As with ``multiprocessing``, the program's main module
            must be importable: guard what it does with ``if __name__ == "__main__"``.
        as_published: score videos as the published program does, even where that finds less:
            COMEDIAN's says nothing of the last twelve seconds.

    Raises:
        InputError: no such model, or one that cannot run on videos; CheckpointError: its files
            are not what its card says; ConfigError: no process, no thread, or an option that the
            model lacks; MissingExtraError: the engine is not installed.
    """
    if processes < 1:
        raise ConfigError(f"{processes} processes", remedy="give 1 or 2")
    open_network = partial(
        _open,
        engine=engine,
        precision=precision,
        suppression=suppression,
        overlap=overlap,
        threads=threads,
        processes=processes,
        as_published=as_published,
    )
    if name == AUTO:
        from touchline.spotting.auto_spotter import load_auto  # knows the protocols above

        asked = {"--engine": engine, "--precision": precision}
        wishes = [f"{option} {value}" for option, value in asked.items() if value != AUTO]
        return load_auto(open_network, threads, wishes)
    return open_network(find_model(name))


def producer_named(name: str | Path) -> Producer:
    """What the timelines of a model will name as what produced them, without loading it.

    Raises:
        CheckpointError: there is no such model.
    """
    if name == AUTO:
        from touchline.spotting.auto_spotter import planned_producer

        return planned_producer()
    return producer_of(find_model(name).card)


def _open(
    folder: ModelFolder,
    *,
    engine: EngineName,
    precision: Precision,
    suppression: Suppression | None,
    overlap: float | None,
    threads: int | None,
    processes: int,
    as_published: bool,
) -> NetworkSpotter:
    if folder.card.features is not None:
        from touchline.spotting.video_spotter import load_for_videos  # slow to import

        if precision == "int8":
            raise ConfigError(
                f"model {folder.card.name} takes features, which have no int8 variant",
                remedy="use auto, fp32 or bf16",
            )
        return load_for_videos(
            folder, engine=engine, precision=precision, suppression=suppression, threads=threads
        )
    open_again = None
    if processes > 1 and _is_divisible(folder, engine):
        threads = max(1, (threads or available_cores()) // 2)
        open_again = partial(_open_again, folder, overlap, threads)
    opened = open_engine(folder, engine=engine, precision=precision, threads=threads)
    return Spotter(
        folder,
        opened,
        suppression=suppression,
        overlap=overlap,
        as_published=as_published,
        open_again=open_again,
    )


def _is_divisible(folder: ModelFolder, engine: EngineName) -> bool:
    """Whether two processes may share a video: PyTorch has a GPU, or its own way with threads."""
    has_windows = passage_of(folder.card.system, folder.card.config) is None
    return has_windows and chosen_engine(folder, engine) == "openvino"


def _open_again(folder: ModelFolder, overlap: float | None, threads: int, engine: str) -> Spotter:
    """A network for the second process, as the engine of this name runs it in the first."""
    precision = next(one for one in _PRECISIONS if engine.endswith(one))
    opened = open_engine(folder, engine="openvino", precision=precision, threads=threads)
    return Spotter(folder, opened, overlap=overlap)
