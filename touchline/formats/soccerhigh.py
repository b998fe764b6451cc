"""SoccerHigh's ``Labels-summary.json``: the stretches of a match that its editors showed.

Times are on the clock of the untrimmed recordings (``1_HQ.mkv``), not of the halves: subtract
``start_time_second`` of ``video.ini`` to compare them with labels (``onto_halves``).
"""

import configparser
import math
import re
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from touchline.errors import FormatError
from touchline.formats.base import Format, Options, Record, Source, Thing, dump_json, only_reel
from touchline.formats.edit_lists import reel_of
from touchline.formats.touchline_json import clip_from_json
from touchline.reel import Clip, Reel

_TIME = re.compile(r"\s*(\d)\s*-\s*(\d{1,4}):(\d{1,2}):(\d{1,2}(?:\.\d{1,9})?)\s*")


def read_summary(source: Source) -> Reel:
    """Read the segments as clips of ``1_HQ.mkv`` and ``2_HQ.mkv``.

    Two published segments have no length: they are left out, and the reel's extra says where.

    Raises:
        FormatError: no list of segments, or a time that is none.
    """
    root = Record(source, source.document)
    clips: list[Clip] = []
    empty: list[str] = []
    for record in root.records("annotations"):
        half, start = _time(record, "start")
        half_of_end, end = _time(record, "end")
        if half != half_of_end:
            raise record.fault("end", "a segment begins and ends in one half")
        if start == end:
            empty.append(record.text("start"))
            continue
        document: dict[str, Any] = {"video": f"{half}_HQ.mkv", "half": half}
        rest = record.rest({"start", "end"})
        clips.append(
            clip_from_json(
                Record(source, rest | document | {"start": start, "end": end}, record.place)
            )
        )
    reel = reel_of(source, clips)
    extra = root.rest({"annotations", "summaryLength"})
    return replace(reel, extra=extra | ({"segments_without_length": empty} if empty else {}))


def write_summary(thing: Thing, options: Options) -> bytes:
    """Write the clips as segments; ``summaryLength`` is the floor of their sum.

    Raises:
        FormatError: not a reel, or a clip that is of no half.
    """
    reel = only_reel(thing, "soccerhigh")
    segments = []
    for number, clip in enumerate(reel, start=1):
        if clip.half is None:
            raise FormatError(
                f"the clip at {clip.start_seconds} s is of no half, which a summary must say",
                remedy="write .reel.json",
            )
        segments.append(
            {"id": number}
            | dict(clip.extra)
            | {
                "start": _clock(clip.half, clip.start_seconds),
                "end": _clock(clip.half, clip.end_seconds),
            }
        )
    minutes, seconds = divmod(math.floor(reel.seconds + 1e-6), 60)
    extra = {k: v for k, v in reel.extra.items() if k != "segments_without_length"}
    return dump_json(
        extra | {"annotations": segments, "summaryLength": f"{minutes:02d}:{seconds:02d}"}
    )


def read_recording_starts(path: Path) -> dict[int, int]:
    """Where each half begins in its recording, in whole seconds, from ``video.ini``.

    The trimmed videos were cut at whole seconds, so fractions are dropped.

    Raises:
        FormatError: not such a file.
    """
    parser = configparser.ConfigParser(interpolation=None)
    try:
        parser.read_string(path.read_text("utf-8-sig"), str(path))
        starts = {
            int(section[0]): math.floor(parser.getfloat(section, "start_time_second"))
            for section in parser.sections()
            if section[:1].isdigit()
        }
    except (OSError, UnicodeDecodeError, configparser.Error, ValueError, OverflowError) as error:
        raise FormatError(f"not a readable video.ini: {error}", where=path) from error
    if not starts:
        raise FormatError("names no half", where=path, remedy="expected [1_HQ.mkv]")
    return starts


def onto_halves(reel: Reel, starts: Mapping[int, float]) -> Reel:
    """The summary on the clock of the trimmed halves, that of labels.

    Args:
        starts: where each half begins in its recording, in seconds.

    Raises:
        FormatError: a half whose start is not given.
    """
    clips = []
    for clip in reel:
        if clip.half is None or clip.half not in starts:
            raise FormatError(f"where half {clip.half} begins is not known")
        start = starts[clip.half]
        clips.append(
            replace(
                clip,
                video=f"{clip.half}_224p.mkv",
                start_seconds=max(clip.start_seconds - start, 0.0),
                end_seconds=clip.end_seconds - start,
            )
        )
    return Reel(tuple(clips), reel.extra)


def _time(record: Record, key: str) -> tuple[int, float]:
    text = record.text(key)
    found = _TIME.fullmatch(text)
    if found is None:
        raise record.fault(key, f"{text[:40]!r} is not a time", 'write "1 - 00:09:50.500"')
    seconds = float(found[4])
    if int(found[3]) > 59 or seconds >= 60:
        raise record.fault(key, f"{text!r} is not a time")
    return int(found[1]), int(found[2]) * 3600 + int(found[3]) * 60 + seconds


def _clock(half: int, seconds: float) -> str:
    milliseconds = round(seconds * 1000)
    whole, part = divmod(milliseconds, 1000)
    minutes, second = divmod(whole, 60)
    hours, minute = divmod(minutes, 60)
    return f"{half} - {hours:02d}:{minute:02d}:{second:02d}.{part:03d}"


def _sniff(source: Source) -> bool:
    if source.file_name == "Labels-summary.json":
        return True
    document = source.peek()
    if not isinstance(document, dict) or not isinstance(document.get("annotations"), list):
        return False
    items = document["annotations"]
    return bool(items) and all(isinstance(i, dict) and "start" in i and "end" in i for i in items)


FORMAT = Format(
    "soccerhigh",
    (".json",),
    "SoccerHigh summaries (Labels-summary.json)",
    frozenset(),
    read_summary,
    write_summary,
    _sniff,
    file_name="Labels-summary.json",
    kinds=frozenset({"reel"}),
)
