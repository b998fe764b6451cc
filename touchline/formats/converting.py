"""Conversion between formats, with a report of what the target cannot hold."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from touchline.errors import FormatError
from touchline.formats import (
    FORMATS,
    Content,
    Media,
    find_format,
    format_of,
    outside_labels,
    read,
    round_trip,
    suffixes_of,
    target_format,
    write,
)
from touchline.formats.captions import count_chapters
from touchline.formats.choosing import above, events_of, labels_in, of_half, on_video
from touchline.formats.comparing import changes, events_in, lost_fields, timelines_of
from touchline.formats.kloppy import PREFIX
from touchline.reel import Reel
from touchline.runtime.wording import counted
from touchline.thresholds import EVERY_EVENT, SHOWN_AT_FIRST, Thresholds

_FIELD_TEXTS = {
    "video": "duration and frame rate of the video",
    "timeline_half": "which half a video is",
    "labels": "label set",
    "model": "model",
    "warnings": "warnings",
    "replays": "replays",
    "reason": "why clips were chosen",
    "file_extra": "other fields of the file",
    "extra": "other fields of events",
}


@dataclass(frozen=True)
class Conversion:
    """What was converted, and what was lost.

    Attributes:
        lost: fields that do not come back from the target, and how often each was set.
        changes: what the format changes in times and clocks, one text each.
        outside: labels that the format's official readers skip, and how often each occurs.
        merged: number of events, or clips of a reel, that the format merged with others.
        warnings: warnings of the reader.
        clips: number of clips of a reel; None for events.
        chapters: number of chapters, in the format that has them.
        below: events that were left out because they have less confidence than was wanted.
    """

    source: Path
    target: Path
    format: str
    games: int
    events: int
    clips: int | None = None
    chapters: int | None = None
    below: int = 0
    lost: dict[str, int] = field(default_factory=dict)
    changes: tuple[str, ...] = ()
    outside: dict[str, int] = field(default_factory=dict)
    merged: int = 0
    warnings: tuple[str, ...] = ()

    def remarks(self) -> list[str]:
        """The losses and warnings, one line each."""
        lines = [f"note: {warning}" for warning in self.warnings]
        if self.below:
            lines.append(
                f"{counted(self.below, 'event')} of low confidence left out "
                "(--min-confidence 0 keeps all)"
            )
        if self.lost:
            named = ", ".join(f"{_FIELD_TEXTS.get(k, k)} ({n})" for k, n in self.lost.items())
            lines.append(f"{self.format} cannot hold: {named}")
        lines += [f"{self.format}: {change}" for change in self.changes]
        if self.outside:
            named = ", ".join(f"{label!r} ({n})" for label, n in self.outside.items())
            lines.append(f"readers of {self.format} skip these labels: {named}")
        if self.merged:
            things = counted(self.merged, "event" if self.clips is None else "clip")
            lines.append(f"{self.format} merged {things} with others")
        return lines

    def to_json(self) -> dict[str, Any]:
        """The report as ``--json`` prints it."""
        document: dict[str, Any] = {
            "source": str(self.source),
            "target": str(self.target),
            "format": self.format,
            "games": self.games,
            "events": self.events,
        }
        if self.clips is not None:
            document["clips"] = self.clips
        if self.chapters is not None:
            document["chapters"] = self.chapters
        return document | {
            "below": self.below,
            "lost": self.lost,
            "changes": list(self.changes),
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
    min_confidence: Thresholds | None = None,
    media: Sequence[Media] = (),
    kick_offs: Mapping[int, float] | None = None,
    overwrite: bool = True,
    **options: Any,
) -> Conversion:
    """Read ``source``, write ``target``.

    Args:
        half: convert only this half of a match.
        min_confidence: events below are left out. By default those below ``SHOWN_CONFIDENCE``
            where the target cannot say how sure an event is, as subtitles and chapters.
        media: the videos that an edit list is about, for the timecode at which they begin.
        kick_offs: when each half is kicked off in the video, in seconds; the events of all halves
            are put on its time.
        overwrite: replace a target with other content; if false, it is refused.
        options: fields of ``Options``; ``rate`` applies to reading too.

    Raises:
        FormatError: the source is malformed, or the target cannot hold its content; nothing is
            written that cannot be read back.
        InputError: another file is there that must stay, or a threshold is of a class that the
            source does not have.
    """
    source, target = Path(source), Path(target)
    if target.exists() and source.resolve() == target.resolve():
        raise FormatError("source and target are the same", where=target, remedy="name another")
    content = read(source, source_format, rate=options.get("rate"), media=media)
    if half is not None:
        content = of_half(content, half, source)
    name = format or target_format(content, target)
    if name.startswith(PREFIX):
        raise FormatError(f"{name} is read-only", where=target)
    if min_confidence is None:
        min_confidence = _usual_thresholds(content, name)
    min_confidence.refuse_unknown(labels_in(content))
    read_events = sum(1 for _ in events_in(content))
    content = above(content, min_confidence)
    below = read_events - sum(1 for _ in events_in(content))
    if kick_offs:
        content = on_video(content, kick_offs, media[0].path.name if media else None, source)
    if isinstance(content, Reel) and _is_for_events(target, format):
        content = events_of(content, source.stem)
    name = format or target_format(content, target)
    try:
        back = round_trip(content, name, where=target, **options)
    except FormatError as error:
        raise _with_count(error, below) from error
    write(content, target, name, overwrite=overwrite, **options)
    timelines = timelines_of(content)
    count = sum(map(len, timelines))
    return Conversion(
        source,
        target,
        name,
        games=len(content) if isinstance(content, dict) else int(not isinstance(content, Reel)),
        events=count,
        clips=len(content) if isinstance(content, Reel) else None,
        chapters=count_chapters(target) if name == "youtube" else None,
        below=below,
        lost=lost_fields(content, back, find_format(name).holds),
        changes=tuple(changes(content, back)),
        outside=outside_labels(content, name),
        merged=_merged(content, back, name),
        warnings=content.warnings
        if isinstance(content, Reel)
        else tuple(warning for timeline in timelines for warning in timeline.warnings),
    )


def _usual_thresholds(content: Content, format: str) -> Thresholds:
    """A reel is shown as it was made, and a format that states confidences holds all events."""
    is_silent = "confidence" not in find_format(format).holds
    return SHOWN_AT_FIRST if is_silent and not isinstance(content, Reel) else EVERY_EVENT


def _with_count(error: FormatError, below: int) -> FormatError:
    """The error, naming the events that were left out before."""
    if not below:
        return error
    kept = f"keep {counted(below, 'event')} of low confidence: --min-confidence 0"
    remedy = kept if error.remedy is None else f"{error.remedy}, or {kept}"
    return FormatError(error.what, where=error.where, remedy=remedy)


_WINDOWS = frozenset({"lead_seconds", "lag_seconds"})


def used_options(source: Path, source_format: str | None, format: str, is_reel: bool) -> set[str]:
    """The fields of ``Options`` that a conversion heeds.

    Args:
        source_format: its name, if it was given.
        format: that of the target.
        is_reel: whether a reel is written.
    """
    readers = [find_format(source_format)] if source_format in FORMATS else FORMATS.values()
    ending = source.name.lower()
    reading = [f for f in readers if source_format in FORMATS or ending.endswith(f.suffixes)]
    used = set().union(*(known.reads_with for known in reading), find_format(format).writes_with)
    return used - _WINDOWS if is_reel else used


def _is_for_events(target: Path, format: str | None) -> bool:
    """Whether a target holds events and no reel."""
    if format is not None:
        return "reel" not in find_format(format).kinds
    try:
        known = format_of(target)
    except FormatError:
        return False
    if known.file_name is not None and known.file_name.lower() == target.name.lower():
        return "reel" not in known.kinds
    reels = [ending for ending in suffixes_of("reel") if target.name.lower().endswith(ending)]
    mine = [ending for ending in known.suffixes if target.name.lower().endswith(ending)]
    return "reel" not in known.kinds and (not reels or max(map(len, mine)) > max(map(len, reels)))


def _merged(content: Content, back: Content, format: str) -> int:
    """How many events or clips were merged into chapters, the only format that merges them."""
    if format != "youtube":
        return 0
    count = len(content) if isinstance(content, Reel) else sum(map(len, timelines_of(content)))
    return count - sum(map(len, timelines_of(back)))
