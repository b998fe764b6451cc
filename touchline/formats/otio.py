"""OpenTimelineIO of reels: written by its own library, read from its JSON.

The library ends the process on some malformed files, so what comes from outside is read here.
"""

from fractions import Fraction
from typing import Any

from touchline.formats.base import EVENT_FIELDS, Format, Options, Record, Source, Thing, only_reel
from touchline.formats.edit_lists import (
    address_of,
    clip_of_note,
    facts_of,
    frames_of,
    name_in_address,
    plain_clip,
    rate_of_reel,
    reel_of,
    title_of,
)
from touchline.reel import Clip, Reel

_NOTE = "touchline"
_DEFAULT_MEDIA = "DEFAULT_MEDIA"


def read_otio(source: Source) -> Reel:
    """Read the clips of the video tracks, in order; gaps and transitions are passed over.

    Raises:
        FormatError: not an OpenTimelineIO timeline, or a clip without length.
    """
    root = Record(source, source.document)
    if not _is_a(root, "Timeline"):
        raise root.fault("OTIO_SCHEMA", "this is no OpenTimelineIO timeline")
    tracks = root.record("tracks").records("children")
    return reel_of(
        source,
        (
            _clip(item)
            for track in tracks
            if _is_a(track, "Track") and track.values.get("kind", "Video") == "Video"
            for item in track.records("children")
            if _is_a(item, "Clip")
        ),
    )


def write_otio(thing: Thing, options: Options) -> bytes:
    """Write one video track; all that is known of a clip stands in its metadata.

    Raises:
        FormatError: not a reel, or no frame rate.
    """
    import opentimelineio as otio

    reel = only_reel(thing, "OTIO")
    rate = rate_of_reel(options, "OTIO")
    timeline = otio.schema.Timeline(options.title)
    track = otio.schema.Track("reel", kind=otio.schema.TrackKind.Video)
    timeline.tracks.append(track)
    for clip in reel:
        first, after = frames_of(clip, rate)
        shown = _range(first, after - first, rate)
        item = otio.schema.Clip(
            title_of(clip),
            otio.schema.ExternalReference(address_of(clip, options)),
            shown,
            metadata={_NOTE: facts_of(clip)},
        )
        for event in clip.events:
            marked = round(Fraction(event.seconds) * rate)
            if first <= marked < after:
                marker = otio.schema.Marker(event.label, _range(marked, 1, rate))
                item.markers.append(marker)
        track.append(item)
    return (otio.adapters.write_to_string(timeline, "otio_json", indent=2) + "\n").encode()


def _range(first: int, count: int, rate: Fraction) -> Any:
    import opentimelineio as otio

    return otio.opentime.TimeRange(
        otio.opentime.RationalTime(first, float(rate)),
        otio.opentime.RationalTime(count, float(rate)),
    )


def _is_a(record: Record, schema: str) -> bool:
    """Whether an object is of a schema, of whatever version (``Clip.1``, ``Clip.2``)."""
    return str(record.values.get("OTIO_SCHEMA", "")).partition(".")[0] == schema


def _clip(item: Record) -> Clip:
    media = _media(item)
    available = None if media is None else _optional(media, "available_range")
    shown = _optional(item, "source_range") or available
    if shown is None:
        raise item.wrong("source_range", "the range that is shown")
    origin = 0.0 if available is None else _seconds(available.record("start_time"))
    start = _seconds(shown.record("start_time")) - origin
    end = start + _seconds(shown.record("duration"))
    metadata = _optional(item, "metadata")
    if metadata is not None and isinstance(metadata.values.get(_NOTE), dict):
        return clip_of_note(item.source, item.place, metadata.values[_NOTE], start, end)
    name = item.optional_text("name") or ""
    address = None if media is None else media.optional_text("target_url")
    video = name_in_address(address) if address else name or "video"
    return plain_clip(item.source, item.place, video, start, end, name)


def _media(item: Record) -> Record | None:
    """The media that a clip shows: the active one of several since ``Clip.2``."""
    several = _optional(item, "media_references")
    if several is None:
        return _optional(item, "media_reference")
    key = item.optional_text("active_media_reference_key") or _DEFAULT_MEDIA
    return _optional(several, key)


def _optional(record: Record, key: str) -> Record | None:
    return None if record.values.get(key) is None else record.record(key)


def _seconds(time: Record) -> float:
    rate = time.number("rate")
    if rate <= 0:
        raise time.fault("rate", f"{rate} is not a rate")
    return time.number("value") / rate


def _sniff(source: Source) -> bool:
    if source.file_name.lower().endswith(".otio"):
        return True
    document = source.peek()
    return isinstance(document, dict) and str(document.get("OTIO_SCHEMA", "")).startswith(
        "Timeline"
    )


FORMAT = Format(
    "otio",
    (".otio",),
    "OpenTimelineIO",
    EVENT_FIELDS,
    read_otio,
    write_otio,
    _sniff,
    kinds=frozenset({"reel"}),
)
