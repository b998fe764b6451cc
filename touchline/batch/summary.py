"""What became of each video or game: the JSON that ``spot``, ``extract``, ``reel`` and ``annotate``
print."""

from collections.abc import Iterable
from dataclasses import dataclass, fields
from typing import Any, Literal

Status = Literal["made", "kept", "failed"]

_ALWAYS = ("source", "status", "files", "warnings", "reason")


@dataclass(frozen=True)
class Outcome:
    """What became of one task.

    Attributes:
        source: the video, the file of events, or the game of a folder of events.
        status: ``made``; ``kept``: the result was there already, made of the same things in the
            same way; ``failed``.
        files: what was written or kept; empty where it failed.
        warnings: what is to be known of the result, such as that the video is cut off.
        reason: why it failed; None otherwise.
        events: events in a file of events, or shown in an annotated video.
        match: of the default model, teams and score as ``ARS 1-0 CHE``, where they were read.
        ran: of the default model, what read the video and what would add to it.
        clips: clips of a reel.
        chapters: chapters of a reel that is written as such.
        seconds: length of a reel or of an annotated video.
        features: name of the extractor.
        rows, dims: shape of a feature file.
    """

    source: str
    status: Status
    files: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()
    reason: str | None = None
    events: int | None = None
    match: str | None = None
    ran: str | None = None
    clips: int | None = None
    chapters: int | None = None
    seconds: float | None = None
    features: str | None = None
    rows: int | None = None
    dims: int | None = None

    def to_json(self) -> dict[str, Any]:
        """The first five fields always; the others where they apply."""
        values = {field.name: getattr(self, field.name) for field in fields(self)}
        values |= {"files": list(self.files), "warnings": list(self.warnings)}
        if self.seconds is not None:
            values["seconds"] = round(self.seconds, 3)
        return {k: v for k, v in values.items() if k in _ALWAYS or v is not None}


@dataclass(frozen=True)
class Summary:
    """What became of all tasks of a call.

    Attributes:
        done: one outcome for each task, in the order of the call.
        left_out: files of a folder that there is no task for, though they look like its input.
    """

    done: tuple[Outcome, ...]
    left_out: tuple[str, ...] = ()

    def count(self, status: Status) -> int:
        """How many ended so."""
        return sum(outcome.status == status for outcome in self.done)

    @property
    def failures(self) -> list[Outcome]:
        """Those that failed."""
        return [outcome for outcome in self.done if outcome.status == "failed"]

    def to_json(self) -> dict[str, Any]:
        """``done`` with every outcome, how many were ``made``, ``kept`` and ``failed``, and, if
        there are any, the files that were ``left_out``."""
        left_out = {"left_out": list(self.left_out)} if self.left_out else {}
        return {
            "done": [outcome.to_json() for outcome in self.done],
            "made": self.count("made"),
            "kept": self.count("kept"),
            "failed": self.count("failed"),
            **left_out,
        }


def in_order(outcomes: Iterable[tuple[int, Outcome]]) -> Summary:
    """The summary of outcomes that came with their tasks' indices, in any order."""
    return Summary(tuple(outcome for _, outcome in sorted(outcomes, key=lambda pair: pair[0])))
