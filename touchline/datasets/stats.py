"""Statistics of a dataset: events per class, split, visibility and team, also as a bar chart."""

import html
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from touchline.datasets.soccernet import split_list
from touchline.errors import FormatError, InputError
from touchline.events import Match
from touchline.formats import Matches, read_matches
from touchline.formats.reading import is_tree, open_tree
from touchline.labels import LABEL_SETS
from touchline.runtime.atomic import write_text
from touchline.runtime.wording import counted
from touchline.splits import SPLIT_NAMES

_PREFERRED = {
    "soccernet-v2": "Labels-v2.json",
    "soccernet-ball": "Labels-ball.json",
    "soccernet-v1": "Labels.json",
    "soccernet-results": "results_spotting.json",
}
_BAR_HEIGHT = 22
_LABEL_WIDTH = 190
_BARS_WIDTH = 480
_MARGIN = 16
_VISIBLE_COLOUR = "#2f6f4f"
_UNSHOWN_COLOUR = "#a9c8b8"


@dataclass
class ClassCount:
    """How often one class occurs."""

    label: str
    total: int = 0
    unshown: int = 0
    games: int = 0
    splits: Counter[str] = field(default_factory=Counter)
    teams: Counter[str] = field(default_factory=Counter)


@dataclass
class Stats:
    """Counts of a dataset; classes in their official order, then by name."""

    games: int
    halves: int
    splits: dict[str, int]
    classes: list[ClassCount]

    @property
    def events(self) -> int:
        """All events."""
        return sum(row.total for row in self.classes)

    def to_json(self) -> dict[str, Any]:
        """The figures as ``--json`` prints them."""
        return {
            "format": "touchline-stats",
            "version": 1,
            "games": self.games,
            "halves": self.halves,
            "events": self.events,
            "splits": self.splits,
            "classes": {
                row.label: {
                    "total": row.total,
                    "visible": row.total - row.unshown,
                    "unshown": row.unshown,
                    "games": row.games,
                    "per_game": row.total / self.games if self.games else 0.0,
                    "splits": dict(row.splits),
                    "teams": dict(row.teams),
                }
                for row in self.classes
            },
        }


def dataset_stats(path: str | Path, format: str | None = None) -> Stats:
    """Count the events of a folder, zip or file.

    Args:
        format: format of the label files to count, if there are several; by default v2, else ball,
            else v1.

    Raises:
        FormatError: no files to read, or a malformed one.
    """
    matches = read_matches(path, format or _preferred(path))
    if not matches:
        raise FormatError("there are no games", where=path)
    return count_matches(matches, _splits_of(Path(path), matches))


def count_matches(matches: Matches, splits: Mapping[str, str]) -> Stats:
    """Count the events of games.

    Args:
        splits: the split of each game that belongs to one.
    """
    rows: dict[str, ClassCount] = {}
    for game, match in matches.items():
        for label in {event.label for event in match.events}:
            rows.setdefault(label, ClassCount(label)).games += 1
        for event in match.events:
            row = rows[event.label]
            row.total += 1
            row.unshown += event.visibility == "not shown"
            if game in splits:
                row.splits[splits[game]] += 1
            if event.team is not None:
                row.teams[event.team] += 1
    known = Counter(splits[game] for game in matches if game in splits)
    order = [name for name in SPLIT_NAMES if name in known] + sorted(set(known) - set(SPLIT_NAMES))
    return Stats(
        len(matches),
        sum(len(match.timelines) for match in matches.values()),
        {name: known[name] for name in order},
        [rows[label] for label in _ordered(rows)],
    )


def write_picture(stats: Stats, path: str | Path, *, overwrite: bool = True) -> None:
    """Draw a bar per class, visible and not shown, as ``.svg`` or ``.html``.

    Raises:
        InputError: another suffix, the file cannot be written, or another file is there that must
            stay.
    """
    path = Path(path)
    if path.suffix.lower() not in (".svg", ".html"):
        raise InputError(
            "unsupported picture format", where=path, remedy="give a name in .svg or .html"
        )
    picture = stats_svg(stats)
    if path.suffix.lower() == ".html":
        title = f"{counted(stats.events, 'event')} of {counted(stats.games, 'game')}"
        picture = (
            '<!doctype html><html lang="en"><meta charset="utf-8">'
            f"<title>{title}</title><body>{picture}</body></html>\n"
        )
    write_text(path, picture, overwrite=overwrite)


def stats_svg(stats: Stats) -> str:
    """The bar chart as SVG."""
    longest = max((row.total for row in stats.classes), default=1)
    width = _LABEL_WIDTH + _BARS_WIDTH + 90
    height = 2 * _MARGIN + 34 + _BAR_HEIGHT * len(stats.classes)
    title = f"{counted(stats.events, 'event')} of {counted(stats.games, 'game')}"
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" '
        f'width="{width}" height="{height}" role="img" aria-label="{title}" '
        'font-family="system-ui, sans-serif" font-size="13">',
        f'<rect width="{width}" height="{height}" fill="#fff"/>',
        f'<text x="{_MARGIN}" y="{_MARGIN + 8}" font-weight="600">{title}</text>',
        f'<text x="{width - _MARGIN}" y="{_MARGIN + 8}" text-anchor="end" fill="#555">'
        f'<tspan fill="{_VISIBLE_COLOUR}">■</tspan> visible '
        f'<tspan fill="{_UNSHOWN_COLOUR}">■</tspan> not shown</text>',
    ]
    for place, row in enumerate(stats.classes):
        top = _MARGIN + 26 + place * _BAR_HEIGHT
        visible = _BARS_WIDTH * (row.total - row.unshown) / longest
        unshown = _BARS_WIDTH * row.unshown / longest
        text = top + _BAR_HEIGHT * 0.65
        label = html.escape(row.label if len(row.label) <= 26 else f"{row.label[:25]}…")
        parts += [
            f'<text x="{_LABEL_WIDTH - 8}" y="{text:.1f}" text-anchor="end">{label}</text>',
            f'<rect x="{_LABEL_WIDTH}" y="{top}" width="{visible:.2f}" '
            f'height="{_BAR_HEIGHT - 6}" fill="{_VISIBLE_COLOUR}"/>',
            f'<rect x="{_LABEL_WIDTH + visible:.2f}" y="{top}" width="{unshown:.2f}" '
            f'height="{_BAR_HEIGHT - 6}" fill="{_UNSHOWN_COLOUR}"/>',
            f'<text x="{_LABEL_WIDTH + visible + unshown + 6:.2f}" y="{text:.1f}" '
            f'fill="#333">{row.total}</text>',
        ]
    return "\n".join([*parts, "</svg>"]) + "\n"


def _preferred(path: str | Path) -> str | None:
    if not is_tree(path):
        return None
    with open_tree(path) as tree:
        names = {name.rpartition("/")[2] for name in tree.names()}
    return next((format for format, name in _PREFERRED.items() if name in names), None)


def _splits_of(path: Path, matches: Mapping[str, Match]) -> dict[str, str]:
    """The split of each game: by its folder, else by lists at the root."""
    splits: dict[str, str] = {}
    for game in matches:
        first = game.partition("/")[0]
        for split, names in SPLIT_NAMES.items():
            if first in names and "/" in game:
                splits[game] = split
    if splits or not path.is_dir():
        return splits
    for split in SPLIT_NAMES:
        splits |= {name: split for name in split_list(path, split) or () if name in matches}
    return splits


def _ordered(rows: Mapping[str, ClassCount]) -> list[str]:
    """Labels in the order of the published set that has them, then by name."""
    published = next(
        (known for known in LABEL_SETS.values() if set(known.labels) & set(rows)), None
    )
    order = [label for label in published or () if label in rows]
    return order + sorted(set(rows) - set(order))
