"""Dense anchors and ASTRA from recipe to model, on files."""

import json

import numpy as np
import pytest
from extras import needs

torch = needs("torch")
needs("lightning")

from held_features import half_with_events  # noqa: E402

from touchline.engines.networks import load_network  # noqa: E402
from touchline.training.config import load_recipe  # noqa: E402
from touchline.training.run import train  # noqa: E402
from touchline.zoo.store import find  # noqa: E402

LABELS = ("Goal", "Corner")
CASES = {
    "dense-anchors": (
        "data.features={name: small, width: 8, rate: 1}",
        "network={width: 1, clip_steps: 64, upsampling: 2, scaled: true}",
        "clips={epoch_clips: 16}",
        "optimiser.batch=8",
        "validation.start_epoch=1",
        "validation.every=1",
    ),
    "astra": (
        "data.features={name: small, width: 8, rate: 1}",
        "data.streams.log_mel={name: log_mel, width: 16, rate: 100}",
        "network={clip_seconds: 20, mels: 16, sound: log, width: 16, audio_width: 8, "
        "feedforward: 16, attention_heads: 2, decoder_layers: 1}",
        "clips={stride_seconds: 10}",
        "optimiser.batch=4",
        "optimiser.warm_up_epochs=0",
        "validation.window_seconds=2.5",
    ),
}


@pytest.fixture(scope="module")
def dataset(tmp_path_factory):
    """Three games of small features and sound, their events 2 a second."""
    root = tmp_path_factory.mktemp("games")
    rng = np.random.default_rng(0)
    for number in range(3):
        game = root / "league" / "season" / f"game-{number}"
        game.mkdir(parents=True)
        annotations = []
        for half in (1, 2):
            made = half_with_events(10 * number + half, 70, rate=1, per_row=2)
            np.save(game / f"{half}_small.npy", made.streams["features"].rows)
            np.save(game / f"{half}_log_mel.npy", rng.normal(-2, 1, (7000, 16)).astype(np.float16))
            for step, label in zip(made.events.steps, made.events.classes, strict=True):
                annotations.append(
                    {
                        "gameTime": f"{half} - {step // 120:02d}:{step // 2 % 60:02d}",
                        "label": LABELS[label],
                        "position": str(500 * step),
                        "team": "home",
                        "visibility": "visible",
                    }
                )
        (game / "Labels-v2.json").write_text(json.dumps({"annotations": annotations}))
    return root


@pytest.mark.slow
@pytest.mark.parametrize("system", CASES)
def test_from_recipe_to_scores(dataset, tmp_path, system, call):
    settings = (
        f"data.root={dataset}",
        "data.train=null",
        "data.validation=null",
        "data.labels=[Goal, Corner]",
        "validation.criterion=last",
        "validation.stop_after=null",
        "optimiser.epochs=1",
        "run.device=cpu",
        *CASES[system],
    )
    result = train(load_recipe(system, settings), tmp_path / "run")
    folder = find(tmp_path / "run")
    network = load_network(folder)
    assert folder.card.system == system and result.steps >= 2
    if system == "dense-anchors":
        assert (network.feature_scale[:2] > 2).all() and (network.feature_scale[2:] < 1).all()
    found = tmp_path / "found"
    words = ("--split", "all", "--out", found, "--threshold", 0, "--json")
    predicted = call("predict", tmp_path / "run", dataset, *words)
    assert predicted.code == 0, predicted.err
    assert json.loads(predicted.out)["events"] > 0
    scored = call("evaluate", dataset, found, "--metric", "tight", "--json")
    assert scored.code == 0, scored.err
    assert json.loads(scored.out)["games"] == 3
