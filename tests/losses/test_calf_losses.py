"""The losses of CALF: equal to the published figures, finite, and deaf where nothing is asked."""

from pathlib import Path

import numpy as np
import pytest
from extras import needs

torch = needs("torch")

from hypothesis import given  # noqa: E402
from hypothesis import strategies as st  # noqa: E402

from touchline.losses.context_aware import (  # noqa: E402
    CONTEXT_LOSSES,
    grounding_loss,
)
from touchline.losses.one_to_one import one_to_one_loss, pair_slots  # noqa: E402

POLARITIES = {"distance": "2020", "score": "2021"}

CONTEXT = torch.tensor([[-20.0, -40.0], [-10.0, -1.0], [60.0, 1.0], [90.0, 2.0]])


def tensors(shared: Path, name: str) -> dict[str, torch.Tensor]:
    with np.load(shared / "data" / "parity" / f"{name}.npz") as arrays:
        return {key: torch.from_numpy(np.asarray(arrays[key])).float() for key in arrays}


@pytest.mark.parametrize("polarity", POLARITIES)
def test_context_loss_is_the_published_one(shared: Path, polarity: str) -> None:
    known = tensors(shared, "calf_losses")
    output = known["segmentation_output"].requires_grad_()
    loss = CONTEXT_LOSSES[polarity](output, known["labels_time_shift"], known["K_frames"])
    loss.backward()
    year = POLARITIES[polarity]
    torch.testing.assert_close(loss, known[f"context_loss_{year}"], rtol=1e-5, atol=0)
    torch.testing.assert_close(output.grad, known[f"grad_context_{year}"], rtol=1e-5, atol=1e-5)


def test_spotting_loss_is_the_published_one(shared: Path) -> None:
    known = tensors(shared, "calf_losses")
    spotting = known["spotting_output"].requires_grad_()
    loss = one_to_one_loss(spotting, known["targets"])
    loss.backward()
    torch.testing.assert_close(loss, known["spotting_loss"], rtol=1e-5, atol=0)
    torch.testing.assert_close(spotting.grad, known["grad_spotting"], rtol=1e-5, atol=1e-6)
    targets = known["targets"]
    order = pair_slots(targets[..., 1], spotting.detach()[..., 1], targets[..., 0] > 0)
    matched = spotting.detach().gather(1, order[..., None].expand_as(spotting))
    torch.testing.assert_close(matched, known["spotting_output_matched"])


def test_total_is_the_published_one(shared: Path) -> None:
    known = tensors(shared, "calf_losses")
    spotting = one_to_one_loss(known["spotting_output"], known["targets"])
    for polarity, year in POLARITIES.items():
        context = CONTEXT_LOSSES[polarity](
            known["segmentation_output"], known["labels_time_shift"], known["K_frames"]
        )
        total = known["loss_weight_segmentation"] * context + spotting
        torch.testing.assert_close(total, known[f"total_{year}"], rtol=1e-5, atol=0)


def test_losses_of_the_keras_original(shared: Path) -> None:
    known = tensors(shared, "calf_keras_losses")
    context = CONTEXT_LOSSES["distance"](
        known["segmentation_output"], known["labels_time_shift"], known["K_frames"]
    )
    torch.testing.assert_close(context, known["context_loss"], rtol=1e-5, atol=0)
    spotting = one_to_one_loss(known["spotting_output"], known["targets"])
    torch.testing.assert_close(spotting, known["spotting_loss"], rtol=1e-5, atol=0)


def test_losses_of_replay_grounding(shared: Path) -> None:
    known = tensors(shared, "calf_losses")
    context = grounding_loss(
        known["grounding_output"], known["grounding_labels"], known["grounding_K"], border=40
    )
    torch.testing.assert_close(context, known["grounding_loss"], rtol=1e-5, atol=0)
    spotting = one_to_one_loss(known["grounding_predictions"], known["grounding_targets"])
    torch.testing.assert_close(spotting, known["grounding_spotting_loss"], rtol=1e-5, atol=0)


@pytest.mark.parametrize("loss", [*CONTEXT_LOSSES.values(), grounding_loss])
@pytest.mark.parametrize("value", [0.0, 1.0])
def test_certain_outputs_have_finite_losses(loss, value: float) -> None:
    shifts = torch.arange(-300.0, 300.0)[None, :, None].repeat(1, 1, 2)
    output = torch.full_like(shifts, value, requires_grad=True)
    result = loss(output, shifts, CONTEXT)
    result.backward()
    assert torch.isfinite(result)
    assert torch.isfinite(output.grad).all()


@pytest.mark.parametrize("polarity", POLARITIES)
def test_steps_just_before_an_action_cost_nothing(polarity: str) -> None:
    output = torch.linspace(0, 1, 50)[None, :, None].repeat(1, 1, 2)
    assert CONTEXT_LOSSES[polarity](output, torch.full_like(output, -1.0), CONTEXT) == 0


@pytest.mark.parametrize(("polarity", "best"), [("distance", 0.0), ("score", 1.0)])
def test_the_losses_want_opposite_outputs(polarity: str, best: float) -> None:
    at_action, far_away = torch.zeros(1, 1, 2), torch.full((1, 1, 2), 1e4)
    good, bad = torch.full((1, 1, 2), best), torch.full((1, 1, 2), 1 - best)
    loss = CONTEXT_LOSSES[polarity]
    assert loss(good, at_action, CONTEXT) == 0 < loss(bad, at_action, CONTEXT)
    assert loss(bad, far_away, CONTEXT) == 0 < loss(good, far_away, CONTEXT)


def test_each_clip_may_have_a_context_of_its_own() -> None:
    output, shifts = torch.rand(2, 30, 2), torch.randn(2, 30, 2) * 50
    alike = CONTEXT.expand(2, 4, 2)
    for loss in CONTEXT_LOSSES.values():
        torch.testing.assert_close(loss(output, shifts, alike), loss(output, shifts, CONTEXT))


@given(st.integers(1, 8), st.integers(0, 2**32 - 1))
def test_every_slot_is_paired_once_and_events_choose_first(slots: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    # Few distinct times, so that ties occur.
    wanted, found = torch.from_numpy(rng.integers(0, 5, (2, 3, slots)) / 5).float()
    present = torch.from_numpy(rng.random((3, slots)) < 0.5)
    order = pair_slots(wanted, found, present)
    assert (order.sort(dim=1).values == torch.arange(slots)).all()
    alone = pair_slots(wanted, found, torch.ones_like(present))
    for row in range(3):
        if present[row].any():
            distance = (wanted[row][present[row], None] - found[row]).abs()
            paired = (wanted[row] - found[row][order[row]]).abs()[present[row]]
            assert np.isclose(paired.min(), distance.min())
        if present[row].all():
            assert (order[row] == alone[row]).all()


def test_slots_of_empty_clips_are_to_be_silent() -> None:
    spotting = torch.rand(2, 5, 6)
    loss = one_to_one_loss(spotting, torch.zeros(2, 5, 6))
    torch.testing.assert_close(loss, 0.5 * (spotting[..., 0] ** 2).sum())
