"""The table of systems: what each row names is there, and what earlier versions wrote is read."""

import subprocess
import sys

import pytest

from touchline.errors import ConfigError
from touchline.systems import SYSTEMS, current_config, load_part
from touchline.training.config import load_recipe, recipe_names
from touchline.zoo.cards import ModelCard


@pytest.mark.parametrize("name", SYSTEMS)
def test_a_system_has_a_recipe(name):
    assert load_recipe(SYSTEMS[name].recipe).system == name


@pytest.mark.parametrize("name", recipe_names())
def test_a_recipe_is_of_a_system_of_the_table(name):
    assert load_recipe(name).system in SYSTEMS


def test_the_table_needs_no_pytorch():
    words = "import sys, touchline.systems as s; print(len(s.SYSTEMS), 'torch' in sys.modules)"
    told = subprocess.run([sys.executable, "-c", words], capture_output=True, text=True, check=True)
    assert told.stdout.split() == [str(len(SYSTEMS)), "False"]


@pytest.mark.parametrize(
    ("reference", "told"),
    [
        ("touchline.labels:NONE", "touchline.labels has no 'NONE'"),
        ("touchline.none:X", "touchline.none:X cannot be imported"),
    ],
)
def test_a_row_that_names_nothing_says_so(reference, told):
    with pytest.raises(ImportError, match=told):
        load_part(reference)


def card(system: str, config: dict) -> ModelCard:
    return ModelCard.model_validate_json(
        ModelCard.model_construct(
            name="old",
            system=system,
            config=config,
            labels={"name": "two", "labels": ("A", "B")},
            rate="2/1",
            features={"name": "x"},
        ).model_dump_json(exclude_none=True, warnings=False)
    )


OLD_NAMES = [
    ("pooling", "clip_len", "clip_steps", 6),
    ("pooling", "input_width", "feature_width", 8),
    ("calf", "chunk_steps", "clip_steps", 48),
    ("calf", "features", "feature_width", 8),
    ("calf-grounding", "features", "feature_width", 8),
    ("calf-calibration", "chunk_steps", "clip_steps", 48),
    ("dense-anchors", "chunk_steps", "clip_steps", 64),
]


@pytest.mark.parametrize(("system", "earlier", "name", "value"), OLD_NAMES)
def test_cards_and_recipes_of_earlier_versions_are_read(system, earlier, name, value):
    assert card(system, {earlier: value}).config == {name: value}
    recipe = load_recipe(SYSTEMS[system].recipe, [f"network={{{earlier}: {value}}}"])
    assert recipe.network == {name: value}


def test_a_value_under_both_of_its_names_is_refused():
    with pytest.raises(ConfigError, match=r"chunk_steps and clip_steps are names of"):
        load_recipe("calf", ["network.chunk_steps=48", "network.clip_steps=64"])
    assert current_config("astra", {"sections": [4, [2]]}) == {"sections": (4, (2,))}
    assert current_config("no-system", {"features": 8}) == {"features": 8}
