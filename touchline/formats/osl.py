"""OSL JSON, version 1 (OSL-ActionSpotting) and version 2 (opensportslib, VideoAnnotationTool)."""

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta
from fractions import Fraction
from pathlib import PurePosixPath
from typing import Any

from touchline.errors import InputError
from touchline.events import Event, Match, Timeline, Video
from touchline.formats.base import (
    EVENT_FIELDS,
    Content,
    Format,
    Matches,
    Options,
    Record,
    SourceFile,
    all_matches,
    dump_json,
    resolve_label_set,
)
from touchline.formats.soccernet import annotation_to_json, game_and_half, read_annotation
from touchline.formats.states import state_to_json, take_state
from touchline.labels import LabelSet
from touchline.timebase import parse_rate

_PATHS = ("path", "path_video", "path_features")
_ROOT_2 = ("version", "date", "task", "dataset_name", "description", "modalities", "metadata")
_EVENT_KEYS = frozenset({"label", "position_ms", "confidence", "confidence_score"})
_TEXTS = ("team", "visibility", "player", "note")
_HOLDS = EVENT_FIELDS - {"half", "status", "source"}
_DEFAULT_HEAD = "action"


def read_osl_1(source: SourceFile) -> Matches:
    """Read version 1: one entry per half, positions in milliseconds of the half.

    Raises:
        FormatError: no list of videos, a video without path, a malformed annotation.
    """
    root = Record(source, source.document)
    declared = _label_set(root, root.values.get("labels"))
    extra = root.unknown_fields({"videos", "labels"})
    games: dict[str, list[Timeline]] = {}
    for record in root.records("videos"):
        path = next((record.text(key) for key in _PATHS if key in record.values), None)
        if path is None:
            raise record.unexpected("path", "the path of the video or its features")
        game, half = game_and_half(path)
        read = [read_annotation(item) for item in record.records("annotations")]
        events = tuple(event for _, event in read)
        half = half if half is not None or not read else read[0][0]
        timeline = Timeline(
            Video(PurePosixPath(path).name),
            events,
            labels=resolve_label_set((e.label for e in events), declared),
            half=half,
            extra=record.unknown_fields({"annotations"}),
        )
        games.setdefault(game, []).append(timeline)
    return _matches(games, extra)


def write_osl_1(content: Content, options: Options) -> bytes:
    """Write version 1; positions as numbers.

    Raises:
        FormatError: a reel.
    """
    matches = all_matches(content, "osl-v1")
    videos = []
    for match in matches.values():
        for timeline in match.timelines:
            annotations = []
            for event in timeline:
                annotation = annotation_to_json(event.half or timeline.half or 1, event)
                annotation["position"] = round(event.seconds * 1000)
                annotations.append(annotation)
            path = f"{_underscored(match.name)}/{timeline.video.name}"
            header = {} if any(k in timeline.extra for k in _PATHS) else {"path": path}
            videos.append({**header, **timeline.extra, "annotations": annotations})
    labels = _labels_of(matches.values())
    root = {"version": 1} | _root_extra(matches, {"version"}) | {"labels": list(labels)}
    return dump_json(root | {"videos": videos}, rows="videos")


def read_osl_2(source: SourceFile) -> Matches:
    """Read version 2: one timeline per sample. A valid ``timestamp_utc`` overrides position_ms.

    Samples named after the halves of a game (``.../1_224p.mkv``) form one match.

    Raises:
        FormatError: no list of samples, or an event without label or time.
    """
    root = Record(source, source.document)
    heads = root.record("labels") if root.values.get("labels") is not None else None
    extra = root.unknown_fields({"data"})
    games: dict[str, list[Timeline]] = {}
    for record in root.records("data"):
        game, timeline = _sample(record, heads)
        if any(t.half == timeline.half for t in games.get(game, [])):
            game = f"{game}/{record.values.get('id', len(games))}"
        games.setdefault(game, []).append(timeline)
    return _matches(games, extra)


def write_osl_2(content: Content, options: Options) -> bytes:
    """Write version 2: one sample per video, with the other fields of the file it was read from.

    Raises:
        FormatError: a reel.
    """
    matches = all_matches(content, "osl")
    extra = _root_extra(matches, {"data"})
    metadata = extra.get("metadata")
    predicted = isinstance(metadata, Mapping) and metadata.get("type") == "predictions"
    score_key = "confidence" if predicted else "confidence_score"
    root: dict[str, Any] = {"version": "2.0", "task": "localization", "modalities": ["video"]}
    root |= {key: extra[key] for key in _ROOT_2 if key in extra and key != "version"}
    if str(extra.get("version", "")).startswith("2"):
        root["version"] = extra["version"]
    root |= {key: value for key, value in extra.items() if key not in root}
    root["labels"] = _heads_to_json(matches.values(), extra.get("labels"))
    samples = [
        _sample_to_json(match, timeline, score_key)
        for match in matches.values()
        for timeline in match.timelines
    ]
    return dump_json(root | {"data": samples}, rows="data")


def _matches(games: Mapping[str, list[Timeline]], extra: dict[str, Any]) -> Matches:
    return {
        game: Match(game, tuple(sorted(timelines, key=lambda t: t.half or 0)), extra)
        for game, timelines in games.items()
    }


def _label_set(record: Record, value: object) -> LabelSet | None:
    return None if value is None or value == [] else record.label_set("labels", value)


def _sample(record: Record, heads: Record | None) -> tuple[str, Timeline]:
    inputs = record.records("inputs") if "inputs" in record.values else []
    first = inputs[0] if inputs else None
    path = (first.optional_text("path") if first else None) or ""
    origin = _origin(first)
    items = record.records("events") if record.values.get("events") is not None else []
    events = tuple(_event(item, origin) for item in items)
    game, half = game_and_half(path)
    if half is None:
        game = record.optional_text("id") or game or f"sample-{record.place}"
    timeline = Timeline(
        Video(PurePosixPath(path).name or game, None, _rate(first)),
        events,
        labels=_labels_of_heads(heads, events),
        half=half,
        extra=record.unknown_fields({"events"}),
    )
    return game, timeline


def _rate(record: Record | None) -> Fraction | None:
    fps = record.optional_number("fps") if record else None
    try:
        return None if fps is None else parse_rate(fps)
    except InputError as error:
        assert record is not None
        raise record.error("fps", error.what, error.remedy) from error


def _origin(record: Record | None) -> datetime | None:
    return _utc(record.values.get("UTC_time_start")) if record else None


def _utc(value: object) -> datetime | None:
    """A UTC time; None for an invalid one, which is ignored."""
    if not isinstance(value, str):
        return None
    try:
        time = datetime.fromisoformat(value.strip())
        return time.replace(tzinfo=UTC) if time.tzinfo is None else time.astimezone(UTC)
    except (ValueError, OverflowError):
        return None


def _event(record: Record, origin: datetime | None) -> Event:
    time = _utc(record.values.get("timestamp_utc"))
    if time is not None and origin is not None:
        seconds = (time - origin) / timedelta(seconds=1)
    else:
        seconds = record.number("position_ms") / 1000
    key = "confidence" if "confidence" in record.values else "confidence_score"
    texts = {k: v for k in _TEXTS if isinstance(v := record.values.get(k), str)}
    state, extra = take_state(record.unknown_fields(_EVENT_KEYS | set(texts)))
    if extra.get("head") == _DEFAULT_HEAD:
        del extra["head"]
    return record.event(
        seconds, record.text("label"), record.number(key, 1.0), extra=extra, **state, **texts
    )


def _labels_of_heads(heads: Record | None, events: tuple[Event, ...]) -> LabelSet | None:
    """The classes of the heads that the events use; without events, those of the last head."""
    found = [event.label for event in events]
    if heads is None:
        return resolve_label_set(found)
    used = dict.fromkeys(str(e.extra.get("head", _DEFAULT_HEAD)) for e in events)
    names = [name for name in used if name in heads.values] or list(heads.values)[-1:]
    labels: dict[str, None] = {}
    for name in names:
        head = heads.record(name)
        declared = _label_set(head, head.values.get("labels"))
        labels |= dict.fromkeys(declared or ())
    return resolve_label_set(found, _label_set(heads, list(labels)))


def _sample_to_json(match: Match, timeline: Timeline, score_key: str) -> dict[str, Any]:
    name = timeline.video.name
    path = f"{_underscored(match.name)}/{name}" if timeline.half is not None else name
    given: dict[str, Any] = {"type": "video", "path": path}
    if timeline.video.frame_rate is not None:
        given["fps"] = float(timeline.video.frame_rate)
    identity = match.name if timeline.half is None else f"{match.name}/{timeline.half}"
    sample = {"id": identity, "inputs": [given]} | dict(timeline.extra)
    origin = None
    inputs = sample["inputs"]
    if isinstance(inputs, list) and inputs and isinstance(inputs[0], Mapping):
        origin = _utc(inputs[0].get("UTC_time_start"))
    if timeline.events:
        sample["events"] = [_event_to_json(event, score_key, origin) for event in timeline]
    return sample


def _event_to_json(event: Event, score_key: str, origin: datetime | None) -> dict[str, Any]:
    document: dict[str, Any] = {
        "head": event.extra.get("head", _DEFAULT_HEAD),
        "label": event.label,
        "position_ms": round(event.seconds * 1000),
    }
    if event.confidence != 1:
        document[score_key] = float(event.confidence)
    document |= {k: v for k in _TEXTS if (v := getattr(event, k)) is not None}
    document |= state_to_json(event)
    document |= {k: v for k, v in event.extra.items() if k not in document}
    if "timestamp_utc" in document and origin is not None:
        # It overrides the position, so it must be updated for an event that was moved.
        time = origin + timedelta(seconds=event.seconds)
        if _utc(document["timestamp_utc"]) != time:
            document["timestamp_utc"] = time.strftime("%Y-%m-%d %H:%M:%S.%f")
    return document


def _heads_to_json(matches: Iterable[Match], given: object) -> dict[str, Any]:
    heads: dict[str, Any] = dict(given) if isinstance(given, Mapping) else {}
    wanted: dict[str, dict[str, None]] = {}
    for match in matches:
        for event in match.events:
            head = str(event.extra.get("head", _DEFAULT_HEAD))
            wanted.setdefault(head, {})[event.label] = None
    if not heads:
        order = _labels_of(matches)
        wanted.setdefault(_DEFAULT_HEAD, {})
        wanted[_DEFAULT_HEAD] = dict.fromkeys(order) | wanted[_DEFAULT_HEAD]
    for head, labels in wanted.items():
        known = heads.get(head)
        if not isinstance(known, Mapping):
            known = {"type": "single_label", "labels": []}
        merged = list(dict.fromkeys([*known.get("labels", []), *labels]))
        heads[head] = {**known, "labels": merged}
    return heads


def _labels_of(matches: Iterable[Match]) -> tuple[str, ...]:
    labels: dict[str, None] = {}
    for match in matches:
        for timeline in match.timelines:
            labels |= dict.fromkeys(timeline.labels or ())
            labels |= dict.fromkeys(event.label for event in timeline)
    return tuple(labels)


def _root_extra(matches: Matches, known: set[str]) -> dict[str, Any]:
    first = next(iter(matches.values()), None)
    return {k: v for k, v in first.extra.items() if k not in known} if first else {}


def _underscored(game: str) -> str:
    folder, slash, last = game.rpartition("/")
    return f"{folder}{slash}{last.replace(' ', '_')}"


def _sniff_1(source: SourceFile) -> bool:
    document = source.peek()
    return isinstance(document, dict) and isinstance(document.get("videos"), list) and (
        "format" not in document
    )  # fmt: skip


def _sniff_2(source: SourceFile) -> bool:
    document = source.peek()
    return isinstance(document, dict) and isinstance(document.get("data"), list) and (
        "format" not in document
    )  # fmt: skip


FORMATS = (
    Format(
        "osl",
        (".osl.json", ".json"),
        "OSL JSON 2.0 (opensportslib, VideoAnnotationTool)",
        _HOLDS | {"timeline_half", "labels", "file_extra"},
        read_osl_2,
        write_osl_2,
        _sniff_2,
        title="OSL VideoAnnotationTool (JSON)",
    ),
    Format(
        "osl-v1",
        (".osl1.json", ".json"),
        "OSL JSON 1 (OSL-ActionSpotting)",
        (EVENT_FIELDS - {"half"}) | {"timeline_half", "labels", "file_extra"},
        read_osl_1,
        write_osl_1,
        _sniff_1,
        title="OSL-ActionSpotting (JSON)",
    ),
)
