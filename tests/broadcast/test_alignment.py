"""Feeds put on the time of recordings: by the clock, whatever a feed or a recording lacks."""

import math
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from touchline.broadcast.alignment import Alignment, align
from touchline.broadcast.alignment_report import lines_of
from touchline.broadcast.feed import Feed, FeedEvent
from touchline.broadcast.match_clock import kick_off_remarks, kicked_off, only_half
from touchline.broadcast.result import Broadcast, Half, Moment, Reading, ScoreGoal, Span
from touchline.errors import InputError
from touchline.events import Event, Score, Side

FIRST, SECOND = 312.4, 4030.2
"""When the halves of the recording are kicked off."""

CLOCKS = {1: 0.0, 2: 2700.0, 3: 5400.0, 4: 6300.0}


def half(number: int, start: float, seconds: float = 2830.0, clock: float | None = None) -> Half:
    return Half(number, start, start + seconds, CLOCKS[number] if clock is None else clock, True)


def readings(*halves: Half, every: float = 1.0) -> tuple[Reading, ...]:
    return tuple(
        Reading(one.start_seconds + i * every, True, one.half, one.clock_start_seconds + i * every)
        for one in halves
        for i in range(int((one.end_seconds - one.start_seconds) / every))
    )


def recording(*halves: Half, **more: Any) -> Broadcast:
    halves = halves or (half(1, FIRST), half(2, SECOND))
    shown = Broadcast("match.mp4", 8000.0, halves=halves, readings=readings(*halves))
    return replace(shown, **more)


def noted(
    number: int,
    clock_seconds: float,
    label: str = "Foul",
    *,
    team: str | None = None,
    clock: str | None = None,
) -> FeedEvent:
    return FeedEvent(Event(0.0, label, team=team, clock=clock), number, clock_seconds)


def feed(*events: FeedEvent, step: float = 1.0) -> Feed:
    return Feed(tuple(sorted(events, key=lambda one: (one.half, one.clock_seconds))), step)


def goal(
    seconds: float,
    score: Score,
    team: Side = "home",
    *,
    uncertainty_seconds: float = 4.0,
    taken_back_at_seconds: float | None = None,
) -> ScoreGoal:
    return ScoreGoal(seconds, team, score, seconds + 15, uncertainty_seconds, taken_back_at_seconds)


def times(done: Alignment) -> list[float]:
    return [event.seconds for event in done.timeline]


def test_each_half_is_placed_by_its_own_clock():
    done = align(feed(noted(1, 600.0), noted(2, 3790.0), step=0), recording())
    assert times(done) == pytest.approx([FIRST + 600, SECOND + 1090], abs=0.01)
    assert [(e.half, e.clock_seconds) for e in done.timeline] == [(1, 600.0), (2, 3790.0)]
    assert [one.offset_seconds for one in done.report.halves] == pytest.approx([FIRST, SECOND])
    assert not done.report.left_out and not done.report.warnings


def test_a_clock_of_whole_seconds_is_put_in_their_middle_and_the_uncertainty_covers_them():
    done = align(feed(noted(1, 600.0), noted(1, 661.0)), recording())
    assert times(done) == pytest.approx([FIRST + 600.5, FIRST + 661.5], abs=0.01)
    assert done.report.halves[0].uncertainty_seconds >= 0.5
    assert done.report.step_seconds == 1.0


def test_added_time_of_the_first_half_does_not_run_into_the_second():
    done = align(feed(noted(1, 2700 + 100.0), noted(2, 2700.0)), recording())
    assert times(done) == pytest.approx([FIRST + 2800.5, SECOND + 0.5], abs=0.01)


def test_extra_time_is_placed_and_its_penalties_are_left_out_and_counted():
    halves = [half(1, 0.0, 2720), half(2, 3000.0, 2720), half(3, 6000.0, 900), half(4, 7000.0, 900)]
    done = align(
        feed(noted(3, 5400 + 60.0), noted(4, 6300 + 60.0), noted(5, 7200.0)), recording(*halves)
    )
    assert times(done) == pytest.approx([6060.5, 7060.5], abs=0.01)
    assert sum(done.report.left_out.values()) == 1
    assert "penalties" in next(iter(done.report.left_out))


def test_events_of_a_half_that_the_recording_lacks_are_left_out_and_counted():
    done = align(feed(noted(1, 5.0), noted(2, 2705.0), noted(2, 2709.0)), recording(half(1, FIRST)))
    assert times(done) == pytest.approx([FIRST + 5.5], abs=0.01)
    assert done.report.left_out == {"half 2, which the recording lacks": 2}


def test_a_recording_that_starts_in_mid_match_places_what_it_shows():
    late = half(1, 0.0, 1500.0, clock=1200.0)
    late = replace(late, has_kick_off=False)
    done = align(feed(noted(1, 600.0), noted(1, 1200.0), noted(1, 2000.0)), recording(late))
    assert times(done) == pytest.approx([0.5, 800.5], abs=0.01)
    assert sum(done.report.left_out.values()) == 1


def test_what_was_cut_out_of_a_recording_is_left_out():
    whole = half(1, 0.0, 2000.0)
    kept = [
        Reading(t, True, 1, float(t if t < 800 else t + 600)) for t in range(2000)
    ]  # from 13:20 on the clock jumps by ten minutes
    done = align(
        feed(noted(1, 700.0), noted(1, 1000.0), noted(1, 1500.0)),
        recording(whole, readings=tuple(kept)),
    )
    assert times(done) == pytest.approx([700.5, 900.5], abs=0.01)
    assert sum(done.report.left_out.values()) == 1


def test_misreadings_do_not_move_events_and_the_residual_is_that_of_the_readings():
    whole = half(1, FIRST)
    noisy = [
        replace(one, clock_seconds=(one.clock_seconds or 0) + (0.3 if i % 2 else -0.3))
        for i, one in enumerate(readings(whole))
    ]
    noisy[100] = replace(noisy[100], clock_seconds=1999.0)
    done = align(feed(noted(1, 600.0), step=0), recording(whole, readings=tuple(noisy)))
    assert times(done) == pytest.approx([FIRST + 600], abs=0.35)
    assert done.report.halves[0].residual_seconds == pytest.approx(0.3, abs=0.31)


def test_a_sped_up_recording_keeps_its_own_rate():
    whole = Half(1, 10.0, 410.0, 0.0, True)
    fast = tuple(Reading(10.0 + i, True, 1, 2.0 * i) for i in range(400))
    done = align(feed(noted(1, 600.0), step=0), recording(whole, readings=fast))
    assert times(done) == pytest.approx([310.0], abs=0.1)


def test_events_far_from_every_reading_are_not_guessed():
    shown = half(1, 2000.0, 600.0, clock=1000.0)
    shown = replace(shown, has_kick_off=False)
    far = feed(noted(1, 600.0), noted(1, 1200.0), noted(1, 1600.0 + 400))
    done = align(far, recording(shown))
    assert times(done) == pytest.approx([2200.5], abs=0.01)
    assert sum(done.report.left_out.values()) == 2


def test_the_first_half_does_not_reach_into_the_second():
    close = recording(half(1, 0.0, 2800.0), half(2, 2900.0))
    done = align(feed(noted(1, 2850.0), noted(1, 2950.0)), close)
    assert times(done) == pytest.approx([2850.5], abs=0.01)


def test_of_a_half_that_is_shown_twice_the_longer_counts():
    shown = recording(half(1, 100.0, 60.0), half(1, 1000.0, 2800.0), half(1, 5000.0, 60.0))
    assert times(align(feed(noted(1, 30.0)), shown)) == pytest.approx([1030.5], abs=0.01)


def test_events_where_the_clock_is_no_longer_shown_follow_it():
    done = align(feed(noted(1, 2830.0 + 60)), recording())
    assert times(done) == pytest.approx([FIRST + 2890.5], abs=0.01)


def test_kick_offs_given_by_a_person_serve_a_recording_without_a_bug():
    said = kicked_off({1: 312.0, 2: 3750.0}, "camera.mp4", 7000.0)
    done = align(feed(noted(1, 60.0, "Goal"), noted(2, 2760.0)), said)
    assert times(done) == pytest.approx([372.5, 3810.5], abs=0.01)
    assert done.report.goals is None


@pytest.mark.parametrize(
    "kick_offs",
    [{1: 500.0, 2: 400.0}, {1: 9000.0}, {5: 10.0}, {1: -4600.0}, {1: -3000.0, 2: -10.0}],
)
def test_kick_offs_that_cannot_be_are_refused(kick_offs):
    with pytest.raises(InputError):
        kicked_off(kick_offs, "camera.mp4", 7000.0)


def test_a_recording_that_starts_after_the_kick_off_is_placed_by_a_negative_one():
    said = kicked_off({1: -270.0, 2: 3000.0}, "camera.mp4", 7000.0)
    done = align(feed(noted(1, 200.0), noted(1, 300.0), noted(2, 2760.0)), said)
    assert times(done) == pytest.approx([30.5, 3060.5], abs=0.01)
    assert done.report.left_out == {"half 1 at a time the recording does not show": 1}


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ({1: 0.0}, "half 1, 4:38 at 0:00"),
        ({1: 200.0}, "half 1, 7:58 at 3:20"),
        ({2: 0.0}, "half 1, 4:38 at 0:00"),
        ({1: -300.0}, "half 1, 4:38 at 0:00"),
        ({1: -278.0}, None),
        ({1: -276.0, 2: 3500.0}, None),
        ({1: -278.0, 2: 600.0}, "half 1, 14:38 at 10:00"),
    ],
)
def test_kick_offs_that_the_clock_in_the_picture_contradicts_are_told(given, told):
    shown = recording(replace(half(1, 0.0, 1500.0, clock=278.0), has_kick_off=False))
    remarks = kick_off_remarks(given, shown)
    assert [told in one for one in remarks] == ([] if told is None else [True])


def test_a_kick_off_given_has_no_residual_and_readings_have_one():
    by_hand = align(feed(noted(1, 60.0)), kicked_off({1: 312.0}, "camera.mp4", 7000.0)).report
    read = align(feed(noted(1, 60.0)), recording()).report
    assert by_hand.halves[0].residual_seconds is None
    assert read.halves[0].residual_seconds == pytest.approx(0.0, abs=1e-6)
    assert "(by the kick-off given)" in lines_of(by_hand, by_kick_offs=True)[0]
    assert "readings of the clock within 0.0 s" in lines_of(read)[0]


def test_a_file_of_the_second_half_whose_clock_starts_anew_is_that_half():
    said = only_half(recording(half(1, 20.0)), 2)
    done = align(feed(noted(2, 2700 + 90.0)), said)
    assert times(done) == pytest.approx([110.5], abs=0.01)
    with pytest.raises(InputError, match="no half 3"):
        only_half(recording(), 3)


def test_without_a_clock_the_kick_offs_are_asked_for():
    for halves in (None, ()):
        with pytest.raises(InputError, match="--kick-off"):
            align(feed(noted(1, 5.0)), Broadcast("x.mp4", 100.0, halves=halves))


def test_a_feed_of_no_half_of_the_recording_is_refused():
    with pytest.raises(InputError, match="half 2, the recording half 1; name it with --half"):
        align(feed(noted(2, 2705.0)), recording(half(1, FIRST)))


@pytest.mark.parametrize(
    ("events", "step", "told"),
    [
        ([noted(1, 480.0, clock="9")], 60.0, "the feed lies at 9', the recording"),
        ([noted(1, 480.0), noted(1, 1320.0)], 60.0, "the feed lies at 9' to 23', the recording"),
        ([noted(1, 490.0), noted(2, 2705.0)], 1.0, "the feed lies at 8:10, the recording"),
    ],
)
def test_a_feed_of_another_time_of_the_half_is_refused_with_both_times(events, step, told):
    part = Half(1, 0.0, 21.0, 278.0, False)
    said = Broadcast("part.mp4", 21.0, halves=(part,), readings=readings(part, every=0.5))
    with pytest.raises(InputError, match=f"{told} shows 4:38 to 4:59 of half 1$"):
        align(feed(*events, step=step), said)


def test_a_minute_of_which_the_recording_has_a_part_is_placed_in_that_part():
    part = Half(1, 0.0, 21.0, 278.0, False)
    said = Broadcast("part.mp4", 21.0, halves=(part,))
    minutes = [noted(1, at) for at in (180.0, 240.0, 300.0)]
    done = align(feed(*minutes, step=60.0), said)
    (event,) = done.timeline
    assert event.extra["span"] == [0.0, 21.0]
    assert (event.seconds, event.clock_seconds) == (10.5, 288.5)
    assert 10.5 <= event.uncertainty_seconds < 12
    assert sum(done.report.left_out.values()) == 2


def test_a_minute_around_a_cut_lies_on_both_sides_of_it():
    whole = half(1, 0.0, 2000.0)
    kept = [Reading(t, True, 1, float(t if t < 800 else t + 20)) for t in range(2000)]
    done = align(feed(noted(1, 780.0), step=60.0), recording(whole, readings=tuple(kept)))
    assert done.timeline.events[0].extra["span"] == pytest.approx([780.0, 820.0], abs=0.01)


def three_goals(shift: float = 0.0) -> list[FeedEvent]:
    return [
        noted(1, 500.0 + shift, "Goal", team="home"),
        noted(1, 1500.0 + shift, "Goal", team="away"),
        noted(2, 4000.0 + shift, "Goal", team="home"),
    ]


SHOWN = (
    goal(FIRST + 501, (1, 0)),
    goal(FIRST + 1495, (1, 1), "away"),
    goal(SECOND + 1304, (2, 1)),
)


def test_goals_are_paired_with_the_score():
    report = align(feed(*three_goals()), recording(goals=SHOWN)).report
    assert report.goals is not None and len(report.goals) == 3
    assert [round(pair.after_seconds) for pair in report.goals] == [15, 10, 18]
    assert not report.only_in_feed and not report.only_in_recording and not report.warnings


def test_events_carry_the_score_before_them_also_where_the_picture_says_it_late():
    """The likeliest moment by the picture may lie before or after the feed's."""
    halves = (half(1, FIRST), half(2, SECOND))
    score = {0: (0, 0), FIRST + 516: (1, 0), FIRST + 1510: (1, 1), SECOND + 1319: (2, 1)}
    told = tuple(
        replace(one, score=[s for at, s in score.items() if at <= one.seconds][-1])
        for one in readings(*halves)
    )
    events = [noted(1, 499.0), *three_goals(), noted(1, 503.0), noted(1, 1501.0), noted(2, 4300.0)]
    done = align(feed(*events), recording(*halves, readings=told, goals=SHOWN))
    assert [(e.label, e.score) for e in done.timeline] == [
        ("Foul", (0, 0)), ("Goal", (0, 0)), ("Foul", (1, 0)), ("Goal", (1, 0)),
        ("Foul", (1, 1)), ("Goal", (1, 1)), ("Foul", (2, 1)),
    ]  # fmt: skip


def test_replays_of_the_recording_come_along_for_reels():
    done = align(feed(noted(1, 499.0)), recording(replays=(Span(400.0, 410.0),)))
    assert done.timeline.replays == ((400.0, 410.0),)


def test_a_feed_that_lacks_a_goal_is_placed_and_told():
    report = align(feed(*three_goals()[1:], noted(1, 505.0)), recording(goals=SHOWN)).report
    assert report.only_in_recording == (SHOWN[0].seconds,)
    assert any("2 goals, the score in the picture 3" in line for line in report.warnings)


def test_a_goal_that_was_taken_back_is_nobodys():
    back = goal(SECOND + 500, (1, 2), "away", taken_back_at_seconds=SECOND + 600)
    report = align(feed(*three_goals()), recording(goals=(*SHOWN[:2], back, SHOWN[2]))).report
    assert not report.only_in_recording and not report.warnings


def test_a_feed_of_another_match_is_refused_unless_the_score_is_to_be_ignored():
    other = recording(goals=(goal(SECOND + 200, (0, 1), "away"),))
    with pytest.raises(InputError, match=r"another match.*--ignore-score"):
        align(feed(*three_goals()), other)
    done = align(feed(*three_goals()), other, check_score=False)
    assert len(done.timeline) == 3 and done.report.goals is None


def test_goals_of_a_half_that_the_feed_lacks_are_not_missed():
    first = [noted(1, 700.0), noted(1, 900.0, "Goal")]
    shown = (goal(FIRST + 901, (1, 0)), goal(SECOND + 400, (2, 0)), goal(SECOND + 900, (3, 0)))
    report = align(feed(*first), recording(goals=shown)).report
    assert not report.only_in_recording and not report.warnings


def test_a_feed_without_goals_is_no_other_match():
    done = align(feed(noted(1, 60.0), noted(1, 70.0)), recording(goals=SHOWN))
    assert len(done.timeline) == 2


def test_a_goal_after_the_score_has_changed_is_another_one():
    late = noted(1, 540.0, "Goal", team="home")
    done = align(feed(late, *three_goals()[1:]), recording(goals=SHOWN))
    assert done.report.only_in_recording == (SHOWN[0].seconds,)
    assert done.report.only_in_feed == pytest.approx((FIRST + 540.5,), abs=0.01)


def test_of_two_goals_the_one_of_the_same_side_agrees():
    shown = (goal(FIRST + 560, (0, 1), "away"), goal(FIRST + 580, (1, 1), "home"))
    done = align(feed(noted(1, 555.0, "Goal", team="home"), noted(1, 9.0)), recording(goals=shown))
    assert done.report.only_in_recording == (shown[0].seconds,)


def test_a_goal_of_the_other_side_agrees_where_no_other_does():
    """Of own goals some providers name the side that scored, some the one that conceded."""
    done = align(feed(noted(1, 500.0, "Own goal", team="away")), recording(goals=SHOWN[:1]))
    assert not done.report.only_in_feed


FOULS = np.sort(np.random.default_rng(1).uniform(40, 2600, 40)).tolist()
"""When fouls happen in each half."""


def fouls(number: int, shift: float = 0.0) -> list[FeedEvent]:
    return [noted(number, math.floor(CLOCKS[number] + at + shift)) for at in FOULS]


def whistles() -> tuple[Moment, ...]:
    """One after three in four of `FOULS`, and as many with no foul."""
    others = np.random.default_rng(2).uniform(40, 2600, 30).tolist()
    heard = [at + 0.7 for i, at in enumerate(FOULS) if i % 4]
    return tuple(Moment(start + at) for start in (FIRST, SECOND) for at in sorted(heard + others))


@pytest.mark.parametrize("late", [-37.0, 22.0, 64.0])
def test_a_clock_that_is_off_is_measured_by_whistles_and_said(late):
    """A feed whose clock was started late shows less than the broadcast's."""
    done = align(feed(*fouls(1, -late), *fouls(2, -late)), recording(whistles=whistles()))
    assert times(done)[:40] == pytest.approx([FIRST + at for at in FOULS], abs=1.5)
    for half_report in done.report.halves:
        assert half_report.shift.seconds == pytest.approx(late, abs=1.5)
        assert "whistle" in (half_report.shift.by or "")
    assert any("behind" in line or "ahead" in line for line in done.report.warnings)


def test_a_clock_that_is_right_is_left_alone():
    done = align(feed(*fouls(1), *fouls(2)), recording(whistles=whistles()))
    assert [one.shift.seconds for one in done.report.halves] == [0.0, 0.0]


def test_whistles_that_have_nothing_to_do_with_the_feed_shift_nothing():
    for seed in range(20):
        random = np.sort(np.random.default_rng(seed).uniform(FIRST, FIRST + 2800, 60))
        said = recording(half(1, FIRST), whistles=tuple(map(Moment, random.tolist())))
        assert align(feed(*fouls(1)), said).report.halves[0].shift.seconds == 0.0


def test_three_goals_of_one_half_say_by_how_much_a_clock_is_off():
    true = (400.0, 1100.0, 2300.0)
    shown = tuple(goal(FIRST + at, (i + 1, 0)) for i, at in enumerate(true))
    events = [noted(1, at - 60, "Goal", team="home") for at in true]
    done = align(feed(*events), recording(half(1, FIRST), goals=shown))
    assert times(done) == pytest.approx([FIRST + at for at in true], abs=5)
    assert done.report.halves[0].shift.by == "3 goals"


def test_a_feed_that_counts_from_before_its_kick_off_is_moved_by_it():
    """Times in the video of a half, as in SoccerNet: its kick-off is not at 0:00."""
    events = [noted(1, 14.0, "Kick-off"), noted(1, 614.0)]
    done = align(feed(*events), recording(half(1, FIRST)))
    assert times(done) == pytest.approx([FIRST, FIRST + 600], abs=1.0)
    assert "kick-off" in (done.report.halves[0].shift.by or "")


def test_a_goal_is_moved_to_the_evidence_but_never_out_of_its_second():
    shown = (goal(FIRST + 520.0, (1, 0), uncertainty_seconds=1.0),)
    done = align(feed(noted(1, 500.0, "Goal"), noted(1, 700.0)), recording(goals=shown))
    assert FIRST + 500 <= times(done)[0] <= FIRST + 501.01


def test_a_goal_of_a_feed_of_minutes_is_found_within_its_minute():
    shown = (goal(FIRST + 1342.0, (1, 0), uncertainty_seconds=2.0),)
    events = [noted(1, 1320.0, "Goal"), noted(1, 600.0)]
    done = align(feed(*events, step=60.0), recording(goals=shown))
    foul, scored = done.timeline
    assert scored.seconds == pytest.approx(FIRST + 1342, abs=1)
    assert scored.clock_seconds == pytest.approx(1342, abs=1)
    assert foul.seconds == pytest.approx(FIRST + 630, abs=0.01)
    assert foul.extra["span"] == pytest.approx([FIRST + 600, FIRST + 660], abs=0.01)
    assert done.report.halves[0].uncertainty_seconds >= 30
    assert foul.uncertainty_seconds >= 30 and scored.uncertainty_seconds == pytest.approx(2)
    assert any("minutes only" in line for line in done.report.warnings)


def test_a_feed_of_minutes_is_not_shifted():
    true = (400.0, 1120.0, 2320.0)  # all of them 100 s after the clock of the feed
    shown = tuple(goal(FIRST + at, (i + 1, 0)) for i, at in enumerate(true))
    events = [noted(1, at - 100, "Goal") for at in true]
    report = align(feed(*events, step=60.0), recording(half(1, FIRST), goals=shown)).report
    assert report.halves[0].shift.seconds == 0


def test_a_shot_goes_to_the_roar_within_its_minute_and_a_foul_does_not():
    roar = (Moment(FIRST + 645.0, 1.0, "crowd +12 dB"),)
    events = [noted(1, 600.0, "Shots on target"), noted(1, 600.0, "Foul")]
    done = align(feed(*events, step=60.0), recording(moments=roar))
    seconds = {event.label: event.seconds for event in done.timeline}
    assert seconds["Shots on target"] == pytest.approx(FIRST + 644.5, abs=1)
    assert seconds["Foul"] == pytest.approx(FIRST + 630, abs=0.01)
    assert len(done.report.nudges_seconds) == 1


def test_times_to_the_fraction_of_a_second_are_not_moved():
    shown = (goal(FIRST + 505.0, (1, 0), uncertainty_seconds=1.0),)
    done = align(feed(noted(1, 500.25, "Goal"), step=0), recording(goals=shown))
    assert times(done) == pytest.approx([FIRST + 500.25], abs=0.01)
    assert not done.report.nudges_seconds


def test_a_fifth_of_the_events_may_be_missing():
    events = [one for i, one in enumerate(fouls(1)) if i % 5]
    done = align(feed(*events), recording(half(1, FIRST)))
    assert times(done) == pytest.approx([FIRST + e.clock_seconds + 0.5 for e in events], abs=0.01)
