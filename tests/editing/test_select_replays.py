"""Reels of what a broadcast says: goals with build-up and their best replay, then highlights."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from touchline.editing.best_replay import best_replay, replay_score
from touchline.editing.select import select
from touchline.events import Event, Timeline, Video
from touchline.formats import write

LENGTH = 5400.0
GOAL = Event(
    1000.0, "Goal", 0.95, uncertainty_seconds=3.0, note="1-0 for ARS; crowd +11 dB, two replays"
)
ROAR = Event(3000.0, "Highlight", 0.8, note="crowd +9 dB")
SIGH = Event(4000.0, "Highlight", 0.45, note="commentator +6 dB")


def timeline(*events: Event, replays: tuple[tuple[float, float], ...] = ()) -> Timeline:
    return Timeline(Video("match.mp4", LENGTH), events, replays=replays)


def shown(of: Timeline, start: float, end: float, seconds: float = 180.0) -> float:
    """Share of a stretch that the reel shows."""
    parts = (
        min(clip.end_seconds, end) - max(clip.start_seconds, start) for clip in select(of, seconds)
    )
    return sum(max(part, 0.0) for part in parts) / (end - start)


def test_a_goal_is_shown_with_its_first_replay_whole_and_not_the_second():
    match = timeline(GOAL, replays=((1040.0, 1052.0), (1070.0, 1080.0)))
    assert shown(match, 995.0, 1003.0) == 1.0
    assert shown(match, 1040.8, 1051.2) == 1.0  # without halves of its wipes
    assert shown(match, 1071.0, 1079.0) < 0.1
    assert shown(timeline(GOAL), 1040.0, 1052.0, seconds=15.0) == 0.0


KICK_OFF = Event(1058.0, "Kick-off", 0.9)


@pytest.mark.parametrize(
    ("best", "others", "events"),
    [
        ((1045.0, 1056.0), [(1028.0, 1031.0)], []),  # the first one shows a face
        ((1028.0, 1037.0), [(1042.0, 1051.0)], []),  # as long: the first
        ((1058.0, 1068.0), [(1020.0, 1057.0)], []),  # the first one shows the celebration
        ((1031.0, 1039.0), [(1020.0, 1022.0), (1062.0, 1072.0)], [KICK_OFF]),
        ((1030.0, 1036.0), [(1062.0, 1072.0)], [KICK_OFF]),  # play goes on before the other ends
    ],
)
def test_of_several_replays_the_one_that_shows_the_whole_goal_is_chosen(best, others, events):
    match = timeline(GOAL, *events, replays=(*others, best))
    assert shown(match, best[0] + 0.8, best[1] - 0.8) == 1.0
    apart = [(s, e) for s, e in others if e < best[0] or s > best[1]]
    assert all(shown(match, start + 1.0, end - 0.5) == 0.0 for start, end in apart)
    assert select(match, 40.0).seconds <= 40.0


def test_a_clip_says_which_replay_it_shows():
    match = timeline(GOAL, replays=((1028.0, 1031.0), (1045.0, 1056.0)))
    clip = next(clip for clip in select(match, 60.0) if clip.start_seconds > 1040)
    assert clip.reason is not None
    assert clip.reason.endswith("; replay 2 of 2: 11 s long, 45 s after it")


@given(
    replays=st.lists(
        st.tuples(st.floats(3.0, 74.0), st.floats(0.1, 60.0)).map(lambda x: (x[0], x[0] + x[1])),
        min_size=1,
        max_size=6,
        unique=True,
    ),
    restarts=st.lists(st.floats(0.0, 120.0), max_size=2),
)
def test_the_chosen_replay_is_one_of_them_and_no_other_scores_higher(replays, restarts):
    chosen = best_replay(replays, 0.0, restarts)
    span = chosen.start_seconds, chosen.end_seconds
    assert sorted([span, *chosen.others]) == sorted(replays)
    assert sorted(replays)[chosen.number - 1] == span
    assert all(
        replay_score(span, 0.0, restarts) >= replay_score(other, 0.0, restarts)
        for other in chosen.others
    )


@pytest.mark.parametrize("away", [(990.0, 999.0), (1200.0, 1210.0)])
def test_a_replay_of_something_else_is_not_shown_for_it(away):
    assert shown(timeline(GOAL, replays=(away,)), *away, seconds=60.0) <= shown(
        timeline(GOAL), *away, seconds=60.0
    )


def test_a_replay_belongs_to_the_goal_not_to_the_foul_after_it():
    foul = Event(1030.0, "Foul", 0.9)
    reel = select(timeline(GOAL, foul, replays=((1045.0, 1056.0),)), 180.0)
    clip = next(clip for clip in reel if clip.start_seconds <= 1046.0 < clip.end_seconds)
    assert GOAL in clip.events


def test_of_a_long_replay_only_the_first_part_is_shown():
    match = timeline(GOAL, replays=((1030.0, 1110.0),))
    assert shown(match, 1030.8, 1050.0) == 1.0
    assert shown(match, 1060.0, 1110.0) == 0.0


def test_goals_come_first_then_highlights_by_excitement():
    match = timeline(GOAL, ROAR, SIGH, replays=((1040.0, 1052.0),))
    starts = [(996.0, 1003.0), (1040.8, 1051.2), (2997.0, 3002.0), (3997.0, 4002.0)]
    tight = [shown(match, *stretch, seconds=32.0) for stretch in starts]
    assert tight[:2] == [1.0, 1.0] and tight[3] == 0.0
    assert [shown(match, *stretch, seconds=300.0) for stretch in starts] == [1.0] * 4


def test_the_less_is_known_of_the_moment_the_more_is_shown_around_it():
    sure, vague = (replace(GOAL, uncertainty_seconds=spread) for spread in (1.0, 9.0))
    lengths = [select(timeline(event), 30.0).clips[0].seconds for event in (sure, vague)]
    assert lengths[0] < lengths[1]
    clip = select(timeline(vague), 30.0).clips[0]
    assert clip.start_seconds <= 1000.0 - 9.0 and clip.end_seconds >= 1000.0 + 9.0


def test_a_goal_that_a_person_has_accepted_is_exact():
    vague = replace(GOAL, uncertainty_seconds=9.0)
    accepted, exact = (
        select(timeline(event), 15.0)
        for event in (
            replace(vague, status="accepted"),
            replace(GOAL, uncertainty_seconds=None, status="accepted"),
        )
    )
    assert [(c.start_seconds, c.end_seconds) for c in accepted] == [
        (c.start_seconds, c.end_seconds) for c in exact
    ]


def test_each_clip_says_its_reason():
    reel = select(timeline(GOAL, ROAR, replays=((1300.0, 1310.0), (1060.0, 1070.0))), 70.0)
    assert [clip.title for clip in reel] == [
        "Goal: 1-0 for ARS; crowd +11 dB, two replays",
        "Replay of goal: 1-0 for ARS; crowd +11 dB, two replays",
        "Highlight: crowd +9 dB",
    ]


def test_only_the_clip_that_shows_a_goal_is_named_as_one():
    reel = select(timeline(GOAL), 180.0)
    titles = {clip.title: clip for clip in reel}
    reason = ": 1-0 for ARS; crowd +11 dB, two replays"
    assert set(titles) == {f"Goal{reason}", f"After the goal{reason}"}
    goal, after = titles[f"Goal{reason}"], titles[f"After the goal{reason}"]
    assert goal.start_seconds <= GOAL.seconds <= goal.end_seconds < after.start_seconds


def test_clips_about_an_event_that_they_do_not_show_carry_its_clock_but_not_its_name(tmp_path):
    event = replace(GOAL, half=1, clock_seconds=940.0, note=None)
    write(select(timeline(event), 180.0), tmp_path / "m.vtt")
    shown = [line for line in (tmp_path / "m.vtt").read_text().splitlines() if "oal" in line]
    assert shown == ["Goal (1H 15:40)", "After the goal (1H 15:40)"]


@pytest.mark.parametrize("spread", [0.0, 1.0, 6.0])
@pytest.mark.parametrize("label", ["Goal", "Shots on target", "Red card"])
def test_no_event_is_the_name_of_two_clips(spread, label):
    event = Event(1000.0, label, 0.95, uncertainty_seconds=spread)
    replays = ((1040.0, 1052.0), (1070.0, 1080.0))
    for known in ((), replays):
        titles = [clip.title for clip in select(timeline(event, replays=known), 180.0)]
        assert titles.count(label) == 1


def test_what_people_note_is_not_in_the_title():
    event = Event(1000.0, "Goal", 1.0, source="person", note="ask the referee")
    assert [clip.title for clip in select(timeline(event), 12.0)] == ["Goal"]


def test_a_long_reason_is_cut_short():
    event = replace(ROAR, note="very " * 200)
    title = select(timeline(event), 30.0).clips[0].title or ""
    assert len(title) < 130 and title.endswith("...")


def test_a_disallowed_goal_is_not_called_a_goal_and_ranks_below_one():
    disallowed = Event(3000.0, "Disallowed goal", 0.95, uncertainty_seconds=3.0)
    reel = select(timeline(GOAL, disallowed), 14.0)
    assert [clip.title for clip in reel] == ["Goal: 1-0 for ARS; crowd +11 dB, two replays"]
    titles = [clip.title for clip in select(timeline(GOAL, disallowed), 120.0)]
    assert "Disallowed goal" in titles and not any((t or "") == "Goal" for t in titles)


def test_sound_alone_gives_a_reel():
    reel = select(timeline(ROAR, SIGH), 60.0)
    assert [event for clip in reel for event in clip.events] == [ROAR, SIGH]


def test_a_replay_that_does_not_fit_leaves_its_place_to_what_does():
    match = timeline(GOAL, ROAR, replays=((1040.0, 1058.0),))
    assert shown(match, 995.0, 1003.0, 26.0) == 1.0
    assert shown(match, 1041.0, 1057.0, 26.0) == 0.0
    assert shown(match, 2998.0, 3001.0, 26.0) == 1.0
    assert shown(match, 1041.0, 1057.0, 60.0) == 1.0
