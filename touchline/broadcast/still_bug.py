"""The score bug of one still picture: found, read at several scales, and put to the vote."""

from collections import defaultdict
from collections.abc import Hashable, Iterable, Sequence
from dataclasses import replace
from typing import TypeVar

from touchline.broadcast.bug_text import BugText, likely_places, read_bugs
from touchline.broadcast.ocr import Picture, TextReader, cut_out, lines_at, resized
from touchline.broadcast.texts import Box, Line, around, rows_of, same_row
from touchline.broadcast.tokens import as_digits

T = TypeVar("T", bound=Hashable)

SCAN_SIDE = 1280
"""Longest side, in pixels, at which a whole picture is searched."""

LINE_HEIGHTS = (30.0, 44.0, 60.0)
"""Heights in pixels that a bug's lines are brought to, one reading each."""

ENOUGH = 0.6
"""Least confidence of a bug that is reported."""

_MAX_PLACES = 5
_SAME = 0.3
"""Overlap of two readings of one bug, at least."""

_USUAL_SHAPE = 0.65
_NARROW_SHAPE = 0.5
"""Width of a letter over the height of its line."""

_MAX_UPSCALE = 6.0
_REACHES = (2.5, 3.2, 4.0)
_SETTLED_AFTER = 2
"""Scales after which readings of a score that all say the same are enough."""

_OF_A_ROW = 0.85
"""Of the confidence of a row: it says little of one name in it, so that its names count half."""


def read_still(picture: Picture, reader: TextReader) -> BugText | None:
    """The score bug in a picture, or None where there is none that is sure enough.

    A bug is two teams with two goals; or a clock beside a score, a period or two teams; or a
    clock in minutes by itself (``66 MIN``). A clock alone may be the time of day: None.

    Args:
        picture: (height, width, 3) RGB.
        reader: reads text.
    """
    height, width = picture.shape[:2]
    scale = min(_MAX_UPSCALE, SCAN_SIDE / max(height, width))
    lines = reader.find(picture, scale)
    best: BugText | None = None
    for place in likely_places(lines)[:_MAX_PLACES]:
        bug = read_place(picture, place, reader)
        if bug is None or bug.confidence < ENOUGH:
            continue
        if best is None or _is_better(bug, best):
            best = bug
        if best.confidence > 0.9 and _is_timed(best):
            break
    return best


def _is_better(bug: BugText, best: BugText) -> bool:
    """Whether of two in one picture the second is the bug: the one with a clock, as captions have
    numbers, too. Of one bug read from two places the later one may be cut off."""
    if _is_timed(bug) != _is_timed(best):
        return _is_timed(bug)
    return bug.confidence > best.confidence and bug.box.overlap(best.box) <= _SAME


def _is_timed(bug: BugText) -> bool:
    return bug.score is not None and (bug.clock_seconds is not None or bug.half is not None)


def read_place(
    picture: Picture,
    place: BugText,
    reader: TextReader,
    line_heights: Sequence[float] = LINE_HEIGHTS,
) -> BugText | None:
    """A bug whose place is roughly known, read closely; None where nothing like one is there."""
    height = _line_height(place)
    # beside a clock alone, or a name, the rest of the bug is yet to be found
    partial = place.score is None and len(place.team_boxes) < 2
    across, down = (14.0, 3.5) if partial else (4.5, 1.6)
    crop_box = place.box.grown(across * height, down * height)
    inner = crop_box.within(picture.shape[1], picture.shape[0])
    crop = cut_out(picture, crop_box)
    stretch = _stretch(place)
    readings: list[BugText | None] = []
    for done, line_height in enumerate(line_heights):
        if done >= _SETTLED_AFTER and _all_say_the_same(readings):
            break
        scale = min(_MAX_UPSCALE, line_height / height)
        lines = lines_at(reader.find(crop, scale, stretch), inner.left, inner.top)
        bug = _at(place.box, read_bugs(lines))
        readings.append(bug)
        if bug is not None and bug.rows == 1 and len(bug.team_boxes) == 2:
            readings.append(_along_row(picture, bug, lines, reader, stretch))
            if bug.score is None:
                readings.append(_between_names(picture, bug, lines, reader))
                readings.append(_past_names(picture, bug, lines, reader))
        elif bug is not None and bug.rows == 2 and bug.score is None:
            readings.extend(_beside_names(picture, bug, lines, reader))
    return vote(readings)


def _all_say_the_same(readings: Sequence[BugText | None]) -> bool:
    """Whether each has the score, and all that the first has."""
    first = readings[0]
    if first is None or first.score is None:
        return False
    return all(one is not None and _said(one) == _said(first) for one in readings)


def _said(bug: BugText) -> Hashable:
    """All that is put to the vote."""
    clock = bug.clock_seconds, bug.clock_has_seconds
    return bug.home, bug.away, bug.score, clock, bug.half, bug.added_minutes, bug.aggregate


def _along_row(
    picture: Picture, bug: BugText, lines: Sequence[Line], reader: TextReader, stretch: float
) -> BugText | None:
    """The bug with teams and score read as one line, which finds lone digits among them."""
    row = around([*bug.team_boxes, *bug.score_boxes])
    margin = 0.1 * row.height
    strip = cut_out(picture, row.grown(2 * margin, margin))
    text, confidence = reader.read(resized(strip, stretch * strip.shape[1], strip.shape[0]))
    others = [line for line in lines if line.box.overlap(row) < 0.5]
    return _at(bug.box, read_bugs([*others, Line(text, row, _OF_A_ROW * confidence)]))


def read_rows(picture: Picture, known: BugText, reader: TextReader) -> BugText | None:
    """Teams and score of a bug that was read before, each of its rows read as one line.

    A fraction of the work of `read_place`, as nothing is looked for; what may have come to the bug
    since, such as a plate of added time, is not seen.
    """
    stretch = _stretch(known)
    lines = []
    for row in rows_of([Line("", box) for box in (*known.team_boxes, *known.score_boxes)]):
        box = around(cell.box for cell in row)
        margin = 0.1 * box.height
        strip = cut_out(picture, box.grown(2 * margin, margin))
        text, confidence = reader.read(resized(strip, stretch * strip.shape[1], strip.shape[0]))
        lines.append(Line(text, box, _OF_A_ROW * confidence))
    return _at(known.box, read_bugs(lines))


def _between_names(
    picture: Picture, bug: BugText, lines: Sequence[Line], reader: TextReader
) -> BugText | None:
    """The bug with what stands between its names read by itself."""
    home, away = bug.team_boxes
    gap = Box(home.right, home.top, away.left, home.bottom)
    if gap.width < 0.8 * gap.height:
        return None
    text, confidence = reader.read(cut_out(picture, gap))
    others = [line for line in lines if line.box.overlap(gap) < 0.5]
    return _at(bug.box, read_bugs([*others, Line(text, gap, confidence)]))


def _past_names(
    picture: Picture, bug: BugText, lines: Sequence[Line], reader: TextReader
) -> BugText | None:
    """The bug with its row read as one line that ends where something else begins (``W 0 W 0``)."""
    home, away = bug.team_boxes
    row = around(bug.team_boxes)
    end = _room_beside(row, lines, +1, 3.0 * away.height)
    if end - away.right < 0.8 * away.height:
        return None
    strip = Box(home.left - 0.2 * home.height, row.top, end, row.bottom)
    text, confidence = reader.read(cut_out(picture, strip))
    others = [line for line in lines if line.box.overlap(strip) < 0.5]
    return _at(bug.box, read_bugs([*others, Line(text, strip, _OF_A_ROW * confidence)]))


def _room_beside(row: Box, lines: Sequence[Line], step: int, reach: float) -> float:
    """The column in which the room beside a row ends: at the next text other than goals, at most
    ``reach`` away."""
    edge = row.right if step > 0 else row.left
    slack = 0.1 * reach
    ends = [edge + step * reach]
    for line in lines:
        start = line.box.left if step > 0 else line.box.right
        if step * (start - edge) >= -slack and same_row(line.box, row) and not _is_goals(line.text):
            ends.append(start)
    return min(ends) if step > 0 else max(ends)


def _column_beside(names: Box, lines: Sequence[Line], step: int) -> float | None:
    """How far beside two names a column ends in which one number was found, or None."""
    height = names.height / 2
    for line in lines:
        near = line.box.left - names.right if step > 0 else names.left - line.box.right
        if (
            _is_goals(line.text)
            and same_row(line.box, names)
            and -0.3 * height <= near <= 6 * height
        ):
            return near + line.box.width + 0.3 * height
    return None


def _is_goals(text: str) -> bool:
    digits = as_digits(text.strip())
    return digits.isdigit() and len(digits) <= 2


def _beside_names(
    picture: Picture, bug: BugText, lines: Sequence[Line], reader: TextReader
) -> list[BugText | None]:
    """The bug with the row of each team read as one line, names and goals together.

    Goals stand in a column behind the longer name, or before both, nobody knows how wide: where a
    row reaches beyond it, the picture behind is read as digits, so that several reaches are put to
    the vote, unless the goals of one team say where the column ends. None reaches beyond the next
    text.
    """
    names = around(bug.team_boxes)
    height = sum(box.height for box in bug.team_boxes) / 2
    found: list[BugText | None] = []
    for step in (+1, -1):
        column = _column_beside(names, lines, step)
        reaches = [reach * height for reach in _REACHES] if column is None else [column]
        ends = [_room_beside(names, lines, step, reach) for reach in reaches]
        found = [_in_rows(picture, bug, lines, reader, step, end) for end in dict.fromkeys(ends)]
        scored = [one for one in found if one is not None and one.score is not None]
        if scored:
            return list(scored)
    return found[-1:]


def _in_rows(
    picture: Picture, bug: BugText, lines: Sequence[Line], reader: TextReader, step: int, end: float
) -> BugText | None:
    """The bug read row by row, from the name of each to a column on the side of ``step``."""
    rows = [
        Box(name.left, name.top, end, name.bottom)
        if step > 0
        else Box(end, name.top, name.right, name.bottom)
        for name in bug.team_boxes
    ]
    margin = 0.1 * sum(row.height for row in rows)
    others = [line for line in lines if all(line.box.overlap(row) < 0.5 for row in rows)]
    for row in rows:
        text, confidence = reader.read(cut_out(picture, row.grown(margin, 0.0)))
        inner = row.within(picture.shape[1], picture.shape[0])
        others.append(Line(text, inner, _OF_A_ROW * confidence))
    return _at(bug.box, read_bugs(others))


def _at(place: Box, bugs: Iterable[BugText]) -> BugText | None:
    return next((bug for bug in bugs if bug.box.overlap(place) > _SAME), None)


def _line_height(place: BugText) -> float:
    boxes = place.score_boxes or place.team_boxes or (place.clock_box or place.box,)
    return max(4.0, sum(box.height for box in boxes) / len(boxes))


def _stretch(place: BugText) -> float:
    """What widens the letters of a squeezed picture to their usual shape."""
    names = zip((place.home or "", place.away or ""), place.team_boxes, strict=False)
    shapes = [box.width / box.height / len(name) for name, box in names if len(name) > 1]
    narrow = min(shapes, default=1.0)
    return min(2.0, _USUAL_SHAPE / narrow) if narrow < _NARROW_SHAPE else 1.0


def vote(readings: Sequence[BugText | None]) -> BugText | None:
    """What several readings of one bug agree on.

    Each field is that of the greatest weight, a reading weighing its confidence. A field that
    fewer than half of the readings have is left out.
    """
    given = [bug for bug in readings if bug is not None]
    if not given or 2 * len(given) <= len(readings) - 1:
        return None
    # without a clock it may be a board, of which digits are made up as often as missed
    timed = any(bug.clock_seconds is not None for bug in given)
    score = _elect([(b.score, b.confidence * (_weight(b.score) if timed else 1.0)) for b in given])
    home, away = (_elect([_name(bug, side) for bug in given]) for side in (0, 1))
    clock = _elect(
        [
            ((b.clock_seconds, b.clock_has_seconds), b.confidence * _weight(b.clock_seconds))
            for b in given
        ]
    )
    agreeing = [bug for bug in given if bug.score == score]
    model = max(agreeing, key=lambda bug: bug.confidence)
    half = _elect([(bug.half, _weight(bug.half)) for bug in given])
    added = _elect([(bug.added_minutes, _weight(bug.added_minutes)) for bug in given])
    aggregate = _elect([(bug.aggregate, _weight(bug.aggregate)) for bug in given])
    saying = [bug for bug in given if bug.score is not None] if score else given
    sure = sum(bug.confidence for bug in agreeing) / len(saying)
    confidence = sure if len(agreeing) > 1 else 0.7 * sure
    return replace(
        model,
        box=around(bug.box for bug in agreeing),
        home=home,
        away=away,
        score=score,
        clock_seconds=clock[0],
        clock_has_seconds=clock[1],
        half=half,
        added_minutes=added,
        aggregate=aggregate,
        confidence=confidence,
    )


def _weight(value: object) -> float:
    """Texts are missed more often than they are made up."""
    return 0.6 if value is None else 1.0


def _name(bug: BugText, side: int) -> tuple[str | None, float]:
    """The name of a side, with a weight that tells good readings from fair ones."""
    name = (bug.home, bug.away)[side]
    if name is None or bug.home is None or bug.away is None:
        return name, 0.3 * bug.confidence
    return name, bug.team_confidences[side] ** 4 * (0.3 if bug.score is None else 1.0)


def _elect(votes: Sequence[tuple[T, float]]) -> T:
    """The value of the greatest weight; the first named wins a tie."""
    weights: dict[T, float] = defaultdict(float)
    for value, weight in votes:
        weights[value] += weight
    return max(weights, key=lambda value: weights[value])
