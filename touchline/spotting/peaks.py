"""From curves to events: every step is a candidate, and suppression keeps the peaks.

Six suppressions, each per class:

- ``maximum`` (E2E-Spot): a candidate goes if a strictly higher one lies within the window, even if
  that one goes too. Equal neighbours both stay.
- ``greedy`` (T-DEED and most of the field): the highest stays and removes its window, and so on.
- ``half-open`` (the SoccerNet benchmarks of pooling and CALF): the same, but the last step of the
  window stays.
- ``soft`` (soft-NMS, ASTRA, T-DEED): the highest stays and scales its window down by
  (distance/window)² instead of removing it.
- ``linear`` (soft-NMS, dense anchors): the same by distance/window.
- ``distance`` (SciPy's ``find_peaks``, the 2023 ball winner): only steps higher than both their
  neighbours are candidates; the highest stays and removes those nearer than the window.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction

import numpy as np
import numpy.typing as npt

from touchline.errors import ConfigError
from touchline.events import PICTURE_SIDES, Event
from touchline.scores import FloatArray, Scores, SuppressionKind

Steps = npt.NDArray[np.int64]

MIN_CONFIDENCE = 0.01
"""The published floor of the high-recall list: what lies below is not an event."""

MAX_WINDOW_SECONDS = 600.0

_ROUNDING = 1e-6
"""By so much a reach in steps may miss the whole number that is meant."""


def keep_maxima(steps: Steps, values: FloatArray, reach: float) -> FloatArray:
    """(n,) confidences after the local-maximum filter; 0 for what it drops.

    Args:
        steps: (n,) increasing positions of the candidates of one class.
        values: (n,) their confidences.
        reach: of the window on either side in steps; its whole part counts, inclusive.
    """
    window = int(reach)
    first = np.searchsorted(steps, steps - window, side="left")
    last = np.searchsorted(steps, steps + window, side="right")
    highest = np.array([values[a:b].max() for a, b in zip(first, last, strict=True)], values.dtype)
    return np.where(values >= highest, values, 0).astype(np.float32)


def keep_greedy(steps: Steps, values: FloatArray, reach: float) -> FloatArray:
    """(n,) confidences after greedy suppression; 0 for what it drops. Ties: the earlier stays."""
    window = int(reach)
    return _thin_out(steps, values, window, window + 1)


def keep_half_open(steps: Steps, values: FloatArray, reach: float) -> FloatArray:
    """(n,) confidences after the benchmarks' greedy suppression; 0 for what it drops.

    A peak at step f empties ``f - reach <= step < f + reach``; where that is no whole number, one
    step more of the past and none of the future. Ties: the earlier stays.
    """
    return _thin_out(steps, values, math.ceil(reach), int(reach))


def _thin_out(steps: Steps, values: FloatArray, before: int, behind: int) -> FloatArray:
    """The highest stays and removes ``before`` steps and those up to ``behind``, and so on."""
    kept = np.zeros_like(values)
    free = np.ones(len(steps), bool)
    for i in np.argsort(-values, kind="stable"):
        if free[i]:
            kept[i] = values[i]
            a, b = np.searchsorted(steps, (steps[i] - before, steps[i] + behind))
            free[a:b] = False
    return kept


def keep_soft(steps: Steps, values: FloatArray, reach: float) -> FloatArray:
    """(n,) confidences after soft-NMS with a square decay."""
    return _soften(steps, values, reach, power=2)


def keep_linear(steps: Steps, values: FloatArray, reach: float) -> FloatArray:
    """(n,) confidences after soft-NMS with a linear decay."""
    return _soften(steps, values, reach, power=1)


def keep_distant(steps: Steps, values: FloatArray, reach: float) -> FloatArray:
    """(n,) confidences after the choice of ``find_peaks``; 0 for what it drops. Ties: the later
    stays."""
    apart = math.ceil(reach)
    return _thin_out(-steps[::-1], values[::-1], apart - 1, apart)[::-1]


def local_maxima(curve: FloatArray) -> Steps:
    """The steps of a curve that are higher than both neighbours; of a plateau the middle one,
    rounded down. Neither the first nor the last step is one, nor a plateau that reaches them."""
    firsts = np.flatnonzero(np.diff(curve, prepend=np.nan) != 0)
    heights = curve[firsts]
    lasts = np.append(firsts[1:], len(curve)) - 1
    inner = (heights[1:-1] > heights[:-2]) & (heights[1:-1] > heights[2:])
    return (firsts[1:-1][inner] + lasts[1:-1][inner]) // 2


def _soften(steps: Steps, values: FloatArray, reach: float, power: int) -> FloatArray:
    """The highest stays and scales down what lies within its reach, which need not be whole."""
    kept = np.zeros_like(values)
    left = values.astype(np.float64)
    while left.size and left.max() > 0:
        i = int(left.argmax())
        kept[i] = left[i]
        a = np.searchsorted(steps, steps[i] - reach, side="left")
        b = np.searchsorted(steps, steps[i] + reach, side="right")
        left[a:b] *= np.abs((steps[a:b] - steps[i]) / max(reach, 1)) ** power
        left[i] = -1
    return kept


SUPPRESSIONS: dict[SuppressionKind, Callable[[Steps, FloatArray, float], FloatArray]] = {
    "maximum": keep_maxima,
    "greedy": keep_greedy,
    "half-open": keep_half_open,
    "soft": keep_soft,
    "linear": keep_linear,
    "distance": keep_distant,
}


@dataclass(frozen=True)
class Suppression:
    """How peaks are kept apart.

    Attributes:
        kind: which of ``SUPPRESSIONS``.
        window_seconds: its reach, one for all classes or one for each.
        floor: what lies below this confidence, before or after, is not an event.

    Raises:
        ConfigError: unknown kind, a window or a floor out of range.
    """

    kind: SuppressionKind = "maximum"
    window_seconds: float | tuple[float, ...] = 1.0
    floor: float = MIN_CONFIDENCE

    def __post_init__(self) -> None:
        if self.kind not in SUPPRESSIONS:
            raise ConfigError(
                f"unknown suppression {self.kind!r}", remedy=f"use {', '.join(SUPPRESSIONS)}"
            )
        windows = self.window_seconds
        for window in windows if isinstance(windows, tuple) else (windows,):
            if not 0 <= window <= MAX_WINDOW_SECONDS:
                raise ConfigError(f"a suppression window of {window} s", remedy="use 0 to 600 s")
        if not 0 < self.floor <= 1:
            raise ConfigError(f"a floor of {self.floor}", remedy="use a number above 0, up to 1")

    def windows_of(self, count: int) -> tuple[float, ...]:
        """The window of each of ``count`` classes, in seconds.

        Raises:
            ConfigError: there are windows for another number of classes.
        """
        if not isinstance(self.window_seconds, tuple):
            return (self.window_seconds,) * count
        if len(self.window_seconds) != count:
            raise ConfigError(
                f"{len(self.window_seconds)} suppression windows for {count} classes",
                remedy="give one for all, or one for each",
            )
        return self.window_seconds


def find_peaks(
    scores: Scores, suppression: Suppression, threshold: float = 0.0
) -> tuple[Event, ...]:
    """The events that curves show, in order of time, each at the true time of its step.

    Where the curves know sides, the likelier one at the step is the event's team: a class is
    suppressed over both, so that of two at one step the lower never stays.

    Args:
        threshold: events below this confidence are left out (after suppression).

    Raises:
        ConfigError: windows for another number of classes.
    """
    windows = suppression.windows_of(len(scores.labels))
    suppress = SUPPRESSIONS[suppression.kind]
    found: list[Event] = []
    for column, label in enumerate(scores.labels):
        curve = scores.values[:, column]
        sides = None if scores.sides is None else scores.sides[:, column]
        among = local_maxima(curve) if suppression.kind == "distance" else np.arange(len(curve))
        steps = among[curve[among] >= suppression.floor]
        kept = suppress(steps, curve[steps], _reach(windows[column], scores.rate))
        found += [
            Event(
                float(scores.seconds[step]),
                label,
                float(value),
                team=None if sides is None else PICTURE_SIDES[sides[step].argmax()],
                source="model",
            )
            for step, value in zip(steps, kept, strict=True)
            if value >= max(threshold, suppression.floor)
        ]
    return tuple(sorted(found, key=lambda event: event.seconds))


def _reach(seconds: float, rate: Fraction) -> float:
    """A window in steps."""
    steps = seconds * float(rate)
    return float(round(steps)) if abs(steps - round(steps)) < _ROUNDING else steps
