"""Reading YAML of others: how deep it is nested and how much it means is bounded.

A few hundred bytes of aliases of aliases can mean hundreds of millions of values, and deep nesting
ends in the depths of the parser.
"""

from pathlib import Path
from typing import Any

import yaml

from touchline.errors import ConfigError

MAX_DEPTH = 50
MAX_VALUES = 100_000
"""Values that a text may mean, each counted as often as an alias repeats it."""


def parse_yaml(text: str, where: str | Path) -> Any:
    """The value of a YAML document.

    Raises:
        ConfigError: not YAML (with its line), or nested or repeated beyond the limits.
    """
    try:
        loader = yaml.SafeLoader(text)
        node = loader.get_single_node()
        if node is None:
            return None
        values = _count(node, 0, {})
        if values > MAX_VALUES:
            raise ConfigError(
                f"means {values} values", where=where, remedy=f"up to {MAX_VALUES} are read"
            )
        return loader.construct_document(node)
    except RecursionError:
        raise ConfigError(
            f"is nested more than {MAX_DEPTH} deep", where=where, remedy="write it flat"
        ) from None
    except (yaml.YAMLError, ValueError) as error:
        mark = getattr(error, "problem_mark", None)
        place = f"{where}:{mark.line + 1}" if mark is not None else where
        raise ConfigError("this is not YAML", where=place) from error


def _count(node: yaml.Node, depth: int, known: dict[int, int]) -> int:
    """How many values a node means; a node within itself is too deep."""
    if depth > MAX_DEPTH:
        raise RecursionError
    if id(node) not in known:
        known[id(node)] = 1 + sum(_count(part, depth + 1, known) for part in _parts(node))
    return known[id(node)]


def _parts(node: yaml.Node) -> list[yaml.Node]:
    if isinstance(node, yaml.SequenceNode):
        return list(node.value)
    if isinstance(node, yaml.MappingNode):
        return [part for pair in node.value for part in pair]
    return []
