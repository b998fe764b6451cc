"""Time spotting against its floors and against the published way, on one file in one run.

Prints one JSON line per case: seconds for decoding every frame, for reading what the network sees,
for the network alone, for both together as `touchline spot` runs them, and for the published way
(decode everything, write JPEGs, read JPEGs, PyTorch eager in fp32), each on the same video and the
same network. The weights are random: they do not change the time. On a machine that does other
work, `--clock processor` counts seconds of the processor.
`ONEDNN_MAX_CPU_ISA=AVX2 ATEN_CPU_CAPABILITY=avx2` keeps both sides to AVX2.

    python benchmarks/spot.py [--seconds 60] [--repeats 3] [--size 398x224 1280x720] [--rate 2 25]
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
from PIL import Image

from touchline.engines.export import export_onnx
from touchline.engines.networks import config_dict, save_weights
from touchline.labels import SOCCERNET_V2
from touchline.media.decoding import PictureSource
from touchline.media.limits import DEFAULT_LIMITS
from touchline.media.video import read_frames
from touchline.models.e2e_spot import E2ESpot, E2ESpotConfig
from touchline.simulator.dataset import simulate, video_name
from touchline.spotting.picture_spotter import Spotter
from touchline.spotting.spotter import load
from touchline.spotting.windows import WindowAverage, softmax, window_starts
from touchline.timebase import format_rate
from touchline.zoo.cards import CARD_FILE, CardLabels, ModelCard, write_card
from touchline.zoo.store import WEIGHTS_FILE, find, sha256_of

INPUT_SIZE = (398, 224)
CLIP_LEN = 100
OVERLAP = 50
MEAN = torch.tensor([0.485, 0.456, 0.406]).view(3, 1, 1)
STD = torch.tensor([0.229, 0.224, 0.225]).view(3, 1, 1)


def make_video(folder: Path, size: tuple[int, int], seconds: float) -> Path:
    """A simulated video of this length."""
    made = simulate(
        folder / f"{size[1]}p",
        games=1,
        seed=11,
        minutes=seconds / 60,
        halves=1,
        size=size,
        modalities=("video",),
    )
    return made.root / made.games[0] / video_name(1, size)


def make_model(folder: Path, arch: str, rate: Fraction) -> tuple[Path, E2ESpot]:
    """A model folder with random weights and a GRU, and its network."""
    config = E2ESpotConfig(
        feature_arch=arch,
        temporal_arch="gru",
        num_classes=len(SOCCERNET_V2),
        clip_len=CLIP_LEN,
        modality="rgb",
    )
    torch.manual_seed(0)
    network = E2ESpot(config).eval()
    path = folder / f"{arch}-{float(rate):g}"
    path.mkdir(exist_ok=True)
    save_weights(network, path / WEIGHTS_FILE)
    card = ModelCard(
        name="benchmark",
        system="e2e-spot",
        config=config_dict(config),
        labels=CardLabels(name=SOCCERNET_V2.name, labels=SOCCERNET_V2.labels),
        rate=format_rate(rate),
        width=INPUT_SIZE[0],
        height=INPUT_SIZE[1],
        files={WEIGHTS_FILE: sha256_of(path / WEIGHTS_FILE)},
    )
    write_card(card, path / CARD_FILE)
    export_onnx(find(path))
    return path, network


CLOCKS = {"wall": time.perf_counter, "processor": time.process_time}


def timed(run: Callable[[], object], args: argparse.Namespace, repeats: int | None = None) -> float:
    """Median seconds of several runs."""
    clock, durations = CLOCKS[args.clock], []
    for _ in range(repeats or args.repeats):
        began = clock()
        run()
        durations.append(clock() - began)
    return statistics.median(durations)


def decode_all(video: Path) -> int:
    """Decode every frame; how many."""
    with PictureSource(video, DEFAULT_LIMITS) as source:
        return sum(1 for _ in source.pictures())


def decode(video: Path, rate: Fraction) -> int:
    """Read what the model reads; how many frames."""
    with read_frames(video, rate=rate, size=INPUT_SIZE) as frames:
        return sum(1 for _ in frames)


def run_network(spotter: Spotter, frames: int) -> None:
    """Run the network as often as the video asks for, on frames in memory."""
    width, height = INPUT_SIZE
    pictures = np.random.default_rng(0).integers(0, 255, (CLIP_LEN, height, width, 3), np.uint8)
    stream = (pictures[i % CLIP_LEN] for i in range(frames))
    for _ in spotter.windows_of(stream):
        pass


def published_way(video: Path, rate: Fraction, network: E2ESpot, folder: Path) -> None:
    """Decode all frames to JPEG files, then read them back window by window (E2E-Spot)."""
    jpegs = []
    with read_frames(video, rate=rate, size=INPUT_SIZE) as frames:
        for index, frame in enumerate(frames):
            jpegs.append(folder / f"{index:06d}.jpg")
            Image.fromarray(frame.pixels).save(jpegs[-1], quality=95)
    average = WindowAverage(len(SOCCERNET_V2) + 1)
    blank = torch.zeros(3, INPUT_SIZE[1], INPUT_SIZE[0])
    for start in window_starts(len(jpegs), CLIP_LEN, OVERLAP):
        index = start + np.arange(CLIP_LEN)
        valid = ((index >= 0) & (index < len(jpegs))).astype(np.float32)
        pictures = [
            _read_jpeg(jpegs[i]) if ok else blank for i, ok in zip(index, valid, strict=True)
        ]
        with torch.no_grad():
            logits = network(torch.stack(pictures)[None])[0].numpy()
        average.add(start, softmax(logits), valid)
    for jpeg in jpegs:
        jpeg.unlink()


def _read_jpeg(path: Path) -> torch.Tensor:
    pixels = torch.from_numpy(np.array(Image.open(path))).permute(2, 0, 1)
    return (pixels.float() / 255 - MEAN) / STD


def measure(video: Path, size: tuple[int, int], rate: Fraction, folder: Path, args) -> dict:
    """One case."""
    model, network = make_model(folder, args.arch, rate)
    with load(model, precision=args.precision, threads=args.threads) as spotter:
        spotter.score(video)  # warm up: compilation, the check of the precision, the page cache
        frames = decode(video, rate)
        result = {
            "benchmark": "spot",
            "video": f"{size[0]}x{size[1]}",
            "rate": float(rate),
            "frames": frames,
            "network": args.arch,
            "engine": spotter.engine.name,
            "instructions": os.environ.get("ONEDNN_MAX_CPU_ISA", "all"),
            "clock": args.clock,
            "threads": args.threads,
            "load": os.getloadavg()[0],
            "decode_all_seconds": timed(lambda: decode_all(video), args),
            "decode_seconds": timed(lambda: decode(video, rate), args),
            "network_seconds": timed(lambda: run_network(spotter, frames), args),
            "end_to_end_seconds": timed(lambda: spotter.score(video), args),
        }
    with tempfile.TemporaryDirectory(dir=folder) as jpegs:
        result["published_seconds"] = timed(
            lambda: published_way(video, rate, network, Path(jpegs)), args, 1
        )
    floors = result["decode_seconds"] + result["network_seconds"]
    result["over_decoding_all"] = result["end_to_end_seconds"] / result["decode_all_seconds"]
    result["over_floors"] = result["end_to_end_seconds"] / floors
    result["times_published"] = result["published_seconds"] / result["end_to_end_seconds"]
    result["times_real_time"] = args.seconds / result["end_to_end_seconds"]
    return {k: round(v, 4) if isinstance(v, float) else v for k, v in result.items()}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--precision", default="auto")
    parser.add_argument("--arch", default="rny002_gsm")
    parser.add_argument("--size", nargs="+", default=["398x224", "1280x720"])
    parser.add_argument("--rate", nargs="+", default=["2", "25"])
    parser.add_argument("--clock", choices=CLOCKS, default="wall")
    parser.add_argument("--threads", type=int, help="of either side; all by default")
    args = parser.parse_args()
    if args.threads is not None:
        torch.set_num_threads(args.threads)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for text in args.size:
            width, height = map(int, text.split("x"))
            video = make_video(folder, (width, height), args.seconds)
            for rate in args.rate:
                result = measure(video, (width, height), Fraction(rate), folder, args)
                print(json.dumps(result), flush=True)


if __name__ == "__main__":
    main()
