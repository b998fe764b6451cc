"""With ``--json``, a call that has no result to print prints one object with its error."""

import json

import pytest

CALLS = {
    "a folder without videos": ("spot", "{empty}"),
    "two videos of one name": ("spot", "{a}/match.mp4", "{b}/match.mp4", "--out", "{empty}"),
    "a file in the place of a folder": ("spot", "{a}/match.mp4", "--out", "{a}/match.mp4"),
    "an unknown model": ("spot", "{a}/match.mp4", "--model", "nobody's"),
    "a shape that is none": ("reel", "{events}", "-o", "{empty}/r.mp4", "--aspect", "banana"),
    "a dataset that is none": ("extract", "{empty}", "-f", "fft"),
    "an extractor that is none": ("extract", "{a}/match.mp4", "-f", "nobody's"),
    "a format that is none": ("convert", "{events}", "{empty}/a.nonsense"),
    "an unknown option": ("spot", "{a}/match.mp4", "--loud"),
    "a missing argument": ("annotate", "{a}/match.mp4"),
    "a number that is none": ("spot", "{a}/match.mp4", "--threshold", "nan"),
    "labels that are not there": ("evaluate", "{empty}/no", "{empty}/no"),
    "a run that is not there": ("predict", "{empty}/no", "{empty}"),
    "a recipe that is not there": ("train", "no-recipe"),
    "a model that is not there": ("models", "show", "nobody's"),
    "no games to check": ("dataset", "stats", "{empty}"),
}


@pytest.fixture
def places(tmp_path):
    for name in ("a", "b", "empty"):
        (tmp_path / name).mkdir()
    for name in ("a", "b"):
        (tmp_path / name / "match.mp4").write_text("not a video")
    events = tmp_path / "match.events.json"
    events.write_text(
        '{"format": "touchline-events", "version": 1, "video": {"name": "match.mp4"}, "events": []}'
    )
    return {name: tmp_path / name for name in ("a", "b", "empty")} | {"events": events}


@pytest.mark.parametrize("name", CALLS)
def test_the_error_is_the_only_document(call, places, name):
    words = [word.format(**places) for word in CALLS[name]]
    ended = call(*words, "--json")
    assert ended.code == 2
    document = json.loads(ended.out)
    assert ended.err == f"error: {document['error']}\n"
    assert set(document) == {"error"}
    plain = call(*words)
    assert (plain.code, plain.out, plain.err) == (2, "", ended.err)


def test_a_call_that_printed_its_result_prints_no_second_document(call, places):
    ended = call("spot", places["a"] / "match.mp4", "--json")
    assert ended.code == 2
    assert json.loads(ended.out)["failed"] == 1


def test_what_follows_a_double_dash_asks_for_no_document(call, places):
    ended = call("spot", places["empty"], "--", "--json")
    assert (ended.code, ended.out) == (2, "")


@pytest.mark.parametrize("value", ["nan", "inf", "-0.1", "1.1", "Goal=2", "much"])
def test_a_least_confidence_is_from_0_to_1(refused, places, value):
    words = ("annotate", places["a"] / "match.mp4", places["events"], "-o", "x.mp4")
    line = refused(*words, f"--min-confidence={value}")
    assert "--min-confidence" in line and "0 to 1" in line


@pytest.mark.parametrize(
    ("words", "option", "text"),
    [
        (("spot", "{a}/match.mp4"), "--threshold", "0 to 1"),
        (("combine", "{a}", "{b}", "-o", "x", "--average"), "--within", "0 to 60"),
        (("predict", "{a}", "{b}", "--fuse", "{b}"), "--fuse-weight", "0 to 1"),
        (("spot", "{a}/match.mp4"), "--gpus", "0 or more"),
    ],
)
def test_numbers_out_of_range_are_refused_with_the_range(refused, places, words, option, text):
    words = [word.format(**places) for word in words]
    for value in ("nan", "inf", "-inf"):
        line = refused(*words, option, value)
        assert f"'{option}': {value} is not a finite number" in line
    for value in ("-0.001", "-1"):
        assert f"'{option}': {value} is out of range; give {text}" in refused(*words, option, value)
    if text != "0 or more":
        assert f"61 is out of range; give {text}" in refused(*words, option, "61")


@pytest.mark.parametrize("option", ["--shift-seconds", "--jitter-seconds"])
@pytest.mark.parametrize("value", ["nan", "inf"])
def test_numbers_without_a_range_are_finite(refused, places, option, value):
    line = refused("reel", places["events"], "-o", "r.mp4", option, value)
    assert f"'{option}': {value} is not a finite number" in line


def test_a_part_of_a_video_has_seconds_below_60(refused, places):
    line = refused("spot", places["a"] / "match.mp4", "--start", "1:99")
    assert "--start: '1:99' is not a time; write seconds, m:ss or h:mm:ss" in line
    assert "ss and mm below 60" in line
