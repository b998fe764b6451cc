"""What each format writes, letter by letter: others script against these files.

``TOUCHLINE_WRITE_GOLDEN=1 pytest tests/formats/test_formats_golden.py`` writes them anew, to be
read before they are committed.
"""

import os
from fractions import Fraction
from pathlib import Path

import pytest

from touchline.events import Event, Match, Producer, Timeline, Video
from touchline.formats import FORMATS, read, write
from touchline.labels import SOCCERNET_V2, LabelSet
from touchline.reel import Clip, Reel

GOLDEN = Path(__file__).parents[1] / "golden" / "formats"
GAME = "england_epl/2015-2016/2016-01-02 - 15-45 North End 2 - 1 South Park"
EVENTS = (
    Event(0.312, "Kick-off", team="away", visibility="visible"),
    Event(461.82, "Goal", 0.8731, team="home", player='"9" <O\'Neil> & Co', clock="7:41"),
    Event(2699.96, "Foul", 0.0142, status="pending", source="model", note="=1+1", extra={"x": [1]}),
)
TIMELINE = Timeline(
    Video("match.mp4", 2712.48, Fraction(25)),
    EVENTS,
    SOCCERNET_V2,
    model=Producer("e2e-spot-rny002-gsm-gru", "demo", "00ff"),
    warnings=("the video ended early",),
)
MATCH = Match(
    GAME,
    (
        Timeline(Video("1", 2700.0, Fraction(25, 12)), EVENTS, SOCCERNET_V2, half=1),
        Timeline(Video("2"), (Event(5.5, "Corner", 0.25),), LabelSet("custom", ("Corner",)), 2),
    ),
)
REEL = Reel(
    (
        Clip("1_720p.mkv", 456.82, 467.82, 0.8731, 1, (EVENTS[1],), "Goal & <more>"),
        Clip("1_720p.mkv", 2690.0, 2700.0, 0.5, 1, (EVENTS[2],)),
        Clip("2_720p.mkv", 3.5, 15.25, 0.25, 2),
    )
)
CASES = {
    "match.events.json": (MATCH, "touchline"),
    "timeline.events.json": (TIMELINE, "touchline"),
    "reel.reel.json": (REEL, "touchline-reel"),
    "Labels-v2.json": (MATCH, "soccernet-v2"),
    "Labels.json": (MATCH, "soccernet-v1"),
    "Labels-ball.json": (MATCH, "soccernet-ball"),
    "Labels-cameras.json": (MATCH, "soccernet-cameras"),
    "results_spotting.json": (MATCH, "soccernet-results"),
    "ball-results.json": (MATCH, "soccernet-ball-results"),
    "e2e.json": (MATCH, "e2e"),
    "osl.json": (MATCH, "osl"),
    "osl-v1.json": (MATCH, "osl-v1"),
    "timeline.csv": (TIMELINE, "csv"),
    "reel.csv": (REEL, "csv"),
    "timeline.xml": (TIMELINE, "sportscode"),
    "reel.xml": (REEL, "sportscode"),
    "timeline.vtt": (TIMELINE, "vtt"),
    "timeline.srt": (TIMELINE, "srt"),
    "timeline.txt": (TIMELINE, "youtube"),
    "reel.txt": (REEL, "youtube"),
    "reel.otio": (REEL, "otio"),
    "reel.edl": (REEL, "edl"),
    "reel.fcpxml": (REEL, "fcpxml"),
    "Labels-summary.json": (REEL, "soccerhigh"),
}


@pytest.mark.parametrize("name", CASES)
def test_the_file_is_the_golden_one(name, tmp_path):
    thing, format_name = CASES[name]
    write(thing, tmp_path / name, format_name, rate="30000/1001")
    written = (tmp_path / name).read_bytes()
    if os.environ.get("TOUCHLINE_WRITE_GOLDEN"):
        (GOLDEN / name).write_bytes(written)
    assert written == (GOLDEN / name).read_bytes()


@pytest.mark.parametrize("name", CASES)
def test_the_golden_file_is_read_and_written_as_it_was(name, tmp_path):
    format_name = CASES[name][1]
    write(read(GOLDEN / name, format_name), tmp_path / name, format_name, rate="30000/1001")
    if format_name not in ("youtube",):  # fractions of seconds are gone for good
        assert (tmp_path / name).read_bytes() == (GOLDEN / name).read_bytes()


def test_every_format_that_is_written_has_a_golden_file():
    assert {case[1] for case in CASES.values()} == {n for n, f in FORMATS.items() if f.write}
