"""What holds for every row of the table of systems, those that are added later included: a recipe
makes its source of clips, its network and its task, which train and score."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from extras import needs

torch = needs("torch")
needs("lightning")

from touchline.engines.networks import build_network as network_of_card  # noqa: E402
from touchline.engines.networks import config_dict  # noqa: E402
from touchline.simulator.dataset import simulate  # noqa: E402
from touchline.systems import SYSTEMS, load_part  # noqa: E402
from touchline.training.config import load_recipe  # noqa: E402
from touchline.training.run import build_network, open_source  # noqa: E402
from touchline.training.sources.base import Share  # noqa: E402
from touchline.zoo.cards import ModelCard  # noqa: E402

MINUTES = 2
WIDTH = 16

SMALLER = {
    "calf": ("clips.epoch_clips=8",),
    "calf-attention": ("clips.epoch_clips=8",),
    "calf-se": ("clips.epoch_clips=8",),
    "calf-calibration": ("clips.epoch_clips=8", "network.graph_layers=2"),
    "calf-grounding": ("clips.epoch_clips=8",),
    "dense-anchors": ("clips.epoch_clips=8", "network.width=1", "network.clip_steps=64"),
    "astra": (
        "data.streams.log_mel.width=16",
        "network={clip_seconds: 20, mels: 16, width: 16, audio_width: 8, attention_heads: 2}",
        "clips.stride_seconds=10",
    ),
    "fusion-early": ("clips.epoch_clips=8", "network.clip_steps=24"),
    "fusion-late": ("clips.epoch_clips=8", "network.clip_steps=24"),
    "fusion-attention": ("clips.epoch_clips=8", "network.clip_steps=24"),
    "e2e-spot": (
        "network={feature_arch: rny002_gsm, clip_len: 8, pretrained: false}",
        "clips.epoch_frames=64",
        "optimiser.batch=2",
    ),
    "comedian": (
        "network={clip_len: 8, image_size: 32, patch: 8, width: 12, spatial_depth: 1, "
        "temporal_depth: 1}",
        "clips.epoch_frames=64",
        "optimiser.batch=2",
    ),
    "frame-stacking": (
        "network={clip_len: 3, pretrained: false, flip_average: false}",
        "clips.epoch_frames=210",
        "optimiser.batch=2",
    ),
    "tdeed": (
        "network={clip_len: 8, layers: 2, kernel: 3, pretrained: false}",
        "clips.epoch_frames=64",
        "optimiser.batch=2",
    ),
    "tdeed-team": (
        "network={clip_len: 8, layers: 2, kernel: 3, pretrained: false}",
        "clips.epoch_frames=64",
        "optimiser.batch=2",
        "joint=null",
    ),
}
"""Settings that make a system quick to try; one that is not here is tried as its recipe has it."""


@pytest.fixture(scope="module")
def games(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One simulated match as training and validation split, with random features of any name."""
    root = tmp_path_factory.mktemp("games")
    made = simulate(
        root / "train",
        games=1,
        seed=4,
        minutes=MINUTES,
        modalities=("labels", "boxes", "calibration"),
        jobs=1,
    )
    game = root / "train" / made.games[0]
    shots = []
    for second in range(20, 100, 10):
        clock = f"1 - {(second + 5) // 60:02d}:{(second + 5) % 60:02d}"
        link = {"half": "1", "label": "Goal", "time": f"{second // 60:02d}:{second % 60:02d}"}
        shot = {"gameTime": clock, "position": str(1000 * second + 5000), "replay": "replay"}
        shots.append({**shot, "label": "", "link": link})
    (game / "Labels-cameras.json").write_text(json.dumps({"annotations": shots}))
    rng = np.random.default_rng(0)
    for half in (1, 2):
        for recipe in map(load_recipe, {row.recipe for row in SYSTEMS.values()}):
            if SYSTEMS[recipe.system].reads == "video":
                continue
            streams = [(recipe.data.features, WIDTH)]
            streams += [(s, s.width) for s in recipe.data.streams.values() if s.width is not None]
            for stream, width in streams:
                width = WIDTH if stream.name == "mel_power" else width
                rows = rng.random((60 * MINUTES * int(stream.rate), width)).astype(np.float32)
                np.save(game / f"{half}_{stream.name}-{stream.rate}.npy", rows)
    shutil.copytree(root / "train", root / "valid")
    return root


def recipe_of(name: str, games: Path, toy: Path, cache: Path):
    row = SYSTEMS[name]
    if row.reads == "video":
        places = (f"data.root={toy}", "data.labels=[Red, Blue]", f"data.cache_folder={cache}")
        places += ('data.rate="4"', "data.width=48", "data.height=32", "data.workers=0")
        return load_recipe(row.recipe, (*places, *SMALLER.get(name, ())))
    recipe = load_recipe(row.recipe)
    main = recipe.data.features
    places = [f"data.root={games}", f"data.features.width={WIDTH}", "optimiser.batch=4"]
    places += [f"data.features.name={main.name}-{main.rate}", "data.late_events=leave-out"]
    for stream, options in recipe.data.streams.items():
        if options.width is not None:
            places.append(f"data.streams.{stream}.name={options.name}-{options.rate}")
    if not row.grounds_replays:
        places.append("data.ignore_unknown_labels=true")
    return load_recipe(row.recipe, (*places, *SMALLER.get(name, ())))


@pytest.mark.parametrize("name", SYSTEMS)
def test_a_system_trains_and_scores(name: str, games: Path, toy: Path, tmp_path: Path) -> None:
    row = SYSTEMS[name]
    recipe = recipe_of(name, games, toy, tmp_path / "frames")
    assert isinstance(recipe, load_part(row.options))
    source = open_source(recipe)
    network = build_network(recipe, source)
    assert isinstance(network.config, load_part(row.config))
    assert network.config.num_classes == len(source.labels)

    source.prepare(network)
    optimiser = source.make_optimiser(network)
    assert all("initial_lr" in group for group in optimiser.param_groups)
    batch = next(iter(source.training_batches(Share())))
    network.train()
    loss = source.task.loss(network, batch["streams"], batch["targets"])
    loss.backward()
    assert loss.ndim == 0 and torch.isfinite(loss)
    assert any(p.grad is not None and p.grad.any() for p in network.parameters())
    frames = source.clips_per_epoch * source.task.clip_steps
    assert source.steps_per_epoch > 0 and frames > 0

    card = ModelCard(
        name=name,
        system=name,
        config=config_dict(network.config),
        labels={"name": source.labels.name, "labels": source.labels.labels},
        **source.card_fields(),
    )
    again = network_of_card(ModelCard.model_validate_json(card.model_dump_json()))
    assert again.config == network.config
    assert list(again.state_dict()) == list(network.state_dict())

    assert row.grounds_replays == (row.scorer is None)
    item = source.validation[0]
    if row.scorer is not None:
        scores = source.score(network.eval(), item)
        steps = round(float(scores.rate) * (40 if row.reads == "video" else 60 * MINUTES))
        assert scores.values.shape == (steps, len(source.labels))
