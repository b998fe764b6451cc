"""Paths of the 25 people over one half: formations, line-ups, and being there when acting.

Everybody has a *drift*, where formation, set pieces and pressing put him, and *pins*, places
where he must be at a time because the script says that he acts there. The path is the drift plus
a deviation that is exact at every pin and fades away from it at a running pace.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from touchline.simulator import formation
from touchline.simulator.ball import DEAD, HEADS, RESTARTS, STRIKES, BallPath
from touchline.simulator.script import Action, HalfScript, MatchScript

Floats = npt.NDArray[np.float64]

GRID_RATE = 5.0
"""Positions are laid out this often a second and read by linear interpolation."""

_RUN_SPEED = 5.2
_DRIFT_SPEED = 5.8
_DIRECT_SECONDS = 4.0
"""Between pins closer in time than this, people go straight from one to the next."""

_LINED_UP = frozenset({"corner", "penalty", "kick-off", "direct-free-kick"})
_RELEASE_SECONDS = {"corner": 4.5, "penalty": 3.0, "kick-off": 6.0, "direct-free-kick": 4.5}
_RUN_UP = {
    "corner": 2.2,
    "penalty": 3.6,
    "direct-free-kick": 3.6,
    "goal-kick": 3.0,
    "kick-off": 0.9,
}
_HOLDS = frozenset({"receive", "drive", "catch", "save", "tackle"})


@dataclass(frozen=True)
class Pin:
    """Somebody must be at a place at a time; without a place, where he drifts anyway."""

    seconds: float
    xy: Floats | None


def smooth_step(share: Floats) -> Floats:
    """0 below 0, 1 above 1, and a soft S in between."""
    share = np.clip(share, 0.0, 1.0)
    return share * share * (3 - 2 * share)


def blur(values: Floats, seconds: float) -> Floats:
    """Gaussian smoothing along the first axis of values on the grid (standard deviation)."""
    radius = max(1, int(3 * seconds * GRID_RATE))
    offsets = np.arange(-radius, radius + 1) / GRID_RATE
    kernel = np.exp(-0.5 * (offsets / seconds) ** 2)
    kernel /= kernel.sum()
    flat = values.reshape(len(values), -1)
    padded = np.pad(flat, ((radius, radius), (0, 0)), mode="edge")
    out = np.zeros_like(flat)
    for index, weight in enumerate(kernel):
        out += weight * padded[index : index + len(flat)]
    return out.reshape(values.shape)


class Slots:
    """Which slot of a side each squad member fills, and when."""

    def __init__(self, script: MatchScript, half: HalfScript) -> None:
        self.first = [list(range(11)), list(range(11))]
        self.gone: set[int] = set()
        for earlier in script.halves:
            if earlier.number < half.number:
                self._carry_over(earlier)
        self._changes = [a for a in half.actions if a.kind == "substitution"]
        self._people: dict[tuple[int, int], int] = {}
        for team in range(2):
            for slot, player in enumerate(self.first[team]):
                self._people[team, player] = 11 * team + slot
        for change in self._changes:
            if change.team is not None and change.player is not None and change.other is not None:
                self._people[change.team, change.other] = self._people[change.team, change.player]

    def _carry_over(self, half: HalfScript) -> None:
        for action in half.actions:
            team, player = action.team, action.player
            if team is None or player not in self.first[team]:
                continue
            slot = self.first[team].index(player)
            if action.kind == "leave" and action.other is not None:
                self.first[team][slot] = action.other
            elif action.kind == "red":
                self.gone.add(11 * team + slot)

    def person(self, action: Action) -> int | None:
        """Person index (0-21) of whoever acts; None where nobody of the teams does."""
        if action.team is None or action.player is None:
            return None
        return self._people[action.team, action.player]

    @property
    def changes(self) -> list[tuple[float, int, int]]:
        """(seconds, person, squad index of who comes on), in order of time."""
        return [
            (a.seconds, self._people[a.team, a.player], a.other)
            for a in self._changes
            if a.team is not None and a.player is not None and a.other is not None
        ]


class Tracks:
    """Positions (g, 25, 2) on the grid, and the grid's times (g,)."""

    def __init__(self, script: MatchScript, half: HalfScript, slots: Slots, ball: BallPath) -> None:
        self.half = half
        self.slots = slots
        self.signs = (
            formation.attack_sign(0, half.number),
            formation.attack_sign(1, half.number),
        )
        count = int(np.ceil(half.seconds * GRID_RATE)) + 2
        self.seconds = np.arange(count) / GRID_RATE
        self._ball = ball.at(self.seconds)[:, :2]
        self._slow_ball = blur(np.clip(self._ball, (-52.5, -34), (52.5, 34)), 1.8)
        self._possession = blur(self._who_has_it(), 1.6)
        self._live = blur(self._in_play(), 1.0)
        rng = np.random.default_rng((script.clutter_seed, half.number, 0x7E))
        drift = self._open_play((script.home.formation, script.away.formation), rng)
        for restart, dead in self._set_pieces():
            self._line_up(drift, restart, dead)
        drift = _limited(drift)
        players = _pinned(drift, self.seconds, self._pins())
        players = blur(self._apart(players), 0.2)
        self.xy = np.concatenate([players, self._officials(players)], axis=1)
        self.xy[..., 0] = np.clip(self.xy[..., 0], -57, 57)
        self.xy[..., 1] = np.clip(self.xy[..., 1], -38.5, 38.5)

    # Signals

    def _steps(self, changes: list[tuple[float, float]], first: float) -> Floats:
        """A value on the grid that jumps at the given times."""
        times = np.array([seconds for seconds, _ in changes])
        values = np.array([first, *(value for _, value in changes)])
        return values[np.searchsorted(times, self.seconds, side="right")]

    def _who_has_it(self) -> Floats:
        """+1 where home has the ball, -1 where away has."""
        kinds = STRIKES | HEADS | _HOLDS | {"place", "throw-in"}
        acts = [a for a in self.half.actions if a.kind in kinds and a.team is not None]
        changes = [(a.seconds, 1.0 if a.team == 0 else -1.0) for a in acts]
        return self._steps(changes, changes[0][1] if changes else 1.0)

    def _in_play(self) -> Floats:
        acts = [a for a in self.half.actions if a.kind in DEAD or a.kind in RESTARTS]
        return self._steps([(a.seconds, float(a.kind in RESTARTS)) for a in acts], 0.0)

    # Drift

    def _open_play(self, formations: tuple[str, str], rng: np.random.Generator) -> Floats:
        sides = []
        for team in range(2):
            possession = self._possession if team == 0 else -self._possession
            sides.append(
                formation.positions(formations[team], self._slow_ball, possession, self.signs[team])
            )
        drift = np.concatenate(sides, axis=1)
        return drift + self._wander(rng) + self._pressing(drift)

    def _wander(self, rng: np.random.Generator) -> Floats:
        """Nobody stands quite where the formation says: slow swings of a metre or two."""
        out = np.zeros((len(self.seconds), 22, 2))
        for period in (23.0, 11.0, 6.1):
            phase = rng.uniform(0, 2 * np.pi, (22, 2))
            speed = 2 * np.pi / (period * rng.uniform(0.8, 1.25, (22, 2)))
            out += period / 22 * np.sin(self.seconds[:, None, None] * speed + phase)
        out[:, (0, 11)] *= 0.3
        return out

    def _pressing(self, drift: Floats) -> Floats:
        """The side without the ball closes in on it, goal side."""
        out = np.zeros_like(drift)
        for team in range(2):
            without = np.clip(0.5 - 0.5 * self._possession * (1 if team == 0 else -1), 0, 1)
            mark = blur(self._ball, 0.5) - np.array([self.signs[team] * 1.6, 0.0])
            people = slice(11 * team + 1, 11 * team + 11)
            gap = mark[:, None] - drift[:, people]
            pull = 0.62 * np.exp(-((np.linalg.norm(gap, axis=-1) / 9.0) ** 2))
            out[:, people] = gap * (pull * (without * self._live)[:, None])[..., None]
        return out

    def _set_pieces(self) -> list[tuple[Action, float]]:
        """(restart action, when the ball went dead before it)."""
        out = []
        dead = 0.0
        for action in self.half.actions:
            if action.kind in DEAD:
                dead = action.seconds
            elif action.kind in _LINED_UP:
                out.append((action, dead))
        return out

    def _line_up(self, drift: Floats, restart: Action, dead: float) -> None:
        person = self.slots.person(restart)
        if person is None or restart.team is None:
            return
        now = min(round(restart.seconds * GRID_RATE), len(self.seconds) - 1)
        at = np.array(restart.at)
        places = formation.line_up(
            restart.kind, drift[now].copy(), at, restart.team, self.signs, person % 11
        )
        begin = dead + 1.0 if dead > 0 else -60.0
        ready = max(restart.seconds - 2.2, begin + 1.5)
        release = _RELEASE_SECONDS[restart.kind]
        low = max(0, int(begin * GRID_RATE))
        high = min(len(self.seconds), int((restart.seconds + release) * GRID_RATE) + 2)
        t = self.seconds[low:high]
        rise = smooth_step((t - begin) / (ready - begin))
        fall = smooth_step((restart.seconds + 0.15 + release - t) / release)
        weight = np.minimum(rise, fall)[:, None, None]
        drift[low:high] += weight * (places - drift[low:high])

    # Pins

    def _pins(self) -> list[list[Pin]]:
        pins: list[list[Pin]] = [[] for _ in range(22)]
        actions = self.half.actions
        placed: Action | None = None
        goal_seconds = 0.0
        for index, action in enumerate(actions):
            person = self.slots.person(action)
            if person is None:
                continue
            if action.kind == "goal":
                goal_seconds = action.seconds
            elif action.kind in ("celebrate", "join"):
                pins[person].append(Pin(goal_seconds + 0.2, None))
                pins[person] += _once(action)
            elif action.kind == "place":
                placed = action
            elif action.kind in RESTARTS and placed is not None:
                pins[person] += _take(placed, action)
                placed = None
            elif action.kind in _HOLDS and action.target is None:
                pins[person] += _hold(action, actions[index + 1 :])
            else:
                pins[person] += _once(action)
        return [sorted(own, key=lambda pin: pin.seconds) for own in pins]

    # Finish

    def _apart(self, players: Floats) -> Floats:
        """Push people who stand in each other a little apart."""
        gap = players[:, :, None] - players[:, None]
        distance = np.linalg.norm(gap, axis=-1)
        close = np.clip(0.7 - distance, 0, None) * (distance > 1e-6)
        push = gap / np.maximum(distance, 1e-6)[..., None] * (0.5 * close)[..., None]
        return players + push.sum(axis=2)

    def _officials(self, players: Floats) -> Floats:
        referee = self._referee()
        assistants = []
        for side in (1.0, -1.0):
            team = 0 if self.signs[0] == -side else 1
            depth = np.sort(side * players[:, 11 * team : 11 * team + 11, 0], axis=1)[:, -2]
            line = np.maximum(depth, side * self._slow_ball[:, 0])
            x = side * blur(np.clip(line, 0.5, 52.0), 0.7)
            assistants.append(np.stack([x, np.full_like(x, -side * 34.9)], axis=1))
        return np.stack([referee, *assistants], axis=1)

    def _referee(self) -> Floats:
        ball = blur(np.clip(self._ball, (-52.5, -34), (52.5, 34)), 1.4)
        attack = blur(self._possession, 2.0) * self.signs[0]
        across = np.where(ball[:, 1] > 0, -1.0, 1.0)
        offset = np.stack([-6.5 * attack, 7.5 * blur(across, 1.5)], axis=1)
        drift = ball + offset
        drift[:, 0] = np.clip(drift[:, 0], -39, 39)
        drift[:, 1] = np.clip(drift[:, 1], -29, 29)
        drift = _limited(drift[:, None])
        pins = []
        for action in self.half.actions:
            if action.kind in ("yellow", "red"):
                beside = np.array(action.at) + np.array([1.3, 0.35])
                times = np.arange(action.seconds - 1.4, action.seconds + 2.0, 0.4)
                pins += [Pin(float(t), beside) for t in times]
        pins.sort(key=lambda pin: pin.seconds)
        return _pinned(drift, self.seconds, [pins])[:, 0]


def _behind(action: Action, metres: float) -> Floats:
    """The point so far behind the ball, seen along the way it is sent."""
    at = np.array(action.at)
    if action.target is None:
        return at
    way = np.subtract(action.target, action.at)
    length = float(np.hypot(*way))
    return at - way / length * metres if length > 0.05 else at


def _stay(xy: Floats, start: float, end: float, step: float = 0.4) -> list[Pin]:
    return [Pin(float(t), xy) for t in np.arange(start, end + 1e-6, step)]


def _take(placed: Action, restart: Action) -> list[Pin]:
    """The taker of a restart puts the ball down, steps back, and runs up."""
    if restart.kind == "throw-in":
        outside = np.array([restart.at[0], np.sign(restart.at[1]) * 34.75])
        return _stay(outside, placed.seconds, restart.seconds + 0.4)
    ready = _behind(restart, _RUN_UP.get(restart.kind, 1.6))
    start = max(placed.seconds + 0.8, restart.seconds - 1.0)
    down = _stay(np.array(placed.at) + np.array([0.0, 0.35]), placed.seconds, placed.seconds)
    waiting = _stay(ready, start - 0.4 if start - 0.4 > placed.seconds + 1.2 else start, start)
    return [*down, *waiting, Pin(restart.seconds, _behind(restart, 0.4))]


def _hold(action: Action, later: Sequence[Action]) -> list[Pin]:
    """The man on the ball goes with it until the next touch."""
    at = np.array(action.at)
    following = next((a for a in later if a.kind in _HOLDS | STRIKES | HEADS | DEAD), None)
    if following is None or following.seconds - action.seconds > 8:
        return _stay(at, action.seconds, action.seconds + 1.0)
    if action.kind in ("catch", "save"):
        return _stay(at, action.seconds, following.seconds)
    span = following.seconds - action.seconds
    end = np.array(following.at)
    way = end - at
    length = float(np.hypot(*way))
    lag = way / length * 0.4 if length > 0.8 else np.array([0.0, 0.35])
    times = np.linspace(0, 1, max(2, int(span / 0.4) + 1))
    return [Pin(action.seconds + share * span, at + share * way - lag) for share in times]


def _once(action: Action) -> list[Pin]:
    """Pins of an action that does not keep its man on the ball."""
    at, t = np.array(action.at), action.seconds
    match action.kind:
        case "foul":
            return _stay(at + np.array([0.45, 0.35]), t, t + 0.9)
        case "fouled":
            return _stay(at - np.array([0.3, 0.2]), t, t + 2.8)
        case "dive" | "save":
            return _stay(at, t, t + 1.2)
        case "celebrate" | "join":
            return _stay(at, t, t + 4.0)
        case "yellow" | "red":
            return _stay(at, t - 1.6, t + 1.6)
        case "leave":
            return [Pin(t, at)]
        case "substitution":
            return _stay(at - np.array([0.0, 0.5]), t, t + 0.5)
        case "board":
            return [Pin(t, None)]
        case "offside":
            return []
        case "header" | "headed-shot":
            return [Pin(t, _behind(action, 0.2))]
        case _:
            return [Pin(t, _behind(action, 0.4))]


def _limited(drift: Floats) -> Floats:
    """Drift (g, k, 2) that nobody has to sprint to follow."""
    step = _DRIFT_SPEED / GRID_RATE
    out = np.empty_like(drift)
    now = drift[0].copy()
    for index, wanted in enumerate(drift):
        way = wanted - now
        length = np.sqrt((way * way).sum(axis=-1))
        now = now + way * np.minimum(1.0, step / np.maximum(length, 1e-9))[:, None]
        out[index] = now
    return blur(out, 0.4)


def _pinned(drift: Floats, seconds: Floats, pins: list[list[Pin]]) -> Floats:
    """Drift (g, k, 2) bent so that each of k people is at his pins on time."""
    out = drift.copy()
    for person, own in enumerate(pins):
        if own:
            out[:, person] += _deviation(drift[:, person], seconds, own)
    return out


def _deviation(drift: Floats, seconds: Floats, pins: list[Pin]) -> Floats:
    times, first = np.unique(np.array([pin.seconds for pin in pins]), return_index=True)
    natural = np.stack([np.interp(times, seconds, drift[:, axis]) for axis in range(2)], axis=1)
    wanted = [pins[index].xy for index in first]
    places = np.array([n if xy is None else xy for n, xy in zip(natural, wanted, strict=True)])
    away = places - natural
    ramp = np.maximum(1.2, 1.5 * np.hypot(away[:, 0], away[:, 1]) / _RUN_SPEED)
    # Sentinels far outside: nothing pins anybody before the first pin or after the last.
    times = np.concatenate([[-1e4], times, [1e6]])
    away = np.concatenate([[[0.0, 0.0]], away, [[0.0, 0.0]]])
    ramp = np.concatenate([[1.0], ramp, [1.0]])
    places = np.concatenate([places[:1], places, places[-1:]])
    k = np.searchsorted(times, seconds, side="right") - 1
    gap = times[k + 1] - times[k]
    since, until = seconds - times[k], times[k + 1] - seconds
    fading = away[k] * smooth_step(1 - since / ramp[k])[:, None]
    coming = away[k + 1] * smooth_step(1 - until / ramp[k + 1])[:, None]
    share = (since / gap)[:, None]
    soft = smooth_step(share)
    joined = away[k] * (1 - soft) + away[k + 1] * soft
    straight = places[k] * (1 - share) + places[k + 1] * share - drift
    joined = np.where((gap < _DIRECT_SECONDS)[:, None], straight, joined)
    return np.where((ramp[k] + ramp[k + 1] > gap)[:, None], joined, fading + coming)
