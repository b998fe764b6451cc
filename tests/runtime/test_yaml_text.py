"""YAML of others: what is nested or repeated without bounds is refused in one line."""

import pytest

from touchline.errors import ConfigError
from touchline.runtime.yaml_text import MAX_DEPTH, parse_yaml

ALIASES = "a: &a [x, x, x, x, x, x, x, x, x]\n" + "".join(
    f"{name}: &{name} [{', '.join([f'*{before}'] * 9)}]\n"
    for before, name in zip("abcdefgh", "bcdefghi", strict=True)
)
MERGES = "a: &a {x: 1, y: 2}\n" + "".join(
    f"{name}: &{name} {{<<: [{', '.join([f'*{before}'] * 9)}]}}\n"
    for before, name in zip("abcdefgh", "bcdefghi", strict=True)
)


def test_aliases_are_read_as_usual():
    assert parse_yaml("a: &a {x: 1}\nb: *a\nc: {<<: *a, y: 2}", "r") == {
        "a": {"x": 1},
        "b": {"x": 1},
        "c": {"x": 1, "y": 2},
    }
    assert parse_yaml("", "r") is None


@pytest.mark.parametrize("bomb", [ALIASES, MERGES], ids=["aliases", "merges"])
def test_aliases_of_aliases_are_counted_and_not_read(bomb):
    with pytest.raises(ConfigError, match=r"r\.yaml: means \d{6,} values"):
        parse_yaml(bomb, "r.yaml")


@pytest.mark.parametrize(
    "text",
    ["[" * 100_000, "{a: " * 20_000, "&a [*a]", "- " * 20_000, "a: " + "[" * 60 + "]" * 60],
    ids=["brackets", "braces", "itself", "dashes", "a little deep"],
)
def test_deep_nesting_is_refused_in_one_line(text):
    with pytest.raises(ConfigError) as refused:
        parse_yaml(text, "r.yaml")
    assert str(refused.value).count("\n") == 0
    assert str(refused.value).startswith("r.yaml")


def test_as_deep_as_allowed_is_read():
    deep = MAX_DEPTH - 1
    assert parse_yaml("[" * deep + "]" * deep, "r") is not None


def test_what_is_no_yaml_is_refused_with_its_line():
    with pytest.raises(ConfigError, match=r"r\.yaml:2: this is not YAML"):
        parse_yaml("a: 1\n: [", "r.yaml")
