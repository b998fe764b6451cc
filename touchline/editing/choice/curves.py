"""From a timeline, and what was said, to log-odds of being shown for every step."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from touchline.editing.choice.event_inputs import GROUP_OF, GROUPS, certainty
from touchline.editing.choice.tables import Kind, TableSource
from touchline.editing.choice.word_inputs import knows_language
from touchline.events import Event
from touchline.transcripts import Transcript

FloatArray = npt.NDArray[np.float64]

CERTAIN_SHARE = 0.5
"""From this share of certain events on, a timeline counts as one of certain events."""

FEWEST_EVENTS = 20
FEWEST_GROUPS = 6
"""Groups of classes, and events of them, that a match has at least."""

FEWEST_WORDS_A_MINUTE = 10.0
"""A transcript with fewer says nothing: what was recognised is no commentary."""


def knows(event: Event) -> bool:
    """Whether the tables know the class of an event."""
    return event.label in GROUP_OF


def kind_of(events: Sequence[Event]) -> Kind | None:
    """Which table the events of a match are for; None where they are too few for any.

    The tables know whole matches, in which the ball is out and free-kicks are given between the
    goals. Goals alone, as a score tells them, are not such a match.
    """
    known = [event for event in events if knows(event) and event.status != "rejected"]
    if len(known) < FEWEST_EVENTS or len({GROUP_OF[e.label] for e in known}) < FEWEST_GROUPS:
        return None
    certain = [event for event in known if certainty(event) >= 1]
    if len(certain) >= CERTAIN_SHARE * len(known):
        return "confirmed"
    goals = [event for event in known if event.label in GROUPS["goal"]]
    return "goals" if goals and all(certainty(goal) >= 1 for goal in goals) else "detections"


def learned_log_odds(
    events: Sequence[Event],
    kind: Kind,
    transcript: Transcript,
    seconds: FloatArray,
    tables: TableSource,
) -> FloatArray:
    """(n,) log-odds that an editor shows each of n evenly spaced times of one video.

    Args:
        events: at their likeliest times, each action once.
    """
    table = tables(kind, says_something(transcript, seconds))
    return table.log_odds(events, transcript, seconds)


def says_something(transcript: Transcript, seconds: FloatArray) -> bool:
    """Whether a transcript is one of a commentary on these times."""
    if not transcript or not len(seconds):
        return False
    return not is_sparse(transcript, seconds[-1]) and knows_language(transcript)


def is_sparse(transcript: Transcript, end_seconds: float) -> bool:
    """Whether a transcript has too few words of a video that ends there to be a commentary."""
    inside = [one for one in transcript if one.start_seconds <= end_seconds]
    words = sum(len(one.text.split()) for one in inside)
    return words < FEWEST_WORDS_A_MINUTE * end_seconds / 60
