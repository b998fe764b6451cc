"""Values of events that can be read but hardly be meant, for the warnings of every format.

They are kept as they are: published networks do write confidences above 1, and the official metric
takes them.
"""

from collections.abc import Callable, Iterator

from touchline.events import Event
from touchline.formats.base import Content
from touchline.formats.comparing import events_in
from touchline.runtime.wording import counted
from touchline.timebase import format_seconds


def doubtful(content: Content) -> list[str]:
    """Confidences outside 0 to 1 and ends before starts: how many, and the first of each."""
    return [*_named(content, "confidence", "outside 0 to 1", _odd_confidence),
            *_named(content, "end", "before the start", _early_end)]  # fmt: skip


def _named(
    content: Content, thing: str, what: str, odd: Callable[[Event], float | None]
) -> Iterator[str]:
    found = [(event, value) for event in events_in(content) if (value := odd(event)) is not None]
    if found:
        event, value = found[0]
        place = f"{event.label[:60]!r} at {format_seconds(event.seconds, 1)}"
        yield f"{counted(len(found), thing)} {what} (first: {value:g}, {place}), kept as written"


def _odd_confidence(event: Event) -> float | None:
    return None if 0 <= event.confidence <= 1 else event.confidence


def _early_end(event: Event) -> float | None:
    """The end in seconds of an event that other programs gave a length below 0."""
    end = event.extra.get("end")
    if isinstance(end, bool) or not isinstance(end, int | float) or end >= event.seconds:
        return None
    return float(end)
