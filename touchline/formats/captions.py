"""Captions: WebVTT and SRT cues, and YouTube chapters.

They hold a time, and a label with match clock and score, ``Goal (2H 63:10, 1-0)``. The captions of
a reel are timed on the rendered reel, not on the videos that it is cut from.
"""

import html
import re
from collections.abc import Iterable
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
    only_timeline,
    resolve_label_set,
)
from touchline.formats.edit_lists import clip_caption
from touchline.formats.reading import read_bytes
from touchline.match_state import event_title, parse_title
from touchline.reel import Reel
from touchline.timebase import format_seconds, parse_seconds

CHAPTER_SECONDS = 10
"""Shortest chapter that YouTube accepts."""

MIN_CHAPTERS = 3

CHAPTERS_SUFFIX = ".txt"

_OPENING = "Start"
_CHAPTER = re.compile(r"\(?((?:\d{1,4}:)?\d{1,3}:\d\d)\)?\s*[-–—:|]?\s*(.*)")
_INTO_DESCRIPTION = str.maketrans("<>", "‹›")
"""YouTube rejects descriptions with angle brackets."""

_OUT_OF_DESCRIPTION = str.maketrans("‹›", "<>")
_ARROW = re.compile(r"([\d:.,]+)\s*-->\s*([\d:.,]+)")
_HOLDS = frozenset({"seconds", "label"})
_KINDS = frozenset({"events", "reel"})

Cue = tuple[float, float, str]


def read_cues(source: SourceFile) -> Timeline:
    """Read WebVTT or SRT: one event at the start of each cue; the end is kept in ``extra``.

    Raises:
        FormatError: an invalid time, or a cue without text.
    """
    events = []
    blocks = re.split(r"\n\s*\n", source.text.strip("\n"))
    for number, block in enumerate(blocks, start=1):
        lines = block.split("\n")
        at = next((i for i, line in enumerate(lines) if "-->" in line), None)
        if at is None:
            continue
        place = f"cue {number}: {lines[at][:60]}"
        found = _ARROW.match(lines[at].strip())
        text = html.unescape(" ".join(re.sub(r"<[^<>]*>", "", x) for x in lines[at + 1 :])).strip()
        if found is None or not text:
            raise source.error("a cue needs a start, an end and a text", place)
        try:
            start, end = (parse_seconds(found[i].replace(",", ".")) for i in (1, 2))
        except InputError as error:
            raise source.error(error.what, place, error.remedy) from error
        label, state = parse_title(text)
        record = Record(source, {}, place)
        events.append(record.event(start, label, extra={"end": end}, **state))
    labels = resolve_label_set(event.label for event in events)
    return Timeline(Video(source.stem), tuple(events), labels=labels)


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
    """Read lines such as ``12:34 Goal``; other lines of a description are ignored.

    The placeholder chapter at 0:00 that ``write_chapters`` adds is not read as an event.

    Raises:
        FormatError: no line is a chapter.
    """
    events = []
    lines = [line.strip() for line in source.text.split("\n")]
    for number, line in enumerate(lines, start=1):
        found = _CHAPTER.fullmatch(line)
        if found is None or not found[2].strip():
            continue
        label, state = parse_title(found[2].strip().translate(_OUT_OF_DESCRIPTION))
        seconds = parse_seconds(found[1])
        if seconds or label != _OPENING:
            events.append(Record(source, {}, f"line {number}").event(seconds, label, **state))
    if not events and not any(_CHAPTER.fullmatch(line) for line in lines):
        raise source.error("no line is a chapter", remedy='write lines such as "12:34 Goal"')
    labels = resolve_label_set(event.label for event in events)
    return Timeline(Video(source.stem), tuple(events), labels=labels)


def write_chapters(content: Content, options: Options) -> bytes:
    """Write YouTube chapters: whole seconds, the first at 0:00, each at least ten seconds long.

    An event too close to the previous chapter is added to that chapter.

    Raises:
        FormatError: fewer than three chapters remain, or there is more than one video.
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
    if len(chapters) < MIN_CHAPTERS:
        raise FormatError(
            f"YouTube needs at least {MIN_CHAPTERS} chapters, these events make {len(chapters)}",
            remedy="write .vtt, which has no minimum",
        )
    lines = [f"{format_seconds(at)} {', '.join(texts) or _OPENING}" for at, texts in chapters]
    text = "\n".join(lines).translate(_INTO_DESCRIPTION)
    return f"{text}\n".encode("utf-8", "replace")


def count_chapters(path: Path) -> int:
    """The chapters in a file of YouTube chapters, the one that begins at 0:00 among them."""
    return sum(_CHAPTER.fullmatch(line.strip()) is not None for line in _lines_of(path))


def _lines_of(path: Path) -> list[str]:
    return SourceFile(path.name, str(path), read_bytes(path)).text.split("\n")


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
    starts = [max(event.seconds, 0.0) for event in events]
    shown = max(options.lag_seconds, 0.001)
    for event, (start, following) in zip(events, pairwise([*starts, inf]), strict=True):
        # A cue ends where the next begins, unless both begin at the same time.
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
        return any(_CHAPTER.fullmatch(line.strip()) for line in source.text.split("\n"))
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
        lambda source: source.data.removeprefix(b"\xef\xbb\xbf").startswith(b"WEBVTT"),
        kinds=_KINDS,
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
    ),
)
