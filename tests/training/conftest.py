"""A toy dataset: a grey moving picture in which a red or a blue flash is an event."""

import json
from collections.abc import Mapping
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from touchline.media.writer import VideoWriter

RATE = Fraction(4)
TEAMS = {"Red": "left", "Blue": "right"}
Colours = Mapping[str, tuple[int, int, int]]
COLOURS: Colours = {"Red": (220, 30, 30), "Blue": (30, 30, 220)}
GREYS: Colours = {"Red": (235, 235, 235), "Blue": (16, 16, 16)}


def write_toy_video(
    folder: Path, stem: str, seed: int, frames: int = 160, colours: Colours = COLOURS
) -> None:
    """One ``stem.mp4`` of 48x32 pixels with ``stem.events.json`` beside it."""
    folder.mkdir(parents=True, exist_ok=True)
    rng = np.random.default_rng(seed)
    at = np.arange(8, frames - 4, 13) + rng.integers(0, 6, len(range(8, frames - 4, 13)))
    labels = rng.choice(list(colours), len(at))
    shown = dict(zip(at.tolist(), labels.tolist(), strict=True))
    texture = rng.integers(60, 160, (32, 48 + frames, 3), dtype=np.uint8)
    with VideoWriter(folder / f"{stem}.mp4", (48, 32), RATE) as writer:
        for frame in range(frames):
            pixels = texture[:, frame : frame + 48].copy()
            if frame in shown:
                pixels[4:28, 8:40] = colours[shown[frame]]
            writer.write(pixels)
    events = [
        {"time": frame / float(RATE), "label": label, "team": TEAMS[label]}
        for frame, label in sorted(shown.items())
    ]
    document = {
        "format": "touchline-events",
        "version": 1,
        "video": {"name": f"{stem}.mp4", "duration": frames / float(RATE), "frame_rate": "4/1"},
        "labels": ["Red", "Blue"],
        "events": events,
    }
    (folder / f"{stem}.events.json").write_text(json.dumps(document))


@pytest.fixture(scope="session")
def toy(tmp_path_factory) -> Path:
    """``train/`` and ``valid/``, each of some videos."""
    return write_toy(tmp_path_factory.mktemp("toy"), COLOURS)


@pytest.fixture(scope="session")
def grey_toy(tmp_path_factory) -> Path:
    """The same with bright and dark flashes, for networks that see no colour."""
    return write_toy(tmp_path_factory.mktemp("grey-toy"), GREYS)


def write_toy(root: Path, colours: Colours) -> Path:
    for i in range(6):
        write_toy_video(root / "train", f"a{i}", seed=i, colours=colours)
    for i in range(2):
        write_toy_video(root / "valid", f"v{i}", seed=100 + i, colours=colours)
    return root


TOY_RECIPE = """
name: toy
data: {labels: [Red, Blue], rate: "4", width: 48, height: 32, workers: 0}
network: {feature_arch: rny002_gsm, temporal_arch: gru, clip_len: 16, pretrained: false}
clips: {epoch_frames: 320, mixup_alpha: 0}
augmentation: {hue: 0, blur: 0}
optimiser: {batch: 4, epochs: 3, warm_up_epochs: 1, schedule: cosine}
validation: {criterion: tight, start_epoch: 1, window_seconds: 0.5}
run: {device: cpu, precision: fp32}
"""


@pytest.fixture(scope="session")
def toy_recipe(toy, tmp_path_factory):
    """Makes a recipe of the toy dataset, with settings."""
    from touchline.training.config import load_recipe

    folder = tmp_path_factory.mktemp("recipe")
    path = folder / "toy.yaml"
    path.write_text(TOY_RECIPE)

    def make(*settings: str):
        places = [f"data.root={toy}", f"data.cache_folder={folder / 'frames'}"]
        return load_recipe(path, [*places, *settings])

    return make
