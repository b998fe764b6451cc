"""Teams and numbers that belong together, told by how their texts stand.

Two teams and two numbers stand in few ways: beside each other in a row (``ARS 2-1 CHE``,
``ARS 2 1 CHE``, ``ARS 2 CHE 1``), in two rows, one for each team, or names in one row and each
number under its name.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

from touchline.broadcast.texts import Box, around, same_row
from touchline.broadcast.tokens import MAX_GOALS, Token

_NEVER_TEAMS = re.compile(
    r"""LIVE|U?HD|4K|MINS|REPLAY|GOALS?|GOL(?:S|ES)?|TORE|BUTS?|RETI|VAR|VIVO|DIRECTO?|DIRETTA|CANLI|EN|AGG
    |AGGREGATE|TOTAL|VS?|SCORE|TV|HALF|TIME|FULL|CORNERS?|SHOTS|FOULS|POSSESSION|OFFSIDES?|ATTEMPTS
    |CARDS|SAVES|ASSISTS?|VORLAGEN|ASISTENCIAS|PASSES|TACKLES|APPS|APPEARANCES|CAPS|SUBS?|IN|OUT|RD|TH|ND
    |ROUND|WEEK|MATCHDAY|GROUP
    |ARD|BBC|BEIN|CANAL|CBS|DAZN|ERSTE|ESPN|FOX|GLOBO|ITV|MOVISTAR|NBC(?:SN)?|SKY|SPORTV|TNT|TUDN|ZDF""",
    re.VERBOSE,
)
"""Words of captions, and broadcasters; not ``TOR``, ``SD`` and ``MIN``, which are teams, too."""


_BETWEEN_NAMES = frozenset("-‐‑‒–—―−~·•:v")
_GLUED_CLUB = re.compile(r"\b(FC)([A-ZÄÖÜ]{4,})|([A-ZÄÖÜ]{4,})(FC)\b")


@dataclass(frozen=True)
class Core:
    """Teams and numbers that belong together."""

    home: tuple[Token, ...]
    away: tuple[Token, ...]
    numbers: tuple[Token, ...]
    score: tuple[int, int] | None
    quality: float
    rows: int = 1
    needs_clock: bool = False

    @property
    def box(self) -> Box:
        return around(token.box for token in (*self.home, *self.away, *self.numbers))


def inline(rows: list[list[Token]]) -> Iterator[Core]:
    """Cores whose teams stand in one row, among tokens by rows."""
    pairs = [pair for row in rows for pair in _lone_pairs(row)]
    for row in rows:
        core = [t for t in row if t.kind in ("score", "number", "word")]
        dashes = [t for t in row if t.kind == "junk" and t.text in _BETWEEN_NAMES]
        for place, token in enumerate(core):
            if token.kind == "score":
                yield from _around_score(core, place, dashes)
        has_clock = any(t.kind == "clock" for t in row)
        for found in _around_numbers(core, has_clock):
            if found.home or not _is_of_table(found.numbers[0], found.numbers[-1], pairs):
                yield found


def _around_score(row: list[Token], place: int, dashes: Sequence[Token]) -> Iterator[Core]:
    score = row[place]
    home = _name(row, place, -1)
    away = _name(row, place, +1)
    both = _joined_names(row, home, dashes) if home and not away else None
    if both is not None:
        home, away = both
    elif home or away:
        home, away = agree(home, away)
    goals = (score.values[0], score.values[1])
    yield Core(home, away, (score,), goals, 1.0 if home and away else 0.4)


def _joined_names(
    row: list[Token], name: tuple[Token, ...], dashes: Sequence[Token]
) -> tuple[tuple[Token, ...], tuple[Token, ...]] | None:
    """Two names with a dash between them where one name was seen (``MIL - INT``, ``MIL-INT``)."""
    first = row.index(name[0])
    words = [*(extended(row, first - 1, -1) if first and is_team(row[first - 1]) else ()), *name]
    for place, (before, after) in enumerate(pairwise(words), start=1):
        gap = Box(before.box.right, before.box.top, after.box.left, before.box.bottom)
        if _near(before.box, after.box, 3.0) and any(_is_within(d.box, gap) for d in dashes):
            return tuple(words[:place]), tuple(words[place:])
    parts = re.split(r"[-–]", name[0].text)
    if len(name) > 1 or len(parts) != 2 or min(map(len, parts)) < 2:
        return None
    box, share = name[0].box, (len(parts[0]) + 0.5) / len(name[0].text)
    middle = box.left + share * box.width
    left = replace(name[0], text=parts[0], box=replace(box, right=middle))
    return (left,), (replace(name[0], text=parts[1], box=replace(box, left=middle)),)


def _is_within(mark: Box, gap: Box) -> bool:
    slack = 0.3 * gap.height
    return mark.left >= gap.left - slack and mark.right <= gap.right + slack


def _around_numbers(row: list[Token], has_clock: bool) -> Iterator[Core]:
    """``W n n W``, ``W nn W`` (glued) and ``W n W n``."""
    for place, token in enumerate(row):
        if token.kind != "number":
            continue
        after = row[place + 1] if place + 1 < len(row) else None
        home = _name(row, place, -1)
        if not home:
            yield from _beside_crests(row, place)
            continue
        if after is not None and after.kind == "number":
            away = _name(row, place + 1, +1)
            goals = _goals(token, after)
            if away and goals and _near(token.box, after.box, 3.5) and not _more(row, place + 2):
                pair = agree(home, away)
                yield Core(*pair, (token, after), goals, 0.95)
            continue
        away = _name(row, place, +1)
        if not away:
            continue
        last = row.index(away[-1])
        number = row[last + 1] if last + 1 < len(row) else None
        if number is not None and number.kind == "number" and not _is_name_left(row, place):
            goals = _goals(token, number)
            closer = _near(away[-1].box, number.box, 3.0) and _near(home[-1].box, token.box, 3.0)
            if goals and closer:
                pair = agree(home, away)
                yield Core(*pair, (token, number), goals, 0.9)
                continue
            if closer and has_clock and min(token.values[0], number.values[0]) > MAX_GOALS:
                return  # points, and what stands beside them is of another sport
        split = _split(token)
        if split is not None:
            pair = agree(home, away)
            # between two words a number may be anything, unless two cells' room or a clock says
            # that it is a score
            apart = token.text[0] == "0" or token.box.width > 1.6 * token.box.height
            sure = (len(token.text) == 2 and apart) or token.text[:2] == "01"  # 0|1
            yield Core(*pair, (token,), split, 0.7 if sure else 0.66, needs_clock=not sure)


def _beside_crests(row: list[Token], place: int) -> Iterator[Core]:
    """Two numbers with no name beside them: a score between crests, if a clock goes with it."""
    pair = row[place : place + 2]
    outside = row[max(0, place - 1) : place] + row[place + 2 : place + 3]
    if len(pair) < 2 or pair[1].kind != "number" or any(t.kind != "word" for t in outside):
        return
    goals = _goals(pair[0], pair[1])
    apart = pair[1].box.left - pair[0].box.right
    height = pair[0].box.height
    lonely = not any(_near(t.box, u.box, 5.0) for t in outside for u in pair)
    if goals and max(goals) <= 9 and lonely and 0.2 * height <= apart <= 4.0 * height:
        yield Core((), (), tuple(pair), goals, 0.35, needs_clock=True)


def _more(row: list[Token], place: int) -> bool:
    """Whether a third number follows at once, as in tennis."""
    return place < len(row) and row[place].kind == "number"


def _is_name_left(row: list[Token], place: int) -> bool:
    """Whether a number stands before the first team's name: then the order is another."""
    home = _name(row, place, -1)
    first = row.index(home[0]) if home else place
    return (
        first > 0
        and row[first - 1].kind == "number"
        and _near(row[first - 1].box, row[first].box, 2.0)
    )


def _goals(one: Token, other: Token) -> tuple[int, int] | None:
    goals = one.values[0], other.values[0]
    heights = sorted((one.box.height, other.box.height))
    return goals if max(goals) <= MAX_GOALS and heights[1] <= 1.8 * heights[0] else None


def _split(token: Token) -> tuple[int, int] | None:
    """Two goals read as one number: ``31``, or with a dash or bar between that became a digit."""
    digits = token.text
    if len(digits) in (2, 3) and digits.isdigit():
        return int(digits[0]), int(digits[-1])
    return None


def _near(one: Box, other: Box, heights: float) -> bool:
    gap = max(one.left, other.left) - min(one.right, other.right)
    return gap <= heights * max(one.height, other.height)


def is_team(token: Token) -> bool:
    """Whether a word may be one of a team's name."""
    return (
        token.kind == "word"
        and not _NEVER_TEAMS.fullmatch(token.text.upper().strip("."))
        and sum(c.isalnum() for c in token.text) >= 2
        and len(token.text) <= 20
        and token.confidence >= 0.45
    )


def _is_initial(token: Token) -> bool:
    """``H.`` in ``H. VERONA``."""
    return token.kind == "word" and len(token.text) == 2 and token.text[1] == "."


def _name(row: list[Token], place: int, step: int, reach: float = 5.0) -> tuple[Token, ...]:
    """The words of a name beside a number, from left to right; empty where there is none.

    ``reach`` is how far the name may stand from the number, in heights of a line.
    """
    beside = place + step
    if not 0 <= beside < len(row):
        return ()
    word, number = row[beside], row[place]
    high = max(word.box.height, number.box.height)
    if not (is_team(word) or _is_initial(word)) or high > 2.4 * min(
        word.box.height, number.box.height
    ):
        return ()
    if not _near(word.box, number.box, reach):
        return ()
    return extended(row, beside, step)


def extended(row: list[Token], place: int, step: int) -> tuple[Token, ...]:
    """A word and those that belong to its name on one side, from left to right."""
    name = [row[place]]
    while 0 <= (place := place + step) < len(row) and _continues(row[place], name, step):
        name.insert(0 if step < 0 else len(name), row[place])
    while name and name[0].text == "&":
        name.pop(0)
    while name and name[-1].text == "&":
        name.pop()
    return tuple(name) if any(map(is_team, name)) else ()


def _continues(word: Token, name: list[Token], step: int) -> bool:
    """Whether a word belongs to the name that it stands beside."""
    inner = name[0] if step < 0 else name[-1]
    joint = word.text == "&" or _is_initial(word)
    if not (is_team(word) or joint) or len(name) >= 4:
        return False
    gap = inner.box.left - word.box.right if step < 0 else word.box.left - inner.box.right
    height = max(word.box.height, inner.box.height)
    alike = height <= 1.25 * min(word.box.height, inner.box.height)
    # a word alone in its line is a mark of its own rather than an initial
    if joint and word.line != inner.line:
        return False
    return alike and gap <= (0.9 if word.line == inner.line else 0.45) * height


def agree(
    home: tuple[Token, ...], away: tuple[Token, ...]
) -> tuple[tuple[Token, ...], tuple[Token, ...]]:
    """Drop what stands beside a code: if one team is written as a code, both are."""
    if not home or not away:
        return home, away
    near, far = home[-1], away[0]
    codes = _is_code(near) and _is_code(far) and len(near.text) == len(far.text)
    if codes and (len(home) == 1 or len(away) == 1):
        return home[-1:], away[:1]
    return home, away


def _is_code(token: Token) -> bool:
    return 2 <= len(token.text) <= 4 and token.text.upper() == token.text


def stacked(rows: list[list[Token]]) -> Iterator[Core]:
    """Cores of rows of one name and one number each, under each other, numbers in one column.

    Numbers stand behind the names, or before them where a clock goes with it.
    """
    for step in (-1, +1):
        yield from _stacked([entry for row in rows for entry in _row_entries(row, step)], step)


def _stacked(teams: Sequence[tuple[tuple[Token, ...], Token]], step: int) -> Iterator[Core]:
    for place, (name, number) in enumerate(teams):
        below = [
            (other, count)
            for other, count in teams[place + 1 :]
            if _under(name, number, other, count)
        ]
        above = [
            (other, count) for other, count in teams[:place] if _under(other, count, name, number)
        ]
        if len(below) != 1 or above:
            continue
        other, count = below[0]
        if any(_under(other, count, *third) for third in teams):
            continue  # a table
        goals = _goals(number, count)
        if goals:
            # shirt numbers stand before names, too
            yield Core(name, other, (number, count), goals, 0.85, rows=2, needs_clock=step > 0)


def _row_entries(row: list[Token], step: int) -> Iterator[tuple[tuple[Token, ...], Token]]:
    """Each name of a row with the number beside it, which has the name on the side of ``step``."""
    core = [t for t in row if t.kind in ("number", "word", "score")]
    for place, token in enumerate(core):
        if token.kind != "number" or not _alone(core, place):
            continue
        name = _name(core, place, step, reach=9.0 if step < 0 else 3.0)
        if name:
            yield name, token


def _alone(row: list[Token], place: int) -> bool:
    """Whether no other number stands close by on the row."""
    token = row[place]
    return not any(
        other is not token and other.kind != "word" and _near(other.box, token.box, 4.0)
        for other in row
    )


def _under(name: tuple[Token, ...], number: Token, other: tuple[Token, ...], count: Token) -> bool:
    height = max(number.box.height, count.box.height)
    gap = count.box.top - number.box.bottom
    column = abs(number.box.left + number.box.right - count.box.left - count.box.right) / 2
    names = around(t.box for t in name), around(t.box for t in other)
    aligned = min(names[0].right, names[1].right) > max(names[0].left, names[1].left)
    lined_up = (
        min(abs(names[0].left - names[1].left), abs(names[0].right - names[1].right))
        <= 1.2 * height
    )
    alike = height <= 1.5 * min(number.box.height, count.box.height)
    return (
        alike
        and aligned
        and lined_up
        and -0.3 * height <= gap <= 1.3 * height
        and (column <= 0.8 * height)
    )


def headed(rows: list[list[Token]]) -> Iterator[Core]:
    """Cores of two names in one row and a number under each."""
    pairs = [pair for row in rows for pair in _lone_pairs(row)]
    for home, away in pairs:
        goals = _goals(home, away)
        if goals is None or _is_of_table(home, away, pairs):
            continue
        names = [found for row in rows if (found := _over(home, away, row)) is not None]
        if len(names) == 1:
            yield Core(*names[0], (home, away), goals, 0.85, rows=2, needs_clock=True)


def _lone_pairs(row: list[Token]) -> Iterator[tuple[Token, Token]]:
    """Two numbers that are all the numbers of a row, apart from each other and from names."""
    numbers = [token for token in row if token.kind in ("number", "score")]
    if len(numbers) != 2 or any(token.kind != "number" for token in numbers):
        return
    one, other = numbers
    if any(
        is_team(t) and (_near(t.box, one.box, 5.0) or _near(t.box, other.box, 5.0)) for t in row
    ):
        return
    if 0.5 * one.box.height <= other.box.left - one.box.right <= 9 * one.box.height:
        yield one, other


def _is_of_table(one: Token, other: Token, pairs: Sequence[tuple[Token, Token]]) -> bool:
    """Whether two more numbers stand just over or under two of a row."""
    height = one.box.height
    for below, beside in pairs:
        apart = abs(below.box.top - one.box.top)
        columns = (_centre(one) - _centre(below), _centre(other) - _centre(beside))
        if 0.5 * height < apart <= 3.0 * height and max(map(abs, columns)) <= 1.5 * height:
            return True
    return False


def _centre(*tokens: Token) -> float:
    box = around(token.box for token in tokens)
    return (box.left + box.right) / 2


def _over(
    home: Token, away: Token, row: list[Token]
) -> tuple[tuple[Token, ...], tuple[Token, ...]] | None:
    """The two names just above two numbers, the widest gap of the row between them, or None."""
    height = max(home.box.height, away.box.height)
    words = [
        token
        for token in row
        if is_team(token)
        and -0.3 * height <= home.box.top - token.box.bottom <= 1.3 * height
        and height <= 2.4 * token.box.height <= 5.0 * height
    ]
    gaps = [after.box.left - before.box.right for before, after in pairwise(words)]
    if not gaps:
        return None
    split = gaps.index(max(gaps))
    inner = [*gaps[:split], *gaps[split + 1 :]]
    if max(inner, default=0.0) > min(0.9 * height, gaps[split]):
        return None
    first, second = tuple(words[: split + 1]), tuple(words[split + 1 :])
    for number, name in ((home, first), (away, second)):
        reach = around(word.box for word in name).width / 2 + height
        if abs(_centre(number) - _centre(*name)) > reach:
            return None
    return first, second


def stands_over(upper: Token, lower: Token) -> bool:
    """Whether two names stand one over the other, in line at one end or in the middle."""
    one, other = upper.box, lower.box
    height = max(one.height, other.height)
    gap = other.top - one.bottom
    ends = (
        abs(one.left - other.left),
        abs(one.right - other.right),
        abs(one.left + one.right - other.left - other.right) / 2,
    )
    alike = height <= 1.3 * min(one.height, other.height)
    return alike and -0.3 * height <= gap <= 1.3 * height and min(ends) <= 0.8 * height


def without_tickers(cores: list[Core]) -> list[Core]:
    """Cores without those that share a row with another one's: results of several matches.

    A word that repeats on both sides of a number is a board beside the pitch, and no match.
    """
    cores = [core for core in cores if not (core.needs_clock and _is_repeated(core))]
    whole = [core for core in cores if core.home and core.away]
    kept = []
    for core in cores:
        beside = [
            other
            for other in whole
            if other is not core
            and not _shares(core, other)
            and same_row(core.box, other.box)
            and _near(core.box, other.box, 12.0)
        ]
        if not beside:
            kept.append(core)
    return kept


def _is_repeated(core: Core) -> bool:
    return bool(core.home) and written(core.home) == written(core.away)


def _shares(one: Core, other: Core) -> bool:
    return bool({id(t) for t in one.numbers} & {id(t) for t in other.numbers}) or (
        one.box.overlap(other.box) > 0.2
    )


def written(name: tuple[Token, ...]) -> str | None:
    """A name as it is reported."""
    text = re.sub(r"(?<!\.\w)\.$", "", " ".join(token.text for token in name))  # but N.E.C.
    if text.replace("l", "").isupper():
        text = text.replace("l", "I")  # MCl: the two look alike
    return _GLUED_CLUB.sub(r"\1\3 \2\4", text) or None
