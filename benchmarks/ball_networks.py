"""Train T-DEED and E2E-Spot on the same small set of simulated ball actions, and score them.

Both take the picture network of the shipped model with gated shifts (RegNetY-002, GSM), rearranged
so that it computes what it computed, the same number of clips and the same labelled frames; the
rest is as their recipes for ball actions have it. To make the games:

    touchline simulate GAMES --games 12 --minutes 4 --halves 1 --seed 930001 --frame-rate 25/2 \
        --size 224x128 --modalities video,labels --split 0.67,0.08,0.25 --look classic
    python benchmarks/ball_networks.py GAMES OUT [--systems ...] [--seeds 1 2 3] [--steps 100]

A run that is there is not repeated. OUT/results.jsonl holds the scores of the test split by class,
what is printed is their table: medians over the seeds, lowest to highest in brackets.
"""

import argparse
import json
import resource
import shutil
import statistics
import sys
from pathlib import Path
from typing import Any

import torch
from simbench import touchline
from torch import Tensor

from touchline.engines.networks import (
    NetworkConfig,
    config_dict,
    load_network,
    make_network,
    save_weights,
)
from touchline.labels import SOCCERNET_BALL
from touchline.models.e2e_spot import E2ESpotConfig
from touchline.models.parts.shift import gated_channels, interleave
from touchline.models.tdeed import TDEEDConfig
from touchline.systems import SYSTEMS
from touchline.zoo.cards import CARD_FILE, CardLabels, ModelCard, write_card
from touchline.zoo.store import WEIGHTS_FILE, find, sha256_of

ARCH = "rny002_gsm"
CLIP_LEN = 32
CLASSES = len(SOCCERNET_BALL)
CONFIGS: dict[str, NetworkConfig] = {
    "e2e-spot": E2ESpotConfig(ARCH, "gru", CLASSES, CLIP_LEN),
    "tdeed": TDEEDConfig(ARCH, CLASSES, CLIP_LEN, 2, 9, 4),
}
OWN = {
    "e2e-spot": ("e2e-spot-ball", "clips.dilation=2"),
    "tdeed": ("tdeed-ball", "joint=null", "clips.reach=2"),
}
"""By system: its recipe, and what of it is changed beside ``SHARED``."""

SHARED = (
    "data.rate=25/2",
    "data.width=112",
    "data.height=64",
    "data.cache=always",
    "data.workers=0",
    f"network.feature_arch={ARCH}",
    f"network.clip_len={CLIP_LEN}",
    "network.pretrained=false",
    "clips.mixup_alpha=0",
    "clips.foreground_share=0.5",
    "clips.balance=classes",
    "clips.epoch_frames=6400",
    "augmentation.hue=0",
    "augmentation.blur=0",
    "optimiser.batch=4",
    "optimiser.learning_rate=0.001",
    "optimiser.clip_gradients=5.0",
    "optimiser.schedule=cosine",
    "optimiser.warm_up_epochs=0.5",
    "validation.criterion=last",
    "run.device=cpu",
    "run.precision=bf16",
    "run.threads=1",
)
METRICS = ("tight", "at1")


def gated(weight: Tensor) -> Tensor:
    """(out, in, 1, 1) behind a gate that still is zero: the same of interleaved channels."""
    count = gated_channels(weight.shape[1])
    channels = torch.arange(count).reshape(1, count, 1, 1)
    order = torch.cat([interleave(half) for half in channels.chunk(2, dim=1)], dim=1).flatten()
    return torch.cat((weight[:, order], weight[:, count:]), dim=1)


def write_start(system: str, folder: Path) -> Path:
    """A model of the system with the shipped model's picture network."""
    network = make_network(SYSTEMS[system], CONFIGS[system])
    own = network.state_dict()
    for key, value in load_network(find("demo")).state_dict().items():
        if key.startswith("_features.") and key in own:
            own[key] = value
        elif key.startswith("_features."):
            behind = key.replace("conv1.", "conv1.net.")
            own[behind] = gated(value) if value.ndim == 4 else value
    network.load_state_dict(own)
    folder.mkdir(parents=True, exist_ok=True)
    save_weights(network, folder / WEIGHTS_FILE)
    card = ModelCard(
        name=f"start-{system}",
        system=system,
        config=config_dict(CONFIGS[system]),
        labels=CardLabels(name=SOCCERNET_BALL.name, labels=SOCCERNET_BALL.labels),
        rate="25/2",
        width=112,
        height=64,
        files={WEIGHTS_FILE: sha256_of(folder / WEIGHTS_FILE)},
    )
    write_card(card, folder / CARD_FILE)
    return folder


def processor_seconds() -> float:
    """Of the processes that have ended."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def train_and_predict(system: str, seed: int, options: argparse.Namespace) -> Path:
    """The folder of a run, which is made unless it is there."""
    folder: Path = options.out / f"{system}-seed{seed}"
    if (folder / "done.json").is_file():
        return folder
    shutil.rmtree(folder, ignore_errors=True)
    start = write_start(system, options.out / f"start-{system}")
    recipe, *own = OWN[system]
    settings = [
        f"data.root={json.dumps(str(options.games))}",
        f"data.cache_folder={json.dumps(str(options.out / 'frames'))}",
        f"network.start_from={json.dumps(str(start))}",
        f"optimiser.max_steps={options.steps}",
        f"run.seed={seed}",
        *SHARED,
        *own,
    ]
    words = [word for setting in settings for word in ("--set", setting)]
    began = processor_seconds()
    touchline("train", recipe, *words, "-o", str(folder))
    minutes = (processor_seconds() - began) / 60
    touchline("predict", str(folder), str(options.games), "-o", str(folder / "predictions"))
    (folder / "done.json").write_text(json.dumps({"minutes": round(minutes, 2)}))
    return folder


def score(system: str, seed: int, folder: Path, options: argparse.Namespace) -> dict[str, Any]:
    """A line of results."""
    words = [word for metric in METRICS for word in ("--metric", metric)]
    words += ["--split", "test", "--label-set", "soccernet-ball", "--json"]
    printed = touchline("evaluate", str(options.games), str(folder / "predictions"), *words)
    scores = {entry["metric"]: entry for entry in json.loads(printed)}
    return {
        "system": system,
        "seed": seed,
        "clips": options.steps * 4,
        **json.loads((folder / "done.json").read_text()),
        **{metric: scores[metric]["average_map_present"] for metric in METRICS},
        "per_class": {metric: scores[metric]["per_class"] for metric in METRICS},
    }


def table(lines: list[dict[str, Any]]) -> str:
    """Markdown: medians over the seeds, and from the lowest to the highest."""
    rows = ["| system | tight | at1 | processor minutes |", "|---|---|---|---|"]
    for system in dict.fromkeys(line["system"] for line in lines):
        own = [line for line in lines if line["system"] == system]
        cells = []
        for metric in METRICS:
            values = [line[metric] for line in own]
            middle = statistics.median(values)
            cells.append(f"{middle:.3f} ({min(values):.3f} to {max(values):.3f})")
        minutes = statistics.median(line["minutes"] for line in own)
        rows.append(f"| {system} | {' | '.join(cells)} | {minutes:.1f} |")
    return "\n".join(rows)


def main() -> None:
    """Train what is not there, and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("games", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--systems", nargs="+", choices=list(OWN), default=list(OWN))
    parser.add_argument("--seeds", nargs="+", type=int, default=[1, 2, 3])
    parser.add_argument("--steps", type=int, default=100, help="of four clips each")
    options = parser.parse_args()
    lines = []
    for seed in options.seeds:
        for system in options.systems:
            folder = train_and_predict(system, seed, options)
            lines.append(score(system, seed, folder, options))
            print(json.dumps(lines[-1]), file=sys.stderr, flush=True)
    (options.out / "results.jsonl").write_text("".join(f"{json.dumps(line)}\n" for line in lines))
    print(table(lines))


if __name__ == "__main__":
    main()
