"""Which events of a file are to be reviewed: what a model found, unless the file says otherwise."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from touchline.events import Event, Match, Status, Timeline
from touchline.formats import FORMATS, Content
from touchline.runtime.wording import counted
from touchline.server.errors import ConflictError

_PREDICTIONS = ("soccernet-results", "soccernet-ball-results")
"""Formats that hold nothing but what models found."""


def with_statuses(
    events: Sequence[Event], *, are_predictions: bool, sure: Status | None
) -> list[Event]:
    """Events that all have a status: their own, else pending for predictions, accepted for labels.

    A confidence below 1 makes a prediction; what a person added is a label. Beside predictions, a
    confidence of 1 may be a model's as well as a person's.

    Args:
        are_predictions: the file says of all its events that a model found them.
        sure: the status of events that state none and have a confidence of 1; None for what they
            are.

    Raises:
        ConflictError: it cannot be told what these events are, and ``sure`` does not say it.
    """
    without = [event for event in events if event.status is None and event.source is None]
    unclear = [event for event in without if event.confidence >= 1]
    if sure is None and not are_predictions and 0 < len(unclear) < len(without):
        raise ConflictError(
            f"{len(unclear)} of {counted(len(without), 'event')} have a confidence of 1 and no "
            "status, beside predictions: say with sure=accepted or sure=pending what they are"
        )
    return [
        event if event.status else replace(event, status=_status(event, are_predictions, sure))
        for event in events
    ]


def _status(event: Event, are_predictions: bool, sure: Status | None) -> Status:
    if event.source == "person":
        return "accepted"
    if event.confidence >= 1 and sure is not None:
        return sure
    is_found = are_predictions or event.source == "model" or event.confidence < 1
    return "pending" if is_found else "accepted"


def holds_predictions(content: Content, path: Path, format: str | None) -> bool:
    """Whether a file says that all its events are those of a model."""
    names = {FORMATS[name].file_name for name in _PREDICTIONS}
    if format in _PREDICTIONS or path.name in names:
        return True
    if isinstance(content, Match):
        return any(timeline.model for timeline in content.timelines)
    return isinstance(content, Timeline) and content.model is not None
