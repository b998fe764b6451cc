"""The probability, step by step, that an editor shows a video.

The curve is learned from what editors show (``choice``), or plain: every event is evidence that
editors show the seconds around it (`moments`), and evidence adds up. A detected event may be wrong,
early or late. Its evidence is therefore the expected likelihood ratio,
``1 + p (E[exp(evidence)] - 1)``, over whether the event took place and when.
"""

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache

import numpy as np
import numpy.typing as npt

from touchline.editing.best_replay import ChosenReplay, best_replay
from touchline.editing.choice.curves import knows, learned_log_odds
from touchline.editing.choice.event_inputs import GROUP_OF, certainty, without_repeats
from touchline.editing.choice.tables import Kind, TableSource
from touchline.editing.delays import delay_of
from touchline.editing.moments import BASE_LOG_ODDS, OTHER_MOMENT, RESTART, Moment
from touchline.events import Event, Timeline
from touchline.match_state import is_goal, is_kick_off
from touchline.thresholds import SHOWN_CONFIDENCE
from touchline.transcripts import Transcript, Transcripts

FloatArray = npt.NDArray[np.float64]

MIN_SHOWN_EVIDENCE = 1.0
"""A moment of less evidence is ranked by itself, not by the events around it."""

MIN_PROBABILITY = 0.05
"""Seconds outside the core of a moment need this probability, even if the reel stays short."""

MIN_LEARNED_PROBABILITY = 0.01
"""Of the learned choice, which knows how rarely editors show what is left."""

STEPS_PER_SECOND = 2

REACH_SECONDS = 90.0
"""Largest distance of a second from an event that is evidence for it."""

MIN_CLIP_SECONDS = 2.0

REPLAY_SHARE = 0.8
"""Evidence of the replay of an action, as a share of that of the action."""

REPLAY_AFTER_SECONDS = (2.0, 75.0)
"""How long after an action its replays begin."""

LEAST_REPLAYED_EVIDENCE = 2.5
"""Only events of classes of at least this evidence bring their replay along."""

CELEBRATION_SECONDS = (8.0, 24.0)
"""From when to when after a goal nothing is shown but known replays: editors show 5 to 9 % of it,
and come back with the replay."""

SURE = 0.9
"""Goals and kick-offs of this confidence are taken for what they are in the plain choice."""

FORGOTTEN_SECONDS = 64.0
"""After a goal with known replays, nothing but one of them is shown of it until then."""

BEHIND_GOAL = 0.999
"""What a goal adds to the seconds around it makes them at most so likely, as a share of itself."""

LONGEST_REPLAY_SECONDS = 20.0
"""Of a longer replay only the first part is shown."""


@dataclass(frozen=True)
class Candidate:
    """The core of a moment that a reel may show, or its replay.

    ``replay`` is that replay; None for the core itself.
    """

    event: Event
    moment: Moment
    seconds: float  # of the event, shifted; of a replay its middle
    start_seconds: float
    end_seconds: float
    evidence: float
    replay: ChosenReplay | None = None
    is_whole: bool = True  # shown whole or not at all

    @property
    def is_replay(self) -> bool:
        """Whether it is a replay of its event."""
        return self.replay is not None


@dataclass(frozen=True, eq=False)
class Curve:
    """The probability that an editor shows each step of one timeline."""

    timeline: Timeline
    seconds: float
    probability: FloatArray  # (steps,) that a step is shown
    candidates: tuple[Candidate, ...]
    least_probability: float = MIN_PROBABILITY
    transcript: Transcript = ()

    @property
    def whole(self) -> list[Candidate]:
        """The candidates that are shown whole or not at all."""
        return [candidate for candidate in self.candidates if candidate.is_whole]

    def score(self, candidate: Candidate) -> float:
        """Probability at the peak of the moment; for weak evidence, of the event by itself."""
        if candidate.moment.evidence < MIN_SHOWN_EVIDENCE:
            return float(_probability(np.array(BASE_LOG_ODDS + candidate.evidence)))
        peak = candidate.seconds + candidate.moment.peak_seconds
        return float(self.probability[_step_of(peak, len(self.probability))])

    @property
    def shown_goals(self) -> list[Candidate]:
        """The candidates that are goals themselves, not replays."""
        return [one for one in self.whole if is_shown_goal(one.event) and not one.is_replay]

    def step_scores(self) -> FloatArray:
        """(steps,) probability, limited inside a core to the score of its candidate."""
        limit = np.zeros(len(self.probability))
        for candidate in self.whole:
            if candidate.moment.evidence >= MIN_SHOWN_EVIDENCE:
                inside = steps_of(candidate.start_seconds, candidate.end_seconds)
                limit[inside] = np.maximum(limit[inside], self.score(candidate))
        return np.where(limit > 0, np.minimum(self.probability, limit), self.probability)

    def worth_outside(self, hidden: Sequence[Candidate]) -> FloatArray:
        """(steps,) probability, 0 in cores that are not shown and where it is below the least."""
        worth = np.where(self.probability < self.least_probability, 0.0, self.probability)
        for core in hidden:
            if core.moment.evidence >= MIN_SHOWN_EVIDENCE:
                worth[steps_of(core.start_seconds, core.end_seconds)] = 0.0
        return worth


@dataclass(frozen=True)
class _Placed:
    """An event with its moment, at its time in the video; and its replay, if one is known."""

    event: Event
    moment: Moment
    seconds: float
    jitter_seconds: float
    replay: ChosenReplay | None = None

    @property
    def core(self) -> tuple[float, float]:
        """The core of its moment; wider, the less certain its time is."""
        start, end = self.moment.core
        spread = 0.0 if certainty(self.event) >= 1 else (self.event.uncertainty_seconds or 0.0)
        return self.seconds + start - spread, self.seconds + end + spread


@dataclass(frozen=True)
class Rules:
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


def heard_in(timeline: Timeline, transcripts: Transcripts) -> Transcript:
    """What was said in a video: the transcript of its half, else that of the whole match."""
    return transcripts.get(timeline.half, transcripts.get(None, ()))


def curve_of(
    timeline: Timeline,
    rules: Rules,
    transcript: Transcript,
    wants: Callable[[Event], bool] = lambda event: True,
) -> Curve:
    """The curve that the events of a video, and what was said, make.

    Args:
        wants: whether an event may be shown. The others only tell which action a replay shows, and
            when play goes on after a goal.
    """
    everything = _placed(timeline, rules)
    placed = [one for one in everything if wants(one.event)]
    length = timeline.video.duration_seconds
    if length is None:
        # The end is unknown, so nothing is shown after the core of the last moment.
        length = max((one.core[1] for one in everything), default=0.0)
    steps = int(np.ceil(length * STEPS_PER_SECOND))
    known = [replace(p.event, seconds=p.seconds) for p in placed if rules.is_learned(p.event)]
    log_odds = np.full(steps, BASE_LOG_ODDS)
    if known and rules.kind is not None:
        middles = (np.arange(steps) + 0.5) / STEPS_PER_SECOND
        log_odds = learned_log_odds(known, rules.kind, transcript, middles, rules.tables)
    apart_from_goals = log_odds.copy()
    candidates: list[Candidate] = []
    by_moment = defaultdict(list)
    for one in placed:
        strength = float(_evidence(one.moment, one.event, one.jitter_seconds).max())
        is_learned = rules.is_learned(one.event)
        candidates += _candidates(one, length, strength, is_whole=not is_learned)
        if not is_learned:
            by_moment[one.event.label, one.moment].append(one)
    for found in by_moment.values():
        log_odds += _summed(found, steps)
        apart_from_goals += _summed([one for one in found if not is_shown_goal(one.event)], steps)
    _add_replays(log_odds, candidates)
    least_probability = MIN_LEARNED_PROBABILITY if known else MIN_PROBABILITY
    probability = _probability(log_odds)
    goals = [one for one in placed if is_shown_goal(one.event) and not rules.is_learned(one.event)]
    _rank_behind_goals(probability, _probability(apart_from_goals), goals)
    restarts = list(_restarted(placed, everything, 1.0 if rules.kind else SURE))
    probability[_celebrated(placed, restarts, candidates, steps)] = 0.0
    return Curve(timeline, length, probability, tuple(candidates), least_probability, transcript)


def limited(curve: Curve, by: Curve) -> Curve:
    """The curve of the events that may be shown, nowhere likelier than all events make it.

    Else what they leave unsaid, such as play that has gone on, would be taken for nothing. The
    cores of the events that may be shown stay as they are, whatever others say of them.

    Args:
        by: the curve of all events of the same video.
    """
    limit = by.probability[: len(curve.probability)].copy()
    for core in curve.candidates:
        limit[steps_of(core.start_seconds, core.end_seconds)] = 1.0
    return replace(curve, probability=np.minimum(curve.probability, limit))


def _summed(found: Sequence[_Placed], steps: int) -> FloatArray:
    """(steps,) evidence of the events of one moment: at each step the largest, not their sum."""
    most, least = np.zeros(steps), np.zeros(steps)
    for one in found:
        evidence = _evidence(one.moment, one.event, one.jitter_seconds)
        first = round(one.seconds * STEPS_PER_SECOND) - len(evidence) // 2
        inside = slice(max(first, 0), max(0, min(first + len(evidence), steps)))
        evidence = evidence[inside.start - first :][: max(0, inside.stop - inside.start)]
        most[inside] = np.maximum(most[inside], evidence)
        least[inside] = np.minimum(least[inside], evidence)
    return most + least


def _rank_behind_goals(
    probability: FloatArray, apart_from_goals: FloatArray, goals: Sequence[_Placed]
) -> None:
    """Limit what a goal adds to the seconds around it: it makes none likelier than itself.

    Else its aftermath, added to the evidence of other events there, would be shown before it.

    Args:
        probability: (steps,) limited in place.
        apart_from_goals: (steps,) what other events alone make; never limited.
    """
    if not goals or not len(probability):
        return
    limit = np.ones_like(probability)
    is_peak = np.zeros(len(probability), np.bool_)
    for goal in sorted(goals, key=lambda goal: probability[_peak_step(goal, len(probability))]):
        peak = _peak_step(goal, len(probability))
        around = goal.seconds - goal.moment.before_seconds, goal.seconds + REACH_SECONDS
        limit[steps_of(max(0.0, around[0]), around[1])] = BEHIND_GOAL * probability[peak]
        is_peak[peak] = True
    limited = np.maximum(apart_from_goals, np.minimum(probability, limit))
    probability[:] = np.where(is_peak, probability, np.minimum(probability, limited))


def _peak_step(placed: _Placed, steps: int) -> int:
    return _step_of(placed.seconds + placed.moment.peak_seconds, steps)


def _step_of(seconds: float, steps: int) -> int:
    return min(max(round(seconds * STEPS_PER_SECOND), 0), steps - 1)


def _celebrated(
    placed: Sequence[_Placed],
    restarts: Sequence[tuple[_Placed, _Placed]],
    candidates: Sequence[Candidate],
    steps: int,
) -> npt.NDArray[np.bool_]:
    """(steps,) where a goal is celebrated; what follows its replay, and the replays left out.

    What else is worth seeing there is not among it: other goals, replays, whole cores.
    """
    found = np.zeros(steps, np.bool_)
    goals = [one for one in placed if is_shown_goal(one.event)]
    start, end = CELEBRATION_SECONDS
    for one in goals:
        after = one.core[1] - one.moment.core[1] + start  # later where its time is uncertain
        found[steps_of(after, max(after, one.seconds + end))] = True
        if one.replay is not None:
            again = one.replay.end_seconds
            found[steps_of(again, max(again, one.seconds + FORGOTTEN_SECONDS))] = True
            for span in one.replay.others:
                found[steps_of(*span)] = True
    for goal, kick_off in restarts:
        found[
            steps_of(kick_off.seconds, max(kick_off.seconds, goal.seconds + FORGOTTEN_SECONDS))
        ] = True
        for other in placed:
            if (
                other.moment.evidence >= LEAST_REPLAYED_EVIDENCE
                and other.seconds > kick_off.seconds
            ):
                found[steps_of(max(0.0, other.seconds - start), other.seconds + start)] = False
    for one in goals:
        found[steps_of(max(0.0, one.seconds - start), one.seconds + start)] = False
    for core in candidates:
        if core.is_whole:
            found[steps_of(core.start_seconds, core.end_seconds)] = False
    return found


def _restarted(
    placed: Sequence[_Placed], everything: Sequence[_Placed], sure: float
) -> Iterator[tuple[_Placed, _Placed]]:
    """Goals with the kick-off after them: then nothing more is shown of the goal.

    Args:
        sure: confidence of both. The tables were learnt with what is only detected, so it is left
            to them.
    """
    certain = [one for one in everything if certainty(one.event) >= sure]
    kick_offs = [one for one in certain if is_kick_off(one.event)]
    for goal in placed:
        if certainty(goal.event) < sure or not is_shown_goal(goal.event):
            continue
        after = [one for one in kick_offs if 0 < one.seconds - goal.seconds < FORGOTTEN_SECONDS]
        if after:
            yield goal, min(after, key=lambda one: one.seconds)


def is_shown_goal(event: Event) -> bool:
    """Whether an event is a goal of a confidence that is named."""
    is_one = is_goal(event) or GROUP_OF.get(event.label) == "goal"
    return is_one and certainty(event) >= SHOWN_CONFIDENCE


def _placed(timeline: Timeline, rules: Rules) -> list[_Placed]:
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
        if event.seconds >= min(0.0, -rules.shift_seconds)
    ]
    replayed: dict[int, list[tuple[float, float]]] = defaultdict(list)
    for start, end in timeline.replays:
        place = _replayed_at(start, placed)
        if place is not None:
            replayed[place].append((start, end))
    restarts = [one.seconds for one in placed if is_kick_off(one.event)]
    for place, replays in replayed.items():
        one = placed[place]
        # Where the replay lies is known, so what usually follows need not be guessed.
        moment = replace(one.moment, aftermath=None)
        replay = best_replay(replays, one.seconds, restarts)
        placed[place] = replace(one, moment=moment, replay=replay)
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


def _add_replays(log_odds: FloatArray, candidates: Sequence[Candidate]) -> None:
    for candidate in candidates:
        if candidate.is_replay:
            inside = steps_of(candidate.start_seconds, candidate.end_seconds)
            shown = BASE_LOG_ODDS + candidate.evidence
            log_odds[inside] = np.maximum(log_odds[inside], shown)


def steps_of(start_seconds: float, end_seconds: float) -> slice:
    """The steps that a stretch of a video touches."""
    first = int(start_seconds * STEPS_PER_SECOND)
    return slice(first, int(np.ceil(end_seconds * STEPS_PER_SECOND)))


def _probability(log_odds: FloatArray) -> FloatArray:
    return 1 / (1 + np.exp(-log_odds))


def _with_moments(
    timeline: Timeline, moments: Mapping[str, Moment]
) -> Iterator[tuple[Event, Moment]]:
    # The first kick-off starts a half, which editors show; later ones count as restarts.
    opened = False
    for event in without_repeats([e for e in timeline if e.status != "rejected"]):
        again = is_kick_off(event) and opened
        opened = opened or is_kick_off(event)
        yield event, RESTART if again else moments.get(event.label, OTHER_MOMENT)


def _candidates(
    placed: _Placed, length: float, evidence: float, *, is_whole: bool
) -> Iterator[Candidate]:
    """The core of a moment, and its replay, as far as they lie in the video."""
    event, moment = placed.event, placed.moment
    start, end = (min(max(edge, 0.0), length) for edge in placed.core)
    if end - start >= shortest_clip(length):
        yield Candidate(event, moment, placed.seconds, start, end, evidence, is_whole=is_whole)
    if placed.replay is not None:
        again = placed.replay
        shown_until = min(again.end_seconds, again.start_seconds + LONGEST_REPLAY_SECONDS)
        start, end = (min(max(edge, 0.0), length) for edge in (again.start_seconds, shown_until))
        if end - start >= shortest_clip(length):
            half = (end - start) / 2
            worth = Moment(REPLAY_SHARE * moment.evidence, half, half)
            shown = REPLAY_SHARE * evidence
            yield Candidate(event, worth, start + half, start, end, shown, again)


def shortest_clip(length: float) -> float:
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
