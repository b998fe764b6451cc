"""Clips say why they are there, and what cannot be right about what was given is said."""

from touchline.editing.doubts import doubts_of_transcripts, events_beyond
from touchline.editing.reasons import reason_of
from touchline.events import Event, Timeline, Video
from touchline.transcripts import Utterance

GOAL = Event(100, "Goal", 0.92, score=(1, 0), note="crowd +12 dB", source="model")
MATCH = Timeline(Video("1.mkv", 2700.0), (GOAL, Event(148, "Kick-off", 0.8)), half=1)


def test_a_reason_holds_the_event_and_what_speaks_for_it():
    said = (Utterance(50, 55, "a penalty"), Utterance(101, 103, "Goal! What a goal"))
    assert reason_of([GOAL], MATCH, said) == (
        "Goal (0.92), score 1-0 before it, crowd +12 dB, kick-off 48 s later; "
        '"goal" in the commentary'
    )
    assert reason_of([Event(5, "Foul", status="accepted")], MATCH, ()) == "Foul (confirmed)"


def test_a_kick_off_that_a_person_has_rejected_is_no_evidence():
    rejected = MATCH.with_events([GOAL, Event(120, "kick-off", 0.8, status="rejected")])
    assert "kick-off" not in reason_of([GOAL], rejected, ())
    assert "kick-off 20 s later" in reason_of(
        [GOAL], MATCH.with_events([GOAL, Event(120, "kick-off", 0.8)]), ()
    )


def test_notes_of_people_are_for_themselves():
    note = Event(5, "Foul", 0.5, note="look again", source="person")
    assert reason_of([note], MATCH, ()) == "Foul (0.50)"


def test_events_behind_the_end_are_said():
    late = MATCH.with_events([*MATCH, Event(2800, "Goal"), Event(3000, "Goal")])
    assert list(events_beyond([MATCH])) == []
    assert list(events_beyond([late])) == [
        "2 events of 1.mkv behind its end at 45:00 cannot be shown"
    ]


SPEECH = tuple(
    Utterance(n, n + 5, "he plays it to the left and on again") for n in range(0, 2600, 40)
)
"""Words enough for a commentary, none of them of a goal."""


def doubts(*said: Utterance, half: int = 1) -> list[str]:
    return list(doubts_of_transcripts([MATCH], {half: said}))


def test_transcripts_that_fit_raise_no_doubt():
    assert doubts(*SPEECH, Utterance(2601, 2603, "Goal!")) == []
    assert list(doubts_of_transcripts([MATCH], {})) == []


def test_transcripts_that_do_not_fit_are_doubted():
    assert "half 1" in doubts(Utterance(1, 2, "a goal"), half=2)[0]
    unknown = tuple(Utterance(n, n + 1, "maalivahti torjuu") for n in range(9))
    assert "no known words" in doubts(*unknown)[0]
    assert "lasts until" in doubts(*SPEECH, Utterance(2900, 2905, "a goal"))[0]
    assert "fewer than 10 words a minute" in doubts(Utterance(101, 103, "Goal!"))[0]


def test_a_commentary_that_speaks_of_no_goal_is_of_another_match():
    goals = MATCH.with_events([Event(100, "Goal"), Event(900, "Goal")])
    other = {1: (*SPEECH, Utterance(2601, 2603, "goal"))}
    (doubt,) = doubts_of_transcripts([goals], other)
    assert "another match" in doubt
