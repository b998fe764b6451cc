"""``touchline combine``: merge the predictions of several networks."""

from pathlib import Path
from typing import Annotated

import typer

from touchline.cli.output import (
    JsonOption,
    ReplaceOption,
    in_range,
    new_app,
    print_json,
    results,
)
from touchline.runtime.wording import counted

app = new_app()


@app.command()
def combine(
    predictions: Annotated[
        list[Path],
        typer.Argument(
            metavar="PREDICTIONS...", help="Two or more of what `touchline predict` wrote."
        ),
    ],
    out: Annotated[
        Path,
        typer.Option("--out", "-o", help="Folder, or .zip, for the combined predictions."),
    ],
    average: Annotated[
        bool,
        typer.Option("--average", help="Average networks that have the same classes."),
    ] = False,
    within: Annotated[
        float | None,
        typer.Option(
            callback=in_range(0, 60),
            help="With --average: most seconds between two networks' times of an event; default 2.",
        ),
    ] = None,
    overwrite: ReplaceOption = False,
    json: JsonOption = False,
) -> None:
    """Merge predictions: each class from the network that has it, or the average of all networks.

    By class is how CALF with calibration was published: its visual and its non-visual network.
    """
    from touchline.batch.combining import WITHIN_SECONDS, average_predictions, combine_predictions
    from touchline.batch.predictions import DatasetPredictions
    from touchline.errors import ConfigError
    from touchline.formats import read_matches
    from touchline.pipeline import check_writable

    if within is not None and not average:
        raise ConfigError("--within is for averaging", remedy="add --average, or leave it out")
    check_writable(out.parent if out.suffix.lower() == ".zip" else out)
    parts = [read_matches(path) for path in predictions]
    if average:
        reach = WITHIN_SECONDS if within is None else within
        combined = average_predictions(parts, within_seconds=reach)
    else:
        combined = combine_predictions(parts)
    found = DatasetPredictions(combined, ())
    found.write(out, overwrite=overwrite)
    if json:
        print_json({"games": len(combined), "events": found.events, "written": str(out)})
        return
    text = f"{out}: {counted(len(combined), 'game')}, {counted(found.events, 'prediction')}"
    results.print(text, markup=False, soft_wrap=True)
