"""E2E-Spot's JSON: one entry per video (a half), events by frame number.

Labels are ``{train,val,test}.json``; predictions add a ``score`` to each event and are named
``pred-<split>.<epoch>.json`` or ``.recall.json.gz``. The published frame rate is 25/12. Predictions
of a single video may stand alone, without the list around them, as ``predictions.json``.
"""

from fractions import Fraction
from typing import Any

from touchline.errors import InputError
from touchline.events import Event, Match, Timeline, Video
from touchline.formats.base import (
    Content,
    Format,
    Matches,
    Options,
    Record,
    SourceFile,
    all_matches,
    dump_json_list,
    rate_of,
    resolve_label_set,
)
from touchline.formats.soccernet import game_and_half
from touchline.timebase import frame_at, parse_rate, seconds_of

_VIDEO_KEYS = frozenset({"video", "num_frames", "num_events", "fps", "events"})
_EVENT_KEYS = frozenset({"frame", "label", "score", "comment"})


def read_e2e(source: SourceFile) -> Matches:
    """Read the games of the file; an event is at the start of its frame.

    Raises:
        FormatError: neither videos nor one video, a frame that is not a whole number, a video
            without rate.
    """
    games: dict[str, list[Timeline]] = {}
    for record in _videos(source):
        game, timeline = _timeline(record)
        if any(t.half == timeline.half for t in games.get(game, [])):
            raise record.error("video", f"{record.text('video')!r} occurs twice")
        games.setdefault(game, []).append(timeline)
    return {
        game: Match(game, tuple(sorted(timelines, key=lambda t: t.half or 0)))
        for game, timelines in games.items()
    }


def write_e2e(content: Content, options: Options) -> bytes:
    """Write one entry per video, its events by frame; with scores if any confidence is not 1.

    Raises:
        FormatError: a reel, or an unknown frame rate.
    """
    matches = all_matches(content, "e2e")
    scored = any(event.confidence != 1 for match in matches.values() for event in match.events)
    return dump_json_list(
        _video_to_json(match, timeline, scored, options)
        for match in matches.values()
        for timeline in match.timelines
    )


def _videos(source: SourceFile) -> list[Record]:
    if isinstance(source.document, dict):
        return [Record(source, source.document)]
    records = Record(source, {"videos": source.document}).records("videos")
    for record in records:
        record.place = record.place.removeprefix("videos")
    return records


def _timeline(record: Record) -> tuple[str, Timeline]:
    game, half = game_and_half(record.text("video"))
    rate = _rate(record)
    frames = record.optional_integer("num_frames")
    events = []
    if "events" in record.values:
        if rate is None:
            raise record.unexpected("fps", "the frame rate")
        events = [_event(item, rate) for item in record.records("events")]
    video = Video(
        game if half is None else str(half),
        None if frames is None or rate is None or frames < 0 else float(frames / rate),
        rate,
    )
    labels = resolve_label_set(event.label for event in events)
    extra = record.unknown_fields(_VIDEO_KEYS)
    return game, Timeline(video, tuple(events), labels=labels, half=half, extra=extra)


def _rate(record: Record) -> Fraction | None:
    fps = record.optional_number("fps")
    try:
        return None if fps is None else parse_rate(fps)
    except InputError as error:
        raise record.error("fps", error.what, error.remedy) from error


def _event(record: Record, rate: Fraction) -> Event:
    frame = record.optional_integer("frame")
    if frame is None:
        raise record.unexpected("frame", "a frame number")
    texts: dict[str, str] = {}
    comment = record.optional_text("comment")
    if comment is not None:
        team, mark, visibility = comment.partition("; ")
        parts = {"team": team, "visibility": visibility} if mark else {"note": comment}
        texts = {key: part for key, part in parts.items() if part}
    return record.event(
        seconds_of(frame, rate),
        record.text("label"),
        record.number("score", 1.0),
        extra=record.unknown_fields(_EVENT_KEYS),
        **texts,
    )


def _video_to_json(
    match: Match, timeline: Timeline, scored: bool, options: Options
) -> dict[str, Any]:
    rate = rate_of(timeline.video, options, "e2e")
    events = [_event_to_json(event, rate, scored) for event in timeline]
    duration = timeline.video.duration_seconds
    last = max((event["frame"] for event in events), default=-1)
    name = match.name if timeline.half is None else f"{match.name}/{timeline.half}"
    if timeline.half is None and len(match.timelines) > 1:
        name = f"{match.name}/{timeline.video.name}"
    return {
        "video": name,
        "num_frames": last + 1 if duration is None else round(duration * rate),
        "num_events": len(events),
        "fps": float(rate),
        **{k: v for k, v in timeline.extra.items() if k not in _VIDEO_KEYS},
        "events": events,
    }


def _event_to_json(event: Event, rate: Fraction, scored: bool) -> dict[str, Any]:
    document: dict[str, Any] = {"frame": frame_at(event.seconds, rate), "label": event.label}
    if scored:
        document["score"] = float(event.confidence)
    if event.team is not None or event.visibility is not None:
        document["comment"] = f"{event.team or ''}; {event.visibility or ''}"
    elif event.note is not None and "; " not in event.note:  # it would be read as a team
        document["comment"] = event.note
    return document | {k: v for k, v in event.extra.items() if k not in _EVENT_KEYS}


def _sniff(source: SourceFile) -> bool:
    document = source.peek()
    if isinstance(document, dict):
        return isinstance(document.get("video"), str) and isinstance(document.get("events"), list)
    return isinstance(document, list) and all(
        isinstance(item, dict) and isinstance(item.get("video"), str) for item in document
    )


FORMAT = Format(
    "e2e",
    (".json", ".json.gz"),
    "E2E-Spot labels or predictions: events by frame",
    frozenset(
        {"seconds", "label", "confidence", "team", "visibility", "extra"}
        | {"video", "timeline_half", "labels", "file_extra"}
    ),
    read_e2e,
    write_e2e,
    _sniff,
    writes_with=frozenset({"rate"}),
    title="E2E-Spot (JSON)",
)
