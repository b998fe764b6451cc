"""From one format to another, with an account of what the target cannot hold."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from touchline.errors import FormatError
from touchline.events import Match, Timeline
from touchline.formats import (
    Matches,
    Thing,
    find_format,
    losses,
    outside_labels,
    read,
    target_format,
    write,
)
from touchline.formats.kloppy import PREFIX
from touchline.reel import Reel

_FIELD_TEXTS = {
    "video": "duration and frame rate of the video",
    "timeline_half": "which half a video is",
    "labels": "label set",
    "model": "model",
    "warnings": "warnings",
    "file_extra": "other fields of the file",
    "extra": "other fields of events",
}


@dataclass(frozen=True)
class Conversion:
    """What was converted, and what was lost on the way.

    Attributes:
        lost: fields that the format cannot hold, and how often each was set.
        outside: labels that the format's official readers skip, and how often each occurs.
        merged: events that the format could not keep apart.
        warnings: what the reader of the source had to say.
        clips: of a reel; None for events.
    """

    source: Path
    target: Path
    format: str
    games: int
    events: int
    clips: int | None = None
    lost: dict[str, int] = field(default_factory=dict)
    outside: dict[str, int] = field(default_factory=dict)
    merged: int = 0
    warnings: tuple[str, ...] = ()

    def remarks(self) -> list[str]:
        """The losses and warnings as lines to read."""
        lines = [f"note: {warning}" for warning in self.warnings]
        if self.lost:
            named = ", ".join(f"{_FIELD_TEXTS.get(k, k)} ({n})" for k, n in self.lost.items())
            lines.append(f"{self.format} cannot hold: {named}")
        if self.outside:
            named = ", ".join(f"{label!r} ({n})" for label, n in self.outside.items())
            lines.append(f"readers of {self.format} skip these labels: {named}")
        if self.merged:
            lines.append(f"{self.format} could not keep {self.merged} events apart from others")
        return lines

    def to_json(self) -> dict[str, Any]:
        """The account as ``--json`` prints it."""
        account: dict[str, Any] = {
            "source": str(self.source),
            "target": str(self.target),
            "format": self.format,
            "games": self.games,
            "events": self.events,
        }
        if self.clips is not None:
            account["clips"] = self.clips
        return account | {
            "lost": self.lost,
            "outside_labels": self.outside,
            "merged_events": self.merged,
            "warnings": list(self.warnings),
        }


def convert(
    source: str | Path,
    target: str | Path,
    source_format: str | None = None,
    format: str | None = None,
    *,
    half: int | None = None,
    **options: Any,
) -> Conversion:
    """Read ``source``, write ``target``.

    Args:
        half: only this half of a match.
        options: fields of ``Options``; ``rate`` serves the reading too.

    Raises:
        FormatError: either side is malformed, or the target cannot hold the thing.
    """
    source, target = Path(source), Path(target)
    if target.exists() and source.resolve() == target.resolve():
        raise FormatError("source and target are the same", where=target, remedy="name another")
    thing = read(source, source_format, rate=options.get("rate"))
    if half is not None:
        thing = _half_of(thing, half, source)
    name = format or target_format(thing, target)
    if name.startswith(PREFIX):
        raise FormatError(f"{name} is only read, not written", where=target)
    find_format(name)
    write(thing, target, name, **options)
    timelines = _timelines(thing)
    count = sum(map(len, timelines))
    return Conversion(
        source,
        target,
        name,
        games=len(thing) if isinstance(thing, dict) else int(not isinstance(thing, Reel)),
        events=count,
        clips=len(thing) if isinstance(thing, Reel) else None,
        lost=losses(thing, name),
        outside=outside_labels(thing, name),
        merged=_merged(thing, target, name, count),
        warnings=tuple(warning for timeline in timelines for warning in timeline.warnings),
    )


def _half_of(thing: Thing, half: int, where: Path) -> Thing:
    if isinstance(thing, Reel):
        raise FormatError("a reel has no halves to choose", where=where)
    if isinstance(thing, dict):
        chosen: Matches = {
            name: Match(name, (found,), match.extra)
            for name, match in thing.items()
            if (found := match.half(half)) is not None
        }
        if chosen:
            return chosen
    elif isinstance(thing, Match):
        if (timeline := thing.half(half)) is not None:
            return Match(thing.name, (timeline,), thing.extra)
    elif thing.half == half:
        return thing
    elif events := [event for event in thing if event.half == half]:
        return thing.with_events(events)
    raise FormatError(f"there is no half {half}", where=where)


def _timelines(thing: Thing) -> tuple[Timeline, ...]:
    if isinstance(thing, Timeline):
        return (thing,)
    if isinstance(thing, Match):
        return thing.timelines
    if isinstance(thing, Reel):
        return ()
    return tuple(timeline for match in thing.values() for timeline in match.timelines)


def _merged(thing: Thing, target: Path, format: str, count: int) -> int:
    """How many events chapters have swallowed: the one format that joins events."""
    if format != "youtube" or isinstance(thing, Reel):
        return 0
    chapters = read(target, format)
    return count - sum(map(len, _timelines(chapters)))
