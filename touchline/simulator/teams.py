"""Invented clubs and people: names, kits that can be told apart, squads."""

import colorsys
from typing import Literal

import numpy as np

from touchline.simulator.formation import FORMATIONS
from touchline.simulator.script import Kit, Player, Rgb, Team

SQUAD_SIZE = 20

_PLACES = [
    "North",
    "South",
    "East",
    "West",
    "Upper",
    "Lower",
    "Port",
    "Saint",
    "Old",
    "New",
    "Kings",
    "Queens",
    "Stone",
    "River",
    "Red",
    "White",
    "Green",
    "Silver",
    "Golden",
    "Long",
    "High",
    "Deep",
    "Fair",
    "Broad",
    "Iron",
    "Copper",
    "Winter",
    "Summer",
    "Crown",
    "Abbey",
]
_FEATURES = [
    "Vale",
    "Town",
    "Harbour",
    "Bridge",
    "Park",
    "Forest",
    "Moor",
    "Field",
    "Haven",
    "Hill",
    "Ford",
    "Mill",
    "Wood",
    "Bay",
    "Cross",
    "Gate",
    "Castle",
    "Lake",
    "Meadow",
    "Point",
    "Quay",
    "Rovers",
    "Athletic",
    "United",
    "Wanderers",
    "Albion",
    "Orient",
    "Rangers",
    "Borough",
    "County",
]
_ONSETS = [
    "B",
    "Br",
    "C",
    "Cr",
    "D",
    "Dr",
    "F",
    "Fl",
    "G",
    "Gr",
    "H",
    "K",
    "Kr",
    "L",
    "M",
    "N",
    "P",
    "Pl",
    "R",
    "S",
    "St",
    "T",
    "Tr",
    "V",
    "W",
    "Z",
    "Sch",
    "Sh",
    "Th",
    "Mar",
    "Bel",
    "Kal",
]
_MIDDLES = [
    "a",
    "e",
    "i",
    "o",
    "u",
    "ai",
    "ei",
    "or",
    "an",
    "el",
    "ar",
    "in",
    "em",
    "as",
    "ov",
    "ur",
]
_ENDS = [
    "ner",
    "son",
    "sen",
    "ski",
    "dez",
    "ano",
    "etti",
    "ard",
    "ley",
    "man",
    "ton",
    "vic",
    "ova",
    "rez",
    "ini",
    "ell",
    "ow",
    "ez",
    "as",
    "ic",
    "o",
    "us",
    "mann",
    "qvist",
]
_SKINS: tuple[Rgb, ...] = (
    (244, 208, 177),
    (224, 172, 130),
    (198, 134, 92),
    (141, 85, 54),
    (92, 56, 36),
)
_HAIRS: tuple[Rgb, ...] = (
    (28, 22, 20),
    (60, 40, 28),
    (110, 74, 42),
    (196, 160, 92),
    (150, 72, 34),
    (200, 200, 200),
)
_PATTERNS: tuple[Literal["plain", "stripes", "hoops", "halves"], ...] = (
    "plain",
    "stripes",
    "hoops",
    "halves",
)
_SHIRTS: tuple[Rgb, ...] = (
    (200, 24, 36),
    (30, 70, 180),
    (240, 240, 240),
    (245, 205, 30),
    (20, 24, 60),
    (110, 20, 60),
    (110, 190, 235),
    (240, 120, 20),
    (90, 40, 140),
    (24, 24, 28),
    (235, 130, 170),
    (20, 130, 140),
)
_REFEREE_SHIRTS: tuple[Rgb, ...] = ((20, 20, 22), (235, 225, 60), (230, 90, 120), (70, 170, 225))
_GRASS: Rgb = (70, 130, 60)


def colour_distance(first: Rgb, second: Rgb) -> float:
    """How different two colours look, about 0 to 765 (the "redmean" weighting of RGB)."""
    mean_red = (first[0] + second[0]) / 2
    red, green, blue = (a - b for a, b in zip(first, second, strict=True))
    weighted = (2 + mean_red / 256) * red**2 + 4 * green**2 + (2 + (255 - mean_red) / 256) * blue**2
    return float(weighted**0.5)


def _furthest(rng: np.random.Generator, options: tuple[Rgb, ...], others: list[Rgb]) -> Rgb:
    """A colour drawn from those that stand out from all ``others``."""
    apart = [min(colour_distance(option, other) for other in others) for option in options]
    clear = [o for o, distance in zip(options, apart, strict=True) if distance > 200]
    if not clear:
        return options[int(np.argmax(apart))]
    return clear[int(rng.integers(len(clear)))]


def _kit(rng: np.random.Generator, shirt: Rgb, away_from: list[Rgb]) -> Kit:
    trims: tuple[Rgb, ...] = ((250, 250, 250), (20, 20, 24), *_SHIRTS)
    trim = _furthest(rng, trims, [shirt, *away_from])
    dark_or_light: tuple[Rgb, ...] = ((245, 245, 245), (18, 18, 22), shirt)
    shorts = dark_or_light[int(rng.integers(3))]
    socks = shirt if rng.random() < 0.6 else shorts
    pattern = _PATTERNS[int(rng.choice(4, p=(0.4, 0.3, 0.15, 0.15)))]
    return Kit(shirt, trim, shorts, socks, pattern)


def _vivid(hue: float) -> Rgb:
    red, green, blue = colorsys.hsv_to_rgb(hue, 0.85, 0.95)
    return (int(255 * red), int(255 * green), int(255 * blue))


def _keeper_kit(rng: np.random.Generator, others: list[Rgb]) -> Kit:
    bright = tuple(_vivid(hue / 12) for hue in range(12))
    shirt = _furthest(rng, bright, [*others, _GRASS])
    return Kit(shirt, (20, 20, 24), shirt, shirt)


def draw_kits(rng: np.random.Generator) -> tuple[list[Kit], list[Kit], Kit]:
    """Kits of the two teams, of their goalkeepers and of the referees, all distinct."""
    home = _furthest(rng, _SHIRTS, [_GRASS])
    away = _furthest(rng, _SHIRTS, [_GRASS, home])
    kits = [_kit(rng, home, []), _kit(rng, away, [home])]
    keepers: list[Kit] = []
    for _ in range(2):
        keepers.append(_keeper_kit(rng, [home, away, *(k.shirt for k in keepers)]))
    shirt = _furthest(rng, _REFEREE_SHIRTS, [home, away, _GRASS])
    referee = Kit(shirt, (250, 250, 250), (20, 20, 22), (20, 20, 22))
    return kits, keepers, referee


def _surname(rng: np.random.Generator) -> str:
    parts = [str(rng.choice(_ONSETS)), str(rng.choice(_MIDDLES))]
    if rng.random() < 0.35:
        parts += [str(rng.choice(list("lrnmstvd"))), str(rng.choice(_MIDDLES))]
    return "".join([*parts, str(rng.choice(_ENDS))])


def _squad(rng: np.random.Generator) -> tuple[Player, ...]:
    names: list[str] = []
    while len(names) < SQUAD_SIZE:
        name = _surname(rng)
        if name not in names:
            names.append(name)
    others = rng.permutation(np.arange(12, 40))[: SQUAD_SIZE - 11]
    numbers = [*range(1, 12), *(int(number) for number in others)]
    return tuple(
        Player(
            name,
            number,
            _SKINS[int(rng.integers(len(_SKINS)))],
            _HAIRS[int(rng.integers(len(_HAIRS)))],
        )
        for name, number in zip(names, numbers, strict=True)
    )


def draw_teams(rng: np.random.Generator) -> tuple[Team, Team, Kit]:
    """Two invented clubs with their squads, and what the referees wear."""
    kits, keepers, referee = draw_kits(rng)
    places = rng.permutation(len(_PLACES))[:2]
    features = rng.permutation(len(_FEATURES))[:2]
    formations = list(FORMATIONS)
    teams = []
    for side in range(2):
        place, feature = _PLACES[places[side]], _FEATURES[features[side]]
        teams.append(
            Team(
                name=f"{place} {feature}",
                short_name=(place[:2] + feature[:1]).upper(),
                kit=kits[side],
                keeper_kit=keepers[side],
                squad=_squad(rng),
                formation=formations[int(rng.integers(len(formations)))],
            )
        )
    return teams[0], teams[1], referee
