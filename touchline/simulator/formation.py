"""Where a side stands: formations that move with the ball, and the line-ups of set pieces.

Depth ``u`` is the distance in metres from a team's own goal line (0 to 105) and ``v`` the
lateral position as that team sees it; ``to_pitch`` turns them into pitch coordinates.
"""

import numpy as np
import numpy.typing as npt

from touchline.simulator.script import PITCH_LENGTH, PITCH_WIDTH

Array = npt.NDArray[np.float64]

FORMATIONS: dict[str, tuple[tuple[float, float], ...]] = {
    "4-4-2": (
        *((0.0, 0.95), (-0.03, 0.33), (-0.03, -0.33), (0.0, -0.95)),
        *((0.52, 0.92), (0.40, 0.30), (0.40, -0.30), (0.52, -0.92)),
        *((1.0, 0.24), (0.90, -0.24)),
    ),
    "4-3-3": (
        *((0.04, 0.95), (-0.03, 0.33), (-0.03, -0.33), (0.04, -0.95)),
        *((0.32, 0.0), (0.50, 0.45), (0.50, -0.45)),
        *((0.92, 0.92), (1.0, 0.0), (0.92, -0.92)),
    ),
    "3-5-2": (
        *((0.0, 0.55), (-0.03, 0.0), (0.0, -0.55)),
        *((0.45, 1.0), (0.38, 0.35), (0.55, 0.0), (0.38, -0.35), (0.45, -1.0)),
        *((1.0, 0.25), (0.92, -0.25)),
    ),
    "4-2-3-1": (
        *((0.03, 0.95), (-0.03, 0.33), (-0.03, -0.33), (0.03, -0.95)),
        *((0.33, 0.28), (0.33, -0.28)),
        *((0.72, 0.88), (0.68, 0.0), (0.72, -0.88), (1.0, 0.0)),
    ),
}
"""Ten outfield slots each: (share of the way from defence to attack, share of the half width)."""

GOAL_HALF_WIDTH = 3.66
GOAL_HEIGHT = 2.44
BOX_DEPTH = 16.5
SPOT_DEPTH = 11.0
WALL_DISTANCE = 9.15


def attack_sign(team: int, half: int) -> int:
    """+1 where a team (0 home, 1 away) attacks +x in a half, else -1."""
    return 1 if (team == 0) == (half % 2 == 1) else -1


def to_pitch(sign: int, u: float | Array, v: float | Array) -> Array:
    """Pitch coordinates (..., 2) of a team's own depth and lateral position."""
    return np.stack(np.broadcast_arrays(sign * (np.asarray(u) - PITCH_LENGTH / 2), sign * v), -1)


def from_pitch(sign: int, xy: Array) -> tuple[Array, Array]:
    """A team's own depth and lateral position of pitch coordinates (..., 2)."""
    return sign * xy[..., 0] + PITCH_LENGTH / 2, sign * xy[..., 1]


def _defence_line(u: Array) -> Array:
    """Depth of a defending back line with the ball at depth u."""
    return np.clip(0.6 * u - 4, 9, 50)


def positions(formation: str, ball: Array, possession: Array, sign: int) -> Array:
    """Where the eleven of a team stand in open play.

    Args:
        formation: key of ``FORMATIONS``.
        ball: (n, 2) pitch metres.
        possession: (n,) from -1 (the others have the ball) to 1 (this team has it).
        sign: direction of attack.

    Returns:
        (n, 11, 2) pitch metres, goalkeeper first.
    """
    u, v = from_pitch(sign, ball)
    u, v = np.clip(u, 0, PITCH_LENGTH), np.clip(v, -PITCH_WIDTH / 2, PITCH_WIDTH / 2)
    attack = (possession + 1) / 2
    line = (1 - attack) * _defence_line(u) + attack * np.clip(0.62 * u + 2, 16, 60)
    length = (1 - attack) * (26 + 0.08 * u) + attack * 38
    others_line = PITCH_LENGTH - _defence_line(PITCH_LENGTH - u)
    front = np.minimum(line + length, np.maximum(others_line - 0.7, line + 14))
    width = (1 - attack) * 21 + attack * 29
    shift = ((1 - attack) * 0.35 + attack * 0.15) * v
    slots = np.array(FORMATIONS[formation])
    depth = line[:, None] + slots[:, 0] * (front - line)[:, None]
    lateral = np.clip(slots[:, 1] * width[:, None] + shift[:, None], -33, 33)
    keeper_u = np.clip(1.2 + 0.14 * u, 1.8, 13)
    keeper_v = np.clip(0.14 * v * np.clip(1.3 - u / 60, 0.2, 1), -4, 4)
    return to_pitch(
        sign,
        np.concatenate([keeper_u[:, None], depth], 1),
        np.concatenate([keeper_v[:, None], lateral], 1),
    )


def _assign(people: Array, places: Array) -> Array:
    """People (k, 2) sent to places (k, 2), each to the nearest one still free."""
    taken = np.full(len(people), -1)
    distance = np.linalg.norm(people[:, None] - places[None], axis=-1)
    for _ in range(len(people)):
        person, place = np.unravel_index(np.argmin(distance), distance.shape)
        taken[person] = place
        distance[person] = np.inf
        distance[:, place] = np.inf
    return places[taken]


_CORNER_ATTACK = np.array(
    [(99.5, 0.5), (98, 4), (97, -3), (95.5, 1.5), (94, -6), (92.5, 5), (85, -2), (84, 11), (60, 8)]
)
_CORNER_DEFENCE = np.array(
    [
        *((100.3, 1.2), (99, 4.8), (98, -2.4), (96.5, 2.2), (95, -5.2)),
        *((93.5, 5.6), (103, 3.2), (98.8, 9), (88, 0), (72, 2)),
    ]
)
"""Depths as the attacking team counts them; v positive towards the corner being taken."""


def _corner(people: Array, at: Array, team: int, sign: int, taker: int) -> Array:
    out = people.copy()
    _, v = from_pitch(sign, at)
    side = 1.0 if v > 0 else -1.0
    own, others = 11 * team, 11 * (1 - team)
    attackers = [own + slot for slot in range(1, 11) if slot != taker]
    places = to_pitch(sign, _CORNER_ATTACK[:, 0], side * _CORNER_ATTACK[:, 1])
    out[attackers] = _assign(people[attackers], places)
    defenders = list(range(others + 1, others + 11))
    places = to_pitch(sign, _CORNER_DEFENCE[:, 0], side * _CORNER_DEFENCE[:, 1])
    out[defenders] = _assign(people[defenders], places)
    out[others] = to_pitch(sign, 103.6, side * 0.8)
    out[own] = to_pitch(sign, 16.0, 0.0)
    return out


def _penalty(people: Array, team: int, sign: int, taker: int) -> Array:
    out = people.copy()
    others = 11 * (1 - team)
    outfield = [i for i in range(22) if i % 11 and i != 11 * team + taker]
    u, v = from_pitch(sign, people[outfield])
    lateral = np.linspace(-24, 24, len(outfield))
    order = np.argsort(v, kind="stable")
    spread = np.empty(len(outfield))
    spread[order] = lateral
    near = PITCH_LENGTH - BOX_DEPTH - 1.5 - np.where(np.abs(spread) < 9, 4.6, 0)
    stay = np.arange(len(outfield)) % 5 == 0
    depth = np.where(stay, np.minimum(u, 62.0), near - 2.0 * (np.arange(len(outfield)) % 2))
    out[outfield] = to_pitch(sign, depth, spread)
    out[others] = to_pitch(sign, PITCH_LENGTH - 0.25, 0.0)
    out[11 * team] = to_pitch(sign, 20.0, 0.0)
    return out


def _kick_off(people: Array, team: int, signs: tuple[int, int], taker: int) -> Array:
    out = people.copy()
    for side in range(2):
        u, v = from_pitch(signs[side], people[11 * side : 11 * side + 11])
        depth = np.minimum(u * 0.82, PITCH_LENGTH / 2 - 1.0)
        away = np.hypot(depth - PITCH_LENGTH / 2, v)
        if side != team:
            outside = np.where(away < WALL_DISTANCE + 0.8, PITCH_LENGTH / 2 - 10.2, depth)
            depth = np.minimum(depth, outside)
        out[11 * side : 11 * side + 11] = to_pitch(signs[side], depth, v)
    partner = next(slot for slot in (10, 9) if slot != taker)
    out[11 * team + partner] = to_pitch(signs[team], PITCH_LENGTH / 2 - 1.5, 3.5)
    return out


def _wall(people: Array, at: Array, team: int, sign: int, taker: int) -> Array:
    """A direct free-kick: a wall on the way to goal, both sides lined up before the box."""
    out = people.copy()
    u, v = (float(part) for part in from_pitch(sign, at))
    goal = np.array([PITCH_LENGTH - u, -v])
    ahead = goal / np.linalg.norm(goal)
    across = np.array([-ahead[1], ahead[0]])
    others = 11 * (1 - team)
    defenders = list(range(others + 1, others + 11))
    count = 5 if np.linalg.norm(goal) < 26 and abs(v) < 14 else 3
    middle = np.array([u, v]) + WALL_DISTANCE * ahead
    wall = middle + across * (np.arange(count) - (count - 1) / 2)[:, None] * 0.62
    line = float(np.clip(max(u + 6, 86), 80, 97))
    lateral = np.linspace(-11, 11, 10 - count) - np.sign(v) * 3
    rest = np.stack([np.full(10 - count, line), lateral], 1)
    places = np.concatenate([wall, rest])
    out[defenders] = _assign(people[defenders], to_pitch(sign, places[:, 0], places[:, 1]))
    attackers = [11 * team + slot for slot in range(1, 11) if slot != taker]
    attack = np.stack([np.full(6, line - 1.2), np.linspace(-10, 10, 6) - np.sign(v) * 3.5], 1)
    back = np.array([(u - 5, v + (3 if v < 0 else -3)), (62, 12), (60, -12)])
    places = np.concatenate([attack, back])
    out[attackers] = _assign(people[attackers], to_pitch(sign, places[:, 0], places[:, 1]))
    out[others] = to_pitch(sign, PITCH_LENGTH - 1.5, np.sign(v) * 1.2)
    return out


def line_up(
    kind: str, people: Array, at: Array, team: int, signs: tuple[int, int], taker: int
) -> Array:
    """Where the 22 players stand as a set piece is taken.

    Args:
        kind: kind of the restart's action; kinds without a line-up keep their open-play places.
        people: (22, 2) open-play positions, home first.
        at: (2,) where the ball is.
        team: the side that takes it.
        signs: direction of attack of home and away.
        taker: slot (0-10) of the taker, whose own place is left to the caller.
    """
    if kind == "corner":
        return _corner(people, at, team, signs[team], taker)
    if kind == "penalty":
        return _penalty(people, team, signs[team], taker)
    if kind == "kick-off":
        return _kick_off(people, team, signs, taker)
    if kind == "direct-free-kick":
        return _wall(people, at, team, signs[team], taker)
    return people
