"""What a broadcast says, as values, and its file ``*.broadcast.json``."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path
from typing import Any

from touchline.errors import InputError
from touchline.events import SIDES, Score, Side
from touchline.formats.base import Record, SourceFile, dump_json
from touchline.formats.reading import read_bytes
from touchline.match_state import as_box
from touchline.runtime.atomic import write_text
from touchline.timebase import parse_rate

FORMAT = "touchline-broadcast"
VERSION = 1


@dataclass(frozen=True)
class Bug:
    """What the score bug of a still picture says; None for what it does not say.

    Attributes:
        box: left, top, right, bottom in pixels.
        teams: in the order shown, as written.
        score: their goals in the same order.
        clock_seconds: match time.
        added_minutes: of a plate of added time.
        half: where the bug names it.
        aggregate: over two matches.
        confidence: 0 to 1.
    """

    box: tuple[float, float, float, float]
    teams: tuple[str | None, str | None] | None = None
    score: Score | None = None
    clock_seconds: float | None = None
    added_minutes: int | None = None
    half: int | None = None
    aggregate: Score | None = None
    confidence: float = 0.0
    extra: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Half:
    """A half as far as the recording shows it.

    Attributes:
        half: 1 or 2; 3 and 4 of extra time.
        start_seconds, end_seconds: in the recording.
        clock_start_seconds: match time at its start in the recording.
        has_kick_off, has_end: whether kick-off and end are in the recording; None if not known.
    """

    half: int
    start_seconds: float
    end_seconds: float
    clock_start_seconds: float
    has_kick_off: bool | None = None
    has_end: bool | None = None
    extra: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Reading:
    """What is known of one moment of the recording.

    Attributes:
        seconds: in the recording.
        visible: whether the bug is in the picture.
        half: in which it lies; None outside of play.
        clock_seconds: match time.
        added_minutes: of a plate of added time that is shown.
        score: goals of home and away.
        confidence: 0 to 1.
    """

    seconds: float
    visible: bool
    half: int | None = None
    clock_seconds: float | None = None
    added_minutes: int | None = None
    score: Score | None = None
    confidence: float = 0.0
    extra: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class ScoreGoal:
    """A goal, as the score says it.

    Attributes:
        seconds: likeliest moment in the recording.
        team: ``home`` or ``away``.
        score: after it.
        seen_at_seconds: when the new score is first shown.
        uncertainty_seconds: of ``seconds``, to either side.
        taken_back_at_seconds: when the score went back; None for a goal that stands.
        confidence: 0 to 1.
    """

    seconds: float
    team: Side
    score: Score
    seen_at_seconds: float
    uncertainty_seconds: float
    taken_back_at_seconds: float | None = None
    confidence: float | None = None
    extra: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Span:
    """A stretch of the recording, such as a replay."""

    start_seconds: float
    end_seconds: float
    extra: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Moment:
    """An instant with a confidence, such as a whistle; or a peak of excitement with its reason.

    Attributes:
        seconds: in the recording.
        confidence: 0 to 1.
        reason: why, for people.
    """

    seconds: float
    confidence: float = 1.0
    reason: str | None = None
    extra: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Curve:
    """Values at a steady rate from the recording's start."""

    rate: Fraction
    values: tuple[float, ...]
    extra: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Broadcast:
    """What a recording says by itself.

    Attributes:
        video_name: file name of the recording.
        duration_seconds: of it.
        teams: home and away as written; None where they are not.
        halves, readings, goals: of the score bug, in order of time; None: it was not read.
        replays, cuts_seconds, whistles, excitement, moments: of picture and sound; None: not
            looked for.
        has_sound: whether anything is heard; None: not known.
        bug_box: left, top, right, bottom of the score bug, as shares of the picture.
        remarks: what could not be read, for people.
        extra: fields of the file that are not known here.
    """

    video_name: str
    duration_seconds: float
    teams: tuple[str | None, str | None] | None = None
    halves: tuple[Half, ...] | None = None
    readings: tuple[Reading, ...] | None = None
    goals: tuple[ScoreGoal, ...] | None = None
    replays: tuple[Span, ...] | None = None
    cuts_seconds: tuple[float, ...] | None = None
    whistles: tuple[Moment, ...] | None = None
    excitement: Curve | None = None
    moments: tuple[Moment, ...] | None = None
    has_sound: bool | None = None
    remarks: tuple[str, ...] = ()
    bug_box: tuple[float, float, float, float] | None = None
    extra: Mapping[str, Any] = field(default_factory=dict)

    @property
    def has_bug(self) -> bool | None:
        """Whether a score bug was found; None: it was not looked for."""
        if self.readings is None:
            return None
        return bool(self.readings or self.halves or self.teams)

    @property
    def last_score(self) -> Score | None:
        """The score at the end of the recording; None where none was read."""
        known = (one.score for one in reversed(self.readings or ()) if one.score is not None)
        return next(known, None)

    def half_at(self, seconds: float) -> Half | None:
        """The half in which a time of the recording lies."""
        for half in self.halves or ():
            if half.start_seconds <= seconds <= half.end_seconds:
                return half
        return None


def to_json(broadcast: Broadcast) -> dict[str, Any]:
    """The document of ``*.broadcast.json``."""
    document: dict[str, Any] = {
        "format": FORMAT,
        "version": VERSION,
        "video": {
            "name": broadcast.video_name,
            "duration": _seconds(broadcast.duration_seconds),
        },
    }
    if broadcast.teams is not None:
        document["teams"] = {"home": broadcast.teams[0], "away": broadcast.teams[1]}
    lists = {
        "halves": (broadcast.halves, _half_to_json),
        "readings": (broadcast.readings, _reading_to_json),
        "goals": (broadcast.goals, _goal_to_json),
        "replays": (broadcast.replays, _span_to_json),
        "cuts": (broadcast.cuts_seconds, _seconds),
        "whistles": (broadcast.whistles, _moment_to_json),
        "moments": (broadcast.moments, _moment_to_json),
    }
    for name, (values, write) in lists.items():
        if values is not None:
            document[name] = [write(value) for value in values]  # type: ignore[operator]
    if broadcast.excitement is not None:
        document["excitement"] = {
            "rate": str(broadcast.excitement.rate),
            "values": [round(float(value), 4) for value in broadcast.excitement.values],
            **_rest(broadcast.excitement.extra, _CURVE_KEYS),
        }
    if broadcast.has_sound is not None:
        document["sound"] = broadcast.has_sound
    if broadcast.bug_box is not None:
        document["bug_box"] = [round(share, 4) for share in broadcast.bug_box]
    if broadcast.remarks:
        document["remarks"] = list(broadcast.remarks)
    return document | _rest(broadcast.extra, _FILE_KEYS)


def bug_to_json(bug: Bug | None, picture_name: str | None = None) -> dict[str, Any]:
    """The document of a still picture: what its score bug says, or ``"bug": null``."""
    document: dict[str, Any] = {"format": FORMAT, "version": VERSION}
    if picture_name is not None:
        document["picture"] = {"name": picture_name}
    if bug is None:
        return document | {"bug": None}
    known: dict[str, Any] = {
        "box": [round(side) for side in bug.box],
        "teams": None if bug.teams is None else list(bug.teams),
        "score": None if bug.score is None else list(bug.score),
        "clock": None if bug.clock_seconds is None else _seconds(bug.clock_seconds),
        "added": bug.added_minutes,
    }
    if bug.half is not None:
        known["half"] = bug.half
    if bug.aggregate is not None:
        known["aggregate"] = list(bug.aggregate)
    known["confidence"] = round(bug.confidence, 4)
    return document | {"bug": known | dict(bug.extra)}


def write_broadcast(broadcast: Broadcast, path: str | Path) -> None:
    """Write ``*.broadcast.json``; readings, one a line, make up most of it."""
    write_document(to_json(broadcast), path)


def write_document(document: Mapping[str, Any], path: str | Path) -> None:
    """Write a document of `to_json` or `bug_to_json`."""
    rest = {key: value for key, value in document.items() if key != "readings"}
    if "readings" in document:
        content = dump_json(rest | {"readings": document["readings"]}, rows="readings")
    else:
        content = dump_json(rest)
    write_text(Path(path), content.decode("utf-8"))


def _half_to_json(half: Half) -> dict[str, Any]:
    known: dict[str, Any] = {
        "half": half.half,
        "start": _seconds(half.start_seconds),
        "end": _seconds(half.end_seconds),
        "clock_start": _seconds(half.clock_start_seconds),
    }
    if half.has_kick_off is not None:
        known["kick_off"] = half.has_kick_off
    if half.has_end is not None:
        known["ended"] = half.has_end
    return known | _rest(half.extra, _HALF_KEYS)


def _reading_to_json(reading: Reading) -> dict[str, Any]:
    return {
        "time": _seconds(reading.seconds),
        "visible": reading.visible,
        "half": reading.half,
        "clock": None if reading.clock_seconds is None else round(reading.clock_seconds, 2),
        "added": reading.added_minutes,
        "score": None if reading.score is None else list(reading.score),
        "confidence": round(reading.confidence, 3),
        **_rest(reading.extra, _READING_KEYS),
    }


def _goal_to_json(goal: ScoreGoal) -> dict[str, Any]:
    known: dict[str, Any] = {
        "time": _seconds(goal.seconds),
        "team": goal.team,
        "score": list(goal.score),
        "seen_at": _seconds(goal.seen_at_seconds),
        "uncertainty": _seconds(goal.uncertainty_seconds),
    }
    if goal.taken_back_at_seconds is not None:
        known["taken_back_at"] = _seconds(goal.taken_back_at_seconds)
    if goal.confidence is not None:
        known["confidence"] = round(goal.confidence, 3)
    return known | _rest(goal.extra, _GOAL_KEYS)


def _span_to_json(span: Span) -> dict[str, Any]:
    return {
        "start": _seconds(span.start_seconds),
        "end": _seconds(span.end_seconds),
        **_rest(span.extra, _SPAN_KEYS),
    }


def _moment_to_json(moment: Moment) -> dict[str, Any]:
    known: dict[str, Any] = {
        "time": _seconds(moment.seconds),
        "confidence": round(float(moment.confidence), 3),
    }
    if moment.reason is not None:
        known["reason"] = moment.reason
    return known | _rest(moment.extra, _MOMENT_KEYS)


def _seconds(seconds: float) -> float:
    return round(float(seconds), 3)


def _rest(extra: Mapping[str, Any], known: frozenset[str]) -> dict[str, Any]:
    """Fields kept from elsewhere; one of a known name would change what the file means."""
    return {key: value for key, value in extra.items() if key not in known}


_FILE_KEYS = frozenset(
    {
        *("format", "version", "video", "teams", "halves", "readings", "goals", "replays"),
        *("cuts", "whistles", "excitement", "moments", "sound", "remarks"),
        "bug_box",
    }
)
_HALF_KEYS = frozenset({"half", "start", "end", "clock_start", "kick_off", "ended"})
_READING_KEYS = frozenset({"time", "visible", "half", "clock", "added", "score", "confidence"})
_GOAL_KEYS = frozenset(
    {"time", "team", "score", "seen_at", "uncertainty", "taken_back_at", "confidence"}
)
_SPAN_KEYS = frozenset({"start", "end"})
_MOMENT_KEYS = frozenset({"time", "confidence", "reason"})
_CURVE_KEYS = frozenset({"rate", "values"})


def read_broadcast(path: str | Path) -> Broadcast:
    """Read ``*.broadcast.json``; fields that are not known here are kept.

    Raises:
        FormatError: not such a file, or a field of it is malformed.
    """
    source = SourceFile(Path(path).name, str(path), read_bytes(path))
    root = Record(source, source.document)
    if root.values.get("format") != FORMAT:
        raise root.error("format", f"this is not a {FORMAT} file")
    if root.optional_integer("version") != VERSION:
        raise root.error("version", "this version cannot be read", "update touchline")
    if "bug" in root.values:
        raise root.error("bug", "this is of a still picture", "give the file of a video")
    video = root.record("video")
    return Broadcast(
        video.text("name"),
        video.number("duration"),
        teams=_teams(root),
        halves=_many(root, "halves", _half),
        readings=_many(root, "readings", _reading),
        goals=_many(root, "goals", _goal),
        replays=_many(root, "replays", _span),
        cuts_seconds=_cuts(root),
        whistles=_many(root, "whistles", _moment),
        excitement=_curve(root),
        moments=_many(root, "moments", _moment),
        has_sound=_flag(root, "sound"),
        remarks=_remarks(root),
        bug_box=_bug_box(root),
        extra=root.unknown_fields(_FILE_KEYS),
    )


def is_broadcast(path: str | Path) -> bool:
    """Whether a file is one that `write_broadcast` wrote."""
    mark = f'{{"format": "{FORMAT}"'.encode()
    with Path(path).open("rb") as file:
        start = file.read(4096)
    return b"".join(start.split()).startswith(b"".join(mark.split()))


def _many(root: Record, name: str, read: Any) -> Any:
    if root.values.get(name) is None:
        return None
    return tuple(read(record) for record in root.records(name))


def _teams(root: Record) -> tuple[str | None, str | None] | None:
    if root.values.get("teams") is None:
        return None
    teams = root.record("teams")
    return teams.optional_text("home"), teams.optional_text("away")


def _half(record: Record) -> Half:
    return Half(
        _integer(record, "half"),
        record.number("start"),
        record.number("end"),
        record.number("clock_start"),
        _flag(record, "kick_off"),
        _flag(record, "ended"),
        record.unknown_fields(_HALF_KEYS),
    )


def _reading(record: Record) -> Reading:
    visible = _flag(record, "visible")
    return Reading(
        record.number("time"),
        bool(visible),
        record.optional_integer("half"),
        record.optional_number("clock"),
        record.optional_integer("added"),
        None if record.values.get("score") is None else _score(record),
        record.number("confidence", 0.0),
        record.unknown_fields(_READING_KEYS),
    )


def _goal(record: Record) -> ScoreGoal:
    named = record.text("team")
    team = next((side for side in SIDES if side == named), None)
    if team is None:
        raise record.error("team", f"unknown team {named!r}", "use home or away")
    return ScoreGoal(
        record.number("time"),
        team,
        _score(record),
        record.number("seen_at"),
        record.number("uncertainty"),
        record.optional_number("taken_back_at"),
        record.optional_number("confidence"),
        record.unknown_fields(_GOAL_KEYS),
    )


def _span(record: Record) -> Span:
    return Span(record.number("start"), record.number("end"), record.unknown_fields(_SPAN_KEYS))


def _moment(record: Record) -> Moment:
    return Moment(
        record.number("time"),
        record.number("confidence", 1.0),
        record.optional_text("reason"),
        record.unknown_fields(_MOMENT_KEYS),
    )


def _cuts(root: Record) -> tuple[float, ...] | None:
    if root.values.get("cuts") is None:
        return None
    return _numbers(root, "cuts")


def _curve(root: Record) -> Curve | None:
    if root.values.get("excitement") is None:
        return None
    record = root.record("excitement")
    rate = record.values.get("rate")
    if not isinstance(rate, str | int | float) or isinstance(rate, bool):
        raise record.error("rate", "this is not a rate", 'write "2"')
    try:
        exact = parse_rate(rate)
    except InputError as error:
        raise record.error("rate", error.what, error.remedy) from error
    return Curve(exact, _numbers(record, "values"), record.unknown_fields(_CURVE_KEYS))


def _bug_box(root: Record) -> tuple[float, float, float, float] | None:
    if root.values.get("bug_box") is None:
        return None
    box = as_box(_numbers(root, "bug_box"))
    if box is None:
        raise root.error(
            "bug_box", "is no box", "give left, top, right and bottom as shares of the picture"
        )
    return box


def _remarks(root: Record) -> tuple[str, ...]:
    value = root.values.get("remarks", [])
    if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
        raise root.error("remarks", "this is not a list of texts")
    return tuple(value)


def _numbers(record: Record, name: str) -> tuple[float, ...]:
    value = record.values.get(name)
    if not isinstance(value, list) or not all(
        isinstance(item, int | float) and not isinstance(item, bool) for item in value
    ):
        raise record.error(name, "this is not a list of numbers")
    return tuple(float(item) for item in value)


def _integer(record: Record, name: str) -> int:
    value = record.optional_integer(name)
    if value is None:
        raise record.error(name, "this is missing", "give a whole number")
    return value


def _flag(record: Record, name: str) -> bool | None:
    value = record.values.get(name)
    if value is not None and not isinstance(value, bool):
        raise record.error(name, "this is neither true nor false")
    return value


def _score(record: Record) -> Score:
    value = record.values.get("score")
    if (
        not isinstance(value, list)
        or len(value) != 2
        or not all(isinstance(item, int) and not isinstance(item, bool) for item in value)
    ):
        raise record.error("score", "this is not a score", "write [1, 0]")
    return value[0], value[1]


__all__ = [
    "Broadcast",
    "Bug",
    "Curve",
    "Half",
    "Moment",
    "Reading",
    "ScoreGoal",
    "Span",
    "bug_to_json",
    "is_broadcast",
    "read_broadcast",
    "to_json",
    "write_broadcast",
    "write_document",
]
