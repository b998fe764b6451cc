"""A whole split on disk: the games that are there with their labels, and what the others lack."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from touchline.datasets.download import SOURCES, published_games
from touchline.datasets.soccernet import (
    Game,
    Wanted,
    find_game,
    read_games,
    split_folder,
    split_list,
)
from touchline.errors import InputError
from touchline.events import Match
from touchline.formats.games import list_names
from touchline.labels import SOCCERNET_BALL, LabelSet

Check = Callable[[Game], None]

_FILES = {".json", ".npy", ".mkv", ".mp4"}


@dataclass(frozen=True)
class LabelledGame:
    """A game with its labels, one timeline for each of its videos."""

    game: Game
    labels: Match


class NoLabelsError(InputError):
    """A game without labels."""


@dataclass(frozen=True)
class SplitOnDisk:
    """The games of a split.

    Attributes:
        games: those that are whole, in the order of the split.
        absent: why others cannot be used, by their names.
        listed: how many games the split has.
        is_published: whether its list is the published one; None where that list is not here.
    """

    games: tuple[LabelledGame, ...]
    absent: Mapping[str, InputError]
    listed: int
    is_published: bool | None


def read_split(
    root: Path,
    split: str,
    wanted: Wanted,
    label_set: LabelSet,
    *,
    first: int | None = None,
    past_absent: bool = False,
    check: Check = lambda game: None,
) -> SplitOnDisk:
    """Find the games of a split with their labels; none is left out without a reason.

    The games are those of a list at the root, else of a folder ``root/test``, else the published
    ones.

    Args:
        wanted: the file to read of each half.
        label_set: whose label file is read.
        first: look at so many games only.
        past_absent: games that cannot be used do not count among the first.
        check: raises ``InputError`` where the files of a game are not as they should be.

    Raises:
        InputError: no such folder or split.
    """
    if not root.is_dir():
        raise InputError("there is no such folder", where=root, remedy="give the dataset's folder")
    published = published_games(split, ball=label_set == SOCCERNET_BALL)
    names, find = _names_and_finder(root, split, wanted, published)
    is_published = None if published is None else set(names) == set(published)
    games: list[LabelledGame] = []
    absent: dict[str, InputError] = {}
    for name in names:
        if first is not None and len(games) + (0 if past_absent else len(absent)) >= first:
            break
        try:
            game = find(name)
            check(game)
            games.append(LabelledGame(game, _labels(game, label_set)))
        except InputError as error:
            absent[name] = error
    return SplitOnDisk(tuple(games), absent, len(names), is_published)


Find = Callable[[str], Game]


def _names_and_finder(
    root: Path, split: str, wanted: Wanted, published: list[str] | None
) -> tuple[list[str], Find]:
    """The names of a split's games, and what finds a game by its name."""
    folder = split_folder(root, split)
    names = split_list(root, split)
    if names is None and folder is None:
        names = published
    if names is not None:
        return names, lambda name: find_game(root, split, name, wanted)
    if folder is None:
        raise InputError(
            f"there is no split {split!r}",
            where=root,
            remedy=f"add {list_names(split)[0]} or a folder {split}/; or pip install SoccerNet, "
            "which contains the published lists",
        )
    below = _folders_with_files(folder)
    if folder not in below:
        names = [path.relative_to(folder).as_posix() for path in below]
        return names, lambda name: find_game(folder, split, name, wanted)
    games = read_games(folder, size=wanted.size, features=wanted.features)
    by_name = {game.name: game for game in games}
    return list(by_name), by_name.__getitem__


def _folders_with_files(root: Path) -> list[Path]:
    """The folders below a root that directly hold videos, features or labels."""
    return sorted({path.parent for path in root.rglob("*") if path.suffix in _FILES})


def _labels(game: Game, label_set: LabelSet) -> Match:
    labels = game.labels(label_set)
    if labels is None:
        raise NoLabelsError("this game has no labels", where=game.folder)
    return labels


def source_of(file: str) -> str | None:
    """The name by which ``dataset download`` gets a file of a game; None where none holds it."""
    return next((name for name, source in SOURCES.items() if file in source.files), None)
