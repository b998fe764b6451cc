import math

import numpy as np
import pytest

from touchline.simulator.author import write_script
from touchline.simulator.camera import Camera, Director, shows_no_pitch, subject_slots
from touchline.simulator.motion import REFEREE, Motion, World
from touchline.simulator.scenery import visible_outline

SIZE = (398, 224)


@pytest.fixture(scope="module")
def camera():
    return Camera(position=(3.0, -75.0, 22.0), pan=0.3, tilt=0.25, focal=600.0, size=SIZE)


@pytest.fixture(scope="module")
def director():
    script = write_script(5, minutes=4)
    half = script.halves[0]
    return Director(script, half, Motion(script, half), SIZE)


def test_optical_axis_meets_the_centre(camera):
    ahead = np.array(
        [
            math.sin(camera.pan) * math.cos(camera.tilt),
            math.cos(camera.pan) * math.cos(camera.tilt),
            -math.sin(camera.tilt),
        ]
    )
    uv, before = camera.project((np.array(camera.position) + 40 * ahead)[None])
    assert before.all()
    np.testing.assert_allclose(uv[0], (SIZE[0] / 2, SIZE[1] / 2), atol=1e-9)


def test_right_is_right_up_is_up_and_near_is_large(camera):
    left, right = camera.project([[5, 0, 0], [6, 0, 0]])[0]
    assert right[0] > left[0]
    foot, head = camera.project([[5, 0, 0], [5, 0, 1.8]])[0]
    assert head[1] < foot[1]
    near = np.diff(camera.project([[5, -20, 0], [5, -20, 1.8]])[0][:, 1])
    far = np.diff(camera.project([[5, 20, 0], [5, 20, 1.8]])[0][:, 1])
    assert abs(near[0]) > abs(far[0])


def test_homography_agrees_with_projection(camera):
    rng = np.random.default_rng(0)
    field = rng.uniform((-20, -30), (40, 34), (50, 2))
    uv, before = camera.project(np.column_stack([field, np.zeros(50)]))
    assert before.all()
    homogeneous = np.column_stack([field, np.ones(50)]) @ camera.homography.T
    np.testing.assert_allclose(homogeneous[:, :2] / homogeneous[:, 2:], uv, rtol=1e-9, atol=1e-7)
    np.testing.assert_allclose(camera.to_field(uv), field, rtol=1e-7, atol=1e-7)
    assert camera.homography[2, 2] == 1


def test_what_lies_behind_the_lens_is_marked(camera):
    uv, before = camera.project([[3, -90, 20], [3, 0, 0]])
    assert before.tolist() == [False, True]
    assert np.isfinite(uv).all()


def test_outline_stays_inside_the_frame_even_near_the_lens(camera):
    ground = np.array([[-60, 40, 0], [60, 40, 0], [60, -80, 0], [-60, -80, 0]], dtype=float)
    spots = np.array(visible_outline(ground, camera))
    assert len(spots) >= 3
    assert spots.min() > -1e-6
    assert (spots.max(axis=0) < np.array(SIZE) + 1e-6).all()
    behind = ground - np.array([0, 200, 0])
    assert visible_outline(behind, camera) == []


def test_cameras_do_not_depend_on_the_order_of_questions(director):
    times = np.arange(0, 100, 0.5)
    forwards = director.cameras(times)
    fresh = Director(write_script(5, minutes=4), director.half, director.motion, SIZE)
    backwards = fresh.cameras(times[::-1])[::-1]
    assert [c and (c.pan, c.tilt, c.focal) for c in forwards] == [
        c and (c.pan, c.tilt, c.focal) for c in backwards
    ]


def test_camera_is_none_only_where_the_pitch_is_not_shown(director):
    times = np.arange(0, director.half.seconds, 1.0)
    for second, camera in zip(times, director.cameras(times), strict=True):
        assert (camera is None) == shows_no_pitch(director.half.shot_at(second))


def test_main_camera_keeps_the_ball_in_the_picture(director):
    times = np.arange(0, director.half.seconds, 0.5)
    main = [
        (second, camera)
        for second, camera in zip(times, director.cameras(times), strict=True)
        if director.half.shot_at(second).camera == "Main camera center"
        and not director.half.shot_at(second).is_replay
    ]
    ball = director.motion.at(np.array([second for second, _ in main])).ball
    inside = 0
    for (_, camera), at in zip(main, ball, strict=True):
        uv, before = camera.project([[at[0], at[1], 0.0]])
        inside += bool(before[0] and (uv[0] > 0).all() and (uv[0] < SIZE).all())
    assert inside > 0.97 * len(main)


def test_a_pan_is_smooth(director):
    shot = max(director.half.shots, key=lambda s: s.end_seconds - s.start_seconds)
    times = np.arange(shot.start_seconds, shot.end_seconds, 0.04)
    cameras = director.cameras(times)
    pans = np.array([camera.pan for camera in cameras])
    assert np.abs(np.diff(pans)).max() < math.radians(2.0)


def test_close_ups_hold_their_subject(director):
    seen = 0
    for shot in director.half.shots:
        if shot.subject is None or shows_no_pitch(shot):
            continue
        second = (shot.start_seconds + shot.end_seconds) / 2
        (camera,) = director.cameras([second])
        world = director.motion.at(np.array([shot.pitch_seconds(second)]))
        person = subject_slots(shot.subject, world)[0]
        x, y = world.xy[0, person]
        uv, before = camera.project([[x, y, 1.1]])
        assert before[0]
        assert (uv[0] > 0).all() and (uv[0] < SIZE).all()
        seen += 1
    assert seen


def world_of(ball=(0.0, 0.0, 0.0), absent=(), squad=None) -> World:
    """One instant: everybody stands one metre further from the centre spot than the one before."""
    people = np.arange(25)
    present = np.ones((1, 25), bool)
    present[0, list(absent)] = False
    return World(
        seconds=np.zeros(1),
        xy=np.stack([people, np.zeros(25)], axis=1)[None].astype(np.float32),
        heading=np.zeros((1, 25), np.float32),
        speed=np.zeros((1, 25), np.float32),
        pose=np.zeros((1, 25), np.int8),
        present=present,
        squad=np.array([squad or [*range(11), *range(11)]], np.int8),
        ball=np.array([ball], np.float32),
    )


@pytest.mark.parametrize("team", [0, 1])
def test_the_subject_of_a_close_up_is_the_player_wherever_the_ball_is(team):
    for index in (0, 7, 10):
        world = world_of(ball=(3.0, 0.0, 0.0))
        assert subject_slots(("player", team, index), world).tolist() == [11 * team + index]


def test_a_substitute_is_found_in_the_place_that_he_took():
    squad = [*range(11), *range(11)]
    squad[15] = 13
    assert subject_slots(("player", 1, 13), world_of(squad=squad)).tolist() == [15]


@pytest.mark.parametrize("team", [0, 1])
def test_a_player_who_is_sent_off_is_stood_in_for_by_the_nearest_present_of_his_team(team):
    """Never by himself, by another who is sent off, or by an opponent, however near the ball."""
    first = 11 * team
    at_the_ball = world_of(ball=(first + 4.0, 0.0, 0.0), absent=[first + 4])
    assert subject_slots(("player", team, 4), at_the_ball)[0] in (first + 3, first + 5)
    two_less = world_of(ball=(first + 4.2, 0.0, 0.0), absent=[first + 4, first + 5])
    assert subject_slots(("player", team, 4), two_less).tolist() == [first + 3]
    far = world_of(ball=(20.0 - 17.0 * team, 0.0, 0.0), absent=[first + 4])
    assert subject_slots(("player", team, 4), far).tolist() == [10 if team == 0 else 11]
    unknown = world_of(ball=(first + 6.0, 0.0, 0.0))
    assert subject_slots(("player", team, 99), unknown).tolist() == [first + 6]


def test_the_referee_is_the_referee():
    assert subject_slots(("referee", 0, 0), world_of()).tolist() == [REFEREE]
