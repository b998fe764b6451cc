"""Fused streams from recipe to score, on files: some halves lack one, and what is wrong is told."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from extras import needs

needs("torch")
needs("lightning")

from feature_games import LABELS, RATE, STEPS, WIDTH, annotation, write_labels  # noqa: E402

KINDS = ("fusion-early", "fusion-late", "fusion-attention")
SOUND = 3


def write_game(folder: Path, seed: int, *, sound: bool = True) -> None:
    """The picture shows when something happens; the sound, four rows a second, tells what."""
    folder.mkdir(parents=True)
    rng = np.random.default_rng(seed)
    annotations = []
    for half in (1, 2):
        picture = rng.normal(0, 0.3, (STEPS, WIDTH)).astype(np.float32)
        heard = rng.normal(0, 0.3, (2 * STEPS, SOUND)).astype(np.float32)
        at = np.arange(6, STEPS - 4, 15) + rng.integers(0, 6, len(range(6, STEPS - 4, 15)))
        for step, label in zip(at.tolist(), rng.integers(0, 3, len(at)).tolist(), strict=True):
            picture[step, 0] += 4
            heard[2 * step, label] += 8
            annotations.append(annotation(half, step / RATE, LABELS[label]))
        np.save(folder / f"{half}_toy.npy", picture)
        if sound:
            np.save(folder / f"{half}_heard.npy", heard)
    write_labels(folder, annotations)


@pytest.fixture(scope="module")
def dataset(tmp_path_factory) -> Path:
    root = tmp_path_factory.mktemp("fusion")
    for seed in range(3):
        write_game(root / "train" / f"game {seed}", seed, sound=seed != 1)
    write_game(root / "valid" / "game 0", 10)
    write_game(root / "test" / "game 0", 20)
    return root


def words_for(kind: str, root: Path, *settings: str) -> list[str]:
    given = (
        f"data.root={json.dumps(str(root))}",
        "data.labels=[Goal, Corner, Foul]",
        f"data.features={{name: toy, width: {WIDTH}, rate: {RATE}}}",
        f"data.streams={{sound: {{name: heard, width: {SOUND}, rate: 4, optional: true}}}}",
        "network.clip_steps=24",
        "network.width=16",
        "network.layers=2",
        "clips.epoch_clips=48",
        "optimiser.batch=8",
        "optimiser.learning_rate=0.01",
        "optimiser.epochs=4",
        "validation.start_epoch=4",
        "validation.window_seconds=2.0",
        "run.device=cpu",
        "run.threads=1",
        *settings,
    )
    return ["train", kind, *(word for setting in given for word in ("--set", setting))]


@pytest.mark.slow
@pytest.mark.parametrize("kind", KINDS)
def test_from_files_to_a_score_with_and_without_a_stream(call, dataset, tmp_path, kind):
    run = tmp_path / "run"
    trained = call(*words_for(kind, dataset), "--out", run)
    assert trained.code == 0, trained
    assert "2 of 6 training halves have no stream sound" in trained.err + trained.out
    card = json.loads((run / "card.json").read_text())
    assert "training_data" not in card  # nothing says where these games are from
    assert card["streams"] == {
        "sound": {"name": "heard", "width": 3, "rate": "4/1", "optional": True}
    }
    out = tmp_path / "found"
    assert call("predict", run, dataset, "--out", out).code == 0
    scored = call("evaluate", dataset / "test", out, "--metric", "tight", "--json")
    assert json.loads(scored.out)["average_map_present"] > 0.1

    deaf = tmp_path / "deaf"
    shutil.copytree(dataset / "test", deaf / "test")
    (deaf / "test" / "game 0" / "2_heard.npy").unlink()
    told = json.loads(call("predict", run, deaf, "--out", tmp_path / "deaf-found", "--json").out)
    (warning,) = told["warnings"]
    assert "half 2: without sound: there is no" in warning and "_heard.npy" in warning
    assert told["events"] > 0


@pytest.mark.parametrize(
    ("setting", "said"),
    [
        ("data.streams.sound.rate=2", "the stream sound has 480 rows at 2 a second"),
        ("data.streams.sound.width=31", "3 wide, not 31"),
        ("data.streams.sound.width=null", "data.streams.sound.width: the width of a stream"),
        ("data.streams.sound.name=hears", "no training half has a file <half>_hears.npy"),
        ("data.streams.sound.optional=false", "heard.npy"),
        ("data.streams.top-view.rate=2", "data.streams.top-view.width"),
        ("network.frame_streams=[boxes]", "no stream 'boxes'"),
        ("network.streams=[[sound, 3]]", "unknown key 'network.streams'"),
        ("clips.stream_dropout=0", "data.streams.sound.optional"),
        ("system=pooling", "data.streams.sound.optional"),
    ],
)
def test_wrong_streams_are_one_line(refused, dataset, tmp_path, setting, said):
    words = words_for("fusion-early", dataset, setting)
    if setting.startswith("system"):
        words = ["train", "maxpool", "--set", "data.streams.sound={width: 3, optional: true}"]
        words += ["--set", f"data.root={json.dumps(str(dataset))}"]
        words += ["--set", "data.labels=[Goal, Corner, Foul]"]
        words += ["--set", f"data.features={{name: toy, width: {WIDTH}, rate: {RATE}}}"]
    out = tmp_path / "run"
    assert said in refused(*words, "--out", out)
    assert not out.exists()
