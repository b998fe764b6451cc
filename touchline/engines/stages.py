"""Where the stages of a network of features run: arrays in, arrays out. Needs no PyTorch.

What a network needs to be run stage by stage is in its folder since its export: a graph for each
stage, and ``stages.json``, which names them and holds the facts of its configuration.
"""

import importlib.util
import json
from types import SimpleNamespace
from typing import Any, Literal, Protocol

from touchline.engines import EngineName, Floats, Inputs, may_have_gpu
from touchline.errors import CheckpointError, ConfigError, MissingExtraError
from touchline.zoo.store import STAGES_FILE, ModelFolder

SHAPES_KEPT = 2
"""Shapes that a graph is compiled for: whole groups of rows or clips, and the last ones."""

_MAX_BYTES = 1_000_000


class Stages(Protocol):
    """A network of features ready to run, stage by stage.

    Attributes:
        name: what computes, such as ``"openvino fp32"``.
        config: the network's configuration, or its facts: fields and what follows from them.
    """

    name: str
    config: Any

    def has(self, stage: str) -> bool:
        """Whether there is such a stage."""
        ...

    def __call__(self, stage: str, **inputs: Inputs) -> Floats:
        """The output of a stage, float32; the first axis is that of the inputs."""
        ...


def open_stages(
    folder: ModelFolder,
    *,
    engine: EngineName = "auto",
    precision: Literal["fp32", "bf16"] = "fp32",
    threads: int | None = None,
) -> Stages:
    """Make a network of features ready to run.

    Args:
        engine: ``"auto"`` takes PyTorch where there is a GPU, else the graphs on OpenVINO where
            they are there, else PyTorch, as ``"openvino"`` does.
        precision: of the computation.
        threads: processor threads at most, of OpenVINO.

    Raises:
        CheckpointError: files that are damaged, or weights that do not fit.
        ConfigError: bfloat16 on a processor without it.
        MissingExtraError: PyTorch is needed and not installed.
    """
    has_graphs = STAGES_FILE in folder.card.files
    has_torch = has_package("torch")
    if engine == "auto" and has_torch and _has_gpu():
        engine = "torch"
    if engine != "torch" and has_graphs:
        return OnnxStages(folder, precision, threads)
    if not has_torch:
        raise MissingExtraError("running a network of features without ONNX files", "torch")
    from touchline.engines.networks import load_network
    from touchline.engines.torch import accelerator
    from touchline.engines.torch_stages import TorchStages

    return TorchStages(load_network(folder).to(accelerator() or "cpu"), precision)


def has_package(name: str) -> bool:
    """Whether a package can be imported; one that is set to None in ``sys.modules`` cannot."""
    try:
        return importlib.util.find_spec(name) is not None
    except ValueError:
        return False


def _has_gpu() -> bool:
    if not may_have_gpu():
        return False
    from touchline.engines.torch import accelerator

    return accelerator() is not None


class OnnxStages:
    """``Stages`` on OpenVINO.

    Raises:
        CheckpointError: a ``stages.json`` that is damaged.
        ConfigError: bfloat16 on a processor without it.
    """

    def __init__(
        self, folder: ModelFolder, precision: Literal["fp32", "bf16"], threads: int | None
    ) -> None:
        from touchline.engines.openvino_graph import OnnxGraph, has_bfloat16

        if precision == "bf16" and not has_bfloat16():
            raise ConfigError("this processor has no bfloat16", remedy="use auto or fp32")
        told = _read(folder)
        self.name = f"openvino {precision}"
        self.config = SimpleNamespace(**told["config"])
        self._graphs = {
            stage: OnnxGraph(folder.file(file), precision, threads, exact_shapes=SHAPES_KEPT)
            for stage, file in told["stages"].items()
        }

    def has(self, stage: str) -> bool:
        """See ``Stages``."""
        return stage in self._graphs

    def __call__(self, stage: str, **inputs: Inputs) -> Floats:
        """See ``Stages``."""
        return self._graphs[stage](inputs)


def _read(folder: ModelFolder) -> dict[str, Any]:
    path = folder.file(STAGES_FILE)
    try:
        with path.open("rb") as file:
            told = json.loads(file.read(_MAX_BYTES))
        config, stages = told["config"], told["stages"]
        if not all(isinstance(name, str) for pair in stages.items() for name in pair):
            raise TypeError
        return {"config": {str(key): value for key, value in config.items()}, "stages": stages}
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise CheckpointError("does not name the stages of a network", where=path) from error
