"""How late detections are, class by class: the median distance to the nearest annotation."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from touchline.errors import FormatError
from touchline.events import Match

REACH_SECONDS = 20.0
"""Detections further away from an annotation of their class are of something else."""

MIN_CONFIDENCE = 0.5
FEWEST_PAIRS = 20
"""Of a class with fewer pairs nothing is said."""


@dataclass(frozen=True)
class Delay:
    """Seconds by which a class is found late, negative where early; how many pairs told it."""

    seconds: float
    pairs: int
    quartiles: tuple[float, float]

    def to_json(self) -> dict[str, Any]:
        """The fields by name."""
        return {"seconds": self.seconds, "pairs": self.pairs, "quartiles": list(self.quartiles)}


def measure_delays(
    labels: Mapping[str, Match], predictions: Mapping[str, Match]
) -> dict[str, Delay]:
    """The delay of each class that both sides have often enough, rounded to a tenth of a second.

    Args:
        labels, predictions: by game.

    Raises:
        FormatError: no game is on both sides.
    """
    games = [game for game in labels if game in predictions]
    if not games:
        raise FormatError("no game has both labels and predictions")
    gaps: dict[str, list[float]] = {}
    for game in games:
        for timeline in predictions[game].timelines:
            true = labels[game].half(timeline.half) if timeline.half else labels[game].timelines[0]
            times: dict[str, list[float]] = {}
            for event in true or ():
                times.setdefault(event.label, []).append(event.seconds)
            for event in timeline:
                away = [event.seconds - seconds for seconds in times.get(event.label, ())]
                gap = min(away, key=abs, default=np.inf)
                if event.confidence >= MIN_CONFIDENCE and abs(gap) <= REACH_SECONDS:
                    gaps.setdefault(event.label, []).append(gap)
    often = sorted(name for name, found in gaps.items() if len(found) >= FEWEST_PAIRS)
    return {name: _delay(gaps[name]) for name in often}


def _delay(gaps: list[float]) -> Delay:
    lower, median, upper = (round(float(x), 1) for x in np.quantile(gaps, (0.25, 0.5, 0.75)))
    return Delay(median, len(gaps), (lower, upper))
