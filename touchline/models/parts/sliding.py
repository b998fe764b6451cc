"""What every window of a sequence sums to, without passing any row once per window.

Windows of ``steps`` rows begin at every row that leaves room for one. Each sum is built from sums
of half as many rows, so nothing is ever subtracted: small values keep their digits beside large
ones, which differences of running sums would lose.
"""

import torch
from torch import Tensor
from torch.nn import functional as F

_GRAM_ROWS = 64


def sliding_sum(x: Tensor, steps: int) -> Tensor:
    """(N, ...) -> (N - steps + 1, ...): the sum of every window; N is at least ``steps``."""
    if steps == 1:
        return x
    half = steps // 2
    halves = sliding_sum(x, half)
    pairs = halves[: len(halves) - half] + halves[half:]
    return pairs if steps % 2 == 0 else pairs[:-1] + x[2 * half :]


def sliding_max(x: Tensor, steps: int) -> Tensor:
    """(N, ...) -> (N - steps + 1, ...): the maximum of every window; N is at least ``steps``."""
    if steps == 1:
        return x
    half = (steps + 1) // 2
    halves = sliding_max(x, half)
    rest = steps - half
    return torch.maximum(halves[: len(halves) - rest], halves[rest:])


def sliding_energy(x: Tensor, weights: Tensor, steps: int) -> Tensor:
    """Squared length of every window's weighted sum of vectors, without forming the sums.

    ``|sum_t w_t x_t|^2 = sum_t,u w_t w_u (x_t . x_u)``, where only rows less than ``steps`` apart
    ever meet: a band of products serves all windows and all columns of weights.

    Args:
        x: (N, D).
        weights: (N, K), a weighting per column.
        steps: rows of a window, at most N.

    Returns:
        (N - steps + 1, K), in the dtype of ``x``.
    """
    band = _band_of_products(x, steps)
    count = len(x) - steps + 1
    energy = weights.new_zeros(count, weights.shape[1])
    reached = weights.new_zeros(weights.shape)  # per row t: the sum over u in t .. t + lag
    for lag in range(steps):
        rows = len(x) - lag
        products = weights[:rows] * weights[lag:] * band[:rows, lag : lag + 1]
        reached = reached[:rows] + (2 * products if lag else products)
        energy += reached[steps - 1 - lag : steps - 1 - lag + count]
    return energy


def _band_of_products(x: Tensor, steps: int) -> Tensor:
    """(N, steps): the product of row t with row t + lag; beyond the last row, 0."""
    blocks = -(-len(x) // _GRAM_ROWS)
    padded = F.pad(x, (0, 0, 0, blocks * _GRAM_ROWS - len(x) + steps - 1))
    rows = padded[: blocks * _GRAM_ROWS].view(blocks, _GRAM_ROWS, -1)
    columns = padded.unfold(0, _GRAM_ROWS + steps - 1, _GRAM_ROWS)
    products = rows @ columns
    lags = [products.diagonal(lag, 1, 2) for lag in range(steps)]
    return torch.stack(lags, dim=-1).flatten(0, 1)[: len(x)]
