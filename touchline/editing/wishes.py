"""What is wanted of a reel beyond its length: which events and stretches, how long clips are."""

import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from math import floor

from touchline.editing.boundaries import with_whole_sentences
from touchline.editing.choice.event_inputs import certainty
from touchline.editing.curve import MIN_CLIP_SECONDS
from touchline.editing.reasons import reason_of
from touchline.errors import InputError
from touchline.events import Event, Match, Timeline
from touchline.formats.comparing import timelines_of
from touchline.match_state import is_goal
from touchline.reel import Clip, Reel
from touchline.timebase import format_seconds, parse_seconds

BEFORE_GOAL_SECONDS = 8.0
AFTER_GOAL_SECONDS = 5.5
"""What editors show around a goal, at the median of 43 matches."""

_SEEN_SECONDS = 2.0
"""A goal counts as shown where a clip begins so long before it and ends behind it."""

_LEAST_SHARE = 0.1
"""Of clips beside pins: shortened further they show too little."""

PINNED = "pinned"
"""The reason of a clip that is shown because it was asked for."""

_TRIES = 12
_PIN = re.compile(r"(?:(\d)/)?([^-/]+)-([^-/]+)")

Choice = Callable[[float], Reel]
"""Chooses a reel of at most so many seconds."""


@dataclass(frozen=True)
class Pin:
    """A stretch [start, end) that is always shown; of one half where that is stated."""

    start_seconds: float
    end_seconds: float
    half: int | None = None


@dataclass(frozen=True)
class Wishes:
    """What a reel must and must not show.

    Attributes:
        include: only events of these classes; empty for all.
        exclude: no events of these classes.
        players: only events of these players, by any part of their names; empty for all.
        teams: only events of these teams: ``home``, ``away`` or names; empty for all.
        pins: stretches that are always shown.
        least_seconds, greatest_seconds: of a clip.
    """

    include: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()
    players: tuple[str, ...] = ()
    teams: tuple[str, ...] = ()
    pins: tuple[Pin, ...] = ()
    least_seconds: float = 0.0
    greatest_seconds: float | None = None

    def __post_init__(self) -> None:
        greatest = self.greatest_seconds
        if greatest is not None and greatest < max(self.least_seconds, 1.0):
            raise InputError(
                f"clips of {self.least_seconds:g} s or more and {greatest:g} s or less",
                where="--max-clip",
                remedy="give at least 1 s, and no less than --min-clip",
            )

    def wants(self, event: Event) -> bool:
        """Whether an event may be shown."""
        label = event.label.casefold()
        return (
            (not self.include or label in _folded(self.include))
            and label not in _folded(self.exclude)
            and (not self.players or _is_named(event.player, self.players))
            and (not self.teams or (event.team or "").casefold() in _folded(self.teams))
        )

    @property
    def lengths(self) -> tuple[float, float]:
        """The least and the greatest length of a clip in seconds."""
        return self.least_seconds, self.greatest_seconds or float("inf")


NO_WISHES = Wishes()


def parse_pin(text: str) -> Pin:
    """``12:30-12:50``, or of a half ``2/12:30-12:50``.

    Raises:
        InputError: not of this form, or without a length.
    """
    found = _PIN.fullmatch(text.strip())
    if found is None:
        raise InputError(
            f"{text!r} is not a stretch", where="--pin", remedy="give 12:30-12:50, or 2/12:30-12:50"
        )
    start, end = parse_seconds(found[2]), parse_seconds(found[3])
    if not start < end:
        raise InputError(f"{text!r} has no length", where="--pin", remedy="end after the start")
    return Pin(start, end, None if found[1] is None else int(found[1]))


def wanted(content: Timeline | Match, wishes: Wishes) -> Timeline | Match:
    """A content with the events that may be shown.

    Raises:
        InputError: a class, player or team that no event has.
    """
    timelines = timelines_of(content)
    events = [event for timeline in timelines for event in timeline]
    if events:
        _refuse_unknown(events, wishes)
    if isinstance(content, Match):
        kept = tuple(_of_timeline(timeline, wishes) for timeline in content.timelines)
        return replace(content, timelines=kept)
    return _of_timeline(content, wishes)


def _of_timeline(timeline: Timeline, wishes: Wishes) -> Timeline:
    return replace(timeline, events=tuple(event for event in timeline if wishes.wants(event)))


def _refuse_unknown(events: Sequence[Event], wishes: Wishes) -> None:
    classes = {event.label for event in events}
    teams = {event.team for event in events if event.team}
    players = {event.player for event in events if event.player}
    for option, asked, known in (
        ("--include", wishes.include, classes),
        ("--exclude", wishes.exclude, classes),
        ("--team", wishes.teams, teams),
    ):
        for name in asked:
            if name.casefold() not in _folded(known):
                raise _unknown(name, option, known)
    for name in wishes.players:
        if not any(_is_named(player, (name,)) for player in players):
            raise _unknown(name, "--players", players)


def _unknown(name: str, option: str, known: Iterable[str]) -> InputError:
    listed = sorted(known)
    names = ", ".join([*listed[:12], *(["..."] if len(listed) > 12 else [])]) or "none"
    return InputError(f"no event has {name!r}", where=option, remedy=f"they have: {names}")


def chosen_with(
    content: Timeline | Match,
    seconds: float,
    wishes: Wishes,
    choose: Choice,
    shift_seconds: float = 0.0,
) -> Reel:
    """A reel of at most so many seconds that shows what must be shown.

    Pins are always in it, and so are goals that are certain, where there is room for all of them.
    What is chosen besides is as much as fits. Pins that overlap are one.

    Args:
        shift_seconds: added to the time of every event, as ``choose`` does.

    Raises:
        InputError: pins that lie outside of the video or are longer than the reel.
    """
    if wishes.least_seconds > seconds:
        raise InputError(
            f"clips of {wishes.least_seconds:g} s or more in a reel of {seconds:g} s",
            where="--min-clip",
            remedy="give a smaller one, or a greater --seconds",
        )
    timelines = timelines_of(content)
    places = {(t.video.name, t.half): place for place, t in enumerate(timelines)}
    chosen = choose(seconds)
    said = tuple(_shortened_pins(wishes.pins, timelines))
    pins = _merged([clip for pin in wishes.pins for clip in _pinned(pin, timelines)], places)
    length = sum(clip.seconds for clip in pins)
    if length > seconds + 1e-6:
        raise InputError(
            f"they last {format_seconds(length, 1)}, longer than the reel ({seconds:g} s)",
            where="--pin",
            remedy="give a greater --seconds, or shorter pins",
        )

    def whole(budget: float, shows_goals: bool) -> Reel:
        reel = chosen if budget == seconds else replace(chosen, clips=())
        if MIN_CLIP_SECONDS <= budget < seconds:
            reel = choose(budget)
        shown = [*reel, *pins]
        if shows_goals:
            shown += [clip for t in timelines for clip in _goals_missing(t, shown, shift_seconds)]
        clips = _merged(shown, places)
        fitted = [_of_length(clip, wishes, timelines, pins) for clip in clips]
        return replace(reel, clips=tuple(_merged(fitted, places)))

    reel = _with_goals(whole, seconds, pins)
    spans: dict[tuple[str, int | None], list[tuple[float, float]]] = defaultdict(list)
    for pin in pins:
        spans[pin.video, pin.half].append((pin.start_seconds, pin.end_seconds))
    reel = replace(reel, pinned={video: tuple(found) for video, found in spans.items()})
    placed = with_whole_sentences(reel, seconds, wishes.lengths)
    return replace(placed, warnings=(*placed.warnings, *said))


def _with_goals(whole: Callable[[float, bool], Reel], seconds: float, pins: Sequence[Clip]) -> Reel:
    """The most that fits with every goal that is certain; without that, if it cannot be."""
    reel = _fitting(lambda budget: whole(budget, True), seconds)
    if reel.seconds <= seconds + 1e-6:
        return reel
    shortened = _shortened(reel, seconds, pins)
    if shortened is not None:
        return shortened
    reel = _fitting(lambda budget: whole(budget, False), seconds)
    said = "there is no room for every goal that is certain: give a greater --seconds"
    return replace(reel, warnings=(*reel.warnings, said))


def _fitting(whole: Choice, seconds: float) -> Reel:
    """The most that fits: what must be shown leaves the less for the rest, down to nothing."""
    reel = whole(seconds)
    low, high = 0.0, seconds
    if reel.seconds <= seconds + 1e-6:
        return reel
    best = whole(0.0)
    for _ in range(_TRIES):
        middle = (low + high) / 2
        reel = whole(middle)
        if reel.seconds <= seconds + 1e-6:
            low, best = middle, reel
        else:
            high = middle
    return best


def _shortened(reel: Reel, seconds: float, pins: Sequence[Clip]) -> Reel | None:
    """Clips other than pins shorter alike, around their events; None where too little is left."""
    pinned = [clip for clip in reel if any(_overlap(clip, pin) for pin in pins)]
    room = seconds - sum(clip.seconds for clip in pinned)
    rest = reel.seconds - sum(clip.seconds for clip in pinned)
    if not rest or room / rest < _LEAST_SHARE:
        return None
    share = room / rest
    return replace(
        reel, clips=tuple(c if c in pinned else _around(c, c.seconds * share) for c in reel)
    )


def _pinned(pin: Pin, timelines: Sequence[Timeline]) -> list[Clip]:
    own = [t for t in timelines if pin.half in (None, t.half)]
    if not own or (pin.half is None and len(timelines) > 1):
        halves = ", ".join(str(t.half) for t in timelines if t.half is not None) or "no halves"
        raise InputError(
            f"there is no half {pin.half} here" if pin.half else "the pin may be of any half",
            where="--pin",
            remedy=f"write the half before it: 2/12:30-12:50; there are: {halves}",
        )
    timeline = own[0]
    length = timeline.video.duration_seconds
    if length is not None and pin.start_seconds >= length:
        raise InputError(
            f"{format_seconds(pin.start_seconds)} is beyond the end ({format_seconds(length)})",
            where="--pin",
            remedy="times count from the first frame shown",
        )
    end = pin.end_seconds if length is None else min(pin.end_seconds, length)
    events = tuple(e for e in timeline if pin.start_seconds <= e.seconds < end)
    return [
        Clip(
            timeline.video.name,
            pin.start_seconds,
            end,
            1.0,
            timeline.half,
            events,
            reason=", ".join([PINNED, *dict.fromkeys(event.label for event in events)]),
        )
    ]


def _shortened_pins(pins: Sequence[Pin], timelines: Sequence[Timeline]) -> Iterator[str]:
    """What to say of pins that end beyond the end of their video."""
    for pin in pins:
        for clip in _pinned(pin, timelines):
            if clip.end_seconds < pin.end_seconds:
                start, end = map(format_seconds, (pin.start_seconds, pin.end_seconds))
                yield (
                    f"--pin {start}-{end} is shown up to the end of the video "
                    f"({format_seconds(clip.end_seconds, 1)})"
                )


def _goals_missing(timeline: Timeline, clips: Sequence[Clip], shift_seconds: float) -> list[Clip]:
    length = timeline.video.duration_seconds or float("inf")
    found = []
    for event in timeline:
        at = event.seconds + shift_seconds
        if not is_goal(event) or certainty(event) < 1 or not 0 <= at < length:
            continue
        start = max(0.0, at - BEFORE_GOAL_SECONDS)
        end = min(length, at + AFTER_GOAL_SECONDS)
        if not any(_shows(clip, timeline, at) for clip in clips):
            found.append(
                Clip(
                    timeline.video.name,
                    start,
                    end,
                    1.0,
                    timeline.half,
                    (event,),
                    event.label,
                    reason=reason_of((event,), timeline, ()),
                )
            )
    return found


def _shows(clip: Clip, timeline: Timeline, seconds: float) -> bool:
    before = min(_SEEN_SECONDS, seconds)
    is_there = clip.start_seconds <= seconds - before and seconds < clip.end_seconds
    return (clip.video, clip.half) == (timeline.video.name, timeline.half) and is_there


def _of_length(
    clip: Clip, wishes: Wishes, timelines: Sequence[Timeline], pins: Sequence[Clip]
) -> Clip:
    """A clip no shorter and no longer than wished; a pin stays as it is."""
    if any(_overlap(clip, pin) for pin in pins):
        return clip
    greatest = wishes.greatest_seconds or float("inf")
    if clip.seconds > greatest:
        return _around(clip, greatest)
    if clip.seconds >= wishes.least_seconds:
        return clip
    own = (t for t in timelines if (t.video.name, t.half) == (clip.video, clip.half))
    length = next((t.video.duration_seconds for t in own), None) or float("inf")
    more = wishes.least_seconds - clip.seconds
    start = max(0.0, min(clip.start_seconds - more / 2, length - wishes.least_seconds))
    return replace(clip, start_seconds=start, end_seconds=min(length, start + wishes.least_seconds))


def _around(clip: Clip, seconds: float) -> Clip:
    """The part of a clip of some length around its event: of the goal, else of the first."""
    events = [e for e in clip.events if is_goal(e)] or list(clip.events)
    middle = (clip.start_seconds + clip.end_seconds) / 2
    at = events[0].seconds if events else middle
    at = min(max(at, clip.start_seconds), clip.end_seconds)
    start = round(at - (at - clip.start_seconds) * seconds / clip.seconds, 3)
    # Rounded down, so that all clips of a reel together stay within its length.
    end = start + floor(seconds * 1000 + 1e-6) / 1000
    return replace(clip, start_seconds=start, end_seconds=round(end, 3))


def _overlap(a: Clip, b: Clip) -> bool:
    same = (a.video, a.half) == (b.video, b.half)
    return same and a.start_seconds < b.end_seconds and b.start_seconds < a.end_seconds


def _merged(clips: Sequence[Clip], places: Mapping[tuple[str, int | None], int]) -> list[Clip]:
    """Clips in match order, by the places of their videos, those that overlap as one."""
    merged: list[Clip] = []
    for clip in sorted(clips, key=lambda c: (places[c.video, c.half], c.start_seconds)):
        if not merged or not _overlap(merged[-1], clip):
            merged.append(clip)
            continue
        last = merged[-1]
        better = max(last, clip, key=lambda c: c.score if c.title else -1.0)
        merged[-1] = replace(
            better,
            start_seconds=min(last.start_seconds, clip.start_seconds),
            end_seconds=max(last.end_seconds, clip.end_seconds),
            score=max(last.score, clip.score),
            reason=_reason_of_both(better, last if better is clip else clip),
            events=tuple(sorted({*last.events, *clip.events}, key=lambda e: e.seconds)),
        )
    return merged


def _reason_of_both(clip: Clip, other: Clip) -> str | None:
    """Why a clip is shown that another one, perhaps a pin, has become a part of."""
    is_pin = other.reason is not None and other.reason.startswith(PINNED)
    if clip.reason is None or not is_pin or clip.reason.endswith(PINNED):
        return clip.reason or other.reason
    return clip.reason if clip.reason.startswith(PINNED) else f"{clip.reason}; {PINNED}"


def _folded(names: Iterable[str]) -> set[str]:
    return {name.casefold() for name in names}


def _is_named(player: str | None, names: Iterable[str]) -> bool:
    return player is not None and any(name.casefold() in player.casefold() for name in names)
