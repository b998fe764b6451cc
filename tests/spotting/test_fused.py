"""Two networks of dense anchors fused to one."""

import json
from pathlib import Path

import numpy as np
import pytest
from extras import needs
from hypothesis import given
from hypothesis import strategies as st

torch = needs("torch")

from feature_games import LABELS, write_game, write_labels  # noqa: E402

from touchline.batch.fusing import WEIGHTS, choose_weight  # noqa: E402
from touchline.batch.predictions import predict  # noqa: E402
from touchline.datasets.soccernet import read_games  # noqa: E402
from touchline.engines.networks import config_dict, save_weights  # noqa: E402
from touchline.errors import ConfigError, InputError  # noqa: E402
from touchline.formats import read_matches  # noqa: E402
from touchline.metrics.spotting import evaluate  # noqa: E402
from touchline.models.dense_anchors import DenseAnchors, DenseAnchorsConfig  # noqa: E402
from touchline.spotting.features import load_for_features  # noqa: E402
from touchline.spotting.fused import load_fused  # noqa: E402
from touchline.spotting.scorers.dense_anchors import HalfOutput, fuse  # noqa: E402
from touchline.zoo.cards import (  # noqa: E402
    CardFeatures,
    CardLabels,
    CardSuppression,
    ModelCard,
    write_card,
)
from touchline.zoo.store import sha256_of  # noqa: E402

STEPS = 80  # of each half, twice a second
SPLITS = ("valid", "test")


def write_model(
    folder: Path,
    *,
    features: str = "fine",
    rate: str = "2",
    labels: tuple[str, ...] = LABELS,
    seed: int = 0,
    **config,
) -> Path:
    """A tiny network on rows of 8 numbers, of random weights that say something of every step."""
    torch.manual_seed(seed)
    sizes = {"num_classes": len(labels), "feature_width": 8, "width": 1, "clip_steps": 32}
    network = DenseAnchors(DenseAnchorsConfig(**(sizes | config)))
    with torch.no_grad():
        for head in network.heads.values():
            head.bias.normal_(0, 0.5)
    folder.mkdir()
    save_weights(network, folder / "model.safetensors")
    card = ModelCard(
        name=folder.name,
        system="dense-anchors",
        config=config_dict(network.config),
        labels=CardLabels(name="toy", labels=labels),
        rate=rate,
        features=CardFeatures(name=features, width=8),
        files={"model.safetensors": sha256_of(folder / "model.safetensors")},
        suppression=CardSuppression(kind="linear", window_seconds=4.0, floor=0.05),
    )
    write_card(card, folder / "card.json")
    return folder


@pytest.fixture(scope="module")
def place(tmp_path_factory) -> Path:
    """Games with two rows a second and with one, a row too many, and a model for each of these."""
    root = tmp_path_factory.mktemp("fused")
    for seed, split in enumerate(SPLITS):
        game = root / "games" / split / "league" / "season" / "game"
        write_game(game, seed, name="fine", steps=STEPS)
        for half in (1, 2):
            rows = np.load(game / f"{half}_fine.npy")
            np.save(game / f"{half}_coarse.npy", np.concatenate((rows[::2], rows[-1:])))
    write_model(root / "fine", seed=1)
    write_model(root / "coarse", features="coarse", rate="1", upsampling=2, seed=2)
    return root


@pytest.fixture(scope="module")
def half(place) -> Path:
    return place / "games" / "test" / "league" / "season" / "game" / "1_fine.npy"


def coarse_of(half: Path) -> Path:
    return half.with_name(half.name.replace("fine", "coarse"))


def said(seed: int, steps: int = 30, spread: float = 0.5) -> HalfOutput:
    rng = np.random.default_rng(seed)
    logits, delta = rng.normal(0, 3, (2, steps, 2))
    return HalfOutput(logits.astype("f4"), np.tanh(spread * delta).astype("f4"), 12)


@given(st.floats(0, 1), st.integers(0, 100), st.sampled_from([0.1, 1.0, 10.0]), st.booleans())
def test_a_network_fused_with_itself_is_that_network(weight, seed, spread, arctanh):
    one = said(seed, spread=spread)
    together = fuse((one, one), (1 - weight, weight), arctanh=arctanh)
    assert (together.logits == one.logits).all()
    if arctanh:
        np.testing.assert_allclose(together.delta, one.delta, rtol=0, atol=2e-7)
    else:
        assert (together.delta == one.delta).all()


def test_displacements_are_averaged_in_steps_or_before_the_last_function():
    sure, unsure = (
        HalfOutput(np.zeros((1, 1), "f4"), np.full((1, 1), delta, "f4"), 12) for delta in (0.999, 0)
    )
    plain = fuse((sure, unsure), (0.5, 0.5)).delta
    assert plain == pytest.approx(0.4995)
    inner = fuse((sure, unsure), (0.5, 0.5), arctanh=True).delta
    assert inner == pytest.approx(np.tanh(np.arctanh(0.999) / 2), rel=1e-4)
    assert inner > 0.9


@pytest.mark.parametrize("arctanh", [False, True])
def test_fused_curves_are_those_of_the_published_description(place, half, arctanh):
    weight = 0.3
    with load_fused(place / "fine", place / "coarse", weight=weight, arctanh=arctanh) as fused:
        scores = fused.score(half)
        outputs = fused.read(half)
    assert [len(one.logits) for one in outputs] == [STEPS, STEPS + 2]
    assert len(scores) == STEPS and scores.rate == 2
    shares = (1 - weight, weight)
    logits = sum(share * one.logits[:STEPS] for share, one in zip(shares, outputs, strict=True))
    deltas = [one.delta[:STEPS].astype(float) for one in outputs]
    if arctanh:
        delta = np.tanh(sum(w * np.arctanh(d) for w, d in zip(shares, deltas, strict=True)))
    else:
        delta = sum(w * d for w, d in zip(shares, deltas, strict=True))
    expected = np.zeros((STEPS, 3))
    for step, label in np.ndindex(STEPS, 3):
        to = min(max(step + int(np.rint(12 * delta[step, label])), 0), STEPS - 1)
        probability = 1 / (1 + np.exp(-logits[step, label]))
        expected[to, label] = max(expected[to, label], probability)
    np.testing.assert_allclose(scores.values, expected, atol=1e-6)


def test_all_the_weight_of_one_network_is_that_network_alone(place, half):
    fused = load_fused(place / "fine", place / "coarse", weight=0)
    alone = load_for_features(place / "fine").spot(half)
    timeline = fused.spot(half)
    assert timeline.events == alone.events and len(timeline)
    assert timeline.video == alone.video and timeline.labels == alone.labels
    assert timeline.model.weights == "fine + coarse"
    other = load_for_features(place / "coarse").score(coarse_of(half)).values
    values = fused.with_weight(1).score(half).values
    # What was moved from behind the end of the shorter one is not there.
    assert (values[:-15] == other[: STEPS - 15]).all()


def test_a_network_may_be_fused_with_another_on_the_same_features(place, half, tmp_path):
    second = write_model(tmp_path / "second", seed=3)
    fused = load_fused(place / "fine", second, weight=1)
    assert (fused.score(half).values == load_for_features(second).score(half).values).all()


def test_networks_without_displacements_are_fused_too(half, tmp_path):
    models = [
        write_model(tmp_path / str(seed), seed=seed, heads=("confidence",)) for seed in range(2)
    ]
    fused = load_fused(*models)
    first, second = fused.read(half)
    mean = (first.logits.astype(float) + second.logits) / 2
    np.testing.assert_allclose(fused.score(half).values, 1 / (1 + np.exp(-mean)), atol=1e-6)


@pytest.mark.parametrize(
    ("other", "said"),
    [
        ({"labels": ("Goal", "Foul", "Corner")}, "class 2: Corner for the first, Foul"),
        ({"labels": LABELS[:2]}, "class 3: Foul for the first, none"),
        ({"upsampling": 2}, "steps a second: 2/1 for the first, 4/1"),
        ({"heads": ("confidence",)}, "heads: confidence and delta for the first, confidence"),
        ({"delta_seconds": 3}, "reach of displacements: 12 steps for the first, 6 steps"),
    ],
)
def test_networks_whose_numbers_mean_something_else_are_refused(place, tmp_path, other, said):
    with pytest.raises(ConfigError, match=said):
        load_fused(place / "fine", write_model(tmp_path / "other", **other))


@pytest.mark.parametrize("weight", [-0.1, 1.01, float("nan")])
def test_a_weight_is_a_share(place, weight):
    with pytest.raises(ConfigError, match="weight"):
        load_fused(place / "fine", place / "coarse", weight=weight)


def test_the_weight_is_that_of_the_highest_validation_score(place):
    games = read_games(place / "games", "valid", features="fine")
    fused = load_fused(place / "fine", place / "coarse")
    seen = []
    chosen = choose_weight(fused, games, threshold=0.05, progress=lambda: seen.append(1))
    assert len(seen) == 2 + len(WEIGHTS) and chosen.games == 1 and tuple(chosen.tight) == WEIGHTS
    truth = read_matches(place / "games" / "valid", "soccernet-v2")
    for weight in (0.0, 0.7, 1.0):
        found = predict(fused.with_weight(weight), games, threshold=0.05).matches
        scores = evaluate(truth, found, label_set=fused.card.label_set, metric="tight")
        assert chosen.tight[weight] == scores.average_map_present > 0
    best = max(chosen.tight.values())
    assert chosen.tight[chosen.weight] == best
    even = [abs(weight - 0.5) for weight in WEIGHTS if chosen.tight[weight] == best]
    assert abs(chosen.weight - 0.5) == min(even)


def test_of_equal_weights_the_most_even_is_chosen(place):
    games = read_games(place / "games", "valid", features="fine")
    itself = load_fused(place / "fine", place / "fine")
    assert choose_weight(itself, games, threshold=0.05).weight == 0.5


@pytest.mark.parametrize("annotations", [[], [{"label": "Penalty"}]])
def test_a_weight_is_not_chosen_on_games_without_events(place, tmp_path, annotations):
    game = tmp_path / "games" / "valid" / "a" / "b" / "c"
    write_game(game, 0, name="fine", steps=STEPS)
    common = {"gameTime": "1 - 00:10", "position": "10000", "team": "home"}
    write_labels(game, [annotation | common for annotation in annotations])
    games = read_games(tmp_path / "games", "valid", features="fine")
    with pytest.raises(InputError, match="no event"):
        choose_weight(load_fused(place / "fine", place / "fine"), games, threshold=0.05)


def test_the_command_tells_the_weight_and_predicts_by_it(call, place, tmp_path):
    words = ("predict", place / "fine", place / "games", "--fuse", place / "coarse")
    ended = call(*words, "-o", tmp_path / "chosen", "--json")
    assert ended.code == 0, ended
    fusion = json.loads(ended.out)["fusion"]
    figures = {entry["weight"]: entry["tight"] for entry in fusion["validation"]["by_weight"]}
    assert figures[fusion["weight"]] == max(figures.values())
    assert fusion["displacements"] == "plain" and fusion["validation"]["games"] == 1
    ended = call(*words, "--fuse-weight", fusion["weight"], "-o", tmp_path / "given")
    assert f"its weight {fusion['weight']:g}\n" in ended.out
    assert read_matches(tmp_path / "given") == read_matches(tmp_path / "chosen")
    told = call(*words, "--fuse-arctanh", "-o", tmp_path / "inner").out
    assert "on 1 game of the split valid" in told
    alone = call(*words[:3], "-o", tmp_path / "alone")
    assert alone.code == 0 and "fused" not in alone.out
    call(*words, "--fuse-weight", 0, "-o", tmp_path / "nothing")
    assert read_matches(tmp_path / "nothing") == read_matches(tmp_path / "alone")


def test_what_cannot_be_fused_is_one_line(refused, place, tmp_path):
    out = tmp_path / "out"
    words = ("predict", place / "fine", place / "games", "-o", out)
    second = ("--fuse", place / "coarse")
    assert "for --fuse" in refused(*words, "--fuse-weight", 0.5)
    assert "for --fuse" in refused(*words, "--fuse-arctanh")
    assert "fuse-weight" in refused(*words, *second, "--fuse-weight", 1.5)
    assert "fuse-weight" in refused(*words, *second, "--fuse-weight", "nan")
    assert "does not spot features" in refused(*words, "--fuse", "demo")
    assert "heads" in refused(
        *words, "--fuse", write_model(tmp_path / "other", heads=("confidence",))
    )
    assert not out.exists()


def test_games_that_cannot_be_fused_are_one_line(refused, place, tmp_path):
    out, root = tmp_path / "out", tmp_path / "games"
    game = root / "test" / "league" / "season" / "game"
    write_game(game, 0, name="fine", steps=STEPS)
    words = ("predict", place / "fine", root, "-o", out, "--fuse", place / "coarse")
    assert "1_coarse.npy" in refused(*words, "--fuse-weight", 0.5)
    for half in (1, 2):
        np.save(game / f"{half}_coarse.npy", np.zeros((STEPS // 2, 8), "f4"))
    line = refused(*words)
    assert "no split 'valid'" in line and "give --fuse-weight" in line
    np.save(game / "2_coarse.npy", np.zeros((STEPS // 2 + 6, 8), "f4"))
    line = refused(*words, "--fuse-weight", 0.5)
    assert "80 rows" in line and "46 rows" in line and "2_" in line
    assert not out.exists() or not list(out.rglob("*.json"))
