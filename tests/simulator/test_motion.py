"""Movement keeps to the script, and to what bodies can do."""

import itertools

import numpy as np
import pytest

from touchline.simulator.author import write_script
from touchline.simulator.ball import HEADS, STRIKES, TOUCHES
from touchline.simulator.motion import ASSISTANTS, PEOPLE, REFEREE, Motion, Pose
from touchline.simulator.script import MatchScript

MINUTES = 8.0


@pytest.fixture(scope="module")
def match() -> MatchScript:
    return write_script(3, minutes=MINUTES)


@pytest.fixture(scope="module")
def half(match):
    return match.halves[0]


@pytest.fixture(scope="module")
def motion(match, half):
    return Motion(match, half)


@pytest.fixture(scope="module")
def world(motion, half):
    return motion.at(np.arange(0, half.seconds, 0.04))


def slot_of(world_now, team, player):
    slots = np.flatnonzero(world_now.squad[0, 11 * team : 11 * team + 11] == player)
    return 11 * team + int(slots[0])


def test_shapes_and_types(motion):
    world = motion.at(np.array([0.0, 3.3, 100.0]))
    assert world.xy.shape == (3, PEOPLE, 2) and world.xy.dtype == np.float32
    assert world.heading.shape == world.speed.shape == world.present.shape == (3, PEOPLE)
    assert world.pose.shape == (3, PEOPLE) and world.pose.dtype == np.int8
    assert world.squad.shape == (3, 22) and world.squad.dtype == np.int8
    assert world.ball.shape == (3, 3)
    assert motion.at(np.array([])).xy.shape == (0, PEOPLE, 2)


def test_any_order_and_any_batch_gives_the_same(motion, match, half):
    seconds = np.random.default_rng(0).uniform(0, half.seconds, 60)
    together = motion.at(seconds)
    again = Motion(match, half).at(seconds[::-1])
    np.testing.assert_array_equal(together.xy, again.xy[::-1])
    np.testing.assert_array_equal(together.ball, again.ball[::-1])
    np.testing.assert_array_equal(together.pose, again.pose[::-1])
    alone = motion.at(seconds[7:8])
    np.testing.assert_array_equal(alone.xy[0], together.xy[7])


def test_ball_is_where_the_script_says(motion, half):
    touches = [a for a in half.actions if a.kind in TOUCHES]
    ball = motion.at(np.array([a.seconds for a in touches])).ball
    at = np.array([a.at for a in touches])
    # A tackle that wins the ball and the carry after it may share a frame with other touches.
    assert np.abs(ball[:, :2] - at).max() < 0.05


def test_whoever_plays_the_ball_is_at_it(motion, half):
    kinds = STRIKES | HEADS | {"receive", "tackle", "throw-in"}
    acts = [a for a in half.actions if a.kind in kinds]
    gaps = []
    for action in acts:
        now = motion.at(np.array([action.seconds]))
        person = slot_of(now, action.team, action.player)
        gaps.append(float(np.hypot(*(now.xy[0, person] - now.ball[0, :2]))))
    assert np.percentile(gaps, 95) < 1.0
    assert max(gaps) < 2.5


def test_dribbled_ball_stays_with_its_man(motion, half):
    gaps = []
    touches = [a for a in half.actions if a.kind in TOUCHES]
    for action, following in itertools.pairwise(touches):
        if action.kind == "drive":
            now = motion.at(np.linspace(action.seconds, following.seconds, 8))
            person = slot_of(now, action.team, action.player)
            gaps += list(np.linalg.norm(now.xy[:, person] - now.ball[:, :2], axis=1))
    assert np.percentile(gaps, 95) < 1.2


def test_people_move_at_human_speeds(world):
    step = np.linalg.norm(np.diff(world.xy[:, :22], axis=0), axis=-1) / 0.04
    assert np.percentile(step, 99.9) < 11
    assert np.percentile(step, 99) < 8
    assert step.max() < 20


def test_ball_never_jumps(world):
    step = np.linalg.norm(np.diff(world.ball, axis=0), axis=-1) / 0.04
    assert step.max() < 42
    assert world.ball[:, 2].min() > 0.1


def test_everybody_stays_round_the_pitch(world):
    assert np.abs(world.xy[..., 0]).max() <= 58
    assert np.abs(world.xy[..., 1]).max() <= 39
    assert (np.abs(world.xy[:, ASSISTANTS, 1]) > 34).all()


def test_goalkeepers_mind_their_goals(world):
    home = np.hypot(world.xy[:, 0, 0] + 52.5, world.xy[:, 0, 1])
    away = np.hypot(world.xy[:, 11, 0] - 52.5, world.xy[:, 11, 1])
    for distance in (home, away):
        assert np.percentile(distance, 95) < 24


def test_referee_follows_the_ball(world):
    away = np.linalg.norm(world.xy[:, REFEREE] - world.ball[:, :2], axis=1)
    assert 5 < np.median(away) < 18


def test_kick_off_finds_all_in_their_own_halves(motion, half):
    for event in half.events:
        if event.label == "Kick-off":
            now = motion.at(np.array([event.seconds]))
            assert (now.xy[0, :11, 0] < 2.5).all()
            assert (now.xy[0, 11:22, 0] > -2.5).all()
            np.testing.assert_allclose(now.ball[0, :2], 0, atol=0.05)


def events_of(label, seeds):
    for seed in seeds:
        match = write_script(seed, minutes=10, halves=1)
        half = match.halves[0]
        motion = Motion(match, half)
        for event in half.events:
            if event.label == label:
                yield half, motion, event


def test_penalty_is_taken_from_the_spot_with_the_box_empty():
    seen = 0
    for _, motion, event in events_of("Penalty", range(3)):
        now = motion.at(np.array([event.seconds]))
        x, y = now.ball[0, :2]
        assert abs(abs(x) - 41.5) < 0.05 and abs(y) < 0.05
        inside = (np.sign(x) * now.xy[0, :22, 0] > 36) & (np.abs(now.xy[0, :22, 1]) < 20.16)
        assert (inside & now.present[0, :22]).sum() == 2
        seen += 1
    assert seen


def test_corner_is_taken_from_the_arc_into_a_crowded_box():
    crowds = []
    for _, motion, event in events_of("Corner", range(3)):
        now = motion.at(np.array([event.seconds]))
        x, y = now.ball[0, :2]
        assert abs(x) > 51.5 and abs(y) > 33
        inside = (np.sign(x) * now.xy[0, :22, 0] > 34) & (np.abs(now.xy[0, :22, 1]) < 21)
        crowds.append(inside.sum())
    assert np.median(crowds) >= 12


def test_throw_in_is_held_overhead_outside_the_line(motion, half):
    for action in half.actions:
        if action.kind == "throw-in":
            now = motion.at(np.array([action.seconds - 0.2]))
            person = slot_of(now, action.team, action.player)
            assert now.pose[0, person] == Pose.THROW
            assert abs(now.xy[0, person, 1]) > 34
            assert now.ball[0, 2] > 1.9


def test_goal_ends_in_the_net():
    seen = 0
    for _, motion, event in events_of("Goal", range(3)):
        over, settled = motion.at(np.array([event.seconds, event.seconds + 1.5])).ball
        assert abs(abs(over[0]) - 52.5) < 0.05 and abs(over[1]) < 3.66 and over[2] < 2.44
        assert 52.5 < abs(settled[0]) < 54.6 and abs(settled[1]) < 3.66
        seen += 1
    assert seen


def test_officials_show_what_they_decide():
    cards = {"Yellow card": Pose.SHOW_YELLOW, "Red card": Pose.SHOW_RED}
    cards["Yellow->red card"] = Pose.SHOW_RED
    seen = set()
    for label, pose in cards.items():
        for _, motion, event in events_of(label, range(3)):
            assert motion.at(np.array([event.seconds + 0.4])).pose[0, REFEREE] == pose
            seen.add(label)
    for _, motion, event in events_of("Offside", range(3)):
        pose = motion.at(np.array([event.seconds + 0.4])).pose[0, list(ASSISTANTS)]
        assert Pose.FLAG_UP in pose
        seen.add("Offside")
    assert seen == {*cards, "Offside"}


def test_foul_leaves_a_man_down(motion, half):
    for action in half.actions:
        if action.kind == "fouled":
            now = motion.at(np.array([action.seconds + 1.0]))
            assert now.pose[0, slot_of(now, action.team, action.player)] == Pose.DOWN


def test_sent_off_players_are_gone_and_stay_gone_after_the_break():
    checked = 0
    for seed in range(4):
        match = write_script(seed, minutes=10)
        first, second = match.halves
        motions = [Motion(match, half) for half in match.halves]
        for action in first.actions:
            if action.kind != "sent-off":
                continue
            end = motions[0].at(np.array([first.seconds]))
            later = motions[1].at(np.array([0.0, second.seconds]))
            person = slot_of(end, action.team, action.player)
            assert not end.present[0, person]
            assert not later.present[:, person].any()
            checked += 1
    assert checked


def test_substitute_takes_the_place_at_the_touchline():
    checked = 0
    for half, motion, event in events_of("Substitution", range(3)):
        action = next(a for a in half.actions if a.kind == "leave" and a.seconds == event.seconds)
        now = motion.at(np.array([action.seconds, action.seconds + 2.0]))
        person = slot_of(now, action.team, action.player)
        assert now.xy[0, person, 1] < -33
        if action.seconds + 2.0 < half.seconds:
            assert now.squad[1, person] == action.other
        checked += 1
    assert checked
