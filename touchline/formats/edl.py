"""CMX 3600 edit lists of reels: one track, timecode in whole frames.

The format has no field for the frame rate: touchline writes it into a comment, and needs it as an
option for lists from other programs.
"""

import re
from dataclasses import dataclass, field, replace
from fractions import Fraction
from pathlib import PurePath

from touchline.errors import FormatError, InputError
from touchline.formats.base import EVENT_FIELDS, Content, Format, Options, SourceFile, only_reel
from touchline.formats.edit_lists import (
    clip_caption,
    frame_range,
    known_media,
    media_of,
    metadata_text,
    require_rate,
    start_frame,
)
from touchline.formats.left_out import LeftOut
from touchline.formats.sequences import Part, Shot, reel_of
from touchline.reel import Reel
from touchline.runtime.wording import rate_text
from touchline.timebase import (
    drops_frames,
    format_rate,
    format_timecode,
    parse_rate,
    parse_timecode,
)

_CODE = r"(\d{1,2}[:;]\d\d[:;]\d\d[:;.,]\d\d)"
_EVENT = re.compile(
    r"(?P<number>\d{1,6}[A-Z]?)\s+(?P<reel>\S.*?)\s+(?P<channels>[ABNOVE\d/]+)\s+"
    r"(?P<transition>C|D|W\d{0,4}|K\s?[BO]?)\s*(?:(?P<length>\d+)\s+)?(?:\(?F\)?\s+)?"
    rf"{_CODE}\s+{_CODE}\s+{_CODE}\s+{_CODE}\s*",
    re.IGNORECASE,
)
_NUMBERED = re.compile(r"\d{3,6}[A-Z]?\s+\S")
_MODE = re.compile(r"FCM:\s*(NON[- ]?)?DROP", re.IGNORECASE)
_SPEED = re.compile(r"M2\s+\S.*?\s+(-?\d{1,5}(?:\.\d+)?)(?:\s+\S+)*\s*", re.IGNORECASE)
_REMARK = re.compile(r"\*\s*([A-Za-z][A-Za-z ]*?)\s*:\s*(.*)")
_LOCATOR = re.compile(rf"{_CODE}\s+\S+\s*(.*)")
_MARKER = re.compile(r"\|M:([^|]*)")
_MARKER_LINE = re.compile(r"\|[A-Z]:")
_STATEMENT = re.compile(
    r"[*>#]|(TITLE|SPLIT|REEL|SOURCE FILE|DLEDL|FINAL CUT PRO REEL):|"
    r"(AUD|GPI|M/S|BREAK|FINAL CUT PRO REEL|EFFECTS? NAME( IS)?|EFFECT|CROSS DISSOLVE)\b",
    re.IGNORECASE,
)
"""How the lines of an edit list begin that are comments, or say what a reel has no place for."""

_BLACK = ("BL", "BLK", "BLACK")
_SAME_SPEED = Fraction(1, 50)
_SAME_FRAMES = 3
_DAY_HOURS = 24
_RATE = "* FRAME RATE: "
_METADATA = "* TOUCHLINE: "
_NAME = "* FROM CLIP NAME: "
_REEL_NAME_LENGTH = 8


@dataclass(frozen=True)
class _Cut:
    """A line of an edit list with those that belong to it.

    Attributes:
        codes: source in and out, record in and out.
        drops: whether the FCM line in force says drop-frame.
        remarks: what stands behind ``* FROM CLIP NAME:`` and the like, by what stands before.
        markers: record timecode, None for the start of the cut, and text.
        speed: frames of the source a second, by its M2 line.
    """

    place: str
    number: str
    reel: str
    channels: str
    transition: str
    codes: tuple[str, str, str, str]
    drops: bool | None
    remarks: dict[str, str] = field(default_factory=dict)
    markers: list[tuple[str | None, str]] = field(default_factory=list)
    speed: Fraction | None = None
    note: str | None = None

    @property
    def shows_picture(self) -> bool:
        """Whether it is of the picture; ``B`` is both, ``NONE`` neither."""
        return "V" in self.channels or self.channels == "B"


def read_edl(source: SourceFile) -> Reel:
    """Read the cuts of the video track, in the order of the record; clips have the source times.

    Dissolves and wipes become cuts. The FCM lines say how timecode counts, a ``;`` does too. Where
    the video is known, its own timecode is where its times begin.

    Raises:
        FormatError: an invalid timecode, or an unknown frame rate.
    """
    lines = [line.strip() for line in source.text.split("\n")]
    left_out = LeftOut()
    cuts = _cuts(lines, left_out)
    pictures = [cut for cut in cuts if cut.shows_picture]
    broken = next((n for n, line in enumerate(lines, start=1) if _NUMBERED.match(line)), None)
    if not cuts and broken is not None:
        raise source.error(
            "no line can be read as a cut", f"line {broken}",
            "write number, reel, channels, transition and four timecodes",
        )  # fmt: skip
    if not pictures and not any(line.upper().startswith("TITLE:") for line in lines):
        raise source.error("not an edit list: it has neither a title nor cuts")
    rate = _rate(source, lines)
    if pictures and rate is None:
        raise source.error(
            "an EDL does not state its frame rate", pictures[0].place, "give it with --rate"
        )
    _name_sound(cuts, left_out)
    shots = []
    for index, cut in enumerate(pictures if rate else ()):
        shot = _Reader(source, rate or Fraction(1), left_out).shot(cut, pictures, index)
        if shot is not None:
            shots.append(shot)
    shots.sort(key=lambda shot: shot.at)
    return reel_of(source, Part(shots), left_out)


def _cuts(lines: list[str], left_out: LeftOut) -> list[_Cut]:
    cuts: list[_Cut] = []
    drops: bool | None = None
    for number, line in enumerate(lines, start=1):
        if found := _EVENT.fullmatch(line):
            codes = (found[6], found[7], found[8], found[9])
            cuts.append(_Cut(
                f"line {number}", found["number"], found["reel"], found["channels"].upper(),
                found["transition"].upper(), codes, drops,
            ))  # fmt: skip
        elif mode := _MODE.match(line):
            drops = mode[1] is None
        elif _NUMBERED.match(line):
            left_out.add("line that is no cut", f"line {number}")
        elif not _is_known(line):
            left_out.add("line without meaning", f"line {number} {line[:40]!r}")
        elif cuts:
            cuts[-1] = _with_line(cuts[-1], line)
    return cuts


def _is_known(line: str) -> bool:
    """Whether a line that is no cut says something in edit lists, or is a comment."""
    return not line or any(known.match(line) for known in (_STATEMENT, _SPEED, _MARKER_LINE))


def _with_line(cut: _Cut, line: str) -> _Cut:
    """A cut with what one of the lines below it says."""
    if line.startswith(_METADATA):
        return replace(cut, note=line[len(_METADATA) :])
    if speed := _SPEED.fullmatch(line):
        return replace(cut, speed=Fraction(speed[1]))
    if marker := _MARKER.search(line):
        cut.markers.append((None, marker[1].strip()))
    elif remark := _REMARK.fullmatch(line):
        name, text = " ".join(remark[1].upper().split()), remark[2].strip()
        locator = _LOCATOR.fullmatch(text) if name == "LOC" else None
        if locator:
            cut.markers.append((locator[1], locator[2].strip()))
        elif text:
            cut.remarks.setdefault(name, text)
    return cut


def _name_sound(cuts: list[_Cut], left_out: LeftOut) -> None:
    """Name the sound that is cut otherwise than the picture."""
    seen = {(cut.reel, cut.codes[0]) for cut in cuts if cut.shows_picture}
    for cut in cuts:
        if not cut.shows_picture and (cut.reel, cut.codes[0]) not in seen:
            left_out.add("sound", cut.place)


class _Reader:
    """Reads the times of cuts."""

    def __init__(self, source: SourceFile, rate: Fraction, left_out: LeftOut) -> None:
        self._source = source
        self._rate = rate
        self._left_out = left_out

    def shot(self, cut: _Cut, cuts: list[_Cut], index: int) -> Shot | None:
        """What a cut shows; None for what is no part of a reel."""
        start, end = (self._frame(cut, code) for code in cut.codes[:2])
        at, until = (self._record_frame(cut, code) for code in cut.codes[2:])
        after = cuts[index + 1] if index + 1 < len(cuts) else None
        is_outgoing = after is not None and after.number == cut.number
        if start == end and is_outgoing:
            return None
        if cut.transition[0] in "DW":
            self._left_out.add("transition", cut.place)
        if cut.reel.upper() in _BLACK:
            self._left_out.add("black", cut.place)
            return None
        if cut.transition.startswith("K") and not cut.transition.endswith("B"):
            self._left_out.add("key", cut.place)
            return None
        if cut.speed == 0:
            self._left_out.add("freeze frame", cut.place)
            return None
        if start == end:
            self._left_out.add("cut without length", cut.place)
            return None
        return self._placed(cut, start, end, at, until)

    def _placed(self, cut: _Cut, start: int, end: int, at: int, until: int) -> Shot:
        day = _DAY_HOURS * 3600 * round(self._rate)
        if start - end > day // 2:  # over midnight
            end += day
        if end < start and cut.speed is not None and cut.speed < 0:
            start, end = end, start
        speed = self._speed(cut, end - start, until - at)
        video, title, origin = self._named(cut)
        first = start - origin if start >= origin or not origin else start - origin + day
        seconds = (end - start) / speed / self._rate
        marked = ((at if code is None else self._record_frame(cut, code), text)
                  for code, text in cut.markers)  # fmt: skip
        markers = [((first + (when - at) * speed) / self._rate, text) for when, text in marked]
        if end < start:
            what = f"a clip from {cut.codes[0]} to {cut.codes[1]} has no length"
            raise self._source.error(what, cut.place, "a clip ends after it starts")
        return Shot(
            at / self._rate, seconds, first / self._rate, video,
            title or (cut.markers[0][1] if cut.markers else ""), speed, tuple(markers), cut.note,
            cut.place,
        )  # fmt: skip

    def _speed(self, cut: _Cut, shown: int, recorded: int) -> Fraction:
        if cut.speed is not None:
            speed = abs(cut.speed) / round(self._rate)
            return Fraction(1) if abs(speed - 1) < _SAME_SPEED else speed
        if recorded <= 0 or abs(shown - recorded) <= _SAME_FRAMES:
            return Fraction(1)
        speed = Fraction(shown, recorded)
        return Fraction(1) if abs(speed - 1) < _SAME_SPEED else speed

    def _named(self, cut: _Cut) -> tuple[str, str, int]:
        """The video and the title of a cut, and the number of the video's first frame."""
        remarks = cut.remarks
        comes_in = cut.transition[0] in "DW"
        name = remarks.get("TO CLIP NAME") if comes_in else remarks.get("FROM CLIP NAME")
        name = name or remarks.get("CLIP NAME")
        file = remarks.get("SOURCE FILE") or remarks.get("FROM FILE") or remarks.get("FROM MEDIA")
        title = remarks.get("COMMENT", "")
        is_file = name is not None and PurePath(name).suffix
        video = (name if is_file else file or name) or cut.reel
        if name and video != name:
            title = name
        return video, title, start_frame(known_media(self._source, video), self._rate)

    def _record_frame(self, cut: _Cut, code: str) -> int:
        """As ``_frame``; the record may count otherwise than the source."""
        try:
            return self._frame(cut, code)
        except FormatError:
            return parse_timecode(f"{code[:-3].replace(';', ':')}:{code[-2:]}", self._rate)

    def _frame(self, cut: _Cut, code: str) -> int:
        """The number that a timecode names."""
        drops = cut.drops or code[-3] == ";" or (code[-3] != ":" and drops_frames(self._rate))
        if drops and round(self._rate) % 30 and code[-3] == ":":
            self._warn(f"FCM says drop-frame, which {rate_text(self._rate)} frames a second lack")
            drops = False
        if drops and cut.drops is False:
            self._warn("drop-frame timecode below an FCM line for non-drop; read as drop-frame")
        text = f"{code[:-3].replace(';', ':')}{';' if drops else ':'}{code[-2:]}"
        try:
            return parse_timecode(text, self._rate)
        except InputError as error:
            lacks = drops and not drops_frames(self._rate)
            remedy = error.remedy or ("give --rate 29.97 or 59.94" if lacks else None)
            raise self._source.error(error.what, cut.place, remedy) from error

    def _warn(self, text: str) -> None:
        if text not in self._source.warnings:
            self._source.warnings.append(text)


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
    # Not in the head, where OpenTimelineIO's adapter takes no comment.
    rate_line = _RATE + format_rate(rate)
    lines += [""] if len(reel) else [rate_line, ""]
    names = _reel_names(reel)
    day = _DAY_HOURS * 3600 * round(rate)
    at = 0
    for number, clip in enumerate(reel, start=1):
        first, after = frame_range(clip, rate)
        media = media_of(clip, options)
        origin = start_frame(media, rate)
        frames = ((first + origin) % day, (after + origin) % day, at, at + after - first)
        codes = " ".join(format_timecode(frame, rate, drop) for frame in frames)
        tracks = "V   " if media is not None and media.has_audio is False else "AA/V"
        lines.append(f"{number:03d}  {names[clip.video]:<8} {tracks}  C        {codes}")
        lines += [_NAME + _line(clip.video), f"* COMMENT: {_line(clip_caption(clip))}"]
        lines += [rate_line] if number == 1 else []
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
    reads_with=frozenset({"rate", "video"}),
    writes_with=frozenset({"rate", "video"}),
    title="Avid and others (EDL)",
)
