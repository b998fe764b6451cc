"""What a broadcaster decides about a match: his graphics, what they say, and when they are seen.

Everything is decided here, from the script's seed, before any of it is drawn; the truth about a
broadcast is read from the same decisions. Times are seconds from the first frame of a half.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise
from typing import Literal

import numpy as np

from touchline.events import SIDES
from touchline.simulator.bug import BugSide, BugText
from touchline.simulator.bug_designs import BugDesign
from touchline.simulator.presentation import Presentation
from touchline.simulator.script import SCRIPT_RATE, HalfScript, MatchScript, Rgb, Team
from touchline.simulator.wipes import Wipe

Span = tuple[float, float]
"""[start, end) in seconds."""

PanelKind = Literal["table", "line-up", "results", "statistics", "review"]

REGULAR_SECONDS = 45 * 60.0
"""Length of a half by the clock; what is played beyond it is added time."""

ENTER_SECONDS = 0.6
LEAVE_SECONDS = 0.4
BLINK_SECONDS = 0.5
"""A blinking part is inverted during every other stretch of this length."""

_SHIRTS: tuple[Rgb, ...] = ((22, 28, 80), (150, 10, 40), (10, 90, 80), (28, 28, 34), (90, 30, 120))
_ACCENTS: tuple[Rgb, ...] = ((240, 60, 70), (60, 200, 240), (250, 190, 40), (150, 240, 90))
_CODES = ("NOV", "KAL", "BRE", "ORT", "VAL", "SEM", "TUR", "LIN", "GAR", "POM", "DEL", "FEN")
_CHANNELS = ("TL SPORT", "ARENA 1", "KANAL 9", "GOL TV", "PITCH HD", "SPORT+")
_STATISTICS = ("POSSESSION", "SHOTS", "CORNERS", "FOULS", "PASSES")


@dataclass(frozen=True)
class Panel:
    """A graphic beside the score bug.

    Attributes:
        kind: ``table`` and ``line-up`` fill the picture; ``results`` (another match),
            ``statistics`` and ``review`` (of a goal) take a part of it.
        lines: its rows, each of one or more columns.
    """

    start: float
    end: float
    kind: PanelKind
    lines: tuple[tuple[str, ...], ...]

    @property
    def fills_picture(self) -> bool:
        """Whether next to nothing of the picture is left."""
        return self.kind in ("table", "line-up")


@dataclass(frozen=True)
class TakenBack:
    """A goal that was given and then taken back; the ball did go in, but it does not count.

    Attributes:
        seconds: when it fell.
        shown_at, back_at: when the bug begins to count it, and when it no longer does.
    """

    seconds: float
    team: int
    shown_at: float
    back_at: float


@dataclass(frozen=True)
class Slip:
    """[start, end): the bug shows a score that is wrong, until somebody sees to it."""

    start: float
    end: float
    shown: tuple[int, int]
    right: tuple[int, int]


@dataclass(frozen=True)
class HalfProduction:
    """What is decided about one half.

    Attributes:
        kick_off, final_whistle: when it is played.
        clock_zero: when the clock on the bug starts, about a second from the kick-off.
        on_air: when the bug is on the picture, its coming and going included.
        scores: (seconds, home, away) from 0 on: what the bug counts, slips left out.
        slips: stretches in which it shows something else.
        flashes: (start, end, team): blinking or a banner for a goal.
        reds: (seconds, team) when red cards appear on it.
        announced: (seconds, minutes) when the minutes to be added appear; None in a short half.
        wipes: when a wipe is on the picture.
    """

    number: int
    seconds: float
    kick_off: float
    final_whistle: float
    clock_zero: float
    on_air: tuple[Span, ...]
    scores: tuple[tuple[float, int, int], ...]
    slips: tuple[Slip, ...]
    taken_back: tuple[TakenBack, ...]
    flashes: tuple[tuple[float, float, int], ...]
    reds: tuple[tuple[float, int], ...]
    announced: tuple[float, int] | None
    panels: tuple[Panel, ...]
    wipes: tuple[Span, ...]

    def score_at(self, seconds: float) -> tuple[int, int]:
        """What the bug counts, as if nobody ever slipped."""
        return next((h, a) for at, h, a in reversed(self.scores) if at <= seconds + 1e-9)

    def shown_score_at(self, seconds: float) -> tuple[int, int]:
        """What the bug says the score is."""
        for slip in self.slips:
            if slip.start <= seconds < slip.end:
                return slip.shown
        return self.score_at(seconds)


@dataclass(frozen=True)
class Production:
    """What is decided about a match.

    Attributes:
        sides: the teams as the bug shows them.
        league: what the bug and the wipe call the competition.
        first_leg: goals of home and away in an earlier match that count, if the bug says so.
        channel: the broadcaster's name in a corner, if it stands there.
        day_clock: whether the time of day stands under it.
        others: other matches of the day, as a ticker tells them.
        colours: main colour, accent and ink of wipes and panels.
        turned: whether wipes run from right to left.
    """

    design: BugDesign
    wipe: Wipe
    sides: tuple[BugSide, BugSide]
    league: str
    first_leg: tuple[int, int] | None
    channel: str | None
    day_clock: bool
    others: tuple[str, ...]
    colours: tuple[Rgb, Rgb, Rgb]
    turned: bool
    halves: tuple[HalfProduction, ...]

    def text_at(self, half: HalfProduction, seconds: float) -> BugText:
        """What the bug says at an instant of a half."""
        clock, beside = clock_words(self.design, half.number, seconds - half.clock_zero)
        period = self.design.periods[half.number - 1]
        home, away = score = half.shown_score_at(seconds)
        legs = None
        if self.first_leg is not None:
            total = (home + self.first_leg[0], away + self.first_leg[1])
            legs = self.design.aggregate.format(f"{total[0]}-{total[1]}")
        return BugText(
            score,
            clock=clock,
            beside=beside,
            period=period,
            league=self.league,
            added=self.added_words(half, seconds),
            aggregate=legs,
            reds=(self._reds(half, seconds, 0), self._reds(half, seconds, 1)),
            lit=self._lit(half, seconds),
        )

    def added_words(self, half: HalfProduction, seconds: float) -> str | None:
        """The plate with the minutes to be added, where the design has one."""
        if half.announced is None or not self.design.plate_added:
            return None
        at, minutes = half.announced
        return f"+{minutes}" if seconds >= at else None

    def banner_at(self, half: HalfProduction, seconds: float) -> int | None:
        """The team whose goal a banner cries in the place of the bug."""
        if self.design.goal != "banner":
            return None
        return next((t for start, end, t in half.flashes if start <= seconds < end), None)

    def presence(self, half: HalfProduction, seconds: float) -> float:
        """How far the bug is on the picture: 0 not at all, 1 it stands."""
        for start, end in half.on_air:
            if start <= seconds < end:
                if self.design.enters == "cut":
                    return 1.0
                coming, going = (seconds - start) / ENTER_SECONDS, (end - seconds) / LEAVE_SECONDS
                return min(1.0, coming, going)
        return 0.0

    def readable(self, half: HalfProduction) -> tuple[Span, ...]:
        """When all of the bug stands on the picture with nothing over it."""
        standing = list(half.on_air)
        if self.design.enters != "cut":
            standing = [(a + ENTER_SECONDS, b - LEAVE_SECONDS) for a, b in standing]
        covers: list[Span] = [] if self.design.over_wipes else list(half.wipes)
        if self.design.goal == "banner":
            covers += [(start, end) for start, end, _ in half.flashes]
        return without([span for span in standing if span[1] > span[0]], covers)

    def _reds(self, half: HalfProduction, seconds: float, team: int) -> int:
        earlier = [h for h in self.halves if h.number < half.number]
        before = sum(t == team for h in earlier for _, t in h.reds)
        return before + sum(t == team for at, t in half.reds if at <= seconds)

    def _lit(self, half: HalfProduction, seconds: float) -> int | None:
        if self.design.goal != "blink":
            return None
        for start, end, team in half.flashes:
            if start <= seconds < end and int((seconds - start) / BLINK_SECONDS) % 2 == 0:
                return team
        return None


def clock_words(design: BugDesign, half: int, elapsed: float) -> tuple[str | None, str | None]:
    """What the clock says, and the second clock of added time.

    Args:
        half: 1 or 2.
        elapsed: seconds since the clock of this half started; before that it stands.
    """
    if not any("clock" in row for row in design.rows):
        return None, None
    played = int(max(0.0, elapsed) + 1e-6)
    base = 0 if design.restarts else int(REGULAR_SECONDS) * (half - 1)
    beyond = played - int(REGULAR_SECONDS)
    if design.clock == "down":
        left = max(0, -beyond)
        return _written(design, left), _beside(beyond) if beyond >= 0 else None
    if beyond < 0 or design.added == "runs":
        return _written(design, base + played), None
    full = base + int(REGULAR_SECONDS)
    if design.added == "plus":
        return f"{full // 60}+{beyond // 60 + 1}", None
    return _written(design, full), _beside(beyond)


def _written(design: BugDesign, seconds: int) -> str:
    minutes, rest = divmod(seconds, 60)
    match design.clock:
        case "0:00":
            return f"{minutes}:{rest:02d}"
        case "00'00":
            return f"{minutes:02d}'{rest:02d}"
        case "00.00":
            return f"{minutes:02d}.{rest:02d}"
        case "00'":
            return f"{minutes + 1}'"
        case _:
            return f"{minutes:02d}:{rest:02d}"


def _beside(beyond: int) -> str:
    return f"+{beyond // 60}:{beyond % 60:02d}"


@lru_cache(maxsize=4)
def produce(script: MatchScript, presentation: Presentation) -> Production:
    """Decide how a match is put on air; the same arguments give the same decisions."""
    rng = np.random.default_rng((script.clutter_seed, 0xB06))
    designs, animations = presentation.designs(), presentation.animations()
    # Drawn as shares, so that a larger pool changes nothing else about a match.
    design = designs[int(rng.random() * len(designs))]
    wipe = animations[int(rng.random() * len(animations))]
    two_legs = rng.random() < 0.5 and any("aggregate" in row for row in design.rows)
    earlier = (int(rng.integers(0, 4)), int(rng.integers(0, 4)))
    channel = str(rng.choice(_CHANNELS))
    day_clock = bool(rng.random() < 0.25)
    main = _SHIRTS[int(rng.integers(len(_SHIRTS)))]
    accent = _ACCENTS[int(rng.integers(len(_ACCENTS)))]
    others = tuple(_result(rng) for _ in range(6))
    return Production(
        design=design,
        wipe=wipe,
        sides=(_side(script.home, design), _side(script.away, design)),
        league="".join(word[0] for word in script.name.split("/")[0].split("_")).upper() or "TL",
        first_leg=earlier if two_legs else None,
        channel=channel if design.channel else None,
        day_clock=day_clock,
        others=others,
        colours=(main, accent, (250, 250, 250)),
        turned=bool(rng.random() < 0.4),
        halves=tuple(_half(script, half, design, wipe) for half in script.halves),
    )


def _side(team: Team, design: BugDesign) -> BugSide:
    text = {
        "code": team.short_name[:3],
        "short": team.name.split()[0],
        "full": team.name,
    }[design.names]
    return BugSide(text.upper(), team.kit.shirt, team.kit.trim)


def _result(rng: np.random.Generator) -> str:
    first, second = rng.permutation(len(_CODES))[:2]
    goals = rng.integers(0, 4, 2)
    return f"{_CODES[first]} {goals[0]}-{goals[1]} {_CODES[second]} {int(rng.integers(5, 90))}'"


def _instant(seconds: float) -> float:
    """The nearest frame of the script's rate: whatever is decided falls on one."""
    return round(seconds * float(SCRIPT_RATE)) / float(SCRIPT_RATE)


def _half(script: MatchScript, half: HalfScript, design: BugDesign, wipe: Wipe) -> HalfProduction:
    rng = np.random.default_rng((script.clutter_seed, half.number, 0xB07))
    kick_off = next((e.seconds for e in half.events if e.label == "Kick-off"), 0.0)
    whistles = [a.seconds for a in half.actions if a.kind == "whistle-long"]
    final_whistle = whistles[-1] if whistles else half.seconds
    wiped = wipe_spans(half, wipe.seconds)
    counted, slips, taken_back = _scores(rng, half)
    reviews = _reviews(taken_back, half.seconds)
    panels = (*_panels(rng, script, half, wiped, reviews), *reviews)
    gains = [
        (after[0], min(after[0] + 5.0, half.seconds), int(after[2] > before[2]))
        for before, after in pairwise(counted)
        if sum(after[1:]) > sum(before[1:])
    ]
    played = half.seconds - kick_off - REGULAR_SECONDS
    announced = None
    if played > 0:
        at = _instant(kick_off + REGULAR_SECONDS + float(rng.uniform(-45, 10)))
        announced = (at, max(1, int(np.ceil(played / 60))))
    return HalfProduction(
        number=half.number,
        seconds=half.seconds,
        kick_off=kick_off,
        final_whistle=final_whistle,
        clock_zero=_instant(kick_off + float(rng.uniform(-0.2, 0.7))),
        on_air=_on_air(rng, half, design, wiped, kick_off, panels),
        scores=counted,
        slips=slips,
        taken_back=taken_back,
        flashes=tuple(gains),
        reds=tuple(
            (_instant(event.seconds + float(rng.uniform(5, 40))), SIDES.index(event.team))
            for event in half.events
            if event.label in ("Red card", "Yellow->red card") and event.team in SIDES
        ),
        announced=announced,
        panels=tuple(sorted(panels, key=lambda panel: panel.start)),
        wipes=tuple(wiped),
    )


def wipe_spans(half: HalfScript, seconds: float) -> list[Span]:
    """When wipes of a length are on the picture: round the end of each shot that ends so."""
    cuts = [shot.end_seconds for shot in half.shots if shot.transition == "logo"]
    return [(cut - seconds / 2, cut + seconds / 2) for cut in cuts]


def replay_spans(half: HalfScript) -> list[Span]:
    """When replays are on air; those that follow one another are one stretch."""
    spans: list[Span] = []
    for shot in half.shots:
        if shot.is_replay:
            if spans and spans[-1][1] == shot.start_seconds:
                spans[-1] = (spans[-1][0], shot.end_seconds)
            else:
                spans.append((shot.start_seconds, shot.end_seconds))
    return spans


def _scores(
    rng: np.random.Generator, half: HalfScript
) -> tuple[tuple[tuple[float, int, int], ...], tuple[Slip, ...], tuple[TakenBack, ...]]:
    """What the bug counts, and when: late, sometimes wrong, sometimes taken back."""
    _, home, away = half.score_changes[0]
    goals = [event for event in half.events if event.label == "Goal" and event.team in SIDES]
    end = half.seconds - 0.5
    steps: list[tuple[float, int, int]] = []  # seconds, team, goals
    for event in goals:
        delay = float(rng.uniform(25, 60)) if rng.random() < 0.1 else 4 + float(rng.exponential(7))
        shown = min(_instant(event.seconds + min(delay, 60.0)), end)
        steps.append((shown, SIDES.index(event.team or ""), 1))
    taken_back = tuple(_disallowed(rng, half, [step[0] for step in steps], goals_at(half)))
    for goal in taken_back:
        steps += [(goal.shown_at, goal.team, 1), (goal.back_at, goal.team, -1)]
    counted = [(0.0, home, away)]
    for at, team, change in sorted(steps):
        score = list(counted[-1][1:])
        score[team] += change
        counted.append((max(at, counted[-1][0]), score[0], score[1]))
    return tuple(counted), tuple(_slips(rng, counted, half.seconds)), taken_back


def goals_at(half: HalfScript) -> list[float]:
    """When the goals of a half fell."""
    return [event.seconds for event in half.events if event.label == "Goal"]


def _disallowed(
    rng: np.random.Generator, half: HalfScript, shown: Sequence[float], goals: Sequence[float]
) -> Iterable[TakenBack]:
    """At most one goal of a half that is given, looked at again, and taken back."""
    wanted = rng.random() < 0.3
    likely = [e for e in half.events if e.label in ("Offside", "Shots on target")]
    lots = rng.permutation(len(likely))
    shown_after, back_after = float(rng.uniform(4, 12)), float(rng.uniform(15, 80))
    for lot in lots if wanted else ():
        event = likely[lot]
        if event.team not in SIDES:
            continue
        at = _instant(event.seconds + shown_after)
        back = _instant(at + back_after)
        clear = all(t < event.seconds - 5 or t > back + 5 for t in (*shown, *goals))
        if clear and back < half.seconds - 10:
            yield TakenBack(event.seconds, SIDES.index(event.team), at, back)
            return


def _slips(
    rng: np.random.Generator, counted: Sequence[tuple[float, int, int]], seconds: float
) -> Iterable[Slip]:
    """A goal that is first given to the other team, or counted twice."""
    for k in range(1, len(counted)):
        lot, length, twice = rng.random(), _instant(rng.uniform(6, 25)), rng.random() < 0.4
        at, home, away = counted[k]
        _, home_before, away_before = counted[k - 1]
        until = counted[k + 1][0] if k + 1 < len(counted) else seconds
        if lot < 0.15 and until - at > length + 15 and home + away > home_before + away_before:
            scorer = int(away > away_before)
            wrong = [home_before, away_before]
            wrong[scorer if twice else 1 - scorer] += 2 if twice else 1
            yield Slip(at, _instant(at + length), (wrong[0], wrong[1]), (home, away))


def _panels(
    rng: np.random.Generator,
    script: MatchScript,
    half: HalfScript,
    wiped: Sequence[Span],
    reviews: Sequence[Panel],
) -> list[Panel]:
    """Graphics in stretches in which nothing happens that they would hide."""
    busy = [(e.seconds - 3.0, e.seconds + 2.0) for e in half.events]
    busy += [(start - 1, end + 1) for start, end in (*replay_spans(half), *wiped)]
    busy += [(g.start_seconds - 1, g.end_seconds + 1) for g in half.graphics]
    busy += [(panel.start - 1, panel.end + 1) for panel in reviews]
    panels = []
    for start, end in without([(5.0, half.seconds - 5.0)], busy):
        length, kind_lot, wanted = float(rng.uniform(4.5, 7)), rng.random(), rng.random()
        lines_seed = int(rng.integers(2**31))
        if end - start < length + 0.5 or wanted > 0.3:
            continue
        begin = _instant(start + float(rng.uniform(0, end - start - length)))
        kinds: tuple[PanelKind, ...]
        kinds = ("table", "line-up", "results", "results", "statistics", "statistics")
        kind = kinds[int(kind_lot * len(kinds))]
        lines = panel_lines(np.random.default_rng(lines_seed), kind, script)
        panels.append(Panel(begin, _instant(begin + length), kind, lines))
    return panels


def panel_lines(
    rng: np.random.Generator, kind: PanelKind, script: MatchScript
) -> tuple[tuple[str, ...], ...]:
    """What stands in a panel of a kind, a review excepted."""
    codes = [_CODES[k] for k in rng.permutation(len(_CODES))]
    if kind == "results":
        return tuple(
            (codes[2 * k], f"{rng.integers(0, 4)} - {rng.integers(0, 4)}", codes[2 * k + 1],
             f"{rng.integers(3, 90)}:{rng.integers(0, 60):02d}")
            for k in range(int(rng.integers(1, 4)))
        )  # fmt: skip
    if kind == "statistics":
        name = str(rng.choice(_STATISTICS))
        first = (
            int(rng.integers(30, 70)) if name in ("POSSESSION", "PASSES") else int(rng.integers(9))
        )
        second = 100 - first if name == "POSSESSION" else int(rng.integers(9))
        return ((str(first), name, str(second)),)
    if kind == "table":
        points = sorted((int(p) for p in rng.integers(5, 60, 8)), reverse=True)
        return tuple(
            (str(k + 1), code, str(int(rng.integers(10, 30))), str(value))
            for k, (code, value) in enumerate(zip(codes, points, strict=False))
        )
    team = (script.home, script.away)[int(rng.integers(2))]
    return tuple((str(player.number), player.name.upper()) for player in team.squad[:11])


def _reviews(taken_back: Sequence[TakenBack], seconds: float) -> list[Panel]:
    out = []
    for goal in taken_back:
        start = max(goal.shown_at + 4, goal.back_at - 12)
        if start < goal.back_at - 2:
            out.append(Panel(start, goal.back_at - 1, "review", (("VAR", "CHECKING GOAL"),)))
        end = min(goal.back_at + 5, seconds - 1)
        out.append(Panel(goal.back_at + 0.5, end, "review", (("VAR", "NO GOAL"),)))
    return out


def _on_air(
    rng: np.random.Generator,
    half: HalfScript,
    design: BugDesign,
    wiped: Sequence[Span],
    kick_off: float,
    panels: Sequence[Panel],
) -> tuple[Span, ...]:
    """When the bug is on the picture."""
    begin = max(0.0, _instant(kick_off + float(rng.uniform(-1.5, 6.0))))
    gaps: list[Span] = []
    if not design.in_replays:
        for start, end in replay_spans(half):
            # Behind a wipe the bug goes and comes unseen, while the wipe covers it.
            opens = next((w for w in wiped if w[0] <= start <= w[1]), None)
            closes = next((w for w in wiped if w[0] <= end <= w[1]), None)
            gaps.append(
                (start if opens is None else opens[0], end if closes is None else closes[1])
            )
    if not design.in_graphics:
        gaps += [(panel.start, panel.end) for panel in panels if panel.fills_picture]
    for _ in range(int(rng.random() < min(0.3, half.seconds / 6000))):
        length = _instant(rng.uniform(10, min(240.0, 0.15 * half.seconds + 10)))
        start = _instant(rng.uniform(begin + 5, max(begin + 6, half.seconds - length)))
        gaps.append((start, _instant(start + length)))
    spans = without([(begin, half.seconds)], gaps)
    return tuple(span for span in spans if span[1] - span[0] > ENTER_SECONDS + LEAVE_SECONDS + 0.5)


def without(spans: Sequence[Span], holes: Iterable[Span]) -> tuple[Span, ...]:
    """Spans with the holes cut out of them, in order of time."""
    left = sorted(spans)
    for hole in sorted(holes):
        cut = []
        for start, end in left:
            if hole[1] <= start or hole[0] >= end:
                cut.append((start, end))
                continue
            if start < hole[0]:
                cut.append((start, hole[0]))
            if hole[1] < end:
                cut.append((hole[1], end))
        left = cut
    return tuple(left)
