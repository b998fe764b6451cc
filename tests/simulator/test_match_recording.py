"""One recording of a whole match: what it is made of, and that the truth about it is consistent."""

import json
from fractions import Fraction
from itertools import pairwise
from pathlib import Path

import av
import numpy as np
import pytest
from typer.testing import CliRunner

from touchline.cli import simulate as command
from touchline.formats import read
from touchline.simulator.author import write_script
from touchline.simulator.dataset import simulate
from touchline.simulator.match_video import MatchSource, match_sound, stretches_of
from touchline.simulator.presentation import Presentation

SMALL = {"games": 1, "seed": 4, "minutes": 0.4, "size": (128, 72), "rate": Fraction(5), "jobs": 1}


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    made = simulate(tmp_path_factory.mktemp("match") / "data", recording="match", **SMALL)
    return made.root / made.games[0]


@pytest.fixture(scope="module")
def truth(folder):
    return json.loads((folder / "match_broadcast.json").read_text("utf-8"))


def pictures(path: Path) -> np.ndarray:
    with av.open(str(path)) as container:
        return np.stack([f.to_ndarray(format="rgb24") for f in container.decode(video=0)])


def test_stretches_follow_one_another_and_hold_both_halves():
    for seed in range(5):
        script = write_script(seed, minutes=3)
        stretches = stretches_of(script, Presentation())
        assert stretches[0].start == 0 and stretches[0].kind == "studio"
        assert [s.half for s in stretches if s.kind == "half"] == [1, 2]
        assert stretches[-1].kind == "studio" and "adverts" in [s.kind for s in stretches]
        for before, after in pairwise(stretches):
            assert before.end == after.start
        for stretch in stretches:
            if stretch.kind == "half":
                assert stretch.end - stretch.start == 180.0 and not stretch.scenes
                continue
            bounds = [stretch.start, *(scene.end for scene in stretch.scenes)]
            assert bounds == [*(scene.start for scene in stretch.scenes), stretch.end]


def test_the_files_of_a_match(folder):
    names = {path.name for path in folder.iterdir()}
    assert {"match_72p.mkv", "match_broadcast.json", "match.events.json"} <= names
    assert {"Labels-v2.json", "Labels-cameras.json", "script.json", "1_asr.json"} <= names
    assert not {"1_72p.mkv", "2_72p.mkv", "1_broadcast.json"} & names


def test_the_video_lasts_as_long_as_its_stretches(folder, truth):
    frames = pictures(folder / "match_72p.mkv")
    assert len(frames) == pytest.approx(truth["segments"][-1]["end"] * 5, abs=1)
    with av.open(str(folder / "match_72p.mkv")) as container:
        sampled = sum(frame.samples for frame in container.decode(audio=0))
    assert sampled / 48000 == pytest.approx(truth["video"]["duration"], abs=0.1)
    # Each kind of stretch looks like itself: the pitch is green.
    green = frames[..., 1].mean(axis=(1, 2)) - frames[..., 0].mean(axis=(1, 2))
    for segment in truth["segments"]:
        part = green[int(segment["start"] * 5) + 1 : int(segment["end"] * 5) - 1]
        if segment["kind"] == "half":
            assert np.median(part) > 15


def test_halves_and_events_lie_where_the_labels_have_them(folder, truth):
    labels = read(folder / "Labels-v2.json")
    starts = {s["half"]: s["start"] for s in truth["segments"] if s["kind"] == "half"}
    events = read(folder / "match.events.json")
    expected = [
        (round(starts[timeline.half] + event.seconds, 2), event.label, timeline.half)
        for timeline in labels.timelines
        for event in timeline.events
    ]
    assert [(round(e.seconds, 2), e.label, e.half) for e in events] == expected
    kick_offs = [next(t for t, label, half in expected if label == "Kick-off" and half == number)
                 for number in (1, 2)]  # fmt: skip
    assert [half["start"] for half in truth["halves"]] == pytest.approx(kick_offs)
    assert [half["clock_start"] for half in truth["halves"]] == [0.0, 2700.0]


def test_readings_tell_the_halves_from_what_is_round_them(truth):
    for reading in truth["readings"]:
        segment = next(s for s in truth["segments"] if s["start"] <= reading["time"] < s["end"])
        played = segment["kind"] == "half"
        assert reading["half"] == (segment["half"] if played else None)
        assert played or not reading["visible"]
    clocks = [(r["half"], r["time"], r["clock"]) for r in truth["readings"] if r["clock"]]
    for half in (1, 2):
        zero = truth["halves"][half - 1]
        for number, time, clock in clocks:
            if number == half and clock > zero["clock_start"]:
                assert clock - zero["clock_start"] == pytest.approx(time - zero["clock_zero"])


def test_every_list_lies_within_the_recording_and_in_order(truth):
    end = truth["video"]["duration"]
    assert truth["cuts"] == sorted(set(truth["cuts"])) and 0 < truth["cuts"][-1] < end
    assert {s["start"] for s in truth["segments"][1:]} <= set(truth["cuts"])
    for name in ("replays", "wipes", "dissolves", "shots", "graphics"):
        starts = [entry["start"] for entry in truth[name]]
        assert starts == sorted(starts)
        assert all(-1 < e["start"] < e["end"] < end + 1 for e in truth[name])
    bounds = [shot["end"] for shot in truth["shots"]][:-1]
    assert bounds == [shot["start"] for shot in truth["shots"]][1:]
    assert all(0 < whistle["time"] < end for whistle in truth["whistles"])


def test_same_seed_same_recording(folder, tmp_path):
    again = simulate(tmp_path / "again", recording="match", **SMALL)
    for path in folder.iterdir():
        other = again.root / again.games[0] / path.name
        if path.suffix == ".json":
            assert path.read_bytes() == other.read_bytes(), path.name
        else:
            assert np.array_equal(pictures(path), pictures(other))


def test_frames_may_be_asked_for_across_stretches():
    script = write_script(4, minutes=0.4)
    source = MatchSource(script, (128, 72), Presentation())
    ends = [stretch.end for stretch in stretches_of(script, Presentation())][:-1]
    times = [at + shift for at in ends for shift in (-0.2, 0.0, 0.2)]
    together = list(source.frames(times))
    for at, frame in zip(times, together, strict=True):
        np.testing.assert_array_equal(frame, next(source.frames([at])))


def test_the_sound_has_every_sample():
    script = write_script(4, minutes=0.4)
    total = stretches_of(script, Presentation())[-1].end
    chunks = list(match_sound(script, Presentation(), 8000))
    assert sum(map(len, chunks)) == round(total * 8000)
    samples = np.concatenate(chunks)
    assert np.isfinite(samples).all() and np.abs(samples).max() <= 1


def test_the_command_makes_a_match_of_a_design(tmp_path):
    arguments = [str(tmp_path / "out"), "--minutes", "0.3", "--modalities", "broadcast,labels"]
    arguments += ["--recording", "match", "--bugs", "anchor", "--wipes", "roll", "--jobs", "1"]
    CliRunner().invoke(command.app, arguments, catch_exceptions=False)
    [path] = tmp_path.rglob("match_broadcast.json")
    document = json.loads(path.read_text("utf-8"))
    assert (document["bug"]["design"], document["wipe"]["name"]) == ("anchor", "roll")
