"""``touchline broadcast``: a line or two for people, JSON for programs, one line of error."""

import json

import pytest
from extras import needs

from touchline.broadcast import ocr, reading
from touchline.broadcast.result import Broadcast, Half, Reading


@pytest.fixture
def installed():
    needs("rapidocr")


def test_a_picture_without_a_bug(call, installed, tmp_path):
    from PIL import Image

    picture = tmp_path / "grass.png"
    Image.new("RGB", (320, 180), (20, 120, 30)).save(picture)
    assert "no score bug" in call("broadcast", picture).out
    assert json.loads(call("broadcast", picture, "--json").out)["bug"] is None


def test_a_video_without_a_bug_and_its_file(call, installed, videos, tmp_path):
    output = tmp_path / "match.broadcast.json"
    said = call("broadcast", videos / "match.mp4", "-o", output)
    assert "no score bug was found" in said.out
    document = json.loads(output.read_text())
    assert document["format"] == "touchline-broadcast"
    assert document["goals"] == [] and document["halves"] == []


@pytest.mark.parametrize(
    ("teams", "scores", "line"),
    [
        (("RIVER PLATE", "BOCA"), [(0, 1), None], "RIVER PLATE 0-1 BOCA\n"),
        (("ARS", "CHE"), [(0, 0), (1, 0)], "ARS 1-0 CHE\n"),
        (None, [(2, 2)], "? 2-2 ?\n"),
        (("ARS", "CHE"), [None], "ARS v CHE\n"),
    ],
)
def test_teams_and_last_score_come_first(call, videos, monkeypatch, teams, scores, line):
    readings = tuple(Reading(float(at), True, score=score) for at, score in enumerate(scores))
    said = Broadcast("match.mp4", 6.0, teams, (Half(1, 0.0, 6.0, 0.0),), readings, ())
    monkeypatch.setattr(reading, "read_recording", lambda *words, **options: said)
    printed = call("broadcast", videos / "match.mp4").out
    assert printed.startswith(line)
    assert ("no change of the score" in printed) == (scores != [None])


@pytest.mark.parametrize("name", ["missing.mp4", "text.mp4", "empty.mp4", "concat.mp4"])
def test_what_is_neither_is_refused_in_a_line(refused, installed, videos, name):
    assert name in refused("broadcast", videos / name)


def test_without_the_extra_sound_and_picture_are_read_and_the_way_to_the_score_is_named(
    call, videos, monkeypatch
):
    monkeypatch.setattr(ocr, "is_installed", lambda: False)
    said = call("broadcast", videos / "match.mp4")
    assert "pip install 'touchline[broadcast]'" in said.out
    assert "0 replays, 0 whistles" in said.out
    document = json.loads(call("broadcast", videos / "match.mp4", "--json").out)
    assert not {"halves", "readings", "goals", "teams"} & set(document)
    assert document["replays"] == document["whistles"] == [] and "cuts" in document
    assert len(document["excitement"]["values"]) == 12


def test_a_still_picture_needs_the_extra(refused, tmp_path, monkeypatch):
    from PIL import Image

    picture = tmp_path / "grass.png"
    Image.new("RGB", (320, 180), (20, 120, 30)).save(picture)
    monkeypatch.setattr(ocr, "is_installed", lambda: False)
    assert "pip install 'touchline[broadcast]'" in refused("broadcast", picture)


def test_a_silent_video_and_a_damaged_end_are_said(call, videos, monkeypatch):
    monkeypatch.setattr(ocr, "is_installed", lambda: False)
    assert "has no sound" in call("broadcast", videos / "silent.mp4").out
    assert "damaged" in call("broadcast", videos / "truncated.mp4").out


@pytest.mark.parametrize("name", ["broken.jpg", "broken.png", "empty.webp"])
def test_a_broken_picture_is_called_a_picture(refused, installed, tmp_path, name):
    (tmp_path / name).write_bytes(b"" if "empty" in name else b"\xff\xd8\xff broken")
    said = refused("broadcast", tmp_path / name)
    assert "picture" in said and "video" not in said


def test_what_is_there_already_is_kept_unless_told_otherwise(call, refused, videos, monkeypatch):
    monkeypatch.setattr(ocr, "is_installed", lambda: False)
    output = videos / "match.broadcast.json"
    output.write_text("mine")
    assert "--overwrite" in refused("broadcast", videos / "match.mp4", "-o", output)
    assert output.read_text() == "mine"
    call("broadcast", videos / "match.mp4", "-o", output, "--overwrite")
    assert json.loads(output.read_text())["format"] == "touchline-broadcast"


@pytest.mark.parametrize(
    ("name", "right"),
    [
        ("match.txt", ".broadcast.json"),
        ("match", ".broadcast.json"),
        ("nowhere/match.broadcast.json", "folder"),
        ("match.mp4", "would be overwritten"),
    ],
)
def test_a_place_for_no_such_file_is_refused_at_once(refused, videos, name, right):
    assert right in refused("broadcast", videos / "match.mp4", "-o", videos / name, "--overwrite")
