"""A colour per class, the same wherever a class is shown."""

import colorsys

from touchline.labels import LabelSet

Rgb = tuple[int, int, int]

_GOLDEN_ANGLE = 137.508
"""Turns of this angle spread any number of hues so that neighbours differ most."""


def class_colour(labels: LabelSet, label: str) -> Rgb:
    """The colour of a class: by its place in the label set; classes outside it share one."""
    return place_colour(labels.index(label) if label in labels else len(labels))


def place_colour(place: int) -> Rgb:
    """The colour of the class at a place of a label set: legible on light and on dark ground."""
    hue = (150 + place * _GOLDEN_ANGLE) % 360 / 360
    red, green, blue = colorsys.hls_to_rgb(hue, 0.45, 0.62 if place % 2 else 0.78)
    return round(red * 255), round(green * 255), round(blue * 255)


def css_colour(colour: Rgb) -> str:
    """As ``#rrggbb``."""
    return "#{:02x}{:02x}{:02x}".format(*colour)
