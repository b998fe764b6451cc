"""``touchline dataset``: download, check and describe datasets."""

from pathlib import Path
from typing import Annotated

import typer

from touchline.cli.output import (
    JsonOption,
    ReplaceOption,
    new_app,
    print_json,
    remarks,
    results,
    track,
)
from touchline.labels import LABEL_SETS
from touchline.runtime.wording import counted

app = new_app(no_args_is_help=True, help="Download, check and describe datasets.")


@app.command()
def download(
    folder: Annotated[
        Path | None, typer.Argument(metavar="DIR", help="Root of the dataset; created if needed.")
    ] = None,
    what: Annotated[
        list[str] | None,
        typer.Option("--data", help="What to download; repeatable. --list shows what there is."),
    ] = None,
    split: Annotated[
        list[str] | None,
        typer.Option(help="train, valid, test (these by default) or challenge; repeatable."),
    ] = None,
    games: Annotated[
        Path | None, typer.Option(help="A list of games to take instead of whole splits.")
    ] = None,
    source: Annotated[
        str, typer.Option(help="huggingface, or soccernet (its own package and older drive).")
    ] = "huggingface",
    password: Annotated[
        str | None,
        typer.Option(
            envvar="SOCCERNET_PASSWORD",
            help="Password of the agreement, for videos on the older drive.",
        ),
    ] = None,
    list_data: Annotated[bool, typer.Option("--list", help="List the data and exit.")] = False,
    json: JsonOption = False,
) -> None:
    """Download parts of SoccerNet; an interrupted download continues with the same command."""
    from touchline.datasets.download import SOURCES
    from touchline.datasets.download import download as fetch
    from touchline.errors import InputError

    if list_data:
        rows = [
            {"name": name, "description": known.description, "needs_agreement": known.gated}
            for name, known in SOURCES.items()
        ]
        if json:
            print_json(rows)
        for row in [] if json else rows:
            gated = "  (needs the agreement)" if row["needs_agreement"] else ""
            results.print(f"{row['name']:<16}{row['description']}{gated}", markup=False)
        return
    if folder is None:
        raise InputError("a folder to download into is needed", remedy="give DIR")
    done = []
    for name in what or ["labels"]:
        got = fetch(
            name,
            folder,
            tuple(split or ("train", "valid", "test")),
            games=games,
            source=source,
            password=password,
        )
        done.append({"data": name, "files": got.files, "missing": list(got.missing)})
        if got.missing:
            remarks.print(
                f"{name}: {counted(len(got.missing), 'file')} could not be downloaded, such as "
                f"{got.missing[0]}",
                markup=False,
                soft_wrap=True,
            )
        if not json:
            results.print(
                f"{folder}: {name}, {counted(got.files, 'file')}", markup=False, soft_wrap=True
            )
    if json:
        print_json(done)


@app.command()
def check(
    path: Annotated[
        Path,
        typer.Argument(metavar="PATH", help="A dataset's folder; or predictions, zip or folder."),
    ],
    games: Annotated[
        Path | None,
        typer.Option(help="Expected games: a list of games, or the folder or zip of labels."),
    ] = None,
    split: Annotated[
        str | None, typer.Option(help="Expected games: a published split, or a list at PATH.")
    ] = None,
    labels: Annotated[str | None, typer.Option(help=f"Label set: {', '.join(LABEL_SETS)}.")] = None,
    team: Annotated[
        bool,
        typer.Option("--team", help="The predictions are for team ball spotting and name a team."),
    ] = False,
    json: JsonOption = False,
) -> None:
    """Report what is missing, unreadable, mislabelled or would be refused; 2 means errors."""
    from touchline.datasets.checks import (
        check_challenge,
        check_dataset,
        games_of,
        is_challenge,
        split_games,
    )
    from touchline.errors import InputError

    if labels is not None and labels not in LABEL_SETS:
        raise InputError(f"unknown label set {labels!r}", remedy=f"use {', '.join(LABEL_SETS)}")
    label_set = None if labels is None else LABEL_SETS[labels]
    wanted = games_of(games) if games is not None else None
    if wanted is None and split is not None:
        wanted = split_games(path, split, labels)
    if is_challenge(path):
        report = check_challenge(path, games=wanted, label_set=label_set, needs_team=team)
    else:
        report = check_dataset(
            path, games=wanted, label_set=label_set, track=lambda names: track(names, "checking")
        )
    if json:
        print_json(report.to_json())
    else:
        for finding in report.findings:
            remedy = f"; {finding.remedy}" if finding.remedy else ""
            results.print(
                f"{finding.severity}: {finding.where}: {finding.what}{remedy}",
                markup=False,
                soft_wrap=True,
            )
        warnings = len(report.findings) - report.errors
        results.print(
            f"{counted(report.games, 'game')}, {counted(report.events, 'event')}: "
            f"{counted(report.errors, 'error')}, {counted(warnings, 'warning')}",
            markup=False,
        )
        if len(report.label_files) > 1:
            files = ", ".join(f"{name} {count}" for name, count in report.label_files.items())
            remarks.print(
                f"events by label file: {files}; `touchline dataset stats` counts those of one",
                markup=False,
                soft_wrap=True,
            )
        if report.kind == "challenge" and wanted is None:
            remarks.print(
                "note: without --games or --split a missing game cannot be detected", markup=False
            )
    if report.errors:
        raise typer.Exit(2)


@app.command()
def stats(
    path: Annotated[
        Path, typer.Argument(metavar="PATH", help="A dataset's folder, a zip, or a file of events.")
    ],
    source_format: Annotated[
        str | None, typer.Option("--from", help="Which kind of label files to count.")
    ] = None,
    picture: Annotated[
        Path | None, typer.Option(help="Also draw the counts as bars into this .svg or .html.")
    ] = None,
    overwrite: ReplaceOption = False,
    json: JsonOption = False,
) -> None:
    """Count events per class, split, visibility and team."""
    from rich.markup import escape
    from rich.table import Table

    from touchline.datasets.stats import dataset_stats, write_picture

    found = dataset_stats(path, source_format)
    if picture is not None:
        write_picture(found, picture, overwrite=overwrite)
    if json:
        print_json(found.to_json())
        return
    table = Table(
        "class", title=f"{counted(found.events, 'event')} of {counted(found.games, 'game')}"
    )
    for name in ("events", "visible", "not shown", "games", "per game", *found.splits):
        table.add_column(name, justify="right")
    for row in found.classes:
        table.add_row(
            escape(row.label),
            str(row.total),
            str(row.total - row.unshown),
            str(row.unshown),
            str(row.games),
            f"{row.total / found.games:.1f}",
            *(str(row.splits[name]) for name in found.splits),
        )
    results.print(table)
