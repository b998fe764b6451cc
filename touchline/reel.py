"""An edit decision, not yet a video: which stretches of which videos make the reel."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from itertools import pairwise
from pathlib import Path
from typing import Any

from touchline import hooks
from touchline.errors import InputError
from touchline.events import Event

REPLAY_OF = "Replay of "
AFTER_THE = "After the "
BEFORE_THE = "Before the "
ABOUT = (REPLAY_OF, AFTER_THE, BEFORE_THE)
"""How the title of a clip begins that does not show its event itself."""


@dataclass(frozen=True)
class Clip:
    """A stretch [start, end) of one video, and the events it is there for.

    Attributes:
        video: name or path of the video.
        start_seconds, end_seconds: from the first frame shown of that video.
        score: why it was chosen: larger is more worth seeing.
        half: which half the video is, where it is one.

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


@dataclass(frozen=True)
class Reel:
    """Clips in the order in which they are shown; clips of one video do not overlap.

    Attributes:
        frame_rate: of the videos, for edit lists that count frames; None if it is not known.
    """

    clips: tuple[Clip, ...]
    extra: Mapping[str, Any] = field(default_factory=dict, hash=False)
    frame_rate: Fraction | None = None

    def __post_init__(self) -> None:
        by_video: dict[tuple[str, int | None], list[Clip]] = {}
        for clip in self.clips:
            by_video.setdefault((clip.video, clip.half), []).append(clip)
        for (video, _), clips in by_video.items():
            clips.sort(key=lambda clip: clip.start_seconds)
            for earlier, later in pairwise(clips):
                if later.start_seconds < earlier.end_seconds - 1e-6:
                    raise InputError(
                        f"clips overlap at {later.start_seconds:.2f} s",
                        where=video,
                        remedy="merge clips before making a reel of them",
                    )

    @property
    def seconds(self) -> float:
        """Length of the whole reel."""
        return sum(clip.seconds for clip in self.clips)

    def __iter__(self) -> Iterator[Clip]:
        return iter(self.clips)

    def __len__(self) -> int:
        return len(self.clips)

    def write(self, path: str | Path, video: str | Path | Mapping[int, Path] | None = None) -> None:
        """Write as ``.mp4`` (cuts ``video``), or as the edit list that the suffix names.

        Raises:
            InputError: unknown suffix; MediaError: the video cannot be read.
        """
        hooks.reel_writer()(self, Path(path), video)
