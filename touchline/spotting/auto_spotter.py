"""The default on a real match: what its broadcast says, and the best network that is here.

The score bug, the sound and the cuts are read without any training for football; a network of the
17 classes that learnt from real matches joins in where one is installed. The shipped network, which
has only seen simulated matches, never does.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from touchline.broadcast import ocr
from touchline.broadcast.one_pass import (
    Pause,
    Resumption,
    meeting_seconds,
    observe,
    open_pass,
)
from touchline.broadcast.reading import BroadcastReader
from touchline.broadcast.result import Broadcast
from touchline.broadcast.stamps import stamped
from touchline.errors import FormatError, InputError
from touchline.events import RAN, SCORE, SCORE_BUG, SIDES, TEAMS, Producer, Timeline, Video
from touchline.labels import BROADCAST, HIGHLIGHT, SOCCERNET_V2, LabelSet
from touchline.media.video import VideoInfo, probe
from touchline.media.views import View
from touchline.runtime.progress import Progress
from touchline.scores import Scores
from touchline.spotting.agreement import agreed, goal_evidence
from touchline.spotting.broadcast_events import events_of
from touchline.spotting.kept import KeptWork
from touchline.spotting.picture_spotter import Spotter, no_picture
from touchline.spotting.second_part import PartsDifferError
from touchline.spotting.spotter import NetworkSpotter
from touchline.spotting.timelines import DEFAULT_THRESHOLD, producer_of
from touchline.zoo.catalogue import command_for_17_classes
from touchline.zoo.real_matches import models_for_real_matches
from touchline.zoo.store import ModelFolder

_READING = "broadcast"
_KEPT = "broadcast"
_READING_WITHOUT_SCORE = "broadcast-without-score"

LEAST_EVIDENCE = 0.05
"""Goals of a network from this confidence on say when a goal was scored."""


@dataclass(frozen=True)
class WatchedVideo:
    """What a video was found to hold, and what its broadcast says."""

    timeline: Timeline
    broadcast: Broadcast


class AutoSpotter:
    """Reads what a broadcast says, with a network beside it or without: a ``VideoSpotter``.

    A network of pictures shares the decoding; one of features reads the video by itself first.

    Args:
        network: of the 17 classes; None for the broadcast alone.
        remarks: what is to be said with every video, such as why a network does not run.
        threads: processor threads at most; all by default.
    """

    def __init__(
        self,
        network: NetworkSpotter | None = None,
        remarks: tuple[str, ...] = (),
        threads: int | None = None,
    ) -> None:
        self.network = network
        self.remarks = remarks
        self.threads = threads

    @property
    def producer(self) -> Producer:
        """See ``VideoSpotter``."""
        return _producer(None if self.network is None else self.network.producer)

    def __enter__(self) -> "AutoSpotter":
        return self

    def __exit__(self, *exception: object) -> None:
        if self.network is not None:
            self.network.__exit__(*exception)

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
        progress: Progress | None = None,
    ) -> Timeline:
        """Find the events of a video; see ``watch``."""
        return self.watch(
            video,
            threshold=threshold,
            start_seconds=start_seconds,
            end_seconds=end_seconds,
            progress=progress,
        ).timeline

    def watch(
        self,
        video: str | Path,
        *,
        threshold: float = DEFAULT_THRESHOLD,
        start_seconds: float = 0.0,
        end_seconds: float | None = None,
        half: int | None = None,
        kept: KeptWork | None = None,
        progress: Progress | None = None,
    ) -> WatchedVideo:
        """Find the events of a video, and all that its broadcast says.

        Args:
            threshold: events of lower confidence are left out.
            start_seconds, end_seconds: the part of the video to read, None for its end; times
                stay those of the whole video. A network that needs whole videos is left out.
            half: which half the video is, where that is known otherwise.
            kept: where to go on from, and to write to how far it is: a network of pictures and
                what was seen of the broadcast. Sound is heard from its start again, and a network
                of features starts anew.
            progress: called with the share of the part done, 0 to 1.

        Returns:
            The timeline, whose events have half, match clock and score where the broadcast says
            them, and whose ``warnings`` say what could not be read; and the broadcast.

        Raises:
            MediaError: the file is not a video that can be read, or ends before the part starts.
        """
        part = _Part(start_seconds, end_seconds)
        share = progress or (lambda done: None)
        if isinstance(self.network, Spotter):
            whole = partial(_see_with, self.network, Path(video), part, self.threads, kept, share)
            try:
                seen = whole()
            except PartsDifferError:
                seen = whole(alone=True)
        else:
            seen = _see_beside(self.network, Path(video), part, self.threads, kept, share)
        timeline = self._timeline(seen, half)
        shown = [one for one in timeline if one.confidence >= threshold and part.holds(one.seconds)]
        return WatchedVideo(timeline.with_events(shown), seen.broadcast)

    def _timeline(self, seen: "_Seen", half: int | None) -> Timeline:
        said, found = seen.broadcast, seen.found
        events = agreed(events_of(said, half), () if found is None else found, said)
        of_network = () if found is None else found.warnings
        warnings = (self.remarks, of_network, seen.remarks, said.remarks)
        timeline = Timeline(
            seen.video,
            tuple(events),
            labels=_labels(found),
            half=half,
            model=self.producer,
            warnings=tuple(dict.fromkeys(one for several in warnings for one in several)),
            scores=_curves(said, None if found is None else found.scores),
            replays=tuple((one.start_seconds, one.end_seconds) for one in said.replays or ()),
            extra={RAN: self._ran(seen), **_match(said)},
        )
        return stamped(timeline, said)

    def _ran(self, seen: "_Seen") -> str:
        """One line on what read the video, what it lacks, and what would add to it."""
        text = _read_by(seen.broadcast)
        if self.network is None:
            return f"{text}; {command_for_17_classes()} adds the {len(SOCCERNET_V2)} classes"
        name = self.network.producer.weights
        if isinstance(self.network, Spotter) and self.network.engine.name.endswith("int8"):
            name = f"{name} in int8"
        return f"{text}; {'without ' if seen.found is None else ''}network {name}"


@dataclass(frozen=True)
class _Part:
    """The part of a video that is read."""

    start_seconds: float
    end_seconds: float | None

    @property
    def is_whole(self) -> bool:
        return not self.start_seconds and self.end_seconds is None

    def holds(self, seconds: float) -> bool:
        """Whether a time is in it; the clock tells of kick-offs before it, too."""
        return self.is_whole or (
            self.start_seconds <= seconds
            and (self.end_seconds is None or seconds <= self.end_seconds)
        )

    def share(self, done_seconds: float, total_seconds: float) -> float:
        """Of the part, when a pass is at a time."""
        end = min(total_seconds, self.end_seconds or total_seconds)
        length = max(end - self.start_seconds, 1e-6)
        return min(max((done_seconds - self.start_seconds) / length, 0.0), 1.0)


@dataclass(frozen=True)
class _Seen:
    """What was read of a video.

    Attributes:
        found: events and curves of the network, down to those that are mere evidence.
        remarks: what people should know besides what the broadcast says of itself.
    """

    video: Video
    broadcast: Broadcast
    found: Timeline | None
    remarks: tuple[str, ...] = ()


class _Reading:
    """A reader of a broadcast in its pass, with what an earlier attempt has kept of it.

    Attributes:
        resumption: where the pass goes on; None from its start.
    """

    def __init__(
        self, info: VideoInfo, part: _Part, threads: int | None, kept: KeptWork | None
    ) -> None:
        self.reader = BroadcastReader(info, threads=threads)
        self.resumption: Resumption | None = None
        self._kept = kept
        self._settings = f"from {part.start_seconds} {ocr.is_installed()}"
        self._seen: tuple[float | None, ...] = tuple(None for _ in self.reader.pictures)

    @property
    def views(self) -> list[View]:
        """What the reader looks at."""
        return [view for view, _ in self.reader.pictures]

    def go_on(self, start: Fraction, network_start: Fraction | None, *more: View) -> Fraction:
        """Take over what was kept; where the pass begins.

        Args:
            start: where it begins if nothing was kept.
            network_start: the first frame that a network still needs; None without one.
            more: views of others, which must find their frames from there on.
        """
        state = None if self._kept is None else self._kept.read(_KEPT, self._settings)
        if state is not None and len(state["seen"]) == len(self._seen):
            try:
                self.reader.go_on(state["reader"])
                self._seen = state["seen"]
            except FormatError:
                pass  # of another version: it starts anew
        looked = min((Fraction(one or start) for one in self._seen), default=start)
        latest = looked if network_start is None else min(looked, network_start)
        begin = meeting_seconds([*self.views, *more], start, latest)
        if state is not None or begin > start:
            self.resumption = Resumption(begin, self._seen)
        return begin

    @property
    def pause(self) -> Pause | None:
        """What writes the state of the reader, now and then."""
        kept = self._kept
        if kept is None:
            return None

        def keep(seen: tuple[float | None, ...]) -> None:
            kept.keep(_KEPT, self._settings, lambda: {"seen": seen, "reader": self.reader.kept()})

        return keep


def _see_with(
    network: Spotter,
    video: Path,
    part: _Part,
    threads: int | None,
    kept: KeptWork | None,
    progress: Progress,
    *,
    alone: bool = False,
) -> _Seen:
    """Read a video in one pass, from which a network of pictures pulls its frames.

    Raises:
        PartsDifferError: not if it is ``alone``.
    """
    info = probe(video)
    reading = _Reading(info, part, threads, kept)
    reader, begun = reading.reader, network.begun(kept, part.start_seconds)
    start, rate = network.first_frame_seconds(part.start_seconds), network.card.frame_rate
    needed = start + (0 if begun is None else begun.first_needed) / rate
    begin = reading.go_on(start, needed, network.view)
    border = None if alone else network.border(info, part.start_seconds, part.end_seconds)
    where = (border, part.start_seconds, part.end_seconds)
    with (
        open_pass(
            video,
            network.view,
            reader.pictures,
            reader.sounds,
            start_seconds=start,
            end_seconds=part.end_seconds,
            resumption=reading.resumption,
            pause=reading.pause,
            threads=threads,
        ) as frames,
        network.second_process(video, *where, begun=begun, reads_on=True) as second,
    ):
        scored = network.score_frames(
            frames,
            start_seconds=part.start_seconds,
            end_seconds=part.end_seconds,
            kept=kept,
            begun=begun,
            skipped_frames=int((begin - start) * rate),
            second=second,
            progress=progress,
        )
        report = frames.report
    # That the picture stops early is for the broadcast to say.
    found = network.timeline(replace(scored, stopped_at_seconds=None), LEAST_EVIDENCE)
    return _Seen(scored.video, reader.finish(report, goal_evidence(found)), found)


def _see_beside(
    network: NetworkSpotter | None,
    video: Path,
    part: _Part,
    threads: int | None,
    kept: KeptWork | None,
    progress: Progress,
) -> _Seen:
    """Read a video in a pass of its own, after a network of features, if any, has run."""
    found: Timeline | None = None
    remarks: tuple[str, ...] = ()
    reads_whole = network is not None and part.is_whole
    if network is not None and reads_whole:
        scored = network.score(video, progress=lambda done: progress(done / 2))
        found = network.timeline(scored, LEAST_EVIDENCE)
    elif network is not None:
        remarks = (f"{network.producer.weights} reads whole videos: it was left out of this part",)
    begun = 0.5 if reads_whole else 0.0
    info = probe(video)
    reading = _Reading(info, part, threads, kept)
    reader = reading.reader

    def show(done: float, total: float) -> None:
        progress(begun + (1 - begun) * part.share(done, total))

    begin = reading.go_on(Fraction(part.start_seconds), None)
    show(float(begin), info.duration_seconds)
    report = observe(
        video,
        reader.pictures,
        reader.sounds,
        start_seconds=part.start_seconds,
        end_seconds=part.end_seconds,
        resumption=reading.resumption,
        pause=reading.pause,
        threads=threads,
        progress=show,
    )
    if report.end_seconds <= part.start_seconds or info.duration_seconds <= part.start_seconds:
        raise no_picture(info, part.start_seconds)
    said = reader.finish(report, () if found is None else goal_evidence(found))
    seconds = report.end_seconds if report.truncated else info.duration_seconds
    return _Seen(Video(video.name, seconds, info.frame_rate), said, found, remarks)


def _read_by(said: Broadcast) -> str:
    """Such as ``read by sound, cuts and replays; no score bug``."""
    has_sound = said.has_sound is not False
    parts = [*(["score bug"] if said.has_bug else []), *(["sound"] if has_sound else [])]
    lacks = [
        *([] if has_sound else ["no sound"]),
        *(["no score bug"] if said.has_bug is False else []),
    ]
    text = f"read by {', '.join([*parts, 'cuts and replays'])}"
    return "; ".join([text, *filter(None, [", ".join(lacks)])])


def _match(said: Broadcast) -> dict[str, Any]:
    """Teams, last score and where the score bug stands, as further fields of a timeline."""
    teams = {} if said.teams is None else {TEAMS: dict(zip(SIDES, said.teams, strict=True))}
    score = {} if said.last_score is None else {SCORE: list(said.last_score)}
    box = {} if said.bug_box is None else {SCORE_BUG: [round(one, 4) for one in said.bug_box]}
    return {**teams, **score, **box}


def _labels(found: Timeline | None) -> LabelSet:
    """The classes of a broadcast, after those of the network."""
    if found is None or found.labels is None:
        return BROADCAST
    more = [label for label in BROADCAST if label not in found.labels]
    return LabelSet(f"{found.labels.name}+{BROADCAST.name}", (*found.labels, *more))


def _curves(said: Broadcast, of_network: Scores | None) -> Scores | None:
    """The curves of the network, and the excitement as the curve of highlights."""
    curve = said.excitement
    if curve is None:
        return of_network
    at = np.arange(len(curve.values)) / float(curve.rate)
    values = np.asarray(curve.values, np.float32)
    if of_network is None:
        return Scores(values[:, None], at, LabelSet(HIGHLIGHT, (HIGHLIGHT,)), curve.rate)
    column = np.interp(of_network.seconds, at, values)[:, None] if len(at) else None
    if column is None:
        return of_network
    labels = LabelSet(of_network.labels.name, (*of_network.labels, HIGHLIGHT))
    both = np.concatenate([of_network.values, column], axis=1)
    return Scores(both, of_network.seconds, labels, of_network.rate)


def planned_producer() -> Producer:
    """What timelines of the default will name as what produced them, without loading it."""
    models = models_for_real_matches()
    return _producer(producer_of(models[0].card) if models else None)


def is_broadcast_alone(producer: Producer) -> bool:
    """Whether what produced a timeline is the reading of a broadcast, without a network."""
    return producer.name in (_READING, _READING_WITHOUT_SCORE)


def _producer(network: Producer | None) -> Producer:
    own = _READING if ocr.is_installed() else _READING_WITHOUT_SCORE
    if network is None:
        return Producer(own)
    return Producer(f"{own}+{network.name}", network.weights, network.sha256)


def load_auto(
    open_network: Callable[[ModelFolder], NetworkSpotter],
    threads: int | None = None,
    wishes: Sequence[str] = (),
) -> AutoSpotter:
    """Make the default ready to run, with the best network for real matches that can.

    Args:
        open_network: makes a model ready to run.
        threads: see ``AutoSpotter``.
        wishes: what is asked of the network; where none runs, it is said that they change nothing.
    """
    remarks: list[str] = []
    for folder in models_for_real_matches():
        try:
            return AutoSpotter(open_network(folder), tuple(remarks), threads)
        except InputError as error:
            remarks.append(f"{folder.path.name} does not run: {error}")
    if wishes:
        remarks.append(f"no network runs, so that nothing follows from {' and '.join(wishes)}")
    return AutoSpotter(None, tuple(remarks), threads)
