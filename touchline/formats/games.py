"""Game lists: the games of each split."""

import re
from collections.abc import Iterable, Mapping
from pathlib import Path, PurePosixPath
from typing import Any, TypeVar

from touchline.errors import FormatError
from touchline.formats.reading import Limits, is_tree, open_tree, parse_json, read_bytes
from touchline.splits import names_of_split

T = TypeVar("T")

_LIMITS = Limits(max_file_bytes=10 << 20)

_HALF_NAME = re.compile(
    r"(?:half[ _]?)?([1-4])(?:st|nd|rd|th)?(?:[ _]half)?(?:_(?:\d{3,4}p|HQ|LQ|asr))?", re.IGNORECASE
)


_TEAMS_IN_NAME = re.compile(r"\d{4}-\d\d-\d\d - \d\d-\d\d (.+) \d{1,2} - \d{1,2} (.+)")


def teams_in_name(game: str) -> tuple[str, str] | None:
    """Home and away of a game as SoccerNet names it; None for another name.

    ``.../2015-02-21 - 18-00 Chelsea 1 - 1 Burnley`` is of Chelsea and Burnley.
    """
    found = _TEAMS_IN_NAME.fullmatch(PurePosixPath(game).name)
    return (found[1], found[2]) if found else None


def half_in_name(name: str) -> int | None:
    """The half that a file is of by its name: 1 for ``1_224p.mkv``, ``half1.mp4`` or
    ``1_asr.json``."""
    last = PurePosixPath(name.replace("\\", "/")).name
    found = _HALF_NAME.fullmatch(last.partition(".")[0])
    return int(found[1]) if found else None


def read_game_list(path: str | Path) -> list[str]:
    """Read game names: one ``league/season/game`` per line, a JSON list, or SoccerNet's JSON.

    Raises:
        FormatError: missing, or in none of these forms.
    """
    return _names_in(read_bytes(path, _LIMITS), str(path))


def games_of_split(root: str | Path, split: str) -> list[str]:
    """The games of a split, from the list at the root of a folder or zip of games.

    The list is ``SoccerNetGamesTest.json``, ``BallTest.json``, ``test.txt`` or ``test.json``.

    Raises:
        FormatError: no such list, or a malformed one.
    """
    if is_tree(root):
        with open_tree(root) as tree:
            present = set(tree.names())
            for name in list_names(split):
                if name in present:
                    return _names_in(tree.read(name), tree.where(name))
    published, *_, plain = list_names(split)[:3]
    raise FormatError(
        f"has no list of the games of split {split!r}",
        where=root,
        remedy=f"put {published} or {plain} there, or name a list with --games",
    )


def list_names(split: str) -> list[str]:
    """Possible names of the file that lists the games of a split, the published ones first."""
    names = names_of_split(split)
    title = names[0].capitalize()
    published = [f"SoccerNetGames{title}.json", f"Ball{title}.json"]
    return published + [f"{name}{ending}" for name in names for ending in (".txt", ".json")]


def align_games(wanted: Iterable[str], found: Mapping[str, T]) -> dict[str, T]:
    """Rename the keys of ``found`` to the names in ``wanted`` that denote the same game.

    Games match by full name, else by the last part of the name if that is unique; a single game
    on both sides always matches. Other games keep their names.
    """
    names = list(wanted)
    if len(names) == len(found) == 1:
        return {names[0]: next(iter(found.values()))}
    by_last: dict[str, list[str]] = {}
    for name in found.keys() - set(names):
        by_last.setdefault(name.rpartition("/")[2], []).append(name)
    aligned = dict(found)
    for name in names:
        others = by_last.get(name.rpartition("/")[2], [])
        if name not in found and len(others) == 1:
            aligned[name] = aligned.pop(others.pop())
    return aligned


def _names_in(content: bytes, where: str) -> list[str]:
    try:
        if where.endswith(".json"):
            names = _flatten(parse_json(content, where))
        else:
            names = content.decode("utf-8-sig").splitlines()
    except ValueError as error:
        raise FormatError(
            "not a list of games",
            where=where,
            remedy="write one league/season/game a line, or SoccerNet's JSON",
        ) from error
    cleaned = [name.strip().replace("\\", "/").strip("/") for name in names]
    return [name for name in cleaned if name]


def _flatten(tree: Any, prefix: str = "") -> list[str]:
    if isinstance(tree, Mapping):
        return [name for key, below in tree.items() for name in _flatten(below, f"{prefix}{key}/")]
    if isinstance(tree, list) and all(isinstance(name, str) for name in tree):
        return [prefix + name for name in tree]
    raise ValueError("neither an object nor a list of names")
