"""Time and memory of every published layout on a plain video, in a process without PyTorch.

Stand-ins have the exact entries and shapes of the published checkpoints and random weights: these
change neither time nor memory. Each is imported as a published file is, then a process in which
`import torch` fails opens the model and spots a simulated video of the size that it reads. Prints
one JSON line for each system: peak memory (Linux), processor seconds for a minute of video, and
those to open the model.

    python benchmarks/published_networks.py [--seconds 60] [--threads 1] [NAME ...]
"""

import argparse
import json
import math
import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from memory import repeat_packets

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))

Size = tuple[int, int]
Weights = Mapping[str, Any]

SIZE = (398, 224)

PIECE_SECONDS = 12
"""What is drawn for networks of pictures, and repeated; the shortest half that there is."""

RUN = """
import json, sys, time
sys.modules["torch"] = None
import touchline

def used():
    return time.process_time()

model, video, threads = sys.argv[1], sys.argv[2], int(sys.argv[3])
seconds = float(sys.argv[4]) if len(sys.argv) > 4 else None
begin = used()
spotter = touchline.load(model, threads=threads)
opened = used()
timeline = spotter.spot(video, end_seconds=seconds)
done = used()
# Not ru_maxrss, which a process takes over from the one that started it.
status = dict(line.split(":", 1) for line in open("/proc/self/status"))
peak = int(status["VmHWM"].split()[0]) / 1000
print(json.dumps({"opening": opened - begin, "spotting": done - opened, "peak_mb": peak}))
"""


def e2e(arch: str, classes: int) -> Callable[[], Any]:
    """A maker of an E2E-Spot network."""

    def make() -> Any:
        from touchline.models.e2e_spot import E2ESpot, E2ESpotConfig

        return E2ESpot(E2ESpotConfig(arch, "gru", classes, 100, "rgb"))

    return make


def network(system: str, **sizes: Any) -> Callable[[], Any]:
    """A maker of a network of the table of systems."""

    def make() -> Any:
        from touchline.engines.networks import config_type, make_network
        from touchline.systems import SYSTEMS

        return make_network(SYSTEMS[system], config_type(SYSTEMS[system])(**sizes))

    return make


def as_they_are(weights: Weights, _config: Any) -> Weights:
    """A file that holds the weights and nothing else."""
    return weights


def as_state(weights: Weights, _config: Any) -> Weights:
    """A file that holds them beside what its training had."""
    return {"state_dict": weights}


def as_earlier_timm(weights: Weights, _config: Any) -> Weights:
    """As `as_they_are`, of a timm whose stages end with the merging that now begins the next."""
    merging = re.compile(r"(spatial_transformer\.layers\.)(\d+)(\.downsample\.)")
    return {merging.sub(lambda m: f"{m[1]}{int(m[2]) - 1}{m[3]}", k): v for k, v in weights.items()}


def as_winner(weights: Weights, config: Any) -> Weights:
    """As the ball winner of 2023 stores them, both sets."""
    frames = config.num_frames
    module = {"num_classes": config.num_classes, "num_frames": frames, "stack_size": 3}
    params = {"nn_module": ("multidim_stacker", module), "frame_stack_size": frames}
    return {
        "model_name": "BallActionModel",
        "params": params | {"frame_stack_step": config.frame_step},
        "nn_state_dict": weights,
        "no_ema_nn_state_dict": {f"_orig_mod.{key}": value for key, value in weights.items()},
    }


@dataclass(frozen=True)
class StandIn:
    """A network as it was published.

    Attributes:
        make: builds it.
        on_features: whether it reads those of ResNet-152.
        stored: what its file holds, of weights and configuration.
        size: of the video that it reads.
        seconds: of video, long enough for several of its windows.
        told: to its import.
    """

    make: Callable[[], Any]
    stored: Callable[[Weights, Any], Any] = as_they_are
    size: Size = SIZE
    seconds: float = 15
    on_features: bool = False
    told: dict[str, Any] = field(default_factory=dict)


def on_features(system: str, **sizes: Any) -> StandIn:
    """A network of the features of ResNet-152."""
    return StandIn(network(system, **sizes), as_state, on_features=True)


def broadcast(arch: str) -> StandIn:
    """E2E-Spot at 25/12 frames a second: of two minutes of video four windows of 48 s."""
    return StandIn(e2e(arch, 17), seconds=120)


def tdeed(classes: int, size: Size, seconds: float, system: str = "tdeed", **sizes: Any) -> StandIn:
    """T-DEED with this configuration."""
    return StandIn(network(system, num_classes=classes, **sizes), size=size, seconds=seconds)


def comedian(**sizes: Any) -> StandIn:
    """COMEDIAN, over one window of 64 s; what it makes of a second serves all windows."""
    return StandIn(network("comedian", num_classes=17, **sizes), as_earlier_timm, seconds=64)


BALL_SIZE = (796, 448)

STAND_INS: dict[str, StandIn] = {
    "e2e-spot-rny002": broadcast("rny002_gsm"),
    "e2e-spot-rny002-tsm": broadcast("rny002_tsm"),
    "e2e-spot-rny008": broadcast("rny008_gsm"),
    "e2e-spot-ball-25fps": StandIn(
        e2e("rny008_gsm", 12), told={"rate": "25", "labels": "soccernet-ball"}
    ),
    "tdeed-soccer": tdeed(17, SIZE, 120, feature_arch="rny002_gsf", layers=3),
    "tdeed-soccer-big": tdeed(17, SIZE, 120, feature_arch="rny008_gsf", layers=3, kernel=11),
    "tdeed-ball": tdeed(12, BALL_SIZE, 15, feature_arch="rny002_gsf", extra_classes=17),
    "tdeed-ball-big": tdeed(12, BALL_SIZE, 15, feature_arch="rny008_gsf", extra_classes=17),
    "tdeed-team": tdeed(
        12, BALL_SIZE, 15, "tdeed-team", feature_arch="rny002_gsf", extra_classes=17
    ),
    "comedian-vivit-tiny": comedian(),
    "comedian-viswin-tiny": comedian(encoder="viswin", patch=4, width=96),
    "ball-2023-winner": StandIn(
        network("frame-stacking", num_classes=2, clip_len=11), as_winner, (1280, 720), 5
    ),
    "maxpool": on_features("pooling", pooling="max", num_classes=17),
    "netvlad": on_features("pooling", pooling="netvlad-conv", num_classes=17),
    "netvlad++": on_features("pooling", pooling="netvlad++", num_classes=17, feature_width=2048),
    "calf": on_features("calf", num_classes=17, polarity="distance"),
    "calf-attention": on_features(
        "calf-attention", num_classes=17, heads=8, hidden=1024, refinement=True
    ),
    "calf-se": on_features("calf-se", num_classes=17),
    "calf-calibration-3d": on_features("calf-calibration", num_classes=8, players="3d"),
    "calf-calibration-gcn": on_features("calf-calibration", num_classes=8, players="graph"),
    "calf-calibration-features": on_features("calf", num_classes=9, multiplier=2),
}
"""By name."""


def store_extractor(folder: Path) -> None:
    """ResNet-152 in the Keras layout and its PCA, with random weights."""
    import torch
    from published_files import write_pca_pickles

    from touchline.features.stored_pca import store_pca
    from touchline.importers.extractors import extractor_card, store
    from touchline.models.resnet_keras import RESNET152_DEPTHS, KerasResNet, KerasResNetConfig

    torch.manual_seed(0)
    card = extractor_card("resnet152", {"depths": list(RESNET152_DEPTHS)}, 224)
    store(KerasResNet(KerasResNetConfig(RESNET152_DEPTHS)), card)
    store_pca(*write_pca_pickles(folder, 2048, 512))


def store_stand_in(name: str, folder: Path) -> Path:
    """Import a stand-in as a published file is imported."""
    import torch

    from touchline.importers.models import import_checkpoint

    stand_in = STAND_INS[name]
    torch.manual_seed(0)
    path = folder / f"{name}.pth.tar"
    made = stand_in.make().eval()
    torch.save(stand_in.stored(made.state_dict(), made.config), path)
    return import_checkpoint(path, out=folder / name, **stand_in.told).path


def make_video(folder: Path, stand_in: StandIn, seconds: float) -> Path:
    """Simulated football: a half with boxes and calibration beside it, or a piece repeated."""
    from touchline.simulator.dataset import simulate, video_name

    size = stand_in.size
    drawn = seconds if stand_in.on_features else PIECE_SECONDS
    made = simulate(
        folder / f"{size[1]}p-{drawn:g}",
        games=1,
        seed=11,
        minutes=drawn / 60,
        halves=1,
        size=size,
        modalities=("video", "boxes", "calibration"),
    )
    piece = made.root / made.games[0] / video_name(1, size)
    if stand_in.on_features:
        return piece
    video = folder / f"{size[1]}p-{seconds:g}.mkv"
    repeat_packets(piece, video, math.ceil(seconds / drawn), drawn)
    return video


def measure(name: str, model: Path, video: Path, seconds: float, threads: int) -> dict[str, Any]:
    """Spot the video in a process of its own."""
    words = [sys.executable, "-c", RUN, str(model), str(video), str(threads)]
    if not STAND_INS[name].on_features:  # features are made of whole videos
        words.append(str(seconds))
    ended = subprocess.run(words, capture_output=True, text=True, check=False)
    if ended.returncode:
        return {"system": name, "failed": ended.stderr.strip().splitlines()[-1]}
    found = json.loads(ended.stdout.splitlines()[-1])
    per_minute = 60 / seconds
    return {
        "system": name,
        "peak_mb": round(found["peak_mb"]),
        "cpu_seconds_per_minute": round(found["spotting"] * per_minute, 2),
        "cpu_seconds_to_open": round(found["opening"], 2),
    }


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("names", nargs="*", default=list(STAND_INS))
    parser.add_argument("--seconds", type=float, help="of video, for all; each has its own")
    parser.add_argument("--threads", type=int, default=1)
    told = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        os.environ["TOUCHLINE_HOME"] = str(folder / "home")
        if any(STAND_INS[name].on_features for name in told.names):
            store_extractor(folder)
        for name in told.names:
            stand_in = STAND_INS[name]
            seconds = told.seconds or stand_in.seconds
            video = make_video(folder / "match", stand_in, seconds)
            model = store_stand_in(name, folder)
            print(json.dumps(measure(name, model, video, seconds, told.threads)), flush=True)


if __name__ == "__main__":
    main()
