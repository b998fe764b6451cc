"""``touchline spot``: events and a report for every video that can be read, one line for others."""

import errno
import json
import os
import pickle
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from extras import needs
from PIL import Image
from small_videos import first_second, picture, write_video

from touchline.formats import read

BAD_VIDEOS = {
    "missing.mp4": "no such file",
    "empty.mp4": "the file is empty",
    "text.mp4": "is not a video file",
    "concat.mp4": "is not a video file",
    "playlist.mp4": "is not a video file",
    "sound-only.mp4": "has no picture",
    "no-index.mp4": "ends before its index",
}


def results_in(folder: Path) -> list[str]:
    """Names of all files but videos, hidden ones too."""
    return sorted(p.name for p in folder.rglob("*") if p.is_file() and p.suffix != ".mp4")


@pytest.mark.parametrize(("name", "what"), BAD_VIDEOS.items())
def test_a_video_that_is_none_is_one_line_and_no_file(
    refused, plain_model, videos, tmp_path, name, what
):
    line = refused("spot", videos / name, "--model", plain_model, "--out", tmp_path / "out")
    assert name in line and what in line
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("names", [("match", "silent"), ("2_224p", "1_224p")])
def test_the_halves_of_a_match_are_written_into_one_file(call, plain_model, videos, names):
    given = [videos / f"{name}.mp4" for name in names]
    for path, source in zip(given, ("match", "silent"), strict=True):
        if not path.exists():
            path.write_bytes((videos / f"{source}.mp4").read_bytes())
    whole = videos / "whole.events.json"
    ended = call("spot", *given, "--model", plain_model, "--match", whole, "--json")
    assert ended.code == 0 and "the events of 2 halves" in ended.err
    json.loads(ended.out)
    halves = {t.half: t.video.name for t in read(whole).timelines}
    expected = sorted(names) if names[0][0].isdigit() else names
    assert halves == {1: f"{expected[0]}.mp4", 2: f"{expected[1]}.mp4"}


@pytest.mark.parametrize("name", ["match", "silent", "one-frame"])
def test_any_length_with_and_without_sound(call, plain_model, videos, name):
    ended = call("spot", videos / f"{name}.mp4", "--model", plain_model, "--json")
    assert (ended.code, ended.err) == (0, "")
    (result,) = json.loads(ended.out)["done"]
    events, report = map(Path, result["files"])
    document = json.loads(events.read_text())
    assert document["format"] == "touchline-events" and document["version"] == 1
    assert document["video"]["name"] == f"{name}.mp4"
    assert document["video"]["frame_rate"] == "25/1"
    assert document["model"] == {
        "name": "e2e-spot-rny002-gru",
        "weights": "tiny-plain",
        "sha256": document["model"]["sha256"],
    }
    assert result["events"] == len(document["events"])
    length = document["video"]["duration"]
    assert all(0 <= event["time"] < length for event in document["events"])
    assert report.read_text().startswith("<!doctype html>")


def test_results_lie_beside_the_video_unless_a_folder_is_named(
    call, shifting_model, videos, tmp_path
):
    ended = call("spot", videos / "silent.mp4", "--model", shifting_model)
    assert ended.code == 0
    assert f"{videos / 'silent.mp4'}: " in ended.out
    out = tmp_path / "made" / "for it"
    assert call("spot", videos / "silent.mp4", "--model", shifting_model, "--out", out).code == 0
    names = ["silent.events.json", "silent.report.html"]
    assert results_in(out) == names
    assert {(videos / name).name for name in names} <= {p.name for p in videos.iterdir()}
    assert (out / names[0]).read_bytes() == (videos / names[0]).read_bytes()


def test_a_truncated_video_is_spotted_as_far_as_it_goes_and_the_results_say_so(
    call, plain_model, videos
):
    ended = call("spot", videos / "truncated.mp4", "--model", plain_model, "--json")
    assert ended.code == 0
    assert "truncated.mp4: the file is damaged or cut off" in ended.err
    (result,) = json.loads(ended.out)["done"]
    document = json.loads((videos / "truncated.events.json").read_text())
    assert result["warnings"] == document["warnings"] != []
    assert "damaged or cut off" in document["warnings"][0]
    assert 0 < document["video"]["duration"] < 6
    assert "damaged or cut off" in (videos / "truncated.report.html").read_text()


def test_one_bad_video_does_not_stop_the_others(call, plain_model, videos, tmp_path):
    names = ("silent.mp4", "text.mp4", "one-frame.mp4", "empty.mp4")
    ended = call(
        "spot", *(videos / n for n in names), "--model", plain_model, "--out", tmp_path / "o"
    )
    assert ended.code == 2
    *each, last = ended.err.splitlines()
    assert ["text.mp4" in each[0], "empty.mp4" in each[1]] == [True, True] and len(each) == 2
    assert last.startswith("error: 2 of 4 failed: ")
    assert len(results_in(tmp_path / "o")) == 4
    assert "silent.mp4" in ended.out and "one-frame.mp4" in ended.out


def test_two_videos_of_one_name_cannot_share_a_folder(refused, videos, tmp_path):
    other = tmp_path / "other" / "match.mkv"
    line = refused("spot", videos / "match.mp4", other, "--out", tmp_path / "out")
    assert "has the same name as" in line and "--out" in line


@pytest.mark.parametrize(
    ("words", "what"),
    [
        (["--threshold", "1.5"], "--threshold"),
        (["--threshold", "much"], "--threshold"),
        (["--engine", "steam"], "--engine"),
        (["--precision", "fp8"], "--precision"),
        (["--model", "nobody"], "known models"),
        (["--nonsense"], "--nonsense"),
    ],
)
def test_wrong_options_are_one_line(refused, videos, words, what):
    before = results_in(videos)
    assert what in refused("spot", videos / "match.mp4", *words)
    assert results_in(videos) == before


def test_spotting_nothing_is_a_wrong_call(refused):
    line = refused("spot")
    assert "VIDEO" in line and "touchline spot --help" in line


class _Hostile:
    def __init__(self, witness: Path) -> None:
        self.witness = witness

    def __reduce__(self):
        return (os.mkdir, (str(self.witness),))


def test_a_pickle_given_as_a_model_is_not_opened(refused, videos, tmp_path):
    checkpoint, witness = tmp_path / "model.pt", tmp_path / "executed"
    checkpoint.write_bytes(pickle.dumps(_Hostile(witness)))
    line = refused("spot", videos / "match.mp4", "--model", checkpoint)
    assert "touchline models import" in line
    assert not witness.exists()


def test_weights_of_another_shape_are_refused(refused, plain_model, videos, tmp_path):
    needs("torch")
    from model_folders import small_network, write_folder

    folder = write_folder(tmp_path / "odd", small_network("rny002", "gru")).path
    card = json.loads((folder / "card.json").read_text())
    card["config"]["temporal_arch"] = "mstcn"
    (folder / "card.json").write_text(json.dumps(card))
    line = refused("spot", videos / "match.mp4", "--model", folder, "--engine", "torch")
    assert "model.safetensors" in line


def test_a_folder_without_a_card_and_weights_that_changed_are_refused(
    refused, plain_model, videos, tmp_path
):
    (tmp_path / "bare").mkdir()
    assert "card.json" in refused(
        "spot", videos / "match.mp4", "--model", tmp_path / "bare", "--engine", "openvino"
    )
    changed = tmp_path / "changed"
    changed.mkdir()
    for file in plain_model.iterdir():
        (changed / file.name).write_bytes(file.read_bytes())
    with (changed / "head.onnx").open("ab") as file:
        file.write(b"more")
    line = refused("spot", videos / "match.mp4", "--model", changed, "--engine", "openvino")
    assert "head.onnx" in line


@pytest.mark.parametrize("place", ["text.mp4", "text.mp4/below"])
def test_results_cannot_go_into_a_file(refused, plain_model, videos, place):
    line = refused("spot", videos / "silent.mp4", "--model", plain_model, "--out", videos / place)
    assert "cannot hold the results" in line


@pytest.mark.skipif(os.name != "posix" or os.geteuid() == 0, reason="root may write anywhere")
def test_a_folder_that_may_not_be_written_is_refused_first(refused, plain_model, videos):
    videos.chmod(0o555)
    try:
        line = refused("spot", videos / "silent.mp4", "--model", plain_model)
    finally:
        videos.chmod(0o755)
    assert "no permission" in line


def test_a_full_disk_is_one_line_and_leaves_nothing_half_written(
    refused, plain_model, videos, tmp_path, monkeypatch
):
    opens = Path.open

    def full(self, mode="r", *args, **kwargs):
        if self.parent == out and set(mode) & set("wx"):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        return opens(self, mode, *args, **kwargs)

    out = tmp_path / "out"
    monkeypatch.setattr(Path, "open", full)
    line = refused("spot", videos / "silent.mp4", "--model", plain_model, "--out", out)
    assert os.strerror(errno.ENOSPC) in line
    assert list(out.iterdir()) == []


@pytest.mark.skipif(os.name != "posix", reason="signals")
def test_interrupting_leaves_no_file_and_says_so(made_videos, plain_model, tmp_path):
    waiting = tmp_path / "waiting"
    program = (
        "import sys, time, pathlib\n"
        "from touchline.spotting import picture_spotter\n"
        "def cut_windows(*given, **named):\n"
        f"    pathlib.Path({str(waiting)!r}).touch()\n"
        "    time.sleep(600)\n"
        "picture_spotter.cut_windows = cut_windows\n"
        "from touchline.cli.main import run\n"
        "run()\n"
    )
    words = ["spot", made_videos / "silent.mp4", "--model", plain_model, "--out", tmp_path / "out"]
    process = subprocess.Popen(
        [sys.executable, "-c", program, *words], stderr=subprocess.PIPE, text=True
    )
    while not waiting.exists():
        assert process.poll() is None, process.stderr and process.stderr.read()
        time.sleep(0.05)
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=60)
    assert (process.returncode, err) == (130, "interrupted\n")
    assert not (tmp_path / "out").exists()


@pytest.mark.slow
@pytest.mark.parametrize("name", ["animation_320x240", "panorama_6500x1000", "stadium_1080p30"])
def test_real_files(call, plain_model, shared, tmp_path, name):
    video = first_second(shared / "data" / "video" / f"{name}.mp4", tmp_path / f"{name}.mp4")
    spotted = call("spot", video, "--model", plain_model, "--out", tmp_path)
    assert (spotted.code, spotted.err) == (0, "")
    events = tmp_path / f"{name}.events.json"
    reel = call("reel", events, "--video", video, "-o", tmp_path / "reel.mp4", "--labels")
    annotated = call(
        "annotate", video, events, "-o", tmp_path / "out.mp4", "--min-confidence", "0.1"
    )
    assert (reel.code, reel.err, annotated.code) == (0, "", 0)  # a reel keeps its channels
    said = annotated.err.splitlines()
    assert [line.endswith("sound: 6 channels are mixed down") for line in said] == (
        [True] if name == "animation_320x240" else []
    )
    assert (tmp_path / "reel.mp4").stat().st_size > 0 < (tmp_path / "out.mp4").stat().st_size


def test_a_folder_of_frames_and_a_half_in_a_recording_are_spotted(call, tmp_path):
    frames = tmp_path / "game" / "1"
    frames.mkdir(parents=True)
    for index in range(25):
        Image.fromarray(picture(index)).save(frames / f"{index:06d}.jpg")
    (frames / "fps.txt").write_text("2.0833333333333335")
    write_video(tmp_path / "game" / "2_HQ.mkv", 150)
    (tmp_path / "game" / "video.ini").write_text("[2_HQ.mkv]\nstart_time_second = 4\n")
    for words in ((tmp_path / "game", "--model", "demo"), (frames,)):
        ended = call("spot", *words, "--json", "--out", tmp_path / str(len(words)))
        assert ended.code == 0, ended
    lengths = {
        Path(done["source"]).name: read(Path(done["files"][0])).video.duration_seconds
        for done in json.loads(call("spot", tmp_path / "game", "--model", "demo", "--json").out)[
            "done"
        ]
    }
    assert lengths == {"1": pytest.approx(12), "2_HQ.mkv": pytest.approx(2, abs=0.01)}
