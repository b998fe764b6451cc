"""What is wrong with a dataset of features is one clear line, before any training has started."""

import json
from pathlib import Path

import numpy as np
import pytest
from extras import needs

needs("torch")
needs("lightning")

from feature_games import LABELS, annotation, write_dataset, write_game, write_labels, write_recipe  # noqa: E402

from touchline.errors import InputError  # noqa: E402
from touchline.training.config import load_recipe  # noqa: E402
from touchline.training.run import train  # noqa: E402
from touchline.training.sources.feature_halves import open_halves  # noqa: E402
from touchline.training.sources.games import read_labels  # noqa: E402
from touchline.zoo.identity import FeatureIdentity  # noqa: E402

GAME = Path("train/league/season/game 1")


@pytest.fixture
def dataset(tmp_path) -> Path:
    return write_dataset(tmp_path / "data")


def change(path: Path, how) -> None:
    np.save(path, how(np.load(path)), allow_pickle=True)


def change_labels(folder: Path, how) -> None:
    document = json.loads((folder / "Labels-v2.json").read_text())
    write_labels(folder, how(document["annotations"]))


def _narrow(root):
    change(root / GAME / "2_toy.npy", lambda rows: rows[:, :5])


def _doubles(root):
    change(root / GAME / "2_toy.npy", lambda rows: rows.astype(np.float64))


def _objects(root):
    change(root / GAME / "2_toy.npy", lambda rows: rows.astype(object))


def _damaged(root):
    (root / GAME / "2_toy.npy").write_bytes(b"these are not features")


def _cut_off(root):
    path = root / GAME / "2_toy.npy"
    path.write_bytes(path.read_bytes()[:-100])


def _not_a_number(root):
    def spoil(rows):
        rows[33, 2] = np.nan
        return rows

    change(root / GAME / "2_toy.npy", spoil)


def _bad_validation(root):
    path = root / "valid/league/season/game 0/1_toy.npy"
    path.write_bytes(path.read_bytes()[:-100])


def _missing(root):
    (root / GAME / "2_toy.npy").unlink()


def _short(root):
    change(root / GAME / "2_toy.npy", lambda rows: rows[:100])


def _late(root):
    change_labels(root / GAME, lambda found: [*found, annotation(2, 125, "Goal")])


def _other_label(root):
    change_labels(root / GAME, lambda found: [*found, annotation(2, 15, "Dance")])


def _no_labels(root):
    (root / GAME / "Labels-v2.json").unlink()


def _nothing(root):
    for folder in (root / "train/league/season").iterdir():
        write_labels(folder, [])


def _nothing_to_validate_on(root):
    for folder in (root / "valid/league/season").iterdir():
        write_labels(folder, [])


def _longer(root):
    for folder in root.glob("*/league/season/*"):
        for half in (1, 2):
            change(folder / f"{half}_toy.npy", lambda rows: np.repeat(rows, 2, axis=0))


def _another_extractor(root):
    for number, name in ((0, "one"), (1, "other")):
        describe(root / f"train/league/season/game {number}/1_toy.npy", name, "2/1")


def _another_rate(root):
    describe(root / GAME / "1_toy.npy", "one", "1/1")


def describe(path: Path, name: str, rate: str) -> None:
    """What ``touchline extract`` writes beside features."""
    rows, dims = np.load(path).shape
    description = {
        "format": "touchline-features",
        "version": 1,
        "identity": FeatureIdentity(name=name, rate=rate).model_dump(),
        "source": {"name": "1.mkv", "bytes": 1, "sha256": "0" * 64},
        "first_seconds": 0.0,
        "rows": rows,
        "dims": dims,
        "dtype": "float32",
        "sha256": "0" * 64,
        "engine": "none",
        "made_by": "0",
    }
    path.with_name(path.name.removesuffix(".npy") + ".features.json").write_text(
        json.dumps(description)
    )


@pytest.mark.parametrize(
    ("spoil", "settings", "said"),
    [
        (_narrow, (), ["game 1/2_toy.npy", "5 wide, not 8"]),
        (_doubles, (), ["game 1/2_toy.npy", "float64", "float32"]),
        (_objects, (), ["game 1/2_toy.npy", "Python objects"]),
        (_damaged, (), ["game 1/2_toy.npy", "not a .npy file"]),
        (_cut_off, (), ["game 1/2_toy.npy", "shorter"]),
        (_not_a_number, (), ["game 1/2_toy.npy", "row 33", "NaN"]),
        (_bad_validation, (), ["valid/league/season/game 0/1_toy.npy"]),
        (_missing, (), ["game 1", "half 2 of this game has no features toy"]),
        (_short, (), ["game 1/2_toy.npy", "beyond the end", "end at 0:50", "data.features.rate"]),
        (_late, (), ["game 1/2_toy.npy", "1 event", "Goal at 2:05", "data.late_events"]),
        (_other_label, (), ["season/game 1: 1 event has a label outside", "'Dance'"]),
        (_no_labels, (), ["game 1", "no labels"]),
        (_nothing, (), ["no event in the training games"]),
        (_nothing_to_validate_on, (), ["no event in the validation games"]),
        (_longer, (), ["labels end within", "data.features.rate: 4 would fit"]),
        (_another_extractor, (), ["game 1/1_toy.npy", "extractor other instead of one"]),
        (_another_rate, (), ["game 1/1_toy.npy", "1 rows a second, not 2"]),
        (None, ("data.features.rate=4",), ["beyond the end", "4 rows a second"]),
        (None, ("data.features.rate=1",), ["labels end within", "2 would fit"]),
        (None, ("data.features.name=tay",), ["this game has no features tay"]),
        (None, ("data.features.width=9",), ["8 wide, not 9"]),
        (None, ("network.feature_width=9",), ["network.feature_width is 9", "8 wide"]),
        (None, ("network.pool=max",), ["network.pool", "use one of", "pooling"]),
        (None, ("network.pooling=median",), ["median"]),
        (None, ("clips.size=3",), ["clips.size"]),
        (None, ("system=colour",), ["'colour'", "pooling"]),
        (None, ("data.train=[train, train]",), ["two of the splits"]),
        (None, ("data.validation=null",), ["needs data.validation"]),
        (None, ("data.validation=dev",), ["no split 'dev'"]),
        (None, ("optimiser.kind=sgd",), ["optimiser.kind", "'adam'"]),
    ],
)
def test_bad_input_is_one_line_and_nothing_is_written(dataset, tmp_path, spoil, settings, said):
    if spoil is not None:
        spoil(dataset)
    recipe = write_recipe(tmp_path / "toy.yaml", dataset)
    steps = []
    with pytest.raises(InputError) as caught:
        train(
            load_recipe(recipe, settings),
            tmp_path / "run",
            on_step=lambda done, total: steps.append(done),
        )
    for part in said:
        assert part in str(caught.value)
    assert "\n" not in str(caught.value)
    assert not steps and not (tmp_path / "run").exists()


def test_late_events_are_left_out_if_asked(dataset, tmp_path):
    _late(dataset)
    recipe = write_recipe(tmp_path / "toy.yaml", dataset)
    told: list[str] = []
    settings = ("data.late_events=leave-out", "optimiser.epochs=1")
    train(load_recipe(recipe, settings), tmp_path / "run", say=told.append)
    assert "left out 1 event beyond the end of the features" in told


def test_an_event_just_beyond_the_end_counts_as_on_the_last_row(dataset, tmp_path):
    change_labels(dataset / GAME, lambda found: [*found, annotation(2, 121, "Goal")])
    options = load_recipe(write_recipe(tmp_path / "toy.yaml", dataset)).data
    data = open_halves(read_labels(options, features="toy"), options, ("features",), 1)
    half = next(half for half in data.training if half.name == "league/season/game 1/2")
    assert half.events.steps[-1] == 239 and half.events.classes[-1] == 0


def test_a_class_without_events_is_told(dataset, tmp_path):
    recipe = write_recipe(tmp_path / "toy.yaml", dataset)
    settings = ("data.labels=[Goal, Corner, Foul, Offside, Penalty]", "optimiser.epochs=1")
    told: list[str] = []
    train(load_recipe(recipe, settings), tmp_path / "run", say=told.append)
    assert any("no training event of Offside, Penalty:" in line for line in told)


def test_a_half_without_labels_is_told(dataset, tmp_path):
    change_labels(dataset / GAME, lambda found: [x for x in found if x["gameTime"][0] == "1"])
    told: list[str] = []
    options = load_recipe(write_recipe(tmp_path / "toy.yaml", dataset)).data
    read_labels(options, told.append, features="toy")
    assert told == ["1 of 6 training halves have no labelled event"]


@pytest.mark.parametrize("labels", ["soccernet-v1", "[soccer, card, subs]"])
def test_labels_of_the_first_version_are_of_its_three_classes(dataset, tmp_path, labels):
    names = {"Goal": "soccer-ball-own", "Corner": "y-card", "Foul": "substitution-in"}
    kinds = {"Goal": "soccer", "Corner": "card", "Foul": "subs"}
    for path in dataset.glob("*/league/season/*/Labels-v2.json"):
        document = json.loads(path.read_text())
        document["annotations"] = [
            {"gameTime": found["gameTime"], "label": names[found["label"]], "team": "home"}
            for found in document["annotations"]
        ]
        path.with_name("Labels.json").write_text(json.dumps(document))
    recipe = write_recipe(tmp_path / "toy.yaml", dataset)
    first, second = (
        open_halves(read_labels(options, features="toy"), options, ("features",), 1)
        for options in (
            load_recipe(recipe, [f"data.labels={labels}", "data.whole_seconds=true"]).data,
            load_recipe(recipe, ["data.whole_seconds=true"]).data,
        )
    )
    options = load_recipe(recipe, [f"data.labels={labels}"]).data
    order = read_labels(options, features="toy").labels
    for half, same in zip(first.training, second.training, strict=True):
        expected = [order.index(kinds[LABELS[c]]) for c in same.events.classes]
        assert sorted(zip(half.events.steps, half.events.classes, strict=True)) == sorted(
            zip(same.events.steps, expected, strict=True)
        )


def test_streams_of_a_half_must_be_equally_long(tmp_path):
    from touchline.datasets.streams import StreamSource, open_half

    write_game(tmp_path, 0, name="a")
    write_game(tmp_path, 0, name="b", steps=260)
    sources = {"features": StreamSource("a", 2, 8), "sound": StreamSource("b", 2, 8)}
    with pytest.raises(InputError, match=r"240 rows at 2 .* stream sound has 260 rows"):
        open_half(tmp_path / "1_a.npy", sources)
    (tmp_path / "1_b.npy").unlink()
    with pytest.raises(InputError, match=r"1_b\.npy"):
        open_half(tmp_path / "1_a.npy", sources)


def test_a_run_knows_what_made_each_of_its_streams(dataset, tmp_path):
    for number, folder in enumerate(sorted(dataset.glob("*/league/season/*"))):
        write_game(folder, number, name="heard")
        describe(folder / "1_toy.npy", "camera", "2/1")
        describe(folder / "1_heard.npy", "microphone", "2/1")
    settings = ["data.streams.heard={name: heard, width: 8, rate: 2}"]
    options = load_recipe(write_recipe(tmp_path / "toy.yaml", dataset), settings).data
    data = open_halves(read_labels(options, features="toy"), options, ("features", "heard"), 1)
    names = {stream: identity.name for stream, identity in data.identities.items()}
    assert names == {"features": "camera", "heard": "microphone"}


def test_features_of_either_precision_train_alike(dataset, tmp_path):
    for path in dataset.glob("*/league/season/*/*_toy.npy"):
        change(path, lambda rows: rows.astype(np.float16))
    recipe = write_recipe(tmp_path / "toy.yaml", dataset)
    result = train(load_recipe(recipe, ["optimiser.epochs=1"]), tmp_path / "run")
    assert result.figures["tight"] > 0.2
