"""Selecting highlights: a curve of probability over time, cut at the level that fits a length.

The curve is learned from what editors show (``choice``), or plain: every event is evidence that
editors show the seconds around it (`moments`), and evidence adds up. A detected event may be wrong,
early or late. Its evidence is therefore the expected likelihood ratio,
``1 + p (E[exp(evidence)] - 1)``, over whether the event took place and when.
"""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from textwrap import shorten
from typing import Literal

import numpy as np
import numpy.typing as npt

from touchline.editing.choice.curves import kind_of, knows, learned_log_odds
from touchline.editing.choice.event_inputs import certainty, without_repeats
from touchline.editing.choice.tables import Kind, TableSource, shipped_table
from touchline.editing.delays import delay_of
from touchline.editing.moments import BASE_LOG_ODDS, MOMENTS, OTHER_MOMENT, RESTART, Moment
from touchline.editing.reasons import reason_of
from touchline.errors import InputError
from touchline.events import Event, Match, Timeline
from touchline.reel import AFTER_THE, BEFORE_THE, REPLAY_OF, Clip, Reel, SourceVideo
from touchline.thresholds import SHOWN_CONFIDENCE
from touchline.transcripts import Transcript, Transcripts

FloatArray = npt.NDArray[np.float64]
IndexArray = npt.NDArray[np.intp]

Selection = Literal["learned", "plain"]
"""By tables learnt from what editors show, or by the hand-set evidence of classes."""


MIN_SHOWN_EVIDENCE = 1.0
"""A moment of less evidence is ranked by itself, not by the events around it."""

OPENING = "Kick-off"
"""The first one in a timeline starts a half, which editors show; later ones count as restarts."""

MIN_PROBABILITY = 0.05
"""Seconds outside the core of a moment need this probability, even if the reel stays short."""

MIN_LEARNED_PROBABILITY = 0.01
"""Of the learned choice, which knows how rarely editors show what is left."""

NO_TRANSCRIPTS: Transcripts = {}

STEPS_PER_SECOND = 2

REACH_SECONDS = 90.0
"""Largest distance of a second from an event that is evidence for it."""

JOIN_GAP_SECONDS = 1.5
"""Clips closer than this are joined."""

MIN_CLIP_SECONDS = 2.0

REPLAY_SHARE = 0.8
"""Evidence of the first replay of an action, as a share of that of the action."""

REPLAY_AFTER_SECONDS = (2.0, 75.0)
"""How long after an action its first replay begins."""

LEAST_REPLAYED_EVIDENCE = 2.5
"""Only events of classes of at least this evidence bring their replay along."""

LONGEST_REPLAY_SECONDS = 20.0
"""Of a longer replay only the first part is shown."""

MOST_REASONS = 4
"""Events that the reason of a clip tells, the weightiest first."""

LONGEST_REASON = 100
"""Characters of the reason in a clip's title."""

DEFAULT_JITTER_SECONDS = 3.0
"""Assumed standard deviation of a detector's times."""


@dataclass(frozen=True)
class _Candidate:
    """The core of a moment that a reel may show, or the first replay of one."""

    event: Event
    moment: Moment
    seconds: float  # of the event, shifted; of a replay its middle
    start_seconds: float
    end_seconds: float
    evidence: float
    is_replay: bool = False
    is_whole: bool = True  # shown whole or not at all


@dataclass(frozen=True, eq=False)
class _Curve:
    """The probability that an editor shows each step of one timeline."""

    timeline: Timeline
    seconds: float
    probability: FloatArray  # (steps,) that a step is shown
    candidates: tuple[_Candidate, ...]
    least_probability: float = MIN_PROBABILITY
    transcript: Transcript = ()

    @property
    def whole(self) -> list[_Candidate]:
        """The candidates that are shown whole or not at all."""
        return [candidate for candidate in self.candidates if candidate.is_whole]

    def score(self, candidate: _Candidate) -> float:
        """Probability at the peak of the moment; for weak evidence, of the event by itself."""
        if candidate.moment.evidence < MIN_SHOWN_EVIDENCE:
            return float(_probability(np.array(BASE_LOG_ODDS + candidate.evidence)))
        step = round((candidate.seconds + candidate.moment.peak_seconds) * STEPS_PER_SECOND)
        return float(self.probability[min(max(step, 0), len(self.probability) - 1)])

    def step_scores(self) -> FloatArray:
        """(steps,) probability, limited inside a core to the score of its candidate."""
        limit = np.zeros(len(self.probability))
        for candidate in self.whole:
            if candidate.moment.evidence >= MIN_SHOWN_EVIDENCE:
                inside = _steps(candidate.start_seconds, candidate.end_seconds)
                limit[inside] = np.maximum(limit[inside], self.score(candidate))
        return np.where(limit > 0, np.minimum(self.probability, limit), self.probability)


@dataclass(frozen=True, eq=False)
class _Intervals:
    """Intervals of several videos, (n,) each."""

    place: IndexArray  # which of the videos
    start: FloatArray
    end: FloatArray

    def __len__(self) -> int:
        return len(self.place)

    def __getitem__(self, index: slice | IndexArray) -> "_Intervals":
        return _Intervals(self.place[index], self.start[index], self.end[index])

    @property
    def seconds(self) -> float:
        return float((self.end - self.start).sum())

    def merged(self) -> "_Intervals":
        """Sorted by video and time, joined where they overlap or nearly touch."""
        if not len(self):
            return self
        ordered = self[np.lexsort((self.start, self.place))]
        apart = ordered.place * (self.end.max() + 2 * JOIN_GAP_SECONDS)
        reached = np.maximum.accumulate(ordered.end + apart)
        gaps = (ordered.start + apart)[1:] - reached[:-1]
        first = np.flatnonzero(np.r_[True, gaps > JOIN_GAP_SECONDS])
        last = np.r_[first[1:], len(ordered)] - 1
        place = ordered.place[first]
        return _Intervals(place, ordered.start[first], reached[last] - apart[first])


def select(
    match: Match | Timeline,
    seconds: float = 180.0,
    *,
    moments: Mapping[str, Moment] = MOMENTS,
    shift_seconds: float = 0.0,
    jitter_seconds: float = DEFAULT_JITTER_SECONDS,
    selection: Selection = "learned",
    transcripts: Transcripts = NO_TRANSCRIPTS,
    correct_delays: bool = True,
    tables: TableSource = shipped_table,
) -> Reel:
    """Select the highlights of a match.

    Cores of moments, and the single steps around them, are added in order of probability while the
    reel, with neighbouring intervals joined, fits the length. So a core is shown whole or not at
    all, and more is shown around it where there is more evidence. Where the timeline knows the
    replays, the first replay of an action is such a core, too. The learned choice has cores only
    for replays and for events of classes that its tables do not know.

    Args:
        seconds: maximum length of the reel.
        moments: the evidence of events, by label.
        shift_seconds: added to the time of every event; negative for a detector that is late. One
            that is not 0 takes the place of known delays.
        jitter_seconds: standard deviation of the times of detected events that do not state their
            uncertainty. Events that are accepted or have confidence 1 are exact.
        selection: learned, or plain, which reads no transcript.
        transcripts: what was said, by half.
        correct_delays: whether known delays of the detector are taken off.
        tables: where the tables of the learned choice come from.

    Returns:
        A reel in match order; empty if there are no events. Rejected events are left out; accepted
        ones count as certain.

    Raises:
        InputError: a length too short for a clip, or a negative jitter.
    """
    if not seconds >= MIN_CLIP_SECONDS:
        raise InputError(
            f"a reel of {seconds} s is too short", remedy=f"give at least {MIN_CLIP_SECONDS:g} s"
        )
    if not 0 <= jitter_seconds < np.inf:
        raise InputError(f"a jitter of {jitter_seconds} s", remedy="give 0 s or more")
    timelines = match.timelines if isinstance(match, Match) else (match,)
    kind = kind_of(match.events) if selection == "learned" else None
    rules = _Rules(moments, shift_seconds, jitter_seconds, correct_delays, kind, tables)
    curves = [_curve(t, rules, _heard(t, transcripts)) for t in timelines]
    chosen = _fit(_ranked(curves), seconds, curves)
    if not len(chosen):
        chosen = _shortened(curves, seconds)
    rates = (timeline.video.frame_rate for timeline in timelines)
    clips = tuple(_clips(chosen, curves))
    shown = {(clip.video, clip.half) for clip in clips}
    known = (SourceVideo(t.video.name, t.half, t.video.duration_seconds) for t in timelines)
    videos = tuple(v for v in known if v.duration_seconds and (v.name, v.half) in shown)
    return Reel(clips, frame_rate=next(filter(None, rates), None), videos=videos)


@dataclass(frozen=True)
class _Placed:
    """An event with its moment, at its time in the video; and its first replay, if known."""

    event: Event
    moment: Moment
    seconds: float
    jitter_seconds: float
    replay: tuple[float, float] | None = None

    @property
    def core(self) -> tuple[float, float]:
        """The core of its moment; wider, the less certain its time is."""
        start, end = self.moment.core
        spread = 0.0 if certainty(self.event) >= 1 else (self.event.uncertainty_seconds or 0.0)
        return self.seconds + start - spread, self.seconds + end + spread


@dataclass(frozen=True)
class _Rules:
    """How a curve is made; ``kind`` of the table, None for the plain choice."""

    moments: Mapping[str, Moment]
    shift_seconds: float
    jitter_seconds: float
    correct_delays: bool
    kind: Kind | None
    tables: TableSource

    def is_learned(self, event: Event) -> bool:
        """Whether the tables tell what an event is worth."""
        return self.kind is not None and knows(event)


def _heard(timeline: Timeline, transcripts: Transcripts) -> Transcript:
    return transcripts.get(timeline.half, transcripts.get(None, ()))


def _curve(timeline: Timeline, rules: _Rules, transcript: Transcript) -> _Curve:
    placed = _placed(timeline, rules)
    length = timeline.video.duration_seconds
    if length is None:
        # The end is unknown, so nothing is shown after the core of the last moment.
        length = max((one.core[1] for one in placed), default=0.0)
    steps = int(np.ceil(length * STEPS_PER_SECOND))
    known = [replace(p.event, seconds=p.seconds) for p in placed if rules.is_learned(p.event)]
    log_odds = np.full(steps, BASE_LOG_ODDS)
    if known and rules.kind is not None:
        middles = (np.arange(steps) + 0.5) / STEPS_PER_SECOND
        log_odds = learned_log_odds(known, rules.kind, transcript, middles, rules.tables)
    candidates: list[_Candidate] = []
    by_moment = defaultdict(list)
    for one in placed:
        by_moment[one.event.label, one.moment].append(one)
    for found in by_moment.values():
        most, least = np.zeros(steps), np.zeros(steps)
        for one in found:
            evidence = _evidence(one.moment, one.event, one.jitter_seconds)
            strength = float(evidence.max())
            is_learned = rules.is_learned(one.event)
            candidates += _candidates(one, length, strength, is_whole=not is_learned)
            if is_learned:
                continue
            first = round(one.seconds * STEPS_PER_SECOND) - len(evidence) // 2
            inside = slice(max(first, 0), max(0, min(first + len(evidence), steps)))
            evidence = evidence[inside.start - first :][: max(0, inside.stop - inside.start)]
            most[inside] = np.maximum(most[inside], evidence)
            least[inside] = np.minimum(least[inside], evidence)
        log_odds += most + least
    _add_replays(log_odds, candidates)
    least_probability = MIN_LEARNED_PROBABILITY if known else MIN_PROBABILITY
    probability = _probability(log_odds)
    return _Curve(timeline, length, probability, tuple(candidates), least_probability, transcript)


def _placed(timeline: Timeline, rules: _Rules) -> list[_Placed]:
    delay = delay_of(timeline) if rules.correct_delays and not rules.shift_seconds else _no_delay
    jitter = rules.jitter_seconds
    placed = [
        _Placed(
            event,
            moment,
            max(0.0, event.seconds + rules.shift_seconds - delay(event)),
            jitter if event.uncertainty_seconds is None else event.uncertainty_seconds,
        )
        for event, moment in _with_moments(timeline, rules.moments)
    ]
    replayed: dict[int, tuple[float, float]] = {}
    for start, end in sorted(timeline.replays):
        place = _replayed_at(start, placed)
        if place is not None:
            replayed.setdefault(place, (start, min(end, start + LONGEST_REPLAY_SECONDS)))
    for place, replay in replayed.items():
        # Where the replay lies is known, so what usually follows need not be guessed.
        moment = replace(placed[place].moment, aftermath=None)
        placed[place] = replace(placed[place], moment=moment, replay=replay)
    return placed


def _no_delay(event: Event) -> float:
    return 0.0


def _replayed_at(start_seconds: float, placed: Sequence[_Placed]) -> int | None:
    """The place of the event that a replay most likely shows; None if there is none before it."""
    low, high = REPLAY_AFTER_SECONDS
    near = [
        (one.moment.evidence * certainty(one.event) ** 2, one.seconds, place)
        for place, one in enumerate(placed)
        if one.moment.evidence >= LEAST_REPLAYED_EVIDENCE
        and low <= start_seconds - one.seconds <= high
    ]
    return max(near)[2] if near else None


def _add_replays(log_odds: FloatArray, candidates: Sequence[_Candidate]) -> None:
    for candidate in candidates:
        if candidate.is_replay:
            inside = _steps(candidate.start_seconds, candidate.end_seconds)
            shown = BASE_LOG_ODDS + candidate.evidence
            log_odds[inside] = np.maximum(log_odds[inside], shown)


def _steps(start_seconds: float, end_seconds: float) -> slice:
    first = int(start_seconds * STEPS_PER_SECOND)
    return slice(first, int(np.ceil(end_seconds * STEPS_PER_SECOND)))


def _probability(log_odds: FloatArray) -> FloatArray:
    return 1 / (1 + np.exp(-log_odds))


def _with_moments(
    timeline: Timeline, moments: Mapping[str, Moment]
) -> Iterator[tuple[Event, Moment]]:
    opened = False
    for event in without_repeats([e for e in timeline if e.status != "rejected"]):
        again = event.label == OPENING and opened
        opened = opened or event.label == OPENING
        yield event, RESTART if again else moments.get(event.label, OTHER_MOMENT)


def _candidates(
    placed: _Placed, length: float, evidence: float, *, is_whole: bool
) -> Iterator[_Candidate]:
    """The core of a moment, and its first replay, as far as they lie in the video."""
    event, moment = placed.event, placed.moment
    start, end = (min(max(edge, 0.0), length) for edge in placed.core)
    if end - start >= _shortest(length):
        yield _Candidate(event, moment, placed.seconds, start, end, evidence, is_whole=is_whole)
    if placed.replay is not None:
        start, end = (min(max(edge, 0.0), length) for edge in placed.replay)
        if end - start >= _shortest(length):
            half = (end - start) / 2
            again = Moment(REPLAY_SHARE * moment.evidence, half, half)
            shown = REPLAY_SHARE * evidence
            yield _Candidate(event, again, start + half, start, end, shown, is_replay=True)


def _shortest(length: float) -> float:
    """Minimum length of a clip; for a very short video, its duration."""
    return max(0.01, min(MIN_CLIP_SECONDS, length))


def _evidence(moment: Moment, event: Event, jitter_seconds: float) -> FloatArray:
    """Log-odds that an event adds to the steps within ``REACH_SECONDS`` on both sides of it.

    Detectors are overconfident: the square of NetVLAD's confidence approximates the precision of
    its goals, shots, free-kicks and clearances in 54 real matches.
    """
    if certainty(event) >= 1:
        return np.log1p(_surplus(moment, 0.0))
    right = max(event.confidence, 0.0) ** 2
    return np.log1p(right * _surplus(moment, jitter_seconds))


@lru_cache(maxsize=256)
def _surplus(moment: Moment, jitter_seconds: float) -> FloatArray:
    """Factor by which an event multiplies the odds, minus one, averaged over its jitter."""
    reach = int(REACH_SECONDS * STEPS_PER_SECOND)
    offsets = np.arange(-reach, reach + 1) / STEPS_PER_SECOND
    surplus = np.expm1(moment.log_odds(offsets))
    weights = np.exp(-0.5 * (offsets / max(jitter_seconds, 0.01)) ** 2)
    return np.convolve(surplus, weights / weights.sum(), "same")


def _ranked(curves: Sequence[_Curve]) -> _Intervals:
    """Cores of moments and single steps of sufficient probability, the most probable first."""
    rows = []
    for place, curve in enumerate(curves):
        for candidate in curve.whole:
            start, end = candidate.start_seconds, candidate.end_seconds
            rows.append((-curve.score(candidate), 0, place, start, end))
        scores = curve.step_scores()
        for step in np.flatnonzero(scores >= curve.least_probability):
            start, end = step / STEPS_PER_SECOND, (step + 1) / STEPS_PER_SECOND
            rows.append((-scores[step], 1, place, start, min(end, curve.seconds)))
    columns = np.array(sorted(rows), np.float64).reshape(-1, 5)
    return _Intervals(columns[:, 2].astype(np.intp), columns[:, 3], columns[:, 4])


def _fit(ranked: _Intervals, seconds: float, curves: Sequence[_Curve]) -> _Intervals:
    """The largest number of first intervals that fit when joined; the length grows with it."""
    shortest = np.array([_shortest(curve.seconds) for curve in curves])

    def merged_first(count: int) -> _Intervals:
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


def _shortened(curves: Sequence[_Curve], seconds: float) -> _Intervals:
    """The best core, shortened in proportion around its event."""
    candidates = [(c.score(o), -place, o) for place, c in enumerate(curves) for o in c.candidates]
    if not candidates:
        return _Intervals(np.zeros(0, np.intp), np.zeros(0), np.zeros(0))
    _, place, best = max(candidates, key=lambda candidate: candidate[:2])
    share = seconds / (best.end_seconds - best.start_seconds)
    at = min(max(best.seconds, best.start_seconds), best.end_seconds)
    start = at - (at - best.start_seconds) * share
    return _Intervals(np.array([-place]), np.array([start]), np.array([start + seconds]))


def _clips(chosen: _Intervals, curves: Sequence[_Curve]) -> Iterator[Clip]:
    for place, start, end in zip(chosen.place, chosen.start, chosen.end, strict=True):
        curve = curves[place]
        shown = [c for c in curve.candidates if start <= c.seconds <= end]
        shown = [c for c in shown if c.moment.evidence > 0] or shown
        shown = shown or _most_likely(curve.candidates, (start + end) / 2)
        clear = [c for c in shown if certainty(c.event) >= SHOWN_CONFIDENCE]
        shown = clear or _strongest(shown)
        shown.sort(key=lambda candidate: candidate.seconds)
        yield Clip(
            video=curve.timeline.video.name,
            start_seconds=round(float(start), 3),
            end_seconds=round(float(end), 3),
            score=round(float(curve.probability[_steps(start, end)].max()), 4),
            half=curve.timeline.half,
            events=tuple(dict.fromkeys(candidate.event for candidate in shown)),
            title=_title(_strongest(shown)[0], start, end, curve.timeline) if shown else None,
            reason=_reason(shown, curve) if shown else None,
        )


def _reason(shown: Sequence[_Candidate], curve: _Curve) -> str:
    """Why a clip is shown, the weightiest event first."""
    ranked = sorted(shown, key=lambda candidate: -candidate.evidence)
    events = tuple(dict.fromkeys(candidate.event for candidate in ranked))
    return reason_of(events[:MOST_REASONS], curve.timeline, curve.transcript)


def _title(candidate: _Candidate, start: float, end: float, timeline: Timeline) -> str:
    """Such as ``Goal: 1-0 for ARS``: the class, and what the model says of the event."""
    event = candidate.event
    title = _subject(candidate, start, end, timeline)
    if event.note is None or event.source not in (None, "model"):
        return title  # notes of people are for themselves
    return f"{title}: {shorten(event.note, LONGEST_REASON, placeholder='...')}"


def _subject(candidate: _Candidate, start: float, end: float, timeline: Timeline) -> str:
    """The class of an event; ``After the goal`` where the clip does not show the goal itself."""
    label = candidate.event.label
    if not candidate.is_replay and start <= candidate.seconds <= end:
        return label
    if not candidate.is_replay and candidate.seconds > end:
        return f"{BEFORE_THE}{label.lower()}"
    again = sum(max(0.0, min(end, e) - max(start, s)) for s, e in timeline.replays)
    is_replay = candidate.is_replay and start <= candidate.seconds <= end
    about = REPLAY_OF if is_replay or 2 * again >= end - start else AFTER_THE
    return f"{about}{label.lower()}"


def _strongest(candidates: Sequence[_Candidate]) -> list[_Candidate]:
    return [max(candidates, key=lambda candidate: candidate.evidence)] if candidates else []


def _most_likely(candidates: Sequence[_Candidate], seconds: float) -> list[_Candidate]:
    """The event with the most evidence for a time: the action that a replay shows."""

    def evidence_at(candidate: _Candidate) -> float:
        return float(candidate.moment.log_odds(np.array([seconds - candidate.seconds]))[0])

    return [max(candidates, key=evidence_at)] if candidates else []
