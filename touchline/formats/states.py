"""Match clock, score and uncertainty of an event as JSON, in the same keys in every format that
has JSON.

``clock`` is a number of match seconds, or the clock as another program writes it, a text such as
``"45+2:10"``. Where an event has both, the text is in ``clock_text``. ``score`` is ``[1, 0]``:
the goals of home and away before the event. ``uncertainty`` is how far the time of the event may be
off, in seconds to either side.
"""

from collections.abc import Mapping
from typing import Any

from touchline.errors import FormatError
from touchline.events import MAX_GOALS, MAX_SECONDS, Event, Score
from touchline.formats.base import Record, SourceFile, is_event_text

STATE_KEYS = ("clock", "clock_text", "score", "uncertainty")


def state_to_json(event: Event) -> dict[str, Any]:
    """The keys of an event's match clock, score and uncertainty; empty where it has none."""
    known: dict[str, Any] = {}
    if event.clock_seconds is not None:
        known["clock"] = round(float(event.clock_seconds), 6)
    if event.clock is not None:
        known["clock" if event.clock_seconds is None else "clock_text"] = event.clock
    if event.score is not None:
        known["score"] = list(event.score)
    if event.uncertainty_seconds is not None:
        known["uncertainty"] = round(float(event.uncertainty_seconds), 6)
    return known


def state_from_json(record: Record) -> dict[str, Any]:
    """The fields of ``Event`` that ``state_to_json`` wrote.

    Raises:
        FormatError: a clock that is neither match seconds nor a text with digits, a score that is
            not two numbers of goals, or an uncertainty below 0.
    """
    fields: dict[str, Any] = {}
    clock, text = record.values.get("clock"), _clock_text(record, "clock_text")
    if isinstance(clock, str):
        if text is not None:
            raise record.error("clock", "a text beside clock_text", "give match seconds: 3790.0")
        text = _clock_text(record, "clock")
    elif clock is not None:
        fields["clock_seconds"] = _seconds(record, "clock", "match seconds such as 3790.0")
    if text is not None:
        fields["clock"] = text
    if record.values.get("score") is not None:
        fields["score"] = _score(record)
    if record.values.get("uncertainty") is not None:
        fields["uncertainty_seconds"] = _seconds(record, "uncertainty", "seconds such as 4.5")
    return fields


def take_state(values: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """The fields of ``Event`` in an object of another program, and the object's other values.

    What is not a clock, a score or an uncertainty there is some other value of that program, and
    stays.
    """
    fields: dict[str, Any] = {}
    rest = dict(values)
    for keys in (("clock", "clock_text"), ("score",), ("uncertainty",)):
        given = {key: rest[key] for key in keys if rest.get(key) is not None}
        try:
            found = state_from_json(Record(SourceFile("", "", b""), given))
        except FormatError:
            continue
        fields |= found
        for key in given:
            del rest[key]
    return fields, rest


def _seconds(record: Record, key: str, wanted: str) -> float:
    value = record.values[key]
    if not isinstance(value, int | float) or isinstance(value, bool):
        raise record.unexpected(key, wanted)
    seconds = record.number(key)
    if not 0 <= seconds <= MAX_SECONDS:
        raise record.error(key, f"{seconds} is out of range", f"give {wanted}")
    return seconds


def _clock_text(record: Record, key: str) -> str | None:
    text = record.optional_text(key)
    if text is not None and not is_event_text("clock", text):
        raise record.error(
            key, f"{text[:40]!r} is not a match clock", 'give seconds, 3790.0, or a text, "45+2:10"'
        )
    return text


def _score(record: Record) -> Score:
    value = record.values["score"]
    if not isinstance(value, list) or len(value) != 2 or not all(map(_is_goals, value)):
        raise record.unexpected("score", "the goals of home and away, such as [1, 0]")
    return value[0], value[1]


def _is_goals(value: object) -> bool:
    return type(value) is int and 0 <= value <= MAX_GOALS
