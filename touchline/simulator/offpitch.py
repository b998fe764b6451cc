"""What the broadcast shows away from the pitch: the bench with its board, and the crowd."""

import math
from dataclasses import dataclass

import numpy as np
from PIL import Image, ImageDraw, ImageFilter

from touchline.simulator.camera import Size
from touchline.simulator.figures import (
    BOARD_UP,
    PHASES,
    POSTURES,
    SCALE_STEP,
    SITTING,
    Look,
    View,
    Wardrobe,
    font,
    paint_figure,
    posture_of,
    shade,
)
from touchline.simulator.motion import Pose
from touchline.simulator.scenery import Clutter, paint_crowd
from touchline.simulator.script import CameraShot, HalfScript, Kit, MatchScript, Rgb

_MARGIN = 1.25
_TRACKSUITS: tuple[Rgb, ...] = ((30, 32, 40), (60, 62, 70), (20, 40, 80))
_SUBSTITUTION_SECONDS = 20.0


@dataclass(frozen=True)
class _Swap:
    """A substitution: when the two pass each other, and who they are (squad indices)."""

    seconds: float
    off: int
    on: int


class OffPitch:
    """Pictures of the bench and the crowd, one set per shot."""

    def __init__(self, script: MatchScript, half: HalfScript, size: Size, clutter: Clutter) -> None:
        self.script, self.half, self.size, self.clutter = script, half, size, clutter
        self._pictures: dict[int, list[Image.Image]] = {}
        self._wardrobe = Wardrobe()

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
        frame = picture.crop((left, top, left + width, top + height))
        if not _shows_crowd(shot):
            team = shot.subject[1] if shot.subject else 0
            swap = self._swap(shot, team)
            if swap is None:
                self._coach(frame, team, index, since)
            else:
                self._act_swap(frame, team, swap, shot.pitch_seconds(seconds))
        return frame

    def _paint(self, index: int, shot: CameraShot) -> list[Image.Image]:
        rng = np.random.default_rng((self.script.clutter_seed, self.half.number, index, 0xB))
        size = (round(self.size[0] * _MARGIN), round(self.size[1] * _MARGIN))
        team = shot.subject[1] if shot.subject else 0
        if _shows_crowd(shot):
            return self._crowd(size, team, rng)
        return [self._bench(size, team, rng)]

    def _swap(self, shot: CameraShot, team: int) -> _Swap | None:
        """The substitution that a shot of the bench belongs to, if any."""
        first = shot.source_start_seconds - _SUBSTITUTION_SECONDS
        last = shot.pitch_seconds(shot.end_seconds) + _SUBSTITUTION_SECONDS
        for action in self.half.actions:
            off, on = action.player, action.other
            if action.kind != "substitution" or action.team != team or off is None or on is None:
                continue
            if first <= action.seconds <= last:
                return _Swap(action.seconds, off, on)
        return None

    def _crowd(self, size: Size, team: int, rng: np.random.Generator) -> list[Image.Image]:
        kit = (self.script.home, self.script.away)[team].kit
        rows, columns = 6, 13
        cell = size[0] / columns
        per_metre = cell / 0.75
        scale = _scale(per_metre)
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

    def _bench(self, size: Size, team: int, rng: np.random.Generator) -> Image.Image:
        """Substitutes under their roof, the crowd behind, the touchline before them."""
        width, height = size
        kit = (self.script.home, self.script.away)[team].kit
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
        scale = _scale(height * 0.26)
        for k in range(9):
            x = width * (k + 0.5 + rng.uniform(-0.1, 0.1)) / 9
            view = View(SITTING, 8, 1, scale)
            self._stamp(picture, Look(suit, *_complexion(rng)), view, x, foot + height * 0.03)
        return picture

    def _coach(self, frame: Image.Image, team: int, index: int, since: float) -> None:
        """The coach at the edge of his area, pacing and pointing."""
        width, height = self.size
        rng = np.random.default_rng((self.script.clutter_seed, team))
        suit = Kit((28, 28, 34), (230, 230, 235), (28, 28, 34), (28, 28, 34))
        beat = int(since / 1.6 + index) % 4
        stride = posture_of(Pose.RUN, int(since * PHASES) % PHASES, 1)
        posture = (POSTURES[Pose.POINT], stride, POSTURES[Pose.STAND], stride)[beat]
        turn = (9, 12, 8, 4)[beat]
        x = width * (0.5 + 0.12 * math.sin(math.pi * (since + 1.6 * index) / 3.2))
        view = View(posture, turn, 1, _scale(height * 0.5))
        self._stamp(frame, Look(suit, *_complexion(rng)), view, x, height * 0.98)

    def _act_swap(self, frame: Image.Image, team: int, swap: _Swap, seconds: float) -> None:
        """The board goes up, one walks off past the other, who runs on; then it comes down."""
        width, height = self.size
        side = (self.script.home, self.script.away)[team]
        since, scale, foot = seconds - swap.seconds, _scale(height * 0.45), height * 0.97
        phase = int(seconds * 1.2 % 1 * PHASES)
        board_up = since < 1.2
        official = Look(self.script.referee_kit, (205, 160, 130), (40, 30, 25))
        view = View(BOARD_UP if board_up else POSTURES[Pose.STAND], 8, 1, scale)
        top = self._stamp(frame, official, view, width / 2, foot - 0.06 * height)
        off, on = side.squad[swap.off], side.squad[swap.on]
        if board_up:
            _numbers(frame, round(width / 2), top, height, (off.number, on.number))
        # Fractions of the width: the one walks in from the right, the other runs out to it.
        off_x = float(np.interp(since, (-4.0, -0.2, 0.6, 4.0), (1.15, 0.68, 0.62, -0.2)))
        on_x = float(np.interp(since, (0.3, 2.8), (0.3, 1.3)))
        off_walks, on_runs = not -0.2 < since < 0.6, since > 0.3
        for player, x, moving, gait, still_turn, turn in (
            (on, on_x, on_runs, 2, 10, 12),
            (off, off_x, off_walks, 1, 5, 4),
        ):
            look = Look(side.kit, player.skin, player.hair, player.number)
            posture = posture_of(Pose.RUN, phase, gait) if moving else POSTURES[Pose.STAND]
            view = View(posture, turn if moving else still_turn, 1, scale)
            self._stamp(frame, look, view, width * x, foot)

    def _stamp(self, picture: Image.Image, look: Look, view: View, x: float, foot: float) -> int:
        """Put a figure with its feet at a pixel; gives the row of its highest pixel."""
        sprite = self._wardrobe.sprite(look, view)
        left, top = round(x) - sprite.anchor[0], round(foot) - sprite.anchor[1]
        picture.paste(sprite.image, (left, top), sprite.image)
        return top + sprite.box[1]


def _shows_crowd(shot: CameraShot) -> bool:
    return shot.camera == "Public" or (shot.subject is not None and shot.subject[0] == "crowd")


def _scale(pixels_per_metre: float) -> int:
    return round(math.log(pixels_per_metre) / math.log(SCALE_STEP))


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


def _complexion(rng: np.random.Generator) -> tuple[Rgb, Rgb]:
    skins: tuple[Rgb, ...] = ((232, 190, 160), (205, 155, 122), (150, 105, 80), (98, 68, 52))
    hairs: tuple[Rgb, ...] = ((35, 25, 18), (90, 60, 35), (200, 165, 100), (20, 18, 18))
    return skins[int(rng.integers(4))], hairs[int(rng.integers(4))]
