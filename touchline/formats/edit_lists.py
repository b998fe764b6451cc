"""What edit lists share: clips in whole frames, their titles, and where their videos lie."""

import json
from collections.abc import Iterable, Mapping
from fractions import Fraction
from pathlib import Path
from typing import Any
from urllib.parse import quote, unquote, urlsplit

from touchline.errors import FormatError, InputError
from touchline.formats.base import Options, Record, Source
from touchline.formats.touchline_json import clip_from_json, clip_to_json
from touchline.reel import Clip, Reel


def rate_of_reel(options: Options, format_name: str) -> Fraction:
    """The frame rate to cut at.

    Raises:
        FormatError: it was not given; a reel does not know it.
    """
    if options.rate is None:
        raise FormatError(
            f"{format_name} counts frames, and the frame rate of the video is not known",
            remedy="name the video with --video, or give --rate",
        )
    return options.rate


def frames_of(clip: Clip, rate: Fraction) -> tuple[int, int]:
    """First frame of a clip and the frame after its last; at least one lies between."""
    first = round(Fraction(clip.start_seconds) * rate)
    return first, max(round(Fraction(clip.end_seconds) * rate), first + 1)


def title_of(clip: Clip) -> str:
    """What a clip is called: its title, else its labels, else nothing more than a clip."""
    return clip.title or ", ".join(dict.fromkeys(event.label for event in clip.events)) or "Clip"


def address_of(clip: Clip, options: Options) -> str:
    """Where an editor finds the clip's video, as a URL: absolute if its path was given."""
    given = options.video
    if isinstance(given, Mapping):
        given = given.get(clip.half or 1)
    if given is not None:
        return Path(given).absolute().as_uri()
    path = Path(clip.video)
    return path.as_uri() if path.is_absolute() else quote(clip.video.replace("\\", "/"))


def name_in_address(address: str) -> str:
    """The video that a URL of an edit list names: an absolute path, or its relative part."""
    try:
        parts = urlsplit(address)
    except ValueError:  # "http://[" and the like
        return address
    return unquote(parts.path if parts.scheme in ("", "file") else address) or address


def facts_of(clip: Clip) -> dict[str, Any]:
    """What an edit list cannot say of a clip itself: all but its times."""
    facts = clip_to_json(clip)
    del facts["start"], facts["end"]
    return facts


def note_of(clip: Clip) -> str:
    """``facts_of`` as one line of JSON.

    Raises:
        FormatError: a number in it is not finite.
    """
    try:
        return json.dumps(facts_of(clip), allow_nan=False)
    except ValueError as error:
        raise FormatError(f"cannot be written as JSON: {error}") from error


def clip_of_note(
    source: Source, place: str, note: object, start_seconds: float, end_seconds: float
) -> Clip:
    """The clip of a note (as ``note_of`` wrote it), with the times that the list gives it.

    Raises:
        FormatError: the note or the times are malformed.
    """
    if isinstance(note, str):
        note = Source(source.name, f"{source.where}: {place}", note.encode()).document
    if not isinstance(note, Mapping):
        raise source.fault("this is not a clip", place)
    return clip_from_json(
        Record(source, {**note, "start": start_seconds, "end": end_seconds}, place)
    )


def plain_clip(
    source: Source, place: str, video: str, start_seconds: float, end_seconds: float, title: str
) -> Clip:
    """A clip of an edit list that somebody else wrote.

    Raises:
        FormatError: it has no length.
    """
    document: dict[str, Any] = {"video": video, "start": start_seconds, "end": end_seconds}
    return clip_from_json(Record(source, document | {"title": title or None}, place))


def reel_of(source: Source, clips: Iterable[Clip]) -> Reel:
    """A reel of the clips of a file.

    Raises:
        FormatError: they overlap.
    """
    try:
        return Reel(tuple(clips))
    except InputError as error:
        raise source.fault(error.what, error.where, error.remedy) from error
