"""The batches of a training on features: planned per epoch, read ahead by a thread."""

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor

from touchline.datasets.feature_clips import ClipReader
from touchline.datasets.features import Array, Clips, LabelledHalf
from touchline.runtime.prefetch import prefetched
from touchline.training.sources.base import Batch, Share
from touchline.training.tasks.base import FeatureTask

TRAINING, VALIDATION = 0, 1
"""What clips are drawn for; sets the random numbers of the two apart."""

_IN_USE = 3
"""Buffers beside those that wait: one being filled, the current batch, and the one before it."""


class FeatureBatches:
    """Every epoch's batches, a function of seed and epoch alone.

    Iterating gives the batches of ``epoch``. On a processor their memory is used again two batches
    later.

    Args:
        halves: that clips are taken from.
        batch: clips of a step over all processes.
        purpose: ``TRAINING`` or ``VALIDATION``.
        prefetch: batches that are read ahead; 0 for none.
        pin: whether batches go to a GPU.
    """

    def __init__(
        self,
        halves: Sequence[LabelledHalf],
        task: FeatureTask,
        batch: int,
        seed: int,
        *,
        purpose: int = TRAINING,
        share: Share | None = None,
        prefetch: int = 2,
        pin: bool = False,
    ) -> None:
        self.halves = halves
        self.task = task
        self.batch = batch
        self.epoch = 0
        self._seed = (seed, purpose)
        self.share = share or Share()
        self._prefetch = prefetch
        self._pin = pin
        self._reader = ClipReader(halves, task.streams, task.clip_steps)
        self._planned: tuple[int, Clips] | None = None
        self._buffers: list[dict[str, Tensor]] = []

    @property
    def sampler(self) -> "FeatureBatches":
        """Where the trainer sets the epoch."""
        return self

    def set_epoch(self, epoch: int) -> None:
        """Called by the trainer before each epoch."""
        self.epoch = epoch

    @property
    def clips(self) -> Clips:
        """The plan of the epoch."""
        if self._planned is None or self._planned[0] != self.epoch:
            rng = np.random.default_rng((*self._seed, self.epoch))
            self._planned = self.epoch, self.task.plan(self.halves, rng)
        return self._planned[1]

    def __len__(self) -> int:
        return len(self.share.of(len(self.clips), self.batch))

    def __iter__(self) -> Iterator[Batch]:
        if not self._prefetch:
            yield from self._batches()
            return
        with prefetched(self._batches(), self._prefetch) as batches:
            yield from batches

    def _batches(self) -> Iterator[Batch]:
        clips = self.clips
        for number, part in enumerate(self.share.of(len(clips), self.batch)):
            chosen = clips[part]
            streams = self._buffer(number, len(chosen))
            self._reader.read(chosen, {name: rows.numpy() for name, rows in streams.items()})
            targets = self.task.targets(self.halves, chosen)
            yield {
                "streams": streams,
                "targets": {name: _tensor(array) for name, array in targets.items()},
            }

    def _buffer(self, number: int, count: int) -> dict[str, Tensor]:
        if self._pin:  # PyTorch hands pinned memory out again once the copies from it are done
            return self._allocate(count)
        places = self._prefetch + _IN_USE
        if not self._buffers:
            size = max(1, self.batch // self.share.world)
            self._buffers = [self._allocate(size) for _ in range(places)]
        whole = self._buffers[number % places]
        return {name: rows[:count] for name, rows in whole.items()}

    def _allocate(self, count: int) -> dict[str, Tensor]:
        return {
            name: torch.empty((count, *shape), dtype=_torch_type(dtype), pin_memory=self._pin)
            for name, (shape, dtype) in self._reader.shapes().items()
        }


def _torch_type(dtype: np.dtype[Any]) -> torch.dtype:
    return torch.from_numpy(np.empty(0, dtype)).dtype


def _tensor(array: Array) -> Tensor:
    return torch.from_numpy(np.ascontiguousarray(array))
