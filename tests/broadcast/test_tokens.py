"""What the pieces of a line mean, in spite of what readers make of them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from touchline.broadcast.texts import Box, Line
from touchline.broadcast.tokens import tokens_of


def meanings(text: str) -> list[tuple[str, tuple[int, ...]]]:
    """Kinds and values of a line's tokens, words by their letters."""
    tokens = tokens_of([Line(text, Box(0, 0, 20.0 * len(text), 40), 0.9)])
    return [(t.text if t.kind == "word" else t.kind, t.values) for t in tokens if t.kind != "junk"]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("45:12", [("clock", (45, 12))]),
        ("31.03", [("clock", (31, 3))]),
        ("T17:13", [("clock", (17, 13))]),
        ("31.:07", [("clock", (31, 7))]),
        ("q1:09", [("clock", (91, 9))]),
        ("01:34POL 0-0POR", [("clock", (1, 34)), ("POL", ()), ("score", (0, 0)), ("POR", ())]),
        ("MC O-0 MU", [("MC", ()), ("score", (0, 0)), ("MU", ())]),
        ("FCB O-ORMA", [("FCB", ()), ("score", (0, 0)), ("RMA", ())]),
        ("NEW1-OLIV", [("NEW", ()), ("score", (1, 0)), ("LIV", ())]),
        ("SOU O-O ARS", [("SOU", ()), ("score", (0, 0)), ("ARS", ())]),
        ("BVB 2 – 1 S04", [("BVB", ()), ("score", (2, 1)), ("S04", ())]),
        ("AJAX 1:0 PSV", [("AJAX", ()), ("score", (1, 0)), ("PSV", ())]),
        ("45+2'", [("stoppage", (45, 2))]),
        ("90+3:12", [("stoppage", (90, 3, 12))]),
        ("45:00 +1:30", [("clock", (45, 0)), ("added", (1, 30))]),
        ("+4", [("added", (4,))]),
        ("(4-2)", [("aggregate", (4, 2))]),
        ("AGG 3-1", [("aggregate", (3, 1))]),
        ("66 MIN", [("minute", (66,))]),
        ("VIDAL 17'", [("VIDAL", ()), ("minute", (17,))]),
        ("1st HALF", [("period", (1,))]),
        ("2T 04:52", [("period", (2,)), ("clock", (4, 52))]),
        ("2. HALBZEIT", [("period", (2,))]),
        ("HT", [("period", (0,))]),
        ("RIVER PLATE 0 1 BOCA", [("RIVER", ()), ("PLATE", ()), ("number", (0,)),
                                  ("number", (1,)), ("BOCA", ())]),
    ],
)  # fmt: skip
def test_what_stands_in_a_bug(text: str, expected: list[tuple[str, tuple[int, ...]]]) -> None:
    assert meanings(text) == expected


@pytest.mark.parametrize("text", ["20:45:13", "99:99", "EURO-OPEL", "SAINT-OUEN", "177:12"])
def test_what_is_neither_clock_nor_score(text: str) -> None:
    assert not {"clock", "score"} & {kind for kind, _ in meanings(text)}


@given(st.text(max_size=60))
def test_any_text_has_tokens_within_its_line(text: str) -> None:
    box = Box(10, 20, 300, 50)
    for token in tokens_of([Line(text, box)]):
        assert box.left - 1e-6 <= token.box.left <= token.box.right <= box.right + 1e-6
