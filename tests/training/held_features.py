"""Small halves in memory, whose features show their events."""

from fractions import Fraction

import numpy as np

from touchline.datasets.features import LabelledHalf, LabelledSteps


class Held:
    """A stream in memory."""

    def __init__(self, rows: np.ndarray, rate: int) -> None:
        self.rows, self.rate, self.steps = rows, Fraction(rate), len(rows)

    def read(self, first: int, count: int) -> np.ndarray:
        return self.rows[np.clip(np.arange(first, first + count), 0, self.steps - 1)]

    def read_all(self) -> np.ndarray:
        return self.rows


def labelled(events: list[tuple[int, int]]) -> LabelledSteps:
    table = np.array(sorted(events), np.int64).reshape(-1, 2)
    return LabelledSteps(table[:, 0], table[:, 1], np.ones(len(table), bool))


def half_with_events(
    seed: int, rows: int, *, width: int = 8, classes: int = 2, rate: int = 2, per_row: int = 1
) -> LabelledHalf:
    """Noise, but for the rows of events, whose number of their class is high."""
    rng = np.random.default_rng(seed)
    features = rng.normal(0, 0.1, (rows, width)).astype(np.float32)
    at = np.arange(12, rows - 4, 17) + rng.integers(-3, 4, len(range(12, rows - 4, 17)))
    labels = rng.integers(0, classes, len(at))
    features[at, labels] = 3.0
    events = labelled([(int(a) * per_row, int(c)) for a, c in zip(at, labels, strict=True)])
    return LabelledHalf(f"half-{seed}", {"features": Held(features, rate)}, events)


def train(task, network, halves, *, epochs: int, batch: int, learning_rate: float) -> list[float]:
    """Train as the framework does, in the barest form; the losses."""
    import torch

    optimiser = task.optimiser(network.train(), learning_rate, 0.0)
    losses = []
    for epoch in range(epochs):
        clips = task.plan(halves, np.random.default_rng(epoch))
        for first in range(0, len(clips) - batch + 1, batch):
            part = clips[first : first + batch]
            streams = {
                name: torch.from_numpy(
                    np.stack([clip_of(task, halves, part, name, i) for i in range(batch)])
                )
                for name in task.streams
            }
            targets = {k: torch.from_numpy(v) for k, v in task.targets(halves, part).items()}

            def closure(streams=streams, targets=targets):
                optimiser.zero_grad()
                loss = task.loss(network, streams, targets)
                loss.backward()
                return loss

            losses.append(float(optimiser.step(closure).detach()))
    network.eval()
    return losses


def clip_of(task, halves, clips, name: str, number: int) -> np.ndarray:
    streams = halves[clips.half[number]].streams
    per_row = streams[name].rate / streams["features"].rate
    return streams[name].read(int(clips.start[number] * per_row), int(task.clip_steps * per_row))
