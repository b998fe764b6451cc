"""OpenTimelineIO of reels, through its own library."""

from collections.abc import Iterator, Mapping, Sequence
from fractions import Fraction
from typing import Any

from touchline.formats.base import EVENT_FIELDS, Format, Options, Source, Thing, only_reel
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


def read_otio(source: Source) -> Reel:
    """Read the clips of the video tracks, in order; gaps and transitions are passed over.

    Raises:
        FormatError: not an OpenTimelineIO timeline, or a clip without length.
    """
    import opentimelineio as otio

    source.document  # noqa: B018  bounds the depth, which the library does not
    try:
        timeline = otio.adapters.read_from_string(source.text, "otio_json")
    except (otio.exceptions.OTIOError, ValueError, TypeError, RuntimeError, KeyError) as error:
        raise source.fault(f"not an OpenTimelineIO file: {error}") from error
    if not isinstance(timeline, otio.schema.Timeline):
        raise source.fault("this holds no timeline")
    return reel_of(source, _clips(source, timeline))


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


def _clips(source: Source, timeline: Any) -> Iterator[Clip]:
    import opentimelineio as otio

    number = 0
    for track in timeline.video_tracks():
        for item in track:
            if not isinstance(item, otio.schema.Clip):
                continue
            number += 1
            place = f"clip {number}"
            try:
                shown = item.trimmed_range()
                reference = item.media_reference
                origin = reference.available_range.start_time if reference.available_range else None
                start = _seconds(shown.start_time) - (_seconds(origin) if origin else 0.0)
                end = start + _seconds(shown.duration)
            except (otio.exceptions.OTIOError, ValueError, ZeroDivisionError) as error:
                raise source.fault(f"it has no range: {error}", place) from error
            note = item.metadata.get(_NOTE)
            if isinstance(note, Mapping):
                yield clip_of_note(source, place, _plain(note), start, end)
                continue
            address = getattr(reference, "target_url", None)
            name = name_in_address(address) if address else item.name or "video"
            yield plain_clip(source, place, name, start, end, item.name)


def _seconds(time: Any) -> float:
    """Exact where the library's ``to_seconds`` is: a value over a rate."""
    return float(time.value) / float(time.rate)


def _plain(value: Any) -> Any:
    """The library's own containers as dicts and lists."""
    if isinstance(value, Mapping):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, Sequence) and not isinstance(value, str):
        return [_plain(item) for item in value]
    return value


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
