"""Time windows of a network that shifts in time: by themselves, and with what they share once.

Prints one JSON line per network: processor seconds a window takes either way, on one thread, in
turns; and the largest difference of what they say. The weights are random. Of T-DEED it is what
follows its first two stages, which every frame passes once either way; its windows are taken at
half overlap and at three quarters, as its authors take them for ball actions.

    python benchmarks/shifted_windows.py [--arch rny002_tsm rny002_gsm tdeed] [--size 398x224]
"""

import argparse
import json
import statistics
import tempfile
import time
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import spot
import torch

from touchline.engines.export import export_onnx
from touchline.engines.networks import config_dict, save_weights
from touchline.engines.openvino import OpenVINOEngine
from touchline.labels import SOCCERNET_BALL
from touchline.models.tdeed import TDEED, TDEEDConfig
from touchline.zoo.cards import CARD_FILE, CardLabels, ModelCard, write_card
from touchline.zoo.store import WEIGHTS_FILE, ModelFolder, find, sha256_of

Size = tuple[int, int]
Window = Callable[[Any, Any], Any]

TDEED_ARCH = "rny002_gsf"
TDEED_OVERLAPS = (50, 75)


def make_tdeed(path: Path, overlap: float) -> ModelFolder:
    """A T-DEED with random weights."""
    torch.manual_seed(0)
    network = TDEED(TDEEDConfig(TDEED_ARCH, len(SOCCERNET_BALL), spot.CLIP_LEN, 2)).eval()
    path.mkdir()
    save_weights(network, path / WEIGHTS_FILE)
    card = ModelCard(
        name="benchmark",
        system="tdeed",
        config=config_dict(network.config),
        labels=CardLabels(name=SOCCERNET_BALL.name, labels=SOCCERNET_BALL.labels),
        rate="25/2",
        width=398,
        height=224,
        overlap=overlap,
        files={WEIGHTS_FILE: sha256_of(path / WEIGHTS_FILE)},
    )
    write_card(card, path / CARD_FILE)
    return export_onnx(find(path))


def measure(name: str, engine: OpenVINOEngine, overlap: int, size: Size, rounds: int) -> dict:
    """One network at one overlap."""
    step = spot.CLIP_LEN - overlap
    warm_up = -(-overlap // step)  # compiles, and knows nothing of what it shares
    rounds += warm_up
    count = spot.CLIP_LEN + rounds * step
    rng = np.random.default_rng(0)
    items: Any = rng.integers(0, 256, (count, size[1], size[0], 3), np.uint8)
    whole: Window = engine.logits
    if engine.shares_frames:
        items, whole = np.tile(engine.features(items[:16]), (-(-count // 16), 1, 1, 1)), engine.head
        items = items[:count] * rng.uniform(0.5, 1.5, (count, 1, 1, 1)).astype(np.float32)
    valid = np.ones(spot.CLIP_LEN, np.float32)
    logits_of = engine.consecutive(overlap)
    assert logits_of is not None
    alone, shared, differences = [], [], []
    for begin in range(0, rounds * step + 1, step):
        window = items[begin : begin + spot.CLIP_LEN]
        start = time.process_time()
        expected = whole(window[None], valid[None])[0]
        between = time.process_time()
        found = logits_of(window, valid)
        shared.append(time.process_time() - between)
        alone.append(between - start)
        differences.append(float(np.abs(found - expected).max()))
    medians = statistics.median(alone[warm_up:]), statistics.median(shared[warm_up:])
    return {
        "benchmark": "shifted_windows",
        "network": name,
        "overlap": overlap,
        "picture": f"{size[0]}x{size[1]}",
        "alone_seconds": round(medians[0], 3),
        "shared_seconds": round(medians[1], 3),
        "gain": round(medians[0] / medians[1], 2),
        "largest_difference": max(differences),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--arch", nargs="+", default=["rny002_tsm", "rny002_gsm", "tdeed"])
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--size", default="398x224")
    args = parser.parse_args()
    width, height = map(int, args.size.split("x"))
    with tempfile.TemporaryDirectory() as scratch:
        for arch in args.arch:
            for overlap in TDEED_OVERLAPS if arch == "tdeed" else (spot.CLIP_LEN // 2,):
                folder = (
                    make_tdeed(Path(scratch) / f"tdeed-{overlap}", overlap / spot.CLIP_LEN)
                    if arch == "tdeed"
                    else find(spot.make_model(Path(scratch), arch, Fraction(25))[0])
                )
                engine = OpenVINOEngine(folder, "fp32", 1)
                result = measure(arch, engine, overlap, (width, height), args.rounds)
                print(json.dumps(result), flush=True)


if __name__ == "__main__":
    main()
