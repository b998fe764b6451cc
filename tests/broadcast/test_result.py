"""``*.broadcast.json`` goes round unharmed, unknown fields with it, and bad files are refused."""

import json
from fractions import Fraction
from pathlib import Path

import pytest

from touchline.broadcast.result import (
    Broadcast,
    Bug,
    Curve,
    Half,
    Moment,
    Reading,
    ScoreGoal,
    Span,
    bug_to_json,
    read_broadcast,
    to_json,
    write_broadcast,
)
from touchline.errors import FormatError

WHOLE = Broadcast(
    "match.mp4",
    6840.0,
    teams=("FCB", "RMA"),
    halves=(
        Half(1, 312.4, 3121.0, 0.0, True, True),
        Half(2, 4030.2, 6830.0, 2700.0, extra={"x": 1}),
    ),
    readings=(
        Reading(330.0, True, 1, 17.6, None, (0, 0), 0.98),
        Reading(331.0, False, None, None, None, None, 0.0, {"note": "wipe"}),
    ),
    goals=(
        ScoreGoal(1502.3, "home", (1, 0), 1519.0, 4.0, extra={"by": "crowd"}),
        ScoreGoal(1602.0, "away", (1, 1), 1620.0, 9.0, 1700.0, 0.8),
    ),
    replays=(Span(1510.2, 1523.8),),
    cuts_seconds=(12.4, 17.92),
    whistles=(Moment(312.5, 0.7),),
    excitement=Curve(Fraction(2), (0.1, 0.1)),
    moments=(Moment(1502.0, 0.9, "crowd +11 dB, two replays"),),
    remarks=("the sound is silent",),
    bug_box=(0.05, 0.06, 0.31, 0.11),
    extra={"weather": "rain"},
)


def test_round_trip(tmp_path: Path) -> None:
    path = tmp_path / "match.broadcast.json"
    write_broadcast(WHOLE, path)
    assert read_broadcast(path) == WHOLE


@pytest.mark.parametrize("box", [[0, 0, 0.2], [0, 0, 1.2, 1], [0.5, 0, 0.2, 1], [0, 0, "1", 1]])
def test_a_box_that_is_none_is_refused(tmp_path: Path, box: list[object]) -> None:
    path = tmp_path / "match.broadcast.json"
    path.write_text(json.dumps({**to_json(WHOLE), "bug_box": box}))
    with pytest.raises(FormatError, match="bug_box"):
        read_broadcast(path)


def test_what_was_not_read_is_not_written(tmp_path: Path) -> None:
    path = tmp_path / "x.broadcast.json"
    plain = Broadcast("x.mp4", 3.0)
    write_broadcast(plain, path)
    assert read_broadcast(path) == plain
    assert set(json.loads(path.read_text())) == {"format", "version", "video"}


def test_the_fields_are_those_of_the_contract() -> None:
    document = to_json(WHOLE)
    assert document["teams"] == {"home": "FCB", "away": "RMA"}
    assert document["halves"][0].items() >= {
        "half": 1, "start": 312.4, "end": 3121.0, "clock_start": 0.0,
    }.items()  # fmt: skip
    assert document["readings"][0] == {
        "time": 330.0, "visible": True, "half": 1, "clock": 17.6, "added": None, "score": [0, 0],
        "confidence": 0.98,
    }  # fmt: skip
    assert document["goals"][0].items() >= {
        "time": 1502.3, "team": "home", "score": [1, 0], "seen_at": 1519.0, "uncertainty": 4.0,
    }.items()  # fmt: skip
    assert document["excitement"] == {"rate": "2", "values": [0.1, 0.1]}
    assert document["cuts"] == [12.4, 17.92]


def test_a_still_picture() -> None:
    bug = Bug((10.2, 20, 300, 60), ("FCB", "RMA"), (1, 0), 3790.0, None, confidence=0.97)
    document = bug_to_json(bug, "x.jpg")
    assert document["bug"] == {
        "box": [10, 20, 300, 60], "teams": ["FCB", "RMA"], "score": [1, 0], "clock": 3790.0,
        "added": None, "confidence": 0.97,
    }  # fmt: skip
    assert bug_to_json(None)["bug"] is None


@pytest.mark.parametrize(
    ("change", "place"),
    [
        ({"format": "other"}, "format"),
        ({"version": 9}, "version"),
        ({"goals": [{"time": 1.0, "team": "red"}]}, "team"),
        ({"goals": 3}, "goals"),
        ({"readings": [{"time": 0.0, "visible": 1}]}, "visible"),
        ({"readings": [{"time": 0.0, "score": [1]}]}, "score"),
        ({"halves": [{"start": 0.0, "end": 1.0, "clock_start": 0.0}]}, "half"),
        ({"excitement": {"rate": "fast", "values": []}}, "rate"),
        ({"cuts": ["a"]}, "cuts"),
        ({"bug": None}, "bug"),
    ],
)
def test_bad_files_are_refused_with_the_place(
    tmp_path: Path, change: dict[str, object], place: str
) -> None:
    path = tmp_path / "bad.broadcast.json"
    path.write_text(json.dumps(to_json(WHOLE) | change))
    with pytest.raises(FormatError, match=place):
        read_broadcast(path)
