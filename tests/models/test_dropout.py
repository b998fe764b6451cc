"""Dropout drawn our way: how many ones, what decides them, and that nothing else is touched."""

import pytest
from extras import needs

torch = needs("torch")

from hypothesis import given  # noqa: E402
from hypothesis import strategies as st  # noqa: E402
from torch import nn  # noqa: E402

from touchline.models.parts.dropout import (  # noqa: E402
    Attention,
    Dropout,
    draw_mask,
    dropout,
    with_fast_dropout,
)

MANY = 400_000


@pytest.mark.parametrize("chance", [0.1, 0.3, 0.5, 0.9])
def test_dropout_keeps_its_share_and_the_mean(chance: float) -> None:
    torch.manual_seed(3)
    kept = Dropout(chance)(torch.ones(MANY))
    deviation = (chance * (1 - chance) / MANY) ** 0.5
    assert abs((kept == 0).double().mean() - chance) < 5 * deviation
    assert torch.equal(kept[kept != 0].unique(), torch.tensor([1 / (1 - chance)]))


def test_neighbours_are_independent() -> None:
    torch.manual_seed(4)
    mask = draw_mask(torch.empty(MANY), 0.4).double() - 0.4
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
    assert draw_mask(mask, chance) is mask
    assert ((mask == 0) | (mask == 1)).all()
    if chance in (0.0, 1.0):
        assert (mask == chance).all()


@pytest.mark.parametrize("chance", [0.0, 1.0])
def test_chances_without_a_choice_draw_nothing(chance: float) -> None:
    torch.manual_seed(0)
    before = torch.get_rng_state()
    assert (dropout(torch.ones(8), chance, training=True) == 1 - chance).all()
    assert torch.equal(torch.get_rng_state(), before)


def test_a_mask_follows_from_the_random_state_of_pytorch() -> None:
    def drawn(seed: int) -> torch.Tensor:
        torch.manual_seed(seed)
        return torch.cat([draw_mask(torch.empty(500), 0.5) for _ in range(2)])

    assert torch.equal(drawn(7), drawn(7))
    assert not torch.equal(drawn(7), drawn(8))
    first, second = drawn(7).split(500)
    assert not torch.equal(first, second)


def test_what_is_not_contiguous_is_dropped_too() -> None:
    torch.manual_seed(5)
    table = torch.ones(40, 60)[:, ::2]
    kept = dropout(table, 0.5, training=True)
    assert kept.shape == table.shape and 0.4 < (kept == 0).double().mean() < 0.6


def layers() -> tuple[nn.TransformerDecoderLayer, nn.TransformerDecoderLayer]:
    """The same weights twice: as PyTorch has the layer, and with our dropout."""
    torch.manual_seed(6)
    theirs = nn.TransformerDecoderLayer(16, 2, 32, dropout=0.3, batch_first=True)
    torch.manual_seed(6)
    ours = with_fast_dropout(nn.TransformerDecoderLayer(16, 2, 32, dropout=0.3, batch_first=True))
    return theirs, ours


def test_a_layer_keeps_its_weights_their_names_and_the_random_state() -> None:
    theirs, ours = layers()
    assert list(ours.state_dict()) == list(theirs.state_dict())
    assert [name for name, _ in ours.named_parameters()] == [
        name for name, _ in theirs.named_parameters()
    ]
    for name, weight in theirs.state_dict().items():
        assert torch.equal(ours.state_dict()[name], weight)
    torch.manual_seed(6)
    nn.TransformerDecoderLayer(16, 2, 32)
    expected = torch.rand(3)
    layers()
    assert torch.equal(torch.rand(3), expected)
    kinds = {type(part) for part in ours.modules()}
    assert {Attention, Dropout} <= kinds and not kinds & {nn.MultiheadAttention, nn.Dropout}


def test_in_evaluation_a_layer_is_that_of_pytorch() -> None:
    theirs, ours = (layer.eval() for layer in layers())
    x, memory = torch.randn(2, 9, 16), torch.randn(2, 5, 16)
    assert torch.equal(ours(x, memory), theirs(x, memory))
    with torch.inference_mode():
        assert torch.equal(ours(x, memory), theirs(x, memory))


@pytest.mark.parametrize("precision", ["fp32", "bf16"])
@pytest.mark.parametrize("shared", ["all", "key and value", "nothing"])
def test_attention_is_that_of_pytorch_but_for_what_is_dropped(
    monkeypatch: pytest.MonkeyPatch, shared: str, precision: str
) -> None:
    """With every weight kept, forward and backward are those of PyTorch to the last bit."""
    from touchline.models.parts import dropout as module

    monkeypatch.setattr(module, "dropout", lambda x, p, training: x)
    torch.manual_seed(7)
    theirs = nn.MultiheadAttention(24, 3, dropout=0.0, batch_first=True)
    ours = Attention(24, 3, dropout=0.5, batch_first=True)
    ours.load_state_dict(theirs.state_dict())
    query = torch.randn(3, 7, 24, requires_grad=True)
    key = query if shared == "all" else torch.randn(3, 11, 24)
    value = torch.randn(3, 11, 24) if shared == "nothing" else key
    found = []
    for layer in (theirs, ours):
        # Without dropout PyTorch may fuse what it computes; not where it is told not to.
        with (
            nn.attention.sdpa_kernel(nn.attention.SDPBackend.MATH),
            torch.autocast("cpu", torch.bfloat16, enabled=precision == "bf16"),
        ):
            attended, _ = layer(query, key, value, need_weights=False)
        query.grad = None
        attended.float().square().sum().backward()
        found.append((attended, query.grad, layer.in_proj_weight.grad))
    for their_part, our_part in zip(*found, strict=True):
        assert torch.equal(their_part, our_part)


def test_attention_drops_weights_in_training_alone() -> None:
    layer = Attention(8, 2, dropout=0.5, batch_first=True)
    x = torch.randn(2, 30, 8)

    def attended() -> torch.Tensor:
        torch.manual_seed(1)
        return layer(x, x, x, need_weights=False)[0]

    dropped = attended()
    assert torch.equal(attended(), dropped)
    layer.eval()
    assert not torch.allclose(attended(), dropped)
    weights = layer.train()(x, x, x)[1]
    assert weights is not None and weights.shape == (2, 30, 30)


def test_masks_of_pytorch_stay_those_of_pytorch() -> None:
    def drawn() -> torch.Tensor:
        torch.manual_seed(2)
        return torch.empty(200).bernoulli_(0.5)

    before = drawn()
    Dropout(0.5)(torch.ones(8))
    assert torch.equal(drawn(), before)
