"""What a score bug says, made out from the places of its texts.

No design is known here: around teams and score, see `touchline.broadcast.bug_layout`, stand a
clock, a plate of added time, a period and an aggregate.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from difflib import SequenceMatcher
from itertools import pairwise

from touchline.broadcast.bug_layout import (
    Core,
    agree,
    extended,
    headed,
    inline,
    is_team,
    stacked,
    stands_over,
    without_tickers,
    written,
)
from touchline.broadcast.texts import Box, Line, around, rows_of, same_row
from touchline.broadcast.tokens import MAX_MINUTES, Token, tokens_of

HALF_SECONDS = 45 * 60
MAX_TILT_DEGREES = 9.0
"""Of a bug's text; what leans more is a board beside the pitch."""

_SAME_LETTERS = 0.6

STOPS_SECONDS = frozenset(60.0 * minutes for minutes in (45, 90, 105, 120))
"""Where a clock may stand while added time counts beside it."""

_MOST_ADDED_SECONDS = 20 * 60.0
_CLOCKS = ("clock", "stoppage")
_HALF_MARKS = {"PT": 1, "ST": 2}
_OF_ANOTHER_MATCH = 0.6
"""What is left of the confidence of a result that stands over or under the clock of a bug, or whose
names seem to be those of several matches."""
_WORDS_OF_TICKER = 3


@dataclass(frozen=True)
class BugText:
    """What a bug says at one instant; None for what it does not say.

    Attributes:
        box: around what was read, in pixels.
        home, away: the teams in the order shown, as written.
        score: their goals.
        clock_seconds: the clock as shown, ``45+2`` and ``45:00 02:00`` as 47 minutes.
        standing_seconds: where a clock stands while added time counts beside it, whose box is the
            clock's then.
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
    standing_seconds: float | None = None
    half: int | None = None
    added_minutes: int | None = None
    aggregate: tuple[int, int] | None = None
    confidence: float = 0.0
    clock_box: Box | None = None
    standing_box: Box | None = None
    score_boxes: tuple[Box, ...] = ()
    team_boxes: tuple[Box, ...] = ()
    team_confidences: tuple[float, ...] = ()
    rows: int = 1

    @property
    def row(self) -> Box | None:
        """Around teams and score, or None without either."""
        boxes = (*self.team_boxes, *self.score_boxes)
        return around(boxes) if boxes else None

    def has_clock_in_row(self) -> bool:
        """Whether the clock stands beside teams and score, rather than over or under them."""
        row = self.row
        return row is not None and self.clock_box is not None and same_row(self.clock_box, row)

    @property
    def match_seconds(self) -> float | None:
        """The clock in match time, where the bug says which half it is or counts through."""
        if self.clock_seconds is None:
            return None
        from_zero = self.clock_seconds < HALF_SECONDS or self.standing_seconds == HALF_SECONDS
        anew = self.half == 2 and from_zero
        return self.clock_seconds + (HALF_SECONDS if anew else 0)


def same_name(one: str, other: str) -> bool:
    """Whether two readings may be of one name: most of their letters agree."""
    return SequenceMatcher(None, one.upper(), other.upper()).ratio() >= _SAME_LETTERS


def moved(bug: BugText, across: float, down: float) -> BugText:
    """A bug at another place, as in a part of the picture."""
    clock, standing = bug.clock_box, bug.standing_box
    return replace(
        bug,
        box=bug.box.moved(across, down),
        clock_box=None if clock is None else clock.moved(across, down),
        standing_box=None if standing is None else standing.moved(across, down),
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
    cores = without_tickers([*inline(rows), *stacked(rows), *headed(rows)])
    found = []
    for core in cores:
        others = [other for other in cores if other is not core and other.rows == 1]
        bug = _with_marks(core, tokens, others)
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
    """Tokens whose parts were found apart, put together: ``66`` and ``MIN``, ``+`` and ``3``; and
    ``PT`` and ``ST``, which are halves beside a clock only."""
    clocks = [token for token in tokens if token.kind == "clock"]
    result = [
        replace(t, kind="period", values=(_HALF_MARKS[t.text],))
        if t.text in _HALF_MARKS
        and any(_adjoins(clock, t, before) for clock in clocks for before in (True, False))
        else t
        for t in tokens
    ]
    for mark in tuple(result):
        before = mark.text.upper().rstrip(".") in ("MIN", "MINS")
        if not before and mark.text != "+":
            continue
        number = next((t for t in result if t.kind == "number" and _adjoins(t, mark, before)), None)
        if number is None or (before and any(_is_goal_after(t, mark) for t in tokens)):
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


def _is_goal_after(token: Token, mark: Token) -> bool:
    """Whether a number stands behind ``MIN``, which is Minnesota then."""
    gap = token.box.left - mark.box.right
    height = mark.box.height
    return token.kind == "number" and same_row(token.box, mark.box) and 0 <= gap <= 2.5 * height


def _with_marks(core: Core, tokens: list[Token], others: Sequence[Core] = ()) -> BugText:
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
    strange = [t for t in near if _is_clock_of_another(t, core, near, others)]
    own = [t for t in near if t not in strange]
    bug = _marks(BugText(place), own, place)
    tokens_used = (*core.home, *core.away, *core.numbers)
    reading = sum(t.confidence for t in tokens_used) / len(tokens_used)
    timed = bug.clock_seconds is not None or bug.half is not None
    quality = core.quality if core.home and core.away else core.quality + (0.3 if timed else 0.0)
    quality += 0.05 if timed else 0.0
    if any(t.kind == "score" and ":" in t.text for t in core.numbers) and not timed:
        quality *= 0.8
    if strange or (not timed and min(len(core.home), len(core.away)) >= _WORDS_OF_TICKER):
        quality *= _OF_ANOTHER_MATCH
    teams = tuple(around(t.box for t in name) for name in (core.home, core.away) if name)
    return replace(
        bug,
        box=around([bug.box, place]),
        home=written(core.home),
        away=written(core.away),
        score=core.score,
        confidence=min(1.0, quality * reading),
        score_boxes=tuple(t.box for t in core.numbers),
        team_boxes=teams,
        team_confidences=tuple(
            min(t.confidence for t in name) for name in (core.home, core.away) if name
        ),
        rows=core.rows,
    )


def _is_clock_of_another(
    clock: Token, core: Core, near: Sequence[Token], others: Sequence[Core]
) -> bool:
    """Whether a clock off the row of a core is of the bug over or under it: that one stands in the
    clock's row, or the core states a minute of its own, as results of other matches do."""
    if clock.kind not in _CLOCKS or core.rows != 1 or same_row(clock.box, core.box):
        return False
    return any(t.kind == "minute" and same_row(t.box, core.box) for t in near) or any(
        same_row(clock.box, other.box) for other in others
    )


def _marks(bug: BugText, near: list[Token], place: Box) -> BugText:
    """Clock, added time, period and aggregate from the tokens around, the nearest of each."""
    near = sorted(near, key=lambda token: _distance(token.box, place))
    clock = next((t for t in near if t.kind in _CLOCKS), None)
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
    if (counting := _counting_beside(near)) is not None:
        stands, runs = counting
        base = counted_seconds(stands)
        bug = replace(
            bug,
            clock_seconds=base + counted_seconds(runs),
            clock_has_seconds=True,
            clock_box=runs.box,
            standing_seconds=base,
            standing_box=stands.box,
        )
        boxes += [stands.box, runs.box]
    period = next((t for t in near if t.kind == "period" and t.values[0]), None)
    if period is not None:
        bug = replace(bug, half=period.values[0])
        boxes.append(period.box)
    aggregate = next((t for t in near if t.kind == "aggregate"), None)
    if aggregate is not None and len(aggregate.values) == 2:
        bug = replace(bug, aggregate=(aggregate.values[0], aggregate.values[1]))
        boxes.append(aggregate.box)
    return replace(bug, box=around(boxes))


def _counting_beside(near: Sequence[Token]) -> tuple[Token, Token] | None:
    """A clock that stands at the end of a half, and the added time that counts beside it."""
    for stands in near:
        if stands.kind != "clock" or counted_seconds(stands) not in STOPS_SECONDS:
            continue
        for runs in near:
            if counts_added_time(runs) and runs is not stands and _are_close(stands.box, runs.box):
                return stands, runs
    return None


def counts_added_time(token: Token) -> bool:
    """Whether a token may be added time that counts: ``+2:13``, or ``02:13`` by itself."""
    if len(token.values) != 2 or token.kind not in ("added", "clock"):
        return False
    return counted_seconds(token) < _MOST_ADDED_SECONDS


def counted_seconds(token: Token) -> float:
    """What a token of minutes and seconds counts."""
    return token.values[0] * 60.0 + token.values[1]


def _are_close(one: Box, other: Box) -> bool:
    """Whether two boxes touch, nearly."""
    height = min(one.height, other.height)
    across = max(one.left, other.left) - min(one.right, other.right)
    down = max(one.top, other.top) - min(one.bottom, other.bottom)
    return across <= 2.5 * height and down <= 1.2 * height


def _is_scorer(minute: Token, near: list[Token]) -> bool:
    """Whether a minute belongs to scorers' names on its line (``VIDAL 2'``), one of whose other
    minutes may have lost its mark (``MÜLLER 12, KANE 55'``)."""
    line = [t for t in near if t.line == minute.line and t is not minute]
    named = any(t.kind == "word" for t in line)
    kinds = ("word", "minute", "junk", "number") if named else ("minute", "junk")
    return bool(line) and all(t.kind in kinds for t in line)


def _clock_seconds(token: Token) -> tuple[float, bool]:
    values = token.values
    if token.kind == "minute":
        return values[0] * 60.0, False
    if token.kind == "stoppage":
        seconds = (values[0] + values[1]) * 60 + (values[2] if len(values) > 2 else 0)
        return float(seconds), len(values) > 2
    return counted_seconds(token), True


def _distance(one: Box, other: Box) -> float:
    across = max(one.left - other.right, other.left - one.right, 0.0)
    down = max(one.top - other.bottom, other.top - one.bottom, 0.0)
    return across + 2 * down


def _without_score(rows: list[list[Token]], tokens: list[Token]) -> Iterator[BugText]:
    """A clock beside two names, two names with room between for numbers, or a clock of minutes."""
    clocks = [t for t in tokens if t.kind in _CLOCKS]
    for row in rows:
        words = [t for t in row if is_team(t)]
        for home, away in pairwise(words):
            height = max(home.box.height, away.box.height)
            gap = away.box.left - home.box.right
            alike = height <= 1.3 * min(home.box.height, away.box.height)
            if not alike or not 0.6 * height <= gap <= 9 * height:
                continue
            left = extended(words, words.index(home), -1)
            right = extended(words, words.index(away), +1)
            core = Core(*agree(left, right), (home,), None, 0.3)
            bug = _with_marks(core, tokens)
            yield replace(bug, score_boxes=(), confidence=bug.confidence)
    names = [(word, row) for row in rows for word in row if is_team(word)]
    for home, row in names:
        for away, other in names:
            if row is not other and stands_over(home, away):
                left = extended(row, row.index(home), +1)
                right = extended(other, other.index(away), +1)
                core = Core(left, right, (home,), None, 0.25, rows=2)
                yield replace(_with_marks(core, tokens), score_boxes=())
    for clock in clocks:
        yield _marks(BugText(clock.box, confidence=0.25 * clock.confidence), tokens, clock.box)
    for minute in tokens:
        if minute.kind == "minute" and minute.text.upper().rstrip(".S").endswith("MIN"):
            quality = 0.7 if len([t for t in tokens if t.line == minute.line]) <= 1 else 0.3
            bug = BugText(minute.box, confidence=quality * minute.confidence)
            yield _marks(bug, [minute], minute.box)
