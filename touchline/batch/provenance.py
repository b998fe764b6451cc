"""What a result was made of, so that the same call keeps it and no other file is overwritten."""

import hashlib
from collections.abc import Iterable
from pathlib import Path

from touchline.errors import FormatError, InputError, MediaError
from touchline.events import Timeline
from touchline.formats import read_reel
from touchline.formats.provenance import is_as_written
from touchline.media.files import media_files
from touchline.media.video import read_comment
from touchline.media.writer import SUFFIXES
from touchline.reel import Reel

MADE_OF = "made_of"
"""The field of a reel file, and the word in the comment of a video, that a checksum follows."""


def checksum(timelines: Iterable[Timeline] | Reel, videos: Iterable[Path], options: object) -> str:
    """What tells a result from one of other events, other videos or other options."""
    files = [
        (path.name, path.stat().st_size, path.stat().st_mtime_ns)
        for video in videos
        for path in media_files(video)
    ]
    content = (
        timelines.clips
        if isinstance(timelines, Reel)
        else [_content(timeline) for timeline in timelines]
    )
    return hashlib.sha256(repr((content, files, options)).encode()).hexdigest()


def _content(timeline: Timeline) -> tuple[object, ...]:
    events = (timeline.half, timeline.events)
    return (*events, timeline.replays) if timeline.replays else events


def comment_of(made_of: str) -> str:
    """What a video carries that was made of something."""
    return f"touchline {MADE_OF}={made_of}"


def recorded(path: Path, note: Path | None = None) -> str | None:
    """The checksum of what a file was made of: None where nothing says it.

    It is in the comment of a video, in a reel file, or in the reel file beside it (``note``).
    A reel file that was changed since says nothing, and neither does one that is older than the
    file beside it.
    """
    if path.suffix.lower() in SUFFIXES:
        try:
            comment = read_comment(path) or ""
        except MediaError:
            return None
        name, _, made_of = comment.partition("=")
        if name == comment_of("").rstrip("="):
            return made_of or None
    if note is None or not note.exists() or note.stat().st_mtime_ns < path.stat().st_mtime_ns:
        return None
    try:
        reel = read_reel(note)
    except FormatError:
        return None
    return reel.extra.get(MADE_OF) if is_as_written(reel) else None


def refuse_unknown(path: Path) -> InputError:
    """The error for a file in the place of a result, where nothing says what it was made of."""
    return InputError(
        "is there already and nothing says what it was made of",
        where=path,
        remedy="write elsewhere with -o, or give --overwrite",
    )
