"""Downloading SoccerNet from its official sources: Hugging Face, or the SoccerNet package.

touchline does not redistribute SoccerNet; the videos need an agreement with its owners.
"""

import importlib.util
import shutil
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path

from touchline.errors import InputError, MissingExtraError
from touchline.formats.games import read_game_list
from touchline.runtime.atomic import atomic_write
from touchline.runtime.mirror import inside, mirror
from touchline.splits import SPLIT_NAMES

LABELS = ("Labels-v2.json",)
ALL_SPLITS = ("train", "valid", "test", "challenge")

_AGREEMENT = "https://www.soccer-net.org/data"


@dataclass(frozen=True)
class DownloadSource:
    """The source of one kind of data.

    Attributes:
        files: file names in the folder of a game; with ``{split}``, one archive per split.
        repository, revision: on Hugging Face.
        challenge_repository: repository of the challenge split, if it is another one.
        gated: whether access needs an account and an agreement.
        task: name of the data in the SoccerNet package, for archives.
        description: one line.
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
        """Whether the data is one archive per split."""
        return "{split}" in self.files[0]


def _halves(name: str) -> tuple[str, ...]:
    return tuple(f"{half}_{name}" for half in (1, 2))


_VIDEOS = "SoccerNet/SoccerNet_raw_HQ"
_CHALLENGE = "SoccerNet/SoccerNet_raw_HQ_Challenge"
_FEATURES = "SoccerNet/SN-Features"

SOURCES = {
    "labels": DownloadSource(LABELS, "SoccerNet/SN-Labels", "main", "action labels, 17 classes"),
    "labels-all": DownloadSource(
        ("Labels.json", "Labels-v2.json", "Labels-v3.json", "Labels-cameras.json",
         "Labels-caption.json"),
        "SoccerNet/SN-Labels", "main", "all published labels",
    ),
    "resnet": DownloadSource(
        _halves("ResNET_TF2.npy"), _FEATURES, "resnet-tf2", "ResNet-152 features, 2048 wide"
    ),
    "resnet-pca512": DownloadSource(
        _halves("ResNET_TF2_PCA512.npy"), _FEATURES, "resnet-tf2-pca512", "the same, 512 wide"
    ),
    "baidu": DownloadSource(
        _halves("baidu_soccer_embeddings.npy"), _FEATURES, "baidu-soccer-embeddings",
        "Baidu's features, 8576 wide",
    ),
    "boxes": DownloadSource(
        _halves("player_boundingbox_maskrcnn.json"), _FEATURES, "player-boundingbox-maskrcnn",
        "boxes of players, 2 a second",
    ),
    "calibration": DownloadSource(
        _halves("field_calib_ccbv.json"), _FEATURES, "field-calib-ccbv",
        "calibration of the camera, 2 a second",
    ),
    "videos-224p": DownloadSource(
        _halves("224p.mkv"), _VIDEOS, "videos-224p", "videos at 398x224", True, _CHALLENGE
    ),
    "videos-720p": DownloadSource(
        _halves("720p.mkv"), _VIDEOS, "videos-720p", "videos at 1280x720", True, _CHALLENGE
    ),
    "videos-hq": DownloadSource(
        (*_halves("HQ.mkv"), "video.ini"), _VIDEOS, "videos-HQ", "untrimmed recordings", True,
        _CHALLENGE,
    ),
    "ball-2023": DownloadSource(
        ("{split}.zip",), "SoccerNet/SN-BAS-2023", "main", "ball actions, 2 classes", True,
        task="spotting-ball-2023",
    ),
    "ball-2024": DownloadSource(
        ("{split}.zip",), "SoccerNet/SN-BAS-2024", "main", "ball actions, 12 classes",
        task="spotting-ball-2024",
    ),
    "ball-2025": DownloadSource(
        ("{split}.zip",), "SoccerNet/SN-BAS-2025", "main", "ball actions, 12 classes, with teams",
        task="spotting-ball-2025",
    ),
}  # fmt: skip
"""The downloadable data, by name."""


@dataclass(frozen=True)
class Download:
    """The result of a download.

    Attributes:
        folder: folder of the files.
        files: number of files of this kind, including those of earlier runs.
        missing: missing files of the requested games, as far as the games are known.
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
    """Download data of SoccerNet; a second call resumes an interrupted download.

    Args:
        what: a name in ``SOURCES``.
        folder: root of the dataset; games are stored below it as ``league/season/game``.
        splits: the splits to download.
        games: a game list to use instead of whole splits.
        source: ``huggingface``, or ``soccernet`` for the SoccerNet package.
        password: password of the agreement, for videos by the SoccerNet package.

    Raises:
        InputError: unknown names, no access, no connection, no files, or no mirror where
            ``TOUCHLINE_MIRROR`` names one.
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
        raise InputError(
            f"{what} is downloaded by split, not by game", where="--games", remedy="give --split"
        )
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
    """The games of a published split, in order; None without the SoccerNet package.

    Only the lists of the package are read; none of its code is run.

    Args:
        ball: the splits of ball action spotting.
    """
    kind = "Ball" if ball else "SoccerNetGames"
    spec = importlib.util.find_spec("SoccerNet")
    for location in (spec.submodule_search_locations or ()) if spec else ():
        path = Path(location) / "data" / f"{kind}{split.capitalize()}.json"
        if path.is_file():
            return read_game_list(path)
    return None


def _wanted_games(splits: Sequence[str], games: str | Path | None) -> dict[str, list[str]] | None:
    """Games by split; None if they are unknown and all are requested."""
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
        f"the games of split {splits[0]!r} are unknown",
        where="--split",
        remedy="pip install SoccerNet, which contains the lists, or give one with --games",
    )


def _from_hugging_face(
    known: DownloadSource,
    folder: Path,
    splits: Sequence[str],
    wanted: dict[str, list[str]] | None,
) -> None:
    at = mirror()
    if isinstance(at, Path):
        for repository, patterns in _requests(known, splits, wanted):
            _from_folder(at, repository, known.revision, patterns, folder)
        return
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
                endpoint=None if at is None else f"{at}/huggingface.co",
            )
        except (OSError, ValueError) as error:
            raise _explained(error, repository, known) from error


def _from_folder(
    at: Path, repository: str, revision: str, patterns: Sequence[str], folder: Path
) -> None:
    """Copy what matches from a mirror's folder.

    Raises:
        InputError: the repository is not there.
    """
    places = (f"huggingface.co/datasets/{repository}/resolve/{revision}", repository)
    root = next((root for place in places if (root := inside(at, place)).is_dir()), None)
    if root is None:
        raise InputError(
            "is not in the mirror", where=repository, remedy=f"it should be at {at / places[0]}"
        )
    for path in sorted(path for path in root.rglob("*") if path.is_file()):
        name = path.relative_to(root).as_posix()
        if not any(fnmatchcase(name, pattern) for pattern in patterns):
            continue
        target = folder / name
        if target.is_file() and target.stat().st_size == path.stat().st_size:
            continue
        target.parent.mkdir(parents=True, exist_ok=True)
        with atomic_write(target) as unfinished:
            shutil.copyfile(path, unfinished)


def _requests(
    known: DownloadSource, splits: Sequence[str], wanted: dict[str, list[str]] | None
) -> Iterable[tuple[str, list[str]]]:
    """Repositories, and the path patterns to download from each."""
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
    """A game's name as a pattern, with brackets escaped."""
    return game.replace("[", "[[]")


def _explained(error: Exception, repository: str, known: DownloadSource) -> InputError:
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
            "too many requests to Hugging Face",
            where=repository,
            remedy="run the same command again later; it resumes",
        )
    return InputError(
        f"the download failed: {str(error)[:200]}",
        where=repository,
        remedy="run the same command again; it resumes",
    )


def _from_package(
    known: DownloadSource,
    folder: Path,
    splits: Sequence[str],
    wanted: dict[str, list[str]] | None,
    password: str | None,
) -> None:
    try:
        from SoccerNet.Downloader import SoccerNetDownloader
    except ImportError:
        raise InputError(
            "this source needs the SoccerNet package", remedy="pip install SoccerNet"
        ) from None
    if known.gated and not password:
        raise InputError(
            "these videos need the password of the agreement",
            where="--password",
            remedy=f"sign it at {_AGREEMENT}; the password is sent by mail",
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
            f"the SoccerNet package failed: {str(error)[:200]}",
            remedy="try --source huggingface",
        ) from error


def _account(
    what: str,
    known: DownloadSource,
    folder: Path,
    splits: Sequence[str],
    wanted: dict[str, list[str]] | None,
) -> Download:
    """Count the files after a download: both sources silently skip missing files."""
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
            f"no files of {what} were downloaded",
            where=folder,
            remedy="the split may have none; try another --split or --source",
        )
    return Download(folder, count, missing)
