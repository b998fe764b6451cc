"""Commands that write one file: the same content is kept, other content stays without
``--overwrite``."""

import json
from pathlib import Path

import pytest

from touchline.events import Event, Match, Timeline, Video
from touchline.formats import read, write

GAME = "league/season/game"
OTHERS = "written by a person\n"


def halves(label: str) -> Match:
    return Match(
        GAME,
        tuple(Timeline(Video(str(n)), (Event(9.0 * n, label, 0.5),), half=n) for n in (1, 2)),
    )


@pytest.fixture
def results(tmp_path):
    """Predictions of a game, and of the same game by another network."""
    for name, label in (("a", "Corner"), ("b", "Goal")):
        (tmp_path / name).mkdir()
        write({GAME: halves(label)}, tmp_path / name, "soccernet-results")
    return tmp_path


def commands(folder) -> dict[str, tuple[tuple, str]]:
    """Each command with the file that it writes."""
    a, b = folder / "a", folder / "b"
    return {
        "convert": (("convert", a, folder / "out.csv"), "out.csv"),
        "convert to a zip": (("convert", a, folder / "out.zip"), "out.zip"),
        "convert to a folder": (
            ("convert", a, folder / "out"),
            f"out/{GAME}/results_spotting.json",
        ),
        "combine": (("combine", a, b, "-o", folder / "c.zip"), "c.zip"),
        "combine to a folder": (
            ("combine", a, b, "-o", folder / "c"),
            f"c/{GAME}/results_spotting.json",
        ),
        "evaluate": (("evaluate", a, b, "--html", folder / "page.html"), "page.html"),
        "stats": (("dataset", "stats", a, "--picture", folder / "bars.svg"), "bars.svg"),
    }


@pytest.mark.parametrize("name", commands(Path()))
def test_a_file_of_somebody_stays_until_overwrite_is_given(call, refused, results, name):
    (*words,), file = commands(results)[name]
    path = results / file
    if name == "evaluate":
        write({GAME: halves("Corner")}, results / "a", "soccernet-v2")
        (results / "a" / GAME / "results_spotting.json").unlink()
    ended = call(*words)
    assert ended.code == 0, ended
    whole, stamp = path.read_bytes(), path.stat().st_mtime_ns
    assert call(*words).code == 0
    assert (path.read_bytes(), path.stat().st_mtime_ns) == (whole, stamp), "the same is kept"
    path.write_text(OTHERS)
    assert refused(*words) == (
        f"error: {path}: is there already; write elsewhere, or give --overwrite\n"
    )
    assert path.read_text() == OTHERS
    assert call(*words, "--overwrite").code == 0
    assert path.read_bytes() == whole
    assert not list(results.rglob("*.part"))


def test_a_tree_is_written_whole_or_not_at_all(refused, results):
    games = {f"league/season/{name}": halves("Goal") for name in ("first", "second")}
    write(games, results / "two.zip", "soccernet-results")
    blocked = results / "out" / "league/season/second" / "results_spotting.json"
    blocked.parent.mkdir(parents=True)
    blocked.write_text(OTHERS)
    assert str(blocked) in refused("convert", results / "two.zip", results / "out")
    assert [path for path in (results / "out").rglob("*") if path.is_file()] == [blocked]


def test_from_python_files_are_replaced(results):
    path = results / "a.events.json"
    for label in ("Goal", "Foul"):
        write(Timeline(Video("m"), (Event(1.0, label),)), path)
    assert [event.label for event in read(path)] == ["Foul"]


def test_a_file_that_cannot_be_read_gives_no_option_that_is_not_there(refused, tmp_path):
    (tmp_path / "a.txt").write_text("nothing of ours")
    (tmp_path / "m.mp4").write_text("no video")
    for words in (
        ("reel", tmp_path / "a.txt", "-o", tmp_path / "r.edl"),
        ("annotate", tmp_path / "m.mp4", tmp_path / "a.txt", "-o", tmp_path / "r.mp4"),
    ):
        line = refused(*words)
        assert "not an event, label or reel file of a known format; known are touchline" in line
        assert "touchline convert --from NAME" in line


@pytest.mark.parametrize("suffix", [".otio", ".edl", ".fcpxml"])
def test_events_do_not_become_an_edit_list_without_a_reel(refused, tmp_path, suffix):
    write(Timeline(Video("m"), (Event(1.0, "Goal"),)), tmp_path / "a.events.json")
    line = refused("convert", tmp_path / "a.events.json", tmp_path / f"a{suffix}")
    assert "this suffix is for a reel, not for events" in line
    assert f"touchline reel EVENTS -o a{suffix}" in line


def test_a_document_of_the_same_call_stays_one(call, results):
    (results / "out.csv").write_text(OTHERS)
    ended = call("convert", results / "a", results / "out.csv", "--json")
    assert list(json.loads(ended.out)) == ["error"]
