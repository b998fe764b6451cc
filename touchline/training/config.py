"""Reading recipes: YAML, single values that override it, and what is wrong with it in one line.

A recipe is a YAML file with groups; ``--set group.key=value`` overrides single values. Which groups
it has, and what they hold, depends on its ``system``: see ``touchline.training.options``.
"""

from collections.abc import Mapping, Sequence
from importlib.resources import files
from pathlib import Path
from typing import Any, TypeVar

from pydantic import ValidationError

from touchline.errors import ConfigError
from touchline.runtime.yaml_text import parse_yaml
from touchline.systems import SYSTEMS, load_part
from touchline.training.options.common import Group, Recipe

MAX_RECIPE_BYTES = 1_000_000

USUAL_SYSTEM = "e2e-spot"
"""Of a recipe that names none."""

GroupType = TypeVar("GroupType", bound=Group)


def recipe_names() -> list[str]:
    """The packaged recipes."""
    folder = files("touchline.training") / "recipes"
    return sorted(
        item.name.removesuffix(".yaml") for item in folder.iterdir() if item.name.endswith(".yaml")
    )


def load_recipe(source: str | Path, settings: Sequence[str] = ()) -> Recipe:
    """Read a recipe and override single values.

    Args:
        source: name of a packaged recipe, or path of a YAML file or of a run's folder.
        settings: overrides such as ``"optimiser.batch=4"``; values are YAML.

    Returns:
        The recipe, of the type that its system has.

    Raises:
        ConfigError: no such recipe, a key or value that it does not allow, or values that
            contradict each other; the message names the key.
    """
    text, where = _read(source)
    values = parse_yaml(text, where)
    if not isinstance(values, dict):
        raise ConfigError("a recipe is a table of groups", where=where)
    for setting in settings:
        _override(values, setting)
    return read_group(_options_of(values.get("system", USUAL_SYSTEM)), values, where=where)


def _options_of(system: object) -> type[Recipe]:
    if not isinstance(system, str) or system not in SYSTEMS:
        raise ConfigError(
            f"system {system!r} is not known",
            where="system",
            remedy=f"use one of: {', '.join(SYSTEMS)}",
        )
    options: type[Recipe] = load_part(SYSTEMS[system].options)
    return options


def read_group(
    kind: type[GroupType],
    values: Mapping[str, Any],
    *,
    within: str = "",
    where: str | None = None,
) -> GroupType:
    """Options from the values of a recipe.

    Args:
        within: the group's own name, for messages: ``"clips"``.
        where: the recipe, for messages.

    Raises:
        ConfigError: an unknown key, a value that is not allowed, or values that contradict each
            other; names the first.
    """
    try:
        return kind.model_validate(dict(values))
    except ValidationError as error:
        raise _explain(error, kind, within, where) from error


def _read(source: str | Path) -> tuple[str, str]:
    path = Path(source)
    if path.is_dir():
        path = path / "recipe.yaml"
    if path.is_file():
        if path.stat().st_size > MAX_RECIPE_BYTES:
            raise ConfigError("a recipe cannot be this large", where=path)
        try:
            return path.read_text("utf-8"), str(path)
        except UnicodeDecodeError as error:
            raise ConfigError("this is not UTF-8 text", where=path) from error
    if str(source) in recipe_names():
        packaged = files("touchline.training") / "recipes" / f"{source}.yaml"
        return packaged.read_text("utf-8"), f"recipe {source}"
    raise ConfigError(
        f"there is no recipe {str(source)!r}",
        remedy=f"give a YAML file, or one of: {', '.join(recipe_names())}",
    )


def _override(values: dict[str, Any], setting: str) -> None:
    key, equals, text = setting.partition("=")
    if not equals or not key.strip():
        raise ConfigError(f"{setting!r} is not a setting", where="--set", remedy="group.key=value")
    *groups, last = key.strip().split(".")
    table: Any = values
    for group in groups:
        table = table.setdefault(group, {})
        if not isinstance(table, dict):
            raise ConfigError(f"{group!r} is a value, not a group", where=f"--set {setting}")
    table[last] = parse_yaml(text, f"--set {setting}")


def _explain(
    error: ValidationError, kind: type[Group], within: str, where: str | None
) -> ConfigError:
    """The first fault as one line: which key, what is wrong, what is allowed."""
    fault = error.errors(include_url=False)[0]
    place = [str(part) for part in fault["loc"]]
    key = ".".join([within, *place] if within else place)
    if fault["type"] == "extra_forbidden":
        group: Any = kind
        for part in place[:-1]:
            group = getattr(group, "model_fields", {}).get(part)
            group = getattr(group, "annotation", None)
        fields = getattr(group, "model_fields", {})
        remedy = f"use one of: {', '.join(fields)}" if fields else "leave it out"
        return ConfigError(f"unknown key {key!r}", where=where, remedy=remedy)
    message = fault["msg"].removeprefix("Value error, ")
    if not place:
        return ConfigError(message, where=where)
    return ConfigError(f"{key}: {fault['input']!r} is not allowed", where=where, remedy=message)
