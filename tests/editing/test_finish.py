"""Titles, score, logo and outro stand where they belong; loudness and music are as asked for."""

import os
import wave
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from touchline.editing.finish import Finish, parse_loudness, parse_outro
from touchline.editing.graphics import Graphics
from touchline.editing.render import render_reel
from touchline.errors import InputError
from touchline.events import Event
from touchline.media.audio import read_audio
from touchline.media.mastering import Mixer, loudness_of
from touchline.media.video import probe, read_frames
from touchline.media.writer import VideoWriter
from touchline.reel import Clip, Reel

RATE = 48_000
SIZE = (160, 96)
GOAL = Event(6.0, "Goal", half=1, clock_seconds=606.0, score=(0, 0), team="home")
CLIP = Clip("match.mp4", 1.0, 9.0, half=1, events=(GOAL,), title="Goal")


@pytest.fixture(scope="module")
def match(tmp_path_factory) -> Path:
    """Ten grey seconds with a quiet tone on the left, silent in the last four."""
    path = tmp_path_factory.mktemp("finish") / "match.mp4"
    time = np.arange(10 * RATE) / RATE
    left = np.where(time < 6, 0.05 * np.sin(2 * np.pi * 440 * time), 0)
    with VideoWriter(path, SIZE, 25, audio_rate=RATE, keyframe_seconds=1) as writer:
        for _ in range(250):
            writer.write(np.full((SIZE[1], SIZE[0], 3), 120, np.uint8))
        writer.write_audio(np.stack([left, 0 * left], 1).astype(np.float32))
    return path


def pictures(path: Path) -> list[np.ndarray]:
    with read_frames(path) as frames:
        return [frame.pixels.astype(int) for frame in frames]


def sound(path: Path, channels: int = 2) -> np.ndarray:
    return np.concatenate(list(read_audio(path, RATE, channels=channels)))


def test_titles_stand_at_the_beginning_and_the_outro_at_the_end(match, tmp_path):
    out = tmp_path / "reel.mp4"
    finish = Finish("copy", titles=True, outro="Full time")
    render_reel(Reel((CLIP,)), out, match, snap=False, finish=finish)
    shown = pictures(out)
    assert len(shown) == 200 + 75
    drawn = [bool(np.abs(picture - 120).max() > 60) for picture in shown]
    assert drawn == [True] * 75 + [False] * 125 + [True] * 75
    assert probe(out).duration_seconds == pytest.approx(11.0, abs=0.04)
    assert len(sound(out)) / RATE == pytest.approx(11.0, abs=0.04)


def test_a_score_counts_a_goal_when_it_is_seen(monkeypatch):
    drawn: list[str] = []
    draw = "touchline.editing.graphics.draw_"
    monkeypatch.setattr(
        f"{draw}board", lambda pixels, text, colour, taken: drawn.append(text) or pixels
    )
    monkeypatch.setattr(
        f"{draw}title",
        lambda pixels, lines, taken=(): drawn.extend(text for text, _ in lines) or pixels,
    )
    graphics = Graphics.of(
        Reel((CLIP,)), Finish(scoreboard=True, titles=True, teams=("ARS", "CHE")), labels=False
    )
    for seconds in (5.0, 6.5, CLIP.start_seconds):
        graphics.draw(np.zeros((96, 160, 3), np.uint8), CLIP, seconds)
    assert drawn[:2] == ["ARS 0-0 CHE  1H 10:05", "ARS 1-0 CHE  1H 10:06"]
    assert drawn[2:4] == ["Goal", "ARS 0-0 CHE  1H 10:06"]


def test_each_clip_of_several_matches_has_its_own_teams(monkeypatch):
    drawn: list[list[str]] = []
    monkeypatch.setattr(
        "touchline.editing.graphics.draw_title",
        lambda pixels, lines, taken=(): drawn.append([text for text, _ in lines]) or pixels,
    )
    extra = {"match": "LEE against EVE", "teams": {"home": "LEE", "away": "EVE"}}
    clip = replace(CLIP, title="Goal: LEE against EVE", extra=extra)
    nameless = replace(clip, title="Goal: derby", extra={"match": "derby"})
    graphics = Graphics.of(Reel((clip, nameless)), Finish(titles=True), labels=False)
    for one in (clip, nameless):
        graphics.draw(np.zeros((96, 160, 3), np.uint8), one, one.start_seconds)
    assert drawn == [["Goal", "LEE 0-0 EVE  1H 10:06"], ["Goal: derby", "0-0  1H 10:06"]]


@pytest.mark.parametrize("text", ["logo.gif", "end.mp4", "notes", ""])
def test_an_outro_that_is_a_file_but_no_picture_is_refused(text, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("notes").write_text("thanks")
    with pytest.raises(InputError, match="--outro"):
        parse_outro(text)
    assert parse_outro("touchline.example") == "touchline.example"
    assert parse_outro("end.PNG") == Path("end.PNG")


def test_a_logo_stands_at_the_upper_right_all_the_time(match, tmp_path):
    logo = tmp_path / "logo.png"
    Image.new("RGBA", (40, 40), (255, 0, 0, 255)).save(logo)
    out = tmp_path / "reel.mp4"
    render_reel(Reel((CLIP,)), out, match, snap=False, finish=Finish(logo=logo))
    for picture in pictures(out)[::50]:
        assert picture[8, -9, 0] > 200 and picture[8, -9, 1] < 60
        assert abs(picture[8, 8] - 120).max() < 8


@pytest.mark.parametrize("name", ["none.png", "text.png"])
def test_a_logo_that_is_none_is_refused(match, tmp_path, name):
    (tmp_path / "text.png").write_text("no picture")
    with pytest.raises(InputError, match=f"{name}: cannot be read"):
        render_reel(Reel((CLIP,)), tmp_path / "r.mp4", match, finish=Finish(logo=tmp_path / name))
    assert not (tmp_path / "r.mp4").exists()


@pytest.mark.parametrize("cut", ["copy", "encode"])
def test_the_whole_reel_has_the_loudness_asked_for(match, tmp_path, cut):
    out = tmp_path / "reel.mp4"
    reel = Reel((Clip("match.mp4", 0, 5), Clip("match.mp4", 5, 6)))
    finish = Finish(cut, loudness=parse_loudness("r128"))
    render_reel(reel, out, match, snap=False, finish=finish)
    heard = sound(out)
    assert loudness_of([heard], RATE, 2) == pytest.approx(-23, abs=0.5)
    assert np.abs(heard[:, 1]).max() < 0.01  # stereo is kept


def test_loud_sound_is_limited_not_clipped():
    loud = (0.5 * np.sin(2 * np.pi * 50 * np.arange(2 * RATE) / RATE))[:, None].repeat(2, 1)
    mixer = Mixer(RATE, 2, gain_db=20.0)
    mixed = np.concatenate([*mixer.mix(loud.astype(np.float32)), *mixer.finish()])
    assert mixed.shape == loud.shape
    assert np.abs(mixed).max() <= 0.81


def test_music_is_turned_down_where_the_video_is_heard(match, tmp_path):
    music = tmp_path / "music.wav"
    tone = (8000 * np.sin(2 * np.pi * 2000 * np.arange(3 * RATE) / RATE)).astype("<i2")
    with wave.open(str(music), "wb") as file:
        file.setparams((1, 2, RATE, 0, "NONE", ""))
        file.writeframes(tone.tobytes())
    out = tmp_path / "reel.mp4"
    render_reel(
        Reel((Clip("match.mp4", 0, 10),)), out, match, snap=False, finish=Finish(music=music)
    )
    right = sound(out)[:, 1]  # the video is heard on the left only
    during, after = np.std(right[2 * RATE : 5 * RATE]), np.std(right[7 * RATE : 8 * RATE - 1])
    assert during > 0.003
    assert after > 1.5 * during


@pytest.mark.parametrize("text", ["loud", "-3", "nan"])
def test_a_loudness_that_is_none_is_refused(text):
    with pytest.raises(InputError, match="r128"):
        parse_loudness(text)


def test_a_score_bug_of_which_nothing_is_known_is_said():
    unknown = Reel((replace(CLIP, events=(Event(6.0, "Goal"),)),))
    (remark,) = Graphics.of(unknown, Finish(scoreboard=True), labels=False).remarks(unknown)
    assert "--teams HOME,AWAY" in remark
    named = Finish(scoreboard=True, teams=("ARS", "CHE"))
    (remark,) = Graphics.of(unknown, named, labels=False).remarks(unknown)
    assert remark == ("the events of no clip state the score, so it is left out there")


def test_clips_without_a_score_are_counted():
    told = replace(CLIP, events=(Event(6.0, "Goal", score=(0, 0), clock_seconds=360.0),))
    untold = replace(CLIP, events=(Event(6.0, "Goal", clock_seconds=360.0),))
    wanted = Finish(scoreboard=True, teams=("ARS", "CHE"))
    for clips, count in (((told,), None), ((told, untold, untold), "2 of 3 clips")):
        reel = Reel(clips)
        remarks = Graphics.of(reel, wanted, labels=False).remarks(reel)
        assert [count in one for one in remarks] == ([] if count is None else [True])


@pytest.mark.parametrize("with_logo", [False, True])
@pytest.mark.parametrize("size", [(1280, 720), (398, 224), (405, 720)])
@pytest.mark.parametrize(
    "bug",
    [(0.03, 0.04, 0.3, 0.1), (0.7, 0.04, 0.97, 0.1), (0.0, 0.0, 1.0, 0.2), (0.3, 0.8, 0.7, 0.9)],
)
def test_the_score_bug_of_the_video_stays_in_view(bug, size, with_logo, tmp_path):
    logo = tmp_path / "logo.png"
    Image.new("RGBA", (80, 40), (250, 0, 0, 255)).save(logo)
    clip = replace(CLIP, events=(Event(6.0, "Goal", score=(0, 0), clock_seconds=360.0),))
    reel = Reel((clip,), extra={"score_bug": list(bug)})
    finish = Finish(scoreboard=True, teams=("ARS", "CHE"), logo=logo if with_logo else None)
    grey = np.full((size[1], size[0], 3), 100, np.uint8)
    drawn = Graphics.of(reel, finish, labels=False).draw(grey, clip, 6.0)
    alone = Graphics.of(reel, replace(finish, scoreboard=False), labels=False)
    changed = (drawn != alone.draw(grey, clip, 6.0)).any(axis=2)
    left, top, right, bottom = (round(s * n) for s, n in zip(bug, (*size, *size), strict=True))
    assert changed.any()
    assert not changed[top:bottom, left:right].any()
    if with_logo:
        assert not changed[(drawn == (250, 0, 0)).all(axis=2)].any()


@pytest.mark.parametrize("titles", [True, False])
@pytest.mark.parametrize("size", [(1280, 720), (398, 224), (405, 720)])
@pytest.mark.parametrize(
    "bug",
    [
        (0.03, 0.86, 0.4, 0.97), (0.0, 0.8, 1.0, 0.95), (0.05, 0.6, 0.3, 0.99),
        (0.03, 0.04, 0.3, 0.1),
    ],
)  # fmt: skip
def test_titles_and_captions_keep_clear_of_the_score_bug(bug, size, titles):
    clip = replace(CLIP, title="Goal", events=(Event(6.0, "Goal", clock_seconds=360.0),))
    reel = Reel((clip,), extra={"score_bug": list(bug)})
    grey = np.full((size[1], size[0], 3), 100, np.uint8)
    drawn = Graphics.of(reel, Finish(titles=titles), labels=not titles)
    changed = (drawn.draw(grey, clip, clip.start_seconds + 1) != grey).any(axis=2)
    left, top, right, bottom = (round(s * n) for s, n in zip(bug, (*size, *size), strict=True))
    assert changed.any()
    assert not changed[top:bottom, left:right].any()


def test_a_title_for_viewers_leaves_out_what_speaks_for_the_clip():
    goal = Event(6.0, "Goal", note="1-0 for ARS; crowd +11 dB, two replays")
    roar = Event(6.0, "Highlight", note="crowd +9 dB")
    told = replace(CLIP, events=(goal,), title=f"After the goal: {goal.note}")
    assert told.caption == "After the goal: 1-0 for ARS"
    assert replace(CLIP, events=(roar,), title=f"Highlight: {roar.note}").caption == "Highlight"
    own = replace(CLIP, events=(goal,), title="What a goal; look again")
    assert own.caption == own.title


def test_a_logo_that_is_no_regular_file_is_refused(tmp_path):
    os.mkfifo(tmp_path / "logo.png")
    with pytest.raises(InputError, match="is not a regular file"):
        Graphics.of(Reel((CLIP,)), Finish(logo=tmp_path / "logo.png"), labels=False)


def test_captions_wait_for_the_title_in_their_place():
    both, title = (
        Graphics.of(Reel((CLIP,)), Finish(titles=True), labels=labels) for labels in (True, False)
    )
    grey = np.full((180, 320, 3), 120, np.uint8)
    assert (both.draw(grey, CLIP, 2.0) == title.draw(grey, CLIP, 2.0)).all()
    assert (both.draw(grey, CLIP, 6.0) != title.draw(grey, CLIP, 6.0)).any()
