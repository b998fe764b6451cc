"""Sportscode XML: instances with a window and labels, the exchange format of analysis programs.

A point event is written as a window around it, with its exact time in a label, so that reading it
back is lossless. The clips of a reel are written as windows directly.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from itertools import count
from typing import Any

from touchline.colours import class_colour, place_colour
from touchline.errors import FormatError, InputError
from touchline.events import Event, Timeline, Video
from touchline.formats.base import (
    DESCRIPTORS,
    EVENT_FIELDS,
    LAG,
    LEAD,
    Content,
    Format,
    Options,
    Record,
    SourceFile,
    event_descriptors,
    event_stretch,
    is_event_text,
    only_timeline,
    resolve_label_set,
)
from touchline.formats.edit_lists import clip_from_metadata, clip_title, metadata_text
from touchline.formats.markup import Element, child, mentions, new_root, parse_xml, xml_bytes
from touchline.formats.states import state_to_json, take_state
from touchline.formats.touchline_json import event_from_json
from touchline.labels import LabelSet
from touchline.match_state import clip_event, format_score, match_state, score_shown
from touchline.reel import Reel
from touchline.timebase import parse_seconds

_TIME = "Event time"
_EXTRA = "touchline"
_CLIP = "touchline clip"
_TEXTS = {
    "Team": "team",
    "Player": "player",
    "Visibility": "visibility",
    "Status": "status",
    "Source": "source",
    "Note": "note",
}
_NUMBERS = {"Confidence": "confidence", "Half": "half"}
_STATE = ("Clock", "Score")
"""Groups of match clock and score, as people read them; the exact values are in ``_EXTRA``."""

_SIXTEEN_BITS = 257
"""Times 257, 0 to 255 become 0 to 65535."""


def read_sportscode(source: SourceFile) -> Timeline | Reel:
    """Read instances as events, or as a reel if touchline wrote them from clips.

    The time is that of the label "Event time", else the start of the instance, whose window,
    ID and labels (repeated ones too) are then kept and written back.

    Raises:
        FormatError: not Sportscode XML, or an instance without code or start.
    """
    root = parse_xml(source)
    instances = root.findall("./ALL_INSTANCES/instance")
    if root.tag != "file" or root.find("ALL_INSTANCES") is None:
        raise source.error("there is no <file> with <ALL_INSTANCES>")
    places = [(f"instance {i + 1}", instance) for i, instance in enumerate(instances)]
    if instances and all(_clip_note(instance) is not None for instance in instances):
        return Reel(
            tuple(
                clip_from_metadata(source, place, _clip_note(i), *_window(source, place, i))
                for place, i in places
            )
        )
    events = _events(source, places)
    labels = resolve_label_set(event.label for event in events)
    rows = _other_rows(root, labels, events)
    extra = {"rows": rows} if rows else {}
    return Timeline(Video(source.stem), events, labels=labels, extra=extra)


def _events(source: SourceFile, places: Iterable[tuple[str, Element]]) -> tuple[Event, ...]:
    """The events of instances; one that cannot be read is named, unless none can."""
    events: list[Event] = []
    errors: list[FormatError] = []
    for place, instance in places:
        try:
            events.append(_event(source, place, instance))
        except FormatError as error:
            errors.append(error)
    if errors and not events:
        raise errors[0]
    source.warnings.extend(f"left out: {error}" for error in errors)
    return tuple(events)


def _other_rows(
    root: Element, labels: LabelSet | None, events: Sequence[Event]
) -> dict[str, list[int] | None]:
    """Colours of the rows that would not be written like this by themselves, by code."""
    found = {code: _rgb(row) for row in root.findall("./ROWS/row") if (code := _text(row, "code"))}
    default = {code: _colour(labels, code) for code in _codes(labels, events)}
    if found.keys() == default.keys():
        return {code: rgb for code, rgb in found.items() if rgb and rgb != default[code]}
    used = {event.label for event in events}
    others = {code: None if rgb == _colour(labels, code) else rgb for code, rgb in found.items()}
    return {code: rgb for code, rgb in others.items() if rgb or code not in used}


def _codes(labels: LabelSet | None, events: Iterable[Event]) -> list[str]:
    """The codes that get a row, where no other rows are given."""
    return list(dict.fromkeys([*(labels or ()), *(event.label for event in events)]))


def write_sportscode(content: Content, options: Options) -> bytes:
    """Write instances, and a row with a 16-bit colour for each code.

    A window begins ``options.lead_seconds`` before its event, at 0 at the earliest, and ends
    ``options.lag_seconds`` after it.

    Raises:
        FormatError: a match of several videos, or several games.
    """
    root = new_root("file")
    instances = child(root, "ALL_INSTANCES")
    if isinstance(content, Reel):
        codes = [clip_title(clip) for clip in content]
        classes = {
            code: clip.events[0].label
            for clip, code in zip(content, codes, strict=True)
            if clip.events
        }
        labels = resolve_label_set(event.label for clip in content for event in clip.events)
        for number, clip in enumerate(content, start=1):
            instance = _instance(
                instances, str(number), clip.start_seconds, clip.end_seconds, codes[number - 1]
            )
            for event in clip.events:
                _label(instance, "Event", event.label)
            if (main := clip_event(clip)) is not None:
                main = replace(main, half=main.half or clip.half, clock=None)
                for group, text in _state_labels(main).items():
                    _label(instance, group, text)
            _label(instance, _CLIP, metadata_text(clip))
        colours: Mapping[str, Any] = {}
    else:
        timeline = only_timeline(content, "Sportscode XML")
        classes = {}
        labels = timeline.labels or resolve_label_set(event.label for event in timeline)
        given = timeline.extra.get("rows")
        colours = given if isinstance(given, Mapping) else {}
        codes = _codes(None if colours else timeline.labels, timeline)
        codes = [*map(str, colours), *codes]
        _write_events(instances, timeline, options)
    rows = child(root, "ROWS")
    for code in dict.fromkeys(codes):
        row = child(rows, "row")
        child(row, "code", code)
        rgb = colours.get(code)
        if not isinstance(rgb, list | tuple) or len(rgb) != 3:
            rgb = _colour(labels, classes.get(code, code))
        for name, value in zip("RGB", rgb, strict=True):
            child(row, name, str(value))
    return xml_bytes(root)


def _write_events(parent: Element, timeline: Timeline, options: Options) -> None:
    """Write instances; those without an ID of their own get free numbers."""
    own = {
        str(event.extra["id"]) for event in timeline if _is_foreign(event) and "id" in event.extra
    }
    free = (str(number) for number in count(1) if str(number) not in own)
    for event in timeline:
        identity = str(event.extra.get("id") or "") if _is_foreign(event) else ""
        _write_event(parent, identity or next(free), event, options)


def _is_foreign(event: Event) -> bool:
    """Whether an event has the window of another program's instance."""
    return _is_number(event.extra.get("start")) and _is_number(event.extra.get("end"))


def _write_event(parent: Element, identity: str, event: Event, options: Options) -> None:
    extra = dict(event.extra)
    foreign = _is_foreign(event)
    if foreign:
        # The window moves with an event that was moved since it was read.
        by = event.seconds - extra.pop("start")
        start, end = event.seconds, extra.pop("end") + by
        extra.pop("id", None)
    else:
        window = event_stretch(event) or (
            event.seconds - options.lead_seconds,
            event.seconds + options.lag_seconds,
        )
        start, end = (max(seconds, 0.0) for seconds in window)
    instance = _instance(parent, identity, start, end, event.label)
    if not foreign:
        _label(instance, _TIME, repr(round(float(event.seconds), 6)))
    if event.confidence != 1:
        _label(instance, "Confidence", repr(float(event.confidence)))
    if event.half is not None:
        _label(instance, "Half", str(event.half))
    for group, name in _TEXTS.items():
        if (text := getattr(event, name)) is not None:
            _label(instance, group, text)
    for group, text in _state_labels(event).items():
        _label(instance, group, text)
    for said in event_descriptors(event):
        _label(instance, *said)
    extra.pop(DESCRIPTORS, None)
    exact = (event.clock_seconds, event.score, event.uncertainty_seconds)
    if any(value is not None for value in exact):
        extra |= state_to_json(event)
    if extra:
        try:
            _label(instance, _EXTRA, json.dumps(extra, allow_nan=False))
        except ValueError as error:
            raise FormatError(f"cannot be written as JSON: {error}") from error


def _state_labels(event: Event) -> dict[str, str]:
    """What the groups of ``_STATE`` say of an event."""
    texts = {"Clock": match_state(replace(event, score=None))}
    if (score := score_shown(event)) is not None:
        texts["Score"] = format_score(score)
    return {group: text for group, text in texts.items() if text}


def _instance(parent: Element, identity: str, start: float, end: float, code: str) -> Element:
    instance = child(parent, "instance")
    child(instance, "ID", identity)
    child(instance, "start", repr(round(float(start), 6)))
    child(instance, "end", repr(round(float(end), 6)))
    child(instance, "code", code)
    return instance


def _label(instance: Element, group: str | None, text: str) -> None:
    label = child(instance, "label")
    if group is not None:
        child(label, "group", group)
    child(label, "text", text)


def _event(source: SourceFile, place: str, instance: Element) -> Event:
    code = _text(instance, "code")
    if not code:
        raise source.error("an instance needs a <code>", place)
    start, end = _window(source, place, instance)
    document: dict[str, Any] = {"label": code}
    rest: list[dict[str, str]] = []
    shown: dict[str, str] = {}
    for group, text in _labels(instance):
        name = _TEXTS.get(group or "")
        number = _finite(text) if group in _NUMBERS or group == _TIME else None
        if group == _TIME and number is not None and "time" not in document:
            document["time"] = number
        elif group in _NUMBERS and number is not None and _NUMBERS[group] not in document:
            document[_NUMBERS[group]] = number
        elif name is not None and name not in document and is_event_text(name, text):
            document[name] = text
        elif group in _STATE and group not in shown:
            shown[group] = text
        elif group == _EXTRA:
            extra = SourceFile(source.name, f"{source.where}: {place}", text.encode()).document
            document = (extra if isinstance(extra, dict) else {}) | document
        else:
            rest.append({"text": text} if group is None else {"group": group, "text": text})
    if "time" not in document:
        document |= {"time": start, "start": start, "end": end}
        if identity := _text(instance, "ID"):
            document["id"] = identity
    elif {LEAD, LAG} <= document.keys() and start <= document["time"] <= end:
        # The window may have been dragged in the other program.
        document[LEAD] = round(document["time"] - start, 6)
        document[LAG] = round(end - document["time"], 6)
    rest += _take_shown(Record(source, document, place), shown)
    if rest:
        document[DESCRIPTORS] = rest
    return event_from_json(Record(source, document, place))


def _take_shown(record: Record, shown: Mapping[str, str]) -> list[dict[str, str]]:
    """Clock and score of an instance, put into its record; returns the labels that are neither.

    The exact values count where the labels still say the same, else the label: someone has
    changed it since.
    """
    state, rest = take_state(record.values)
    event = event_from_json(Record(record.source, rest, record.place))
    stated = _state_labels(replace(event, **state))
    others = []
    for group, text in shown.items():
        if stated.get(group) == text:
            continue
        for key in ("clock", "clock_text") if group == "Clock" else ("score",):
            record.values.pop(key, None)
        if group == "Clock" and is_event_text("clock", text):
            record.values["clock"] = text
        else:
            others.append({"group": group, "text": text})
    return others


def _window(source: SourceFile, place: str, instance: Element) -> tuple[float, float]:
    texts = [_text(instance, name) for name in ("start", "end")]
    try:
        start = _seconds(texts[0] or "")
        return start, _seconds(texts[1]) if texts[1] and texts[1].strip() else start
    except InputError as error:
        raise source.error(error.what, place, "give seconds in <start> and <end>") from error


def _seconds(text: str) -> float:
    """A time with a decimal point or comma; before the recording, below 0."""
    text = text.strip()
    sign = -1 if text.startswith("-") else 1
    return sign * parse_seconds(text.removeprefix("-").replace(",", "."))


def _labels(instance: Element) -> list[tuple[str | None, str]]:
    return [
        (_text(label, "group"), _text(label, "text") or "") for label in instance.findall("label")
    ]


def _clip_note(instance: Element) -> str | None:
    return next((text for group, text in _labels(instance) if group == _CLIP), None)


def _text(parent: Element, name: str) -> str | None:
    found = parent.find(name)
    return None if found is None else found.text or ""


def _finite(text: str) -> float | None:
    try:
        value = float(text)
    except ValueError:
        return None
    return value if abs(value) < 1e12 else None


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _rgb(row: Element) -> list[int] | None:
    values = [_finite(_text(row, name) or "") for name in "RGB"]
    return [int(value) for value in values if value is not None] if None not in values else None


def _colour(labels: LabelSet | None, code: str) -> list[int]:
    """The colour that the page and the report give a class, with 16 bits a channel."""
    colour = place_colour(0) if labels is None else class_colour(labels, code)
    return [_SIXTEEN_BITS * part for part in colour]


FORMAT = Format(
    "sportscode",
    (".xml",),
    "Sportscode XML, also of Nacsport, LongoMatch and others",
    EVENT_FIELDS,
    read_sportscode,
    write_sportscode,
    lambda source: (
        mentions(source, b"<file")
        and not any(mentions(source, other) for other in (b"<fcpxml", b"<xmeml"))
    ),
    kinds=frozenset({"events", "reel"}),
    writes_with=frozenset({"lead_seconds", "lag_seconds"}),
    title="Sportscode, Nacsport, LongoMatch (XML)",
)
