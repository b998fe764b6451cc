"""What a round trip through a format does not give back, and what it gives back changed."""

import json
import math
from collections import Counter
from collections.abc import Hashable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any

from touchline.events import Event, Match, Timeline
from touchline.formats.base import Content, resolve_label_set
from touchline.reel import Reel

_DEFAULTS: dict[str, Any] = {
    f.name: f.default for f in fields(Event) if f.name not in ("seconds", "label", "extra")
}

_ROUNDING_SECONDS = 0.0005
_MOVED_SECONDS = 1.0


@dataclass(frozen=True)
class _Placed:
    """An event with the half of the video or clip that it is in."""

    event: Event
    half: int | None

    def value(self, name: str) -> Any:
        """A field of the event; its half may be that of its video."""
        value = getattr(self.event, name)
        return self.half if name == "half" and value is None else value


def lost_fields(content: Content, back: Content, holds: frozenset[str]) -> dict[str, int]:
    """The fields that did not come back, and how often each was set.

    Fields are those of ``Event`` and, for whole files, those of ``FILE_FIELDS``. A match clock
    counts as given back if its whole second is. A label set that can be derived from the labels of
    the events is not counted.

    Args:
        back: the content as it is read from the file that it was written to.
        holds: the fields of a file that the format can hold at all.
    """
    before, after = _placed(content), _placed(back)
    counts = _lost_of_files(content, back, holds, after)
    for name, default in _DEFAULTS.items():
        mine = _comparable(name, (getattr(one.event, name) for one in before), default)
        theirs = _comparable(name, (one.value(name) for one in after), default)
        counts[name] = (mine - theirs).total()
    counts["extra"] = _lost_extras([one.event.extra for one in before], after)
    return {name: count for name, count in counts.items() if count}


def changes(content: Content, back: Content) -> list[str]:
    """What a round trip changes in times and clocks, one text each; none for a reel."""
    if isinstance(content, Reel):
        return []
    before, after = _placed(content), _placed(back)
    return [*_changed_times(content, back, before, after), *_changed_clocks(before, after)]


def events_in(content: Content) -> Iterator[Event]:
    """The events of a content, of whatever kind; of a reel those of its clips."""
    if isinstance(content, Reel):
        for clip in content:
            yield from clip.events
    for timeline in timelines_of(content):
        yield from timeline.events


def timelines_of(content: Content) -> tuple[Timeline, ...]:
    """The timelines of a content, of all its games; none for a reel."""
    if isinstance(content, Timeline):
        return (content,)
    if isinstance(content, Match):
        return content.timelines
    if isinstance(content, Reel):
        return ()
    return tuple(timeline for match in content.values() for timeline in match.timelines)


def _placed(content: Content) -> list[_Placed]:
    if isinstance(content, Reel):
        return [_Placed(event, clip.half) for clip in content for event in clip.events]
    return [_Placed(event, t.half) for t in timelines_of(content) for event in t]


def _comparable(name: str, values: Iterable[Any], default: Any) -> Counter[Hashable]:
    """How often each value of a field is set, as far as the round trip is to give it back."""
    return Counter(_rounded(name, value) for value in values if value != default)


def _rounded(name: str, value: Any) -> Hashable:
    if name == "clock_seconds":
        return math.floor(value + 1e-6)
    return round(value, 6) if isinstance(value, float) else value


def _lost_extras(extras: Sequence[Mapping[str, Any]], after: Sequence[_Placed]) -> int:
    left = Counter(item for one in after for item in _items(one.event.extra))
    lost = 0
    for extra in extras:
        wanted = list(_items(extra))
        if all(left[item] for item in wanted):
            left.subtract(wanted)
        else:
            lost += 1
    return lost


def _items(extra: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    return ((key, json.dumps(value, sort_keys=True, default=str)) for key, value in extra.items())


def _lost_of_files(
    content: Content, back: Content, holds: frozenset[str], after: Sequence[_Placed]
) -> dict[str, int]:
    timelines = timelines_of(content)
    halves = {t.half for t in timelines_of(back)} | {one.value("half") for one in after}
    lost: dict[str, list[Any]] = {
        "video": [t.video.duration_seconds or t.video.frame_rate for t in timelines],
        "timeline_half": [t.half is not None and t.half not in halves for t in timelines],
        "labels": [_loses_labels(t, content, back) for t in timelines],
        "model": [t.model for t in timelines],
        "warnings": [t.warnings for t in timelines],
        "replays": [t.replays for t in timelines],
    }
    counts = {
        name: sum(map(bool, found))
        for name, found in lost.items()
        if name not in holds or name in ("timeline_half", "labels")
    }
    counts["reason"] = (_reasons(content) - _reasons(back)).total()
    kept = {item for extra in _file_extras(back) for item in _items(extra)}
    wanted = _file_extras(content)
    return counts | {"file_extra": sum(not kept.issuperset(_items(extra)) for extra in wanted)}


def _reasons(content: Content) -> Counter[str]:
    """Why the clips of a reel were chosen."""
    clips = content if isinstance(content, Reel) else ()
    return Counter(clip.reason for clip in clips if clip.reason is not None)


def _loses_labels(timeline: Timeline, content: Content, back: Content) -> bool:
    declared = timeline.labels
    if declared is None or set(declared) == {one.event.label for one in _placed(content)}:
        return False
    if declared == resolve_label_set(event.label for event in timeline):
        return False
    return not any(set(declared) <= set(t.labels or ()) for t in timelines_of(back))


def _file_extras(content: Content) -> list[Mapping[str, Any]]:
    extras = [timeline.extra for timeline in timelines_of(content)]
    if isinstance(content, Match | Reel):
        extras.append(content.extra)
    if isinstance(content, dict):
        extras += [match.extra for match in content.values()]
    return extras


def _changed_times(
    content: Content, back: Content, before: Sequence[_Placed], after: Sequence[_Placed]
) -> Iterator[str]:
    times, others = (sorted(one.event.seconds for one in placed) for placed in (before, after))
    if len(times) != len(others):
        return
    most = max((abs(a - b) for a, b in zip(times, others, strict=True)), default=0.0)
    was_one = any(timeline.half is None for timeline in timelines_of(content))
    if most > _MOVED_SECONDS and was_one and any(t.half for t in timelines_of(back)):
        yield "times are put on the match clock of each half"
    elif most > _ROUNDING_SECONDS and all(seconds.is_integer() for seconds in others):
        yield "times are in whole seconds"
    elif most > _ROUNDING_SECONDS:
        yield f"times move by up to {most:.3g} s"


def _changed_clocks(before: Sequence[_Placed], after: Sequence[_Placed]) -> Iterator[str]:
    clocks, others = (
        {one.event.clock_seconds for one in placed if one.event.clock_seconds is not None}
        for placed in (before, after)
    )
    finer = any(clock != round(clock) for clock in clocks)
    if finer and others and all(clock == round(clock) for clock in others):
        yield "match clocks are in whole seconds"
