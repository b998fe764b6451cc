"""Time extraction against its floors, on one file in one run.

Prints one JSON line per case: seconds for decoding alone, for the network alone on inputs in
memory, and for both together as `touchline extract` runs them, each the median of several rounds
of all three; ratios are medians of those of each round. On a processor, decoder and network share
the same cores, so the floor that can be reached there is their processor time over the cores
(`work_seconds`); beside a GPU it is the larger of the two. `over_work` compares processor times,
which other load on the machine hardly touches; `times_real_time_by_work` is what these processor
times come to if all cores are free. The weights are random: they do not change the time.

    python benchmarks/extract.py [--seconds 60] [--features demo resnet152 vggish fft]
        [--size 398x224 1280x720] [--video FILE] [--engine auto] [--precision auto] [--repeats 3]
"""

import argparse
import json
import os
import statistics
import tempfile
import time
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path

import numpy as np
import torch
from peak_memory import peak_megabytes

from touchline.features.extractor import Extractor, NetworkExtractor, Placement
from touchline.features.extractors import ExtractorSpec
from touchline.features.pictures import PICTURES_PER_BATCH, ModelPictures
from touchline.features.resnet import crop_published, published_start
from touchline.features.store import write_features
from touchline.importers import extractors as extractor_weights
from touchline.media.audio import read_audio
from touchline.media.video import probe, read_frames
from touchline.models.extractors import NETWORKS
from touchline.pulling.extractors import open_with_weights
from touchline.simulator.dataset import simulate, video_name

SOUND = {"vggish", "vggish-half-second", "fft", "log-mel"}


def make_video(folder: Path, size: tuple[int, int], seconds: float) -> Path:
    """A simulated video of this length, with sound."""
    made = simulate(
        folder / f"{size[1]}p",
        games=1,
        seed=11,
        minutes=seconds / 60,
        halves=1,
        size=size,
        modalities=("video", "audio"),
    )
    return made.root / made.games[0] / video_name(1, size)


def store_random_weights() -> None:
    """Extractors with random weights in the folder that TOUCHLINE_HOME names."""
    torch.manual_seed(0)
    for name, config, side in (
        ("resnet152", {"depths": list(extractor_weights.RESNET152_DEPTHS)}, 224),
        ("vggish", {}, None),
    ):
        card = extractor_weights.extractor_card(name, config, side)
        extractor_weights.store(NETWORKS[card.network].build(config), card)


Times = dict[str, tuple[float, float]]


def interleaved(repeats: int, runs: dict[str, Callable[[], object]]) -> list[Times]:
    """Wall and processor seconds of every run, in rounds: what else the machine does changes."""
    rounds = []
    for _ in range(repeats):
        times = {}
        for name, run in runs.items():
            began, began_work = time.perf_counter(), time.process_time()
            run()
            times[name] = (time.perf_counter() - began, time.process_time() - began_work)
        rounds.append(times)
    return rounds


def median(rounds: list[Times], value: Callable[[Times], float]) -> float:
    """The median over the rounds of what each shows."""
    return statistics.median(map(value, rounds))


def decode(extractor: Extractor, name: str, video: Path) -> int:
    """Decode what the extractor reads, and prepare it as it does; how much."""
    if name in SOUND:
        return sum(len(block) for block in read_audio(video))
    if name == "resnet152":
        rate = Fraction(extractor.identity.rate)
        start = published_start(probe(video).frame_rate, rate)
        with read_frames(video, rate=rate, start_seconds=start) as stream:
            return sum(len(crop_published(frame.pixels)) > 0 for frame in stream)
    size = tuple(int(side) for side in extractor.identity.settings["size"].split("x"))
    with read_frames(video, rate=Fraction(extractor.identity.rate), size=size) as stream:
        return sum(1 for _ in stream)


def network_of(extractor: Extractor, name: str) -> tuple[Callable, np.ndarray] | None:
    """The network, and a batch of inputs for it."""
    rng = np.random.default_rng(0)
    if isinstance(extractor, ModelPictures):
        width, height = map(int, extractor.identity.settings["size"].split("x"))
        batch = rng.integers(0, 255, (PICTURES_PER_BATCH, height, width, 3), np.uint8)
        return extractor.describe, batch
    if not isinstance(extractor, NetworkExtractor):
        return None
    if name in SOUND:
        steps = 96 if name == "vggish" else 46
        return extractor.network, rng.normal(-2, 1, (16, steps, 64)).astype(np.float32)
    return extractor.network, rng.integers(0, 255, (16, 224, 224, 3), np.uint8)


def run_network(extractor: Extractor, name: str, rows: int) -> None:
    """Run the network as often as the video asks for, on inputs in memory."""
    found = network_of(extractor, name)
    if found is None:
        return
    network, batch = found
    for first in range(0, rows, len(batch)):
        network(batch[: rows - first])


def measure(name: str, video: Path, size: str, folder: Path, args) -> dict:
    """One case."""
    extractor = open_with_weights(
        ExtractorSpec(name, placement=Placement(args.engine, args.precision))
    )
    path = folder / f"{extractor.suffix}.npy"
    rows = write_features(path, extractor, video).rows  # warm up: compilation, the page cache
    rounds = interleaved(
        args.repeats,
        {
            "decode": lambda: decode(extractor, name, video),
            "network": lambda: run_network(extractor, name, rows),
            "extract": lambda: write_features(path, extractor, video),
        },
    )
    extractor.close()
    cores = len(os.sched_getaffinity(0))

    def work(times: Times) -> float:
        return times["decode"][1] + times["network"][1]

    def floor(times: Times) -> float:
        return max(times["decode"][0], times["network"][0], work(times) / cores)

    return {
        "benchmark": "extract",
        "features": name,
        "video": size,
        "engine": extractor.engine,
        "rows": rows,
        "decode_seconds": median(rounds, lambda times: times["decode"][0]),
        "network_seconds": median(rounds, lambda times: times["network"][0]),
        "work_seconds": median(rounds, lambda times: work(times) / cores),
        "extract_seconds": median(rounds, lambda times: times["extract"][0]),
        "extract_work_seconds": median(rounds, lambda times: times["extract"][1] / cores),
        "over_floor": median(rounds, lambda times: times["extract"][0] / floor(times)),
        "over_work": median(rounds, lambda times: times["extract"][1] / work(times)),
        "times_real_time": median(rounds, lambda times: args.seconds / times["extract"][0]),
        "times_real_time_by_work": median(
            rounds, lambda times: args.seconds * cores / times["extract"][1]
        ),
        "peak_megabytes": round(peak_megabytes()),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--features", nargs="+", default=["demo", "resnet152", "vggish", "fft"])
    parser.add_argument("--size", nargs="+", default=["398x224", "1280x720"])
    parser.add_argument("--video", type=Path, help="one there is already, instead of simulating")
    parser.add_argument("--engine", default="auto")
    parser.add_argument("--precision", default="auto")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        os.environ["TOUCHLINE_HOME"] = str(folder / "home")
        if {"resnet152", "vggish", "vggish-half-second"} & set(args.features):
            store_random_weights()
        if args.video is not None:
            info = probe(args.video)
            args.size, args.seconds = [f"{info.width}x{info.height}"], info.duration_seconds
        for text in args.size:
            width, height = map(int, text.split("x"))
            video = args.video or make_video(folder, (width, height), args.seconds)
            for features in args.features:
                result = measure(features, video, text, folder, args)
                rounded = {k: round(v, 3) if isinstance(v, float) else v for k, v in result.items()}
                print(json.dumps(rounded), flush=True)


if __name__ == "__main__":
    main()
