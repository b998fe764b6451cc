"""``touchline broadcast``: a line or two for people, JSON for programs, one line of error."""

import json

import pytest
from extras import needs

from touchline.broadcast import ocr


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


@pytest.mark.parametrize("name", ["missing.mp4", "text.mp4", "empty.mp4", "concat.mp4"])
def test_what_is_neither_is_refused_in_a_line(refused, installed, videos, name):
    assert name in refused("broadcast", videos / name)


def test_without_the_extra_the_way_to_it_is_named(refused, videos, monkeypatch):
    monkeypatch.setattr(ocr, "is_installed", lambda: False)
    assert "pip install 'touchline[broadcast]'" in refused("broadcast", videos / "match.mp4")
