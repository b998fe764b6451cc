"""Camera cuts near the ends of clips, to which the ends are moved."""

from collections.abc import Callable, Sequence
from itertools import pairwise
from pathlib import Path

from touchline.broadcast.cuts import Cut, CutFinder
from touchline.broadcast.one_pass import THUMBNAIL
from touchline.broadcast.sentences import sentences_between
from touchline.broadcast.speech import SileroSpeech
from touchline.editing.boundaries import (
    INWARD_SECONDS,
    OUTWARD_SECONDS,
    SHORT_SHOT_SECONDS,
    Span,
    Surroundings,
    place_ends,
    spans_near,
)
from touchline.errors import MissingExtraError
from touchline.media.views import read_views
from touchline.reel import Clip, Reel

FLASH_SECONDS = 1.2
"""Between two cuts this near nothing begins or ends: a wipe, or a shot too short to see."""

HALF_DISSOLVE_SECONDS = 0.4

_SEEN_BEYOND_SECONDS = 1.0


def find_cuts(video: str | Path, start_seconds: float, end_seconds: float) -> list[float]:
    """Times in [start, end) of the first frame of each new shot; see `touchline.broadcast.cuts`.

    Raises:
        MediaError: the video cannot be read.
    """
    return [cut.seconds for cut in _changes(video, start_seconds, end_seconds)]


def _changes(video: str | Path, start_seconds: float, end_seconds: float) -> tuple[Cut, ...]:
    finder = CutFinder()
    start = max(start_seconds, 0.0)
    with read_views(video, [THUMBNAIL], start_seconds=start, end_seconds=end_seconds) as frames:
        for _, frame in frames:
            finder.see(frame.seconds, frame.pixels)
    return finder.finish()


def snap_to_cuts(reel: Reel, find_video: Callable[[Clip], Path]) -> Reel:
    """Move the ends of clips inwards to a cut, and out of wipes and sentences: see ``place_ends``.

    The reel never grows, and no clip beyond the longest one.

    Sentences are those that the choice knew; else, with the extra ``[broadcast]``, where somebody
    speaks in the video.

    Args:
        find_video: returns the video of a clip.

    Raises:
        MediaError: a video cannot be read.
    """
    detector = _detector()

    def around(clip: Clip) -> Surroundings:
        video = find_video(clip)
        known = spans_near(reel, clip)
        spans: list[Span] = list(known)
        cuts: list[float] = []
        for low, high in _windows(clip):
            changes = _changes(video, low, high)
            cuts += [cut.seconds for cut in changes if cut.kind == "hard"]
            spans += _transitions(changes)
            if detector is not None and not any(s < high and low < e for s, e in known):
                margin = OUTWARD_SECONDS
                spans += sentences_between(video, low - margin, high + margin, detector)
        return Surroundings(spans, cuts)

    longest = max((clip.seconds for clip in reel), default=0.0)
    return place_ends(reel, around, reel.seconds, lengths=(0.0, longest))


def _windows(clip: Clip) -> list[Span]:
    """Where pictures are looked at: around the start and around the end."""
    start, end = clip.start_seconds, clip.end_seconds
    beyond, inside = _SEEN_BEYOND_SECONDS, INWARD_SECONDS + SHORT_SHOT_SECONDS
    return [(start - beyond, start + inside), (end - inside, end + beyond)]


def _transitions(changes: Sequence[Cut]) -> list[Span]:
    spans = [
        (cut.seconds - HALF_DISSOLVE_SECONDS, cut.seconds + HALF_DISSOLVE_SECONDS)
        for cut in changes
        if cut.kind == "dissolve"
    ]
    pairs = pairwise(cut.seconds for cut in changes if cut.kind == "hard")
    return spans + [(a, b) for a, b in pairs if b - a < FLASH_SECONDS]


def _detector() -> SileroSpeech | None:
    """What tells speech; None where only a guess could."""
    try:
        return SileroSpeech()
    except MissingExtraError:
        return None
