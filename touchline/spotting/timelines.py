"""From the curves of a video to its timeline, as the card of the model defines."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from touchline.events import DELAYS_CORRECTED, Event, Producer, Timeline, Video
from touchline.labels import LABEL_SETS, LabelSet
from touchline.scores import Scores
from touchline.spotting.peaks import MIN_CONFIDENCE, Suppression, find_peaks
from touchline.timebase import format_seconds
from touchline.zoo.cards import ModelCard

DEFAULT_THRESHOLD = 0.05
"""Events below this confidence are left out of timelines: low enough not to change a score."""


@dataclass(frozen=True)
class ScoredVideo:
    """The curves of one video, and how far it could be read.

    Attributes:
        stopped_at_seconds: where reading ended early because the file is damaged; else None.
        remarks: what else whoever reads the events should know.
    """

    video: Video
    scores: Scores
    stopped_at_seconds: float | None
    remarks: tuple[str, ...] = ()


def timeline_of(
    scored: ScoredVideo, card: ModelCard, suppression: Suppression, threshold: float
) -> Timeline:
    """The events that scored curves show, above a confidence."""
    warnings = scored.remarks
    if scored.stopped_at_seconds is not None:
        stop = format_seconds(scored.stopped_at_seconds)
        cut = f"the file is damaged or cut off: events are known up to {stop} only"
        warnings = (cut, *warnings)
    return Timeline(
        scored.video,
        without_delays(find_peaks(scored.scores, suppression, threshold), card),
        labels=published_set(card.label_set),
        model=producer_of(card),
        warnings=warnings,
        scores=scored.scores,
        extra=known_delays(card),
    )


def known_delays(card: ModelCard) -> Mapping[str, bool]:
    """The further field of a timeline whose known delays are taken off."""
    return {DELAYS_CORRECTED: True} if card.delays else {}


def without_delays(events: Iterable[Event], card: ModelCard) -> tuple[Event, ...]:
    """The events at the times of the actions, as far as the card knows the delays."""
    return tuple(
        replace(event, seconds=max(0.0, event.seconds - card.delays.get(event.label, 0.0)))
        for event in events
    )


def suppression_of(card: ModelCard) -> Suppression:
    """The card's rule for peaks, or the usual one."""
    rule = card.suppression
    if rule is None:
        return Suppression()
    return Suppression(rule.kind, rule.window_seconds, rule.floor or MIN_CONFIDENCE)


def published_set(labels: LabelSet) -> LabelSet:
    """The published set of the same classes: networks may order them differently."""
    return next((known for known in LABEL_SETS.values() if set(known) == set(labels)), labels)


def producer_of(card: ModelCard) -> Producer:
    """Such as ``e2e-spot-rny002-gsm-gru`` with the weights ``demo``."""
    parts = (card.system, card.config.get("feature_arch"), card.config.get("temporal_arch"))
    architecture = "-".join(str(part).replace("_", "-") for part in parts if part)
    return Producer(architecture, card.name, next(iter(card.files.values()), None))
