"""Pinhole cameras round the pitch, and the director who points them.

Field coordinates are those of ``script``; pixels have their origin in the top left corner, u to
the right and v down.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Protocol

import numpy as np
import numpy.typing as npt

from touchline.simulator.motion import REFEREE, World
from touchline.simulator.script import CameraShot, HalfScript, MatchScript

Floats = npt.NDArray[np.float64]
Size = tuple[int, int]

NEAR_METRES = 0.5
"""What lies closer to the lens than this is not drawn."""

GRID_SECONDS = 0.1
_ANTICIPATION_SECONDS = 0.25
_LAG_SECONDS = 0.3
_LEAD_IN_SECONDS = 3.0
_BENCH_AND_CROWD = ("bench", "crowd")


@dataclass(frozen=True)
class Camera:
    """A pinhole camera without roll.

    Attributes:
        position: metres.
        pan: radians; 0 looks towards +y, positive turns towards +x.
        tilt: radians below the horizon.
        focal: pixels.
        size: (width, height) of the picture in pixels; the optical axis hits its centre.
    """

    position: tuple[float, float, float]
    pan: float
    tilt: float
    focal: float
    size: Size

    @cached_property
    def rotation(self) -> Floats:
        """(3, 3): rows are the picture's right, down and forward axes in field coordinates."""
        sin_pan, cos_pan = math.sin(self.pan), math.cos(self.pan)
        sin_tilt, cos_tilt = math.sin(self.tilt), math.cos(self.tilt)
        return np.array(
            [
                [cos_pan, -sin_pan, 0.0],
                [-sin_pan * sin_tilt, -cos_pan * sin_tilt, -cos_tilt],
                [sin_pan * cos_tilt, cos_pan * cos_tilt, -sin_tilt],
            ]
        )

    @cached_property
    def projection(self) -> Floats:
        """(3, 3) ``K R``: a direction in field coordinates to homogeneous pixels."""
        width, height = self.size
        intrinsic = np.array(
            [[self.focal, 0.0, width / 2], [0.0, self.focal, height / 2], [0.0, 0.0, 1.0]]
        )
        return intrinsic @ self.rotation

    @cached_property
    def homography(self) -> Floats:
        """(3, 3) from the field, metres at z = 0, to pixels; scaled so that [2, 2] is 1."""
        centre = np.asarray(self.position)
        matrix = self.projection @ np.array(
            [[1.0, 0.0, -centre[0]], [0.0, 1.0, -centre[1]], [0.0, 0.0, -centre[2]]]
        )
        return matrix / matrix[2, 2]

    def depth(self, xyz: npt.ArrayLike) -> Floats:
        """Distance along the optical axis of points (n, 3), metres; negative behind."""
        return (np.asarray(xyz, dtype=np.float64) - self.position) @ self.rotation[2]

    def project(self, xyz: npt.ArrayLike) -> tuple[Floats, npt.NDArray[np.bool_]]:
        """Points (n, 3) in metres to pixels (n, 2), and which of them lie before the lens.

        The pixels of points that do not are meaningless but finite.
        """
        homogeneous = (np.asarray(xyz, dtype=np.float64) - self.position) @ self.projection.T
        before = homogeneous[:, 2] > NEAR_METRES
        depth = np.where(before, homogeneous[:, 2], 1.0)
        return homogeneous[:, :2] / depth[:, None], before

    def to_field(self, uv: npt.ArrayLike) -> Floats:
        """Pixels (n, 2) to field metres (n, 2) at z = 0 (meaningless above the horizon)."""
        pixels = np.asarray(uv, dtype=np.float64)
        homogeneous = np.column_stack([pixels, np.ones(len(pixels))])
        field = homogeneous @ np.linalg.inv(self.homography).T
        return field[:, :2] / field[:, 2:]


class Movement(Protocol):
    """Where everybody is at any pitch time (``motion.Motion``)."""

    def at(self, seconds: Floats) -> World:
        """The pitch at times (n,)."""
        ...


@dataclass(frozen=True, eq=False)
class _Path:
    """A camera's aim over pitch time, to be read by interpolation."""

    position: tuple[float, float, float]
    seconds: Floats
    pan: Floats
    tilt: Floats
    focal: Floats


class Director:
    """Points the cameras of one half.

    The path of each shot depends on the script alone, so any time may be asked in any order and
    at any rate with the same answer.

    Args:
        script: the match; its ``clutter_seed`` decides where the cameras stand and how steady
            the operators are.
        size: (width, height) of the picture in pixels.
    """

    def __init__(
        self, script: MatchScript, half: HalfScript, motion: Movement, size: Size = (398, 224)
    ) -> None:
        self.half = half
        self.motion = motion
        self.size = size
        self._seed = (script.clutter_seed, half.number)
        ground = np.random.default_rng((script.clutter_seed, 0xCA3))
        self._gantry = (ground.uniform(-80, -70), ground.uniform(19, 25))
        self._zoom = ground.uniform(1.75, 2.0)
        self._shake = ground.uniform(0.5, 1.5)
        self._starts = np.array([shot.start_seconds for shot in half.shots])
        self._paths: dict[int, _Path] = {}

    def shot_index(self, seconds: float) -> int:
        """Index of the shot on air at a broadcast time."""
        return max(0, int(np.searchsorted(self._starts, seconds + 1e-6, side="right")) - 1)

    def cameras(self, seconds: Sequence[float] | Floats) -> list[Camera | None]:
        """The camera on air at each broadcast time; None where the pitch is not shown."""
        return [self.camera(self.shot_index(second), second) for second in seconds]

    def camera(self, index: int, seconds: float) -> Camera | None:
        """The camera of shot ``index`` at a broadcast time, also a little outside the shot."""
        shot = self.half.shots[index]
        if shows_no_pitch(shot):
            return None
        path = self._paths.get(index)
        if path is None:
            path = self._paths[index] = self._plan(index, shot)
        pitch = shot.pitch_seconds(seconds)
        focal = float(np.interp(pitch, path.seconds, path.focal)) * self.size[0]
        wobble_pan, wobble_tilt = self._wobble(index, seconds)
        # A hand shakes the picture by pixels, not by degrees: a longer lens is held steadier.
        steadiness = self.size[0] / focal
        return Camera(
            position=path.position,
            pan=float(np.interp(pitch, path.seconds, path.pan)) + wobble_pan * steadiness,
            tilt=float(np.interp(pitch, path.seconds, path.tilt)) + wobble_tilt * steadiness,
            focal=focal,
            size=self.size,
        )

    def _wobble(self, index: int, seconds: float) -> tuple[float, float]:
        """Radians of operator jitter at one frame width of focal length."""
        a = seconds + 7.0 * index
        pan = 0.6 * math.sin(2.9 * a) + 0.3 * math.sin(7.3 * a + 1) + 0.15 * math.sin(17.0 * a)
        tilt = 0.6 * math.sin(2.3 * a + 2) + 0.3 * math.sin(6.1 * a) + 0.15 * math.sin(19.0 * a)
        return pan * 0.003 * self._shake, tilt * 0.002 * self._shake

    def _plan(self, index: int, shot: CameraShot) -> _Path:
        rng = np.random.default_rng((*self._seed, index))
        first = shot.source_start_seconds - 1.0
        last = shot.pitch_seconds(shot.end_seconds) + 1.0
        seconds = np.arange(first - _LEAD_IN_SECONDS, last + 2 * GRID_SECONDS, GRID_SECONDS)
        world = self.motion.at(np.clip(seconds + _ANTICIPATION_SECONDS, 0.0, self.half.seconds))
        if shot.subject is not None:
            return self._follow_subject(shot, shot.subject, seconds, world, rng)
        return self._follow_ball(shot, seconds, world, rng)

    def _follow_ball(
        self, shot: CameraShot, seconds: Floats, world: World, rng: np.random.Generator
    ) -> _Path:
        ball = world.ball.astype(np.float64)
        end = float(np.sign(ball[:, 0].mean()) or 1.0)
        position = self._place(shot.camera, end, rng)
        x = np.clip(_smooth(ball[:, 0], _LAG_SECONDS), -50, 50)
        y = np.clip(_smooth(ball[:, 1], _LAG_SECONDS), -34, 34)
        pressure = np.clip((np.abs(_smooth(x, 0.8)) - 12) / 30, 0, 1)
        if "behind" in shot.camera:
            high = shot.camera == "Main behind the goal"
            aim = np.column_stack([0.8 * x + 0.2 * end * 40, 0.7 * y, np.full_like(x, 0.8)])
            distance = np.hypot(aim[:, 0] - position[0], aim[:, 1] - position[1])
            focal = np.clip(distance / (26 if high else 14), 1.05, 3.0)
        else:
            # A ball near the lines is kept in the picture, not in its middle: what it comes to
            # is on the pitch.
            bearing = np.arctan2(0.93 * x - position[0], 0.82 * y - position[1])
            reach = np.hypot(0.93 * x - position[0], 0.62 * y + 1.0 - position[1])
            aim = np.column_stack(
                [
                    position[0] + reach * np.sin(bearing),
                    position[1] + reach * np.cos(bearing),
                    np.zeros_like(x),
                ]
            )
            tightness = rng.uniform(1.3, 1.7) if shot.is_replay else 1.0
            if shot.camera != "Main camera center":
                tightness *= 1.15
            focal = self._zoom * tightness * (1 + 0.25 * pressure)
            if shot.is_replay:
                aim = np.column_stack([x, 0.9 * y, np.full_like(x, 0.5)])
        return _aim(position, seconds, aim, _smooth(focal, 0.8))

    def _follow_subject(
        self,
        shot: CameraShot,
        subject: tuple[str, int, int],
        seconds: Floats,
        world: World,
        rng: np.random.Generator,
    ) -> _Path:
        slots = subject_slots(subject, world)
        xy = world.xy[np.arange(len(seconds)), slots].astype(np.float64)
        x, y = _smooth(xy[:, 0], 0.15), _smooth(xy[:, 1], 0.15)
        position = self._place(shot.camera, float(np.sign(x.mean()) or 1.0), rng)
        # Referees are framed with room above: a card is held over the head.
        referee = subject[0] == "referee"
        tall = rng.uniform(0.54, 0.64) if referee else rng.uniform(0.7, 1.35)
        height = 1.25 if referee or tall > 1.0 else 1.05
        aim = np.column_stack([x, y, np.full_like(x, height)])
        distance = np.linalg.norm(aim - position, axis=1)
        focal = tall * self.size[1] / self.size[0] * _smooth(distance, 0.4) / 1.8
        return _aim(position, seconds, aim, focal)

    def _place(
        self, camera: str, end: float, rng: np.random.Generator
    ) -> tuple[float, float, float]:
        """Where a camera type stands; ``end`` is -1 or +1, the side of the pitch in play."""
        y, z = self._gantry
        match camera:
            case "Main camera center":
                return (0.0, y, z)
            case "Main camera left":
                return (-36.0, y + 3, z - 2)
            case "Main camera right":
                return (36.0, y + 3, z - 2)
            case "Main behind the goal":
                return (end * 78.0, rng.uniform(-3, 3), 15.0)
            case "Close-up behind the goal":
                return (end * 60.5, float(rng.choice([-7.5, 7.5])), 2.4)
            case _ if rng.random() < 0.45:
                return (rng.uniform(-8, 8), y + 6, z - 5)
            case _:
                return (end * rng.uniform(5, 30), -45.0, 2.2)


def shows_no_pitch(shot: CameraShot) -> bool:
    """Whether a shot looks at the bench or the stands and so has no calibrated camera."""
    return shot.camera in ("Public", "Close-up side staff") or (
        shot.subject is not None and shot.subject[0] in _BENCH_AND_CROWD
    )


def subject_slots(subject: tuple[str, int, int], world: World) -> npt.NDArray[np.intp]:
    """Person index (n,) of a shot's subject at each instant of a world.

    A player who is not on the pitch is stood in for by the nearest of his team to the ball.
    """
    kind, team, index = subject
    if kind == "referee":
        return np.full(len(world.seconds), REFEREE, dtype=np.intp)
    slots = slice(11 * team, 11 * team + 11)
    here = (world.squad[:, slots] == index) & world.present[:, slots]
    away = np.linalg.norm(world.xy[:, slots] - world.ball[:, None, :2], axis=2)
    away = np.where(world.present[:, slots], away, np.inf)
    found = np.where(here.any(axis=1), here.argmax(axis=1), away.argmin(axis=1))
    return (found + 11 * team).astype(np.intp)


def _smooth(values: Floats, lag_seconds: float) -> Floats:
    """Follow values (n,) on the grid with a lag and without ever jumping."""
    steps = np.arange(0, max(2, round(8 * lag_seconds / GRID_SECONDS))) * GRID_SECONDS
    kernel = (steps + GRID_SECONDS) * np.exp(-steps / lag_seconds)
    kernel /= kernel.sum()
    padded = np.concatenate([np.full(len(kernel) - 1, values[0]), values])
    return np.convolve(padded, kernel, mode="valid")


def _aim(
    position: tuple[float, float, float], seconds: Floats, aim: Floats, focal: Floats
) -> _Path:
    away = aim - position
    return _Path(
        position=position,
        seconds=seconds,
        pan=np.unwrap(np.arctan2(away[:, 0], away[:, 1])),
        tilt=np.arctan2(-away[:, 2], np.hypot(away[:, 0], away[:, 1])),
        focal=focal,
    )
