"""Bugs of any layout are made out from where their texts stand, and what is no bug is left."""

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from touchline.broadcast.bug_text import read_bug, read_bugs
from touchline.broadcast.texts import Box, Line

NAMES = st.sampled_from(
    ["ARS", "LIV", "FCB", "S04", "PSG", "EVERTON", "REAL MADRID", "BOCA JUNIORS", "MÜNCHEN", "MU"]
)
GOALS = st.integers(0, 9)


def row(texts: list[str], left: float, top: float, size: float, gap: float = 0.8) -> list[Line]:
    """Texts beside each other, in boxes of their own."""
    lines = []
    for text in texts:
        width = 0.62 * size * len(text)
        lines.append(Line(text, Box(left, top, left + width, top + size), 0.95))
        left += width + gap * size
    return lines


LAYOUTS = {
    "dash": lambda h, a, x, y: [[h, f"{x}-{y}", a]],
    "dash with spaces": lambda h, a, x, y: [[h, f"{x} - {y}", a]],
    "colon": lambda h, a, x, y: [[h, f"{x}:{y}", a]],
    "cells": lambda h, a, x, y: [[h, str(x), str(y), a]],
    "each with its own": lambda h, a, x, y: [[h, str(x), a, str(y)]],
    "one line of text": lambda h, a, x, y: [[f"{h} {x}-{y} {a}"]],
    "a row each": lambda h, a, x, y: [[h, str(x)], [a, str(y)]],
}


def drawn(
    layout: str, home: str, away: str, goals: tuple[int, int], size: float, at: tuple[float, float]
) -> list[Line]:
    """The texts of a layout, the goals of one with a row each in one column."""
    lines = []
    longest = 0.62 * size * max(len(home), len(away))
    for number, texts in enumerate(LAYOUTS[layout](home, away, *goals)):
        placed = row(texts, at[0], at[1] + 1.3 * size * number, size)
        if layout == "a row each":
            name, goal = placed
            shift = at[0] + longest + size - goal.box.left
            placed = [name, Line(goal.text, goal.box.moved(shift, 0), goal.confidence)]
        lines += placed
    return lines


@pytest.mark.parametrize("layout", LAYOUTS)
@given(
    home=NAMES,
    away=NAMES,
    goals=st.tuples(GOALS, GOALS),
    size=st.floats(9, 80),
    left=st.floats(0, 900),
    clock=st.sampled_from(["none", "before", "above", "below"]),
    seconds=st.integers(0, 95 * 60),
)
def test_layouts(
    layout: str,
    home: str,
    away: str,
    goals: tuple[int, int],
    size: float,
    left: float,
    clock: str,
    seconds: int,
) -> None:
    lines = drawn(layout, home, away, goals, size, (left + 8 * size, 100.0))
    text = f"{seconds // 60:02d}:{seconds % 60:02d}"
    top = {"before": 100.0, "above": 100.0 - 1.3 * size, "below": 100.0 + 2.7 * size}
    if clock != "none":
        start = left + (4 if clock == "before" else 8) * size
        lines += row([text], start, top[clock], size)
    bug = read_bug(lines)
    assert bug is not None
    assert (bug.home, bug.away, bug.score) == (home, away, goals)
    assert bug.clock_seconds == (None if clock == "none" else seconds)


@pytest.mark.parametrize(
    ("texts", "names"),
    [
        (["MIL - INT", "2-1"], ("MIL", "INT")),
        (["MIL-INT", "2-1"], ("MIL", "INT")),
        (["MIL", "-", "INT", "2-1"], ("MIL", "INT")),
        (["ZDF", "Saint-Étienne - 1. FC Köln", "2:1"], ("Saint-Étienne", "1. FC Köln")),
        (["H. VERONA - TORINO", "2-1"], ("H. VERONA", "TORINO")),
        (["Sevilla - Atlético M.", "2-1"], ("Sevilla", "Atlético M")),
    ],
)
def test_both_names_before_the_score(texts: list[str], names: tuple[str, str]) -> None:
    bug = read_bug(row([*texts, "61:53"], 60, 40, 30))
    assert bug is not None
    assert (bug.home, bug.away, bug.score, bug.clock_seconds) == (*names, (2, 1), 3713)


def test_goals_before_names_in_two_rows_need_a_clock() -> None:
    lines = [*row(["0", "TÜRKIYE"], 40, 30, 24), *row(["1", "MÉXICO"], 40, 62, 24)]
    assert all(bug.score is None for bug in read_bugs(lines))
    bug = read_bug([*lines, *row(["90:39"], 60, 94, 20)])
    assert bug is not None
    assert (bug.home, bug.away, bug.score) == ("TÜRKIYE", "MÉXICO", (0, 1))


@pytest.mark.parametrize(
    ("texts", "names"),
    [
        (["TOR", "2-1", "JUV", "61:53"], ("TOR", "JUV")),
        (["LA", "2", "MIN", "1", "61:53"], ("LA", "MIN")),
        (["LA 2 MIN 1", "61:53"], ("LA", "MIN")),
        (["ESPN LAFC", "2-1", "SD", "61:53"], ("LAFC", "SD")),
        (["LEE", "2-1", "MCl", "61:53"], ("LEE", "MCI")),
        (["ST MIRREN", "2-1", "CELTIC", "61:53"], ("ST MIRREN", "CELTIC")),
    ],
)
def test_names_that_look_like_other_words(texts: list[str], names: tuple[str, str]) -> None:
    bug = read_bug(row(texts, 60, 40, 30))
    assert bug is not None
    assert (bug.home, bug.away, bug.score, bug.clock_seconds) == (*names, (2, 1), 3713)
    assert bug.half is None


@pytest.mark.parametrize(
    ("mark", "half"), [(["PT"], 1), (["ST"], 2), (["ET"], 3), ([], None), (["LOS"], None)]
)
def test_marks_of_a_half_beside_the_clock(mark: list[str], half: int | None) -> None:
    lines = [*row([*mark, "12:03"], 60, 20, 24), *row(["DYJ", "1", "0", "IND"], 60, 50, 30)]
    bug = read_bug(lines)
    assert bug is not None
    assert (bug.half, bug.home) == (half, "DYJ")


def test_a_bar_between_goals_read_as_a_digit() -> None:
    bug = read_bug(row(["HULL CITY", "010", "EVERTON"], 60, 40, 30, gap=0.4))
    assert bug is not None and bug.score == (0, 0)


def test_marks_around() -> None:
    lines = row(["91:09", "+4", "BAR", "3", "1", "NAP", "(4-2)"], 50, 50, 40)
    bug = read_bug(lines)
    assert bug is not None
    assert (bug.clock_seconds, bug.added_minutes, bug.aggregate) == (5469, 4, (4, 2))
    assert (bug.home, bug.score, bug.away) == ("BAR", (3, 1), "NAP")


@pytest.mark.parametrize("counted", ["03:21", "+03:21", "+3:21"])
@pytest.mark.parametrize("base", [45, 90, 105, 120])
@pytest.mark.parametrize("swapped", [False, True])
def test_added_time_that_counts_beside_a_standing_clock(
    counted: str, base: int, swapped: bool
) -> None:
    clocks = [f"{base}:00", counted]
    lines = row(["BAR", "3", "1", "NAP", *(clocks[::-1] if swapped else clocks)], 50, 50, 40)
    bug = read_bug(lines)
    assert bug is not None
    assert (bug.clock_seconds, bug.standing_seconds) == (base * 60 + 201, base * 60)
    assert bug.clock_box is not None and bug.clock_box.left == lines[-2 if swapped else -1].box.left
    assert (bug.home, bug.score, bug.away) == ("BAR", (3, 1), "NAP")


@pytest.mark.parametrize(
    ("texts", "clock"),
    [
        (["45:00"], 2700),
        (["44:59", "03:21"], 201),  # no half ends there; the nearer one counts
        (["90:00", "21:30"], 1290),  # more than is ever added
        (["90:00", "+4"], 5400),
    ],
)
def test_a_clock_alone_and_other_numbers_beside_it(texts: list[str], clock: int) -> None:
    bug = read_bug(row([*texts, "BAR", "3", "1", "NAP"], 50, 50, 40))
    assert bug is not None
    assert (bug.clock_seconds, bug.standing_seconds) == (clock, None)


def test_a_clock_far_away_is_not_added() -> None:
    lines = [*row(["90:00", "BAR", "3", "1", "NAP"], 50, 50, 40), *row(["03:21"], 850, 50, 40)]
    bug = read_bug(lines)
    assert bug is not None and (bug.clock_seconds, bug.standing_seconds) == (5400, None)


@pytest.mark.parametrize("goals", [["0-1"], []])
@pytest.mark.parametrize("result", [["SEM", "2-1", "FEN", "28'"], ["SEM 2-1 FEN 28'"]])
def test_a_result_under_the_bug_has_no_part_in_it(result: list[str], goals: list[str]) -> None:
    """Also where the score of the match itself is not read."""
    bug = [*row(["1T", "08:52", "HIB"], 60, 40, 34), *row([*goals, "NOH"], 300, 40, 34)]
    found = read_bugs([*bug, *row(result, 72, 85, 30)])
    other = next(one for one in found if one.home == "SEM")
    assert other.clock_seconds == 28 * 60 and other.confidence < 0.7
    if goals:
        assert (found[0].home, found[0].score, found[0].clock_seconds) == ("HIB", (0, 1), 532)


def test_a_second_half_from_zero_is_match_time() -> None:
    bug = read_bug(row(["EST", "1-0", "PAT", "2T", "04:52"], 50, 50, 30))
    assert bug is not None
    assert (bug.clock_seconds, bug.match_seconds) == (292, 2992)
    bug = read_bug(row(["EST", "1-0", "PAT", "2T", "45:00", "+03:21"], 50, 50, 30))
    assert bug is not None and bug.match_seconds == 90 * 60 + 201
    bug = read_bug(row(["EST", "1-0", "PAT", "2T", "90:00", "+03:21"], 50, 50, 30))
    assert bug is not None and bug.match_seconds == 90 * 60 + 201


def test_a_league_mark_beside_a_code_is_no_part_of_it() -> None:
    bug = read_bug([*row(["PL"], 20, 48, 42), *row(["LEI", "0-2", "LIV"], 90, 50, 30)])
    assert bug is not None
    assert (bug.home, bug.away) == ("LEI", "LIV")


def test_numbers_split_or_glued() -> None:
    glued = [
        *row(["80:41", "BAR"], 20, 20, 20),
        Line("31", Box(160, 20, 214, 40), 0.95),
        *row(["NAP"], 225, 20, 20),
    ]
    bug = read_bug(glued)
    assert bug is not None and bug.score == (3, 1)


def test_crests_have_no_names_and_none_are_made_up() -> None:
    for texts in (["1-0", "67:10"], ["67:10", "2", "0"]):
        bug = read_bug(row(texts, 80, 40, 30, gap=1.5))
        assert bug is not None
        assert (bug.home, bug.away, bug.clock_seconds) == (None, None, 4030)
        assert bug.score in ((1, 0), (2, 0))


def test_a_scorer_s_minute_is_no_clock() -> None:
    for scorers in ("VIDAL 2'", "VIDAL 2, MÜLLER 55'"):
        lines = row(["BAYERN", "1-0", "BENFICA"], 100, 600, 30) + row([scorers], 100, 640, 24)
        bug = read_bug(lines)
        assert bug is not None
        assert (bug.score, bug.clock_seconds) == ((1, 0), None)


@pytest.mark.parametrize(
    "name", ["SCHALKE 04", "HANNOVER 96", "FC AUGSBURG", "H. VERONA", "N.E.C.", "Brighton & Hove"]
)
def test_names_with_numbers(name: str) -> None:
    bug = read_bug([Line(f"MAINZ 05 2-1 {name}", Box(10, 10, 500, 40), 0.95)])
    assert bug is not None
    assert (bug.home, bug.score, bug.away) == ("MAINZ 05", (2, 1), name)
    bug = read_bug([Line(f"{name} 2-1 MAINZ 05", Box(10, 10, 500, 40), 0.95)])
    assert bug is not None
    assert (bug.home, bug.score, bug.away) == (name, (2, 1), "MAINZ 05")


def headed(names: tuple[str, str], rows: list[tuple[int, int]], size: float) -> list[Line]:
    """Names in one row, the middles of numbers under theirs, and a clock below."""
    lines = row([*names], 8 * size, 100.0, size, gap=1.5)
    tops = [100.0 + 1.3 * size * (place + 1) for place in range(len(rows) + 1)]
    for top, numbers in zip(tops, rows, strict=False):
        for name, number in zip(lines[:2], numbers, strict=True):
            (digit,) = row([str(number)], 0.0, top, size)
            shift = (name.box.left + name.box.right) / 2 - digit.box.width / 2
            lines.append(Line(digit.text, digit.box.moved(shift, 0), digit.confidence))
    return lines + row(["07:32"], 9 * size, tops[-1], size)


@given(home=NAMES, away=NAMES, goals=st.tuples(GOALS, GOALS), size=st.floats(9, 80))
def test_names_with_their_numbers_under_them(
    home: str, away: str, goals: tuple[int, int], size: float
) -> None:
    assume(home != away)  # a word that repeats is a board
    bug = read_bug(headed((home, away), [goals], size))
    assert bug is not None
    assert (bug.home, bug.away, bug.score, bug.clock_seconds) == (home, away, goals, 452)


def test_a_table_of_figures_under_two_names_is_no_score() -> None:
    assert all(
        bug.score is None for bug in read_bugs(headed(("ARS", "LIV"), [(7, 4), (3, 1), (2, 2)], 30))
    )


TENNIS = [["Major", "6", "5", "15"], ["Mustermann", "4", "3", "15"]]
TABLE = [["Arsenal", "12"], ["Chelsea", "11"], ["Everton", "9"], ["Fulham", "7"]]
TICKER = [["ARS", "1-0", "CHE", "LIV", "2-1", "MUN", "TOT", "0-0", "NEW"]]
PLAYERS = [["17", "PEREZ"], ["26", "PRAET"]]
FIGURES = [["GOALS 12 ASSISTS 9"]]
SUBSTITUTION = [["OUT", "3", "PEREZ"], ["IN", "18", "PRAET"]]
BASKETBALL = [["LAL", "95", "BOS", "102", "4TH", "2:31", "14"]]
AMERICAN_FOOTBALL = [["KC", "24", "BUF", "21", "3rd & 7", "4TH", "8:42"]]


@pytest.mark.parametrize(
    "rows",
    [TENNIS, TABLE, TICKER, PLAYERS, FIGURES, SUBSTITUTION, BASKETBALL, AMERICAN_FOOTBALL],
    ids=str,
)
def test_what_is_no_score(rows: list[list[str]]) -> None:
    lines = [line for n, texts in enumerate(rows) for line in row(texts, 40, 60 + 40 * n, 28)]
    assert all(bug.score is None for bug in read_bugs(lines))


def test_a_leaning_board_is_no_bug() -> None:
    lines = [
        Line(line.text, line.box, 0.9, tilt_degrees=14)
        for line in row(["A1", "2-1", "BET"], 9, 9, 30)
    ]
    assert read_bugs(lines) == []


def test_a_long_board_that_leans_is_beside_nothing_but_its_own_height() -> None:
    board = Line("FUNBB FUNBB FUNBB FUNBB", Box(200, 20, 700, 96), tilt_degrees=4.0)
    bug = read_bug([*row(["TOT", "1-0", "MUN"], 40, 30, 30), board])
    assert bug is not None
    assert (bug.home, bug.away, bug.score) == ("TOT", "MUN", (1, 0))


def test_a_word_that_repeats_around_a_number_is_no_other_match() -> None:
    bug = read_bug(
        [*row(["TOT", "1-0", "MUN"], 40, 30, 30), *row(["FUN", "88", "FUN"], 420, 30, 30)]
    )
    assert bug is not None
    assert (bug.home, bug.away, bug.score) == ("TOT", "MUN", (1, 0))


def test_the_time_of_day_alone_has_neither_teams_nor_score() -> None:
    bug = read_bug(row(["20:45"], 1100, 40, 30))
    assert bug is not None
    assert bug.home is None and bug.score is None
    assert bug.confidence < 0.5


@given(
    st.lists(
        st.tuples(
            st.text("ABC019-:+' ()O", min_size=1, max_size=9),
            st.floats(0, 1000),
            st.floats(0, 600),
            st.floats(4, 60),
        ),
        max_size=14,
    )
)
def test_any_lines_are_read(items: list[tuple[str, float, float, float]]) -> None:
    lines = [Line(t, Box(x, y, x + 0.6 * s * len(t), y + s), 0.8) for t, x, y, s in items]
    for bug in read_bugs(lines):
        assert 0 <= bug.confidence <= 1
        assert np.isfinite([bug.box.left, bug.box.bottom]).all()
        if bug.score is not None:
            assert max(bug.score) <= 19
