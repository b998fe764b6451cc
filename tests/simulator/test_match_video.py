from dataclasses import replace
from fractions import Fraction

import av
import numpy as np
import pytest

from touchline.errors import MediaError
from touchline.simulator import video
from touchline.simulator.author import write_script
from touchline.simulator.camera import shows_no_pitch
from touchline.simulator.figures import (
    Look,
    View,
    Wardrobe,
    paint_figure,
    posture_of,
    prop_of,
)
from touchline.simulator.motion import Pose
from touchline.simulator.script import CameraShot, Kit
from touchline.simulator.video import Broadcast, frame_count, render_frames, render_half

SIZE = (198, 112)
KIT = Kit((220, 30, 40), (255, 255, 255), (240, 240, 240), (220, 30, 40))


@pytest.fixture(scope="module")
def script():
    return write_script(11, minutes=2.5)


@pytest.fixture(scope="module")
def half(script):
    return script.halves[0]


def decode(path):
    with av.open(str(path)) as source:
        return [frame.to_ndarray(format="rgb24") for frame in source.decode(video=0)]


def test_frames_have_the_size_asked_for(script, half):
    frames = list(render_frames(script, half, [0.0, 10.0], SIZE))
    assert [frame.shape for frame in frames] == [(112, 198, 3)] * 2
    assert all(frame.dtype == np.uint8 for frame in frames)
    assert all(frame.std() > 10 for frame in frames)


def test_same_script_same_pixels_in_any_order(script, half):
    times = [3.0, 40.0, 3.04, 70.0]
    once = list(render_frames(script, half, times, SIZE))
    again = list(render_frames(script, half, times[::-1], SIZE))[::-1]
    for a, b in zip(once, again, strict=True):
        np.testing.assert_array_equal(a, b)


def test_decoration_varies_with_the_clutter_seed(script, half):
    other = replace(script, clutter_seed=script.clutter_seed + 1)
    (a,), (b,) = (render_frames(s, half, [5.0], SIZE) for s in (script, other))
    assert np.abs(a.astype(int) - b).mean() > 3


def test_a_replay_shows_its_source_time(script, half):
    shot = CameraShot(0.0, half.seconds, "Main camera center", None, 0.0)
    live = replace(half, shots=(shot,), graphics=(), score_changes=((0, 0, 0),))
    shift = replace(
        live, shots=(replace(shot, end_seconds=20.0), replace(shot, start_seconds=20.0,
              source_start_seconds=5.0, speed=0.5))
    )  # fmt: skip
    replay, source = Broadcast(script, shift, SIZE), Broadcast(script, live, SIZE)
    at = [(20.0 + 2 * k, 5.0 + k) for k in range(4)]
    worlds = [
        (replay._world([(1, broadcast)]), source._world([(0, pitch)])) for broadcast, pitch in at
    ]
    for shown, original in worlds:
        np.testing.assert_array_equal(shown.xy, original.xy)
        np.testing.assert_array_equal(shown.ball, original.ball)


def test_boxes_lie_on_the_figures_they_name(script, half):
    broadcast = Broadcast(script, half, (398, 224))
    times = [t for t in np.arange(1.0, 100.0, 19.0) if not shows_no_pitch(half.shot_at(t))]
    checked = 0
    for second in times:
        index = broadcast.director.shot_index(second)
        camera = broadcast.director.camera(index, second)
        world = broadcast._world([(index, second)])
        full = np.asarray(broadcast.painter.pitch(second, camera, world, 0)).astype(int)
        for box in broadcast.painter.boxes(camera, world, 0):
            x1, y1, x2, y2 = map(int, box.corners)
            cut = x1 == 0 or y1 == 0 or x2 == 398 or y2 == 224
            present = world.present.copy()
            present[0, box.person] = False
            without = broadcast.painter.pitch(second, camera, replace(world, present=present), 0)
            changed = np.abs(full - np.asarray(without)).sum(axis=2) > 60
            inside = int(changed[y1:y2, x1:x2].sum())
            if cut or inside < 0.2 * (x2 - x1) * (y2 - y1):  # hidden by somebody nearer
                continue
            # All that lies outside is the shadow and the soft edge.
            assert changed.sum() - inside <= inside
            checked += 1
    assert checked > 20


def test_people_and_cameras_come_in_step(script, half):
    times = np.arange(0, 60, 2.0)
    pairs = list(video.boxes(script, half, times, SIZE))
    assert len(pairs) == len(times)
    for second, (camera, people) in zip(times, pairs, strict=True):
        assert (camera is None) == shows_no_pitch(half.shot_at(second))
        for box in people:
            x1, y1, x2, y2 = box.corners
            assert 0 <= x1 < x2 <= SIZE[0] and 0 <= y1 < y2 <= SIZE[1]
            assert 0 <= box.person < 25


@pytest.mark.parametrize(
    "rate, seconds, count",
    [(Fraction(25), 10.0, 250), (Fraction(2), 10.0, 20), (Fraction(25, 12), 10.0, 21)],
)
def test_frames_of_a_rate(half, rate, seconds, count):
    assert frame_count(replace(half, seconds=seconds), rate) == count


def test_a_file_holds_the_frames_and_the_sound(script, half, tmp_path):
    short = replace(half, seconds=3.0)
    sound = iter([np.zeros(48000, dtype=np.float32)] * 3)
    told: list[float] = []
    path = tmp_path / "half.mkv"
    render_half(script, short, path, SIZE, Fraction(5), told.append, sound)
    frames = decode(path)
    assert len(frames) == 15
    drawn = next(render_frames(script, short, [1.0], SIZE)).astype(int)
    assert np.abs(frames[5] - drawn).mean() < 8
    assert told[-1] == pytest.approx(3.0)
    with av.open(str(path)) as source:
        assert source.streams.audio[0].rate == 48000
        sampled = sum(frame.samples for frame in source.decode(audio=0))
    assert sampled == pytest.approx(3 * 48000, abs=3000)
    assert [entry.name for entry in tmp_path.iterdir()] == ["half.mkv"]


@pytest.mark.slow
def test_the_number_of_processes_does_not_show(script, half, tmp_path):
    for processes in (1, 2):
        path = tmp_path / f"{processes}.mp4"
        render_half(script, half, path, SIZE, Fraction(2), processes=processes)
    one, two = decode(tmp_path / "1.mp4"), decode(tmp_path / "2.mp4")
    assert len(one) == frame_count(half, Fraction(2))
    for a, b in zip(one, two, strict=True):
        np.testing.assert_array_equal(a, b)


def test_nothing_is_left_behind_when_rendering_stops(script, half, tmp_path):
    def stop(_: float) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        render_half(script, replace(half, seconds=2.0), tmp_path / "a.mp4", SIZE, progress=stop)
    with pytest.raises(MediaError, match="cannot write"):
        render_half(script, half, tmp_path / "a.avi", SIZE, Fraction(1))
    with pytest.raises(MediaError, match="no folder"):
        render_half(script, half, tmp_path / "b" / "a.mp4", SIZE, Fraction(1))
    assert not list(tmp_path.iterdir())


def test_every_pose_is_drawn_from_every_side():
    look = Look(KIT, (220, 180, 150), (40, 30, 20), 7)
    for pose in Pose:
        for turn in range(0, 16, 4):
            view = View(posture_of(pose, 2, 2), turn, 2, 44, prop_of(pose, look))
            sprite = paint_figure(look, view)
            x1, y1, x2, y2 = sprite.box
            assert x2 - x1 > 2 and y2 - y1 > 2
            assert 0 <= x1 < x2 <= sprite.image.width and 0 <= y1 < y2 <= sprite.image.height


def test_cards_are_seen_from_afar():
    look = Look(KIT, (220, 180, 150), (40, 30, 20))
    for pose, channel in ((Pose.SHOW_YELLOW, 1), (Pose.SHOW_RED, 0)):
        view = View(posture_of(pose, 0, 0), 8, 2, 42, prop_of(pose, look))
        plain = View(posture_of(pose, 0, 0), 8, 2, 42)
        card = np.asarray(paint_figure(look, view).image).astype(int)
        bare = np.asarray(paint_figure(look, plain).image).astype(int)
        top = card[: card.shape[0] // 3]
        coloured = (top[..., 3] > 200) & (top[..., channel] > 170) & (top[..., 2] < 80)
        assert coloured.sum() >= 4
        assert card.shape != bare.shape


def test_a_kept_sprite_equals_a_new_one():
    look = Look(KIT, (220, 180, 150), (40, 30, 20))
    view = View(posture_of(Pose.RUN, 3, 2), 5, 2, 44)
    kept = Wardrobe().sprite(look, view)
    assert kept.image.tobytes() == paint_figure(look, view).image.tobytes()
