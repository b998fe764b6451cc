"""The events and the report of many videos, and what their broadcasts say."""

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path

from touchline.batch.executor import Share
from touchline.batch.reuse import LastOpened
from touchline.batch.summary import Outcome, Status
from touchline.broadcast.result import is_broadcast
from touchline.broadcast.stills import is_still
from touchline.datasets.soccernet import find_videos
from touchline.engines import EngineName, Precision
from touchline.errors import FormatError, InputError, MediaError
from touchline.events import RAN, Producer, Timeline
from touchline.formats import read
from touchline.formats.provenance import is_as_written
from touchline.match_state import match_of
from touchline.media.frame_folders import is_frame_folder
from touchline.media.video import probe
from touchline.pipeline import (
    DEFAULT_OPTIONS,
    SpotOptions,
    broadcast_path,
    check_writable,
    events_path,
    refuse_clashes,
    report_path,
    spot_video,
)
from touchline.report.page import is_report
from touchline.runtime.progress import Progress
from touchline.runtime.temporary import remove_temporary
from touchline.spotting.second_part import is_divided
from touchline.spotting.spotter import VideoSpotter, load, producer_named
from touchline.zoo.real_matches import AUTO

_SAME_SECONDS = 0.01


@dataclass(frozen=True)
class ModelSpec:
    """A model, and where it runs."""

    name: str = AUTO
    engine: EngineName = "auto"
    precision: Precision = "auto"
    threads: int | None = None
    processes: int = 1


class _OpenSpotter:
    """A spotter until it is closed."""

    def __init__(self, spec: ModelSpec) -> None:
        self.spotter: VideoSpotter = load(
            spec.name,
            engine=spec.engine,
            precision=spec.precision,
            threads=spec.threads,
            processes=spec.processes,
        )

    def close(self) -> None:
        self.spotter.__exit__(None, None, None)


_spotters: LastOpened[ModelSpec, _OpenSpotter] = LastOpened(_OpenSpotter)


@dataclass(frozen=True)
class SpotTask:
    """The events and the report of one video, and what its broadcast says if the model reads it.

    Attributes:
        folder: where they go.
        overwrite: make them anew, whoever made those that are there.
    """

    video: Path
    folder: Path
    model: ModelSpec
    options: SpotOptions = DEFAULT_OPTIONS
    overwrite: bool = False

    @property
    def name(self) -> str:
        """See ``FileTask``."""
        return str(self.video)

    def run(self, progress: Progress) -> Outcome:
        """Spot, unless it was done.

        Raises:
            InputError: no such model, or it cannot run.
        """
        model = producer_named(self.model.name)
        try:
            outcome = self._kept(model)
        except InputError as error:
            outcome = self.failed(str(error))
        if outcome is None:
            outcome = self._make(_spotters(self._model_here()).spotter, progress)
        progress(1.0)
        return outcome

    def failed(self, reason: str) -> Outcome:
        """See ``OutcomeTask``."""
        return Outcome(self.name, "failed", reason=reason)

    def clear(self) -> None:
        """See ``FileTask``."""
        for path in self._files():
            remove_temporary(path)

    def with_share(self, share: Share) -> "SpotTask":
        """See ``OutcomeTask``."""
        model = replace(self.model, threads=share.threads, processes=share.processes)
        return replace(self, model=model)

    def release(self) -> None:
        """See ``OutcomeTask``."""
        _spotters.close()

    def _model_here(self) -> ModelSpec:
        """The model, in one process for a short video: it has all threads then."""
        if self.model.processes == 1:
            return self.model
        part = (self.options.start_seconds, self.options.end_seconds)
        with suppress(InputError):  # for whoever reads it to say
            if is_divided(probe(self.video), *part):
                return self.model
        return replace(self.model, processes=1)

    def _files(self) -> tuple[Path, ...]:
        """The events, the report, and what the broadcast says."""
        files = (events_path(self.video, self.folder), report_path(self.video, self.folder))
        if self.model.name != AUTO:
            return files
        return (*files, broadcast_path(self.video, self.folder))

    def _kept(self, model: Producer) -> Outcome | None:
        """What is there of this model, video and options; None if it has to be made.

        Raises:
            InputError: events that a person wrote or corrected are in the way.
        """
        events, report, *broadcast = self._files()
        if self.overwrite or not self.video.exists():
            return None
        if report.exists() and not is_report(report):
            raise _not_ours(report)
        for path in broadcast:
            if path.exists() and not is_broadcast(path):
                raise _not_ours(path)
        if not events.exists():
            return None
        try:
            timeline = read(events)
        except FormatError:
            timeline = None
        if not isinstance(timeline, Timeline) or not is_as_written(timeline):
            raise _not_ours(events)
        # A video may be replaced by one with an older time stamp: its own facts tell, too.
        is_newer = events.stat().st_mtime_ns > self.video.stat().st_mtime_ns and _is_of(
            timeline, self.video
        )
        is_same = timeline.model == model and self.options.fit(timeline)
        is_whole = all(path.exists() for path in self._files())
        return self._outcome("kept", timeline) if is_newer and is_same and is_whole else None

    def _make(self, spotter: VideoSpotter, progress: Progress) -> Outcome:
        try:
            made = spot_video(spotter, self.video, self.folder, self.options, progress=progress)
        except MediaError as error:
            return self.failed(str(_still_refused(self.video) or error))
        except InputError as error:
            return self.failed(str(error))
        return self._outcome("made", made.timeline)

    def _outcome(self, status: Status, timeline: Timeline) -> Outcome:
        return Outcome(
            self.name,
            status,
            tuple(map(str, self._files())),
            warnings=timeline.warnings,
            events=len(timeline),
            match=match_of(timeline) or None,
            ran=timeline.extra.get(RAN),
        )


def _still_refused(video: Path) -> InputError | None:
    """Why a file that cannot be read as a video is refused, if it is a still picture."""
    if not video.is_file() or not is_still(video):
        return None
    return InputError(
        "is a still picture, not a video",
        where=video,
        remedy=f"read its score bug with `touchline broadcast {video.name}`",
    )


def _not_ours(path: Path) -> InputError:
    return InputError(
        "is there already, and was not written by touchline or was changed since",
        where=path,
        remedy="write elsewhere with --out, or give --overwrite",
    )


def _is_of(timeline: Timeline, video: Path) -> bool:
    """Whether rate and duration are those of the video; a damaged one is shorter than it says."""
    info, written = probe(video), timeline.video
    if written.frame_rate != info.frame_rate or written.duration_seconds is None:
        return False
    is_as_long = abs(written.duration_seconds - info.duration_seconds) < _SAME_SECONDS
    return is_as_long or bool(timeline.warnings)


def plan_spotting(
    sources: Sequence[Path],
    model: ModelSpec,
    *,
    out: Path | None = None,
    options: SpotOptions = DEFAULT_OPTIONS,
    size: str = "224p",
    overwrite: bool = False,
) -> list[SpotTask]:
    """The tasks of videos and of folders of videos.

    Args:
        out: the results' folder, with the folders of a source below; by default results lie
            beside each video.
        size: which of several videos of a half to read.

    Raises:
        InputError: a folder without videos; two videos whose results would clash; a folder that
            cannot be written.
    """
    tasks = []
    for source in dict.fromkeys(sources):
        if not source.is_dir() or is_frame_folder(source):
            folder = source.parent if out is None else out
            tasks.append(SpotTask(source, folder, model, options, overwrite))
            continue
        videos = find_videos(source, size=size)
        if not videos:
            raise InputError("there are no videos in it", where=source)
        for video in videos:
            below = video.parent if out is None else out / video.parent.relative_to(source)
            tasks.append(SpotTask(video, below, model, options, overwrite))
    for folder in dict.fromkeys(task.folder for task in tasks):
        check_writable(folder)
        refuse_clashes([task.video for task in tasks if task.folder == folder], folder)
    return tasks
