"""``combine``: two runs become one submission, and what does not fit is one line."""

import json

import pytest

from touchline.events import Event, Match, Timeline, Video
from touchline.formats import read_matches, write

GAME = "league/season/game"


@pytest.fixture
def two_runs(tmp_path):
    """What a visual and a non-visual network predicted."""
    for name, label in (("visual", "Corner"), ("others", "Goal")):
        timelines = tuple(
            Timeline(Video(f"{half}.mkv"), (Event(10.0 * half, label, 0.5),), half=half)
            for half in (1, 2)
        )
        (tmp_path / name).mkdir()
        write({GAME: Match(GAME, timelines)}, tmp_path / name, "soccernet-results")
    return tmp_path / "visual", tmp_path / "others"


@pytest.mark.parametrize("name", ["out", "out.zip"])
def test_classes_of_both_are_there(call, two_runs, tmp_path, name):
    ended = call("combine", *two_runs, "--out", tmp_path / name, "--json")
    assert ended.code == 0, ended
    assert json.loads(ended.out) == {"games": 1, "events": 4, "written": str(tmp_path / name)}
    labels = [event.label for event in read_matches(tmp_path / name)[GAME].events]
    assert labels == ["Corner", "Goal", "Corner", "Goal"]


def test_networks_of_the_same_classes_are_averaged(call, refused, two_runs, tmp_path):
    visual, out = two_runs[0], tmp_path / "out"
    assert "have the class Corner" in refused("combine", visual, visual, "-o", out)
    assert call("combine", visual, visual, "--average", "-o", out).code == 0
    assert read_matches(out) == read_matches(visual)


def test_what_does_not_go_together_is_one_line(refused, two_runs, tmp_path):
    visual, others = two_runs
    out = tmp_path / "out"
    assert "--average" in refused("combine", visual, others, "--within", 1, "-o", out)
    assert "two or more" in refused("combine", visual, "-o", out)
    assert "nowhere" in refused("combine", visual, tmp_path / "nowhere", "-o", out)
    (others / GAME).rename(others / "league/season/another")
    assert "only some of the predictions hold" in refused("combine", visual, others, "-o", out)
    (tmp_path / "file").write_text("")
    assert "file" in refused("combine", visual, others, "-o", tmp_path / "file" / "out")
    assert not out.exists()
