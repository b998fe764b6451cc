"""The events of a file on the time of a match: as they are, or by what is known of its clock."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Protocol, TypeVar

from touchline.broadcast.alignment import align
from touchline.broadcast.alignment_report import left_out_lines
from touchline.broadcast.feed import Feed, feed_of
from touchline.broadcast.match_clock import kicked_off, only_half
from touchline.broadcast.result import Broadcast, read_broadcast
from touchline.errors import FormatError, InputError
from touchline.events import Event, Match, Timeline
from touchline.formats import Content
from touchline.formats.base import LAG, LEAD, event_stretch
from touchline.runtime.wording import counted


class HalfVideo(Protocol):
    """A video that may be a half."""

    @property
    def half(self) -> int | None: ...


AnyVideo = TypeVar("AnyVideo", bound=HalfVideo)


@dataclass(frozen=True)
class MatchVideo:
    """A video of a match.

    Attributes:
        half: that it is; None where the match has one video.
        start_seconds: its place in the match.
        broadcast: the file of what was read of it; None if there is none.
    """

    name: str
    half: int | None
    start_seconds: float
    duration_seconds: float
    broadcast: str | None


@dataclass(frozen=True)
class FeedEvents:
    """Events of a feed in the times of a match.

    Attributes:
        events: those that were placed.
        remarks: for people, such as how many were left out.
    """

    events: tuple[Event, ...]
    remarks: tuple[str, ...]


def place_feed(
    content: Content,
    where: Path,
    match: Sequence[MatchVideo],
    periods: Sequence[Mapping[str, Any]],
    half: int | None,
) -> FeedEvents:
    """Put a feed on the time of a match.

    Args:
        content: of the file ``where``.
        match: its videos.
        periods: the known kick-offs, as ``games.known_game`` gives them; they serve for videos of
            which nothing was read.
        half: place the events of this half alone.

    Raises:
        InputError: the file has no match clock, the clock of the match is not known, or the feed
            is of another match.
    """
    feed = feed_of(content, where)
    if half is not None:
        feed = replace(feed, events=feed.of_half(half))
    videos = [video for video in match if half is None or video.half in (None, half)]
    events: list[Event] = []
    remarks: list[str] = []
    for video in videos:
        mine = feed if video.half is None else replace(feed, events=feed.of_half(video.half))
        if mine.events:
            done = align(mine, _broadcast_of(video, periods))
            remarks += [*done.report.warnings, *left_out_lines(done.report)]
            events += _in_match(done.timeline, video)
    if not events:
        raise InputError("none of the feed's events lies in the match", where=where)
    return FeedEvents(tuple(events), tuple(dict.fromkeys((*remarks, *_not_placed(feed, videos)))))


def events_in(
    content: Content, where: Path, match: Sequence[MatchVideo], half: int | None
) -> tuple[list[Event], Mapping[str, Any]]:
    """The events of a file in the times of a match, and the file's other facts of the game.

    Args:
        content: of the file ``where``.
        match: its videos.
        half: read the events of this half only; where the match has several videos, a file of one
            video is read as this half.

    Raises:
        InputError: the file is of a reel or of several games, or does not fit the videos of the
            match.
    """
    if isinstance(content, Timeline):
        content = Match(content.video.name, (content,))
    if not isinstance(content, Match):
        raise FormatError("does not hold the events of one match", where=where)
    timelines = [
        replace(timeline, events=tuple(map(_with_length, timeline)))
        for timeline in _wanted(content, half, where)
    ]
    if len(match) == 1:
        if len(timelines) > 1:
            raise FormatError(
                "holds the events of several videos", where=where, remedy="choose one with half="
            )
        return [event for timeline in timelines for event in timeline], content.extra
    events = []
    for timeline in timelines:
        number = timeline.half if half is None else half
        if number is None:
            raise FormatError("does not state its half", where=where, remedy="give it with half=")
        events += _in_match(timeline, of_half(match, number))
    return events, content.extra


def of_half(match: Sequence[AnyVideo], half: int) -> AnyVideo:
    """The video that is a half of a match.

    Raises:
        InputError: there is none; the message lists the halves that have one.
    """
    found = next((video for video in match if video.half == half), None)
    if found is None:
        halves = ", ".join(str(video.half) for video in match if video.half)
        raise InputError(
            f"the match has no video of half {half}", remedy=f"there are: {halves or 'none'}"
        )
    return found


def _wanted(content: Match, half: int | None, where: Path) -> tuple[Timeline, ...]:
    """The timelines of a file for a half; a single timeline without a half counts for any."""
    if half is None or (len(content.timelines) == 1 and content.timelines[0].half in (None, half)):
        return content.timelines
    found = content.half(half)
    if found is None:
        raise FormatError(f"holds no events of half {half}", where=where)
    return (found,)


def _with_length(event: Event) -> Event:
    """An event with its length before and after its time, as that may move."""
    stretch = event_stretch(event)
    if stretch is None:
        return event
    lead, lag = round(event.seconds - stretch[0], 6), round(stretch[1] - event.seconds, 6)
    return replace(event, extra={**event.extra, LEAD: lead, LAG: lag})


def _in_match(timeline: Timeline, video: MatchVideo) -> list[Event]:
    return [replace(event, seconds=event.seconds + video.start_seconds) for event in timeline]


def _broadcast_of(video: MatchVideo, periods: Sequence[Mapping[str, Any]]) -> Broadcast:
    """What a video says of the match clock, in its own times; else the kick-offs by people."""
    known = None if video.broadcast is None else read_broadcast(Path(video.broadcast))
    if known is not None and known.halves:
        return known if video.half is None else only_half(known, video.half)
    kick_offs = {
        int(period["half"]): float(period["start"]) - video.start_seconds
        for period in periods
        if video.half in (None, period["half"])
    }
    if not kick_offs:
        raise InputError(
            "the match clock is not known", where=video.name,
            remedy="enter the kick-offs of the match under Details, or find its events again with "
            "the model auto, which reads the clock in the picture",
        )  # fmt: skip
    return kicked_off(kick_offs, video.name, video.duration_seconds)


def _not_placed(feed: Feed, videos: Sequence[MatchVideo]) -> Iterator[str]:
    halves = {video.half for video in videos}
    lost = [one for one in feed.events if None not in halves and one.half not in halves]
    if lost:
        yield f"left out: {counted(len(lost), 'event')} of a half that has no video"
