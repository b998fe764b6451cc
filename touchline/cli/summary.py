"""How commands that work at many matches are run and told of."""

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING

from touchline.cli.output import TaskBar, print_json, progress_bar, results

if TYPE_CHECKING:
    from touchline.batch.cluster import Crew
    from touchline.batch.matches import Outcome, ReelTask, SpotTask


def run_many(
    tasks: "Sequence[SpotTask | ReelTask]",
    crew: "AbstractContextManager[Crew]",
    doing: str,
    line: "Callable[[Outcome], str]",
    json: bool,
) -> None:
    """Do tasks with a progress bar and print what became of each.

    Args:
        line: what to say of one that did not fail.

    Raises:
        InputError: some failed; raised when all the others are done.
    """
    from touchline.batch.cluster import Watch
    from touchline.batch.matches import run_all
    from touchline.errors import InputError

    outcomes = []
    with crew as workers, progress_bar() as progress:
        bar = TaskBar(progress, doing, len(tasks))
        for outcome in run_all(tasks, workers, Watch(bar.done, bar.nodes, bar.remark)):
            outcomes.append(outcome)
            for message in outcome.messages:
                named = outcome.source in message or outcome.status == "failed"
                bar.remark(message if named else f"{outcome.source}: {message}")
    failed = [outcome for outcome in outcomes if outcome.status == "failed"]
    if json:
        print_json({"done": [outcome.told() for outcome in outcomes], "failed": len(failed)})
    else:
        for outcome in outcomes:
            what = outcome.status if outcome.status != "made" else line(outcome)
            results.print(f"{outcome.source}: {what}", markup=False, soft_wrap=True)
            for file in outcome.files:
                results.print(f"  {file}", markup=False, soft_wrap=True)
    if failed:
        first = "; ".join(failed[0].messages)
        raise InputError(f"{len(failed)} of {len(outcomes)} failed: {first}")


def counted(number: int, thing: str) -> str:
    """``1 event``, ``2 events``."""
    return f"{number} {thing}" if number == 1 else f"{number} {thing}s"
