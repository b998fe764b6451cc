"""Pictures and sound of what is shown round the halves: a studio, adverts, earlier moments."""

import math
from collections.abc import Iterator
from functools import lru_cache

import numpy as np
from PIL import Image, ImageDraw

from touchline.simulator.audio import Samples, Voice
from touchline.simulator.camera import Size
from touchline.simulator.faces import lettering
from touchline.simulator.figures import (
    POSTURES,
    SCALE_STEP,
    SITTING,
    Look,
    View,
    paint_figure,
    shade,
)
from touchline.simulator.motion import Pose
from touchline.simulator.panels import faint, paint_panel, strip
from touchline.simulator.production import Panel, PanelKind, Production, panel_lines
from touchline.simulator.recording import Scene, Stretch
from touchline.simulator.script import Kit, Line, MatchScript, Rgb

_BRANDS = ("NORDWIND", "LUMA", "VELOX", "HALCYON", "QUARTZ", "MARLIN", "PIXELLA", "ZEPHYR")
_OFFERS = ("ONLY 9.99", "2 FOR 1", "SAVE 30%", "0-60 IN 5.9", "24/7", "SINCE 1908", "3-1 ODDS")
_SUITS: tuple[Rgb, ...] = ((28, 30, 40), (60, 62, 74), (90, 20, 30), (20, 60, 60))
_SKINS: tuple[Rgb, ...] = ((232, 190, 160), (205, 155, 122), (150, 105, 80), (98, 68, 52))
_CLOCK_SHARE = 0.15
"""Share of the adverts that show a running watch."""


class OffAir:
    """Pictures of the scenes of a match's recording that are not played on the pitch."""

    def __init__(self, script: MatchScript, production: Production, size: Size) -> None:
        self._script, self._production, self._size = script, production, size
        self._capitals = max(5, round(0.03 * size[1]))

    def frame(self, scene: Scene, seconds: float) -> Image.Image:
        """The picture of a scene other than a highlight, at an instant of the recording."""
        since = seconds - scene.start
        if scene.kind == "advert":
            return self._advert(scene, since)
        frame = self._still(scene).copy()
        self.finish(frame, scene)
        return frame

    def finish(self, frame: Image.Image, scene: Scene) -> None:
        """Lay the broadcaster's graphics over the picture of a scene."""
        width, height = self._size
        main, accent, ink = self._production.colours
        if scene.words:
            plate = strip(scene.words, "bold", self._capitals, ink, main)
            spot = ((width - plate.width) // 2, round(0.86 * height) - plate.height)
            frame.paste(plate, spot)
            frame.paste(accent, (spot[0], spot[1], spot[0] + self._capitals // 2,
                                 spot[1] + plate.height))  # fmt: skip
        if self._production.channel is not None:
            mask = faint(self._production.channel, self._capitals)
            frame.paste((255, 255, 255), (round(0.96 * width) - mask.width, round(0.05 * height)),
                        mask)  # fmt: skip

    def _still(self, scene: Scene) -> Image.Image:
        return _studio(scene, self._script, self._size, self._production.colours)

    def _advert(self, scene: Scene, since: float) -> Image.Image:
        """A card in loud colours whose shapes move."""
        rng = np.random.default_rng(scene.seed)
        width, height = self._size
        hue = rng.integers(0, 256, (3, 3))
        back, front, ink = ((int(r), int(g), int(b)) for r, g, b in hue)
        frame = Image.new("RGB", self._size, back)
        draw = ImageDraw.Draw(frame)
        for k in range(5):
            x0, y0, dx, dy, radius = rng.random(5)
            x = (x0 + 0.25 * (dx - 0.5) * since) % 1.2 * width
            y = (y0 + 0.25 * (dy - 0.5) * since) % 1.2 * height
            r = (0.06 + 0.2 * radius) * height
            draw.ellipse([x - r, y - r, x + r, y + r], fill=front if k % 2 else shade(back, 1.3))
        brand, offer = str(rng.choice(_BRANDS)), str(rng.choice(_OFFERS))
        if rng.random() < _CLOCK_SHARE:
            tick = 10 * 3600 + 9 * 60 + int(since)
            offer = f"{tick // 3600}:{tick // 60 % 60:02d}:{tick % 60:02d}"
        face = str(rng.choice(("heavy", "slab", "wide", "oblique", "condensed")))
        for text, share, y in ((brand, 0.12, 0.4), (offer, 0.08, 0.66)):
            mask = lettering(face, text, max(5, round(share * height)))
            frame.paste(
                ink, ((width - mask.width) // 2, round(y * height) - mask.height // 2), mask
            )
        return frame


@lru_cache(maxsize=16)
def _studio(
    scene: Scene, script: MatchScript, size: Size, colours: tuple[Rgb, Rgb, Rgb]
) -> Image.Image:
    """A studio with people at a desk, or one of its boards."""
    rng = np.random.default_rng(scene.seed)
    width, height = size
    main, accent, ink = colours
    rows = np.linspace(0.35, 1.1, height)[:, None, None]
    wall = np.broadcast_to(np.array(main, float) * rows, (height, width, 3))
    picture = Image.fromarray(np.clip(wall, 0, 255).astype(np.uint8))
    draw = ImageDraw.Draw(picture)
    for k in range(6):
        x = width * (k + float(rng.random())) / 6
        draw.rectangle([x, 0, x + 0.03 * width, height], fill=shade(main, 0.6 + 0.2 * (k % 3)))
    if scene.kind in ("table", "line-up"):
        kind: PanelKind = "table" if scene.kind == "table" else "line-up"
        board = paint_panel(Panel(0.0, 1.0, kind, panel_lines(rng, kind, script)), size, colours)
        picture.paste(board, ((width - board.width) // 2, (height - board.height) // 2), board)
        return picture
    screen = [0.3 * width, 0.08 * height, 0.7 * width, 0.42 * height]
    draw.rectangle(screen, fill=shade(accent, 0.5), outline=ink, width=max(1, height // 120))
    title = script.name.split("/")[0].replace("_", " ").upper()
    mask = lettering("bold", title, max(5, round(0.035 * height)))
    picture.paste(ink, ((width - mask.width) // 2, round(0.25 * height) - mask.height // 2), mask)
    close = scene.kind == "face"
    metre = (0.6 if close else 0.3) * height
    scale = round(math.log(metre) / math.log(SCALE_STEP))
    people = 1 if close else int(rng.integers(2, 5))
    for k in range(people):
        suit = _SUITS[int(rng.integers(len(_SUITS)))]
        look = Look(
            Kit(suit, (240, 240, 240), suit, suit), _SKINS[int(rng.integers(4))], (40, 30, 25)
        )
        posture = SITTING if not close else POSTURES[Pose.STAND]
        sprite = paint_figure(look, View(posture, 8, 1, scale))
        x = width * (k + 1) / (people + 1)
        foot = height * (1.25 if close else 0.92)
        picture.paste(
            sprite.image, (round(x) - sprite.anchor[0], round(foot) - sprite.anchor[1]),
            sprite.image,
        )  # fmt: skip
    if not close:
        draw = ImageDraw.Draw(picture)
        draw.rectangle([0.1 * width, 0.76 * height, 0.9 * width, 0.97 * height], fill=accent)
        draw.rectangle([0.1 * width, 0.76 * height, 0.9 * width, 0.79 * height], fill=ink)
    return picture


_TALK = (
    "Well it has been a lively evening so far, and there is more to come.",
    "They will have to look at that again, there was far too much room on the left.",
    "I thought the referee had a good view of it, to be honest with you.",
    "You would not bet against them from here.",
    "He has been the best player on the pitch by some distance.",
)


def off_air_sound(script: MatchScript, stretch: Stretch, rate: int) -> Iterator[Samples]:
    """The sound of a studio (people talking) or of adverts (tunes): chunks of about a second.

    Yields:
        float32 (n,) mono within [-1, 1]; together the samples that the stretch takes at ``rate``.
    """
    random = np.random.default_rng((script.clutter_seed, 0x50, round(stretch.start)))
    total = round(stretch.end * rate) - round(stretch.start * rate)
    tune = stretch.kind == "adverts"
    make = _tune if tune else _talk
    sounds = make(random, rate)
    pending = np.zeros(0, np.float32)
    for first in range(0, total, rate):
        count = min(rate, total - first)
        while len(pending) < count:
            pending = np.concatenate([pending, next(sounds)])
        chunk, pending = pending[:count], pending[count:]
        yield np.clip(chunk + 0.002 * random.standard_normal(count, dtype=np.float32), -1, 1)


def _talk(random: np.random.Generator, rate: int) -> Iterator[Samples]:
    """Sentences with pauses between them, without end."""
    voice = Voice(rate, random)
    while True:
        text = _TALK[int(random.integers(len(_TALK)))]
        length = len(text.split()) / 2.7
        yield voice.say(Line(0.0, length, text), float(random.uniform(0.1, 0.5)), 1.6)
        yield np.zeros(round(random.uniform(0.2, 1.5) * rate), np.float32)


def _tune(random: np.random.Generator, rate: int) -> Iterator[Samples]:
    """Notes with a beat, without end; another tune every few bars, much louder than a studio."""
    while True:
        root, beat = random.uniform(110, 260), random.uniform(0.22, 0.45)
        time = np.arange(round(beat * rate)) / rate
        for step in random.choice((0, 3, 5, 7, 10, 12), int(random.integers(8, 24))):
            note = sum(
                np.sin(2 * np.pi * root * 2 ** (step / 12) * k * time) / k for k in (1, 2, 3)
            )
            drum = np.sin(2 * np.pi * 60 * time) * np.exp(-time / 0.06)
            yield (0.12 * note * np.exp(-time / 0.3) + 0.2 * drum).astype(np.float32)
