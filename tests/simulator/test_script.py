"""What every match script promises."""

import itertools
from collections import Counter

import numpy as np
import pytest

from touchline.errors import FormatError, InputError
from touchline.labels import SOCCERNET_BALL, SOCCERNET_V2
from touchline.simulator.author import excitement, write_script
from touchline.simulator.ball import DEAD, RESTARTS
from touchline.simulator.broadcast import final_score
from touchline.simulator.script import CAMERAS, MatchScript, from_json, to_json
from touchline.simulator.teams import colour_distance

SHORT = 8.0


@pytest.fixture(scope="module")
def matches() -> list[MatchScript]:
    return [write_script(seed, minutes=SHORT) for seed in range(6)]


@pytest.fixture(scope="module")
def halves(matches):
    return [half for match in matches for half in match.halves]


def test_same_seed_same_script():
    assert write_script(7, minutes=6) == write_script(7, minutes=6)


def test_json_round_trip(matches):
    assert from_json(to_json(matches[0])) == matches[0]
    with pytest.raises(FormatError, match="not a match script"):
        from_json('{"name": 3}')


def test_other_seed_other_match(matches):
    assert len({(m.home.name, m.away.name) for m in matches}) == len(matches)
    assert len({tuple(p.name for p in m.home.squad) for m in matches}) == len(matches)
    assert len({m.home.kit for m in matches}) > 1


@pytest.mark.parametrize("minutes", [0.2, 0.5, 1.0, 3.0])
@pytest.mark.parametrize("seed", range(5))
def test_any_length_is_a_whole_half(minutes, seed):
    match = write_script(seed, minutes=minutes)
    for half in match.halves:
        assert half.seconds == minutes * 60
        assert half.events[0].label == "Kick-off"
        assert all(0 <= action.seconds < half.seconds for action in half.actions)


@pytest.mark.slow
def test_long_halves_are_dense_like_football():
    counts: Counter[str] = Counter()
    for seed in range(3):
        for half in write_script(seed, minutes=60).halves:
            assert half.seconds == 3600
            counts.update(event.label for event in half.events)
    per_half = {label: count / 6 for label, count in counts.items()}
    assert 55 < per_half["Ball out of play"] < 110
    assert 30 < per_half["Throw-in"] < 70
    assert 8 < per_half["Corner"] < 22
    assert 15 < per_half["Foul"] < 45


@pytest.mark.parametrize("bad", [{"minutes": 0.1}, {"minutes": 61}, {"halves": 3}, {"seed": -1}])
def test_impossible_matches_are_refused(bad):
    with pytest.raises(InputError, match=";"):
        write_script(**{"seed": 1, **bad})


def test_shots_have_no_gaps(halves):
    for half in halves:
        assert half.shots[0].start_seconds == 0
        assert half.shots[-1].end_seconds == half.seconds
        for before, after in itertools.pairwise(half.shots):
            assert before.end_seconds == after.start_seconds
        for shot in half.shots:
            assert shot.end_seconds > shot.start_seconds
            assert shot.camera in CAMERAS


def test_replays_show_the_past_and_their_event(halves):
    replays = [(half, shot) for half in halves for shot in half.shots if shot.is_replay]
    assert replays
    for half, shot in replays:
        assert 0.4 <= shot.speed <= 0.7
        assert shot.replays in half.events
        assert shot.source_start_seconds <= shot.replays.seconds
        last = shot.pitch_seconds(shot.end_seconds)
        assert shot.replays.seconds < last <= shot.start_seconds


def test_everything_falls_on_a_frame(halves):
    for half in halves:
        times = [e.seconds for e in (*half.events, *half.ball_events)]
        times += [a.seconds for a in half.actions]
        times += [s.start_seconds for s in half.shots]
        frames = np.array(times) * 25
        np.testing.assert_allclose(frames, np.round(frames), atol=1e-6)


def test_labels_teams_and_order(halves):
    for half in halves:
        for event in half.events:
            assert event.label in SOCCERNET_V2
            assert event.team in ("home", "away", "not applicable")
            assert event.visibility in ("visible", "not shown")
        assert all(e.label in SOCCERNET_BALL for e in half.ball_events)
        assert {e.team for e in half.ball_events} <= {"left", "right"}
        for sequence in (half.events, half.ball_events, half.actions):
            times = [item.seconds for item in sequence]
            assert times == sorted(times)


def test_every_restart_follows_a_dead_ball(halves):
    for half in halves:
        dead = True
        for action in half.actions:
            if action.kind in DEAD:
                dead = True
            elif action.kind in RESTARTS:
                assert dead, f"{action.kind} at {action.seconds} while the ball was in play"
                dead = False


def test_a_dead_ball_is_restarted_as_the_laws_say(halves):
    follows = {
        "Ball out of play": {"Throw-in", "Corner", "Clearance"},
        "Foul": {"Indirect free-kick", "Direct free-kick", "Penalty"},
        "Offside": {"Indirect free-kick"},
        "Goal": {"Kick-off"},
    }
    meanwhile = {"Substitution", "Yellow card", "Red card", "Yellow->red card"}
    for half in halves:
        labels = [e.label for e in half.events if e.label not in meanwhile]
        for before, after in itertools.pairwise(labels):
            if before in follows:
                assert after in follows[before]


def test_score_is_told_consistently(matches):
    for match in matches:
        goals = Counter(e.team for h in match.halves for e in h.events if e.label == "Goal")
        assert final_score(match) == (goals["home"], goals["away"])
        assert (
            f" {match.home.name} {goals['home']} - {goals['away']} {match.away.name}" in match.name
        )
        assert match.halves[0].score_changes[0] == (0.0, 0, 0)


def test_some_events_are_missed_but_not_many():
    events = [
        e for seed in range(8) for h in write_script(seed, minutes=20).halves for e in h.events
    ]
    unshown = sum(e.visibility == "not shown" for e in events) / len(events)
    assert 0.08 < unshown < 0.30


def test_events_in_replays_and_foreign_close_ups_are_not_shown(halves):
    for half in halves:
        for event in half.events:
            shot = half.shot_at(event.seconds)
            if shot.is_replay or (shot.subject is not None and shot.subject[0] == "crowd"):
                assert event.visibility == "not shown"


def test_cards_are_seen_with_the_referee(halves):
    cards = ("Yellow card", "Red card", "Yellow->red card")
    shown = [
        half.shot_at(event.seconds).subject
        for half in halves
        for event in half.events
        if event.label in cards and event.visibility == "visible"
    ]
    assert shown.count(("referee", 0, 0)) > len(shown) / 2


def test_every_class_appears_over_a_few_short_matches():
    labels = Counter(
        e.label
        for seed in range(8)
        for h in write_script(seed, minutes=10).halves
        for e in h.events
    )
    assert set(labels) == set(SOCCERNET_V2)
    assert min(labels.values()) >= 5
    ball = {
        e.label
        for seed in range(3)
        for h in write_script(seed, minutes=10).halves
        for e in h.ball_events
    }
    assert ball == set(SOCCERNET_BALL)


def test_nobody_plays_after_leaving(matches):
    for match in matches:
        gone: set[tuple[int, int]] = set()
        for half in match.halves:
            for action in half.actions:
                if action.team is None or action.player is None:
                    continue
                who = (action.team, action.player)
                if action.kind == "sent-off":
                    gone.add(who)
                elif action.kind == "substitution":
                    assert who not in gone
                    gone.add(who)
                else:
                    assert who not in gone, f"{action} after leaving"
                assert action.player < len((match.home, match.away)[action.team].squad)


def test_second_yellow_is_given_to_a_booked_player(matches):
    for match in matches:
        booked = Counter()
        for half in match.halves:
            for index, action in enumerate(half.actions):
                if action.kind == "yellow":
                    booked[action.team, action.player] += 1
                labels = [e.label for e in half.events if e.seconds == action.seconds]
                if action.kind == "red" and "Yellow->red card" in labels:
                    assert booked[action.team, action.player] == 2
                    before = half.actions[:index]
                    assert any(
                        a.kind == "yellow" and 1.4 < action.seconds - a.seconds < 1.6
                        for a in before
                    )


def test_kits_can_be_told_apart(matches):
    for match in matches:
        shirts = [match.home.kit.shirt, match.away.kit.shirt, match.referee_kit.shirt]
        for first, second in itertools.combinations(shirts, 2):
            assert colour_distance(first, second) > 120


def test_commentary_is_in_order_and_does_not_overlap(halves):
    for half in halves:
        assert half.commentary
        for line in half.commentary:
            assert 0 <= line.start_seconds < line.end_seconds <= half.seconds
            assert "{" not in line.text
        for before, after in itertools.pairwise(half.commentary):
            assert before.end_seconds < after.start_seconds


def test_graphics_lie_within_the_half(halves):
    for half in halves:
        for graphic in half.graphics:
            assert 0 <= graphic.start_seconds < graphic.end_seconds <= half.seconds
            assert len(graphic.lines) <= 2


def test_crowd_is_loudest_at_goals(halves):
    half = next(h for h in halves if any(e.label == "Goal" for e in h.events))
    seconds = np.arange(0, half.seconds, 0.2)
    level = excitement(half, seconds)
    goal = next(e.seconds for e in half.events if e.label == "Goal")
    assert level.min() >= 0 and level.max() <= 1
    assert level[int(goal * 5) + 2] > 0.9
    assert np.median(level) < 0.5
