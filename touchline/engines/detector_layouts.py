"""What detectors put out, by the layouts in which they are exported, as plain boxes.

A layout is recognised from the names and shapes of a graph's outputs and the size of its input:

    yolo v8     (1, 4 + C, N)   centre, size, a score per class; N places of 2 to 5 grids
    yolo v5     (1, N, 5 + C)   the same behind a score of there being anything; 3 boxes a place
    end-to-end  (1, N, 6)       corners, score, class
    queries     (1, N, 4 + C)   RT-DETR of Ultralytics: centre and size as shares; or, from 2026,
                (1, N, 6)       the same with score and class
    rt-detr     boxes (1, N, 4), scores (1, N), labels (1, N); or scores (1, N, C)
    logits      pred_boxes (1, N, 4), logits (1, N, C), as Hugging Face exports RT-DETR and DETR

The YOLOs see the whole picture amid grey, the others see it squeezed into their input.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from math import ceil
from typing import Any

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float32]
Size = tuple[int, int]
Shape = tuple[int | None, ...]
Outputs = Mapping[str, npt.NDArray[Any]]

LEAST_SCORE = 0.1
"""Boxes that are less sure are dropped while decoding."""

MOST_BOXES = 1_000
"""Of one picture: the surest are kept."""

MAX_CLASSES = 10_000

_GRIDS = ((8, 16, 32), (16, 32), (8, 16, 32, 64), (4, 8, 16, 32), (4, 8, 16, 32, 64))
"""Strides of the grids of published heads."""

_BOXES_A_PLACE = 3
_MOST_QUERIES = 3_000


@dataclass(frozen=True, eq=False)
class Boxes:
    """What a network saw in one picture.

    Attributes:
        corners: (n, 4) x1, y1, x2, y2 as shares of the width and height of the picture.
        scores: (n,) 0 to 1.
        classes: (n,) int64, as the network counts them.
    """

    corners: Floats
    scores: Floats
    classes: npt.NDArray[np.int64]


@dataclass(frozen=True)
class Layout:
    """One way to read a network's outputs.

    Attributes:
        name: for people.
        classes: how many there are; None where only the labels tell.
        keeps_aspect: whether the picture is put amid grey instead of squeezed.
        decode: outputs of one picture and the (width, height) of the input to boxes, whose
            corners are shares of the input.
    """

    name: str
    classes: int | None
    keeps_aspect: bool
    decode: Callable[[Outputs, Size], Boxes]


def recognise(
    outputs: Mapping[str, Shape],
    size: Size,
    metadata: Mapping[str, str],
    named_classes: int | None = None,
) -> Layout | None:
    """The layout of a graph; None if it is none of those above.

    Args:
        outputs: shapes by name; None for a side that is not fixed.
        size: (width, height) of the input.
        metadata: what the exporter noted.
        named_classes: how many classes have a name, if all have.
    """
    if {"logits", "pred_boxes"} <= outputs.keys():
        return _with_logits(outputs["logits"], outputs["pred_boxes"], named_classes)
    if {"boxes", "scores"} <= outputs.keys():
        return _with_scores(outputs)
    if len(outputs) != 1:
        return None
    ((name, shape),) = outputs.items()
    if len(shape) != 3 or shape[0] not in (1, None):
        return None
    told = metadata.get("description", "") + metadata.get("head", "")
    is_queries = "rtdetr" in told.lower().replace("-", "")
    return _of_one(name, shape[1], shape[2], size, is_queries)


def _of_one(
    output: str, rows: int | None, columns: int | None, size: Size, is_queries: bool
) -> Layout | None:
    places = {_places(size, grid) for grid in _GRIDS}
    if columns in places and rows is not None and 5 <= rows <= MAX_CLASSES:
        return Layout("yolo v8", rows - 4, True, lambda found, at: _yolo_v8(found[output], at))
    if rows is not None and rows in {_BOXES_A_PLACE * count for count in places}:
        if columns is not None and 6 <= columns <= MAX_CLASSES:
            name, classes = "yolo v5", columns - 5
            return Layout(name, classes, True, lambda found, at: _yolo_v5(found[output], at))
        return None
    if rows is not None and rows > _MOST_QUERIES:
        return None
    if columns == 6 and not is_queries:
        return Layout("end-to-end", None, True, lambda found, at: _end_to_end(found[output], at))
    if is_queries and columns is not None and 5 <= columns <= MAX_CLASSES:
        scored = None if columns == 6 else columns - 4
        return Layout("queries", scored, False, lambda found, at: _queries(found[output]))
    return None


def _with_logits(logits: Shape, boxes: Shape, named_classes: int | None) -> Layout | None:
    classes = logits[-1]
    if len(logits) != 3 or len(boxes) != 3 or boxes[-1] != 4:
        return None
    if classes is None or not 1 <= classes <= MAX_CLASSES:
        return None
    # DETR has one more output than classes, for nothing at all; its successors have not.
    if named_classes is not None and classes == named_classes + 1:
        return Layout("logits", classes - 1, False, lambda found, at: _detr(found))
    return Layout("logits", classes, False, lambda found, at: _rt_detr_logits(found))


def _with_scores(outputs: Mapping[str, Shape]) -> Layout | None:
    boxes, scores = outputs["boxes"], outputs["scores"]
    if len(boxes) != 3 or boxes[-1] != 4:
        return None
    if len(scores) == 2 and len(outputs.get("labels", ())) == 2:
        return Layout("rt-detr", None, False, _rt_detr)
    if len(scores) == 3 and scores[-1] is not None and 1 <= scores[-1] <= MAX_CLASSES:
        return Layout("rt-detr", scores[-1], False, _rt_detr)
    return None


def _places(size: Size, strides: Sequence[int]) -> int:
    return sum(ceil(size[0] / stride) * ceil(size[1] / stride) for stride in strides)


def _yolo_v8(output: npt.NDArray[Any], size: Size) -> Boxes:
    """(1, 4 + C, N), in pixels of the input."""
    return _best_of(output[0, :4].T / _twice(size), output[0, 4:].T)


def _yolo_v5(output: npt.NDArray[Any], size: Size) -> Boxes:
    """(1, N, 5 + C), in pixels of the input."""
    rows = output[0]
    rows = rows[rows[:, 4] > LEAST_SCORE]
    return _best_of(rows[:, :4] / _twice(size), rows[:, 4:5] * rows[:, 5:])


def _end_to_end(output: npt.NDArray[Any], size: Size) -> Boxes:
    """(1, N, 6), in pixels of the input."""
    rows = output[0]
    return _surest(rows[:, :4] / _twice(size), rows[:, 4], rows[:, 5])


def _queries(output: npt.NDArray[Any]) -> Boxes:
    """(1, N, 4 + C), or (1, N, 6): whole numbers in the last column are classes, not scores."""
    rows = output[0]
    if rows.shape[1] == 6 and (rows[:, 5] == np.rint(rows[:, 5])).all():
        return _surest(_corners_of(rows[:, :4]), rows[:, 4], rows[:, 5])
    return _best_of(rows[:, :4], rows[:, 4:])


def _rt_detr(outputs: Outputs, size: Size) -> Boxes:
    """Corners in pixels of the input."""
    corners, scores = outputs["boxes"][0] / _twice(size), outputs["scores"][0]
    if scores.ndim == 1:
        return _surest(corners, scores, outputs["labels"][0])
    return _surest(corners, scores.max(axis=1), scores.argmax(axis=1))


def _rt_detr_logits(outputs: Outputs) -> Boxes:
    return _best_of(outputs["pred_boxes"][0], _sigmoid(outputs["logits"][0]))


def _detr(outputs: Outputs) -> Boxes:
    logits = outputs["logits"][0].astype(np.float64)
    powers = np.exp(logits - logits.max(axis=1, keepdims=True))
    scores = powers / powers.sum(axis=1, keepdims=True)
    return _best_of(outputs["pred_boxes"][0], scores[:, :-1])


def _sigmoid(logits: npt.NDArray[Any]) -> npt.NDArray[Any]:
    return 0.5 + 0.5 * np.tanh(0.5 * logits.astype(np.float64))


def _twice(size: Size) -> Floats:
    return np.array((*size, *size), np.float32)


def _best_of(centred: npt.NDArray[Any], scores: npt.NDArray[Any]) -> Boxes:
    """Boxes by centre and size (n, 4), and a score for each class (n, C)."""
    best = scores.argmax(axis=1) if len(scores) else np.zeros(0, np.int64)
    highest = np.take_along_axis(scores, best[:, None], 1)[:, 0]
    kept = highest > LEAST_SCORE
    return _surest(_corners_of(centred[kept]), highest[kept], best[kept])


def _corners_of(centred: npt.NDArray[Any]) -> npt.NDArray[Any]:
    middle, half = centred[:, :2], centred[:, 2:4] / 2
    return np.hstack((middle - half, middle + half))


def _surest(
    corners: npt.NDArray[Any], scores: npt.NDArray[Any], classes: npt.NDArray[Any]
) -> Boxes:
    scores = np.asarray(scores, np.float32)
    usable = np.isfinite(corners).all(axis=1) & np.isfinite(classes.astype(np.float64))
    kept = np.flatnonzero(usable & (scores > LEAST_SCORE))
    kept = kept[np.argsort(-scores[kept], kind="stable")[:MOST_BOXES]]
    return Boxes(
        corners[kept].astype(np.float32),
        scores[kept].clip(0, 1),
        classes[kept].astype(np.int64),
    )
