"""Where the ball is: the script's touches joined by flights, rolls and dribbles."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import IntEnum

import numpy as np
import numpy.typing as npt

from touchline.simulator.script import Action, Point

RADIUS = 0.11
GRAVITY = 9.81

HELD_HEIGHT = 1.1
_REST_SECONDS = 1.3
_THROW_LIFT_SECONDS = 1.4

DEAD = frozenset({"out", "goal", "foul", "offside", "whistle-long"})
"""Kinds after which the ball is dead until it is placed."""

RESTARTS = frozenset(
    {
        "kick-off",
        "throw-in",
        "corner",
        "goal-kick",
        "penalty",
        "direct-free-kick",
        "indirect-free-kick",
    }
)

STRIKES = RESTARTS - {"throw-in"} | {
    "pass",
    "high-pass",
    "cross",
    "shot",
    "clearance",
    "keeper-throw",
}
"""Kinds in which the foot (or the keeper's hand) sends the ball."""

HEADS = frozenset({"header", "headed-shot"})

TOUCHES = (
    STRIKES
    | HEADS
    | {"throw-in", "receive", "drive", "catch", "save", "tackle", "block", "place"}
    | DEAD - {"whistle-long"}
)
"""Kinds that fix where the ball is."""


class Way(IntEnum):
    """How the ball gets from one node to the next."""

    STAY = 0
    ROLL = 1
    FLY = 2
    CARRY = 3
    FALL = 4


@dataclass(frozen=True)
class Node:
    """A place where the ball surely is, and how it goes on from there."""

    seconds: float
    at: Point
    height: float
    way: Way


def ball_nodes(actions: Sequence[Action]) -> list[Node]:
    """The nodes of a half, in order of time; between any two the ball follows ``Node.way``."""
    touches = [action for action in actions if action.kind in TOUCHES]
    nodes: list[Node] = []
    for index, action in enumerate(touches):
        following = touches[index + 1].seconds if index + 1 < len(touches) else np.inf
        nodes += _after(action, following, nodes)
    return nodes


def _after(action: Action, following: float, nodes: list[Node]) -> list[Node]:
    """The nodes that one touch brings, the next being ``following`` seconds into the half."""
    t, at = action.seconds, action.at
    if action.kind == "place":
        before = [_fetch(nodes, t, at)] if nodes else []
        return [*before, Node(t, at, action.height, Way.STAY), *_lift(action, following)]
    if action.kind in DEAD:
        return _die(action, following, nodes)
    if action.target is not None:
        way = Way.FLY if action.lofted else Way.ROLL
        here = Node(t, at, action.height, way)
        if np.isfinite(following):
            return [here]
        seconds = max(0.3, float(np.hypot(action.target[0] - at[0], action.target[1] - at[1])) / 14)
        return [here, Node(t + seconds, action.target, RADIUS, Way.STAY)]
    if action.kind in ("catch", "save"):
        until = max(t + 0.5, following - 0.32) if np.isfinite(following) else t + 60
        return [
            Node(t, at, action.height, Way.FALL),
            Node(t + 0.3, at, HELD_HEIGHT, Way.STAY),
            Node(until, at, HELD_HEIGHT, Way.FALL),
        ]
    return [Node(t, at, action.height, Way.CARRY)]


def _fetch(nodes: list[Node], seconds: float, at: Point) -> Node:
    """The moment at which a dead ball starts on its way to where it is placed."""
    last = nodes[-1]
    distance = float(np.hypot(at[0] - last.at[0], at[1] - last.at[1]))
    start = max(last.seconds + 0.2, seconds - max(1.2, distance / 9.0))
    return Node(min(start, seconds - 0.04), last.at, last.height, Way.ROLL)


def _lift(action: Action, following: float) -> list[Node]:
    if action.height < 0.5 or not np.isfinite(following):
        return []
    start = max(action.seconds + 0.2, following - _THROW_LIFT_SECONDS)
    full = max(start + 0.2, following - 0.5)
    return [
        Node(start, action.at, action.height, Way.FALL),
        Node(full, action.at, 2.2, Way.STAY),
    ]


def _die(action: Action, following: float, nodes: list[Node]) -> list[Node]:
    t, at = action.seconds, action.at
    here = Node(t, at, action.height, Way.FALL)
    target = action.target
    if target is None:
        if action.kind != "foul" or not nodes:
            return [Node(t, at, action.height, Way.STAY)]
        way = np.subtract(at, nodes[-1].at)
        length = float(np.hypot(*way))
        step = way / length * 1.6 if length > 0.1 else np.array([1.2, 0.8])
        target = (float(at[0] + step[0]), float(at[1] + step[1]))
    rest = min(t + _REST_SECONDS, t + 0.5 * (following - t))
    return [here, Node(rest, target, RADIUS, Way.STAY)]


class BallPath:
    """The ball of one half as a function of time, exact at every node."""

    def __init__(self, actions: Sequence[Action]) -> None:
        nodes = ball_nodes(actions) or [Node(0.0, (0.0, 0.0), RADIUS, Way.STAY)]
        self.seconds = np.array([node.seconds for node in nodes])
        self._xyz = np.array([(*node.at, node.height) for node in nodes])
        self._way = np.array([int(node.way) for node in nodes])

    def at(self, seconds: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
        """Positions (n, 3) in metres at times (n,)."""
        last = len(self.seconds) - 1
        start = np.clip(np.searchsorted(self.seconds, seconds + 1e-9, side="right") - 1, 0, last)
        end = np.minimum(start + 1, last)
        way = np.where(end == start, int(Way.STAY), self._way[start])
        span = np.maximum(self.seconds[end] - self.seconds[start], 1e-9)
        elapsed = np.clip(seconds - self.seconds[start], 0, span)
        share = elapsed / span
        along = np.select(
            [way == Way.STAY, way == Way.ROLL, way == Way.FALL],
            [0.0 * share, share + 0.22 * share * (1 - share), 1 - (1 - share) ** 2],
            share,
        )
        first, second = self._xyz[start], self._xyz[end]
        out = first + along[:, None] * (second - first)
        arc = 0.5 * GRAVITY * span**2 * share * (1 - share)
        out[:, 2] += np.where(way == Way.FLY, arc, 0.0)
        carried = way == Way.CARRY
        if carried.any():
            out[carried] += _nudge(elapsed[carried], span[carried], (second - first)[carried])
        out[:, 2] = np.maximum(out[:, 2], RADIUS)
        return out


def _nudge(
    elapsed: npt.NDArray[np.float64],
    span: npt.NDArray[np.float64],
    move: npt.NDArray[np.float64],
) -> npt.NDArray[np.float64]:
    """How a dribbled ball is pushed ahead between touches: up to 0.4 m, nothing at the ends."""
    length = np.hypot(move[:, 0], move[:, 1])
    ahead = np.zeros_like(move)
    moving = length > 0.8
    ahead[moving, :2] = move[moving, :2] / length[moving, None]
    touches = np.maximum(1, np.round(span / 0.8))
    push = 0.2 * (1 - np.cos(2 * np.pi * touches * elapsed / span))
    return ahead * push[:, None]
