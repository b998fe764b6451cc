import pytest
from extras import needs

torch = needs("torch")

from touchline.losses.classification import frame_cross_entropy  # noqa: E402


def _logits() -> "torch.Tensor":
    return torch.randn(2, 5, 4, generator=torch.Generator().manual_seed(1))


CLASSES = torch.tensor([[0, 0, 1, 0, 3], [2, 0, 0, 0, 0]])


def test_hard_targets_divide_by_the_sum_of_weights():
    logits = _logits()
    weight = torch.tensor([1.0, 5, 5, 5])[CLASSES]
    own = -logits.log_softmax(-1).gather(-1, CLASSES[..., None])[..., 0]
    expected = (own * weight).sum() / weight.sum()
    assert frame_cross_entropy(logits, CLASSES) == pytest.approx(expected.item(), rel=1e-6)


def test_soft_targets_divide_by_the_number_of_frames():
    logits = _logits()
    soft = torch.nn.functional.one_hot(CLASSES, 4).float()
    weight = torch.tensor([1.0, 5, 5, 5])
    expected = -(logits.log_softmax(-1) * soft * weight).sum() / CLASSES.numel()
    assert frame_cross_entropy(logits, soft) == pytest.approx(expected.item(), rel=1e-6)


def test_stages_are_summed():
    first, second = _logits(), _logits() * 2
    both = frame_cross_entropy(torch.stack([first, second]), CLASSES)
    apart = frame_cross_entropy(first, CLASSES) + frame_cross_entropy(second, CLASSES)
    assert both == pytest.approx(apart.item(), rel=1e-6)
