"""SoccerHigh's ``Labels-summary.json``: the segments of a match in its edited summary.

Times count from the start of the untrimmed recordings (``1_HQ.mkv``), not of the halves. Where
``video.ini`` beside the file states the start of each half, they are read from there on.
"""

import math
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

from touchline.errors import FormatError
from touchline.formats.base import (
    Content,
    Format,
    Options,
    Record,
    SourceFile,
    dump_json,
    only_reel,
)
from touchline.formats.reading import read_bytes
from touchline.formats.touchline_json import clip_from_json
from touchline.recordings import RECORDING_TIMES, read_recording_times
from touchline.reel import Clip, Reel

_TIME = re.compile(r"\s*(\d)\s*-\s*(\d{1,4}):(\d{1,2}):(\d{1,2}(?:\.\d{1,9})?)\s*")


def read_summary(source: SourceFile) -> Reel:
    """Read the segments as clips of ``1_HQ.mkv`` and ``2_HQ.mkv``.

    Segments without length (there are two published ones) are left out and listed in the reel's
    ``extra``.

    Raises:
        FormatError: no list of segments, or an invalid time.
    """
    root = Record(source, source.document)
    clips: list[Clip] = []
    empty: list[str] = []
    starts = _half_starts(source)
    for record in root.records("annotations"):
        half, start = _time(record, "start")
        half_of_end, end = _time(record, "end")
        if half != half_of_end:
            raise record.error("end", "a segment must begin and end in the same half")
        start = max(0.0, start - starts.get(half, 0))
        end -= starts.get(half, 0)
        if start == end:
            empty.append(record.text("start"))
            continue
        document: dict[str, Any] = {"video": f"{half}_HQ.mkv", "half": half}
        rest = record.unknown_fields({"start", "end"})
        clips.append(
            clip_from_json(
                Record(source, rest | document | {"start": start, "end": end}, record.place)
            )
        )
    reel = Reel(tuple(clips))
    extra = root.unknown_fields({"annotations", "summaryLength"})
    return replace(reel, extra=extra | ({"segments_without_length": empty} if empty else {}))


def _half_starts(source: SourceFile) -> dict[int, int]:
    """Where each half starts in its recording, by the ``video.ini`` beside the file, if any."""
    beside = Path(source.where).with_name(RECORDING_TIMES)
    if not beside.is_file():
        return {}
    parts = read_recording_times(read_bytes(beside), str(beside))
    return {half: part.start_seconds for half, part in parts.items()}


def write_summary(content: Content, options: Options) -> bytes:
    """Write the clips as segments; ``summaryLength`` is their total length, rounded down.

    Raises:
        FormatError: not a reel, or a clip without a half.
    """
    reel = only_reel(content, "soccerhigh")
    segments = []
    for number, clip in enumerate(reel, start=1):
        if clip.half is None:
            raise FormatError(
                f"the clip at {clip.start_seconds} s has no half, which a summary must state",
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


def _time(record: Record, key: str) -> tuple[int, float]:
    text = record.text(key)
    found = _TIME.fullmatch(text)
    if found is None:
        raise record.error(key, f"{text[:40]!r} is not a time", 'write "1 - 00:09:50.500"')
    seconds = float(found[4])
    if int(found[3]) > 59 or seconds >= 60:
        raise record.error(key, f"{text!r} is not a time")
    return int(found[1]), int(found[2]) * 3600 + int(found[3]) * 60 + seconds


def _clock(half: int, seconds: float) -> str:
    milliseconds = round(seconds * 1000)
    whole, part = divmod(milliseconds, 1000)
    minutes, second = divmod(whole, 60)
    hours, minute = divmod(minutes, 60)
    return f"{half} - {hours:02d}:{minute:02d}:{second:02d}.{part:03d}"


def _sniff(source: SourceFile) -> bool:
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
    title="SoccerHigh summary (JSON)",
)
