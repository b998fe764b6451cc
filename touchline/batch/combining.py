"""Predictions of several networks, merged.

CALF with calibration is two networks: one for the classes that show in where players stand, one for
the others. Each class is taken from the network that has it, so that no weights are needed.
Networks for the same classes are averaged instead.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial

import numpy as np

from touchline.errors import InputError
from touchline.events import Event, Match, Timeline
from touchline.labels import label_set_of
from touchline.runtime.wording import counted

WITHIN_SECONDS = 2.0
"""Most seconds between two networks' times of the same event."""

Predictions = Mapping[str, Match]
MergeHalves = Callable[[Sequence[Timeline]], list[Event]]
"""The events of one half, of what each network found in it."""


def combine_predictions(parts: Sequence[Predictions]) -> dict[str, Match]:
    """One set of predictions of several, each for classes of its own.

    Args:
        parts: predictions by game, the same games in each.

    Raises:
        InputError: fewer than two parts, a class that two of them have, or a game or half that
            one of them lacks.
    """
    _check_games(parts)
    _check_classes([_classes(part) for part in parts])
    return _merge_games(parts, _all_events)


def average_predictions(
    parts: Sequence[Predictions], *, within_seconds: float = WITHIN_SECONDS
) -> dict[str, Match]:
    """One set of predictions of several networks for the same classes.

    Events of a class no further apart than ``within_seconds``, at most one of each network, become
    one, beginning with the most confident. Its confidence is the mean over all networks, 0 for
    those that have no such event; its time is the mean of theirs, weighed by confidence.

    Args:
        parts: predictions by game, the same games in each.

    Raises:
        InputError: fewer than two parts, or a game or half that one of them lacks.
    """
    _check_games(parts)
    return _merge_games(parts, partial(_averaged, within_seconds=within_seconds))


def _check_games(parts: Sequence[Predictions]) -> None:
    if len(parts) < 2:
        raise InputError(
            counted(len(parts), "set") + " of predictions", remedy="give two or more to combine"
        )
    first, *others = parts
    for other in others:
        if missing := sorted(first.keys() ^ other.keys()):
            raise InputError(
                f"only some of the predictions hold the game {missing[0]}",
                remedy="predict the same games with every network",
            )


def _merge_games(parts: Sequence[Predictions], merge: MergeHalves) -> dict[str, Match]:
    return {game: _combine_match([part[game] for part in parts], merge) for game in parts[0]}


def _all_events(timelines: Sequence[Timeline]) -> list[Event]:
    return [event for timeline in timelines for event in timeline]


def _averaged(timelines: Sequence[Timeline], *, within_seconds: float) -> list[Event]:
    labels = dict.fromkeys(event.label for timeline in timelines for event in timeline)
    return [
        event
        for label in labels
        for event in _average_class(
            [[e for e in timeline if e.label == label] for timeline in timelines], within_seconds
        )
    ]


def _average_class(parts: Sequence[Sequence[Event]], within_seconds: float) -> list[Event]:
    """Average the events of one class, given by network."""
    found = [(event, part) for part, events in enumerate(parts) for event in events]
    found.sort(key=lambda item: -item[0].confidence)
    seconds = np.array([event.seconds for event, _ in found])
    confidences = np.array([event.confidence for event, _ in found])
    owners = np.array([part for _, part in found])
    free = np.ones(len(found), bool)
    averaged = []
    for index, (event, part) in enumerate(found):
        if not free[index]:
            continue
        near = free & (np.abs(seconds - event.seconds) <= within_seconds) & (owners != part)
        others = np.flatnonzero(near)
        _, strongest = np.unique(owners[others], return_index=True)
        together = np.append(others[strongest], index)
        free[together] = False
        weights = confidences[together]
        if weights.sum() > 0:
            event = replace(event, seconds=float(np.average(seconds[together], weights=weights)))
        averaged.append(replace(event, confidence=float(weights.sum() / len(parts))))
    return averaged


def _classes(part: Predictions) -> set[str]:
    timelines = [timeline for match in part.values() for timeline in match.timelines]
    labels = {event.label for timeline in timelines for event in timeline}
    return labels.union(*(timeline.labels or () for timeline in timelines if _is_sure(timeline)))


def _is_sure(timeline: Timeline) -> bool:
    """Whether the timeline's labels are those of its network, not a larger set."""
    return timeline.model is not None


def _check_classes(classes: Sequence[set[str]]) -> None:
    for index, some in enumerate(classes):
        for others in classes[index + 1 :]:
            if shared := sorted(some & others):
                raise InputError(
                    f"two sets of predictions have the class {shared[0]}",
                    remedy="combine networks that have no class in common",
                )


def _combine_match(matches: Sequence[Match], merge: MergeHalves) -> Match:
    first = matches[0]
    halves = [[timeline.half for timeline in match.timelines] for match in matches]
    if any(own != halves[0] for own in halves):
        raise InputError(
            "the predictions are of different halves",
            where=first.name,
            remedy="predict the same halves with every network",
        )
    halves_of_all = zip(*(match.timelines for match in matches), strict=True)
    return replace(
        first,
        timelines=tuple(_combine_timeline(timelines, merge) for timelines in halves_of_all),
    )


def _combine_timeline(timelines: Sequence[Timeline], merge: MergeHalves) -> Timeline:
    events = merge(timelines)
    labels = dict.fromkeys(label for timeline in timelines for label in timeline.labels or ())
    labels |= dict.fromkeys(event.label for event in events)
    warnings = dict.fromkeys(warning for timeline in timelines for warning in timeline.warnings)
    return replace(
        timelines[0],
        events=tuple(events),
        labels=label_set_of(tuple(labels)) if labels else None,
        model=None,
        warnings=tuple(warnings),
        scores=None,
    )
