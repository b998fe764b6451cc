"""A colour per class, the same wherever a class is shown."""

import colorsys
from zlib import crc32

from touchline.labels import SOCCERNET_BALL, SOCCERNET_V2, LabelSet

Rgb = tuple[int, int, int]

_GOLDEN_ANGLE = 137.508
"""Turns of this angle spread any number of hues so that neighbours differ most."""


FURTHER_LABELS: tuple[str, ...] = (*SOCCERNET_V2, *SOCCERNET_BALL)
"""Classes that label sets often lack and events have, such as those of a file that was added."""

OTHER_PLACES = 64
"""Places, behind those, of all other classes: by the CRC-32 of their name, modulo this."""


def class_colour(labels: LabelSet, label: str) -> Rgb:
    """The colour of a class: by its place in the label set; of one that it lacks by a place behind
    all of the set's, which its name alone says."""
    return place_colour(labels.index(label) if label in labels else len(labels) + _further(label))


def _further(label: str) -> int:
    if label in FURTHER_LABELS:
        return FURTHER_LABELS.index(label)
    return len(FURTHER_LABELS) + crc32(label.encode("utf-8", "replace")) % OTHER_PLACES


def place_colour(place: int) -> Rgb:
    """The colour of the class at a place of a label set: legible on light and on dark ground."""
    hue = (150 + place * _GOLDEN_ANGLE) % 360 / 360
    red, green, blue = colorsys.hls_to_rgb(hue, 0.45, 0.62 if place % 2 else 0.78)
    return round(red * 255), round(green * 255), round(blue * 255)


def css_colour(colour: Rgb) -> str:
    """As ``#rrggbb``."""
    return "#{:02x}{:02x}{:02x}".format(*colour)
