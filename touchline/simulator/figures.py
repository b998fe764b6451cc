"""People as drawn figures: a jointed body per pose, seen from any side, painted as a sprite.

Body coordinates are metres with the origin on the ground below the hips: forward, left, up.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cached_property, lru_cache, partial
from typing import Literal

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageDraw, ImageFont

from touchline.simulator.motion import Pose
from touchline.simulator.script import Kit, Rgb

Vector = npt.NDArray[np.float64]

SCALE_STEP = 1.05
"""Sprites come in sizes that differ by this factor."""

HEADINGS = 16
PHASES = 8
ELEVATION_STEP = math.radians(8)
BOOTS: Rgb = (25, 25, 28)
YELLOW_CARD: Rgb = (255, 225, 0)
RED_CARD: Rgb = (235, 20, 30)
FLAG: Rgb = (255, 230, 40)

_THIGH, _SHIN, _UPPER_ARM, _FOREARM = 0.44, 0.44, 0.29, 0.27
_SHADOW = (0, 12, 0, 95)
_CACHE_PIXELS = 24_000_000

Prop = Literal["yellow card", "red card", "flag"]


@dataclass(frozen=True)
class Posture:
    """The angles of a body, in degrees; pairs are (left, right).

    Attributes:
        lean: of the trunk, forwards.
        topple: of the whole body about the hips, forwards; 90 lies on the face.
        lift: metres of the lowest point above the ground.
        thighs, knees: swing forwards; bend backwards.
        arms, spread, elbows: swing forwards from hanging; away from the trunk; bend forwards.
    """

    lean: float = 0
    topple: float = 0
    lift: float = 0
    thighs: tuple[float, float] = (0, 0)
    knees: tuple[float, float] = (4, 4)
    arms: tuple[float, float] = (3, 3)
    spread: tuple[float, float] = (9, 9)
    elbows: tuple[float, float] = (10, 10)


POSTURES: dict[Pose, Posture] = {
    Pose.STAND: Posture(thighs=(4, -4)),
    Pose.KICK: Posture(
        lean=-14, thighs=(-12, 62), knees=(14, 8), arms=(40, -40), spread=(60, 50), elbows=(15, 20)
    ),
    Pose.HEAD: Posture(
        lean=16, lift=0.45, thighs=(-8, -20), knees=(55, 70), arms=(30, 30), spread=(60, 60)
    ),
    Pose.THROW: Posture(
        lean=-12, thighs=(18, -18), knees=(8, 12), arms=(182, 182), spread=(8, 8), elbows=(18, 18)
    ),
    Pose.DIVE: Posture(
        topple=78, lift=0.45, thighs=(-12, 10), knees=(35, 8), arms=(172, 165), spread=(8, 8)
    ),
    Pose.DOWN: Posture(
        topple=-88, lift=0.12, thighs=(8, 50), knees=(10, 80), arms=(40, 120), spread=(50, 35)
    ),
    Pose.TACKLE: Posture(
        topple=-52, lift=0.1, thighs=(28, 70), knees=(10, 105), arms=(-30, -60), spread=(60, 40)
    ),
    Pose.CHEER: Posture(thighs=(5, -5), arms=(165, 165), spread=(28, 28), elbows=(5, 5)),
    Pose.SHOW_YELLOW: Posture(thighs=(4, -4), arms=(5, 176), spread=(10, 6), elbows=(10, 2)),
    Pose.SHOW_RED: Posture(thighs=(4, -4), arms=(5, 176), spread=(10, 6), elbows=(10, 2)),
    Pose.FLAG_UP: Posture(arms=(5, 178), spread=(8, 5), elbows=(10, 0)),
    Pose.FLAG_SIDE: Posture(arms=(5, 20), spread=(8, 82), elbows=(10, 0)),
    Pose.POINT: Posture(thighs=(6, -6), arms=(5, 88), spread=(9, 10), elbows=(10, 0)),
    Pose.HOLD: Posture(lean=10, arms=(28, 28), spread=(5, 5), elbows=(75, 75)),
}
SITTING = Posture(lean=8, thighs=(82, 82), knees=(86, 86), arms=(30, 30), elbows=(45, 45))
BOARD_UP = Posture(arms=(172, 172), spread=(14, 14), elbows=(10, 10))

_PROPS: dict[Pose, Prop] = {Pose.SHOW_YELLOW: "yellow card", Pose.SHOW_RED: "red card"}


def running(phase: float, vigour: float) -> Posture:
    """A stride: ``phase`` in [0, 1) of a double step, ``vigour`` 0.4 (walk) to 1 (sprint)."""
    swing = math.sin(2 * math.pi * phase)
    lag = math.cos(2 * math.pi * phase)
    return Posture(
        lean=4 + 12 * vigour,
        thighs=(10 * vigour + 46 * vigour * swing, 10 * vigour - 46 * vigour * swing),
        knees=(12 + 75 * vigour * max(0.0, lag), 12 + 75 * vigour * max(0.0, -lag)),
        arms=(-45 * vigour * swing, 45 * vigour * swing),
        spread=(14, 14),
        elbows=(20 + 60 * vigour, 20 + 60 * vigour),
    )


def celebrating(phase: float, vigour: float) -> Posture:
    """Arms up while standing, jumping or running."""
    legs = running(phase, vigour) if vigour else Posture(lift=0.15 * math.sin(math.pi * phase))
    up = POSTURES[Pose.CHEER]
    return replace(legs, lean=0, arms=up.arms, spread=up.spread, elbows=up.elbows)


@dataclass(frozen=True)
class Look:
    """Who a figure is, as far as it shows."""

    kit: Kit
    skin: Rgb
    hair: Rgb
    number: int | None = None
    gloves: bool = False
    flag: bool = False


@dataclass(frozen=True)
class View:
    """A body's state and the side it is seen from, rounded to what sprites distinguish.

    Attributes:
        posture: the body.
        turn: heading relative to the line of sight, in ``HEADINGS`` parts of a circle; 0 walks
            away from the camera, a quarter walks to the left of the picture.
        elevation: angle of the line of sight below the horizon, in ``ELEVATION_STEP``.
        scale: pixels per metre, as a power of ``SCALE_STEP``.
    """

    posture: Posture
    turn: int
    elevation: int
    scale: int
    prop: Prop | None = None

    def coarser(self) -> "View":
        """Nearly the same view, shared by eight times as many: for figures of a few pixels."""
        return replace(
            self,
            turn=(self.turn + 1) // 2 * 2 % HEADINGS,
            elevation=(self.elevation + 1) // 2 * 2,
            scale=(self.scale + 1) // 2 * 2,
        )


@dataclass(frozen=True, eq=False)
class Sprite:
    """A painted figure.

    Attributes:
        image: RGBA.
        anchor: the pixel that belongs on the ground point of the person.
    """

    image: Image.Image
    anchor: tuple[int, int]

    @cached_property
    def box(self) -> tuple[int, int, int, int]:
        """(x1, y1, x2, y2) of the figure itself, its shadow left out."""
        return self._figure.getbbox() or (0, 0, *self.image.size)

    @cached_property
    def colour(self) -> tuple[float, float, float]:
        """Mean RGB of the figure."""
        inside = np.asarray(self._figure) > 0
        if not inside.any():
            return (0.0, 0.0, 0.0)
        red, green, blue = np.asarray(self.image)[inside][:, :3].mean(axis=0)
        return float(red), float(green), float(blue)

    @cached_property
    def _figure(self) -> Image.Image:
        """Mask of the figure, which is opaque where its shadow is not."""
        return self.image.getchannel("A").point(lambda a: 255 if a > _SHADOW[3] + 30 else 0)


class Wardrobe:
    """Paints sprites and keeps those in use."""

    def __init__(self) -> None:
        self._sprites: dict[tuple[Look, View], Sprite] = {}
        self._pixels = 0

    def sprite(self, look: Look, view: View) -> Sprite:
        """The figure of a look in a view; the same pixels whether kept or painted anew."""
        key = (look, view)
        sprite = self._sprites.get(key)
        if sprite is None:
            sprite = paint_figure(look, view)
            self._pixels += sprite.image.width * sprite.image.height
            if self._pixels > _CACHE_PIXELS:
                self._sprites.clear()
                self._pixels = sprite.image.width * sprite.image.height
            self._sprites[key] = sprite
        return sprite


@lru_cache(maxsize=256)
def posture_of(pose: Pose, phase: int, speed: int) -> Posture:
    """The body of a pose.

    Args:
        phase: of the stride, in ``PHASES`` parts.
        speed: 0 still, 1 walking, 2 jogging, 3 sprinting.
    """
    vigour = (0.0, 0.42, 0.75, 1.0)[speed]
    if pose == Pose.CHEER:
        return celebrating(phase / PHASES, vigour)
    if pose in (Pose.STAND, Pose.RUN):
        return running(phase / PHASES, vigour) if speed else POSTURES[Pose.STAND]
    posture = POSTURES[pose]
    if speed and pose in (Pose.POINT, Pose.HOLD, Pose.FLAG_UP, Pose.FLAG_SIDE):
        legs = running(phase / PHASES, vigour)
        return replace(posture, thighs=legs.thighs, knees=legs.knees)
    return posture


def prop_of(pose: Pose, look: Look) -> Prop | None:
    """What somebody holds in the right hand."""
    return "flag" if look.flag else _PROPS.get(pose)


def _limb(forward: float, spread: float, side: float) -> Vector:
    """Unit direction of a limb that hangs down at zero angles (degrees)."""
    a, s = math.radians(forward), math.radians(spread)
    return np.array([math.sin(a) * math.cos(s), side * math.sin(s), -math.cos(a) * math.cos(s)])


@lru_cache(maxsize=512)
def joints(posture: Posture) -> dict[str, Vector]:
    """Joint positions (3,) in body coordinates; left joints end in ``0``, right in ``1``."""
    lean = math.radians(posture.lean)
    trunk = np.array([math.sin(lean), 0.0, math.cos(lean)])
    body: dict[str, Vector] = {"hip": np.zeros(3)}
    body["neck"] = body["hip"] + 0.55 * trunk
    body["head"] = body["neck"] + 0.21 * trunk + np.array([0.02, 0.0, 0.0])
    for k, side in enumerate((1.0, -1.0)):
        across = np.array([0.0, side, 0.0])
        hip = body["hip"] + 0.1 * across
        knee = hip + _THIGH * _limb(posture.thighs[k], 3, side)
        shin = posture.thighs[k] - posture.knees[k]
        ankle = knee + _SHIN * _limb(shin, 2, side)
        toe = ankle + 0.17 * _limb(shin + 80, 6, side)
        shoulder = body["neck"] - 0.06 * trunk + 0.2 * across
        # Arms hang from the trunk, so they lean with it.
        arm = posture.arms[k] + posture.lean * (1 if posture.arms[k] < 90 else 0)
        elbow = shoulder + _UPPER_ARM * _limb(arm, posture.spread[k], side)
        hand = elbow + _FOREARM * _limb(arm + posture.elbows[k], posture.spread[k] * 0.8, side)
        names = ("hip", "knee", "ankle", "toe", "shoulder", "elbow", "hand")
        for name, at in zip(names, (hip, knee, ankle, toe, shoulder, elbow, hand), strict=True):
            body[f"{name}{k}"] = at
    angle = math.radians(posture.topple)
    sin, cos = math.sin(angle), math.cos(angle)
    turn = np.array([[cos, 0, sin], [0, 1, 0], [-sin, 0, cos]])
    body = {name: turn @ at for name, at in body.items()}
    lowest = min(at[2] for at in body.values())
    rise = np.array([0.0, 0.0, posture.lift - lowest + 0.04])
    return {name: at + rise for name, at in body.items()}


class _Canvas:
    """A figure in the making, at several times its final resolution."""

    def __init__(self, look: Look, view: View) -> None:
        self.look, self.view = look, view
        self.pixels_per_metre = SCALE_STEP**view.scale
        tall = self.pixels_per_metre * 1.8
        self.oversample = 4 if tall < 48 else 3 if tall < 110 else 2
        # Thin limbs vanish in the grass when figures are a dozen pixels tall.
        self.girth = 1.3 if tall < 26 else 1.12 if tall < 60 else 1.0
        self.unit = self.pixels_per_metre * self.oversample
        turn = 2 * math.pi * view.turn / HEADINGS
        elevation = view.elevation * ELEVATION_STEP
        self._sin_e, self._cos_e = math.sin(elevation), math.cos(elevation)
        self._right_of_forward, self._away_of_forward = -math.sin(turn), math.cos(turn)
        self._right_of_left, self._away_of_left = -math.cos(turn), -math.sin(turn)
        self.body = joints(view.posture)
        spots = np.array([self.place(at)[:2] for at in self.body.values()])
        margin = 0.55 if view.prop else 0.28
        low = np.minimum(spots.min(axis=0), -0.3) - margin
        high = np.maximum(spots.max(axis=0), 0.25) + margin
        self._left_edge, self._top = float(low[0]), float(low[1])
        step = self.oversample
        self.width = max(step, math.ceil((high[0] - low[0]) * self.pixels_per_metre) * step)
        self.height = max(step, math.ceil((high[1] - low[1]) * self.pixels_per_metre) * step)
        self.image = Image.new("RGBA", (self.width, self.height), (0, 0, 0, 0))
        self.draw = ImageDraw.Draw(self.image)

    def place(self, at: Vector) -> tuple[float, float, float]:
        """Metres (right, down, away) in the picture plane of a point of the body."""
        forward, left, up = at.tolist()
        right = forward * self._right_of_forward + left * self._right_of_left
        away = forward * self._away_of_forward + left * self._away_of_left
        down = -(up * self._cos_e + away * self._sin_e)
        return right, down, away * self._cos_e - up * self._sin_e

    def pixel(self, at: Vector) -> tuple[float, float]:
        """Where a point of the body lies on the canvas."""
        right, down, _ = self.place(at)
        return (right - self._left_edge) * self.unit, (down - self._top) * self.unit

    def away(self, at: Vector) -> float:
        """How far a point lies from the camera, for painting from back to front."""
        return self.place(at)[2]

    def facing(self) -> float:
        """1 if the body faces the camera, -1 if it shows its back."""
        return -self._away_of_forward

    def capsule(self, a: Vector, b: Vector, radius: float, colour: Rgb) -> None:
        """A limb between two points with a radius in metres."""
        (x1, y1), (x2, y2) = self.pixel(a), self.pixel(b)
        r = max(1.0, radius * self.girth * self.unit)
        self.draw.line([(x1, y1), (x2, y2)], fill=colour, width=round(2 * r))
        for x, y in ((x1, y1), (x2, y2)):
            self.draw.ellipse([x - r, y - r, x + r, y + r], fill=colour)

    def finish(self) -> Sprite:
        """Reduce to final resolution and lay the shadow under the figure."""
        size = (self.width // self.oversample, self.height // self.oversample)
        figure = self.image.resize(size, Image.Resampling.BOX)
        anchor = (
            round(-self._left_edge * self.pixels_per_metre),
            round(-self._top * self.pixels_per_metre),
        )
        shadow = self._shadow(size)
        shadow.alpha_composite(figure)
        return Sprite(shadow, anchor)

    def _shadow(self, size: tuple[int, int]) -> Image.Image:
        ground = [np.array([at[0], at[1], 0.0]) for at in self.body.values()]
        spots = np.array([self.pixel(at) for at in ground]) / self.oversample
        reach = 0.16 * self.pixels_per_metre
        flat = max(0.35, self._sin_e)
        margin = np.array([reach, reach * flat])
        low, high = spots.min(axis=0) - margin, spots.max(axis=0) + margin
        image = Image.new("RGBA", size, (0, 0, 0, 0))
        ImageDraw.Draw(image).ellipse([*low, *high], fill=_SHADOW)
        return image


def shade(colour: Rgb, factor: float) -> Rgb:
    """A colour made darker (below 1) or lighter (above 1)."""
    red, green, blue = (min(255, max(0, round(c * factor))) for c in colour)
    return red, green, blue


def paint_figure(look: Look, view: View) -> Sprite:
    """Paint one figure from back to front."""
    canvas = _Canvas(look, view)
    body = canvas.body
    parts: list[tuple[float, Callable[[], None]]] = [
        (canvas.away((body["hip"] + body["neck"]) / 2), partial(_trunk, canvas)),
        (canvas.away(body["head"]), partial(_head, canvas)),
    ]
    # The far limb is painted a little darker, so that crossing legs stay apart.
    far = 0 if canvas.away(body["hip0"]) > canvas.away(body["hip1"]) else 1
    for k in (0, 1):
        tone = 0.82 if k == far else 1.0
        leg = canvas.away((body[f"hip{k}"] + body[f"ankle{k}"]) / 2)
        arm = canvas.away((body[f"shoulder{k}"] + body[f"hand{k}"]) / 2)
        parts.append((leg, partial(_leg, canvas, k, tone)))
        parts.append((arm, partial(_arm, canvas, k, tone)))
    for _, paint in sorted(parts, key=lambda part: -part[0]):
        paint()
    if view.prop:
        _PAINT_PROP[view.prop](canvas)
    return canvas.finish()


def _leg(canvas: _Canvas, k: int, tone: float) -> None:
    body, kit = canvas.body, canvas.look.kit
    hip, knee, ankle, toe = (body[f"{name}{k}"] for name in ("hip", "knee", "ankle", "toe"))
    hem = hip + 0.68 * (knee - hip)
    top = knee + 0.22 * (ankle - knee)
    canvas.capsule(hem, top, 0.062, shade(canvas.look.skin, tone))
    canvas.capsule(top, ankle, 0.058, shade(kit.socks, tone))
    canvas.capsule(ankle, toe, 0.045, BOOTS)
    canvas.capsule(hip, hem, 0.1, shade(kit.shorts, tone))


def _arm(canvas: _Canvas, k: int, tone: float) -> None:
    body, look = canvas.body, canvas.look
    shoulder, elbow, hand = (body[f"{name}{k}"] for name in ("shoulder", "elbow", "hand"))
    sleeve = shoulder + 0.8 * (elbow - shoulder)
    long_sleeve = look.gloves
    canvas.capsule(
        sleeve, hand, 0.044, shade(look.kit.shirt if long_sleeve else look.skin, 0.9 * tone)
    )
    cuff = shoulder + 0.86 * (elbow - shoulder)
    canvas.capsule(shoulder, cuff, 0.06, shade(look.kit.trim, 0.92 * tone))
    canvas.capsule(
        shoulder, shoulder + 0.7 * (elbow - shoulder), 0.066, shade(look.kit.shirt, 0.92 * tone)
    )
    if look.gloves:
        canvas.capsule(hand, hand, 0.07, (240, 240, 240))


def _head(canvas: _Canvas) -> None:
    look, head, neck = canvas.look, canvas.body["head"], canvas.body["neck"]
    canvas.capsule(neck, head, 0.06, shade(look.skin, 0.85))
    up = (head - neck) / np.linalg.norm(head - neck)
    facing = canvas.facing()
    canvas.capsule(head - 0.02 * up, head + 0.03 * up, 0.105, look.skin)
    # Hair caps the crown, and covers all of a head seen from behind.
    behind = head - np.array([0.05, 0.0, 0.0]) if abs(canvas.view.posture.topple) < 30 else head
    canvas.capsule(behind + 0.09 * up, behind + 0.095 * up, 0.082, look.hair)
    if facing < -0.3:
        canvas.capsule(head, head + 0.06 * up, 0.1, look.hair)
    elif canvas.pixels_per_metre > 60 and facing > 0.2:
        _face(canvas, head, up)


def _face(canvas: _Canvas, head: Vector, up: Vector) -> None:
    front = np.array([0.095, 0.0, 0.0])
    for side in (-0.04, 0.04):
        eye = head + front + np.array([0.0, side, 0.0]) + 0.01 * up
        canvas.capsule(eye, eye, 0.011, (35, 25, 20))
    mouth = head + front - 0.055 * up
    corner = np.array([0.0, 0.025, 0.0])
    canvas.capsule(mouth - corner, mouth + corner, 0.006, shade(canvas.look.skin, 0.6))


def _trunk(canvas: _Canvas) -> None:
    """Shirt with its pattern and number, above the shorts."""
    body, kit = canvas.body, canvas.look.kit
    hip, neck = body["hip"], body["neck"]
    canvas.capsule(body["hip0"], body["hip1"], 0.1, kit.shorts)
    mask = Image.new("L", canvas.image.size, 0)
    draw = ImageDraw.Draw(mask)
    up = (neck - hip) / np.linalg.norm(neck - hip)
    waist = [body[f"hip{k}"] + 0.06 * up for k in (0, 1)]
    shoulders = [body[f"shoulder{k}"] for k in (0, 1)]
    corners = [canvas.pixel(at) for at in (waist[0], shoulders[0], shoulders[1], waist[1])]
    draw.polygon(corners, fill=255)
    r = 0.075 * canvas.girth * canvas.unit
    for (x1, y1), (x2, y2) in zip(corners, [*corners[1:], corners[0]], strict=True):
        draw.line([(x1, y1), (x2, y2)], fill=255, width=max(1, round(2 * r)))
        draw.ellipse([x1 - r, y1 - r, x1 + r, y1 + r], fill=255)
    # Seen from the side the trunk is as deep as it is wide at the ribs.
    (x1, y1), (x2, y2) = canvas.pixel(hip + 0.1 * up), canvas.pixel(neck - 0.1 * up)
    r = 0.125 * canvas.girth * canvas.unit
    draw.line([(x1, y1), (x2, y2)], fill=255, width=max(1, round(2 * r)))
    draw.ellipse([x2 - r, y2 - r, x2 + r, y2 + r], fill=255)
    shirt = Image.new("RGBA", canvas.image.size, (*kit.shirt, 255))
    _pattern(canvas, shirt, up)
    canvas.image.paste(shirt, (0, 0), mask)
    collar = neck - 0.02 * up
    canvas.capsule(collar, collar, 0.05, kit.trim)
    if canvas.look.number is not None and canvas.pixels_per_metre > 28:
        _number(canvas, up)


def _pattern(canvas: _Canvas, shirt: Image.Image, up: Vector) -> None:
    kit, draw = canvas.look.kit, ImageDraw.Draw(shirt)
    hip = canvas.body["hip"]
    front = np.array([0.1 if canvas.facing() > 0 else -0.1, 0.0, 0.0])

    def band(left: float, right: float, low: float, high: float) -> None:
        spots = [(left, low), (right, low), (right, high), (left, high)]
        corners = [hip + front + up * u + np.array([0.0, across, 0.0]) for across, u in spots]
        draw.polygon([canvas.pixel(at) for at in corners], fill=kit.trim)

    small = canvas.pixels_per_metre < 14
    match kit.pattern:
        case "stripes":
            width = 0.12 if small else 0.075
            for step in (-1, 1) if small else (-2, 0, 2):
                band((step - 0.5) * width, (step + 0.5) * width, -0.2, 0.8)
        case "hoops":
            for low in (0.02, 0.34) if small else (0.0, 0.2, 0.4):
                band(-0.5, 0.5, low, low + (0.16 if small else 0.1))
        case "halves":
            band(0.0, 0.5, -0.2, 0.8)
        case "plain":
            pass


def _number(canvas: _Canvas, up: Vector) -> None:
    facing = canvas.facing()
    if abs(facing) < 0.35:
        return
    body, kit = canvas.body, canvas.look.kit
    back = facing < 0
    height = (0.26 if back else 0.13) * canvas.unit
    text = str(canvas.look.number)
    letters = font(max(6, round(height * 1.25)))
    left, top, right, bottom = letters.getbbox(text, stroke_width=1)
    label = Image.new("L", (int(right - left) + 2, int(bottom - top) + 2), 0)
    weight = max(1, round(height / 14))
    ImageDraw.Draw(label).text(
        (1 - left, 1 - top), text, font=letters, fill=255, stroke_width=weight
    )
    label = label.resize((max(1, round(label.width * abs(facing))), label.height))
    spot = body["hip"] + up * (0.34 if back else 0.4) + np.array([0.1 * np.sign(facing), 0, 0])
    x, y = canvas.pixel(spot)
    luma = 0.3 * kit.shirt[0] + 0.6 * kit.shirt[1] + 0.1 * kit.shirt[2]
    ink = kit.trim if kit.pattern == "plain" and kit.trim != kit.shirt else None
    if ink is None:
        ink = (20, 20, 20) if luma > 130 else (245, 245, 245)
    canvas.draw.bitmap((round(x - label.width / 2), round(y - label.height / 2)), label, fill=ink)


def _card(colour: Rgb) -> Callable[[_Canvas], None]:
    def paint(canvas: _Canvas) -> None:
        x, y = canvas.pixel(canvas.body["hand1"])
        # A real card is 8 by 12 cm: half a pixel from the gantry. Far away it is drawn larger.
        least = 2.6 * canvas.oversample
        wide, high = max(0.15 * canvas.unit, least), max(0.21 * canvas.unit, least * 1.5)
        box = [x - wide / 2, y - high * 0.95, x + wide / 2, y + high * 0.05]
        canvas.draw.rectangle(box, fill=colour)

    return paint


def _flag(canvas: _Canvas) -> None:
    hand, elbow = canvas.body["hand1"], canvas.body["elbow1"]
    along = (hand - elbow) / np.linalg.norm(hand - elbow)
    tip = hand + 0.5 * along
    canvas.capsule(hand, tip, 0.012, (230, 230, 230))
    least = 3.0 / canvas.pixels_per_metre
    reach = max(0.34, least * 1.4)
    fall = np.array([0.0, 0.0, -1.0]) if abs(along[2]) < 0.7 else np.array([0.0, -1.0, 0.0])
    corners = [tip, tip - along * reach, tip - along * reach + fall * reach, tip + fall * reach]
    canvas.draw.polygon([canvas.pixel(at) for at in corners], fill=FLAG)
    middle = np.mean(corners, axis=0)
    quarter = [tip, (corners[0] + corners[1]) / 2, middle, (corners[0] + corners[3]) / 2]
    canvas.draw.polygon([canvas.pixel(at) for at in quarter], fill=RED_CARD)


_PAINT_PROP: dict[Prop, Callable[[_Canvas], None]] = {
    "yellow card": _card(YELLOW_CARD),
    "red card": _card(RED_CARD),
    "flag": _flag,
}


@lru_cache(maxsize=64)
def font(pixels: int) -> ImageFont.FreeTypeFont | ImageFont.ImageFont:
    """The face used everywhere, at a height in pixels."""
    return ImageFont.load_default(pixels)
