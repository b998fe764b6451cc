"""PyTorch: on CUDA, on Apple's MPS, or on the processor."""

import os
import threading
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import AbstractContextManager

import torch
from torch import Tensor

from touchline.engines import FloatPrecision, Floats, Frames
from touchline.engines.networks import load_network
from touchline.models.deploy import DeployedHead, DeployedPictures, DeployedSpotter
from touchline.zoo.store import ModelFolder

PICTURES_AT_ONCE = 64
"""Pictures that the picture network takes in one go when frames are shared."""


def accelerator() -> str | None:
    """``"cuda"`` or ``"mps"`` if there is one."""
    if torch.cuda.is_available():
        return "cuda"
    return "mps" if torch.backends.mps.is_available() else None


class TorchEngine:
    """An ``Engine`` on PyTorch.

    Args:
        folder: the model; its ``model.safetensors`` is read.
        precision: ``"auto"`` is bfloat16 on CUDA where the card has it, else float32.
        threads: processor threads, for the whole process, as PyTorch has it.

    Raises:
        CheckpointError: weights that are damaged or do not fit.
    """

    def __init__(
        self, folder: ModelFolder, precision: FloatPrecision = "auto", threads: int | None = None
    ) -> None:
        if threads is not None:
            torch.set_num_threads(min(threads, os.cpu_count() or 1))
        self._device = accelerator() or "cpu"
        network = load_network(folder).channels_last().to(self._device)
        self._half = precision == "bf16" or (
            precision == "auto" and self._device == "cuda" and torch.cuda.is_bf16_supported()
        )
        self.remarks: tuple[str, ...] = ()
        self.name = f"torch {self._device} {'bf16' if self._half else 'fp32'}"
        self.clip_len = network.config.clip_len
        self.num_outputs = network.config.num_outputs
        self.shares_frames = network.config.shares_frames
        self._spotter = DeployedSpotter(network, folder.card.crop).to(self._device).eval()
        self._pictures = DeployedPictures(network, folder.card.crop).to(self._device).eval()
        self._head = DeployedHead(network).eval()
        self._frame_size = folder.card.picture_size[::-1]
        self._padding: dict[tuple[int, int], Tensor] = {}
        self._lock = threading.Lock()
        self._worker = ThreadPoolExecutor(1, thread_name_prefix="touchline-torch")

    def logits(self, frames: Frames, valid: Floats) -> Floats:
        """See ``Engine.logits``."""
        with self._lock, torch.inference_mode(), self._autocast():
            logits = self._spotter(self._tensor(frames), self._tensor(valid))
            return logits.float().cpu().numpy()

    def submit(self, frames: Frames, valid: Floats) -> Future[Floats]:
        """See ``Engine.submit``."""
        return self._worker.submit(self.logits, frames, valid)

    def features(self, frames: Frames) -> Floats:
        """See ``Engine.features``."""
        with self._lock, torch.inference_mode(), self._autocast():
            self._frame_size = frames.shape[1:3]
            parts = [
                self._pictures(part, torch.ones(len(part), device=self._device)).float().cpu()
                for part in map(self._tensor, _parts(frames))
            ]
        return torch.cat(parts).numpy()

    def head(self, features: Floats, valid: Floats) -> Floats:
        """See ``Engine.head``."""
        with self._lock, torch.inference_mode(), self._autocast():
            whole = self._tensor(features)
            if not valid.all():
                known = self._tensor(valid) > 0
                known = known.reshape(*known.shape, *[1] * (whole.ndim - 2))
                whole = torch.where(known, whole, self._padding_features())
            return self._head(whole).float().cpu().numpy()

    def close(self) -> None:
        """See ``Engine.close``."""
        self._worker.shutdown(cancel_futures=True)

    def _autocast(self) -> AbstractContextManager[object]:
        return torch.autocast(self._device, torch.bfloat16, enabled=self._half)

    def _tensor(self, array: Frames | Floats) -> Tensor:
        return torch.from_numpy(array).to(self._device, non_blocking=True)

    def _padding_features(self) -> Tensor:
        size = self._frame_size
        if size not in self._padding:
            frame = torch.zeros(1, *size, 3, dtype=torch.uint8, device=self._device)
            self._padding[size] = self._pictures(frame, torch.zeros(1, device=self._device)).float()
        return self._padding[size]


def _parts(frames: Frames) -> list[Frames]:
    return [frames[i : i + PICTURES_AT_ONCE] for i in range(0, len(frames), PICTURES_AT_ONCE)]
