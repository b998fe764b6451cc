"""A match as StatsBomb's open data writes it, in small."""

TEAMS = {1: "North End", 2: "South Park"}


def event(number, kind, half=1, at="00:00:01.000", team=1, **more) -> dict:
    kinds = {"Starting XI": 35, "Half Start": 18, "Half End": 34, "Pass": 30, "Shot": 16,
             "Foul Committed": 22, "Pressure": 17, "Own Goal Against": 20}  # fmt: skip
    hour, minute, second = at.split(":")
    minute, second = 60 * int(hour) + int(minute), int(float(second))
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
