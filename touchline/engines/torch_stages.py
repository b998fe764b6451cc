"""The stages of a network of features on PyTorch."""

from contextlib import nullcontext
from typing import Any, Literal

import numpy as np
import torch
from torch import nn

from touchline.engines import Floats, Inputs
from touchline.models.stages import stages_of


class TorchStages:
    """``touchline.engines.stages.Stages`` of a network in evaluation mode, on its device.

    Args:
        network: stays where it is.
        precision: ``"bf16"`` computes in bfloat16 where the network does not say otherwise; by
            default what the caller has chosen.
    """

    def __init__(
        self, network: nn.Module, precision: Literal["fp32", "bf16"] | None = None
    ) -> None:
        self.network = network
        self.config: Any = network.config
        self.device = next(network.parameters()).device
        self.name = f"torch {self.device.type} {precision or 'fp32'}"
        self._half = precision == "bf16"
        self._stages = stages_of(network)

    def has(self, stage: str) -> bool:
        """See ``Stages``."""
        return stage in self._stages

    def __call__(self, stage: str, **inputs: Inputs) -> Floats:
        """See ``Stages``."""
        half = torch.autocast(self.device.type, torch.bfloat16) if self._half else nullcontext()
        arrays = [
            torch.from_numpy(np.ascontiguousarray(inputs[name])).to(self.device) for name in inputs
        ]
        with torch.inference_mode(), half:
            outputs: Floats = self._stages[stage](*arrays).float().cpu().numpy()
        return outputs
