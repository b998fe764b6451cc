"""Time a training step with our dropout against the same step with PyTorch's.

Prints one JSON line. NetVLAD++ as its recipe has it (256 clips of 30 rows of 512 numbers), and a
layer of attention (8 clips of 240 steps, 8 heads), take turns with PyTorch's own dropout and with
that of ``touchline/models/parts/dropout.py``: forward, loss and backward. Seconds are those of the
processor, which other work on the machine changes least; medians over the rounds.

    python benchmarks/dropout.py [--rounds 15] [--threads N]
"""

import argparse
import json
import os
import platform
import statistics
import time
from collections.abc import Callable

import torch
from torch import Tensor, nn

from touchline.models.parts.dropout import Dropout, with_fast_dropout
from touchline.models.pooling import PoolingConfig, PoolingNetwork
from touchline.training.allocator import keep_freed_memory

WARM_UP = 2
Step = Callable[[], None]


def training_step(network: nn.Module, inputs: tuple[Tensor, ...]) -> Step:
    """Forward, a loss and backward of a network in training."""
    network.train()

    def step() -> None:
        network.zero_grad(set_to_none=True)
        output = network(*inputs)
        output = output[0] if isinstance(output, tuple) else output
        output.float().square().mean().backward()

    return step


def netvlad(*, ours: bool) -> Step:
    """A step of NetVLAD++."""
    torch.manual_seed(0)
    config = PoolingConfig(pooling="netvlad++", num_classes=17, feature_width=512, clip_steps=30)
    network = PoolingNetwork(config)
    if not ours:
        network.drop = nn.Dropout(network.drop.p)
    assert isinstance(network.drop, Dropout) == ours
    return training_step(network, (torch.randn(256, 30, 512),))


def attention(*, ours: bool) -> Step:
    """A step of a layer of attention with feed-forward part, as ASTRA and fusion have it."""
    torch.manual_seed(0)
    layer = nn.TransformerEncoderLayer(512, 8, 512, dropout=0.1, batch_first=True)
    return training_step(with_fast_dropout(layer) if ours else layer, (torch.randn(8, 240, 512),))


def turns(make: Callable[..., Step], rounds: int) -> dict[str, float]:
    """Medians of processor seconds of both, and of the ratio of the rounds."""
    steps = {ours: make(ours=ours) for ours in (False, True)}
    seconds: dict[bool, list[float]] = {False: [], True: []}
    for number in range(WARM_UP + rounds):
        for ours, step in steps.items():
            began = time.process_time()
            step()
            if number >= WARM_UP:
                seconds[ours].append(time.process_time() - began)
    ratios = [peer / own for peer, own in zip(seconds[False], seconds[True], strict=True)]
    return {
        "pytorch_ms": round(1000 * statistics.median(seconds[False]), 1),
        "ours_ms": round(1000 * statistics.median(seconds[True]), 1),
        "ratio": round(statistics.median(ratios), 2),
        "least_ratio": round(min(ratios), 2),
        "greatest_ratio": round(max(ratios), 2),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--threads", type=int, default=torch.get_num_threads())
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    keep_freed_memory()
    figures = {
        "netvlad++": turns(netvlad, options.rounds),
        "attention": turns(attention, options.rounds),
    }
    print(
        json.dumps(
            {
                **figures,
                "threads": options.threads,
                "load": round(os.getloadavg()[0], 1),
                "torch": torch.__version__,
                "processor": platform.processor() or platform.machine(),
            }
        )
    )


if __name__ == "__main__":
    main()
