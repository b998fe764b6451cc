"""The plain choice: the best moments that fit, in match order, none that a person rejected."""

from functools import partial

import pytest
from hypothesis import given
from hypothesis import strategies as st

from touchline.editing.fitting import JOIN_GAP_SECONDS
from touchline.editing.moments import MOMENTS
from touchline.editing.select import select as choose
from touchline.errors import InputError
from touchline.events import Event, Match, Timeline, Video
from touchline.labels import SOCCERNET_V2

select = partial(choose, selection="plain")


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


@given(events, st.floats(2, 600), st.floats(0, 20))
def test_a_reel_fits_its_length_in_order_and_inside_the_video(found, seconds, jitter):
    reel = select(timeline(*found), seconds, jitter_seconds=jitter)
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
    begin, end = MOMENTS["Goal"].core
    assert reel.clips[0].start_seconds <= 100 + begin
    assert reel.clips[0].end_seconds >= 100 + end


EVENTFUL_GOAL = (
    Event(600, "Goal", 0.9),
    Event(612, "Corner", 0.9),
    Event(622, "Shots on target", 0.9),
    Event(637, "Yellow card", 0.9),
    Event(2000, "Foul", 0.9),
)


@pytest.mark.parametrize("seconds", [4, 10, 15, 20, 30])
def test_a_goal_is_shown_before_what_happens_near_it_and_seconds_are_not_left_unused(seconds):
    reel = select(timeline(*EVENTFUL_GOAL), seconds)
    assert reel.clips[0].title == "Goal"
    assert reel.clips[0].start_seconds < 599 < 600.5 < reel.clips[0].end_seconds
    assert seconds - 0.5 <= reel.seconds <= seconds + 0.01


def test_a_goal_of_uncertain_time_is_shortened_not_passed_over():
    goal = Event(100, "Goal", 0.9, uncertainty_seconds=15)
    reel = select(timeline(goal, Event(900, "Goal", 0.95), Event(125, "Offside", 0.9)), 20)
    assert [clip.title for clip in reel] == ["Goal", "Goal"]
    assert reel.seconds == pytest.approx(20, abs=0.5)


@pytest.mark.parametrize(
    ("events", "seconds"),
    [
        ((Event(30.03, "Goal"), Event(38.08, "Goal")), 15),
        ((Event(14.16, "Substitution"), Event(28.25, "Goal", 0.95, uncertainty_seconds=15)), 30),
    ],
)
def test_a_shortened_goal_and_what_lies_between_it_and_its_neighbour_fit(events, seconds):
    assert seconds - 1 < select(timeline(*events), seconds).seconds <= seconds + 0.01


def test_what_stands_on_its_own_is_shown_before_a_doubtful_goal():
    reel = select(timeline(Event(600, "Goal", 0.3), Event(622, "Shots on target", 1.0)), 8)
    assert [clip.title for clip in reel] == ["Shots on target"]


def test_near_moments_become_one_clip_that_names_both():
    reel = select(timeline(Event(100, "Shots on target", 0.9), Event(101, "Goal", 0.9)))
    assert [event.label for event in reel.clips[0].events] == ["Shots on target", "Goal"]
    assert reel.clips[0].title == "Goal"


def test_a_clip_names_faint_events_only_for_want_of_better():
    faint = Event(101, "Yellow card", 0.05)
    (clip,) = select(timeline(Event(100, "Goal", 0.9), faint), seconds=15)
    assert [event.label for event in clip.events] == ["Goal"]
    (clip,) = select(timeline(Event(101, "Goal", 0.05), faint), seconds=15)
    assert [(clip.title, len(clip.events))] == [("Goal", 1)]
    clip, *_ = select(timeline(Event(101, "Goal", 0.05, status="accepted"), faint), seconds=15)
    assert clip.title == "Goal"


def test_what_follows_a_goal_is_shown_if_there_is_time_and_named_after_it():
    goal = Event(100, "Goal", 0.9)
    moment, replays = select(timeline(goal), seconds=60)
    assert moment.start_seconds < 100 < moment.end_seconds < replays.start_seconds
    assert replays.title == "After the goal"
    assert replays.events == (goal,)


def test_rejected_events_stay_out_and_accepted_ones_count_as_certain():
    rejected = Event(100, "Goal", 0.99, status="rejected")
    accepted = Event(900, "Goal", 0.1, status="accepted")
    doubtful = Event(1500, "Goal", 0.5)
    reel = select(timeline(rejected, accepted, doubtful), seconds=15)
    assert [event.seconds for clip in reel for event in clip.events] == [900]


def test_halves_follow_each_other_and_compete_for_one_length():
    first = timeline(Event(2000, "Goal", 0.9), Event(50, "Foul", 0.9), half=1)
    second = timeline(Event(10, "Goal", 0.8), half=2)
    reel = select(Match("a/b/c", (first, second)), seconds=20)
    assert [(clip.half, clip.title) for clip in reel] == [(1, "Goal"), (2, "Goal")]


def test_moments_at_both_ends_of_the_video_are_cut_to_it():
    reel = select(timeline(Event(0, "Goal"), Event(2700, "Goal")))
    assert reel.clips[0].start_seconds == 0
    assert reel.clips[-1].end_seconds == 2700


def test_a_video_shorter_than_a_clip_can_still_be_shown():
    reel = select(timeline(Event(0.5, "Goal"), duration=1.0))
    assert [(clip.start_seconds, clip.end_seconds) for clip in reel] == [(0, 1)]


@given(events, st.one_of(st.none(), st.floats(0, 300)))
def test_any_length_of_video_will_do_and_nothing_lies_beyond_it(found, duration):
    reel = select(timeline(*found, duration=duration))
    last = max((event.seconds for event in found), default=0.0)
    for clip in reel:
        assert clip.end_seconds <= (last + 60 if duration is None else duration) + 0.001


def test_where_the_video_ends_is_not_guessed():
    reel = select(timeline(Event(100, "Goal"), duration=None))
    assert [clip.end_seconds for clip in reel] == [
        pytest.approx(100 + MOMENTS["Goal"].core[1], abs=0.001)
    ]


def test_evidence_adds_up():
    pair = (Event(100, "Shots on target", 0.7), Event(104, "Ball out of play", 0.7))
    alone = Event(900, "Shots on target", 0.7)
    dull = (Event(1800, "Shots on target", 0.7), Event(1802, "Throw-in", 0.7))
    reel = select(timeline(*pair, alone, *dull))
    score = {clip.events[0].seconds: clip.score for clip in reel}
    assert score[100] > score[900] > score[1800]


def test_many_alike_are_not_cut_to_snippets():
    shots = [Event(100.0 * n, "Shots on target") for n in range(1, 26)]
    begin, end = MOMENTS["Shots on target"].core
    reel = select(timeline(*shots), seconds=60)
    assert len(reel) == 60 // (end - begin)
    assert all(clip.seconds >= end - begin - 0.002 for clip in reel)


@pytest.mark.parametrize("label", ["Throw-in", "Juggling"])
def test_events_of_any_class_make_a_reel_where_there_are_no_better(label):
    reel = select(timeline(Event(100, label, 0.5)))
    assert [clip.title for clip in reel] == [label]


def test_only_the_kick_off_that_opens_a_half_counts():
    reel = select(timeline(Event(0, "Kick-off"), Event(900, "Kick-off")))
    assert reel.clips[0].score > 5 * reel.clips[1].score


def test_facts_are_exact_and_doubtful_times_spread():
    fact = Event(100, "Goal")
    assert select(timeline(fact), jitter_seconds=9) == select(timeline(fact), jitter_seconds=0)
    guess = timeline(Event(100, "Goal", 0.9))
    precise, rough = (select(guess, 60, jitter_seconds=jitter).clips[0] for jitter in (0, 4))
    assert rough.seconds > precise.seconds


def test_the_best_moment_is_shortened_rather_than_dropped():
    reel = select(timeline(Event(100, "Goal")), seconds=4)
    assert reel.seconds == pytest.approx(4)
    assert reel.clips[0].start_seconds < 100 < reel.clips[0].end_seconds


def test_a_late_detector_is_shifted_back():
    late = select(timeline(Event(105, "Goal")), shift_seconds=-5)
    exact = select(timeline(Event(100, "Goal")))
    assert [clip.start_seconds for clip in late] == [clip.start_seconds for clip in exact]


def test_no_events_make_an_empty_reel():
    assert len(select(timeline())) == 0


@pytest.mark.parametrize("seconds", [0, -1, float("nan")])
def test_a_length_that_shows_nothing_is_refused(seconds):
    with pytest.raises(InputError, match="too short"):
        select(timeline(Event(1, "Goal")), seconds)


@pytest.mark.parametrize("jitter", [-1, float("nan"), float("inf")])
def test_a_jitter_that_is_none_is_refused(jitter):
    with pytest.raises(InputError, match="jitter"):
        select(timeline(Event(1, "Goal")), jitter_seconds=jitter)
