"""CSV: one row per event (or per clip of a reel), columns by name.

Cells that a spreadsheet would evaluate as a formula are written with a leading apostrophe, which
reading removes.
"""

import csv
import io
import json
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from touchline.errors import FormatError, InputError
from touchline.events import Event, Match, Score, Timeline, Video
from touchline.formats.base import (
    EVENT_FIELDS,
    Content,
    Format,
    Matches,
    Options,
    Record,
    SourceFile,
    all_matches,
    resolve_label_set,
)
from touchline.formats.clock_columns import find_columns, read_match
from touchline.formats.touchline_json import event_from_json, event_to_json
from touchline.match_state import format_score, parse_score
from touchline.reel import Clip, Reel
from touchline.timebase import parse_seconds

_EVENT_COLUMNS = (
    "match",
    "video",
    "half",
    "time",
    "label",
    "confidence",
    "team",
    "player",
    "clock",
    "clock_text",
    "score",
    "uncertainty",
    "visibility",
    "status",
    "source",
    "note",
    "extra",
)
_CLIP_COLUMNS = ("video", "half", "start", "end", "score", "title", "reason", "events", "extra")
_ALWAYS = frozenset({"time", "label", "confidence", "video", "start", "end"})
_NUMBERS = frozenset(
    {"half", "time", "confidence", "start", "end", "score", "clock", "uncertainty"}
)
_OTHER_NAMES = {"seconds": "time", "event": "label", "score": "confidence", "code": "label"}
_SEGMENT_LABELS = ("code", "event", "name", "title", "tag", "category", "description")
"""What other programs call the label of a stretch; the first that is there counts."""

_SEGMENT = "Segment"
"""The label of a stretch that has none, as cutters write them."""

_KNOWN_COLUMNS = frozenset(_EVENT_COLUMNS) | frozenset(_CLIP_COLUMNS)
_COMMENT = "#"
_SEPARATOR = re.compile(r"\ufeff?[\"']?sep=(.)[\"']?\r?\n", re.IGNORECASE)
"""The line by which a spreadsheet is told the delimiter."""

_BLANKS = " \t\u00a0"
_FORMULA = re.compile(r"'*[=+\-@\t\r\n]")
_MAX_CELL = 1 << 20

Row = dict[str, str]


def read_table(source: SourceFile) -> Timeline | Match | Matches | Reel:
    """Read events, or a reel if the rows have a video, start and end but no time.

    The first row names the columns (any order, unknown ones are kept); without a header the rows
    are LosslessCut's ``start,end,label``; a stretch without a label is a ``Segment``. Times are
    seconds or ``[h:]mm:ss[.mmm]``; cells are separated by commas, semicolons or tabs. A ``match``
    column groups rows into games. Columns of a match clock (half, minute, second) without a time
    give a match, its times within each half.

    Raises:
        FormatError: a row without time or label, or an invalid value in a cell.
    """
    rows = _rows(source)
    if rows and "time" not in rows[0][1] and {"video", "start", "end"} <= set(rows[0][1]):
        return _reel(source, rows)
    if rows and _says_match_clock(list(rows[0][1])):
        return read_match(source, rows)
    events = [(row, _event(source, place, row)) for place, row in rows]
    if rows and "match" in rows[0][1]:
        return _matches(source, events)
    found = tuple(event for _, event in events)
    return Timeline(Video(source.stem), found, labels=resolve_label_set(e.label for e in found))


def write_table(content: Content, options: Options) -> bytes:
    """Write events, or the clips of a reel; empty columns are left out."""
    if isinstance(content, Reel):
        return _render(_CLIP_COLUMNS, [_clip_row(clip) for clip in content])
    rows = []
    for match in all_matches(content, "csv").values():
        for timeline in match.timelines:
            for event in timeline:
                row = _event_row(event)
                if event.half is None:
                    row["half"] = timeline.half
                if not isinstance(content, Timeline):
                    row |= {"match": match.name, "video": timeline.video.name}
                rows.append(row)
    return _render(_EVENT_COLUMNS, rows)


def _rows(source: SourceFile) -> list[tuple[str, Row]]:
    """Rows by column name, each with its place."""
    lines, delimiter = _lines(source)
    header, body = _header_and_body(source, lines)
    rows = []
    for line, cells in body:
        if any(cells[len(header) :]):
            raise source.error(
                f"{len(cells)} cells under {len(header)} columns", f"line {line}",
                "put texts that hold the delimiter in quotes",
            )  # fmt: skip
        row: Row = {}
        for name, cell in zip(header, cells, strict=False):
            row[name] = row.get(name) or _unguarded(cell)
        if delimiter == ";":  # with semicolons as delimiters, the decimal mark may be a comma
            row |= {k: row[k].replace(",", ".") for k in _NUMBERS & set(row)}
        rows.append((f"line {line}", row))
    return rows


def _lines(source: SourceFile) -> tuple[list[tuple[int, list[str]]], str]:
    """The cells of each line that has some, and the delimiter."""
    text = source.raw_text
    said = _SEPARATOR.match(text)
    skipped = 0 if said is None else 1
    text = text if said is None else text[said.end() :]
    first = next((x for x in text.split("\n") if x.strip() and not x.startswith(_COMMENT)), "")
    delimiter = max(",;\t", key=first.count) if said is None else said[1]
    before = csv.field_size_limit(_MAX_CELL)
    try:
        reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
        lines = [(reader.line_num + skipped, [x.strip(_BLANKS) for x in row]) for row in reader]
    except csv.Error as error:
        raise source.error(
            f"malformed CSV: {error}", remedy="a quote may be open, or the file cut short"
        ) from error
    finally:
        csv.field_size_limit(before)
    return [(line, cells) for line, cells in lines if any(cells)], delimiter


def _header_and_body(
    source: SourceFile, lines: list[tuple[int, list[str]]]
) -> tuple[list[str], list[tuple[int, list[str]]]]:
    """Column names and the rows below them, without comments.

    A line that begins with ``#`` is a comment above the header, and below it where it has no time.
    """
    while lines and lines[0][1][0].startswith(_COMMENT):
        names = [lines[0][1][0].lstrip(f"{_COMMENT} "), *lines[0][1][1:]]
        if {"time", "start"} & {name.lower() for name in names}:
            lines[0] = (lines[0][0], names)
            break
        lines = lines[1:]
    if not lines:
        return [], []
    header = _header(source, [cells for _, cells in lines])
    body = lines if header is None else lines[1:]
    header = ["start", "end", "label"] if header is None else header
    at = next((i for i, name in enumerate(header) if name in ("time", "start", "minute")), 0)
    return header, [
        (line, cells)
        for line, cells in body
        if not cells[0].startswith(_COMMENT) or (len(cells) > at > 0 and cells[at][:1].isdigit())
    ]


def _header(source: SourceFile, rows: list[list[str]]) -> list[str] | None:
    """Column names, or None if the first row is data."""
    names = [cell.strip().lower() for cell in rows[0]]
    if names and (names[0] == "" or re.fullmatch(r"[\d:.]+", names[0])) and len(names) <= 3:
        return None
    if _says_match_clock(names):
        return names
    if "start" in names:
        is_reel = {"video", "start", "end"} <= set(names) and "time" not in names
        if "label" not in names and not is_reel:
            title = next((name for name in _SEGMENT_LABELS if name in names), None)
            names = ["label" if name == title else name for name in names]
    else:
        other = {n: name for n, name in _OTHER_NAMES.items() if name not in names}
        if "score" in names and _holds_scores(rows[1:], names.index("score")):
            other.pop("score", None)
        names = [other.get(n, n) for n in names]
    names = _distinct(source, names, rows[1:])
    if not {"time", "start"} & set(names):
        raise source.error(
            "no column 'time'",
            "line 1",
            "name the columns time, label, confidence, team ...; or half, minute, second, label",
        )
    return names


def _distinct(source: SourceFile, names: list[str], rows: list[list[str]]) -> list[str]:
    """Column names without a second one of a kind: unknown ones are numbered.

    Raises:
        FormatError: a known column occurs twice, and its cells differ.
    """
    distinct: list[str] = []
    for place, name in enumerate(names):
        first = distinct.index(name) if name in distinct else None
        if first is not None and name in _KNOWN_COLUMNS:
            if any(row[first : first + 1] != row[place : place + 1] for row in rows):
                raise source.error(f"the column {name!r} occurs twice", "line 1")
            distinct.append(name)
        elif first is not None or not name:
            distinct.append(f"{name or 'column'} {place + 1}")
        else:
            distinct.append(name)
    return distinct


def _holds_scores(rows: list[list[str]], column: int) -> bool:
    """Whether a column ``score`` is of matches (``1-0``); in other files it is a confidence."""
    given = [row[column] for row in rows if len(row) > column and row[column].strip()]
    return any(re.fullmatch(r"\s*\d+\s*[-:–]\s*\d+\s*", cell) for cell in given)


def _says_match_clock(names: list[str]) -> bool:
    """Whether columns say when an event was by the match clock alone."""
    columns = find_columns(names)
    of_video = {"time", "start"} if columns and columns.minute else {"time", "start", "seconds"}
    return columns is not None and not of_video & set(names)


def _event(source: SourceFile, place: str, row: Row) -> Event:
    def number(key: str, parse: Callable[[str], float]) -> float | None:
        return _number(source, place, row, key, parse)

    seconds = number("time", _signed_seconds)
    known = set(_EVENT_COLUMNS)
    if seconds is None and "time" not in row:  # LosslessCut writes a start of 0 as an empty cell
        seconds, known = number("start", _signed_seconds) or 0.0, known | {"start"}
        row = row if row.get("label") else {**row, "label": _SEGMENT}
    label = row.get("label", "")
    if seconds is None or not label:
        raise source.error("a row needs a time and a label", place)
    document: dict[str, Any] = {"time": seconds, "label": label}
    document["confidence"] = number("confidence", float)
    document["half"] = number("half", float)
    for key in ("team", "player", "clock_text", "visibility", "status", "source", "note"):
        document[key] = row.get(key) or None
    document["clock"] = _clock(row.get("clock", ""))
    if row.get("uncertainty"):
        document["uncertainty"] = number("uncertainty", float)
    if row.get("score"):
        document["score"] = list(_score(source, place, row["score"]))
    document |= {k: v for k, v in row.items() if k not in known and v}
    if row.get("end"):
        document["end"] = number("end", _signed_seconds)
    document |= _json_cell(source, place, row, "extra", dict)
    return event_from_json(Record(source, document, place))


def _matches(source: SourceFile, events: Iterable[tuple[Row, Event]]) -> Matches:
    games: dict[str, dict[tuple[int | None, str], list[Event]]] = {}
    for row, event in events:
        videos = games.setdefault(row["match"] or source.stem, {})
        key = (event.half, row.get("video", ""))
        videos.setdefault(key, []).append(Event(**{**vars(event), "half": None}))
    return {
        game: Match(
            game,
            tuple(
                Timeline(
                    Video(video or game),
                    tuple(found),
                    labels=resolve_label_set(e.label for e in found),
                    half=half,
                )
                for (half, video), found in sorted(
                    videos.items(), key=lambda item: (item[0][0] or 0, item[0][1])
                )
            ),
        )
        for game, videos in games.items()
    }


def _reel(source: SourceFile, rows: list[tuple[str, Row]]) -> Reel:
    clips = []
    for place, row in rows:

        def number(
            key: str,
            parse: Callable[[str], float] = float,
            row: Row = row,
            place: str = place,
        ) -> float | None:
            return _number(source, place, row, key, parse)

        half = number("half")
        events = _json_cell(source, place, row, "events", list)
        try:
            clips.append(
                Clip(
                    row["video"],
                    number("start", parse_seconds) or 0.0,
                    number("end", parse_seconds) or 0.0,
                    number("score") or 0.0,
                    None if half is None else int(half),
                    tuple(
                        event_from_json(Record(source, e, f"{place}: events[{i}]"))
                        for i, e in enumerate(events)
                    ),
                    row.get("title") or None,
                    _json_cell(source, place, row, "extra", dict)
                    | {k: v for k, v in row.items() if k not in _CLIP_COLUMNS and v},
                    row.get("reason") or None,
                )
            )
        except FormatError:
            raise
        except InputError as error:
            raise source.error(error.what, place, error.remedy) from error
    return Reel(tuple(clips))


def _clock(text: str) -> float | str | None:
    """A cell of match seconds as a number; any other text stays as it is."""
    try:
        return float(text)
    except ValueError:
        return text or None


def _score(source: SourceFile, place: str, text: str) -> Score:
    try:
        return parse_score(text)
    except InputError as error:
        raise source.error(error.what, f"{place}: score", error.remedy) from error


def _signed_seconds(text: str) -> float:
    text = text.strip()
    return -parse_seconds(text[1:]) if text.startswith("-") else parse_seconds(text)


def _number(
    source: SourceFile, place: str, row: Row, key: str, parse: Callable[[str], float]
) -> float | None:
    text = row.get(key, "").strip()
    if not text:
        return None
    try:
        return parse(text)
    except (ValueError, InputError) as error:
        raise source.error(f"{text[:40]!r} is not a number or time", f"{place}: {key}") from error


def _json_cell(source: SourceFile, place: str, row: Row, key: str, kind: type) -> Any:
    text = row.get(key, "")
    if not text:
        return kind()
    value = SourceFile(source.name, f"{source.where}: {place}: {key}", text.encode()).document
    if not isinstance(value, kind):
        expected = "an object" if kind is dict else "a list"
        raise source.error(f"expected JSON of {expected}", f"{place}: {key}")
    return value


def _event_row(event: Event) -> dict[str, Any]:
    row = event_to_json(Event(**{**vars(event), "extra": {}}))
    if event.clock_seconds is None and isinstance(_clock(event.clock or ""), float):
        row["clock_text"] = row.pop("clock")  # in its own column it would be read as seconds
    if event.score is not None:
        row["score"] = format_score(event.score)
    return row | {"extra": _json_text(dict(event.extra))}


def _clip_row(clip: Clip) -> dict[str, Any]:
    return {
        "video": clip.video,
        "half": clip.half,
        "start": round(clip.start_seconds, 6),
        "end": round(clip.end_seconds, 6),
        "score": float(clip.score),
        "title": clip.title,
        "reason": clip.reason,
        "events": _json_text([event_to_json(event) for event in clip.events]),
        "extra": _json_text(dict(clip.extra)),
    }


def _json_text(value: dict[str, Any] | list[Any]) -> str | None:
    try:
        return json.dumps(value, allow_nan=False) if value else None
    except ValueError as error:
        raise FormatError(f"cannot be written as JSON: {error}") from error


def _render(columns: tuple[str, ...], rows: Sequence[Mapping[str, Any]]) -> bytes:
    used = {name for row in rows for name, value in row.items() if value is not None}
    names = [c for c in columns if c in used | (_ALWAYS & set(columns) - {"video"})]
    if columns == _CLIP_COLUMNS and "video" not in names:
        names.insert(0, "video")
    stream = io.StringIO(newline="")
    writer = csv.writer(stream, lineterminator="\n")
    writer.writerow(names)
    for row in rows:
        writer.writerow(
            [_guarded(v) if isinstance(v := row.get(name), str) else v for name in names]
        )
    return stream.getvalue().encode("utf-8", "backslashreplace")


def _guarded(text: str) -> str:
    return f"'{text}" if _FORMULA.match(text) else text


def _unguarded(text: str) -> str:
    return text[1:] if text.startswith("'") and _FORMULA.match(text) else text


def _sniff(source: SourceFile) -> bool:
    return source.file_name.lower().endswith((".csv", ".tsv"))


FORMAT = Format(
    "csv",
    (".csv", ".tsv"),
    "a table, one row per event or clip",
    EVENT_FIELDS | {"timeline_half"},
    read_table,
    write_table,
    _sniff,
    kinds=frozenset({"events", "reel"}),
    title="Spreadsheet (CSV)",
)
