"""One frame of a simulated broadcast: scenery, people, ball and overlays put together."""

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageChops, ImageDraw

from touchline.simulator.camera import Camera, Size
from touchline.simulator.figures import (
    ELEVATION_STEP,
    HEADINGS,
    PHASES,
    SCALE_STEP,
    Look,
    Sprite,
    View,
    Wardrobe,
    posture_of,
    prop_of,
)
from touchline.simulator.motion import ASSISTANTS, PEOPLE, REFEREE, Pose, World
from touchline.simulator.offpitch import OffPitch
from touchline.simulator.onair import BroadcastOverlays
from touchline.simulator.overlays import Overlays
from touchline.simulator.presentation import CLASSIC, Presentation
from touchline.simulator.production import produce
from touchline.simulator.scenery import HALF_LENGTH, Scenery, draw_corner_flags, draw_goal
from touchline.simulator.script import HalfScript, MatchScript, Rgb, Team

_DETAIL_PIXELS_PER_METRE = 26.0
"""Below this faces and numbers do not show, so that figures of one side share sprites."""

_COARSE_PIXELS_PER_METRE = 13.0
"""Below this figures are so small that their views are rounded twice as coarsely."""

_SKINS: tuple[Rgb, ...] = ((224, 178, 148), (120, 84, 64))
_HAIR: Rgb = (44, 32, 24)
_BALL_METRES = 0.11
_GRAIN_TILES = 6
_CADENCE = (0.0, 0.95, 1.35, 1.7)


@dataclass(frozen=True)
class Box:
    """A person in a frame.

    Attributes:
        person: index as in ``World``.
        corners: (x1, y1, x2, y2) pixels, cut at the border of the frame.
        colour: mean RGB of the figure.
    """

    person: int
    corners: tuple[float, float, float, float]
    colour: tuple[float, float, float]


@dataclass(frozen=True, eq=False)
class _Placed:
    """A sprite with the pixel of its top left corner."""

    depth: float
    person: int
    sprite: Sprite
    left: int
    top: int


class Painter:
    """Paints the frames of one half.

    Args:
        script: the match.
        half: which of its halves.
        size: (width, height) in pixels.
        presentation: how the match is put on air.
    """

    def __init__(
        self,
        script: MatchScript,
        half: HalfScript,
        size: Size = (398, 224),
        presentation: Presentation = CLASSIC,
    ) -> None:
        self.script, self.half, self.size = script, half, size
        self.scenery = Scenery(script, size[0])
        self.overlays = (
            Overlays(script, half, size)
            if presentation.look == "classic"
            else BroadcastOverlays(script, half, size, produce(script, presentation))
        )
        self.off_pitch = OffPitch(script, half, size, self.scenery.clutter)
        self._wardrobe = Wardrobe()
        self._goals = np.array([e.seconds for e in half.events if e.label == "Goal"])
        self._looks: dict[tuple[int, int, bool], Look] = {}
        self._grain = _grain(script.clutter_seed, size, self.scenery.clutter.noise)

    def pitch(self, seconds: float, camera: Camera, world: World, row: int) -> Image.Image:
        """The pitch through a camera, RGB, without overlays.

        Args:
            seconds: pitch time.
            world: and ``row``: where everybody is.
        """
        frame = Image.new("RGB", self.size, (52, 56, 64))
        self.scenery.draw(frame, camera, seconds, self._excitement(seconds))
        # Seen from the field a goal's net is behind the players; seen from behind, before them.
        x = camera.position[0]
        for side in (-1, 1):
            if x * side < HALF_LENGTH + 3:
                draw_goal(frame, camera, side)
        draw_corner_flags(frame, camera)
        ball_depth = float(camera.depth(world.ball[row][None])[0])
        drawn = False
        for placed in self.placed(camera, world, row):
            if not drawn and placed.depth < ball_depth:
                self._ball(frame, camera, world.ball[row])
                drawn = True
            image = placed.sprite.image
            frame.paste(image, (placed.left, placed.top), image)
        if not drawn:
            self._ball(frame, camera, world.ball[row])
        if abs(x) >= HALF_LENGTH + 3:
            draw_goal(frame, camera, 1 if x > 0 else -1)
        return frame

    def finish(self, frame: Image.Image, seconds: float, is_replay: bool) -> Image.Image:
        """Grain and exposure, then overlays that are laid over the picture (not wipes)."""
        tile = self._grain[round(seconds * 25) * 7 % len(self._grain)]
        clutter = self.scenery.clutter
        frame = ImageChops.add(frame, tile, 1.0, round(clutter.gain) - 128)
        self.overlays.draw(frame, seconds, is_replay)
        return frame

    def boxes(self, camera: Camera, world: World, row: int) -> list[Box]:
        """Everybody who is at least partly in the picture, farthest first, as drawn.

        People hidden by somebody nearer are listed too.
        """
        width, height = self.size
        boxes = []
        for placed in self.placed(camera, world, row):
            x1, y1, x2, y2 = placed.sprite.box
            corners = (
                float(max(0, placed.left + x1)),
                float(max(0, placed.top + y1)),
                float(min(width, placed.left + x2)),
                float(min(height, placed.top + y2)),
            )
            if corners[2] - corners[0] >= 1 and corners[3] - corners[1] >= 1:
                boxes.append(Box(placed.person, corners, placed.sprite.colour))
        return boxes

    def placed(self, camera: Camera, world: World, row: int) -> list[_Placed]:
        """Sprites of the people in view, farthest first."""
        xy = world.xy[row].astype(np.float64)
        away = xy - camera.position[:2]
        depth = camera.depth(np.column_stack([xy, np.full(PEOPLE, 0.9)]))
        uv, before = camera.project(np.column_stack([xy, np.zeros(PEOPLE)]))
        scale = camera.focal / np.maximum(depth, 0.5)
        reach = 2.4 * scale
        width, height = self.size
        seen = (
            before
            & (depth > 2.0)
            & world.present[row]
            & (uv[:, 0] > -reach)
            & (uv[:, 0] < width + reach)
            & (uv[:, 1] > -reach)
            & (uv[:, 1] < height + 1.6 * reach)
            & (scale * 1.8 < 6 * height)
        )
        azimuth = np.arctan2(away[:, 1], away[:, 0])
        turns = np.round((world.heading[row] - azimuth) * HEADINGS / (2 * np.pi)).astype(int)
        lean = np.arctan2(camera.position[2] - 0.9, np.hypot(away[:, 0], away[:, 1]))
        elevations = np.clip(np.round(lean / ELEVATION_STEP), 0, 8).astype(int)
        steps = np.round(np.log(scale) / math.log(SCALE_STEP)).astype(int)
        gaits = np.digitize(world.speed[row], (0.6, 2.6, 5.2))
        placed = []
        for person in np.flatnonzero(seen)[np.argsort(-depth[seen], kind="stable")]:
            person = int(person)
            look = self._look(person, world, row, bool(scale[person] > _DETAIL_PIXELS_PER_METRE))
            pose = Pose(int(world.pose[row, person]))
            gait = int(gaits[person])
            phase = _phase(person, gait, float(world.seconds[row]))
            view = View(
                posture=posture_of(pose, phase, gait),
                turn=int(turns[person]) % HEADINGS,
                elevation=int(elevations[person]),
                scale=int(steps[person]),
                prop=prop_of(pose, look),
            )
            if scale[person] < _COARSE_PIXELS_PER_METRE:
                view = view.coarser()
            sprite = self._wardrobe.sprite(look, view)
            left = round(float(uv[person, 0])) - sprite.anchor[0]
            top = round(float(uv[person, 1])) - sprite.anchor[1]
            placed.append(_Placed(float(depth[person]), person, sprite, left, top))
        return placed

    def _look(self, person: int, world: World, row: int, detailed: bool) -> Look:
        index = int(world.squad[row, person]) if person < REFEREE else 0
        key = (person, index, detailed)
        look = self._looks.get(key)
        if look is None:
            look = self._looks[key] = self._dress(person, index, detailed)
        return look

    def _dress(self, person: int, index: int, detailed: bool) -> Look:
        if person >= REFEREE:
            skin, hair = _SKINS[(self.script.seed + person) % 2], _HAIR
            return Look(self.script.referee_kit, skin, hair, flag=person in ASSISTANTS)
        team: Team = (self.script.home, self.script.away)[person // 11]
        player = team.squad[index]
        keeper = person % 11 == 0
        kit = team.keeper_kit if keeper else team.kit
        if detailed:
            return Look(kit, player.skin, player.hair, player.number, gloves=keeper)
        return Look(kit, _nearest(player.skin, _SKINS), _HAIR, gloves=keeper)

    def _ball(self, frame: Image.Image, camera: Camera, ball: npt.NDArray[np.float32]) -> None:
        spots = np.array([ball, (ball[0], ball[1], 0.0)])
        uv, before = camera.project(spots)
        if not before.all() or (np.abs(uv) > 10 * self.size[0]).any():
            return
        scale = camera.focal / float(camera.depth(spots[:1])[0])
        # The ball is drawn a third larger than life, and never smaller than can be seen.
        radius = max(1.35 * _BALL_METRES * scale, 1.45 * self.size[0] / 398)
        draw = ImageDraw.Draw(frame, "RGBA")
        x, y = uv[1]
        flat = max(0.3, math.sin(max(0.0, camera.tilt)))
        shadow = [x - radius * 1.1, y - radius * flat, x + radius * 1.1, y + radius * flat]
        draw.ellipse([shadow[0], shadow[1] + radius * 0.3, shadow[2], shadow[3] + radius * 0.3],
                     fill=(0, 15, 0, 120))  # fmt: skip
        _blob(frame, float(uv[0, 0]), float(uv[0, 1]), radius)

    def _excitement(self, seconds: float) -> float:
        since = seconds - self._goals
        return 1.0 if ((since > 0.3) & (since < 14)).any() else 0.0


def _phase(person: int, gait: int, seconds: float) -> int:
    """Part of the stride of somebody at a pitch time."""
    return int((seconds * _CADENCE[gait] + 0.37 * person) % 1.0 * PHASES)


def _nearest(colour: Rgb, choices: tuple[Rgb, ...]) -> Rgb:
    return min(choices, key=lambda c: sum((a - b) ** 2 for a, b in zip(c, colour, strict=True)))


def _blob(frame: Image.Image, x: float, y: float, radius: float) -> None:
    """A white ball at sub-pixel precision, with a dark rim that keeps it apart from lines."""
    step = 4 if radius < 12 else 1
    reach = math.ceil(radius + 1.5)
    left, top = math.floor(x) - reach, math.floor(y) - reach
    side = (2 * reach + 1) * step
    ball = Image.new("RGBA", (side, side), (0, 0, 0, 0))
    draw = ImageDraw.Draw(ball)
    cx, cy, r = (x - left) * step, (y - top) * step, radius * step
    rim = r + max(0.45 * step, 0.08 * r)
    draw.ellipse([cx - rim, cy - rim, cx + rim, cy + rim], fill=(30, 40, 30, 130))
    draw.ellipse([cx - r, cy - r, cx + r, cy + r], fill=(252, 252, 250, 255))
    if radius > 5:
        for k in range(5):
            a = 2 * math.pi * k / 5 + 0.3
            px, py, pr = cx + 0.62 * r * math.cos(a), cy + 0.62 * r * math.sin(a), 0.2 * r
            draw.ellipse([px - pr, py - pr, px + pr, py + pr], fill=(40, 40, 50, 255))
    small = ball.resize((2 * reach + 1, 2 * reach + 1), Image.Resampling.BOX)
    frame.paste(small, (left, top), small)


def _grain(seed: int, size: Size, level: float) -> list[Image.Image]:
    """Tiles of sensor noise about mid grey."""
    rng = np.random.default_rng((seed, 0x6E))
    tiles = []
    for _ in range(_GRAIN_TILES):
        grey = rng.normal(128, level, (size[1], size[0], 1))
        colour = rng.normal(0, 0.5 * level, (size[1], size[0], 3))
        tiles.append(Image.fromarray(np.clip(grey + colour, 0, 255).astype(np.uint8)))
    return tiles
