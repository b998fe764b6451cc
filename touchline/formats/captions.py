"""What players show beside a video: WebVTT and SRT cues, and YouTube's chapters.

They hold a time and a label. A reel is written on its own time axis: cues and chapters of the
video that it becomes.
"""

import html
import re
from collections.abc import Iterable
from itertools import pairwise
from math import inf

from touchline.errors import FormatError, InputError
from touchline.events import Event, Timeline, Video
from touchline.formats.base import (
    Format,
    Options,
    Record,
    Source,
    Thing,
    known_labels,
    only_timeline,
)
from touchline.formats.edit_lists import title_of
from touchline.reel import Reel
from touchline.timebase import format_seconds, parse_seconds

CHAPTER_SECONDS = 10
"""YouTube shows chapters only where each lasts at least this long."""

FEWEST_CHAPTERS = 3

_OPENING = "Start"
_CHAPTER = re.compile(r"\(?((?:\d{1,4}:)?\d{1,3}:\d\d)\)?\s*[-–—:|]?\s*(.*)")
_INTO_DESCRIPTION = str.maketrans("<>", "‹›")
"""YouTube refuses descriptions with angle brackets."""

_OUT_OF_DESCRIPTION = str.maketrans("‹›", "<>")
_ARROW = re.compile(r"([\d:.,]+)\s*-->\s*([\d:.,]+)")
_HOLDS = frozenset({"seconds", "label"})
_KINDS = frozenset({"events", "reel"})

Cue = tuple[float, float, str]


def read_cues(source: Source) -> Timeline:
    """Read WebVTT or SRT: an event at the start of each cue; its end is kept.

    Raises:
        FormatError: a time that is none, or a cue without text.
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
            raise source.fault("a cue needs times and a text", place)
        try:
            start, end = (parse_seconds(found[i].replace(",", ".")) for i in (1, 2))
        except InputError as error:
            raise source.fault(error.what, place, error.remedy) from error
        record = Record(source, {}, place)
        events.append(record.event(start, text, extra={"end": end}))
    labels = known_labels(event.label for event in events)
    return Timeline(Video(source.stem), tuple(events), labels=labels)


def write_vtt(thing: Thing, options: Options) -> bytes:
    """Write WebVTT; texts are escaped, times are milliseconds.

    Raises:
        FormatError: a match of several videos, or several games.
    """
    lines = ["WEBVTT", ""]
    for start, end, text in _cues(thing, options):
        times = f"{_clock(start, '.')} --> {_clock(end, '.')}"
        lines += [times, html.escape(text, quote=False), ""]
    return "\n".join(lines).encode("utf-8", "replace")


def write_srt(thing: Thing, options: Options) -> bytes:
    """Write SubRip; texts are escaped, times are milliseconds.

    Raises:
        FormatError: as ``write_vtt``.
    """
    lines = []
    for number, (start, end, text) in enumerate(_cues(thing, options), start=1):
        times = f"{_clock(start, ',')} --> {_clock(end, ',')}"
        lines += [str(number), times, html.escape(text, quote=False), ""]
    return "\n".join(lines).encode("utf-8", "replace")


def read_chapters(source: Source) -> Timeline:
    """Read lines such as ``12:34 Goal``; other lines are a description's own text.

    An opening chapter that only stands there because the first must begin at 0:00 is left out.

    Raises:
        FormatError: no line is a chapter.
    """
    events = []
    lines = [line.strip() for line in source.text.split("\n")]
    for number, line in enumerate(lines, start=1):
        found = _CHAPTER.fullmatch(line)
        if found is None or not found[2].strip():
            continue
        label = found[2].strip().translate(_OUT_OF_DESCRIPTION)
        seconds = parse_seconds(found[1])
        if seconds or label != _OPENING:
            events.append(Record(source, {}, f"line {number}").event(seconds, label))
    if not events and not any(_CHAPTER.fullmatch(line) for line in lines):
        raise source.fault("no line is a chapter", remedy='write lines such as "12:34 Goal"')
    labels = known_labels(event.label for event in events)
    return Timeline(Video(source.stem), tuple(events), labels=labels)


def write_chapters(thing: Thing, options: Options) -> bytes:
    """Write YouTube's chapters: whole seconds, the first at 0:00, each of ten seconds or more.

    Events that lie too close for chapters of their own join the one before them.

    Raises:
        FormatError: fewer than three chapters would remain, or more than one video.
    """
    if isinstance(thing, Reel):
        cues, last = list(_cues(thing, options)), thing.seconds
    else:
        timeline = only_timeline(thing, "chapters")
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
    if len(chapters) < FEWEST_CHAPTERS:
        raise FormatError(
            f"YouTube shows chapters from {FEWEST_CHAPTERS} on, and these make {len(chapters)}",
            remedy="write .vtt, which has no such rule",
        )
    lines = [f"{format_seconds(at)} {', '.join(texts) or _OPENING}" for at, texts in chapters]
    text = "\n".join(lines).translate(_INTO_DESCRIPTION)
    return f"{text}\n".encode("utf-8", "replace")


def _cues(thing: Thing, options: Options) -> Iterable[Cue]:
    """Start, end and text of each cue; of a reel, on the time axis of the video it becomes."""
    if isinstance(thing, Reel):
        at = 0.0
        for clip in thing:
            yield at, at + clip.seconds, _line(title_of(clip))
            at += clip.seconds
        return
    events: tuple[Event, ...] = only_timeline(thing, "captions").events
    starts = [max(event.seconds, 0.0) for event in events]
    shown = max(options.lag_seconds, 0.001)
    for event, (start, following) in zip(events, pairwise([*starts, inf]), strict=True):
        # A cue ends where the next begins, unless the two begin together.
        end = min(start + shown, following) if following > start else start + shown
        yield start, end, _line(event.label)


def _line(text: str) -> str:
    """A text as one line that is not empty."""
    return " ".join(text.split()) or "-"


def _clock(seconds: float, mark: str) -> str:
    milliseconds = round(seconds * 1000)
    whole, part = divmod(milliseconds, 1000)
    minutes, second = divmod(whole, 60)
    hours, minute = divmod(minutes, 60)
    return f"{hours:02d}:{minute:02d}:{second:02d}{mark}{part:03d}"


def _sniff_chapters(source: Source) -> bool:
    if not source.file_name.lower().endswith(".txt"):
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
        (".txt",),
        "YouTube chapters, for a video's description",
        _HOLDS,
        read_chapters,
        write_chapters,
        _sniff_chapters,
        kinds=_KINDS,
    ),
)
