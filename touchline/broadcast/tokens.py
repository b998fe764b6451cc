"""What the lines of a score bug are made of: clocks, scores, names, numbers and marks.

Text readers take a lone 0 for the letter O, glue neighbours together and turn colons into dots;
what is undone here holds for every design, because it rests on what such texts can mean.
"""

import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from math import radians, tan
from typing import Literal

from touchline.broadcast.texts import Box, Line

Kind = Literal[
    "clock", "stoppage", "added", "minute", "period", "aggregate", "score", "number", "word", "junk"
]

MAX_MINUTES = 130
"""More than any clock of a match shows."""

MAX_GOALS = 19
"""More than any side has scored on television."""

_DIGIT_OF = str.maketrans(
    {"O": "0", "o": "0", "Q": "0", "D": "0", "I": "1", "l": "1", "|": "1", "q": "9", "g": "9"}
)
_DASH = r"[-‐‑‒–—―−~·•一]"
_ZERO = r"[OoQD]"
_MINUTE_MARK = r"['’′`´‘]"
_MINUTES = r"MIN(?:UTES?|S|\.)?(?![A-Za-z]|\s*\d(?![\w:.\-–]))"  # no "LA 0 MIN 1": a team
_ORDINAL = r"[ºo°ªa.]?"

_BEFORE_CLOCK = r"(?=\s*\d{1,3}\s?[:.]\s?\d\d)"

_FIRST = rf"""PT{_BEFORE_CLOCK}|1\s?ST\s*HALF|1ST|(?:FIRST|1)\s?HALF|H1|1H|1T|T1|1P|P1
    |1[ºo°ªa]\s?(?:T|P|TEMPO|TIEMPO|PARTE|MT)?|1{_ORDINAL}\s?(?:TEMPO|TIEMPO|PARTE)
    |1\.\s?(?:HZ|HALBZEIT)|PRIMER\s?TIEMPO|PRIMERA\s?PARTE|1[EÈ]RE\s?(?:MI-TEMPS|MT)?"""
_SECOND = rf"""ST{_BEFORE_CLOCK}|2\s?ND\s*HALF|2ND|(?:SECOND|2)\s?HALF|H2|2H|2T|T2|2P|P2
    |2[ºo°ªa]\s?(?:T|P|TEMPO|TIEMPO|PARTE|MT)?|2{_ORDINAL}\s?(?:TEMPO|TIEMPO|PARTE)
    |2\.\s?(?:HZ|HALBZEIT)|SEGUNDO\s?TIEMPO|SEGUNDA\s?PARTE|2[EÈ]ME\s?(?:MI-TEMPS|MT)?"""
_EXTRA = r"EXTRA\s?TIME|ETIM|ET[12]?|AET|PR[ÓO]RROGA|VERL[ÄA]NGERUNG|SUPPLEMENTARI"
_BREAK = r"HALF[\s-]?TIME|HT|HALBZEIT|DESCANSO|INTERVALO|MI-TEMPS|INTERVALLO"
_END = r"FULL[\s-]?TIME|FT|ENDSTAND|FINALE?"
_SHOOT_OUT = r"PENALT(?:Y|IES)(?:\s?SHOOT[\s-]?OUT)?|PENS?|ELFMETERSCHIE[SẞSS]+EN|TIRS AU BUT"

_GRAMMAR = re.compile(
    rf"""
      (?P<aggregate> \(\s*\d{{1,2}}\s*(?:{_DASH}|:)\s*\d{{1,2}}\s*\)
                   | AGG(?:REGATE)?\.?\s*:?\s*\d{{1,2}}\s*(?:{_DASH}|:)\s*\d{{1,2}} )
    | (?P<stoppage> (?<!\d)(?:45|90|105|120)\s*{_MINUTE_MARK}?\s*\+\s*\d{{1,2}}(?:[:.]\d{{2}})?
                    \s*{_MINUTE_MARK}?(?!\d) )
    | (?P<clock> (?<![\dA-Za-z:])[\dOoIlq|]{{1,3}}\s?[:.;]{{1,2}}\s?[\dOo]{{2}}(?!:?\d(?![A-Za-z]))
               | (?<![\d:])\d{{1,3}}\s?[:.;]{{1,2}}\s?\d{{2}}(?!:?\d(?![A-Za-z])) )
    | (?P<added> \+\s?\d{{1,2}}(?:[:.]\d{{2}})?\s*{_MINUTE_MARK}?(?!\d) )
    | (?P<minute> (?<!\d)\d{{1,3}}\s*(?:{_MINUTE_MARK}|{_MINUTES}) )
    | (?P<first> (?<![A-Za-z\d])(?:{_FIRST})(?![A-Za-z\d]) )
    | (?P<second> (?<![A-Za-z\d])(?:{_SECOND})(?![A-Za-z\d]) )
    | (?P<extra> (?<![A-Za-z\d])(?:{_EXTRA})(?![A-Za-z\d]) )
    | (?P<break> (?<![A-Za-z\d])(?:{_BREAK})(?![A-Za-z\d]) )
    | (?P<end> (?<![A-Za-z\d])(?:{_END})(?![A-Za-z\d]) )
    | (?P<shootout> (?<![A-Za-z\d])(?:{_SHOOT_OUT})(?![A-Za-z\d]) | \(\s*\d{{1,2}}\s*\) )
    | (?P<score> (?<!\d)(?:\d{{1,2}}|{_ZERO})\s?{_DASH}\s?(?:\d{{1,2}}(?![\d])|{_ZERO})
               | (?<![\w])[Il|]\s?{_DASH}\s?\d(?![\w])
               | (?<!\d)\d\s?{_DASH}\s?[Il|](?![\w])
               | (?<![\d:])\d{{1,2}}\s?:\s?\d(?![\d:])
               | (?<![\d.,])\d\s?\.\s?\d(?![\d.,%]) )
    | (?P<ordinal> (?<![\w-])1\.\s?F(?:C|SV)(?![^\W\d_]) )
    | (?P<club> [^\W\d_]{{3,}}\s(?:0[1-9]|9[68]|1860|1899)(?![\d:.\-–'’]) )
    | (?P<code> (?<![A-Za-z\d])[A-CE-HJ-NPR-Z]\d{{2}}(?![\w-]|[:.]\d) )
    | (?P<number> \d{{1,3}}(?!\d) )
    | (?P<zero> (?<![^\s|(\[]){_ZERO}(?![^\s|)\]]) )
    | (?P<word> [^\W\d_]+(?:[.'’&-]?[^\W\d_]+)*\.? )
    | (?P<junk> \S )
    """,
    re.VERBOSE | re.IGNORECASE,
)
_HALVES = {"first": 1, "second": 2, "extra": 3, "break": 0, "end": 0, "shootout": 0}
_LEAST_SHARE = 0.4
"""Height of the letters of a leaning line as a share of its box, at least."""

_NARROW = frozenset("1Iil|.:,;'’`-!()[] ")


@dataclass(frozen=True)
class Token:
    """A piece of a line that means one thing.

    Attributes:
        kind: of what it means; ``minute`` is a clock without seconds, ``stoppage`` one such as
            ``45+2``, ``added`` a plate such as ``+3``, ``junk`` whatever means nothing here.
        text: as read.
        box: its place, estimated from that of its line.
        confidence: of its line.
        values: two goals; one number; a clock as minutes and seconds; a stoppage as its base in
            minutes and what is on top in minutes and seconds; minutes; the half of a period (3
            is extra time, 0 no play).
        line: number of its line.
        first: whether nothing stands before it on its line.
        tilt_degrees: of its line.
    """

    kind: Kind
    text: str
    box: Box
    confidence: float
    values: tuple[int, ...] = ()
    line: int = 0
    spaced: bool = True
    tilt_degrees: float = 0.0


def tokens_of(lines: list[Line]) -> list[Token]:
    """The tokens of all lines."""
    return [token for number, line in enumerate(lines) for token in _tokens(line, number)]


def as_digits(text: str) -> str:
    """A text that can only be a number, with letters that stand for digits put right."""
    return text.translate(_DIGIT_OF)


def _tokens(line: Line, number: int) -> Iterator[Token]:
    text = unicodedata.normalize("NFKC", line.text).replace("ı", "i")
    edges = _edges(text, line.box)
    for match in _GRAMMAR.finditer(text):
        name, said = str(match.lastgroup), match.group()
        kind, values = _meaning(name, said, text)
        start, end = match.span()
        spaced = start == 0 or text[start - 1].isspace()
        box = _part(line, edges[start], edges[end])
        yield Token(kind, said, box, line.confidence, values, number, spaced, line.tilt_degrees)


def _part(line: Line, left: float, right: float) -> Box:
    """The part of a line between two columns: of one that leans not as high as the whole."""
    slope = tan(radians(line.tilt_degrees))
    rise = abs(slope) * line.box.width
    height = max(line.box.height - rise, _LEAST_SHARE * line.box.height)
    columns = (line.box.left + line.box.right, left + right)
    middle = (line.box.top + line.box.bottom + slope * (columns[1] - columns[0])) / 2
    reach = (height + abs(slope) * (right - left)) / 2
    return Box(left, middle - reach, right, middle + reach)


def _edges(text: str, box: Box) -> list[float]:
    """Where each character begins, and the last one ends, if narrow ones are half as wide."""
    widths = [0.55 if character in _NARROW else 1.0 for character in text]
    scale = box.width / (sum(widths) or 1.0)
    edges = [box.left]
    for width in widths:
        edges.append(edges[-1] + width * scale)
    return edges


def _meaning(name: str, said: str, text: str) -> tuple[Kind, tuple[int, ...]]:
    if name in _HALVES:
        return "period", (_HALVES[name],)
    if name in ("club", "code", "ordinal"):  # Schalke 04, S04, 1. FC
        return "word", ()
    if name == "zero":
        return "number", (0,)
    if name in ("word", "junk"):
        return ("word" if (name == "word" and len(said) > 1) or said == "&" else "junk"), ()
    digits = as_digits(said) if name in ("clock", "score") else said
    numbers = tuple(int(part) for part in re.findall(r"\d+", digits))
    if name == "clock":
        if len(numbers) == 2 and numbers[1] < 60 and numbers[0] <= MAX_MINUTES:
            return "clock", numbers
        return "junk", ()
    if name == "score":
        return ("score", numbers) if _is_score(said, numbers, text) else ("junk", ())
    if name in ("aggregate", "number", "minute", "added", "stoppage"):
        return name, numbers  # type: ignore[return-value]
    raise AssertionError(name)


def _is_score(said: str, numbers: tuple[int, ...], text: str) -> bool:
    """Whether it is a score, not a hyphen between letters."""
    if len(numbers) != 2 or max(numbers) > MAX_GOALS:
        return False
    if any(character.isdigit() for character in said):
        return True
    # O-O and nothing but letters: in "FCB O-O RMA", not in "EURO-OPEL"
    return all(len(word) <= 4 or word == said for word in re.split(rf"\s|{_DASH}", text))
