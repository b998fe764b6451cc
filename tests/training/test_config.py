import re

import pytest

from touchline.errors import ConfigError
from touchline.training.config import load_recipe, recipe_names
from touchline.zoo.cards import NAME


@pytest.mark.parametrize("name", recipe_names())
def test_packaged_recipes_are_valid_and_survive_a_round_trip(name, tmp_path):
    recipe = load_recipe(name)
    path = tmp_path / "recipe.yaml"
    path.write_text(recipe.to_yaml())
    assert load_recipe(path) == recipe
    assert load_recipe(tmp_path) == recipe


def test_settings_override_single_values():
    recipe = load_recipe(
        "demo", ["optimiser.batch=2", "data.labels=[A, B]", "optimiser.clip_gradients=null"]
    )
    assert recipe.optimiser.batch == 2
    assert recipe.data.labels == ("A", "B")
    assert recipe.optimiser.clip_gradients is None


@pytest.mark.parametrize(
    ("setting", "told"),
    [
        ("optimiser.bach=2", ["optimiser.bach", "use one of", "learning_rate"]),
        ("training.batch=2", ["training", "use one of", "optimiser"]),
        ("optimiser.batch=two", ["optimiser.batch", "'two'", "integer"]),
        ("run.precision=fp8", ["run.precision", "'fp8'", "'bf16'"]),
        ("data.labels=soccer", ["data.labels", "soccernet-v2", "auto"]),
        ("data.rate=fast", ["data.rate", "30000/1001"]),
        ("data.rate=0", ["data.rate", "out of range"]),
        ("clips.foreground_share=1.5", ["clips.foreground_share", "less than or equal to 1"]),
        ("augmentation.crop=500", ["augmentation.crop 500", "larger than the frames"]),
        ("optimiser.accumulate=3", ["not a multiple", "optimiser.accumulate"]),
        ("optimiser.epochs=.nan", ["optimiser.epochs"]),
        ("optimiser.learning_rate=.inf", ["optimiser.learning_rate"]),
        ("clips.epoch_frames=10", ["clips.epoch_frames 10", "less than one step"]),
        ("validation.overlap=100000", ["validation.overlap", "not below"]),
        ("data.validation=null", ["needs data.validation", "validation.criterion=last"]),
        ("optimiser.batch", ["not a setting", "group.key=value"]),
        ("name.first=x", ["'name' is a value, not a group"]),
        ("run.seed=[", ["not YAML"]),
        ("name=-run", ["name"]),
        ("name=a/b", ["name"]),
    ],
)
def test_a_bad_setting_is_named(setting, told):
    with pytest.raises(ConfigError) as caught:
        load_recipe("e2e-spot-soccernet", [setting])
    for part in told:
        assert part in str(caught.value)


@pytest.mark.parametrize("name", recipe_names())
def test_runs_are_called_as_their_recipes(name):
    recipe = load_recipe(name)
    assert recipe.name == name
    assert re.fullmatch(NAME, recipe.name)  # the run's model can have it too


def test_an_unknown_recipe_lists_those_there_are():
    with pytest.raises(ConfigError, match="demo"):
        load_recipe("demon")


@pytest.mark.parametrize("text", ["", "- a\n- b\n", "just text", "a: [", "name: {a: 1}\n", "\x00"])
def test_a_broken_recipe_is_refused(text, tmp_path):
    path = tmp_path / "r.yaml"
    path.write_text(text)
    with pytest.raises(ConfigError, match=r"r\.yaml"):
        load_recipe(path)
