"""``touchline evaluate`` as users call it."""

import contextlib
import io
import json
import sys
from pathlib import Path
from typing import Any, NamedTuple
from unittest import mock

import pytest

from touchline.cli import main

CASES = Path(__file__).parents[1] / "golden" / "metric_parity"
BASIC = CASES / "01_basic_labels.zip", CASES / "01_basic_predictions.zip"
GAME = "italy_serie-a/2016-2017/2016-09-18 - 21-45 North 1 - 0 South"


class Done(NamedTuple):
    """What a call left behind."""

    returncode: int
    stdout: str
    stderr: str


def run(*arguments: object) -> Done:
    """Call the program as its entry point does, in this process."""
    out, err = io.StringIO(), io.StringIO()
    words = ["touchline", "evaluate", *map(str, arguments)]
    with (
        mock.patch.object(sys, "argv", words),
        contextlib.redirect_stdout(out),
        contextlib.redirect_stderr(err),
        pytest.raises(SystemExit) as left,
    ):
        main.run()
    return Done(int(left.value.code or 0), out.getvalue(), err.getvalue())


def figures(*arguments: object) -> Any:
    done = run(*arguments, "--json")
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def refusal(*arguments: object) -> str:
    done = run(*arguments)
    assert done.returncode == 2, done.stdout + done.stderr
    assert "Traceback" not in done.stderr
    return done.stderr


def write(path: Path, document: Any) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(document))
    return path


def test_one_metric_is_an_object_and_several_a_list() -> None:
    assert figures(*BASIC)["average_map"] == pytest.approx(0.692483, abs=1e-6)
    tight, at1 = figures(*BASIC, "--metric", "tight", "--metric", "at1")
    assert tight["average_map"] == pytest.approx(0.196115, abs=1e-6)
    assert at1["metric"] == "at1"


def test_ball_and_team_tasks_find_their_labels_and_rate() -> None:
    case = CASES / "15_team_ball_labels.zip", CASES / "15_team_ball_predictions.zip"
    assert figures(*case)["average_map"] == pytest.approx(0.554472, abs=1e-6)
    assert figures(*case, "--task", "team")["average_map"] == pytest.approx(0.439845, abs=1e-6)


def test_grounding_and_frame_tasks() -> None:
    case = CASES / "16_replay_grounding_labels.zip", CASES / "16_replay_grounding_predictions.zip"
    assert figures(*case, "--task", "grounding")["average_ap"] == pytest.approx(0.8647458679664822)
    by_tolerance = figures(*BASIC, "--task", "frames")["by_tolerance"]
    assert by_tolerance["4"]["map"] == pytest.approx(0.20646169578942686)


def test_tables_and_page(tmp_path: Path) -> None:
    assert "official average mAP" in run(*BASIC).stdout
    page = tmp_path / "out.html"
    done = run(*BASIC, "--explain", "--html", page)
    assert "expected calibration error" in done.stdout
    assert page.read_text().count("<svg") > 17
    assert list(tmp_path.iterdir()) == [page]
    record = figures(*BASIC, "--explain")
    assert record["explain"]["interval"][0] <= record["average_map"]


def test_a_list_of_games_and_a_missing_game(tmp_path: Path) -> None:
    for number in (1, 2):
        write(tmp_path / f"labels/l/s/{number}/Labels-v2.json", {"annotations": []})
    write(tmp_path / "found/l/s/1/results_spotting.json", {"predictions": []})
    sides = tmp_path / "labels", tmp_path / "found"
    assert "no predictions for 1 of 2 games: l/s/2" in refusal(*sides)
    assert figures(*sides, "--missing", "empty")["games"] == 2
    (tmp_path / "labels/test.txt").write_text("l/s/1\n")
    assert figures(*sides, "--split", "test")["games"] == 1
    assert figures(*sides, "--games", tmp_path / "labels/test.txt")["games"] == 1
    (tmp_path / "labels/test.txt").write_text("l/s/3\n")
    assert "no labels of 1 listed game, such as 'l/s/3'" in refusal(*sides, "--split", "test")
    assert "no list of the games of split" in refusal(*sides, "--split", "valid")


def test_single_files_are_one_game_and_other_formats_are_read(tmp_path: Path) -> None:
    events = {
        "format": "touchline-events",
        "version": 1,
        "video": {"name": "match.mp4"},
        "labels": "soccernet-v2",
        "events": [{"time": 74.5, "label": "Goal", "confidence": 0.9}],
    }
    truth = write(tmp_path / "truth.events.json", events)
    found = write(tmp_path / "found.events.json", events)
    record = figures(truth, found, "--metric", "at1")
    assert record["labels"] == "soccernet-v2"
    assert record["per_class"]["Goal"] == 1
    own = figures(truth, found, "--label-set", "Goal,Foul")
    assert list(own["per_class"]) == ["Goal", "Foul"]


def test_summaries_of_editors_and_reels(tmp_path: Path) -> None:
    editors = write(tmp_path / "summaries.json", {GAME: [[1, 10.0, 20.0], [2, 5.0, 5.0]]})
    clips = [{"video": "1_224p.mkv", "half": 1, "start": 15.0, "end": 25.0}]
    reel = {"format": "touchline-reel", "version": 1, "seconds": 10.0, "clips": clips}
    write(tmp_path / "reels" / GAME / "match.reel.json", reel)
    scores = figures(editors, tmp_path / "reels", "--task", "summary")
    assert scores["metric"] == "summary-f1"
    assert scores["precision"] == pytest.approx(11 / 21)
    assert scores["recall"] == pytest.approx(11 / 22)
    assert scores["mean_f1"] == scores["pooled_f1"] == pytest.approx(22 / 43)
    alone = write(tmp_path / "one.reel.json", reel)
    assert figures(editors, alone, "--task", "summary") == scores


def test_summaries_of_soccerhigh_start_with_their_half(tmp_path: Path) -> None:
    document = {
        "UrlLocal": GAME + "/",
        "annotations": [{"id": 1, "start": "1 - 00:07:02.000", "end": "1 - 00:07:12.000"}],
    }
    write(tmp_path / "high" / GAME / "Labels-summary.json", document)
    (tmp_path / "high" / GAME / "video.ini").write_text(
        "[1_HQ.mkv]\nstart_time_second = 412.6\nduration_second = 2700\n"
    )
    own = write(tmp_path / "own.json", {GAME: [[1, 10.0, 20.0]]})
    assert figures(tmp_path / "high", own, "--task", "summary")["mean_f1"] == 1
    assert figures(own, own, "--task", "summary")["mean_f1"] == 1


def test_bad_input_is_one_line(tmp_path: Path) -> None:
    broken = tmp_path / "broken.json"
    broken.write_text('{"annotations": [')
    for arguments, told in (
        ((broken, broken), "malformed JSON"),
        ((tmp_path / "none", broken), "none"),
        ((*BASIC, "--metric", "at9"), "unknown metric 'at9'"),
        ((*BASIC, "--label-set", "v7"), "unknown label set 'v7'"),
        ((*BASIC, "--rate", "x"), "'x' is not a frame rate"),
        ((*BASIC, "--html", tmp_path / "no" / "out.html"), "cannot be written"),
        ((*BASIC, "--task", "team"), "has team 'away'"),
        ((*BASIC, "--task", "summary"), "LABELS are summaries of editors"),
        ((*BASIC, "--task", "team", "--explain"), "does not apply to --task team"),
        ((*BASIC, "--seconds", "30"), "--seconds does not apply to --task spotting"),
        ((*BASIC, "--task", "summary", "--seconds", "-3"), "-3 is out of range; give 0 or more"),
        ((*BASIC, "--task", "summary", "--metric", "loose"), "--metric does not apply"),
    ):
        line = refusal(*arguments)
        assert told in line, (arguments, line)
        assert line.count("\n") == 1, line


def test_a_half_without_predictions_is_said_or_refused(tmp_path):
    annotations = [
        {
            "gameTime": f"{half} - 00:10",
            "label": "Goal",
            "position": "10000",
            "visibility": "visible",
        }
        for half in (1, 2, 2)
    ]
    labels = write(tmp_path / "Labels-v2.json", {"UrlLocal": "a/b/c", "annotations": annotations})
    one = {"gameTime": "1 - 00:10", "label": "Goal", "position": "10000", "half": "1",
           "confidence": "0.9"}  # fmt: skip
    found = tmp_path / "results_spotting.json"
    write(found, {"UrlLocal": "a/b/c", "predictions": [one]})
    done = run(labels, found)
    assert done.returncode == 0
    assert "half 2 of Labels-v2 (2 events): counted as misses" in " ".join(done.stderr.split())
    assert "half 2 of Labels-v2" in refusal(labels, found, "--missing", "refuse")
    both = [one, one | {"gameTime": "2 - 00:10", "half": "2"}]
    write(found, {"UrlLocal": "a/b/c", "predictions": both})
    assert "half 2" not in run(labels, found, "--missing", "refuse").stderr
