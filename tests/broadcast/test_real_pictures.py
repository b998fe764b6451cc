"""Real broadcasts, where the pictures with their truth lie beside the project."""

import json
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from touchline.broadcast.ocr import TextReader
from touchline.broadcast.reading import read_recording
from touchline.broadcast.still_bug import read_still
from touchline.broadcast.stills import read_picture

LEAST_SHARE = 0.95
ONE_OF = 5
"""Of every kind of still the first is read, and one of so many that follow."""


@pytest.fixture(scope="module")
def pictures(shared: Path) -> Path:
    folder = shared / "data" / "real_pictures"
    if not folder.is_dir():
        pytest.skip("the real pictures are not here")
    return folder


def truth(folder: Path, kind: str) -> list[dict[str, Any]]:
    return list(json.loads((folder / "truth.json").read_text())[kind])


def some_of_every_kind(stills: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """One of five is enough to notice a kind that is read no more; the benchmark reads all."""
    seen: Counter[str] = Counter()
    chosen = []
    for still in stills:
        if seen[still["style"]] % ONE_OF == 0:
            chosen.append(still)
        seen[still["style"]] += 1
    return chosen


def seconds_of(text: str) -> float:
    if text.endswith("MIN"):
        return 60.0 * int(text.split()[0])
    minutes, seconds = text.split(":")
    return 60.0 * int(minutes) + int(seconds)


@pytest.mark.slow
def test_stills(pictures: Path, reader: TextReader) -> None:
    right: dict[str, list[bool]] = {"teams": [], "score": [], "clock": []}
    false = []
    for still in some_of_every_kind(truth(pictures, "stills")):
        bug = read_still(read_picture(pictures / still["file"]), reader)
        if still["bug"] is False:
            false += [still["file"]] if bug is not None else []
            continue
        if still["home"] is not None:
            right["teams"].append(
                bug is not None and (bug.home, bug.away) == (still["home"], still["away"])
            )
        if still["score"] is not None:
            right["score"].append(bug is not None and bug.score == tuple(still["score"]))
        if still["clock"] is not None:
            right["clock"].append(
                bug is not None and bug.match_seconds == seconds_of(still["clock"])
            )
    assert false == []
    assert {name: sum(hits) / len(hits) >= LEAST_SHARE for name, hits in right.items()} == {
        "teams": True, "score": True, "clock": True,
    }  # fmt: skip


@pytest.mark.slow
def test_clips(pictures: Path, reader: TextReader) -> None:
    for clip in truth(pictures, "clips"):
        said = read_recording(pictures / clip["file"], threads=1)
        assert said.goals == (), clip["file"]
        if clip["bug"] is None:
            assert not any(reading.visible for reading in said.readings or ())
            continue
        start, end = clip["bug"]["visible"]
        shown = [r.seconds for r in said.readings or () if r.visible]
        assert shown and start - 1 <= min(shown) and max(shown) <= end + 1, clip["file"]
        readings = [r for r in said.readings or () if r.clock_seconds is not None]
        assert {r.score for r in readings} == {tuple(clip["bug"]["score"])}, clip["file"]
        first = readings[0]
        last = readings[-1]
        assert first.clock_seconds is not None and last.clock_seconds is not None
        rate = (last.clock_seconds - first.clock_seconds) / max(1.0, last.seconds - first.seconds)
        for time, text in clip["bug"]["clock_at"]:
            clock = first.clock_seconds + rate * (time - first.seconds)
            assert abs(clock - seconds_of(text)) <= 1.0, (clip["file"], time)
