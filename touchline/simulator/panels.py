"""Plates with words that a broadcaster lays over a picture."""

from functools import lru_cache

from PIL import Image, ImageDraw

from touchline.simulator.camera import Size
from touchline.simulator.faces import lettering
from touchline.simulator.production import Panel
from touchline.simulator.script import Rgb


def paint_panel(panel: Panel, size: Size, colours: tuple[Rgb, Rgb, Rgb]) -> Image.Image:
    """Rows of columns on a plate; those that fill the picture leave a rim of it."""
    width, height = size
    plate, accent, ink = colours
    if panel.fills_picture:
        full = (round(0.92 * width), round(0.9 * height))
        capitals = max(5, round(0.035 * height))
    else:
        full = (round(0.62 * width), round((0.02 + 0.065 * len(panel.lines)) * height))
        capitals = max(5, round(0.032 * height))
    image = Image.new("RGBA", full, (*plate, 238 if panel.fills_picture else 220))
    draw = ImageDraw.Draw(image)
    top = 0.16 * full[1] if panel.fills_picture else 0.0
    if panel.fills_picture:
        draw.rectangle([0, 0, full[0], top * 0.8], fill=(*accent, 255))
        title = {"table": "LEAGUE TABLE", "line-up": "STARTING ELEVEN"}[panel.kind]
        write(image, title, (full[0] / 2, 0.4 * top), capitals, plate)
    step = (full[1] - top) / len(panel.lines)
    for k, columns in enumerate(panel.lines):
        if panel.fills_picture and k % 2:
            box = [0, top + k * step, full[0], top + (k + 1) * step]
            draw.rectangle(box, fill=(*plate, 205))
        for j, text in enumerate(columns):
            x = full[0] * (j + 0.5) / len(columns)
            write(image, text, (x, top + (k + 0.5) * step), capitals, ink)
    return image


@lru_cache(maxsize=8)
def faint(text: str, capitals: int) -> Image.Image:
    """A text as a mask that lets the picture show through."""
    return lettering("heavy", text, capitals).point([round(0.75 * value) for value in range(256)])


def write(
    image: Image.Image, text: str, middle: tuple[float, float], capitals: int, ink: Rgb
) -> None:
    mask = lettering("bold", text, capitals)
    spot = (round(middle[0] - mask.width / 2), round(middle[1] - mask.height / 2))
    image.paste((*ink, 255), spot, mask)


@lru_cache(maxsize=64)
def strip(text: str, face: str, capitals: int, ink: Rgb, back: Rgb) -> Image.Image:
    """A line of text on a plate."""
    mask = lettering(face, text, capitals)
    plate = Image.new("RGB", (mask.width + 2 * capitals, round(1.8 * capitals)), back)
    plate.paste(ink, (capitals, (plate.height - mask.height) // 2), mask)
    return plate


@lru_cache(maxsize=4)
def tape(others: tuple[str, ...], capitals: int, ink: Rgb, back: Rgb) -> Image.Image:
    """The ticker as one long band."""
    masks = [lettering("condensed", other, capitals) for other in others]
    gap = 3 * capitals
    band = Image.new("RGB", (sum(m.width + gap for m in masks), 2 * capitals), back)
    x = 0
    for mask in masks:
        band.paste(ink, (x, (band.height - mask.height) // 2), mask)
        x += mask.width + gap
    return band
