"""One ONNX graph on OpenVINO: read, compiled for the shapes that come, and run."""

import os
import queue
import sys
import threading
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from touchline.engines import Floats
from touchline.errors import CheckpointError


@contextmanager
def without_module(name: str) -> Iterator[None]:
    """A module that cannot be imported for the time being."""
    before = sys.modules.get(name)
    sys.modules[name] = None  # type: ignore[assignment]
    try:
        yield
    finally:
        if before is None:
            del sys.modules[name]
        else:
            sys.modules[name] = before


# Importing openvino reports the import to its maker and leaves files in the home folder, unless
# openvino-telemetry is missing: then it uses an empty stand-in.
with without_module("openvino_telemetry"):
    import openvino as ov
    from openvino import frontend as frontend  # for engines that read ONNX and nothing else

EXACT_SHAPES = 3

_HINTS = {"fp32": "f32", "bf16": "bf16", "int8": "f32"}
"""What OpenVINO computes in, of an int8 graph whatever is not in int8."""

_WITHOUT_BFLOAT16 = {"SSE41", "AVX", "AVX2", "AVX2_VNNI", "AVX512_CORE", "AVX512_CORE_VNNI"}
"""Values of ``ONEDNN_MAX_CPU_ISA``, by which a user keeps oneDNN to older instructions."""


def has_bfloat16() -> bool:
    """Whether this processor computes in bfloat16, and oneDNN may use that."""
    # OpenVINO reports what the processor has, whatever oneDNN was told, and then does not compile.
    if os.environ.get("ONEDNN_MAX_CPU_ISA", "").upper() in _WITHOUT_BFLOAT16:
        return False
    return "BF16" in ov.Core().get_property("CPU", "OPTIMIZATION_CAPABILITIES")


def request_of(model: Any, threads: int | None, shapes_kept: int) -> Any:
    """A network that openvino has read, compiled for the CPU in float32.

    OpenVINO's own choice is bfloat16 wherever the processor has it.

    Args:
        model: an ``openvino.Model``.
        threads: at most; None for all.
        shapes_kept: of inputs whose preparation is kept in memory; openvino's own is 5,000.

    Returns:
        An ``openvino.InferRequest``.
    """
    options: dict[str, Any] = {
        "INFERENCE_PRECISION_HINT": _HINTS["fp32"],
        "CPU_RUNTIME_CACHE_CAPACITY": shapes_kept,
    }
    if threads is not None:
        options["INFERENCE_NUM_THREADS"] = threads
    return ov.Core().compile_model(model, "CPU", options).create_infer_request()


class OnnxGraph:
    """One graph at one precision.

    The first few shapes of input are compiled exactly, which is faster by a third; further ones
    share one graph of free shape.

    Args:
        path: the ONNX file; or OpenVINO's own, with its numbers beside it.
        precision: ``"fp32"``, ``"bf16"``, or ``"int8"`` for what calibration made of a graph.
        threads: processor threads at most.
        requests: how many calls may compute at the same time.
        exact_shapes: how many shapes of input to compile exactly.
        fixed: inputs whose values are compiled exactly, too, as shapes depend on them.
    """

    def __init__(
        self,
        path: Path,
        precision: str,
        threads: int | None = None,
        requests: int = 1,
        exact_shapes: int = EXACT_SHAPES,
        fixed: Iterable[str] = (),
    ) -> None:
        self._fixed = frozenset(fixed)
        self._core = ov.Core()
        self._path = path
        self._requests = requests
        self._exact_shapes = exact_shapes
        self._options: dict[str, str | int] = {
            "INFERENCE_PRECISION_HINT": _HINTS[precision],
            "PERFORMANCE_HINT": "THROUGHPUT" if requests > 1 else "LATENCY",
            "PERFORMANCE_HINT_NUM_REQUESTS": requests,
        }
        if threads is not None:
            self._options["INFERENCE_NUM_THREADS"] = min(threads, os.cpu_count() or 1)
        self._pools: dict[object, queue.SimpleQueue[ov.InferRequest]] = {}
        self._lock = threading.Lock()

    def __call__(self, inputs: Mapping[str, npt.NDArray[Any]]) -> Floats:
        """The graph's first output, see ``outputs``."""
        return self.outputs(inputs)[0]

    def outputs(self, inputs: Mapping[str, npt.NDArray[Any]]) -> list[Floats]:
        """All outputs of the graph, float32. Inputs that it has no use for are left out.

        Raises:
            CheckpointError: OpenVINO cannot run the file.
        """
        used = {name: array for name, array in inputs.items() if name in self.input_names}
        pool = self._pool(used)
        request = pool.get()
        try:
            left = frozenset[str]().union(*(known.names for known in request.model_inputs))
            request.infer({name: array for name, array in used.items() if name in left})
            return [np.array(tensor.data, np.float32) for tensor in request.output_tensors]
        finally:
            pool.put(request)

    def output_shapes(self, inputs: Mapping[str, tuple[int, ...]]) -> list[tuple[int, ...]]:
        """Of all outputs for inputs of these shapes; -1 where it depends on other inputs."""
        model = self._read()
        model.reshape({name: list(shape) for name, shape in inputs.items()})
        return [
            tuple(length.get_length() if length.is_static else -1 for length in known.partial_shape)
            for known in model.outputs
        ]

    @cached_property
    def input_names(self) -> frozenset[str]:
        """Of the inputs."""
        model = self._read()
        return frozenset(name for known in model.inputs for name in known.names)

    def _read(self) -> Any:
        try:
            return self._core.read_model(self._path)
        except RuntimeError as error:
            raise self._refusal(error) from error

    def _refusal(self, error: RuntimeError) -> CheckpointError:
        reason = str(error).strip().splitlines()[-1]
        return CheckpointError(f"OpenVINO cannot run it ({reason[:200]})", where=self._path)

    def _pool(self, used: dict[str, npt.NDArray[Any]]) -> "queue.SimpleQueue[ov.InferRequest]":
        with self._lock:
            key: object = tuple(
                (name, used[name].tobytes() if name in self._fixed else array.shape)
                for name, array in used.items()
            )
            exact = key in self._pools or len(self._pools) < self._exact_shapes
            if not exact:
                key = None
            if key not in self._pools:
                self._pools[key] = self._compile(used if exact else {})
            return self._pools[key]

    def _compile(self, used: dict[str, npt.NDArray[Any]]) -> "queue.SimpleQueue[ov.InferRequest]":
        model = self._read()
        try:
            if used:
                model.reshape({name: list(array.shape) for name, array in used.items()})
                for name in self._fixed:
                    _fix(model, name, used[name])
            compiled = self._core.compile_model(model, "CPU", self._options)
        except RuntimeError as error:
            raise self._refusal(error) from error
        pool: queue.SimpleQueue[ov.InferRequest] = queue.SimpleQueue()
        for _ in range(self._requests):
            pool.put(compiled.create_infer_request())
        return pool


def _fix(model: Any, name: str, value: npt.NDArray[Any]) -> None:
    """Give an input of a model its value for good."""
    given = model.input(name).get_node()
    for use in given.output(0).get_target_inputs():
        use.replace_source_output(ov.op.Constant(value).output(0))
    model.remove_parameter(given)
