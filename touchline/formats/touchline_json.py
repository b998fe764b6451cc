"""touchline's own files: ``*.events.json`` for one video or match, and ``*.reel.json``."""

import re
from collections.abc import Mapping
from dataclasses import replace
from fractions import Fraction
from typing import Any

from touchline.errors import FormatError, InputError
from touchline.events import Event, Match, Producer, Timeline, Video
from touchline.formats.base import (
    ALL_FIELDS,
    EVENT_WORDS,
    VIDEOS_APART,
    Content,
    Format,
    Options,
    Record,
    SourceFile,
    dump_json,
    only_match,
    only_reel,
    resolve_label_set,
)
from touchline.formats.states import STATE_KEYS, state_from_json, state_to_json
from touchline.labels import LABEL_SETS, LabelSet
from touchline.reel import Clip, Reel, SourceVideo
from touchline.timebase import format_rate, parse_rate

EVENTS = "touchline-events"
REEL = "touchline-reel"
VERSION = 1

_WHO = ("team", "player")
_REVIEW = ("visibility", "status", "source", "note")
_TEXTS = (*_WHO, *_REVIEW)
_EVENT_KEYS = frozenset({"time", "label", "confidence", "half", *STATE_KEYS, *_TEXTS})
_VIDEO_KEYS = frozenset({"name", "duration", "frame_rate"})
_TIMELINE_KEYS = frozenset({"half", "model", "labels", "warnings", "replays"})
_FILE_KEYS = _TIMELINE_KEYS | {"format", "version", "video", "match", "videos", "events"}
_CLIP_KEYS = frozenset({"video", "half", "start", "end", "score", "title", "reason", "events"})


def event_to_json(event: Event) -> dict[str, Any]:
    """An event as a JSON object, as in event files, reels and the HTTP API."""
    known: dict[str, Any] = {
        "time": _seconds(event.seconds),
        "label": event.label,
        "confidence": float(event.confidence),
    }
    if event.half is not None:
        known["half"] = event.half
    known |= _texts(event, _WHO) | state_to_json(event) | _texts(event, _REVIEW)
    return known | _extra_fields(event.extra, _EVENT_KEYS)


def _texts(event: Event, names: tuple[str, ...]) -> dict[str, str]:
    return {name: value for name in names if (value := getattr(event, name)) is not None}


def event_from_json(record: Record) -> Event:
    """Read what ``event_to_json`` wrote.

    Raises:
        FormatError: a field is missing or of the wrong type.
    """
    texts = {key: record.optional_text(key) for key in _TEXTS if key in record.values}
    for key, words in EVENT_WORDS.items():
        if texts.get(key) is not None and texts[key] not in words:
            raise record.error(key, f"unknown {key} {texts[key]!r}", f"use {', '.join(words)}")
    return record.event(
        record.number("time"),
        record.text("label"),
        record.number("confidence", 1.0),
        half=record.optional_integer("half"),
        extra=record.unknown_fields(_EVENT_KEYS),
        **state_from_json(record),
        **texts,
    )


def read_events(source: SourceFile) -> Timeline | Match:
    """Read ``*.events.json``: a Timeline, or a Match if the file lists several videos.

    Raises:
        FormatError: not an event file, or a malformed field.
    """
    root = _root(source, EVENTS)
    events = [event_from_json(record) for record in root.records("events")]
    extra = root.unknown_fields(_FILE_KEYS)
    if "videos" not in root.values:
        return _timeline(root, root.record("video"), events, extra)
    videos = root.records("videos")
    halves = [video.optional_integer("half") for video in videos]
    if None in halves or len(set(halves)) != len(halves):
        raise root.error("videos", "each video needs a half, and no two the same")
    if orphan := next((e for e in events if e.half not in halves), None):
        raise root.error("events", f"half {orphan.half} at {orphan.seconds} s has no video")
    timelines = []
    for video, half in zip(videos, halves, strict=True):
        own = [Event(**{**vars(e), "half": None}) for e in events if e.half == half]
        extra_of_video = video.unknown_fields(_VIDEO_KEYS | _TIMELINE_KEYS)
        timelines.append(_timeline(video, video, own, extra_of_video))
    return Match(root.text("match"), tuple(timelines), extra)


def write_events(content: Content, options: Options) -> bytes:
    """Write a Timeline, or a Match of halves with a list ``videos``; times are in microseconds.

    Raises:
        FormatError: a reel, several games, or a match whose videos are not its halves.
    """
    if isinstance(content, Timeline):
        return dump_json(timeline_to_json(content), rows="events")
    match = only_match(content, "touchline")
    if len(match.timelines) == 1 and match.timelines[0].half is None:
        only = match.timelines[0]
        of_match = {key: value for key, value in match.extra.items() if key not in _FILE_KEYS}
        whole = replace(only, extra=of_match | dict(only.extra))
        return dump_json(timeline_to_json(whole), rows="events")
    halves = [timeline.half for timeline in match.timelines]
    if not halves:
        empty = Timeline(Video(match.name), extra=match.extra)
        return dump_json(timeline_to_json(empty), rows="events")
    if None in halves or len(set(halves)) != len(halves):
        raise FormatError(
            f"the videos of {match.name!r} are not numbered halves",
            remedy=VIDEOS_APART,
        )
    if any(event.half is not None for event in match.events):
        raise FormatError(
            f"videos of {match.name!r} hold several halves each",
            remedy="write each video to a separate file",
        )
    first = match.timelines[0]
    document: dict[str, Any] = {
        "format": EVENTS,
        "version": VERSION,
        "match": match.name,
        "video": _video_to_json(first.video),
        "videos": [
            _video_to_json(t.video)
            | _timeline_fields(t)
            | _extra_fields(t.extra, _VIDEO_KEYS | _TIMELINE_KEYS)
            for t in match.timelines
        ],
    }
    document |= _extra_fields(match.extra, _FILE_KEYS)
    document["events"] = [
        event_to_json(event) | {"half": timeline.half}
        for timeline in match.timelines
        for event in timeline
    ]
    return dump_json(document, rows="events")


def timeline_to_json(timeline: Timeline) -> dict[str, Any]:
    """The document of one video's ``events.json``."""
    document = {"format": EVENTS, "version": VERSION, "video": _video_to_json(timeline.video)}
    document |= _timeline_fields(timeline) | _extra_fields(timeline.extra, _FILE_KEYS)
    document["events"] = [event_to_json(event) for event in timeline]
    return document


_REEL_KEYS = frozenset({"format", "version", "seconds", "frame_rate", "videos", "clips"})


def read_reel(source: SourceFile) -> Reel:
    """Read ``*.reel.json``.

    Raises:
        FormatError: not a reel file, or a malformed field.
    """
    root = _root(source, REEL)
    clips = tuple(clip_from_json(record) for record in root.records("clips"))
    value = root.values.get("frame_rate")
    rate = None if value is None else _rate(root, value)
    videos = root.records("videos") if root.values.get("videos") is not None else []
    return Reel(clips, root.unknown_fields(_REEL_KEYS), rate, tuple(map(_source_video, videos)))


def _source_video(record: Record) -> SourceVideo:
    return SourceVideo(
        record.text("name"),
        record.optional_integer("half"),
        record.optional_number("duration"),
        record.optional_text("path"),
        record.optional_text("sha256"),
    )


def write_reel(content: Content, options: Options) -> bytes:
    """Write ``*.reel.json``.

    Raises:
        FormatError: not a reel.
    """
    return dump_json(reel_to_json(only_reel(content, "touchline-reel")), rows="clips")


def reel_to_json(reel: Reel) -> dict[str, Any]:
    """The document of a ``reel.json``."""
    document: dict[str, Any] = {
        "format": REEL,
        "version": VERSION,
        "seconds": _seconds(reel.seconds),
    }
    if reel.frame_rate is not None:
        document["frame_rate"] = format_rate(reel.frame_rate)
    if reel.videos:
        document["videos"] = [_source_video_to_json(video) for video in reel.videos]
    document |= _extra_fields(reel.extra, _REEL_KEYS)
    document["clips"] = [clip_to_json(clip) for clip in reel]
    return document


def _source_video_to_json(video: SourceVideo) -> dict[str, Any]:
    known = {
        "name": video.name,
        "half": video.half,
        "duration": video.duration_seconds,
        "path": video.path,
        "sha256": video.sha256,
    }
    return {key: value for key, value in known.items() if value is not None}


def _root(source: SourceFile, format_name: str) -> Record:
    root = Record(source, source.document)
    if root.values.get("format") != format_name:
        raise root.error("format", f"not a {format_name} file")
    version = root.optional_integer("version")
    if version != VERSION:
        raise root.error("version", f"version {version} cannot be read", "update touchline")
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
        replays=_replays(facts),
        extra={**extra, **more},
    )


def _video(record: Record) -> Video:
    rate = record.values.get("frame_rate")
    duration = record.optional_number("duration")
    if duration is not None and duration < 0:
        raise record.error("duration", f"{duration} is negative")
    return Video(record.text("name"), duration, None if rate is None else _rate(record, rate))


def _rate(record: Record, value: object) -> Fraction:
    if not isinstance(value, str | int | float) or isinstance(value, bool):
        raise record.error("frame_rate", "not a rate", 'write "25/1"')
    try:
        return parse_rate(value)
    except InputError as error:
        raise record.error("frame_rate", error.what, error.remedy) from error


def _model(facts: Record) -> Producer | None:
    if facts.values.get("model") is None:
        return None
    model = facts.record("model")
    return Producer(
        model.text("name"), model.optional_text("weights"), model.optional_text("sha256")
    )


def _labels(facts: Record, events: list[Event]) -> tuple[LabelSet | None, dict[str, Any]]:
    """The label set, and the ``extra`` field that keeps an unknown name of a set."""
    value = facts.values.get("labels")
    if value is None:
        return None, {}
    found = [event.label for event in events]
    if isinstance(value, str):
        if value in LABEL_SETS:
            return resolve_label_set(found, LABEL_SETS[value]), {}
        return None, {"labels": value}
    return resolve_label_set(found, facts.label_set("labels", value)), {}


def _warnings(facts: Record) -> tuple[str, ...]:
    value = facts.values.get("warnings", [])
    if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
        raise facts.error("warnings", "not a list of texts")
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
            record.unknown_fields(_CLIP_KEYS),
            record.optional_text("reason"),
        )
    except FormatError:
        raise
    except InputError as error:
        raise record.source.error(error.what, record.place, error.remedy) from error


def clip_to_json(clip: Clip) -> dict[str, Any]:
    """A clip as a JSON object, as in reel files and the HTTP API."""
    document: dict[str, Any] = {"video": clip.video}
    if clip.half is not None:
        document["half"] = clip.half
    document |= {"start": _seconds(clip.start_seconds), "end": _seconds(clip.end_seconds)}
    document["score"] = float(clip.score)
    if clip.title is not None:
        document["title"] = clip.title
    if clip.reason is not None:
        document["reason"] = clip.reason
    document |= _extra_fields(clip.extra, _CLIP_KEYS)
    document["events"] = [event_to_json(event) for event in clip.events]
    return document


def _replays(facts: Record) -> tuple[tuple[float, float], ...]:
    """The stretches of the video that show something again.

    Raises:
        FormatError: one that does not end after it starts.
    """
    if facts.values.get("replays") is None:
        return ()
    found = []
    for record in facts.records("replays"):
        start, end = record.number("start"), record.number("end")
        if not start < end:
            raise record.error("end", f"{end} does not lie after the start, {start}")
        found.append((start, end))
    return tuple(sorted(found))


def _video_to_json(video: Video) -> dict[str, Any]:
    document: dict[str, Any] = {"name": video.name}
    if video.duration_seconds is not None:
        document["duration"] = _seconds(video.duration_seconds)
    if video.frame_rate is not None:
        document["frame_rate"] = format_rate(video.frame_rate)
    return document


def _timeline_fields(timeline: Timeline) -> dict[str, Any]:
    """The fields of a timeline other than video and events, where they are set."""
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
    if timeline.replays:
        facts["replays"] = [
            {"start": _seconds(start), "end": _seconds(end)} for start, end in timeline.replays
        ]
    return facts


def _extra_fields(extra: Mapping[str, Any], known: frozenset[str]) -> dict[str, Any]:
    """Unknown fields kept for writing back, without names that have a meaning in this format."""
    return {key: value for key, value in extra.items() if key not in known or key == "labels"}


def _seconds(seconds: float) -> float:
    return round(float(seconds), 6)


def _sniffer(format_name: str, suffix: str) -> Any:
    # touchline writes "format" first, so most files are recognised without parsing.
    mark = re.compile(rb'\s*\{\s*"format"\s*:\s*"' + format_name.encode() + rb'"')

    def sniff(source: SourceFile) -> bool:
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
    title="touchline events (JSON)",
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
    title="touchline reel (JSON)",
)
