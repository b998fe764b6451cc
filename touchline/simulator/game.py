"""The state of a match while its script is being drawn, and the touches that change it."""

from dataclasses import dataclass, field

import numpy as np

from touchline.simulator import formation
from touchline.simulator.script import PITCH_LENGTH, PITCH_WIDTH, SCRIPT_RATE, Action, Point

RATE = int(SCRIPT_RATE)
Subject = tuple[str, int, int]

BALL_EVENTS = {
    "pass": "PASS",
    "kick-off": "PASS",
    "keeper-throw": "PASS",
    "high-pass": "HIGH PASS",
    "goal-kick": "HIGH PASS",
    "clearance": "HIGH PASS",
    "drive": "DRIVE",
    "header": "HEADER",
    "cross": "CROSS",
    "corner": "CROSS",
    "throw-in": "THROW IN",
    "shot": "SHOT",
    "headed-shot": "SHOT",
    "penalty": "SHOT",
    "block": "BALL PLAYER BLOCK",
    "save": "BALL PLAYER BLOCK",
    "tackle": "PLAYER SUCCESSFUL TACKLE",
    "direct-free-kick": "FREE KICK",
    "indirect-free-kick": "FREE KICK",
    "goal": "GOAL",
    "out": "OUT",
}
"""Ball label of each kind of action that has one."""


@dataclass
class Draft:
    """A label before it is known whether the broadcast shows it.

    Attributes:
        team: 0 home, 1 away, None where the label belongs to neither.
        subjects: close-ups of these show the event.
    """

    frame: int
    label: str
    team: int | None
    subjects: tuple[Subject, ...]


@dataclass
class Stoppage:
    """A break in play, from the moment the ball is dead to the restart.

    Attributes:
        restart: kind of the action that ends it.
        focus: who close-ups show, most deserving first.
        replay_of: the draft event that deserves a replay, if any.
        moments: (frame, subject) of what happens during the break and ought to be seen.
    """

    start: int
    end: int
    restart: str
    focus: list[Subject]
    replay_of: Draft | None = None
    moments: list[tuple[int, Subject]] = field(default_factory=list)


@dataclass
class Sides:
    """What lasts from half to half: who plays, who was booked, the score."""

    formations: tuple[str, str]
    on_pitch: list[list[int]] = field(default_factory=lambda: [list(range(11)) for _ in range(2)])
    bench: list[list[int]] = field(default_factory=lambda: [list(range(12, 20)) for _ in range(2)])
    sent_off: list[set[int]] = field(default_factory=lambda: [set(), set()])
    booked: list[list[int]] = field(default_factory=lambda: [[], []])
    score: list[int] = field(default_factory=lambda: [0, 0])


class Game:
    """One half in the making.

    Attributes:
        frame: now, in frames of ``SCRIPT_RATE``.
        ball: (2,) where the ball is.
        team, slot: who has it: side and position in the formation (0 is the goalkeeper).
        agenda: (frame from which it is due, rare outcome), in order of time.
    """

    def __init__(self, rng: np.random.Generator, half: int, minutes: float, sides: Sides) -> None:
        self.rng = rng
        self.half = half
        self.end_frame = max(1, round(minutes * 60 * RATE))
        self.minutes = minutes
        self.sides = sides
        self.signs = (formation.attack_sign(0, half), formation.attack_sign(1, half))
        self.frame = 0
        self.ball = np.zeros(2)
        self.team = 0
        self.slot = 10
        self.actions: list[Action] = []
        self.drafts: list[Draft] = []
        self.stoppages: list[Stoppage] = []
        self.goals: list[tuple[int, int]] = []
        self.agenda: list[tuple[int, str]] = []
        self._seen: list[list[tuple[int, np.ndarray] | None]] = [[None] * 11, [None] * 11]

    # Chance

    def chance(self, probability: float) -> bool:
        """True with a probability."""
        return bool(self.rng.random() < probability)

    def uniform(self, low: float, high: float) -> float:
        """A number drawn evenly from [low, high)."""
        return float(self.rng.uniform(low, high))

    def draw(self, weights: dict[str, float]) -> str:
        """One of the names, with probabilities in proportion to the weights."""
        names = list(weights)
        shares = np.array(list(weights.values()))
        return names[int(self.rng.choice(len(names), p=shares / shares.sum()))]

    # The agenda

    def put_off(self, name: str, seconds: float = 0.0) -> None:
        """Put a rare outcome on the agenda, due after so many seconds."""
        self.agenda.append((self.frame + round(seconds * RATE), name))
        self.agenda.sort()

    def pop_due(self, name: str) -> bool:
        """Whether a rare outcome is due; if so it is taken off the agenda."""
        for index, (frame, item) in enumerate(self.agenda):
            if item == name and frame <= self.frame:
                del self.agenda[index]
                return True
        return False

    # Time and place

    @property
    def over(self) -> bool:
        """Whether the half is about to be whistled off."""
        return self.frame >= self.end_frame - 3 * RATE

    def wait(self, seconds: float) -> None:
        """Let time pass, by at least a frame."""
        self.frame += max(1, round(seconds * RATE))

    def place(self, team: int, u: float, v: float) -> np.ndarray:
        """Pitch coordinates of a team's own depth and lateral position."""
        return formation.to_pitch(self.signs[team], u, v)

    def depth(self, team: int, xy: np.ndarray | None = None) -> tuple[float, float]:
        """A team's own depth and lateral position of a point, by default the ball."""
        u, v = formation.from_pitch(self.signs[team], self.ball if xy is None else xy)
        return float(u), float(v)

    # People

    def squad(self, team: int, slot: int) -> int:
        """Squad index of whoever plays in a slot."""
        return self.sides.on_pitch[team][slot]

    def subject(self, team: int, slot: int) -> Subject:
        """What a close-up of a player is called."""
        return ("player", team, self.squad(team, slot))

    def playing(self, team: int, *, keeper: bool = False) -> list[int]:
        """Slots of a team that are on the pitch."""
        return [s for s in range(0 if keeper else 1, 11) if s not in self.sides.sent_off[team]]

    def shape(self, ball: np.ndarray | None = None) -> np.ndarray:
        """(2, 11, 2) where both sides would stand with the ball at a point."""
        ball = self.ball if ball is None else ball
        return np.stack(
            [
                formation.positions(
                    self.sides.formations[team],
                    np.clip(ball, (-52.5, -34), (52.5, 34))[None],
                    np.array([1.0 if team == self.team else -1.0]),
                    self.signs[team],
                )[0]
                for team in range(2)
            ]
        )

    def whereabouts(self, ball: np.ndarray | None = None) -> np.ndarray:
        """(2, 11, 2) where both sides are now: their shape, and where they were last seen."""
        where = self.shape(ball)
        for team in range(2):
            for slot in range(11):
                seen = self._seen[team][slot]
                if seen is not None:
                    weight = np.exp(-max(0, self.frame - seen[0]) / RATE / 2.5)
                    where[team, slot] = weight * seen[1] + (1 - weight) * where[team, slot]
        return where

    def see(self, team: int, slot: int, xy: np.ndarray) -> None:
        """Note that somebody is at a place now."""
        self._seen[team][slot] = (self.frame, np.array(xy, dtype=float))

    def see_all(self, people: np.ndarray) -> None:
        """Note (22, 2) where everybody is now."""
        for index, xy in enumerate(people):
            self.see(index // 11, index % 11, xy)

    def within_reach(self, team: int, slot: int, xy: np.ndarray, seconds: float) -> np.ndarray:
        """The point nearest to ``xy`` that a player can run to in time."""
        seen = self._seen[team][slot]
        if seen is None:
            return xy
        elapsed = max(0, self.frame - seen[0]) / RATE + seconds
        way = xy - seen[1]
        length = float(np.hypot(*way))
        reach = 5.5 * elapsed
        return xy if length <= reach else seen[1] + way * (reach / length)

    def nearest(self, team: int, xy: np.ndarray) -> int:
        """The slot of a team that is nearest to a point: an outfield player, not on the ball."""
        busy = self.slot if team == self.team else None
        slots = [slot for slot in self.playing(team) if slot != busy]
        gap = np.linalg.norm(self.whereabouts()[team, slots] - xy, axis=-1)
        return slots[int(np.argmin(gap))]

    # What is written down

    def act(
        self,
        kind: str,
        team: int | None,
        slot: int | None,
        at: np.ndarray | None = None,
        target: np.ndarray | None = None,
        *,
        height: float = 0.11,
        lofted: bool = False,
        other: int | None = None,
    ) -> None:
        """Write an action at the present frame, by default at the ball."""
        where = self.ball if at is None else at
        player = None if team is None or slot is None else self.squad(team, slot)
        if team is not None and slot is not None:
            self.see(team, slot, where)
        self.actions.append(
            Action(
                self.frame / RATE,
                kind,
                team,
                player,
                _point(where),
                None if target is None else _point(target),
                round(height, 2),
                lofted,
                other,
            )
        )

    def label(self, label: str, team: int | None, *subjects: Subject) -> Draft:
        """Write a label of the 17 classes at the present frame."""
        draft = Draft(self.frame, label, team, subjects)
        self.drafts.append(draft)
        return draft

    # Touches

    def send(
        self,
        kind: str,
        target: np.ndarray,
        speed: float,
        *,
        lofted: bool = False,
        height: float = 0.11,
        seconds: float | None = None,
    ) -> None:
        """The man on the ball plays it; time passes until it arrives, with nobody on it yet."""
        self.act(kind, self.team, self.slot, None, target, height=height, lofted=lofted)
        distance = float(np.hypot(*(target - self.ball)))
        self.wait(max(0.24, distance / speed) if seconds is None else seconds)
        self.ball = np.array(target, dtype=float)

    def take(self, team: int, slot: int) -> None:
        """Somebody gets to the ball and plays it at once; ``send`` writes what he does."""
        self.team, self.slot = team, slot

    def gain(self, team: int, slot: int, kind: str = "receive", height: float = 0.11) -> None:
        """Somebody gets the ball where it is now."""
        self.team, self.slot = team, slot
        self.act(kind, team, slot, height=height)

    def hold(self, low: float = 0.25, high: float = 0.9) -> None:
        """The man on the ball takes a moment without going anywhere."""
        self.wait(self.uniform(low, high))

    def carry(self, towards: np.ndarray, metres: float) -> None:
        """The man on the ball runs with it."""
        self.act("drive", self.team, self.slot)
        way = towards - self.ball
        length = float(np.hypot(*way))
        if length < 0.5:
            way, length = self.place(self.team, 105, 0) - self.ball, 1.0
            length = float(np.hypot(*way))
        end = inside(self.ball + way / length * min(metres, length))
        self.wait(max(0.4, float(np.hypot(*(end - self.ball))) / self.uniform(3.6, 5.6)))
        self.ball = end
        self.see(self.team, self.slot, end)


def inside(xy: np.ndarray, margin: float = 1.0) -> np.ndarray:
    """The point, moved onto the pitch if it lies outside."""
    half = np.array([PITCH_LENGTH / 2 - margin, PITCH_WIDTH / 2 - margin])
    return np.clip(xy, -half, half)


def _point(xy: np.ndarray) -> Point:
    return (round(float(xy[0]), 2), round(float(xy[1]), 2))
