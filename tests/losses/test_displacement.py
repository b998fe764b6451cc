"""Losses of dense anchors and of ASTRA: the published figures."""

import numpy as np
import pytest
from extras import needs

torch = needs("torch")

from touchline.losses.displacement import (  # noqa: E402
    UNDEFINED,
    anchor_confidence_loss,
    anchor_delta_loss,
    focal_class_loss,
    uncertain_displacement_loss,
)


@pytest.fixture
def anchors(shared):
    return fixture(shared, "spivak_postprocess")


@pytest.fixture
def astra(shared):
    return fixture(shared, "astra_losses_postprocess")


def fixture(shared, name):
    with np.load(shared / "data" / "parity" / f"{name}.npz") as file:
        return {key: torch.from_numpy(file[key]) for key in file.files}


def test_anchor_losses_are_the_published_ones(anchors):
    weights = anchors["loss_weights"]
    confidence = anchor_confidence_loss(
        anchors["loss_confidence_logits"][..., 0],
        anchors["loss_confidence_targets"][..., 0],
        weights,
    )
    torch.testing.assert_close(confidence, anchors["confidence_loss_per_sample"], rtol=1e-5, atol=0)
    delta = anchor_delta_loss(
        anchors["loss_delta_predictions"][..., 0], anchors["loss_delta_targets"][..., 0], weights
    )
    torch.testing.assert_close(delta, anchors["delta_loss_per_sample"], rtol=1e-5, atol=0)


def test_astra_losses_are_the_published_ones(astra):
    probability, displacement = astra["class_probability"], astra["displacement_mean_logvar"]
    targets = astra["displacement_targets"]
    for suffix in ("", "_mixed"):
        labels = astra[f"labels{suffix}"]
        loss = focal_class_loss(probability, labels)
        torch.testing.assert_close(loss, astra[f"class_loss{suffix}"], rtol=1e-5, atol=0)
        loss = uncertain_displacement_loss(displacement, targets, labels)
        torch.testing.assert_close(loss, astra[f"displacement_loss{suffix}"], rtol=1e-5, atol=0)


def test_a_displacement_without_an_event_moves_nothing():
    displacement = torch.full((1, 8, 2, 2), 50.0, requires_grad=True)
    loss = uncertain_displacement_loss(
        displacement, torch.full((1, 8, 2), UNDEFINED), torch.ones(1, 8, 2)
    )
    loss.backward()
    assert loss == 0 and not displacement.grad.any()
