"""Drawing labels into the picture."""

from collections.abc import Sequence
from functools import lru_cache

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageDraw, ImageFont

Pixels = npt.NDArray[np.uint8]
Rgb = tuple[int, int, int]

MAX_LINES = 4

_BACKGROUND = (12, 18, 16, 190)
_INK = (255, 255, 255, 255)


def draw_labels(pixels: Pixels, lines: Sequence[tuple[str, Rgb]]) -> Pixels:
    """A copy of the picture with lines of text at the lower left.

    Args:
        pixels: (H, W, 3) RGB.
        lines: text and colour, from top to bottom; lines after ``MAX_LINES`` are left out.
    """
    height, width = pixels.shape[:2]
    drawn = pixels.copy()
    shown = list(lines)[:MAX_LINES]
    margin = max(2, height // 40)
    bottom = height - margin
    for text, colour in reversed(shown):
        plate = _plate(text, colour, max(10, height // 20), width - 2 * margin)
        top = bottom - plate.shape[0]
        if top < 0:
            break
        _blend(drawn[top:bottom, margin : margin + plate.shape[1]], plate)
        bottom = top - max(1, margin // 3)
    return drawn


def _blend(region: Pixels, plate: Pixels) -> None:
    plate = plate[:, : region.shape[1]]
    alpha = plate[..., 3:].astype(np.uint16)
    mixed = plate[..., :3] * alpha + region * (255 - alpha)
    region[:] = (mixed // 255).astype(np.uint8)


@lru_cache(maxsize=256)
def _plate(text: str, colour: Rgb, font_size: int, max_width: int) -> Pixels:
    """(h, w, 4) text on a dark plate with a bar of its colour, truncated to a width."""
    font = ImageFont.load_default(size=font_size)
    pad, bar = font_size // 2, max(3, font_size // 3)
    room = max(max_width - bar - 2 * pad, font_size)
    fitting = _fitted(text, font, room)
    width = bar + 2 * pad + int(font.getlength(fitting)) + 1
    image = Image.new("RGBA", (width, font_size + pad), _BACKGROUND)
    draw = ImageDraw.Draw(image)
    draw.rectangle((0, 0, bar - 1, image.height), fill=(*colour, 255))
    draw.text((bar + pad, image.height // 2), fitting, font=font, fill=_INK, anchor="lm")
    return np.asarray(image)


def _fitted(text: str, font: ImageFont.FreeTypeFont | ImageFont.ImageFont, room: int) -> str:
    one_line = " ".join(text.split())
    if font.getlength(one_line) <= room:
        return one_line
    kept = one_line
    while kept and font.getlength(kept + "…") > room:
        kept = kept[:-1]
    return kept + "…"
