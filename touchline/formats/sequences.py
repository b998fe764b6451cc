"""What a sequence of an editing program shows: tracks above each other, and sequences in it.

The formats of editing programs nest: a clip can show a sequence of its own, and clips of an upper
track cover those below. A reel is flat, so the readers flatten with the types of this file.
"""

from bisect import bisect_right
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from fractions import Fraction

from touchline.errors import FormatError
from touchline.events import Event
from touchline.formats.base import MAX_LABEL, SourceFile
from touchline.formats.edit_lists import clip_from_metadata, clip_without_metadata
from touchline.formats.left_out import LeftOut
from touchline.reel import Clip, Reel
from touchline.runtime.wording import counted
from touchline.timebase import format_seconds

MAX_SHOTS = 20_000
"""More are refused: sequences that show each other twice grow without bound."""

MAX_NESTING = 24

_SHORTEST_GAP = Fraction(1, 10)
"""Seconds; shorter ones come of rounding to frames."""

Marker = tuple[Fraction, str]


@dataclass(frozen=True)
class Shot:
    """A stretch of a sequence, and the stretch of a video that it shows.

    Attributes:
        at, seconds: start and length, in the sequence.
        start: in the video, from its first frame.
        speed: seconds of the video that a second of the sequence shows.
        markers: their times in the video, and their texts.
        note: what touchline wrote beside the clip.
        place: of the clip in its file.
    """

    at: Fraction
    seconds: Fraction
    start: Fraction
    video: str
    title: str = ""
    speed: Fraction = Fraction(1)
    markers: tuple[Marker, ...] = ()
    note: object = None
    place: str = ""

    @property
    def until(self) -> Fraction:
        """Its end in the sequence."""
        return self.at + self.seconds

    @property
    def end(self) -> Fraction:
        """Its end in the video."""
        return self.start + self.seconds * self.speed

    def between(self, start: Fraction, end: Fraction) -> "Shot | None":
        """The part of it that lies in [start, end) of the sequence."""
        first, last = max(self.at, start), min(self.until, end)
        if first >= last:
            return None
        video_start = self.start + (first - self.at) * self.speed
        return replace(self, at=first, seconds=last - first, start=video_start)

    def moved(self, by: Fraction) -> "Shot":
        """The same, later in the sequence."""
        return replace(self, at=self.at + by)


@dataclass
class Part:
    """What a piece of a sequence shows.

    Attributes:
        shots: those that are seen.
        markers: with their times in the piece, of no shot.
    """

    shots: list[Shot] = field(default_factory=list)
    markers: list[Marker] = field(default_factory=list)

    def between(self, start: Fraction, end: Fraction) -> "Part":
        """What it shows in [start, end)."""
        shots = [cut for shot in self.shots if (cut := shot.between(start, end)) is not None]
        return Part(shots, [marker for marker in self.markers if start <= marker[0] < end])

    def moved(self, by: Fraction) -> "Part":
        """The same, later."""
        shots = [shot.moved(by) for shot in self.shots]
        return Part(shots, [(at + by, text) for at, text in self.markers])

    def faster(self, speed: Fraction) -> "Part":
        """The same at so many times the speed, from its own start on."""
        shots = [
            replace(
                shot, at=shot.at / speed, seconds=shot.seconds / speed, speed=shot.speed * speed
            )
            for shot in self.shots
        ]
        return Part(shots, [(at / speed, text) for at, text in self.markers])

    def marked(self, markers: Iterable[Marker]) -> "Part":
        """With markers in its own time, each put on the shot that is seen there."""
        shots, left = list(self.shots), list(self.markers)
        starts = [shot.at for shot in shots]
        for at, text in markers:
            index = bisect_right(starts, at) - 1
            if index >= 0 and at < shots[index].until:
                shot = shots[index]
                seconds = shot.start + (at - shot.at) * shot.speed
                shots[index] = replace(shot, markers=(*shot.markers, (seconds, text)))
            else:
                left.append((at, text))
        return Part(shots, left)


def stacked(layers: Sequence[Part], source: SourceFile) -> Part:
    """What is seen of layers, the lowest first: an upper one covers those below.

    Raises:
        FormatError: more than ``MAX_SHOTS``.
    """
    seen: list[Shot] = []
    for layer in reversed(layers):
        covered = sorted((shot.at, shot.until) for shot in seen)
        for shot in layer.shots:
            seen.extend(_uncovered(shot, covered))
            if len(seen) > MAX_SHOTS:
                raise too_large(source)
    markers = [marker for layer in layers for marker in layer.markers]
    return Part(sorted(seen, key=lambda shot: shot.at), markers)


def _uncovered(shot: Shot, covered: Sequence[tuple[Fraction, Fraction]]) -> Iterator[Shot]:
    """The parts of a shot outside sorted stretches that do not overlap."""
    at = shot.at
    index = max(bisect_right(covered, (at, at)) - 1, 0)
    for start, end in covered[index:]:
        if start >= shot.until:
            break
        if (part := shot.between(at, min(start, shot.until))) is not None:
            yield part
        at = max(at, end)
    if (part := shot.between(at, shot.until)) is not None:
        yield part


def too_large(source: SourceFile) -> FormatError:
    """The error for sequences that show more than can be read."""
    return source.error(
        f"more than {MAX_SHOTS} clips, or sequences nested deeper than {MAX_NESTING}",
        remedy="export a flat sequence",
    )


def reel_of(
    source: SourceFile,
    part: Part,
    left_out: LeftOut,
    span: tuple[Fraction, Fraction] | None = None,
) -> Reel:
    """The reel of what a sequence shows; what it cannot hold is added to the file's warnings.

    Args:
        span: start and end of the sequence, where it states them.

    Raises:
        FormatError: a clip's metadata is malformed, or it begins before its video.
    """
    for at, seconds in _gaps(part.shots, span):
        left_out.add("gap", f"{format_seconds(float(at), 1)}, {float(seconds):.1f} s long")
    for _, text in part.markers:
        left_out.add("stray marker", text)
    clips = [_clip(source, shot, left_out) for shot in part.shots]
    speeds = Counter(f"{float(shot.speed):.0%}" for shot in part.shots if shot.speed != 1)
    if speeds:
        source.warnings.append(
            f"{counted(speeds.total(), 'clip')} of changed speed ({', '.join(speeds)}): a reel has "
            "no speed, so the same pictures are shown at normal speed"
        )
    source.warnings.extend(left_out.warnings())
    return Reel(tuple(clips))


def _gaps(
    shots: Sequence[Shot], span: tuple[Fraction, Fraction] | None
) -> Iterator[tuple[Fraction, Fraction]]:
    """Start and length of the stretches of a sequence in which nothing is seen."""
    if not shots:
        return
    begin = shots[0].at
    seen, end = (begin, begin) if span is None else span
    for at, until in [*((shot.at, shot.until) for shot in shots), (end, end)]:
        if at - seen > _SHORTEST_GAP:
            yield seen if span is not None else seen - begin, at - seen
        seen = max(seen, until)


def _clip(source: SourceFile, shot: Shot, left_out: LeftOut) -> Clip:
    start, end = float(shot.start), float(shot.end)
    if shot.note is not None:
        return clip_from_metadata(source, shot.place, shot.note, start, end)
    clip = clip_without_metadata(source, shot.place, shot.video, start, end, shot.title)
    shown = [marker for marker in shot.markers if shot.start <= marker[0] < shot.end]
    for _ in range(len(shot.markers) - len(shown)):
        left_out.add("hidden marker", shot.title)
    return replace(clip, events=tuple(marked_event(float(at), text) for at, text in shown))


def marked_event(seconds: float, text: str) -> Event:
    """The event that a marker of an editing program stands for."""
    label = " ".join(text.split())[:MAX_LABEL] or "Marker"
    return Event(seconds, label, source="import")
