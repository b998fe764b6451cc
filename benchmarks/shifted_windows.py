"""Time windows of a network that shifts in time: by themselves, and with what they share once.

Prints one JSON line per network: processor seconds a window takes either way at half overlap, on
one thread, in turns; and the largest difference of what they say. The weights are random.

    python benchmarks/shifted_windows.py [--arch rny002_tsm rny002_gsm] [--size 398x224]
"""

import argparse
import json
import statistics
import tempfile
import time
from fractions import Fraction
from pathlib import Path

import numpy as np
import spot

from touchline.engines.openvino import OpenVINOEngine
from touchline.zoo.store import find


def measure(arch: str, size: tuple[int, int], rounds: int, folder: Path) -> dict:
    """One network."""
    model, _ = spot.make_model(folder, arch, Fraction(25))
    engine = OpenVINOEngine(find(model), "fp32", 1)
    overlap = spot.CLIP_LEN // 2
    step = spot.CLIP_LEN - overlap
    count = spot.CLIP_LEN + (rounds + 1) * step
    frames = np.random.default_rng(0).integers(0, 256, (count, size[1], size[0], 3), np.uint8)
    valid = np.ones(spot.CLIP_LEN, np.float32)
    logits_of = engine.consecutive(overlap)
    assert logits_of is not None
    alone, shared, differences = [], [], []
    for begin in range(0, (rounds + 1) * step, step):
        window = frames[begin : begin + spot.CLIP_LEN]
        start = time.process_time()
        expected = engine.logits(window[None], valid[None])[0]
        between = time.process_time()
        found = logits_of(window, valid)
        shared.append(time.process_time() - between)
        alone.append(between - start)
        differences.append(float(np.abs(found - expected).max()))
    # The first window compiles, and of what it shares nothing is there yet.
    medians = statistics.median(alone[1:]), statistics.median(shared[1:])
    return {
        "benchmark": "shifted_windows",
        "network": arch,
        "picture": f"{size[0]}x{size[1]}",
        "alone_seconds": round(medians[0], 3),
        "shared_seconds": round(medians[1], 3),
        "gain": round(medians[0] / medians[1], 2),
        "largest_difference": max(differences),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--arch", nargs="+", default=["rny002_tsm", "rny002_gsm"])
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--size", default="398x224")
    args = parser.parse_args()
    width, height = map(int, args.size.split("x"))
    with tempfile.TemporaryDirectory() as name:
        for arch in args.arch:
            result = measure(arch, (width, height), args.rounds, Path(name))
            print(json.dumps(result), flush=True)


if __name__ == "__main__":
    main()
