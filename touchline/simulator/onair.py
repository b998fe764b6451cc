"""The graphics of the broadcast look: the score bug, panels, tickers and the wipe of a match."""

from PIL import Image

from touchline.simulator.bug import BugPainter, entering
from touchline.simulator.camera import Size
from touchline.simulator.overlays import Overlays
from touchline.simulator.panels import faint, paint_panel, strip, tape
from touchline.simulator.production import Panel, Production
from touchline.simulator.script import HalfScript, MatchScript
from touchline.simulator.wipes import WipeStyle

_TICKER_SECONDS = 6.0
_EDGE_SPEED = 0.05
"""Widths of the picture a second that the ticker at the edge runs."""

_PANEL_SECONDS = 0.4


class BroadcastOverlays(Overlays):
    """The graphics of one half as its production has decided them."""

    def __init__(
        self, script: MatchScript, half: HalfScript, size: Size, production: Production
    ) -> None:
        super().__init__(script, half, size)
        self._production = production
        self._decided = production.halves[half.number - 1]
        self._painter = BugPainter(production.design, production.sides, size)
        main, accent, ink = production.colours
        self._plate, self._ink, self._accent = main, ink, accent
        self._style = WipeStyle(size, main, accent, ink, production.league[:3], production.turned)
        self._panel_images: dict[int, Image.Image] = {}
        self._words = max(5, round(0.026 * size[1]))

    def draw(self, frame: Image.Image, seconds: float, is_replay: bool) -> None:
        """Lay everything but the wipes over a frame."""
        self._draw_captions(frame, seconds)
        for k, panel in enumerate(self._decided.panels):
            if panel.start <= seconds < panel.end:
                self._lay_panel(frame, k, panel, seconds)
        self._draw_channel(frame, seconds)
        if self._production.design.ticker == "edge":
            self._draw_edge(frame, seconds)
        if is_replay and self._replay_mark:
            self._draw_replay_mark(frame)
        if not self._production.design.over_wipes or not self._wiping(seconds):
            self._draw_bug(frame, seconds)

    def wipe(self, frame: Image.Image, progress: float, seconds: float) -> None:
        """Lay the wipe over a finished frame; some bugs stay above it."""
        self._production.wipe.lay(frame, progress, self._style)
        if self._production.design.over_wipes:
            self._draw_bug(frame, seconds)

    def _wiping(self, seconds: float) -> bool:
        return any(start <= seconds < end for start, end in self._decided.wipes)

    def _draw_bug(self, frame: Image.Image, seconds: float) -> None:
        production, half = self._production, self._decided
        share = production.presence(half, seconds)
        if share <= 0:
            return
        team = production.banner_at(half, seconds)
        if team is not None:
            bug = self._painter.banner(f"GOAL {production.sides[team].text}", team)
        else:
            bug = self._painter.paint(production.text_at(half, seconds))
        placed = entering(bug, share, production.design.enters, self.size)
        if placed is None:
            return
        frame.paste(placed.image, placed.box[:2], placed.image)
        if production.design.ticker == "under" and share >= 1:
            other = production.others[int(seconds / _TICKER_SECONDS) % len(production.others)]
            line = strip(other, "condensed", self._words, self._ink, self._plate)
            frame.paste(line, (placed.box[0], placed.box[3] + 1))

    def _draw_channel(self, frame: Image.Image, seconds: float) -> None:
        production = self._production
        if production.channel is None:
            return
        words = [production.channel]
        if production.day_clock:
            words.append(self._time_of_day(seconds))
        right = "right" not in production.design.place or "bottom" in production.design.place
        y = round(0.05 * self.size[1])
        for k, text in enumerate(words):
            mask = faint(text, self._words if k == 0 else round(0.85 * self._words))
            x = round(0.04 * self.size[0])
            x = self.size[0] - x - mask.width if right else x
            frame.paste((255, 255, 255), (x, y), mask)
            y += round(1.6 * self._words)

    def _time_of_day(self, seconds: float) -> str:
        hour, minute = self.script.name.split(" - ")[1].split(" ")[0].split("-")
        later = 60 * (self.half.number - 1)
        total = int(hour) * 60 + int(minute) + later + int(seconds // 60)
        return f"{total // 60 % 24:02d}:{total % 60:02d}"

    def _draw_edge(self, frame: Image.Image, seconds: float) -> None:
        """A band at the foot of the picture along which the scores of other matches run."""
        height = round(2 * self._words)
        band = tape(self._production.others, self._words, self._ink, self._plate)
        x = round(seconds * _EDGE_SPEED * self.size[0]) % band.width
        for left in range(-x, self.size[0], band.width):
            frame.paste(band, (left, self.size[1] - height))

    def _draw_replay_mark(self, frame: Image.Image) -> None:
        mark = strip("REPLAY", "bold", self._words, self._ink, self._plate)
        left = self.size[0] - mark.width - round(0.04 * self.size[0])
        frame.paste(mark, (left, round(0.14 * self.size[1])))

    def _caption_floor(self) -> int:
        """Captions stand clear of a bug or ticker at the foot of the picture."""
        design = self._production.design
        floor = super()._caption_floor()
        if design.ticker == "edge":
            floor += round(2 * self._words)
        if "bottom" in design.place:
            rows = len(design.rows) * design.row_height
            floor = max(floor, round((design.margin[1] + rows + 0.02) * self.size[1]))
        return floor

    def _lay_panel(self, frame: Image.Image, index: int, panel: Panel, seconds: float) -> None:
        if index not in self._panel_images:
            self._panel_images[index] = paint_panel(panel, self.size, self._production.colours)
        image = self._panel_images[index]
        since = min(seconds - panel.start, panel.end - seconds)
        share = min(1.0, since / _PANEL_SECONDS + 0.1)
        part = image.crop((0, 0, max(1, round(image.width * share)), image.height))
        left = (self.size[0] - image.width) // 2
        top = (self.size[1] - image.height) // 2
        if not panel.fills_picture:
            top = self.size[1] - image.height - self._caption_floor()
        frame.paste(part, (left, top), part)
