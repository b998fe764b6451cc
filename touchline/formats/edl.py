"""CMX 3600 edit lists of reels: one track, timecode in whole frames.

The format has no field for the frame rate: touchline writes it into a comment, and needs it as an
option for lists from other programs.
"""

import re
from fractions import Fraction

from touchline.errors import InputError
from touchline.formats.base import EVENT_FIELDS, Content, Format, Options, SourceFile, only_reel
from touchline.formats.edit_lists import (
    build_reel,
    clip_caption,
    clip_from_metadata,
    clip_without_metadata,
    frame_range,
    metadata_text,
    require_rate,
)
from touchline.reel import Clip, Reel
from touchline.timebase import (
    drops_frames,
    format_rate,
    format_timecode,
    parse_rate,
    parse_timecode,
    seconds_of,
)

_EVENT = re.compile(
    r"(\d{1,6})\s+(\S+)\s+(\S+)\s+(C|D|W\d+|K\w*)\s*(?:\d+\s+)?"
    r"(\S+[:;.]\d\d)\s+(\S+[:;.]\d\d)\s+(\S+[:;.]\d\d)\s+(\S+[:;.]\d\d)\s*"
)
_RATE = "* FRAME RATE: "
_METADATA = "* TOUCHLINE: "
_NAME = "* FROM CLIP NAME: "
_REEL_NAME_LENGTH = 8


def read_edl(source: SourceFile) -> Reel:
    """Read the cuts of the video track; clips have the source times.

    Raises:
        FormatError: an invalid timecode, or an unknown frame rate.
    """
    lines = [line.rstrip() for line in source.text.split("\n")]
    rate = _rate(source, lines)
    clips: list[Clip] = []
    for number, line in enumerate(lines, start=1):
        found = _EVENT.fullmatch(line.strip())
        if found is None or (found[3].upper().startswith("A") and "V" not in found[3].upper()):
            continue
        place = f"line {number}"
        if rate is None:
            raise source.error("an EDL does not state its frame rate", place, "give it with --rate")
        try:
            start, end = (seconds_of(parse_timecode(found[i], rate), rate) for i in (5, 6))
        except InputError as error:
            raise source.error(error.what, place, error.remedy) from error
        comments = _comments(lines, number)
        metadata = next((x[len(_METADATA) :] for x in comments if x.startswith(_METADATA)), None)
        if metadata is not None:
            clips.append(clip_from_metadata(source, place, metadata, start, end))
            continue
        name = next((x[len(_NAME) :].strip() for x in comments if x.startswith(_NAME)), found[2])
        clips.append(clip_without_metadata(source, place, name, start, end, ""))
    if not clips and not any(line.startswith("TITLE:") for line in lines):
        raise source.error("not an edit list: it has neither a title nor cuts")
    return build_reel(source, clips)


def write_edl(content: Content, options: Options) -> bytes:
    """Write the cuts, one after the other from 00:00:00:00.

    Rates of 29.97 and 59.94 use drop-frame timecode unless ``options.drop_frame`` is false.

    Raises:
        FormatError: not a reel, or no frame rate. InputError: timecode cannot count the rate.
    """
    reel = only_reel(content, "EDL")
    rate = require_rate(reel, options, "EDL")
    drop = drops_frames(rate) if options.drop_frame is None else options.drop_frame
    mode = "DROP FRAME" if drop else "NON-DROP FRAME"
    lines = [f"TITLE: {_line(options.title)[:70]}", f"FCM: {mode}"]
    lines += [_RATE + format_rate(rate), ""]
    names = _reel_names(reel)
    at = 0
    for number, clip in enumerate(reel, start=1):
        first, after = frame_range(clip, rate)
        codes = " ".join(
            format_timecode(frame, rate, drop) for frame in (first, after, at, at + after - first)
        )
        lines.append(f"{number:03d}  {names[clip.video]:<8} AA/V  C        {codes}")
        lines += [_NAME + _line(clip.video), f"* COMMENT: {_line(clip_caption(clip))}"]
        lines += [_METADATA + metadata_text(clip), ""]
        at += after - first
    return "\n".join(lines).encode("utf-8", "replace")


def _rate(source: SourceFile, lines: list[str]) -> Fraction | None:
    for line in lines:
        if line.startswith(_RATE):
            try:
                return parse_rate(line[len(_RATE) :])
            except InputError as error:
                raise source.error(error.what, "FRAME RATE", error.remedy) from error
    return source.rate


def _comments(lines: list[str], number: int) -> list[str]:
    """The comment lines that follow the line of this number."""
    comments = []
    for line in lines[number:]:
        if line and not line.startswith("*"):
            break
        comments.append(line)
    return comments


def _reel_names(reel: Reel) -> dict[str, str]:
    """A distinct name of at most eight characters for each video."""
    names: dict[str, str] = {}
    for clip in reel:
        if clip.video not in names:
            stem = re.split(r"[/\\]", clip.video)[-1].rpartition(".")[0] or clip.video
            name = re.sub(r"[^A-Z0-9_]", "", stem.upper())[:_REEL_NAME_LENGTH] or "AX"
            if name in names.values():
                tail = str(len(names) + 1)
                name = name[: _REEL_NAME_LENGTH - len(tail)] + tail
            names[clip.video] = name
    return names


def _line(text: str) -> str:
    return " ".join(text.split())


FORMAT = Format(
    "edl",
    (".edl",),
    "CMX 3600 edit list",
    EVENT_FIELDS,
    read_edl,
    write_edl,
    lambda source: source.file_name.lower().endswith(".edl"),
    kinds=frozenset({"reel"}),
)
