"""Event data of providers through kloppy: what its events are called, and when they are."""

import json
import sys
import zipfile

import pytest
from extras import needs
from statsbomb_files import by, event, line_ups, match_events
from typer.testing import CliRunner

from touchline.cli.convert import app as convert_app
from touchline.errors import FormatError, MissingExtraError
from touchline.formats import read, read_matches
from touchline.formats.converting import convert

needs("kloppy")


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "events").mkdir()
    (tmp_path / "lineups").mkdir()
    (tmp_path / "events" / "1.json").write_text(json.dumps(match_events()))
    (tmp_path / "lineups" / "1.json").write_text(json.dumps(line_ups()))
    return tmp_path


def test_statsbomb_events_count_from_the_start_of_their_half(folder):
    match = read(folder / "events" / "1.json", "kloppy:statsbomb")
    first = [(e.seconds, e.label, e.team) for e in match.half(1)]
    assert (461.82, "Corner", "home") in first
    assert (464.0, "Shots on target", "home") in first
    assert (1200.0, "Foul", "away") in first
    assert (1200.0, "Yellow card", "away") in first
    assert (10.5, "PASS", "home") in first
    second = {(e.seconds, e.label) for e in match.half(2)}
    assert {(600.25, "Penalty"), (600.25, "Goal"), (660.0, "pressure")} <= second
    goal = next(e for e in match.events if e.label == "Goal")
    assert (goal.player, goal.source) == ("Player 10", "import")
    assert goal.extra["provider_id"].endswith("11")


def test_files_of_a_match_may_lie_in_one_folder(folder):
    (folder / "events" / "1.json").rename(folder / "match_events.json")
    (folder / "lineups" / "1.json").rename(folder / "match_lineups.json")
    assert len(read_matches(folder, "kloppy:statsbomb")) == 1


def test_files_of_a_match_may_lie_in_a_zip(folder):
    path = folder / "match.zip"
    with zipfile.ZipFile(path, "w") as archive:
        for name in ("events/1.json", "lineups/1.json"):
            archive.write(folder / name, name)
    match = read(path, "kloppy:statsbomb")
    assert [t.half for t in match.timelines] == [1, 2]
    (folder / "lineups" / "1.json").unlink()
    with zipfile.ZipFile(path, "w") as archive:
        archive.write(folder / "events" / "1.json", "events/1.json")
    with pytest.raises(FormatError, match=r"match\.zip: the provider's lineup file is missing"):
        read(path, "kloppy:statsbomb")


def test_clocks_run_through_the_halves(folder):
    match = read(folder / "events" / "1.json", "kloppy:statsbomb")
    goal = next(e for e in match.half(2) if e.label == "Goal")
    assert goal.clock_seconds == pytest.approx(2700 + goal.seconds)


def test_conversion_names_what_soccernet_does_not_have(folder, tmp_path):
    done = convert(folder / "events" / "1.json", tmp_path / "Labels-v2.json", "kloppy:statsbomb")
    assert done.outside["pressure"] == 1
    assert read(tmp_path / "Labels-v2.json").half(2) is not None


def test_a_missing_file_and_an_unknown_provider_are_said(folder):
    (folder / "lineups" / "1.json").unlink()
    with pytest.raises(FormatError, match="lineup file is missing"):
        read(folder / "events" / "1.json", "kloppy:statsbomb")
    with pytest.raises(FormatError, match="kloppy:opta"):
        read(folder / "events" / "1.json", "kloppy:tracab")


@pytest.mark.parametrize(
    "text",
    ["", "[]", "{}", "[[", '[{"type": 5}]', "<a/>", "<!DOCTYPE a [<!ENTITY b 'c'>]><a>&b;</a>"],
)
@pytest.mark.parametrize("provider", ["statsbomb", "wyscout", "datafactory", "opta", "sportec"])
def test_malformed_data_is_refused(tmp_path, provider, text):
    for name in ("events.json", "lineups.json", "f7.xml", "f24.xml", "meta.xml"):
        (tmp_path / name).write_text(text)
    with pytest.raises(FormatError):
        read(tmp_path, f"kloppy:{provider}")


def test_without_kloppy_the_extra_is_named(folder, monkeypatch):
    monkeypatch.setitem(sys.modules, "kloppy.statsbomb", None)
    with pytest.raises(MissingExtraError, match=r"touchline\[data\]"):
        read(folder / "events" / "1.json", "kloppy:statsbomb")


def test_the_command_says_it_too(folder):
    from typer.testing import CliRunner

    target = folder / "out.csv"
    source = str(folder / "events" / "1.json")
    done = CliRunner().invoke(convert_app, [source, str(target), "--from", "kloppy:statsbomb"])
    assert done.exit_code == 0 and target.is_file()


def test_an_own_goal_counts_for_the_other_side_and_says_so(folder):
    events = match_events()
    events.append(event(90, "Own Goal Against", half=2, at="00:07:12.640", team=1, **by(10)))
    (folder / "events" / "1.json").write_text(json.dumps(events))
    match = read(folder / "events" / "1.json", "kloppy:statsbomb")
    (own,) = (e for e in match.half(2) if e.seconds == 432.64)
    assert (own.label, own.team, own.player, own.note) == ("Goal", "away", "Player 10", "own goal")


def test_one_impossible_time_is_named_and_the_match_is_read(folder):
    events = match_events()
    events.append(event(90, "Pressure", half=2, at="400:00:00.000", team=1, **by(10)))
    (folder / "events" / "1.json").write_text(json.dumps(events))
    match = read(folder / "events" / "1.json", "kloppy:statsbomb")
    plain = read_before(folder)
    assert [len(t) for t in match.timelines] == [len(t) for t in plain.timelines]
    assert "1440000 s" in match.timelines[0].warnings[0].replace("1.44e+06", "1440000")


def read_before(folder):
    (folder / "events" / "1.json").write_text(json.dumps(match_events()))
    return read(folder / "events" / "1.json", "kloppy:statsbomb")


def test_each_half_is_put_on_the_video_by_its_own_kick_off(folder, tmp_path):
    given = [str(folder / "events" / "1.json"), str(tmp_path / "m.events.json"),
             "--from", "kloppy:statsbomb"]  # fmt: skip
    ended = CliRunner().invoke(convert_app, [*given, "--kick-off", "1=12.4,2=1:00:05"])
    assert ended.exit_code == 0, ended.output
    timeline = read(tmp_path / "m.events.json")
    halves = {e.label: (e.seconds, e.half) for e in timeline if e.label in ("Corner", "Penalty")}
    assert halves == {"Corner": (474.22, 1), "Penalty": (4205.25, 2)}
    missing = CliRunner().invoke(convert_app, [*given, "--overwrite", "--kick-off", "1=12.4"])
    assert missing.exit_code != 0 and "half 2" in str(missing.exception)
