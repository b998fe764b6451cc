"""A model ready to run: a video in, a timeline out, at constant memory."""

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Protocol, Self

import numpy as np
import numpy.typing as npt

from touchline.engines import Engine, EngineName, Precision, open_engine
from touchline.events import Producer, Timeline, Video
from touchline.labels import LABEL_SETS, LabelSet
from touchline.media.video import FrameStream, probe, read_frames
from touchline.runtime.prefetch import prefetched
from touchline.scores import FloatArray, Scores
from touchline.spotting.peaks import MIN_CONFIDENCE, Suppression, find_peaks
from touchline.spotting.windows import Window, WindowAverage, cut_windows, softmax
from touchline.timebase import format_seconds
from touchline.zoo.cards import ModelCard
from touchline.zoo.store import ModelFolder, find

Pixels = npt.NDArray[np.uint8]
Progress = Callable[[float], None]

DEFAULT_THRESHOLD = 0.05
"""Events below this confidence are left out of timelines: low enough not to change a score."""

_FRAMES_AHEAD = 64
_WINDOWS_IN_FLIGHT = 3
_PICTURES_PER_BATCH = 16


@dataclass(frozen=True)
class ScoredVideo:
    """The curves of one video, and how far it could be read.

    Attributes:
        stopped_at_seconds: where reading ended early because the file is damaged; else None.
        remarks: what else whoever reads the events should know.
    """

    video: Video
    scores: Scores
    stopped_at_seconds: float | None
    remarks: tuple[str, ...] = ()


class VideoSpotter(Protocol):
    """A model ready to run over videos, whatever it takes: a context manager."""

    @property
    def card(self) -> ModelCard:
        """What is known of the model."""
        ...

    def check(self, video: str | Path) -> None:
        """See at once whether a video can be spotted; raises ``MediaError`` if not."""
        ...

    def score(self, video: str | Path, *, progress: Progress | None = None) -> ScoredVideo:
        """The curves of a whole video."""
        ...

    def spot(
        self, video: str | Path, *, threshold: float = ..., progress: Progress | None = None
    ) -> Timeline:
        """The events of a video."""
        ...

    def __enter__(self) -> Self: ...

    def __exit__(self, *exception: object) -> None: ...


class Spotter:
    """Runs one model over videos of any length.

    Args:
        folder: the model, with its card.
        engine: where its network runs.
        suppression: how peaks are kept apart; the card's own rule by default.
        overlap: share of a window that the next one covers again; the published half by default.
    """

    def __init__(
        self,
        folder: ModelFolder,
        engine: Engine,
        *,
        suppression: Suppression | None = None,
        overlap: float = 0.5,
    ) -> None:
        self.folder = folder
        self.engine = engine
        self.suppression = suppression or suppression_of(self.card)
        self.overlap_frames = int(engine.clip_len * overlap)

    @property
    def card(self) -> ModelCard:
        """What is known of the model."""
        return self.folder.card

    def __enter__(self) -> "Spotter":
        return self

    def __exit__(self, *exception: object) -> None:
        self.engine.close()

    def check(self, video: str | Path) -> None:
        """See at once whether a video can be spotted.

        Raises:
            MediaError: the file is not a video that can be read.
        """
        probe(Path(video))

    def spot(
        self,
        video: str | Path,
        *,
        threshold: float = DEFAULT_THRESHOLD,
        progress: Progress | None = None,
    ) -> Timeline:
        """Find the events of a video.

        Args:
            threshold: events of lower confidence are left out.
            progress: called with the share of the video done, 0 to 1.

        Returns:
            The timeline with its curves; a damaged video is spotted as far as it goes, and
            ``warnings`` says so.

        Raises:
            MediaError: the file is not a video that can be read.
        """
        scored = self.score(video, progress=progress)
        return self.timeline(scored, threshold)

    def timeline(self, scored: ScoredVideo, threshold: float = DEFAULT_THRESHOLD) -> Timeline:
        """The events that scored curves show."""
        return timeline_of(scored, self.card, self.suppression, threshold)

    def score(self, video: str | Path, *, progress: Progress | None = None) -> ScoredVideo:
        """Run the network over a whole video: decoding and network overlap, memory stays flat.

        Raises:
            MediaError: the file is not a video that can be read.
        """
        size = self.card.picture_size
        times: list[float] = []
        rate, labels = self.card.frame_rate, self.card.label_set
        with (
            read_frames(video, rate=rate, size=size) as stream,
            prefetched(stream, _FRAMES_AHEAD) as frames,
        ):

            def pixels() -> Iterator[Pixels]:
                for step, frame in enumerate(frames):
                    # A picture that stays on show for several steps has its own time at the first.
                    is_new = not times or frame.seconds > times[-1]
                    times.append(frame.seconds if is_new else float(step / rate))
                    yield frame.pixels

            average = WindowAverage(self.engine.num_outputs)
            for window, logits in self.windows_of(pixels()):
                average.add(window.start, softmax(logits), window.valid)
                if progress is not None:
                    progress(_share_done(times, stream))
        values = average.mean()[:, 1:]  # column 0 is background
        if progress is not None:
            progress(1.0)
        info = stream.info
        return ScoredVideo(
            Video(Path(video).name, _duration(stream), info.frame_rate),
            Scores(values, np.array(times), labels, rate),
            stream.end_seconds if stream.truncated else None,
        )

    def windows_of(self, pixels: Iterator[Pixels]) -> Iterator[tuple[Window, FloatArray]]:
        """Every window of a stream of (H, W, 3) frames, with its (clip_len, outputs) logits."""
        clip_len, overlap = self.engine.clip_len, self.overlap_frames
        if self.engine.shares_frames:
            features = self._features(pixels)
            windows = cut_windows(features, clip_len, overlap)
            for window in windows:
                yield window, self.engine.head(window.items[None], window.valid[None])[0]
        else:
            windows = cut_windows(pixels, clip_len, overlap)
            for window, logits in _in_flight(windows, self._submit, _WINDOWS_IN_FLIGHT):
                yield window, logits[0]

    def _submit(self, window: Window) -> "Future[FloatArray]":
        return self.engine.submit(window.items[None], window.valid[None])

    def _features(self, pixels: Iterator[Pixels]) -> Iterator[FloatArray]:
        """(D,) per frame: each frame passes the picture network once."""
        while group := list(islice(pixels, _PICTURES_PER_BATCH)):
            yield from self.engine.features(np.stack(group))


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
        from touchline.spotting.video_spotter import load_for_videos

        return load_for_videos(
            folder, engine=engine, precision=precision, suppression=suppression, threads=threads
        )
    opened = open_engine(folder, engine=engine, precision=precision, threads=threads)
    return Spotter(folder, opened, suppression=suppression, overlap=overlap)


def timeline_of(
    scored: ScoredVideo, card: ModelCard, suppression: Suppression, threshold: float
) -> Timeline:
    """The events that scored curves show, above a confidence."""
    warnings = scored.remarks
    if scored.stopped_at_seconds is not None:
        stop = format_seconds(scored.stopped_at_seconds)
        cut = f"the file is damaged or cut off: events are known up to {stop} only"
        warnings = (cut, *warnings)
    return Timeline(
        scored.video,
        find_peaks(scored.scores, suppression, threshold),
        labels=published_set(card.label_set),
        model=producer_of(card),
        warnings=warnings,
        scores=scored.scores,
    )


def suppression_of(card: ModelCard) -> Suppression:
    """The card's rule for peaks, or the usual one."""
    rule = card.suppression
    if rule is None:
        return Suppression()
    return Suppression(rule.kind, rule.window_seconds, rule.floor or MIN_CONFIDENCE)


def published_set(labels: LabelSet) -> LabelSet:
    """The published set of the same classes: networks may order them differently."""
    return next((known for known in LABEL_SETS.values() if set(known) == set(labels)), labels)


def producer_of(card: ModelCard) -> Producer:
    """Such as ``e2e-spot-rny002-gsm-gru`` with the weights ``demo``."""
    parts = (card.system, card.config.get("feature_arch"), card.config.get("temporal_arch"))
    architecture = "-".join(str(part).replace("_", "-") for part in parts if part)
    return Producer(architecture, card.name, next(iter(card.files.values()), None))


def _in_flight(
    windows: Iterable[Window], submit: Callable[[Window], "Future[FloatArray]"], depth: int
) -> Iterator[tuple[Window, FloatArray]]:
    """Each window with its result, in order, ``depth`` of them under way at a time."""
    waiting: deque[tuple[Window, Future[FloatArray]]] = deque()
    for window in windows:
        waiting.append((window, submit(window)))
        if len(waiting) >= depth:
            first, future = waiting.popleft()
            yield first, future.result()
    for window, future in waiting:
        yield window, future.result()


def _share_done(times: list[float], stream: FrameStream) -> float:
    duration = stream.info.duration_seconds
    return min(times[-1] / duration, 1.0) if times and duration else 0.0


def _duration(stream: FrameStream) -> float:
    """What the container states, or what was really read where the file ends early."""
    return stream.end_seconds if stream.truncated else stream.info.duration_seconds
