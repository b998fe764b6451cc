"""Time an epoch of training on features against its floor and against the published style.

Prints one JSON line. NetVLAD++ and CALF train at SoccerNet's size: 300 games of two halves of 5,400
rows of 512 numbers, made up, on disk. An epoch runs as `touchline train` runs it, in a process of
its own, which gives its seconds and its peak memory. Then three ways of training the same network
take turns, a few steps each, so that what else the machine does meets all of them: `touchline
train` on all games; beside it the network alone on clips that are in memory already, whose speed is
the ceiling; and, in a process that leaves memory and masks to the habits of the system and of
PyTorch, the network alone once more, and the published style: everything in memory and one sample
at a time, collated by a DataLoader. Speeds are medians over the rounds, ratios medians of the
rounds' ratios; seconds of the processor stand beside those of the clock (without those of the
DataLoader's processes).

    python benchmarks/feature_training.py [--games 300] [--recipes netvlad++ calf] [--rounds 7]
        [--steps 12] [--folder DIR] [--dtype float32] [--threads N] [--precision bf16]

The published style is given `--peer-games` only, since it holds them all: its speed does not depend
on their number.
"""

import argparse
import contextlib
import itertools
import json
import multiprocessing
import os
import platform
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable, Iterator
from dataclasses import replace
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import torch
from peak_memory import peak_megabytes
from torch import nn
from torch.utils.data import DataLoader, Dataset

from touchline.datasets.features import MAIN, Clips, LabelledHalf
from touchline.engines.networks import make_network
from touchline.labels import SOCCERNET_V2
from touchline.models.parts.dropout import Attention, Dropout
from touchline.systems import SYSTEMS, steps_per_row
from touchline.training.config import load_recipe
from touchline.training.options.features import FeatureRecipe
from touchline.training.run import train
from touchline.training.sources.feature_batches import FeatureBatches
from touchline.training.sources.feature_halves import open_halves
from touchline.training.sources.features import make_task, network_config
from touchline.training.sources.games import read_labels
from touchline.training.tasks.base import FeatureTask

STEPS = 5400
WIDTH = 512
RATE = 2
EVENTS_PER_HALF = 110
NAME = "random512"
WARM_UP = 4
"""Steps at the start of a turn that do not count: what was read ahead meanwhile is used up."""

SETTLE_SECONDS = 3.0
"""After the turn of a loader's processes, until they have read ahead all that they may."""

CLIPS_HELD = 8
"""Batches that the network alone cycles through."""

PUBLISHED_WORKERS = {"netvlad++": 4, "calf": 1}
"""Loader processes of the published code; 0 is measured beside it."""


def make_games(root: Path, games: int, dtype: str) -> None:
    """Random features and labels in the SoccerNet layout."""
    rng = np.random.default_rng(0)
    rows = rng.normal(size=(STEPS, WIDTH)).astype(dtype)
    for number in range(games):
        folder = root / "train" / "league" / "season" / f"game {number:03d}"
        folder.mkdir(parents=True, exist_ok=True)
        annotations = []
        for half in (1, 2):
            np.save(folder / f"{half}_{NAME}.npy", np.roll(rows, number * 37 + half, axis=0))
            for step in np.sort(rng.integers(0, STEPS, EVENTS_PER_HALF)).tolist():
                seconds = step // RATE
                annotations.append(
                    {
                        "gameTime": f"{half} - {seconds // 60:02d}:{seconds % 60:02d}",
                        "label": str(rng.choice(SOCCERNET_V2.labels)),
                        "position": str(1000 * step // RATE),
                        "team": "home",
                        "visibility": "visible",
                    }
                )
        document = {"UrlLocal": folder.name, "annotations": annotations}
        (folder / "Labels-v2.json").write_text(json.dumps(document))


def recipe_for(name: str, root: Path, precision: str) -> FeatureRecipe:
    """The packaged recipe for one epoch of these games, without validation."""
    recipe = load_recipe(
        name,
        [
            f"data.root={json.dumps(str(root))}",
            f"data.features={{name: {NAME}, width: {WIDTH}, rate: {RATE}}}",
            "data.validation=null",
            "validation.criterion=last",
            "optimiser.schedule=constant",
            "optimiser.epochs=1",
            "run.device=cpu",
            f"run.precision={precision}",
        ],
    )
    assert isinstance(recipe, FeatureRecipe)
    return recipe


def prepare(recipe: FeatureRecipe, games: int) -> tuple[Any, FeatureTask, tuple[LabelledHalf, ...]]:
    """The network in training mode, its task, and the halves of the first games."""
    labelled = read_labels(recipe.data, features=NAME)
    labelled = replace(labelled, training=labelled.training[:games])
    config = network_config(recipe, labelled.labels)
    task = make_task(recipe, config, labelled.labels)
    data = open_halves(labelled, recipe.data, task.streams, steps_per_row(config))
    torch.manual_seed(recipe.run.seed)
    return make_network(SYSTEMS[recipe.system], config).train(), task, data.training


Turn = tuple[float, float]
"""Seconds of the clock and of the processor that a step takes."""


class TakesTurns(Protocol):
    """Another way of training, some steps at a time."""

    def turn(self, steps: int) -> Turn:
        """Seconds a step, the first few left out."""


class Peer:
    """A plain loop over batches."""

    def __init__(
        self, recipe: FeatureRecipe, network: Any, task: FeatureTask, batches: Iterable[Any]
    ):
        options = recipe.optimiser
        self.network, self.task, self.batches = network, task, iter(batches)
        self.autocast = recipe.run.precision == "bf16"
        self.optimiser = torch.optim.Adam(
            network.parameters(), lr=options.learning_rate, eps=options.epsilon
        )

    def turn(self, steps: int) -> Turn:
        """See ``TakesTurns``."""
        began = clocks()
        for number in range(WARM_UP + steps):
            if number == WARM_UP:
                began = clocks()
            batch = next(self.batches)
            self.optimiser.zero_grad()
            with torch.autocast("cpu", torch.bfloat16, enabled=self.autocast):
                loss = self.task.loss(self.network, batch["streams"], batch["targets"])
            loss.backward()
            self.optimiser.step()
        return since(began, steps)


def clocks() -> Turn:
    """The clock, and the processor's."""
    return time.perf_counter(), time.process_time()


def since(began: Turn, steps: int) -> Turn:
    """Both, a step."""
    return (time.perf_counter() - began[0]) / steps, (time.process_time() - began[1]) / steps


class EnoughError(Exception):
    """Ends the run that is measured."""


class Rounds:
    """Called after every step of `touchline train`; gives the peers their turns in between."""

    def __init__(self, peers: dict[str, TakesTurns], rounds: int, steps: int) -> None:
        self.peers, self.rounds, self.steps = peers, rounds, steps
        self.found: list[dict[str, Turn]] = []
        self._began = clocks()

    def __call__(self, done: int, total: int) -> None:
        place = done % (WARM_UP + self.steps)
        if place == WARM_UP:
            self._began = clocks()
        if place == 0:
            turns = {OWN: since(self._began, self.steps)}
            turns |= {name: peer.turn(self.steps) for name, peer in self.peers.items()}
            self.found.append(turns)
            print(f"round {len(self.found)}: {turns}", file=sys.stderr)
            if len(self.found) == self.rounds:
                raise EnoughError


OWN = "touchline"
ALONE = "network alone"
UNAIDED = "network alone, PyTorch's own habits"


def take_turns(recipe: FeatureRecipe, options: argparse.Namespace) -> dict[str, Any]:
    """All ways of training, in turns."""
    games = min(options.games, options.peer_games)
    with elsewhere(recipe, games, options.threads) as distant:
        alone = Peer(recipe, *network_alone(recipe, games))
        peers: dict[str, TakesTurns] = {ALONE: alone, **distant}
        rounds = Rounds(peers, options.rounds, options.steps)
        with tempfile.TemporaryDirectory() as folder, contextlib.suppress(EnoughError):
            train(recipe, Path(folder) / "run", on_step=rounds)
    found: dict[str, Any] = {"rounds": len(rounds.found), "steps_a_round": options.steps}
    for name in (OWN, *peers):
        seconds, processor = (
            statistics.median(turns[name][clock] for turns in rounds.found) for clock in (0, 1)
        )
        found[name] = {"steps_per_second": 1 / seconds, "processor_seconds_a_step": processor}
    for name in peers:
        for clock, ending in ((0, ""), (1, " by the processor's clock")):
            ratios = [turns[name][clock] / turns[OWN][clock] for turns in rounds.found]
            found[f"speed of {name}{ending}"] = statistics.median(ratios)
    return found


class Watch:
    """Called after every step: the clocks of the first counted step and of the last."""

    def __init__(self, most_steps: int) -> None:
        self.most_steps = most_steps or sys.maxsize
        self.done = self.total = 0
        self.step: Turn = (0.0, 0.0)

    def __call__(self, done: int, total: int) -> None:
        if done == WARM_UP:
            self._began = clocks()
        elif done > WARM_UP:
            self.done, self.total, self.step = done, total, since(self._began, done - WARM_UP)
        if done == self.most_steps:
            raise EnoughError


def whole_epoch(recipe: FeatureRecipe, options: argparse.Namespace) -> dict[str, Any]:
    """An epoch by `touchline train`."""
    watch, began = Watch(options.epoch_steps), clocks()
    with tempfile.TemporaryDirectory() as folder, contextlib.suppress(EnoughError):
        train(recipe, Path(folder) / "run", on_step=watch)
    seconds, processor = since(began, 1)
    return {
        "steps": watch.total,
        "steps_measured": watch.done,
        "epoch_seconds": watch.total * watch.step[0],
        "epoch_processor_seconds": watch.total * watch.step[1],
        "seconds_of_checks": seconds - watch.done * watch.step[0],
        "processor_seconds_of_checks": processor - watch.done * watch.step[1],
        "peak_gigabytes": peak_megabytes() / 1000,
    }


def network_alone(recipe: FeatureRecipe, games: int) -> tuple[Any, FeatureTask, Iterator[Any]]:
    """The network, and batches that are in memory."""
    network, task, halves = prepare(recipe, games)
    batches = FeatureBatches(halves, task, recipe.optimiser.batch, 0, prefetch=0)
    held = [
        {
            kind: {name: value.clone() for name, value in part.items()}
            for kind, part in batch.items()
        }
        for batch in itertools.islice(batches, CLIPS_HELD)
    ]
    return network, task, itertools.cycle(held)


class PublishedDataset(Dataset[dict[str, dict[str, np.ndarray]]]):
    """Everything in memory; a sample is cut out and labelled when it is asked for."""

    def __init__(self, task: FeatureTask, halves: tuple[LabelledHalf, ...], clips: Clips) -> None:
        self.task, self.halves, self.clips = task, halves, clips
        self.rows = [half.streams[MAIN].read_all() for half in halves]

    def __len__(self) -> int:
        return len(self.clips)

    def __getitem__(self, number: int) -> dict[str, dict[str, np.ndarray]]:
        clip = self.clips[number : number + 1]
        rows = self.rows[int(clip.half[0])]
        at = np.clip(np.arange(self.task.clip_steps) + clip.start[0], 0, len(rows) - 1)
        targets = self.task.targets(self.halves, clip)
        return {
            "streams": {MAIN: rows[at]},
            "targets": {name: value[0] for name, value in targets.items()},
        }


def unaided(recipe: FeatureRecipe, games: int) -> dict[str, Peer]:
    """The network alone, and on what a DataLoader collates, with and without processes."""
    Dropout.forward = nn.Dropout.forward  # type: ignore[method-assign]  # in this process alone
    Attention.forward = nn.MultiheadAttention.forward  # type: ignore[method-assign]
    network, task, halves = prepare(recipe, games)
    clips = task.plan(halves, np.random.default_rng(0))
    dataset = PublishedDataset(task, halves, clips)
    peers = {}
    for name, workers in published_names(recipe).items():
        loader = DataLoader(
            dataset, recipe.optimiser.batch, shuffle=True, num_workers=workers, drop_last=True
        )
        peers[name] = Peer(recipe, network, task, _endless(loader))
    peers[UNAIDED] = Peer(recipe, *network_alone(recipe, games))
    return peers


def published_names(recipe: FeatureRecipe) -> dict[str, int]:
    """Processes of the loader, by what the peer is called."""
    workers = sorted({0, PUBLISHED_WORKERS.get(recipe.name, 1)})
    return {f"published style, {number} processes": number for number in workers}


class Distant:
    """A peer of another process."""

    def __init__(self, name: str, connection: Connection) -> None:
        self.name, self.connection = name, connection

    def turn(self, steps: int) -> Turn:
        """See ``TakesTurns``."""
        self.connection.send((self.name, steps))
        turn: Turn = self.connection.recv()
        time.sleep(SETTLE_SECONDS)
        return turn


@contextlib.contextmanager
def elsewhere(recipe: FeatureRecipe, games: int, threads: int) -> Iterator[dict[str, Distant]]:
    """The unaided peers in a process of their own, which ends with the context."""
    here, there = multiprocessing.Pipe()
    context = multiprocessing.get_context("spawn")
    process = context.Process(target=_serve, args=(recipe, games, threads, there))
    process.start()
    there.close()
    try:
        yield {name: Distant(name, here) for name in (UNAIDED, *published_names(recipe))}
    finally:
        here.close()
        process.join()


def _serve(recipe: FeatureRecipe, games: int, threads: int, connection: Connection) -> None:
    if threads:
        torch.set_num_threads(threads)
    peers = unaided(recipe, games)
    with contextlib.suppress(EOFError):
        while True:
            name, steps = connection.recv()
            connection.send(peers[name].turn(steps))


def _endless(loader: DataLoader[Any]) -> Iterator[Any]:
    while True:
        yield from loader


PARTS = {"epoch": whole_epoch, "turns": take_turns}


def run_part(part: str, options: argparse.Namespace) -> None:
    """One measurement, in this process."""
    if options.threads:
        torch.set_num_threads(options.threads)
    recipe = recipe_for(options.recipe, options.folder, options.precision)
    print(json.dumps(PARTS[part](recipe, options)))


def measure(recipe: str, options: argparse.Namespace) -> dict[str, Any]:
    """All parts of a recipe."""
    found: dict[str, Any] = {}
    for part in options.parts:
        words = [sys.executable, __file__, "--part", part, "--recipe", recipe]
        for name in (
            "folder",
            "games",
            "steps",
            "rounds",
            "peer_games",
            "threads",
            "precision",
            "epoch_steps",
        ):
            words += [f"--{name.replace('_', '-')}", str(getattr(options, name))]
        output = subprocess.run(words, check=True, stdout=subprocess.PIPE, text=True).stdout
        found[part] = _rounded(json.loads(output.splitlines()[-1]))
    return found


def _rounded(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _rounded(part) for key, part in value.items()}
    return round(value, 4) if isinstance(value, float) else value


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--games", type=int, default=300)
    parser.add_argument("--peer-games", type=int, default=40)
    parser.add_argument("--recipes", nargs="+", default=["netvlad++", "calf"])
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--steps", type=int, default=12, help="of a turn")
    parser.add_argument("--epoch-steps", type=int, default=0, help="measured; 0 for the whole one")
    parser.add_argument("--parts", nargs="+", default=list(PARTS), choices=list(PARTS))
    parser.add_argument("--folder", type=Path, help="where the games lie, or are to be made")
    parser.add_argument("--dtype", choices=["float32", "float16"], default="float32")
    parser.add_argument("--threads", type=int, default=0, help="of PyTorch; 0 for its own choice")
    parser.add_argument("--precision", choices=["fp32", "bf16"], default="fp32")
    parser.add_argument("--part", choices=PARTS, help=argparse.SUPPRESS)
    parser.add_argument("--recipe", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.part:
        run_part(options.part, options)
        return
    with contextlib.ExitStack() as stack:
        if options.folder is None:
            options.folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        if not (options.folder / "train").is_dir():
            make_games(options.folder, options.games, options.dtype)
        measured = {recipe: measure(recipe, options) for recipe in options.recipes}
    print(
        json.dumps(
            {
                "benchmark": "feature training",
                "games": options.games,
                "rows_per_half": STEPS,
                "width": WIDTH,
                "precision": options.precision,
                "threads": options.threads or torch.get_num_threads(),
                "cores": os.cpu_count(),
                "machine": platform.processor() or platform.machine(),
                "torch": torch.__version__,
                "recipes": measured,
            }
        )
    )


if __name__ == "__main__":
    main()
