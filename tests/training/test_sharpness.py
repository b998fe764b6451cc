"""Sharpness-aware steps."""

import pytest
from extras import needs

torch = needs("torch")

from touchline.errors import ConfigError  # noqa: E402
from touchline.training.sharpness import SharpnessAwareAdamW  # noqa: E402

OPTIONS = {"lr": 0.1, "weight_decay": 0.3}


def curve(weights: torch.Tensor) -> torch.Tensor:
    return (weights**4).sum() + weights.prod()


def closure_of(optimiser, loss):
    def closure():
        optimiser.zero_grad()
        value = loss()
        value.backward()
        return value

    return closure


def weights_of(*values: float) -> torch.nn.Parameter:
    return torch.nn.Parameter(torch.tensor(values))


def test_without_sharpness_it_is_adamw():
    ours, theirs = weights_of(1.0, -2.0), weights_of(1.0, -2.0)
    optimiser = SharpnessAwareAdamW([{"params": [ours], "rho": 0.0, **OPTIONS}])
    plain = torch.optim.AdamW([theirs], **OPTIONS)
    for _ in range(3):
        optimiser.step(closure_of(optimiser, lambda: curve(ours)))
        plain.step(closure_of(plain, lambda: curve(theirs)))
    assert torch.equal(ours, theirs)


def test_the_gradient_is_that_of_the_highest_point_nearby():
    ours, theirs = weights_of(1.0, -2.0), weights_of(1.0, -2.0)
    optimiser = SharpnessAwareAdamW([{"params": [ours], "rho": 0.5, **OPTIONS}])
    plain = torch.optim.AdamW([theirs], **OPTIONS)
    first = optimiser.step(closure_of(optimiser, lambda: curve(ours)))
    gradient = torch.autograd.grad(curve(theirs), theirs)[0]
    there = (theirs + 0.5 * gradient / gradient.norm()).detach().requires_grad_()
    theirs.grad = torch.autograd.grad(curve(there), there)[0]
    plain.step()
    torch.testing.assert_close(ours, theirs)
    assert first == curve(torch.tensor([1.0, -2.0]))


def test_a_group_without_sharpness_is_not_touched_by_one_with_it():
    sharp, still, alone = weights_of(1.0), weights_of(2.0), weights_of(2.0)
    optimiser = SharpnessAwareAdamW(
        [{"params": [sharp], "rho": 0.5, **OPTIONS}, {"params": [still], "rho": 0.0, **OPTIONS}]
    )
    plain = torch.optim.AdamW([alone], **OPTIONS)
    for _ in range(3):
        optimiser.step(closure_of(optimiser, lambda: curve(sharp) + curve(still)))
        plain.step(closure_of(plain, lambda: curve(alone)))
    assert torch.equal(still, alone) and still.requires_grad


def test_both_gradients_see_the_same_random_numbers():
    weights, drawn = weights_of(1.0), []
    optimiser = SharpnessAwareAdamW([{"params": [weights], "rho": 0.5, **OPTIONS}])

    def noisy():
        drawn.append(float(torch.rand(())))
        return (weights * drawn[-1]).sum()

    for _ in range(2):
        optimiser.step(closure_of(optimiser, noisy))
    assert drawn[0] == drawn[1] != drawn[2] == drawn[3]


def test_a_step_needs_its_closure():
    optimiser = SharpnessAwareAdamW([{"params": [weights_of(1.0)], "rho": 0.5, **OPTIONS}])
    with pytest.raises(ConfigError, match="bf16"):
        optimiser.step()


def test_without_sharpness_a_step_needs_none():
    weights = weights_of(1.0)
    optimiser = SharpnessAwareAdamW([{"params": [weights], "rho": 0.0, **OPTIONS}])
    curve(weights).backward()
    optimiser.step()
    assert weights.item() != 1.0


def test_half_precision_is_refused_before_training():
    needs("lightning")
    from touchline.engines.networks import make_network
    from touchline.labels import LabelSet
    from touchline.systems import SYSTEMS
    from touchline.training.config import load_recipe
    from touchline.training.run import check_precision
    from touchline.training.sources.features import make_optimiser, make_task, network_config

    settings = ("data.features={name: a, width: 8, rate: 1}", "network={width: 1, clip_steps: 64}")
    labels = LabelSet("own", ("A",))
    for further in ((), ("clips.delta_sharpness=0",)):
        recipe = load_recipe("dense-anchors", (*settings, *further))
        config = network_config(recipe, labels)
        task = make_task(recipe, config, labels)
        network = make_network(SYSTEMS[recipe.system], config)
        optimiser = make_optimiser(task, network, recipe.optimiser)
        check_precision("bf16", optimiser)
        if further:
            check_precision("fp16", optimiser)
            continue
        with pytest.raises(ConfigError, match=r"run\.precision: .* two gradients .* bf16"):
            check_precision("fp16", optimiser)
