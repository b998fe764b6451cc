"""From curves to events: every step is a candidate, and suppression keeps the peaks.

Three suppressions, each per class:

- ``maximum`` (E2E-Spot): a candidate goes if a strictly higher one lies within the window, even if
  that one goes too. Equal neighbours both stay.
- ``greedy`` (T-DEED and most of the field): the highest stays and removes its window, and so on.
- ``soft`` (soft-NMS, T-DEED): the highest stays and scales its window down by (distance/window)²
  instead of removing it.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt

from touchline.errors import ConfigError
from touchline.events import Event
from touchline.scores import FloatArray, Scores

SuppressionKind = Literal["maximum", "greedy", "soft"]
Steps = npt.NDArray[np.int64]

MIN_CONFIDENCE = 0.01
"""The published floor of the high-recall list: what lies below is not an event."""


def keep_maxima(steps: Steps, values: FloatArray, window: int) -> FloatArray:
    """(n,) confidences after the local-maximum filter; 0 for what it drops.

    Args:
        steps: (n,) increasing positions of the candidates of one class.
        values: (n,) their confidences.
        window: reach in steps, inclusive.
    """
    first = np.searchsorted(steps, steps - window, side="left")
    last = np.searchsorted(steps, steps + window, side="right")
    highest = np.array([values[a:b].max() for a, b in zip(first, last, strict=True)], values.dtype)
    return np.where(values >= highest, values, 0).astype(np.float32)


def keep_greedy(steps: Steps, values: FloatArray, window: int) -> FloatArray:
    """(n,) confidences after greedy suppression; 0 for what it drops. Ties: the earlier stays."""
    kept = np.zeros_like(values)
    free = np.ones(len(steps), bool)
    for i in np.argsort(-values, kind="stable"):
        if free[i]:
            kept[i] = values[i]
            a, b = np.searchsorted(steps, (steps[i] - window, steps[i] + window + 1))
            free[a:b] = False
    return kept


def keep_soft(steps: Steps, values: FloatArray, window: int) -> FloatArray:
    """(n,) confidences after soft-NMS; 0 for what falls below ``MIN_CONFIDENCE``."""
    kept = np.zeros_like(values)
    left = values.astype(np.float64)
    while left.size and left.max() >= MIN_CONFIDENCE:
        i = int(left.argmax())
        kept[i] = left[i]
        a, b = np.searchsorted(steps, (steps[i] - window, steps[i] + window + 1))
        left[a:b] *= ((steps[a:b] - steps[i]) / max(window, 1)) ** 2
        left[i] = -1
    return kept


SUPPRESSIONS: dict[SuppressionKind, Callable[[Steps, FloatArray, int], FloatArray]] = {
    "maximum": keep_maxima,
    "greedy": keep_greedy,
    "soft": keep_soft,
}


@dataclass(frozen=True)
class Suppression:
    """How peaks are kept apart.

    Raises:
        ConfigError: unknown kind or negative window.
    """

    kind: SuppressionKind = "maximum"
    window_seconds: float = 1.0

    def __post_init__(self) -> None:
        if self.kind not in SUPPRESSIONS:
            raise ConfigError(
                f"unknown suppression {self.kind!r}", remedy=f"use {', '.join(SUPPRESSIONS)}"
            )
        if not 0 <= self.window_seconds <= 600:
            raise ConfigError(
                f"a suppression window of {self.window_seconds} s", remedy="use 0 to 600 s"
            )


def find_peaks(
    scores: Scores, suppression: Suppression, threshold: float = MIN_CONFIDENCE
) -> tuple[Event, ...]:
    """The events that curves show, in order of time, each at the true time of its step.

    Args:
        threshold: events below this confidence are left out (after suppression).
    """
    window = int(suppression.window_seconds * scores.rate + 1e-6)
    suppress = SUPPRESSIONS[suppression.kind]
    found: list[Event] = []
    for column, label in enumerate(scores.labels):
        curve = scores.values[:, column]
        steps = np.flatnonzero(curve >= MIN_CONFIDENCE)
        kept = suppress(steps, curve[steps], window)
        found += [
            Event(float(scores.seconds[step]), label, float(value), source="model")
            for step, value in zip(steps, kept, strict=True)
            if value >= max(threshold, MIN_CONFIDENCE)
        ]
    return tuple(sorted(found, key=lambda event: event.seconds))
