"""What every format is: how it is recognised, read and written, and what it can hold."""

import json
import math
import re
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, fields
from fractions import Fraction
from functools import cached_property
from pathlib import Path, PurePosixPath
from typing import Any

from touchline.errors import FormatError
from touchline.events import Event, Match, Timeline, Video
from touchline.formats.reading import parse_json
from touchline.labels import LabelSet, label_set_of
from touchline.reel import Reel

Matches = dict[str, Match]
Thing = Timeline | Match | Reel | Matches
"""What a file holds: one video, one game, an edit, or several games by name."""

EVENT_FIELDS = frozenset(f.name for f in fields(Event))

TIMELINE_FIELDS = frozenset({"video", "timeline_half", "labels", "model", "warnings"})
"""What a timeline says beside its events; ``video`` stands for its duration and frame rate."""

FILE_FIELDS = TIMELINE_FIELDS | {"file_extra"}
ALL_FIELDS = EVENT_FIELDS | FILE_FIELDS

MAX_LABEL = 300

MAX_ITEMS = 1_000_000
"""Longest list of events, games or clips that is read; a whole season has fewer."""

_BYTE_ORDER_MARK = b"\xef\xbb\xbf"
_ENDINGS = re.compile(r"(\.events|\.reel)?\.\w{1,8}(\.gz)?$")
_KEY_END = re.compile(rb'"\s*:')


@dataclass(frozen=True)
class Source:
    """One file as bytes, decoded and parsed at most once.

    Attributes:
        name: path inside the folder or zip that was asked for, with forward slashes; for a
            single file its name. Formats take half and game from it.
        where: what error messages call it.
        rate: frame rate of files that count frames and do not say how many there are a second.
        remarks: what a reader must know of the file; they become warnings of its timelines.
    """

    name: str
    where: str
    data: bytes = field(repr=False)
    rate: Fraction | None = None
    remarks: list[str] = field(default_factory=list, compare=False)

    @property
    def text(self) -> str:
        """The text, without byte-order mark and with plain line ends.

        Raises:
            FormatError: as ``raw_text``.
        """
        return self.raw_text.replace("\r\n", "\n").replace("\r", "\n")

    @cached_property
    def raw_text(self) -> str:
        """The text, without byte-order mark, its line ends as they are.

        Raises:
            FormatError: the bytes are neither UTF-8 nor UTF-16 with its mark.
        """
        utf16 = self.data[:2] in (b"\xff\xfe", b"\xfe\xff")
        try:
            return self.data.decode("utf-16" if utf16 else "utf-8-sig")
        except UnicodeDecodeError as error:
            place = f"byte {error.start}"
            raise self.fault("this is not UTF-8 text", place, "save it as UTF-8") from error

    @cached_property
    def document(self) -> Any:
        """The JSON document. Keys that occur twice in an object are put among the remarks.

        Raises:
            FormatError: malformed, or nested too deep.
        """
        content = self.data.removeprefix(_BYTE_ORDER_MARK)
        document = parse_json(content, self.where)
        # Texts may hold `":` too, so more marks than keys is a reason to look, not yet a finding.
        if len(_KEY_END.findall(content)) > _count_keys(document):
            self.remarks.extend(_repeated_keys(content))
        return document

    def peek(self) -> Any:
        """The JSON document, or None where there is none."""
        if self.data.removeprefix(_BYTE_ORDER_MARK).lstrip()[:1] not in (b"{", b"["):
            return None
        try:
            return self.document
        except FormatError:
            return None

    @property
    def file_name(self) -> str:
        """The last part of the name."""
        return PurePosixPath(self.name).name

    @property
    def stem(self) -> str:
        """The file name without the endings of event and reel files."""
        return _ENDINGS.sub("", self.file_name) or self.file_name

    def fault(self, what: str, place: str | None = None, remedy: str | None = None) -> FormatError:
        """An error that names the file and the place in it, to be raised by the caller."""
        where = self.where if place is None else f"{self.where}: {place}"
        return FormatError(what, where=where, remedy=remedy)


@dataclass(frozen=True)
class Options:
    """Choices of a writer; each format uses those that concern it.

    Attributes:
        rate: frame rate of frame-based formats, where the thing does not say it.
        video: path of the video that an edit list refers to, or paths by half; without it the
            list names the videos as the reel does.
        lead_seconds, lag_seconds: what a window begins before, and ends after, a point event.
        drop_frame: whether an edit list at 29.97 or 59.94 counts drop-frame timecode.
        title: name of the edit.
    """

    rate: Fraction | None = None
    video: str | Path | Mapping[int, str | Path] | None = None
    lead_seconds: float = 5.0
    lag_seconds: float = 5.0
    drop_frame: bool | None = None
    title: str = "touchline"


@dataclass(frozen=True)
class Format:
    """One file format.

    Attributes:
        name: what ``--from`` and ``--to`` call it.
        suffixes: endings of its files, longest first; the first is the usual one.
        holds: which fields come back after a round trip: names of ``Event``, and of
            ``FILE_FIELDS``.
        read: raises FormatError for anything it cannot make sense of.
        write: None where the format is only read; raises FormatError for a thing that it
            cannot hold.
        sniff: whether a file looks like this format; never raises.
        file_name: what it is called inside a game's folder; None if not part of a tree.
        kinds: what it is for: ``events``, ``reel``, or both.
        labels: the classes that its official readers know; they skip all others.
    """

    name: str
    suffixes: tuple[str, ...]
    description: str
    holds: frozenset[str]
    read: Callable[[Source], Thing]
    write: Callable[[Thing, Options], bytes] | None
    sniff: Callable[[Source], bool]
    file_name: str | None = None
    kinds: frozenset[str] = frozenset({"events"})
    labels: LabelSet | None = None


class Record:
    """One JSON object of a file: typed access to its fields, by errors that name the place."""

    __slots__ = ("place", "source", "values")

    def __init__(self, source: Source, values: object, place: str = "") -> None:
        if not isinstance(values, dict):
            raise source.fault(f"{_kind(values)} where an object belongs", place or None)
        self.source = source
        self.values: dict[str, Any] = values
        self.place = place

    def at(self, key: str) -> str:
        """The place of a field, such as ``events[3].time``."""
        return f"{self.place}.{key}" if self.place else key

    def fault(self, key: str, what: str, remedy: str | None = None) -> FormatError:
        """An error about one field, to be raised by the caller."""
        return self.source.fault(what, self.at(key), remedy)

    def text(self, key: str) -> str:
        """A text that must be there."""
        value = self.values.get(key)
        if isinstance(value, str):
            return value
        raise self.wrong(key, "text")

    def optional_text(self, key: str) -> str | None:
        """A text, or None where the field is missing or null."""
        return None if self.values.get(key) is None else self.text(key)

    def number(self, key: str, default: float | None = None) -> float:
        """A number (not a text of one); ``default`` where the field is missing or null."""
        value = self.values.get(key)
        if isinstance(value, int | float) and not isinstance(value, bool):
            try:
                number = float(value)
            except OverflowError:
                number = math.inf
            if math.isfinite(number):
                return number
            raise self.fault(key, f"{str(value)[:40]} is not a finite number")
        if value is None and default is not None:
            return default
        raise self.wrong(key, "a number")

    def optional_number(self, key: str) -> float | None:
        """A number, or None where the field is missing or null."""
        return None if self.values.get(key) is None else self.number(key)

    def optional_integer(self, key: str) -> int | None:
        """A whole number, or None where the field is missing or null."""
        value = self.optional_number(key)
        if value is not None and value != int(value):
            raise self.fault(key, f"{value} is not a whole number")
        return None if value is None else int(value)

    def records(self, key: str) -> "list[Record]":
        """The objects of a list that must be there."""
        value = self.values.get(key)
        if not isinstance(value, list):
            raise self.wrong(key, "a list")
        if len(value) > MAX_ITEMS:
            raise self.fault(key, f"a list of {len(value)} items", f"at most {MAX_ITEMS} are read")
        place = self.at(key)
        return [Record(self.source, item, f"{place}[{i}]") for i, item in enumerate(value)]

    def record(self, key: str) -> "Record":
        """An object that must be there."""
        return Record(self.source, self.values.get(key), self.at(key))

    def rest(self, known: Iterable[str]) -> dict[str, Any]:
        """The fields that touchline has no name for."""
        names = frozenset(known)
        return {key: value for key, value in self.values.items() if key not in names}

    def event(self, seconds: float, label: str, confidence: float = 1.0, **more: Any) -> Event:
        """An event of this object; faults of its values name the place."""
        try:
            return Event(seconds, label, confidence, **more)
        except FormatError as error:
            raise self.source.fault(error.what, self.place or None, error.remedy) from error

    def wrong(self, key: str, wanted: str) -> FormatError:
        """An error about a field that is missing or of the wrong type, for the caller to raise."""
        if key not in self.values:
            return self.source.fault(
                f"{key!r} is missing", self.place or None, f"give {wanted} there"
            )
        return self.fault(key, f"{_kind(self.values[key])} where {wanted} belongs")


def _kind(value: object) -> str:
    if isinstance(value, dict):
        return "an object"
    if isinstance(value, list):
        return "a list"
    return json.dumps(value)[:60]


def _count_keys(document: object) -> int:
    count, pending = 0, [document]
    while pending:
        value = pending.pop()
        if isinstance(value, dict):
            count += len(value)
            pending.extend(value.values())
        elif isinstance(value, list):
            pending.extend(value)
    return count


def _repeated_keys(content: bytes) -> list[str]:
    repeated: Counter[str] = Counter()

    def notice(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        counts = Counter(key for key, _ in pairs)
        repeated.update(key for key, count in counts.items() if count > 1)
        return dict(pairs)

    json.loads(content, object_pairs_hook=notice)
    return [
        f"the key {key[:60]!r} occurs more than once in {n} object{'s' * (n > 1)}; the last counts"
        for key, n in repeated.items()
    ]


def known_labels(labels: Iterable[str], declared: LabelSet | None = None) -> LabelSet | None:
    """The label set of a file: what it declares, widened by labels that occur all the same.

    Without a declaration: the published set that covers the labels, else a custom one. Texts
    that cannot be labels (blank, over-long) stay on their events but join no set.
    """
    found = tuple(x for x in dict.fromkeys(labels) if x.strip() and len(x) <= MAX_LABEL)
    if declared is None:
        return label_set_of(found) if found else None
    unknown = sorted(set(found) - set(declared.labels))
    return LabelSet("custom", (*declared.labels, *unknown)) if unknown else declared


def dump_json(
    document: Mapping[str, Any], *, sort_keys: bool = False, rows: str | None = None
) -> bytes:
    """A JSON document as bytes, indented, ending in a line end.

    Args:
        rows: key of the last field, a list whose items are written one to a line.

    Raises:
        FormatError: a number in it is not finite.
    """

    def dumps(value: Any, indent: int | None, ascii_only: bool) -> str:
        return json.dumps(
            value, ensure_ascii=ascii_only, allow_nan=False, indent=indent, sort_keys=sort_keys
        )

    def text(ascii_only: bool) -> bytes:
        if rows is None:
            return (dumps(document, 4, ascii_only) + "\n").encode()
        head = dumps({k: v for k, v in document.items() if k != rows}, 2, ascii_only)
        lines = ",\n".join(f"    {dumps(item, None, ascii_only)}" for item in document[rows])
        body = f"[\n{lines}\n  ]" if lines else "[]"
        return f'{head[:-2]},\n  "{rows}": {body}\n}}\n'.encode()

    try:
        try:
            return text(False)
        except UnicodeEncodeError:  # half a surrogate pair: JSON can only escape it
            return text(True)
    except ValueError as error:
        raise FormatError(f"cannot be written as JSON: {error}") from error


def dump_json_list(items: Iterable[Mapping[str, Any]]) -> bytes:
    """A JSON list of objects as bytes, one to a line.

    Raises:
        FormatError: a number in it is not finite.
    """
    try:
        lines = ",\n".join(json.dumps(item, allow_nan=False) for item in items)
    except ValueError as error:
        raise FormatError(f"cannot be written as JSON: {error}") from error
    return f"[\n{lines}\n]\n".encode() if lines else b"[]\n"


def only_timeline(thing: Thing, format_name: str) -> Timeline:
    """The one timeline of a thing, for formats of one video.

    Raises:
        FormatError: the thing is a reel, or holds several videos.
    """
    if isinstance(thing, Timeline):
        return thing
    match = only_match(thing, format_name)
    if len(match.timelines) == 1:
        return match.timelines[0]
    raise FormatError(
        f"{format_name} holds one video, and {match.name!r} has {len(match.timelines)}",
        remedy="choose one with --half, or write soccernet-v2, csv or touchline",
    )


def only_match(thing: Thing, format_name: str) -> Match:
    """The one match of a thing, for formats of one game.

    Raises:
        FormatError: the thing is a reel, or holds several games.
    """
    if isinstance(thing, Match):
        return thing
    if isinstance(thing, Timeline):
        return Match(thing.video.name, (thing,))
    if isinstance(thing, Reel):
        raise FormatError(
            f"{format_name} holds events, not a reel",
            remedy="write a reel as .json, .otio, .edl, .fcpxml, .xml, .vtt, .srt or .txt",
        )
    if len(thing) == 1:
        return next(iter(thing.values()))
    raise FormatError(
        f"{format_name} holds one game, and there are {len(thing)}",
        remedy="write to a folder or a .zip",
    )


def all_matches(thing: Thing, format_name: str) -> Matches:
    """A thing as games by name, for formats of many games.

    Raises:
        FormatError: the thing is a reel.
    """
    if isinstance(thing, dict):
        return thing
    match = only_match(thing, format_name)
    return {match.name: match}


def only_reel(thing: Thing, format_name: str) -> Reel:
    """A thing that must be a reel.

    Raises:
        FormatError: it is not.
    """
    if isinstance(thing, Reel):
        return thing
    raise FormatError(
        f"{format_name} holds a reel, not events",
        remedy="make a reel of them with `touchline reel EVENTS`",
    )


def rate_of(video: Video, options: Options, format_name: str) -> Fraction:
    """The frame rate to count in: the one asked for, else the video's own.

    Raises:
        FormatError: neither is known.
    """
    rate = options.rate or video.frame_rate
    if rate is None:
        raise FormatError(
            f"{format_name} counts frames, and the frame rate of {video.name!r} is not known",
            remedy="give it with --rate",
        )
    return rate
