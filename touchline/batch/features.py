"""Features of many videos: one task per half and extractor."""

from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path

from touchline.batch.executor import NO_OBSERVER, Executor, LocalExecutor, Observer, Share
from touchline.batch.reuse import LastOpened
from touchline.batch.run import run_all
from touchline.batch.summary import Outcome
from touchline.datasets.soccernet import Game, find_videos, read_games
from touchline.errors import InputError
from touchline.features.extractor import Extractor
from touchline.features.extractors import (
    AUDIO_EXTRACTORS,
    ExtractorSpec,
    input_file_ending,
)
from touchline.features.pca import PcaExtractor, PcaOfFile
from touchline.features.store import (
    Description,
    description_path,
    files_prefix,
    is_current,
    read_description,
    write_features,
)
from touchline.media.frame_folders import is_frame_folder
from touchline.pulling.extractors import open_with_weights
from touchline.runtime.progress import Progress
from touchline.runtime.temporary import remove_temporary

_extractors: LastOpened[ExtractorSpec, Extractor] = LastOpened(open_with_weights)


@dataclass(frozen=True)
class ExtractTask:
    """One feature file to make of one video.

    Attributes:
        folder: where the file goes.
        stem: the file's name before the extractor's suffix: ``1`` for a first half.
        overwrite: make it anew, whoever made the one that is there.
    """

    video: Path
    folder: Path
    stem: str
    spec: ExtractorSpec
    overwrite: bool = False

    @property
    def name(self) -> str:
        """See ``FileTask``."""
        return f"{self.video} ({self.spec.name})"

    def run(self, progress: Progress) -> Outcome:
        """Extract, unless the file is there.

        Raises:
            InputError: the extractor cannot be opened.
        """
        extractor = _extractors(self.spec)
        try:
            outcome = self._run(extractor, progress)
        except InputError as error:
            outcome = self.failed(str(error))
        progress(1.0)
        return outcome

    def failed(self, reason: str) -> Outcome:
        """See ``OutcomeTask``."""
        return Outcome(str(self.video), "failed", reason=reason, features=self.spec.name)

    def clear(self) -> None:
        """See ``FileTask``."""
        path = self.path(_extractors(self.spec))
        for written in (path, description_path(path)):
            remove_temporary(written)

    def with_share(self, share: Share) -> "ExtractTask":
        """See ``OutcomeTask``."""
        if share.threads is None:
            return self
        placement = replace(self.spec.placement, threads=share.threads)
        return replace(self, spec=replace(self.spec, placement=placement))

    def release(self) -> None:
        """See ``OutcomeTask``."""
        _extractors.close()

    def path(self, extractor: Extractor) -> Path:
        """The file that it makes."""
        return self.folder / f"{self.stem}_{extractor.suffix}.npy"

    def is_done(self, extractor: Extractor) -> bool:
        """Whether there is nothing to do.

        Raises:
            InputError: a file that touchline did not write is in the way.
        """
        additional = {
            name: self.folder / f"{self.stem}_{name}" for name in self.spec.additional_files
        }
        return not self.overwrite and is_current(
            self.path(extractor), extractor.identity, self.video, additional
        )

    def _run(self, extractor: Extractor, progress: Progress) -> Outcome:
        path = self.path(extractor)
        if not self.video.exists():
            raise InputError("there is no such file", where=self.video)
        if self.is_done(extractor):
            kept = self._outcome(path, read_description(path))
            return replace(kept, status="kept")
        if isinstance(extractor, PcaExtractor):
            extractor = self._whole_rows(extractor) or extractor
        return self._outcome(path, write_features(path, extractor, self.video, progress))

    def _outcome(self, path: Path, described: Description | None) -> Outcome:
        assert described is not None  # it was written, or checked, just now
        warning = described.warning
        return Outcome(
            str(self.video),
            "made",
            (str(path),),
            warnings=() if warning is None else (warning,),
            features=self.spec.name,
            rows=described.rows,
            dims=described.dims,
        )

    def _whole_rows(self, reduced: PcaExtractor) -> PcaOfFile | None:
        """The rows before the PCA, if they are there."""
        path = self.path(reduced.extractor)
        if not path.exists() or not description_path(path).exists():
            return None
        if not is_current(path, reduced.extractor.identity, self.video):
            return None
        described = read_description(path)
        return None if described is None else PcaOfFile(reduced, path, described)


def plan_extraction(
    source: Path,
    specs: Sequence[ExtractorSpec],
    *,
    out: Path | None = None,
    split: str | None = None,
    size: str = "224p",
    overwrite: bool = False,
) -> list[ExtractTask]:
    """The tasks of a video or a dataset.

    Args:
        source: a video, a file of sound for what hears, or a folder of frames (for top views, a
            calibration file); or the folder of a dataset in the SoccerNet layout.
        specs: the extractors.
        out: folder to write to, for a dataset with its league/season/game below; beside the
            videos by default.
        split: only the games of this split.
        size: which of several videos of a half to read.
        overwrite: make files anew that are there already, whoever made them.

    Raises:
        InputError: there is no such video or dataset.
    """
    if source.is_file() or is_frame_folder(source):
        folder = source.parent if out is None else out
        stem = files_prefix(source)
        return [ExtractTask(source, folder, stem, spec, overwrite) for spec in specs]
    if not source.exists():
        raise InputError("there is no such file or folder", where=source)
    games = {
        (file, hears): read_games(source, split, size=size, features=file, hears=hears)
        for file, hears in dict.fromkeys(map(_reads, specs))
    }
    return [
        ExtractTask(path, folder, stem, spec, overwrite)
        for spec in specs  # one after the other, so that one network is in memory at a time
        for game in games[_reads(spec)]
        for path, folder, stem in _halves(game, out)
    ]


def _reads(spec: ExtractorSpec) -> tuple[str | None, bool]:
    """Ending of the file that an extractor reads of a half, and whether its sound alone will do."""
    return input_file_ending(spec), spec.name.partition("@")[0] in AUDIO_EXTRACTORS


def left_out(source: Path, tasks: Sequence[ExtractTask], *, size: str = "224p") -> list[Path]:
    """The files below a folder that its extractors could read, but that belong to no game.

    Args:
        source: as for ``plan_extraction``, without a split; a file leaves nothing out.
        tasks: its tasks.
    """
    if not source.is_dir() or is_frame_folder(source):
        return []
    planned = {task.video for task in tasks}
    readable: dict[Path, None] = {}
    for ending in dict.fromkeys(input_file_ending(task.spec) for task in tasks):
        found = (
            find_videos(source, size=size)
            if ending is None
            else sorted(source.rglob(f"*_{ending}"))
        )
        readable |= dict.fromkeys(found)
    return [path for path in readable if path not in planned]


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
    tasks: Sequence[ExtractTask],
    *,
    executor: Executor | None = None,
    observer: Observer = NO_OBSERVER,
) -> Iterator[tuple[int, Outcome]]:
    """Run tasks; see ``run_all``.

    Args:
        executor: by default processes, one for every two cores.

    Raises:
        InputError: an extractor cannot be opened, before anything is extracted.
    """
    executor = executor or LocalExecutor()
    share = executor.share(len(tasks))
    ready = [task.with_share(share) for task in tasks]
    specs = list(dict.fromkeys(task.spec for task in ready))
    try:
        for spec in reversed(specs):  # the first stays open
            extractor = _extractors(spec)
            if executor.is_local:
                _prepare(extractor, [task for task in ready if task.spec == spec])
        if not executor.is_local or executor.processes(len(tasks)) > 1:
            _extractors.close()
        yield from run_all(ready, executor, observer)
    finally:
        _extractors.close()


def _prepare(extractor: Extractor, tasks: Sequence[ExtractTask]) -> None:
    """Make an extractor ready if one of its tasks needs it."""
    for task in tasks:
        with suppress(InputError):  # an outcome of the task itself
            if task.is_done(extractor):
                continue
        _ = extractor.engine
        return
