"""Calibration and player boxes: read as published, refused in one line where they are not."""

import json

import numpy as np
import pytest

from touchline.errors import FormatError
from touchline.formats.player_boxes import (
    Calibration,
    PlayerBoxes,
    calibration_document,
    calibration_name,
    player_boxes_document,
    player_boxes_name,
    read_calibration,
    read_player_boxes,
)

PLACED = {"confidence": 0.9, "homography": [1, 0, 0, 0, 1, 0, 0, 0, 2]}
SEEN = {"bboxes": [[1, 2, 3, 4.5]], "colors": [[10, 20, 30]], "onfield": [1]}
SIZE = [1, 540, 960, 3]


def written(tmp_path, document):
    path = tmp_path / "file.json"
    path.write_text(document if isinstance(document, str) else json.dumps(document))
    return path


def test_published_files_are_read_whole(shared):
    folder = shared / "data" / "parity" / "calibration"
    for half, people in ((1, 500), (2, 480)):
        calibration = read_calibration(folder / calibration_name(half))
        boxes = read_player_boxes(folder / player_boxes_name(half))
        assert calibration.size == boxes.size == (960, 540)
        assert (len(calibration), len(boxes)) == (500, people)
        document = json.loads((folder / player_boxes_name(half)).read_text())
        assert [len(entry["bboxes"]) for entry in document["predictions"]] == np.diff(
            boxes.first
        ).tolist()
        assert (calibration.confidence[7::50] == 0.75).all()


def test_what_is_written_is_read_back(tmp_path):
    rng = np.random.default_rng(0)
    calibration = Calibration((96, 54), rng.random(5), rng.normal(size=(5, 3, 3)))
    boxes = PlayerBoxes(
        (96, 54),
        first=np.array([0, 2, 2, 3, 3, 7]),
        corners=(rng.random((7, 4)) * 96).round(2),
        colours=(rng.random((7, 3)) * 255).round(2),
    )
    read = read_calibration(written(tmp_path, calibration_document(calibration)))
    assert read.size == calibration.size
    assert np.array_equal(read.confidence, calibration.confidence)
    assert np.allclose(read.homographies, calibration.homographies, rtol=1e-8)
    people = read_player_boxes(written(tmp_path, player_boxes_document(boxes)))
    for field in ("first", "corners", "colours"):
        assert np.array_equal(getattr(people, field), getattr(boxes, field))


def test_entries_without_anything_are_kept_as_such(tmp_path):
    entries = [None, [], [PLACED], PLACED]
    calibration = read_calibration(written(tmp_path, {"size": SIZE[:3], "predictions": entries}))
    assert calibration.confidence.tolist() == [0, 0, 0.9, 0.9]
    nobody = {"bboxes": [], "colors": []}
    people = {"size": SIZE, "predictions": [None, nobody, SEEN, {}]}
    assert read_player_boxes(written(tmp_path, people)).first.tolist() == [0, 0, 0, 1, 1]


def test_further_numbers_of_a_colour_are_passed_over(tmp_path):
    entry = SEEN | {"colors": [[10, 20, 30, 40, 50, 60]]}
    people = read_player_boxes(written(tmp_path, {"size": SIZE, "predictions": [entry]}))
    assert people.colours.tolist() == [[10, 20, 30]]


BROKEN = [
    "",
    "[]",
    '{"size": [1, 540, 960, 3], "predictions": [',
    {"size": SIZE},
    {"size": SIZE, "predictions": {}},
    {"size": SIZE, "predictions": []},
    {"size": SIZE, "predictions": ["text"]},
    {"size": [1, 540], "predictions": [[PLACED]]},
    {"size": [1, 540, -960, 3], "predictions": [[PLACED]]},
    {"size": [1, 540, 1e9, 3], "predictions": [[PLACED]]},
    {"size": "540x960", "predictions": [[PLACED]]},
]

BROKEN_CALIBRATIONS = [
    {"homography": PLACED["homography"]},
    PLACED | {"confidence": "high"},
    PLACED | {"confidence": float("nan")},
    PLACED | {"homography": [1, 2, 3]},
    PLACED | {"homography": [[1, 0, 0], [0, 1, 0], [0, 0, 1]]},
    PLACED | {"homography": [1, 0, 0, 0, 1, 0, 0, 0, float("inf")]},
    PLACED | {"homography": [1, 0, 0, 0, 1, 0, 0, 0, 1e300]},
    PLACED | {"homography": None},
]

BROKEN_PEOPLE = [
    {"bboxes": [[1, 2, 3, 4]]},
    SEEN | {"colors": []},
    SEEN | {"bboxes": [[1, 2, 3]]},
    SEEN | {"bboxes": [[1, 2, 3, "wide"]]},
    SEEN | {"bboxes": [[1, 2, 3, None]]},
    SEEN | {"bboxes": [1]},
    SEEN | {"bboxes": [[1, 2, 3, float("nan")]]},
    SEEN | {"colors": [[1, 2]]},
    SEEN | {"colors": [7]},
    SEEN | {"bboxes": "everyone"},
    {"bboxes": [[0, 0, 1, 1]] * 1001, "colors": [[0, 0, 0]] * 1001},
]


@pytest.mark.parametrize("read", [read_calibration, read_player_boxes])
@pytest.mark.parametrize("document", BROKEN, ids=str)
def test_files_that_are_something_else_are_refused(tmp_path, read, document):
    path = written(tmp_path, document)
    with pytest.raises(FormatError) as refusal:
        read(path)
    assert str(refusal.value).startswith(str(path)) and "\n" not in str(refusal.value)


@pytest.mark.parametrize("entry", BROKEN_CALIBRATIONS, ids=str)
def test_a_broken_calibration_is_named(tmp_path, entry):
    path = written(tmp_path, {"size": SIZE, "predictions": [[PLACED], [entry]]})
    with pytest.raises(FormatError, match=r"predictions\[1\]"):
        read_calibration(path)


@pytest.mark.parametrize("entry", BROKEN_PEOPLE, ids=lambda entry: str(entry)[:60])
def test_broken_people_are_named(tmp_path, entry):
    path = written(tmp_path, {"size": SIZE, "predictions": [SEEN, SEEN, entry]})
    with pytest.raises(FormatError, match=r"predictions\[2\]"):
        read_player_boxes(path)


def test_a_missing_file_is_refused(tmp_path):
    with pytest.raises(FormatError, match="no such file"):
        read_calibration(tmp_path / calibration_name(1))
