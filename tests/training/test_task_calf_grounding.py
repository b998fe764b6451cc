"""Replay grounding: clips paired with replays, and the candidates that come out."""

import json
from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from extras import needs

torch = needs("torch")
needs("lightning")

from touchline.datasets.features import (  # noqa: E402
    FeatureFile,
    LabelledHalf,
    LabelledSteps,
)
from touchline.engines.torch_stages import TorchStages  # noqa: E402
from touchline.errors import FormatError, InputError  # noqa: E402
from touchline.formats.grounding import read_replays, read_shots, write_replays  # noqa: E402
from touchline.labels import LabelSet  # noqa: E402
from touchline.metrics.grounding import evaluate_grounding  # noqa: E402
from touchline.models.calf_grounding import GroundingCALF, GroundingCALFConfig  # noqa: E402
from touchline.replays import Replay, replays_of  # noqa: E402
from touchline.spotting.grounding import ground, replay_rows  # noqa: E402
from touchline.training.tasks.calf_grounding import (  # noqa: E402
    FAR_AWAY,
    GroundingTask,
    shown_again,
)

RATE = Fraction(2)
LABELS = LabelSet("replays", ("Replay",))
CONFIG = GroundingCALFConfig(clip_steps=48, receptive_steps=16, feature_width=8)
GAME = "league/season/game"

Shot = tuple[str, tuple[str, str] | None]


def shot(clock: str, link: tuple[str, str] | None = None) -> dict[str, Any]:
    record: dict[str, Any] = {"gameTime": clock, "label": "", "replay": "real-time"}
    if link is not None:
        half, time = link
        record |= {"replay": "replay", "link": {"half": half, "label": "Goal", "time": time}}
    return record


def game_of(root: Path, shots: Sequence[Shot], steps: Sequence[int] = (300, 200)) -> list[Any]:
    """The two halves of a game on disk; row i of half h is filled with 1000 h + i."""
    folder = root / GAME
    folder.mkdir(parents=True)
    annotations = [shot(clock, link) for clock, link in shots]
    (folder / "Labels-cameras.json").write_text(json.dumps({"annotations": annotations}))
    halves = []
    nothing = LabelledSteps(np.zeros(0, np.int64), np.zeros(0, np.int64), np.zeros(0, bool))
    for number, count in enumerate(steps, 1):
        rows = np.repeat(1000.0 * number + np.arange(count)[:, None], 8, axis=1)
        np.save(folder / f"{number}_features.npy", rows.astype(np.float32))
        stream = FeatureFile(folder / f"{number}_features.npy", RATE)
        halves.append(LabelledHalf(f"{GAME}/{number}", {"features": stream}, nothing))
    return halves


SHOTS: list[Shot] = [
    ("1 - 00:50", None),
    ("1 - 00:58", ("1", "00:30")),
    ("1 - 01:10", ("1", "00:30")),
    ("2 - 00:05", None),
    ("2 - 00:12", ("1", "01:40")),
    ("2 - 01:00", None),
    ("2 - 01:06", ("2", "00:40")),
]


def test_a_shot_begins_where_the_one_before_it_in_its_half_ends(tmp_path: Path) -> None:
    game_of(tmp_path, SHOTS)
    (shots,) = read_shots(tmp_path / GAME / "Labels-cameras.json").values()
    assert replays_of(shots) == (
        Replay(1, 50, 58, 1, 30),
        Replay(1, 58, 70, 1, 30),
        Replay(2, 5, 12, 1, 100),
        Replay(2, 60, 66, 2, 40),
    )


def test_replays_are_found_with_the_half_of_their_action(tmp_path: Path) -> None:
    (pairs,) = shown_again(game_of(tmp_path, SHOTS)).values()
    assert [(p.shown_in, p.happened_in, p.step) for p in pairs] == [
        (0, 0, 60),
        (0, 0, 60),
        (1, 0, 200),
        (1, 1, 80),
    ]


def test_a_replay_is_repeated_whole_and_then_zero(tmp_path: Path) -> None:
    stream = game_of(tmp_path, SHOTS)[0].streams["features"]
    rows = replay_rows(stream, 50, 58, 48)[:, 0]
    assert rows.tolist() == 3 * list(range(1100, 1116))
    assert replay_rows(stream, 50, 57, 48)[:, 0].tolist() == 3 * list(range(1100, 1114)) + 6 * [0]
    assert replay_rows(stream, 0, 100, 48)[:, 0].tolist() == list(range(1000, 1048))
    assert replay_rows(stream, 149, 500, 4)[:, 0].tolist() == 2 * [1298, 1299]
    assert (replay_rows(stream, 400, 500, 4)[:, 0] == 1299).all()


def test_what_is_asked_is_where_the_action_of_the_replay_is(tmp_path: Path) -> None:
    halves = game_of(tmp_path, SHOTS)
    task = GroundingTask(CONFIG, {"epoch_clips": 400}, LABELS, RATE)
    clips = task.plan(halves, np.random.default_rng(0))
    targets = task.targets(halves, clips)
    actions = {(0, 60): (1100, 1116), (0, 200): (2010,), (1, 80): (2120,)}
    found = targets["events"][:, 0, 0] == 1
    assert 60 < found.sum() < 300
    for row in np.flatnonzero(found):
        place = round(targets["events"][row, 0, 1] * 48)
        key = int(clips.half[row]), int(clips.start[row]) + place
        assert targets["replay"][row, 0, 0] in actions[key]
        assert 8 <= place < 40
        assert targets["time_shift"][row, place, 0] == 0
    assert (targets["time_shift"][~found] == FAR_AWAY).all()
    np.testing.assert_array_equal(targets["context"][0, :, 0], (-40, -20, 20, 40))
    again = task.targets(halves, clips)
    for name in targets:
        np.testing.assert_array_equal(targets[name], again[name])


def test_games_without_replays_are_refused(tmp_path: Path) -> None:
    halves = game_of(tmp_path, [("1 - 00:50", None)])
    task = GroundingTask(CONFIG, {}, LABELS, RATE)
    with pytest.raises(InputError, match=r"Labels-cameras\.json"):
        task.plan(halves, np.random.default_rng(0))
    (tmp_path / GAME / "Labels-cameras.json").write_text("{}")
    with pytest.raises(FormatError):
        GroundingTask(CONFIG, {}, LABELS, RATE).plan(halves, np.random.default_rng(0))


def test_learns_pairs_by_heart(tmp_path: Path) -> None:
    torch.manual_seed(0)
    halves = game_of(tmp_path, SHOTS)
    task = GroundingTask(CONFIG, {"epoch_clips": 16}, LABELS, RATE)
    clips = task.plan(halves, np.random.default_rng(0))
    rng = np.random.default_rng(1)
    rows = torch.from_numpy(rng.standard_normal((16, 48, 8), np.float32))
    targets = {name: torch.from_numpy(v) for name, v in task.targets(halves, clips).items()}
    targets["replay"] = torch.from_numpy(rng.standard_normal((16, 48, 8), np.float32))
    network = GroundingCALF(CONFIG)
    optimiser = torch.optim.Adam(network.parameters(), lr=3e-3)
    losses = []
    for _ in range(40):
        optimiser.zero_grad()
        loss = task.loss(network, {"features": rows}, targets)
        loss.backward()
        optimiser.step()
        losses.append(loss.item())
    assert np.isfinite(losses).all() and losses[-1] < 0.75 * losses[0]


def test_candidates_lie_before_their_replay_and_can_be_scored(tmp_path: Path) -> None:
    torch.manual_seed(0)
    halves = game_of(tmp_path, SHOTS, steps=(300, 3))
    path = tmp_path / GAME / "Labels-cameras.json"
    (shots,) = read_shots(path).values()
    network = GroundingCALF(CONFIG).eval()
    grounded = []
    for number, half in enumerate(halves, 1):
        own = [replay for replay in replays_of(shots) if replay.half == number]
        grounded += ground(TorchStages(network), half.streams["features"], own)
    assert [(g.half, g.end_seconds) for g in grounded] == [(1, 58), (1, 70), (2, 12), (2, 66)]
    for replay in grounded:
        assert all(time < replay.end_seconds for time in replay.times)
        assert list(replay.scores) == sorted(replay.scores, reverse=True)
    assert grounded[0].times
    write_replays(grounded, tmp_path / "results_grounding.json", game=GAME)
    (read,) = read_replays(tmp_path / "results_grounding.json").values()
    assert [(g.end_seconds, g.times, g.scores) for g in read] == [
        (g.end_seconds, g.times, g.scores) for g in grounded
    ]
    scores = evaluate_grounding({GAME: shots}, {GAME: read})
    assert scores.pairs == 3  # the evaluator leaves out the replay of another half's action


def test_the_published_network_grounds_replays(shared: Path, tmp_path: Path) -> None:
    weights = shared / "data" / "checkpoints" / "sn-grounding_CALF_v2_trained.pth.tar"
    network = GroundingCALF(GroundingCALFConfig()).eval()
    network.load_state_dict(torch.load(weights, "cpu", weights_only=True)["state_dict"])
    rows = np.random.default_rng(0).standard_normal((1000, 512), np.float32)
    np.save(tmp_path / "1.npy", rows)
    (grounded,) = ground(
        TorchStages(network), FeatureFile(tmp_path / "1.npy", RATE), [Replay(1, 400, 410)]
    )
    assert grounded.times and max(grounded.times) < 410
    assert all(0 <= score <= 1 for score in grounded.scores)
