"""Where a network runs: arrays in, arrays out, whatever computes in between."""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Callable
from concurrent.futures import Future
from pathlib import Path
from typing import Any, Literal, Protocol, runtime_checkable

import numpy as np
import numpy.typing as npt

from touchline.errors import ConfigError, MissingExtraError
from touchline.zoo.store import ModelFolder

EngineName = Literal["auto", "openvino", "torch"]
FloatPrecision = Literal["auto", "fp32", "bf16"]
Precision = Literal[FloatPrecision, "int8"]

Inputs = npt.NDArray[Any]
Frames = npt.NDArray[np.uint8]
Floats = npt.NDArray[np.float32]

_GPU_DEVICES = ("/dev/nvidiactl", "/dev/nvhost-gpu", "/dev/nvgpu", "/dev/dxg", "/dev/kfd")
"""One of these is there on every Linux on which PyTorch can reach a GPU."""


class Engine(Protocol):
    """A network ready to run. All methods may be called from several threads at once.

    Attributes:
        name: what computes, such as ``"openvino bf16"``.
        clip_len: most frames of a clip.
        num_outputs: classes and background, which is output 0.
        shares_frames: whether frames are independent of each other before the head, so that
            overlapping clips can pass the picture network once: ``features``, then ``head``.
        remarks: what whoever reads its results should know of how they were computed.
    """

    name: str
    clip_len: int
    num_outputs: int
    shares_frames: bool
    remarks: tuple[str, ...]

    def logits(self, frames: Frames, valid: Floats) -> Floats:
        """What the network says: class logits, for a system that decodes more than these more.

        Args:
            frames: (B, T, H, W, 3) uint8 RGB.
            valid: (B, T), 1 for a frame, 0 for padding, whose pixels do not matter.

        Returns:
            (B, T, K+1) float32, or what ``touchline.spotting.windows.decoder`` takes.
        """
        ...

    def submit(self, frames: Frames, valid: Floats) -> Future[Floats]:
        """``logits`` without waiting. The arrays must stay unchanged until the result is there."""
        ...

    def features(self, frames: Frames) -> Floats:
        """(N, H, W, C) uint8 -> (N, D) or (N, D, h, w) float32; only if ``shares_frames``.

        C is 3, or more where a network's pictures are stacks of frames.
        """
        ...

    def head(self, features: Floats, valid: Floats) -> Floats:
        """Features (B, T, ...) and valid (B, T) -> as ``logits``; only if ``shares_frames``. A
        network that scores every class by itself says K of each step, or of the middle one alone.

        Features of padding are put in here; what stands in their place does not matter.
        """
        ...

    def close(self) -> None:
        """Let go of memory and threads."""
        ...


@runtime_checkable
class ConsecutiveWindows(Protocol):
    """An engine that need not compute twice what windows share of a network that shifts in time."""

    def consecutive(self, overlap: int) -> Callable[[Inputs, Floats], Floats] | None:
        """The way through windows of one video, in their order.

        Args:
            overlap: frames that each shares with the one before.

        Returns:
            Of frames (clip_len, H, W, 3), or features of them where the engine ``shares_frames``,
            and valid (clip_len,), the logits that ``Engine.logits`` or ``Engine.head`` gives; to be
            called from one thread at a time. None where windows share nothing, or not enough.
        """
        ...


def open_engine(
    folder: ModelFolder,
    *,
    engine: EngineName = "auto",
    precision: Precision = "auto",
    threads: int | None = None,
    int8: bool = True,
) -> Engine:
    """Make a model ready to run.

    Args:
        folder: the model.
        engine: ``"auto"`` takes PyTorch where there is a GPU, else OpenVINO, else PyTorch.
        precision: of the computation; ``"auto"`` takes bfloat16 where the hardware has it and,
            on the first clips, no score moves by more than 0.05; else float32. Of a model with an
            int8 variant (``touchline.spotting.quantizing``), the fastest of what there is, see
            ``touchline.engines.trial``, under the same condition.
        int8: whether ``"auto"`` may choose that variant.
        threads: processor threads to use at most; all by default.

    Raises:
        CheckpointError: the model's files are broken.
        ConfigError: the model has no files for this engine, or takes features; or an option is
            not known.
        MissingExtraError: PyTorch is needed and not installed.
    """
    if precision not in ("auto", "fp32", "bf16", "int8"):
        raise ConfigError(f"precision {precision!r}", remedy="choose of auto, fp32, bf16, int8")
    if threads is not None and threads < 1:
        raise ConfigError(f"{threads} threads", remedy="give 1 or more")
    folder.card.require_video()
    engine = chosen_engine(folder, engine)
    if engine == "openvino":
        if not folder.onnx_files:
            raise ConfigError(
                f"model {folder.card.name} has no ONNX files",
                remedy=f"run: touchline models export {folder.card.name}",
            )
        from touchline.engines.openvino import OpenVINOEngine

        return OpenVINOEngine(folder, precision, threads, int8=int8)
    if engine == "torch":
        if not folder.has_weights:
            raise ConfigError(
                f"model {folder.card.name} has no weights for PyTorch", remedy="use openvino"
            )
        if not _torch_installed():
            raise MissingExtraError("running a network with PyTorch", "torch")
        if precision == "int8":
            raise ConfigError("PyTorch does not run int8 variants", remedy="use openvino")
        from touchline.engines.torch import TorchEngine

        return TorchEngine(folder, precision, threads)
    raise ConfigError(f"engine {engine!r}", remedy="choose of auto, openvino, torch")


def _torch_installed() -> bool:
    return all(importlib.util.find_spec(name) is not None for name in ("torch", "timm"))


def may_have_gpu() -> bool:
    """Whether to ask PyTorch: importing it for nothing takes seconds and 700 MB."""
    return sys.platform != "linux" or any(Path(device).exists() for device in _GPU_DEVICES)


def chosen_engine(folder: ModelFolder, engine: EngineName) -> EngineName:
    """The engine that ``open_engine`` opens.

    Raises:
        MissingExtraError, ConfigError: see ``open_engine``.
    """
    if engine != "auto":
        return engine
    usable = folder.has_weights and _torch_installed()
    if usable and not folder.onnx_files:
        return "torch"
    if usable and may_have_gpu():
        from touchline.engines.torch import accelerator

        if accelerator() is not None:
            return "torch"
    if folder.onnx_files:
        return "openvino"
    if folder.has_weights:
        raise MissingExtraError(f"model {folder.card.name} has no ONNX files, and PyTorch", "torch")
    raise ConfigError(
        f"model {folder.card.name} has no weights", remedy="import, pull or export it again"
    )
