"""Event data of providers (StatsBomb, Opta, Wyscout ...), read by kloppy; read-only.

``--from kloppy:statsbomb`` names the provider. Where a match is several files, they must be in one
folder; StatsBomb's line-ups may be in ``../lineups`` as in its open data.
"""

import importlib.util
import inspect
import io
import warnings
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

from touchline.errors import FormatError, MissingExtraError
from touchline.events import Event, Match, Timeline, Video
from touchline.formats.base import EVENT_FIELDS, Content, Format, SourceFile, resolve_label_set
from touchline.formats.reading import is_zip, open_tree, read_bytes
from touchline.runtime.temporary import temporary_folder
from touchline.timebase import HALF_CLOCKS

PREFIX = "kloppy:"

PROVIDERS = {
    "datafactory": "load",
    "impect": "load",
    "metrica": "load_event",
    "opta": "load",
    "sportec": "load_event",
    "statsbomb": "load",
    "statsperform": "load_event",
    "wyscout": "load",
}
"""Providers of events, and the loading function in the kloppy module of that name."""

_MARKS = {
    "event_data": ("event", "f24", "ma3", "datafactory"),
    "lineup_data": ("lineup",),
    "meta_data": ("meta", "match"),
    "f7_data": ("f7", "srml"),
    "f24_data": ("f24",),
    "ma1_data": ("ma1",),
    "ma3_data": ("ma3",),
}
"""Parts of file names by which the file for each parameter of kloppy is found."""

_SET_PIECES = {
    "CORNER_KICK": "Corner",
    "THROW_IN": "Throw-in",
    "KICK_OFF": "Kick-off",
    "FREE_KICK": "Indirect free-kick",
}
_SHOTS = {
    "GOAL": "Goal",
    "OWN_GOAL": "Goal",
    "SAVED": "Shots on target",
    "OFF_TARGET": "Shots off target",
    "POST": "Shots off target",
    "BLOCKED": "Shots off target",
}
_CARDS = {
    "FIRST_YELLOW": "Yellow card",
    "SECOND_YELLOW": "Yellow->red card",
    "RED": "Red card",
}
_PASSES = {"CROSS": "CROSS", "HEAD_PASS": "HEADER", "HIGH_PASS": "HIGH PASS"}
_KINDS = {
    "SUBSTITUTION": "Substitution",
    "CLEARANCE": "Clearance",
    "BALL_OUT": "Ball out of play",
    "FOUL_COMMITTED": "Foul",
    "CARRY": "DRIVE",
    "PASS": "PASS",
}

OWN_GOAL = "own goal"
"""The note of a goal that a team scored against itself; its side is the one that it counts for."""

MAX_HALF_SECONDS = 3 * 3600.0
"""No event of a half is later."""

_OTHER_SIDE = {"home": "away", "away": "home"}

MAX_FILES = 20
"""Files of a zip that a provider's match may consist of."""

_MALFORMED = (
    ArithmeticError, AssertionError, AttributeError, LookupError, NotImplementedError, OSError,
    RecursionError, StopIteration, SyntaxError, TypeError, ValueError,
)  # fmt: skip
"""Exceptions that kloppy and its parsers raise for malformed data, besides kloppy's own errors."""


def provider_formats() -> list[str]:
    """Names of the providers' formats that can be read here; none without kloppy."""
    if importlib.util.find_spec("kloppy") is None:
        return []
    return [PREFIX + name for name in PROVIDERS]


def read_provider(path: str | Path, provider: str) -> Match:
    """Read a provider's match; times count from the start of each period, clocks through.

    Events are labelled with the SoccerNet-v2 class where there is one, on-ball actions with the
    class of ball action spotting, and all others with kloppy's name. An own goal is of the side
    that it counts for, and its note says so. An event at an impossible time is left out, and named
    in the warnings.

    Args:
        path: the events file, or the folder or zip of the match's files.
        provider: a name in ``PROVIDERS``.

    Raises:
        MissingExtraError: kloppy is not installed.
        FormatError: unknown provider, or a missing or malformed file.
    """
    if provider not in PROVIDERS:
        raise FormatError(
            f"unknown provider {provider!r}",
            remedy=f"use {', '.join(PREFIX + name for name in PROVIDERS)}",
        )
    try:
        module = importlib.import_module(f"kloppy.{provider}")
        from kloppy.exceptions import KloppyError
    except ImportError:
        raise MissingExtraError(f"reading {provider} data", "data") from None
    load = getattr(module, PROVIDERS[provider])
    files = _read_files(Path(path), load)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            dataset = load(**{name: io.BytesIO(data) for name, data in files.items()})
            timelines = _timelines(dataset)
    except FormatError as error:
        raise FormatError(error.what, where=path, remedy=error.remedy) from error
    except (KloppyError, *_MALFORMED) as error:
        raise FormatError(
            f"kloppy cannot read this as {provider} data: {type(error).__name__}: {error}"[:300],
            where=path,
        ) from error
    return Match(Path(path).stem, timelines)


def _read_files(path: Path, load: Callable[..., Any]) -> dict[str, bytes]:
    with _unpacked(path) as there:
        try:
            return _files(there, load)
        except FormatError as error:
            if there == path:
                raise
            raise FormatError(error.what, where=path, remedy=error.remedy) from error


@contextmanager
def _unpacked(path: Path) -> Iterator[Path]:
    """A provider's files: those of a zip in a folder for a while; any other file as it is."""
    if not is_zip(path):
        yield path
        return
    with temporary_folder() as made, open_tree(path) as tree:
        names = [name for name in tree.names() if not name.startswith((".", "__MACOSX"))]
        if len(names) > MAX_FILES:
            raise FormatError(
                f"holds {len(names)} files", where=path, remedy="zip the files of one match"
            )
        for name in names:  # StatsBomb calls events and line-ups alike, in two folders
            (made / name.replace("/", "_")).write_bytes(tree.read(name))
        yield made


def _files(path: Path, load: Callable[..., Any]) -> dict[str, bytes]:
    """Content of the file for each required parameter of the loader."""
    wanted = [
        name
        for name, parameter in inspect.signature(load).parameters.items()
        if parameter.default is inspect.Parameter.empty
    ]
    folder = path if path.is_dir() else path.parent
    if not path.exists():
        raise FormatError("no such file or folder", where=path, remedy="check the path")
    beside = sorted(p for p in folder.iterdir() if p.is_file() and not p.name.startswith("."))
    lineups = folder.parent / "lineups" / path.name
    found: dict[str, Path] = {}
    if path.is_file():
        main = next(
            (name for name in wanted if any(m in path.name.lower() for m in _MARKS.get(name, ()))),
            "event_data" if "event_data" in wanted else wanted[0],
        )
        found[main] = path
        beside.remove(path)
    for name in wanted:
        if name in found:
            continue
        if name == "lineup_data" and path.is_file() and lineups.is_file():
            found[name] = lineups
            continue
        marks = _MARKS.get(name, (name.removesuffix("_data"),))
        match = next((p for p in beside if any(m in p.name.lower() for m in marks)), None)
        if match is None:
            raise FormatError(
                f"the provider's {name.removesuffix('_data')} file is missing",
                where=folder,
                remedy=f"put a file with {' or '.join(marks)} in its name there",
            )
        found[name] = match
        beside.remove(match)
    return {name: _safe(found[name]) for name in wanted}


def _safe(path: Path) -> bytes:
    data = read_bytes(path)
    plain = data.replace(b"\0", b"")  # UTF-16 too
    if plain.lstrip(b"\xef\xbb\xbf\xff\xfe \t\r\n")[:1] == b"<" and (
        b"<!DOCTYPE" in plain or b"<!ENTITY" in plain
    ):
        raise FormatError(
            "XML with a document type or entities", where=path, remedy="remove them from the file"
        )
    return data


def _timelines(dataset: Any) -> tuple[Timeline, ...]:
    halves: dict[int, list[Event]] = {}
    impossible: list[str] = []
    for record in dataset.records:
        events = halves.setdefault(int(record.period.id), [])
        seconds = record.timestamp.total_seconds()
        if not 0 <= seconds <= MAX_HALF_SECONDS:
            impossible.append(f"{record.event_name} of half {record.period.id} at {seconds:g} s")
            continue
        for label in _labels(record):
            events.append(_event(record, label))
    labels = resolve_label_set(event.label for events in halves.values() for event in events)
    timelines = tuple(
        Timeline(Video(str(half)), tuple(events), labels=labels, half=half)
        for half, events in sorted(halves.items())
    )
    if not impossible or not timelines:
        return timelines
    more = f" and {len(impossible) - 3} more" if len(impossible) > 3 else ""
    warning = f"left out, as no half lasts as long: {', '.join(impossible[:3])}{more}"
    return (replace(timelines[0], warnings=(warning,)), *timelines[1:])


def _event(record: Any, label: str) -> Event:
    is_own_goal = label == "Goal" and _result(record) == "OWN_GOAL"
    extra = {"provider_event": str(record.event_name)}
    if record.event_id is not None:
        extra["provider_id"] = str(record.event_id)
    seconds = round(record.timestamp.total_seconds(), 6)
    start, _ = HALF_CLOCKS.get(int(record.period.id), (0.0, 0.0))
    return Event(
        seconds,
        label,
        team=_team(record, other=is_own_goal),
        player=None if record.player is None else str(record.player),
        source="import",
        clock_seconds=max(0.0, start + seconds),
        note=OWN_GOAL if is_own_goal else None,
        extra=extra,
    )


def _team(record: Any, other: bool) -> str | None:
    """The side of a record, or the other one: an own goal counts for the other."""
    if record.team is None:
        return None
    ground = str(getattr(record.team.ground, "value", "")).lower()
    if ground in _OTHER_SIDE:
        return _OTHER_SIDE[ground] if other else ground
    teams = record.dataset.metadata.teams if other and record.dataset is not None else ()
    return next(
        (str(team) for team in teams if team != record.team), None if other else str(record.team)
    )


def _result(record: Any) -> str | None:
    return getattr(getattr(record, "result", None), "name", None)


def _labels(record: Any) -> Iterable[str]:
    """The labels of a provider's event; a scored penalty gives two: a penalty and a goal."""
    kind = record.event_type.name
    result = _result(record)
    set_piece, passes = _qualifiers(record)
    if kind == "SHOT":
        if set_piece == "PENALTY":
            yield "Penalty"
        elif set_piece == "FREE_KICK":
            yield "Direct free-kick"
        yield _SHOTS.get(result or "", "Shots off target")
    elif kind == "CARD":
        yield _CARDS.get(record.card_type.name if record.card_type else "", "Yellow card")
    elif kind == "PASS":
        yield _SET_PIECES.get(set_piece or "") or next(
            (_PASSES[name] for name in passes if name in _PASSES), "PASS"
        )
        if result == "OFFSIDE":
            yield "Offside"
    else:
        yield _KINDS.get(kind) or str(record.event_name or kind)


def _qualifiers(record: Any) -> tuple[str | None, list[str]]:
    """The set-piece type of an event, if any, and its pass types."""
    set_piece, passes = None, []
    for qualifier in getattr(record, "qualifiers", None) or ():
        value = getattr(qualifier.value, "name", None)
        if type(qualifier).__name__ == "SetPieceQualifier":
            set_piece = value
        elif type(qualifier).__name__ == "PassQualifier" and value is not None:
            passes.append(value)
    return set_piece, passes


def _read(source: SourceFile) -> Content:
    raise source.error("name the provider", remedy=f"use {PREFIX}statsbomb, {PREFIX}opta ...")


FORMAT = Format(
    "kloppy",
    (".json", ".xml"),
    "event data of a provider: kloppy:statsbomb, kloppy:opta ... (needs the extra [data])",
    EVENT_FIELDS - {"half"},
    _read,
    None,
    lambda source: False,
)
