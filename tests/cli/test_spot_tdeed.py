"""Published T-DEED weights with teams on plain videos: events and challenge files name the side."""

import json
from pathlib import Path

import pytest
from extras import needs
from small_videos import write_video

torch = needs("torch")
needs("timm")
needs("onnx")

from touchline.datasets.checks import check_challenge  # noqa: E402
from touchline.importers.models import import_checkpoint  # noqa: E402
from touchline.labels import SOCCERNET_BALL  # noqa: E402
from touchline.models.tdeed import TDEED, TeamTDEEDConfig  # noqa: E402

GAME = "league_a/2019-2020/2019-10-01 - North End - South Park"


@pytest.fixture(scope="module")
def team_model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small network of random weights under the published names."""
    folder = tmp_path_factory.mktemp("tdeed")
    torch.manual_seed(0)
    config = TeamTDEEDConfig("rny002_gsf", 12, 8, 1, 3, 2, extra_classes=17)
    torch.save(TDEED(config).state_dict(), folder / "checkpoint_best.pt")
    return import_checkpoint(folder / "checkpoint_best.pt", out=folder / "team", size=(96, 64)).path


def test_events_of_a_plain_video_name_the_side(call, team_model, tmp_path):
    video = write_video(tmp_path / "match.mp4", 100, sound=False)
    ended = call("spot", video, "--model", team_model, "--engine", "openvino", "--threshold", 0.01)
    assert ended.code == 0, ended
    events = json.loads((tmp_path / "match.events.json").read_text())["events"]
    assert events and {event["label"] for event in events} <= set(SOCCERNET_BALL)
    assert {event["team"] for event in events} <= {"left", "right"}
    steps = [event["time"] * 12.5 for event in events]
    assert steps == pytest.approx([round(step) for step in steps], abs=1e-3)


def test_predictions_are_what_the_ball_challenge_reads(call, team_model, tmp_path):
    (tmp_path / "data" / GAME).mkdir(parents=True)
    write_video(tmp_path / "data" / GAME / "720p.mp4", 60, sound=False)
    ended = call(
        "predict", team_model, tmp_path / "data", "--split", "all", "--video", "720p",
        "--out", tmp_path / "out",
    )  # fmt: skip
    assert ended.code == 0, ended
    found = json.loads((tmp_path / "out" / GAME / "results_spotting.json").read_text())
    assert found["UrlLocal"] == GAME and found["predictions"]
    for item in found["predictions"]:
        kinds = {key: type(value) for key, value in item.items()}
        assert kinds["position"] is int and kinds["confidence"] is float
        assert item["half"] == 1 and item["team"] in ("left", "right")
        assert item["gameTime"] == f"1 - 0:{item['position'] // 1000}"
        assert item["position"] % 80 == 0
    report = check_challenge(tmp_path / "out", games=[GAME], label_set=SOCCERNET_BALL)
    assert not report.findings
