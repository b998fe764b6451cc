"""OpenTimelineIO of reels: written by its library, read from its JSON.

The library aborts the process on some malformed files, so reading does not use it.
"""

from fractions import Fraction
from typing import Any

from touchline.formats.base import (
    EVENT_FIELDS,
    Content,
    Format,
    Options,
    Record,
    SourceFile,
    only_reel,
)
from touchline.formats.edit_lists import (
    build_reel,
    clip_caption,
    clip_from_metadata,
    clip_metadata,
    clip_without_metadata,
    frame_range,
    require_rate,
    video_name_from_url,
    video_url,
)
from touchline.match_state import event_title
from touchline.reel import Clip, Reel

_METADATA = "touchline"
_DEFAULT_MEDIA = "DEFAULT_MEDIA"


def read_otio(source: SourceFile) -> Reel:
    """Read the clips of the video tracks, in order; gaps and transitions are skipped.

    Raises:
        FormatError: not an OpenTimelineIO timeline, or a clip without length.
    """
    root = Record(source, source.document)
    if not _is_a(root, "Timeline"):
        raise root.error("OTIO_SCHEMA", "not an OpenTimelineIO timeline")
    tracks = root.record("tracks").records("children")
    return build_reel(
        source,
        (
            _clip(item)
            for track in tracks
            if _is_a(track, "Track") and track.values.get("kind", "Video") == "Video"
            for item in track.records("children")
            if _is_a(item, "Clip")
        ),
    )


def write_otio(content: Content, options: Options) -> bytes:
    """Write one video track; every field of a clip is kept in its metadata.

    Raises:
        FormatError: not a reel, or no frame rate.
    """
    import opentimelineio as otio

    reel = only_reel(content, "OTIO")
    rate = require_rate(reel, options, "OTIO")
    timeline = otio.schema.Timeline(options.title)
    track = otio.schema.Track("reel", kind=otio.schema.TrackKind.Video)
    timeline.tracks.append(track)
    for clip in reel:
        first, after = frame_range(clip, rate)
        shown = _range(first, after - first, rate)
        item = otio.schema.Clip(
            clip_caption(clip),
            otio.schema.ExternalReference(video_url(clip, options)),
            shown,
            metadata={_METADATA: clip_metadata(clip)},
        )
        for event in clip.events:
            marked = round(Fraction(event.seconds) * rate)
            if first <= marked < after:
                marker = otio.schema.Marker(event_title(event, clip.half), _range(marked, 1, rate))
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
    """Whether an object is of a schema, in any version (``Clip.1``, ``Clip.2``)."""
    return str(record.values.get("OTIO_SCHEMA", "")).partition(".")[0] == schema


def _clip(item: Record) -> Clip:
    media = _media(item)
    available = None if media is None else _optional(media, "available_range")
    shown = _optional(item, "source_range") or available
    if shown is None:
        raise item.unexpected("source_range", "a time range")
    origin = 0.0 if available is None else _seconds(available.record("start_time"))
    start = _seconds(shown.record("start_time")) - origin
    end = start + _seconds(shown.record("duration"))
    metadata = _optional(item, "metadata")
    if metadata is not None and isinstance(metadata.values.get(_METADATA), dict):
        return clip_from_metadata(item.source, item.place, metadata.values[_METADATA], start, end)
    name = item.optional_text("name") or ""
    address = None if media is None else media.optional_text("target_url")
    video = video_name_from_url(address) if address else name or "video"
    return clip_without_metadata(item.source, item.place, video, start, end, name)


def _media(item: Record) -> Record | None:
    """The media of a clip: since ``Clip.2`` the active one of several."""
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
        raise time.error("rate", f"{rate} is not a rate")
    return time.number("value") / rate


def _sniff(source: SourceFile) -> bool:
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
