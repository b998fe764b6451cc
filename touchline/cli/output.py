"""Output of the commands: results on stdout; progress, remarks and errors on stderr."""

import json
import math
import mmap
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any, TypeVar

import typer
from rich.console import Console
from rich.markup import escape
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TextColumn,
    TimeRemainingColumn,
)
from rich.text import Text
from typer.core import TyperCommand

from touchline.errors import InputError

T = TypeVar("T")


def finite(value: float | None) -> float | None:
    """Refuse numbers that are infinite or none at all; for options without a range."""
    if value is not None and not math.isfinite(value):
        raise typer.BadParameter(f"{value} is not a finite number")
    return value


def in_range(least: float, greatest: float | None = None) -> Callable[[float | None], float | None]:
    """Refuse numbers outside a range; for options whose value is a number."""

    def check(value: float | None) -> float | None:
        if value is None or finite(value) is None:
            return None
        if value < least or (greatest is not None and value > greatest):
            allowed = f"{least:g} or more" if greatest is None else f"{least:g} to {greatest:g}"
            raise typer.BadParameter(f"{value:g} is out of range; give {allowed}")
        return value

    return check


RayOption = Annotated[
    str | None,
    typer.Option(
        "--ray",
        metavar="[ADDRESS]",
        help="Run on a Ray cluster: HOST:PORT; local, a new one on this machine; or auto, the "
        "default address: the cluster of RAY_ADDRESS, else the one on this machine, else a new "
        "one.",
    ),
]

GpusOption = Annotated[
    float,
    typer.Option(
        "--gpus",
        callback=in_range(0),
        help="GPUs for each task on the cluster; with 0.25, four tasks share one.",
    ),
]

JobsOption = Annotated[
    int | None,
    typer.Option("--jobs", min=1, help="Tasks at once; by default one for every two cores."),
]

OverwriteOption = Annotated[
    bool,
    typer.Option(
        "--overwrite",
        help="Replace existing results, whoever wrote them. By default, results made from the "
        "same input, model and settings are kept, other results of touchline are replaced, and "
        "files that somebody else wrote or changed are refused.",
    ),
]

ReplaceOption = Annotated[
    bool,
    typer.Option(
        "--overwrite",
        help="Replace files that are there already. By default, files with other content are "
        "refused.",
    ),
]

JsonOption = Annotated[bool, typer.Option("--json", help="Print the result as JSON on stdout.")]


_CONTROLS = (*range(0x20), *range(0x7F, 0xA0), *range(0x202A, 0x202F), *range(0x2066, 0x206A))
_AS_ESCAPES = {code: ascii(chr(code))[1:-1] for code in _CONTROLS if chr(code) not in "\n\t"}


def printable(text: str) -> str:
    """Text whose control characters, and those that turn the direction of writing, are escapes.

    Names of files and what stands in them would steer the terminal otherwise.
    """
    return text.translate(_AS_ESCAPES)


class Channel(Console):
    """A console that raises when its reader has gone, instead of ending the program, and shows
    control characters as escapes."""

    def render_str(self, text: str, **options: Any) -> Text:
        return super().render_str(printable(text), **options)

    def on_broken_pipe(self) -> None:
        raise BrokenPipeError


remarks = Channel(stderr=True, highlight=False)
"""For remarks and progress; silent with ``--quiet``."""

errors = Channel(stderr=True, highlight=False)
"""For errors."""


class Results(Channel):
    """A channel that knows, also in the process of which this one is a copy, what was printed."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self._has_document = mmap.mmap(-1, 1)  # shared with copies of the process

    @property
    def has_document(self) -> bool:
        """Whether a JSON document was printed on stdout in this call."""
        return self._has_document[0] != 0

    @has_document.setter
    def has_document(self, value: bool) -> None:
        self._has_document[0] = value


results = Results(highlight=False)
"""For results."""


def new_app(**options: Any) -> typer.Typer:
    """A Typer application with the settings that all our commands share."""
    options = {"add_completion": False, **options}
    return typer.Typer(rich_markup_mode=None, pretty_exceptions_enable=False, **options)


class RayCommand(TyperCommand):
    """A command with ``--ray [ADDRESS]``: Typer has no options whose value may be left out."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        from touchline.batch.executor import AUTO, is_address

        words = list(args)
        for place, word in enumerate(words):
            if word == "--":
                break
            if word == "--ray" and not any(map(is_address, words[place + 1 : place + 2])):
                words[place] = f"--ray={AUTO}"
        return super().parse_args(ctx, words)


class TaskBar:
    """The progress of tasks on one bar, and of the nodes that run them."""

    def __init__(self, progress: Progress, doing: str, tasks: int) -> None:
        self._progress = progress
        self._doing = doing
        self._scale = 100 if tasks == 1 else 1  # a single task counts by hundredths
        self._bar = progress.add_task(escape(printable(doing)), total=self._scale * tasks)

    def done(self, done: float) -> None:
        """Show how many tasks are done, with fractions."""
        self._progress.update(self._bar, completed=self._scale * done)

    def nodes(self, counts: Mapping[str, int]) -> None:
        """Show how many tasks each node runs."""
        names = ", ".join(f"{name}: {count}" for name, count in sorted(counts.items()))
        text = f"{self._doing} ({names})" if names else self._doing
        self._progress.update(self._bar, description=escape(printable(text)))

    def remark(self, line: str) -> None:
        """Print a line above the bar."""
        remarks.print(line, style="yellow", markup=False, soft_wrap=True)


def check_output(
    output: Path, inputs: Iterable[Path], overwrite: bool, ending: str | None = None
) -> None:
    """Refuse a place for a result before the work begins.

    Args:
        ending: of its name, such as ``.broadcast.json``; any if None.

    Raises:
        InputError: it is one of the inputs, a folder or in none, there already, or of another
            kind.
    """
    from touchline.editing.render import refuse_overwriting
    from touchline.runtime.atomic import already_there

    refuse_overwriting(output, inputs)
    if ending is not None and output.suffix.lower() != Path(ending).suffix:
        raise InputError(
            f"cannot write a {output.suffix or 'nameless'} file",
            where=output,
            remedy=f"end the name in {ending}",
        )
    if not output.parent.is_dir():
        raise InputError(
            f"there is no folder {output.parent}", where=output, remedy="create it first"
        )
    if output.is_dir():
        raise InputError("is a folder", where=output, remedy="give the name of a file")
    if output.exists() and not overwrite:
        raise already_there(output)


def print_error(text: str) -> None:
    """Print an error on stderr, above a progress bar if there is one."""
    channel = errors if remarks.quiet else remarks
    channel.print(f"[red]error:[/red] {escape(text)}", soft_wrap=True)


def print_json(value: Any) -> None:
    """Print one JSON document on stdout (no NaN: a value that is not a number is a bug)."""
    sys.stdout.write(json.dumps(value, ensure_ascii=False, allow_nan=False, indent=2) + "\n")
    results.has_document = True
    sys.stdout.flush()  # nobody would, where a library crashes afterwards


def options_of(words: Sequence[str]) -> Sequence[str]:
    """The words of a call up to ``--``, after which none is an option."""
    return words[: words.index("--")] if "--" in words else words


@contextmanager
def progress_bar() -> Iterator[Progress]:
    """A progress display on stderr; none with ``--quiet`` or where stderr is not a terminal."""
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=remarks, disable=not shows_progress()) as progress:
        yield progress


def shows_progress() -> bool:
    """Whether somebody sees a progress bar."""
    return remarks.is_terminal and not remarks.quiet


def track(items: Iterable[T], description: str, total: int | None = None) -> Iterator[T]:
    """Iterate with a progress bar on stderr."""
    with progress_bar() as progress:
        yield from progress.track(items, total=total, description=description)
