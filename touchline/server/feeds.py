"""A provider's events for a match: on the time of its videos, by what is known of their clock."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from touchline.broadcast.alignment import align
from touchline.broadcast.alignment_report import left_out_lines
from touchline.broadcast.feed import Feed, feed_of
from touchline.broadcast.match_clock import kicked_off, only_half
from touchline.broadcast.result import Broadcast, read_broadcast
from touchline.errors import InputError
from touchline.events import Event, Timeline
from touchline.formats import Content
from touchline.runtime.wording import counted
from touchline.server.storage import Storage
from touchline.server.tables import MatchRow, VideoRow


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
    match: MatchRow,
    storage: Storage,
    periods: Sequence[Mapping[str, Any]],
    half: int | None,
) -> FeedEvents:
    """Put a feed on the time of a match.

    Args:
        content: of the file ``where``.
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
    videos = [video for video in match.videos if half is None or video.half in (None, half)]
    events: list[Event] = []
    remarks: list[str] = []
    for video in videos:
        mine = feed if video.half is None else replace(feed, events=feed.of_half(video.half))
        if mine.events:
            done = align(mine, _broadcast_of(match, video, storage, periods))
            remarks += [*done.report.warnings, *left_out_lines(done.report)]
            events += _in_match(done.timeline, video)
    if not events:
        raise InputError("none of the feed's events lies in the match", where=where)
    return FeedEvents(tuple(events), tuple(dict.fromkeys((*remarks, *_not_placed(feed, videos)))))


def _in_match(timeline: Timeline, video: VideoRow) -> list[Event]:
    return [replace(event, seconds=event.seconds + video.start_seconds) for event in timeline]


def _broadcast_of(
    match: MatchRow, video: VideoRow, storage: Storage, periods: Sequence[Mapping[str, Any]]
) -> Broadcast:
    """What a video says of the match clock, in its own times; else the kick-offs by people."""
    path = storage.broadcast(match.id, video.number)
    known = read_broadcast(path) if path.is_file() else None
    if known is not None and known.halves:
        return known if video.half is None else only_half(known, video.half)
    length = video.duration_seconds or float(match.info.get("duration_seconds", 0.0))
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
    return kicked_off(kick_offs, video.name, length)


def _not_placed(feed: Feed, videos: Sequence[VideoRow]) -> Iterator[str]:
    halves = {video.half for video in videos}
    lost = [one for one in feed.events if None not in halves and one.half not in halves]
    if lost:
        yield f"left out: {counted(len(lost), 'event')} of a half that has no video"
