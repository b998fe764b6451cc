"""Options that a command has no use for with what it is given: they are refused or named."""

from collections.abc import Iterable

import typer

from touchline.errors import InputError


def given_options(context: typer.Context, names: Iterable[str]) -> dict[str, str]:
    """Those of some parameters that the user gave, with the options as they are spelt."""
    spelt = {parameter.name: parameter.opts[0] for parameter in context.command.params}
    given = []
    for name in names:
        source = context.get_parameter_source(name)
        # By its name: Typer brings its own click, or uses the one that is installed.
        if source is not None and source.name == "COMMANDLINE":
            given.append(name)
    return {name: spelt[name] for name in given}


def refuse_unused(context: typer.Context, names: Iterable[str], why: str, remedy: str) -> None:
    """Refuse options that would change nothing.

    Raises:
        InputError: one of them was given.
    """
    if given := given_options(context, names):
        raise InputError(why, where=", ".join(given.values()), remedy=remedy)
