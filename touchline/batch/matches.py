"""Many matches at once: spotted, and cut into reels; here or on a cluster, and resumable.

Each video, and each reel, is one task. What is there already, and made of the same things in the
same way, is kept; what somebody else made is left alone.
"""

import hashlib
import json
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import asdict, dataclass, replace
from fractions import Fraction
from functools import lru_cache
from pathlib import Path
from typing import Any, Literal

from touchline.batch.cluster import UNWATCHED, Crew, FileTask, LostError, Watch
from touchline.datasets.soccernet import find_videos
from touchline.editing.select import DEFAULT_JITTER_SECONDS, select
from touchline.engines import EngineName, Precision
from touchline.errors import FormatError, InputError
from touchline.events import Match, Timeline
from touchline.formats import read, read_matches, read_reel, write
from touchline.pipeline import (
    DEFAULT_REEL_SECONDS,
    THRESHOLD,
    check_writable,
    cut_reel,
    refuse_clashes,
    spot_video,
    videos_of,
    writable_folder,
)
from touchline.reel import Reel
from touchline.runtime.atomic import remove_temporary
from touchline.runtime.processes import Report
from touchline.spotting.spotter import VideoSpotter, load
from touchline.spotting.timelines import DEFAULT_THRESHOLD, producer_of

Status = Literal["made", "kept", "failed"]

EVENTS_ENDING = ".events.json"
REPORT_ENDING = ".report.html"
REEL_ENDING = ".reel.json"

_MADE_OF = "made_of"


@dataclass(frozen=True)
class Outcome:
    """What became of one task.

    Attributes:
        source: the video, or the game.
        files: what was written, or was there.
        count: events, or clips.
        seconds: of a reel; 0 for events.
        messages: why it failed, or warnings.
    """

    source: str
    status: Status
    files: tuple[str, ...] = ()
    count: int = 0
    seconds: float = 0.0
    messages: tuple[str, ...] = ()

    def told(self) -> dict[str, Any]:
        """As JSON."""
        return asdict(self)


def run_all(
    tasks: Sequence["SpotTask | ReelTask"], crew: Crew, watch: Watch = UNWATCHED
) -> Iterator[Outcome]:
    """Do tasks; one that fails does not stop the others.

    Args:
        watch: who is told; each task counts as 1.
    """
    threads = crew.threads(len(tasks))
    everything: list[FileTask] = [task.with_threads(threads) for task in tasks]
    try:
        with closing(crew.run(everything, watch)) as finished:
            for task, result in finished:
                if isinstance(result, LostError):
                    yield Outcome(task.name, "failed", messages=(str(result),))
                    continue
                told = json.loads(result)
                told |= {"files": tuple(told["files"]), "messages": tuple(told["messages"])}
                yield Outcome(**told)
    finally:
        _spotter.cache_clear()


@dataclass(frozen=True)
class ModelSpec:
    """A model, and where it runs."""

    name: str = "demo"
    engine: EngineName = "auto"
    precision: Precision = "auto"
    threads: int | None = None


@lru_cache(maxsize=1)
def _spotter(spec: ModelSpec) -> VideoSpotter:
    """One serves all the videos that a process meets."""
    return load(spec.name, engine=spec.engine, precision=spec.precision, threads=spec.threads)


@dataclass(frozen=True)
class SpotTask:
    """The events and the report of one video.

    Attributes:
        folder: where they go.
        overwrite: make them anew, whoever made those that are there.
    """

    video: Path
    folder: Path
    model: ModelSpec
    threshold: float = DEFAULT_THRESHOLD
    overwrite: bool = False

    @property
    def name(self) -> str:
        """See ``FileTask``."""
        return str(self.video)

    def run(self, report: Report) -> str:
        """Spot, unless it was done; gives an ``Outcome`` as JSON."""
        spotter = _spotter(self.model)
        try:
            outcome = self._kept(spotter) or self._made(spotter, report)
        except InputError as error:
            outcome = Outcome(self.name, "failed", messages=(str(error),))
        report(1.0)
        return json.dumps(outcome.told())

    def clear(self) -> None:
        """See ``FileTask``."""
        for path in self._files():
            remove_temporary(path)

    def with_threads(self, threads: int | None) -> "SpotTask":
        """The same task, its network on so many threads."""
        return replace(self, model=replace(self.model, threads=threads))

    def _files(self) -> tuple[Path, Path]:
        stem = self.folder / self.video.stem
        return stem.with_name(stem.name + EVENTS_ENDING), stem.with_name(stem.name + REPORT_ENDING)

    def _kept(self, spotter: VideoSpotter) -> Outcome | None:
        """What there is of this model, video and threshold; None if there is nothing.

        Raises:
            InputError: events of somebody else lie in the place.
        """
        events, report = self._files()
        if self.overwrite or not events.exists():
            return None
        try:
            timeline = read(events)
        except FormatError:
            timeline = None
        made_by = timeline.model if isinstance(timeline, Timeline) else None
        if made_by != producer_of(spotter.card):
            raise InputError(
                "is there already and is not of this model",
                where=events,
                remedy="write elsewhere with --out, or give --overwrite",
            )
        is_newer = events.stat().st_mtime_ns > self.video.stat().st_mtime_ns
        if not (isinstance(timeline, Timeline) and is_newer and report.exists()):
            return None
        if timeline.extra.get(THRESHOLD) != self.threshold:
            return None
        files = (str(events), str(report))
        return Outcome(self.name, "kept", files, len(timeline), messages=timeline.warnings)

    def _made(self, spotter: VideoSpotter, report: Report) -> Outcome:
        made = spot_video(
            spotter, self.video, self.folder, threshold=self.threshold, progress=report
        )
        files = (str(made.events_path), str(made.report_path))
        return Outcome(
            self.name, "made", files, len(made.timeline), messages=made.timeline.warnings
        )


def plan_spotting(
    sources: Sequence[Path],
    model: ModelSpec,
    *,
    out: Path | None = None,
    threshold: float = DEFAULT_THRESHOLD,
    size: str = "224p",
    overwrite: bool = False,
) -> list[SpotTask]:
    """The tasks of videos and of folders of videos.

    Args:
        out: the results' folder, with the folders of a source below; by default results lie
            beside each video.
        size: which of several videos of a half to read.

    Raises:
        InputError: a folder without videos; two videos whose results would clash.
    """
    tasks = []
    for source in sources:
        if not source.is_dir():
            folder = source.parent if out is None else out
            tasks.append(SpotTask(source, folder, model, threshold, overwrite))
            continue
        videos = find_videos(source, size=size)
        if not videos:
            raise InputError("there are no videos in it", where=source)
        for video in videos:
            below = video.parent if out is None else out / video.parent.relative_to(source)
            tasks.append(SpotTask(video, below, model, threshold, overwrite))
    for folder in dict.fromkeys(task.folder for task in tasks):
        check_writable(folder)
        refuse_clashes([task.video for task in tasks if task.folder == folder], folder)
    return tasks


@dataclass(frozen=True)
class Cut:
    """How reels are made.

    Attributes:
        suffix: of their files, which says what they are: ``.mp4``, ``.otio``, ...
        seconds: greatest length.
        rate: frames a second, for edit lists without a video.
        aspect: width by height of the picture, if not that of the video.
    """

    suffix: str = ".mp4"
    seconds: float = DEFAULT_REEL_SECONDS
    labels: bool = False
    snap: bool = True
    shift_seconds: float = 0.0
    jitter_seconds: float = DEFAULT_JITTER_SECONDS
    rate: Fraction | None = None
    aspect: Fraction | None = None


@dataclass(frozen=True)
class ReelTask:
    """The reel of one game, ``<game>.mp4``, and ``<game>.reel.json``, which says what is in it.

    Attributes:
        places: folders that its videos may lie in.
        output: the first of these files.
    """

    match: Match
    places: tuple[Path, ...]
    output: Path
    cut: Cut
    overwrite: bool = False

    @property
    def name(self) -> str:
        """See ``FileTask``."""
        return self.match.name

    def run(self, report: Report) -> str:
        """Choose and cut, unless it was done; gives an ``Outcome`` as JSON."""
        try:
            outcome = self._run(report)
        except InputError as error:
            outcome = Outcome(self.name, "failed", messages=(f"{self.name}: {error}",))
        report(1.0)
        return json.dumps(outcome.told())

    def clear(self) -> None:
        """See ``FileTask``."""
        for path in (self.output, self._note()):
            remove_temporary(path)

    def with_threads(self, threads: int | None) -> "ReelTask":
        """The same task: codecs see to their threads themselves."""
        return self

    def _run(self, report: Report) -> Outcome:
        cut = self.cut
        chosen = select(
            self.match,
            cut.seconds,
            shift_seconds=cut.shift_seconds,
            jitter_seconds=cut.jitter_seconds,
        )
        if not len(chosen):
            raise InputError("there are no events to show")
        videos = self._videos(chosen)
        made_of = self._digest(videos)
        note, is_list = self._note(), self._note() == self.output
        if (kept := self._kept(made_of)) is not None:
            return self._outcome("kept", kept)
        writable_folder(self.output.parent)
        if is_list and videos is None:
            made = chosen
        else:
            made = cut_reel(
                chosen,
                self.output,
                videos,
                burn_labels=cut.labels,
                snap=cut.snap,
                rate=cut.rate,
                aspect=cut.aspect,
                progress=report,
            )
        write(replace(made, extra={**made.extra, _MADE_OF: made_of}), note)
        return self._outcome("made", made)

    def _outcome(self, status: Status, reel: Reel) -> Outcome:
        files = tuple(dict.fromkeys((str(self.output), str(self._note()))))
        return Outcome(self.name, status, files, len(reel), reel.seconds)

    def _note(self) -> Path:
        if self.output.name.endswith(REEL_ENDING):
            return self.output
        return self.output.with_name(self.output.name.removesuffix(self.cut.suffix) + REEL_ENDING)

    def _videos(self, chosen: Reel) -> Any:
        """The videos that lie in one of the places; None for an edit list that does without."""
        for place in self.places:
            if (found := videos_of(place / "events", chosen, [])) is not None:
                return found
        return None

    def _digest(self, videos: Any) -> str:
        """What tells this reel from one of other events, other videos or other wishes."""
        paths = videos.values() if isinstance(videos, dict) else filter(None, [videos])
        files = [(path.name, path.stat().st_size, path.stat().st_mtime_ns) for path in paths]
        events = [(timeline.half, timeline.events) for timeline in self.match.timelines]
        return hashlib.sha256(repr((events, files, self.cut)).encode()).hexdigest()

    def _kept(self, made_of: str) -> Reel | None:
        """The reel that is there, if it was made of the same; None if there is none.

        Raises:
            InputError: a file of somebody else lies in the place.
        """
        note = self._note()
        if self.overwrite or not self.output.exists():
            return None
        try:
            reel = read_reel(note) if note.exists() else None
        except FormatError:
            reel = None
        if reel is None or _MADE_OF not in reel.extra:
            raise InputError(
                "is there already and nothing says what it was made of",
                where=self.output,
                remedy="write elsewhere with -o, or give --overwrite",
            )
        return reel if reel.extra[_MADE_OF] == made_of else None


def plan_reels(
    events: Path, out: Path, cut: Cut, *, videos: Path | None = None, overwrite: bool = False
) -> list[ReelTask]:
    """The tasks of a folder of events: one reel for each game in it, of all its halves.

    Args:
        events: a folder of ``*.events.json``, or of predictions in another format.
        out: the reels' folder: ``<league>/<season>/<game>.mp4``, or ``<stem>.mp4``.
        videos: the folder in which the videos lie as the events do; by default that of the events.

    Raises:
        FormatError: a file of events cannot be read.
    """
    is_own = any(events.rglob(f"*{EVENTS_ENDING}"))
    matches = read_matches(events, "touchline" if is_own else None)
    check_writable(out)
    root = videos or events
    suffix = REEL_ENDING if cut.suffix == ".json" else cut.suffix
    cut = replace(cut, suffix=suffix)
    return [
        ReelTask(
            match,
            (root / name, (root / name).parent, root),
            out / f"{name}{suffix}",
            cut,
            overwrite,
        )
        for name, match in matches.items()
    ]
