"""``touchline reel``: the best moments as a video or an edit list; one line if that cannot be."""

import json
import shutil
from fractions import Fraction
from pathlib import Path

import pytest

from touchline.events import Event, Producer, Timeline, Video
from touchline.formats import read, write
from touchline.media.video import probe
from touchline.reel import Clip, Reel

CUT_SUFFIXES = ["mp4", "mkv", "mov"]
LIST_SUFFIXES = ["otio", "edl", "fcpxml", "xml", "json", "vtt"]


def files_in(folder: Path) -> set[str]:
    """Names of its files, hidden ones too."""
    return {path.name for path in folder.iterdir()}


def write_events(path: Path, *events: dict, video: str = "match.mp4") -> Path:
    """A touchline event file."""
    document = {
        "format": "touchline-events",
        "version": 1,
        "video": {"name": video},
        "events": list(events),
    }
    path.write_text(json.dumps(document))
    return path


def write_halves(path: Path) -> Path:
    """Predictions for both halves of a match, as the challenge has them."""
    predictions = [
        {
            "gameTime": f"{half} - 00:0{second}",
            "label": "Goal",
            "position": str(1000 * second),
            "half": str(half),
            "confidence": "0.9",
        }
        for half, second in ((1, 2), (2, 1))
    ]
    path.write_text(json.dumps({"UrlLocal": "a/b/c", "predictions": predictions}))
    return path


@pytest.mark.parametrize("suffix", CUT_SUFFIXES)
def test_a_video_is_cut_with_sound(call, videos, events, tmp_path, suffix):
    reel = tmp_path / f"reel.{suffix}"
    ended = call("reel", events, "--video", videos / "match.mp4", "-o", reel, "--labels", "--json")
    assert (ended.code, ended.err) == (0, "")
    (result,) = json.loads(ended.out)["done"]
    info = probe(reel)
    assert info.has_audio and info.size == (96, 64)
    assert result["seconds"] == pytest.approx(info.duration_seconds, abs=0.05)


def test_a_video_is_cut_in_another_shape(call, videos, events, tmp_path):
    reel = tmp_path / "upright.mp4"
    ended = call("reel", events, "--video", videos / "match.mp4", "-o", reel, "--aspect", "9:16")
    assert (ended.code, ended.err) == (0, "")
    assert probe(reel).size == (540, 960)


@pytest.mark.parametrize("suffix", LIST_SUFFIXES)
def test_the_suffix_names_an_edit_list(call, videos, events, tmp_path, suffix):
    reel = tmp_path / f"reel.{suffix}"
    ended = call("reel", events, "--video", videos / "match.mp4", "-o", reel)
    assert (ended.code, ended.err) == (0, "")
    assert reel.stat().st_size > 0
    assert f"{reel}: 1 clip, " in ended.out


def test_the_video_beside_the_events_is_found(call, videos, events, tmp_path):
    ended = call("reel", events, "-o", tmp_path / "reel.mp4")
    assert ended.code == 0
    assert (tmp_path / "reel.mp4").is_file()


def test_a_reel_file_is_cut_as_it_is(call, videos, events, tmp_path):
    decisions = tmp_path / "match.reel.json"
    assert call("reel", events, "-o", decisions).code == 0
    assert isinstance(read(decisions), Reel)
    ended = call("reel", decisions, "--video", videos / "match.mp4", "-o", tmp_path / "reel.mp4")
    assert ended.code == 0


def test_each_half_is_cut_from_its_own_video(call, refused, videos, tmp_path):
    match = write_halves(videos / "results_spotting.json")
    reel = tmp_path / "reel.mp4"
    line = refused("reel", match, "--video", videos / "match.mp4", "-o", reel)
    assert "halves 1 and 2" in line and "repeat --video" in line
    both = ("--video", videos / "match.mp4", "--video", videos / "silent.mp4")
    assert call("reel", match, *both, "-o", reel).code == 0
    assert probe(reel).duration_seconds > 4


@pytest.mark.parametrize(
    ("words", "what"),
    [
        (["-o", "reel.gif"], ".mp4"),
        (["-o", "reel"], ".mp4"),
        (["-o", "nowhere/reel.mp4"], "there is no folder"),
        (["-o", "nowhere/reel.otio"], "cannot be written"),
        (["-o", "reel.mp4", "--seconds", "1"], "too short"),
        (["-o", "reel.mp4", "--seconds", "nan"], "too short"),
        (["-o", "reel.mp4", "--shift-seconds", "nan"], "shift"),
        (["-o", "reel.mp4", "--jitter-seconds", "-1"], "jitter"),
        (["-o", "reel.edl", "--rate", "fast"], "frame rate"),
        (["-o", "reel.edl", "--aspect", "9:16"], "no picture"),
        (["-o", "reel.mp4", "--aspect", "wide"], "is not an aspect ratio"),
        (["-o", "reel.mp4", "--video", "text.mp4"], "is not a video file"),
        (["-o", "reel.mp4", "--video", "missing.mp4"], "no such file"),
        (["-o", "reel.mp4", "--video", "one-frame.mp4"], "belong to this video"),
        (["-o", "reel.otio", "--video", "one-frame.mp4"], "belong to this video"),
        (["-o", "match.mp4"], "overwritten"),
        (["-o", "match.events.json"], "overwritten"),
        ([], "--output"),
    ],
)
def test_a_wrong_call_is_one_line_and_no_file(refused, videos, events, monkeypatch, words, what):
    monkeypatch.chdir(videos)
    before = {path: path.read_bytes() for path in videos.iterdir()}
    assert what in refused("reel", "match.events.json", *words)
    assert {path: path.read_bytes() for path in videos.iterdir()} == before


def test_without_a_video_only_lists_can_be_written(call, refused, tmp_path):
    alone = tmp_path / "alone"
    alone.mkdir()
    moved = write_events(alone / "match.events.json", {"time": 2.0, "label": "Goal"})
    assert "--video" in refused("reel", moved, "-o", alone / "reel.mp4")
    assert call("reel", moved, "-o", alone / "reel.vtt").code == 0
    assert "--rate" in refused("reel", moved, "-o", alone / "reel.edl")
    assert call("reel", moved, "-o", alone / "reel.edl", "--rate", "25").code == 0
    assert files_in(alone) == {moved.name, "reel.vtt", "reel.edl"}


@pytest.mark.parametrize("suffix", [*CUT_SUFFIXES, *LIST_SUFFIXES, "txt", "csv", "reel.json"])
@pytest.mark.parametrize("beside", [True, False])
def test_nothing_to_show_is_refused_in_the_same_words_for_every_ending(
    refused, videos, tmp_path, suffix, beside
):
    nothing = write_events(videos / "none.events.json", video="match.mp4" if beside else "no.mp4")
    out = tmp_path / "out"
    out.mkdir()
    line = refused("reel", nothing, "-o", out / f"reel.{suffix}")
    assert "the reel is empty: there is no event to show; give a file with events" in line
    assert files_in(out) == set()


@pytest.mark.parametrize(
    ("model", "status", "advice"),
    [
        ("e2e-spot", None, "lower --threshold"),
        ("broadcast", None, "spot with a network"),
        ("broadcast-without-score", None, "spot with a network"),
        ("broadcast+e2e-spot", None, "lower --threshold"),
        ("broadcast", "rejected", "accept some of the rejected events"),
    ],
)
def test_the_advice_fits_what_gave_the_events(refused, tmp_path, model, status, advice):
    events = () if status is None else (Event(1.0, "Goal", status=status),)
    write(Timeline(Video("m"), events, model=Producer(model)), tmp_path / "m.events.json")
    assert advice in refused("reel", tmp_path / "m.events.json", "-o", tmp_path / "m.vtt")


@pytest.mark.parametrize("suffix", ["edl", "otio", "fcpxml"])
def test_the_events_give_the_frame_rate_of_a_video_that_is_not_here(call, tmp_path, suffix):
    video = Video("away.mp4", 60.0, Fraction(30000, 1001))
    write(Timeline(video, (Event(20.0, "Goal"),)), tmp_path / "m.events.json")
    of_events, of_reel = tmp_path / f"a.{suffix}", tmp_path / f"b.{suffix}"
    assert call("reel", tmp_path / "m.events.json", "-o", of_events).code == 0
    assert call("reel", tmp_path / "m.events.json", "-o", tmp_path / "m.reel.json").code == 0
    assert call("reel", tmp_path / "m.reel.json", "-o", of_reel).code == 0
    given = tmp_path / f"c.{suffix}"
    rate = ("--rate", "30000/1001")
    assert call("reel", tmp_path / "m.events.json", "-o", given, *rate).code == 0
    assert of_events.read_bytes() == of_reel.read_bytes() == given.read_bytes()


def test_chapters_are_counted_and_clips_that_were_joined(call, tmp_path):
    times = (20.0, 100.0, 200.0, 300.0, 400.0)
    events = tuple(Event(at, "Goal" if at < 300 else "Corner") for at in times)
    write(Timeline(Video("m", 500.0), events), tmp_path / "m.events.json")
    ended = call("reel", tmp_path / "m.events.json", "-o", tmp_path / "m.txt", "--json")
    (done,) = json.loads(ended.out)["done"]
    written = len((tmp_path / "m.txt").read_text().splitlines())
    assert done["chapters"] == written < done["clips"]
    ended = call("reel", tmp_path / "m.events.json", "-o", tmp_path / "m.txt")
    joined = done["clips"] - written
    said = f"{written} chapters of {done['clips']} clips, {joined} joined to the one before"
    assert said in ended.out


def test_two_videos_for_one_are_refused(refused, videos, events, tmp_path):
    twice = ("--video", videos / "match.mp4", "--video", videos / "silent.mp4")
    assert "2 were given" in refused("reel", events, *twice, "-o", tmp_path / "reel.mp4")


def test_events_of_several_games_are_refused(refused, tmp_path):
    table = tmp_path / "games.csv"
    table.write_text("match,half,seconds,label\na/b/one,1,5,Goal\na/b/two,1,7,Goal\n")
    assert "2 games" in refused("reel", table, "-o", tmp_path / "reel.vtt")


@pytest.mark.parametrize("content", ["", "{", "[]", '{"format": "touchline-events"}', "\x00\xff"])
def test_what_is_no_event_file_is_refused(refused, tmp_path, content):
    broken = tmp_path / "broken.json"
    broken.write_bytes(content.encode("latin-1"))
    assert "broken.json" in refused("reel", broken, "-o", tmp_path / "reel.vtt")
    assert files_in(tmp_path) == {"broken.json"}


def test_a_truncated_video_is_cut_as_far_as_it_goes(call, refused, videos, tmp_path):
    truncated = videos / "truncated.mp4"
    early = write_events(videos / "e.json", {"time": 1.0, "label": "Foul", "confidence": 1.0})
    assert call("reel", early, "--video", truncated, "-o", tmp_path / "early.mp4").code == 0
    whole = tmp_path / "whole.reel.json"
    write(Reel((Clip("match.mp4", 1.0, 6.0),)), whole)
    made = call("reel", whole, "--video", truncated, "-o", tmp_path / "whole.mp4", "--json")
    (outcome,) = json.loads(made.out)["done"]
    length = probe(tmp_path / "whole.mp4").duration_seconds
    assert outcome["seconds"] == pytest.approx(length, abs=0.01) and length < 4.5
    assert any("of 5.0 s could be cut" in warning for warning in outcome["warnings"])
    late = tmp_path / "late.reel.json"
    write(Reel((Clip("match.mp4", 5.5, 6.0),)), late)
    line = refused("reel", late, "--video", truncated, "-o", tmp_path / "late.mp4")
    assert "damaged" in line
    assert not (tmp_path / "late.mp4").exists()


@pytest.mark.parametrize(
    ("output", "options", "said"),
    [
        ("o.edl", ["--labels"], "--labels"),
        ("o.vtt", ["--audio-track", "2"], "--audio-track"),
        ("o.csv", ["--no-deinterlace"], "--deinterlace"),
        ("o.edl", ["--keep-hdr"], "--keep-hdr"),
        ("o.vtt", ["--rate", "25"], "--rate"),
        ("o.mp4", ["--rate", "25"], "--rate"),
        ("o.edl", ["--rate", "25", "--to", ".mp4"], "--to"),
    ],
)
def test_options_that_would_change_nothing_are_refused(tmp_path, refused, output, options, said):
    events = write_events(tmp_path / "m.events.json", {"time": 10.0, "label": "Goal"})
    assert said in refused("reel", events, "-o", tmp_path / output, *options)
    assert files_in(tmp_path) == {"m.events.json"}


@pytest.mark.parametrize("option", ["--seconds", "--shift-seconds", "--jitter-seconds"])
def test_how_clips_are_chosen_is_not_said_of_a_reel(tmp_path, refused, option):
    reel = tmp_path / "m.reel.json"
    write(Reel((Clip("m.mp4", 1.0, 3.0),)), reel)
    line = refused("reel", reel, "-o", tmp_path / "o.edl", "--rate", "25", option, "5")
    assert option in line and "m.reel.json" in line
    assert files_in(tmp_path) == {"m.reel.json"}


def test_a_confidence_that_no_event_has_is_said_with_the_highest(tmp_path, refused):
    event = {"time": 10.0, "label": "Goal", "confidence": 0.5}
    events = write_events(tmp_path / "m.events.json", event)
    line = refused("reel", events, "-o", tmp_path / "o.vtt", "--min-confidence", "0.9")
    assert "lower --min-confidence" in line and "0.5" in line


def test_one_call_makes_reels_of_several_lengths_and_of_each_moment(call, videos, events, tmp_path):
    out = tmp_path / "out"
    out.mkdir()
    asked = ("--seconds", "2", "--seconds", "4")
    ended = call("reel", events, "--video", videos / "match.mp4", "-o", out / "reel.mp4", *asked)
    assert (ended.code, ended.err) == (0, "")
    assert files_in(out) == {"reel-2s.mp4", "reel-4s.mp4"}
    lengths = [probe(out / name).duration_seconds for name in ("reel-2s.mp4", "reel-4s.mp4")]
    assert lengths[0] < lengths[1] <= 4.05
    ended = call("reel", events, "-o", out / "moment.edl", "--each", "--exclude", "Foul")
    assert (ended.code, ended.err) == (0, "")
    assert sum(name.startswith("moment-01-") for name in files_in(out)) == 1


def test_wishes_are_followed_and_mean_nothing_to_a_reel(call, refused, videos, events, tmp_path):
    reel = tmp_path / "match.reel.json"
    assert call("reel", events, "-o", reel, "--pin", "0-1", "--include", "Goal").code == 0
    chosen = read(reel)
    assert {event.label for clip in chosen for event in clip.events} <= {"Goal"}
    assert chosen.clips[0].start_seconds == 0
    assert "--include would change nothing" in refused(
        "reel", reel, "-o", tmp_path / "x.edl", "--include", "Goal"
    )


def test_options_without_effect_are_refused_with_what_would_give_them_one(refused, tmp_path):
    events = write_events(tmp_path / "e.json", {"time": 5.0, "label": "Goal"})
    line = refused("reel", events, "--aspect", "9:16", "-o", tmp_path / "x.reel.json")
    assert "--aspect" in line and "--video" in line
    line = refused("reel", events, "--teams", "A,B", "-o", tmp_path / "x.mp4")
    assert "--teams" in line and "--scoreboard" in line


def test_one_reel_is_cut_out_of_several_matches(call, refused, videos, events, tmp_path):
    other = Path(shutil.copytree(videos, tmp_path / "other"))
    write_events(other / "match.events.json", {"time": 2.0, "label": "Goal", "confidence": 0.8})
    both = (events, other / "match.events.json")
    reel = tmp_path / "reel.mp4"
    assert call("reel", *both, "--across", "equal", "--seconds", "7", "-o", reel).code == 0
    assert 5 < probe(reel).duration_seconds < 7.2
    given = ("--video", videos / "match.mp4", "--video", other / "match.mp4")
    decisions = tmp_path / "reel.reel.json"
    assert call("reel", *both, "--across", "worth", *given, "-o", decisions).code == 0
    clips = read(decisions).clips
    assert [clip.title for clip in clips] == ["Goal: videos", "Goal: other"]
    assert call("reel", decisions, "-o", tmp_path / "again.otio").code == 0
    named = [clip.video for clip in read(tmp_path / "again.otio")]
    assert named == [clip.video for clip in clips] and len(set(named)) == 2
    moments = ("--each", "--across", "worth", "-o", tmp_path / "one.edl")
    assert call("reel", *both, *moments).code == 0
    assert {"one-01-goal.edl", "one-02-goal.edl"} <= files_in(tmp_path)

    words = ("--across", "worth", "-o", tmp_path / "x.mp4")
    assert "2 videos, and 1 are given" in refused("reel", *both, *words, *given[:2])
    assert "several matches" in refused("reel", *both, *words, "--pin", "0:01-0:02")
    assert "is a reel" in refused("reel", events, decisions, *words)
    (other / "match.mp4").unlink()
    line = refused("reel", *both, *words)
    assert str(other / "match.events.json") in line and "not beside it" in line


def test_files_that_an_option_names_are_refused_with_the_option(refused, events, tmp_path):
    (tmp_path / "said.srt").write_text("no cues")
    (tmp_path / "folder").mkdir()
    for option, path, what in (
        ("--goals", tmp_path / "said.srt", "said.srt"),
        ("--goals", tmp_path / "none.csv", "none.csv"),
        ("--transcript", events, "match.events.json"),
        ("--transcript", tmp_path / "folder", "holds no transcripts"),
    ):
        line = refused("reel", events, option, path, "-o", tmp_path / "x.edl")
        assert line.startswith(f"error: {option}, ") and what in line


def test_a_reel_beside_its_transcripts_is_kept(call, events):
    (events.parent / "1_asr.json").write_text('{"segments": {"0": [1.0, 2.0, "what a goal"]}}')
    words = ("reel", events, "--transcript", events.parent, "-o", events.parent / "x.reel.json")
    assert call(*words).code == 0
    assert "kept" in call(*words).out


def test_each_moment_carries_what_must_be_known_of_the_events(call, events, tmp_path):
    document = json.loads(events.read_text())
    events.write_text(json.dumps({**document, "warnings": ["the video ended early"]}))
    ended = call("reel", events, "--each", "-o", tmp_path / "x.edl", "--json")
    made = json.loads(ended.out)["done"]
    assert made and all("the video ended early" in one["warnings"] for one in made)


def test_a_framing_without_a_shape_is_said(call, events, tmp_path):
    decisions = tmp_path / "x.reel.json"
    words = ("--video", events.parent / "match.mp4", "--aspect", "1:1", "-o", decisions)
    assert call("reel", events, *words).code == 0
    ended = call("reel", decisions, "-o", tmp_path / "x.mp4", "--json")
    assert any("--aspect" in one for one in json.loads(ended.out)["done"][0]["warnings"])
