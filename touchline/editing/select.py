"""Selecting highlights: a curve of probability over time, cut at the level that fits a length."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from textwrap import shorten
from typing import TypedDict, Unpack

import numpy as np

from touchline.editing.boundaries import Span, unbroken_in, with_whole_sentences
from touchline.editing.choice.curves import kind_of
from touchline.editing.choice.event_inputs import certainty
from touchline.editing.choice.tables import TableSource, shipped_table
from touchline.editing.curve import (
    MIN_CLIP_SECONDS,
    Candidate,
    Curve,
    Rules,
    curve_of,
    heard_in,
    limited,
    steps_of,
)
from touchline.editing.fitting import Intervals, fitted, ranked
from touchline.editing.moments import MOMENTS, Moment
from touchline.editing.reasons import reason_of
from touchline.errors import InputError
from touchline.events import Event, Match, Timeline
from touchline.formats.comparing import timelines_of
from touchline.reel import (
    AFTER_THE,
    BEFORE_THE,
    LONGEST_NOTE,
    REPLAY_OF,
    Clip,
    Reel,
    Selection,
    SourceVideo,
)
from touchline.thresholds import SHOWN_CONFIDENCE
from touchline.transcripts import Transcripts

NO_TRANSCRIPTS: Transcripts = {}

MOST_REASONS = 4
"""Events that the reason of a clip tells, the weightiest first."""

DEFAULT_JITTER_SECONDS = 3.0
"""Assumed standard deviation of a detector's times."""


class Choosing(TypedDict, total=False):
    """How clips are chosen: the options of ``selector_of``."""

    moments: Mapping[str, Moment]
    shift_seconds: float
    jitter_seconds: float
    selection: Selection
    transcripts: Transcripts
    correct_delays: bool
    tables: TableSource
    wants: Callable[[Event], bool]


@dataclass(frozen=True, eq=False)
class Selector:
    """What reels are chosen of: the curve of each video. Reels of any length are fitted to it.

    The selectors of several matches, added, choose of all of them together: each match has the
    curves that its own events make, and their likeliest seconds compete for one length.
    """

    curves: tuple[Curve, ...]

    def __add__(self, other: "Selector") -> "Selector":
        return Selector(self.curves + other.curves)

    @cached_property
    def _ranked(self) -> Intervals:
        return ranked(self.curves)

    @cached_property
    def _unbroken(self) -> dict[tuple[str, int | None], tuple[Span, ...]]:
        return {
            (curve.timeline.video.name, curve.timeline.half): unbroken_in(
                curve.timeline, curve.transcript
            )
            for curve in self.curves
        }

    def reel(self, seconds: float) -> Reel:
        """The reel of at most so many seconds, in the order of the videos; empty without events.

        Cores of moments, and the single steps around them, are added in order of probability while
        the reel, with neighbouring intervals joined, fits the length. So a core is shown whole or
        not at all, and more is shown around it where there is more evidence. Where the timeline
        knows the replays, the best replay of an action is such a core, too. A core of a goal that
        does not fit is shortened. Seconds that are left then extend the clips. The learned choice
        has cores only for replays and for events of classes that its tables do not know.

        Raises:
            InputError: a length too short for a clip.
        """
        if not seconds >= MIN_CLIP_SECONDS:
            raise InputError(
                f"a reel of {seconds} s is too short",
                remedy=f"give at least {MIN_CLIP_SECONDS:g} s",
            )
        chosen = fitted(self._ranked, seconds, self.curves)
        timelines = [curve.timeline for curve in self.curves]
        rates = (timeline.video.frame_rate for timeline in timelines)
        clips = tuple(_clips(chosen, self.curves))
        shown = {(clip.video, clip.half) for clip in clips}
        known = (SourceVideo(t.video.name, t.half, t.video.duration_seconds) for t in timelines)
        videos = tuple(v for v in known if v.duration_seconds and (v.name, v.half) in shown)
        rate = next(filter(None, rates), None)
        return Reel(clips, frame_rate=rate, videos=videos, unbroken=self._unbroken)


def selector_of(
    match: Match | Timeline,
    *,
    moments: Mapping[str, Moment] = MOMENTS,
    shift_seconds: float = 0.0,
    jitter_seconds: float = DEFAULT_JITTER_SECONDS,
    selection: Selection = "learned",
    transcripts: Transcripts = NO_TRANSCRIPTS,
    correct_delays: bool = True,
    tables: TableSource = shipped_table,
    wants: Callable[[Event], bool] = lambda event: True,
) -> Selector:
    """What the reels of a match are chosen of.

    Rejected events are left out; accepted ones count as certain.

    Args:
        moments: the evidence of events, by label.
        shift_seconds: added to the time of every event; negative for a detector that is late. One
            that is not 0 takes the place of known delays.
        jitter_seconds: standard deviation of the times of detected events that do not state their
            uncertainty. Events that are accepted or have confidence 1 are exact.
        selection: learned, or plain, which reads no transcript.
        transcripts: what was said, by half.
        correct_delays: whether known delays of the detector are taken off.
        tables: where the tables of the learned choice come from.
        wants: whether an event may be shown. Nothing is shown for the others, but seconds that
            they make unlikely, such as play after a kick-off, are.

    Raises:
        InputError: a negative jitter.
    """
    if not 0 <= jitter_seconds < np.inf:
        raise InputError(f"a jitter of {jitter_seconds} s", remedy="give 0 s or more")

    def rules_for(events: Sequence[Event]) -> Rules:
        kind = kind_of(events) if selection == "learned" else None
        return Rules(moments, shift_seconds, jitter_seconds, correct_delays, kind, tables)

    own = [event for event in match.events if wants(event)]
    rules, rules_of_all = rules_for(own), rules_for(match.events)
    curves = []
    for timeline in timelines_of(match):
        heard = heard_in(timeline, transcripts)
        curve = curve_of(timeline, rules, heard, wants)
        if len(own) < len(match.events):
            curve = limited(curve, curve_of(timeline, rules_of_all, heard))
        curves.append(curve)
    return Selector(tuple(curves))


def select(match: Match | Timeline, seconds: float = 180.0, **how: Unpack[Choosing]) -> Reel:
    """The highlights of a match: see ``selector_of`` and ``Selector.reel``. Clips do not begin or
    end within sentences of the transcripts, nor within wipes.

    Raises:
        InputError: a length too short for a clip, or a negative jitter.
    """
    return with_whole_sentences(selector_of(match, **how).reel(seconds), seconds)


def _clips(chosen: Intervals, curves: Sequence[Curve]) -> Iterator[Clip]:
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
            score=round(float(curve.probability[steps_of(start, end)].max()), 4),
            half=curve.timeline.half,
            events=tuple(dict.fromkeys(candidate.event for candidate in shown)),
            title=_title(_strongest(shown)[0], start, end, curve.timeline) if shown else None,
            reason=_reason(shown, curve) if shown else None,
        )


def _reason(shown: Sequence[Candidate], curve: Curve) -> str:
    """Why a clip is shown, the weightiest event first."""
    ranked = sorted(shown, key=lambda candidate: -candidate.evidence)
    events = tuple(dict.fromkeys(candidate.event for candidate in ranked))
    reason = reason_of(events[:MOST_REASONS], curve.timeline, curve.transcript)
    replays = [one.replay.reason for one in ranked if one.replay is not None]
    return "; ".join([reason, *replays])


def _title(candidate: Candidate, start: float, end: float, timeline: Timeline) -> str:
    """Such as ``Goal: 1-0 for ARS``: the class, and what the model says of the event."""
    event = candidate.event
    title = _subject(candidate, start, end, timeline)
    if event.note is None or event.source not in (None, "model"):
        return title  # notes of people are for themselves
    return f"{title}: {shorten(event.note, LONGEST_NOTE, placeholder='...')}"


def _subject(candidate: Candidate, start: float, end: float, timeline: Timeline) -> str:
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


def _strongest(candidates: Sequence[Candidate]) -> list[Candidate]:
    return [max(candidates, key=lambda candidate: candidate.evidence)] if candidates else []


def _most_likely(candidates: Sequence[Candidate], seconds: float) -> list[Candidate]:
    """The event with the most evidence for a time: the action that a replay shows."""

    def evidence_at(candidate: Candidate) -> float:
        return float(candidate.moment.log_odds(np.array([seconds - candidate.seconds]))[0])

    return [max(candidates, key=evidence_at)] if candidates else []
