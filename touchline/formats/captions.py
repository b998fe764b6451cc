"""Captions: WebVTT and SRT cues, and YouTube chapters.

They hold a time, and a label with match clock and score, ``Goal (2H 63:10, 1-0)``. The captions of
a reel are timed on the rendered reel, not on the videos that it is cut from.
"""

import html
import re
from collections.abc import Collection, Iterable, Iterator, Sequence
from itertools import pairwise
from math import inf
from pathlib import Path

from touchline.errors import FormatError, InputError
from touchline.events import Timeline, Video
from touchline.formats.base import (
    Content,
    Format,
    Options,
    Record,
    SourceFile,
    event_stretch,
    only_timeline,
    resolve_label_set,
)
from touchline.formats.edit_lists import clip_caption
from touchline.formats.left_out import LeftOut
from touchline.formats.reading import read_bytes
from touchline.match_state import event_title, parse_title
from touchline.reel import Reel
from touchline.timebase import format_seconds, parse_seconds

CHAPTER_SECONDS = 10
"""Shortest chapter that YouTube accepts."""

MIN_CHAPTERS = 3

CHAPTERS_SUFFIX = ".txt"

_OPENING = "Start"
_CLOCK = r"((?:\d{1,4}:)?\d{1,3}:[0-5]\d(?:[.,]\d{1,6})?)(?![\d:])"
_CHAPTER = re.compile(
    rf"[-*•]?\s*[(\[]?{_CLOCK}[)\]]?(?:\s*(?:[-–—]|to)\s*[(\[]?{_CLOCK}[)\]]?)?"
    r"\s*[-–—:|]?\s*(.*)"
)
_NEARLY = re.compile(r"[-*•]?\s*[(\[]?\d{1,4}:\d")
_ANY_TIMECODE = re.compile(r"\d\d:\d\d:\d\d[:;]\d\d")
_INTO_DESCRIPTION = str.maketrans("<>", "‹›")
"""YouTube rejects descriptions with angle brackets."""

_OUT_OF_DESCRIPTION = str.maketrans("‹›", "<>")
_ARROW = re.compile(r"([\d:.,]+)\s*-->\s*([\d:.,]+)")
_TIMES = re.compile(r"\s*[\d:.,]*\s*-->")
_HALF_A_TIME = re.compile(r"[\d:.,]+[ ->]*")
_MARKUP = re.compile(r"<[^<>]*>|\{\\[^{}]*\}")
"""Tags, and the overrides of SubStation Alpha that SubRip files carry along."""

_BLOCKS = ("NOTE", "STYLE", "REGION")
_HOLDS = frozenset({"seconds", "label"})
_SHOWN = frozenset({"lag_seconds"})
_KINDS = frozenset({"events", "reel"})

Cue = tuple[float, float, str]


def read_cues(source: SourceFile) -> Timeline:
    """Read WebVTT or SRT: one event at the start of each cue; the end is kept in ``extra``.

    A cue lasts until the next times, so it needs no blank line behind it and may hold some; in
    WebVTT a blank line ends it, and text behind is named. Cues without text are no events.

    Raises:
        FormatError: an invalid time.
    """
    events = []
    for place, (start, end, text) in cues_of(source):
        label, state = parse_title(" ".join(text.split()))
        record = Record(source, {}, place)
        events.append(record.event(start, label, extra={"end": end}, **state))
    labels = resolve_label_set(event.label for event in events)
    return Timeline(Video(source.stem), tuple(events), labels=labels)


def cues_of(source: SourceFile) -> Iterator[tuple[str, Cue]]:
    """The cues with text of WebVTT or SRT, each with its place for messages.

    Raises:
        FormatError: an invalid time.
    """
    lines = source.text.split("\n")
    is_vtt = lines[0].startswith("WEBVTT")
    # The text of a WebVTT cue holds no arrow; that of SubRip may.
    starts = [i for i, x in enumerate(lines) if "-->" in x and (is_vtt or _TIMES.match(x))]
    left_out = LeftOut()
    if not starts and not is_vtt and source.text.strip():
        raise source.error(
            "there are no cues", remedy='write "00:01:02,000 --> 00:01:05,000" above each text'
        )
    if not is_vtt:
        _name_head(lines[: starts[0]] if starts else lines, left_out)
    for number, (at, after) in enumerate(pairwise([*starts, len(lines) + 1]), start=1):
        place = f"cue {number}: {lines[at].strip()[:60]}"
        start, end = _times(source, place, lines[at])
        body = _without_name(lines[at + 1 : after], after < len(lines), is_vtt)
        if is_vtt:
            body = _until_blank(source, body, at + 2)
        elif after > len(lines):
            body = _without_cut_cue(source, body)
        text = html.unescape(" ".join(_MARKUP.sub("", line) for line in body))
        if not text.strip():
            left_out.add("cue without text", f"cue {number}")
            continue
        yield place, (start, end, text)
    source.warnings.extend(left_out.warnings())


def _times(source: SourceFile, place: str, line: str) -> tuple[float, float]:
    found = _ARROW.match(line.strip())
    if found is None:
        raise source.error("a cue needs a start and an end", place)
    try:
        start, end = (parse_seconds(found[i].replace(",", ".")) for i in (1, 2))
    except InputError as error:
        raise source.error(error.what, place, error.remedy) from error
    return start, end


def _without_name(body: list[str], is_followed: bool, is_vtt: bool) -> list[str]:
    """The lines of a cue without the number or name of the cue that follows."""
    if not is_followed or not body:
        return body
    is_alone = len(body) > 1 and not body[-2].strip()
    is_name = body[-1].strip().isdigit() or (is_vtt and is_alone)
    return body[:-1] if is_name else body


def _name_head(lines: Sequence[str], left_out: LeftOut) -> None:
    """Name what stands above the first cue of SubRip, save its number."""
    for number, line in enumerate(lines, start=1):
        if line.strip() and not line.strip().isdigit():
            left_out.add("line above the cues", f"line {number} {line.strip()[:40]!r}")


def _without_cut_cue(source: SourceFile, body: list[str]) -> list[str]:
    """The text of the last cue of SubRip without the beginning of one that is cut short."""
    end = max((i + 1 for i, line in enumerate(body) if line.strip()), default=0)
    blank = max((i for i, line in enumerate(body[:end]) if not line.strip()), default=None)
    if blank is None:
        return body
    number, *rest = (line.strip() for line in body[blank + 1 : end])
    if not number.isdigit() or len(rest) > 1 or not all(map(_HALF_A_TIME.fullmatch, rest)):
        return body
    source.warnings.append(f"the file is cut short: cue number {number[:12]} is not whole")
    return body[:blank]


def _until_blank(source: SourceFile, body: list[str], line: int) -> list[str]:
    """The text of a WebVTT cue; what stands behind its end, save notes, is named."""
    end = next((i for i, text in enumerate(body) if not text.strip()), len(body))
    is_note = False
    for number, text in enumerate(body[end:], start=line + end):
        is_note = bool(text.strip()) and (is_note or text.startswith(_BLOCKS))
        if text.strip() and not is_note:
            source.warnings.append(f"line {number} belongs to no cue: {text.strip()[:60]!r}")
    return body[:end]


def write_vtt(content: Content, options: Options) -> bytes:
    """Write WebVTT: texts are escaped, times are rounded to milliseconds.

    Raises:
        FormatError: a match of several videos, or several games.
    """
    lines = ["WEBVTT", ""]
    for start, end, text in _cues(content, options):
        times = f"{_clock(start, '.')} --> {_clock(end, '.')}"
        lines += [times, html.escape(text, quote=False), ""]
    return "\n".join(lines).encode("utf-8", "replace")


def write_srt(content: Content, options: Options) -> bytes:
    """Write SubRip: texts are escaped, times are rounded to milliseconds.

    Raises:
        FormatError: as ``write_vtt``.
    """
    lines = []
    for number, (start, end, text) in enumerate(_cues(content, options), start=1):
        times = f"{_clock(start, ',')} --> {_clock(end, ',')}"
        lines += [str(number), times, html.escape(text, quote=False), ""]
    return "\n".join(lines).encode("utf-8", "replace")


def read_chapters(source: SourceFile) -> Timeline:
    """Read lines such as ``12:34 Goal``; other lines of a description are named.

    The placeholder chapter at 0:00 that ``write_chapters`` adds is not read as an event.

    Raises:
        FormatError: no line is a chapter.
    """
    events = []
    chapters = _chapters(source.text)
    for number, start, end, title in chapters:
        label, state = parse_title(title.translate(_OUT_OF_DESCRIPTION))
        if start or label != _OPENING:
            extra = {} if end is None else {"end": end}
            record = Record(source, {}, f"line {number}")
            events.append(record.event(start, label, extra=extra, **state))
    _name_others(source, {number for number, *_ in chapters})
    if not chapters:
        raise source.error("no list of chapters", remedy='write lines such as "12:34 Goal"')
    labels = resolve_label_set(event.label for event in events)
    return Timeline(Video(source.stem), tuple(events), labels=labels)


def _name_others(source: SourceFile, chapters: Collection[int]) -> None:
    """Name the lines that are no chapters, those first that begin with a time or nearly one."""
    left_out = LeftOut()
    for number, line in enumerate(source.text.split("\n"), start=1):
        text = line.strip()
        if text and number not in chapters:
            kind = "line with a time that is no chapter" if _NEARLY.match(text) else "other line"
            left_out.add(kind, f"line {number} {text[:40]!r}")
    source.warnings.extend(left_out.warnings())


def _chapters(text: str) -> list[tuple[int, float, float | None, str]]:
    """The chapters of a description: line, start, end where a range is given, and title.

    A line that begins with a time is one where nothing but such lines is there, or in a row of
    three, or of lines from 0:00 on; elsewhere it is prose. A time that is none ends no row.
    """
    lines = [line.strip() for line in text.split("\n")]
    found = [(n, chapter) for n, line in enumerate(lines, start=1)
             if (chapter := _chapter(line)) is not None]  # fmt: skip
    if len(found) == sum(map(bool, lines)):
        return [(n, *chapter) for n, chapter in found]
    rows: list[list[tuple[int, tuple[float, float | None, str]]]] = []
    for n, chapter in found:
        between = lines[rows[-1][-1][0] : n - 1] if rows else []
        follows = rows and all(not line or _NEARLY.match(line) for line in between)
        if follows and chapter[0] >= rows[-1][-1][1][0]:
            rows[-1].append((n, chapter))
        else:
            rows.append([(n, chapter)])
    lists = [row for row in rows if len(row) >= MIN_CHAPTERS or not row[0][1][0]]
    return [(n, *chapter) for row in lists for n, chapter in row]


def _chapter(line: str) -> tuple[float, float | None, str] | None:
    """Start, end and title of a line that begins with a time."""
    found = _CHAPTER.fullmatch(line)
    if found is None or _ANY_TIMECODE.search(line) or "\t" in found[3]:
        return None
    try:
        start = parse_seconds(found[1].replace(",", "."))
        end = None if found[2] is None else parse_seconds(found[2].replace(",", "."))
    except InputError:  # 0:75:10
        return None
    title = found[3].strip()
    return (start, end, title) if title else None


def write_chapters(content: Content, options: Options) -> bytes:
    """Write YouTube chapters: whole seconds, the first at 0:00, each at least ten seconds long.

    An event too close to the previous chapter is added to that chapter.

    Raises:
        FormatError: fewer than three chapters remain of some events, or there is more than one
            video.
    """
    if isinstance(content, Reel):
        cues, last = list(_cues(content, options)), content.seconds
    else:
        timeline = only_timeline(content, "chapters")
        cues = list(_cues(timeline, options))
        last = timeline.video.duration_seconds or inf
    chapters: list[tuple[int, list[str]]] = [(0, [])]
    for start, _, text in cues:
        second = int(start)
        begins = second - chapters[-1][0] >= CHAPTER_SECONDS and last - second >= CHAPTER_SECONDS
        if begins:
            chapters.append((second, [text]))
        elif text not in chapters[-1][1]:
            chapters[-1][1].append(text)
    if cues and len(chapters) < MIN_CHAPTERS:
        raise FormatError(
            f"YouTube needs at least {MIN_CHAPTERS} chapters, these events make {len(chapters)}",
            remedy="write .vtt, which has no minimum",
        )
    lines = [f"{format_seconds(at)} {', '.join(texts) or _OPENING}" for at, texts in chapters]
    text = "\n".join(lines).translate(_INTO_DESCRIPTION)
    return f"{text}\n".encode("utf-8", "replace")


def count_chapters(path: Path) -> int:
    """The chapters in a file of YouTube chapters, the one that begins at 0:00 among them."""
    return len(_chapters(SourceFile(path.name, str(path), read_bytes(path)).text))


def _cues(content: Content, options: Options) -> Iterable[Cue]:
    """Start, end and text of each cue; for a reel, in seconds of the rendered reel."""
    if isinstance(content, Reel):
        at = 0.0
        for clip in content:
            yield at, at + clip.seconds, _line(clip_caption(clip))
            at += clip.seconds
        return
    timeline = only_timeline(content, "captions")
    events, half = timeline.events, timeline.half
    stretches = [event_stretch(event) for event in events]
    starts = [
        max(event.seconds if own is None else own[0], 0.0)
        for event, own in zip(events, stretches, strict=True)
    ]
    shown = max(options.lag_seconds, 0.001)
    pairs = pairwise([*starts, inf])
    for event, own, (start, following) in zip(events, stretches, pairs, strict=True):
        if own is not None:
            end = max(own[1], start + 0.001)
        else:  # where the next begins, unless both begin at the same time
            end = min(start + shown, following) if following > start else start + shown
        yield start, end, _line(event_title(event, half))


def _line(text: str) -> str:
    """A text as a single non-empty line."""
    return " ".join(text.split()) or "-"


def _clock(seconds: float, mark: str) -> str:
    milliseconds = round(seconds * 1000)
    whole, part = divmod(milliseconds, 1000)
    minutes, second = divmod(whole, 60)
    hours, minute = divmod(minutes, 60)
    return f"{hours:02d}:{minute:02d}:{second:02d}{mark}{part:03d}"


def _sniff_chapters(source: SourceFile) -> bool:
    if not source.file_name.lower().endswith(CHAPTERS_SUFFIX):
        return False
    try:
        return bool(_chapters(source.text))
    except FormatError:
        return False


FORMATS = (
    Format(
        "vtt",
        (".vtt",),
        "WebVTT cues",
        _HOLDS,
        read_cues,
        write_vtt,
        lambda source: (
            source.file_name.lower().endswith(".vtt")
            or source.data[:18].translate(None, b"\0\xef\xbb\xbf\xff\xfe").startswith(b"WEBVTT")
        ),
        kinds=_KINDS,
        writes_with=_SHOWN,
        title="Web subtitles (WebVTT)",
    ),
    Format(
        "srt",
        (".srt",),
        "SubRip cues",
        _HOLDS,
        read_cues,
        write_srt,
        lambda source: source.file_name.lower().endswith(".srt"),
        kinds=_KINDS,
        writes_with=_SHOWN,
        title="Subtitles (SRT)",
    ),
    Format(
        "youtube",
        (CHAPTERS_SUFFIX,),
        "YouTube chapters, for a video's description",
        _HOLDS,
        read_chapters,
        write_chapters,
        _sniff_chapters,
        kinds=_KINDS,
        title="YouTube chapters",
    ),
)
