"""Recordings that are not a plain match: no goal is invented, and the result says what it lacks."""

from collections.abc import Iterator
from dataclasses import replace
from typing import cast

import numpy as np
import pytest
from drawn_bugs import DESIGNS, HEIGHT, WIDTH, Broadcast, Picture, draw, pictures
from PIL import Image, ImageDraw, ImageFont

from touchline.broadcast.bug_decoding import ScoreBugResult
from touchline.broadcast.ocr import TextReader
from touchline.broadcast.score_bug import ScoreBugObserver
from touchline.broadcast.texts import Line

pytestmark = pytest.mark.slow

FONT = ImageFont.load_default(26)


def read(
    frames: Iterator[tuple[float, Picture]], seconds: float, reader: TextReader
) -> ScoreBugResult:
    observer = ScoreBugObserver(reader)
    for time, picture in frames:
        observer.see(time, picture)
    return observer.finish(duration_seconds=seconds)


def written(picture: Picture, place: tuple[int, int], text: str, plate: str = "#202020") -> Picture:
    """A picture with a text on a plate."""
    image = Image.fromarray(picture)
    pen = ImageDraw.Draw(image)
    width = FONT.getlength(text)
    pen.rectangle((place[0], place[1], place[0] + width + 24, place[1] + 42), fill=plate)
    pen.text((place[0] + 12, place[1] + 5), text, fill="white", font=FONT)
    return np.asarray(image)


def clock(seconds: float) -> str:
    return f"{int(seconds) // 60:02d}:{int(seconds) % 60:02d}"


def scenes(seconds: float, rate: float = 2.0) -> Iterator[tuple[float, Picture]]:
    source = pictures(np.random.default_rng(3))
    for step in range(int(seconds * rate)):
        yield step / rate, next(source)


def test_a_basketball_game(reader: TextReader) -> None:
    """Points by two and three, a clock that counts down and stops."""

    def frames() -> Iterator[tuple[float, Picture]]:
        for time, picture in scenes(70):
            home, away = 41 + 2 * int(time // 14), 38 + 3 * int(time // 19)
            left = 600 - (time - 4 * (time // 24) if time % 24 < 20 else 20 * (time // 24 + 1))
            yield time, written(picture, (60, 40), f"LAL {home}  BOS {away}  Q2 {clock(left)}")

    assert read(frames(), 70, reader).goals == ()


def test_a_news_ticker_with_scores(reader: TextReader) -> None:
    """The scores of other matches run along the bottom."""
    line = "ARS 1-2 CHE   MUN 0-3 LIV   EVE 2-2 TOT   "

    def frames() -> Iterator[tuple[float, Picture]]:
        for time, picture in scenes(60):
            yield time, written(picture, (40 - int(12 * time) % 600, 660), line * 3)

    said = read(frames(), 60, reader)
    assert said.goals == () and said.halves == ()
    assert said.remarks


def test_results_of_other_matches_that_change_beside_the_bug(reader: TextReader) -> None:
    """A ticker beside the bug shows one other result after the other."""
    recording = Broadcast(DESIGNS[0], lambda time: 600 + time, 160, [(70.0, 1)])
    others = ["MUN 0-1 LIV", "MUN 0-2 LIV", "EVE 3-3 TOT", "EVE 4-3 TOT"]

    def frames() -> Iterator[tuple[float, Picture]]:
        for time, picture in recording.frames():
            yield time, written(picture, (980, 40), others[int(time // 12) % len(others)])

    said = read(frames(), 160, reader)
    assert [(goal.team, goal.score) for goal in said.goals] == [("away", (0, 1))]
    assert said.teams == DESIGNS[0].names


class Counted:
    """A reader of text that counts how often it is asked."""

    def __init__(self, reader: TextReader) -> None:
        self.reader, self.times = reader, 0

    def find(self, picture: Picture, scale: float = 1.0, stretch: float = 1.0) -> list[Line]:
        self.times += 1
        return self.reader.find(picture, scale, stretch)

    def read(self, strip: Picture) -> tuple[str, float]:
        return self.reader.read(strip)


def test_texts_beside_the_bug_are_not_read_again_and_again(reader: TextReader) -> None:
    """Results of other matches under its clock, and the time of day, once its clock runs."""
    counted = Counted(reader)
    observer = ScoreBugObserver(cast(TextReader, counted))
    others = ["LIN 0-0 GAR 40'", "DEL 2-3 GAR 18'", "GAR 0-3 TUR 32'"]
    early = 0
    for time, picture in Broadcast(DESIGNS[0], lambda time: 1020 + time, 60).frames(1.0):
        beside = written(picture, (1060, 40), "ARENA 15:32")
        under = written(beside, (60, 40 + 42), others[int(time // 15) % 3], "#0a5c36")
        observer.see(time, under)
        early = counted.times if time < 20 else early
    said = observer.finish(duration_seconds=60)
    assert said.teams == DESIGNS[0].names
    assert counted.times - early <= 10


def test_a_logo_that_moves(reader: TextReader) -> None:
    """The logo of the channel turns and wanders in its corner."""

    def frames() -> Iterator[tuple[float, Picture]]:
        for time, picture in scenes(60):
            place = (1050 + int(40 * np.sin(time / 3)), 40 + int(12 * np.cos(time / 2)))
            yield (
                time,
                written(picture, place, ("SPORT 1", "SPORT 1 HD", "LIVE")[int(time / 5) % 3]),
            )

    said = read(frames(), 60, reader)
    assert said.goals == () and said.halves == () and said.teams is None


def test_a_logo_that_moves_beside_a_bug(reader: TextReader) -> None:
    recording = Broadcast(DESIGNS[0], lambda time: 600 + time, 120, [(70.0, 0)])

    def frames() -> Iterator[tuple[float, Picture]]:
        for time, picture in recording.frames():
            place = (1050 + int(40 * np.sin(time / 3)), 40 + int(12 * np.cos(time / 2)))
            yield time, written(picture, place, "SPORT 1")

    said = read(frames(), 120, reader)
    assert [(goal.team, goal.score) for goal in said.goals] == [("home", (1, 0))]


def test_a_highlights_show(reader: TextReader) -> None:
    """Four matches, half a minute each, with jumps of the clock within."""
    matches = [
        ("ARS", "CHE", (0, 0)),
        ("MUN", "LIV", (2, 1)),
        ("EVE", "TOT", (1, 0)),
        ("NEW", "AVL", (3, 3)),
    ]

    def frames() -> Iterator[tuple[float, Picture]]:
        for time, picture in scenes(128):
            home, away, score = matches[int(time // 32)]
            within = time % 32
            state = (
                f"{home} {score[0]}-{score[1]} {away}  {clock(700 + 900 * (within // 16) + within)}"
            )
            yield time, written(picture, (60, 40), state)

    said = read(frames(), 128, reader)
    assert said.goals == ()
    assert said.remarks


def test_a_shoot_out(reader: TextReader) -> None:
    """The end of extra time, then penalties counted beside the score."""

    def frames() -> Iterator[tuple[float, Picture]]:
        for time, picture in scenes(170):
            if time < 80:
                text = f"ARS 1-1 CHE  {clock(7130 + time) if time < 70 else '120:00'}"
            else:
                kicks = int((time - 80) // 10)
                text = f"ARS 1-1 CHE  PENS {(kicks + 1) // 2}-{kicks // 2}"
            yield time, written(picture, (60, 40), text)

    assert read(frames(), 170, reader).goals == ()


def test_a_shoot_out_counted_in_the_score(reader: TextReader) -> None:
    """The score itself counts the kicks, after the clock has gone."""

    def frames() -> Iterator[tuple[float, Picture]]:
        for time, picture in scenes(170):
            kicks = 0 if time < 80 else int((time - 80) // 10)
            score = f"{1 + (kicks + 1) // 2}-{1 + kicks // 2}"
            text = f"ARS {score} CHE" + (f"  {clock(7130 + time)}" if time < 70 else "")
            yield time, written(picture, (60, 40), text)

    said = read(frames(), 170, reader)
    assert said.goals == ()
    assert any("after the clock has ended" in remark for remark in said.remarks)


def test_extra_time(reader: TextReader) -> None:
    """A goal in extra time is one, in the third half."""
    recording = Broadcast(DESIGNS[0], lambda time: 5400 + time, 160, [(60.0, 0)])

    def frames() -> Iterator[tuple[float, Picture]]:
        for time, picture in scenes(160):
            state = recording.shown(time)
            assert state is not None
            image = Image.fromarray(picture)
            bug = draw(DESIGNS[0], replace(state, clock=clock(5400 + 100 + time)))
            image.paste(bug, DESIGNS[0].place, bug)
            yield time, np.asarray(image)

    said = read(frames(), 160, reader)
    assert [(goal.team, goal.score) for goal in said.goals] == [("home", (1, 0))]
    assert {reading.half for reading in said.readings if reading.half} <= {2, 3}
    clocks = [r.clock_seconds for r in said.readings if r.clock_seconds is not None]
    assert clocks and min(clocks) > 5400


def test_a_screen_filmed_by_a_phone(reader: TextReader) -> None:
    """Held by hand, at an angle, with the lines of the screen: read, or said not to be."""
    recording = Broadcast(replace(DESIGNS[0], size=34), lambda time: 600 + time, 120, [(60.0, 0)])
    rng = np.random.default_rng(1)

    def frames() -> Iterator[tuple[float, Picture]]:
        for time, picture in recording.frames():
            dx, dy = (
                6 * np.sin(time / 2) + rng.normal(0, 1),
                5 * np.cos(time / 3) + rng.normal(0, 1),
            )
            corners = (
                40 + dx,
                20 + dy,
                10 + dx,
                HEIGHT + dy,
                WIDTH + 20 + dx,
                HEIGHT - 30 + dy,
                WIDTH - 20 + dx,
                30 + dy,
            )
            image = Image.fromarray(picture).transform(
                (WIDTH, HEIGHT), Image.Transform.QUAD, corners, Image.Resampling.BILINEAR
            )
            lines = 1 - 0.12 * (np.arange(HEIGHT) % 3 == 0)[:, None, None]
            yield time, (np.asarray(image) * lines).astype(np.uint8)

    said = read(frames(), 120, reader)
    assert [(goal.team, goal.score) for goal in said.goals] in ([], [("home", (1, 0))])
    assert said.goals or said.remarks


def test_a_bug_hidden_for_ten_minutes(reader: TextReader) -> None:
    """A goal falls meanwhile: it is one goal, known to be within these minutes."""
    recording = Broadcast(DESIGNS[0], lambda time: 300 + time, 800, [(400.0, 1)], [(100.0, 700.0)])
    said = read(recording.frames(1.0), 800, reader)
    assert [(goal.team, goal.score) for goal in said.goals] == [("away", (0, 1))]
    (goal,) = said.goals
    assert goal.seconds - goal.uncertainty_seconds <= 400 <= goal.seconds + goal.uncertainty_seconds
    assert len(said.halves) == 1


def test_half_a_match(reader: TextReader) -> None:
    """From the 30th minute to the 34th, the score as it stands."""
    recording = Broadcast(DESIGNS[3], lambda time: 1800 + time, 90, [(-5.0, 0), (-3.0, 0)])
    said = read(recording.frames(), 90, reader)
    assert said.goals == ()
    assert [half.half for half in said.halves] == [1]
    assert not said.halves[0].has_kick_off and not said.halves[0].has_end
    assert {r.score for r in said.readings if r.visible} == {(2, 0)}
