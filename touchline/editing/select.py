"""Choosing what is worth seeing: rank moments, fit the best into a length, keep match order.

How much of a moment belongs into a reel was read off what editors did: in 43 real matches of the
SoccerHigh dataset, the share of seconds around each annotated class that the league's own editors
put into the official highlights. Their windows are short: 8 s before a goal, 6 s after it.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from touchline.errors import InputError
from touchline.events import Event, Match, Timeline
from touchline.reel import Clip, Reel


@dataclass(frozen=True)
class Moment:
    """What a class is worth to a reel.

    Attributes:
        worth: chance that an editor shows such an event, 0 to 1.
        before_seconds, after_seconds: the stretch around the event that tells its story.
    """

    worth: float
    before_seconds: float
    after_seconds: float


MOMENTS: Mapping[str, Moment] = {
    "Goal": Moment(1.0, 9.0, 7.0),
    "Penalty": Moment(0.95, 4.5, 7.0),
    "Red card": Moment(0.75, 11.0, 3.0),
    "Yellow->red card": Moment(0.75, 9.0, 4.0),
    "Shots on target": Moment(0.5, 7.0, 6.0),
    "Shots off target": Moment(0.25, 6.5, 5.0),
    "Corner": Moment(0.08, 2.0, 6.0),
    "Direct free-kick": Moment(0.07, 4.0, 5.0),
    "Substitution": Moment(0.05, 3.0, 3.0),
    "Yellow card": Moment(0.05, 6.0, 3.0),
    "Offside": Moment(0.05, 5.0, 4.0),
    "Kick-off": Moment(0.04, 1.0, 4.0),
    "Foul": Moment(0.03, 3.0, 4.0),
    "Indirect free-kick": Moment(0.03, 3.0, 5.0),
    "Ball out of play": Moment(0.02, 6.0, 3.0),
    "Clearance": Moment(0.01, 3.0, 3.0),
    "Throw-in": Moment(0.01, 2.0, 3.0),
    "soccer": Moment(1.0, 9.0, 7.0),
    "card": Moment(0.3, 9.0, 3.0),
    "subs": Moment(0.05, 3.0, 3.0),
    "GOAL": Moment(1.0, 9.0, 7.0),
    "SHOT": Moment(0.4, 7.0, 5.0),
    "FREE KICK": Moment(0.07, 4.0, 5.0),
    "CROSS": Moment(0.06, 4.0, 4.0),
    "BALL PLAYER BLOCK": Moment(0.02, 4.0, 3.0),
    "PLAYER SUCCESSFUL TACKLE": Moment(0.02, 3.0, 3.0),
    "HEADER": Moment(0.01, 3.0, 3.0),
    "OUT": Moment(0.01, 4.0, 2.0),
    "HIGH PASS": Moment(0.005, 3.0, 3.0),
    "THROW IN": Moment(0.005, 2.0, 3.0),
    "DRIVE": Moment(0.001, 3.0, 3.0),
    "PASS": Moment(0.001, 2.0, 2.0),
}
"""The moments of the published label sets."""

OTHER_MOMENT = Moment(0.5, 6.0, 5.0)
"""Of a class that no published set has: all of them count alike."""

JOIN_GAP_SECONDS = 1.5
"""Clips closer than this become one: a jump that short only disturbs."""

MIN_CLIP_SECONDS = 2.0

MAX_CANDIDATES = 2000
"""More than anybody's reel can hold; bounds the time that dense predictions take."""


@dataclass(frozen=True)
class _Candidate:
    place: int  # which video of the match
    start_seconds: float
    end_seconds: float
    score: float
    own_worth: float  # of its event alone
    event: Event


def select(
    match: Match | Timeline,
    seconds: float = 180.0,
    *,
    moments: Mapping[str, Moment] = MOMENTS,
    shift_seconds: float = 0.0,
) -> Reel:
    """Choose the highlights of a match.

    Each event offers the window of its class. A window's score is the chance that something in it
    is worth showing, ``1 - Π(1 - worth · confidence)`` over the events inside. Windows are taken
    from the highest score down, as long as the reel, with overlapping windows merged, fits.

    Args:
        seconds: greatest length of the reel.
        moments: worth and window per label.
        shift_seconds: added to every event's time first; negative for a detector known to be late.

    Returns:
        A reel in match order. Rejected events are left out; accepted ones count as certain. Empty
        if there are no events.

    Raises:
        InputError: a length that is not positive.
    """
    if not seconds >= MIN_CLIP_SECONDS:
        raise InputError(
            f"a reel of {seconds} s is too short", remedy=f"give at least {MIN_CLIP_SECONDS:g} s"
        )
    timelines = match.timelines if isinstance(match, Match) else (match,)
    candidates = [
        candidate
        for place, timeline in enumerate(timelines)
        for candidate in _candidates(timeline, place, moments, shift_seconds)
    ]
    candidates.sort(key=lambda c: (-c.score, c.place, c.start_seconds))
    chosen = _fit(candidates[:MAX_CANDIDATES], seconds)
    return Reel(tuple(_clip(timelines[group[0].place], group) for group in _merge(chosen)))


def _candidates(
    timeline: Timeline, place: int, moments: Mapping[str, Moment], shift_seconds: float
) -> list[_Candidate]:
    events = [event for event in timeline if event.status != "rejected"]
    worths = [
        (
            event.seconds + shift_seconds,
            moments.get(event.label, OTHER_MOMENT).worth * _certainty(event),
        )
        for event in events
    ]
    found = []
    for event, (at, own_worth) in zip(events, worths, strict=True):
        moment = moments.get(event.label, OTHER_MOMENT)
        start = max(0.0, at - moment.before_seconds)
        end = at + moment.after_seconds
        if timeline.video.duration_seconds is not None:
            end = min(end, timeline.video.duration_seconds)
        if end - start < MIN_CLIP_SECONDS:
            continue
        dull = 1.0
        for time, worth in worths:
            if start <= time <= end:
                dull *= 1 - worth
        found.append(_Candidate(place, start, end, 1 - dull, own_worth, event))
    return found


def _certainty(event: Event) -> float:
    return 1.0 if event.status == "accepted" else min(max(event.confidence, 0.0), 1.0)


def _fit(ranked: Iterable[_Candidate], seconds: float) -> list[_Candidate]:
    """The best candidates whose merged length fits; the very best is cut to length if need be."""
    chosen: list[_Candidate] = []
    for candidate in ranked:
        trial = [*chosen, candidate]
        if sum(_span(group) for group in _merge(trial)) <= seconds + 1e-9:
            chosen = trial
        elif not chosen:
            return [_shortened(candidate, seconds)]
    return chosen


def _shortened(candidate: _Candidate, seconds: float) -> _Candidate:
    """The candidate cut to a length, keeping the event's place within it in proportion."""
    share = seconds / (candidate.end_seconds - candidate.start_seconds)
    at = min(max(candidate.event.seconds, candidate.start_seconds), candidate.end_seconds)
    return replace(
        candidate,
        start_seconds=at - (at - candidate.start_seconds) * share,
        end_seconds=at + (candidate.end_seconds - at) * share,
    )


def _merge(chosen: Iterable[_Candidate]) -> list[list[_Candidate]]:
    """Candidates in match order, grouped where they overlap or nearly touch."""
    groups: list[list[_Candidate]] = []
    end = 0.0
    for candidate in sorted(chosen, key=lambda c: (c.place, c.start_seconds, c.end_seconds)):
        together = (
            groups
            and groups[-1][0].place == candidate.place
            and candidate.start_seconds - end <= JOIN_GAP_SECONDS
        )
        if together:
            groups[-1].append(candidate)
            end = max(end, candidate.end_seconds)
        else:
            groups.append([candidate])
            end = candidate.end_seconds
    return groups


def _span(group: list[_Candidate]) -> float:
    return max(c.end_seconds for c in group) - group[0].start_seconds


def _clip(timeline: Timeline, group: list[_Candidate]) -> Clip:
    main = max(group, key=lambda candidate: candidate.own_worth)
    return Clip(
        video=timeline.video.name,
        start_seconds=round(group[0].start_seconds, 3),
        end_seconds=round(max(candidate.end_seconds for candidate in group), 3),
        score=round(max(candidate.score for candidate in group), 4),
        half=timeline.half,
        events=tuple(sorted((c.event for c in group), key=lambda event: event.seconds)),
        title=main.event.label,
    )
