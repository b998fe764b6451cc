"""A model of features on a plain video: its extractors first, then its network.

Features are streamed into files that are gone afterwards, so memory does not grow with the video,
and the network reads them as it reads those of ``touchline extract``.
"""

from collections.abc import Callable, Iterable
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from touchline.datasets.features import MAIN, FeatureFile, Stream
from touchline.datasets.streams import MOST_APART_SECONDS, OPENERS, HalfFiles, StreamSource
from touchline.engines import EngineName, FloatPrecision
from touchline.errors import ConfigError, InputError, MediaError
from touchline.events import Producer, Timeline, Video
from touchline.features.extractor import Extractor, Placement, Rows
from touchline.features.extractors import AUDIO_EXTRACTORS
from touchline.features.model_features import WantedFeatures, open_model_extractor
from touchline.features.store import RowFile, files_prefix
from touchline.media.video import VideoInfo, probe
from touchline.pulling.extractors import store_weights
from touchline.runtime.progress import Progress
from touchline.runtime.temporary import temporary_folder
from touchline.scores import Scores
from touchline.spotting.features import FeatureSpotter, sources_of
from touchline.spotting.peaks import Suppression
from touchline.spotting.timelines import (
    DEFAULT_THRESHOLD,
    ScoredVideo,
    producer_of,
    timeline_of,
)
from touchline.timebase import format_seconds
from touchline.zoo.cards import ModelCard
from touchline.zoo.store import ModelFolder


@dataclass(frozen=True)
class StreamExtractor:
    """What makes one stream of a video.

    Attributes:
        name: of the stream.
        source: its description in the model's card.
        extractor: None for a stream that is drawn from files beside the video.
    """

    name: str
    source: StreamSource
    extractor: Extractor | None

    @property
    def hears(self) -> bool:
        """Whether it needs sound."""
        return self.extractor is not None and self.extractor.identity.name in AUDIO_EXTRACTORS


@dataclass
class _Extracted:
    """What has been made of a video so far.

    Attributes:
        rows: growing files by stream; those that could not be made are left out.
        first_seconds: what moment the first row of each shows.
        stopped_at_seconds: where the picture could not be read on.
        remarks: warnings for the timeline.
    """

    rows: dict[str, RowFile] = field(default_factory=dict)
    first_seconds: dict[str, float] = field(default_factory=dict)
    stopped_at_seconds: float | None = None
    remarks: list[str] = field(default_factory=list)


class ExtractingSpotter:
    """Runs one model of features over videos of any length: a ``VideoSpotter``. Needs PyTorch.

    Args:
        network: the model.
        extractors: one for each of its streams; optional ones may be missing.
        remarks: warnings for every timeline, such as which streams are missing.
    """

    def __init__(
        self,
        network: FeatureSpotter,
        extractors: Iterable[StreamExtractor],
        remarks: Iterable[str] = (),
    ) -> None:
        self.network = network
        self.extractors = tuple(extractors)
        self.remarks = tuple(remarks)

    @property
    def folder(self) -> ModelFolder:
        """The model."""
        return self.network.folder

    @property
    def card(self) -> ModelCard:
        """What is known of the model."""
        return self.network.card

    @property
    def producer(self) -> Producer:
        """What its timelines name as what produced them."""
        return producer_of(self.card)

    def __enter__(self) -> "ExtractingSpotter":
        return self

    def __exit__(self, *exception: object) -> None:
        for part in self.extractors:
            if part.extractor is not None:
                part.extractor.close()

    def check(self, video: str | Path) -> None:
        """See at once whether a video can be spotted.

        Raises:
            MediaError: it cannot be read, or the model hears and it has no sound.
            FormatError: files that the model needs beside the video are missing or malformed.
        """
        path = Path(video)
        info = probe(path)
        self._check_sound(info)
        self._draw(path, int(info.duration_seconds * self.network.sources[MAIN].rate))

    def spot(
        self,
        video: str | Path,
        *,
        threshold: float = DEFAULT_THRESHOLD,
        start_seconds: float = 0.0,
        end_seconds: float | None = None,
        progress: Progress | None = None,
    ) -> Timeline:
        """Find the events of a video.

        Args:
            threshold: events of lower confidence are left out.
            start_seconds, end_seconds: see ``score``.
            progress: called with the share of the video done, 0 to 1.

        Returns:
            The timeline with its curves; a damaged video is spotted as far as it goes, and
            ``warnings`` says so, and what of it could not be had.

        Raises:
            InputError: see ``score``.
        """
        scored = self.score(
            video, start_seconds=start_seconds, end_seconds=end_seconds, progress=progress
        )
        return self.timeline(scored, threshold)

    def timeline(self, scored: ScoredVideo, threshold: float = DEFAULT_THRESHOLD) -> Timeline:
        """The events that scored curves show."""
        return timeline_of(scored, self.card, self.network.suppression, threshold)

    def score(
        self,
        video: str | Path,
        *,
        start_seconds: float = 0.0,
        end_seconds: float | None = None,
        progress: Progress | None = None,
    ) -> ScoredVideo:
        """Run the extractors over a whole video, then the network.

        Args:
            start_seconds, end_seconds: a part of the video is refused, as features are aligned
                with the whole half.

        Raises:
            MediaError, FormatError: see ``check``.
            ConfigError: an extractor gives rows of another width than the model takes; a part.
        """
        if start_seconds or end_seconds is not None:
            raise ConfigError(
                f"model {self.card.name} takes features, which are made of whole videos",
                remedy="spot the whole video, or take a model of pictures",
            )
        path = Path(video)
        self.check(path)
        info = probe(path)
        report = progress or (lambda share: None)
        with ExitStack() as stack:
            folder = stack.enter_context(temporary_folder())
            made = _Extracted(remarks=list(self.remarks))
            # The main stream last: files that others miss beside the video are reported early.
            parts = sorted(self.extractors, key=lambda part: part.name == MAIN)
            for number, part in enumerate(parts):

                def share(done: float, number: int = number) -> None:
                    report((number + min(done, 1.0)) / (len(self.extractors) + 1))

                if self._can_be_made(part, info, made):
                    rows = stack.enter_context(RowFile(folder / f"1_{part.name}.npy"))
                    self._extract(part, path, rows, made, share)
            scores = self._score(path, made)
        report(1.0)
        stop = made.stopped_at_seconds
        duration = info.duration_seconds if stop is None else stop
        about = Video(path.name, duration, info.frame_rate)
        return ScoredVideo(about, scores, stop, (*info.remarks, *made.remarks))

    def _check_sound(self, info: VideoInfo) -> None:
        for part in self.extractors:
            if part.hears and not part.source.optional and not info.has_audio:
                raise MediaError(
                    f"has no sound, and model {self.card.name} hears",
                    where=info.path,
                    remedy="give a video with sound, or take a model of pictures alone",
                )

    def _can_be_made(self, part: StreamExtractor, info: VideoInfo, made: _Extracted) -> bool:
        if part.hears and not info.has_audio:
            made.remarks.append(f"without {part.name}: the video has no sound")
            return False
        return part.extractor is not None

    def _extract(
        self,
        part: StreamExtractor,
        video: Path,
        rows: RowFile,
        made: _Extracted,
        report: Progress,
    ) -> None:
        assert part.extractor is not None
        try:
            extracted = part.extractor.extract(video, self._checked(part, rows.append), report)
        except MediaError as error:
            if not (part.hears and part.source.optional):
                raise
            made.remarks.append(f"without {part.name}: {error.what}")
            return
        made.rows[part.name] = rows
        made.first_seconds[part.name] = extracted.first_seconds
        stops = (made.stopped_at_seconds, extracted.stopped_at_seconds)
        made.stopped_at_seconds = min((stop for stop in stops if stop is not None), default=None)

    def _checked(
        self, part: StreamExtractor, append: Callable[[Rows], None]
    ) -> Callable[[Rows], None]:
        def write(rows: Rows) -> None:
            if part.source.width not in (None, rows.shape[1]):
                raise ConfigError(
                    f"model {self.card.name} takes {part.source.width} numbers a row, its "
                    f"extractor gives {rows.shape[1]}",
                    remedy="extract with the right one and run touchline predict",
                )
            append(rows)

        return write

    def _score(self, video: Path, made: _Extracted) -> Scores:
        steps = self._settle_lengths(made)
        if not steps:
            made.remarks.append("too short for a single row of features: nothing can be found")
            labels = self.card.label_set
            nothing = np.zeros((0, len(labels)), np.float32)
            return Scores(nothing, np.zeros(0), labels, self.card.frame_rate)
        streams = self._draw(video, steps)
        for part in self.extractors:
            if part.name in made.rows:
                streams[part.name] = self._open(part, made)
        return self.network.score_streams(streams)

    def _draw(self, video: Path, steps: int) -> dict[str, Stream]:
        """The streams that are drawn from files beside the video."""
        files = HalfFiles(video.parent, files_prefix(video), steps)
        return {
            part.name: OPENERS[part.name](files, part.source)
            for part in self.extractors
            if part.extractor is None
        }

    @staticmethod
    def _open(part: StreamExtractor, made: _Extracted) -> FeatureFile:
        rows = made.rows[part.name]
        return FeatureFile(rows.part, part.source.rate, made.first_seconds[part.name])

    def _settle_lengths(self, made: _Extracted) -> int:
        """Finish the files; where a stream that is needed ends early, all end there.

        Returns:
            rows of the main stream; 0 where a stream that is needed has none.
        """
        main = made.rows[MAIN]
        rate = self.network.sources[MAIN].rate
        steps = main.count
        for part in self.extractors:
            rows = made.rows.get(part.name)
            if rows is None:
                continue
            if not rows.count:
                made.rows.pop(part.name)
                if not part.source.optional:
                    return 0
                made.remarks.append(f"without {part.name}: it is too short")
                continue
            seconds = float(rows.count / part.source.rate)
            if seconds + MOST_APART_SECONDS < float(main.count / rate):
                end = format_seconds(seconds)
                if part.source.optional:
                    made.remarks.append(f"without {part.name} from {end} on: it ends there")
                else:
                    made.remarks.append(f"{part.name} ends at {end}: events are known up to there")
                    steps = min(steps, max(1, int(seconds * rate)))
        for name, rows in made.rows.items():
            rows.finish(steps if name == MAIN else None)
        return steps


def load_for_videos(
    folder: ModelFolder,
    *,
    engine: EngineName = "auto",
    precision: FloatPrecision = "auto",
    suppression: Suppression | None = None,
    threads: int | None = None,
) -> ExtractingSpotter:
    """Make a model of features, and the extractors that its card names, ready to run on videos.

    Args:
        engine: of the extractors and of the model's own network.
        precision: ``auto`` is that of the extractors; the model's own network is in float32
            unless ``bf16`` is asked for.
        threads: processor threads at most; all by default.

    Raises:
        ConfigError: nothing says what makes its features, or a system that does not spot;
        CheckpointError: weights that are not here (says what to import), or damaged;
        MissingExtraError: it was not exported, and PyTorch is not installed.
    """
    card = folder.card
    network = FeatureSpotter(
        folder,
        suppression=suppression,
        precision="bf16" if precision == "bf16" else "fp32",
        engine=engine,
        threads=threads,
    )
    placement = Placement(engine, precision, threads)
    parts, remarks = [], []
    for name, source in sources_of(card).items():
        try:
            parts.append(_stream_extractor(card, name, source, placement))
        except InputError as error:
            if not source.optional:
                raise
            remarks.append(f"without {name}: {error}")
    return ExtractingSpotter(network, parts, remarks)


def _stream_extractor(
    card: ModelCard, name: str, source: StreamSource, placement: Placement
) -> StreamExtractor:
    if name in OPENERS:
        return StreamExtractor(name, source, None)
    wanted = WantedFeatures(card.name, source.name, source.rate, source.width, source.identity)
    if source.identity is not None:
        store_weights(source.identity.name)
    return StreamExtractor(name, source, open_model_extractor(wanted, placement))
