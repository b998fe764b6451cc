"""Finding the events of a video, with the curves behind them."""

import math
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from touchline.formats.touchline_json import event_to_json
from touchline.media.segments import cut_segment
from touchline.scores import Scores
from touchline.server.jobs.stages import Report
from touchline.spotting.spotter import load


def spot_video(
    report: Report,
    *,
    source: str,
    model: str,
    threshold: float,
    scores: str | None,
    starts: Sequence[float] = (0.0,),
) -> dict[str, Any]:
    """Spot a video, or each half of one that holds several, as if it were alone.

    Args:
        scores: where to write the curves; None not to.
        starts: where the halves begin; times of events and curves count through.

    Raises:
        InputError: no such model, or the video cannot be read.
    """
    ends = [*starts[1:], math.inf]
    timelines = []
    with load(model) as spotter:
        for number, (start, end) in enumerate(zip(starts, ends, strict=True)):

            def share(done: float, number: int = number) -> None:
                report((number + done) / len(starts))

            with _stretch(source, start, end, alone=len(starts) == 1) as path:
                timelines.append(spotter.spot(path, threshold=threshold, progress=share))
    if scores is not None:
        write_scores([timeline.scores for timeline in timelines], starts, Path(scores))
    producer = timelines[0].model
    return {
        "events": [
            event_to_json(replace(event, seconds=event.seconds + start))
            for timeline, start in zip(timelines, starts, strict=True)
            for event in timeline
        ],
        "labels": list(timelines[0].labels or ()),
        "duration_seconds": starts[-1] + (timelines[-1].video.duration_seconds or 0.0),
        "warnings": list(dict.fromkeys(w for timeline in timelines for w in timeline.warnings)),
        "producer": {}
        if producer is None
        else {"name": producer.name, "weights": producer.weights, "sha256": producer.sha256},
    }


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
