"""Predictions of networks that share the classes between them, put together.

CALF with calibration is two networks: one for the classes that show in where players stand, one for
the others. Scores are taken class by class, so that nothing needs to be weighed.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace

from touchline.errors import InputError
from touchline.events import Match, Timeline
from touchline.labels import label_set_of


def combine_predictions(parts: Sequence[Mapping[str, Match]]) -> dict[str, Match]:
    """One set of predictions of several, each for classes of its own.

    Args:
        parts: predictions by game, the same games in each.

    Raises:
        InputError: fewer than two parts, a class that two of them speak of, or a game or half that
            one of them lacks.
    """
    if len(parts) < 2:
        raise InputError(f"{len(parts)} set of predictions", remedy="give two or more to combine")
    _check_classes([_classes(part) for part in parts])
    first, *others = parts
    for other in others:
        if missing := sorted(first.keys() ^ other.keys()):
            raise InputError(
                f"only some of the predictions hold the game {missing[0]}",
                remedy="predict the same games with every network",
            )
    return {game: _combine_match([part[game] for part in parts]) for game in first}


def _classes(part: Mapping[str, Match]) -> set[str]:
    timelines = [timeline for match in part.values() for timeline in match.timelines]
    spoken_of = {event.label for timeline in timelines for event in timeline}
    return spoken_of.union(*(timeline.labels or () for timeline in timelines if _is_sure(timeline)))


def _is_sure(timeline: Timeline) -> bool:
    """Whether the timeline's classes are those of its network, and not a set that covers them."""
    return timeline.model is not None


def _check_classes(classes: Sequence[set[str]]) -> None:
    for index, some in enumerate(classes):
        for others in classes[index + 1 :]:
            if shared := sorted(some & others):
                raise InputError(
                    f"two sets of predictions speak of {shared[0]}",
                    remedy="combine networks that have no class in common",
                )


def _combine_match(matches: Sequence[Match]) -> Match:
    first = matches[0]
    halves = [[timeline.half for timeline in match.timelines] for match in matches]
    if any(own != halves[0] for own in halves):
        raise InputError(
            "the predictions are of different halves",
            where=first.name,
            remedy="predict the same halves with every network",
        )
    together = zip(*(match.timelines for match in matches), strict=True)
    return replace(first, timelines=tuple(_combine_timeline(timelines) for timelines in together))


def _combine_timeline(timelines: Sequence[Timeline]) -> Timeline:
    events = [event for timeline in timelines for event in timeline]
    spoken_of = dict.fromkeys(label for timeline in timelines for label in timeline.labels or ())
    spoken_of |= dict.fromkeys(event.label for event in events)
    warnings = dict.fromkeys(warning for timeline in timelines for warning in timeline.warnings)
    return replace(
        timelines[0],
        events=tuple(events),
        labels=label_set_of(tuple(spoken_of)) if spoken_of else None,
        model=None,
        warnings=tuple(warnings),
        scores=None,
    )
