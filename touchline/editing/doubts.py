"""What cannot be right about the events and the transcripts of a match, in words."""

from collections.abc import Iterator, Sequence

from touchline.editing.choice.curves import FEWEST_WORDS_A_MINUTE, is_sparse
from touchline.editing.choice.event_inputs import GROUPS, certainty
from touchline.editing.choice.word_inputs import LANGUAGES, groups_of, knows_language, words_of
from touchline.events import Timeline
from touchline.runtime.wording import counted
from touchline.timebase import format_seconds
from touchline.transcripts import Transcript, Transcripts

BEYOND_SECONDS = 30.0
"""Speech this long after the end of a video is of another recording."""

HEARD_SECONDS = (-5.0, 45.0)
"""Where a goal is spoken of, from the goal on."""

SURE = 0.9
"""Goals of this confidence are asked for in the commentary."""

FEWEST_GOALS = 2


def events_beyond(timelines: Sequence[Timeline]) -> Iterator[str]:
    """A remark on each video with events before its start or behind its end."""
    for timeline in timelines:
        early = [event for event in timeline if event.seconds < 0]
        if early:
            yield (
                f"{counted(len(early), 'event')} of {timeline.video.name} before its start cannot "
                "be shown"
            )
        end = timeline.video.duration_seconds
        late = [e for e in timeline if end is not None and e.seconds > end]
        if late and end is not None:
            yield (
                f"{counted(len(late), 'event')} of {timeline.video.name} behind its end at "
                f"{format_seconds(end)} cannot be shown"
            )


def doubts_of_transcripts(timelines: Sequence[Timeline], transcripts: Transcripts) -> Iterator[str]:
    """Remarks on transcripts that are missing, of another match, or in an unknown language."""
    if not transcripts:
        return
    halves = {timeline.half for timeline in timelines}
    for half in sorted(halves - set(transcripts) if None not in transcripts else (), key=str):
        yield f"no transcript of half {half}: it is chosen by its events"
    heard = [(t, transcripts.get(t.half, transcripts.get(None, ()))) for t in timelines]
    for timeline, transcript in heard:
        yield from _doubts(timeline, transcript)
    if _no_goal_is_heard(heard):
        yield "no goal is spoken of in the transcripts when it falls: are they of another match?"


def _doubts(timeline: Timeline, transcript: Transcript) -> Iterator[str]:
    name = timeline.video.name
    if not transcript:
        return
    if not knows_language(transcript):
        known = ", ".join(LANGUAGES)
        yield f"the transcript of {name} has no known words and is not used (known: {known})"
    end = timeline.video.duration_seconds
    last_event = max((event.seconds for event in timeline), default=0.0)
    if is_sparse(transcript, last_event if end is None else end):
        yield (
            f"the transcript of {name} has fewer than {FEWEST_WORDS_A_MINUTE:g} words a minute and "
            "is not used"
        )
    if end is not None and transcript[-1].end_seconds > end + BEYOND_SECONDS:
        last = format_seconds(transcript[-1].end_seconds)
        yield f"the transcript of {name} lasts until {last}, the video until {format_seconds(end)}"


def _no_goal_is_heard(heard: Sequence[tuple[Timeline, Transcript]]) -> bool:
    goals = [
        (event.seconds, transcript)
        for timeline, transcript in heard
        for event in timeline
        if event.label in GROUPS["goal"] and certainty(event) >= SURE and knows_language(transcript)
    ]
    return len(goals) >= FEWEST_GOALS and not any(_is_heard(*goal) for goal in goals)


def _is_heard(seconds: float, transcript: Transcript) -> bool:
    low, high = (seconds + bound for bound in HEARD_SECONDS)
    return any(
        "goal" in groups_of(word)
        for one in transcript
        if low <= one.start_seconds <= high
        for word in words_of(one.text)
    )
