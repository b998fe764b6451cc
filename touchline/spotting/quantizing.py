"""An int8 variant of an installed network: calibrated on videos, compared with the network itself.

Whether it is used is decided where a network is opened, see ``touchline.engines.openvino``.
"""

import shutil
from collections.abc import Iterable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from touchline.engines import Engine, Floats, Frames, open_engine
from touchline.engines.openvino import OpenVINOEngine, trial_of
from touchline.engines.quantize import quantize_graphs, require_quantizable
from touchline.engines.trial import Trial
from touchline.errors import CheckpointError, ConfigError
from touchline.events import Match, Timeline
from touchline.formats import read
from touchline.labels import SOCCERNET_BALL, SOCCERNET_V2, LabelSet, evaluation_rate
from touchline.media.video import probe
from touchline.metrics.spotting import evaluate
from touchline.runtime.atomic import uninterrupted
from touchline.runtime.progress import Remark, no_remark
from touchline.runtime.temporary import scratch_in, temporary_folder
from touchline.simulator.author import MIN_MINUTES
from touchline.simulator.dataset import MAX_MINUTES, simulate, video_name
from touchline.spotting.picture_spotter import Spotter
from touchline.zoo.cards import CARD_FILE, ModelCard, write_card
from touchline.zoo.store import ModelFolder, check_copy_target, sha256_of

MAX_LOST_POINTS = 0.5
"""Average mAP, in hundredths, that int8 may cost on simulated matches."""

CALIBRATION_BATCHES = 24
PICTURES_PER_BATCH = 16
MAX_CALIBRATION_BYTES = 256 << 20
"""Of all pictures kept: fewer batches of larger ones."""

CALIBRATION_SEED, COMPARISON_SEED = 910_031, 910_033
_SMALLEST_SIDE = 64
_LABEL_FILES = {"Labels-v2.json": SOCCERNET_V2, "Labels-ball.json": SOCCERNET_BALL}


@dataclass(frozen=True)
class SimulatedPictures:
    """How much simulated football there is.

    Attributes:
        calibration_frames, compared_frames: of the network's own rate, about.
        compared_games: by how many games the latter are.
    """

    calibration_frames: int = 1_000
    compared_frames: int = 3_840
    compared_games: int = 4


DEFAULT_PICTURES = SimulatedPictures()


@dataclass(frozen=True)
class Comparison:
    """What int8 changes, on pictures that it was not calibrated with.

    Attributes:
        steps: of the curves compared.
        mean_shift, largest_shift: of the score of a class at a step.
        average_map: tight, over the classes that occur in the simulated matches, in fp32 and in
            int8; None where the simulator has no labels of the network.
    """

    steps: int
    mean_shift: float
    largest_shift: float
    average_map: tuple[float, float] | None


@dataclass(frozen=True)
class QuantizedModel:
    """A model with an int8 variant.

    Attributes:
        trial: how long a batch takes on this machine, by precision.
    """

    folder: ModelFolder
    comparison: Comparison
    trial: Trial


@dataclass(frozen=True)
class _Part:
    """A part of a video."""

    video: Path
    start_seconds: float = 0.0
    end_seconds: float | None = None


@dataclass(frozen=True)
class _Game:
    """A simulated game: its halves, and where its labels are."""

    halves: tuple[_Part, ...]
    labels: Path


def quantize(
    folder: ModelFolder,
    videos: Sequence[Path] = (),
    out: Path | None = None,
    *,
    simulated: SimulatedPictures = DEFAULT_PICTURES,
    remark: Remark = no_remark,
) -> QuantizedModel:
    """Make the int8 variant of a model whose pictures OpenVINO sees, and measure what it changes.

    Calibrated with pictures of simulated matches, if the network knows their classes, and of the
    videos. Every third video is held back for the comparison; of one or two their last third.

    Args:
        out: folder for a copy of the model with the variant; by default it is added to the model.
        simulated: how much football to draw.
        remark: called with what is being done.

    Raises:
        ConfigError: a model without such graphs, or of classes that the simulator does not know
            and no video; one that comes with the package, and no ``out``; or an ``out`` that holds
            something else.
        CheckpointError: it costs more than ``MAX_LOST_POINTS``; nothing is left then.
        MediaError: a video that cannot be read.
        MissingExtraError: NNCF is not installed.
    """
    require_quantizable(folder)
    if out is None and folder.origin == "packaged":
        raise ConfigError(
            "comes with touchline", where=folder.card.name, remedy="give a folder with --out"
        )
    if out is not None:
        check_copy_target(out, folder)
    label_file = _label_file(folder.card)
    if label_file is None and not videos:
        raise ConfigError(
            f"model {folder.card.name} knows no classes of simulated matches",
            remedy="give videos with --videos",
        )
    calibrated, compared = _held_back(videos)
    target = folder.path if out is None else out
    games: list[_Game] = []
    with temporary_folder() as drawn, scratch_in(target, "quantize") as scratch:
        if label_file is not None:
            remark("drawing simulated matches")
            first, games = _draw(folder.card, simulated, label_file, drawn)
            calibrated += [half for game in first for half in game.halves]
        remark("calibrating")
        card = _make_variant(folder, calibrated, scratch)
        remark("comparing with the network itself")
        comparison = _compare(ModelFolder(scratch, card), compared, games)
        _refuse_loss(folder.card.name, comparison)
        timed = trial_of(ModelFolder(scratch, card))
        whole = None if out is None or _is_same(out, folder.path) else folder
        _put(scratch, target, card, whole)
    origin = folder.origin if whole is None else "path"
    return QuantizedModel(ModelFolder(target, card, origin), comparison, timed)


def _label_file(card: ModelCard) -> str | None:
    """The simulator's labels that hold all classes of a network."""
    wanted = set(card.labels.labels)
    return next((name for name, known in _LABEL_FILES.items() if wanted <= set(known)), None)


def _held_back(videos: Sequence[Path]) -> tuple[list[_Part], list[_Part]]:
    """What to calibrate with, and what to compare on."""
    if len(videos) > 2:
        parts = [_Part(video) for video in videos]
        return [x for n, x in enumerate(parts) if n % 3 != 2], parts[2::3]
    ends = [(video, 2 / 3 * probe(video).duration_seconds) for video in videos]
    return (
        [_Part(video, end_seconds=end) for video, end in ends],
        [_Part(video, start_seconds=end) for video, end in ends],
    )


def _draw(
    card: ModelCard, pictures: SimulatedPictures, label_file: str, folder: Path
) -> tuple[list[_Game], list[_Game]]:
    """Games to calibrate with, and games to compare on, at the network's rate."""
    width, height = (max(_SMALLEST_SIDE, side) for side in card.picture_size)

    def games(name: str, seed: int, count: int, frames: int) -> list[_Game]:
        minutes = float(frames / card.frame_rate / 60 / (2 * count))
        made = simulate(
            folder / name,
            games=count,
            seed=seed,
            minutes=min(max(minutes, MIN_MINUTES), MAX_MINUTES),
            size=(width, height),
            rate=card.frame_rate,
            modalities=("video", "labels"),
        )
        paths = [made.root / game for game in made.games]
        return [
            _Game(
                tuple(_Part(path / video_name(half, (width, height))) for half in (1, 2)),
                path / label_file,
            )
            for path in paths
        ]

    return (
        games("calibration", CALIBRATION_SEED, 1, pictures.calibration_frames),
        games(
            "comparison", COMPARISON_SEED, pictures.compared_games, pictures.compared_frames
        ),
    )  # fmt: skip


class _Pictures:
    """A few batches of consecutive pictures, spread evenly over all that pass."""

    def __init__(self) -> None:
        self.kept: list[Frames] = []
        self._stride, self._count = 1, 0

    def add(self, frames: Frames) -> None:
        """(N, H, W, C)."""
        frames = frames[:PICTURES_PER_BATCH]
        if self._count % self._stride == 0:
            self.kept.append(frames.copy())
            most = min(CALIBRATION_BATCHES, MAX_CALIBRATION_BYTES // frames.nbytes)
            while len(self.kept) > max(1, most):
                self.kept = self.kept[::2]
                self._stride *= 2
        self._count += 1


class _Watched:
    """An engine whose pictures are looked at as they pass."""

    def __init__(self, engine: Engine, pictures: _Pictures) -> None:
        self._engine, self._pictures = engine, pictures
        self.name, self.remarks = engine.name, engine.remarks
        self.clip_len, self.num_outputs = engine.clip_len, engine.num_outputs
        self.shares_frames = engine.shares_frames

    def logits(self, frames: Frames, valid: Floats) -> Floats:
        """See ``Engine``."""
        return self.submit(frames, valid).result()

    def submit(self, frames: Frames, valid: Floats) -> Future[Floats]:
        """See ``Engine``."""
        for clip, known in zip(frames, valid, strict=True):
            self._pictures.add(clip[known > 0])
        return self._engine.submit(frames, valid)

    def features(self, frames: Frames) -> Floats:
        """See ``Engine``."""
        self._pictures.add(frames)
        return self._engine.features(frames)

    def head(self, features: Floats, valid: Floats) -> Floats:
        """See ``Engine``."""
        return self._engine.head(features, valid)

    def close(self) -> None:
        """See ``Engine``."""
        self._engine.close()


def _make_variant(folder: ModelFolder, parts: Iterable[_Part], scratch: Path) -> ModelCard:
    """Write graphs and int8 variants; returns the model's card with both."""
    engine = OpenVINOEngine(folder, "fp32")
    pictures = _Pictures()
    with Spotter(folder, _Watched(engine, pictures)) as spotter:
        for part in parts:
            spotter.score(
                part.video, start_seconds=part.start_seconds, end_seconds=part.end_seconds
            )
        examples = [engine.examples(frames) for frames in pictures.kept]
    samples = {name: [one[name] for one in examples] for name in examples[0]}
    written = quantize_graphs(folder, samples, scratch)
    for name in folder.onnx_files:
        shutil.copyfile(folder.file(name), scratch / name)
    files = {**folder.card.files, **{path.name: sha256_of(path) for path in written}}
    return folder.card.model_copy(update={"files": files})


def _compare(model: ModelFolder, parts: Sequence[_Part], games: Sequence[_Game]) -> Comparison:
    """Score held-back pictures in fp32 and in int8."""
    every = [*parts, *(half for game in games for half in game.halves)]
    found: dict[str, list[Timeline]] = {}
    for precision in ("fp32", "int8"):
        engine = open_engine(model, engine="openvino", precision=precision)
        with Spotter(model, engine) as spotter:
            found[precision] = [
                spotter.spot(
                    part.video, start_seconds=part.start_seconds, end_seconds=part.end_seconds
                )
                for part in every
            ]
    shifts = [
        np.abs(_curves(one) - _curves(other))
        for one, other in zip(found["fp32"], found["int8"], strict=True)
    ]
    total = sum(shift.size for shift in shifts)
    of_games = {key: several[len(parts) :] for key, several in found.items()}
    maps = [_average_map(model.card.label_set, games, several) for several in of_games.values()]
    exact, coarse = maps
    return Comparison(
        sum(len(shift) for shift in shifts),
        float(sum(shift.sum(dtype=np.float64) for shift in shifts) / max(1, total)),
        float(max((shift.max(initial=0) for shift in shifts), default=0)),
        None if exact is None or coarse is None else (exact, coarse),
    )


def _curves(timeline: Timeline) -> Floats:
    assert timeline.scores is not None
    return np.asarray(timeline.scores.values, np.float32)


def _average_map(
    labels: LabelSet, games: Sequence[_Game], timelines: Sequence[Timeline]
) -> float | None:
    """Tight average mAP over the classes that occur; None where none does."""
    halves = iter(timelines)
    found, true = {}, {}
    for game in games:
        name = str(game.labels.parent)
        own = [replace(next(halves), half=half) for half in (1, 2)]
        found[name] = Match(name, tuple(own))
        known = read(game.labels)
        assert isinstance(known, Match)
        true[name] = replace(
            known,
            timelines=tuple(
                half.with_events([event for event in half if event.label in labels])
                for half in known.timelines
            ),
        )
    if not games:
        return None
    scores = evaluate(
        true, found, label_set=labels, metric="tight", rate=evaluation_rate(labels)
    )  # fmt: skip
    return scores.average_map_present


def _refuse_loss(name: str, comparison: Comparison) -> None:
    if comparison.average_map is None:
        return
    exact, coarse = comparison.average_map
    lost = 100 * (exact - coarse)
    if lost > MAX_LOST_POINTS:
        raise CheckpointError(
            f"model {name}: int8 costs {lost:.1f} points of average mAP on simulated matches, "
            f"over {MAX_LOST_POINTS:g}; nothing was written",
            remedy="give videos that the network is meant for with --videos",
        )


def _is_same(one: Path, other: Path) -> bool:
    return one.exists() and one.samefile(other)


def _put(scratch: Path, target: Path, card: ModelCard, whole: ModelFolder | None) -> None:
    """Give the variant its place.

    Args:
        whole: the model, where all its files go along.
    """
    added = [name for name in card.files if (scratch / name).exists() and ".int8." in name]
    if whole is not None:
        added = list(card.files)
        for name in added:
            if not (scratch / name).exists():
                shutil.copyfile(whole.file(name), scratch / name)
    write_card(card, scratch / CARD_FILE)
    with uninterrupted():
        for name in (*added, CARD_FILE):
            (scratch / name).replace(target / name)
