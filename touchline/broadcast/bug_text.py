"""What a score bug says, made out from the places of its texts.

No design is known here. Two teams and two numbers stand in few ways: beside each other in a row
(``ARS 2-1 CHE``, ``ARS 2 1 CHE``, ``ARS 2 CHE 1``) or in two rows, one for each team. Around them
stand a clock, a plate of added time, a period and an aggregate.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

from touchline.broadcast.texts import Box, Line, around, rows_of, same_row
from touchline.broadcast.tokens import MAX_GOALS, MAX_MINUTES, Token, tokens_of

HALF_SECONDS = 45 * 60
MAX_TILT_DEGREES = 9.0
"""Of a bug's text; what leans more is a board beside the pitch."""

_NEVER_TEAMS = re.compile(
    r"""LIVE|U?HD|SD|4K|MINS?|REPLAY|GOAL|GOL|TOR|BUT|VAR|VIVO|DIRECTO?|DIRETTA|CANLI|EN|AGG|AGGREGATE
    |TOTAL|VS?|SCORE|TV|HALF|TIME|FULL|CORNERS?|SHOTS|FOULS|POSSESSION|OFFSIDES?|ATTEMPTS|CARDS|SAVES
    |ROUND|WEEK|MATCHDAY|GROUP""",
    re.VERBOSE,
)


_GLUED_CLUB = re.compile(r"\b(FC)([A-ZÄÖÜ]{4,})|([A-ZÄÖÜ]{4,})(FC)\b")


@dataclass(frozen=True)
class BugText:
    """What a bug says at one instant; None for what it does not say.

    Attributes:
        box: around what was read, in pixels.
        home, away: the teams in the order shown, as written.
        score: their goals.
        clock_seconds: the clock as shown, ``45+2`` as 47 minutes.
        clock_has_seconds: whether it shows seconds, or only minutes.
        half: 1 or 2 where that is written; 3 is extra time.
        added_minutes: of a plate such as ``+3``.
        aggregate: over two matches.
        confidence: 0 to 1.
    """

    box: Box
    home: str | None = None
    away: str | None = None
    score: tuple[int, int] | None = None
    clock_seconds: float | None = None
    clock_has_seconds: bool = True
    half: int | None = None
    added_minutes: int | None = None
    aggregate: tuple[int, int] | None = None
    confidence: float = 0.0
    clock_box: Box | None = None
    score_boxes: tuple[Box, ...] = ()
    team_boxes: tuple[Box, ...] = ()
    team_confidences: tuple[float, ...] = ()
    rows: int = 1

    @property
    def match_seconds(self) -> float | None:
        """The clock in match time, where the bug says which half it is or counts through."""
        if self.clock_seconds is None:
            return None
        anew = self.half == 2 and self.clock_seconds < HALF_SECONDS
        return self.clock_seconds + (HALF_SECONDS if anew else 0)


@dataclass(frozen=True)
class _Core:
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


def moved(bug: BugText, across: float, down: float) -> BugText:
    """A bug at another place, as in a part of the picture."""
    clock = bug.clock_box
    return replace(
        bug,
        box=bug.box.moved(across, down),
        clock_box=None if clock is None else clock.moved(across, down),
        score_boxes=tuple(box.moved(across, down) for box in bug.score_boxes),
        team_boxes=tuple(box.moved(across, down) for box in bug.team_boxes),
    )


def read_bug(lines: Sequence[Line]) -> BugText | None:
    """The best bug among lines of text, or None: see `read_bugs`."""
    return next(iter(read_bugs(lines)), None)


def read_bugs(lines: Sequence[Line]) -> list[BugText]:
    """Everything among lines of text that stands as a score bug does, the surest first.

    Tickers of several matches and tables are left out, and so are bugs of sports that write more
    than two numbers. Of a bug without teams or without a score the rest is given.
    """
    level = [line for line in lines if abs(line.tilt_degrees) <= MAX_TILT_DEGREES]
    tokens = _rejoined(tokens_of(level))
    rows = rows_of(tokens)
    cores = _no_tickers([*_inline(rows), *_stacked(rows)])
    found = []
    for core in cores:
        bug = _with_marks(core, tokens)
        if bug.clock_seconds is not None or not core.needs_clock:
            found.append(bug)
    if not found:
        found = list(_without_score(rows, tokens))
    found.sort(key=lambda bug: -bug.confidence)
    return found


def likely_places(lines: Sequence[Line]) -> list[BugText]:
    """Where among lines of text a bug may stand, the likeliest first; partial ones included.

    Of a picture read at a glance: lone digits may be missing, so two names with room between
    them, and every clock, are worth a closer look.
    """
    level = [line for line in lines if abs(line.tilt_degrees) <= MAX_TILT_DEGREES]
    tokens = _rejoined(tokens_of(level))
    rows = rows_of(tokens)
    found = read_bugs(lines)
    found += sorted(_without_score(rows, tokens), key=lambda bug: -bug.confidence)
    places: list[BugText] = []
    for bug in found:
        if all(bug.box.overlap(place.box) < 0.5 for place in places):
            places.append(bug)
    return places


def _rejoined(tokens: list[Token]) -> list[Token]:
    """Tokens whose parts were found apart, put together: ``66`` and ``MIN``, ``+`` and ``3``."""
    result = list(tokens)
    for mark in tokens:
        before = mark.text.upper().rstrip(".") in ("MIN", "MINS")
        if not before and mark.text != "+":
            continue
        number = next((t for t in result if t.kind == "number" and _adjoins(t, mark, before)), None)
        if number is None:
            continue
        whole = replace(
            number,
            kind="minute" if before else "added",
            text=f"{number.text} MIN" if before else f"+{number.text}",
            box=around((number.box, mark.box)),
        )
        result[result.index(number)] = whole
        result.remove(mark)
    return result


def _adjoins(number: Token, mark: Token, before: bool) -> bool:
    """Whether a number stands just before, or just after, a mark."""
    left, right = (number, mark) if before else (mark, number)
    gap = right.box.left - left.box.right
    height = mark.box.height
    return same_row(number.box, mark.box) and -0.6 * height <= gap <= 1.5 * height


# --- rows in which both teams stand


def _inline(rows: list[list[Token]]) -> Iterator[_Core]:
    for row in rows:
        core = [t for t in row if t.kind in ("score", "number", "word")]
        for place, token in enumerate(core):
            if token.kind == "score":
                yield from _around_score(core, place)
        yield from _around_numbers(core)


def _around_score(row: list[Token], place: int) -> Iterator[_Core]:
    score = row[place]
    home = _name(row, place, -1)
    away = _name(row, place, +1)
    if home or away:
        home, away = _agree(home, away)
    goals = (score.values[0], score.values[1])
    yield _Core(home, away, (score,), goals, 1.0 if home and away else 0.4)


def _around_numbers(row: list[Token]) -> Iterator[_Core]:
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
                pair = _agree(home, away)
                yield _Core(*pair, (token, after), goals, 0.95)
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
                pair = _agree(home, away)
                yield _Core(*pair, (token, number), goals, 0.9)
                continue
        split = _split(token)
        if split is not None:
            pair = _agree(home, away)
            # between two words a number may be anything, unless two cells' room or a clock says
            # that it is a score
            apart = token.text[0] == "0" or token.box.width > 1.6 * token.box.height
            sure = len(token.text) == 2 and apart
            yield _Core(*pair, (token,), split, 0.7 if sure else 0.66, needs_clock=not sure)


def _beside_crests(row: list[Token], place: int) -> Iterator[_Core]:
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
        yield _Core((), (), tuple(pair), goals, 0.35, needs_clock=True)


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


def _is_team(token: Token) -> bool:
    return (
        token.kind == "word"
        and not _NEVER_TEAMS.fullmatch(token.text.upper().strip("."))
        and sum(c.isalnum() for c in token.text) >= 2
        and len(token.text) <= 20
        and token.confidence >= 0.45
    )


def _name(row: list[Token], place: int, step: int, reach: float = 5.0) -> tuple[Token, ...]:
    """The words of a name beside a number, from left to right; empty where there is none.

    ``reach`` is how far the name may stand from the number, in heights of a line.
    """
    beside = place + step
    if not 0 <= beside < len(row):
        return ()
    word, number = row[beside], row[place]
    high = max(word.box.height, number.box.height)
    if not _is_team(word) or high > 2.4 * min(word.box.height, number.box.height):
        return ()
    if not _near(word.box, number.box, reach):
        return ()
    return _extended(row, beside, step)


def _extended(row: list[Token], place: int, step: int) -> tuple[Token, ...]:
    """A word and those that belong to its name on one side, from left to right."""
    name = [row[place]]
    while 0 <= (place := place + step) < len(row) and _continues(row[place], name, step):
        name.insert(0 if step < 0 else len(name), row[place])
    return tuple(name)


def _continues(word: Token, name: list[Token], step: int) -> bool:
    """Whether a word belongs to the name that it stands beside."""
    inner = name[0] if step < 0 else name[-1]
    if not _is_team(word) or len(name) >= 4:
        return False
    gap = inner.box.left - word.box.right if step < 0 else word.box.left - inner.box.right
    height = max(word.box.height, inner.box.height)
    alike = height <= 1.25 * min(word.box.height, inner.box.height)
    return alike and gap <= (0.9 if word.line == inner.line else 0.45) * height


def _agree(
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


# --- one row for each team


def _stacked(rows: list[list[Token]]) -> Iterator[_Core]:
    """Rows of one name and one number each, under each other, numbers in one column."""
    teams = [entry for row in rows for entry in _row_entries(row)]
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
            yield _Core(name, other, (number, count), goals, 0.85, rows=2)


def _row_entries(row: list[Token]) -> Iterator[tuple[tuple[Token, ...], Token]]:
    core = [t for t in row if t.kind in ("number", "word", "score")]
    for place, token in enumerate(core):
        if token.kind != "number" or not _alone(core, place):
            continue
        name = _name(core, place, -1, reach=9.0)
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


def _stands_over(upper: Token, lower: Token) -> bool:
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


# --- what is no bug


def _no_tickers(cores: list[_Core]) -> list[_Core]:
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


def _is_repeated(core: _Core) -> bool:
    return bool(core.home) and _written(core.home) == _written(core.away)


def _shares(one: _Core, other: _Core) -> bool:
    return bool({id(t) for t in one.numbers} & {id(t) for t in other.numbers}) or (
        one.box.overlap(other.box) > 0.2
    )


# --- around teams and score


def _with_marks(core: _Core, tokens: list[Token]) -> BugText:
    used = {id(t) for t in (*core.home, *core.away, *core.numbers)}
    height = max(t.box.height for t in core.numbers)
    place = core.box
    near = [
        t
        for t in tokens
        if id(t) not in used
        and not (t.box.right < place.left - 7 * height or t.box.left > place.right + 7 * height)
        and not (t.box.bottom < place.top - 1.8 * height or t.box.top > place.bottom + 1.8 * height)
        and 0.35 * height <= t.box.height <= 2.6 * height
    ]
    bug = _marks(BugText(place), near, place)
    tokens_used = (*core.home, *core.away, *core.numbers)
    reading = sum(t.confidence for t in tokens_used) / len(tokens_used)
    timed = bug.clock_seconds is not None or bug.half is not None
    quality = core.quality if core.home and core.away else core.quality + (0.3 if timed else 0.0)
    quality += 0.05 if timed else 0.0
    if any(t.kind == "score" and ":" in t.text for t in core.numbers) and not timed:
        quality *= 0.8
    teams = tuple(around(t.box for t in name) for name in (core.home, core.away) if name)
    return replace(
        bug,
        box=around([bug.box, place]),
        home=_written(core.home),
        away=_written(core.away),
        score=core.score,
        confidence=min(1.0, quality * reading),
        score_boxes=tuple(t.box for t in core.numbers),
        team_boxes=teams,
        team_confidences=tuple(
            min(t.confidence for t in name) for name in (core.home, core.away) if name
        ),
        rows=core.rows,
    )


def _written(name: tuple[Token, ...]) -> str | None:
    text = " ".join(token.text.strip(".") for token in name)
    return _GLUED_CLUB.sub(r"\1\3 \2\4", text) or None


def _marks(bug: BugText, near: list[Token], place: Box) -> BugText:
    """Clock, added time, period and aggregate from the tokens around, the nearest of each."""
    near = sorted(near, key=lambda token: _distance(token.box, place))
    clock = next((t for t in near if t.kind in ("clock", "stoppage")), None)
    if clock is None:
        minutes = [t for t in near if t.kind == "minute" and t.values[0] <= MAX_MINUTES]
        clock = next((t for t in minutes if not _is_scorer(t, near)), None)
    boxes = [place]
    if clock is not None:
        seconds, exact = _clock_seconds(clock)
        bug = replace(bug, clock_seconds=seconds, clock_has_seconds=exact, clock_box=clock.box)
        boxes.append(clock.box)
    added = next((t for t in near if t.kind == "added" and len(t.values) == 1), None)
    if added is not None and clock is not None and 1 <= added.values[0] <= 30:
        bug = replace(bug, added_minutes=added.values[0])
        boxes.append(added.box)
    running = next((t for t in near if t.kind == "added" and len(t.values) == 2), None)
    if running is not None and clock is not None and bug.clock_seconds is not None:
        extra = running.values[0] * 60 + running.values[1]
        bug = replace(bug, clock_seconds=bug.clock_seconds + extra)
        boxes.append(running.box)
    period = next((t for t in near if t.kind == "period" and t.values[0]), None)
    if period is not None:
        bug = replace(bug, half=period.values[0])
        boxes.append(period.box)
    aggregate = next((t for t in near if t.kind == "aggregate"), None)
    if aggregate is not None and len(aggregate.values) == 2:
        bug = replace(bug, aggregate=(aggregate.values[0], aggregate.values[1]))
        boxes.append(aggregate.box)
    return replace(bug, box=around(boxes))


def _is_scorer(minute: Token, near: list[Token]) -> bool:
    """Whether a minute belongs to a scorer's name on its line (``VIDAL 2'``)."""
    line = [t for t in near if t.line == minute.line and t is not minute]
    return bool(line) and all(t.kind in ("word", "minute", "junk") for t in line)


def _clock_seconds(token: Token) -> tuple[float, bool]:
    values = token.values
    if token.kind == "minute":
        return values[0] * 60.0, False
    if token.kind == "stoppage":
        seconds = (values[0] + values[1]) * 60 + (values[2] if len(values) > 2 else 0)
        return float(seconds), len(values) > 2
    return values[0] * 60.0 + values[1], True


def _distance(one: Box, other: Box) -> float:
    across = max(one.left - other.right, other.left - one.right, 0.0)
    down = max(one.top - other.bottom, other.top - one.bottom, 0.0)
    return across + 2 * down


# --- bugs that say less


def _without_score(rows: list[list[Token]], tokens: list[Token]) -> Iterator[BugText]:
    """A clock beside two names, two names with room between for numbers, or a clock of minutes."""
    clocks = [t for t in tokens if t.kind in ("clock", "stoppage")]
    for row in rows:
        words = [t for t in row if _is_team(t)]
        for home, away in pairwise(words):
            height = max(home.box.height, away.box.height)
            gap = away.box.left - home.box.right
            alike = height <= 1.3 * min(home.box.height, away.box.height)
            if not alike or not 0.6 * height <= gap <= 9 * height:
                continue
            left = _extended(words, words.index(home), -1)
            right = _extended(words, words.index(away), +1)
            core = _Core(*_agree(left, right), (home,), None, 0.3)
            bug = _with_marks(core, tokens)
            yield replace(bug, score_boxes=(), confidence=bug.confidence)
    names = [(word, row) for row in rows for word in row if _is_team(word)]
    for home, row in names:
        for away, other in names:
            if row is not other and _stands_over(home, away):
                left = _extended(row, row.index(home), +1)
                right = _extended(other, other.index(away), +1)
                core = _Core(left, right, (home,), None, 0.25, rows=2)
                yield replace(_with_marks(core, tokens), score_boxes=())
    for clock in clocks:
        yield _marks(BugText(clock.box, confidence=0.25 * clock.confidence), tokens, clock.box)
    for minute in tokens:
        if minute.kind == "minute" and minute.text.upper().rstrip(".S").endswith("MIN"):
            quality = 0.7 if len([t for t in tokens if t.line == minute.line]) <= 1 else 0.3
            bug = BugText(minute.box, confidence=quality * minute.confidence)
            yield _marks(bug, [minute], minute.box)
