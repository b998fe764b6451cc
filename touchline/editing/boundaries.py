"""Where clips begin and end: never within a sentence or a wipe where those are known."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

from touchline.editing.choice.word_inputs import heard
from touchline.editing.curve import MIN_CLIP_SECONDS
from touchline.events import Timeline
from touchline.reel import Clip, Reel
from touchline.transcripts import Transcript

INWARD_SECONDS = 1.5
"""How far an end of a clip may move into the clip."""

SHORT_SHOT_SECONDS = 1.5
"""A clip that an end of it has moved to a cut neither begins nor ends with a shorter shot."""

OUTWARD_SECONDS = 2.5
"""How far it may move out of it, where the reel has room."""

MIN_LEAD_SECONDS = 2.0
"""What remains at least before the first event of a clip, if so much was there."""

MIN_TAIL_SECONDS = 1.0
"""The same after the last."""

LONGEST_SENTENCE_SECONDS = 15.0
"""Longer utterances are none: recognisers give such to what they made up, or to a whole minute."""

HALF_WIPE_SECONDS = 0.8
"""A wipe, whose middle is the border of a replay, lasts so long to either side."""

Span = tuple[float, float]

ANY_LENGTH = (0.0, float("inf"))


@dataclass(frozen=True)
class Surroundings:
    """What is around the ends of a clip.

    Attributes:
        spans: (start, end) seconds in which no clip is to begin or end.
        cuts: seconds at which shots begin.
    """

    spans: Sequence[Span] = ()
    cuts: Sequence[float] = ()


def spans_near(reel: Reel, clip: Clip) -> list[Span]:
    """What the choice of a reel knows of where the video of a clip is not to be cut, near it."""
    low, high = clip.start_seconds - OUTWARD_SECONDS, clip.end_seconds + OUTWARD_SECONDS
    known = reel.unbroken.get((clip.video, clip.half), ())
    return [(start, end) for start, end in known if start < high and low < end]


def with_whole_sentences(reel: Reel, most_seconds: float, lengths: Span = ANY_LENGTH) -> Reel:
    """Move the ends of clips out of the sentences and wipes that the choice knows."""
    return place_ends(reel, lambda c: Surroundings(spans_near(reel, c)), most_seconds, lengths)


def unbroken_in(timeline: Timeline, transcript: Transcript) -> tuple[Span, ...]:
    """The stretches of a video in which no clip is to begin or end: sentences and wipes."""
    said = (
        (one.start_seconds, one.end_seconds)
        for one in heard(transcript)
        if one.end_seconds - one.start_seconds <= LONGEST_SENTENCE_SECONDS
    )
    borders = (border for replay in timeline.replays for border in replay)
    wipes = ((border - HALF_WIPE_SECONDS, border + HALF_WIPE_SECONDS) for border in borders)
    return tuple(sorted([*said, *wipes]))


def place_ends(
    reel: Reel,
    around: Callable[[Clip], Surroundings],
    most_seconds: float,
    lengths: Span = ANY_LENGTH,
) -> Reel:
    """Move the ends of clips to cuts near them, and out of sentences and wipes.

    An end moves inwards to a cut within ``INWARD_SECONDS``, and on to the next one where the shot
    between them is shorter than ``SHORT_SHOT_SECONDS``. Where there is none and it lies inside a
    span, it moves to the nearest end of that span: at most so far inwards, or outwards by
    ``OUTWARD_SECONDS``, not into another clip. Ends that cannot be moved so far stay, and so do
    clips that show pins.

    Args:
        most_seconds: the reel does not become longer than this: outward moves of the clips of the
            lowest scores are left out until it fits. A reel that is longer already does not grow.
        lengths: no clip becomes shorter or longer than these, nor than ``MIN_CLIP_SECONDS``.
    """
    ends = {(video.name, video.half): video.duration_seconds for video in reel.videos}
    free: list[Clip] = []
    tight: list[Clip] = []
    for place, clip in enumerate(reel.clips):
        if reel.is_pinned(clip):
            free.append(clip)
            tight.append(clip)
            continue
        found = around(clip)
        inside = clip.start_seconds, clip.end_seconds
        tight.append(_of_length(clip, _placed(clip, found, inside), clip, lengths))
        grown = _placed(clip, found, _room(reel.clips, place, ends))
        free.append(_of_length(clip, grown, tight[-1], lengths))
    most = max(most_seconds, reel.seconds)
    clips = list(free)
    for place in sorted(range(len(clips)), key=lambda place: reel.clips[place].score):
        if sum(clip.seconds for clip in clips) <= most + 1e-6:
            break
        clips[place] = tight[place]
    return replace(reel, clips=tuple(clips))


def _of_length(clip: Clip, moved: Clip, otherwise: Clip, lengths: Span) -> Clip:
    """A clip with its ends moved, where that does not make it too short or too long."""
    shortest = min(max(lengths[0], MIN_CLIP_SECONDS), clip.seconds)
    longest = max(lengths[1], clip.seconds)
    return moved if shortest - 1e-6 <= moved.seconds <= longest + 1e-6 else otherwise


def _room(
    clips: Sequence[Clip], place: int, ends: Mapping[tuple[str, int | None], float | None]
) -> Span:
    """How far a clip may reach to either side: to half the gap to its neighbours."""
    clip = clips[place]
    low = clip.start_seconds - OUTWARD_SECONDS
    high = clip.end_seconds + OUTWARD_SECONDS
    length = ends.get((clip.video, clip.half))
    high = clip.end_seconds if length is None else min(high, max(length, clip.end_seconds))
    for other in clips:
        if other is clip or (other.video, other.half) != (clip.video, clip.half):
            continue
        if other.end_seconds <= clip.start_seconds:
            low = max(low, (other.end_seconds + clip.start_seconds) / 2)
        elif other.start_seconds >= clip.end_seconds:
            high = min(high, (other.start_seconds + clip.end_seconds) / 2)
    return max(low, 0.0), high


def _placed(clip: Clip, found: Surroundings, room: Span) -> Clip:
    start, end = clip.start_seconds, clip.end_seconds
    shown = [event.seconds for event in clip.events if start <= event.seconds <= end]
    first, last = min(shown, default=end), max(shown, default=start)
    lead, tail = first - MIN_LEAD_SECONDS, last + MIN_TAIL_SECONDS
    latest = max(start, min(start + INWARD_SECONDS, lead))
    earliest = min(end, max(end - INWARD_SECONDS, tail))
    begin = max(_clear_cuts(found, start, latest), default=None)
    finish = min(_clear_cuts(found, earliest, end), default=None)
    if begin is not None:
        begin = _past_short_shots(begin, [c for c in found.cuts if c <= lead], found.spans, 1)
    if finish is not None:
        finish = _past_short_shots(finish, [c for c in found.cuts if c >= tail], found.spans, -1)
    begin = _nearest(start, (room[0], latest), found.spans, 1) if begin is None else begin
    finish = _nearest(end, (earliest, room[1]), found.spans, -1) if finish is None else finish
    if not begin < finish:
        return clip
    return replace(clip, start_seconds=round(begin, 3), end_seconds=round(finish, 3))


def _clear_cuts(found: Surroundings, low: float, high: float) -> list[float]:
    return [c for c in found.cuts if low <= c <= high and not _is_inside(c, found.spans)]


def _past_short_shots(
    cut: float, cuts: Sequence[float], spans: Sequence[Span], inwards: int
) -> float:
    """The first cut from this one on behind which a shot is long enough to see.

    Args:
        inwards: see ``_nearest``.
    """
    for other in sorted(cuts, key=lambda other: inwards * other):
        is_short = 0 < inwards * (other - cut) < SHORT_SHOT_SECONDS
        if is_short and not _is_inside(other, spans):
            cut = other
    return cut


def _nearest(seconds: float, within: Span, spans: Sequence[Span], inwards: int) -> float:
    """The time itself where it lies in no span, else the nearest end of one that does not.

    Args:
        inwards: 1 where later is inside of the clip, -1 where earlier is; of two that are as near
            the inner one is taken.
    """
    if not _is_inside(seconds, spans):
        return seconds
    edges = [edge for span in spans for edge in span if within[0] <= edge <= within[1]]
    clear = [edge for edge in edges if not _is_inside(edge, spans)]
    return min(
        clear,
        key=lambda edge: (round(abs(edge - seconds), 3), inwards * (seconds - edge)),
        default=seconds,
    )


def _is_inside(seconds: float, spans: Sequence[Span]) -> bool:
    return any(start < seconds < end for start, end in spans)
