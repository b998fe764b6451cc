"""Why a clip is in a reel, in words: its events, and what else speaks for them."""

from collections.abc import Sequence
from textwrap import shorten

from touchline.editing.choice.event_inputs import certainty
from touchline.editing.choice.word_inputs import groups_of, spellings_of
from touchline.events import Event, Timeline
from touchline.labels import GOAL
from touchline.match_state import format_score, is_kick_off
from touchline.reel import LONGEST_NOTE
from touchline.transcripts import Transcript

KICK_OFF_WITHIN_SECONDS = 150.0
"""A goal is followed by a kick-off within this."""

HEARD_SECONDS = (-4.0, 20.0)
"""Where the commentary on an event lies, from the event on."""

TOLD_GROUPS = frozenset({"goal", "shot", "save", "penalty", "card"})
"""Groups of words that are told where they are heard."""

MOST_WORDS = 3


def reason_of(events: Sequence[Event], timeline: Timeline, transcript: Transcript) -> str:
    """Such as ``Goal (0.92), score 1-0, kick-off 48 s later; "goal" in the commentary``.

    Args:
        events: those that the clip is there for.
    """
    parts = ", ".join(_told(event, timeline) for event in events)
    heard = [word for event in events for word in _heard(event, transcript)]
    words = " and ".join(f'"{word}"' for word in list(dict.fromkeys(heard))[:MOST_WORDS])
    return f"{parts}; {words} in the commentary" if words else parts


def _told(event: Event, timeline: Timeline) -> str:
    sure = "confirmed" if certainty(event) >= 1 else f"{event.confidence:.2f}"
    said = [f"{event.label} ({sure})"]
    if event.score is not None:
        said.append(f"score {format_score(event.score)} before it")
    if event.note is not None and event.source in (None, "model"):
        said.append(shorten(event.note, LONGEST_NOTE, placeholder="..."))
    if event.label.lower() == GOAL.lower():
        kick_offs = (e for e in timeline if is_kick_off(e) and e.status != "rejected")
        after = (e.seconds - event.seconds for e in kick_offs)
        soon = min((gap for gap in after if 0 < gap <= KICK_OFF_WITHIN_SECONDS), default=None)
        said += [] if soon is None else [f"kick-off {soon:.0f} s later"]
    return ", ".join(said)


def _heard(event: Event, transcript: Transcript) -> list[str]:
    low, high = (event.seconds + bound for bound in HEARD_SECONDS)
    return [
        word.lower()
        for one in transcript
        if one.end_seconds >= low and one.start_seconds <= high
        for word in spellings_of(one.text)
        if groups_of(word.lower()) & TOLD_GROUPS
    ]
