"""Finding the events of a video, with the curves behind them."""

import math
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, replace
from pathlib import Path
from typing import Annotated, Any

import numpy as np
from pydantic import BeforeValidator, Field, PlainSerializer

from touchline.broadcast.result import write_broadcast
from touchline.events import RAN, SCORE_BUG, TEAMS, Producer, Timeline
from touchline.match_state import as_box
from touchline.media.segments import cut_segment
from touchline.runtime.progress import Progress
from touchline.scores import Scores
from touchline.server.jobs.stages.base import (
    JsonEvent,
    StageArguments,
    StageResult,
)
from touchline.spotting.auto_spotter import AutoSpotter
from touchline.spotting.kept import KeptWork
from touchline.spotting.picture_spotter import Spotter
from touchline.spotting.spotter import VideoSpotter, load


def _producer_to_json(producer: Producer | None) -> dict[str, Any]:
    return {} if producer is None else asdict(producer)


JsonProducer = Annotated[
    Producer | None,
    BeforeValidator(lambda value: value or None),
    PlainSerializer(_producer_to_json),
]
"""The model that found the events; as JSON, an empty object where it is not known."""


class SpotArguments(StageArguments):
    """The video to spot.

    Attributes:
        scores: where to write the curves; None not to.
        broadcasts: where to write what each half says by itself, if the model reads that; empty
            not to.
        starts: where the halves begin; times of events, replays and curves count through.
        halves: which halves they are, where several files say so.
        kept: folder for what has been found so far, which outlasts an attempt; None keeps nothing.
    """

    source: str
    model: str
    threshold: float
    scores: str | None
    broadcasts: tuple[str, ...] = ()
    starts: tuple[float, ...] = (0.0,)
    halves: tuple[int | None, ...] = (None,)
    kept: str | None = None


class SpotResult(StageResult):
    """What was found; ``producer`` is None where the timeline does not name the model.

    Attributes:
        replays: (start, end) of what is shown again; None where the model does not say.
        teams: ``home`` and ``away`` as the broadcast writes them, where it does.
        ran: one line on what read the video; empty where the model does not say.
        score_bug: the box of the score bug, as shares of the picture, where one was found.
    """

    events: tuple[JsonEvent, ...]
    replays: tuple[tuple[float, float], ...] | None = None
    teams: dict[str, str] = Field(default_factory=dict)
    ran: str = ""
    score_bug: tuple[float, float, float, float] | None = None
    labels: tuple[str, ...]
    duration_seconds: float
    warnings: tuple[str, ...]
    producer: JsonProducer


def spot_video(arguments: SpotArguments, progress: Progress) -> SpotResult:
    """Spot a video, or each half of a video that holds several, as if it were alone.

    Raises:
        InputError: there is no such model, or the video cannot be read.
    """
    starts = arguments.starts
    ends = [*starts[1:], math.inf]
    timelines = []
    with load(arguments.model) as spotter:
        reads_broadcast = isinstance(spotter, AutoSpotter)
        for number, (start, end, half) in enumerate(
            zip(starts, ends, arguments.halves, strict=True)
        ):

            def share(done: float, number: int = number) -> None:
                progress((number + done) / len(starts))

            with _stretch(arguments.source, start, end, alone=len(starts) == 1) as path:
                target = arguments.broadcasts[number] if arguments.broadcasts else None
                kept = None if arguments.kept is None else Path(arguments.kept) / str(number)
                work = None if kept is None else KeptWork(kept, Path(path))
                timelines.append(
                    _spot(spotter, path, arguments.threshold, half, target, work, share)
                )
    if arguments.scores is not None:
        write_scores([timeline.scores for timeline in timelines], starts, Path(arguments.scores))
    return SpotResult(
        events=tuple(
            replace(event, seconds=event.seconds + start)
            for timeline, start in zip(timelines, starts, strict=True)
            for event in timeline
        ),
        replays=_replays(timelines, starts) if reads_broadcast else None,
        teams=_teams(timelines),
        ran=_ran(timelines),
        score_bug=next(filter(None, (as_box(t.extra.get(SCORE_BUG)) for t in timelines)), None),
        labels=tuple(timelines[0].labels or ()),
        duration_seconds=starts[-1] + (timelines[-1].video.duration_seconds or 0.0),
        warnings=tuple(dict.fromkeys(w for timeline in timelines for w in timeline.warnings)),
        producer=timelines[0].model,
    )


def _spot(
    spotter: VideoSpotter,
    video: str,
    threshold: float,
    half: int | None,
    broadcast: str | None,
    kept: KeptWork | None,
    progress: Progress,
) -> Timeline:
    """Spot a video; a model that reads the broadcast also writes what it says."""
    if isinstance(spotter, Spotter):
        return spotter.spot(video, threshold=threshold, kept=kept, progress=progress)
    if not isinstance(spotter, AutoSpotter):
        return spotter.spot(video, threshold=threshold, progress=progress)
    watched = spotter.watch(video, threshold=threshold, half=half, kept=kept, progress=progress)
    if broadcast is not None:
        Path(broadcast).parent.mkdir(parents=True, exist_ok=True)
        write_broadcast(watched.broadcast, broadcast)
    return watched.timeline


def _teams(timelines: Sequence[Timeline]) -> dict[str, str]:
    known = (timeline.extra.get(TEAMS) or {} for timeline in timelines)
    return next(
        ({side: name for side, name in teams.items() if name} for teams in known if teams), {}
    )


def _ran(timelines: Sequence[Timeline]) -> str:
    lines = (timeline.extra.get(RAN) for timeline in timelines)
    return "; ".join(dict.fromkeys(str(line) for line in lines if line))


def _replays(
    timelines: Sequence[Timeline], starts: Sequence[float]
) -> tuple[tuple[float, float], ...]:
    return tuple(
        (first + start, last + start)
        for timeline, start in zip(timelines, starts, strict=True)
        for first, last in timeline.replays
    )


@contextmanager
def _stretch(source: str, start: float, end: float, *, alone: bool) -> Iterator[str]:
    if alone:
        yield source
        return
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "half.mp4"
        cut_segment(source, path, start, end)
        yield str(path)


def write_scores(curves: Sequence[Scores | None], starts: Sequence[float], path: Path) -> None:
    """Keep curves as arrays ``values`` (steps, classes) float16 and ``seconds`` (steps,)."""
    there = [(one, start) for one, start in zip(curves, starts, strict=True) if one is not None]
    if not there:
        return
    np.savez_compressed(
        path,
        values=np.concatenate([one.values for one, _ in there]).astype(np.float16),
        seconds=np.concatenate([one.seconds + start for one, start in there]),
        labels=np.array(there[0][0].labels.labels),
    )
