"""``spot --start --end``: a part of a video, on the clock of the whole."""

import json
from pathlib import Path

import pytest

import touchline


@pytest.fixture
def spot(call, plain_model, videos, tmp_path):
    def run(*words: object):
        video, out = videos / "match.mp4", tmp_path / "o"
        return call("spot", video, "--model", plain_model, "-o", out, "--threshold", 0, *words)

    return run


def document_of(tmp_path: Path) -> dict:
    return json.loads((tmp_path / "o" / "match.events.json").read_text())


def test_times_stay_those_of_the_whole_video(spot, tmp_path):
    assert spot().code == 0
    whole = document_of(tmp_path)
    assert "part" not in whole
    assert spot("--start", "2", "--end", "0:04").code == 0
    part = document_of(tmp_path)
    assert part["part"] == {"start": 2.0, "end": 4.0}
    assert part["video"] == whole["video"]
    assert part["events"] and all(2 <= event["time"] < 4 for event in part["events"])
    assert spot("--start", "0:00:03.5").code == 0
    rest = document_of(tmp_path)
    assert rest["part"] == {"start": 3.5, "end": None}
    assert max(event["time"] for event in rest["events"]) >= 3.5


def test_a_part_has_the_steps_of_the_whole(plain_model, videos):
    with touchline.load(plain_model) as spotter:
        whole = spotter.score(videos / "match.mp4").scores
        part = spotter.score(videos / "match.mp4", start_seconds=1.7, end_seconds=4.2).scores
    inside = (whole.seconds >= 1.7 - 1e-9) & (whole.seconds < 4.2)
    assert part.seconds.tolist() == whole.seconds[inside].tolist() != []


def test_another_part_is_made_anew_and_the_same_is_kept(spot):
    def status(*words):
        return json.loads(spot(*words, "--json").out)["done"][0]["status"]

    assert status("--start", "1") == "made"
    assert status("--start", "0:01") == "kept"
    assert status("--start", "1", "--end", "3") == "made"
    assert status() == "made"
    assert status() == "kept"


@pytest.mark.parametrize(
    ("words", "what"),
    [
        (["--start", "soon"], "--start: 'soon' is not a time"),
        (["--end", "-1"], "--end: '-1' is not a time"),
        (["--start", "2", "--end", "1"], "--end: 1 does not lie after the start"),
        (["--end", "0"], "--end: 0 does not lie after the start"),
        (["--start", "7"], "match.mp4: there is no picture from 0:07 on"),
    ],
)
def test_a_part_that_cannot_be_read_is_one_line(
    refused, plain_model, videos, tmp_path, words, what
):
    out = tmp_path / "o"
    line = refused("spot", videos / "match.mp4", "--model", plain_model, "-o", out, *words)
    assert what in line
    assert not out.exists()
