"""Parts of what files hold, and several files as one: by half, by confidence, halves of a match."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TypeVar, cast

from touchline.errors import FormatError
from touchline.events import Event, Match, Timeline, Video
from touchline.formats.base import Content, Matches, resolve_label_set
from touchline.formats.comparing import timelines_of
from touchline.formats.games import half_in_name
from touchline.reel import Clip, Reel
from touchline.thresholds import Thresholds

_COVERED_SLACK_SECONDS = 0.1
_LATEST = 4
"""So many clips of one name are looked back at."""

C = TypeVar("C", bound=Content)


def above(content: C, thresholds: Thresholds) -> C:
    """A content without the events below thresholds; a reel without clips of such only.

    Clips that state no events stay.
    """
    return cast(C, _above(content, thresholds)) if thresholds else content


def labels_in(content: Content) -> set[str]:
    """The classes of a content: those that its events have, and those of its label sets."""
    if isinstance(content, Reel):
        return {event.label for clip in content for event in clip.events}
    if isinstance(content, dict):
        return {label for match in content.values() for label in labels_in(match)}
    timelines = timelines_of(content)
    known = {label for timeline in timelines for label in timeline.labels or ()}
    return known | {event.label for timeline in timelines for event in timeline}


def _above(content: Content, thresholds: Thresholds) -> Content:
    if isinstance(content, Reel):
        clips = [
            replace(clip, events=tuple(filter(thresholds.keep, clip.events))) for clip in content
        ]
        kept = [
            new for new, old in zip(clips, content, strict=True) if new.events or not old.events
        ]
        return replace(content, clips=tuple(kept))
    if isinstance(content, Timeline):
        return content.with_events(filter(thresholds.keep, content))
    if isinstance(content, Match):
        timelines = tuple(above(timeline, thresholds) for timeline in content.timelines)
        return replace(content, timelines=timelines)
    return {name: above(match, thresholds) for name, match in content.items()}


def of_half(content: C, half: int, where: str | Path) -> C:
    """The half of a content.

    Raises:
        FormatError: there is none.
    """
    found = _half_of(content, half)
    if found is None:
        there = _halves_in(content)
        named = ", ".join(map(str, there))
        raise FormatError(
            f"there is no half {half}" if there else "the events state no half", where=where,
            remedy=f"give --half with one that is there: {named}" if there else "leave out --half",
        )  # fmt: skip
    return cast(C, found)


def _halves_in(content: Content) -> list[int]:
    if isinstance(content, Reel):
        found = {clip.half for clip in content}
    else:
        found = {event.half or t.half for t in timelines_of(content) for event in t}
        found |= {timeline.half for timeline in timelines_of(content)}
    return sorted(half for half in found if half is not None)


def _half_of(content: Content, half: int) -> Content | None:
    if isinstance(content, Reel):
        clips = tuple(clip for clip in content if clip.half == half)
        return replace(content, clips=clips) if clips else None
    if isinstance(content, dict):
        chosen: Matches = {
            name: Match(name, (found,), match.extra)
            for name, match in content.items()
            if (found := match.half(half)) is not None
        }
        return chosen or None
    if isinstance(content, Match):
        timeline = content.half(half)
        return None if timeline is None else Match(content.name, (timeline,), content.extra)
    if content.half == half:
        return content
    events = [event for event in content if event.half == half]
    return content.with_events(events) if events else None


def on_video(
    content: Content, kick_offs: Mapping[int, float], video: str | None, where: str | Path
) -> Timeline:
    """The halves of a match on the time of one video.

    Args:
        kick_offs: when each half is kicked off in the video, in seconds.
        video: its name; None for that of the match.

    Raises:
        FormatError: a reel or several games, or a half without a kick-off.
    """
    if isinstance(content, dict) and len(content) == 1:
        content = next(iter(content.values()))
    if isinstance(content, Reel | dict):
        raise FormatError("kick-offs are those of one match of events", where=where)
    timelines = timelines_of(content)
    events: list[Event] = []
    for timeline in timelines:
        for event in timeline:
            half = event.half or timeline.half
            if half is None or half not in kick_offs:
                what = f"half {half}" if half else "events without a half"
                raise FormatError(
                    f"no kick-off is given for {what}", where=where,
                    remedy=f"give it: --kick-off {half or 1}=TIME",
                )  # fmt: skip
            seconds = event.seconds + kick_offs[half]
            events.append(replace(event, seconds=round(seconds, 6), half=half))
    name = video or (content.name if isinstance(content, Match) else content.video.name)
    first = timelines[0] if timelines else Timeline(Video(name))
    warnings = tuple(warning for timeline in timelines for warning in timeline.warnings)
    events.sort(key=lambda event: event.seconds)
    return replace(
        first, video=Video(name), events=tuple(events), half=None, replays=(), warnings=warnings
    )


def events_of(reel: Reel, name: str) -> Timeline | Match:
    """The events of a reel's clips, by video; a clip that states none is one, by its title.

    The parts of a clip that another one covers in the middle count as one clip.

    Args:
        name: of the match, where there are several videos.
    """
    found: dict[tuple[str, int | None], list[Event]] = {}
    for parts in _whole_clips(reel):
        first = parts[0]
        title = Event(
            first.start_seconds, first.title or "Clip", source="import",
            extra={"end": parts[-1].end_seconds},
        )  # fmt: skip
        stated = [event for part in parts for event in part.events]
        found.setdefault((first.video, first.half), []).extend(stated or (title,))
    lengths = {(video.name, video.half): video.duration_seconds for video in reel.videos}
    timelines = [
        Timeline(
            Video(video, lengths.get((video, half)), reel.frame_rate),
            tuple(dict.fromkeys(events)),
            labels=resolve_label_set(event.label for event in events),
            half=half,
        )
        for (video, half), events in found.items()
    ]
    if not timelines:
        return Timeline(Video(name), warnings=reel.warnings)
    timelines[0] = replace(timelines[0], warnings=reel.warnings)
    if len(timelines) == 1:
        return timelines[0]
    return Match(name, tuple(sorted(timelines, key=lambda timeline: timeline.half or 0)))


def _whole_clips(reel: Reel) -> list[list[Clip]]:
    """The clips of a reel, each with its parts behind clips that cover it.

    A covered clip goes on in its video by as much as the clips above it lasted.
    """
    whole: list[list[Clip]] = []
    alike: dict[tuple[object, ...], list[tuple[float, list[Clip]]]] = {}
    at = 0.0
    for clip in reel:
        latest = alike.setdefault((clip.video, clip.half, clip.title), [])
        goes_on = (p for end, p in latest if _goes_on(p[-1], clip, at - end))
        parts = next(goes_on, None)
        if parts is None:
            whole.append(parts := [])
        parts.append(clip)
        at += clip.seconds
        latest.insert(0, (at, parts))
        del latest[_LATEST:]
    return whole


def _goes_on(before: Clip, clip: Clip, covered_seconds: float) -> bool:
    """Whether a clip is one before it that was covered for a while."""
    skipped = clip.start_seconds - before.end_seconds
    return covered_seconds > 0 and abs(skipped - covered_seconds) < _COVERED_SLACK_SECONDS


def match_of(
    files: Sequence[Path], contents: Sequence[Content], *, in_order: bool = False
) -> Match:
    """The match of several files, each of one half or more.

    Args:
        contents: what each file holds.
        in_order: where no file says which half it is, they are the halves in this order.

    Raises:
        FormatError: a reel or several games among them, a half that is unknown or given twice.
    """
    timelines: list[Timeline] = []
    by_place = in_order and not any(
        isinstance(content, Timeline) and _half_stated(content, path)
        for path, content in zip(files, contents, strict=True)
    )
    for place, (path, content) in enumerate(zip(files, contents, strict=True), start=1):
        if isinstance(content, Reel | dict):
            raise FormatError(
                "is a reel" if isinstance(content, Reel) else "holds several games",
                where=path,
                remedy="give the events of each half of one match",
            )
        for timeline in timelines_of(content):
            half = place if by_place else _half_stated(timeline, path)
            if half is None or any(other.half == half for other in timelines):
                raise FormatError(
                    "does not say which half it is" if half is None else f"half {half}, again",
                    where=path,
                    remedy='give one file for each half, with "half" in it or named 1_..., 2_...',
                )
            timelines.append(replace(timeline, half=half))
    timelines.sort(key=lambda timeline: timeline.half or 0)
    return Match(files[0].absolute().parent.name or "match", tuple(timelines))


def _half_stated(timeline: Timeline, path: Path) -> int | None:
    return timeline.half or half_in_name(timeline.video.name) or half_in_name(path.name)
