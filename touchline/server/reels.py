"""Reels as the documents that the database and reel files hold.

The stages of jobs use this module, so it does not import the database.

A reel of a match counts its times through all videos of the match; files made of it count them
within each video, as the videos lie on disk.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from touchline.formats.base import Media, Record, SourceFile
from touchline.formats.touchline_json import clip_from_json
from touchline.reel import Clip, Reel

if TYPE_CHECKING:
    from touchline.server.tables import VideoRow

LEAST_SECONDS = 0.01
"""A shorter piece at the edge of a video is left out."""


def reel_from_json(document: dict[str, Any]) -> Reel:
    """The reel that a document describes.

    Raises:
        FormatError: it is malformed; the message names the place.
    """
    record = Record(SourceFile("reel", "reel", b""), document)
    return Reel(tuple(clip_from_json(clip) for clip in record.records("clips")))


def by_video(reel: Reel, videos: "Sequence[VideoRow]") -> Reel:
    """A reel of a match, its clips cut where one video ends, in times of each video."""
    if len(videos) < 2:
        return reel
    return replace(reel, clips=tuple(part for clip in reel for part in _parts(clip, videos)))


def through_match(reel: Reel, videos: "Sequence[VideoRow]", title: str) -> Reel:
    """A reel of the videos of a match, in times of the match."""
    if len(videos) < 2:
        return reel
    starts = {video.half: video.start_seconds for video in videos}
    return replace(
        reel, clips=tuple(_in_match(_moved(clip, starts[clip.half]), title) for clip in reel)
    )


def listed_media(name: str, info: Mapping[str, Any]) -> Media:
    """What edit lists say of a video, which they call by its name, wherever it lies.

    Args:
        info: its facts, as its row holds them.
    """
    width, height = info.get("width"), info.get("height")
    return Media(
        Path(name),
        start_timecode=info.get("timecode"),
        duration_seconds=info.get("duration_seconds"),
        has_audio=info.get("has_audio"),
        size=(width, height) if width and height else None,
    )


def _in_match(clip: Clip, title: str) -> Clip:
    """A clip of one half as one of the match: its events name the half."""
    events = tuple(replace(event, half=clip.half) for event in clip.events)
    return replace(clip, video=title, half=None, events=events)


def _parts(clip: Clip, videos: "Sequence[VideoRow]") -> Iterator[Clip]:
    for video in videos:
        start = max(clip.start_seconds, video.start_seconds)
        end = min(clip.end_seconds, video.end_seconds)
        if end - start < LEAST_SECONDS:
            continue
        events = tuple(event for event in clip.events if start <= event.seconds < end)
        part = replace(clip, start_seconds=start, end_seconds=end, events=events)
        yield replace(_moved(part, -video.start_seconds), video=video.name, half=video.half)


def _moved(clip: Clip, seconds: float) -> Clip:
    return replace(
        clip,
        start_seconds=round(max(clip.start_seconds + seconds, 0.0), 6),
        end_seconds=round(clip.end_seconds + seconds, 6),
        events=tuple(replace(event, seconds=event.seconds + seconds) for event in clip.events),
    )
