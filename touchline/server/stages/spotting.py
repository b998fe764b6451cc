"""Finding the events of a video, with the curves behind them."""

from pathlib import Path
from typing import Any

import numpy as np

from touchline.formats.touchline_json import event_to_json
from touchline.scores import Scores
from touchline.server.stages import Report
from touchline.spotting.spotter import load


def spot_video(
    report: Report, *, source: str, model: str, threshold: float, scores: str | None
) -> dict[str, Any]:
    """Spot a video.

    Args:
        scores: where to write the curves; None not to.

    Raises:
        InputError: no such model, or the video cannot be read.
    """
    with load(model) as spotter:
        timeline = spotter.spot(source, threshold=threshold, progress=report)
    if scores is not None and timeline.scores is not None:
        write_scores(timeline.scores, Path(scores))
    producer = timeline.model
    return {
        "events": [event_to_json(event) for event in timeline],
        "labels": list(timeline.labels or ()),
        "duration_seconds": timeline.video.duration_seconds,
        "warnings": list(timeline.warnings),
        "producer": {}
        if producer is None
        else {"name": producer.name, "weights": producer.weights, "sha256": producer.sha256},
    }


def write_scores(scores: Scores, path: Path) -> None:
    """Keep curves as arrays ``values`` (steps, classes) float16 and ``seconds`` (steps,)."""
    np.savez_compressed(
        path,
        values=scores.values.astype(np.float16),
        seconds=scores.seconds,
        labels=np.array(scores.labels.labels),
    )
