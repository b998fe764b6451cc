"""Event data of providers through kloppy: what its events are called, and when they are."""

import json
import sys

import pytest
from extras import needs

from touchline.cli.convert import app as convert_app
from touchline.errors import FormatError, MissingExtraError
from touchline.formats import read, read_matches
from touchline.formats.converting import convert

needs("kloppy")

TEAMS = {1: "North End", 2: "South Park"}


def event(number, kind, half=1, at="00:00:01.000", team=1, **more) -> dict:
    kinds = {"Starting XI": 35, "Half Start": 18, "Half End": 34, "Pass": 30, "Shot": 16,
             "Foul Committed": 22, "Pressure": 17}  # fmt: skip
    minute, second = int(at[3:5]), int(at[6:8])
    return {
        "id": f"00000000-0000-0000-0000-{number:012d}",
        "index": number,
        "period": half,
        "timestamp": at,
        "minute": minute + 45 * (half - 1),
        "second": second,
        "type": {"id": kinds[kind], "name": kind},
        "possession": 1,
        "possession_team": {"id": team, "name": TEAMS[team]},
        "play_pattern": {"id": 1, "name": "Regular Play"},
        "team": {"id": team, "name": TEAMS[team]},
    } | more


def by(player: int) -> dict:
    return {"player": {"id": player, "name": f"Player {player}"}, "location": [60.0, 40.0]}


def match_events() -> list[dict]:
    line_up = [
        event(team, "Starting XI", at="00:00:00.000", team=team, tactics={
            "formation": 442,
            "lineup": [{"player": {"id": 10 * team, "name": f"Player {10 * team}"},
                        "position": {"id": 1, "name": "Goalkeeper"}, "jersey_number": 1}],
        })
        for team in (1, 2)
    ]  # fmt: skip
    corner = {"length": 5.0, "angle": 0.0, "height": {"id": 3, "name": "High Pass"},
              "end_location": [110.0, 40.0], "type": {"id": 61, "name": "Corner"}}  # fmt: skip
    plain = {"length": 5.0, "angle": 0.0, "height": {"id": 1, "name": "Ground Pass"},
             "end_location": [65.0, 40.0]}  # fmt: skip
    shot = {"statsbomb_xg": 0.5, "end_location": [120.0, 40.0, 1.0],
            "technique": {"id": 93, "name": "Normal"},
            "body_part": {"id": 40, "name": "Right Foot"}}  # fmt: skip
    goal, saved = {"id": 97, "name": "Goal"}, {"id": 100, "name": "Saved"}
    open_play, penalty = {"id": 87, "name": "Open Play"}, {"id": 88, "name": "Penalty"}
    card = {"card": {"id": 7, "name": "Yellow Card"}}
    return [
        *line_up,
        event(3, "Half Start", at="00:00:00.000"),
        event(4, "Half Start", at="00:00:00.000", team=2),
        event(5, "Pass", at="00:00:10.500", duration=1.0, **{"pass": plain}, **by(10)),
        event(6, "Pass", at="00:07:41.820", duration=1.0, **{"pass": corner}, **by(10)),
        event(7, "Shot", at="00:07:44.000", duration=0.5, **by(10),
              shot=shot | {"outcome": saved, "type": open_play}),
        event(8, "Foul Committed", at="00:20:00.000", team=2, foul_committed=card, **by(20)),
        event(13, "Half End", at="00:45:00.000"),
        event(9, "Half Start", 2, "00:00:00.000"),
        event(10, "Half Start", 2, "00:00:00.000", 2),
        event(11, "Shot", 2, "00:10:00.250", duration=0.5, **by(10),
              shot=shot | {"outcome": goal, "type": penalty}),
        event(12, "Pressure", 2, "00:11:00.000", 2, duration=0.5, **by(20)),
        event(14, "Half End", 2, "00:47:00.000"),
    ]  # fmt: skip


def line_ups() -> list[dict]:
    return [
        {"team_id": team, "team_name": name, "lineup": [
            {"player_id": 10 * team, "player_name": f"Player {10 * team}", "player_nickname": None,
             "jersey_number": 1, "country": {"id": 1, "name": "Nowhere"}, "cards": [],
             "positions": []}]}
        for team, name in TEAMS.items()
    ]  # fmt: skip


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
