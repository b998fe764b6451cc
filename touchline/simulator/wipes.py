"""Wipes: the short animations that simulated broadcasts show on the way into and out of replays.

A wipe covers the picture, the picture changes behind it, and it leaves. As with score bugs, those
of ``TUNING`` are for building a reader and those of ``HELD_OUT`` for measuring it.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache

from PIL import Image, ImageDraw

from touchline.simulator.camera import Size
from touchline.simulator.faces import lettering
from touchline.simulator.script import Rgb

Corners = Sequence[tuple[float, float]]


@dataclass(frozen=True)
class WipeStyle:
    """What a broadcaster puts into his wipe.

    Attributes:
        mark: letters of his sign, at most three.
        turned: whether the animation runs from right to left.
    """

    size: Size
    main: Rgb
    accent: Rgb
    ink: Rgb
    mark: str
    turned: bool = False


@dataclass(frozen=True)
class Wipe:
    """An animation.

    Attributes:
        seconds: its length; the pictures change in its middle, where it covers everything.
        draw: lays it over a frame; ``progress`` runs from 0 to 1.
        closed: from which progress to which it covers all of the picture.
    """

    name: str
    seconds: float
    draw: Callable[[Image.Image, float, WipeStyle], None]
    closed: tuple[float, float] = (0.36, 0.64)

    def lay(self, frame: Image.Image, progress: float, style: WipeStyle) -> None:
        """Draw the animation over a frame, in place."""
        self.draw(frame, progress, style)


def _shares(progress: float) -> tuple[float, float]:
    """How far a wipe has come in, and how far it has left, eased; 1 and 0 while it covers all."""
    coming = min(1.0, progress / 0.36)
    leaving = max(0.0, (progress - 0.64) / 0.36)
    return 1 - (1 - coming) ** 2, leaving**2


def _corners(style: WipeStyle, points: Corners) -> list[tuple[float, float]]:
    if not style.turned:
        return list(points)
    return [(style.size[0] - x, y) for x, y in points]


def _sign(frame: Image.Image, style: WipeStyle, centre: tuple[float, float], radius: float) -> None:
    """The broadcaster's sign: letters in a disc."""
    if radius < 3:
        return
    sign = _disc(style, round(radius))
    frame.paste(sign, (round(centre[0] - radius), round(centre[1] - radius)), sign)


@lru_cache(maxsize=64)
def _disc(style: WipeStyle, radius: int) -> Image.Image:
    side = 2 * radius + 1
    disc = Image.new("RGBA", (side, side))
    draw = ImageDraw.Draw(disc)
    draw.ellipse(
        [0, 0, side - 1, side - 1], fill=(*style.accent, 255), outline=(*style.ink, 255),
        width=max(1, radius // 12),
    )  # fmt: skip
    mask = lettering("bold", style.mark, max(3, round(0.62 * radius)))
    disc.paste((*style.main, 255), ((side - mask.width) // 2, (side - mask.height) // 2), mask)
    return disc


def _band(frame: Image.Image, progress: float, style: WipeStyle) -> None:
    """A slanting band sweeps through, the sign on it."""
    width, height = style.size
    slant = 0.35 * height
    coming, leaving = _shares(progress)
    draw = ImageDraw.Draw(frame)
    span = width + 2 * slant + 0.12 * width
    right = -slant + coming * span
    left = -slant - 0.12 * width + leaving * span
    for inset, colour in ((0.0, style.accent), (0.05 * width, style.main)):
        a, b = left + inset, right - inset
        if b > a:
            points = [(a + slant, 0), (b + slant, 0), (b, height), (a, height)]
            draw.polygon(_corners(style, points), fill=colour)
    x = (max(left, 0) + min(right, width)) / 2
    _sign(frame, style, (width - x if style.turned else x, height / 2), 0.2 * height)


def _doors(frame: Image.Image, progress: float, style: WipeStyle) -> None:
    """Two panels meet in the middle and part again."""
    width, height = style.size
    coming, leaving = _shares(progress)
    reach = width / 2 * (coming - leaving)
    draw = ImageDraw.Draw(frame)
    edge = max(2, width // 60)
    draw.rectangle([0, 0, reach, height], fill=style.main)
    draw.rectangle([width - reach, 0, width, height], fill=style.main)
    draw.rectangle([reach - edge, 0, reach, height], fill=style.accent)
    draw.rectangle([width - reach, 0, width - reach + edge, height], fill=style.accent)
    if coming >= 1 and not leaving:
        _sign(frame, style, (width / 2, height / 2), 0.24 * height)


def _slats(frame: Image.Image, progress: float, style: WipeStyle) -> None:
    """Rows slide in from alternating sides and leave on the other."""
    width, height = style.size
    coming, leaving = _shares(progress)
    draw = ImageDraw.Draw(frame)
    count = 6
    for k in range(count):
        top, bottom = height * k / count, height * (k + 1) / count
        a, b = width * leaving, width * coming
        if (k % 2 == 1) != style.turned:
            a, b = width - b, width - a
        draw.rectangle([a, top, b, bottom], fill=style.main if k % 3 else style.accent)
    if coming >= 1 and not leaving:
        _sign(frame, style, (width / 2, height / 2), 0.2 * height)


def _iris(frame: Image.Image, progress: float, style: WipeStyle) -> None:
    """A disc grows until it covers all; then a hole grows in it."""
    width, height = style.size
    coming, leaving = _shares(progress)
    reach = 0.6 * math.hypot(width, height)
    middle = (width / 2, height / 2)
    mask = Image.new("L", style.size)
    draw = ImageDraw.Draw(mask)
    draw.ellipse(_circle(middle, reach * coming), fill=255)
    if leaving:
        draw.ellipse(_circle(middle, reach * leaving), fill=0)
    frame.paste(style.main, (0, 0), mask)
    if leaving > 0 or coming < 1:
        ImageDraw.Draw(frame).ellipse(
            _circle(middle, reach * (leaving or coming)), outline=style.accent,
            width=max(2, height // 24),
        )  # fmt: skip
    if not leaving:
        _sign(frame, style, middle, 0.26 * height * coming)


def _circle(middle: tuple[float, float], radius: float) -> list[float]:
    x, y = middle
    return [x - radius, y - radius, x + radius, y + radius]


def _curtain(frame: Image.Image, progress: float, style: WipeStyle) -> None:
    """Cloth with a waving edge is drawn across the picture."""
    width, height = style.size
    coming, leaving = _shares(progress)
    draw = ImageDraw.Draw(frame)
    wave = 0.06 * width
    ys = [height * k / 12 for k in range(13)]
    for colour, lead in ((style.accent, wave), (style.main, 0.0)):
        front = -2 * wave + coming * (width + 4 * wave) + lead
        back = -3 * wave + leaving * (width + 5 * wave) - lead
        shake = [wave * math.sin(4.2 * y / height + 9 * progress) for y in ys]
        edge = [(front + s, y) for s, y in zip(shake, ys, strict=True)]
        tail = [(back + s, y) for s, y in zip(shake, ys, strict=True)]
        if front > back:
            draw.polygon(_corners(style, edge + tail[::-1]), fill=colour)
    if coming >= 1 and not leaving:
        _sign(frame, style, (width / 2, height / 2), 0.22 * height)


def _chevrons(frame: Image.Image, progress: float, style: WipeStyle) -> None:
    """Arrowheads of several colours run through, one behind the other."""
    width, height = style.size
    coming, leaving = _shares(progress)
    draw = ImageDraw.Draw(frame)
    tip = 0.3 * height
    for k, colour in enumerate((style.ink, style.accent, style.main)):
        lag = 0.1 * width * k
        front = -tip + coming * (width + 2 * tip + 0.2 * width) - lag
        back = -0.4 * width - tip + leaving * (width + 2 * tip + 0.4 * width) + lag
        if front > back:
            points = [(back, 0), (front, 0), (front + tip, height / 2), (front, height),
                      (back, height), (back + tip, height / 2)]  # fmt: skip
            draw.polygon(_corners(style, points), fill=colour)


def _flash(frame: Image.Image, progress: float, style: WipeStyle) -> None:
    """The picture burns out to white round the sign."""
    coming, leaving = _shares(progress)
    white = Image.new("RGB", style.size, (255, 255, 255))
    frame.paste(Image.blend(frame, white, coming - leaving))
    width, height = style.size
    _sign(
        frame, style, (width / 2, height / 2), (0.1 + 0.16 * progress) * height * (coming - leaving)
    )


def _roll(frame: Image.Image, progress: float, style: WipeStyle) -> None:
    """A great ball rolls across and draws a panel after it, which it takes along at last."""
    width, height = style.size
    coming, leaving = _shares(progress)
    radius = 0.62 * height
    front = -radius + coming * (width + 2 * radius)
    back = -2 * radius + leaving * (width + 3 * radius)
    draw = ImageDraw.Draw(frame)
    draw.rectangle(
        sorted_box(_corners(style, [(back, 0), (max(back, front), height)])), fill=style.main
    )
    for x in (front,) if coming < 1 else ((back,) if leaving else ()):
        centre = (width - x if style.turned else x, height / 2)
        draw.ellipse(_circle(centre, radius), fill=style.ink, outline=style.main, width=3)
        for k in range(5):
            angle = 2 * math.pi * k / 5 + 9 * progress
            spot = (
                centre[0] + 0.6 * radius * math.cos(angle),
                centre[1] + 0.6 * radius * math.sin(angle),
            )
            draw.regular_polygon((*spot, 0.2 * radius), 5, fill=style.accent)
    if coming >= 1 and not leaving:
        _sign(frame, style, (width / 2, height / 2), 0.2 * height)


def sorted_box(corners: Corners) -> list[float]:
    """Left, top, right, bottom of two opposite corners in any order."""
    (x0, y0), (x1, y1) = corners
    return [min(x0, x1), min(y0, y1), max(x0, x1), max(y0, y1)]


def _tiles(frame: Image.Image, progress: float, style: WipeStyle) -> None:
    """Squares fill the picture along its diagonal and vanish in the same order."""
    width, height = style.size
    columns, rows = 8, 5
    coming, leaving = min(1.0, progress / 0.36), max(0.0, (progress - 0.64) / 0.36)
    draw = ImageDraw.Draw(frame)
    for column in range(columns):
        for row in range(rows):
            across = columns - 1 - column if style.turned else column
            order = (across + row) / (columns + rows - 2)
            grown = min(1.0, max(0.0, 2 * coming - order)) - min(1.0, max(0.0, 2 * leaving - order))
            x, y = (column + 0.5) * width / columns, (row + 0.5) * height / rows
            dx, dy = grown * width / columns / 2, grown * height / rows / 2
            if grown > 0:
                colour = (style.main, style.accent)[(column + row) % 5 == 0]
                draw.rectangle([x - dx, y - dy, x + dx, y + dy], fill=colour)
    if coming >= 1 and not leaving:
        _sign(frame, style, (width / 2, height / 2), 0.2 * height)


def _zoom(frame: Image.Image, progress: float, style: WipeStyle) -> None:
    """The sign flies at the viewer, fills the picture, and fades."""
    width, height = style.size
    coming, leaving = min(1.0, progress / 0.36), max(0.0, (progress - 0.64) / 0.36)
    cover = Image.new("RGB", style.size, style.accent)
    radius = 0.08 * height * (1.1 * math.hypot(width, height) / (0.16 * height)) ** coming
    if coming < 1:
        ImageDraw.Draw(frame).ellipse(_circle((width / 2, height / 2), radius), fill=style.accent)
        _sign(frame, style, (width / 2, height / 2), min(radius, 0.45 * height))
    else:
        _sign(cover, style, (width / 2, height / 2), 0.45 * height)
        frame.paste(Image.blend(cover, frame, leaving))


def _fold(frame: Image.Image, progress: float, style: WipeStyle) -> None:
    """A sheet is pulled over the picture from a corner."""
    width, height = style.size
    coming, leaving = _shares(progress)
    reach = width + height
    draw = ImageDraw.Draw(frame)
    edge = 0.06 * width
    for inset, colour in ((edge, style.ink), (0.0, style.main)):
        front = coming * (reach + edge) + inset - edge
        back = leaving * (reach + edge) - inset
        if front > back:
            points = [(back, 0), (front, 0), (front - height, height), (back - height, height)]
            draw.polygon(_corners(style, points), fill=colour)
    if coming >= 1 and not leaving:
        _sign(frame, style, (width / 2, height / 2), 0.18 * height)


def _streaks(frame: Image.Image, progress: float, style: WipeStyle) -> None:
    """Bars of light race through, thicker and thicker, until they touch."""
    width, height = style.size
    coming, leaving = min(1.0, progress / 0.36), max(0.0, (progress - 0.64) / 0.36)
    draw = ImageDraw.Draw(frame)
    count = 9
    for k in range(count):
        late = (k * 5 % count) / count  # some start later than others
        head = min(1.0, max(0.0, 2 * coming - late))
        tail = min(1.0, max(0.0, 2 * leaving - late))
        if head > tail:
            box = [(tail * width, height * k / count), (head * width, height * (k + 1) / count)]
            colour = (style.main, style.accent, style.main, style.ink)[k % 4]
            draw.rectangle(sorted_box(_corners(style, box)), fill=colour)


TUNING = (
    Wipe("band", 0.56, _band),
    Wipe("doors", 0.8, _doors),
    Wipe("slats", 0.64, _slats),
    Wipe("iris", 0.96, _iris),
    Wipe("curtain", 1.2, _curtain),
    Wipe("chevrons", 0.72, _chevrons),
    Wipe("flash", 0.4, _flash),
)
"""Wipes to build a reader with."""

HELD_OUT = (
    Wipe("roll", 1.04, _roll),
    Wipe("tiles", 0.88, _tiles),
    Wipe("zoom", 0.72, _zoom),
    Wipe("fold", 0.56, _fold),
    Wipe("streaks", 0.48, _streaks),
)
"""Wipes to measure a reader with, never to build it with."""

WIPES = {wipe.name: wipe for wipe in (*TUNING, *HELD_OUT)}
