"""No goal is invented, and none is lost, whatever a fifth of the readings says."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from touchline.broadcast.goals import Evidence, find_goals
from touchline.broadcast.halves import HalfTrack, Piece
from touchline.broadcast.score_track import Score, ScoreReading, track_score

SEEDS = st.integers(0, 2**32 - 1)
HALF = HalfTrack(1, 0.0, 3000.0, 0.0, True, True, (Piece(1, 0.0, 3000.0, 0.0, 1.0, 1.0),))


def misread(score: Score, rng: np.random.Generator) -> Score:
    """Another score: one digit taken for another, as readers do, or both."""
    home, away = score
    wrong = int(rng.integers(0, 10))
    return [(wrong, away), (home, wrong), (wrong, int(rng.integers(0, 10)))][rng.integers(0, 3)]


def readings(
    course: list[tuple[float, Score]], rng: np.random.Generator, wrong: float, step: float = 5.0
) -> list[ScoreReading]:
    found = []
    for time in np.arange(0, 3000, step):
        score = [score for start, score in course if start <= time][-1]
        if rng.random() < wrong:
            score = misread(score, rng)
        found.append(ScoreReading(float(time), score, float(rng.uniform(0.6, 1.0))))
    return found


@settings(max_examples=60, deadline=None)
@given(seed=SEEDS, score=st.tuples(st.integers(0, 6), st.integers(0, 6)), wrong=st.floats(0, 0.25))
def test_a_constant_score_has_no_goal(seed: int, score: Score, wrong: float) -> None:
    track = track_score(readings([(0.0, score)], np.random.default_rng(seed), wrong))
    assert track.changes == ()
    assert track.at(1500) == score
    assert find_goals(track, [HALF]) == []


@settings(max_examples=40, deadline=None)
@given(seed=SEEDS, times=st.lists(st.integers(3, 55), min_size=1, max_size=6, unique=True))
def test_every_goal_is_found_with_its_team(seed: int, times: list[int]) -> None:
    rng = np.random.default_rng(seed)
    course: list[tuple[float, Score]] = [(0.0, (0, 0))]
    teams = []
    for place in sorted(times):
        home = bool(rng.random() < 0.5)
        before = course[-1][1]
        course.append((place * 50.0, (before[0] + home, before[1] + (not home))))
        teams.append("home" if home else "away")
    goals = find_goals(track_score(readings(course, rng, 0.15)), [HALF])
    assert [(goal.team, goal.score) for goal in goals] == [
        (team, score) for team, (_, score) in zip(teams, course[1:], strict=True)
    ]
    for goal, (shown, _) in zip(goals, course[1:], strict=True):
        # a misreading just at the change may move it by a few readings
        assert abs(goal.seen_at_seconds - shown) <= 40
        assert shown - 100 <= goal.seconds <= goal.seen_at_seconds


def test_a_goal_taken_back_is_marked_and_the_score_goes_back() -> None:
    course: list[tuple[float, Score]] = [(0.0, (0, 0)), (1000, (1, 0)), (1150, (0, 0))]
    track = track_score(readings(course, np.random.default_rng(0), 0.1))
    (goal,) = find_goals(track, [HALF])
    assert goal.taken_back_at_seconds is not None
    assert abs(goal.taken_back_at_seconds - 1150) < 30
    assert track.at(2000) == (0, 0)


@pytest.mark.parametrize("mistake", [(0, 1), (2, 0)])
def test_a_goal_shown_wrong_at_first_is_one_goal(mistake: Score) -> None:
    course: list[tuple[float, Score]] = [(0.0, (0, 0)), (1000, mistake), (1100, (1, 0))]
    goals = find_goals(track_score(readings(course, np.random.default_rng(0), 0.1)), [HALF])
    (goal,) = goals
    assert (goal.team, goal.score, goal.taken_back_at_seconds) == ("home", (1, 0), None)
    assert 900 < goal.seconds <= 1000
    assert abs(goal.seen_at_seconds - 1100) < 30


def test_a_late_swap_of_the_score_is_no_correction() -> None:
    course: list[tuple[float, Score]] = [(0.0, (0, 0)), (1000, (0, 1)), (1300, (1, 0))]
    goals = find_goals(track_score(readings(course, np.random.default_rng(0), 0.1)), [HALF])
    assert [goal.team for goal in goals] == ["away"]


def test_two_goals_while_the_bug_is_hidden_are_two() -> None:
    seen = [ScoreReading(float(t), (0, 0)) for t in range(0, 600, 5)]
    later = [ScoreReading(float(t), (1, 1)) for t in range(1200, 1800, 5)]
    goals = find_goals(track_score(seen + later), [HALF])
    assert sorted(goal.team for goal in goals) == ["away", "home"]
    assert all(500 < goal.seconds <= 1200 for goal in goals)
    assert all(goal.uncertainty_seconds > 60 for goal in goals)


def test_the_score_of_another_match_is_no_goal() -> None:
    mine = [ScoreReading(float(t), (1, 0)) for t in range(0, 1500, 5)]
    other = [ScoreReading(float(t), (2, 3)) for t in range(1500, 3000, 5)]
    assert find_goals(track_score(mine + other), [HALF]) == []


def test_points_of_another_sport_are_no_goals() -> None:
    rng = np.random.default_rng(1)
    score = np.zeros(2, int)
    found = []
    for time in range(0, 2400, 4):
        if time % 48 == 0 and score.max() < 60:
            score[rng.integers(0, 2)] += rng.integers(2, 4)
        found.append(ScoreReading(float(time), (int(score[0]), int(score[1]))))
    track = track_score(found)
    assert not track.is_sure
    assert find_goals(track, [HALF]) == []


def test_a_score_that_changes_while_no_clock_runs_is_no_goal() -> None:
    course: list[tuple[float, Score]] = [(0.0, (1, 1)), (2000, (2, 1))]
    track = track_score(readings(course, np.random.default_rng(0), 0.0))
    over = HalfTrack(4, 0.0, 1500.0, 6300.0, True, True, ())
    assert find_goals(track, [over]) == []


def test_a_shoot_out_is_no_goals_but_one_goal_at_the_whistle_is() -> None:
    over = HalfTrack(4, 0.0, 1500.0, 6300.0, True, True, ())
    course: list[tuple[float, Score]] = [(0.0, (1, 1)), (1530, (2, 1))]
    late = track_score(readings(course, np.random.default_rng(0), 0.0))
    assert [goal.score for goal in find_goals(late, [over])] == [(2, 1)]
    kicks = track_score(readings([*course, (1570, (2, 2))], np.random.default_rng(0), 0.0))
    assert find_goals(kicks, [over]) == []


def test_evidence_moves_a_goal_to_its_instant() -> None:
    course: list[tuple[float, Score]] = [(0.0, (0, 0)), (1030.0, (1, 0))]
    track = track_score(readings(course, np.random.default_rng(0), 0.0))
    roar = Evidence(1001.0, lag_seconds=1.0, spread_seconds=1.5, weight=5.0, kind="roar")
    (plain,) = find_goals(track, [HALF])
    (heard,) = find_goals(track, [HALF], [roar])
    assert abs(heard.seconds - 1000.0) <= 2.0
    assert heard.uncertainty_seconds < plain.uncertainty_seconds
