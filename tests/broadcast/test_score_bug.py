"""The bug of a recording is found by itself, and what it says is decoded, in every design."""

from dataclasses import replace
from typing import Any, cast

import numpy as np
import pytest
from drawn_bugs import DESIGNS, Broadcast, Design, State, draw
from PIL import Image

from touchline.broadcast.bug_decoding import PlaceReadings, ScoreBugResult, decode, looks_of
from touchline.broadcast.ocr import Picture, TextReader
from touchline.broadcast.score_bug import ScoreBugObserver
from touchline.broadcast.score_track import ScoreReading
from touchline.broadcast.still_bug import read_rows, read_still
from touchline.broadcast.texts import Box, Line


def read(recording: Broadcast, reader: TextReader, rate: float = 2.0) -> ScoreBugResult:
    observer = ScoreBugObserver(reader)
    for time, picture in recording.frames(rate):
        observer.see(time, picture)
    return observer.finish(duration_seconds=recording.seconds)


def around_half_time(time: float) -> float | None:
    """The last 70 s of the first half, a break of 30 s, and the start of the second."""
    if time < 70:
        return 2700 - 75 + time
    return None if time < 100 else 2700 + time - 100


@pytest.mark.parametrize("design", DESIGNS, ids=lambda design: design.name)
def test_a_still_of_every_design(design: Design, reader: TextReader) -> None:
    recording = Broadcast(design, lambda time: 1200 + time, 30, goals=[(5, 0), (6, 1), (7, 1)])
    *_, (_, picture) = recording.frames(1.0)
    bug = read_still(picture, reader)
    assert bug is not None
    assert (bug.home, bug.away) == design.names
    assert bug.score == (1, 2)
    shown = 2700 - 1229 if design.clock == "down" else 1229
    assert bug.clock_seconds == shown


ROWS_BESIDE_A_CLOCK = Design(
    "a row for each team, clock beside them, small",
    lambda s: [[s.home, str(s.score[0]), s.clock or ""], [s.away, str(s.score[1])]],
    size=17,
    names=("Norway", "France"),
)
GOALS_FIRST = Design(
    "goals before names in a row for each team",
    lambda s: [[str(s.score[0]), s.home], [str(s.score[1]), s.away], [s.clock or ""]],
    size=20,
    names=("USA", "JPN"),
)
CAPTION = Design("a caption", lambda s: [["GOALS 12   ASSISTS 9"]], place=(500, 600), size=22)


@pytest.mark.parametrize("design", [ROWS_BESIDE_A_CLOCK, GOALS_FIRST], ids=lambda d: d.name)
def test_a_caption_with_numbers_is_not_the_bug(design: Design, reader: TextReader) -> None:
    state = State(*design.names, (0, 4), "46:18")
    image = Image.new("RGB", (1280, 720), "#3a6b35")
    for part in (design, CAPTION):
        bug = draw(part, state)
        image.paste(bug, part.place, bug)
    said = read_still(np.asarray(image), reader)
    assert said is not None
    assert (said.home, said.away, said.score) == (*design.names, (0, 4))
    assert said.clock_seconds == 46 * 60 + 18


FOLLOWED = [design for design in DESIGNS if design.size > 17]
"""Of smaller letters a still is read, but a change of the score in a recording may be missed."""


def goals_of(said: ScoreBugResult) -> list[tuple[str, tuple[int, int]]]:
    return [(goal.team, goal.score) for goal in said.goals]


def assert_shown_when_drawn(said: ScoreBugResult, recording: Broadcast) -> None:
    for goal, (shown, _) in zip(said.goals, recording.goals, strict=True):
        assert goal.seen_at_seconds == pytest.approx(shown, abs=3)
        assert 0 < goal.seen_at_seconds - goal.seconds < 40


ACROSS_HALF_TIME = [DESIGNS[0], *(design for design in FOLLOWED if design.clock != "up")]
"""One of each way in which clocks count."""


@pytest.mark.slow
@pytest.mark.parametrize("design", ACROSS_HALF_TIME, ids=lambda design: design.name)
def test_a_recording_across_half_time(design: Design, reader: TextReader) -> None:
    """Half-time, goals, a hidden bug: halves, clock, score and goals are right."""
    clock = around_half_time
    goals = [(35.0, 0), (120.0, 1), (146.0, 0)]
    recording = Broadcast(design, clock, 166, goals, hidden=[(48, 58), (130, 138)])
    said = read(recording, reader)
    assert said.teams == design.names
    assert [half.half for half in said.halves] == [1, 2]
    assert said.halves[1].start_seconds == pytest.approx(100, abs=2)
    assert said.halves[0].end_seconds == pytest.approx(70, abs=3)
    assert goals_of(said) == [("home", (1, 0)), ("away", (1, 1)), ("home", (2, 1))]
    assert_shown_when_drawn(said, recording)
    off = [
        reading.seconds
        for reading in said.readings
        if (match_seconds := clock(reading.seconds)) is not None
        and 1 <= reading.seconds % 100 <= 68
        and (reading.clock_seconds is None or abs(reading.clock_seconds - match_seconds) > 1)
    ]
    assert off == []
    wrong = [r.seconds for r in said.readings if r.visible and recording.shown(r.seconds) is None]
    assert len(wrong) <= 4
    assert said.box is not None
    left, top = (at / size for at, size in zip(design.place, (1280, 720), strict=True))
    assert -0.05 < said.box[0] - left < 0.1 and -0.05 < said.box[1] - top < 0.05
    assert said.box[2] > left + 0.1 and said.box[3] > top + 0.02


COUNTING_BESIDE = [
    Design(
        "between clock and names, which move",
        lambda s: [[s.clock or "", s.added or "", s.home, f"{s.score[0]}-{s.score[1]}", s.away]],
    ),
    Design(
        "with a plus",
        lambda s: [
            [s.home, f"{s.score[0]} - {s.score[1]}", s.away, s.clock or "", plus(s.added)],
        ],
        names=("BVB", "S04"),
    ),
    Design(
        "under the clock",
        lambda s: [
            [s.clock or "", s.home, str(s.score[0]), str(s.score[1]), s.away], [s.added or ""]
        ],
    ),
]  # fmt: skip


def plus(added: str | None) -> str:
    return f"+{added}" if added else ""


@pytest.mark.slow
@pytest.mark.parametrize("design", COUNTING_BESIDE, ids=lambda design: design.name)
def test_added_time_that_counts_beside_a_standing_clock(design: Design, reader: TextReader) -> None:
    """It is no second half, the clock goes on, and a goal in it is seen."""
    start = 5400 - 40
    recording = Broadcast(
        design, lambda time: start + time, 100, goals=[(70, 0)], hidden=[(82, 90)], stands_at=5400
    )
    said = read(recording, reader)
    assert said.teams == design.names
    assert [half.half for half in said.halves] == [2]
    assert goals_of(said) == [("home", (1, 0))]
    assert_shown_when_drawn(said, recording)
    off = [
        reading.seconds
        for reading in said.readings
        if recording.shown(reading.seconds) is not None
        and (
            reading.clock_seconds is None
            or abs(reading.clock_seconds - start - reading.seconds) > 1
        )
    ]
    assert len(off) <= 2


@pytest.mark.slow
@pytest.mark.parametrize(
    "design",
    [design for design in FOLLOWED if design not in ACROSS_HALF_TIME],
    ids=lambda design: design.name,
)
def test_a_recording_of_every_other_design(design: Design, reader: TextReader) -> None:
    goals = [(30.0, 1), (52.0, 0)]
    recording = Broadcast(design, lambda time: 1200 + time, 72, goals)
    said = read(recording, reader)
    assert said.teams == design.names
    assert goals_of(said) == [("away", (0, 1)), ("home", (1, 1))]
    assert_shown_when_drawn(said, recording)
    clocks = [r for r in said.readings if r.clock_seconds is not None]
    assert len(clocks) > 65
    assert not [r for r in clocks if abs(r.clock_seconds - 1200 - r.seconds) > 1]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("design", "rate"),
    list(zip(FOLLOWED[1:3], (1.0, 2.0), strict=True)),
    ids=lambda given: getattr(given, "name", None),
)
def test_a_goal_that_counts_for_a_few_seconds_is_taken_back(
    design: Design, rate: float, reader: TextReader
) -> None:
    recording = Broadcast(
        design, lambda time: 1200 + time, 72, goals=[(30.0, 0)], taken_back=[(46.0, 0)]
    )
    (goal,) = read(recording, reader, rate).goals
    assert (goal.team, goal.score) == ("home", (1, 0))
    assert goal.taken_back_at_seconds == pytest.approx(46, abs=3)


@pytest.mark.slow
@pytest.mark.parametrize("design", FOLLOWED[:1], ids=lambda design: design.name)
def test_a_goal_first_given_to_the_other_side_is_one_goal(
    design: Design, reader: TextReader
) -> None:
    recording = Broadcast(
        design, lambda time: 1200 + time, 80, goals=[(30.0, 1), (48.0, 0)], taken_back=[(48.0, 1)]
    )
    (goal,) = read(recording, reader).goals
    assert (goal.team, goal.score, goal.taken_back_at_seconds) == ("home", (1, 0), None)


@pytest.mark.slow
def test_a_recording_without_a_bug_says_so(reader: TextReader) -> None:
    recording = Broadcast(DESIGNS[0], lambda time: None, 30)
    said = read(recording, reader)
    assert said.halves == () and said.goals == () and said.teams is None
    assert said.remarks == ("no score bug was found",)
    assert not any(reading.visible for reading in said.readings)


@pytest.mark.slow
def test_the_time_of_day_is_no_match_clock(reader: TextReader) -> None:
    of_day = replace(DESIGNS[0], rows=lambda state: [["20:45"]], place=(1100, 30))
    said = read(Broadcast(of_day, lambda time: time, 40), reader)
    assert said.halves == () and said.goals == ()


def test_pictures_of_no_kind_at_all_are_read(reader: TextReader) -> None:
    for picture in (
        np.zeros((40, 60, 3), np.uint8),
        np.full((3, 900, 3), 255, np.uint8),
        np.random.default_rng(0).integers(0, 255, (200, 300, 3), dtype=np.uint8),
    ):
        assert read_still(picture, reader) is None
    observer = ScoreBugObserver(reader)
    assert observer.finish().remarks == ("no score bug was found",)


@pytest.mark.slow
def test_of_a_part_of_a_recording_only_that_part_has_readings(reader: TextReader) -> None:
    recording = Broadcast(DESIGNS[0], lambda time: 1200 + time, 30)
    observer = ScoreBugObserver(reader)
    for time, picture in recording.frames(2.0):
        observer.see(500.0 + time, picture)
    said = observer.finish(duration_seconds=530.0)
    assert [r.seconds for r in said.readings] == [500.0 + k for k in range(30)]
    assert said.readings[20].clock_seconds == pytest.approx(1220, abs=1)


@pytest.mark.slow
def test_a_bug_that_comes_later_is_not_in_the_picture_before(reader: TextReader) -> None:
    comes = 5.0
    recording = Broadcast(DESIGNS[0], lambda time: 1200 + time if time >= comes else None, 20)
    visible = {r.seconds for r in read(recording, reader).readings if r.visible}
    assert min(visible) == pytest.approx(comes, abs=1)
    assert visible == {float(k) for k in range(int(min(visible)), 20)}


def test_a_bug_is_in_the_picture_while_one_of_its_places_shows_it() -> None:
    gone = PlaceReadings(times=[0.0, 1.0, 2.0], seen=[True, False, False])
    come = PlaceReadings(not_found_at=1.0, times=[2.0], seen=[True])
    for chosen in ([gone, come], [come, gone]):
        times, shown = looks_of(chosen)
        assert times.tolist() == [0.0, 1.0, 2.0]
        assert shown.tolist() == [True, False, True]


def test_a_graphic_read_for_names_is_no_other_match() -> None:
    """A goal whose caption is taken for two names a few times is one of the same match."""
    times = [float(time) for time in range(0, 2000, 30)]
    place = PlaceReadings(
        scores=[ScoreReading(time, (int(time > 1000), 0)) for time in times],
        teams=sorted(
            [(time, ("ARS", "CHE")) for time in times]
            + [(time, ("GOLD", "STAR")) for time in (1001.0, 1002.0, 1003.0, 1004.0)]
        ),
        times=times,
        seen=[True] * len(times),
    )
    said = decode([place], [], (0.0, 2000.0), [])
    assert said.teams == ("ARS", "CHE")
    assert [goal.score for goal in said.goals] == [(1, 0)]
    assert not any("matches" in remark for remark in said.remarks)


def test_a_caption_names_no_teams_of_a_bug_that_has_none() -> None:
    times = [float(time) for time in range(0, 2000, 30)]
    place = PlaceReadings(
        scores=[ScoreReading(time, (0, 0)) for time in times],
        teams=[(time, ("GOLD", "STAR")) for time in (990.0, 1001.0, 1010.0)],
        times=times,
        seen=[True] * len(times),
    )
    assert decode([place], [], (0.0, 2000.0), []).teams is None


@pytest.mark.parametrize("design", FOLLOWED, ids=lambda design: design.name)
def test_rows_read_where_they_stand_say_the_score_or_nothing(
    design: Design, reader: TextReader
) -> None:
    recording = Broadcast(design, lambda time: 1200 + time, 12, goals=[(5, 0), (6, 1), (9, 1)])
    pictures = dict(recording.frames(1.0))
    known = read_still(pictures[3.0], reader)
    assert known is not None
    for time, score in ((4.0, (0, 0)), (8.0, (1, 1)), (11.0, (1, 2))):
        said = read_rows(pictures[time], known, reader)
        assert said is None or said.score == score


class Spy:
    """A reader of text that counts how often a picture was searched for text."""

    def __init__(self, reader: TextReader) -> None:
        self._reader = reader
        self.searches = 0

    def find(self, *args: Any) -> list[Line]:
        self.searches += 1
        return self._reader.find(*args)

    def read(self, strip: Picture) -> tuple[str, float]:
        return self._reader.read(strip)


@pytest.mark.slow
def test_a_bug_that_says_the_same_is_seldom_searched_for_text(reader: TextReader) -> None:
    spy = Spy(reader)
    observer = ScoreBugObserver(cast("TextReader", spy))
    searched_before = 0
    for time, picture in Broadcast(DESIGNS[0], lambda time: 1200 + time, 80).frames(1.0):
        observer.see(time, picture)
        if time <= 12:
            searched_before = spy.searches
    assert searched_before > 0
    assert spy.searches == searched_before
    assert all(r.score == (0, 0) for r in observer.finish(duration_seconds=80).readings)


class TwoPlacesAtAGlance:
    """Reads a bug whose clock seems to stand by itself in the whole picture, but not from close by.

    Its pictures say by their first pixel where they were cut out.
    """

    picture = np.zeros((720, 1280, 3), np.uint8)
    picture[..., 0], picture[..., 1] = np.arange(1280) // 8, np.arange(720)[:, None] // 4

    def __init__(self) -> None:
        self.clocks_read = 0

    def find(self, picture: Picture, scale: float = 1.0, stretch: float = 1.0) -> list[Line]:
        left, top = 8 * float(picture[0, 0, 0]), 4 * float(picture[0, 0, 1])
        clock = Box(480, 40, 540, 60) if picture.shape[1] == 1280 else Box(320, 40, 540, 60)
        lines = [Line("ARS 1-0 CHE", Box(100, 40, 300, 60)), Line("20:00", clock)]
        return [replace(line, box=line.box.moved(-left, -top)) for line in lines]

    def read(self, strip: Picture) -> tuple[str, float]:
        self.clocks_read += strip.shape[0] == 48  # the height that a clock's cell is brought to
        return "", 0.0


def test_one_bug_at_two_places_is_followed_once() -> None:
    reader = TwoPlacesAtAGlance()
    observer = ScoreBugObserver(cast("TextReader", reader))
    observer.see(0.0, reader.picture)
    observer.see(0.5, reader.picture)
    assert reader.clocks_read == 1
