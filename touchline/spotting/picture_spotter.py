"""A network of pictures on a video: scores at constant memory, and the timeline that they show."""

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future
from dataclasses import dataclass, replace
from fractions import Fraction
from itertools import islice
from math import ceil
from pathlib import Path
from typing import Protocol

import numpy as np
import numpy.typing as npt

from touchline.engines import ConsecutiveWindows, Engine
from touchline.errors import MediaError
from touchline.events import Producer, Timeline, Video
from touchline.media.video import Frame, VideoInfo, probe, read_frames
from touchline.media.views import View
from touchline.runtime.prefetch import prefetched
from touchline.runtime.progress import Progress
from touchline.scores import FloatArray, Scores
from touchline.spotting.kept import KeptWork
from touchline.spotting.passages import Curve, passage_of
from touchline.spotting.peaks import Suppression
from touchline.spotting.timelines import (
    DEFAULT_THRESHOLD,
    ScoredVideo,
    producer_of,
    suppression_of,
    timeline_of,
)
from touchline.spotting.windows import (
    LEAD_FRAMES,
    Window,
    WindowAverage,
    cut_windows,
    decoder,
)
from touchline.systems import row_of
from touchline.timebase import format_seconds
from touchline.zoo.cards import USUAL_OVERLAP, ModelCard
from touchline.zoo.store import ModelFolder

Pixels = npt.NDArray[np.uint8]

_FRAMES_AHEAD = 64
_WINDOWS_IN_FLIGHT = 3
_PICTURES_PER_BATCH = 16
_KEPT = "scores"


class FrameSource(Protocol):
    """Frames of one video, in order of time: a ``FrameStream``, or a pass that others share."""

    @property
    def info(self) -> VideoInfo:
        """What the file says of itself."""
        ...

    @property
    def end_seconds(self) -> float:
        """End of the picture; known after the last frame."""
        ...

    @property
    def truncated(self) -> bool:
        """Whether the picture stops at damage; known after the last frame."""
        ...

    def __iter__(self) -> Iterator[Frame]: ...


@dataclass(frozen=True)
class BegunScores:
    """What windows have said before an attempt ended.

    Attributes:
        next_start: first frame of the next window, from the first frame that is read.
        first_needed: first frame that it takes to go on.
        times: (next_start,) seconds of the frames before it.
        average: what the windows said.
    """

    next_start: int
    first_needed: int
    times: FloatArray
    average: WindowAverage


class Spotter:
    """Runs one model over videos of any length.

    Args:
        folder: the model, with its card.
        engine: where its network runs.
        suppression: how peaks are kept apart; the card's own rule by default.
        overlap: share of a window that the next one covers again; as the card says by default, else
            half.
        as_published: see ``touchline.spotting.spotter.load``.
    """

    def __init__(
        self,
        folder: ModelFolder,
        engine: Engine,
        *,
        suppression: Suppression | None = None,
        overlap: float | None = None,
        as_published: bool = False,
    ) -> None:
        self.folder = folder
        self.engine = engine
        self.suppression = suppression or suppression_of(self.card)
        share = next((x for x in (overlap, self.card.overlap) if x is not None), USUAL_OVERLAP)
        self.overlap_frames = int(engine.clip_len * share)
        self._row = row_of(self.card.system)
        changed = self._row.as_published if as_published else {}
        self._passage = passage_of(self.card.system, {**self.card.config, **changed})

    @property
    def card(self) -> ModelCard:
        """What is known of the model."""
        return self.folder.card

    @property
    def producer(self) -> Producer:
        """What its timelines name as what produced them."""
        return producer_of(self.card)

    @property
    def view(self) -> View:
        """The frames of a video that it reads."""
        card = self.card
        late = self._row.late_seconds
        return View(
            card.picture_size, card.frame_rate, colours=self._row.colours, late_seconds=late
        )

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
        start_seconds: float = 0.0,
        end_seconds: float | None = None,
        kept: KeptWork | None = None,
        progress: Progress | None = None,
    ) -> Timeline:
        """Find the events of a video.

        Args:
            threshold: events of lower confidence are left out.
            start_seconds, end_seconds: the part of the video to read, None for its end; times of
                events stay those of the whole video.
            kept: where to go on from, and to write to how far it is; not all networks do.
            progress: called with the share of the part done, 0 to 1.

        Returns:
            The timeline with its curves; a damaged video is spotted as far as it goes, and
            ``warnings`` says so.

        Raises:
            MediaError: see ``score``.
        """
        scored = self.score(
            video,
            start_seconds=start_seconds,
            end_seconds=end_seconds,
            kept=kept,
            progress=progress,
        )
        return self.timeline(scored, threshold)

    def timeline(self, scored: ScoredVideo, threshold: float = DEFAULT_THRESHOLD) -> Timeline:
        """The events that scored curves show."""
        return timeline_of(scored, self.card, self.suppression, threshold)

    def score(
        self,
        video: str | Path,
        *,
        start_seconds: float = 0.0,
        end_seconds: float | None = None,
        kept: KeptWork | None = None,
        progress: Progress | None = None,
    ) -> ScoredVideo:
        """Run the network over a video: decoding and network overlap, memory stays flat.

        Args:
            start_seconds, end_seconds, kept: see ``spot``. Steps lie where those of the whole video
                do.

        Raises:
            MediaError: the file is not a video that can be read, or ends before the part starts.
        """
        view = self.view
        begun = self.begun(kept, start_seconds)
        skipped = 0 if begun is None else begun.first_needed
        first_seconds = self.first_frame_seconds(start_seconds) + skipped / self.card.frame_rate
        with read_frames(
            video,
            rate=view.rate,
            size=view.size,
            start_seconds=first_seconds + view.late_seconds,
            end_seconds=end_seconds,
            colours=self._row.colours,
        ) as stream:
            return self.score_frames(
                stream,
                start_seconds=start_seconds,
                end_seconds=end_seconds,
                kept=kept,
                begun=begun,
                skipped_frames=skipped,
                progress=progress,
            )

    def first_frame_seconds(self, start_seconds: float) -> Fraction:
        """Where to begin to read for a part: at the first step of the whole video in it."""
        return self._first_step(start_seconds) / self._step_rate

    @property
    def _step_rate(self) -> Fraction:
        """Steps of its curves a second."""
        return self.card.frame_rate / self._row.frames_per_step

    def _first_step(self, start_seconds: float) -> int:
        return ceil(Fraction(start_seconds) * self._step_rate)

    def score_frames(
        self,
        stream: FrameSource,
        *,
        start_seconds: float = 0.0,
        end_seconds: float | None = None,
        kept: KeptWork | None = None,
        begun: BegunScores | None = None,
        skipped_frames: int = 0,
        progress: Progress | None = None,
    ) -> ScoredVideo:
        """Run the network over the frames of a video that somebody else has opened.

        Args:
            stream: the frames of ``view``, from ``first_frame_seconds(start_seconds)`` on; read
                in a thread of its own.
            start_seconds, end_seconds: see ``score``.
            kept: where to write how far it is.
            begun: what to go on from, see ``begun``.
            skipped_frames: how many frames the stream leaves out at its beginning; at most
                ``first_needed`` of what was begun.

        Raises:
            MediaError: there is not a single frame.
        """
        times: list[float] = [] if begun is None else begun.times.tolist()
        first_needed = 0 if begun is None else begun.first_needed
        rate, labels = self.card.frame_rate, self.card.label_set
        first_step = self._first_step(start_seconds)
        first_frame = first_step * self._row.frames_per_step

        def show() -> None:
            if progress is not None:
                progress(_share_done(times, stream, start_seconds, end_seconds))

        with prefetched(stream, _FRAMES_AHEAD) as frames:

            def pixels() -> Iterator[Pixels]:
                for number, frame in enumerate(frames, skipped_frames):
                    if number == len(times):
                        # A picture on show for several steps has its own time at the first.
                        is_new = frame.seconds > (times[-1] if times else start_seconds - 1e-9)
                        step = first_frame + number
                        times.append(frame.seconds if is_new else float(step / rate))
                    if number >= first_needed:
                        yield frame.pixels

            def keep(next_start: int, average: WindowAverage) -> None:
                if kept is not None and 0 <= next_start < len(times):
                    kept.keep(
                        _KEPT,
                        self._settings(start_seconds),
                        lambda: _state(next_start, times, average),
                    )

            show()
            curve = self._curve(pixels(), show, begun, keep)
        if not times:
            raise no_picture(stream.info, start_seconds)
        seconds = np.array(times)
        if self._row.frames_per_step > 1:
            steps = np.arange(first_step, first_step + len(curve.values))
            seconds = steps / float(self._step_rate)
        if progress is not None:
            progress(1.0)
        info = stream.info
        return ScoredVideo(
            Video(info.path.name, _duration(stream), info.frame_rate),
            Scores.of_columns(curve.values, seconds, labels, self._step_rate),
            stream.end_seconds if stream.truncated else None,
            (*info.remarks, *self.engine.remarks, *curve.remarks),
        )

    def begun(self, kept: KeptWork | None, start_seconds: float = 0.0) -> BegunScores | None:
        """What an earlier attempt at a part of a video has kept, if anything."""
        if kept is None or self._passage is not None:
            return None
        state = kept.read(_KEPT, self._settings(start_seconds))
        if state is None:
            return None
        start, batch = state["next_start"], 1
        if self.engine.shares_frames:  # pictures run in the batches that they would run in
            batch = _PICTURES_PER_BATCH
        average = WindowAverage.from_sums(state["sums"], state["counts"])
        return BegunScores(start, start // batch * batch, state["times"], average)

    def _settings(self, start_seconds: float) -> str:
        """What scores depend on besides the video."""
        network = f"{self.card.name} {sorted(self.card.files.items())} {self.engine.name}"
        return f"{network} {self.overlap_frames} from {start_seconds}"

    def _curve(
        self,
        pixels: Iterator[Pixels],
        show: Callable[[], None],
        begun: BegunScores | None,
        keep: Callable[[int, WindowAverage], None],
    ) -> Curve:
        """(steps, classes) the scores of a stream of frames, from what was begun on."""
        if self._passage is not None:
            return self._passage.curve(pixels, self.engine, show)
        average = None if begun is None else begun.average
        decode = decoder(self.card.system)
        step = self.engine.clip_len - self.overlap_frames
        for window, outputs in self.windows_of(pixels, begun):
            scores = decode(outputs)
            average = average or WindowAverage(scores.shape[1])
            average.add(window.start, scores, window.valid)
            keep(window.start + step, average)
            show()
        if average is None:
            return Curve(np.zeros((0, self.engine.num_outputs - 1), np.float32))
        return Curve(average.mean()[:, 1:])  # column 0 is background

    def windows_of(
        self, pixels: Iterator[Pixels], begun: BegunScores | None = None
    ) -> Iterator[tuple[Window, FloatArray]]:
        """Every window of a stream of (H, W, 3) frames, with the network's outputs for it.

        Args:
            pixels: of the video, or from the first frame on that it takes to go on.
        """
        start, ahead, lead = 0, 0, LEAD_FRAMES
        if begun is not None:
            start, ahead, lead = begun.next_start, begun.next_start - begun.first_needed, 0
        for window, outputs in self._windows_of(pixels, ahead, lead):
            yield replace(window, start=window.start + start), outputs

    def _windows_of(
        self, pixels: Iterator[Pixels], ahead: int, lead: int
    ) -> Iterator[tuple[Window, FloatArray]]:
        """The same, counted from the frame after the first ``ahead`` ones."""
        clip_len, overlap = self.engine.clip_len, self.overlap_frames
        shares_frames = self.engine.shares_frames
        items = islice(self._features(pixels), ahead, None) if shares_frames else pixels
        windows = cut_windows(items, clip_len, overlap, lead=lead)
        logits_of = None
        if isinstance(self.engine, ConsecutiveWindows):
            logits_of = self.engine.consecutive(overlap)
        if logits_of is not None:
            for window in windows:
                yield window, logits_of(window.items, window.valid)
            return
        if shares_frames:
            for window in windows:
                yield window, self.engine.head(window.items[None], window.valid[None])[0]
            return
        for window, logits in _in_flight(windows, self._submit, _WINDOWS_IN_FLIGHT):
            yield window, logits[0]

    def _submit(self, window: Window) -> "Future[FloatArray]":
        return self.engine.submit(window.items[None], window.valid[None])

    def _features(self, pixels: Iterator[Pixels]) -> Iterator[FloatArray]:
        """(D,) per frame: each frame passes the picture network once."""
        while group := list(islice(pixels, _PICTURES_PER_BATCH)):
            yield from self.engine.features(np.stack(group))


def no_picture(info: VideoInfo, start_seconds: float) -> MediaError:
    """The error for a part that begins after the end of its video."""
    return MediaError(
        f"there is no picture from {format_seconds(start_seconds)} on",
        where=info.path,
        remedy=f"the video is {format_seconds(info.duration_seconds)} long",
    )


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


def _share_done(
    times: list[float], stream: FrameSource, start_seconds: float, end_seconds: float | None
) -> float:
    end = stream.info.duration_seconds
    length = (end if end_seconds is None else min(end, end_seconds)) - start_seconds
    return min((times[-1] - start_seconds) / length, 1.0) if times and length > 0 else 0.0


def _state(next_start: int, times: list[float], average: WindowAverage) -> dict[str, object]:
    sums, counts = average.sums()
    known = np.array(times[:next_start])
    return {"next_start": next_start, "times": known, "sums": sums, "counts": counts}


def _duration(stream: FrameSource) -> float:
    """What the container states, or what was really read where the file ends early."""
    return stream.end_seconds if stream.truncated else stream.info.duration_seconds
