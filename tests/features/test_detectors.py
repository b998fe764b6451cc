"""Detectors: every layout read right, the picture fitted in, and files that are none refused."""

from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto
from tiny_detectors import (
    AMID_GREY,
    SIZE,
    SQUEEZED,
    YOLO,
    arrays,
    places,
    write_onnx,
    yolo_v8,
)

from touchline.engines import detectors, onnx_files
from touchline.engines.detectors import OnnxDetector
from touchline.engines.onnx_files import inspect_onnx
from touchline.errors import CheckpointError, ConfigError
from touchline.features.detector import (
    BALL,
    PERSON,
    REFEREE,
    map_classes,
    mean_colours,
    open_detector,
)
from touchline.features.extractor import DEFAULT_PLACEMENT, Placement

SEEN = (
    (0.3, 0.25, 0.4, 0.75, 0.9, 1),
    (0.31, 0.26, 0.4, 0.76, 0.7, 1),  # the same player
    (0.5, 0.5, 0.52, 0.55, 0.4, 0),
    (0.6, 0.2, 0.65, 0.6, 0.5, 2),
    (0.6, 0.7, 0.65, 0.9, 0.25, 1),  # not sure enough
    (0.7, 0.2, 0.72, 0.23, 0.12, 0),
)
EXPECTED = np.array(SEEN)[[0, 3, 2]]


def grey(size: tuple[int, int], count: int = 1) -> np.ndarray:
    return np.full((count, size[1], size[0], 3), 90, np.uint8)


@pytest.mark.parametrize(("layout", "write"), [*AMID_GREY.items(), *SQUEEZED.items()])
def test_every_layout_is_recognised_and_read(tmp_path, layout, write):
    detector = open_detector(str(write(tmp_path / "tiny.onnx", SEEN)), None, DEFAULT_PLACEMENT)
    assert detector.network.layout == layout.partition(",")[0]
    assert detector.network.name == "openvino fp32"
    wide = detector.network.picture_size((1280, 640))
    assert wide == SIZE
    (first, second) = detector.detect(grey(wide, 2))
    np.testing.assert_allclose(first.corners, EXPECTED[:, :4], atol=1e-5)
    np.testing.assert_allclose(first.confidence, EXPECTED[:, 4], atol=1e-4)
    assert first.kinds.tolist() == [PERSON, REFEREE, BALL]
    np.testing.assert_array_equal(first.corners, second.corners)


def test_yolos_see_the_whole_picture_amid_grey_and_the_others_a_squeezed_one(tmp_path):
    amid = open_detector(str(yolo_v8(tmp_path / "a.onnx", SEEN)), None, DEFAULT_PLACEMENT)
    assert amid.network.picture_size((100, 100)) == (32, 32)
    assert amid.network.picture_size((1280, 320)) == (64, 16)
    (found,) = amid.detect(grey((32, 32)))
    expected = (EXPECTED[:, :4] * (64, 32, 64, 32) - (16, 0, 16, 0)) / 32
    np.testing.assert_allclose(found.corners, expected, atol=1e-5)
    for name, write in SQUEEZED.items():
        squeezed = open_detector(str(write(tmp_path / "b.onnx", SEEN)), None, DEFAULT_PLACEMENT)
        assert squeezed.network.picture_size((100, 100)) == SIZE, name


def test_pixels_arrive_as_they_should(tmp_path):
    """The mean of the input, as the score of a box."""
    image = onnx.helper.make_tensor_value_info("images", TensorProto.FLOAT, ["n", 3, "h", "w"])
    told = onnx.helper.make_tensor_value_info("output0", TensorProto.FLOAT, [1, 1, 6])
    box = onnx.numpy_helper.from_array(np.array([8, 8, 16, 24], np.float32), "box")
    one = onnx.numpy_helper.from_array(np.ones(1, np.float32), "one")
    shape = onnx.numpy_helper.from_array(np.array([1, 1, 6]), "shape")
    nodes = [
        onnx.helper.make_node("ReduceMean", ["images"], ["mean"], axes=[1, 2, 3], keepdims=0),
        onnx.helper.make_node("Concat", ["box", "mean", "one"], ["row"], axis=0),
        onnx.helper.make_node("Reshape", ["row", "shape"], ["output0"]),
    ]
    graph = onnx.helper.make_graph(nodes, "mean", [image], [told], [box, one, shape])
    model = onnx.helper.make_model(graph, opset_imports=[onnx.helper.make_opsetid("", 17)])
    model.ir_version = 9
    onnx.helper.set_model_props(model, YOLO | {"imgsz": "[32, 64]"})
    onnx.save(model, tmp_path / "mean.onnx")
    network = OnnxDetector(tmp_path / "mean.onnx")
    assert network.picture_size((200, 100)) == (64, 32)
    (whole,) = network(grey((64, 32)))
    assert whole.scores.tolist() == [pytest.approx(90 / 255, abs=1e-5)]
    (framed,) = network(grey((32, 32)))
    assert framed.scores.tolist() == [pytest.approx((90 + 114) / 2 / 255, abs=1e-5)]
    (tmp_path / "preprocessor_config.json").write_text(
        '{"do_normalize": true, "image_mean": [0.1, 0.1, 0.1], "image_std": [0.5, 0.5, 0.5]}'
    )
    (normalised,) = OnnxDetector(tmp_path / "mean.onnx")(grey((64, 32)))
    assert normalised.scores.tolist() == [pytest.approx((90 / 255 - 0.1) / 0.5, abs=1e-5)]


def test_classes_are_those_of_the_metadata_or_of_the_user(tmp_path):
    path = str(yolo_v8(tmp_path / "nameless.onnx", SEEN, {}))
    with pytest.raises(ConfigError, match="has no class names"):
        open_detector(path, None, DEFAULT_PLACEMENT)
    for told in ("ball,player,referee", "ball=0,player=1,referee=2", "referee=2,ball=0, Player =1"):
        detector = open_detector(path, told, DEFAULT_PLACEMENT)
        (found,) = detector.detect(grey(SIZE))
        assert found.kinds.tolist() == [PERSON, REFEREE, BALL]
        assert detector.settings["classes"] == "ball=0,person=1,referee=2"
    only_people = open_detector(path, "person=1", DEFAULT_PLACEMENT)
    assert only_people.detect(grey(SIZE))[0].kinds.tolist() == [PERSON]
    for wrong, reason in (
        ("ball", "no class of people"),
        ("person=9", "has 3 classes"),
        ("person=x", "is not a class"),
    ):
        with pytest.raises(ConfigError, match=reason):
            open_detector(path, wrong, DEFAULT_PLACEMENT)
    listed = yolo_v8(tmp_path / "list.onnx", SEEN, {"names": '["sports ball", "PERSON", "other"]'})
    assert OnnxDetector(listed).names == {0: "sports ball", 1: "PERSON", 2: "other"}
    (tmp_path / "config.json").write_text('{"id2label": {"0": "ball", "1": "goal_keeper"}}')
    assert OnnxDetector(write_rt_detr_of_two(tmp_path)).names == {0: "ball", 1: "goal_keeper"}


def write_rt_detr_of_two(folder: Path) -> Path:
    outputs = {
        "logits": np.zeros((1, 5, 2), np.float32),
        "pred_boxes": np.zeros((1, 5, 4), np.float32),
    }
    return write_onnx(folder / "two.onnx", outputs)


def test_names_of_classes_are_understood():
    names = {0: "Goalkeeper", 1: "main_referee", 2: "sports ball", 3: "bench", 4: "Side Referee"}
    assert map_classes(names, None, 5, "x") == {0: PERSON, 1: REFEREE, 2: BALL, 4: REFEREE}


UNKNOWN_OUTPUTS = {
    "two more": {"output0": np.zeros((1, 7, places() + 2), np.float32)},
    "too few sides": {"output0": np.zeros((10, 6), np.float32)},
    "several pictures": {"output0": np.zeros((4, 7, places()), np.float32)},
    "masks": {
        "output0": np.zeros((1, 39, places()), np.float32),
        "output1": np.zeros((1, 32, 8, 16), np.float32),
    },
    "scores alone": {"scores": np.zeros((1, 3), np.float32)},
    "boxes of five": {"boxes": np.zeros((1, 9, 5)), "scores": np.zeros((1, 9))},
    "classes": {"output": np.zeros((1, 1000), np.float32)},
}


@pytest.mark.parametrize("name", UNKNOWN_OUTPUTS)
def test_unknown_outputs_are_refused(tmp_path, name):
    path = write_onnx(tmp_path / "unknown.onnx", UNKNOWN_OUTPUTS[name], YOLO)
    with pytest.raises(CheckpointError, match=r"outputs that are no detector's: .* export it"):
        OnnxDetector(path)


def test_unknown_inputs_and_key_points_are_refused(tmp_path):
    boxes = {"output0": np.zeros((1, 7, places()), np.float32)}
    more = {"prompt": (TensorProto.FLOAT, (1, 77))}
    with pytest.raises(CheckpointError, match="inputs that are no detector's"):
        OnnxDetector(write_onnx(tmp_path / "a.onnx", boxes, YOLO, inputs=more))
    key_points = {"output0": np.zeros((1, 56, places()), np.float32)}
    with pytest.raises(CheckpointError, match="names 3 classes and puts out 52"):
        OnnxDetector(write_onnx(tmp_path / "b.onnx", key_points, YOLO))
    with pytest.raises(CheckpointError, match="does not name its classes"):
        OnnxDetector(write_onnx(tmp_path / "c.onnx", boxes, {"names": "7"}))


def test_operators_of_others_are_refused(tmp_path):
    outputs = {"output0": np.zeros((1, 7, places()), np.float32)}
    for number, (operator, domain) in enumerate((("Teleport", "elsewhere"), ("Teleport", ""))):
        path = write_onnx(
            tmp_path / f"{number}.onnx", outputs, YOLO, operator=operator, domain=domain
        )
        with pytest.raises(CheckpointError, match=r"OpenVINO cannot read it.*Teleport"):
            OnnxDetector(path)


def test_weights_in_another_file_are_not_followed(tmp_path):
    model = onnx.load(yolo_v8(tmp_path / "whole.onnx", SEEN))
    path = tmp_path / "parted.onnx"
    onnx.save(model, path, save_as_external_data=True, location="w.bin", size_threshold=0)
    assert (tmp_path / "w.bin").exists()
    with pytest.raises(CheckpointError, match="weights in another file"):
        OnnxDetector(path)


def test_damaged_files_are_refused_before_openvino_sees_them(tmp_path, capfd, monkeypatch):
    whole = yolo_v8(tmp_path / "whole.onnx", SEEN).read_bytes()
    assert inspect_onnx(tmp_path / "whole.onnx").metadata == YOLO
    path = tmp_path / "damaged.onnx"
    for content in (
        b"",
        b"not a network" * 20,
        b"\x00" * 100,
        whole[:-5],
        whole[: len(whole) // 2],
    ):
        path.write_bytes(content)
        with pytest.raises(CheckpointError, match=r"ONNX|empty"):
            OnnxDetector(path)
    path.write_bytes(whole)
    monkeypatch.setattr(onnx_files, "MAX_ONNX_BYTES", 100)
    with pytest.raises(CheckpointError, match="MB, over"):
        OnnxDetector(path)
    with pytest.raises(CheckpointError, match="No such file"):
        OnnxDetector(tmp_path / "none.onnx")
    assert capfd.readouterr() == ("", "")


def test_changed_bytes_end_in_a_line_or_in_boxes(tmp_path):
    """Whatever is changed: refused as what it is, or still a detector."""
    whole = bytearray(yolo_v8(tmp_path / "whole.onnx", SEEN[:1]).read_bytes())
    rng = np.random.default_rng(0)
    path = tmp_path / "changed.onnx"
    for _ in range(25):
        changed = bytearray(whole)
        changed[int(rng.integers(len(changed)))] = int(rng.integers(256))
        path.write_bytes(changed)
        try:
            OnnxDetector(path)(grey(SIZE))
        except CheckpointError:
            continue


def test_where_it_runs_is_checked(tmp_path):
    path = str(yolo_v8(tmp_path / "tiny.onnx", SEEN))
    with pytest.raises(ConfigError, match="run on openvino"):
        open_detector(path, None, Placement(engine="torch"))
    with pytest.raises(ConfigError, match="run on torch"):
        open_detector("hf:some/where", None, Placement(engine="openvino"))


def test_a_network_too_large_is_refused(tmp_path, monkeypatch):
    path = yolo_v8(tmp_path / "tiny.onnx", SEEN)
    monkeypatch.setattr(detectors, "SIDES", (32, 48))
    with pytest.raises(CheckpointError, match="64x32"):
        OnnxDetector(path)


def test_the_colour_of_a_box_is_that_of_its_middle():
    picture = np.zeros((40, 80, 3), np.uint8)
    picture[15:25, 35:45] = (200, 10, 30)
    corners = np.array([(0.375, 0.25, 0.625, 0.75), (0, 0, 0.2, 0.2), (0.999, 0.999, 1, 1)])
    colours = mean_colours(picture, corners.astype(np.float32))
    np.testing.assert_allclose(colours, [(200, 10, 30), (0, 0, 0), (0, 0, 0)], atol=1e-3)


def test_arrays_of_tests_are_what_they_say():
    corners, centred, scores = arrays(SEEN[:1], 2)
    np.testing.assert_allclose(corners[0], (19.2, 8, 25.6, 24), atol=1e-5)
    np.testing.assert_allclose(centred[0], (22.4, 16, 6.4, 16), atol=1e-5)
    assert scores[0].argmax() == 1 and not scores[1].any()
