"""Where stages meet: what is read, what is written, and what is refused before work begins."""

import os
from fractions import Fraction
from pathlib import Path

import pytest
from small_videos import write_video

import touchline
from touchline.editing.sources import videos_of
from touchline.errors import FormatError, InputError, MediaError
from touchline.events import Event, Match, Timeline, Video
from touchline.formats import write
from touchline.pipeline import (
    check_writable,
    chosen_reel,
    cut_reel,
    read_one_game,
    refuse_clashes,
    timeline_of,
    writable_folder,
    write_reel,
)
from touchline.reel import Clip, Reel


def timeline(half: int | None = None, *seconds: float) -> Timeline:
    events = tuple(Event(at, "Goal", 0.9) for at in seconds or (20.0,))
    return Timeline(Video("match.mp4", 90.0, Fraction(25)), events, half=half)


MATCH = Match("a/b/c", (timeline(1), timeline(2, 30.0)))


@pytest.fixture
def match_file(tmp_path) -> Path:
    write(MATCH, tmp_path / "results_spotting.json", format="soccernet-results")
    return tmp_path / "results_spotting.json"


def test_results_of_two_videos_may_not_overwrite_each_other(tmp_path):
    one, two = tmp_path / "1" / "match.mp4", tmp_path / "2" / "match.mkv"
    refuse_clashes([one, two], None)
    refuse_clashes([one, one], tmp_path)
    with pytest.raises(InputError, match="overwrite each other"):
        refuse_clashes([one, two], tmp_path)
    with pytest.raises(InputError, match="overwrite each other"):
        refuse_clashes([one, one.with_suffix(".mov")], None)


def test_checking_a_folder_makes_none(tmp_path):
    check_writable(tmp_path / "new" / "deep")
    check_writable(tmp_path)
    assert list(tmp_path.iterdir()) == []
    assert writable_folder(tmp_path / "new" / "deep").is_dir()


def test_a_file_is_no_folder(tmp_path, monkeypatch):
    (tmp_path / "file").touch()
    for place in ("file", "file/below"):
        with pytest.raises(InputError, match="is a file"):
            check_writable(tmp_path / place)
        with pytest.raises(InputError, match="cannot hold the results"):
            writable_folder(tmp_path / place)
    monkeypatch.chdir(tmp_path)
    with pytest.raises(InputError, match="is a file"):
        check_writable(Path("file"))


def test_a_folder_without_permission_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(os, "access", lambda *args: False)
    with pytest.raises(InputError, match="no permission"):
        check_writable(tmp_path / "new")


def test_which_timeline_of_a_match(match_file):
    assert timeline_of(match_file, 2).events[0].seconds == 30
    with pytest.raises(InputError, match=r"several videos; .*--half \(there are: 1, 2\)"):
        timeline_of(match_file, None)
    with pytest.raises(InputError, match="no half 3"):
        timeline_of(match_file, 3)


def test_a_reel_has_no_timeline(tmp_path):
    reel = touchline.highlights(timeline())
    write(reel, tmp_path / "match.reel.json")
    with pytest.raises(InputError, match="this is a reel"):
        timeline_of(tmp_path / "match.reel.json", None)
    assert chosen_reel(read_one_game(tmp_path / "match.reel.json"), 5).seconds == reel.seconds


def test_the_reel_of_a_match_keeps_its_order(match_file):
    reel = chosen_reel(read_one_game(match_file), 60)
    halves = [clip.half for clip in reel]
    assert halves == sorted(halves) and set(halves) == {1, 2}
    shifted = chosen_reel(read_one_game(match_file), 60, shift_seconds=-5)
    assert shifted.clips[0].start_seconds < reel.clips[0].start_seconds
    for shift in (float("nan"), float("inf")):
        with pytest.raises(InputError, match="shift"):
            chosen_reel(MATCH, 60, shift)


def test_which_videos_a_reel_is_cut_from(match_file):
    both = Reel((Clip("1.mp4", 5, 9, half=1), Clip("2.mp4", 5, 9, half=2)))
    second = Reel(both.clips[1:])
    whole = Reel((Clip("match.mp4", 5, 9),))
    a, b = Path("a.mp4"), Path("b.mp4")
    assert videos_of(match_file, both, [a, b]) == {1: a, 2: b}
    assert videos_of(match_file, second, [b]) == b
    assert videos_of(match_file, whole, [a]) == a
    assert videos_of(match_file, both, []) is None
    with pytest.raises(InputError, match="half 2, but only 1"):
        videos_of(match_file, both, [a])
    with pytest.raises(InputError, match="2 were given"):
        videos_of(match_file, whole, [a, b])


def test_videos_that_lie_beside_the_events_are_found(match_file):
    beside = match_file.parent / "match.mp4"
    beside.touch()
    assert videos_of(match_file, Reel((Clip("match.mp4", 5, 9),)), []) == beside


@pytest.fixture(scope="module")
def video(tmp_path_factory) -> Path:
    return write_video(tmp_path_factory.mktemp("pipeline") / "match.mp4", 100)


def test_clips_end_where_the_video_ends(video, tmp_path):
    reel = Reel((Clip("match.mp4", 1.0, 60.0, events=(Event(2.0, "Goal"),)),))
    for name in ("reel.mp4", "reel.otio"):
        made = cut_reel(reel, tmp_path / name, video)
        assert made.clips[0].end_seconds == pytest.approx(4.0, abs=0.05)


@pytest.mark.parametrize("name", ["reel.mp4", "reel.edl"])
def test_clips_of_another_match_are_refused(video, tmp_path, name):
    for clip in (
        Clip("match.mp4", 1.0, 60.0, events=(Event(40.0, "Goal"),)),
        Clip("match.mp4", 50.0, 60.0),
    ):
        with pytest.raises(InputError, match="belong to this video"):
            cut_reel(Reel((clip,)), tmp_path / name, video)
    assert list(tmp_path.iterdir()) == []


def test_an_unknown_suffix_is_refused_before_the_video_is_read(tmp_path):
    reel = touchline.highlights(timeline())
    with pytest.raises(InputError, match=r"\.otio.*\.mp4"):
        write_reel(reel, tmp_path / "reel.gif", tmp_path / "missing.mp4")
    with pytest.raises(MediaError, match="no such file"):
        write_reel(reel, tmp_path / "reel.mp4", tmp_path / "missing.mp4")
    with pytest.raises(InputError, match="--video"):
        reel.write(tmp_path / "reel.mp4")


def test_a_video_is_never_cut_into_itself(video, tmp_path):
    copy = tmp_path / "match.mp4"
    copy.write_bytes(video.read_bytes())
    with pytest.raises(InputError, match="overwritten"):
        Reel((Clip("match.mp4", 0, 1),)).write(copy, video=copy)
    assert copy.read_bytes() == video.read_bytes()


def test_no_event_file(tmp_path):
    with pytest.raises(FormatError, match="no such file"):
        read_one_game(tmp_path / "missing.json")
