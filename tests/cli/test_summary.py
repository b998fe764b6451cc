"""One schema for ``spot``, ``extract``, ``reel`` and ``annotate``, for one input and for many; one
rule for what is there already."""

import json
import os
import re
from dataclasses import fields
from pathlib import Path

import pytest

from touchline.batch.summary import Outcome

DOCUMENT = Path(__file__).parents[2] / "docs" / "cli.md"
ALWAYS = {"source", "status", "files", "warnings", "reason"}
SPOTTED = ALWAYS | {"events"}
DESCRIBED = ALWAYS | {"features", "rows", "dims"}
CUT = ALWAYS | {"clips", "seconds"}
DRAWN = ALWAYS | {"events", "seconds"}


def summary_of(ended) -> dict:
    """The printed object, checked against itself and the exit code."""
    summary = json.loads(ended.out)
    assert set(summary) == {"done", "made", "kept", "failed"}
    for status in ("made", "kept", "failed"):
        assert summary[status] == sum(done["status"] == status for done in summary["done"])
    for done in summary["done"]:
        failed = done["status"] == "failed"
        assert failed == (done["reason"] is not None) == (not done["files"])
        assert all(Path(file).is_file() for file in done["files"])
    assert ended.code == (2 if summary["failed"] else 0)
    return summary


def statuses(ended) -> list[str]:
    return [done["status"] for done in summary_of(ended)["done"]]


@pytest.fixture
def commands(videos, events, plain_model, tmp_path) -> dict[str, tuple]:
    """A call of each command on one input, with the fields that it prints."""
    video = videos / "match.mp4"
    return {
        "spot": ("spot", video, "--model", plain_model, "-o", tmp_path / "o", "--json"),
        "extract": ("extract", video, "-f", "fft", "-o", tmp_path / "o", "--json"),
        "reel": ("reel", events, "-o", tmp_path / "reel.mp4", "--json"),
        "edit list": ("reel", events, "-o", tmp_path / "reel.edl", "--json"),
        "reel file": ("reel", events, "-o", tmp_path / "match.reel.json", "--json"),
        "annotate": ("annotate", video, events, "-o", tmp_path / "a.mp4", "--json"),
    }


FIELDS = {
    "spot": SPOTTED,
    "extract": DESCRIBED,
    "reel": CUT,
    "edit list": CUT,
    "reel file": CUT,
    "annotate": DRAWN,
}


@pytest.mark.parametrize("name", FIELDS)
def test_a_result_is_kept_until_overwrite_is_given(call, commands, name):
    first = summary_of(call(*commands[name]))
    (made,) = first["done"]
    assert made["status"] == "made" and set(made) == FIELDS[name]
    stamps = [Path(file).stat().st_mtime_ns for file in made["files"]]
    (kept,) = summary_of(call(*commands[name]))["done"]
    assert {**kept, "seconds": 0} == {**made, "status": "kept", "seconds": 0}
    assert kept.get("seconds", 0) == pytest.approx(made.get("seconds", 0), abs=0.05)
    assert [Path(file).stat().st_mtime_ns for file in made["files"]] == stamps
    (again,) = summary_of(call(*commands[name], "--overwrite"))["done"]
    assert again == made
    assert all(
        Path(file).stat().st_mtime_ns > stamp
        for file, stamp in zip(made["files"], stamps, strict=True)
    )


OTHERWISE = {
    "spot": ("--threshold", "0.3"),
    "reel": ("--labels",),
    "reel file": ("--seconds", "4"),
    "annotate": ("--slow", "2"),
}


@pytest.mark.parametrize("name", OTHERWISE)
def test_what_was_made_otherwise_is_made_anew(call, commands, name):
    assert statuses(call(*commands[name])) == ["made"]
    otherwise = (*commands[name], *OTHERWISE[name])
    assert statuses(call(*otherwise)) == ["made"]
    assert statuses(call(*otherwise)) == ["kept"]


def test_the_events_of_another_model_or_another_video_are_replaced(
    call, commands, shifting_model, videos
):
    def status(model: object) -> str:
        words = [model if i and commands["spot"][i - 1] == "--model" else word
                 for i, word in enumerate(commands["spot"])]  # fmt: skip
        (status,) = statuses(call(*words))
        return status

    plain_model = commands["spot"][commands["spot"].index("--model") + 1]
    assert [status(plain_model), status(shifting_model), status(plain_model)] == ["made"] * 3
    assert status(plain_model) == "kept"
    (videos / "match.mp4").write_bytes((videos / "silent.mp4").read_bytes())
    assert status(plain_model) == "made"


@pytest.mark.parametrize("name", FIELDS)
def test_a_file_of_somebody_else_is_refused_until_overwrite_is_given(call, videos, commands, name):
    (made,) = summary_of(call(*commands[name]))["done"]
    result = Path(made["files"][0])
    for further in result.parent.glob("*.features.json"):
        further.unlink()
    foreign = {".mp4": videos / "silent.mp4", ".npy": videos / "text.mp4"}
    content = foreign.get(result.suffix, videos / "text.mp4").read_bytes()
    result.write_bytes(content)
    ended = call(*commands[name])
    (failed,) = summary_of(ended)["done"]
    assert "--overwrite" in failed["reason"] and str(result) in failed["reason"]
    assert ended.err == f"error: {failed['reason']}\n"
    assert result.read_bytes() == content
    assert statuses(call(*commands[name], "--overwrite")) == ["made"]


def test_events_and_reels_that_a_person_corrected_are_refused(call, commands):
    for name, row in (("spot", "events"), ("reel file", "clips")):
        (made,) = summary_of(call(*commands[name]))["done"]
        path = Path(made["files"][0])
        document = json.loads(path.read_text())
        extra = {"time": 0.5, "label": "Goal"} if row == "events" else None
        document[row] = [*document[row], extra] if extra else document[row][:0]
        path.write_text(json.dumps(document))
        corrected = path.read_bytes()
        assert statuses(call(*commands[name], *OTHERWISE[name])) == ["failed"]
        assert statuses(call(*commands[name])) == ["failed"]
        assert path.read_bytes() == corrected


def test_events_of_earlier_versions_are_ours_unless_a_person_reviewed_them(call, commands):
    (made,) = summary_of(call(*commands["spot"]))["done"]
    path = Path(made["files"][0])
    document = json.loads(path.read_text())
    del document["content_sha256"]
    path.write_text(json.dumps(document))
    assert statuses(call(*commands["spot"])) == ["kept"]
    document["events"] = [{"time": 0.5, "label": "Goal", "status": "accepted"}]
    path.write_text(json.dumps(document))
    assert statuses(call(*commands["spot"])) == ["failed"]


def test_two_broken_files_are_two_failures_with_their_reasons(call, plain_model, videos, tmp_path):
    broken = [videos / "text.mp4", videos / "empty.mp4"]
    ended = call("spot", *broken, "--model", plain_model, "-o", tmp_path / "o", "--json")
    summary = summary_of(ended)
    assert [done["source"] for done in summary["done"]] == list(map(str, broken))
    assert "is not a video file" in summary["done"][0]["reason"]
    assert "the file is empty" in summary["done"][1]["reason"]
    assert not (tmp_path / "o").exists()


def test_a_broken_file_of_one_is_an_outcome_too(call, videos, events, tmp_path):
    text, output = videos / "text.mp4", tmp_path / "x.mp4"
    for words in (
        ("extract", text, "-f", "fft"),
        ("reel", text, "-o", output),
        ("reel", tmp_path / "missing.json", "-o", output),
        ("annotate", text, events, "-o", output),
        ("annotate", videos / "match.mp4", text, "-o", output),
    ):
        ended = call(*words, "--json")
        (failed,) = summary_of(ended)["done"]
        assert ended.err == f"error: {failed['reason']}\n"
    assert not output.exists()


def test_a_broken_file_of_events_fails_its_game_alone(call, videos, events, tmp_path):
    folder = tmp_path / "events"
    folder.mkdir()
    (folder / "match.events.json").write_bytes(events.read_bytes())
    (folder / "broken.events.json").write_text("{")
    for half in (1, 2):
        game = folder / "league" / "season" / "game"
        game.mkdir(parents=True, exist_ok=True)
        (game / f"{half}.events.json").write_text(events.read_text() if half == 1 else "[")
    ended = call("reel", folder, "--video", videos, "-o", tmp_path / "reels", "--json")
    done = {Path(one["source"]).name: one for one in summary_of(ended)["done"]}
    assert {name: one["status"] for name, one in done.items()} == {
        "broken": "failed",
        "game": "failed",
        "match": "made",
    }
    assert "2.events.json" in done["game"]["reason"]


def test_outcomes_come_in_the_order_of_the_call(call, plain_model, videos, tmp_path):
    names = ["text.mp4", "silent.mp4", "one-frame.mp4", "silent.mp4"]
    ended = call(
        "spot", *(videos / name for name in names), "--model", plain_model, "-o", tmp_path / "o",
        "--json",
    )  # fmt: skip
    sources = [Path(done["source"]).name for done in summary_of(ended)["done"]]
    assert sources == names[:3]  # the same video twice is one task


def test_a_single_video_starts_no_process(call, commands, monkeypatch):
    import multiprocessing

    monkeypatch.setattr(multiprocessing, "get_context", lambda *_: pytest.fail("a process"))
    assert statuses(call(*commands["spot"], "--jobs", "4")) == ["made"]


def test_the_document_says_every_field():
    text = DOCUMENT.read_text(encoding="utf-8")
    described = set(re.findall(r"^\| `(\w+)` \|", text, re.MULTILINE))
    assert {field.name for field in fields(Outcome)} <= described


def test_a_report_of_somebody_else_is_refused_where_no_events_are(call, commands):
    (made,) = summary_of(call(*commands["spot"]))["done"]
    events, report = map(Path, made["files"])
    events.unlink()
    report.write_text("mine")
    (failed,) = summary_of(call(*commands["spot"]))["done"]
    assert failed["status"] == "failed" and str(report) in failed["reason"]
    assert report.read_text() == "mine"


def test_a_video_replaced_by_one_with_an_older_time_stamp_is_spotted_anew(
    call, videos, plain_model, tmp_path
):
    video = tmp_path / "match.mp4"
    command = ["spot", video, "--model", plain_model, "--json"]
    for name, status in (("silent", "made"), ("one-frame", "made"), ("one-frame", "kept")):
        video.write_bytes((videos / f"{name}.mp4").read_bytes())
        os.utime(video, (1_000_000_000, 1_000_000_000))
        assert statuses(call(*command)) == [status]
