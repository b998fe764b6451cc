"""How late the detections of a timeline are, class by class."""

from collections.abc import Callable, Mapping

import numpy as np

from touchline.editing.choice.event_inputs import GROUP_OF, certainty
from touchline.events import DELAYS_CORRECTED, Event, Timeline

POOLING_DELAYS: Mapping[str, float] = {
    "goal": 6.0, "penalty": -4.5, "shot on target": 2.5, "shot off target": 4.5, "corner": -2.0,
    "direct free-kick": -5.0, "indirect free-kick": -3.5, "foul": 4.0, "offside": 4.5,
    "ball out": 2.0, "throw-in": -1.5, "clearance": -2.0, "kick-off": 0.5,
}  # fmt: skip
"""Seconds by which the published pooling networks are late, by group: the median over 54 matches of
NetVLAD's detections that lie within 20 s of an annotation of their class."""

_POOLING_GAP_SECONDS = (10.0, 11.0)
_FEWEST_GAPS = 40


def delay_of(timeline: Timeline) -> Callable[[Event], float]:
    """By how many seconds each event of a timeline is late; certain ones are not.

    Networks that know their delays have corrected them when they spotted. Files do not say it of
    the published pooling networks, which are known by their suppression: no two detections of a
    class are nearer than 10 s, and many are that near. The times of others are taken as they are.
    """
    delays: Mapping[str, float] = {}
    if not timeline.extra.get(DELAYS_CORRECTED) and _is_of_pooling_network(timeline):
        delays = POOLING_DELAYS
    return lambda e: 0.0 if certainty(e) >= 1 else delays.get(GROUP_OF.get(e.label, ""), 0.0)


def _is_of_pooling_network(timeline: Timeline) -> bool:
    times: dict[str, list[float]] = {}
    for event in timeline:
        if certainty(event) < 1 and event.source in (None, "model"):
            times.setdefault(event.label, []).append(event.seconds)
    gaps = np.concatenate([np.diff(sorted(one)) for one in times.values()] or [np.zeros(0)])
    if len(gaps) < _FEWEST_GAPS:
        return False
    low, high = _POOLING_GAP_SECONDS
    return bool(gaps.min() >= low and np.quantile(gaps, 0.05) < high)
