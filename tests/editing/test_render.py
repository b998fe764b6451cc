"""A reel shows exactly the frames it was asked for, with the sound that belongs to them."""

from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from touchline.editing.annotate import annotate
from touchline.editing.cuts import find_cuts, snap_to_cuts
from touchline.editing.render import render_reel
from touchline.errors import InputError, MediaError
from touchline.events import Event, Timeline, Video
from touchline.media.audio import read_audio
from touchline.media.video import probe, read_frames
from touchline.media.writer import VideoWriter
from touchline.reel import Clip, Reel

SIZE = (96, 64)
RATE = Fraction(25)
AUDIO_RATE = 48_000
FRAMES = 250


def grey_of(index: int) -> int:
    """A grey level per frame; neighbours differ by more than the codec's error."""
    return 16 + (index * 7) % 224


@pytest.fixture(scope="module")
def numbered(tmp_path_factory) -> Path:
    """Ten seconds whose frames tell their number by grey, and whose sound beeps in second 5."""
    path = tmp_path_factory.mktemp("editing") / "numbered.mp4"
    time = np.arange(FRAMES * AUDIO_RATE // 25) / AUDIO_RATE
    beep = np.where((time >= 5) & (time < 5.5), np.sin(2 * np.pi * 1000 * time), 0)
    with VideoWriter(path, SIZE, RATE, audio_rate=AUDIO_RATE, crf=12) as writer:
        for index in range(FRAMES):
            writer.write(np.full((SIZE[1], SIZE[0], 3), grey_of(index), np.uint8))
        writer.write_audio(beep.astype(np.float32))
    return path


@pytest.fixture(scope="module")
def two_shots(tmp_path_factory) -> Path:
    """Eight seconds of a moving pattern; a hard cut to another scene at second 4."""
    path = tmp_path_factory.mktemp("editing") / "shots.mp4"
    x, y = np.meshgrid(np.arange(SIZE[0]), np.arange(SIZE[1]))
    with VideoWriter(path, SIZE, RATE, crf=12) as writer:
        for index in range(200):
            wave = 60 * np.sin((x + index) / 9) if index < 100 else 60 * np.cos((y - index) / 5)
            base = 90 if index < 100 else 170
            writer.write(np.repeat((base + wave)[..., None], 3, 2).clip(0, 255).astype(np.uint8))
    return path


def greys(path: Path) -> list[int]:
    with read_frames(path) as frames:
        return [int(frame.pixels[20:40, 40:60].mean().round()) for frame in frames]


def reel_of(*spans: tuple[float, float], half: int | None = None) -> Reel:
    return Reel(tuple(Clip("numbered.mp4", a, b, half=half) for a, b in spans))


def test_every_frame_asked_for_and_no_other(numbered, tmp_path):
    out = tmp_path / "reel.mp4"
    render_reel(reel_of((1.0, 2.0), (4.8, 6.0)), out, numbered)
    wanted = [*range(25, 50), *range(120, 150)]
    assert np.abs(np.array(greys(out)) - [grey_of(i) for i in wanted]).max() <= 3


def test_sound_stays_with_its_picture(numbered, tmp_path):
    out = tmp_path / "reel.mp4"
    render_reel(reel_of((0.0, 1.0), (4.6, 6.0)), out, numbered)
    sound = np.concatenate(list(read_audio(out, AUDIO_RATE)))
    loud = np.flatnonzero(np.abs(sound) > 0.3) / AUDIO_RATE
    assert loud[0] == pytest.approx(1.4, abs=0.04)
    assert loud[-1] == pytest.approx(1.9, abs=0.04)
    assert probe(out).duration_seconds == pytest.approx(2.4, abs=0.041)


def test_each_half_is_cut_from_its_own_video(numbered, two_shots, tmp_path):
    out = tmp_path / "reel.mp4"
    reel = Reel((Clip("1", 0, 1, half=1), Clip("2", 0, 1, half=2)))
    render_reel(reel, out, {1: numbered, 2: two_shots}, snap=False)
    assert len(greys(out)) == 50
    with pytest.raises(InputError, match="half 2"):
        render_reel(reel, tmp_path / "other.mp4", {1: numbered})


def test_labels_are_written_around_their_event_only(numbered, tmp_path):
    clip = Clip("numbered.mp4", 0, 8, events=(Event(4.0, "Goal"),))
    render_reel(Reel((clip,)), tmp_path / "labels.mp4", numbered, burn_labels=True, snap=False)
    render_reel(Reel((clip,)), tmp_path / "plain.mp4", numbered, snap=False)
    with read_frames(tmp_path / "labels.mp4") as a, read_frames(tmp_path / "plain.mp4") as b:
        differs = [
            frame.seconds
            for frame, plain in zip(a, b, strict=True)
            if np.abs(frame.pixels.astype(int) - plain.pixels).max() > 60
        ]
    assert min(differs) == pytest.approx(3.0, abs=0.05)
    assert max(differs) == pytest.approx(7.0, abs=0.05)


@pytest.mark.parametrize(
    ("reel", "message"),
    [
        (Reel(()), "empty"),
        (reel_of((60.0, 70.0)), "beyond the end"),
    ],
)
def test_what_cannot_be_cut_is_refused_and_leaves_nothing(numbered, tmp_path, reel, message):
    with pytest.raises(InputError, match=message):
        render_reel(reel, tmp_path / "reel.mp4", numbered)
    assert list(tmp_path.iterdir()) == []


def test_a_video_that_is_none_leaves_nothing(tmp_path):
    text = tmp_path / "text.mp4"
    text.write_text("not a video")
    with pytest.raises(MediaError):
        render_reel(reel_of((0, 1)), tmp_path / "reel.mp4", text)
    assert list(tmp_path.iterdir()) == [text]


def test_a_hard_cut_is_found_and_a_moving_picture_is_not_one(two_shots, numbered):
    assert find_cuts(two_shots, 0, 8) == [4.0]
    assert find_cuts(two_shots, 0, 3.9) == []


def test_clips_snap_inwards_to_a_cut_and_keep_their_events(two_shots):
    opening = Clip("shots.mp4", 3.2, 8.0, events=(Event(6.5, "Goal"),))
    closing = Clip("shots.mp4", 0.0, 4.6, events=(Event(2.5, "Goal"),))
    tight = Clip("shots.mp4", 3.2, 8.0, events=(Event(5.0, "Goal"),))
    source = lambda clip: two_shots  # noqa: E731
    assert snap_to_cuts(Reel((opening,)), source).clips[0].start_seconds == 4.0
    assert snap_to_cuts(Reel((closing,)), source).clips[0].end_seconds == 4.0
    assert snap_to_cuts(Reel((tight,)), source).clips[0] == tight


def test_annotated_video_is_slow_around_events_and_keeps_picture_and_sound_together(
    numbered, tmp_path
):
    out = tmp_path / "annotated.mp4"
    timeline = Timeline(Video("numbered.mp4"), (Event(5.0, "Goal", 0.9), Event(8.0, "Foul", 0.1)))
    seconds = annotate(timeline, numbered, out, slow_factor=3, slow_reach_seconds=0.4)
    slow = 21  # frames within 0.4 s of second 5
    assert seconds == pytest.approx((FRAMES + 2 * slow) / 25)
    assert len(greys(out)) == FRAMES + 2 * slow
    sound = np.concatenate(list(read_audio(out, AUDIO_RATE)))
    loud = np.flatnonzero(np.abs(sound) > 0.3) / AUDIO_RATE
    began = 5.0 + 2 * 10 / 25  # ten frames before second 5 were shown three times
    assert loud[0] == pytest.approx(began, abs=0.05)


def test_the_labels_of_an_annotated_video_have_clock_and_score(numbered, tmp_path, monkeypatch):
    drawn = set()
    monkeypatch.setattr(
        "touchline.editing.annotate.draw_labels",
        lambda pixels, lines: drawn.update(text for text, _ in lines) or pixels,
    )
    event = Event(5.0, "Corner", 0.9, half=2, clock_seconds=3790.0, score=(1, 0))
    timeline = Timeline(Video("numbered.mp4"), (event,))
    annotate(timeline, numbered, tmp_path / "annotated.mp4", slow_factor=1)
    assert drawn == {"Corner (2H 63:10, 1-0) 90%"}


def test_annotating_without_slow_motion_keeps_the_length(numbered, tmp_path):
    out = tmp_path / "annotated.mp4"
    label = "<b>" + "very long label " * 15
    timeline = Timeline(Video("numbered.mp4"), tuple(Event(5.0, f"{label}{i}") for i in range(9)))
    annotate(timeline, numbered, out, slow_factor=1)
    assert len(greys(out)) == FRAMES
