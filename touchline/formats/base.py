"""The format interface: how a format is recognised, read and written, and what it can hold."""

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

from touchline.errors import FormatError, InputError
from touchline.events import SOURCES, STATUSES, Event, Match, Timeline, Video
from touchline.formats.reading import parse_json
from touchline.labels import LABEL_SETS, LabelSet, label_set_of
from touchline.reel import Reel

Matches = dict[str, Match]
Content = Timeline | Match | Reel | Matches
"""The content of a file: one video, one game, a reel, or several games by name."""

EVENT_FIELDS = frozenset(f.name for f in fields(Event))

EVENT_WORDS: Mapping[str, tuple[str, ...]] = {
    "status": STATUSES,
    "source": SOURCES,
}
"""The fields of events that allow only certain words, with these words."""

TIMELINE_FIELDS = frozenset({"video", "timeline_half", "labels", "model", "warnings", "replays"})
"""The fields of a timeline other than its events; ``video`` is its duration and frame rate."""

FILE_FIELDS = TIMELINE_FIELDS | {"file_extra"}
ALL_FIELDS = EVENT_FIELDS | FILE_FIELDS

MAX_LABEL = 300

MAX_ITEMS = 1_000_000
"""Longest list of events, games or clips that is read; a whole season is shorter."""

_BYTE_ORDER_MARK = b"\xef\xbb\xbf"
_NOT_TEXT = b"\0\xef\xbb\xbf\xff\xfe"
"""Bytes of byte-order marks, and the zeros of UTF-16."""
_ENDINGS = re.compile(r"(\.events|\.reel)?\.\w{1,8}(\.gz)?$")
_KEY_END = re.compile(rb'"\s*:')


@dataclass(frozen=True)
class Media:
    """A video file, as edit lists describe it; None is what is not known.

    Attributes:
        path: where it lies; a relative one is written as it is.
        start_timecode: that of its first frame, such as ``10:00:00:00``.
        size: (width, height) as displayed.
    """

    path: Path
    start_timecode: str | None = None
    duration_seconds: float | None = None
    has_audio: bool | None = None
    size: tuple[int, int] | None = None


@dataclass(frozen=True)
class SourceFile:
    """One file as bytes, decoded and parsed at most once.

    Attributes:
        name: path inside the folder or zip that is read, with forward slashes; for a single
            file its name. Formats derive half and game from it.
        where: its name in error messages.
        rate: frame rate, for files that count frames without stating it.
        warnings: problems found while reading; they are added to what the file holds.
        media: the videos that it is about, for files that name times by timecode.
    """

    name: str
    where: str
    data: bytes = field(repr=False)
    rate: Fraction | None = None
    warnings: list[str] = field(default_factory=list, compare=False)
    media: tuple[Media, ...] = ()

    @property
    def text(self) -> str:
        """The text without byte-order mark, with line ends normalised to ``\\n``.

        Raises:
            FormatError: as ``raw_text``.
        """
        return self.raw_text.replace("\r\n", "\n").replace("\r", "\n")

    @cached_property
    def raw_text(self) -> str:
        """The text without byte-order mark, with its original line ends.

        Raises:
            FormatError: the bytes are no text. Bytes that are neither UTF-8 nor UTF-16 are read as
                Windows-1252, with a warning.
        """
        encoding = text_encoding(self.data)
        data = self.data
        if encoding == "utf-8-sig" and data.endswith(b"\0"):
            data = data.rstrip(b"\0")
            if not data:
                raise self.error("zeros, no text", "byte 0", "it is damaged; fetch it again")
            self.warnings.append("ends in bytes of nothing, it may be damaged there")
        try:
            return data.decode(encoding)
        except UnicodeDecodeError as error:
            text = windows_text(data) if encoding == "utf-8-sig" else None
            if text is None:
                place = f"byte {error.start}"
                raise self.error("not UTF-8 text", place, "save it as UTF-8") from error
        self.warnings.append("not UTF-8; read as Windows-1252")
        return text

    @cached_property
    def document(self) -> Any:
        """The JSON document. Keys that occur twice in one object are added to ``warnings``.

        Raises:
            FormatError: malformed, or nested too deeply.
        """
        data = self.data.removeprefix(_BYTE_ORDER_MARK)
        document = parse_json(data, self.where)
        # Strings may contain `":` too, so a surplus only triggers the slower exact check.
        if len(_KEY_END.findall(data)) > _count_keys(document):
            self.warnings.extend(_repeated_keys(data))
        return document

    def peek(self) -> Any:
        """The JSON document, or None if the file is not JSON."""
        if self.data[:8].translate(None, _NOT_TEXT).lstrip()[:1] not in (b"{", b"["):
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

    def error(self, what: str, place: str | None = None, remedy: str | None = None) -> FormatError:
        """An error that names the file and the place in it, for the caller to raise."""
        where = self.where if place is None else f"{self.where}: {place}"
        return FormatError(what, where=where, remedy=remedy)


@dataclass(frozen=True)
class Options:
    """Options of the writers; each format uses those that apply to it.

    Attributes:
        rate: frame rate for formats that count frames, where the content does not state it.
        video: the video that an edit list refers to, or those by half or by the name that clips
            give; None keeps the names in the reel.
        lead_seconds, lag_seconds: how far a window extends before and after a point event.
        drop_frame: whether an edit list at 29.97 or 59.94 uses drop-frame timecode.
        title: name of the edit.
    """

    rate: Fraction | None = None
    video: str | Path | Media | Mapping[Any, str | Path | Media] | None = None
    lead_seconds: float = 5.0
    lag_seconds: float = 5.0
    drop_frame: bool | None = None
    title: str = "touchline"


@dataclass(frozen=True)
class Format:
    """One file format.

    Attributes:
        name: its name for ``--from`` and ``--to``.
        suffixes: endings of its files, longest first; the first is the default.
        holds: the fields that survive a round trip: names of ``Event`` and of ``FILE_FIELDS``.
        read: raises FormatError for malformed input.
        write: None if the format is read-only; raises FormatError for a content that it cannot
            hold.
        sniff: whether a file looks like this format; never raises.
        file_name: name of its file in a game's folder; None if not part of a tree.
        kinds: what it is for: ``events``, ``reel``, or both.
        labels: the classes that its official readers know; they skip all others.
        written_only: whether another format reads its files, so that it is never looked for.
        reads_with: the fields of ``Options`` that change how a file of another program is read.
        writes_with: those that change what is written; of a reel, no windows.
        title: what people call it, by a program that reads it: ``Premiere/Resolve (OTIO)``.
    """

    name: str
    suffixes: tuple[str, ...]
    description: str
    holds: frozenset[str]
    read: Callable[[SourceFile], Content]
    write: Callable[[Content, Options], bytes] | None
    sniff: Callable[[SourceFile], bool]
    file_name: str | None = None
    kinds: frozenset[str] = frozenset({"events"})
    labels: LabelSet | None = None
    written_only: bool = False
    reads_with: frozenset[str] = frozenset()
    writes_with: frozenset[str] = frozenset()
    title: str = ""


class Record:
    """One JSON object of a file: typed access to its fields, with errors that name the place."""

    __slots__ = ("place", "source", "values")

    def __init__(self, source: SourceFile, values: object, place: str = "") -> None:
        if not isinstance(values, dict):
            raise source.error(f"expected an object, got {_kind(values)}", place or None)
        self.source = source
        self.values: dict[str, Any] = values
        self.place = place

    def at(self, key: str) -> str:
        """The place of a field, such as ``events[3].time``."""
        return f"{self.place}.{key}" if self.place else key

    def error(self, key: str, what: str, remedy: str | None = None) -> FormatError:
        """An error about one field, for the caller to raise."""
        return self.source.error(what, self.at(key), remedy)

    def text(self, key: str) -> str:
        """A required text."""
        value = self.values.get(key)
        if isinstance(value, str):
            return value
        raise self.unexpected(key, "text")

    def optional_text(self, key: str) -> str | None:
        """A text, or None if the field is missing or null."""
        return None if self.values.get(key) is None else self.text(key)

    def number(self, key: str, default: float | None = None) -> float:
        """A number (not a numeric text); ``default`` if the field is missing or null."""
        value = self.values.get(key)
        if isinstance(value, int | float) and not isinstance(value, bool):
            try:
                number = float(value)
            except OverflowError:
                number = math.inf
            if math.isfinite(number):
                return number
            raise self.error(key, f"{str(value)[:40]} is not a finite number")
        if value is None and default is not None:
            return default
        raise self.unexpected(key, "a number")

    def optional_number(self, key: str) -> float | None:
        """A number, or None if the field is missing or null."""
        return None if self.values.get(key) is None else self.number(key)

    def optional_integer(self, key: str) -> int | None:
        """A whole number, or None if the field is missing or null."""
        value = self.optional_number(key)
        if value is not None and value != int(value):
            raise self.error(key, f"{value} is not a whole number")
        return None if value is None else int(value)

    def records(self, key: str) -> "list[Record]":
        """The objects of a required list."""
        value = self.values.get(key)
        if not isinstance(value, list):
            raise self.unexpected(key, "a list")
        if len(value) > MAX_ITEMS:
            raise self.error(key, f"a list of {len(value)} items", f"at most {MAX_ITEMS} are read")
        place = self.at(key)
        return [Record(self.source, item, f"{place}[{i}]") for i, item in enumerate(value)]

    def record(self, key: str) -> "Record":
        """A required object."""
        return Record(self.source, self.values.get(key), self.at(key))

    def label_set(self, key: str, value: object) -> LabelSet:
        """A list of labels of this object as a label set: the published one if it is equal."""
        if not isinstance(value, list) or not all(isinstance(label, str) for label in value):
            raise self.error(key, "not a list of labels")
        published = {labels.labels: labels for labels in LABEL_SETS.values()}
        try:
            return published.get(tuple(value)) or LabelSet("custom", tuple(value))
        except InputError as error:
            raise self.error(key, error.what, error.remedy) from error

    def unknown_fields(self, known: Iterable[str]) -> dict[str, Any]:
        """The fields whose names are not in ``known``."""
        names = frozenset(known)
        return {key: value for key, value in self.values.items() if key not in names}

    def event(self, seconds: float, label: str, confidence: float = 1.0, **more: Any) -> Event:
        """An event built from this object; errors in its values name the place."""
        try:
            return Event(seconds, label, confidence, **more)
        except FormatError as error:
            raise self.source.error(error.what, self.place or None, error.remedy) from error

    def unexpected(self, key: str, wanted: str) -> FormatError:
        """An error about a field that is missing or of the wrong type, for the caller to raise."""
        if key not in self.values:
            return self.source.error(
                f"{key!r} is missing", self.place or None, f"give {wanted} there"
            )
        return self.error(key, f"expected {wanted}, got {_kind(self.values[key])}")


def text_encoding(data: bytes) -> str:
    """The Unicode encoding of a text: by its byte-order mark, or by the zeros of its letters."""
    if data[:2] in (b"\xff\xfe", b"\xfe\xff"):
        return "utf-16"
    if data[1:4:2] == b"\0\0" and data[:1] != b"\0":
        return "utf-16-le"
    if data[0:3:2] == b"\0\0" and data[1:2] != b"\0":
        return "utf-16-be"
    return "utf-8-sig"


def windows_text(data: bytes) -> str | None:
    """Bytes as text of Windows-1252; None where they are none."""
    if any(code < 32 and code not in b"\t\n\r\f" for code in set(data)):
        return None
    try:
        return data.decode("cp1252")
    except UnicodeDecodeError:
        return None


def is_event_text(field: str, value: object) -> bool:
    """Whether a value is a text that a text field of ``Event`` allows; a clock has digits."""
    if not isinstance(value, str) or (field == "clock" and not re.search(r"\d", value)):
        return False
    return value in EVENT_WORDS.get(field, (value,))


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


def _repeated_keys(data: bytes) -> list[str]:
    repeated: Counter[str] = Counter()

    def notice(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        counts = Counter(key for key, _ in pairs)
        repeated.update(key for key, count in counts.items() if count > 1)
        return dict(pairs)

    json.loads(data, object_pairs_hook=notice)
    return [
        f"the key {key[:60]!r} is repeated in {n} object{'s' * (n > 1)}; the last value is used"
        for key, n in repeated.items()
    ]


def resolve_label_set(labels: Iterable[str], declared: LabelSet | None = None) -> LabelSet | None:
    """The label set of a file: the declared one, extended by undeclared labels that occur.

    Without a declaration: the published set that covers the labels, else a custom one. Texts
    that cannot be labels (blank or too long) stay on their events but are not in the set.
    """
    found = tuple(x for x in dict.fromkeys(labels) if x.strip() and len(x) <= MAX_LABEL)
    if declared is None:
        return label_set_of(found) if found else None
    unknown = sorted(set(found) - set(declared.labels))
    return LabelSet("custom", (*declared.labels, *unknown)) if unknown else declared


def dump_json(
    document: Mapping[str, Any], *, sort_keys: bool = False, rows: str | None = None
) -> bytes:
    """A JSON document as bytes, indented, with a final newline.

    Args:
        rows: key of a list that is written last, one item per line.

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
        except UnicodeEncodeError:  # a lone surrogate, which UTF-8 cannot encode
            return text(True)
    except ValueError as error:
        raise FormatError(f"cannot be written as JSON: {error}") from error


def dump_json_list(items: Iterable[Mapping[str, Any]]) -> bytes:
    """A JSON list of objects as bytes, one per line.

    Raises:
        FormatError: a number in it is not finite.
    """
    try:
        lines = ",\n".join(json.dumps(item, allow_nan=False) for item in items)
    except ValueError as error:
        raise FormatError(f"cannot be written as JSON: {error}") from error
    return f"[\n{lines}\n]\n".encode() if lines else b"[]\n"


LEAD, LAG = "lead", "lag"
"""Further fields of an event with a length: its seconds before and after its time."""

MAX_STRETCH_SECONDS = 4 * 3600.0

DESCRIPTORS = "labels"
"""The further field of an event with what analysts say of it: texts, mostly of a group, such as
``[{"group": "Zone", "text": "Left"}]``; Sportscode's labels."""


def event_stretch(event: Event) -> tuple[float, float] | None:
    """(start, end) in seconds of an event with a length; None for one without.

    It is stated by ``lead`` and ``lag``, seconds before and after its time; or by ``end``, as other
    programs have it, and then begins at its time.
    """
    lead, lag = (_length(event.extra.get(name)) for name in (LEAD, LAG))
    if lead is not None and lag is not None and lead + lag > 0:
        return event.seconds - lead, event.seconds + lag
    end = event.extra.get("end")
    if isinstance(end, bool) or not isinstance(end, int | float) or end <= event.seconds:
        return None
    return event.seconds, float(end)


def event_descriptors(event: Event) -> tuple[tuple[str | None, str], ...]:
    """(group, text) of each descriptor of an event, in order; what is none is left out."""
    given = event.extra.get(DESCRIPTORS)
    pairs = given if isinstance(given, list | tuple) else ()
    return tuple(
        (group if isinstance(group := pair.get("group"), str) else None, text)
        for pair in pairs
        if isinstance(pair, Mapping) and isinstance(text := pair.get("text"), str)
    )


def _length(value: object) -> float | None:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return float(value) if 0 <= value <= MAX_STRETCH_SECONDS else None


VIDEOS_APART = "write csv, e2e or osl, which tell videos apart"
"""What helps where a format has no place for videos that are not the halves of a match."""


def only_timeline(content: Content, format_name: str) -> Timeline:
    """The single timeline of a content, for formats that hold one video.

    Raises:
        FormatError: the content is a reel, or has several videos.
    """
    if isinstance(content, Timeline):
        return content
    match = only_match(content, format_name)
    if len(match.timelines) == 1:
        return match.timelines[0]
    if not match.events:
        return Timeline(Video(match.name))
    raise FormatError(
        f"{format_name} holds one video, and {match.name!r} has {len(match.timelines)}",
        remedy="choose one with --half, or write soccernet-v2, csv or touchline"
        if all(timeline.half for timeline in match.timelines)
        else VIDEOS_APART,
    )


def only_match(content: Content, format_name: str) -> Match:
    """The single match of a content, for formats that hold one game.

    Raises:
        FormatError: the content is a reel, or has several games.
    """
    if isinstance(content, Match):
        return content
    if isinstance(content, Timeline):
        return Match(content.video.name, (content,))
    if isinstance(content, Reel):
        raise FormatError(f"{format_name} holds events, not a reel")
    if len(content) == 1:
        return next(iter(content.values()))
    raise FormatError(
        f"{format_name} holds one game, got {len(content)}",
        remedy="write to a folder or a .zip",
    )


def all_matches(content: Content, format_name: str) -> Matches:
    """A content as games by name, for formats that hold many games.

    Raises:
        FormatError: the content is a reel.
    """
    if isinstance(content, dict):
        return content
    match = only_match(content, format_name)
    return {match.name: match}


def only_reel(content: Content, format_name: str) -> Reel:
    """The reel, for formats that hold nothing else.

    Raises:
        FormatError: the content is not a reel.
    """
    if isinstance(content, Reel):
        return content
    raise FormatError(
        f"{format_name} holds a reel, not events",
        remedy="make a reel with `touchline reel EVENTS`",
    )


def rate_of(video: Video, options: Options, format_name: str) -> Fraction:
    """The frame rate for counting frames: the one in the options, else the video's own.

    Raises:
        FormatError: neither is known.
    """
    rate = options.rate or video.frame_rate
    if rate is None:
        raise FormatError(
            f"{format_name} counts frames, and the frame rate of {video.name!r} is unknown",
            remedy="give it with --rate",
        )
    return rate
