"""What happens while the ball is dead, and how each kind of restart puts it back into play."""

from dataclasses import dataclass, field

import numpy as np

from touchline.simulator import formation
from touchline.simulator.game import RATE, Draft, Game, Stoppage, Subject, inside

_SHORT_MINUTES = 20.0
_BENCH_X = 6.0
"""Substitutes come on at the near touchline, this far from the halfway line."""

LEAVE_LEAD_FRAMES = 40
"""A substitute takes the slot this long after the player he replaces crossed the touchline."""

REFEREE: Subject = ("referee", 0, 0)


@dataclass
class Break:
    """A stoppage under way, from the dead ball on."""

    start: int
    focus: list[Subject] = field(default_factory=list)
    replay_of: Draft | None = None
    moments: list[tuple[int, Subject]] = field(default_factory=list)


def pace(game: Game) -> float:
    """How much of the usual time stoppages take: short halves are played briskly."""
    return 0.72 if game.minutes < _SHORT_MINUTES else 1.0


def whistle(game: Game, kind: str = "whistle") -> None:
    """The referee blows, now."""
    game.act(kind, None, None)


def _restart(
    game: Game, stop: Break, kind: str, team: int, slot: int, at: np.ndarray, seconds: float
) -> None:
    """Wait, put the ball down, take positions; leaves the clock at the restart itself."""
    game.take(team, slot)
    if kind not in ("penalty", "direct-free-kick") and game.pop_due("substitution"):
        game.wait(game.uniform(0.5, 2.5))
        substitute(game, stop)
    earliest = max([moment for moment, _ in stop.moments], default=game.frame) + RATE
    end = max(game.frame + round(seconds * pace(game) * RATE), earliest + 2 * RATE)
    ready = {"throw-in": 2.0, "penalty": 4.0, "corner": 3.2, "direct-free-kick": 4.5}.get(kind, 2.6)
    game.ball = np.array(at, dtype=float)
    people = game.shape(inside(game.ball)).reshape(22, 2)
    people = formation.line_up(kind, people, game.ball, team, game.signs, slot)
    game.frame = max(game.frame + RATE, end - round(ready * RATE))
    game.act("place", team, slot, height=1.0 if kind == "throw-in" else 0.11)
    game.frame = max(end, game.frame + RATE)
    if kind in ("penalty", "kick-off"):
        game.frame += 10
        whistle(game)
        game.frame += round(game.uniform(0.5, 1.6) * RATE)
    game.see_all(people)
    game.see(team, slot, game.ball)
    game.stoppages.append(
        Stoppage(stop.start, game.frame, kind, stop.focus, stop.replay_of, stop.moments)
    )


def substitute(game: Game, stop: Break, team: int | None = None) -> bool:
    """Two players swap at the touchline during a break; False if nobody is left to come on."""
    sides = [t for t in range(2) if game.sides.bench[t] and len(game.playing(t)) > 7]
    if not sides:
        return False
    team = sides[int(game.rng.integers(len(sides)))] if team is None else team
    at = np.array([(-1 if team == 0 else 1) * _BENCH_X, -34.9])
    where = game.whereabouts()[team]
    slots = [s for s in game.playing(team) if s != game.slot or team != game.team]
    far = np.array([np.hypot(*(where[s] - at)) for s in slots])
    slot = slots[int(game.rng.choice(np.argsort(far)[:6]))]
    walk = float(np.hypot(*(where[slot] - at))) / 4.2
    game.act("board", team, slot, where[slot])
    game.wait(max(4.0, walk) + game.uniform(0.5, 2.0))
    outgoing, incoming = game.squad(team, slot), game.sides.bench[team].pop(0)
    subject = game.subject(team, slot)
    game.label("Substitution", team, subject, ("player", team, incoming), ("bench", team, 0))
    stop.moments.append((game.frame, subject))
    game.act("leave", team, slot, at, other=incoming)
    game.frame += LEAVE_LEAD_FRAMES
    game.act("substitution", team, slot, at, other=incoming)
    game.sides.on_pitch[team][slot] = incoming
    if outgoing in game.sides.booked[team]:
        game.sides.booked[team].remove(outgoing)
    return True


def book(game: Game, stop: Break, team: int, slot: int, colour: str) -> None:
    """The referee shows a card: ``yellow``, ``red`` or ``second-yellow`` (yellow, then red)."""
    game.wait(game.uniform(3.0, 6.5) * pace(game))
    player = game.squad(team, slot)
    at = inside(game.ball + game.rng.normal(0, 1.0, 2), 2.0)
    subject = game.subject(team, slot)
    if colour == "second-yellow":
        game.act("yellow", team, slot, at)
        game.wait(1.52)
    game.act("yellow" if colour == "yellow" else "red", team, slot, at)
    name = {"yellow": "Yellow card", "red": "Red card", "second-yellow": "Yellow->red card"}[colour]
    game.label(name, team, REFEREE, subject)
    stop.moments.append((game.frame, REFEREE))
    game.wait(2.0)
    if colour == "yellow":
        game.sides.booked[team].append(player)
    else:
        _send_off(game, team, slot, at)


def _send_off(game: Game, team: int, slot: int, at: np.ndarray) -> None:
    game.wait(game.uniform(1.0, 2.0))
    side = -1.0 if at[1] < 6 else 1.0
    out = np.array([at[0] * 0.8, side * 37.0])
    game.wait(float(np.hypot(*(out - at))) / 4.8)
    game.act("sent-off", team, slot, out)
    game.sides.sent_off[team].add(slot)


def kick_off(game: Game, team: int, stop: Break | None = None, seconds: float = 0.0) -> None:
    """Play starts, or starts again, from the centre spot; without ``stop`` it is a half's first."""
    centre = np.zeros(2)
    slot = next((s for s in (10, 9) if s in game.playing(team)), game.playing(team)[-1])
    if stop is None:
        game.team, game.slot, game.ball = team, slot, centre
        people = game.shape().reshape(22, 2)
        game.see_all(formation.line_up("kick-off", people, centre, team, game.signs, slot))
        game.act("place", team, slot)
        game.wait(game.uniform(0.6, min(2.4, 0.9 + game.minutes)))
        whistle(game)
        game.wait(game.uniform(0.4, 1.0))
        game.stoppages.append(Stoppage(0, game.frame, "kick-off", []))
    else:
        _restart(game, stop, "kick-off", team, slot, centre, seconds)
    game.label("Kick-off", team, game.subject(team, slot))
    backs = [s for s in game.playing(team) if 1 <= s <= 8]
    receiver = backs[int(game.rng.integers(len(backs) // 2, len(backs)))]
    target = game.place(team, game.uniform(38, 47), game.uniform(-9, 9))
    game.send("kick-off", target, game.uniform(9, 13))
    game.gain(team, receiver)


def throw_in(game: Game, team: int, at: np.ndarray, stop: Break, seconds: float) -> None:
    """The ball is thrown in where it went out."""
    side = 1.0 if at[1] > 0 else -1.0
    spot = np.array([np.clip(at[0] + game.uniform(-2, 2), -50.5, 50.5), side * 34.45])
    slot = game.nearest(team, spot)
    _restart(game, stop, "throw-in", team, slot, spot, seconds)
    game.label("Throw-in", team, game.subject(team, slot))
    where = game.whereabouts()[team]
    others = [s for s in game.playing(team) if s != slot]
    receiver = min(
        others, key=lambda s: abs(np.hypot(*(where[s] - spot)) - 11) + game.uniform(0, 8)
    )
    way = where[receiver] - spot
    length = float(np.hypot(*way))
    target = inside(spot + way / max(length, 1.0) * np.clip(length, 6, 20))
    game.send("throw-in", target, 0, lofted=True, height=2.2, seconds=0.55 + 0.045 * float(length))
    if game.chance(0.12):
        header_on(game, team, receiver)
    else:
        game.gain(team, receiver)


def header_on(game: Game, team: int, slot: int) -> None:
    """Somebody heads an arriving ball on to a team-mate nearby, who controls it."""
    game.take(team, slot)
    where = game.whereabouts()[team]
    others = [s for s in game.playing(team) if s != slot]
    mate = min(others, key=lambda s: float(np.hypot(*(where[s] - game.ball))) + game.uniform(0, 10))
    way = where[mate] - game.ball
    length = float(np.hypot(*way))
    target = inside(game.ball + way / max(length, 1.0) * float(np.clip(length, 4, 14)))
    game.send("header", target, 10.0, lofted=True, height=1.9)
    game.gain(team, mate)


def goal_kick(game: Game, team: int, stop: Break, seconds: float) -> None:
    """The goalkeeper kicks long or plays short from the goal area; both count as a clearance."""
    spot = game.place(team, 5.4, game.uniform(4, 8) * game.rng.choice([-1, 1]))
    _restart(game, stop, "goal-kick", team, 0, spot, seconds)
    clear_long(game, "goal-kick")


def clear_long(game: Game, kind: str) -> None:
    """The man on the ball kicks it far upfield, where it is fought for in the air."""
    team = game.team
    game.label("Clearance", team, game.subject(team, game.slot))
    u, _ = game.depth(team)
    target = inside(game.place(team, u + game.uniform(38, 56), game.uniform(-22, 22)), 4.0)
    start = game.ball.copy()
    _fight_for(game, kind, start, target, team)


def _fight_for(game: Game, kind: str, start: np.ndarray, target: np.ndarray, team: int) -> None:
    winner = team if game.chance(0.45) else 1 - team
    slot = game.nearest(winner, target)
    seconds = float(np.hypot(*(target - start))) / 18.0
    target = game.within_reach(winner, slot, target, seconds)
    game.send(kind, target, 18.0, lofted=True)
    if game.chance(0.6):
        header_on(game, winner, slot)
    else:
        game.gain(winner, slot)


def direct_free_kick(game: Game, team: int, at: np.ndarray, stop: Break) -> None:
    """A free-kick near goal lies ready: the wall up, the clock at the strike."""
    spot = inside(at, 1.5)
    slot = game.nearest(team, spot)
    _restart(game, stop, "direct-free-kick", team, slot, spot, game.uniform(19, 30))
    game.label("Direct free-kick", team, game.subject(team, slot))


def indirect_free_kick(game: Game, team: int, at: np.ndarray, stop: Break) -> None:
    """A free-kick away from goal, played short or long."""
    spot = inside(at, 1.5)
    slot = game.nearest(team, spot)
    _restart(game, stop, "indirect-free-kick", team, slot, spot, game.uniform(7, 16))
    game.label("Indirect free-kick", team, game.subject(team, slot))
    where = game.whereabouts()[team]
    others = [s for s in game.playing(team) if s != slot]
    if game.chance(0.7):
        away = [abs(float(np.hypot(*(where[s] - spot))) - 14) + game.uniform(0, 9) for s in others]
        mate = others[int(np.argmin(away))]
        game.send("indirect-free-kick", inside(where[mate]), game.uniform(11, 15))
        game.gain(team, mate)
        return
    u, _ = game.depth(team)
    target = inside(game.place(team, u + game.uniform(25, 42), game.uniform(-24, 24)), 4.0)
    _fight_for(game, "indirect-free-kick", spot, target, team)


def corner(game: Game, team: int, side: float, stop: Break, seconds: float) -> None:
    """A corner lies ready: the ball in the arc, the box crowded, the clock at the strike.

    ``side`` is the sign of the pitch's y.
    """
    goal_x = game.signs[team] * 52.2
    spot = np.array([goal_x, side * 33.7])
    slot = game.nearest(team, spot)
    _restart(game, stop, "corner", team, slot, spot, seconds)
    game.label("Corner", team, game.subject(team, slot))


def penalty(game: Game, team: int, stop: Break) -> None:
    """A penalty lies ready: the ball on the spot, the box empty, the clock at the strike."""
    spot = game.place(team, 105 - formation.SPOT_DEPTH, 0.0)
    game.team = team
    slot = next((s for s in (9, 10, 8, 7) if s in game.playing(team)), game.playing(team)[-1])
    _restart(game, stop, "penalty", team, slot, spot, game.uniform(26, 40))
    game.label("Penalty", team, game.subject(team, slot))
