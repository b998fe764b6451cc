"""Training of CALF: which clips are drawn, and what is asked of them."""

from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from extras import needs

torch = needs("torch")
needs("lightning")

from hypothesis import given, settings  # noqa: E402
from hypothesis import strategies as st  # noqa: E402

from touchline.datasets.features import Clips, LabelledHalf, LabelledSteps  # noqa: E402
from touchline.datasets.time_shift import UNASKED, TimeShifts  # noqa: E402
from touchline.errors import ConfigError, InputError  # noqa: E402
from touchline.labels import SOCCERNET_V2, LabelSet  # noqa: E402
from touchline.models.calf import CALF, CALFConfig  # noqa: E402
from touchline.models.calf_attention import (  # noqa: E402
    AttentionCALF,
    AttentionCALFConfig,
    SqueezeCALF,
    SqueezeCALFConfig,
)
from touchline.training.tasks.calf import CALFTask  # noqa: E402

RATE = Fraction(2)
OWN = LabelSet("own", ("dive", "slide", "never"))
CONFIG = CALFConfig(num_classes=17)
SMALL = {"num_classes": 3, "slots": 4, "clip_steps": 48, "receptive_steps": 16, "feature_width": 20}


@dataclass
class Rows:
    """A stream in memory."""

    values: np.ndarray
    rate: Fraction = RATE

    @property
    def steps(self) -> int:
        return len(self.values)

    def read(self, first: int, count: int) -> np.ndarray:
        return self.values[np.clip(np.arange(first, first + count), 0, self.steps - 1)]

    def read_all(self) -> np.ndarray:
        return self.values


def half_with(steps: int, *events: tuple[int, int], width: int = 1) -> LabelledHalf:
    """A half of so many steps with (step, class) events; its labels cannot be written to."""
    table = np.array(sorted(events), np.int64).reshape(-1, 2)
    columns = [table[:, 0].copy(), table[:, 1].copy(), np.ones(len(table), bool)]
    for column in columns:
        column.flags.writeable = False
    return LabelledHalf(
        "half", {"features": Rows(np.zeros((steps, width), np.float32))}, LabelledSteps(*columns)
    )


def full_task(**options: Any) -> CALFTask:
    return CALFTask(CONFIG, options, SOCCERNET_V2, RATE)


def events_of(row: np.ndarray, clip_steps: int) -> list[tuple[int, int]]:
    """Place and class of the events that a row of targets holds."""
    present = row[row[:, 0] == 1]
    places = np.rint(present[:, 1] * clip_steps).astype(int)
    return list(zip(places.tolist(), present[:, 2:].argmax(axis=1).tolist(), strict=True))


@settings(max_examples=60)
@given(
    st.integers(1, 900),
    st.lists(st.tuples(st.floats(0, 1), st.integers(0, 16)), min_size=1, max_size=8),
    st.integers(0, 2**32 - 1),
)
def test_every_event_is_asked_whichever_clip_is_drawn_for_it(
    steps: int, places: list[tuple[float, int]], seed: int
) -> None:
    events = {(int(place * (steps - 1)), kind) for place, kind in places}
    half = half_with(steps, *events)
    task = full_task(epoch_clips=40)
    for step, kind in events:
        alone = half_with(steps, (step, kind))
        clips = task.plan([alone], np.random.default_rng(seed))
        assert (clips.start >= 0).all() and (clips.start <= max(0, steps - 240)).all()
        asked = [task.trained_steps(steps, int(start)) for start in clips.start]
        inside = [a <= step - start < b for (a, b), start in zip(asked, clips.start, strict=True)]
        quiet = [not (start <= step < start + 240) for start in clips.start]
        assert any(inside) and all(i or q for i, q in zip(inside, quiet, strict=True))
    targets = task.targets([half], task.plan([half], np.random.default_rng(seed)))
    seen = {
        (int(start) + at, kind)
        for row, start in zip(
            targets["events"], task.plan([half], np.random.default_rng(seed)).start, strict=True
        )
        for at, kind in events_of(row, 240)
    }
    assert seen <= events


def test_events_lie_in_the_middle_third_where_the_half_allows_it() -> None:
    half = half_with(5400, (2000, 3))
    clips = full_task(epoch_clips=4000, context="published").plan([half], np.random.default_rng(0))
    place = 2000 - clips.start
    on_event = place[(place >= 0) & (place < 240)]
    assert on_event.min() == 81 and on_event.max() == 160
    assert 0.4 < len(on_event) / 4000 < 0.6  # the rest is far from any event


def test_classes_come_alike_and_empty_ones_never() -> None:
    rare = [half_with(6000, *((300 * i, 0) for i in range(1, 19)), (5900, 1))]
    task = CALFTask(CALFConfig(num_classes=3), {"epoch_clips": 3000}, OWN, RATE)
    clips = task.plan(rare, np.random.default_rng(1))
    events = task.targets(rare, clips)["events"]
    with_rare = sum(any(kind == 1 for _, kind in events_of(row, 240)) for row in events)
    assert with_rare / 3000 > 0.3  # one event in nineteen
    assert not events[:, :, 2 + 2].any()


def test_quiet_clips_are_far_from_everything() -> None:
    half = half_with(5400, (600, 2), (2000, 14), (2300, 14), (4700, 8))
    task = full_task(epoch_clips=500)
    clips = task.plan([half], np.random.default_rng(0))
    targets = task.targets([half], clips)
    context = targets["context"][0]
    quiet = ~targets["events"][:, :, 0].any(axis=1)
    assert 50 < quiet.sum() < 200
    for start in clips.start[quiet]:
        shifts = TimeShifts(half.events, context, 5400).between(int(start), int(start) + 240)
        assert ((shifts >= context[3]) | (shifts <= context[0])).all()


def test_the_same_seed_draws_the_same_clips() -> None:
    halves = [half_with(900, (10, 0), (500, 4)), half_with(700, (600, 4))]
    first, again = (full_task(epoch_clips=50).plan(halves, np.random.default_rng(5)) for _ in "ab")
    np.testing.assert_array_equal(first.half, again.half)
    np.testing.assert_array_equal(first.start, again.start)


def test_borders_are_not_asked_but_where_the_half_ends() -> None:
    task, published = full_task(), full_task(half_ends="masked")
    assert task.trained_steps(1000, 300) == published.trained_steps(1000, 300) == (40, 200)
    assert task.trained_steps(1000, 0) == (0, 200)
    assert task.trained_steps(1000, 760) == (40, 240)
    assert task.trained_steps(100, 0) == (0, 100)
    assert published.trained_steps(1000, 0) == (40, 200)
    assert published.trained_steps(100, 0) == (40, 100)
    assert published.trained_steps(20, 0) == (40, 40)


def test_targets_say_what_lies_where() -> None:
    half = half_with(1000, (330, 0), (400, 5), (400, 2), (400, 2), (410, 3), (530, 1))
    targets = full_task().targets([half], Clips(np.array([0]), np.array([300])))
    (row,) = targets["events"]
    assert events_of(row, 240) == [(100, 2), (100, 5), (110, 3)]  # 330 and 530 lie in the borders
    assert row[0, 1] == np.float32(100 / 240)
    (shift,) = targets["time_shift"]
    assert (shift[:40] == UNASKED).all() and (shift[200:] == UNASKED).all()
    expected = TimeShifts(half.events, targets["context"][0], 1000).between(340, 500)
    np.testing.assert_array_equal(shift[40:200], expected)
    assert targets["context"].shape == (1, 4, 17)


def test_more_events_than_slots_lose_the_last() -> None:
    half = half_with(1000, *((400 + i, i % 17) for i in range(30)))
    (row,) = full_task().targets([half], Clips(np.array([0]), np.array([300])))["events"]
    assert [at for at, _ in events_of(row, 240)] == list(range(100, 115))


def test_asking_leaves_the_labels_as_they_are() -> None:
    half = half_with(1000, (330, 0), (400, 5), (990, 7))
    task = full_task(epoch_clips=30)
    columns = half.events.steps, half.events.classes, half.events.visible
    before = [column.copy() for column in columns]
    first = task.targets([half], Clips(np.array([0, 0]), np.array([300, 760])))
    task.targets([half], task.plan([half], np.random.default_rng(0)))
    again = task.targets([half], Clips(np.array([0, 0]), np.array([300, 760])))
    for name in first:
        np.testing.assert_array_equal(first[name], again[name])
    for column, kept in zip(columns, before, strict=True):
        np.testing.assert_array_equal(column, kept)


def test_the_context_is_that_of_the_training_halves_in_validation_too() -> None:
    task = CALFTask(CALFConfig(num_classes=3), {}, OWN, RATE)
    training, validation = half_with(900, *((40 * i, 0) for i in range(9))), half_with(900, (7, 0))
    task.derive([training])
    clips = Clips(np.array([0]), np.array([0]))
    for half in (training, validation):
        context = task.targets([half], clips)["context"][0]
        np.testing.assert_array_equal(context[:, 0], (-20, -10, 10, 20))


def test_steps_behind_a_short_half_are_not_asked() -> None:
    half = half_with(100, (99, 4))
    targets = full_task().targets([half], Clips(np.array([0]), np.array([0])))
    assert events_of(targets["events"][0], 240) == [(99, 4)]
    assert (targets["time_shift"][0, 100:] == UNASKED).all()


def test_halves_without_events_are_refused() -> None:
    with pytest.raises(InputError, match="no event"):
        full_task().plan([half_with(900)], np.random.default_rng(0))


def test_unknown_options_are_refused() -> None:
    with pytest.raises(ConfigError):
        full_task(epoch_chunks=5)


@pytest.mark.parametrize(
    ("network", "config"),
    [
        (CALF, CALFConfig(**SMALL)),
        (CALF, CALFConfig(**SMALL, polarity="distance")),
        (AttentionCALF, AttentionCALFConfig(**SMALL, hidden=32, dropout=0.0)),
        (SqueezeCALF, SqueezeCALFConfig(**SMALL)),
    ],
    ids=["score", "distance", "attention", "squeeze"],
)
def test_learns_clips_by_heart(network: Any, config: Any) -> None:
    torch.manual_seed(0)
    rng = np.random.default_rng(0)
    half = half_with(300, (60, 0), (130, 1), (200, 0), (260, 1), width=20)
    rows = rng.standard_normal((300, 20), np.float32)
    for step, kind in zip(half.events.steps, half.events.classes, strict=True):
        rows[step - 1 : step + 2, kind] += 5
    task = CALFTask(config, {"epoch_clips": 16}, OWN, RATE)
    clips = task.plan([half], rng)
    stream = Rows(rows)
    batch = torch.from_numpy(np.stack([stream.read(int(start), 48) for start in clips.start]))
    targets = {name: torch.from_numpy(v) for name, v in task.targets([half], clips).items()}
    model = network(config)
    optimiser = torch.optim.Adam(model.parameters(), lr=1e-3)
    losses = []
    for _ in range(80):
        optimiser.zero_grad()
        loss = task.loss(model, {"features": batch}, targets)
        loss.backward()
        optimiser.step()
        losses.append(loss.item())
    assert np.isfinite(losses).all()
    assert min(losses) < 0.75 * losses[0]  # at most 0.35 by seed; the loss jumps on its way
