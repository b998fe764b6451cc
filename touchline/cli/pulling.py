"""The conversation of a pull: what it would fetch, whether to, and how far it is."""

import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import typer
from rich.markup import escape
from rich.progress import (
    BarColumn,
    DownloadColumn,
    Progress,
    TextColumn,
    TimeRemainingColumn,
    TransferSpeedColumn,
)

from touchline.cli.output import remarks, shows_progress
from touchline.errors import ConfigError
from touchline.pulling import plans
from touchline.pulling.plans import PlannedItem, PullPlan
from touchline.pulling.pull import Pulled
from touchline.pulling.pull import pull as pull_planned
from touchline.runtime.progress import Progress as Share
from touchline.runtime.wording import bytes_text, counted
from touchline.zoo.catalogue import FIRST_CHOICE, find_entry
from touchline.zoo.real_matches import AUTO, SOCCER, models_for_real_matches
from touchline.zoo.store import list_models

ASKED_ABOVE_BYTES = 200_000_000


def pull(
    names: Sequence[str], *, file: str | None = None, yes: bool = False, onnx: bool = True
) -> tuple[list[Pulled], PullPlan]:
    """Plan, print what would be fetched, ask where it is large, and fetch it.

    Raises:
        InputError: it cannot be had, or is large and there is no terminal to ask at.
    """
    plan = plans.plan(names, file=file)
    for name in plan.here:
        _remark(f"{name} is here already")
    for line in _announcement(plan):
        _remark(line)
    if plan.items and not yes:
        _ask(plan, names, file)
    with _bar(plan) as progress:
        done = pull_planned(plan, onnx=onnx, progress=progress)
    return done, plan


def pull_if_absent(model: str) -> None:
    """Pull a published model that is not here; for names that choose one, where there is none."""
    if model in (AUTO, SOCCER) and not models_for_real_matches():
        model = FIRST_CHOICE
    if find_entry(model) and model not in {folder.path.name for folder in list_models()}:
        pull([model])


def _announcement(plan: PullPlan) -> Iterator[str]:
    for item in plan.items:
        size = "of unknown size" if item.bytes is None else bytes_text(item.bytes)
        yield f"{item.name}: {counted(len(item.files), 'file')}, {size}, from {item.source}"
    for licence, items in _by_licence(plan).items():
        yield f"licence of {', '.join(item.name for item in items)}: {licence}"


def _by_licence(plan: PullPlan) -> dict[str, list[PlannedItem]]:
    """The items of each licence, so that each is printed once."""
    found: dict[str, list[PlannedItem]] = {}
    for item in plan.items:
        found.setdefault(_licence(item), []).append(item)
    return found


def _licence(item: PlannedItem) -> str:
    parts = [item.licence or "not stated"]
    if item.forbids_commercial_use:
        parts.append("commercial use is forbidden")
    if item.entry is not None and item.entry.training_data_licence != "not stated":
        parts.append(f"trained on {item.entry.training_data} ({item.entry.training_data_licence})")
    return "; ".join(parts)


def _ask(plan: PullPlan, names: Sequence[str], file: str | None) -> None:
    """Ask before a large fetch, and end the command where the answer is no.

    Raises:
        ConfigError: the fetch is large, and there is no terminal to ask at.
    """
    if plan.bytes is not None and plan.bytes <= ASKED_ABOVE_BYTES:
        return
    much = "files of unknown size" if plan.bytes is None else bytes_text(plan.bytes)
    if not sys.stdin.isatty():
        words = " ".join([*names, *(["--file", file] if file else []), "--yes"])
        raise ConfigError(f"this fetches {much}", remedy=f"run: touchline models pull {words}")
    if not typer.confirm(f"Fetch {much}?", err=True):
        raise typer.Exit(0)


def _remark(line: str) -> None:
    remarks.print(line, markup=False, soft_wrap=True)


@contextmanager
def _bar(plan: PullPlan) -> Iterator[Share]:
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        DownloadColumn(),
        TransferSpeedColumn(),
        TimeRemainingColumn(),
    )
    total = plan.bytes or 0
    with Progress(*columns, console=remarks, disable=not shows_progress() or not total) as progress:
        bar = progress.add_task(escape("fetching"), total=total)
        yield lambda share: progress.update(bar, completed=share * total)
