"""The events of a file that was sent, in the times of a match."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Literal

from touchline.broadcast.feed import counts_by_clock
from touchline.errors import FormatError, InputError
from touchline.events import Event
from touchline.formats import FORMATS, Content, read
from touchline.formats.base import DESCRIPTORS, LAG, LEAD
from touchline.formats.comparing import timelines_of
from touchline.formats.reading import Limits, limited_to
from touchline.reel import Reel
from touchline.runtime.progress import Progress
from touchline.runtime.wording import counted
from touchline.server.feeds import MatchVideo, events_in, place_feed
from touchline.server.jobs.stages.base import JsonEvent, StageArguments, StageResult
from touchline.server.judging import holds_predictions
from touchline.timebase import format_seconds

MAX_EVENTS = 20_000
"""Events of one import; a match of a provider has 4,000."""

LIMITS = Limits(
    max_file_bytes=64 << 20,
    max_total_bytes=128 << 20,
    max_files=1000,
    max_lines=400_000,
    max_values=2_000_000,
)
"""Bounds on what is parsed at all; those of the process hold for the rest."""


class ImportArguments(StageArguments):
    """A file, and what is known of the match.

    Attributes:
        format: as ``touchline.formats.read`` takes it.
        half: of a file that does not state it, or to read of a file of several.
        times: of the file's events; None finds out.
        videos: of the match, in playing order.
        periods: the known kick-offs, as ``games.known_game`` gives them.
    """

    path: str
    format: str | None
    half: int | None
    times: Literal["video", "clock"] | None
    videos: tuple[MatchVideo, ...]
    periods: tuple[dict[str, Any], ...]


class ImportResult(StageResult):
    """What the file holds.

    Attributes:
        events: in the times of the match, without the fields of other programs.
        are_predictions: the file says of all its events that a model found them.
        facts: texts beside the events, such as the names of the teams.
        remarks: for people.
    """

    events: tuple[JsonEvent, ...]
    are_predictions: bool
    facts: dict[str, str]
    remarks: tuple[str, ...]


def import_events(arguments: ImportArguments, progress: Progress) -> ImportResult:
    """Read a file and put its events on the time of a match.

    Raises:
        InputError: the file cannot be read, or does not fit the match.
    """
    path = Path(arguments.path)
    try:
        with limited_to(LIMITS):
            _refuse_reel(path, arguments.format)
            content = read(path, arguments.format)
            if isinstance(content, Reel):
                raise _is_reel(path)
            events, facts, remarks = _placed(content, path, arguments)
        if len(events) > MAX_EVENTS:
            raise FormatError(
                f"holds {len(events)} events", where=path,
                remedy=f"up to {MAX_EVENTS} can be imported at once",
            )  # fmt: skip
    except InputError as error:
        text = str(error).replace(f"{path.parent}/", "").replace(str(path.parent), path.name)
        raise InputError(text) from error
    return ImportResult(
        events=tuple(replace(event, extra=_kept_extra(event)) for event in events),
        are_predictions=holds_predictions(content, path, arguments.format),
        facts={name: text[:1000] for name, text in facts.items() if isinstance(text, str)},
        remarks=tuple(
            dict.fromkeys(
                (
                    *_warnings_of(content),
                    *remarks,
                    *_outside(events, arguments.videos),
                    *(() if events else (f"{path.name} holds no events",)),
                )
            )
        ),
    )


def _refuse_reel(path: Path, format: str | None) -> None:
    """Refuse a file of a format of reels, whatever else it needs to be read."""
    if format is None:
        named = [one for one in FORMATS.values() if path.name.lower().endswith(one.suffixes)]
    else:
        named = [FORMATS[format]] if format in FORMATS else []
    if named and not any("events" in one.kinds for one in named):
        raise _is_reel(path)


def _is_reel(path: Path) -> FormatError:
    return FormatError(
        "this is a reel, not events", where=path,
        remedy="import the events that it was made from, or give its clips to "
        "POST /v1/matches/{id}/reels",
    )  # fmt: skip


def _kept_extra(event: Event) -> dict[str, Any]:
    """The further fields of an event that a server keeps."""
    return {name: event.extra[name] for name in (LEAD, LAG, DESCRIPTORS) if name in event.extra}


def _warnings_of(content: Content) -> Iterator[str]:
    for timeline in timelines_of(content):
        yield from timeline.warnings


def _outside(events: Sequence[Event], videos: Sequence[MatchVideo]) -> Iterator[str]:
    """A remark on events that lie in no video of the match."""
    spans = [(v.start_seconds, v.start_seconds + v.duration_seconds) for v in videos]
    out = [e for e in events if not any(start <= e.seconds <= end for start, end in spans)]
    if spans and out:
        first = f"{out[0].label[:60]!r} at {format_seconds(out[0].seconds, 1)}"
        yield f"{counted(len(out), 'event')} outside the videos (first: {first}), kept as written"


def _placed(
    content: Content, path: Path, asked: ImportArguments
) -> tuple[list[Event], Mapping[str, Any], tuple[str, ...]]:
    by_clock = asked.times == "clock" or (asked.times is None and counts_by_clock(content))
    if by_clock:
        placed = place_feed(content, path, asked.videos, asked.periods, asked.half)
        return list(placed.events), {}, placed.remarks
    events, facts = events_in(content, path, asked.videos, asked.half)
    return events, facts, ()
