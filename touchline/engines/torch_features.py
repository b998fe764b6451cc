"""Extractors' networks on PyTorch: on CUDA, on Apple's MPS, or on the processor."""

import os

import numpy as np
import torch

from touchline.engines import FloatPrecision, Floats, Inputs
from touchline.engines.networks import load_extractor
from touchline.engines.torch import accelerator
from touchline.models.extractors import NETWORKS
from touchline.zoo.extractors import ExtractorFolder


class TorchFeatures:
    """A ``FeatureNetwork`` on PyTorch.

    Args:
        folder: the extractor.
        graph: which of its maps.
        precision: ``"auto"`` is bfloat16 on CUDA where the card has it, else float32.
        threads: processor threads, for the whole process, as PyTorch has it.
    """

    def __init__(
        self, folder: ExtractorFolder, graph: str, precision: FloatPrecision, threads: int | None
    ) -> None:
        if threads is not None:
            torch.set_num_threads(min(threads, os.cpu_count() or 1))
        self._device = accelerator() or "cpu"
        wrap = NETWORKS[folder.card.network].graphs[graph]
        module = wrap(load_extractor(folder)).eval().to(self._device)
        self._module = module.to(memory_format=torch.channels_last)
        self._half = precision == "bf16" or (
            precision == "auto" and self._device == "cuda" and torch.cuda.is_bf16_supported()
        )
        self.name = f"torch {self._device} {'bf16' if self._half else 'fp32'}"

    def __call__(self, inputs: Inputs) -> Floats:
        """See ``FeatureNetwork``."""
        if not len(inputs):
            return np.empty((0, 0), np.float32)
        with (
            torch.inference_mode(),
            torch.autocast(self._device, torch.bfloat16, enabled=self._half),
        ):
            batch = torch.from_numpy(np.ascontiguousarray(inputs)).to(self._device)
            return self._module(batch).float().cpu().numpy()
