"""The grammar of play: possessions that end in every way that football knows.

A half is a chain of *sequences*. Each brings the ball, pass by pass, to where its outcome can
happen, and then the outcome happens. Common outcomes are drawn with probabilities that steer
towards a rate per minute; rare ones stand on an agenda drawn before the half starts.

Rates of rare outcomes per half are those of ``RARE``: the second column is for ten minutes, where
they are far denser than in real football, so that a training set of short halves has examples of
every class; halves in between interpolate, shorter ones keep the rate per minute.
"""

import copy
from collections.abc import Callable

import numpy as np

from touchline.simulator import restarts
from touchline.simulator.formation import GOAL_HALF_WIDTH
from touchline.simulator.game import RATE, Draft, Game, Sides, inside
from touchline.simulator.restarts import Break
from touchline.simulator.script import Action

RARE: dict[str, tuple[float, float]] = {
    "goal": (2.3, 1.3),
    "penalty": (0.35, 0.95),
    "yellow": (3.6, 1.5),
    "red": (0.25, 0.92),
    "second-yellow": (0.25, 0.92),
    "offside": (3.4, 1.6),
    "substitution": (3.8, 1.7),
}
"""Mean count in a half of 45 minutes, and in one of 10."""

PER_MINUTE: dict[str, float] = {
    "throw": 0.86,
    "overhit": 0.10,
    "off-target": 0.16,
    "saved": 0.12,
    "saved-corner": 0.08,
    "blocked": 0.07,
    "cross": 0.22,
    "foul": 0.42,
    "behind": 0.05,
    "turnover": 1.6,
}
"""How often each common outcome ends a sequence."""

MAX_SENT_OFF = 3
"""Of one side, in a whole match."""


def expected_count(rare: tuple[float, float], minutes: float) -> float:
    """Mean number of a rare outcome in a half, from its counts in 45 and in 10 minutes."""
    long, short = rare
    if minutes <= 10:
        return short * minutes / 10
    if minutes >= 45:
        return long * minutes / 45
    return short + (long - short) * (minutes - 10) / 35


def draw_agenda(rng: np.random.Generator, minutes: float) -> list[tuple[int, str]]:
    """(frame from which it is due, rare outcome), in order of time."""
    total = minutes * 60 * RATE
    latest = 0.78 if minutes < 20 else 0.93
    agenda = []
    for name, rare in RARE.items():
        mean = expected_count(rare, minutes)
        count = int(mean) + int(rng.random() < mean % 1)
        agenda += [(int(total * rng.uniform(0.04, latest)), name) for _ in range(count)]
    return sorted(agenda)


# Moving the ball


def pass_to(game: Game, slot: int) -> None:
    """The man on the ball passes to a team-mate, who controls it."""
    team = game.team
    where = game.whereabouts()[team, slot] + game.rng.normal(0, 1.2, 2)
    distance = _gap(where, game.ball)
    high = distance > 30 or (distance > 18 and game.chance(0.25))
    speed = game.uniform(16, 20) if high else game.uniform(10, 15)
    target = inside(game.within_reach(team, slot, where, distance / speed))
    game.send("high-pass" if high else "pass", target, speed, lofted=high)
    if high and game.chance(0.25):
        restarts.header_on(game, team, slot)
    else:
        game.gain(team, slot)


def choose_mate(game: Game, want: np.ndarray) -> int:
    """A team-mate to pass to, so that the ball comes nearer to where it is wanted."""
    team = game.team
    keeper = game.depth(team)[0] < 35 and game.chance(0.15)
    slots = [s for s in game.playing(team, keeper=keeper) if s != game.slot]
    where = game.whereabouts()[team, slots]
    length = np.linalg.norm(where - game.ball, axis=1)
    left = np.linalg.norm(where - want, axis=1)
    score = -left / 11 - ((length - 15) / 13) ** 2 - 3.0 * (length < 5)
    return slots[int(np.argmax(score + game.rng.gumbel(0, 0.9, len(slots))))]


def bring(game: Game, want: np.ndarray, *, near: float = 9.0, passes: int = 7) -> None:
    """The side in possession works the ball to a place."""
    for _ in range(passes):
        left = _gap(want, game.ball)
        if left < near or game.over:
            return
        if left < 22 and game.slot != 0 and game.chance(0.4):
            game.carry(want, game.uniform(4, 13))
            if _gap(want, game.ball) < near:
                return
        elif game.chance(0.35) and game.slot != 0:
            game.carry(want, game.uniform(3, 9))
        else:
            game.hold()
        pass_to(game, choose_mate(game, want))


def _gap(first: np.ndarray, second: np.ndarray) -> float:
    return float(np.hypot(*(first - second)))


def _side(game: Game) -> float:
    return float(game.rng.choice([-1.0, 1.0]))


def _spot(game: Game, u: tuple[float, float], v: tuple[float, float]) -> np.ndarray:
    return game.place(game.team, game.uniform(*u), _side(game) * game.uniform(*v))


def _run_at_goal(game: Game, low: float, high: float) -> None:
    u, v = game.depth(game.team)
    game.carry(game.place(game.team, max(u + 10, 105.0), v), game.uniform(low, high))


# How the ball dies


def _over_line(
    game: Game, kind: str, at: np.ndarray, speed: float, *, height: float = 0.11, lift: float = 0.11
) -> Break:
    """The man on the ball sends it off the pitch at a point of the edge.

    ``lift`` and ``height`` are the ball's above the grass where it is struck and where it goes out.
    """
    lofted = max(lift, height) > 0.3 or kind in ("high-pass", "clearance", "cross")
    way = (at - game.ball) / max(0.1, _gap(at, game.ball))
    game.send(kind, at, speed, lofted=lofted, height=lift)
    rest = np.clip(at + way * game.uniform(2.0, 4.0), (-56.5, -37.5), (56.5, 37.5))
    game.act("out", None, None, at, rest, height=height)
    game.label("Ball out of play", None)
    return Break(game.frame)


def out_for_throw(game: Game) -> None:
    """The ball goes over a touchline."""
    u, _ = game.depth(game.team)
    want_u = float(np.clip(u + game.uniform(-12, 32), 14, 96))
    bring(game, _spot(game, (want_u, want_u + 1), (25, 31)))
    if game.over:
        return
    side = 1.0 if game.ball[1] > 0 else -1.0
    forward = game.signs[game.team] * game.uniform(1, 9)
    at = np.array([np.clip(game.ball[0] + forward, -50, 50), side * 34.0])
    kind = "pass"
    if game.chance(0.45):
        if game.slot != 0:
            game.carry(inside(at, 2.0), game.uniform(2, 6))
        game.take(1 - game.team, game.nearest(1 - game.team, game.ball))
        kind = "tackle" if game.chance(0.6) else "block"
    elif game.chance(0.3):
        kind = "high-pass"
    else:
        game.hold()
    stop = _over_line(game, kind, at, game.uniform(9, 14))
    stop.focus = [game.subject(game.team, game.slot)]
    restarts.throw_in(game, 1 - game.team, at, stop, game.uniform(5, 11))


def overhit(game: Game) -> None:
    """A pass runs over the opponents' goal line."""
    bring(game, _spot(game, (72, 88), (4, 24)))
    if game.over:
        return
    game.hold()
    at = game.place(game.team, 105, _side(game) * game.uniform(6, 26))
    stop = _over_line(game, "high-pass" if game.chance(0.5) else "pass", at, 15.0)
    stop.focus = [game.subject(game.team, game.slot)]
    restarts.goal_kick(game, 1 - game.team, stop, game.uniform(11, 19))


def behind(game: Game) -> None:
    """A defender puts the ball over his own goal line: a corner."""
    bring(game, _spot(game, (84, 97), (12, 28)))
    if game.over:
        return
    team = game.team
    _run_at_goal(game, 3, 7)
    game.take(1 - team, game.nearest(1 - team, game.ball))
    v = game.depth(team)[1]
    at = game.place(team, 105, np.sign(v or 1.0) * max(6.0, abs(v) * 1.05))
    take_corner(game, team, at, _over_line(game, "tackle", at, 10.0))


def take_corner(game: Game, team: int, at: np.ndarray, stop: Break) -> None:
    """A corner is taken and played out."""
    if not stop.focus:
        stop.focus = [game.subject(team, game.nearest(team, game.ball))]
    side = 1.0 if at[1] > 0 else -1.0
    restarts.corner(game, team, side, stop, game.uniform(15, 24))
    cross_ball(game, "corner")


# Crosses and shots


def cross_ball(game: Game, kind: str) -> None:
    """The ball is crossed into the box: headed at goal, cleared, or caught."""
    team, others = game.team, 1 - game.team
    end = game.draw({"shot": 0.38, "cleared": 0.27, "headed-out": 0.2, "caught": 0.15})
    u = game.uniform(100, 103) if end == "caught" else game.uniform(93, 99)
    target = game.place(team, u, game.uniform(-6, 6))
    game.send(kind, target, game.uniform(16, 20), lofted=True)
    if end == "shot":
        game.take(team, game.nearest(team, target))
        result = game.draw({"off-target": 0.55, "saved": 0.3, "saved-corner": 0.15})
        shoot(game, "goal" if game.pop_due("goal") else result, header=True)
    elif end == "caught":
        game.gain(others, 0, "catch", height=2.1)
        keeper_releases(game)
    elif end == "headed-out":
        game.take(others, game.nearest(others, target))
        at = game.place(team, 105, _side(game) * game.uniform(7, 22))
        take_corner(game, team, at, _over_line(game, "header", at, 11.0, height=0.8, lift=1.9))
    else:
        game.take(others, game.nearest(others, target))
        _head_clear(game, team)


def _head_clear(game: Game, attackers: int) -> None:
    target = game.place(attackers, game.uniform(76, 86), game.uniform(-22, 22))
    game.send("header", target, 12.0, lofted=True, height=1.9)
    winner = attackers if game.chance(0.4) else 1 - attackers
    game.gain(winner, game.nearest(winner, target))
    if winner != attackers and game.chance(0.55):
        game.hold(0.3, 0.8)
        restarts.clear_long(game, "clearance")


def cross(game: Game) -> None:
    """An attack down the wing ends in a cross."""
    bring(game, _spot(game, (84, 98), (22, 30)))
    if game.over:
        return
    game.hold(0.3, 0.9)
    if game.depth(game.team)[0] > 66:
        cross_ball(game, "cross")


def shot(game: Game, result: str) -> None:
    """An attack through the middle ends in a shot; a goal that does not come off is put off."""
    bring(game, _spot(game, (80, 93), (0, 13)), near=8.0, passes=8)
    if game.depth(game.team)[0] < 68 and not game.over:
        game.hold()
        bring(game, _spot(game, (82, 92), (0, 10)), near=9.0, passes=4)
    if game.over:
        return
    game.hold(0.25, 0.8)
    if game.depth(game.team)[0] >= 64:
        shoot(game, result)
    elif result == "goal":
        game.put_off("goal")


def shoot(game: Game, result: str, *, kind: str = "shot", header: bool = False) -> None:
    """The man on the ball shoots, and what becomes of it.

    Args:
        result: ``goal``, ``saved`` (and held), ``saved-corner``, ``off-target`` or ``blocked``.
        kind: ``shot``, ``penalty`` or ``direct-free-kick``.
        header: the shot is headed.
    """
    team, shooter = game.team, game.subject(game.team, game.slot)
    on_target = result in ("goal", "saved", "saved-corner")
    if kind == "penalty":
        draft = game.drafts[-1]
    else:
        draft = game.label("Shots on target" if on_target else "Shots off target", team, shooter)
    name = "headed-shot" if header else kind
    speed = game.uniform(13, 17) if header else game.uniform(20, 27)
    lift = 1.9 if header else 0.11
    if result == "blocked":
        _blocked(game, team, name, speed)
    elif result == "off-target":
        _off_target(game, name, speed, lift, draft)
    elif result == "goal":
        _goal(game, name, speed, lift)
    else:
        _saved(game, name, speed, lift, draft, held=result == "saved")


def _saved(game: Game, name: str, speed: float, lift: float, draft: Draft, *, held: bool) -> None:
    team, shooter = game.team, game.subject(game.team, game.slot)
    keeper_v = game.depth(team, game.whereabouts()[1 - team, 0])[1]
    v = game.uniform(-GOAL_HALF_WIDTH + 0.35, GOAL_HALF_WIDTH - 0.35)
    v = float(np.clip(v, keeper_v - 2.6, keeper_v + 2.6))
    height = game.uniform(0.3, 1.9)
    at = game.place(team, game.uniform(103.6, 104.4), v)
    game.send(name, at, speed, lofted=True, height=lift)
    if held:
        game.gain(1 - team, 0, "save", height=height)
        keeper_releases(game)
        return
    game.take(1 - team, 0)
    edge = game.place(team, 105, np.sign(v or 1.0) * game.uniform(5.0, 14.0))
    stop = _over_line(game, "save", edge, 11.0, height=game.uniform(0.3, 1.5), lift=height)
    stop.focus, stop.replay_of = [shooter, game.subject(1 - team, 0)], draft
    take_corner(game, team, edge, stop)


def _blocked(game: Game, team: int, name: str, speed: float) -> None:
    u, v = game.depth(team)
    at = game.place(team, u + min(5.0, (104 - u) * 0.4), v * 0.8)
    game.send(name, at, speed)
    others = 1 - team
    game.take(others, game.nearest(others, at))
    if game.chance(0.35):
        edge = game.place(team, 105, np.sign(v or 1.0) * game.uniform(7, 20))
        take_corner(game, team, edge, _over_line(game, "block", edge, 13.0))
        return
    target = inside(at + game.rng.normal(0, 5, 2))
    game.send("block", target, 9.0)
    winner = team if game.chance(0.4) else others
    game.gain(winner, game.nearest(winner, target))
    if winner == others:
        game.hold(0.2, 0.6)
        restarts.clear_long(game, "clearance")


def _off_target(game: Game, name: str, speed: float, lift: float, draft: Draft) -> None:
    team, shooter = game.team, game.subject(game.team, game.slot)
    if game.chance(0.4):
        v, height = game.uniform(-4, 4), game.uniform(2.9, 5.0)
    else:
        v, height = _side(game) * game.uniform(4.4, 9.0), game.uniform(0.11, 2.5)
    stop = _over_line(game, name, game.place(team, 105, v), speed, height=height, lift=lift)
    stop.focus, stop.replay_of = [shooter], draft
    restarts.goal_kick(game, 1 - team, stop, game.uniform(12, 21))


def _goal(game: Game, name: str, speed: float, lift: float) -> None:
    team, slot = game.team, game.slot
    scorer = game.subject(team, slot)
    v = game.uniform(-GOAL_HALF_WIDTH + 0.3, GOAL_HALF_WIDTH - 0.3)
    at = game.place(team, 105, v)
    game.send(name, at, speed, lofted=True, height=lift)
    # The goalkeeper dives in vain, a moment before the ball passes him.
    game.frame -= 4
    side = np.sign(v or 1.0)
    game.act("dive", 1 - team, 0, game.place(team, 104.2, v - side * game.uniform(0.9, 2.2)))
    game.frame += 4
    net = game.place(team, 106.4, float(np.clip(v * 1.05, -3.5, 3.5)))
    game.act("goal", team, slot, at, net, height=game.uniform(0.2, 2.1))
    draft = game.label("Goal", team, scorer)
    game.goals.append((game.frame, team))
    game.sides.score[team] += 1
    stop = Break(game.frame, [scorer, ("crowd", 0, 0), ("bench", team, 0)], draft)
    game.wait(0.8)
    restarts.whistle(game)
    _celebrate(game, team, slot)
    restarts.kick_off(game, 1 - team, stop, game.uniform(32, 46))


def _celebrate(game: Game, team: int, slot: int) -> None:
    start = game.frame
    where = game.whereabouts()[team]
    side = 1.0 if where[slot][1] > 0 else -1.0
    at = np.array([game.signs[team] * game.uniform(42, 49), side * game.uniform(22, 30)])
    run = max(2.5, _gap(at, where[slot]) / 6.0)
    game.frame = start + round(run * RATE)
    game.act("celebrate", team, slot, at)
    mates = [s for s in game.playing(team) if s != slot]
    mates = sorted(mates, key=lambda s: _gap(where[s], at))[:4]
    for index, mate in enumerate(mates):
        run_up = max(run + 0.6 + 0.3 * index, _gap(where[mate], at) / 6.0)
        game.frame = start + round(run_up * RATE)
        turn = 2 * np.pi * index / 4
        game.act("join", team, mate, at + 1.3 * np.array([np.cos(turn), np.sin(turn)]))
    game.frame = start


def keeper_releases(game: Game) -> None:
    """The goalkeeper, ball in hand, kicks it long or rolls it to a defender."""
    game.hold(2.0, 5.0)
    if game.chance(0.35):
        restarts.clear_long(game, "clearance")
        return
    team = game.team
    backs = [s for s in game.playing(team) if s <= 4] or game.playing(team)
    mate = backs[int(game.rng.integers(len(backs)))]
    target = inside(game.whereabouts(game.place(team, 25, 0))[team, mate])
    game.send("keeper-throw", target, 12.0, height=1.0)
    game.gain(team, mate)


# Losing the ball, fouls, offside


def turnover(game: Game) -> None:
    """The ball is won by a tackle or cut out on the way."""
    u, _ = game.depth(game.team)
    want_u = float(np.clip(u + game.uniform(-5, 35), 15, 90))
    want = game.place(game.team, want_u, game.uniform(-28, 28))
    bring(game, want, passes=int(game.rng.integers(1, 5)))
    if game.over:
        return
    others = 1 - game.team
    if game.chance(0.5) and game.slot != 0:
        _run_at_goal(game, 3, 9)
        game.gain(others, game.nearest(others, game.ball), "tackle")
        game.hold(0.3, 0.8)
        return
    game.hold()
    where = game.whereabouts()[game.team, choose_mate(game, want)]
    at = inside(game.ball + (where - game.ball) * game.uniform(0.6, 0.95))
    game.send("pass", at, game.uniform(10, 14))
    game.gain(others, game.nearest(others, at))
    game.hold(0.2, 0.5)


def foul(game: Game, card: str | None = None) -> None:
    """The man on the ball is brought down; a free-kick follows, and a card if one is given."""
    u, _ = game.depth(game.team)
    deep = game.chance(0.28) or (card == "red" and game.chance(0.5))
    want_u = game.uniform(74, 86) if deep else float(np.clip(u + game.uniform(-5, 28), 22, 84))
    bring(game, game.place(game.team, want_u, game.uniform(-26, 26)), near=11.0)
    if game.over:
        return
    team = game.team
    if game.slot != 0 and game.depth(team)[0] < 84:
        _run_at_goal(game, 2, 6)
    stop, offender = _trip(game)
    _punish(game, stop, 1 - team, offender, card)
    _free_kick(game, team, stop)


def _free_kick(game: Game, team: int, stop: Break) -> None:
    """Away from goal an indirect kick; within range a direct one, shot or crossed."""
    u, v = game.depth(team)
    at = game.ball.copy()
    if u < 70:
        restarts.indirect_free_kick(game, team, at, stop)
        return
    restarts.direct_free_kick(game, team, at, stop)
    if abs(v) < 17 and u > 72 and game.chance(0.75):
        results = {"off-target": 0.5, "saved": 0.2, "saved-corner": 0.1, "blocked": 0.2}
        result = "goal" if game.pop_due("goal") else game.draw(results)
        shoot(game, result, kind="direct-free-kick")
    else:
        cross_ball(game, "direct-free-kick")


def _trip(game: Game, offenders: list[int] | None = None) -> tuple[Break, int]:
    """A tackle takes the man; the whistle goes. Returns the break and the offender's slot."""
    team, victim, others = game.team, game.slot, 1 - game.team
    where = game.whereabouts()[others]
    offenders = offenders or game.playing(others)
    offender = min(offenders, key=lambda s: _gap(where[s], game.ball))
    game.act("fouled", team, victim)
    game.act("foul", others, offender)
    subjects = [game.subject(others, offender), game.subject(team, victim)]
    draft = game.label("Foul", others, *subjects)
    stop = Break(game.frame, subjects, draft)
    game.wait(game.uniform(0.3, 0.8))
    restarts.whistle(game)
    return stop, offender


def _punish(game: Game, stop: Break, team: int, slot: int, card: str | None) -> None:
    if card is None:
        return
    if card == "yellow" and game.squad(team, slot) in game.sides.booked[team]:
        card = "second-yellow"
    if card != "yellow" and len(game.sides.sent_off[team]) >= MAX_SENT_OFF:
        return
    restarts.book(game, stop, team, slot, card)


def second_yellow(game: Game) -> None:
    """A booked man fouls again; where nobody is booked yet, first somebody gets himself booked."""
    booked = _booked(game, 1 - game.team)
    if booked:
        _foul_by(game, booked)
    elif _booked(game, game.team):
        turnover(game)
        game.put_off("second-yellow")
    elif min(len(gone) for gone in game.sides.sent_off) < MAX_SENT_OFF:
        foul(game, "yellow")
        game.put_off("second-yellow", 15.0)


def _booked(game: Game, team: int) -> list[int]:
    """Slots of booked players who may still be sent off."""
    if len(game.sides.sent_off[team]) >= MAX_SENT_OFF:
        return []
    return [s for s in game.playing(team) if game.squad(team, s) in game.sides.booked[team]]


def _foul_by(game: Game, offenders: list[int]) -> None:
    team = game.team
    where = game.whereabouts()[1 - team]
    near = min(offenders, key=lambda s: _gap(where[s], game.ball))
    bring(game, inside(where[near], 6.0), near=10.0, passes=5)
    if game.over:
        return
    where = game.whereabouts()[1 - team]
    near = min(offenders, key=lambda s: _gap(where[s], game.ball))
    gap = _gap(where[near], game.ball)
    if game.slot != 0 and gap > 2:
        game.carry(where[near], min(16.0, 0.6 * gap))
    stop, offender = _trip(game, offenders)
    restarts.book(game, stop, 1 - team, offender, "second-yellow")
    _free_kick(game, team, stop)


def penalty(game: Game) -> None:
    """A foul in the box, and the kick from the spot."""
    bring(game, _spot(game, (91, 97), (2, 13)), near=6.0, passes=9)
    if game.over:
        return
    team = game.team
    u, v = game.depth(team)
    if u < 91 or abs(v) > 17:
        game.carry(game.place(team, 94, v * 0.6), 16.0)
    u, v = game.depth(team)
    if u < 89.5 or abs(v) > 19.5:
        game.put_off("penalty")
        return
    stop, offender = _trip(game)
    card = next((c for c in ("red", "yellow") if game.chance(0.5) and game.pop_due(c)), None)
    _punish(game, stop, 1 - team, offender, card)
    restarts.penalty(game, team, stop)
    result = game.draw({"goal": 0.74, "saved-corner": 0.14, "off-target": 0.12})
    shoot(game, result, kind="penalty")


def offside(game: Game) -> None:
    """A ball through to a man beyond the last defenders; the flag goes up."""
    bring(game, _spot(game, (56, 72), (0, 22)), near=12.0, passes=5)
    if game.over:
        return
    team = game.team
    game.hold()
    slot = next(s for s in (10, 9, 8, 7, 6, 5) if s in game.playing(team) and s != game.slot)
    where = game.whereabouts()
    line = np.sort([game.depth(team, xy)[0] for xy in where[1 - team]])[-2]
    u, v = game.depth(team, where[team, slot])
    at = game.place(team, float(np.clip(max(line, u) + game.uniform(3, 7), 58, 98)), v)
    at = inside(game.within_reach(team, slot, at, _gap(at, game.ball) / 14))
    high = game.chance(0.5)
    game.send("high-pass" if high else "pass", at, 14.0, lofted=high)
    game.gain(team, slot)
    game.wait(game.uniform(0.3, 0.9))
    game.act("offside", team, slot, at)
    draft = game.label("Offside", team, game.subject(team, slot))
    stop = Break(game.frame, [game.subject(team, slot)], draft)
    game.wait(0.2)
    restarts.whistle(game)
    restarts.indirect_free_kick(game, 1 - team, at, stop)


def stop_for_substitution(game: Game) -> None:
    """The ball goes dead and a waiting substitute comes on."""
    game.put_off("substitution")
    PLAYS[game.draw({"throw": 0.6, "overhit": 0.2, "foul": 0.2})](game)


RARE_PLAYS: dict[str, Callable[[Game], None]] = {
    "goal": lambda game: shot(game, "goal"),
    "penalty": penalty,
    "yellow": lambda game: foul(game, "yellow"),
    "red": lambda game: foul(game, "red"),
    "second-yellow": second_yellow,
    "offside": offside,
    "substitution": stop_for_substitution,
}

PLAYS: dict[str, Callable[[Game], None]] = {
    "throw": out_for_throw,
    "overhit": overhit,
    "off-target": lambda game: shot(game, "off-target"),
    "saved": lambda game: shot(game, "saved"),
    "saved-corner": lambda game: shot(game, "saved-corner"),
    "blocked": lambda game: shot(game, "blocked"),
    "cross": cross,
    "foul": foul,
    "behind": behind,
    "turnover": turnover,
}


def _common(game: Game, counts: dict[str, int]) -> str:
    """Draw the next common outcome, steering every count towards its rate."""
    minutes = game.frame / RATE / 60
    weights = {}
    for name, rate in PER_MINUTE.items():
        lack = rate * minutes - counts[name]
        steer = 1.0 if name == "turnover" else float(np.clip(np.exp(0.7 * lack), 0.15, 4.0))
        weights[name] = rate * steer
    return game.draw(weights)


def play_half(rng: np.random.Generator, half: int, minutes: float, sides: Sides) -> Game:
    """Draw one half. ``sides`` is changed: score, cards and substitutions carry over."""
    before = copy.deepcopy(sides)
    game = Game(rng, half, minutes, sides)
    game.agenda = draw_agenda(rng, minutes)
    counts = dict.fromkeys(PER_MINUTE, 0)
    restarts.kick_off(game, half - 1)
    while not game.over:
        item = next((name for frame, name in game.agenda if frame <= game.frame), None)
        if item is None:
            item = _common(game, counts)
            counts[item] += 1
            PLAYS[item](game)
        else:
            game.pop_due(item)
            RARE_PLAYS[item](game)
    _blow_for_time(game, before)
    return game


def _blow_for_time(game: Game, before: Sides) -> None:
    """End the half: whatever was drawn beyond the last whistle never happened."""
    last = max(game.end_frame - RATE, game.end_frame // 2)
    cut = last - 5
    game.actions = sorted(
        (a for a in game.actions if round(a.seconds * RATE) <= cut), key=lambda a: a.seconds
    )
    game.drafts = [draft for draft in game.drafts if draft.frame <= cut]
    game.goals = [goal for goal in game.goals if goal[0] <= cut]
    game.stoppages = [stop for stop in game.stoppages if stop.start <= cut]
    game.frame = last
    centre = game.actions[-1].at if game.actions else (0.0, 0.0)
    game.actions.append(Action(last / RATE, "whistle-long", None, None, centre))
    _settle(game, before)


def _settle(game: Game, before: Sides) -> None:
    """What carries over to the next half, from what really happened in this one."""
    sides = game.sides
    sides.on_pitch, sides.sent_off, sides.booked = before.on_pitch, before.sent_off, before.booked
    sides.score = [before.score[team] + sum(t == team for _, t in game.goals) for team in range(2)]
    for action in game.actions:
        team, player = action.team, action.player
        if team is None or player is None or player not in sides.on_pitch[team]:
            continue
        slot = sides.on_pitch[team].index(player)
        if action.kind == "leave" and action.other is not None:
            sides.on_pitch[team][slot] = action.other
        elif action.kind == "red":
            sides.sent_off[team].add(slot)
        elif action.kind == "yellow":
            sides.booked[team].append(player)
