"""Datasets on disk: the SoccerNet layout, and folders of videos with their events beside them.

SoccerNet: ``<root>/<league>/<season>/<game>/`` holds ``1_224p.mkv``, ``2_224p.mkv`` (or 720p, or
``1.mkv``, or one ``224p.mp4`` for the whole game) and ``Labels-v2.json`` or ``Labels-ball.json``.
Plain: any ``x.mp4`` with ``x.events.json`` beside it.
"""

import os
import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath

from touchline.errors import FormatError, InputError, LabelError
from touchline.events import Event, Match, Timeline, Video
from touchline.formats import read
from touchline.formats.games import list_names, names_of_split, read_game_list
from touchline.labels import LabelSet

LABEL_FILES = {
    "soccernet-v2": "Labels-v2.json",
    "soccernet-ball": "Labels-ball.json",
    "soccernet-v1": "Labels.json",
}
"""The file of a game that holds the labels of each published set."""

_HALF_VIDEO = re.compile(r"(?P<half>[1-4])(?:_(?P<size>\d+p))?\.(?:mkv|mp4)")
_GAME_VIDEO = re.compile(r"(?P<size>\d+p)\.(?:mkv|mp4)")
_PLAIN_VIDEOS = (".mp4", ".mkv", ".mov", ".avi", ".webm", ".ts")
_EVENTS_ENDING = ".events.json"


@dataclass(frozen=True)
class Half:
    """One video of a game: a half, or the whole game where the game has a single video."""

    number: int
    video: Path


@dataclass(frozen=True)
class Game:
    """One game on disk.

    Attributes:
        name: its path below the root with forward slashes, ``league/season/game``.
        folder: where its files lie.
        halves: its videos in playing order.
        label_files: by name (``Labels-v2.json``; ``events`` for a plain video).
    """

    name: str
    folder: Path
    halves: tuple[Half, ...]
    label_files: Mapping[str, Path]

    def labels(self, label_set: LabelSet | None = None) -> Match | None:
        """Its labels, one timeline per video; None if it has no such file.

        Args:
            label_set: a published set reads its own file, or events beside a plain video; another
                set, or None, reads whichever file there is.

        Raises:
            FormatError: the file is malformed.
            InputError: it has events of a half whose video is missing.
        """
        path = self._label_file(label_set)
        if path is None:
            return None
        found = read(path)
        if isinstance(found, Timeline):
            found = Match(self.name, (replace(found, half=self.halves[0].number),))
        if not isinstance(found, Match):
            raise FormatError("this file does not hold events", where=path)
        shown = {half.number for half in self.halves}
        if lost := sorted({t.half or 1 for t in found.timelines if t.events} - shown):
            raise InputError(
                f"there are labels of half {lost[0]} and no video of it",
                where=path,
                remedy=f"add {lost[0]}_224p.mkv",
            )
        timelines = tuple(
            found.half(half.number) or Timeline(Video(half.video.name), half=half.number)
            for half in self.halves
        )
        return Match(self.name, timelines, found.extra)

    def _label_file(self, label_set: LabelSet | None) -> Path | None:
        if label_set is not None and label_set.name in LABEL_FILES:
            names = [LABEL_FILES[label_set.name], "events"]
        else:
            names = ["events", *LABEL_FILES.values()]
        return next((self.label_files[name] for name in names if name in self.label_files), None)


def read_games(root: str | Path, split: str | None = None, *, size: str = "224p") -> list[Game]:
    """Find the games of a dataset, in the order of the split's list or of their names.

    Args:
        root: the folder that the leagues lie in, or a folder of videos with events beside them.
        split: only these games: by a list at the root (``SoccerNetGamesTrain.json``,
            ``BallTrain.json``, ``train.json`` or ``train.txt``), else those of the folder
            ``root/train``.
        size: which of several videos of a half to take.

    Raises:
        InputError: no such folder or split, no game in it, or a game without a video.
    """
    root = Path(root)
    if not root.is_dir():
        raise InputError("there is no such folder", where=root, remedy="give the dataset's folder")
    if split is None:
        games = _games_below(root, size)
    elif (listed := split_list(root, split)) is not None:
        games = [_listed_game(root, split, name, size) for name in listed]
    elif (folder := _split_folder(root, split)) is not None:
        games = _games_below(folder, size)
    else:
        names = ", ".join(list_names(split)[:3])
        raise InputError(
            f"no split {split!r} here", where=root, remedy=f"add {names} or a folder {split}/"
        )
    if not games:
        raise InputError(
            "no games here",
            where=root,
            remedy="give a folder with league/season/game/1_224p.mkv and Labels-v2.json, "
            "or with x.mp4 and x.events.json",
        )
    return games


def check_labels(
    matches: Iterable[Match], label_set: LabelSet, *, ignore_unknown: bool = False
) -> Counter[str]:
    """Count the events whose label is outside the set, by label.

    Raises:
        LabelError: there are such events and they are not to be ignored; the message counts them.
    """
    unknown = Counter(
        event.label for match in matches for event in match.events if event.label not in label_set
    )
    if unknown and not ignore_unknown:
        shown = ", ".join(f"{label!r} ({count})" for label, count in unknown.most_common(5))
        more = f" and {len(unknown) - 5} more" if len(unknown) > 5 else ""
        raise LabelError(
            f"{unknown.total()} events have labels outside {label_set.name}: {shown}{more}",
            remedy="choose another label set, or set data.ignore_unknown_labels=true",
        )
    return unknown


def known_events(timeline: Timeline, label_set: LabelSet) -> tuple[Event, ...]:
    """The events of a timeline whose label is in the set."""
    return tuple(event for event in timeline if event.label in label_set)


def split_list(root: Path, split: str) -> list[str] | None:
    """The games that a list at the root gives for a split; None without such a list.

    Raises:
        FormatError: the list is malformed.
    """
    for name in list_names(split):
        path = root / name
        if path.is_file():
            return read_game_list(path)
    return None


def _listed_game(root: Path, split: str, name: str, size: str) -> Game:
    inside = PurePosixPath(name)
    if inside.is_absolute() or ".." in inside.parts:
        raise FormatError(f"{name!r} leads out of the dataset", where=root)
    for base in (root, *(root / alias for alias in names_of_split(split))):
        folder = base / inside
        if folder.is_dir():
            games = _games_in(folder, name, _file_names(folder), size)
            if len(games) == 1:
                return replace(games[0], name=name)
        elif folder.parent.is_dir():
            files = _file_names(folder.parent)
            beside = _games_in(folder.parent, str(inside.parent), files, size)
            found = next((game for game in beside if game.name == name), None)
            if found is not None:
                return found
    raise InputError(
        f"game {name!r} of split {split!r} is not here",
        where=root,
        remedy="download it, or take it off the list",
    )


def _split_folder(root: Path, split: str) -> Path | None:
    folders = (root / name for name in names_of_split(split))
    return next((folder for folder in folders if folder.is_dir()), None)


def _games_below(root: Path, size: str) -> list[Game]:
    games = []
    for folder, below, files in os.walk(root):
        below.sort()
        name = Path(folder).relative_to(root).as_posix()
        games += _games_in(Path(folder), name, files, size)
    return games


def _file_names(folder: Path) -> list[str]:
    return [path.name for path in folder.iterdir() if path.is_file()]


def _games_in(folder: Path, name: str, files: Iterable[str], size: str) -> list[Game]:
    """The game that a folder is, or the plain videos that lie in it."""
    files = sorted(files)
    halves = _halves(folder, files, size)
    labels = {file: folder / file for file in files if file in LABEL_FILES.values()}
    if labels and not halves:
        raise InputError(
            "this game has labels and no video",
            where=folder,
            remedy="add 1_224p.mkv and 2_224p.mkv, or 224p.mp4",
        )
    if halves:
        label = folder.name if name == "." else name
        return [Game(label, folder, halves, labels)]
    return _plain_games(folder, "" if name == "." else f"{name}/", files)


def _halves(folder: Path, files: Sequence[str], size: str) -> tuple[Half, ...]:
    candidates: dict[int, list[tuple[bool, str]]] = {}
    for file in files:
        if found := _HALF_VIDEO.fullmatch(file):
            half, stated = int(found["half"]), found["size"] or "224p"
        elif found := _GAME_VIDEO.fullmatch(file):
            half, stated = 1, found["size"]
        else:
            continue
        candidates.setdefault(half, []).append((stated != size, file))
    return tuple(Half(half, folder / min(names)[1]) for half, names in sorted(candidates.items()))


def _plain_games(folder: Path, prefix: str, files: Sequence[str]) -> list[Game]:
    present = set(files)
    games = []
    for file in files:
        if not file.endswith(_EVENTS_ENDING):
            continue
        stem = file.removesuffix(_EVENTS_ENDING)
        video = next((stem + end for end in _PLAIN_VIDEOS if stem + end in present), None)
        if video is None:
            raise InputError(
                "no video lies beside these events",
                where=folder / file,
                remedy=f"add {stem}.mp4",
            )
        half = Half(1, folder / video)
        games.append(Game(prefix + stem, folder, (half,), {"events": folder / file}))
    return games
