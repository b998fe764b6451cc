import pytest
from extras import needs

needs("lightning")

from touchline.training.options.e2e_spot import E2ESpotRecipe  # noqa: E402
from touchline.training.schedule import schedule_factor  # noqa: E402


def _recipe(**optimiser) -> E2ESpotRecipe:
    return E2ESpotRecipe.model_validate(
        {
            "name": "t",
            "clips": {"epoch_frames": 8000},
            "optimiser": {"epochs": 50, "batch": 8, **optimiser},
            "run": {"max_minutes": 60},
        }
    )


@pytest.mark.parametrize(
    ("epoch", "rate"),
    [
        (1, 3.40e-4),
        (2, 6.67e-4),
        (3, 9.90e-4),
        (25, 4.50e-4),
        (47, 0.0),
        (48, 1.1e-6),
        (49, 4.5e-6),
        (50, 1.0e-5),
    ],
)
def test_published_schedule(epoch, rate):
    recipe = _recipe()
    assert recipe.steps_per_epoch == 10
    found = 1e-3 * schedule_factor(recipe, epoch * recipe.steps_per_epoch)
    assert found == pytest.approx(rate, rel=0.02, abs=1e-8)


def test_the_cosine_may_end_with_the_last_step():
    recipe = _recipe(schedule="cosine")
    factors = [schedule_factor(recipe, step) for step in range(501)]
    assert factors[500] == pytest.approx(0, abs=1e-12)
    peak = factors.index(max(factors))
    assert factors[peak:] == sorted(factors[peak:], reverse=True)


def test_fewer_steps_go_through_the_whole_schedule():
    whole, short = _recipe(), _recipe(max_steps=250)
    assert short.total_steps == 250
    for share in (0.02, 0.1, 0.5, 1.0):
        assert schedule_factor(short, int(250 * share)) == pytest.approx(
            schedule_factor(whole, int(500 * share))
        )


def test_a_timed_schedule_follows_the_clock():
    recipe = _recipe(schedule="timed")
    assert schedule_factor(recipe, 3, elapsed_seconds=3600) == pytest.approx(0, abs=1e-12)
    assert schedule_factor(recipe, 3, elapsed_seconds=9999) == pytest.approx(0, abs=1e-12)
    assert schedule_factor(recipe, 400, elapsed_seconds=1800) == pytest.approx(
        schedule_factor(_recipe(schedule="cosine"), 250)
    )
