"""What a broadcaster lays over the picture: score bug, captions, boards, wipes."""

from functools import lru_cache

import numpy as np
from PIL import Image, ImageDraw

from touchline.simulator.camera import Size
from touchline.simulator.figures import font, shade
from touchline.simulator.script import Graphic, HalfScript, MatchScript, Rgb
from touchline.timebase import format_seconds

WIPE_SECONDS = 0.56
DISSOLVE_SECONDS = 0.4

_ON: Rgb = (40, 190, 70)
_OFF: Rgb = (225, 40, 45)


class Overlays:
    """The graphics of one half in the classic look: plain, and the same in every match.

    ``onair.BroadcastOverlays`` are those of the broadcast look.
    """

    def __init__(self, script: MatchScript, half: HalfScript, size: Size) -> None:
        rng = np.random.default_rng((script.clutter_seed, 0x6F7))
        self.script, self.half, self.size = script, half, size
        self._unit = size[1] / 224
        self._plate: Rgb = [(22, 24, 32), (235, 236, 240), (20, 35, 90), (60, 10, 60)][
            int(rng.integers(4))
        ]
        self._ink: Rgb = (250, 250, 250) if sum(self._plate) < 400 else (15, 16, 24)
        self._accent: Rgb = [(240, 60, 70), (60, 200, 240), (250, 190, 40), (150, 240, 90)][
            int(rng.integers(4))
        ]
        self._clock_first = bool(rng.random() < 0.5)
        self._replay_mark = bool(rng.random() < 0.4)
        self._hides_bug = bool(rng.random() < 0.4)
        self._margin = (round(size[0] * rng.uniform(0.03, 0.07)), round(size[1] * 0.06))
        self._league = "".join(word[0] for word in script.name.split("/")[0].split("_")).upper()
        self._bugs: dict[tuple[str, int, int], Image.Image] = {}
        self._captions: dict[int, Image.Image] = {}

    def draw(self, frame: Image.Image, seconds: float, is_replay: bool) -> None:
        """Lay everything but the wipes over a frame."""
        if not (is_replay and self._hides_bug):
            bug = self._bug(seconds)
            frame.paste(bug, self._margin, bug)
        if is_replay and self._replay_mark:
            mark = _label("REPLAY", round(10 * self._unit), self._ink, self._plate)
            frame.paste(mark, (self.size[0] - mark.width - self._margin[0], self._margin[1]))
        self._draw_captions(frame, seconds)

    def _draw_captions(self, frame: Image.Image, seconds: float) -> None:
        for k, graphic in enumerate(self.half.graphics):
            if graphic.kind != "logo" and graphic.start_seconds <= seconds < graphic.end_seconds:
                self._lay(frame, k, graphic, seconds)

    def _caption_floor(self) -> int:
        """Pixels between captions and the lower edge of the picture."""
        return round(15 * self._unit)

    def wipe(self, frame: Image.Image, progress: float, seconds: float) -> None:
        """Sweep the league's band over a frame; at ``progress`` one half it covers all of it."""
        width, height = self.size
        slant = 0.35 * height
        reach = width + 2 * slant
        # The band enters from the left, covers everything in the middle third, leaves right.
        front = min(1.0, progress * 3) * reach
        tail = max(0.0, progress * 3 - 2) * reach
        draw = ImageDraw.Draw(frame)
        for inset, colour in ((0.0, self._accent), (0.06 * width, self._plate)):
            left, right = tail - slant + inset, front - slant - inset
            if 1 / 3 <= progress <= 2 / 3:
                left, right = -slant - inset, width + slant + inset
            if right > left:
                corners = [(left + slant, 0), (right + slant, 0), (right, height), (left, height)]
                draw.polygon(corners, fill=colour)
        centre = (front + tail) / 2 - slant / 2 if not 1 / 3 <= progress <= 2 / 3 else width / 2
        radius = 0.22 * height
        box = [centre - radius, height / 2 - radius, centre + radius, height / 2 + radius]
        draw.ellipse(box, fill=self._accent, outline=self._ink, width=max(1, round(3 * self._unit)))
        draw.text(
            (centre, height / 2), self._league[:3] or "TL", font=font(max(8, round(0.17 * height))),
            fill=self._plate, anchor="mm", stroke_width=max(1, round(self._unit)),
            stroke_fill=self._plate,
        )  # fmt: skip

    def _bug(self, seconds: float) -> Image.Image:
        clock = format_seconds(seconds + 45 * 60 * (self.half.number - 1))
        clock = clock.zfill(5)
        home = away = 0
        for at, home_goals, away_goals in self.half.score_changes:
            if at <= seconds + 1e-6:
                home, away = home_goals, away_goals
        key = (clock, home, away)
        if key not in self._bugs:
            # Only the current second is ever asked for again.
            self._bugs.clear()
            self._bugs[key] = self._paint_bug(*key)
        return self._bugs[key]

    def _paint_bug(self, clock: str, home: int, away: int) -> Image.Image:
        u = self._unit
        height, letters = round(13 * u), font(max(7, round(10.5 * u)))
        teams = (self.script.home, self.script.away)
        cells: list[tuple[str, float, Rgb, Rgb, Rgb | None]] = [
            (team.short_name[:3].upper(), 27.0, self._plate, self._ink, team.kit.shirt)
            for team in teams
        ]
        cells.insert(1, (f"{home}-{away}", 22.0, self._accent, (15, 16, 24), None))
        clock_cell = (clock, 33.0, shade(self._plate, 0.8), self._ink, None)
        cells.insert(0 if self._clock_first else 3, clock_cell)
        bug = Image.new("RGBA", (round(sum(cell[1] for cell in cells) * u) + 1, height + 1))
        draw = ImageDraw.Draw(bug)
        x = 0.0
        for text, wide, back, ink, mark in cells:
            draw.rectangle([x, 0, x + wide * u, height], fill=(*back, 235))
            spot = (x + wide * u / 2, height / 2)
            draw.text(
                spot, text, font=letters, fill=(*ink, 255), anchor="mm",
                stroke_width=0.3 * u, stroke_fill=(*ink, 255),
            )  # fmt: skip
            if mark is not None:
                draw.rectangle([x, 0, x + 2 * u, height], fill=(*mark, 255))
            x += wide * u
        return bug

    def _lay(self, frame: Image.Image, index: int, graphic: Graphic, seconds: float) -> None:
        if index not in self._captions:
            self._captions[index] = self._paint_caption(graphic)
        caption = self._captions[index]
        since = min(seconds - graphic.start_seconds, graphic.end_seconds - seconds)
        shown = min(1.0, since / 0.3 + 0.1)
        part = caption.crop((0, 0, max(1, round(caption.width * shown)), caption.height))
        left = (self.size[0] - caption.width) // 2 if graphic.kind == "caption" else self._margin[0]
        frame.paste(part, (left, self.size[1] - caption.height - self._caption_floor()), part)

    def _paint_caption(self, graphic: Graphic) -> Image.Image:
        if graphic.kind == "board":
            return self._paint_board(graphic)
        u = self._unit
        row = round(17 * u)
        letters = font(max(8, round(12 * u)))
        lines = graphic.lines[:2] or ("",)
        texts = max(float(letters.getlength(line)) for line in lines)
        width = min(round(self.size[0] * 0.9), round(texts + 52 * u))
        caption = Image.new("RGBA", (width, row * len(lines)), (*self._plate, 225))
        draw = ImageDraw.Draw(caption)
        draw.rectangle([0, 0, 6 * u, caption.height], fill=(*graphic.colour, 255))
        swaps = [line.upper().startswith(("IN ", "OUT ")) for line in lines]
        for k, line in enumerate(lines):
            middle = (k + 0.5) * row
            if swaps[k]:
                coming = line.upper().startswith("IN ")
                _arrow(draw, 15 * u, middle, 5 * u, _ON if coming else _OFF, up=coming)
            draw.text(
                (26 * u if swaps[k] else 14 * u, middle), line, font=letters,
                fill=(*self._ink, 255), anchor="lm",
                stroke_width=0.3 * u if k == 0 else 0, stroke_fill=(*self._ink, 255),
            )  # fmt: skip
        if _is_card(graphic.colour) and not any(swaps) and "GOAL" not in " ".join(lines):
            left, middle = width - 16 * u, caption.height / 2
            chip = [left, middle - 7 * u, left + 10 * u, middle + 7 * u]
            draw.rectangle(chip, fill=(*graphic.colour, 255))
        return caption

    def _paint_board(self, graphic: Graphic) -> Image.Image:
        """The electronic board: who leaves in red, who comes in green."""
        u = self._unit
        wide, high = round(62 * u), round(28 * u)
        board = Image.new("RGBA", (wide, high), (14, 14, 16, 240))
        draw = ImageDraw.Draw(board)
        edge = max(1, round(1.5 * u))
        draw.rectangle([0, 0, wide - 1, high - 1], outline=(150, 152, 158, 255), width=edge)
        letters = font(max(10, round(22 * u)))
        for k, (text, colour) in enumerate(zip(graphic.lines[:2], (_OFF, _ON), strict=False)):
            draw.text(
                ((0.26 + 0.48 * k) * wide, high / 2), text, font=letters, fill=(*colour, 255),
                anchor="mm", stroke_width=0.6 * u, stroke_fill=(*colour, 255),
            )  # fmt: skip
        return board


def _is_card(colour: Rgb) -> bool:
    red, green, blue = colour
    return red > 190 and blue < 60 and (green > 180 or green < 60)


def _arrow(
    draw: ImageDraw.ImageDraw, x: float, y: float, r: float, colour: Rgb, *, up: bool
) -> None:
    tip = -r if up else r
    draw.polygon([(x - r, y - tip / 2), (x + r, y - tip / 2), (x, y + tip)], fill=(*colour, 255))


@lru_cache(maxsize=16)
def _label(text: str, pixels: int, ink: Rgb, back: Rgb) -> Image.Image:
    letters = font(max(7, pixels))
    left, top, right, bottom = letters.getbbox(text)
    label = Image.new(
        "RGB", (int(right - left) + pixels, int(bottom - top) + pixels // 2 + 2), back
    )
    spot = (label.width / 2, label.height / 2)
    ImageDraw.Draw(label).text(spot, text, font=letters, fill=ink, anchor="mm")
    return label
