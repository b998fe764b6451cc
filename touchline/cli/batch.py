"""How ``spot``, ``extract``, ``reel`` and ``annotate`` run their tasks and print what became of
them."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import TYPE_CHECKING

from touchline.cli.output import (
    TaskBar,
    print_error,
    print_json,
    progress_bar,
    remarks,
    results,
)
from touchline.runtime.wording import counted

if TYPE_CHECKING:
    from touchline.batch.executor import Executor, Observer
    from touchline.batch.run import OutcomeTask
    from touchline.batch.summary import Outcome, Summary

NAMED = 3
"""So many names stand in one line."""

Run = Callable[["Sequence[OutcomeTask]", "Executor", "Observer"], "Iterator[tuple[int, Outcome]]"]


def run_tasks(
    tasks: "Sequence[OutcomeTask]",
    executor: "AbstractContextManager[Executor]",
    doing: str,
    *,
    run: Run | None = None,
) -> "Summary":
    """Run tasks with a progress bar; warnings and failures are printed as they come.

    Args:
        doing: what the bar says.
        run: ``run_all`` by default.
    """
    from touchline.batch.executor import Observer
    from touchline.batch.run import run_all
    from touchline.batch.summary import in_order

    finished = []
    with executor as opened, progress_bar() as progress:
        only = tasks[0].name if len(tasks) == 1 else None
        bar = TaskBar(progress, doing if only is None else Path(only).name, len(tasks))
        observer = Observer(bar.done, bar.nodes, bar.remark)
        for index, outcome in (run or run_all)(tasks, opened, observer):
            finished.append((index, outcome))
            for warning in outcome.warnings:
                name = Path(outcome.source).name
                bar.remark(warning if name in warning else f"{name}: {warning}")
            if outcome.reason is not None and only is None:
                print_error(outcome.reason)
    return in_order(finished)


def print_summary(summary: "Summary", describe: "Callable[[Outcome], str]", json: bool) -> None:
    """Print the results: as JSON the whole summary, else a line for each that did not fail.

    Args:
        describe: the line of an outcome.

    Raises:
        InputError: some failed.
    """
    from touchline.errors import InputError

    if summary.left_out:
        remarks.print(
            _left_out_line(summary.left_out), style="yellow", markup=False, soft_wrap=True
        )
    if json:
        print_json(summary.to_json())
    else:
        for outcome in summary.done:
            if outcome.status != "failed":
                results.print(describe(outcome), markup=False, soft_wrap=True)
    failures = summary.failures
    if failures and len(summary.done) == 1:
        raise InputError(str(failures[0].reason))
    if failures:
        raise InputError(f"{len(failures)} of {len(summary.done)} failed: {_reasons_of(failures)}")


def _reasons_of(failures: "Sequence[Outcome]") -> str:
    """What failed, and why if it is the same for all; each reason was printed when it came."""
    names = _named(dict.fromkeys(Path(outcome.source).name for outcome in failures))
    reasons = {str(outcome.reason).removeprefix(f"{outcome.source}: ") for outcome in failures}
    return f"{names}: {reasons.pop()}" if len(reasons) == 1 else f"{names}; see the errors above"


def _left_out_line(files: "Sequence[str]") -> str:
    return (
        f"left out {counted(len(files), 'file')} that {'belongs' if len(files) == 1 else 'belong'} "
        f"to no game: {_named(files)}; give each by itself, or put labels beside it "
        "(x.mp4 and x.events.json)"
    )


def _named(names: "Iterable[str]") -> str:
    every = list(names)
    more = f" and {len(every) - NAMED} more" if len(every) > NAMED else ""
    return ", ".join(every[:NAMED]) + more


def file_line(outcome: "Outcome", content: str) -> str:
    """The first file of an outcome and what is in it."""
    return f"{outcome.files[0]}: {_with_status(outcome, content)}"


def source_lines(outcome: "Outcome", content: str) -> str:
    """The source of an outcome with what was found in it, and its files below."""
    files = "".join(f"\n  {file}" for file in outcome.files)
    return f"{outcome.source}: {_with_status(outcome, content)}{files}"


def _with_status(outcome: "Outcome", content: str) -> str:
    return content if outcome.status == "made" else f"kept ({content})"


def reel_content(outcome: "Outcome") -> str:
    """Such as ``5 clips, 61.0 s``; of chapters their number, and whether clips were joined."""
    clips, seconds = outcome.clips or 0, f"{outcome.seconds or 0.0:.1f} s"
    if outcome.chapters is None:
        return f"{counted(clips, 'clip')}, {seconds}"
    joined = clips - outcome.chapters
    also = f", {joined} joined to the one before" if joined > 0 else ""
    return f"{counted(outcome.chapters, 'chapter')} of {counted(clips, 'clip')}{also}, {seconds}"
