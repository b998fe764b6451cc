"""Where everybody is at any pitch time: the script's actions turned into movement.

Arrays hold 25 people: 0-10 home, 11-21 away (position on the pitch, not squad index), 22 the
referee, 23 and 24 the assistants.
"""

from dataclasses import dataclass
from enum import IntEnum

import numpy as np
import numpy.typing as npt

from touchline.simulator.ball import DEAD, HEADS, RESTARTS, STRIKES, BallPath
from touchline.simulator.script import SCRIPT_RATE, Action, HalfScript, MatchScript
from touchline.simulator.tracks import GRID_RATE, Slots, Tracks, blur

PEOPLE = 25
REFEREE = 22
ASSISTANTS = (23, 24)


class Pose(IntEnum):
    """What a person's body does; decides the figure that is drawn."""

    STAND = 0
    RUN = 1
    KICK = 2
    HEAD = 3
    THROW = 4  # ball held over the head
    DIVE = 5  # goalkeeper stretched through the air
    DOWN = 6  # lying on the grass
    TACKLE = 7  # sliding
    CHEER = 8  # arms up
    SHOW_YELLOW = 9  # referee, card held high
    SHOW_RED = 10
    FLAG_UP = 11  # assistant, flag straight up (offside)
    FLAG_SIDE = 12  # assistant, flag to the side (throw-in, corner)
    POINT = 13  # referee, arm towards the spot or a goal
    HOLD = 14  # goalkeeper with the ball in his arms


@dataclass(frozen=True, eq=False)
class World:
    """The pitch at n instants.

    Attributes:
        seconds: (n,) pitch time.
        xy: (n, 25, 2) metres, float32.
        heading: (n, 25) radians, 0 towards +x, pi/2 towards +y.
        speed: (n, 25) metres a second.
        pose: (n, 25) int8, members of ``Pose``.
        present: (n, 25) whether the person is on the pitch (sent off, not yet on).
        squad: (n, 22) int8, squad index of each outfield slot (changes by substitution).
        ball: (n, 3) metres, z of its centre.
    """

    seconds: npt.NDArray[np.float64]
    xy: npt.NDArray[np.float32]
    heading: npt.NDArray[np.float32]
    speed: npt.NDArray[np.float32]
    pose: npt.NDArray[np.int8]
    present: npt.NDArray[np.bool_]
    squad: npt.NDArray[np.int8]
    ball: npt.NDArray[np.float32]


_RATE = int(SCRIPT_RATE)
_NO_POSE = -1
_RUNNING_SPEED = 1.4

_POSES: dict[str, tuple[Pose, float, float]] = {
    **dict.fromkeys(STRIKES, (Pose.KICK, -0.2, 0.28)),
    **dict.fromkeys(HEADS, (Pose.HEAD, -0.24, 0.24)),
    "throw-in": (Pose.THROW, -1.5, 0.12),
    "tackle": (Pose.TACKLE, -0.3, 0.6),
    "block": (Pose.TACKLE, -0.2, 0.35),
    "foul": (Pose.TACKLE, -0.4, 0.8),
    "save": (Pose.DIVE, -0.36, 0.9),
    "dive": (Pose.DIVE, -0.3, 1.1),
    "celebrate": (Pose.CHEER, -3.0, 5.0),
    "join": (Pose.CHEER, -0.6, 4.0),
}
"""Pose of the actor, and from when to when around the action, in seconds."""

_CARDS = {"yellow": Pose.SHOW_YELLOW, "red": Pose.SHOW_RED}


class Motion:
    """Where everybody and the ball are during one half.

    Built once; ``at`` may then be asked for any pitch times in any order and answers the same.
    Times outside the half are held at its ends.
    """

    def __init__(self, script: MatchScript, half: HalfScript) -> None:
        self._half = half
        self._slots = Slots(script, half)
        self._ball = BallPath(half.actions)
        tracks = Tracks(script, half, self._slots, self._ball)
        self._xy = tracks.xy
        velocity = np.gradient(self._xy, 1 / GRID_RATE, axis=0)
        self._speed = np.hypot(velocity[..., 0], velocity[..., 1])
        ball = self._ball.at(tracks.seconds)[:, None, :2]
        to_ball = ball - self._xy
        distance = np.linalg.norm(to_ball, axis=-1, keepdims=True)
        facing = velocity + 0.9 * to_ball / np.maximum(distance, 0.3)
        facing = blur(facing, 0.25)
        self._face_targets(facing)
        self._facing = facing
        self._poses = self._paint_poses()
        self._squad_times, self._squads = self._squad_history()
        self._gone = self._departures()

    def at(self, seconds: npt.NDArray[np.float64]) -> World:
        """The pitch at times (n,), seconds from the first frame of the half."""
        t = np.clip(np.asarray(seconds, dtype=np.float64), 0.0, self._half.seconds)
        place = t * GRID_RATE
        low = np.minimum(place.astype(np.intp), len(self._xy) - 2)
        share = (place - low)[:, None]
        facing = _between(self._facing, low, share[..., None])
        speed = _between(self._speed, low, share)
        frame = np.minimum((t * _RATE + 1e-6).astype(np.intp), len(self._poses) - 1)
        pose = self._poses[frame]
        upright = np.where(speed > _RUNNING_SPEED, Pose.RUN, Pose.STAND)
        squad = self._squads[np.searchsorted(self._squad_times, t, side="right") - 1]
        return World(
            seconds=t,
            xy=_between(self._xy, low, share[..., None]).astype(np.float32),
            heading=np.arctan2(facing[..., 1], facing[..., 0]).astype(np.float32),
            speed=speed.astype(np.float32),
            pose=np.where(pose == _NO_POSE, upright, pose).astype(np.int8),
            present=t[:, None] < self._gone,
            squad=squad,
            ball=self._ball.at(t).astype(np.float32),
        )

    def _squad_history(self) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.int8]]:
        squad = np.array([*self._slots.first[0], *self._slots.first[1]], dtype=np.int8)
        times, squads = [-1.0], [squad]
        for seconds, person, player in self._slots.changes:
            squad = squad.copy()
            squad[person] = player
            times.append(seconds)
            squads.append(squad)
        return np.array(times), np.stack(squads)

    def _departures(self) -> npt.NDArray[np.float64]:
        """(25,) when each person leaves for good; infinite for those who stay."""
        gone = np.full(PEOPLE, np.inf)
        gone[list(self._slots.gone)] = -1.0
        for action in self._half.actions:
            person = self._slots.person(action)
            if action.kind == "sent-off" and person is not None:
                gone[person] = action.seconds
        return gone

    def _face_targets(self, facing: npt.NDArray[np.float64]) -> None:
        """Turn whoever plays the ball towards where he sends it, and a card's giver and taker."""
        for action in self._half.actions:
            person = self._slots.person(action)
            if person is None:
                continue
            if action.kind in _CARDS:
                self._turn(facing, REFEREE, action.seconds, (-1.3, -0.35), 1.5)
                self._turn(facing, person, action.seconds, (1.3, 0.35), 1.5)
            elif action.target is not None and action.kind not in DEAD:
                way = (action.target[0] - action.at[0], action.target[1] - action.at[1])
                lead = 1.6 if action.kind in RESTARTS else 0.4
                self._turn(facing, person, action.seconds, way, lead)

    def _turn(
        self,
        facing: npt.NDArray[np.float64],
        person: int,
        seconds: float,
        way: tuple[float, float],
        lead_seconds: float,
    ) -> None:
        low = max(0, round((seconds - lead_seconds) * GRID_RATE))
        high = min(len(facing), round((seconds + 0.4) * GRID_RATE) + 1)
        facing[low:high, person] = np.array(way) / max(1e-6, float(np.hypot(*way)))

    # Poses

    def _paint_poses(self) -> npt.NDArray[np.int8]:
        frames = int(np.ceil(self._half.seconds * _RATE)) + 1
        poses = np.full((frames, PEOPLE), _NO_POSE, dtype=np.int8)
        actions = self._half.actions
        for index, action in enumerate(actions):
            person = self._slots.person(action)
            if person is not None and action.kind in _POSES:
                pose, before, after = _POSES[action.kind]
                _paint(poses, person, action.seconds + before, action.seconds + after, pose)
            self._paint_special(poses, action, person, actions[index + 1 :])
        return poses

    def _paint_special(
        self,
        poses: npt.NDArray[np.int8],
        action: Action,
        person: int | None,
        later: tuple[Action, ...],
    ) -> None:
        t = action.seconds
        match action.kind:
            case "fouled" if person is not None:
                seconds = 2.2 + 2.4 * _lot(action)
                _paint(poses, person, t + 0.12, t + seconds, Pose.DOWN)
            case "catch" | "save" if person is not None and action.target is None:
                release = next((a.seconds for a in later if a.kind in STRIKES), t + 3)
                start = t + (0.9 if action.kind == "save" else 0.0)
                _paint(poses, person, start, release - 0.25, Pose.HOLD)
            case "goal" if person is not None:
                _paint(poses, person, t + 0.4, t + 2.0, Pose.CHEER)
                for mate in range(person // 11 * 11, person // 11 * 11 + 11):
                    if (mate * 7 + round(t * _RATE)) % 3:
                        _paint(poses, mate, t + 0.6, t + 2.4, Pose.CHEER)
            case "yellow" | "red":
                _paint(poses, REFEREE, t, t + 1.9, _CARDS[action.kind])
            case "foul":
                _paint(poses, REFEREE, t + 1.0, t + 2.6, Pose.POINT)
            case "indirect-free-kick":
                _paint(poses, REFEREE, t - 2.4, t + 1.6, Pose.POINT)
            case "offside":
                side = ASSISTANTS[0] if action.at[0] > 0 else ASSISTANTS[1]
                _paint(poses, side, t, t + 3.2, Pose.FLAG_UP)
            case "out":
                side = ASSISTANTS[0] if action.at[0] > 0 else ASSISTANTS[1]
                if _lot(action) < 0.75:
                    _paint(poses, side, t + 0.3, t + 2.6, Pose.FLAG_SIDE)
                else:
                    _paint(poses, REFEREE, t + 0.5, t + 2.0, Pose.POINT)


def _paint(poses: npt.NDArray[np.int8], person: int, start: float, end: float, pose: Pose) -> None:
    poses[max(0, round(start * _RATE)) : max(0, round(end * _RATE)), person] = pose


def _lot(action: Action) -> float:
    """A number in [0, 1) that belongs to an action, the same on every run."""
    return (round(action.seconds * _RATE) * 0.6180339887498949) % 1.0


def _between(
    grid: npt.NDArray[np.float64], low: npt.NDArray[np.intp], share: npt.NDArray[np.float64]
) -> npt.NDArray[np.float64]:
    """Linear interpolation between grid rows ``low`` and ``low + 1``."""
    first = grid[low]
    return first + share * (grid[low + 1] - first)
