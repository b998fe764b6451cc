"""Detections as features: of videos, of player-box files, and of what the simulator knows."""

import json
from pathlib import Path

import numpy as np
import pytest
from small_videos import SIZE as VIDEO_SIZE
from small_videos import write_video
from tiny_detectors import yolo_v8

from touchline.errors import ConfigError, FormatError, InputError
from touchline.features.detection_statistics import NAMES
from touchline.features.detections import (
    BoxDetections,
    DetectionOptions,
    detections_of,
    open_detections,
    read_detections,
)
from touchline.features.detector import BALL
from touchline.formats.player_boxes import (
    PLAYER_BOXES_FILES,
    player_boxes_document,
    player_boxes_name,
    read_player_boxes,
)
from touchline.simulator.author import write_script
from touchline.simulator.truth import Sightings

MINUTES = 1.0


def rows_of(extractor, source: Path) -> dict[str, np.ndarray]:
    rows = []
    extractor.extract(source, rows.append, lambda share: None)
    whole = np.concatenate(rows)
    assert whole.shape[1] == len(NAMES) and np.isfinite(whole).all()
    return dict(zip(NAMES, whole.T, strict=True))


@pytest.fixture(scope="module")
def simulated(tmp_path_factory) -> Path:
    """The player boxes of a simulated half."""
    script = write_script(3, minutes=MINUTES, halves=1)
    sightings = Sightings(script.halves[0], (398, 224))
    for _ in sightings.gather(script):
        pass
    path = tmp_path_factory.mktemp("game") / player_boxes_name(1)
    path.write_text(json.dumps(player_boxes_document(sightings.player_boxes())))
    return path


def test_the_boxes_of_the_simulator_are_a_detector(simulated):
    found = rows_of(BoxDetections(), simulated)
    people, heights = found["people"] * 22, found["median height"]
    assert len(people) == 2 * 60 * MINUTES
    boxes = read_player_boxes(simulated)
    assert people.max() > 8 and (people <= np.diff(boxes.first) + 1e-4).all()
    assert ((people > 0) == (np.diff(boxes.first) > 0)).all()
    seen = people > 0
    feet = np.stack([found[name] for name in NAMES if name.startswith("feet")])
    np.testing.assert_allclose(feet.sum(axis=0), seen, atol=1e-5)
    assert ((found["area covered"] > 0) == seen).all() and found["area covered"].max() <= 1
    assert (heights[seen] <= found["greatest height"][seen]).all()
    wide = found["wide shot"] > 0
    assert wide.any() and heights[wide].max() < 0.15 and people[wide].min() > 7.9
    for name in NAMES[NAMES.index("ball confidence") : NAMES.index("time without ball")]:
        assert not found[name].any()


def test_the_video_of_a_half_leads_to_its_boxes(simulated):
    extractor = open_detections("boxes")
    from_boxes = rows_of(extractor, simulated)
    from_video = rows_of(extractor, simulated.with_name("1_224p.mkv"))
    assert all((from_boxes[name] == from_video[name]).all() for name in NAMES)
    with pytest.raises(FormatError, match=r"2_player_boundingbox_maskrcnn.json: no such file"):
        rows_of(extractor, simulated.with_name("2_224p.mkv"))
    (simulated.parent / player_boxes_name("other")).write_text('{"size": [1, 9, 9, 3]}')
    with pytest.raises(FormatError, match="has no list of predictions"):
        rows_of(extractor, simulated.with_name("other.mp4"))


def test_published_boxes_are_a_detector(shared):
    folder = shared / "data" / "parity" / "calibration"
    boxes = read_player_boxes(folder / player_boxes_name(1))
    found = rows_of(BoxDetections(), folder / player_boxes_name(1))
    assert len(found["people"]) == len(boxes)
    assert (found["people"] * 22 <= np.diff(boxes.first) + 1e-4).all()


def test_what_contradicts_itself_is_refused(tmp_path):
    with pytest.raises(InputError, match="needs a detector; give --detector"):
        open_detections("")
    for options in (DetectionOptions(classes="person"), DetectionOptions(keeps_boxes=True)):
        with pytest.raises(ConfigError, match="do not apply to player-box files"):
            open_detections("boxes", options=options)
    with pytest.raises(ConfigError, match="2 rows a second"):
        open_detections("boxes", rate=5)


@pytest.fixture(scope="module")
def video(tmp_path_factory) -> Path:
    return write_video(tmp_path_factory.mktemp("video") / "1_224p.mp4", 110, sound=False)


@pytest.fixture
def detector(tmp_path) -> Path:
    # The picture of 96x64 is 48x32 amid an input of 64x32: from 1/8 to 7/8 of its width.
    seen = ((0.25, 0.25, 0.5, 0.75, 0.9, 1), (0.625, 0.5, 0.65, 0.6, 0.5, 0))
    return yolo_v8(tmp_path / "tiny.onnx", seen)


def test_statistics_are_of_what_is_seen(video, detector):
    extractor = open_detections(str(detector))
    assert extractor.engine == "openvino fp32"
    assert extractor.identity.settings == {
        "layout": "yolo v8",
        "classes": "ball=0,person=1,referee=2",
    }
    found = rows_of(extractor, video)
    assert len(found["people"]) == 9
    expected = {
        "people": 1 / 22,
        "mean confidence": 0.9,
        "mean x": 1 / 3,
        "mean foot y": 0.75,
        "median height": 0.5,
        "balls": 1,
        "ball x": 2 / 3 + 1 / 60,
        "ball visible": 1,
        "time without ball": 0,
        "people cut by the border": 0,
    }
    for name, value in expected.items():
        np.testing.assert_allclose(found[name], value, atol=1e-4, err_msg=name)


def test_boxes_are_written_as_soccernet_writes_them(video, detector, tmp_path):
    extractor = open_detections(str(detector), options=DetectionOptions(keeps_boxes=True))
    rows = []
    extracted = extractor.extract(video, rows.append, lambda share: None)
    assert set(extracted.beside) == {PLAYER_BOXES_FILES}
    path = tmp_path / player_boxes_name(1)
    path.write_text(extracted.beside[PLAYER_BOXES_FILES])
    boxes = read_player_boxes(path)
    assert boxes.size == VIDEO_SIZE and len(boxes) == 9
    assert boxes.first.tolist() == list(range(10))
    width, height = VIDEO_SIZE
    one = (width / 6, height / 4, width / 2, height * 3 / 4)
    np.testing.assert_allclose(boxes.corners, [one] * 9, atol=0.02)
    assert (boxes.colours > 30).all() and (np.ptp(boxes.colours, axis=1) < 6).all()
    again = [found.corners for found in read_detections(path)]
    np.testing.assert_allclose(np.concatenate(again)[0], (1 / 6, 0.25, 0.5, 0.75), atol=1e-3)
    assert all((found.kinds != BALL).all() for found in detections_of(boxes))
