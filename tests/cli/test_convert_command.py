"""``touchline convert``: files, trees and zips, and what is said about losses."""

import json
import zipfile
from fractions import Fraction

import numpy as np
import pytest
from typer.testing import CliRunner

from touchline.cli.convert import app
from touchline.errors import FormatError
from touchline.events import Event, Match, Producer, Timeline, Video
from touchline.formats import FORMATS, markup, read, read_matches, write
from touchline.formats.converting import convert
from touchline.media.writer import VideoWriter
from touchline.reel import Clip, Reel

GAMES = [f"england_epl/2015-2016/2016-01-0{n} - 15-45 A 0 - 0 B" for n in (1, 2)]
EVENTS = (Event(12.0, "Goal", 0.5, team="home"), Event(31.04, "Streaker", 0.25, player="9"))
TIMELINE = Timeline(Video("m.mp4", 60.0, Fraction(25)), EVENTS, model=Producer("m"))


def run(*arguments, code=0):
    done = CliRunner().invoke(app, [str(a) for a in arguments])
    assert done.exit_code == code, (done.output, done.exception)
    return done


def halves(game):
    return Match(game, tuple(Timeline(Video(str(n)), EVENTS, half=n) for n in (1, 2)))


def test_what_is_lost_is_counted_and_named(tmp_path):
    write(TIMELINE, tmp_path / "a.events.json")
    done = run(tmp_path / "a.events.json", tmp_path / "a.vtt", "--min-confidence", "0", "--json")
    account = json.loads(done.stdout)
    assert account["lost"] == {"video": 1, "model": 1, "confidence": 2, "team": 1, "player": 1}
    assert "confidence (2)" in done.stderr and "model (1)" in done.stderr
    done = run(tmp_path / "a.events.json", tmp_path / "Labels-v2.json")
    assert "'Streaker' (1)" in done.stderr


WHOLE = Timeline(
    Video("m.mp4", 6000.0, Fraction(25)),
    (
        Event(1000.0, "Goal", half=1, clock_seconds=900.5, score=(0, 0)),
        Event(2800.0, "Foul", half=1, clock_seconds=2700.5, score=(1, 0)),
        Event(4890.0, "Corner", half=2, clock_seconds=3932.0, score=(1, 0)),
    ),
)


@pytest.mark.parametrize("name", ["a.vtt", "a.srt", "a.txt"])
def test_what_captions_show_and_give_back_is_not_said_to_be_lost(tmp_path, name):
    write(WHOLE, tmp_path / "a.events.json")
    done = run(tmp_path / "a.events.json", tmp_path / name, "--json")
    account = json.loads(done.stdout)
    assert account["lost"] == {"video": 1, "score": 1}  # that of a goal may be the one after it
    assert "match clocks are in whole seconds" in account["changes"]
    assert "match clocks are in whole seconds" in done.stderr


@pytest.mark.parametrize("name", ["Labels-v2.json", "results_spotting.json"])
def test_times_on_the_clock_of_each_half_are_said_and_the_half_is_not_lost(tmp_path, name):
    write(WHOLE, tmp_path / "a.events.json")
    done = run(tmp_path / "a.events.json", tmp_path / name)
    assert "times are put on the match clock of each half" in done.stderr
    assert "half (" not in done.stderr
    write(halves("g"), tmp_path / "b.events.json")
    again = run(tmp_path / "b.events.json", tmp_path / name, "--overwrite", "--json")
    assert json.loads(again.stdout)["changes"] == []


def test_clips_that_become_one_chapter_are_counted(tmp_path):
    starts = (0.0, 20.0, 40.0, 60.0, 65.0)
    ends = (12.0, 32.0, 44.0, 64.5, 90.0)
    clips = tuple(
        Clip("m.mp4", start, end, title=f"Clip {start}")
        for start, end in zip(starts, ends, strict=True)
    )
    write(Reel(clips), tmp_path / "a.reel.json")
    done = run(tmp_path / "a.reel.json", tmp_path / "a.txt")
    written = len((tmp_path / "a.txt").read_text().splitlines())
    assert f"5 clips, {written} chapters" in done.stdout
    assert f"merged {5 - written} clip" in done.stderr and written < 5


def test_merged_chapters_are_counted(tmp_path):
    events = tuple(Event(float(t), "Goal") for t in (0, 20, 22, 40))
    write(Timeline(Video("m"), events), tmp_path / "a.csv")
    account = json.loads(run(tmp_path / "a.csv", tmp_path / "a.txt", "--json").stdout)
    assert account["merged_events"] == 1


def test_a_tree_becomes_the_archive_that_challenges_take(tmp_path):
    write({game: halves(game) for game in GAMES}, tmp_path / "tree", format="soccernet-results")
    run(tmp_path / "tree", tmp_path / "out.zip")
    with zipfile.ZipFile(tmp_path / "out.zip") as archive:
        assert archive.namelist() == [f"{game}/results_spotting.json" for game in GAMES]
    run(tmp_path / "out.zip", tmp_path / "again", "--to", "osl")
    assert len(list((tmp_path / "again").rglob("*.osl.json"))) == 2
    run(tmp_path / "out.zip", tmp_path / "all.csv")
    assert read_matches(tmp_path / "all.csv")[GAMES[1]].half(2).events == EVENTS


def test_trees_are_written_the_same_every_time(tmp_path):
    write({game: halves(game) for game in GAMES}, tmp_path / "a.zip")
    write({game: halves(game) for game in reversed(GAMES)}, tmp_path / "b.zip")
    assert (tmp_path / "a.zip").read_bytes() == (tmp_path / "b.zip").read_bytes()


def test_one_half_can_be_chosen(tmp_path):
    write(halves(GAMES[0]), tmp_path / "results_spotting.json")
    run(tmp_path / "results_spotting.json", tmp_path / "a.xml", "--half", 2)
    assert [e.label for e in read(tmp_path / "a.xml")] == ["Goal", "Streaker"]
    done = CliRunner().invoke(
        app, [str(tmp_path / "results_spotting.json"), str(tmp_path / "b.xml"), "--half", "3"]
    )
    assert isinstance(done.exception, FormatError)
    assert not (tmp_path / "b.xml").exists()


def test_a_video_gives_the_rate_and_the_address(tmp_path):
    video = tmp_path / "the match.mp4"
    with VideoWriter(video, (64, 48), Fraction(30000, 1001)) as writer:
        for _ in range(10):
            writer.write(np.zeros((48, 64, 3), np.uint8))
    write(Reel((Clip("the match.mp4", 0.1, 0.2),)), tmp_path / "a.reel.json")
    run(tmp_path / "a.reel.json", tmp_path / "a.fcpxml", "--video", video)
    text = (tmp_path / "a.fcpxml").read_text()
    assert "1001/30000s" in text and video.as_uri() in text


def test_the_formats_are_listed():
    assert all(name in run("--formats").stdout for name in FORMATS)
    assert len(json.loads(run("--formats", "--json").stdout)) == len(FORMATS)


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        (["a.csv", "a.csv"], "the same"),
        (["a.csv", "a.unknown"], "suffix"),
        (["a.csv", "b.csv", "--from", "xls"], "unknown format"),
        (["a.csv", "b.json", "--to", "kloppy"], "read-only"),
        (["missing.csv", "b.csv"], "no such file"),
        (["a.csv", "b.otio", "--rate", "25"], "suffix"),
        (["a.csv", "b.json", "--to", "e2e"], "--rate"),
    ],
)
def test_wrong_calls_say_what_is_wrong(tmp_path, monkeypatch, arguments, text):
    monkeypatch.chdir(tmp_path)
    write(Timeline(Video("m"), EVENTS), tmp_path / "a.csv")
    done = CliRunner().invoke(app, arguments)
    assert text in str(done.exception)
    assert [path.name for path in tmp_path.iterdir()] == ["a.csv"]


def test_what_could_not_be_read_back_is_not_written(tmp_path, monkeypatch):
    monkeypatch.setattr(markup, "MAX_BYTES", 1 << 20)
    events = tuple(Event(float(t), "Foul", note="x" * 1000) for t in range(1500))
    write(Timeline(Video("m.mp4"), events), tmp_path / "a.events.json")
    with pytest.raises(FormatError, match="XML of more than 1 MiB") as refused:
        convert(tmp_path / "a.events.json", tmp_path / "b.xml")
    assert refused.value.where == str(tmp_path / "b.xml")
    assert [path.name for path in tmp_path.iterdir()] == ["a.events.json"]


MARKERS = """TITLE: Timeline 1
FCM: NON-DROP FRAME

001  001      V     C        00:00:10:00 00:00:10:01 00:00:10:00 00:00:10:01
 |C:ResolveColorBlue |M:Goal |D:1

002  001      V     C        00:01:00:00 00:01:05:00 00:01:00:00 00:01:05:00
* FROM CLIP NAME: match.mov
"""


@pytest.mark.parametrize("name", ["m.events.json", "Labels-v2.json", "m.osl.json"])
def test_markers_and_clips_of_an_edit_list_become_events(call, tmp_path, name):
    (tmp_path / "m.edl").write_text(MARKERS.replace("* FROM CLIP NAME: match.mov\n", ""))
    ended = call("convert", tmp_path / "m.edl", tmp_path / name, "--rate", "25")
    assert ended.code == 0, ended.err
    found = read(tmp_path / name)
    assert [(e.seconds, e.label) for e in found.events] == [(10.0, "Goal"), (60.0, "Clip")]


def test_an_edit_list_stays_one_where_the_target_is_one(call, tmp_path):
    (tmp_path / "m.edl").write_text(MARKERS)
    for name in ("m.reel.json", "m.json", "m.csv", "m.fcpxml"):
        assert call("convert", tmp_path / "m.edl", tmp_path / name, "--rate", "25").code == 0
        assert len(read(tmp_path / name).clips) == 2


@pytest.mark.parametrize(
    ("target", "options", "unused"),
    [
        ("b.csv", ["--lead", "3"], "--lead"),
        ("b.events.json", ["--rate", "25", "--lag", "3"], "--rate, --lag"),
        ("b.vtt", ["--lead", "3", "--lag", "2"], "--lead"),
        ("b.xml", ["--lead", "3", "--lag", "2"], ""),
        ("b.json.gz", ["--rate", "25"], ""),
    ],
)
def test_options_that_change_nothing_are_named(tmp_path, target, options, unused):
    write(TIMELINE, tmp_path / "a.events.json")
    done = run(tmp_path / "a.events.json", tmp_path / target, *options)
    lines = [line for line in done.stderr.splitlines() if line.startswith("no use for")]
    assert lines == ([f"no use for {unused}: {done.stdout.split()[1][:-1]} is written without"]
                     if unused else [])  # fmt: skip


def test_games_are_not_written_where_a_file_stands(tmp_path):
    (tmp_path / "there").write_text("kept")
    with pytest.raises(FormatError, match="is not a folder"):
        write({GAMES[0]: halves(GAMES[0])}, tmp_path / "there")
    assert (tmp_path / "there").read_text() == "kept"
