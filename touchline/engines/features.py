"""Where an extractor's network runs: a batch of pictures or log-mel in, rows of features out."""

import importlib.util
from typing import TYPE_CHECKING, Protocol

import numpy as np

from touchline.engines import EngineName, FloatPrecision, Floats, Inputs, may_have_gpu
from touchline.errors import ConfigError, MissingExtraError
from touchline.zoo.extractors import ExtractorFolder

if TYPE_CHECKING:
    from touchline.engines.openvino_graph import OnnxGraph

INPUTS_AT_ONCE = 16

MAX_SHIFT = 0.03
"""How far bfloat16 may move a row, as a share of its length, before float32 is used instead."""


class FeatureNetwork(Protocol):
    """An extractor's network ready to run.

    Attributes:
        name: what computes, such as ``"openvino bf16"``.
    """

    name: str

    def __call__(self, inputs: Inputs) -> Floats:
        """(n, ...) inputs, n at most ``INPUTS_AT_ONCE``, -> (n, dims) float32."""
        ...


def open_feature_network(
    folder: ExtractorFolder,
    graph: str = "features",
    *,
    engine: EngineName = "auto",
    precision: FloatPrecision = "auto",
    threads: int | None = None,
) -> FeatureNetwork:
    """Make an extractor's network ready to run.

    Args:
        graph: which of its maps.
        engine: ``"auto"`` takes PyTorch where there is a GPU, else OpenVINO, else PyTorch.
        precision: ``"auto"`` is bfloat16 where the hardware has it and it moves no row of a trial
            by more than ``MAX_SHIFT``.
        threads: processor threads at most.

    Raises:
        CheckpointError: the extractor's files are broken.
        ConfigError: it has no files for this engine, or the processor not this precision.
        MissingExtraError: PyTorch is needed and not installed.
    """
    has_graph = folder.has(f"{graph}.onnx")
    has_torch = all(importlib.util.find_spec(name) is not None for name in ("torch", "timm"))
    if engine == "openvino" and not has_graph:
        raise ConfigError(
            f"extractor {folder.card.name} has no ONNX files", remedy="run it with engine torch"
        )
    if engine == "auto":
        engine = "torch" if not has_graph or (has_torch and _has_gpu()) else "openvino"
    if engine == "openvino":
        return _OnnxFeatures(folder, graph, precision, threads)
    if not has_torch:
        raise MissingExtraError("running an extractor with PyTorch", "torch")
    from touchline.engines.torch_features import TorchFeatures

    return TorchFeatures(folder, graph, precision, threads)


def _has_gpu() -> bool:
    if not may_have_gpu():
        return False
    from touchline.engines.torch import accelerator

    return accelerator() is not None


class _OnnxFeatures:
    """A graph on OpenVINO, compiled for one size of batch."""

    def __init__(
        self, folder: ExtractorFolder, graph: str, precision: FloatPrecision, threads: int | None
    ) -> None:
        from touchline.engines.openvino_graph import OnnxGraph, has_bfloat16

        path = folder.file(f"{graph}.onnx")
        if precision == "bf16" and not has_bfloat16():
            raise ConfigError("this processor has no bfloat16", remedy="use auto or fp32")
        half = precision != "fp32" and has_bfloat16()
        trial = trial_inputs(folder, graph)
        # Exact rows first, then the graph that stays: both at once would double the memory.
        expected = (
            self._run(OnnxGraph(path, "fp32", threads), trial)
            if half and precision == "auto"
            else None
        )
        self._graph = OnnxGraph(path, "bf16" if half else "fp32", threads)
        if expected is not None:
            half = shift(expected, self._run(self._graph, trial)) <= MAX_SHIFT
            if not half:
                self._graph = OnnxGraph(path, "fp32", threads)
        self.name = f"openvino {'bf16' if half else 'fp32'}"

    def __call__(self, inputs: Inputs) -> Floats:
        """See ``FeatureNetwork``."""
        return self._run(self._graph, inputs)

    @staticmethod
    def _run(graph: "OnnxGraph", inputs: Inputs) -> Floats:
        count = len(inputs)
        if not count:
            return np.empty((0, 0), np.float32)
        if count < INPUTS_AT_ONCE:
            filler = np.zeros((INPUTS_AT_ONCE - count, *inputs.shape[1:]), inputs.dtype)
            inputs = np.concatenate((inputs, filler))
        return graph({"inputs": inputs})[:count]


def shift(expected: Floats, rows: Floats) -> float:
    """The largest distance of a row from where it should be, as a share of its length."""
    lengths = np.linalg.norm(expected, axis=1)
    distances = np.linalg.norm(rows - expected, axis=1)
    return float((distances / np.maximum(lengths, np.finfo(np.float32).tiny)).max())


def trial_inputs(folder: ExtractorFolder, graph: str) -> Inputs:
    """Inputs to compare precisions with, the same every time: coarse patches under noise."""
    rng = np.random.default_rng(0)
    card = folder.card
    if card.width is not None and card.height is not None:
        shape = (4, -(-card.height // 16), -(-card.width // 16), 3)
        pictures = rng.integers(30, 220, shape).repeat(16, axis=1).repeat(16, axis=2)
        pictures = pictures[:, : card.height, : card.width]
        return (pictures + rng.integers(-20, 20, pictures.shape)).astype(np.uint8)
    steps = 46 if graph == "half_seconds" else 96
    patches = rng.normal(-2, 1.5, (4, 12, 8)).repeat(8, axis=1).repeat(8, axis=2)[:, :steps]
    return (patches + rng.normal(0, 0.3, patches.shape)).astype(np.float32)
