"""Time whole halves through a pooling network at a stride of one step, all windows in one pass.

Beside it, in the same run, the windowed way on a sample of each half's windows: gather batches of
256 windows, run the network on each, as published. Halves, and batches of windows, are dealt out
among threads that run one at a time each. Prints one JSON line: seconds of both for all games (the
windowed ones scaled up from the sample), their ratio, and the largest difference between the
scores of the two. Seconds of the processor stand beside those of the clock: on a machine that is
busy with other things, they are the ones to compare.

    python benchmarks/sliding_windows.py [--pooling netvlad++] [--games 100] [--jobs 2]
"""

import argparse
import json
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from fractions import Fraction
from functools import partial
from pathlib import Path

import numpy as np
import torch
from peak_memory import peak_megabytes

from touchline.datasets.features import FeatureFile
from touchline.models.pooling import POOLINGS, PoolingConfig, PoolingNetwork
from touchline.scores import FloatArray
from touchline.spotting.scorers.pooling import score

FILES = 4
BATCH = 256


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--pooling", choices=list(POOLINGS), default="netvlad++")
    parser.add_argument("--games", type=int, default=100)
    parser.add_argument("--steps", type=int, default=5400, help="of a half")
    parser.add_argument("--width", type=int, default=512, help="numbers of a step")
    parser.add_argument("--clip-len", type=int, default=30)
    parser.add_argument("--sample", type=int, default=1024, help="windows passed one by one")
    parser.add_argument("--jobs", type=int, default=2, help="halves at a time, a thread each")
    options = parser.parse_args()
    torch.set_num_threads(1)
    torch.manual_seed(0)
    config = PoolingConfig(options.pooling, 17, options.clip_steps, feature_width=options.width)
    network = trained_looking(PoolingNetwork(config)).eval()
    halves = 2 * options.games
    with (
        tempfile.TemporaryDirectory() as folder,
        ThreadPoolExecutor(options.jobs) as pool,
    ):
        files = write_halves(Path(folder), options.steps, options.width)
        streams = [{"features": files[number % FILES]} for number in range(halves)]
        list(pool.map(partial(score, network), streams[: options.jobs]))
        seconds, cpu_seconds = timed(lambda: list(pool.map(partial(score, network), streams)))
        peak_mib = peak_megabytes() / 1.048576
        sample = np.linspace(0, options.steps - 1, options.sample).astype(int)
        batches = np.array_split(sample, max(1, len(sample) // BATCH))
        rows = [torch.from_numpy(file.read_all()) for file in files]
        windowed_seconds, windowed_cpu_seconds = timed(
            lambda: list(pool.map(partial(windowed, network, rows[0]), batches))
        )
        largest_difference = max(
            np.abs(windowed(network, half, batch) - score(network, {"features": file})[batch]).max()
            for file, half in zip(files, rows, strict=True)
            for batch in batches
        )
    scale = halves * options.steps / options.sample
    record = {
        "benchmark": "sliding_windows",
        "pooling": options.pooling,
        "halves": halves,
        "steps": options.steps,
        "width": options.width,
        "jobs": options.jobs,
        "seconds": seconds,
        "cpu_seconds": cpu_seconds,
        "peak_mib": peak_mib,
        "windowed_seconds": windowed_seconds * scale,
        "windowed_cpu_seconds": windowed_cpu_seconds * scale,
        "windows_sampled": options.sample,
        "ratio": windowed_seconds * scale / seconds,
        "cpu_ratio": windowed_cpu_seconds * scale / cpu_seconds,
        "largest_difference": float(largest_difference),
    }
    print(json.dumps(record))


def trained_looking(network: PoolingNetwork) -> PoolingNetwork:
    """Clusters as sharp as those of the published weights, and outputs that lie apart."""
    with torch.no_grad():
        for name, parameter in network.named_parameters():
            if name.endswith((".clusters", "conv.weight", "fc.weight")):
                parameter *= 20
    return network


def write_halves(folder: Path, steps: int, width: int) -> list[FeatureFile]:
    """Files of features that change as slowly as those of a video."""
    rng = np.random.default_rng(0)
    files = []
    for number in range(FILES):
        path = folder / f"{number}_features.npy"
        noise = rng.normal(size=(steps + 4, width)).astype(np.float32)
        np.save(path, sum(noise[lag : lag + steps] for lag in range(5)))
        files.append(FeatureFile(path, Fraction(2)))
    return files


def windowed(network: PoolingNetwork, rows: torch.Tensor, steps: np.ndarray) -> FloatArray:
    """Scores of a batch of steps of a half, each from its own window."""
    clip_steps = network.config.clip_steps
    offsets = torch.arange(clip_steps) - clip_steps // 2
    indices = (torch.from_numpy(steps)[:, None] + offsets).clamp(0, len(rows) - 1)
    with torch.inference_mode():
        return network(rows[indices])[:, 1:].sigmoid().numpy()


def timed(work: Callable[[], object]) -> tuple[float, float]:
    """Seconds of the clock and of the processor."""
    clock, processor = time.perf_counter(), time.process_time()
    work()
    return time.perf_counter() - clock, time.process_time() - processor


if __name__ == "__main__":
    main()
