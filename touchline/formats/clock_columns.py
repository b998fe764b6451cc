"""The match clock in the columns of a table: minute and second, or a clock, and the half.

Providers, leagues and clubs write it in many ways: minute 47 second 12 of the first half,
``45+2``, ``63:10``, a second half that starts at 45:00 or at 0:00, halves as ``2``, ``2H`` or
``second half``, or no half at all.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Any

from touchline.errors import InputError
from touchline.events import Event, Match, Timeline, Video
from touchline.formats.base import EVENT_WORDS, Record, SourceFile, resolve_label_set
from touchline.formats.touchline_json import event_from_json
from touchline.match_state import parse_score
from touchline.timebase import HALF_CLOCKS

Row = Mapping[str, str]

MINUTE_NAMES = (
    "minute", "minutes", "min", "mins", "match minute", "match_minute", "matchminute",
)  # fmt: skip
SECOND_NAMES = ("second", "seconds", "sec", "secs", "s")
ADDED_NAMES = (
    "added", "added minute", "added_minute", "added time", "added_time", "extra minute",
    "extra_minute", "injury time", "injury_time", "stoppage", "stoppage time", "stoppage_time",
)  # fmt: skip
HALF_NAMES = (
    "half", "period", "period id", "period_id", "periodid", "half id", "half_id", "match period",
    "match_period", "matchperiod",
)  # fmt: skip
CLOCK_NAMES = (
    "clock", "clock_text", "match clock", "match_clock", "matchclock", "game clock", "game_clock",
    "match time", "match_time", "matchtime", "game time", "game_time", "gametime",
)  # fmt: skip
LABEL_NAMES = (
    "label", "event", "code", "event type", "event_type", "event name", "event_name", "type",
    "action",
)  # fmt: skip

FROM_ZERO_SLACK_SECONDS = 120.0
"""A half whose clocks begin more than this before its start counts from 0:00."""

_CLOCK = re.compile(
    r"(?P<minute>\d{1,3})\s*['’]?\s*(?:\+\s*(?P<added>\d{1,2}))?\s*['’]?"
    r"(?:[:.](?P<second>\d{1,2}(?:[.,]\d+)?))?",
    re.ASCII,
)
_NUMBER = re.compile(r"(\d{1,5})(?:\.(\d+))?", re.ASCII)
_LARGEST_MINUTE = 150
_LONG_CLOCK = re.compile(r"0?(\d):([0-5]\d):([0-5]\d(?:[.,]\d+)?)", re.ASCII)
_HALVES = {
    **dict.fromkeys(("1", "1h", "h1", "1st", "1st half", "first half", "first", "firsthalf",
                     "first_half", "fh", "p1"), 1),
    **dict.fromkeys(("2", "2h", "h2", "2nd", "2nd half", "second half", "second", "secondhalf",
                     "second_half", "sh", "p2"), 2),
    **dict.fromkeys(("3", "3h", "e1", "et1", "1et", "1e", "first period of extra time",
                     "firstperiodofextratime", "p3"), 3),
    **dict.fromkeys(("4", "4h", "e2", "et2", "2et", "2e", "second period of extra time",
                     "secondperiodofextratime", "p4"), 4),
    **dict.fromkeys(("5", "p", "ps", "pso", "penalties", "penalty shootout", "penaltyshootout"), 5),
}  # fmt: skip

SHOOT_OUT = 5
"""The penalties after extra time, as providers number them: no clock runs."""

_FELL_SECONDS = 60.0
_NEARLY_OVER_SECONDS = 2100.0
_LOW_SECONDS = 900.0


@dataclass(frozen=True)
class Columns:
    """Which columns of a table say the match clock; None: there is none of this kind."""

    minute: str | None
    second: str | None
    added: str | None
    half: str | None
    clock: str | None

    @property
    def names(self) -> frozenset[str]:
        """Of all of them."""
        found = (self.minute, self.second, self.added, self.half, self.clock)
        return frozenset(name for name in found if name is not None)


@dataclass(frozen=True)
class RowClock:
    """The match clock of a row.

    Attributes:
        half: 1 to 4; 5 for the penalties after extra time.
        clock_seconds: match time; where only minutes are written, that at which the minute begins.
        text: as it is written.
    """

    half: int
    clock_seconds: float
    text: str


@dataclass(frozen=True)
class _Written:
    """A clock as a row writes it, before the file as a whole is understood."""

    minute: int
    added: int | None
    second: float | None
    half: int | None
    text: str

    @property
    def seconds(self) -> float:
        return 60.0 * (self.minute + (self.added or 0)) + (self.second or 0.0)


def find_columns(names: Sequence[str]) -> Columns | None:
    """The columns of a match clock among these names, in lower case; None if there are none."""

    def first(wanted: Sequence[str]) -> str | None:
        return next((name for name in wanted if name in names), None)

    minute, clock = first(MINUTE_NAMES), first(CLOCK_NAMES)
    if minute is None and clock is None:
        return None
    second = None if minute is None else first(SECOND_NAMES)
    return Columns(minute, second, first(ADDED_NAMES), first(HALF_NAMES), clock)


def read_match(source: SourceFile, rows: Sequence[tuple[str, Row]]) -> Match:
    """The events of a match by half; their times count from the start of the half.

    Args:
        rows: each with its place in the file; `find_columns` finds a clock in their columns.

    Raises:
        FormatError: a row without label or clock, or with a value that cannot be read.
    """
    columns = find_columns(list(rows[0][1]))
    assert columns is not None
    clocks = read_clocks(source, rows, columns)
    halves: dict[int, list[Event]] = {}
    for (place, row), clock in zip(rows, clocks, strict=True):
        halves.setdefault(clock.half, []).append(_event(source, place, row, clock, columns))
    labels = resolve_label_set(event.label for events in halves.values() for event in events)
    timelines = tuple(
        Timeline(Video(f"{source.stem} {half}"), tuple(events), labels=labels, half=half)
        for half, events in sorted(halves.items())
    )
    return Match(source.stem, timelines)


def _event(source: SourceFile, place: str, row: Row, clock: RowClock, columns: Columns) -> Event:
    name = next((name for name in LABEL_NAMES if row.get(name, "").strip()), None)
    if name is None:
        raise source.error("a row needs a label", place, "name its column label or event")
    start = HALF_CLOCKS[clock.half][0] if clock.half in HALF_CLOCKS else 0.0
    document: dict[str, Any] = {
        key: value for key, value in row.items()
        if value and key not in columns.names and key != name
    }  # fmt: skip
    for key, words in EVENT_WORDS.items():
        if document.get(key, words[0]) not in words:
            document[f"provider_{key}"] = document.pop(key)
    if "score" in document:
        document |= _score_of(document.pop("score"))
    if "confidence" in document:
        document["confidence"] = _share(source, f"{place}: confidence", document["confidence"])
    document |= {"time": clock.clock_seconds - start, "label": row[name].strip()}
    event = event_from_json(Record(source, document, place))
    return replace(event, clock=clock.text, clock_seconds=clock.clock_seconds)


def _score_of(text: str) -> dict[str, Any]:
    """A score before the event as the field ``score``; any other text is the provider's own."""
    try:
        return {"score": list(parse_score(text))}
    except InputError:
        return {"provider_score": text}


def _share(source: SourceFile, place: str, text: str) -> float:
    try:
        return float(text)
    except ValueError:
        raise source.error(f"{text[:40]!r} is not a number", place) from None


def read_clocks(
    source: SourceFile, rows: Sequence[tuple[str, Row]], columns: Columns
) -> list[RowClock]:
    """The match clock of each row.

    Args:
        rows: each with its place in the file.

    Raises:
        FormatError: a row without a clock, or one that cannot be read.
    """
    in_seconds = _is_in_seconds(rows, columns)
    written = [_written(source, place, row, columns, in_seconds) for place, row in rows]
    only_minutes = all(one.second is None for one in written)
    if only_minutes and any(one.minute for one in written):
        source.warnings.append(_minutes_remark(written))
    back = 60.0 if only_minutes and not _counts_from_zero(written) else 0.0
    halves = _halves(written, back)
    start_again = _start_again(written, halves)
    clocks = []
    for one, half in zip(written, halves, strict=True):
        start = HALF_CLOCKS[half][0] if half in HALF_CLOCKS else 0.0
        seconds = one.seconds - back + (start if start_again else 0.0)
        clocks.append(RowClock(half, max(0.0, seconds), one.text))
    return clocks


def _counts_from_zero(written: Sequence[_Written]) -> bool:
    """Whether the first minute is called 0; in speech, and in ``45+2``, it is the first."""
    return any(one.minute == 0 and one.added is None for one in written)


def _minutes_remark(written: Sequence[_Written]) -> str:
    first = "0" if _counts_from_zero(written) else "1"
    return f"the clock has minutes only; the first is called {first}"


def _is_in_seconds(rows: Sequence[tuple[str, Row]], columns: Columns) -> bool:
    """Whether a column of clocks holds plain seconds, as touchline's own tables do."""
    cells = [] if columns.clock is None else [row.get(columns.clock, "") for _, row in rows]
    numbers = [float(cell) for cell in cells if _NUMBER.fullmatch(cell.strip())]
    return len(numbers) == len(cells) and max(numbers, default=0.0) > _LARGEST_MINUTE


def _written(
    source: SourceFile, place: str, row: Row, columns: Columns, in_seconds: bool
) -> _Written:
    half = _half(source, place, row, columns)
    name = columns.minute if columns.minute and row.get(columns.minute, "").strip() else None
    name = name or columns.clock or columns.minute
    assert name is not None
    text = row.get(name, "").strip()
    if not text:
        raise source.error("a row needs a match clock", f"{place}: {name}", "write 63:10 or 45+2")
    if in_seconds and name == columns.clock:
        minutes, seconds = divmod(float(text), 60)
        return _Written(int(minutes), None, seconds, half, text)
    minute, added, second = _parsed(source, place, name, text)
    if name == columns.minute and columns.second is not None:
        given = row.get(columns.second, "").strip()
        second = _number(source, f"{place}: {columns.second}", given) if given else second
    if columns.added is not None and (given := row.get(columns.added, "").strip()):
        more = int(_number(source, f"{place}: {columns.added}", given))
        added = more if more else added
    shown = text if second is None or ":" in text else f"{text}:{int(second):02d}"
    return _Written(minute, added, second, half, shown)


def _parsed(
    source: SourceFile, place: str, name: str, text: str
) -> tuple[int, int | None, float | None]:
    """Minute, added minutes and second of a clock."""
    if long := _LONG_CLOCK.fullmatch(text):
        hours, minutes, seconds = long.groups()
        return 60 * int(hours) + int(minutes), None, float(seconds.replace(",", "."))
    if (plain := _NUMBER.fullmatch(text)) and not int(plain[2] or 0):
        return int(plain[1]), None, None  # a spreadsheet makes 47.0 of 47
    found = _CLOCK.fullmatch(text)
    if found is None:
        raise source.error(
            f"{text[:40]!r} is not a match clock", f"{place}: {name}", "write 63:10, 63 or 45+2"
        )
    second = None if found["second"] is None else float(found["second"].replace(",", "."))
    return int(found["minute"]), None if found["added"] is None else int(found["added"]), second


def is_minute(text: str) -> bool:
    """Whether a clock is written as a minute alone, such as ``23`` or ``45+2``."""
    text = text.strip()
    if plain := _NUMBER.fullmatch(text):
        return int(plain[1]) <= _LARGEST_MINUTE and not int(plain[2] or 0)
    found = _CLOCK.fullmatch(text)
    return found is not None and found["second"] is None


def _number(source: SourceFile, place: str, text: str) -> float:
    try:
        number = float(text.replace(",", "."))
    except ValueError:
        number = -1.0
    if not 0 <= number < 60:
        raise source.error(f"{text[:40]!r} is not a second or minute", place, "write 0 to 59")
    return number


def _half(source: SourceFile, place: str, row: Row, columns: Columns) -> int | None:
    text = row.get(columns.half, "").strip().lower() if columns.half else ""
    if not text:
        return None
    half = _HALVES.get(text.removesuffix(".0"))
    if half is None:
        raise source.error(
            f"{text[:40]!r} is not a half", f"{place}: {columns.half}",
            "write 1 or 2; 3 and 4 for extra time",
        )  # fmt: skip
    return half


def _halves(written: Sequence[_Written], back: float) -> list[int]:
    """The half of each row: as written, by ``45+2``, or by where the clock falls back.

    Args:
        back: seconds to take off what is written, where the first minute is called 1.
    """
    seconds = [one.seconds - back for one in written]
    if any(one.added is not None for one in written):
        found = [_half_at(one, at) for one, at in zip(written, seconds, strict=True)]
    else:
        found = _halves_in_order(seconds)
    return [one.half or half for one, half in zip(written, found, strict=True)]


def _half_at(written: _Written, seconds: float) -> int:
    """The half of a clock in a file that writes added time as ``45+2``."""
    if written.added is not None:
        ending = 60.0 * written.minute
        return next((half for half, (_, end) in HALF_CLOCKS.items() if end == ending), 2)
    begun = [half for half, (start, _) in HALF_CLOCKS.items() if seconds >= start]
    return begun[-1] if begun else 1


def _halves_in_order(seconds: Sequence[float]) -> list[int]:
    """The halves of clocks in the order of the file: each falls back where the next one starts."""
    halves: list[int] = []
    half, since = 1, 0
    for place in range(len(seconds)):
        if place and _falls_back(seconds[since:place], seconds[place], half):
            half, since = min(half + 1, 4), place
        halves.append(half)
    if half == 1 or not _is_in_order(seconds):  # no break is seen: by the clock alone
        return [2 if at >= HALF_CLOCKS[2][0] else 1 for at in seconds]
    return halves


def _falls_back(before: Sequence[float], seconds: float, half: int) -> bool:
    """Whether a clock is one of the half that follows."""
    reached = max(before)
    start, end = HALF_CLOCKS[half]
    if reached - seconds < _FELL_SECONDS or half + 1 not in HALF_CLOCKS:
        return False
    if seconds >= end - 1:
        return True
    return reached - min(start, reached) > _NEARLY_OVER_SECONDS and seconds < _LOW_SECONDS


def _is_in_order(seconds: Sequence[float]) -> bool:
    """Whether a file has few rows that go back: those of halves, not those of a shuffled file."""
    falls = sum(later < earlier - _FELL_SECONDS for earlier, later in pairwise(seconds))
    return falls <= 3


def _start_again(written: Sequence[_Written], halves: Sequence[int]) -> bool:
    """Whether each half's clock starts at 0:00."""
    for half in sorted(set(halves) & set(HALF_CLOCKS)):
        start = HALF_CLOCKS[half][0]
        clocks = [one.seconds for one, mine in zip(written, halves, strict=True) if mine == half]
        if start and min(clocks) < start - FROM_ZERO_SLACK_SECONDS:
            return True
    return False
