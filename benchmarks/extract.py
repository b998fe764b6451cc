"""Time extraction against its floors, on one file in one run.

Prints one JSON line per case: seconds for decoding alone, for the network alone on inputs in
memory, and for both together as `touchline extract` runs them, each the median of several runs. On
a processor, decoder and network share the same cores, so the floor that can be reached there is
their processor time over the cores (`work_seconds`); beside a GPU it is the larger of the two.
`over_work` compares processor times, which other load on the machine hardly touches. The weights
are random: they do not change the time.

    python benchmarks/extract.py [--seconds 60] [--features demo resnet152 vggish fft]
        [--size 398x224 1280x720] [--engine auto] [--precision auto] [--repeats 3]
"""

import argparse
import json
import os
import resource
import statistics
import tempfile
import time
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path

import numpy as np
import torch

from touchline.features.extractor import Extractor, NetworkExtractor, Placement
from touchline.features.extractors import ExtractorSpec, open_extractor
from touchline.features.pictures import PICTURES_PER_BATCH, ModelPictures
from touchline.features.resnet import crop_published, published_start
from touchline.features.store import write_features
from touchline.media.audio import read_audio
from touchline.media.video import probe, read_frames
from touchline.models.extractors import NETWORKS
from touchline.simulator.dataset import simulate, video_name
from touchline.zoo import extractor_weights

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


class Clock:
    """Median wall and processor seconds of several runs."""

    def __init__(self, repeats: int) -> None:
        self.repeats = repeats

    def __call__(self, run: Callable[[], object]) -> tuple[float, float]:
        wall, processor = [], []
        for _ in range(self.repeats):
            began, began_work = time.perf_counter(), time.process_time()
            run()
            wall.append(time.perf_counter() - began)
            processor.append(time.process_time() - began_work)
        return statistics.median(wall), statistics.median(processor)


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
    clock = Clock(args.repeats)
    extractor = open_extractor(
        ExtractorSpec(name, placement=Placement(args.engine, args.precision))
    )
    path = folder / f"{extractor.suffix}.npy"
    rows = write_features(path, extractor, video).rows  # warm up: compilation, the page cache
    decoding, decoding_work = clock(lambda: decode(extractor, name, video))
    network, network_work = clock(lambda: run_network(extractor, name, rows))
    both, both_work = clock(lambda: write_features(path, extractor, video))
    floor = max(decoding, network, (decoding_work + network_work) / len(os.sched_getaffinity(0)))
    extractor.close()
    return {
        "benchmark": "extract",
        "features": name,
        "video": size,
        "engine": extractor.engine,
        "rows": rows,
        "decode_seconds": decoding,
        "network_seconds": network,
        "work_seconds": (decoding_work + network_work) / len(os.sched_getaffinity(0)),
        "extract_seconds": both,
        "extract_work_seconds": both_work / len(os.sched_getaffinity(0)),
        "over_floor": both / floor,
        "over_work": both_work / (decoding_work + network_work),
        "times_real_time": args.seconds / both,
        "peak_megabytes": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--features", nargs="+", default=["demo", "resnet152", "vggish", "fft"])
    parser.add_argument("--size", nargs="+", default=["398x224", "1280x720"])
    parser.add_argument("--engine", default="auto")
    parser.add_argument("--precision", default="auto")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        os.environ["TOUCHLINE_HOME"] = str(folder / "home")
        if {"resnet152", "vggish", "vggish-half-second"} & set(args.features):
            store_random_weights()
        for text in args.size:
            width, height = map(int, text.split("x"))
            video = make_video(folder, (width, height), args.seconds)
            for features in args.features:
                result = measure(features, video, text, folder, args)
                rounded = {k: round(v, 3) if isinstance(v, float) else v for k, v in result.items()}
                print(json.dumps(rounded), flush=True)


if __name__ == "__main__":
    main()
