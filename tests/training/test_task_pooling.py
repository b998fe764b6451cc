"""Training of pooling networks: the published windows, targets and loss."""

from fractions import Fraction

import numpy as np
import pytest
from extras import needs

torch = needs("torch")

from touchline.datasets.features import Clips, LabelledHalf, LabelledSteps  # noqa: E402
from touchline.engines.torch_stages import TorchStages  # noqa: E402
from touchline.errors import ConfigError, InputError  # noqa: E402
from touchline.labels import LabelSet  # noqa: E402
from touchline.models.pooling import POOLINGS, PoolingConfig, PoolingNetwork  # noqa: E402
from touchline.spotting.scorers.pooling import score  # noqa: E402
from touchline.training.tasks.pooling import PoolingTask  # noqa: E402

LABELS = LabelSet("three", ("a", "b", "c"))
CONFIG = PoolingConfig("max", 3, clip_steps=40, feature_width=8, width=8)


class Rows:
    """The last number is high where nothing happens, that of a class about its events."""

    rate = Fraction(2)

    def __init__(self, events: LabelledSteps, steps: int) -> None:
        self.steps = steps
        self.rows = np.random.default_rng(steps).normal(0, 0.1, (steps, 8)).astype(np.float32)
        shown = np.full(steps, 7)
        for lag in range(-2, 3):
            shown[np.clip(events.steps + lag, 0, steps - 1)] = events.classes
        self.rows[np.arange(steps), shown] += 2

    def read(self, first: int, count: int) -> np.ndarray:
        return self.rows[np.clip(np.arange(first, first + count), 0, self.steps - 1)]

    def read_all(self) -> np.ndarray:
        return self.rows


def half(steps: int, *events: tuple[int, int]) -> LabelledHalf:
    table = np.array(sorted(events), np.int64).reshape(-1, 2)
    labelled = LabelledSteps(table[:, 0], table[:, 1], np.ones(len(table), bool))
    return LabelledHalf(f"game/{steps}", {"features": Rows(labelled, steps)}, labelled)


def task() -> PoolingTask:
    return PoolingTask(CONFIG, {}, LABELS, Fraction(2))


@pytest.mark.parametrize(
    ("steps", "starts"),
    [(1, [0]), (2, [0]), (40, [0]), (41, [0]), (42, [0, 40]), (81, [0, 40]), (120, [0, 40, 80])],
)
def test_windows_follow_each_other_while_more_than_a_row_is_left(steps, starts):
    plan = task().plan([half(steps, (0, 0))], np.random.default_rng(0))
    assert sorted(plan.start) == starts and not plan.half.any()


def test_an_epoch_passes_every_window_once_in_an_order_of_its_own():
    halves = [half(400, (3, 1)), half(90), half(1000, (999, 2))]
    rng = np.random.default_rng(0)
    first, second = task().plan(halves, rng), task().plan(halves, rng)
    windows = [sorted(zip(plan.half, plan.start, strict=True)) for plan in (first, second)]
    assert windows[0] == windows[1] and len(set(windows[0])) == len(first) == 10 + 3 + 25
    assert first.start.tolist() != second.start.tolist()
    again = task().plan(halves, np.random.default_rng(0))
    assert np.array_equal(again.half, first.half) and np.array_equal(again.start, first.start)


def test_a_window_is_asked_for_every_class_and_for_background():
    halves = [half(121, (5, 0), (39, 2), (39, 2), (40, 1), (120, 0)), half(60)]
    clips = Clips(np.array([0, 0, 0, 1]), np.array([0, 40, 80, 0]))
    found = task().targets(halves, clips)["classes"]
    # The event at 120 lies beyond the last window, and is nobody's.
    assert found.dtype == np.float32
    assert found.tolist() == [[0, 1, 0, 1], [0, 0, 1, 0], [1, 0, 0, 0], [1, 0, 0, 0]]


def test_the_loss_is_the_published_mean_of_binary_cross_entropies():
    torch.manual_seed(0)
    network = PoolingNetwork(CONFIG).eval()
    clips = torch.randn(6, 40, 8)
    classes = (torch.rand(6, 4) < 0.3).float()
    found = task().loss(network, {"features": clips}, {"classes": classes})
    said = network(clips).sigmoid().double()
    expected = -(classes * said.log() + (1 - classes) * (1 - said).log()).mean()
    torch.testing.assert_close(found.double(), expected, rtol=1e-5, atol=0)
    found.backward()
    assert network.fc.weight.grad.abs().sum() > 0


def test_certain_mistakes_cost_a_finite_amount():
    network = PoolingNetwork(CONFIG).eval()
    with torch.no_grad():
        network.fc.bias += 1000
    streams = {"features": torch.zeros(2, 40, 8)}
    assert torch.isfinite(task().loss(network, streams, {"classes": torch.zeros(2, 4)}))


def test_halves_without_any_event_are_refused():
    with pytest.raises(InputError, match="no event"):
        task().plan([half(400), half(90)], np.random.default_rng(0))


def test_options_are_refused():
    with pytest.raises(ConfigError, match="stride"):
        PoolingTask(CONFIG, {"stride": 3}, LABELS, Fraction(2))


@pytest.mark.parametrize("pooling", POOLINGS)
def test_what_is_learnt_from_windows_is_found_in_a_half(pooling):
    torch.manual_seed(0)
    rng = np.random.default_rng(0)
    config = PoolingConfig(
        pooling, 3, clip_steps=8, feature_width=8, width=8, clusters=8, dropout=0
    )
    task = PoolingTask(config, {}, LABELS, Fraction(2))
    halves = [
        half(steps, *((step, step * 7 % 3) for step in range(9, steps, 19))) for steps in (800, 600)
    ]
    network = PoolingNetwork(config)
    optimiser = torch.optim.Adam(network.parameters(), lr=0.02)
    for _ in range(40):
        plan = task.plan(halves, rng)
        for first in range(0, len(plan), 32):
            clips = plan[first : first + 32]
            rows = [
                halves[index].streams["features"].read(start, task.clip_steps)
                for index, start in zip(clips.half, clips.start, strict=True)
            ]
            targets = {k: torch.from_numpy(v) for k, v in task.targets(halves, clips).items()}
            loss = task.loss(network, {"features": torch.from_numpy(np.stack(rows))}, targets)
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
    unseen = half(500, *((step, step // 25 % 3) for step in range(12, 500, 25)))
    found = score(TorchStages(network.eval()), unseen.streams)
    at_events = found[unseen.events.steps, unseen.events.classes]
    elsewhere = np.stack([found[unseen.events.steps - 12 + lag] for lag in (0, 1, 23, 24)])
    assert np.median(at_events) > 2 * np.median(elsewhere) + 0.2
    assert found[unseen.events.steps].argmax(axis=1).tolist() == unseen.events.classes.tolist()
