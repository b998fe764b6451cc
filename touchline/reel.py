"""An edit decision, not yet a video: which stretches of which videos make the reel."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path
from textwrap import shorten
from typing import Any, Literal, TypeVar

from touchline import hooks
from touchline.errors import InputError
from touchline.events import Event
from touchline.labels import HIGHLIGHT

Selection = Literal["learned", "plain"]
"""How clips are chosen: by tables learnt from editors, or by hand-set values of classes."""

Share = Literal["worth", "equal"]
"""How matches share a reel: the likeliest seconds of all of them, or an equal part of each."""

Cut = Literal["auto", "copy", "encode"]
"""How pictures are cut; see ``touchline.editing.finish``."""

REPLAY_OF = "Replay of "
AFTER_THE = "After the "
BEFORE_THE = "Before the "
ABOUT = (REPLAY_OF, AFTER_THE, BEFORE_THE)
"""How the title of a clip begins that does not show its event itself."""

MATCH = "match"
"""Further field of a clip in a reel of several matches: which one it shows."""

LONGEST_NOTE = 100
"""Characters of what a model says of an event in the title and the reason of a clip."""

_T = TypeVar("_T")


@dataclass(frozen=True)
class Clip:
    """A stretch [start, end) of one video, and the events it is there for.

    Attributes:
        video: name or path of the video.
        start_seconds, end_seconds: from the first frame shown of that video.
        score: why it was chosen: larger is more worth seeing.
        half: which half the video is, where it is one.
        reason: why it was chosen, in words.

    Raises:
        InputError: an end that does not lie after the start, or a negative start.
    """

    video: str
    start_seconds: float
    end_seconds: float
    score: float = 0.0
    half: int | None = None
    events: tuple[Event, ...] = ()
    title: str | None = None
    extra: Mapping[str, Any] = field(default_factory=dict, hash=False)
    reason: str | None = None

    def __post_init__(self) -> None:
        if not 0 <= self.start_seconds < self.end_seconds:
            raise InputError(
                f"a clip from {self.start_seconds} to {self.end_seconds} s has no length",
                where=self.video,
                remedy="a clip starts at 0 or later and ends after it starts",
            )

    @property
    def seconds(self) -> float:
        """Length in seconds."""
        return self.end_seconds - self.start_seconds

    @property
    def caption(self) -> str | None:
        """The title as it is drawn for viewers, such as ``Goal: 1-0 for ARS``: without what else
        speaks for the clip, such as ``crowd +11 dB``, which a chosen clip's title tells as well."""
        for event in self.events:
            if self.title is None or event.note is None:
                continue
            note = shorten(event.note, LONGEST_NOTE, placeholder="...")
            if self.title.endswith(f": {note}"):
                what = "" if event.label == HIGHLIGHT else event.note.partition("; ")[0]
                subject = self.title.removesuffix(f": {note}")
                return f"{subject}: {what}" if what else subject
        return self.title


def of_video(clip: Clip, given: Mapping[Any, _T]) -> _T | None:
    """What a mapping holds for the video of a clip.

    Its keys are ``(video, half)`` of clips, as they tell the videos of several matches apart; or
    halves; or names of videos, where clips have no half.
    """
    for key in ((clip.video, clip.half), clip.video if clip.half is None else clip.half):
        if key in given:
            return given[key]
    return None


@dataclass(frozen=True)
class SourceVideo:
    """What is known of a video that clips are cut from.

    Attributes:
        name: as the clips name it.
        half: which half it is, as the clips say.
        duration_seconds: its length.
        path: where it lies: absolute, or as seen from the folder of the file that says so.
        sha256: of its file.
    """

    name: str
    half: int | None = None
    duration_seconds: float | None = None
    path: str | None = None
    sha256: str | None = None


@dataclass(frozen=True)
class Reel:
    """Clips in the order in which they are shown; a replay shows a stretch again.

    Attributes:
        frame_rate: of the videos, for edit lists that count frames; None if it is not known.
        videos: what is known of the videos that the clips are cut from.
        warnings: what the file that it was read from holds and a reel does not.
        unbroken: by ``(video, half)`` of clips the stretches, (start, end) in seconds, in which no
            clip is to begin or end; known where the clips have just been chosen.
        pinned: by the same the stretches that are shown as they are; known likewise.
    """

    clips: tuple[Clip, ...]
    extra: Mapping[str, Any] = field(default_factory=dict, hash=False)
    frame_rate: Fraction | None = None
    videos: tuple[SourceVideo, ...] = ()
    warnings: tuple[str, ...] = ()
    unbroken: Mapping[tuple[str, int | None], tuple[tuple[float, float], ...]] = field(
        default_factory=dict, compare=False, repr=False
    )
    pinned: Mapping[tuple[str, int | None], tuple[tuple[float, float], ...]] = field(
        default_factory=dict, compare=False, repr=False
    )

    @property
    def seconds(self) -> float:
        """Length of the whole reel."""
        return sum(clip.seconds for clip in self.clips)

    def __iter__(self) -> Iterator[Clip]:
        return iter(self.clips)

    def __len__(self) -> int:
        return len(self.clips)

    def is_pinned(self, clip: Clip) -> bool:
        """Whether a clip shows a pinned stretch, or a part of one."""
        pins = self.pinned.get((clip.video, clip.half), ())
        return any(s < clip.end_seconds and clip.start_seconds < e for s, e in pins)

    def write(self, path: str | Path, video: str | Path | Mapping[int, Path] | None = None) -> None:
        """Write as ``.mp4`` (cuts ``video``), or as the edit list that the suffix names.

        Raises:
            InputError: unknown suffix; MediaError: the video cannot be read.
        """
        hooks.reel_writer()(self, Path(path), video)
