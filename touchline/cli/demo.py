"""``touchline demo``: show the whole product on a simulated match."""

from pathlib import Path
from typing import Annotated

import typer

from touchline.cli.output import JsonOption, finite, new_app, print_json, progress_bar, results
from touchline.runtime.wording import counted

app = new_app()


@app.command()
def demo(
    folder: Annotated[Path, typer.Argument(metavar="[DIR]", help="Folder for the results.")] = Path(
        "touchline-demo"
    ),
    minutes: Annotated[
        float, typer.Option(callback=finite, help="Length of each half of the match.")
    ] = 3.0,
    seed: Annotated[int, typer.Option(help="Which match to simulate.")] = 2026,
    json: JsonOption = False,
) -> None:
    """Simulate a short match, spot it, score it, cut its reel and write its report."""
    from touchline.demo import run_demo

    with progress_bar() as progress:
        tasks = {}

        def show(stage: str, share: float) -> None:
            if stage not in tasks:
                tasks[stage] = progress.add_task(stage, total=100)
            progress.update(tasks[stage], completed=100 * share)

        made = run_demo(folder, minutes=minutes, seed=seed, progress=show)
    if json:
        print_json(made.to_json())
        return
    for name, path in made.files.items():
        results.print(f"{name:18} {path}", markup=False, soft_wrap=True)
    for score in made.scores:
        present = score.average_map_present
        results.print(
            f"{score.metric} average-mAP {0.0 if present is None else present:.3f} "
            f"over {counted(int((score.annotations > 0).sum()), 'class', 'classes')} that occur "
            f"({score.average_map:.3f} over all {len(score.label_set)}, as the challenge counts)",
            markup=False,
            soft_wrap=True,
        )
    results.print("This match is simulated: the score says nothing about real football.")
