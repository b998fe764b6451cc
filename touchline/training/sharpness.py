"""Sharpness-aware minimisation (Foret et al., ICLR 2021) around AdamW."""

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, nn

from touchline.errors import ConfigError

_SMALLEST_NORM = 1e-12


class SharpnessAwareAdamW(torch.optim.AdamW):
    """AdamW whose gradient is taken where the loss is highest nearby.

    A group of parameters has ``rho``, how far away that is; at 0 the group is trained by AdamW as
    it is, and its second gradient is not computed. A step calls its closure twice, with the same
    random numbers. Every group is a network of its own: its gradient has a norm of its own.

    Args:
        groups: parameter groups with ``lr``, ``weight_decay`` and ``rho``.
    """

    def __init__(self, groups: Iterable[dict[str, Any]]) -> None:
        super().__init__(groups)
        for group in self.param_groups:
            group.setdefault("rho", 0.0)
            group["initial_lr"] = group["lr"]

    def step(self, closure: Callable[[], Any] | None = None) -> Any:
        """One step.

        Args:
            closure: computes the loss and its gradients afresh.

        Raises:
            ConfigError: there is no closure, as with a gradient scaler, and a group is sharp.
        """
        if closure is None:
            self.require_plain()
            return super().step()
        sharp = [group for group in self.param_groups if group["rho"]]
        with torch.enable_grad():
            if not sharp:
                loss = closure()
            else:
                with torch.random.fork_rng(_devices(sharp)):
                    loss = closure()
                still = [group for group in self.param_groups if not group["rho"]]
                with _climbed(sharp), _frozen(still):
                    closure()
        super().step()
        return loss

    def require_plain(self) -> None:
        """Refuse to go without a closure.

        Raises:
            ConfigError: a group is trained sharpness-aware.
        """
        if any(group["rho"] for group in self.param_groups):
            raise ConfigError(
                "sharpness-aware training takes two gradients a step",
                where="run.precision",
                remedy="use bf16 or fp32",
            )


def _parameters(groups: Iterable[dict[str, Any]]) -> list[nn.Parameter]:
    return [p for group in groups for p in group["params"]]


def _devices(groups: Iterable[dict[str, Any]]) -> list[int]:
    devices = {p.device for p in _parameters(groups) if p.device.type == "cuda"}
    return [device.index for device in devices]


@contextmanager
def _climbed(groups: Iterable[dict[str, Any]]) -> Iterator[None]:
    """Weights moved to where the loss is highest nearby, and back."""
    moves: list[tuple[Tensor, Tensor]] = []
    with torch.no_grad():
        for group in groups:
            moved = [p for p in group["params"] if p.grad is not None]
            if not moved:
                continue
            norm = torch.stack([p.grad.norm() for p in moved]).norm()
            scale = group["rho"] / (norm + _SMALLEST_NORM)
            moves += [(p, p.grad * scale) for p in moved]
        before = [(p, p.clone()) for p, _ in moves]
        for p, move in moves:
            p.add_(move)
    try:
        yield
    finally:
        with torch.no_grad():
            for p, value in before:
                p.copy_(value)


@contextmanager
def _frozen(groups: Iterable[dict[str, Any]]) -> Iterator[None]:
    """No gradients for these parameters; those that they have stay."""
    held = [(p, p.grad) for p in _parameters(groups) if p.requires_grad]
    for p, _ in held:
        p.requires_grad_(False)
        p.grad = None
    try:
        yield
    finally:
        for p, gradient in held:
            p.requires_grad_(True)
            p.grad = gradient
