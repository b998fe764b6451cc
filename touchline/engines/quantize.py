"""Graphs in int8, by calibration with NNCF: weights and activations in eight bits where it pays."""

import contextlib
import io
import logging
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy.typing as npt

from touchline.engines.openvino_graph import ov, without_module
from touchline.errors import CheckpointError, ConfigError, MissingExtraError
from touchline.zoo.store import INT8_FILES, ModelFolder

Arrays = Mapping[str, npt.NDArray[Any]]


def require_quantizable(folder: ModelFolder) -> None:
    """See at once whether a model can have an int8 variant here.

    Raises:
        ConfigError: it reads features, or has no graphs of pictures for OpenVINO.
        MissingExtraError: NNCF is not installed.
    """
    folder.card.require_video()
    if not any(name in INT8_FILES for name in folder.onnx_files):
        raise ConfigError(
            f"model {folder.card.name} has no graph of pictures for OpenVINO",
            remedy=f"run: touchline models export {folder.card.name}",
        )
    _nncf()


def quantize_graphs(
    folder: ModelFolder, samples: Mapping[str, Sequence[Arrays]], out: Path
) -> list[Path]:
    """Write the int8 variants of a model's graphs that see pictures; the head stays as it is.

    Args:
        samples: inputs of each graph, by its file, that are typical of what it sees.
        out: folder to write to.

    Returns:
        The files: those of ``ModelFolder.int8_files``, in their order.

    Raises:
        CheckpointError: a graph that NNCF cannot quantize.
        MissingExtraError: NNCF is not installed.
    """
    nncf = _nncf()
    written = []
    for name in folder.onnx_files:
        if name not in INT8_FILES:
            continue
        given = samples[name]
        path = folder.file(name)
        model = ov.Core().read_model(path)
        used = {one for known in model.inputs for one in known.names}

        def inputs(sample: Arrays, used: set[str] = used) -> dict[str, npt.NDArray[Any]]:
            return {key: value for key, value in sample.items() if key in used}

        try:
            # It draws progress bars of its own, one for each of its steps.
            with contextlib.redirect_stdout(io.StringIO()):
                made = nncf.quantize(
                    model,
                    nncf.Dataset(list(given), inputs),
                    subset_size=len(given),
                    preset=nncf.QuantizationPreset.PERFORMANCE,
                )
        except (RuntimeError, ValueError, nncf.ValidationError) as error:
            reason = str(error).strip().splitlines()[-1]
            raise CheckpointError(
                f"NNCF cannot quantize it ({reason[:200]})", where=path
            ) from error
        graph, numbers = (out / file for file in INT8_FILES[name])
        ov.save_model(made, graph, compress_to_fp16=False)
        written += [graph, numbers]
    return written


def _nncf() -> Any:
    # Where PyTorch is installed, importing it says that there is no CUDA.
    logging.getLogger("torch.utils.cpp_extension").setLevel(logging.ERROR)
    # It reports its use to its maker by the same package as openvino.
    try:
        with without_module("openvino_telemetry"):
            import nncf
    except ImportError as error:
        raise MissingExtraError("int8 by calibration", "quantize") from error
    nncf.set_log_level(logging.ERROR)
    return nncf
