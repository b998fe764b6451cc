"""A model of features ready to run: the feature files of a half in, a timeline out."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Literal, TypeVar

from touchline.datasets.features import MAIN, FeatureFile, Stream
from touchline.datasets.streams import StreamSource, open_half
from touchline.engines import EngineName
from touchline.engines.stages import Stages, open_stages
from touchline.errors import ConfigError
from touchline.events import Timeline, Video
from touchline.runtime.progress import Progress
from touchline.scores import Scores
from touchline.spotting.peaks import Suppression, find_peaks
from touchline.spotting.timelines import (
    DEFAULT_THRESHOLD,
    known_delays,
    producer_of,
    published_set,
    suppression_of,
    without_delays,
)
from touchline.systems import steps_per_row
from touchline.timebase import parse_rate
from touchline.zoo.cards import ModelCard
from touchline.zoo.store import ModelFolder, find

Output = TypeVar("Output")
"""What a network gives for a half."""


class FeatureSpotter:
    """Runs one model over halves of features.

    Args:
        folder: the model, with its card.
        features: name of the main feature files, if they are not called as the model's own.
        suppression: how peaks are kept apart; the card's own rule by default.
        precision: ``"bf16"`` computes in bfloat16 where the network does not say otherwise.
        engine, threads: see ``touchline.engines.stages.open_stages``.

    Attributes:
        network: run stage by stage.
        sources: where its streams come from, by name.

    Raises:
        CheckpointError: weights that are damaged or do not fit.
        ConfigError: the model takes video, or its system does not score halves.
    """

    def __init__(
        self,
        folder: ModelFolder,
        *,
        features: str | None = None,
        suppression: Suppression | None = None,
        precision: Literal["fp32", "bf16"] = "fp32",
        engine: EngineName = "auto",
        threads: int | None = None,
    ) -> None:
        from touchline.spotting.scorers import half_scorer

        self.folder = folder
        self._score = half_scorer(self.card.system)
        self.sources = sources_of(self.card, features)
        self.suppression = suppression or suppression_of(self.card)
        self.network: Stages = open_stages(
            folder, engine=engine, precision=precision, threads=threads
        )

    @property
    def card(self) -> ModelCard:
        """What is known of the model."""
        return self.folder.card

    def __enter__(self) -> "FeatureSpotter":
        return self

    def __exit__(self, *exception: object) -> None:
        """There is nothing to close: files are opened for as long as they are read."""

    def check(self, path: str | Path) -> None:
        """See at once whether a half can be spotted; only headers are read.

        Args:
            path: the half's main feature file.

        Raises:
            InputError: a file of its streams is not there, damaged, or does not fit the model.
        """
        open_half(Path(path), self.sources)

    def score(self, path: str | Path) -> Scores:
        """The curves of a half.

        Args:
            path: the half's main feature file; other streams lie beside it.

        Raises:
            InputError: see ``check``; or numbers that are not finite.
        """
        return self.score_streams(open_half(Path(path), self.sources))

    def score_streams(self, streams: Mapping[str, Stream]) -> Scores:
        """The curves of a half whose streams are open; optional ones may be missing.

        Raises:
            InputError: numbers that are not finite.
        """
        values = self.read(self._score, streams)
        rate = streams[MAIN].rate * steps_per_row(self.network.config)
        return Scores.regular(values, self.card.label_set, rate)

    def read(
        self,
        reader: Callable[[Stages, Mapping[str, Stream]], Output],
        streams: Mapping[str, Stream],
    ) -> Output:
        """Run a function of the network and of a half's open streams.

        Raises:
            InputError: numbers that are not finite.
        """
        for stream in streams.values():
            if isinstance(stream, FeatureFile):
                stream.check_finite()
        return reader(self.network, streams)

    def spot(
        self,
        path: str | Path,
        *,
        threshold: float = DEFAULT_THRESHOLD,
        progress: Progress | None = None,
    ) -> Timeline:
        """Find the events of a half.

        Args:
            path: the half's main feature file; other streams lie beside it.
            threshold: events of lower confidence are left out.
            progress: called with 1 when it is done.

        Raises:
            InputError: see ``score``.
        """
        missing = self._missing(Path(path))
        scores = self.score(path)
        if progress is not None:
            progress(1.0)
        return Timeline(
            Video(Path(path).name, len(scores) / float(scores.rate)),
            without_delays(find_peaks(scores, self.suppression, threshold), self.card),
            labels=published_set(self.card.label_set),
            model=producer_of(self.card),
            warnings=tuple(f"without {name}: there is no {file}" for name, file in missing),
            scores=scores,
            extra=known_delays(self.card),
        )

    def _missing(self, path: Path) -> list[tuple[str, str]]:
        """The streams of a half that are not there: what they are called, and their file."""
        streams = open_half(path, self.sources)
        return [
            (name, f"*_{source.name}.npy")
            for name, source in self.sources.items()
            if name not in streams
        ]


def sources_of(card: ModelCard, features: str | None = None) -> dict[str, StreamSource]:
    """Where the streams that a model reads come from.

    Args:
        features: name of the main feature files, if they are not called as the model's own.

    Raises:
        ConfigError: the model takes video.
    """
    own = card.features
    if own is None:
        raise ConfigError(f"model {card.name} takes video, not features", remedy="give a video")
    main = StreamSource(features or own.name, card.frame_rate, own.width, own.identity)
    others = {
        name: StreamSource(
            stream.name,
            card.frame_rate if stream.rate is None else parse_rate(stream.rate),
            stream.width,
            stream.identity,
            optional=bool(stream.optional),
        )
        for name, stream in card.streams.items()
    }
    return {MAIN: main, **others}


def load_for_features(
    name: str | Path,
    *,
    features: str | None = None,
    suppression: Suppression | None = None,
    precision: Literal["fp32", "bf16"] = "fp32",
) -> FeatureSpotter:
    """Make a model of features ready to run: a name in the zoo, or a run's folder.

    Args:
        features: name of the main feature files, if they are not called as the model's own.
        precision: of the computation.

    Raises:
        InputError: no such model, or one that takes video; CheckpointError: its files do not
            match its card; MissingExtraError: it was not exported, and PyTorch is not installed.
    """
    return FeatureSpotter(
        find(name), features=features, suppression=suppression, precision=precision
    )
