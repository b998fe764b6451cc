"""A score bug as pixels: a design of ``bug_designs`` saying something about a match."""

from collections import OrderedDict
from dataclasses import dataclass

from PIL import Image, ImageChops, ImageDraw

from touchline.simulator.bug_designs import BLACK, WHITE, BugDesign, Colour, Part
from touchline.simulator.camera import Size
from touchline.simulator.faces import lettering
from touchline.simulator.script import Rgb

Rectangle = tuple[int, int, int, int]
"""Left, top, right, bottom in pixels; right and bottom lie outside."""

_RED: Rgb = (235, 24, 30)
_KEPT = 24


@dataclass(frozen=True)
class BugSide:
    """A team as a bug shows it.

    Attributes:
        text: code or name as written.
        shirt, trim: its colours.
    """

    text: str
    shirt: Rgb
    trim: Rgb


@dataclass(frozen=True)
class BugText:
    """What a bug says at an instant; None where it leaves a part out.

    Attributes:
        clock: the clock, ``beside`` a second one that runs in added time.
        added: the plate with the minutes to be added.
        aggregate: the score of both legs.
        reds: red cards of the two teams.
        lit: the team whose goal makes its part blink, while it is inverted.
    """

    score: tuple[int, int]
    clock: str | None = None
    beside: str | None = None
    period: str | None = None
    league: str | None = None
    added: str | None = None
    aggregate: str | None = None
    reds: tuple[int, int] = (0, 0)
    lit: int | None = None


@dataclass(frozen=True, eq=False)
class PaintedBug:
    """A bug at its place in the picture.

    Attributes:
        image: RGBA, of the size of ``box``.
        box: where it lies in the picture.
        parts: where each of its parts lies in the picture.
    """

    image: Image.Image
    box: Rectangle
    parts: dict[str, Rectangle]


class BugPainter:
    """Paints the bug of one match.

    Args:
        size: (width, height) of the picture in pixels.
    """

    def __init__(self, design: BugDesign, sides: tuple[BugSide, BugSide], size: Size) -> None:
        self.design, self.sides, self.size = design, sides, size
        self._row = max(8, round(design.row_height * size[1]))
        self._capitals = max(5, round(design.capitals * self._row))
        self._kept: OrderedDict[BugText, PaintedBug] = OrderedDict()

    def paint(self, text: BugText) -> PaintedBug:
        """The bug saying something; what it said of late is kept."""
        if text in self._kept:
            self._kept.move_to_end(text)
            return self._kept[text]
        painted = self._kept[text] = self._paint(text)
        if len(self._kept) > _KEPT:
            self._kept.popitem(last=False)
        return painted

    def words(self, text: BugText) -> dict[str, str]:
        """What stands in each part, exactly as written."""
        home, away = text.score
        score = f"{home}{self.design.separator}{away}"
        said = {
            "home": self.sides[0].text,
            "away": self.sides[1].text,
            "score": score,
            "home score": str(home),
            "away score": str(away),
            "clock": text.clock,
            "beside": text.beside,
            "period": text.period,
            "league": text.league,
            "added": text.added,
            "aggregate": text.aggregate,
        }
        wanted = {part for row in self._rows(text) for part in row}
        return {part: words for part, words in said.items() if words and part in wanted}

    def banner(self, text: str, team: int) -> PaintedBug:
        """A plate in the place of the bug: a goal of a team."""
        box, _ = self.layout(BugText((0, 0), clock="00:00", period=self.design.periods[0]))
        width, height = box[2] - box[0], box[3] - box[1]
        shirt = self.sides[team].shirt
        image = Image.new("RGBA", (width, height), (*shirt, 255))
        capitals = max(5, min(round(0.5 * height), self._row))
        mask = lettering(self.design.face, text, capitals)
        if mask.width > 0.9 * width:
            capitals = max(5, int(capitals * 0.9 * width / mask.width))
            mask = lettering(self.design.face, text, capitals)
        spot = ((width - mask.width) // 2, (height - mask.height) // 2)
        image.paste((*_readable(shirt), 255), spot, mask)
        return PaintedBug(image, box, {})

    def _rows(self, text: BugText) -> list[list[str]]:
        """The parts to be drawn: those of the design that have something to say now."""
        silent = {
            "clock": text.clock is None,
            "beside": text.beside is None,
            "period": text.period is None,
            "league": text.league is None,
            "added": text.added is None,
            "aggregate": text.aggregate is None,
        }
        rows = []
        for row in self.design.rows:
            parts = list(row)
            if "clock" in parts:
                after_clock = parts.index("clock") + 1
                if after_clock == len(parts) or self.design.rows[-1] == row:
                    parts.insert(after_clock, "beside")
                else:
                    parts.append("beside")
            parts = [part for part in parts if not silent.get(part, False)]
            if any(part != "gap" for part in parts):
                rows.append(parts)
        return rows

    def layout(self, text: BugText) -> tuple[Rectangle, dict[str, Rectangle]]:
        """Where the bug and its parts lie in the picture when it says something."""
        rows = self._rows(text)
        widths = self._widths(rows, text)
        full = max(sum(row) for row in widths)
        left, top = self._place((full, self._row * len(rows)))
        parts: dict[str, Rectangle] = {}
        for k, (names, row_widths) in enumerate(zip(rows, widths, strict=True)):
            x, y = left + self._shift(full, row_widths), top + k * self._row
            for part, width in zip(names, row_widths, strict=True):
                if part != "gap":
                    parts[part] = (x, y, x + width, y + self._row)
                x += width
        return (left, top, left + full, top + self._row * len(rows)), parts

    def _shift(self, full: int, widths: list[int]) -> int:
        """How far a row stands from the left edge of the widest."""
        spare = full - sum(widths)
        return {"l": 0, "r": spare}.get(self._side(), spare // 2)

    def _paint(self, text: BugText) -> PaintedBug:
        rows = self._rows(text)
        widths = self._widths(rows, text)
        box, parts = self.layout(text)
        full = box[2] - box[0]
        image = Image.new("RGBA", (full, box[3] - box[1]))
        for k, (names, row_widths) in enumerate(zip(rows, widths, strict=True)):
            line = self._paint_row(names, row_widths, text)
            image.paste(line, (self._shift(full, row_widths), k * self._row))
        if self.design.rule is not None:
            thick = max(1, self._row // 14)
            ImageDraw.Draw(image).rectangle(
                [0, image.height - thick, image.width, image.height],
                fill=(*self.design.rule, 255),
            )
        return PaintedBug(image, box, parts)

    def _side(self) -> str:
        """Where the bug is anchored: ``l`` left, ``r`` right, ``m`` in the middle."""
        place = self.design.place
        return "l" if "left" in place else "r" if "right" in place else "m"

    def _place(self, size: Size) -> tuple[int, int]:
        width, height = self.size
        across, down = (round(m * s) for m, s in zip(self.design.margin, self.size, strict=True))
        left = {"l": across, "r": width - across - size[0]}.get(
            self._side(), (width - size[0]) // 2
        )
        top = down if "top" in self.design.place else height - down - size[1]
        return max(0, left), max(0, top)

    def _widths(self, rows: list[list[str]], text: BugText) -> list[list[int]]:
        widths = [[self._width(part, text) for part in row] for row in rows]
        most = max(len(row) for row in rows)
        if most > 1 and sum(len(row) == most for row in rows) > 1:  # a table: columns in line
            table = [row for row in widths if len(row) == most]
            columns = [max(column) for column in zip(*table, strict=True)]
            widths = [columns if len(row) == most else row for row in widths]
        full = max(sum(row) for row in widths)
        return [[full] if len(row) == 1 and len(rows) > 1 else row for row in widths]

    def _style(self, part: str) -> Part:
        base = "clock" if part == "beside" else part
        return self.design.parts.get(base, Part())

    def _width(self, part: str, text: BugText) -> int:
        if part == "gap":
            return round(0.5 * self._row)
        if part.endswith("crest"):
            return self._row
        style = self._style(part)
        capitals = self._letters(style)
        words = self.words(text)[part]
        # Digits take the width of the widest, so that a running clock does not shiver.
        widest = "".join("0" if c.isdigit() else c for c in words)
        if part == "clock":
            widest = max(widest, "00:00", key=len)
        text_width = lettering(style.face or self.design.face, widest, capitals).width
        stripe = 0.2 * self._row if part in ("home", "away") else 0.0
        return round(text_width + 2 * style.pad * capitals + stripe)

    def _letters(self, style: Part) -> int:
        return max(5, round(self._capitals * style.size))

    def _paint_row(self, parts: list[str], widths: list[int], text: BugText) -> Image.Image:
        row = self._row
        line = Image.new("RGBA", (sum(widths), row))
        shape = Image.new("L", line.size)
        draw = ImageDraw.Draw(shape)
        x, start = 0, 0
        for part, width in zip([*parts, "gap"], [*widths, 0], strict=True):
            if part == "gap":
                _outline(draw, start, x, row, self.design.corners)
                start = x + width
            else:
                line.paste(self._paint_part(part, width, text), (x, 0))
            x += width
        if self.design.corners:
            line.putalpha(ImageChops.darker(line.getchannel("A"), shape))
        return line

    def _paint_part(self, part: str, width: int, text: BugText) -> Image.Image:
        style, row = self._style(part), self._row
        plate = self.design.plate if style.plate is None else style.plate
        team = {"home": 0, "away": 1}.get(part.split()[0])
        back, ink = self._colours(plate, style.ink)
        if team is not None and text.lit == team:
            back, ink = ink, (back if back is not None else BLACK)
        cell = Image.new("RGBA", (width, row))
        draw = ImageDraw.Draw(cell)
        if back is not None:
            cell.paste((*back, round(255 * self.design.opacity)), (0, 0, width, row))
        if part.endswith("crest"):
            _crest(draw, row, self.sides[0 if team == 0 else 1])
            return cell
        mask = lettering(style.face or self.design.face, self.words(text)[part],
                         self._letters(style))  # fmt: skip
        spot = ((width - mask.width) // 2, (row - mask.height) // 2)
        if back is None:  # on the bare picture letters need a shadow
            soft = max(1, row // 16)
            cell.paste((0, 0, 0, 190), (spot[0] + soft, spot[1] + soft), mask)
        cell.paste((*ink, 255), spot, mask)
        if part in ("home", "away") and team is not None:
            self._mark(draw, width, team, text.reds[team])
        return cell

    def _colours(self, plate: Colour, ink: Rgb | None) -> tuple[Rgb | None, Rgb]:
        if plate == "none":
            return None, ink or self.design.ink
        if plate == "home" or plate == "away":
            shirt = self.sides[plate == "away"].shirt
            return shirt, _readable(shirt)
        assert isinstance(plate, tuple)
        return plate, ink or self.design.ink

    def _mark(self, draw: ImageDraw.ImageDraw, width: int, team: int, reds: int) -> None:
        """The stripe of a team's colour, and its red cards."""
        row, shirt = self._row, (*self.sides[team].shirt, 255)
        thick = max(1, round(0.11 * row))
        match self.design.stripe:
            case "left":
                draw.rectangle([0, 0, thick - 1, row], fill=shirt)
            case "right":
                draw.rectangle([width - thick, 0, width, row], fill=shirt)
            case "under":
                draw.rectangle([0, row - thick, width, row], fill=shirt)
        across = max(2, round(0.13 * row))
        for k in range(reds if self.design.cards != "none" else 0):
            right = width - thick - round(1.5 * across * k)
            top = round(0.12 * row)
            box = [right - across, top, right - 1, top + round(2.2 * across)]
            if self.design.cards == "bars":
                draw.rectangle(box, fill=(*_RED, 255))
            else:
                draw.ellipse([box[0], top, box[2] + 1, top + across], fill=(*_RED, 255))


def entering(bug: PaintedBug, share: float, enters: str, size: Size) -> PaintedBug | None:
    """A bug on its way in, at ``share`` of it (1: it stands); None before any of it shows.

    Args:
        enters: as in ``BugDesign``.
        size: of the picture.
    """
    if share >= 1:
        return bug
    if share <= 0 or enters == "cut":
        return None
    left, top, right, bottom = bug.box
    eased = 1 - (1 - share) ** 2
    if enters == "fade":
        image = bug.image.copy()
        image.putalpha(image.getchannel("A").point(lambda a: round(a * share)))
        return PaintedBug(image, bug.box, bug.parts)
    if enters == "unroll":
        width = max(1, round(bug.image.width * eased))
        image = bug.image.crop((0, 0, width, bug.image.height))
        return PaintedBug(image, (left, top, left + width, bottom), bug.parts)
    dx, dy = {
        "left": (-right, 0),
        "right": (size[0] - left, 0),
        "top": (0, -bottom),
        "bottom": (0, size[1] - top),
    }[enters]
    dx, dy = round(dx * (1 - eased)), round(dy * (1 - eased))
    return PaintedBug(bug.image, (left + dx, top + dy, right + dx, bottom + dy), bug.parts)


def _readable(back: Rgb) -> Rgb:
    red, green, blue = back
    return BLACK if 0.3 * red + 0.59 * green + 0.11 * blue > 140 else WHITE


def _outline(draw: ImageDraw.ImageDraw, left: int, right: int, row: int, corners: float) -> None:
    if right <= left:
        return
    if corners < 0:
        lean = round(-corners * row)
        draw.polygon([(left + lean, 0), (right, 0), (right - lean, row), (left, row)], fill=255)
    else:
        draw.rounded_rectangle([left, 0, right - 1, row - 1], corners * row, fill=255)


def _crest(draw: ImageDraw.ImageDraw, row: int, side: BugSide) -> None:
    inset = round(0.18 * row)
    box = [inset, inset, row - inset, row - inset]
    draw.ellipse(box, fill=(*side.shirt, 255), outline=(*side.trim, 255), width=max(1, row // 12))
    draw.line(
        [row / 2, inset, row / 2, row - inset], fill=(*side.trim, 255), width=max(1, row // 8)
    )
