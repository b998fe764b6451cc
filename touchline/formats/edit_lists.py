"""Shared by the edit lists: clips in whole frames, their titles, metadata and video URLs."""

import json
from collections.abc import Mapping
from fractions import Fraction
from pathlib import Path, PurePosixPath
from typing import Any
from urllib.parse import quote, unquote, urlsplit

from touchline.errors import FormatError, InputError
from touchline.formats.base import Media, Options, Record, SourceFile
from touchline.formats.touchline_json import clip_from_json, clip_to_json
from touchline.match_state import clip_state
from touchline.reel import ABOUT, Clip, Reel, of_video
from touchline.timebase import parse_timecode


def require_rate(reel: Reel, options: Options, format_name: str) -> Fraction:
    """The frame rate to cut at: the one in the options, else that of the reel's videos.

    Raises:
        FormatError: neither is known.
    """
    rate = options.rate or reel.frame_rate
    if rate is None:
        raise FormatError(
            f"{format_name} counts frames, and the frame rate of the video is unknown",
            remedy="name the video with --video, or give --rate",
        )
    return rate


def frame_range(clip: Clip, rate: Fraction) -> tuple[int, int]:
    """First frame of a clip and the frame after its last; at least one frame long."""
    first = round(Fraction(clip.start_seconds) * rate)
    return first, max(round(Fraction(clip.end_seconds) * rate), first + 1)


def clip_title(clip: Clip) -> str:
    """The title of a clip, else its labels, else ``Clip``."""
    return clip.title or ", ".join(dict.fromkeys(event.label for event in clip.events)) or "Clip"


def clip_caption(clip: Clip) -> str:
    """The title of a clip with match clock and score; a title of one's own is left alone."""
    title, state = clip_title(clip), clip_state(clip)
    return f"{title} ({state})" if state and _is_of_events(clip) else title


def _is_of_events(clip: Clip) -> bool:
    """Whether the title is what its events say: their class, and the reason behind a colon."""
    if clip.title is None:
        return True
    subject = clip.title.partition(": ")[0]
    for about in ABOUT:
        subject = subject.removeprefix(about)
    subject = subject.lower()
    return subject in (event.label.lower() for event in clip.events)


def media_of(clip: Clip, options: Options) -> Media | None:
    """What the options say of the clip's video."""
    given = options.video
    if isinstance(given, Mapping):
        given = of_video(clip, given) or given.get(clip.half or 1, given.get(clip.video))
    return given if given is None or isinstance(given, Media) else Media(Path(given).absolute())


def known_media(source: SourceFile, video: str) -> Media | None:
    """What is known of a video that an edit list names; a single known one is meant in any case."""
    named = (media for media in source.media if is_named(media.path, video))
    return next(named, source.media[0] if len(source.media) == 1 else None)


def is_named(path: Path, video: str) -> bool:
    """Whether a file is the one that an edit list names: by its name, or as a tape without ending.

    The folder and the case of letters do not count.
    """
    name = PurePosixPath(video.replace("\\", "/")).name.lower()
    return name in (path.name.lower(), path.stem.lower())


def start_frame(media: Media | None, rate: Fraction) -> int:
    """The number that a video's own timecode gives its first frame; 0 without timecode.

    A timecode that the rate cannot count, such as drop-frame at 25, keeps its hours, minutes and
    seconds.
    """
    text = None if media is None else media.start_timecode
    for spelt in () if text is None else (text, f"{text[:8]}:{text[9:]}", f"{text[:8]}:00"):
        try:
            return parse_timecode(spelt, rate)
        except InputError:
            continue
    return 0


def frames_of_video(clip: Clip, reel: Reel, rate: Fraction, options: Options) -> int | None:
    """Length of the clip's video in frames, if it is known; it reaches beyond its last cut."""
    media = media_of(clip, options)
    named = (v for v in reel.videos if (v.name, v.half) == (clip.video, clip.half))
    stated = None if media is None else media.duration_seconds
    seconds = next(filter(None, (stated, *(video.duration_seconds for video in named))), None)
    if seconds is None:
        return None
    return max(round(Fraction(seconds) * rate), last_cut(clip, reel, rate))


def last_cut(clip: Clip, reel: Reel, rate: Fraction) -> int:
    """The frame after the last that a reel shows of the clip's video."""
    same = (one for one in reel if (one.video, one.half) == (clip.video, clip.half))
    return max(frame_range(one, rate)[1] for one in same)


def video_url(clip: Clip, options: Options) -> str:
    """The URL of the clip's video: absolute if the options say where it lies."""
    media = media_of(clip, options)
    name = clip.video if media is None else str(media.path)
    path = Path(name)
    return path.as_uri() if path.is_absolute() else quote(name.replace("\\", "/"))


def video_name_from_url(address: str) -> str:
    """The video that a URL in an edit list refers to, as an absolute or relative path."""
    try:
        parts = urlsplit(address)
    except ValueError:  # "http://[" and the like
        return address
    return unquote(parts.path if parts.scheme in ("", "file") else address) or address


def clip_metadata(clip: Clip) -> dict[str, Any]:
    """The fields of a clip that edit lists have no element for: all but its times."""
    metadata = clip_to_json(clip)
    del metadata["start"], metadata["end"]
    return metadata


def metadata_text(clip: Clip) -> str:
    """``clip_metadata`` as one line of JSON.

    Raises:
        FormatError: a number in it is not finite.
    """
    try:
        return json.dumps(clip_metadata(clip), allow_nan=False)
    except ValueError as error:
        raise FormatError(f"cannot be written as JSON: {error}") from error


def clip_from_metadata(
    source: SourceFile, place: str, metadata: object, start_seconds: float, end_seconds: float
) -> Clip:
    """The clip of a metadata entry that touchline wrote, with the times of the edit list.

    Args:
        metadata: as ``clip_metadata`` or ``metadata_text`` made it.

    Raises:
        FormatError: the metadata or the times are malformed.
    """
    if isinstance(metadata, str):
        metadata = SourceFile(source.name, f"{source.where}: {place}", metadata.encode()).document
    if not isinstance(metadata, Mapping):
        raise source.error("the metadata is not a clip", place)
    return clip_from_json(
        Record(source, {**metadata, "start": start_seconds, "end": end_seconds}, place)
    )


def clip_without_metadata(
    source: SourceFile, place: str, video: str, start_seconds: float, end_seconds: float, title: str
) -> Clip:
    """A clip of an edit list from another program.

    Raises:
        FormatError: the clip has no length.
    """
    document: dict[str, Any] = {"video": video, "start": start_seconds, "end": end_seconds}
    return clip_from_json(Record(source, document | {"title": title or None}, place))
