"""Events that are certain, such as the goals by the score, in the place of those detected."""

from dataclasses import replace

from touchline.errors import InputError
from touchline.events import Event, Match, Timeline
from touchline.formats.comparing import timelines_of
from touchline.labels import GOAL

Events = Timeline | Match


def with_certain(found: Events, certain: Events, where: str) -> Events:
    """What was found, with the certain events in the place of all others of their classes.

    The certain ones are complete: detected goals that are not among them are out, also where there
    are none at all. Events that a person has rejected stay so.

    Args:
        where: the file of the certain events, for messages.

    Raises:
        InputError: they are of halves that were not found.
    """
    timelines = timelines_of(found)
    given = _by_half(certain)
    halves = [timeline.half for timeline in timelines]
    if len(timelines) == 1 and len(given) == 1 and (None in given or halves[0] is None):
        given = {halves[0]: next(iter(given.values()))}
    strange = [half for half, events in given.items() if events and half not in halves]
    if strange and len(timelines) > 1:
        raise InputError(
            f"has events of half {strange[0]}, the match has halves "
            f"{', '.join(str(half) for half in halves)}",
            where=where,
            remedy="give events of the same match",
        )
    if strange and all(half is None for half in halves):
        raise InputError(
            "has its events by half, and the match is one video",
            where=where,
            remedy="give times of that video, as touchline align does",
        )
    classes = {GOAL, *(event.label for events in given.values() for event in events)}
    merged = [_merged(timeline, given.get(timeline.half, []), classes) for timeline in timelines]
    if isinstance(found, Match):
        return replace(found, timelines=tuple(merged))
    return merged[0]


def _by_half(certain: Events) -> dict[int | None, list[Event]]:
    given: dict[int | None, list[Event]] = {}
    for timeline in timelines_of(certain):
        for event in timeline:
            if event.status != "rejected":
                given.setdefault(timeline.half or event.half, []).append(event)
    return given or {None: []}


def _merged(timeline: Timeline, given: list[Event], classes: set[str]) -> Timeline:
    kept = [e for e in timeline if e.label not in classes or e.status == "rejected"]
    sure = [replace(event, confidence=1.0, status="accepted") for event in given]
    return timeline.with_events([*kept, *sure])
