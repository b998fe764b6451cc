"""A reel holds the best moments that fit, in match order, and nothing that a person rejected."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from touchline.editing.select import JOIN_GAP_SECONDS, MOMENTS, select
from touchline.errors import InputError
from touchline.events import Event, Match, Timeline, Video
from touchline.labels import SOCCERNET_V2


def timeline(*events: Event, duration: float | None = 2700.0, half: int | None = None) -> Timeline:
    return Timeline(Video("match.mp4", duration), events, labels=SOCCERNET_V2, half=half)


events = st.lists(
    st.builds(
        Event,
        st.floats(0, 2700),
        st.sampled_from(SOCCERNET_V2.labels),
        st.floats(0, 1),
    ),
    max_size=40,
)


@given(events, st.floats(2, 600))
def test_a_reel_fits_its_length_in_order_and_inside_the_video(found, seconds):
    reel = select(timeline(*found), seconds)
    assert reel.seconds <= seconds + 0.001 * len(reel) + 1e-6
    starts = [clip.start_seconds for clip in reel]
    assert starts == sorted(starts)
    for clip in reel:
        assert 0 <= clip.start_seconds < clip.end_seconds <= 2700
    for earlier, later in zip(reel.clips, reel.clips[1:], strict=False):
        assert later.start_seconds - earlier.end_seconds > JOIN_GAP_SECONDS - 0.002


def test_a_goal_comes_before_any_throw_in_and_shows_its_whole_window():
    reel = select(timeline(Event(500, "Throw-in", 0.99), Event(100, "Goal", 0.6)), seconds=16)
    assert [clip.title for clip in reel] == ["Goal"]
    goal = MOMENTS["Goal"]
    assert reel.clips[0].start_seconds == 100 - goal.before_seconds
    assert reel.clips[0].end_seconds == 100 + goal.after_seconds


def test_near_moments_become_one_clip_that_names_both():
    reel = select(timeline(Event(100, "Shots on target", 0.9), Event(101, "Goal", 0.9)))
    assert len(reel) == 1
    assert [event.label for event in reel.clips[0].events] == ["Shots on target", "Goal"]


def test_rejected_events_stay_out_and_accepted_ones_count_as_certain():
    rejected = Event(100, "Goal", 0.99, status="rejected")
    accepted = Event(900, "Goal", 0.1, status="accepted")
    doubtful = Event(1500, "Goal", 0.5)
    reel = select(timeline(rejected, accepted, doubtful), seconds=17)
    assert [event.seconds for clip in reel for event in clip.events] == [900]


def test_halves_follow_each_other_and_compete_for_one_length():
    first = timeline(Event(2000, "Goal", 0.9), Event(50, "Foul", 0.9), half=1)
    second = timeline(Event(10, "Goal", 0.8), half=2)
    reel = select(Match("a/b/c", (first, second)), seconds=32)
    assert [(clip.half, clip.title) for clip in reel] == [(1, "Goal"), (2, "Goal")]


def test_moments_at_both_ends_of_the_video_are_cut_to_it():
    reel = select(timeline(Event(0, "Goal"), Event(2700, "Goal")))
    assert reel.clips[0].start_seconds == 0
    assert reel.clips[-1].end_seconds == 2700


def test_the_best_moment_is_shortened_rather_than_dropped():
    reel = select(timeline(Event(100, "Goal")), seconds=4)
    assert reel.seconds == pytest.approx(4)
    assert reel.clips[0].start_seconds < 100 < reel.clips[0].end_seconds


def test_a_late_detector_is_shifted_back():
    late = select(timeline(Event(105, "Goal")), shift_seconds=-5)
    exact = select(timeline(Event(100, "Goal")))
    assert late.clips[0].start_seconds == exact.clips[0].start_seconds


def test_no_events_make_an_empty_reel():
    assert len(select(timeline())) == 0


@pytest.mark.parametrize("seconds", [0, -1, float("nan")])
def test_a_length_that_shows_nothing_is_refused(seconds):
    with pytest.raises(InputError, match="too short"):
        select(timeline(Event(1, "Goal")), seconds)
