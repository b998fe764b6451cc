"""Masks drawn our way: how many ones, what decides them, and where they hold."""

import pytest

pytest.importorskip("torch", reason="training needs the optional part [train]")

import torch
from hypothesis import given
from hypothesis import strategies as st
from torch.nn import functional as F

from touchline.training.masks import quick_masks

MANY = 400_000


@pytest.mark.parametrize("chance", [0.1, 0.3, 0.5, 0.9])
def test_dropout_keeps_its_share_and_the_mean(chance: float) -> None:
    torch.manual_seed(3)
    with quick_masks():
        kept = F.dropout(torch.ones(MANY), chance, training=True)
    deviation = (chance * (1 - chance) / MANY) ** 0.5
    assert abs((kept == 0).double().mean() - chance) < 5 * deviation
    assert torch.equal(kept[kept != 0].unique(), torch.tensor([1 / (1 - chance)]))


def test_neighbours_are_independent() -> None:
    torch.manual_seed(4)
    with quick_masks():
        mask = torch.empty(MANY).bernoulli_(0.4).double() - 0.4
    for lag in range(1, 9):  # four numbers share 64 random bits
        correlation = (mask[lag:] * mask[:-lag]).mean() / (0.4 * 0.6)
        assert abs(correlation) < 5 / MANY**0.5


@given(
    shape=st.lists(st.integers(0, 5), max_size=4),
    chance=st.sampled_from([0.0, 1e-9, 0.2, 0.999999999, 1.0]),
    dtype=st.sampled_from([torch.float32, torch.float64, torch.bfloat16]),
)
def test_any_shape_and_chance(shape: list[int], chance: float, dtype: torch.dtype) -> None:
    mask = torch.full(shape, torch.nan, dtype=dtype)
    with quick_masks():
        assert mask.bernoulli_(chance) is mask
    assert ((mask == 0) | (mask == 1)).all()
    if chance in (0.0, 1.0):
        assert (mask == chance).all()


def test_a_mask_follows_from_the_random_state_of_pytorch() -> None:
    def drawn(seed: int) -> torch.Tensor:
        torch.manual_seed(seed)
        return torch.cat([torch.empty(500).bernoulli_(0.5) for _ in range(2)])

    with quick_masks():
        assert torch.equal(drawn(7), drawn(7))
        assert not torch.equal(drawn(7), drawn(8))
        first, second = drawn(7).split(500)
        assert not torch.equal(first, second)
        generator = torch.Generator().manual_seed(7)
        alone = torch.empty(500).bernoulli_(0.5, generator=generator)
    assert torch.equal(alone, first)


def test_what_is_not_contiguous_is_filled_too() -> None:
    torch.manual_seed(5)
    table = torch.full((40, 60), torch.nan)
    with quick_masks():
        table[:, ::2].bernoulli_(0.5)
    assert not table[:, ::2].isnan().any()
    assert table[:, 1::2].isnan().all()


def test_attention_of_pytorch_draws_its_mask_our_way_too() -> None:
    layer = torch.nn.MultiheadAttention(8, 2, dropout=0.5, batch_first=True)
    x = torch.randn(2, 30, 8)

    def attended() -> torch.Tensor:
        torch.manual_seed(1)
        return layer(x, x, x, need_weights=False)[0]

    theirs = attended()
    with quick_masks():
        ours = attended()
    assert not torch.equal(ours, theirs)
    assert torch.equal(attended(), theirs)


def test_a_chance_that_is_none_is_refused() -> None:
    with quick_masks(), pytest.raises(RuntimeError, match=r"is 1\.5"):
        torch.empty(3).bernoulli_(1.5)


def test_afterwards_pytorch_draws_its_own_masks_again() -> None:
    def drawn() -> torch.Tensor:
        torch.manual_seed(2)
        return torch.empty(200).bernoulli_(0.5)

    before = drawn()
    with pytest.raises(ZeroDivisionError), quick_masks():
        assert not torch.equal(drawn(), before)
        raise ZeroDivisionError
    assert torch.equal(drawn(), before)
