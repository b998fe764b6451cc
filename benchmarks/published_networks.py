"""Time and memory of every published layout on a plain video, in a process without PyTorch.

Stand-ins have the exact entries and shapes of the published checkpoints and random weights: these
change neither time nor memory. Each is imported as a published file is, then a process in which
`import torch` fails opens the model and spots one simulated video. Prints one JSON line for each
system: peak memory (Linux), processor seconds for a minute of video, and those to open the model.

    python benchmarks/published_networks.py [--seconds 60] [--threads 1] [NAME ...]
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))

SIZE = (398, 224)

RUN = """
import json, sys, time
sys.modules["torch"] = None
import touchline

def used():
    return time.process_time()

model, video, threads = sys.argv[1], sys.argv[2], int(sys.argv[3])
begin = used()
spotter = touchline.load(model, threads=threads)
opened = used()
timeline = spotter.spot(video)
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


STAND_INS: dict[str, tuple[Callable[[], Any], dict[str, Any]]] = {
    "e2e-spot-rny002": (e2e("rny002_gsm", 17), {}),
    "e2e-spot-rny008": (e2e("rny008_gsm", 17), {}),
    "e2e-spot-ball-25fps": (e2e("rny008_gsm", 12), {"rate": "25", "labels": "soccernet-ball"}),
    "maxpool": (network("pooling", pooling="max", num_classes=17), {}),
    "netvlad": (network("pooling", pooling="netvlad-conv", num_classes=17), {}),
    "netvlad++": (network("pooling", pooling="netvlad++", num_classes=17, feature_width=2048), {}),
    "calf": (network("calf", num_classes=17, polarity="distance"), {}),
    "calf-attention": (
        network("calf-attention", num_classes=17, heads=8, hidden=1024, refinement=True),
        {},
    ),
    "calf-se": (network("calf-se", num_classes=17), {}),
    "calf-calibration-3d": (network("calf-calibration", num_classes=8, players="3d"), {}),
    "calf-calibration-gcn": (network("calf-calibration", num_classes=8, players="graph"), {}),
    "calf-calibration-features": (network("calf", num_classes=9, multiplier=2), {}),
}
"""By name: what makes the network, and what its import is told."""


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

    make, told = STAND_INS[name]
    torch.manual_seed(0)
    path = folder / f"{name}.pth.tar"
    weights = make().eval().state_dict()
    torch.save(weights if name.startswith("e2e") else {"state_dict": weights}, path)
    return import_checkpoint(path, out=folder / name, **told).path


def make_video(folder: Path, seconds: float) -> Path:
    """A simulated half with boxes and calibration beside it."""
    from touchline.simulator.dataset import simulate, video_name

    made = simulate(
        folder, games=1, seed=11, minutes=seconds / 60, halves=1, size=SIZE,
        modalities=("video", "boxes", "calibration"),
    )  # fmt: skip
    return made.root / made.games[0] / video_name(1, SIZE)


def measure(name: str, model: Path, video: Path, seconds: float, threads: int) -> dict[str, Any]:
    """Spot the video in a process of its own."""
    words = [sys.executable, "-c", RUN, str(model), str(video), str(threads)]
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
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--threads", type=int, default=1)
    told = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        os.environ["TOUCHLINE_HOME"] = str(folder / "home")
        video = make_video(folder / "match", told.seconds)
        store_extractor(folder)
        for name in told.names:
            model = store_stand_in(name, folder)
            print(json.dumps(measure(name, model, video, told.seconds, told.threads)), flush=True)


if __name__ == "__main__":
    main()
