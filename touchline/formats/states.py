"""Match clock and score of an event as JSON, in the same keys in every format that has JSON.

``clock`` is a number of match seconds, or the clock as another program writes it, a text such as
``"45+2:10"``. Where an event has both, the text is in ``clock_text``. ``score`` is ``[1, 0]``:
the goals of home and away before the event.
"""

from collections.abc import Mapping
from typing import Any

from touchline.errors import FormatError
from touchline.events import MAX_GOALS, MAX_SECONDS, Event, Score
from touchline.formats.base import Record, SourceFile, is_event_text

STATE_KEYS = ("clock", "clock_text", "score")


def state_to_json(event: Event) -> dict[str, Any]:
    """The keys of an event's match clock and score; empty where it has none."""
    known: dict[str, Any] = {}
    if event.clock_seconds is not None:
        known["clock"] = round(float(event.clock_seconds), 6)
    if event.clock is not None:
        known["clock" if event.clock_seconds is None else "clock_text"] = event.clock
    if event.score is not None:
        known["score"] = list(event.score)
    return known


def state_from_json(record: Record) -> dict[str, Any]:
    """The fields of ``Event`` that ``state_to_json`` wrote.

    Raises:
        FormatError: a clock that is neither match seconds nor a text with digits, or a score that
            is not two numbers of goals.
    """
    fields: dict[str, Any] = {}
    clock, text = record.values.get("clock"), _clock_text(record, "clock_text")
    if isinstance(clock, str):
        if text is not None:
            raise record.error("clock", "a text beside clock_text", "give match seconds: 3790.0")
        text = _clock_text(record, "clock")
    elif clock is not None:
        fields["clock_seconds"] = _clock_seconds(record)
    if text is not None:
        fields["clock"] = text
    if record.values.get("score") is not None:
        fields["score"] = _score(record)
    return fields


def take_state(values: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """The fields of ``Event`` in an object of another program, and the object's other values.

    What is not a clock or a score there is some other value of that program, and stays.
    """
    fields: dict[str, Any] = {}
    rest = dict(values)
    for keys in (("clock", "clock_text"), ("score",)):
        given = {key: rest[key] for key in keys if rest.get(key) is not None}
        try:
            found = state_from_json(Record(SourceFile("", "", b""), given))
        except FormatError:
            continue
        fields |= found
        for key in given:
            del rest[key]
    return fields, rest


def _clock_seconds(record: Record) -> float:
    value = record.values["clock"]
    if not isinstance(value, int | float) or isinstance(value, bool):
        raise record.unexpected("clock", "match seconds such as 3790.0")
    seconds = record.number("clock")
    if not 0 <= seconds <= MAX_SECONDS:
        raise record.error(
            "clock", f"{seconds} is not a match clock", "give seconds from 0: 3790.0"
        )
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
