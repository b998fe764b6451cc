"""``extract --features detections``: with files in ONNX, with box files, and with neither."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from small_videos import write_video
from tiny_detectors import rt_detr, write_onnx, yolo_v8

from touchline.features.store import read_description
from touchline.formats.player_boxes import player_boxes_name, read_player_boxes

GAME = "league_a/2015-2016/2016-01-02 - 15-45 North End 1 - 0 South Park"
SEEN = ((0.25, 0.25, 0.5, 0.75, 0.9, 1), (0.625, 0.5, 0.65, 0.6, 0.5, 0))
ENTRY = '{"bboxes": [[10, 20, 20, 60]], "colors": [[1, 2, 3]]}'


@pytest.fixture(scope="module")
def made(tmp_path_factory) -> Path:
    """A game whose second half is damaged, and a detector."""
    root = tmp_path_factory.mktemp("dataset")
    (root / GAME).mkdir(parents=True)
    write_video(root / GAME / "1_224p.mkv", 110, sound=False)
    (root / GAME / "2_224p.mkv").write_text("not a video")
    yolo_v8(root / "tiny.onnx", SEEN)
    return root


@pytest.fixture
def dataset(made: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(made, tmp_path / "dataset"))


def test_a_dataset_is_described_and_a_bad_half_stops_nothing(call, dataset):
    command = ("extract", dataset, "-f", "detections", "--detector", dataset / "tiny.onnx")
    ended = call(*command, "--json")
    assert ended.code == 2 and "error: 1 of 2 failed" in ended.err
    path = dataset / GAME / "1_DET.npy"
    assert np.load(path).shape == (9, 46)
    described = read_description(path)
    assert described.rate == 2 and described.first_seconds == 0
    assert described.identity.name == "detections" and described.identity.weights
    assert described.engine == "openvino fp32" and described.beside is None
    again = json.loads(call(*command, "--json").out)["done"]
    assert [done["status"] for done in again] == ["kept", "failed"]
    rt_detr(dataset / "tiny.onnx", SEEN)  # another detector makes other features
    other = json.loads(call(*command, "--json").out)["done"]
    assert [done["status"] for done in other] == ["made", "failed"]
    assert read_description(path).identity.weights != described.identity.weights


def test_boxes_are_written_beside_and_those_of_others_stay(call, refused, dataset, tmp_path):
    video, boxes = dataset / GAME / "1_224p.mkv", dataset / GAME / player_boxes_name(1)
    command = ("extract", video, "-f", "detections", "--detector", dataset / "tiny.onnx")
    assert call(*command).code == 0 and not boxes.exists()
    assert call(*command, "--player-boxes").code == 0
    found = read_player_boxes(boxes)
    assert found.size == (96, 64) and found.first.tolist() == list(range(10))
    stamp = boxes.stat().st_mtime_ns
    kept = json.loads(call(*command, "--player-boxes", "--json").out)["done"]
    assert kept[0]["status"] == "kept" and boxes.stat().st_mtime_ns == stamp
    boxes.unlink()
    assert call(*command, "--player-boxes").code == 0 and boxes.exists()
    boxes.write_text(f'{{"size": [1, 64, 96, 3], "predictions": [{ENTRY}]}}')
    assert "was not written by touchline" in refused(*command, "--player-boxes")
    assert call(*command).code == 0 and len(read_player_boxes(boxes)) == 1
    assert call(*command, "--player-boxes", "--overwrite").code == 0
    assert len(read_player_boxes(boxes)) == 9
    out = tmp_path / "out"
    assert call(*command, "--player-boxes", "--detector-classes", "x,person", "-o", out).code == 0
    assert len(read_player_boxes(out / player_boxes_name(1))) == 9


def test_box_files_are_a_detector(call, refused, dataset):
    folder = dataset / GAME
    entries = ", ".join([ENTRY] * 3)
    for half in (1, 2):
        (folder / player_boxes_name(half)).write_text(
            f'{{"size": [3, 100, 100, 3], "predictions": [{entries}, null]}}'
        )
    command = ("extract", dataset, "-f", "detections", "--detector", "boxes", "--json")
    made = json.loads(call(*command).out)["done"]
    assert [(Path(done["files"][0]).name, done["rows"]) for done in made] == [
        ("1_DET.npy", 4),
        ("2_DET.npy", 4),
    ]
    rows = np.load(folder / "1_DET.npy")
    np.testing.assert_allclose(rows[:, 0], [1 / 22] * 3 + [0], atol=1e-6)
    np.testing.assert_allclose(rows[:3, 4:9], 0.4, atol=1e-6)
    assert {done["status"] for done in json.loads(call(*command).out)["done"]} == {"kept"}
    (folder / player_boxes_name(2)).write_text('{"size": [3, 100, 100, 3], "predictions": [7]}')
    ended = call(*command)
    assert ended.code == 2 and "predictions[0]: not a list of people" in ended.err
    (folder / "1_DET.npy").unlink()
    single = ("extract", folder / player_boxes_name(1), "-f", "detections@boxes")
    assert call(*single).code == 0 and np.load(folder / "1_DET.npy").shape == (4, 46)
    assert "do not apply to player-box files" in refused(*single, "--player-boxes")


def test_what_is_wrong_is_said_in_one_line_before_anything_is_decoded(refused, dataset, tmp_path):
    unreadable = dataset / GAME / "2_224p.mkv"  # whatever is said must not be of this
    command = ("extract", unreadable, "-f", "detections")
    assert "needs a detector" in refused(*command)
    assert "cannot be read (No such file" in refused(*command, "--detector", tmp_path / "none.onnx")
    assert "add -f detections" in refused("extract", unreadable, "-f", "fft", "--detector", "boxes")
    text = tmp_path / "text.onnx"
    text.write_text("not a network")
    assert "not an ONNX file" in refused(*command, "--detector", text)
    unknown = write_onnx(tmp_path / "unknown.onnx", {"output": np.zeros((1, 1000), np.float32)})
    assert "outputs that are no detector's: output (1, 1000)" in refused(
        *command, "--detector", unknown
    )
    custom = write_onnx(
        tmp_path / "custom.onnx",
        {"output0": np.zeros((1, 7, 42), np.float32)},
        operator="Teleport",
        domain="elsewhere",
    )
    assert "elsewhere.Teleport" in refused(*command, "--detector", custom)
    whole = ("--detector", dataset / "tiny.onnx")
    assert "no class of people" in refused(*command, *whole, "--detector-classes", "ball")
    assert "2 rows a second" in refused(*command, *whole, "--rate", 5)
    assert "run on openvino" in refused(*command, *whole, "--engine", "torch")
    assert not list(dataset.rglob("*.npy")) and not list(dataset.rglob("*.part"))
