"""What a match is played in: grass, lines, stands, crowd and boards, painted once and then seen
through any camera by warping.
"""

import math
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageDraw, ImageFilter

from touchline.simulator.camera import NEAR_METRES, Camera, Floats
from touchline.simulator.figures import font, shade
from touchline.simulator.script import PITCH_LENGTH, PITCH_WIDTH, MatchScript, Rgb

Bytes = npt.NDArray[np.uint8]

HALF_LENGTH = PITCH_LENGTH / 2
HALF_WIDTH = PITCH_WIDTH / 2
GOAL_HALF_WIDTH = 3.66
GOAL_HEIGHT = 2.44
GOAL_DEPTH = 2.2

GROUND_X = 63.0
GROUND_NEAR, GROUND_FAR = -54.0, 43.0
BOARD_X, BOARD_Y = 58.5, 39.0
STAND_DEPTH, STAND_HEIGHT = 34.0, 22.0
LINE_METRES = 0.2
"""Broader than the real 12 cm, which is thinner than a pixel from the gantry."""

CROWD_VARIANTS = 3

_SPONSORS = (
    "KESTREL", "NORDWIND", "ORBIT AIR", "LUMA", "VELOX", "HALCYON", "BRISA COLA", "TERRA BANK",
    "PIXELLA", "QUARTZ", "MARLIN", "ALPENGOLD 7", "SIROCCO", "ZEPHYR MOBILE", "OAK & ELM", "RIVET",
)  # fmt: skip
_SHIRTS: tuple[Rgb, ...] = (
    (40, 42, 50), (70, 72, 80), (150, 150, 155), (215, 212, 205), (60, 70, 110), (120, 50, 45),
    (90, 80, 60), (30, 32, 36),
)  # fmt: skip
_SKINS: tuple[Rgb, ...] = ((225, 180, 150), (200, 150, 120), (150, 105, 80), (100, 70, 55))


@dataclass(frozen=True, eq=False)
class Surface:
    """A flat painted thing in space.

    Attributes:
        texture: RGB; its first pixel lies at ``origin``.
        origin: metres (3,).
        along, down: metres (3,) spanned by the texture's whole width and height.
        outline: (n, 3) metres; the part of the plane that exists (a convex polygon).
        front: (3,) direction from which it is seen; None if it covers what was drawn before
            without a mask, as the ground does.
        coarse: whether it may be sampled without smoothing.
    """

    texture: Image.Image
    origin: Floats
    along: Floats
    down: Floats
    outline: Floats
    front: Floats | None = None
    coarse: bool = False

    @cached_property
    def axes(self) -> Floats:
        """(3, 3) columns: metres per texture pixel across, down, and the origin."""
        width, height = self.texture.size
        return np.column_stack([self.along / width, self.down / height, self.origin])

    def draw(self, frame: Image.Image, camera: Camera, shift: float = 0.0) -> None:
        """Draw it into a frame as the camera sees it; ``shift`` scrolls the texture by pixels."""
        centre = np.asarray(camera.position)
        if self.front is not None and (centre - self.origin) @ self.front <= 0:
            return
        pixels = visible_outline(self.outline, camera)
        if not pixels:
            return
        low = math.floor(min(u for u, _ in pixels)), math.floor(min(v for _, v in pixels))
        high = math.ceil(max(u for u, _ in pixels)), math.ceil(max(v for _, v in pixels))
        if high[0] <= low[0] or high[1] <= low[1]:
            return
        axes = self.axes.copy()
        axes[:, 2] -= centre
        axes[:, 2] -= axes[:, 0] * shift
        to_frame = camera.projection @ axes
        to_frame = np.array([[1.0, 0, -low[0]], [0, 1.0, -low[1]], [0, 0, 1.0]]) @ to_frame
        back = np.linalg.inv(to_frame)
        size = (high[0] - low[0], high[1] - low[1])
        patch = self.texture.transform(
            size,
            Image.Transform.PERSPECTIVE,
            tuple((back / back[2, 2]).ravel()[:8]),
            self._resampling(camera),
        )
        if self.front is None:
            frame.paste(patch, low)
            return
        mask = Image.new("L", size, 0)
        ImageDraw.Draw(mask).polygon([(u - low[0], v - low[1]) for u, v in pixels], fill=255)
        frame.paste(patch, low, mask)

    def _resampling(self, camera: Camera) -> Image.Resampling:
        """A crowd that is not enlarged looks no worse unsmoothed, at a sixth of the cost."""
        if not self.coarse:
            return Image.Resampling.BILINEAR
        middle = self.outline.mean(axis=0)
        pixels_per_metre = camera.focal / np.linalg.norm(middle - camera.position)
        texture_per_metre = self.texture.width / np.linalg.norm(self.along)
        enlarged = pixels_per_metre > 1.5 * texture_per_metre
        return Image.Resampling.BILINEAR if enlarged else Image.Resampling.NEAREST


def visible_outline(outline: Floats, camera: Camera) -> list[tuple[float, float]]:
    """Pixels of the part of a convex polygon (n, 3) in metres that a camera sees.

    Cut at the borders of the frame in space: pixels of what lies near the lens have no bounds.
    """
    points = [tuple(p) for p in ((outline - camera.position) @ camera.projection.T).tolist()]
    right, bottom = camera.size
    # A point is inside where a·u + b·v + c·depth exceeds the bound.
    planes = (
        (0.0, 0.0, 1.0, NEAR_METRES),
        (1.0, 0.0, 0.0, 0.0),
        (-1.0, 0.0, right, 0.0),
        (0.0, 1.0, 0.0, 0.0),
        (0.0, -1.0, bottom, 0.0),
    )
    for a, b, c, bound in planes:
        sides = [a * u + b * v + c * depth - bound for u, v, depth in points]
        if min(sides) >= 0:
            continue
        if max(sides) <= 0:
            return []
        points = _cut(points, sides)
    return [(u / depth, v / depth) for u, v, depth in points]


def _cut(points: list[tuple[float, ...]], sides: list[float]) -> list[tuple[float, ...]]:
    """The part of a polygon on the positive side of a plane, given each corner's distance."""
    kept = []
    for k, (point, side) in enumerate(zip(points, sides, strict=True)):
        before, side_before = points[k - 1], sides[k - 1]
        if (side >= 0) != (side_before >= 0):
            part = side_before / (side_before - side)
            kept.append(tuple(p + part * (q - p) for p, q in zip(before, point, strict=True)))
        if side >= 0:
            kept.append(point)
    return kept


@dataclass(frozen=True, eq=False)
class Clutter:
    """The decoration of a match, drawn from its seed: nothing in it tells what happens.

    Attributes:
        grass: mean colour; ``mowing`` one of ``across``, ``along``, ``checks``, ``rings``,
            ``plain``; ``contrast`` between mown bands.
        surround: colour beyond the lines.
        shadow: x of the pitch where the stand's shadow ends, or None under an even sky.
        seats: colour of empty seats; ``attendance`` the share of seats taken.
        gain: exposure added to every pixel; ``noise`` grain in grey levels.
    """

    grass: Rgb
    mowing: str
    contrast: float
    stripe_metres: float
    surround: Rgb
    shadow: tuple[float, float] | None
    seats: Rgb
    attendance: float
    away_share: float
    tifo: bool
    gain: float
    noise: float
    boards: tuple[tuple[str, Rgb, Rgb], ...]
    board_speed: float

    @classmethod
    def draw(cls, script: MatchScript) -> "Clutter":
        """The decoration of a match."""
        rng = np.random.default_rng((script.clutter_seed, 0x6A55))
        green = rng.uniform(112, 152)
        grass = (round(green * rng.uniform(0.4, 0.72)), round(green), round(green * 0.36))
        surround: Rgb = [shade(grass, 0.75), (120, 62, 48), (95, 98, 105), shade(grass, 1.1)][
            int(rng.integers(4))
        ]
        panels = []
        for name in rng.permutation(len(_SPONSORS)):
            hue = tuple(int(c) for c in rng.integers(0, 256, 3))
            back: Rgb = (hue[0], hue[1], hue[2])
            ink: Rgb = (250, 250, 250) if sum(back) < 380 else (15, 15, 30)
            panels.append((_SPONSORS[int(name)], back, ink))
        shadowed = rng.random() < 0.5
        edge = (float(rng.uniform(-30, 25)), float(rng.uniform(-0.25, 0.25)))
        return cls(
            grass=grass,
            mowing=str(rng.choice(["across", "across", "along", "checks", "rings", "plain"])),
            contrast=float(rng.uniform(0.05, 0.13)),
            stripe_metres=float(rng.choice([5.25, 5.5, 8.25])),
            surround=surround,
            shadow=edge if shadowed else None,
            seats=[(35, 60, 130), (130, 30, 35), (90, 92, 98), (30, 90, 60)][int(rng.integers(4))],
            attendance=float(rng.uniform(0.55, 0.97)),
            away_share=float(rng.uniform(0.08, 0.25)),
            tifo=bool(rng.random() < 0.4),
            gain=float(rng.uniform(-8, 10)),
            noise=float(rng.uniform(1.0, 3.5)),
            boards=tuple(panels),
            board_speed=float(rng.choice([0.0, 0.0, 1.5, 4.0])),
        )


class Scenery:
    """All surfaces of a stadium.

    Args:
        script: the match, for its colours and its decoration.
        width: of the pictures to be drawn, pixels; decides how fine the textures are.
    """

    def __init__(self, script: MatchScript, width: int) -> None:
        self.script = script
        self.clutter = Clutter.draw(script)
        self._fineness = min(2.6, max(0.5, width / 398))
        self._rng_seed = (script.clutter_seed, 0x57A2D)
        self._grounds: dict[bool, Surface] = {}

    def draw(self, frame: Image.Image, camera: Camera, seconds: float, excitement: float) -> None:
        """Draw everything that stands still behind the players."""
        lengthwise = abs(math.sin(camera.pan)) > 0.75
        self.ground(lengthwise).draw(frame, camera)
        pace = 2.0 + 10.0 * excitement
        variant = int(seconds * pace) % CROWD_VARIANTS
        for stand in self._stands[variant]:
            stand.draw(frame, camera)
        panel = self.clutter.board_speed * seconds * self._board_pixels
        for board in self._boards:
            board.draw(frame, camera, (panel % (board.texture.width / 2)))

    def ground(self, lengthwise: bool) -> Surface:
        """The pitch, finer along the axis that lies across the picture."""
        if lengthwise not in self._grounds:
            across, along = (5.0, 10.0) if lengthwise else (10.0, 5.0)
            texture = paint_ground(
                self.clutter, across * self._fineness, along * self._fineness, self._rng_seed[0]
            )
            depth = GROUND_FAR - GROUND_NEAR
            self._grounds[lengthwise] = Surface(
                texture=texture,
                origin=np.array([-GROUND_X, GROUND_FAR, 0.0]),
                along=np.array([2 * GROUND_X, 0.0, 0.0]),
                down=np.array([0.0, -depth, 0.0]),
                outline=np.array(
                    [
                        [-GROUND_X, GROUND_FAR, 0.0],
                        [GROUND_X, GROUND_FAR, 0.0],
                        [GROUND_X, GROUND_NEAR, 0.0],
                        [-GROUND_X, GROUND_NEAR, 0.0],
                    ]
                ),
            )
        return self._grounds[lengthwise]

    @cached_property
    def _stands(self) -> list[list[Surface]]:
        """Per variant of the crowd, the four stands; those behind the goals first."""
        scale = 6.0 * self._fineness
        home, away = self.script.home.kit, self.script.away.kit
        clutter = self.clutter
        surfaces: list[list[Surface]] = [[] for _ in range(CROWD_VARIANTS)]
        for k, (start, stop) in enumerate(_STAND_FEET):
            length = math.dist(start, stop) + 2 * STAND_DEPTH
            supporters = (away.shirt, away.trim) if k == 1 else (home.shirt, home.trim)
            textures = paint_crowd(
                clutter,
                supporters,
                metres=(length, math.hypot(STAND_DEPTH, STAND_HEIGHT)),
                pixels_per_metre=scale,
                seed=(*self._rng_seed, k),
            )
            for variant, texture in enumerate(textures):
                surfaces[variant].append(_stand(start, stop, texture))
        return surfaces

    @cached_property
    def _board_pixels(self) -> float:
        return 12.0 * self._fineness

    @cached_property
    def _boards(self) -> list[Surface]:
        surfaces = []
        for k, (start, stop) in enumerate(_BOARD_FEET):
            texture = paint_boards(
                self.clutter, math.dist(start, stop), self._board_pixels, first=5 * k
            )
            surfaces.append(_upright(start, stop, 0.95, texture))
        return surfaces


# Feet of stands and boards, from left to right as seen from the pitch: ends first, then sides.
_STAND_FEET = (
    ((-GROUND_X, GROUND_NEAR), (-GROUND_X, GROUND_FAR)),
    ((GROUND_X, GROUND_FAR), (GROUND_X, GROUND_NEAR)),
    ((-GROUND_X, GROUND_FAR), (GROUND_X, GROUND_FAR)),
    ((GROUND_X, GROUND_NEAR), (-GROUND_X, GROUND_NEAR)),
)
_BOARD_FEET = (
    ((-BOARD_X, -36.0), (-BOARD_X, BOARD_Y)),
    ((BOARD_X, BOARD_Y), (BOARD_X, -36.0)),
    ((-BOARD_X, BOARD_Y), (BOARD_X, BOARD_Y)),
)


_CORNERS = [(x * HALF_LENGTH, y * HALF_WIDTH) for x in (-1, 1) for y in (-1, 1)]


def _stand(start: tuple[float, float], stop: tuple[float, float], texture: Image.Image) -> Surface:
    """A mitred stand that rises from its foot line away from the pitch."""
    left, right = np.array([*start, 0.0]), np.array([*stop, 0.0])
    along = (right - left) / np.linalg.norm(right - left)
    outwards = np.array([-along[1], along[0], 0.0])
    rise = outwards * STAND_DEPTH + np.array([0.0, 0.0, STAND_HEIGHT])
    wing = along * STAND_DEPTH
    lift = np.array([0.0, 0.0, 0.0])
    return Surface(
        texture=texture,
        origin=left - wing + rise + lift,
        along=right - left + 2 * wing,
        down=-rise,
        outline=np.array([left, right, right + wing + rise, left - wing + rise]) + lift,
        front=np.cross(along, rise),
        coarse=True,
    )


def _upright(
    start: tuple[float, float], stop: tuple[float, float], height: float, texture: Image.Image
) -> Surface:
    """A vertical strip whose texture is twice as long as itself, so that it can scroll."""
    left, right = np.array([*start, 0.0]), np.array([*stop, 0.0])
    top = np.array([0.0, 0.0, height])
    return Surface(
        texture=texture,
        origin=left + top,
        along=2 * (right - left),
        down=-top,
        outline=np.array([left, right, right + top, left + top]),
        front=np.cross(right - left, top),
    )


def paint_ground(clutter: Clutter, per_x: float, per_y: float, seed: int) -> Image.Image:
    """Grass, lines and surround; ``per_x``, ``per_y`` pixels per metre. Row 0 is the far side."""
    width = round(2 * GROUND_X * per_x)
    height = round((GROUND_FAR - GROUND_NEAR) * per_y)
    x = (np.arange(width) + 0.5) / per_x - GROUND_X
    y = GROUND_FAR - (np.arange(height) + 0.5) / per_y
    rng = np.random.default_rng((seed, 0x94A5))
    light = _mowing(clutter, x[None, :].astype(np.float64), y[:, None].astype(np.float64))
    patches = Image.fromarray(rng.normal(0, 1, (24, 32)).astype(np.float32))
    light += 0.025 * np.asarray(patches.resize((width, height), Image.Resampling.BICUBIC))
    light += rng.normal(0, 0.035, (height, width)).astype(np.float32)
    colour = light[:, :, None] * np.array(clutter.grass, dtype=np.float32)
    off = (np.abs(x)[None, :] > HALF_LENGTH + 4.5) | (np.abs(y)[:, None] > HALF_WIDTH + 3.5)
    colour[off] = (0.9 + 0.1 * light[off])[:, None] * np.array(clutter.surround, dtype=np.float32)
    lines = np.asarray(_lines(width, height, per_x, per_y), dtype=np.float32)[:, :, None] / 255
    colour += lines * (np.array((232, 236, 228), dtype=np.float32) - colour)
    if clutter.shadow is not None:
        edge, slope = clutter.shadow
        sunny = np.clip((y[:, None] - edge - slope * x[None, :]) / 1.0 + 0.5, 0, 1)
        colour *= (0.66 + 0.44 * sunny)[:, :, None]
    return Image.fromarray(np.clip(colour, 0, 255).astype(np.uint8))


def _mowing(clutter: Clutter, x: Floats, y: Floats) -> npt.NDArray[np.float32]:
    step = clutter.stripe_metres
    across = np.where(np.floor((x + HALF_LENGTH) / step) % 2 == 0, 1.0, -1.0)
    along = np.where(np.floor((y + HALF_WIDTH) / step) % 2 == 0, 1.0, -1.0)
    match clutter.mowing:
        case "across":
            pattern = across + 0 * along
        case "along":
            pattern = along + 0 * across
        case "checks":
            pattern = across * along
        case "rings":
            pattern = np.where(np.floor(np.hypot(x, y) / step) % 2 == 0, 1.0, -1.0)
        case _:
            pattern = 0 * across * along
    return (1 + clutter.contrast * pattern).astype(np.float32)


def _lines(width: int, height: int, per_x: float, per_y: float) -> Image.Image:
    """Coverage of the white lines, drawn at twice the resolution."""
    mask = Image.new("L", (2 * width, 2 * height), 0)
    draw = ImageDraw.Draw(mask)
    half = LINE_METRES / 2

    def spot(x: float, y: float) -> tuple[float, float]:
        return (x + GROUND_X) * per_x * 2, (GROUND_FAR - y) * per_y * 2

    def bar(x1: float, y1: float, x2: float, y2: float) -> None:
        left, top = spot(min(x1, x2) - half, max(y1, y2) + half)
        right, bottom = spot(max(x1, x2) + half, min(y1, y2) - half)
        draw.rectangle([left, top, max(left, right - 1), max(top, bottom - 1)], fill=255)

    def box(depth: float, half_width: float, side: int) -> None:
        goal = side * HALF_LENGTH
        inner = goal - side * depth
        bar(inner, -half_width, inner, half_width)
        for y in (-half_width, half_width):
            bar(goal, y, inner, y)

    def arc(x: float, y: float, radius: float, start: float, stop: float) -> None:
        angles = np.linspace(start, stop, 90)
        outer = [spot(x + (radius + half) * math.cos(a), y + (radius + half) * math.sin(a))
                 for a in angles]  # fmt: skip
        inner = [spot(x + (radius - half) * math.cos(a), y + (radius - half) * math.sin(a))
                 for a in angles[::-1]]  # fmt: skip
        draw.polygon(outer + inner, fill=255)

    for x in (-HALF_LENGTH, 0.0, HALF_LENGTH):
        bar(x, -HALF_WIDTH, x, HALF_WIDTH)
    for y in (-HALF_WIDTH, HALF_WIDTH):
        bar(-HALF_LENGTH, y, HALF_LENGTH, y)
    arc(0, 0, 9.15, 0, 2 * math.pi)
    arc(0, 0, 0.3, 0, 2 * math.pi)
    reach = math.acos(5.5 / 9.15)
    for side in (-1, 1):
        box(16.5, 20.16, side)
        box(5.5, 9.16, side)
        spot_x = side * (HALF_LENGTH - 11)
        arc(spot_x, 0, 0.2, 0, 2 * math.pi)
        middle = math.pi if side == 1 else 0.0
        arc(spot_x, 0, 9.15, middle - reach, middle + reach)
        for corner in (-1, 1):
            x, y = side * HALF_LENGTH, corner * HALF_WIDTH
            towards = math.atan2(-corner, -side)
            arc(x, y, 1.0, towards - math.pi / 4, towards + math.pi / 4)
    return mask.resize((width, height), Image.Resampling.BOX)


def paint_crowd(
    clutter: Clutter,
    supporters: tuple[Rgb, Rgb],
    *,
    metres: tuple[float, float],
    pixels_per_metre: float,
    seed: tuple[int, ...],
) -> list[Image.Image]:
    """A stand full of people, in ``CROWD_VARIANTS`` moments; row 0 is the top of the stand."""
    rng = np.random.default_rng(seed)
    seats, rows = round(metres[0] / 0.55), round(metres[1] / 0.85)
    shirts = np.array(_SHIRTS, dtype=np.float32)[rng.integers(len(_SHIRTS), size=(rows, seats))]
    if clutter.tifo:
        block = (np.arange(seats)[None, :] // 9 + np.arange(rows)[:, None] // 6) % 2
        loyal = rng.random((rows, seats)) < 0.85
    else:
        block = (rng.random((rows, seats)) < 0.35).astype(int)
        loyal = rng.random((rows, seats)) < 0.42
    colours = np.array(supporters, dtype=np.float32)[block]
    shirts = np.where(loyal[:, :, None], colours, shirts)
    heads = np.array(_SKINS, dtype=np.float32)[rng.integers(len(_SKINS), size=(rows, seats))]
    taken = rng.random((rows, seats)) < clutter.attendance
    taken &= (np.arange(seats) % 36 > 1)[None, :]
    seat = np.array(clutter.seats, dtype=np.float32)
    light = (0.62 + 0.2 * rng.random((rows, seats, 1))).astype(np.float32)
    size = (round(metres[0] * pixels_per_metre), round(metres[1] * pixels_per_metre))
    aisle = np.arange(seats) % 36 <= 1
    variants = []
    for _ in range(CROWD_VARIANTS):
        # Each person is three cells wide and four high: head above shirt, swaying a little.
        cells = np.zeros((rows * 4, seats * 3, 3), dtype=np.float32)
        cells[:] = np.repeat(np.repeat(seat[None, None] * light * 0.8, 4, 0), 3, 1)
        sway = rng.random((rows, seats, 1)) < 0.18
        hidden = np.where(taken[:, :, None], 1.0, 0.0).astype(np.float32)
        body = hidden * shirts * light * (1 + 0.15 * sway) + (1 - hidden) * seat * light * 0.8
        for dy in (1, 2, 3):
            for dx in (0, 1, 2) if dy > 1 else (0, 2):
                cells[dy::4, dx::3] = body
        face = hidden * heads * light + (1 - hidden) * seat * light * 0.6
        raised = (rng.random((rows, seats, 1)) < 0.08) * hidden
        cells[0::4, 1::3] = face
        cells[1::4, 1::3] = face
        cells[0::4, 0::3] += raised * (heads - cells[0::4, 0::3])
        cells[:, np.repeat(aisle, 3)] = 88
        # A gangway with a balcony between the two tiers.
        cells[rows * 4 * 5 // 11 : rows * 4 * 5 // 11 + 5] = np.array((58, 60, 66))
        picture = Image.fromarray(np.clip(cells, 0, 255).astype(np.uint8))
        # Softened here, once, so that frames can sample it without smoothing.
        small = picture.resize(size, Image.Resampling.BOX)
        variants.append(small.filter(ImageFilter.GaussianBlur(0.15 * pixels_per_metre)))
    return variants


def paint_boards(
    clutter: Clutter, metres: float, pixels_per_metre: float, first: int
) -> Image.Image:
    """Advertising panels along a line, twice over; a panel is six metres or more."""
    width, height = round(metres * pixels_per_metre), max(6, round(0.95 * pixels_per_metre))
    strip = Image.new("RGB", (width, height))
    draw = ImageDraw.Draw(strip)
    panels = max(1, round(metres / 7))
    letters = font(max(6, round(height * 0.8)))
    for k in range(panels):
        name, back, ink = clutter.boards[(first + k) % len(clutter.boards)]
        x1, x2 = width * k / panels, width * (k + 1) / panels
        draw.rectangle([x1, 0, x2, height], fill=back)
        draw.text(
            ((x1 + x2) / 2, height / 2), name, font=letters, fill=ink, anchor="mm",
            stroke_width=max(0, height // 18), stroke_fill=ink,
        )  # fmt: skip
    twice = Image.new("RGB", (2 * width, height))
    twice.paste(strip, (0, 0))
    twice.paste(strip, (width, 0))
    return twice


def draw_goal(frame: Image.Image, camera: Camera, side: int) -> None:
    """Posts and net of the goal at x = ``side`` × half the pitch."""
    goal, back = side * HALF_LENGTH, side * (HALF_LENGTH + GOAL_DEPTH)
    wide, high = GOAL_HALF_WIDTH, GOAL_HEIGHT
    mouth = [(goal, -wide, 0.0), (goal, -wide, high), (goal, wide, high), (goal, wide, 0.0)]
    if (camera.depth(np.array(mouth)) < 2 * NEAR_METRES).any():
        return
    uv, _ = camera.project(np.array(mouth))
    if uv[:, 0].max() < -40 or uv[:, 0].min() > camera.size[0] + 40:
        return
    if uv[:, 1].max() < -40 or uv[:, 1].min() > camera.size[1] + 40:
        return
    draw = ImageDraw.Draw(frame, "RGBA")
    strands = _net(goal, back, wide, high)
    ends, before = camera.project(strands.reshape(-1, 3))
    visible = before.reshape(-1, 2).all(axis=1)
    thick = max(1, round(0.015 * camera.focal / max(1.0, float(camera.depth([mouth[0]])[0]))))
    for k in np.flatnonzero(visible):
        draw.line(
            [tuple(ends[2 * k]), tuple(ends[2 * k + 1])], fill=(235, 235, 240, 70), width=thick
        )
    post = max(1, round(0.13 * camera.focal / max(1.0, float(camera.depth([mouth[0]])[0]))))
    draw.line([tuple(spot) for spot in uv], fill=(245, 245, 245, 255), width=post, joint="curve")


def _net(goal: float, back: float, wide: float, high: float) -> Floats:
    """Strands (n, 2, 3) of sides, top and back."""
    slope = (back - goal) * 0.4
    strands: list[tuple[tuple[float, float, float], tuple[float, float, float]]] = []
    for y in np.linspace(-wide, wide, 16):
        strands.append(((back, y, 0.0), (goal + slope, y, high)))
        strands.append(((goal, y, high), (goal + slope, y, high)))
    for part in np.linspace(0, 1, 6):
        x = back + part * (goal + slope - back)
        strands.append(((x, -wide, part * high), (x, wide, part * high)))
        for y in (-wide, wide):
            strands.append(((goal, y, part * high), (x, y, part * high)))
            foot = goal + part * (back - goal)
            strands.append(((foot, y, 0.0), (goal + part * slope, y, high)))
    return np.array(strands, dtype=np.float64)


def draw_corner_flags(frame: Image.Image, camera: Camera) -> None:
    """The poles at the four corners."""
    draw = ImageDraw.Draw(frame)
    for x, y in _CORNERS:
        pole = np.array([[x, y, 0.0], [x, y, 1.5], [x, y, 1.1]])
        uv, before = camera.project(pole)
        if not before.all() or (np.abs(uv) > 4 * max(camera.size)).any():
            continue
        foot, tip, hem = (tuple(spot) for spot in uv)
        thick = max(1, round((foot[1] - tip[1]) / 30))
        draw.line([foot, tip], fill=(235, 235, 235), width=thick)
        wide = max(3.0, 1.4 * (hem[1] - tip[1]))
        draw.polygon([tip, (tip[0] + wide, (tip[1] + hem[1]) / 2), hem], fill=(250, 210, 40))
