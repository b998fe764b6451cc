"""What the events around a second tell: for each group of classes, the nearest before and after."""

from collections.abc import Mapping, Sequence

import numpy as np
import numpy.typing as npt

from touchline.events import Event

FloatArray = npt.NDArray[np.float64]

GROUPS: Mapping[str, tuple[str, ...]] = {
    "goal": ("Goal", "soccer"),
    "penalty": ("Penalty",),
    "shot on target": ("Shots on target",),
    "shot off target": ("Shots off target",),
    "sending-off": ("Red card", "Yellow->red card"),
    "yellow card": ("Yellow card", "card"),
    "kick-off": ("Kick-off",),
    "corner": ("Corner",),
    "direct free-kick": ("Direct free-kick", "Free-kick"),
    "indirect free-kick": ("Indirect free-kick",),
    "foul": ("Foul",),
    "offside": ("Offside",),
    "ball out": ("Ball out of play",),
    "throw-in": ("Throw-in",),
    "clearance": ("Clearance",),
    "substitution": ("Substitution", "subs"),
}
"""The classes that count as one, by the group's name: those of SoccerNet-v2 and -v1."""

GROUP_OF: Mapping[str, str] = {label: name for name, labels in GROUPS.items() for label in labels}

FAR_SECONDS = 90.0
"""Events further away than this are none."""

GOAL_REPEATED_SECONDS = 25.0
"""Two goals this close are one, found twice."""

COLUMNS: tuple[str, ...] = tuple(
    f"{name}: {what}"
    for name in GROUPS
    for what in ("seconds since", "seconds until", "confidence before", "confidence after")
)


def event_inputs(events: Sequence[Event], seconds: FloatArray) -> FloatArray:
    """(columns, n) distances to, and confidences of, the nearest events around n times."""
    by_group: dict[str, list[Event]] = {name: [] for name in GROUPS}
    for event in events:
        if event.label in GROUP_OF:
            by_group[GROUP_OF[event.label]].append(event)
    return np.concatenate([_of_group(found, seconds) for found in by_group.values()])


def _of_group(events: Sequence[Event], seconds: FloatArray) -> FloatArray:
    ordered = sorted(events, key=lambda event: event.seconds)
    times = np.array([-np.inf, *(event.seconds for event in ordered), np.inf])
    confidences = np.array([0.0, *map(certainty, ordered), 0.0])
    after = np.searchsorted(times, seconds, side="right")
    since, until = seconds - times[after - 1], times[after] - seconds
    return np.stack(
        [
            np.minimum(since, FAR_SECONDS),
            np.minimum(until, FAR_SECONDS),
            np.where(since < FAR_SECONDS, confidences[after - 1], 0.0),
            np.where(until < FAR_SECONDS, confidences[after], 0.0),
        ]
    )


def certainty(event: Event) -> float:
    """The confidence of an event; 1 where a person has accepted it."""
    return 1.0 if event.status == "accepted" else event.confidence


def without_repeats(events: Sequence[Event]) -> list[Event]:
    """The events with one goal where detections of the same goal lie close together."""
    goals = [event for event in events if GROUP_OF.get(event.label) == "goal"]
    kept: list[Event] = []
    for goal in sorted(goals, key=lambda event: -certainty(event)):
        near = (abs(goal.seconds - one.seconds) < GOAL_REPEATED_SECONDS for one in kept)
        if certainty(goal) >= 1 or not any(near):
            kept.append(goal)
    dropped = {id(goal) for goal in goals} - {id(goal) for goal in kept}
    return [event for event in events if id(event) not in dropped]
