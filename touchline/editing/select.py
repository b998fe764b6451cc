"""Choosing what is worth seeing: a curve of worth over time, cut at the level that fits a length.

Every event is evidence that editors show the seconds around it (`moments`), and evidence adds up.
What a detector found is less than an annotation: it may be wrong, and it may be early or late. So
its evidence is the expected likelihood ratio, ``1 + p (E[exp(evidence)] - 1)``, over whether the
event took place and over when.
"""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import numpy.typing as npt

from touchline.editing.moments import BASE_LOG_ODDS, MOMENTS, OTHER_MOMENT, RESTART, Moment
from touchline.errors import InputError
from touchline.events import Event, Match, Timeline
from touchline.reel import Clip, Reel

FloatArray = npt.NDArray[np.float64]
IndexArray = npt.NDArray[np.intp]


SHOWN_EVIDENCE = 1.0
"""Moments of less are not worth a clip for what lies around them, only for want of better."""

OPENING = "Kick-off"
"""The first of a timeline: editors show how a half begins; a later one is any restart."""

LEAST_CHANCE = 0.05
"""Seconds outside whole moments need this chance, even if the reel then stays short."""

NAMED_CONFIDENCE = 0.3
"""A clip names no event of less, unless it has no other: a name is read as a claim."""

STEPS_PER_SECOND = 2

REACH_SECONDS = 90.0
"""No event says anything about seconds further away."""

JOIN_GAP_SECONDS = 1.5
"""Clips closer than this become one: a jump that short only disturbs."""

MIN_CLIP_SECONDS = 2.0

DEFAULT_JITTER_SECONDS = 3.0
"""Standard deviation of a detector's times: costs a precise one little, helps a rough one much."""


@dataclass(frozen=True)
class _Offer:
    """A whole moment that a reel may show."""

    event: Event
    moment: Moment
    seconds: float  # of the event, shifted
    start_seconds: float
    end_seconds: float
    evidence: float


@dataclass(frozen=True, eq=False)
class _Course:
    """One timeline as an editor may see it."""

    timeline: Timeline
    seconds: float
    chance: FloatArray  # (steps,) that a step is shown
    offers: tuple[_Offer, ...]

    def worth(self, offer: _Offer) -> float:
        """Chance where the moment peaks; of a weak one, by itself."""
        if offer.moment.evidence < SHOWN_EVIDENCE:
            return float(_chance(np.array(BASE_LOG_ODDS + offer.evidence)))
        step = round((offer.seconds + offer.moment.peak_seconds) * STEPS_PER_SECOND)
        return float(self.chance[min(max(step, 0), len(self.chance) - 1)])

    def worth_of_steps(self) -> FloatArray:
        """(steps,) their chance, but inside a moment no more than that is worth as a whole."""
        limit = np.zeros(len(self.chance))
        for offer in self.offers:
            if offer.moment.evidence >= SHOWN_EVIDENCE:
                inside = _steps(offer.start_seconds, offer.end_seconds)
                limit[inside] = np.maximum(limit[inside], self.worth(offer))
        return np.where(limit > 0, np.minimum(self.chance, limit), self.chance)


@dataclass(frozen=True, eq=False)
class _Stretches:
    """Stretches of several videos, (n,) each."""

    place: IndexArray  # which of the videos
    start: FloatArray
    end: FloatArray

    def __len__(self) -> int:
        return len(self.place)

    def __getitem__(self, index: slice | IndexArray) -> "_Stretches":
        return _Stretches(self.place[index], self.start[index], self.end[index])

    @property
    def seconds(self) -> float:
        return float((self.end - self.start).sum())

    def merged(self) -> "_Stretches":
        """In order of place and time, as one where they overlap or nearly touch."""
        if not len(self):
            return self
        ordered = self[np.lexsort((self.start, self.place))]
        apart = ordered.place * (self.end.max() + 2 * JOIN_GAP_SECONDS)
        reached = np.maximum.accumulate(ordered.end + apart)
        gaps = (ordered.start + apart)[1:] - reached[:-1]
        first = np.flatnonzero(np.r_[True, gaps > JOIN_GAP_SECONDS])
        last = np.r_[first[1:], len(ordered)] - 1
        place = ordered.place[first]
        return _Stretches(place, ordered.start[first], reached[last] - apart[first])


def select(
    match: Match | Timeline,
    seconds: float = 180.0,
    *,
    moments: Mapping[str, Moment] = MOMENTS,
    shift_seconds: float = 0.0,
    jitter_seconds: float = DEFAULT_JITTER_SECONDS,
) -> Reel:
    """Choose the highlights of a match.

    Moments, and the single steps around them, are taken from the likeliest down, as long as the
    reel, with neighbouring stretches merged, fits. So a moment is shown whole or not at all, and
    longer where more speaks for it.

    Args:
        seconds: greatest length of the reel.
        moments: what events of a label say about the seconds around them.
        shift_seconds: added to every event's time first; negative for a detector known to be late.
        jitter_seconds: standard deviation of the times of a detector's events. Facts, which are
            accepted or of confidence 1, are exact.

    Returns:
        A reel in match order. Rejected events are left out; accepted ones count as certain. Empty
        if there are no events.

    Raises:
        InputError: a length that shows nothing, or a jitter that is negative.
    """
    if not seconds >= MIN_CLIP_SECONDS:
        raise InputError(
            f"a reel of {seconds} s is too short", remedy=f"give at least {MIN_CLIP_SECONDS:g} s"
        )
    if not 0 <= jitter_seconds < np.inf:
        raise InputError(f"a jitter of {jitter_seconds} s", remedy="give 0 s or more")
    timelines = match.timelines if isinstance(match, Match) else (match,)
    courses = [_course(t, moments, shift_seconds, jitter_seconds) for t in timelines]
    chosen = _fit(_by_worth(courses), seconds, courses)
    if not len(chosen):
        chosen = _shortened(courses, seconds)
    return Reel(tuple(_clips(chosen, courses)))


def _course(
    timeline: Timeline, moments: Mapping[str, Moment], shift_seconds: float, jitter_seconds: float
) -> _Course:
    by_kind = defaultdict(list)
    for event, moment in _kinds(timeline, moments):
        by_kind[event.label, moment].append((event, max(0.0, event.seconds + shift_seconds)))
    length = timeline.video.duration_seconds
    if length is None:
        # Nothing is shown that may lie beyond the end: no replays of the last event.
        ends = (at + kind[1].whole[1] for kind, found in by_kind.items() for _, at in found)
        length = max(ends, default=0.0)
    steps = int(np.ceil(length * STEPS_PER_SECOND))
    log_odds = np.full(steps, BASE_LOG_ODDS)
    offers = []
    for (_, moment), found in by_kind.items():
        most, least = np.zeros(steps), np.zeros(steps)
        for event, at in found:
            evidence = _evidence(moment, event, jitter_seconds)
            offer = _offer(event, moment, at, length, float(evidence.max()))
            if offer is not None:
                offers.append(offer)
            first = round(at * STEPS_PER_SECOND) - len(evidence) // 2
            inside = slice(max(first, 0), max(0, min(first + len(evidence), steps)))
            evidence = evidence[inside.start - first :][: max(0, inside.stop - inside.start)]
            most[inside] = np.maximum(most[inside], evidence)
            least[inside] = np.minimum(least[inside], evidence)
        log_odds += most + least
    return _Course(timeline, length, _chance(log_odds), tuple(offers))


def _steps(start_seconds: float, end_seconds: float) -> slice:
    first = int(start_seconds * STEPS_PER_SECOND)
    return slice(first, int(np.ceil(end_seconds * STEPS_PER_SECOND)))


def _chance(log_odds: FloatArray) -> FloatArray:
    return 1 / (1 + np.exp(-log_odds))


def _kinds(timeline: Timeline, moments: Mapping[str, Moment]) -> Iterator[tuple[Event, Moment]]:
    opened = False
    for event in timeline:
        if event.status == "rejected":
            continue
        again = event.label == OPENING and opened
        opened = opened or event.label == OPENING
        yield event, RESTART if again else moments.get(event.label, OTHER_MOMENT)


def _offer(
    event: Event, moment: Moment, at: float, length: float, evidence: float
) -> _Offer | None:
    start, end = (min(max(at + edge, 0.0), length) for edge in moment.whole)
    if end - start < _shortest(length):
        return None
    return _Offer(event, moment, at, start, end, evidence)


def _shortest(length: float) -> float:
    """Seconds of a clip: all there is of a very short video, unless that is nothing to see."""
    return max(0.01, min(MIN_CLIP_SECONDS, length))


def _evidence(moment: Moment, event: Event, jitter_seconds: float) -> FloatArray:
    """Log-odds that an event adds, at steps up to the reach on both sides of it.

    Detectors are surer than they are right: the square of NetVLAD's confidence is about how often
    its goals, shots, free-kicks and clearances were right in 54 real matches.
    """
    if _certainty(event) >= 1:
        return np.log1p(_surplus(moment, 0.0))
    right = max(event.confidence, 0.0) ** 2
    return np.log1p(right * _surplus(moment, jitter_seconds))


def _certainty(event: Event) -> float:
    return 1.0 if event.status == "accepted" else event.confidence


@lru_cache(maxsize=256)
def _surplus(moment: Moment, jitter_seconds: float) -> FloatArray:
    """By how much an event that took place multiplies the odds, less one, about when it did."""
    reach = int(REACH_SECONDS * STEPS_PER_SECOND)
    offsets = np.arange(-reach, reach + 1) / STEPS_PER_SECOND
    surplus = np.expm1(moment.log_odds(offsets))
    weights = np.exp(-0.5 * (offsets / max(jitter_seconds, 0.01)) ** 2)
    return np.convolve(surplus, weights / weights.sum(), "same")


def _by_worth(courses: Sequence[_Course]) -> _Stretches:
    """Whole moments, and the single steps that are likely enough, from the likeliest down."""
    rows = []
    for place, course in enumerate(courses):
        for offer in course.offers:
            rows.append((-course.worth(offer), 0, place, offer.start_seconds, offer.end_seconds))
        worth = course.worth_of_steps()
        for step in np.flatnonzero(worth >= LEAST_CHANCE):
            start, end = step / STEPS_PER_SECOND, (step + 1) / STEPS_PER_SECOND
            rows.append((-worth[step], 1, place, start, min(end, course.seconds)))
    columns = np.array(sorted(rows), np.float64).reshape(-1, 5)
    return _Stretches(columns[:, 2].astype(np.intp), columns[:, 3], columns[:, 4])


def _fit(ranked: _Stretches, seconds: float, courses: Sequence[_Course]) -> _Stretches:
    """As many of the first as fit once merged: the more are taken, the longer it gets."""
    shortest = np.array([_shortest(course.seconds) for course in courses])

    def merged_first(count: int) -> _Stretches:
        merged = ranked[:count].merged()
        enough = merged.end - merged.start >= shortest[merged.place] - 1e-9
        return merged[np.flatnonzero(enough)]

    fits, too_many = 0, len(ranked) + 1
    while too_many - fits > 1:
        count = (fits + too_many) // 2
        if merged_first(count).seconds <= seconds + 1e-9:
            fits = count
        else:
            too_many = count
    return merged_first(fits)


def _shortened(courses: Sequence[_Course], seconds: float) -> _Stretches:
    """The best moment cut to a length, keeping the event's place within it in proportion."""
    offers = [(c.worth(o), -place, o) for place, c in enumerate(courses) for o in c.offers]
    if not offers:
        return _Stretches(np.zeros(0, np.intp), np.zeros(0), np.zeros(0))
    _, place, best = max(offers, key=lambda offer: offer[:2])
    share = seconds / (best.end_seconds - best.start_seconds)
    at = min(max(best.seconds, best.start_seconds), best.end_seconds)
    start = at - (at - best.start_seconds) * share
    return _Stretches(np.array([-place]), np.array([start]), np.array([start + seconds]))


def _clips(chosen: _Stretches, courses: Sequence[_Course]) -> Iterator[Clip]:
    for place, start, end in zip(chosen.place, chosen.start, chosen.end, strict=True):
        course = courses[place]
        offers = [offer for offer in course.offers if start <= offer.seconds <= end]
        offers = [offer for offer in offers if offer.moment.evidence > 0] or offers
        offers = offers or _cause(course.offers, (start + end) / 2)
        clear = [offer for offer in offers if _certainty(offer.event) >= NAMED_CONFIDENCE]
        offers = clear or _strongest(offers)
        offers.sort(key=lambda offer: offer.seconds)
        yield Clip(
            video=course.timeline.video.name,
            start_seconds=round(float(start), 3),
            end_seconds=round(float(end), 3),
            score=round(float(course.chance[_steps(start, end)].max()), 4),
            half=course.timeline.half,
            events=tuple(offer.event for offer in offers),
            title=_strongest(offers)[0].event.label if offers else None,
        )


def _strongest(offers: Sequence[_Offer]) -> list[_Offer]:
    return [max(offers, key=lambda offer: offer.evidence)] if offers else []


def _cause(offers: Sequence[_Offer], seconds: float) -> list[_Offer]:
    """What a replay is of: the moment that says most about a time."""

    def said(offer: _Offer) -> float:
        return float(offer.moment.log_odds(np.array([seconds - offer.seconds]))[0])

    return [max(offers, key=said)] if offers else []
