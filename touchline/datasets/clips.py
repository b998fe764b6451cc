"""Random clips of labelled videos, drawn as by E2E-Spot, or by the weight of their middle.

Every clip is a function of the seed and of its index over the whole training, so it depends neither
on the number of workers nor on interruptions.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor
from torch.utils.data import Dataset, Sampler

from touchline.datasets.centres import CentreRules, Predicted, centre_weights
from touchline.datasets.frames import VideoFrames
from touchline.datasets.targets import FrameLabels, clip_targets
from touchline.errors import ConfigError

LEAD_FRAMES = 5
"""Maximum number of frames before the start of the video."""

TAIL_FRAMES = 4
"""Maximum number of frames after the end of a video that is longer than the clip."""


@dataclass(frozen=True)
class LabelledVideo:
    """The frames of one video and the events on them.

    Attributes:
        predicted: what a network that was not trained on the video finds in it, where clips are
            drawn by that; see ``centre_weights``.
    """

    name: str
    frames: VideoFrames
    labels: FrameLabels
    predicted: Predicted | None = None


@dataclass(frozen=True)
class ClipRules:
    """How clips are drawn.

    Attributes:
        clip_steps: frames per clip.
        mixup_alpha: parameter of the Beta distribution of mixup; 0 for no mixup.
        foreground_share: fraction of clips that contain a previously drawn event; the others are
            anywhere. 0 as published.
        balance: how such an event is drawn: ``"events"``, uniformly, or ``"classes"``, a class
            first, weighted by the square root of its count, so that rare classes are drawn more
            often.
        centres: how the middles of clips are weighed; None for clips drawn as said above. Each
            video is then drawn as often as any other, and the two values above do not count.
    """

    clip_steps: int
    mixup_alpha: float = 0.0
    foreground_share: float = 0.0
    balance: str = "events"
    centres: CentreRules | None = None


ClipTargets = Callable[[FrameLabels, int], Mapping[str, npt.NDArray[Any]]]
"""Makes the targets of a clip, arrays by name, from the events of its video and the clip's first
frame."""


def start_range(num_frames: int, clip_steps: int) -> range:
    """The possible first frames of a clip, from 5 before the start of the video on."""
    span = max(0, num_frames + LEAD_FRAMES + TAIL_FRAMES - clip_steps)
    return range(-LEAD_FRAMES, -LEAD_FRAMES + span + 1)


def read_clip(
    frames: VideoFrames, start: int, clip_steps: int
) -> tuple[npt.NDArray[np.uint8], npt.NDArray[np.float32]]:
    """A clip, black outside the video.

    Returns:
        (clip_steps, H, W, C) pixels, and (clip_steps,) 1 for frames inside the video.
    """
    first, last = max(0, start), min(frames.num_frames, start + clip_steps)
    present = frames.read(first, max(0, last - first))
    pixels = np.zeros((clip_steps, *present.shape[1:]), np.uint8)
    valid = np.zeros(clip_steps, np.float32)
    pixels[first - start : first - start + len(present)] = present
    valid[first - start : first - start + len(present)] = 1
    return pixels, valid


class ClipDataset(Dataset[dict[str, Tensor]]):
    """Clips by their index over the whole training.

    An item is a dictionary: ``frames`` (T, H, W, C) uint8, black outside the video; ``valid`` (T,)
    float32; the targets; and with mixup the same of a second, independent clip, as
    ``other_frames`` and so on, and ``share`` (), the weight of the first.

    Args:
        videos: the videos, drawn in proportion to their number of frames, if ``rules`` say no
            other.
        rules: how clips are drawn.
        seed: determines, with the index, everything that is random.
        targets: makes the targets of a clip; by default ``classes`` (T,) int64, that of each frame.

    Raises:
        ConfigError: no video, or ``foreground_share`` without events.
    """

    def __init__(
        self,
        videos: Sequence[LabelledVideo],
        rules: ClipRules,
        seed: int,
        targets: ClipTargets | None = None,
    ) -> None:
        if not videos:
            raise ConfigError("there is no video to draw clips from")
        self.videos = tuple(videos)
        self.rules = rules
        self.seed = seed
        self._targets = targets or self._classes
        counts = np.array([video.frames.num_frames for video in videos], np.float64)
        self._video_share = np.cumsum(counts) / counts.sum()
        self._events = np.array(
            [(i, frame) for i, video in enumerate(videos) for frame in video.labels.frames],
            np.int64,
        ).reshape(-1, 2)
        self._event_share = self._event_shares()
        if rules.foreground_share and not len(self._events):
            raise ConfigError(
                "clips on events are requested, but there are no events",
                where="clips.foreground_share",
                remedy="set it to 0 or give labels",
            )

    def _event_shares(self) -> npt.NDArray[np.float64]:
        classes = np.concatenate([video.labels.classes for video in self.videos])
        weight = np.ones(len(classes))
        if self.rules.balance == "classes" and len(classes):
            weight /= np.sqrt(np.bincount(classes)[classes])
        return np.cumsum(weight) / max(weight.sum(), 1.0)

    def draw(self, rng: np.random.Generator) -> tuple[LabelledVideo, int]:
        """A video, and the first frame of a clip in it."""
        if self.rules.centres is not None:
            return self._draw_middle(self.rules.centres, rng)
        on_event = rng.random() < self.rules.foreground_share
        if not on_event:
            video = self.videos[_pick(self._video_share, rng)]
            starts = start_range(video.frames.num_frames, self.rules.clip_steps)
            return video, int(rng.integers(starts.start, starts.stop))
        at, frame = self._events[_pick(self._event_share, rng)]
        video = self.videos[at]
        starts = start_range(video.frames.num_frames, self.rules.clip_steps)
        low = max(starts.start, int(frame) - self.rules.clip_steps + 1)
        high = min(starts.stop - 1, int(frame))
        return video, int(rng.integers(min(low, high), high + 1))

    def _draw_middle(
        self, rules: CentreRules, rng: np.random.Generator
    ) -> tuple[LabelledVideo, int]:
        """A clip about a frame drawn by its weight, or as near to it as the video has one."""
        video = self.videos[int(rng.integers(len(self.videos)))]
        num_frames = video.frames.num_frames
        # Worked out at every draw, which is quick beside decoding: of hundreds of halves the
        # weights would take gigabytes.
        weights = centre_weights(video.labels, num_frames, rules, video.predicted)
        start = _pick(np.cumsum(weights), rng) - self.rules.clip_steps // 2
        starts = start_range(num_frames, self.rules.clip_steps)
        return video, min(max(start, starts.start), starts.stop - 1)

    def _classes(self, labels: FrameLabels, start: int) -> Mapping[str, npt.NDArray[Any]]:
        return {"classes": clip_targets(labels, start, self.rules.clip_steps)}

    def _clip(self, rng: np.random.Generator) -> dict[str, Tensor]:
        video, start = self.draw(rng)
        pixels, valid = read_clip(video.frames, start, self.rules.clip_steps)
        arrays = {"frames": pixels, "valid": valid, **self._targets(video.labels, start)}
        return {name: torch.from_numpy(array) for name, array in arrays.items()}

    def __getitem__(self, number: int) -> dict[str, Tensor]:
        rng = np.random.default_rng((self.seed, number))
        item = self._clip(rng)
        if self.rules.mixup_alpha:
            item |= {f"other_{name}": value for name, value in self._clip(rng).items()}
            share = rng.beta(self.rules.mixup_alpha, self.rules.mixup_alpha)
            item["share"] = torch.tensor(share, dtype=torch.float32)
        return item


class JointClips(Dataset[dict[str, Tensor]]):
    """Clips of two data sets by their index over the whole training.

    An item is one of either, with ``extra`` () bool, whether it is of the second. Its classes are
    numbered as its own data set numbers them, and with mixup both clips are of the same one.

    Args:
        main, extra: the data sets.
        extra_share: share of the clips that are of the second.
        seed: determines, with the index, which.
    """

    def __init__(
        self, main: ClipDataset, extra: ClipDataset, extra_share: float, seed: int
    ) -> None:
        self.main = main
        self.extra = extra
        self.extra_share = extra_share
        self.seed = seed

    def __getitem__(self, number: int) -> dict[str, Tensor]:
        is_extra = bool(np.random.default_rng((self.seed, number, 1)).random() < self.extra_share)
        clips = self.extra if is_extra else self.main
        return clips[number] | {"extra": torch.tensor(is_extra)}


def _pick(cumulated: npt.NDArray[np.float64], rng: np.random.Generator) -> int:
    found = np.searchsorted(cumulated, rng.random(), side="right")
    return min(int(found), len(cumulated) - 1)


class ClipSampler(Sampler[int]):
    """The indices of the clips of an epoch, divided among processes.

    Args:
        clips_per_epoch: total over all processes.
        rank: index of this process among ``world``.
    """

    def __init__(self, clips_per_epoch: int, rank: int = 0, world: int = 1) -> None:
        self.clips_per_epoch = clips_per_epoch
        self.rank = rank
        self.world = world
        self.epoch = 0

    def set_epoch(self, epoch: int) -> None:
        """Called by the trainer before each epoch."""
        self.epoch = epoch

    def __len__(self) -> int:
        return self.clips_per_epoch // self.world

    def __iter__(self) -> Iterator[int]:
        first = self.epoch * self.clips_per_epoch + self.rank
        return iter(range(first, first + len(self) * self.world, self.world))
