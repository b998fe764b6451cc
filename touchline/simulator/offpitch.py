"""What the broadcast shows away from the pitch: the bench with its board, and the crowd."""

import math

import numpy as np
from PIL import Image, ImageDraw, ImageFilter

from touchline.simulator.camera import Size
from touchline.simulator.figures import (
    BOARD_UP,
    POSTURES,
    SCALE_STEP,
    SITTING,
    Look,
    View,
    font,
    paint_figure,
    shade,
)
from touchline.simulator.motion import Pose
from touchline.simulator.scenery import Clutter, paint_crowd
from touchline.simulator.script import CameraShot, HalfScript, Kit, MatchScript, Rgb

_MARGIN = 1.25
_TRACKSUITS: tuple[Rgb, ...] = ((30, 32, 40), (60, 62, 70), (20, 40, 80))
_SUBSTITUTION_SECONDS = 20.0


class OffPitch:
    """Pictures of the bench and the crowd, one set per shot."""

    def __init__(self, script: MatchScript, half: HalfScript, size: Size, clutter: Clutter) -> None:
        self.script, self.half, self.size, self.clutter = script, half, size, clutter
        self._pictures: dict[int, list[Image.Image]] = {}

    def frame(self, index: int, seconds: float) -> Image.Image:
        """The picture of shot ``index`` at a broadcast time."""
        shot = self.half.shots[index]
        if index not in self._pictures:
            if len(self._pictures) > 3:
                self._pictures.clear()
            self._pictures[index] = self._paint(index, shot)
        pictures = self._pictures[index]
        picture = pictures[int(seconds * 4.0) % len(pictures)]
        width, height = self.size
        spare_x, spare_y = picture.width - width, picture.height - height
        since = seconds - shot.start_seconds
        x = 0.5 + 0.35 * math.sin(0.35 * since + index) + 0.02 * math.sin(5 * since)
        y = 0.5 + 0.2 * math.sin(0.23 * since + 2 * index) + 0.02 * math.sin(6.1 * since)
        left = round(min(1.0, max(0.0, x)) * spare_x)
        top = round(min(1.0, max(0.0, y)) * spare_y)
        return picture.crop((left, top, left + width, top + height))

    def _paint(self, index: int, shot: CameraShot) -> list[Image.Image]:
        rng = np.random.default_rng((self.script.clutter_seed, self.half.number, index, 0xB))
        size = (round(self.size[0] * _MARGIN), round(self.size[1] * _MARGIN))
        kind, team, _ = shot.subject or ("crowd", 0, 0)
        if kind == "crowd" or shot.camera == "Public":
            return self._crowd(size, team, rng)
        return self._bench(size, team, self._swap(shot, team), rng)

    def _swap(self, shot: CameraShot, team: int) -> tuple[int, int] | None:
        """Squad indices (off, on) of the substitution that a shot belongs to, if any."""
        for action in self.half.actions:
            near = (
                shot.start_seconds - _SUBSTITUTION_SECONDS
                <= action.seconds
                <= shot.end_seconds + _SUBSTITUTION_SECONDS
            )
            if near and action.kind == "substitution" and action.team == team:
                off, on = action.player, action.other
                if off is not None and on is not None:
                    return off, on
        return None

    def _crowd(self, size: Size, team: int, rng: np.random.Generator) -> list[Image.Image]:
        kit = (self.script.home, self.script.away)[team].kit
        rows, columns = 6, 13
        cell = size[0] / columns
        per_metre = cell / 0.75
        scale = round(math.log(per_metre) / math.log(SCALE_STEP))
        people = []
        for _ in range(24):
            loyal = rng.random() < 0.7
            dark = _TRACKSUITS[int(rng.integers(3))]
            shirt = kit.shirt if loyal else dark
            clothes = Kit(shirt, kit.trim, dark, dark, kit.pattern if loyal else "plain")
            people.append(Look(clothes, *_complexion(rng)))
        moods = [POSTURES[Pose.CHEER], POSTURES[Pose.STAND], BOARD_UP]
        lively = rng.uniform(0.2, 0.8)
        seats = [
            (row, column, int(rng.integers(24)), rng.uniform(-0.2, 0.2, 2))
            for row in range(rows)
            for column in range(-1, columns + 1)
        ]
        pictures = []
        sprites = {
            (k, m): paint_figure(people[k], View(moods[m], 8, 1, scale))
            for k in range(24)
            for m in range(3)
        }
        for _ in range(4):
            picture = Image.new("RGB", size, shade(self.clutter.seats, 0.45))
            for row, column, k, (dx, dy) in seats:
                mood = 1 if rng.random() > lively else int(rng.choice([0, 2]))
                sprite = sprites[(k, mood)]
                bounce = rng.uniform(-0.08, 0.0) * cell
                x = (column + 0.5 * (row % 2) + dx) * cell
                y = (row + 1.3 + 0.5 * dy) * size[1] / rows + 0.9 * per_metre + bounce
                left, top = round(x) - sprite.anchor[0], round(y) - sprite.anchor[1]
                picture.paste(sprite.image, (left, top), sprite.image)
            pictures.append(picture)
        return pictures

    def _bench(
        self, size: Size, team: int, swap: tuple[int, int] | None, rng: np.random.Generator
    ) -> list[Image.Image]:
        width, height = size
        side = (self.script.home, self.script.away)[team]
        kit = side.kit
        picture = Image.new("RGB", size, self.clutter.grass)
        crowd = paint_crowd(
            self.clutter,
            (kit.shirt, kit.trim),
            metres=(30, 8),
            pixels_per_metre=width / 30,
            seed=(int(rng.integers(2**31)),),
        )[0].resize((width, round(height * 0.5)))
        picture.paste(crowd.filter(ImageFilter.GaussianBlur(width / 250)), (0, 0))
        draw = ImageDraw.Draw(picture)
        roof, seat, foot = height * 0.28, height * 0.58, height * 0.68
        draw.rectangle([0, roof, width, foot], fill=(34, 37, 44))
        draw.rectangle([0, roof, width, roof + height * 0.03], fill=(190, 195, 205))
        draw.rectangle([0, seat, width, foot], fill=shade(kit.shirt, 0.55))
        draw.rectangle([0, height * 0.8, width, height * 0.815], fill=(228, 232, 226))
        suit = Kit(_TRACKSUITS[team], kit.trim, _TRACKSUITS[team], _TRACKSUITS[team])
        scale = round(math.log(height * 0.26) / math.log(SCALE_STEP))
        for k in range(9):
            x = round(width * (k + 0.5 + rng.uniform(-0.1, 0.1)) / 9)
            look = Look(suit, *_complexion(rng))
            _stamp(picture, look, View(SITTING, 8, 1, scale), x, round(foot + height * 0.03))
        pictures = []
        for _ in range(2):
            variant = picture.copy()
            if swap is None:
                # The coach at the edge of his area.
                suited = Kit((28, 28, 34), (230, 230, 235), (28, 28, 34), (28, 28, 34))
                posture = POSTURES[Pose.POINT if rng.random() < 0.5 else Pose.STAND]
                look = Look(suited, *_complexion(np.random.default_rng(team + 5)))
                scale = round(math.log(height * 0.4) / math.log(SCALE_STEP))
                x = round(width * 0.5)
                _stamp(variant, look, View(posture, 9, 1, scale), x, round(height * 0.93))
            else:
                self._swap_scene(variant, team, swap, rng)
            pictures.append(variant)
        return pictures

    def _swap_scene(
        self, picture: Image.Image, team: int, swap: tuple[int, int], rng: np.random.Generator
    ) -> None:
        """The fourth official with the board between the two who change places."""
        width, height = picture.size
        squad = (self.script.home, self.script.away)[team]
        scale = round(math.log(height * 0.36) / math.log(SCALE_STEP))
        official = Look(self.script.referee_kit, (205, 160, 130), (40, 30, 25))
        view = View(BOARD_UP, 8, 1, scale, "board")
        foot = round(height * 0.95)
        sprite = _stamp(picture, official, view, width // 2, foot)
        off, on = (squad.squad[k] for k in swap)
        for player, x, turn in ((off, 0.27, 6), (on, 0.73, 10)):
            look = Look(squad.kit, player.skin, player.hair, player.number)
            still = POSTURES[Pose.STAND]
            _stamp(picture, look, View(still, turn, 1, scale), round(width * x), foot)
        _numbers(picture, sprite[0], sprite[1], height, (off.number, on.number))


def _numbers(picture: Image.Image, x: int, top: int, height: int, numbers: tuple[int, int]) -> None:
    """The board's red and green digits, with the board's top edge at ``top``."""
    high, wide = round(height * 0.17), round(height * 0.2)
    draw = ImageDraw.Draw(picture)
    draw.rectangle([x - wide - 3, top - 3, x + wide + 3, top + high + 3], fill=(16, 16, 18))
    letters = font(round(high * 0.95))
    for number, colour, centre in (
        (numbers[0], (255, 50, 40), x - wide / 2),
        (numbers[1], (60, 255, 80), x + wide / 2),
    ):
        draw.text(
            (centre, top + high / 2), str(number), font=letters, fill=colour, anchor="mm",
            stroke_width=max(1, high // 18), stroke_fill=colour,
        )  # fmt: skip


def _stamp(picture: Image.Image, look: Look, view: View, x: int, foot: int) -> tuple[int, int]:
    """Put a figure with its feet at a pixel; gives (x, top) of what it holds up."""
    sprite = paint_figure(look, view)
    left, top = x - sprite.anchor[0], foot - sprite.anchor[1]
    picture.paste(sprite.image, (left, top), sprite.image)
    return x, top + sprite.box[1]


def _complexion(rng: np.random.Generator) -> tuple[Rgb, Rgb]:
    skins: tuple[Rgb, ...] = ((232, 190, 160), (205, 155, 122), (150, 105, 80), (98, 68, 52))
    hairs: tuple[Rgb, ...] = ((35, 25, 18), (90, 60, 35), (200, 165, 100), (20, 18, 18))
    return skins[int(rng.integers(4))], hairs[int(rng.integers(4))]
