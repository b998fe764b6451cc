"""CMX 3600 edit lists of reels: one track, timecode in whole frames.

The form has no frame rate: touchline writes it into a comment, and needs it told for lists that
others wrote.
"""

import re
from fractions import Fraction

from touchline.errors import InputError
from touchline.formats.base import EVENT_FIELDS, Format, Options, Source, Thing, only_reel
from touchline.formats.edit_lists import (
    clip_of_note,
    frames_of,
    note_of,
    plain_clip,
    rate_of_reel,
    reel_of,
    title_of,
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
_NOTE = "* TOUCHLINE: "
_NAME = "* FROM CLIP NAME: "
_REEL_NAME_LENGTH = 8


def read_edl(source: Source) -> Reel:
    """Read the cuts of the video track; each begins and ends where its source does.

    Raises:
        FormatError: a line of timecodes that is none, or a frame rate that nothing tells.
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
            raise source.fault("an EDL does not say its frame rate", place, "give it with --rate")
        try:
            start, end = (seconds_of(parse_timecode(found[i], rate), rate) for i in (5, 6))
        except InputError as error:
            raise source.fault(error.what, place, error.remedy) from error
        remarks = _remarks(lines, number)
        note = next((x[len(_NOTE) :] for x in remarks if x.startswith(_NOTE)), None)
        if note is not None:
            clips.append(clip_of_note(source, place, note, start, end))
            continue
        name = next((x[len(_NAME) :].strip() for x in remarks if x.startswith(_NAME)), found[2])
        clips.append(plain_clip(source, place, name, start, end, ""))
    if not clips and not any(line.startswith("TITLE:") for line in lines):
        raise source.fault("this is no edit list: it has neither a title nor cuts")
    return reel_of(source, clips)


def write_edl(thing: Thing, options: Options) -> bytes:
    """Write the cuts, one after the other from 00:00:00:00.

    29.97 and 59.94 frames a second count drop-frame unless ``options.drop_frame`` is false.

    Raises:
        FormatError: not a reel, or no frame rate. InputError: timecode cannot count the rate.
    """
    reel = only_reel(thing, "EDL")
    rate = rate_of_reel(options, "EDL")
    drop = drops_frames(rate) if options.drop_frame is None else options.drop_frame
    mode = "DROP FRAME" if drop else "NON-DROP FRAME"
    lines = [f"TITLE: {_line(options.title)[:70]}", f"FCM: {mode}"]
    lines += [_RATE + format_rate(rate), ""]
    names = _reel_names(reel)
    at = 0
    for number, clip in enumerate(reel, start=1):
        first, after = frames_of(clip, rate)
        codes = " ".join(
            format_timecode(frame, rate, drop) for frame in (first, after, at, at + after - first)
        )
        lines.append(f"{number:03d}  {names[clip.video]:<8} AA/V  C        {codes}")
        lines += [_NAME + _line(clip.video), f"* COMMENT: {_line(title_of(clip))}"]
        lines += [_NOTE + note_of(clip), ""]
        at += after - first
    return "\n".join(lines).encode("utf-8", "replace")


def _rate(source: Source, lines: list[str]) -> Fraction | None:
    for line in lines:
        if line.startswith(_RATE):
            try:
                return parse_rate(line[len(_RATE) :])
            except InputError as error:
                raise source.fault(error.what, "FRAME RATE", error.remedy) from error
    return source.rate


def _remarks(lines: list[str], number: int) -> list[str]:
    """The lines of remarks that follow the line of this number."""
    remarks = []
    for line in lines[number:]:
        if line and not line.startswith("*"):
            break
        remarks.append(line)
    return remarks


def _reel_names(reel: Reel) -> dict[str, str]:
    """Names of eight characters for the videos, each its own."""
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
