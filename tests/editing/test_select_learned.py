"""The learned choice: what a match of detections and words gives, within every bound."""

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from touchline.editing.select import select
from touchline.events import Event, Match, Timeline, Video
from touchline.labels import SOCCERNET_V2
from touchline.transcripts import Utterance

LENGTH = 2700.0
GOALS = (612.0, 1890.0)
QUIET = ("Throw-in", "Ball out of play", "Foul", "Clearance", "Direct free-kick", "Corner")


def half(*more: Event, certain: bool = False, number: int = 1) -> Timeline:
    """A half in which the ball is out, and what else is given."""
    draw = random.Random(number)
    confidence = 1.0 if certain else 0.8
    events = [
        Event(draw.uniform(0, LENGTH), draw.choice(QUIET), confidence) for _ in range(60)
    ] + [Event(0, "Kick-off", confidence)]  # fmt: skip
    return Timeline(Video(f"{number}.mkv", LENGTH), (*events, *more), SOCCERNET_V2, number)


def shown(reel, seconds: float) -> bool:
    return any(clip.start_seconds <= seconds <= clip.end_seconds for clip in reel)


@pytest.mark.parametrize("certain", [False, True])
def test_goals_are_shown_from_their_build_up_on(certain):
    confidence = 1.0 if certain else 0.95
    goals = [Event(seconds, "Goal", confidence) for seconds in GOALS]
    reel = select(half(*goals, certain=certain), 60)
    for seconds in GOALS:
        assert shown(reel, seconds) and shown(reel, seconds - 4)
        assert any(clip.title == "Goal" for clip in reel)


@settings(max_examples=10, deadline=None)
@given(
    st.lists(
        st.builds(
            Event, st.floats(0, LENGTH), st.sampled_from(SOCCERNET_V2.labels), st.floats(0, 1)
        ),
        max_size=10,
    ),
    st.floats(2, 4000),
)
def test_a_reel_fits_its_length_in_order_and_inside_the_video(more, seconds):
    reel = select(half(*more), seconds)
    assert len(reel) and reel.seconds <= seconds + 0.001 * len(reel) + 1e-6
    starts = [clip.start_seconds for clip in reel]
    assert starts == sorted(starts)
    for earlier, later in zip(reel.clips, reel.clips[1:], strict=False):
        assert later.start_seconds > earlier.end_seconds
    assert all(0 <= clip.start_seconds < clip.end_seconds <= LENGTH for clip in reel)


def test_certain_goals_come_before_doubtful_ones():
    goals = (
        Event(GOALS[0], "Goal", status="accepted", confidence=0.4),
        Event(GOALS[1], "Foul", 0.4),
    )
    reel = select(half(*goals), 14)
    assert shown(reel, GOALS[0]) and not shown(reel, GOALS[1])


def test_words_tell_what_events_do_not():
    quiet = [
        Utterance(10.0 * n, 10.0 * n + 4, "and the throw goes back to the left") for n in range(270)
    ]
    said = (
        *quiet, Utterance(1501.0, 1504.0, "What a goal! What a shot!"),
        Utterance(1505.0, 1509.0, "A brilliant goal, he scores!"),
    )  # fmt: skip
    shot = Event(1500.0, "Shots on target", 0.6)
    other = Event(700.0, "Shots on target", 0.6)
    reel = select(half(shot, other), 16, transcripts={1: tuple(sorted(said))})
    assert shown(reel, 1500.0) and not shown(reel, 700.0)
    assert '"goal"' in next(c.reason for c in reel if c.start_seconds <= 1500 <= c.end_seconds)


def test_few_events_are_chosen_as_by_the_plain_choice():
    score = Timeline(Video("match", LENGTH), (Event(600, "Goal", 0.9), Event(0, "Kick-off", 0.9)))
    assert select(score, 30) == select(score, 30, selection="plain")


def test_both_halves_compete_for_one_length():
    goals = [Event(seconds, "Goal", 0.95) for seconds in GOALS]
    reel = select(Match("g", (half(*goals), half(*goals, number=2))), 60)
    assert {clip.half for clip in reel} == {1, 2}


def test_late_detections_of_the_pooling_networks_are_taken_back():
    """No two of a class are nearer than 10 s, many are that near; goals are 6 s late."""
    outs = [
        Event(float(at), label, 0.7)
        for label in QUIET
        for start in range(20, 2600, 200)
        for at in (start, start + 10)
    ]
    late = Timeline(Video("1", LENGTH), (*outs, Event(1006.0, "Goal", 0.95)), half=1)
    taken = select(late, 12)
    as_found = select(late, 12, correct_delays=False)
    start, usual = (next(c for c in reel if c.title == "Goal") for reel in (taken, as_found))
    assert usual.start_seconds - start.start_seconds == pytest.approx(6, abs=1.5)
