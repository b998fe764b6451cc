"""Detectors of a few bytes in every layout, which see what they are told to see."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

SIZE = (64, 32)
"""Width and height of their input."""

NAMES = ("ball", "player", "referee")
YOLO = {"names": "{0: 'ball', 1: 'player', 2: 'referee'}"}

Seen = Sequence[tuple[float, float, float, float, float, int]]
"""x1, y1, x2, y2 as shares of the input, confidence, class."""


def write_onnx(
    path: Path,
    outputs: Mapping[str, np.ndarray],
    metadata: Mapping[str, str] | None = None,
    *,
    inputs: Mapping[str, tuple[int, Sequence[int | str]]] | None = None,
    operator: str = "Identity",
    domain: str = "",
) -> Path:
    """A graph whose outputs do not depend on the picture."""
    image = ("images", TensorProto.FLOAT, (1, 3, SIZE[1], SIZE[0]))
    ports = [image, *((name, *port) for name, port in (inputs or {}).items())]
    nodes, constants, told = [], [], []
    for number, (name, array) in enumerate(outputs.items()):
        constants.append(numpy_helper.from_array(array, f"constant{number}"))
        nodes.append(helper.make_node("ReduceMean", ["images"], [f"mean{number}"], keepdims=0))
        constants.append(numpy_helper.from_array(np.float32(0), f"zero{number}"))
        nodes.append(helper.make_node("Mul", [f"mean{number}", f"zero{number}"], [f"none{number}"]))
        kind = helper.np_dtype_to_tensor_dtype(array.dtype)
        nodes.append(helper.make_node("Cast", [f"none{number}"], [f"cast{number}"], to=kind))
        sums = [f"constant{number}", f"cast{number}"]
        nodes.append(helper.make_node("Add", sums, [f"sum{number}"]))
        nodes.append(helper.make_node(operator, [f"sum{number}"], [name], domain=domain))
        told.append(helper.make_tensor_value_info(name, kind, array.shape))
    graph = helper.make_graph(
        nodes, "tiny", [helper.make_tensor_value_info(*port) for port in ports], told, constants
    )
    domains = [helper.make_opsetid("", 17), *([helper.make_opsetid(domain, 1)] if domain else [])]
    model = helper.make_model(graph, opset_imports=domains)
    model.ir_version = 9
    helper.set_model_props(model, dict(metadata or {}))
    onnx.save(model, path)
    return path


def places(boxes_a_place: int = 1) -> int:
    """How many boxes a head with strides 8, 16 and 32 puts out."""
    return boxes_a_place * sum((SIZE[0] // s) * (SIZE[1] // s) for s in (8, 16, 32))


def arrays(seen: Seen, count: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """(count, 4) corners in pixels, (count, 4) centre and size in pixels, (count, 3) scores."""
    corners = np.zeros((count, 4), np.float32)
    scores = np.zeros((count, len(NAMES)), np.float32)
    for row, (x1, y1, x2, y2, confidence, number) in enumerate(seen):
        corners[row] = np.array((x1, y1, x2, y2)) * (SIZE * 2)
        scores[row] = confidence / 100
        scores[row, number] = confidence
    centred = np.hstack(((corners[:, :2] + corners[:, 2:]) / 2, corners[:, 2:] - corners[:, :2]))
    return corners, centred, scores


def yolo_v8(path: Path, seen: Seen, metadata: Mapping[str, str] = YOLO) -> Path:
    _, centred, scores = arrays(seen, places())
    return write_onnx(path, {"output0": np.hstack((centred, scores)).T[None].copy()}, metadata)


def yolo_v5(path: Path, seen: Seen) -> Path:
    _, centred, scores = arrays(seen, places(3))
    there = np.where(scores.max(axis=1) > 0, 0.99, 0.001).astype(np.float32)[:, None]
    return write_onnx(path, {"output": np.hstack((centred, there, scores / 0.99))[None]}, YOLO)


def end_to_end(path: Path, seen: Seen) -> Path:
    corners, _, scores = arrays(seen, 12)
    best = scores.argmax(axis=1)[:, None].astype(np.float32)
    rows = np.hstack((corners, scores.max(axis=1)[:, None], best))
    return write_onnx(path, {"output0": rows[None]}, YOLO)


def queries(path: Path, seen: Seen) -> Path:
    _, centred, scores = arrays(seen, 12)
    rows = np.hstack((centred / np.float32(SIZE * 2), scores))
    metadata = YOLO | {"description": "Ultralytics RT-DETR-l model"}
    return write_onnx(path, {"output0": rows[None]}, metadata)


def queries_with_classes(path: Path, seen: Seen) -> Path:
    _, centred, scores = arrays(seen, 12)
    best = scores.argmax(axis=1)[:, None].astype(np.float32)
    rows = np.hstack((centred / np.float32(SIZE * 2), scores.max(axis=1)[:, None], best))
    metadata = YOLO | {"description": "Ultralytics RT-DETR-l model"}
    return write_onnx(path, {"output0": rows[None]}, metadata)


def rt_detr(path: Path, seen: Seen) -> Path:
    corners, _, scores = arrays(seen, 12)
    outputs = {
        "labels": scores.argmax(axis=1)[None],
        "boxes": corners[None],
        "scores": scores.max(axis=1)[None],
    }
    sizes = {"orig_target_sizes": (TensorProto.INT64, (1, 2))}
    return write_onnx(path, outputs, YOLO, inputs=sizes)


def rt_detr_scores(path: Path, seen: Seen) -> Path:
    corners, _, scores = arrays(seen, 12)
    return write_onnx(path, {"boxes": corners[None], "scores": scores[None]}, YOLO)


def rt_detr_logits(path: Path, seen: Seen) -> Path:
    _, centred, scores = arrays(seen, 12)
    shares = scores.clip(1e-6, 1 - 1e-6)
    outputs = {
        "logits": np.log(shares / (1 - shares))[None],
        "pred_boxes": (centred / np.float32(SIZE * 2))[None],
    }
    return write_onnx(path, outputs, YOLO)


def detr(path: Path, seen: Seen) -> Path:
    _, centred, scores = arrays(seen, 12)
    whole = np.hstack((scores, np.maximum(1 - scores.sum(axis=1, keepdims=True), 0)))
    outputs = {
        "logits": np.log(whole.clip(1e-9))[None],
        "pred_boxes": (centred / np.float32(SIZE * 2))[None],
    }
    sizes = {"pixel_mask": (TensorProto.INT64, (1, SIZE[1], SIZE[0]))}
    return write_onnx(path, outputs, YOLO, inputs=sizes)


AMID_GREY = {"yolo v8": yolo_v8, "yolo v5": yolo_v5, "end-to-end": end_to_end}
SQUEEZED = {
    "queries": queries,
    "queries, with classes": queries_with_classes,
    "rt-detr": rt_detr,
    "rt-detr, scores": rt_detr_scores,
    "logits": rt_detr_logits,
    "logits, detr": detr,
}
