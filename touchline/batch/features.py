"""Features of many videos: one task per half and extractor, here or on a cluster, resumable."""

import json
from collections.abc import Iterator, Sequence
from contextlib import closing, suppress
from dataclasses import asdict, dataclass, replace
from functools import lru_cache
from pathlib import Path
from typing import Any, Literal

from touchline.batch.cluster import UNWATCHED, Crew, LostError, Processes, Watch
from touchline.datasets.soccernet import Game, read_games
from touchline.errors import InputError
from touchline.features.extractor import Extractor, Report
from touchline.features.extractors import ExtractorSpec, file_read, open_extractor
from touchline.features.pca import FromFile, Reduced
from touchline.features.store import (
    description_path,
    files_prefix,
    is_current,
    read_description,
    write_features,
)
from touchline.runtime.atomic import remove_temporary

Status = Literal["made", "kept", "failed"]


@dataclass(frozen=True)
class Outcome:
    """What became of one half.

    Attributes:
        path: the feature file.
        status: ``"made"``, ``"kept"`` (it was there already) or ``"failed"``.
        rows, dims: of the file; 0 where it was kept or failed.
        message: why it failed, or a warning.
    """

    path: Path
    status: Status
    rows: int = 0
    dims: int = 0
    message: str | None = None

    def told(self) -> dict[str, Any]:
        """As JSON."""
        return {**asdict(self), "path": str(self.path)}


@dataclass(frozen=True)
class HalfTask:
    """One feature file to make of one video.

    Attributes:
        folder: where the file goes.
        stem: the file's name before the extractor's suffix: ``1`` for a first half.
        goes_on: whether an unreadable video is told of instead of raised.
    """

    video: Path
    folder: Path
    stem: str
    spec: ExtractorSpec
    overwrite: bool = False
    goes_on: bool = True

    def run(self, report: Report) -> str:
        """Extract, unless the file is there; gives an ``Outcome`` as JSON."""
        extractor = _opened(self.spec)
        path = self.path(extractor)
        try:
            outcome = self._run(path, extractor, report)
        except InputError as error:
            if not self.goes_on:
                raise
            outcome = Outcome(path, "failed", message=str(error))
        report(1.0)
        return json.dumps(outcome.told())

    @property
    def name(self) -> str:
        """What it works at."""
        return f"{self.video} ({self.spec.name})"

    def clear(self) -> None:
        """See ``FileTask``."""
        path = self.path(_opened(self.spec))
        for place in (path, description_path(path)):
            remove_temporary(place)

    def path(self, extractor: Extractor) -> Path:
        """The file that it makes."""
        return self.folder / f"{self.stem}_{extractor.suffix}.npy"

    def is_done(self, extractor: Extractor) -> bool:
        """Whether there is nothing to do.

        Raises:
            InputError: features of somebody else lie in the place.
        """
        further = {name: self.folder / f"{self.stem}_{name}" for name in self.spec.further}
        return not self.overwrite and is_current(
            self.path(extractor), extractor.identity, self.video, further
        )

    def _run(self, path: Path, extractor: Extractor, report: Report) -> Outcome:
        if self.is_done(extractor):
            return Outcome(path, "kept")
        if isinstance(extractor, Reduced):
            extractor = self._whole_rows(extractor) or extractor
        made = write_features(path, extractor, self.video, report)
        return Outcome(path, "made", made.rows, made.dims, made.warning)

    def _whole_rows(self, reduced: Reduced) -> FromFile | None:
        """The rows before the PCA, if they lie in their place."""
        path = self.path(reduced.extractor)
        if not path.exists() or not description_path(path).exists():
            return None
        if not is_current(path, reduced.extractor.identity, self.video):
            return None
        described = read_description(path)
        return None if described is None else FromFile(reduced, path, described)


@lru_cache(maxsize=1)
def _opened(spec: ExtractorSpec) -> Extractor:
    """One extractor serves all the halves that a process meets."""
    return open_extractor(spec)


def plan(
    source: Path,
    specs: Sequence[ExtractorSpec],
    *,
    out: Path | None = None,
    split: str | None = None,
    size: str = "224p",
    overwrite: bool = False,
) -> list[HalfTask]:
    """The tasks of a video or a dataset.

    Args:
        source: a video (for top views, a calibration file), or the folder of a dataset in the
            SoccerNet layout.
        specs: the extractors.
        out: folder to write to, for a dataset with its league/season/game below; beside the
            videos by default.
        split: only the games of this split.
        size: which of several videos of a half to read.
        overwrite: make files anew that are there already, whoever made them.

    Raises:
        InputError: there is no such video or dataset.
    """
    if source.is_file():
        folder = source.parent if out is None else out
        stem = files_prefix(source)
        return [HalfTask(source, folder, stem, spec, overwrite, goes_on=False) for spec in specs]
    if not source.exists():
        raise InputError("there is no such file or folder", where=source)
    games = {
        file: read_games(source, split, size=size, features=file)
        for file in dict.fromkeys(map(file_read, specs))
    }
    return [
        HalfTask(path, folder, stem, spec, overwrite)
        for spec in specs  # one after the other, so that one network is in memory at a time
        for game in games[file_read(spec)]
        for path, folder, stem in _halves(game, out)
    ]


def _halves(game: Game, out: Path | None) -> Iterator[tuple[Path, Path, str]]:
    """Each video of a game with the folder and the stem of its features."""
    is_plain = "events" in game.label_files
    for half in game.halves:
        stem = half.path.stem if is_plain else str(half.number)
        if out is None:
            yield half.path, half.path.parent, stem
        elif is_plain:
            yield half.path, (out / game.name).parent, stem
        else:
            yield half.path, out / game.name, stem


def extract(
    tasks: Sequence[HalfTask], *, crew: Crew | None = None, watch: Watch = UNWATCHED
) -> Iterator[Outcome]:
    """Run tasks; a video that cannot be read does not stop the others.

    Args:
        crew: who runs them; by default processes, one for every two cores.
        watch: who is told; each task counts as 1.

    Raises:
        InputError: an extractor cannot be opened, before anything is extracted; or the only
            video cannot be read.
    """
    crew = crew or Processes()
    threads = crew.threads(len(tasks))
    if threads is not None:
        tasks = [_with_threads(task, threads) for task in tasks]
    specs = list(dict.fromkeys(task.spec for task in tasks))
    try:
        suffixes = {spec: _opened(spec).suffix for spec in specs}
        if crew.is_here:
            for spec in reversed(specs):  # the first stays open
                _prepare(spec, [task for task in tasks if task.spec == spec])
        if not crew.is_here or crew.processes(len(tasks)) > 1:
            _opened.cache_clear()
        with closing(crew.run(tasks, watch)) as finished:
            for task, result in finished:
                if isinstance(result, LostError):
                    path = task.folder / f"{task.stem}_{suffixes[task.spec]}.npy"
                    yield Outcome(path, "failed", message=str(result))
                    continue
                told = json.loads(result)
                yield Outcome(**{**told, "path": Path(told["path"])})
    finally:
        _opened.cache_clear()


def _prepare(spec: ExtractorSpec, tasks: Sequence[HalfTask]) -> None:
    """Make an extractor ready if one of its tasks needs it."""
    extractor = _opened(spec)
    for task in tasks:
        with suppress(InputError):  # told of when its turn comes
            if task.is_done(extractor):
                continue
        _ = extractor.engine
        return


def _with_threads(task: HalfTask, threads: int) -> HalfTask:
    placement = replace(task.spec.placement, threads=threads)
    return replace(task, spec=replace(task.spec, placement=placement))
