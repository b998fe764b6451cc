"""The recipes of pooling networks: they load, and say what was published."""

import pytest
from extras import needs

needs("torch")

from touchline.engines.networks import config_type, make_network  # noqa: E402
from touchline.labels import LABEL_SETS  # noqa: E402
from touchline.systems import SYSTEMS  # noqa: E402
from touchline.timebase import parse_rate  # noqa: E402
from touchline.training.config import load_recipe, recipe_names  # noqa: E402
from touchline.training.tasks import feature_task  # noqa: E402

WINDOW_SECONDS = {
    "maxpool": 20,
    "netvlad": 20,
    "avgpool": 15,
    "netrvlad": 15,
    "maxpool++": 15,
    "avgpool++": 15,
    "netvlad++": 15,
    "netrvlad++": 15,
}


@pytest.mark.parametrize("name", WINDOW_SECONDS)
def test_a_recipe_makes_its_network_and_its_task(name):
    assert name in recipe_names()
    recipe = load_recipe(name)
    labels, rate = LABEL_SETS[recipe.data.labels], parse_rate(recipe.data.features.rate)
    system = SYSTEMS[recipe.system]
    sizes = {"num_classes": len(labels), "feature_width": recipe.data.features.width}
    network = make_network(system, config_type(system)(**sizes, **recipe.network))
    task = feature_task(recipe.system)(network.config, recipe.clips, labels, rate)
    assert task.clip_steps == WINDOW_SECONDS[name] * rate
    # Published: around a detection, 20 s of the first baselines and 30 s of the others are emptied.
    assert recipe.validation.window_seconds == (10 if WINDOW_SECONDS[name] == 20 else 15)
    assert recipe.optimiser.kind == "adam" and recipe.optimiser.weight_decay == 0


def test_the_published_netvlad_plus_plus():
    recipe = load_recipe("netvlad++")
    system = SYSTEMS["pooling"]
    config = config_type(system)(num_classes=17, feature_width=2048, **recipe.network)
    network = make_network(system, config)
    assert sum(p.numel() for p in network.parameters()) == 1_704_466
