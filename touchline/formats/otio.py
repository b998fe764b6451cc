"""OpenTimelineIO of reels: written by its library, read from its JSON.

The library aborts the process on some malformed files, so reading does not use it.
"""

from fractions import Fraction
from typing import Any

from touchline.errors import InputError
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
    clip_caption,
    clip_metadata,
    frame_range,
    frames_of_video,
    known_media,
    media_of,
    require_rate,
    start_frame,
    video_name_from_url,
    video_url,
)
from touchline.formats.left_out import LeftOut
from touchline.formats.sequences import (
    MAX_NESTING,
    Marker,
    Part,
    Shot,
    reel_of,
    stacked,
    too_large,
)
from touchline.match_state import event_title
from touchline.reel import Reel
from touchline.timebase import parse_rate

_METADATA = "touchline"
_MAX_SECONDS = 10**9
_MAX_SPEED = 1000
_DEFAULT_MEDIA = "DEFAULT_MEDIA"


def read_otio(source: SourceFile) -> Reel:
    """Read what the video tracks show: an upper track covers those below it.

    Nested stacks and tracks are flattened, markers become events, and what has no video is named
    in the warnings.

    Raises:
        FormatError: not an OpenTimelineIO timeline, or a clip without length.
    """
    root = Record(source, source.document)
    left_out = LeftOut()
    timelines = [root]
    if _is_a(root, "SerializableCollection"):
        timelines = [x for x in root.records("children") if _is_a(x, "Timeline")] or timelines
    for other in timelines[1:]:
        left_out.add("other timeline", other.optional_text("name"))
    if not _is_a(timelines[0], "Timeline"):
        raise root.error("OTIO_SCHEMA", "not an OpenTimelineIO timeline")
    part, length = _Reader(source, left_out).item(timelines[0].record("tracks"))
    if not part.shots and (sounds := _sound_tracks(timelines[0].record("tracks"))):
        left_out.add("sound track", sounds[0])
    return reel_of(source, part, left_out, (Fraction(0), length))


class _Reader:
    """Reads what items show, in time from their own start."""

    def __init__(self, source: SourceFile, left_out: LeftOut) -> None:
        self._source = source
        self._left_out = left_out
        self._depth = 0

    def item(self, item: Record) -> tuple[Part, Fraction]:
        """What an item shows in its place, from its start on, and its length."""
        self._depth += 1
        if self._depth > MAX_NESTING:
            raise too_large(self._source)
        if _is_a(item, "Clip"):
            whole, begin, length = self._clip(item)
        elif _is_a(item, "Track") or _is_a(item, "Stack"):
            whole, length = self._composition(item)
            begin = Fraction(0)
        else:
            if not _is_a(item, "Gap"):
                self._left_out.add(_schema(item) or "item", item.optional_text("name"))
            whole, begin, length = Part(), Fraction(0), Fraction(0)
        self._depth -= 1
        return self._trimmed(item, whole, begin, length)

    def _trimmed(
        self, item: Record, whole: Part, begin: Fraction, length: Fraction
    ) -> tuple[Part, Fraction]:
        """The stretch of an item that it shows, at the speed of its effects."""
        shown = _optional(item, "source_range")
        start = begin if shown is None else _seconds(shown.record("start_time"))
        seconds = length if shown is None else _seconds(shown.record("duration"))
        if seconds < 0:
            raise item.error("source_range", "a length below 0")
        if item.values.get("enabled") is False:
            self._left_out.add("disabled clip", item.optional_text("name"))
            return Part(), seconds
        speed = _speed(item)
        if not speed:
            self._left_out.add("freeze frame", item.optional_text("name"))
            return Part(), seconds
        whole = whole.moved(begin).marked(_markers(item))
        part = whole.between(start, start + seconds * speed).moved(-start)
        if whole.shots and not part.shots:
            kind = "clip outside its video" if seconds else "clip without length"
            self._left_out.add(kind, item.optional_text("name"))
        return (part if speed == 1 else part.faster(speed)), seconds

    def _composition(self, item: Record) -> tuple[Part, Fraction]:
        """A track, one item after the other, or a stack, one above the other."""
        is_stack = _is_a(item, "Stack")
        layers: list[Part] = []
        at = end = Fraction(0)
        for child in item.records("children"):
            if _is_a(child, "Transition"):
                self._left_out.add("transition", child.optional_text("name"))
                continue
            if child.values.get("kind", "Video") != "Video":
                self._name_sound(child)
                continue
            part, seconds = self.item(child)
            layers.append(part if is_stack else part.moved(at))
            at, end = at + seconds, max(end, seconds)
        if is_stack:
            return stacked(layers, self._source), end
        track = Part([s for p in layers for s in p.shots], [m for p in layers for m in p.markers])
        return track, at

    def _name_sound(self, track: Record) -> None:
        """Name a track that is neither picture nor sound; sound is that of the picture."""
        kind = track.values.get("kind")
        if kind != "Audio":
            self._left_out.add("track", f"{kind}")

    def _clip(self, item: Record) -> tuple[Part, Fraction, Fraction]:
        """All that a clip can show, the time at which its media begins, and its length."""
        media = _media(item)
        name = item.optional_text("name") or ""
        available = None if media is None else _optional(media, "available_range")
        shown = _optional(item, "source_range") or available
        if shown is None:
            raise item.unexpected("source_range", "a time range")
        start, length = _seconds(shown.record("start_time")), _seconds(shown.record("duration"))
        if media is not None and _schema(media) in ("GeneratorReference", "ImageSequenceReference"):
            self._left_out.add("generator" if "Gen" in _schema(media) else "image sequence", name)
            return Part(), start, length
        address = None if media is None else media.optional_text("target_url")
        video = video_name_from_url(address) if address else name or "video"
        if available is None:
            begin = self._timecode_of(video, shown)
            begin = begin if start >= begin else Fraction(0)
        else:
            begin = _seconds(available.record("start_time"))
            length = _seconds(available.record("duration"))
        metadata = _optional(item, "metadata")
        note = None if metadata is None else metadata.values.get(_METADATA)
        reach = max(length, start + _seconds(shown.record("duration")) * abs(_speed(item)) - begin)
        shot = Shot(
            Fraction(0), reach, Fraction(0), video, name,
            note=note if isinstance(note, dict) else None, place=item.place,
        )  # fmt: skip
        return Part([shot] if reach > 0 else []), begin, length

    def _timecode_of(self, video: str, shown: Record) -> Fraction:
        """The time that the video's own timecode gives its first frame."""
        rate = _exact(shown.record("start_time").number("rate"))
        media = known_media(self._source, video)
        return start_frame(media, rate) / rate


def _sound_tracks(stack: Record) -> list[str]:
    """The names of the tracks of sound."""
    tracks = stack.records("children") if _is_a(stack, "Stack") else []
    return [str(x.values.get("name") or "") for x in tracks if x.values.get("kind") == "Audio"]


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
        origin = start_frame(media_of(clip, options), rate)
        length = frames_of_video(clip, reel, rate, options)
        whole = None if length is None else _range(origin, length, rate)
        shown = _range(origin + first, after - first, rate)
        item = otio.schema.Clip(
            clip_caption(clip),
            otio.schema.ExternalReference(video_url(clip, options), whole),
            shown,
            metadata={_METADATA: clip_metadata(clip)},
        )
        for event in clip.events:
            marked = round(Fraction(event.seconds) * rate)
            if first <= marked < after:
                marker = otio.schema.Marker(
                    event_title(event, clip.half), _range(origin + marked, 1, rate)
                )
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


def _schema(record: Record) -> str:
    return str(record.values.get("OTIO_SCHEMA", "")).partition(".")[0]


def _speed(item: Record) -> Fraction:
    """Seconds of media that a second of an item shows; a reversed one is read forwards."""
    speed = Fraction(1)
    for effect in item.records("effects") if item.values.get("effects") else ():
        if _schema(effect) == "FreezeFrame":
            return Fraction(0)
        if _schema(effect) == "LinearTimeWarp":
            speed *= abs(Fraction(effect.number("time_scalar", 1.0)))
    return min(speed, Fraction(_MAX_SPEED)).limit_denominator(100_000)


def _markers(item: Record) -> list[Marker]:
    """The markers of an item, by the clock of its media."""
    found = []
    for marker in item.records("markers") if item.values.get("markers") else ():
        at = _seconds(marker.record("marked_range").record("start_time"))
        text = marker.optional_text("name") or marker.optional_text("comment") or ""
        found.append((at, text))
    return found


def _media(item: Record) -> Record | None:
    """The media of a clip: since ``Clip.2`` the active one of several."""
    several = _optional(item, "media_references")
    if several is None:
        return _optional(item, "media_reference")
    key = item.optional_text("active_media_reference_key") or _DEFAULT_MEDIA
    return _optional(several, key)


def _optional(record: Record, key: str) -> Record | None:
    return None if record.values.get(key) is None else record.record(key)


def _seconds(time: Record) -> Fraction:
    rate = time.number("rate")
    if rate <= 0:
        raise time.error("rate", f"{rate} is not a rate")
    seconds = Fraction(time.number("value")) / _exact(rate)
    if abs(seconds) > _MAX_SECONDS:
        raise time.error("value", "this time is beyond any video")
    return seconds


def _exact(rate: float) -> Fraction:
    """The rate that a decimal fraction is meant to be."""
    try:
        return parse_rate(rate)
    except InputError:
        return Fraction(rate)


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
    reads_with=frozenset({"video"}),
    writes_with=frozenset({"rate", "video"}),
    title="Premiere/Resolve (OTIO)",
)
