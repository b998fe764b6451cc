"""touchline's own files: ``*.events.json`` of one video or match, and ``*.reel.json``."""

import re
from collections.abc import Mapping
from fractions import Fraction
from typing import Any

from touchline.errors import FormatError, InputError
from touchline.events import SOURCES, STATUSES, Event, Match, Producer, Timeline, Video
from touchline.formats.base import (
    ALL_FIELDS,
    Format,
    Options,
    Record,
    Source,
    Thing,
    dump_json,
    known_labels,
    only_match,
    only_reel,
)
from touchline.labels import LABEL_SETS, LabelSet
from touchline.reel import Clip, Reel
from touchline.timebase import format_rate, parse_rate

EVENTS = "touchline-events"
REEL = "touchline-reel"
VERSION = 1

_TEXTS = ("team", "player", "clock", "visibility", "status", "source", "note")
_EVENT_KEYS = frozenset({"time", "label", "confidence", "half", *_TEXTS})
_VIDEO_KEYS = frozenset({"name", "duration", "frame_rate"})
_MODEL_KEYS = frozenset({"name", "weights", "sha256"})
_TIMELINE_KEYS = frozenset({"half", "model", "labels", "warnings"})
_FILE_KEYS = _TIMELINE_KEYS | {"format", "version", "video", "match", "videos", "events"}
_CLIP_KEYS = frozenset({"video", "half", "start", "end", "score", "title", "events"})
_WORDS = {"status": STATUSES, "source": SOURCES}


def event_to_json(event: Event) -> dict[str, Any]:
    """An event as the object that event files, reels and servers show."""
    known: dict[str, Any] = {
        "time": _seconds(event.seconds),
        "label": event.label,
        "confidence": float(event.confidence),
    }
    if event.half is not None:
        known["half"] = event.half
    known |= {key: value for key in _TEXTS if (value := getattr(event, key)) is not None}
    return known | _unknown(event.extra, _EVENT_KEYS)


def event_from_json(record: Record) -> Event:
    """Read what ``event_to_json`` wrote.

    Raises:
        FormatError: a field is missing or of the wrong type.
    """
    texts = {key: record.optional_text(key) for key in _TEXTS if key in record.values}
    for key, words in _WORDS.items():
        if texts.get(key) is not None and texts[key] not in words:
            raise record.fault(key, f"unknown {key} {texts[key]!r}", f"use {', '.join(words)}")
    return record.event(
        record.number("time"),
        record.text("label"),
        record.number("confidence", 1.0),
        half=record.optional_integer("half"),
        extra=record.rest(_EVENT_KEYS),
        **texts,
    )


def read_events(source: Source) -> Timeline | Match:
    """Read ``*.events.json``: a Timeline, or a Match where the file lists several videos.

    Raises:
        FormatError: not such a file, or a field of it is malformed.
    """
    root = _root(source, EVENTS)
    events = [event_from_json(record) for record in root.records("events")]
    extra = root.rest(_FILE_KEYS)
    if "videos" not in root.values:
        return _timeline(root, root.record("video"), events, extra)
    videos = root.records("videos")
    halves = [video.optional_integer("half") for video in videos]
    if None in halves or len(set(halves)) != len(halves):
        raise root.fault("videos", "each video needs a half of its own")
    if homeless := next((e for e in events if e.half not in halves), None):
        raise root.fault("events", f"half {homeless.half} at {homeless.seconds} s has no video")
    timelines = []
    for video, half in zip(videos, halves, strict=True):
        own = [Event(**{**vars(e), "half": None}) for e in events if e.half == half]
        extra_of_video = video.rest(_VIDEO_KEYS | _TIMELINE_KEYS)
        timelines.append(_timeline(video, video, own, extra_of_video))
    return Match(root.text("match"), tuple(timelines), extra)


def write_events(thing: Thing, options: Options) -> bytes:
    """Write a Timeline as design.md states; a Match of halves with a list ``videos`` beside.

    Times are rounded to microseconds.

    Raises:
        FormatError: a reel, several games, or a match whose videos are not its halves.
    """
    if isinstance(thing, Timeline):
        return dump_json(timeline_to_json(thing), rows="events")
    match = only_match(thing, "touchline")
    if len(match.timelines) == 1 and match.timelines[0].half is None and not match.extra:
        return dump_json(timeline_to_json(match.timelines[0]), rows="events")
    halves = [timeline.half for timeline in match.timelines]
    if not halves or None in halves or len(set(halves)) != len(halves):
        raise FormatError(
            f"the videos of {match.name!r} are not numbered halves",
            remedy="write each video to a file of its own",
        )
    if any(event.half is not None for event in match.events):
        raise FormatError(
            f"videos of {match.name!r} hold several halves each",
            remedy="write each video to a file of its own",
        )
    first = match.timelines[0]
    document: dict[str, Any] = {
        "format": EVENTS,
        "version": VERSION,
        "match": match.name,
        "video": _video_to_json(first.video),
        "videos": [
            _video_to_json(t.video) | _facts(t) | _unknown(t.extra, _VIDEO_KEYS | _TIMELINE_KEYS)
            for t in match.timelines
        ],
    }
    document |= _unknown(match.extra, _FILE_KEYS)
    document["events"] = [
        event_to_json(event) | {"half": timeline.half}
        for timeline in match.timelines
        for event in timeline
    ]
    return dump_json(document, rows="events")


def timeline_to_json(timeline: Timeline) -> dict[str, Any]:
    """The document of one video's ``events.json``."""
    document = {"format": EVENTS, "version": VERSION, "video": _video_to_json(timeline.video)}
    document |= _facts(timeline) | _unknown(timeline.extra, _FILE_KEYS)
    document["events"] = [event_to_json(event) for event in timeline]
    return document


def read_reel(source: Source) -> Reel:
    """Read ``*.reel.json``.

    Raises:
        FormatError: not such a file, a malformed field, or clips that overlap.
    """
    root = _root(source, REEL)
    clips = tuple(clip_from_json(record) for record in root.records("clips"))
    try:
        return Reel(clips, root.rest({"format", "version", "seconds", "clips"}))
    except InputError as error:
        raise source.fault(str(error), "clips") from error


def write_reel(thing: Thing, options: Options) -> bytes:
    """Write ``*.reel.json``.

    Raises:
        FormatError: not a reel.
    """
    return dump_json(reel_to_json(only_reel(thing, "touchline-reel")), rows="clips")


def reel_to_json(reel: Reel) -> dict[str, Any]:
    """The document of a ``reel.json``."""
    document: dict[str, Any] = {
        "format": REEL,
        "version": VERSION,
        "seconds": _seconds(reel.seconds),
    }
    document |= _unknown(reel.extra, frozenset({"format", "version", "seconds", "clips"}))
    document["clips"] = [clip_to_json(clip) for clip in reel]
    return document


def _root(source: Source, format_name: str) -> Record:
    root = Record(source, source.document)
    if root.values.get("format") != format_name:
        raise root.fault("format", f"this is not a {format_name} file")
    version = root.optional_integer("version")
    if version != VERSION:
        raise root.fault(
            "version", f"version {version} is not one that can be read", "update touchline"
        )
    return root


def _timeline(
    facts: Record, video: Record, events: list[Event], extra: Mapping[str, Any]
) -> Timeline:
    labels, more = _labels(facts, events)
    return Timeline(
        _video(video),
        tuple(events),
        labels=labels,
        half=facts.optional_integer("half"),
        model=_model(facts),
        warnings=_warnings(facts),
        extra={**extra, **more},
    )


def _video(record: Record) -> Video:
    rate = record.values.get("frame_rate")
    duration = record.optional_number("duration")
    if duration is not None and duration < 0:
        raise record.fault("duration", f"{duration} is negative")
    return Video(record.text("name"), duration, None if rate is None else _rate(record, rate))


def _rate(record: Record, value: object) -> Fraction:
    if not isinstance(value, str | int | float) or isinstance(value, bool):
        raise record.fault("frame_rate", "this is not a rate", 'write "25/1"')
    try:
        return parse_rate(value)
    except InputError as error:
        raise record.fault("frame_rate", error.what, error.remedy) from error


def _model(facts: Record) -> Producer | None:
    if facts.values.get("model") is None:
        return None
    model = facts.record("model")
    return Producer(
        model.text("name"), model.optional_text("weights"), model.optional_text("sha256")
    )


def _labels(facts: Record, events: list[Event]) -> tuple[LabelSet | None, dict[str, Any]]:
    """The label set, and what must be kept of a set name that nobody here knows."""
    value = facts.values.get("labels")
    if value is None:
        return None, {}
    found = [event.label for event in events]
    if isinstance(value, str):
        if value in LABEL_SETS:
            return known_labels(found, LABEL_SETS[value]), {}
        return None, {"labels": value}
    if not isinstance(value, list) or not all(isinstance(label, str) for label in value):
        raise facts.fault("labels", "give the name of a published set, or a list of labels")
    known = {labels.labels: labels for labels in LABEL_SETS.values()}
    try:
        declared = known.get(tuple(value)) or LabelSet("custom", tuple(value))
    except InputError as error:
        raise facts.fault("labels", error.what, error.remedy) from error
    return known_labels(found, declared), {}


def _warnings(facts: Record) -> tuple[str, ...]:
    value = facts.values.get("warnings", [])
    if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
        raise facts.fault("warnings", "this is not a list of texts")
    return tuple(value)


def clip_from_json(record: Record) -> Clip:
    """Read what ``clip_to_json`` wrote.

    Raises:
        FormatError: a field is missing or of the wrong type, or the clip has no length.
    """
    events = record.records("events") if "events" in record.values else []
    try:
        return Clip(
            record.text("video"),
            record.number("start"),
            record.number("end"),
            record.number("score", 0.0),
            record.optional_integer("half"),
            tuple(event_from_json(event) for event in events),
            record.optional_text("title"),
            record.rest(_CLIP_KEYS),
        )
    except FormatError:
        raise
    except InputError as error:
        raise record.source.fault(error.what, record.place, error.remedy) from error


def clip_to_json(clip: Clip) -> dict[str, Any]:
    """A clip as the object that reel files show."""
    document: dict[str, Any] = {"video": clip.video}
    if clip.half is not None:
        document["half"] = clip.half
    document |= {"start": _seconds(clip.start_seconds), "end": _seconds(clip.end_seconds)}
    document["score"] = float(clip.score)
    if clip.title is not None:
        document["title"] = clip.title
    document |= _unknown(clip.extra, _CLIP_KEYS)
    document["events"] = [event_to_json(event) for event in clip.events]
    return document


def _video_to_json(video: Video) -> dict[str, Any]:
    document: dict[str, Any] = {"name": video.name}
    if video.duration_seconds is not None:
        document["duration"] = _seconds(video.duration_seconds)
    if video.frame_rate is not None:
        document["frame_rate"] = format_rate(video.frame_rate)
    return document


def _facts(timeline: Timeline) -> dict[str, Any]:
    """What a timeline says beside video and events, where it says it."""
    facts: dict[str, Any] = {}
    if timeline.half is not None:
        facts["half"] = timeline.half
    if timeline.model is not None:
        facts["model"] = {k: v for k, v in vars(timeline.model).items() if v is not None}
    if timeline.labels is not None:
        published = LABEL_SETS.get(timeline.labels.name) == timeline.labels
        facts["labels"] = timeline.labels.name if published else list(timeline.labels)
    if timeline.warnings:
        facts["warnings"] = list(timeline.warnings)
    return facts


def _unknown(extra: Mapping[str, Any], known: frozenset[str]) -> dict[str, Any]:
    """Fields kept from elsewhere; one of a known name would change what the file means."""
    return {key: value for key, value in extra.items() if key not in known or key == "labels"}


def _seconds(seconds: float) -> float:
    return round(float(seconds), 6)


def _sniffer(format_name: str, suffix: str) -> Any:
    # The format comes first in every file that touchline wrote: no need to parse the rest.
    mark = re.compile(rb'\s*\{\s*"format"\s*:\s*"' + format_name.encode() + rb'"')

    def sniff(source: Source) -> bool:
        if source.file_name.endswith(suffix) or mark.match(
            source.data.removeprefix(b"\xef\xbb\xbf")
        ):
            return True
        document = source.peek()
        return isinstance(document, dict) and document.get("format") == format_name

    return sniff


EVENTS_FORMAT = Format(
    "touchline",
    (".events.json", ".json"),
    "touchline's own event file",
    ALL_FIELDS,
    read_events,
    write_events,
    _sniffer(EVENTS, ".events.json"),
)

REEL_FORMAT = Format(
    "touchline-reel",
    (".reel.json", ".json"),
    "touchline's own reel file",
    ALL_FIELDS,
    read_reel,
    write_reel,
    _sniffer(REEL, ".reel.json"),
    kinds=frozenset({"reel"}),
)
