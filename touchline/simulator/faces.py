"""The lettering of broadcast graphics: text as masks, in faces that look the same everywhere."""

from dataclasses import dataclass
from functools import lru_cache
from importlib.resources import files
from io import BytesIO

import numpy as np
from PIL import Image, ImageDraw, ImageFont

_OVERSAMPLING = 4
_HEADROOM = 0.25
"""Empty share of a capital's height above and below it; descenders reach into the lower one."""


@dataclass(frozen=True)
class Face:
    """A way of lettering.

    Attributes:
        file: a font in ``fonts/``; None is the font that Pillow carries.
        stretch: width against the font's own.
        slant: horizontal lean per unit of height.
        weight: how much strokes are thickened, as a share of a capital's height.
        spacing: extra width between letters, as a share of a capital's height.
        drawn: ``segments`` or ``dots``: digits (and letters) of displays, drawn by us.
    """

    file: str | None = None
    stretch: float = 1.0
    slant: float = 0.0
    weight: float = 0.0
    spacing: float = 0.0
    drawn: str | None = None


FACES = {
    "plain": Face(),
    "bold": Face(weight=0.05),
    "heavy": Face(weight=0.11),
    "narrow": Face(stretch=0.7, weight=0.05),
    "oblique": Face(slant=0.22, weight=0.06),
    "spaced": Face(weight=0.03, spacing=0.16),
    "condensed": Face("condensed.ttf"),
    "condensed oblique": Face("condensed.ttf", slant=0.2),
    "slab": Face("slab.ttf"),
    "slab narrow": Face("slab.ttf", stretch=0.78),
    "mono": Face("mono.ttf", weight=0.03),
    "wide": Face("wide.ttf", stretch=0.8),
    "segments": Face("condensed.ttf", slant=0.1, drawn="segments"),
    "dots": Face(drawn="dots"),
}

_SEGMENTS = {
    "0": "abcdef",
    "1": "bc",
    "2": "abged",
    "3": "abgcd",
    "4": "fgbc",
    "5": "afgcd",
    "6": "afgedc",
    "7": "abc",
    "8": "abcdefg",
    "9": "abcfgd",
    "-": "g",
    "–": "g",
}
_BARS = {
    "a": (0, 0, 1, 0),
    "b": (1, 0, 1, 0.5),
    "c": (1, 0.5, 1, 1),
    "d": (0, 1, 1, 1),
    "e": (0, 0.5, 0, 1),
    "f": (0, 0, 0, 0.5),
    "g": (0, 0.5, 1, 0.5),
}
"""Ends (x, y, x, y) of the seven bars in a digit's box."""

_DOTS = {
    "0": "0E 11 13 15 19 11 0E",
    "1": "04 0C 04 04 04 04 0E",
    "2": "0E 11 01 02 04 08 1F",
    "3": "1F 02 04 02 01 11 0E",
    "4": "02 06 0A 12 1F 02 02",
    "5": "1F 10 1E 01 01 11 0E",
    "6": "06 08 10 1E 11 11 0E",
    "7": "1F 01 02 04 08 08 08",
    "8": "0E 11 11 0E 11 11 0E",
    "9": "0E 11 11 0F 01 02 0C",
    "A": "0E 11 11 1F 11 11 11",
    "B": "1E 11 11 1E 11 11 1E",
    "C": "0E 11 10 10 10 11 0E",
    "D": "1E 11 11 11 11 11 1E",
    "E": "1F 10 10 1E 10 10 1F",
    "F": "1F 10 10 1E 10 10 10",
    "G": "0E 11 10 17 11 11 0F",
    "H": "11 11 11 1F 11 11 11",
    "I": "0E 04 04 04 04 04 0E",
    "J": "07 02 02 02 02 12 0C",
    "K": "11 12 14 18 14 12 11",
    "L": "10 10 10 10 10 10 1F",
    "M": "11 1B 15 15 11 11 11",
    "N": "11 19 15 13 11 11 11",
    "O": "0E 11 11 11 11 11 0E",
    "P": "1E 11 11 1E 10 10 10",
    "Q": "0E 11 11 11 15 12 0D",
    "R": "1E 11 11 1E 14 12 11",
    "S": "0F 10 10 0E 01 01 1E",
    "T": "1F 04 04 04 04 04 04",
    "U": "11 11 11 11 11 11 0E",
    "V": "11 11 11 11 11 0A 04",
    "W": "11 11 11 15 15 1B 11",
    "X": "11 0A 04 04 04 0A 11",
    "Y": "11 11 0A 04 04 04 04",
    "Z": "1F 01 02 04 08 10 1F",
    ":": "00 04 00 00 00 04 00",
    "-": "00 00 00 0E 00 00 00",
    "+": "00 04 04 1F 04 04 00",
    "'": "04 04 00 00 00 00 00",
    "(": "02 04 08 08 08 04 02",
    ")": "08 04 02 02 02 04 08",
    ".": "00 00 00 00 00 00 04",
}
"""Rows of five dots, the leftmost the highest bit."""


@lru_cache(maxsize=8192)
def lettering(face: str, text: str, capitals: int) -> Image.Image:
    """A text as a mask, cut at its ink left and right.

    Args:
        face: a key of ``FACES``.
        capitals: height of a capital in pixels.

    Returns:
        mode L, 1.5 capitals high, the capitals in the middle of it.
    """
    style = FACES[face]
    scale = _OVERSAMPLING if capitals < 60 else 2
    big = _plain(style, text, capitals * scale)
    if style.slant:
        big = _slanted(big, style.slant)
    width = max(1, round(big.width / scale * style.stretch))
    mask = big.resize((width, round(big.height / scale)), Image.Resampling.BOX)
    inked = mask.getbbox()
    return mask if inked is None else mask.crop((inked[0], 0, inked[2], mask.height))


def _plain(style: Face, text: str, capitals: int) -> Image.Image:
    letters = [style.drawn] * (style.drawn is not None)
    if letters == ["dots"]:
        return _side_by_side([_dots(c, capitals) for c in text.upper()], round(0.2 * capitals))
    if letters == ["segments"] and all(c in _SEGMENTS or c in ":.+' ()" for c in text):
        return _side_by_side([_segments(c, capitals) for c in text], round(0.2 * capitals))
    if style.spacing:
        glyphs = [_written(style, c, capitals) for c in text]
        return _side_by_side(glyphs, round(style.spacing * capitals))
    return _written(style, text, capitals)


def _written(style: Face, text: str, capitals: int) -> Image.Image:
    letters = _font(style.file, capitals)
    stroke = round(style.weight * capitals / 2)
    left, _, right, _ = letters.getbbox(text, anchor="ls", stroke_width=stroke)
    pad = round(0.3 * capitals)
    mask = Image.new("L", (int(right - left) + 2 * pad, _rows(capitals)))
    baseline = round((1 + _HEADROOM) * capitals)
    ImageDraw.Draw(mask).text(
        (pad - left, baseline), text, font=letters, fill=255, anchor="ls", stroke_width=stroke
    )
    inked = mask.getbbox()
    if inked is None:
        return mask.crop((0, 0, round(0.35 * capitals), mask.height))
    return mask.crop((inked[0], 0, inked[2], mask.height))


@lru_cache(maxsize=256)
def _font(file: str | None, capitals: int) -> ImageFont.FreeTypeFont:
    """A font at the size at which its capitals have a height in pixels."""

    def load(size: int) -> ImageFont.FreeTypeFont:
        if file is None:
            built_in = ImageFont.load_default(size)
            assert isinstance(built_in, ImageFont.FreeTypeFont)  # given a size it always is
            return built_in
        source = (files("touchline.simulator") / "fonts" / file).read_bytes()
        return ImageFont.truetype(BytesIO(source), size)

    _, top, _, bottom = load(1000).getbbox("H", anchor="ls")
    return load(max(4, round(1000 * capitals / (bottom - top))))


def _rows(capitals: int) -> int:
    return round((1 + 2 * _HEADROOM) * capitals)


def _slanted(mask: Image.Image, slant: float) -> Image.Image:
    lean = round(slant * mask.height)
    wide = Image.new("L", (mask.width + lean, mask.height))
    wide.paste(mask, (0, 0))
    return wide.transform(
        wide.size, Image.Transform.AFFINE, (1, slant, -lean, 0, 1, 0), Image.Resampling.BILINEAR
    )


def _side_by_side(glyphs: list[Image.Image], gap: int) -> Image.Image:
    width = sum(glyph.width for glyph in glyphs) + gap * max(0, len(glyphs) - 1)
    row = Image.new("L", (max(1, width), glyphs[0].height if glyphs else 1))
    x = 0
    for glyph in glyphs:
        row.paste(glyph, (x, 0))
        x += glyph.width + gap
    return row


def _segments(character: str, capitals: int) -> Image.Image:
    """A digit of a seven-segment display; other signs as dots and bars."""
    thick = round(0.16 * capitals)
    narrow = character in ":.' "
    wide = thick * 2 if narrow else round(0.56 * capitals)
    glyph = Image.new("L", (wide, _rows(capitals)))
    draw = ImageDraw.Draw(glyph)
    top = round(_HEADROOM * capitals)
    if narrow or character in "+()":
        spots = {":": (0.3, 0.7), ".": (0.92,), "'": (0.08,)}.get(character, ())
        for y in spots:
            middle = top + y * capitals
            draw.rectangle(
                [thick / 2, middle - thick / 2, 1.5 * thick, middle + thick / 2], fill=255
            )
        if character in "+()":
            middle, bar = top + capitals / 2, thick / 2
            if character == "+":
                draw.rectangle([0, middle - bar, wide, middle + bar], fill=255)
                draw.rectangle(
                    [wide / 2 - bar, middle - wide / 2, wide / 2 + bar, middle + wide / 2], fill=255
                )
            else:
                start = 120 if character == "(" else -60
                box = [0, top, wide, top + capitals]
                draw.arc(box, start, start + 120, fill=255, width=thick)
        return glyph
    inset = thick / 2
    for segment in _SEGMENTS[character]:
        x0, y0, x1, y1 = _BARS[segment]
        a = (inset + x0 * (wide - thick), top + inset + y0 * (capitals - thick))
        b = (inset + x1 * (wide - thick), top + inset + y1 * (capitals - thick))
        draw.polygon(_bar(a, b, thick), fill=255)
    return glyph


def _bar(a: tuple[float, float], b: tuple[float, float], thick: float) -> list[tuple[float, float]]:
    """A bar with pointed ends, a little short of both."""
    start, end = np.array(a), np.array(b)
    along = (end - start) / np.hypot(*(end - start))
    across = np.array([-along[1], along[0]]) * thick * 0.45
    start, end = start + along * thick * 0.08, end - along * thick * 0.08
    tip = along * thick * 0.45
    corners = (
        start, start + tip + across, end - tip + across, end, end - tip - across,
        start + tip - across,
    )  # fmt: skip
    return [(float(x), float(y)) for x, y in corners]


def _dots(character: str, capitals: int) -> Image.Image:
    """A character of a dot-matrix display."""
    rows = [int(row, 16) for row in _DOTS.get(character, "00 00 00 00 00 00 00").split()]
    pitch = capitals / 7
    glyph = Image.new("L", (round(5 * pitch), _rows(capitals)))
    draw = ImageDraw.Draw(glyph)
    top = _HEADROOM * capitals
    for y, row in enumerate(rows):
        for x in range(5):
            if row >> (4 - x) & 1:
                left, upper = x * pitch, top + y * pitch
                draw.rectangle([left, upper, left + 0.84 * pitch, upper + 0.84 * pitch], fill=255)
    return glyph
