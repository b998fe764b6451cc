"""Clips cut straight from video."""

import os
import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils.data import DataLoader, default_collate

from touchline.datasets.clips import ClipDataset, ClipSampler, JointClips, LabelledVideo
from touchline.datasets.frames import FrameGrid, open_frames
from touchline.datasets.soccernet import known_events
from touchline.datasets.targets import NO_SIDE, label_frames
from touchline.errors import ConfigError
from touchline.labels import LabelSet
from touchline.runtime.progress import Remark, no_remark
from touchline.runtime.wording import counted
from touchline.scores import Scores
from touchline.spotting.scorers import video_scorer
from touchline.systems import row_of
from touchline.timebase import parse_rate
from touchline.training.options.video import VideoDataOptions, VideoRecipe
from touchline.training.schedule import Schedule, StepSchedule
from touchline.training.sources.base import Batch, LossBatches, Share, ValidationItem
from touchline.training.sources.games import LabelledGames, read_labels
from touchline.training.sources.hard_negatives import with_predictions
from touchline.training.tasks import video_task

_STREAMS = ("frames", "valid")


@dataclass(frozen=True)
class VideoData:
    """Every video that a run reads.

    Attributes:
        labels: the classes, in the order of the network's outputs.
        training: videos that clips are drawn from.
        validation: whole videos that epochs are scored on; may be empty.
    """

    labels: LabelSet
    training: tuple[LabelledVideo, ...]
    validation: tuple[ValidationItem, ...]


class VideoSource:
    """See ``ClipSource``.

    Args:
        on_gpu: whether batches go to a GPU.

    Raises:
        InputError: see ``load_videos``; ConfigError: names that the system does not know.
    """

    def __init__(
        self, recipe: VideoRecipe, *, on_gpu: bool = False, say: Remark = no_remark
    ) -> None:
        self.recipe = recipe
        self.data = load_videos(recipe.data, say, grid_of(recipe))
        self._training = self.data.training
        if recipe.hard_negatives is not None:
            self._training = with_predictions(
                self.data.training,
                Path(recipe.hard_negatives).expanduser(),
                self.data.labels,
                parse_rate(recipe.data.rate),
            )
        self._second = _second_videos(recipe, say)
        if recipe.needs_sides:
            _check_sides((*self.data.training, *self._second), recipe.data.root, say)
        self.labels = self.data.labels
        self.validation = self.data.validation
        self.task = video_task(recipe.system)(recipe, self.labels)
        self._on_gpu = on_gpu

    @property
    def steps_per_epoch(self) -> int:
        """See ``ClipSource``."""
        return self.recipe.steps_per_epoch

    @property
    def clips_per_epoch(self) -> int:
        """See ``ClipSource``."""
        return self.recipe.steps_per_epoch * self.recipe.optimiser.batch

    def build_network(self) -> nn.Module:
        """See ``ClipSource``."""
        return self.task.build_network()

    def prepare(self, network: nn.Module) -> None:
        """See ``ClipSource``: networks of video need nothing."""

    def make_optimiser(self, network: nn.Module) -> torch.optim.Optimizer:
        """See ``ClipSource``."""
        options = self.recipe.optimiser
        return self.task.optimiser(network, options.learning_rate, options.weight_decay)

    def make_schedule(self) -> Schedule:
        """See ``ClipSource``."""
        return StepSchedule(self.recipe)

    def check(self) -> None:
        """See ``ClipSource``: the recipe has been checked."""

    def training_batches(self, share: Share) -> Iterable[Batch]:
        """See ``ClipSource``."""
        recipe, workers = self.recipe, self.recipe.data.workers
        optimiser = recipe.optimiser
        return DataLoader(
            self._clips(),
            batch_size=optimiser.batch // optimiser.accumulate // share.world,
            sampler=ClipSampler(self.clips_per_epoch, share.rank, share.world),
            collate_fn=_batch_of,
            num_workers=workers,
            persistent_workers=workers > 0,
            pin_memory=self._on_gpu,
        )

    def _clips(self) -> ClipDataset | JointClips:
        rules, seed, joint = self.task.rules, self.recipe.run.seed, self.recipe.second_data
        clips = ClipDataset(self._training, rules, seed, self.task.targets)
        if joint is None:
            return clips
        rules = replace(rules, foreground_share=joint.foreground_share)
        extra = ClipDataset(self._second, rules, seed, self.task.targets)
        return JointClips(clips, extra, joint.share, seed)

    def loss_batches(self, share: Share) -> LossBatches | None:
        """See ``ClipSource``: videos are validated by their curves."""
        return None

    def score(self, network: nn.Module, item: ValidationItem) -> Scores:
        """See ``ClipSource``."""
        recipe = self.recipe
        values = video_scorer(recipe.system)(
            network,
            item.content,
            overlap=recipe.validation.overlap,
            crop=recipe.augmentation.crop,
        )
        rate = parse_rate(recipe.data.rate) / row_of(recipe.system).frames_per_step
        return Scores.regular(values, self.labels, rate)

    def card_fields(self) -> Mapping[str, Any]:
        """See ``ClipSource``."""
        data = self.recipe.data
        return {
            "rate": data.rate,
            "width": data.width,
            "height": data.height,
            "crop": self.recipe.augmentation.crop,
        }


def grid_of(recipe: VideoRecipe) -> FrameGrid:
    """The frames that the network of a recipe sees."""
    options, row = recipe.data, row_of(recipe.system)
    return FrameGrid(
        parse_rate(options.rate), options.width, options.height, row.colours, row.late_seconds
    )


def load_videos(
    options: VideoDataOptions, say: Remark = no_remark, grid: FrameGrid | None = None
) -> VideoData:
    """Find the games of both splits, check their labels and open their frames.

    Args:
        say: called with remarks, such as how many events lie beyond the end of their video.
        grid: the frames to open; by default RGB at the rate and size of the options.

    Raises:
        InputError: no games, a game without video or labels, or a video that cannot be read.
        LabelError: labels outside the set.
    """
    grid = grid or FrameGrid(parse_rate(options.rate), options.width, options.height)
    return _open(options, read_labels(options, say, size=options.video), say, grid)


def _second_videos(recipe: VideoRecipe, say: Remark) -> tuple[LabelledVideo, ...]:
    joint = recipe.second_data
    return () if joint is None else load_videos(joint.data(recipe.data), say).training


def _check_sides(videos: Sequence[LabelledVideo], root: str, say: Remark) -> None:
    """Remark on events without a side, which that loss leaves out.

    Raises:
        ConfigError: no event has one.
    """
    sides = [video.labels.sides for video in videos if video.labels.sides is not None]
    total, known = sum(map(len, sides)), sum(int((s != NO_SIDE).sum()) for s in sides)
    if not known:
        raise ConfigError(
            "no event has a team of left or right",
            where=root,
            remedy="the labels of 2025 have (SN-BAS-2025); or train with system=tdeed",
        )
    if known < total:
        say(f"{total - known} of {counted(total, 'event')} have no team of left or right")


def cache_folder(options: VideoDataOptions) -> Path:
    """Where decoded frames are kept."""
    if options.cache_folder is not None:
        return Path(options.cache_folder).expanduser()
    home = os.environ.get("TOUCHLINE_HOME")
    if home:
        return Path(home) / "frames"
    if sys.platform == "darwin":
        return Path.home() / "Library" / "Caches" / "touchline" / "frames"
    base = os.environ.get("LOCALAPPDATA") if os.name == "nt" else os.environ.get("XDG_CACHE_HOME")
    return Path(base or Path.home() / ".cache") / "touchline" / "frames"


def _batch_of(items: Sequence[Mapping[str, Tensor]]) -> Batch:
    """Items of ``ClipDataset`` as what their clips hold, and their targets."""
    batch: dict[str, Tensor] = default_collate(list(items))
    streams = {key for key in batch if key.removeprefix("other_") in _STREAMS}
    return {
        "streams": {key: value for key, value in batch.items() if key in streams},
        "targets": {key: value for key, value in batch.items() if key not in streams},
    }


def _open(
    options: VideoDataOptions, games: LabelledGames, say: Remark, grid: FrameGrid
) -> VideoData:
    rate, labels = grid.rate, games.labels
    paths = [half.path for game, _ in (*games.training, *games.validation) for half in game.halves]
    frames = iter(
        open_frames(
            paths,
            grid,
            cache=options.cache,
            folder=cache_folder(options),
            budget_bytes=int(options.cache_gigabytes * 1e9),
            progress=lambda done, total: _say_decoded(say, done, total),
        )
    )
    clips, beyond = [], 0
    for game, match in games.training:
        for half, timeline in zip(game.halves, match.timelines, strict=True):
            video = next(frames)
            everything = label_frames(known_events(timeline, labels), labels, rate)
            inside = everything.within(video.num_frames)
            beyond += len(everything) - len(inside)
            clips.append(LabelledVideo(f"{game.name}/{half.number}", video, inside))
    if beyond:
        events = counted(beyond, "training event")
        say(f"left out {events} beyond the ends of their videos")
    whole = [
        ValidationItem(game.name, half.number, timeline, next(frames))
        for game, match in games.validation
        for half, timeline in zip(game.halves, match.timelines, strict=True)
    ]
    return VideoData(labels, tuple(clips), tuple(whole))


def _say_decoded(say: Remark, done: int, total: int) -> None:
    if done == total or done % max(1, total // 10) == 0:
        say(f"decoded {done} of {counted(total, 'video')} into the cache")
