"""A network of pictures on a video: scores at constant memory, and the timeline that they show."""

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import partial
from itertools import islice
from math import ceil
from pathlib import Path

import numpy as np

from touchline.engines import ConsecutiveWindows, Engine
from touchline.errors import MediaError
from touchline.events import Producer, Timeline, Video
from touchline.media.video import FrameStream, VideoInfo, probe, read_frames
from touchline.media.views import View
from touchline.runtime.prefetch import prefetched
from touchline.runtime.progress import Progress
from touchline.scores import FloatArray, Scores
from touchline.spotting.kept import KeptWork
from touchline.spotting.passages import Curve, passage_of
from touchline.spotting.peaks import Suppression
from touchline.spotting.reading import FrameSource, Pixels, Reading, StepTimes
from touchline.spotting.second_part import (
    Border,
    OpenAgain,
    Rest,
    Second,
    SecondPart,
    Shown,
    is_divided,
    second_process,
)
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
    window_starts,
)
from touchline.systems import row_of
from touchline.timebase import format_seconds
from touchline.zoo.cards import USUAL_OVERLAP, ModelCard
from touchline.zoo.store import ModelFolder

_FRAMES_AHEAD = 64
_WINDOWS_IN_FLIGHT = 3
_PICTURES_PER_BATCH = 16
_KEPT = "scores"


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
        open_again: what a second process opens, which takes the second part of a long video; None
            for one process.
    """

    def __init__(
        self,
        folder: ModelFolder,
        engine: Engine,
        *,
        suppression: Suppression | None = None,
        overlap: float | None = None,
        as_published: bool = False,
        open_again: OpenAgain | None = None,
    ) -> None:
        self.folder = folder
        self.engine = engine
        self._open_again = open_again
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
            kept: where to go on from, and to write to how far it is; not all networks do, and a
                second process does not.
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
        begun = self.begun(kept, start_seconds)
        skipped = 0 if begun is None else begun.first_needed
        with self._frames(video, skipped, start_seconds, end_seconds) as stream:
            border = self.border(stream.info, start_seconds, end_seconds)
            part = (start_seconds, end_seconds)
            with self.second_process(Path(video), border, *part, begun=begun) as second:
                return self.score_frames(
                    stream,
                    start_seconds=start_seconds,
                    end_seconds=end_seconds,
                    kept=kept,
                    begun=begun,
                    skipped_frames=skipped,
                    second=second,
                    progress=progress,
                )

    def _frames(
        self,
        video: str | Path,
        skipped_frames: int,
        start_seconds: float,
        end_seconds: float | None,
    ) -> FrameStream:
        """The frames of a part of a video, but for the first ones."""
        first_seconds = self.first_frame_seconds(start_seconds)
        view = self.view
        return read_frames(
            video,
            rate=view.rate,
            size=view.size,
            start_seconds=first_seconds + skipped_frames / self.card.frame_rate + view.late_seconds,
            end_seconds=end_seconds,
            colours=self._row.colours,
        )

    def border(
        self, info: VideoInfo, start_seconds: float = 0.0, end_seconds: float | None = None
    ) -> Border | None:
        """Where the second part of a long video, or part of one, begins, however many processes
        read it; None where it is not divided.

        It lies halfway by the duration that the file states.
        """
        if self._passage is not None or not is_divided(info, start_seconds, end_seconds):
            return None
        end = min(info.duration_seconds, end_seconds or info.duration_seconds)
        frames = int(Fraction(end - start_seconds) * self.card.frame_rate)
        starts = window_starts(frames, self.engine.clip_len, self.overlap_frames)
        start = starts[len(starts) // 2] if starts else 0
        if start < self.engine.clip_len:
            return None
        needed = self._first_needed(start)
        return Border(start, needed, start + self.overlap_frames, start / frames)

    @contextmanager
    def second_process(
        self,
        video: Path,
        border: Border | None,
        start_seconds: float,
        end_seconds: float | None,
        *,
        begun: BegunScores | None = None,
        reads_on: bool = False,
    ) -> Iterator[Second | None]:
        """A second process for what lies behind a border; None where this one works alone.

        It is begun when this one has opened the file, under the limits that hold for opening.

        Args:
            begun: what this process goes on from.
            reads_on: whether this process reads the whole video for others.
        """
        begin = 0 if begun is None else begun.next_start
        if self._open_again is None or border is None or begin >= border.next_start:
            yield None
            return
        name = self.engine.name
        task = SecondPart(self._open_again, name, video, border, start_seconds, end_seconds)
        with second_process(task, reads_on=reads_on) as second:
            yield second

    def rest(
        self,
        video: Path,
        border: Border,
        start_seconds: float,
        end_seconds: float | None,
        progress: Progress,
    ) -> Rest:
        """What lies behind a border of a video, or of a part of it.

        Raises:
            MediaError: see ``score``.
        """
        shown, shared = Shown(), list[Window]()
        average: WindowAverage | None = None
        first_seconds = start_seconds + border.first_needed / float(self.card.frame_rate)
        with (
            self._frames(video, border.first_needed, start_seconds, end_seconds) as stream,
            prefetched(stream, _FRAMES_AHEAD) as frames,
        ):

            def pixels() -> Iterator[Pixels]:
                for frame in frames:
                    shown.add(frame)
                    yield frame.pixels

            progress(0.0)
            for said in self._scores_of(pixels(), border):
                average = average or WindowAverage(said.items.shape[1])
                average.add(said.start - border.next_start, said.items, said.valid)
                if said.start < border.shared_until:
                    shared.append(said)
                progress(_share_done(shown.seconds, stream.info, first_seconds, end_seconds))
        truncated, end = stream.truncated, stream.end_seconds
        return Rest(shown, tuple(shared), average, end, truncated, stream.strain)

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
        second: Second | None = None,
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
            second: the process that reads what lies behind the border.

        Raises:
            MediaError: there is not a single frame. PartsDifferError: the second process did not
                do its part, and the frames have been read.
        """
        first_step = self._first_step(start_seconds)
        times = StepTimes(
            first_step * self._row.frames_per_step,
            self.card.frame_rate,
            start_seconds,
            [] if begun is None else begun.times.tolist(),
        )

        def show() -> None:
            if progress is not None:
                share = _share_done(times.known, stream.info, start_seconds, end_seconds)
                progress(share if second is None else second.share(share))

        def keep(next_start: int, average: WindowAverage) -> None:
            if kept is not None and 0 <= next_start < len(times.known):
                kept.keep(
                    _KEPT,
                    self._settings(start_seconds),
                    lambda: _state(next_start, times.known, average),
                )

        border = self.border(stream.info, start_seconds, end_seconds)
        with prefetched(stream, _FRAMES_AHEAD) as frames:
            numbered = enumerate(frames, skipped_frames)
            reading = Reading(stream, numbered, times, second, lambda: self.engine.name, show)
            show()
            curve = self._curve(reading, border, begun, keep)
        if not times.known:
            raise no_picture(stream.info, start_seconds)
        seconds = np.array(times.known)
        if self._row.frames_per_step > 1:
            steps = np.arange(first_step, first_step + len(curve.values))
            seconds = steps / float(self._step_rate)
        if progress is not None:
            progress(1.0)
        info, ending = stream.info, reading.ending
        return ScoredVideo(
            Video(info.path.name, _duration(info, ending), info.frame_rate),
            Scores.of_columns(curve.values, seconds, self.card.label_set, self._step_rate),
            ending.end_seconds if ending.truncated else None,
            (*info.remarks, *self.engine.remarks, *curve.remarks),
        )

    def begun(self, kept: KeptWork | None, start_seconds: float = 0.0) -> BegunScores | None:
        """What an earlier attempt at a part of a video has kept, if anything."""
        if kept is None or self._passage is not None:
            return None
        state = kept.read(_KEPT, self._settings(start_seconds))
        if state is None:
            return None
        start = state["next_start"]
        average = WindowAverage.from_sums(state["sums"], state["counts"])
        return BegunScores(start, self._first_needed(start), state["times"], average)

    def _first_needed(self, next_start: int) -> int:
        """First frame that it takes to go on with a window."""
        if not self.engine.shares_frames:
            return next_start
        # Pictures run in the batches that they would run in.
        return next_start // _PICTURES_PER_BATCH * _PICTURES_PER_BATCH

    def _settings(self, start_seconds: float) -> str:
        """What scores depend on besides the video."""
        network = f"{self.card.name} {sorted(self.card.files.items())} {self.engine.name}"
        return f"{network} {self.overlap_frames} from {start_seconds}"

    def _curve(
        self,
        reading: Reading,
        border: Border | None,
        begun: BegunScores | None,
        keep: Callable[[int, WindowAverage], None],
    ) -> Curve:
        """(steps, classes) the scores of a stream of frames, from what was begun on."""
        pixels = reading.pixels(0 if begun is None else begun.first_needed)
        if self._passage is not None:
            return self._passage.curve(pixels, self.engine, reading.show)
        average = None if begun is None else begun.average
        for said in self._scores_of(pixels, begun, border, partial(reading.goes_on, pixels)):
            average = average or WindowAverage(said.items.shape[1])
            average.add(said.start, said.items, said.valid)
            keep(said.start + self._frames_apart, average)
            reading.show()
        if average is None:
            return Curve(np.zeros((0, self.engine.num_outputs - 1), np.float32))
        rest = reading.rest
        if rest is not None and rest.average is not None and border is not None:
            average.append(border.next_start, rest.average, rest.shared, border.shared_until)
        return Curve(average.mean()[:, 1:])  # column 0 is background

    def _scores_of(
        self,
        pixels: Iterator[Pixels],
        begun: BegunScores | Border | None,
        border: Border | None = None,
        goes_on: Callable[[], bool] = lambda: True,
    ) -> Iterator[Window]:
        """As ``windows_of``: the scores of every window, in the place of its frames."""
        decode = decoder(self.card.system)
        for window, outputs in self.windows_of(pixels, begun, border, goes_on):
            yield replace(window, items=decode(outputs))

    @property
    def _frames_apart(self) -> int:
        """From the first frame of a window to that of the next."""
        return self.engine.clip_len - self.overlap_frames

    def windows_of(
        self,
        pixels: Iterator[Pixels],
        begun: BegunScores | Border | None = None,
        border: Border | None = None,
        goes_on: Callable[[], bool] = lambda: True,
    ) -> Iterator[tuple[Window, FloatArray]]:
        """Every window of a stream of (H, W, 3) frames, with the network's outputs for it.

        Args:
            pixels: of the video, or from the first frame on that it takes to go on.
            begun: what to go on from.
            border: where windows begin to share anew what they compute, as behind it another
                process may compute them.
            goes_on: called when all windows before the border are cut; false if they are all.
        """
        start, ahead, lead = 0, 0, LEAD_FRAMES
        if begun is not None:
            start, ahead, lead = begun.next_start, begun.next_start - begun.first_needed, 0
        shares_frames = self.engine.shares_frames
        items = islice(self._features(pixels), ahead, None) if shares_frames else pixels
        cut = cut_windows(items, self.engine.clip_len, self.overlap_frames, lead=lead)
        windows = (replace(window, start=window.start + start) for window in cut)
        if border is None:
            return self._outputs(windows, None)
        return self._outputs(self._up_to(border, windows, goes_on), border.next_start)

    def _up_to(
        self, border: Border, windows: Iterable[Window], goes_on: Callable[[], bool]
    ) -> Iterator[Window]:
        """The windows before a border, and those behind it if it goes on."""
        for window in windows:
            yield window
            is_last = window.start + self._frames_apart == border.next_start
            # A window that is not full is the video's last one.
            if is_last and window.valid[-1] and not goes_on():
                return

    def _outputs(
        self, windows: Iterator[Window], anew: int | None
    ) -> Iterator[tuple[Window, FloatArray]]:
        """Windows with the network's outputs.

        Args:
            anew: first frame of the window that shares nothing with those before it.
        """
        overlap = self.overlap_frames
        logits_of = None
        if isinstance(self.engine, ConsecutiveWindows):
            logits_of = self.engine.consecutive(overlap)
        if isinstance(self.engine, ConsecutiveWindows) and logits_of is not None:
            for window in windows:
                if window.start == anew:
                    logits_of = self.engine.consecutive(overlap) or logits_of
                yield window, logits_of(window.items, window.valid)
            return
        if self.engine.shares_frames:
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
    times: list[float], info: VideoInfo, start_seconds: float, end_seconds: float | None
) -> float:
    end = info.duration_seconds
    length = (end if end_seconds is None else min(end, end_seconds)) - start_seconds
    return min((times[-1] - start_seconds) / length, 1.0) if times and length > 0 else 0.0


def _state(next_start: int, times: list[float], average: WindowAverage) -> dict[str, object]:
    sums, counts = average.sums()
    known = np.array(times[:next_start])
    return {"next_start": next_start, "times": known, "sums": sums, "counts": counts}


def _duration(info: VideoInfo, ending: FrameSource | Rest) -> float:
    """What the container states, or what was really read where the file ends early."""
    return ending.end_seconds if ending.truncated else info.duration_seconds
