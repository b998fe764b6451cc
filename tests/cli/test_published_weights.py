"""Every published checkpoint at hand becomes a model that predicts, by the commands alone."""

import json
from pathlib import Path

import numpy as np
import pytest
from extras import needs

needs("torch")

from touchline.formats import read_matches  # noqa: E402
from touchline.formats.grounding import read_replays  # noqa: E402

GAME = "league/season/game"
CHECKPOINTS = Path(__file__).parents[2].parent / "shared/data/checkpoints"
STEPS = 500


def names() -> list[str]:
    if not CHECKPOINTS.is_dir():
        return []
    return sorted(p.name for p in CHECKPOINTS.iterdir() if p.name.endswith((".tar", ".h5")))


@pytest.mark.slow
@pytest.mark.parametrize("name", names())
def test_a_published_checkpoint_is_imported_and_predicts(call, name, tmp_path, monkeypatch):
    monkeypatch.setenv("TOUCHLINE_HOME", str(tmp_path / "home"))
    ended = call("models", "import", CHECKPOINTS / name, "--name", "published")
    assert ended.code == 0, ended
    card = json.loads(call("models", "show", "published", "--json").out)["card"]
    game = tmp_path / "data" / GAME
    game.mkdir(parents=True)
    rng = np.random.default_rng(0)
    for half in (1, 2):
        rows = np.maximum(rng.normal(size=(STEPS, card["features"]["width"])), 0)
        np.save(game / f"{half}_{card['features']['name']}.npy", rows.astype(np.float32))
    shots = [
        {"gameTime": "1 - 02:00", "label": "", "replay": "real-time"},
        {"gameTime": "1 - 02:10", "label": "", "replay": "replay"},
    ]
    (game / "Labels-cameras.json").write_text(json.dumps({"annotations": shots}))
    out = tmp_path / "out"
    ended = call(
        "predict", "published", tmp_path / "data", "--split", "all", "-o", out, "--threshold", 0
    )
    assert ended.code == 0, ended
    if card["system"] == "calf-grounding":
        ((replay,),) = read_replays(out).values()
        assert (replay.half, replay.end_seconds) == (1, 130) and replay.times
        return
    match = read_matches(out)[GAME]
    assert {timeline.half for timeline in match.timelines} == {1, 2}
    assert {event.label for event in match.events} <= set(card["labels"]["labels"])
    assert all(0 <= e.seconds <= STEPS / 2 and 0 <= e.confidence <= 1 for e in match.events)
    assert match.events
