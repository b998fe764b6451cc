"""Random trees score as the PyPI package ``SoccerNet`` scores them, oddities included."""

import contextlib
import io
import json
import random
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from extras import needs

from touchline.formats.columns import read_columns
from touchline.labels import SOCCERNET_V1, SOCCERNET_V2, LabelSet
from touchline.metrics.spotting import METRICS, evaluate

OFFICIAL_METRICS = sorted(METRICS.keys() - {"medium"})


@pytest.fixture(scope="module")
def official() -> Iterator[Any]:
    settings = np.geterr()  # importing the package switches numpy's warnings off
    yield needs("SoccerNet.Evaluation.ActionSpotting").evaluate
    np.seterr(**settings)


def odd(draw: random.Random, value: int | float) -> Any:
    """A number in one of the spellings that the package reads."""
    if isinstance(value, float):
        return draw.choice([value, str(value), f" {value!r} ", f"{value:.3e}"])
    return draw.choice([value, value, str(value), str(value), value + 0.9, f" {value} "])


def some_position(draw: random.Random) -> int:
    if draw.random() < 0.1:
        return draw.choice([-7_200_000, -1200, -600, -300, 0, 7_199_999, 7_200_000, 10**9])
    return 40 * draw.randrange(4000) if draw.random() < 0.5 else draw.randrange(200_000)


def some_annotation(draw: random.Random, labels: list[str]) -> dict[str, Any]:
    half, minute, second = draw.choice("1122123"), draw.randrange(100), draw.randrange(60)
    record = {
        "gameTime": f"{half} - {minute:02d}:{second:02d}",
        "label": draw.choice([*labels, "I don't know"]),
    }
    if draw.random() < 0.8:
        record["position"] = odd(draw, some_position(draw))
    if draw.random() < 0.9:
        record["visibility"] = draw.choice(["visible", "visible", "not shown", "Not shown"])
    return record


def some_prediction(draw: random.Random, labels: list[str], strict: bool) -> dict[str, Any]:
    score = draw.choice([draw.random(), draw.randrange(200) / 199, 0.5, 1.0, 0.0, 0.004])
    if draw.random() < 0.05:
        score = draw.choice([-0.25, 1.5, float("nan"), float("inf")])
    return {
        "label": draw.choice(labels if strict else [*labels, "unheard of"]),
        "position": odd(draw, some_position(draw)),
        "half": draw.choice([1, 2, "1", "2", 2.0, True, 3]),
        "confidence": odd(draw, score),
    }


def write_tree(draw: random.Random, folder: Path, version: int) -> tuple[LabelSet, Path, Path]:
    """Labels and predictions of a few random games; one side or both may be a zip."""
    if version == 1:
        label_set, found = SOCCERNET_V1, ["y-card", "substitution-in", "soccer-ball-own"]
    else:
        label_set = LabelSet("some", tuple(draw.sample(SOCCERNET_V2.labels, draw.randint(1, 6))))
        found = list(label_set)
    sides: dict[str, dict[str, dict[str, Any]]] = {"labels": {}, "predictions": {}}
    for number in range(draw.randint(1, 3)):
        game = f"league/2098-2099/2098-01-0{number + 1} - 11-00 A 1 - 1 B"
        annotations = [some_annotation(draw, found) for _ in range(draw.choice([0, 3, 30, 80]))]
        predictions = [
            some_prediction(draw, list(label_set), version == 1)
            for _ in range(draw.choice([0, 5, 60, 200]))
        ]
        sides["labels"][f"{game}/Labels-v2.json"] = {"annotations": annotations}
        sides["predictions"][f"{game}/results_spotting.json"] = {"predictions": predictions}
    paths = []
    for side, files in sides.items():
        if draw.random() < 0.5:
            path = folder / f"{side}.zip"
            with zipfile.ZipFile(path, "w") as archive:
                for name, document in files.items():
                    archive.writestr(name, json.dumps(document))
        else:
            path = folder / side
            for name, document in files.items():
                (path / name).parent.mkdir(parents=True)
                (path / name).write_text(json.dumps(document))
        paths.append(path)
    return label_set, paths[0], paths[1]


def check_one(official: Any, folder: Path, seed: int) -> None:
    draw = random.Random(seed)
    version = draw.choice([1, 2, 2, 2])
    rate = draw.choice([1, 2, 2, 3, 5])
    metric = draw.choice(OFFICIAL_METRICS)
    label_set, labels, predictions = write_tree(draw, folder, version)
    with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
        expected = official(
            SoccerNet_path=str(labels),
            Predictions_path=str(predictions),
            prediction_file="results_spotting.json",
            label_files="Labels-v2.json",
            version=version,
            framerate=rate,
            metric=metric,
            dataset=None,
            EVENT_DICTIONARY={label: index for index, label in enumerate(label_set)},
        )
    scores = evaluate(
        read_columns(labels, "labels", label_set),
        read_columns(predictions, "predictions", label_set),
        label_set=label_set,
        metric=metric,
        rate=rate,
    )
    for suffix, part in (
        ("", scores.all),
        ("_visible", scores.visible),
        ("_unshown", scores.unshown),
    ):
        if part is None:
            assert expected[f"a_mAP{suffix}"] is None
            continue
        ours = [part.average_map, *part.per_class]
        theirs = [expected[f"a_mAP{suffix}"], *expected[f"a_mAP_per_class{suffix}"]]
        assert ours == pytest.approx(theirs, abs=1e-12), f"seed {seed}, {metric}{suffix}"


@pytest.mark.parametrize("seed", range(8))
def test_random_trees(official: Any, tmp_path: Path, seed: int) -> None:
    check_one(official, tmp_path, seed)


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(8, 68))
def test_many_random_trees(official: Any, tmp_path: Path, seed: int) -> None:
    check_one(official, tmp_path, seed)
