"""Random masks, such as those of dropout, drawn faster on a processor than PyTorch draws them."""

from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
import torch
from torch import Tensor

_LEVELS = 1 << 16
_LOWEST = -(1 << 15)


@contextmanager
def quick_masks() -> Iterator[None]:
    """Within this context, PyTorch fills tensors on the processor with zeros and ones our way.

    PyTorch (2.15) draws the numbers of a mask one after the other on one thread, and dropout before
    the classifier is then half of a training step of NetVLAD. Here 64 random bits serve four
    numbers, and all threads compare them. This holds for whatever draws such a mask: dropout as a
    layer, as a function, and within PyTorch's own attention.

    The masks follow from PyTorch's random state, but are others than PyTorch's. A chance is rounded
    to the nearest multiple of 1/65,536.
    """
    library = torch.library.Library("aten", "IMPL")
    library.impl("bernoulli_.float", _fill, "CPU", allow_override=True)
    try:
        yield
    finally:
        library._destroy()


def _fill(mask: Tensor, p: float = 0.5, *, generator: torch.Generator | None = None) -> Tensor:
    """``Tensor.bernoulli_``: ones with chance ``p``, in place."""
    if not 0 <= p <= 1:
        raise RuntimeError(f"the chance of a mask is {p}, which is not between 0 and 1")
    seed = int(torch.randint(torch.iinfo(torch.int64).max, (), generator=generator))
    ones = round(p * _LEVELS)
    if ones == _LEVELS:
        return mask.fill_(1)
    drawn = np.random.SFC64(seed).random_raw(-(-mask.numel() // 4)).view(np.int16)
    levels = torch.from_numpy(drawn)[: mask.numel()].view(mask.shape)
    return mask.copy_(levels < _LOWEST + ones)
