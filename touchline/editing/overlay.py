"""Drawing labels into the picture."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageDraw

from touchline.editing.fonts import Font, font_for
from touchline.errors import InputError
from touchline.match_state import Box

Pixels = npt.NDArray[np.uint8]
Rgb = tuple[int, int, int]

MAX_LINES = 4

_PICTURES = ("PNG", "JPEG", "WEBP")
_MOST_PIXELS = 40_000_000

_BACKGROUND = (12, 18, 16, 190)
_INK = (255, 255, 255, 255)
_TROUGH = (255, 255, 255, 60)
"""What the bar fills."""


@dataclass(frozen=True)
class Style:
    """How a line is drawn.

    Attributes:
        share: the part of the line, 0 to 1, that a bar below it fills.
    """

    colour: Rgb
    share: float


def draw_labels(
    pixels: Pixels, lines: Sequence[tuple[str, Rgb | Style]], taken: Sequence[Box] = ()
) -> Pixels:
    """A copy of the picture with lines of text at the lower left.

    Args:
        pixels: (H, W, 3) RGB.
        lines: text and colour or style, from top to bottom; lines after ``MAX_LINES`` are left
            out.
        taken: see ``draw_title``.
    """
    height, width = pixels.shape[:2]
    margin = max(2, height // 40)
    plates = [
        _plate(text, style, max(10, height // 20), width - 2 * margin)
        for text, style in list(lines)[:MAX_LINES]
    ]
    return _stacked(pixels, plates, margin, max(1, margin // 3), taken)


def draw_title(
    pixels: Pixels, lines: Sequence[tuple[str, Rgb]], taken: Sequence[Box] = ()
) -> Pixels:
    """A copy of the picture with lines of text as a lower third: the first one larger.

    Args:
        taken: left, top, right, bottom, as shares of the picture, of what must stay in view. The
            lines are at the lower left, or as little above or to the right as is free.
    """
    height, width = pixels.shape[:2]
    margin = max(4, min(height, width) // 16)
    size = max(12, min(height, width) // 14)
    plates = [
        _plate(text, colour, size if place == 0 else size * 2 // 3, width - 2 * margin)
        for place, (text, colour) in enumerate(lines)
    ]
    return _stacked(pixels, plates, margin, 0, taken)


def _stacked(
    pixels: Pixels, plates: Sequence[Pixels], margin: int, gap: int, taken: Sequence[Box]
) -> Pixels:
    """A copy of the picture with plates, from top to bottom, that keep clear of what is taken."""
    height, width = pixels.shape[:2]
    drawn = pixels.copy()
    plates = list(plates)
    while plates and (high := sum(map(len, plates)) + gap * (len(plates) - 1)) > height - margin:
        del plates[0]
    if not plates:
        return drawn
    wide = max(plate.shape[1] for plate in plates)
    lowest = height - margin - high
    places = [
        (left, top)
        for left in (margin, max(margin, width - margin - wide))
        for top in range(lowest, max(0, lowest - height // 2), -max(1, margin // 2))
    ]
    boxes = _in_pixels(taken, width, height)
    left, top = next((at for at in places if _is_free(at, (wide, high), boxes)), places[0])
    for plate in plates:
        _blend(drawn[top : top + len(plate), left : left + plate.shape[1]], plate)
        top += len(plate) + gap
    return drawn


def _in_pixels(shares: Sequence[Box], width: int, height: int) -> list[Box]:
    return [(b[0] * width, b[1] * height, b[2] * width, b[3] * height) for b in shares]


def draw_board(
    pixels: Pixels,
    text: str,
    colour: Rgb,
    taken: Sequence[Box] = (),
) -> Pixels:
    """A copy of the picture with a line of text: teams, score and clock.

    Args:
        taken: left, top, right, bottom, as shares of the picture, of what must stay in view. The
            line is at the upper left where that is free, else at the upper right, else at the
            first free place of the two further down.
    """
    height, width = pixels.shape[:2]
    drawn = pixels.copy()
    margin = max(2, min(height, width) // 24)
    plate = _plate(text, colour, max(10, min(height, width) // 20), width - 2 * margin)
    high, wide = plate.shape[:2]
    boxes = _in_pixels(taken, width, height)
    places = [
        (left, top)
        for top in range(margin, max(height // 2, margin + 1), high)
        for left in (margin, max(margin, width - margin - wide))
    ]
    left, top = next((at for at in places if _is_free(at, (wide, high), boxes)), places[0])
    _blend(drawn[top : top + high, left : left + wide], plate)
    return drawn


def _is_free(at: tuple[int, int], size: tuple[int, int], boxes: Sequence[Box]) -> bool:
    """Whether a plate of a (width, height) at (left, top) covers no part of any box."""
    right, bottom = at[0] + size[0], at[1] + size[1]
    return not any(
        at[0] < box[2] and box[0] < right and at[1] < box[3] and box[1] < bottom for box in boxes
    )


@dataclass(frozen=True, eq=False)
class Logo:
    """A picture (h, w, 4) that is drawn into many others, scaled once for each size of these."""

    picture: Pixels
    _scaled: dict[tuple[int, int], Pixels] = field(default_factory=dict, init=False)

    def within(self, width: int, height: int) -> Pixels:
        """The picture, no larger than this."""
        if (width, height) not in self._scaled:
            image = Image.fromarray(self.picture)
            image.thumbnail((width, height))
            self._scaled[width, height] = np.asarray(image)
        return self._scaled[width, height]


def draw_logo(pixels: Pixels, logo: Logo) -> Pixels:
    """A copy of the picture with a logo at the upper right, a tenth as high."""
    height, width = pixels.shape[:2]
    drawn = pixels.copy()
    plate, left, top = _placed_logo(logo, width, height)
    _blend(drawn[top : top + len(plate), left : left + plate.shape[1]], plate)
    return drawn


def logo_box(logo: Logo, width: int, height: int) -> Box:
    """Left, top, right and bottom of where ``draw_logo`` draws, as shares of the picture."""
    plate, left, top = _placed_logo(logo, width, height)
    right, bottom = left + plate.shape[1], top + len(plate)
    return left / width, top / height, right / width, bottom / height


def _placed_logo(logo: Logo, width: int, height: int) -> tuple[Pixels, int, int]:
    margin = max(2, min(height, width) // 24)
    plate = logo.within(width // 4, max(4, height // 10))
    return plate, max(0, width - margin - plate.shape[1]), margin


def draw_card(size: tuple[int, int], text: str) -> Pixels:
    """A dark picture (height, width, 3) with a text in the middle."""
    width, height = size
    image = Image.new("RGB", size, _BACKGROUND[:3])
    font = font_for(" ".join(text.split()), max(12, min(size) // 10))
    fitting = _fitted(text, font, width * 9 // 10)
    draw = ImageDraw.Draw(image)
    draw.text((width // 2, height // 2), fitting, font=font, fill=_INK, anchor="mm")
    return np.asarray(image)


def fit_picture(size: tuple[int, int], picture: Pixels) -> Pixels:
    """A picture (h, w, 4) in the middle of a dark one (height, width, 3)."""
    image = Image.fromarray(picture)
    image.thumbnail(size)
    card = Image.new("RGB", size, _BACKGROUND[:3])
    place = (size[0] - image.width) // 2, (size[1] - image.height) // 2
    card.paste(image, place, image)
    return np.asarray(card)


def read_picture(path: Path) -> Pixels:
    """A picture file (PNG, JPEG or WebP) as (h, w, 4).

    Raises:
        InputError: it is missing, of another kind, damaged or too large.
    """
    if path.exists() and not path.is_file():
        raise InputError("is not a regular file", where=path, remedy="give a picture file")
    try:
        with Image.open(path, formats=_PICTURES) as image:
            if image.width * image.height <= _MOST_PIXELS:
                return np.asarray(image.convert("RGBA"))
    except Image.DecompressionBombError:
        pass  # beyond Pillow's own limit, which is higher
    except (OSError, ValueError) as error:
        raise InputError(
            "cannot be read as a picture"
            if path.is_file()
            else f"cannot be read ({getattr(error, 'strerror', None) or 'no such file'})",
            where=path,
            remedy=f"give a {', '.join(_PICTURES)} file",
        ) from error
    raise InputError(
        "is too large a picture", where=path, remedy=f"at most {_MOST_PIXELS:,} pixels"
    )


def _blend(region: Pixels, plate: Pixels) -> None:
    plate = plate[:, : region.shape[1]]
    alpha = plate[..., 3:].astype(np.uint16)
    mixed = plate[..., :3] * alpha + region * (255 - alpha)
    region[:] = (mixed // 255).astype(np.uint8)


@lru_cache(maxsize=256)
def _plate(text: str, style: Rgb | Style, font_size: int, max_width: int) -> Pixels:
    """(h, w, 4) text on a dark plate with its colour at the side, truncated to a width."""
    colour, share = (style.colour, style.share) if isinstance(style, Style) else (style, None)
    font = font_for(" ".join(text.split()), font_size)
    pad, bar = font_size // 2, max(3, font_size // 3)
    room = max(max_width - bar - 2 * pad, font_size)
    fitting = _fitted(text, font, room)
    width = bar + 2 * pad + int(font.getlength(fitting)) + 1
    image = Image.new("RGBA", (width, font_size + pad), _BACKGROUND)
    draw = ImageDraw.Draw(image)
    draw.rectangle((0, 0, bar - 1, image.height), fill=(*colour, 255))
    draw.text((bar + pad, image.height // 2), fitting, font=font, fill=_INK, anchor="lm")
    if share is not None:
        floor, tall = image.height - 1, max(2, font_size // 6)
        end = bar + round((width - bar) * min(max(share, 0.0), 1.0))
        draw.rectangle((bar, floor - tall + 1, width, floor), fill=_TROUGH)
        if end > bar:
            draw.rectangle((bar, floor - tall + 1, end - 1, floor), fill=(*colour, 255))
    return np.asarray(image)


def _fitted(text: str, font: Font, room: int) -> str:
    one_line = " ".join(text.split())
    if font.getlength(one_line) <= room:
        return one_line
    kept = one_line
    while kept and font.getlength(kept + "…") > room:
        kept = kept[:-1]
    return kept + "…"
