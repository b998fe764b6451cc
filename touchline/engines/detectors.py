"""Where a detector runs: pictures in, boxes out. Files in ONNX run on OpenVINO, and need no more.

Whatever is wrong with a file is said when it is opened or prepared, before it sees a picture.
"""

import ast
import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from touchline.engines import FloatPrecision
from touchline.engines.detector_layouts import Boxes, Shape, Size, recognise
from touchline.engines.onnx_files import inspect_onnx
from touchline.engines.openvino_graph import frontend, has_bfloat16, ov
from touchline.errors import CheckpointError, ConfigError
from touchline.formats.reading import read_json
from touchline.zoo.store import sha256_of

Pixels = npt.NDArray[np.uint8]

DEFAULT_SIDE = 640
SIDES = (32, 4096)
_GREY = 114

_FAILURES = (
    frontend.GeneralFailure,
    frontend.InitializationFailure,
    frontend.NotImplementedFailure,
    frontend.OpConversionFailure,
    frontend.OpValidationFailure,
    RuntimeError,
    ValueError,
    IndexError,
)
"""What OpenVINO raises on graphs that it cannot read or run."""

_KINDS_OF_INPUT = (np.float32, np.float16, np.uint8)


class DetectionNetwork(Protocol):
    """A detector's network.

    Attributes:
        names: what its classes are called, by their number; empty where nothing says it.
        classes: how many there are; None where the network does not say.
        digest: SHA-256 of its weights.
        layout: what else decides its numbers.
    """

    names: Mapping[int, str]
    classes: int | None
    digest: str
    layout: str

    @property
    def name(self) -> str:
        """What computes, such as ``"openvino fp32"``; makes it ready to run."""
        ...

    def picture_size(self, size: Size) -> Size:
        """The (width, height) at which it wants pictures of this (width, height)."""
        ...

    def __call__(self, pictures: Pixels) -> list[Boxes]:
        """What it sees in (n, H, W, 3) pictures of that size."""
        ...


@dataclass(frozen=True)
class _Input:
    """What a network's input is made of beside pixels.

    Attributes:
        size: (width, height).
        scale: by which 0..255 is multiplied, unless the input is made of bytes.
        mean, deviation: (3,) taken off, and divided by, after that.
    """

    size: Size
    scale: float = 1 / 255
    mean: tuple[float, ...] = (0.0, 0.0, 0.0)
    deviation: tuple[float, ...] = (1.0, 1.0, 1.0)


class OnnxDetector:
    """An ONNX file in one of the layouts of ``detector_layouts``: a ``DetectionNetwork``.

    Args:
        path: the file. Names of classes are those that its exporter noted, or those of the
            ``config.json`` that Hugging Face puts beside it.
        precision: ``"bf16"`` moves boxes by some thousandths of the picture, so that ``"auto"``
            is float32.
        threads: processor threads at most.

    Raises:
        CheckpointError: a file that is damaged, has its weights elsewhere, has operators that
            OpenVINO does not know, or inputs or outputs that are no detector's.
        ConfigError: ``"bf16"`` on a processor without it.
    """

    def __init__(
        self, path: Path, precision: FloatPrecision = "auto", threads: int | None = None
    ) -> None:
        if precision == "bf16" and not has_bfloat16():
            raise ConfigError("this processor has no bfloat16", remedy="use auto or fp32")
        self._path = path
        self._half = precision == "bf16"
        self._threads = threads
        metadata = inspect_onnx(path).metadata
        self.digest = sha256_of(path)
        self._model = _read(path)
        self._image = self._image_input()
        self._input = self._input_of(metadata)
        self._reshape()
        outputs = {port.get_any_name(): _shape(port) for port in self._model.outputs}
        self.names: Mapping[int, str] = _names(metadata.get("names"), path) or _names_beside(path)
        named = len(self.names) or None
        layout = recognise(outputs, self._input.size, metadata, named)
        if layout is None:
            raise self._unknown("outputs", outputs)
        self.classes: int | None = layout.classes
        self.layout = layout.name
        self._layout = layout
        if named is not None and self.classes not in (None, named):
            raise CheckpointError(
                f"names {named} classes and puts out {self.classes}",
                where=path,
                remedy="export a plain detector, without masks or key points",
            )

    @property
    def name(self) -> str:
        """See ``DetectionNetwork``."""
        _ = self._request
        return f"openvino {'bf16' if self._half else 'fp32'}"

    def picture_size(self, size: Size) -> Size:
        """See ``DetectionNetwork``."""
        if not self._layout.keeps_aspect:
            return self._input.size
        ratio = min(own / side for own, side in zip(self._input.size, size, strict=True))
        return max(1, round(size[0] * ratio)), max(1, round(size[1] * ratio))

    def __call__(self, pictures: Pixels) -> list[Boxes]:
        """See ``DetectionNetwork``.

        Raises:
            CheckpointError: the network fails on a picture.
        """
        return [self._one(picture) for picture in pictures]

    def _one(self, picture: Pixels) -> Boxes:
        (width, height), (high, wide) = self._input.size, picture.shape[:2]
        left, top = (width - wide) // 2, (height - high) // 2
        framed = np.full((height, width, 3), _GREY, np.uint8)
        framed[top : top + high, left : left + wide] = picture
        found = self._layout.decode(self._run(framed), self._input.size)
        shift = np.array((left, top) * 2) / (width, height, width, height)
        scale = np.array((width / wide, height / high) * 2)
        corners = ((found.corners - shift) * scale).astype(np.float32)
        return Boxes(corners, found.scores, found.classes)

    def _run(self, framed: Pixels) -> dict[str, npt.NDArray[Any]]:
        request = self._request
        try:
            request.infer(self._inputs(framed))
        except _FAILURES as error:
            raise self._cannot_run(error) from error
        return {
            port.get_any_name(): np.array(request.get_tensor(port).data)
            for port in request.model_outputs
        }

    def _inputs(self, framed: Pixels) -> dict[str, npt.NDArray[Any]]:
        width, height = self._input.size
        others = {
            "orig_target_sizes": np.array([[width, height]]),
            "pixel_mask": np.ones((1, height, width)),
        }
        inputs = {
            name: others[name].astype(port.get_element_type().to_dtype())
            for port in self._model.inputs
            if (name := port.get_any_name()) in others
        }
        kind = self._image.get_element_type().to_dtype()
        pixels = framed.transpose(2, 0, 1)[None]
        if kind != np.uint8:
            mean, deviation = (
                np.array(values, np.float32)[:, None, None]
                for values in (self._input.mean, self._input.deviation)
            )
            scaled = pixels.astype(np.float32) * np.float32(self._input.scale)
            pixels = ((scaled - mean) / deviation).astype(kind)
        inputs[self._image.get_any_name()] = np.ascontiguousarray(pixels)
        return inputs

    @cached_property
    def _request(self) -> Any:
        options: dict[str, str | int] = {
            "INFERENCE_PRECISION_HINT": "bf16" if self._half else "f32",
            "PERFORMANCE_HINT": "LATENCY",
        }
        if self._threads is not None:
            options["INFERENCE_NUM_THREADS"] = min(self._threads, os.cpu_count() or 1)
        try:
            return ov.Core().compile_model(self._model, "CPU", options).create_infer_request()
        except _FAILURES as error:
            raise self._cannot_run(error) from error

    def _image_input(self) -> Any:
        """The input for (1, 3, H, W) pixels; further ones must be known."""
        inputs = {port.get_any_name(): port for port in self._model.inputs}
        images = [
            port
            for port in inputs.values()
            if len(shape := _shape(port)) == 4
            and shape[0] in (1, None)
            and shape[1] in (3, None)
            and port.get_element_type().to_dtype() in _KINDS_OF_INPUT
        ]
        known = {"orig_target_sizes": 2, "pixel_mask": 3}
        further = {name: port for name, port in inputs.items() if port not in images}
        ranks_fit = all(
            name in known and len(_shape(port)) == known[name] for name, port in further.items()
        )
        if len(images) != 1 or not ranks_fit:
            raise self._unknown("inputs", {name: _shape(port) for name, port in inputs.items()})
        return images[0]

    def _input_of(self, metadata: Mapping[str, str]) -> _Input:
        height, width = _shape(self._image)[2:]
        beside = _json_beside(self._path, "preprocessor_config.json")
        wanted = _wanted_size(beside.get("size")) or _wanted_size(_literal(metadata.get("imgsz")))
        default = wanted or (DEFAULT_SIDE, DEFAULT_SIDE)
        size = width or default[0], height or default[1]
        if not all(SIDES[0] <= side <= SIDES[1] for side in size):
            raise CheckpointError(
                f"takes pictures of {size[0]}x{size[1]}",
                where=self._path,
                remedy=f"{SIDES[0]} to {SIDES[1]} each way",
            )
        if not beside:
            return _Input(size)
        scale = _number(beside.get("rescale_factor"), 1 / 255)
        return _Input(
            size,
            scale if beside.get("do_rescale", True) else 1.0,
            *(
                _three(beside.get(key), unset) if beside.get("do_normalize") else (unset,) * 3
                for key, unset in (("image_mean", 0.0), ("image_std", 1.0))
            ),
        )

    def _reshape(self) -> None:
        """Fix every side that is free, one picture at a time."""
        width, height = self._input.size
        shapes = {
            "orig_target_sizes": [1, 2],
            "pixel_mask": [1, height, width],
            self._image.get_any_name(): [1, 3, height, width],
        }
        names = [port.get_any_name() for port in self._model.inputs]
        try:
            self._model.reshape({name: shapes[name] for name in names})
        except _FAILURES as error:
            raise self._cannot_run(error) from error

    def _unknown(self, what: str, ports: Mapping[str, Shape]) -> CheckpointError:
        told = ", ".join(f"{name} {_told(shape)}" for name, shape in list(ports.items())[:6])
        return CheckpointError(
            f"has {what} that are no detector's: {told}"[:300],
            where=self._path,
            remedy="export it in the layout of YOLOv5, YOLOv8 or RT-DETR, one picture at a time",
        )

    def _cannot_run(self, error: Exception) -> CheckpointError:
        return CheckpointError(f"OpenVINO cannot run it ({_reason(error)})", where=self._path)


def _read(path: Path) -> Any:
    """An OpenVINO model; only ONNX is tried."""
    try:
        reader = frontend.FrontEndManager().load_by_framework("onnx")
        return reader.convert(reader.load(str(path)))
    except _FAILURES as error:
        raise CheckpointError(f"OpenVINO cannot read it ({_reason(error)})", where=path) from error


def _reason(error: Exception) -> str:
    """The line of an error that says most."""
    lines = [line.strip(" -") for line in str(error).splitlines() if line.strip()]
    telling = [line for line in lines if "operations" in line]
    return (telling or lines or [type(error).__name__])[-1][:200]


def _shape(port: Any) -> Shape:
    dimensions = port.get_partial_shape()
    if dimensions.rank.is_dynamic:
        return ()
    return tuple(None if side.is_dynamic else side.get_length() for side in dimensions)


def _told(shape: Shape) -> str:
    return "(" + ", ".join("?" if side is None else str(side) for side in shape) + ")"


def _names(text: str | None, where: Path) -> dict[int, str]:
    """Classes by number, of ``{0: 'person'}`` or ``["person"]`` as exporters note them."""
    if text is None:
        return {}
    value = _literal(text)
    try:
        items = value.items() if isinstance(value, dict) else enumerate(value)
        return {int(number): str(name) for number, name in items}
    except (TypeError, ValueError) as error:
        raise CheckpointError(
            "its metadata does not name its classes as exporters do",
            where=where,
            remedy="write names as {0: 'person', 1: 'ball'}",
        ) from error


def _names_beside(path: Path) -> dict[int, str]:
    labels = _json_beside(path, "config.json").get("id2label")
    return _names(json.dumps(labels), path) if isinstance(labels, dict) else {}


def _json_beside(path: Path, name: str) -> dict[str, Any]:
    """What Hugging Face keeps beside a file, or above the folder ``onnx``; empty if nothing."""
    folders = [path.parent, *([path.parent.parent] if path.parent.name == "onnx" else [])]
    for folder in folders:
        if (folder / name).is_file():
            document = read_json(folder / name)
            return document if isinstance(document, dict) else {}
    return {}


def _literal(text: str | None) -> Any:
    """The value of a text in Python's or JSON's notation; None if it is neither."""
    if text is None:
        return None
    for read in (json.loads, ast.literal_eval):
        try:
            return read(text)
        except (ValueError, SyntaxError, TypeError, RecursionError, MemoryError):
            continue
    return None


def _wanted_size(value: Any) -> Size | None:
    """(width, height) of what exporters call a size: [height, width], or by name."""
    if isinstance(value, dict):
        value = [
            value.get("height", value.get("shortest_edge")),
            value.get("width", value.get("longest_edge")),
        ]
    if isinstance(value, int):
        value = [value, value]
    if not isinstance(value, list) or len(value) != 2:
        return None
    return (value[1], value[0]) if all(type(side) is int for side in value) else None


def _number(value: Any, unset: float) -> float:
    return float(value) if isinstance(value, int | float) else unset


def _three(value: Any, unset: float) -> tuple[float, ...]:
    values = value if isinstance(value, list) and len(value) == 3 else [unset] * 3
    return tuple(_number(each, unset) or unset for each in values)
