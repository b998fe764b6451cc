"""How commands speak: results on stdout, progress and remarks on stderr."""

import json
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Annotated, Any, TypeVar

import typer
from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TextColumn,
    TimeRemainingColumn,
)

T = TypeVar("T")

JsonOption = Annotated[bool, typer.Option("--json", help="Print the result as JSON on stdout.")]


class Channel(Console):
    """A console that says so when its reader has left, instead of ending the program."""

    def on_broken_pipe(self) -> None:
        raise BrokenPipeError


remarks = Channel(stderr=True, highlight=False)
"""For remarks and progress."""

results = Channel(highlight=False)
"""For what the user asked for."""


def new_app(**options: Any) -> typer.Typer:
    """A Typer application with the settings that all our commands share."""
    return typer.Typer(
        add_completion=False, rich_markup_mode=None, pretty_exceptions_enable=False, **options
    )


def print_json(value: Any) -> None:
    """Print one JSON document on stdout (no NaN: a value that is not a number is a bug)."""
    sys.stdout.write(json.dumps(value, ensure_ascii=False, allow_nan=False, indent=2) + "\n")


@contextmanager
def progress_bar() -> Iterator[Progress]:
    """A progress display on stderr; silent where stderr is not a terminal."""
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=remarks, disable=not remarks.is_terminal) as progress:
        yield progress


def track(items: Iterable[T], description: str, total: int | None = None) -> Iterator[T]:
    """Iterate with a progress bar on stderr."""
    with progress_bar() as progress:
        yield from progress.track(items, total=total, description=description)
