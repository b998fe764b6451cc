"""A recording with a score bug, through `touchline.load()` and a reel, without any network."""

from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from drawn_bugs import DESIGNS, HEIGHT, WIDTH, Broadcast
from extras import needs

import touchline
from touchline.events import Event, Timeline
from touchline.media.writer import VideoWriter

RATE = Fraction(2)
SECONDS, KICK_OFF, HALF_ENDS = 190, 20, 160
ROAR, SHOWN = 68.0, 80.0
AUDIO_RATE = 16_000


def clock(time: float) -> float | None:
    return 2700 + time - KICK_OFF if KICK_OFF <= time < HALF_ENDS else None


@pytest.fixture(scope="module")
def video(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The second half of a short match: a goal at 1:08, shown at 1:20."""
    path = tmp_path_factory.mktemp("recording") / "match.mp4"
    drawn = Broadcast(DESIGNS[0], clock, SECONDS, goals=[(SHOWN, 0)])
    time = np.arange(SECONDS * AUDIO_RATE) / AUDIO_RATE
    noise = np.random.default_rng(0).normal(0, 0.02, len(time))
    loud = 1 + 9 * np.exp(-np.clip(time - ROAR, 0, None) / 5) * (time >= ROAR)
    with VideoWriter(path, (WIDTH, HEIGHT), RATE, audio_rate=AUDIO_RATE) as writer:
        for _, picture in drawn.frames(float(RATE)):
            writer.write(picture)
        writer.write_audio((noise * loud).astype(np.float32))
    return path


@pytest.fixture(scope="module")
def spotted(video: Path, tmp_path_factory: pytest.TempPathFactory) -> Timeline:
    """What it is found to hold."""
    needs("rapidocr")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TOUCHLINE_HOME", str(tmp_path_factory.mktemp("home")))
        with touchline.load(threads=1) as spotter:
            return spotter.spot(video)


def the(label: str, timeline: Timeline) -> Event:
    (found,) = (event for event in timeline if event.label == label)
    return found


@pytest.mark.slow
def test_the_goal_has_team_score_clock_and_the_moment_of_the_roar(spotted):
    goal = the("Goal", spotted)
    assert (goal.team, goal.score, goal.half) == ("home", (0, 0), 2)
    assert goal.seconds == pytest.approx(ROAR, abs=4)
    assert goal.clock_seconds == pytest.approx(2700 + goal.seconds - KICK_OFF, abs=1)
    assert abs(goal.seconds - ROAR) <= 2 * (goal.uncertainty_seconds or 0.0)
    assert goal.note is not None and goal.note.startswith(f"1-0 for {DESIGNS[0].names[0]}")
    assert spotted.extra["teams"]["home"] == DESIGNS[0].names[0]


@pytest.mark.slow
def test_the_half_begins_by_the_clock_and_is_not_over_after_two_minutes(spotted):
    kick_off = the("Kick-off", spotted)
    assert kick_off.seconds == pytest.approx(KICK_OFF, abs=2)
    assert (kick_off.half, kick_off.score) == (2, (0, 0))
    assert "Full-time" not in {event.label for event in spotted}


@pytest.mark.slow
def test_the_reel_shows_the_goal_and_says_so(spotted):
    best = max(touchline.highlights(spotted, seconds=40), key=lambda clip: clip.score)
    assert best.start_seconds < ROAR - 2 and best.end_seconds > ROAR
    assert best.title is not None and best.title.startswith("Goal: 1-0 for ")


@pytest.mark.slow
def test_soccernet_s_files_count_from_the_kick_off(spotted, tmp_path):
    touchline.write(spotted, tmp_path / "Labels-v2.json")
    (match,) = (touchline.read(tmp_path / "Labels-v2.json"),)
    goal = next(e for t in match.timelines if t.half == 2 for e in t if e.label == "Goal")
    assert goal.seconds == pytest.approx(the("Goal", spotted).seconds - KICK_OFF, abs=2)


@pytest.mark.slow
def test_a_part_of_it_is_read_alone(video):
    needs("rapidocr")
    with touchline.load(threads=1) as spotter:
        part = spotter.spot(video, start_seconds=100.0, end_seconds=140.0)
    assert {"Goal", "Kick-off", "Full-time"}.isdisjoint(event.label for event in part)
