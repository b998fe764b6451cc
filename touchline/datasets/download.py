"""Datasets from where their owners keep them: the mirrors on Hugging Face, or their own package.

Nothing of SoccerNet is passed on by touchline: videos need an agreement with its owners.
"""

import importlib.util
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from touchline.errors import InputError, MissingExtraError
from touchline.formats.games import SPLIT_NAMES, read_game_list

LABELS = ("Labels-v2.json",)
ALL_SPLITS = ("train", "valid", "test", "challenge")

_AGREEMENT = "https://www.soccer-net.org/data"


@dataclass(frozen=True)
class Source:
    """Where one kind of data lies.

    Attributes:
        files: names in the folder of a game; with ``{split}``, one archive per split.
        repository, revision: on Hugging Face; empty where it is not there.
        challenge_repository: for the games of the challenge split, where that differs.
        gated: whether access is given to accounts, after an agreement.
        task: the package's name for data that comes as archives.
        description: what it is, in a line.
    """

    files: tuple[str, ...]
    repository: str
    revision: str
    description: str
    gated: bool = False
    challenge_repository: str | None = None
    task: str | None = None

    @property
    def is_archive(self) -> bool:
        """Whether it is one archive per split."""
        return "{split}" in self.files[0]


def _halves(name: str) -> tuple[str, ...]:
    return tuple(f"{half}_{name}" for half in (1, 2))


_VIDEOS = "SoccerNet/SoccerNet_raw_HQ"
_CHALLENGE = "SoccerNet/SoccerNet_raw_HQ_Challenge"
_FEATURES = "SoccerNet/SN-Features"

SOURCES = {
    "labels": Source(LABELS, "SoccerNet/SN-Labels", "main", "action labels, 17 classes"),
    "labels-all": Source(
        ("Labels.json", "Labels-v2.json", "Labels-v3.json", "Labels-cameras.json",
         "Labels-caption.json"),
        "SoccerNet/SN-Labels", "main", "all published labels",
    ),
    "resnet": Source(
        _halves("ResNET_TF2.npy"), _FEATURES, "resnet-tf2", "ResNet-152 features, 2048 wide"
    ),
    "resnet-pca512": Source(
        _halves("ResNET_TF2_PCA512.npy"), _FEATURES, "resnet-tf2-pca512", "the same, 512 wide"
    ),
    "baidu": Source(
        _halves("baidu_soccer_embeddings.npy"), _FEATURES, "baidu-soccer-embeddings",
        "Baidu's features, 8576 wide",
    ),
    "boxes": Source(
        _halves("player_boundingbox_maskrcnn.json"), _FEATURES, "player-boundingbox-maskrcnn",
        "boxes of players, 2 a second",
    ),
    "calibration": Source(
        _halves("field_calib_ccbv.json"), _FEATURES, "field-calib-ccbv",
        "calibration of the camera, 2 a second",
    ),
    "videos-224p": Source(
        _halves("224p.mkv"), _VIDEOS, "videos-224p", "videos at 398x224", True, _CHALLENGE
    ),
    "videos-720p": Source(
        _halves("720p.mkv"), _VIDEOS, "videos-720p", "videos at 1280x720", True, _CHALLENGE
    ),
    "videos-hq": Source(
        (*_halves("HQ.mkv"), "video.ini"), _VIDEOS, "videos-HQ", "untrimmed recordings", True,
        _CHALLENGE,
    ),
    "ball-2023": Source(
        ("{split}.zip",), "SoccerNet/SN-BAS-2023", "main", "ball actions, 2 classes", True,
        task="spotting-ball-2023",
    ),
    "ball-2024": Source(
        ("{split}.zip",), "SoccerNet/SN-BAS-2024", "main", "ball actions, 12 classes",
        task="spotting-ball-2024",
    ),
    "ball-2025": Source(
        ("{split}.zip",), "SoccerNet/SN-BAS-2025", "main", "ball actions, 12 classes, with teams",
        task="spotting-ball-2025",
    ),
}  # fmt: skip
"""What can be downloaded, by name."""


@dataclass(frozen=True)
class Download:
    """What is there after a download.

    Attributes:
        folder: where the files lie.
        files: how many of the wanted kind are there now, those of earlier runs included.
        missing: files of wanted games that did not come, as far as the games are known.
    """

    folder: Path
    files: int
    missing: tuple[str, ...] = ()


def download(
    what: str,
    folder: str | Path,
    splits: Sequence[str] = ("train", "valid", "test"),
    *,
    games: str | Path | None = None,
    source: str = "huggingface",
    password: str | None = None,
) -> Download:
    """Download data of SoccerNet; a second call goes on where the first was cut off.

    Args:
        what: a name in ``SOURCES``.
        folder: root of the dataset; games lie below it as ``league/season/game``.
        splits: of which splits.
        games: a list of games to take instead of whole splits.
        source: ``huggingface``, or ``soccernet``: the owners' package and its older drive.
        password: of the agreement, for videos from the older drive.

    Raises:
        InputError: unknown names, no access, no connection, or nothing that came.
        MissingExtraError: huggingface-hub is not installed.
    """
    if what not in SOURCES:
        raise InputError(f"unknown data {what!r}", remedy=f"use one of: {', '.join(SOURCES)}")
    known = SOURCES[what]
    folder = Path(folder)
    if unknown := [split for split in splits if split not in ALL_SPLITS]:
        raise InputError(
            f"unknown split {unknown[0]!r}", where="--split", remedy=f"use {', '.join(SPLIT_NAMES)}"
        )
    if known.is_archive and games is not None:
        raise InputError(f"{what} comes by split, not by game", where="--games")
    if folder.exists() and not folder.is_dir():
        raise InputError("this is a file", where=folder, remedy="name a folder")
    wanted = None if known.is_archive else _wanted_games(splits, games)
    if source == "huggingface":
        _from_hugging_face(known, folder, splits, wanted)
    elif source == "soccernet":
        _from_package(known, folder, splits, wanted, password)
    else:
        raise InputError(f"unknown source {source!r}", remedy="use huggingface or soccernet")
    return _account(what, known, folder, splits, wanted)


def published_games(split: str, *, ball: bool = False) -> list[str] | None:
    """The games of a published split, in its order; None without the SoccerNet package.

    Only the package's lists are read; nothing of it is run.

    Args:
        ball: of ball action spotting.
    """
    kind = "Ball" if ball else "SoccerNetGames"
    spec = importlib.util.find_spec("SoccerNet")
    for location in (spec.submodule_search_locations or ()) if spec else ():
        path = Path(location) / "data" / f"{kind}{split.capitalize()}.json"
        if path.is_file():
            return read_game_list(path)
    return None


def _wanted_games(splits: Sequence[str], games: str | Path | None) -> dict[str, list[str]] | None:
    """Games by split; None where they are not known and all are wanted."""
    if games is not None:
        if not Path(games).is_file():
            raise InputError("no such list of games", where=games)
        return {
            "challenge" if tuple(splits) == ("challenge",) else "listed": read_game_list(
                Path(games)
            )
        }
    lists = {split: published_games(split) for split in splits}
    if all(names is not None for names in lists.values()):
        return {split: names for split, names in lists.items() if names is not None}
    if set(splits) - {"challenge"} in ({"train", "valid", "test"}, set()):
        return None
    raise InputError(
        f"which games the split {splits[0]} has is not known here",
        where="--split",
        remedy="pip install SoccerNet, which brings the lists, or give one with --games",
    )


def _from_hugging_face(
    known: Source,
    folder: Path,
    splits: Sequence[str],
    wanted: dict[str, list[str]] | None,
) -> None:
    try:
        from huggingface_hub import snapshot_download
    except ImportError:
        raise MissingExtraError("downloading datasets", "hub") from None
    for repository, patterns in _requests(known, splits, wanted):
        try:
            snapshot_download(
                repository,
                repo_type="dataset",
                revision=known.revision,
                local_dir=folder,
                allow_patterns=patterns,
            )
        except (OSError, ValueError) as error:
            raise _explained(error, repository, known) from error


def _requests(
    known: Source, splits: Sequence[str], wanted: dict[str, list[str]] | None
) -> Iterable[tuple[str, list[str]]]:
    """Repositories, and the paths wanted from each."""
    if known.is_archive:
        yield known.repository, [known.files[0].format(split=split) for split in splits]
        return
    by_repository: dict[str, list[str]] = {}
    for split in wanted if wanted is not None else splits:
        challenge = split == "challenge" and known.challenge_repository
        repository = challenge or known.repository
        names = ["*/*/*"] if wanted is None else [_escaped(game) for game in wanted[split]]
        patterns = by_repository.setdefault(repository, [])
        patterns += [f"{name}/{file}" for name in names for file in known.files]
    for repository, patterns in by_repository.items():
        yield repository, list(dict.fromkeys(patterns))


def _escaped(game: str) -> str:
    """A game's name in a pattern, where brackets would mean something."""
    return game.replace("[", "[[]")


def _explained(error: Exception, repository: str, known: Source) -> InputError:
    status = getattr(getattr(error, "response", None), "status_code", None)
    page = f"https://huggingface.co/datasets/{repository}"
    name = type(error).__name__
    if status in (401, 403) or name in ("GatedRepoError", "RepositoryNotFoundError"):
        signed = f"sign the agreement at {_AGREEMENT}, " if known.gated else ""
        return InputError(
            f"no access to {repository}",
            remedy=f"{signed}ask for access at {page} and log in with `hf auth login`",
        )
    if status == 429:
        return InputError(
            "Hugging Face asks to wait: too many requests",
            where=repository,
            remedy="run the same command again later; it goes on where it stopped",
        )
    return InputError(
        f"the download broke off: {str(error)[:200]}",
        where=repository,
        remedy="run the same command again; it goes on where it stopped",
    )


def _from_package(
    known: Source,
    folder: Path,
    splits: Sequence[str],
    wanted: dict[str, list[str]] | None,
    password: str | None,
) -> None:
    try:
        from SoccerNet.Downloader import SoccerNetDownloader
    except ImportError:
        raise InputError(
            "this source needs SoccerNet's own package", remedy="pip install SoccerNet"
        ) from None
    if known.gated and not password:
        raise InputError(
            "these videos need the password of the agreement",
            where="--password",
            remedy=f"sign it at {_AGREEMENT}; the password comes by mail",
        )
    downloader = SoccerNetDownloader(LocalDirectory=str(folder))
    downloader.password = password
    try:
        if known.task is not None:
            options = {} if password is None else {"password": password}
            downloader.downloadDataTask(task=known.task, split=list(splits), **options)
            return
        for split, games in (wanted or {}).items():
            for game in games:
                downloader.downloadGame(
                    game=game, files=list(known.files), spl=split, source="EXRCSDrive"
                )
    except (OSError, ValueError, TypeError) as error:
        raise InputError(
            f"SoccerNet's package could not download: {str(error)[:200]}",
            remedy="try --source huggingface",
        ) from error


def _account(
    what: str,
    known: Source,
    folder: Path,
    splits: Sequence[str],
    wanted: dict[str, list[str]] | None,
) -> Download:
    """What is there now. Both sources pass silently over what they do not have."""
    if known.is_archive:
        names = [known.files[0].format(split=split) for split in splits]
        found = [name for name in names if next(folder.rglob(name), None) is not None]
        missing = tuple(name for name in names if name not in found)
        count = len(found)
    elif wanted is None:
        count = sum(1 for file in known.files for _ in folder.glob(f"*/*/*/{file}"))
        missing = ()
    else:
        expected = [
            f"{game}/{file}" for games in wanted.values() for game in games for file in known.files
        ]
        missing = tuple(name for name in expected if not (folder / name).is_file())
        count = len(expected) - len(missing)
    if not count:
        raise InputError(
            f"nothing came of {what}",
            where=folder,
            remedy="this split may have none of it; try other --split or --source",
        )
    return Download(folder, count, missing)


def write_game_lists(folder: str | Path, splits: Iterable[str]) -> list[Path]:
    """Put the published lists at the root of a dataset, where ``read_games`` looks for them.

    Returns:
        The files written; none without the SoccerNet package.
    """
    written = []
    for split in splits:
        games = published_games(split)
        if games is None:
            continue
        path = Path(folder) / f"{split}.txt"
        if not path.exists():
            path.write_text("\n".join(games) + "\n", encoding="utf-8")
            written.append(path)
    return written
