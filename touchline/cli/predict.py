"""``touchline predict``: a trained network's predictions for a dataset."""

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from touchline.cli.output import (
    JsonOption,
    ReplaceOption,
    in_range,
    new_app,
    print_json,
    progress_bar,
    remarks,
    results,
)
from touchline.runtime.wording import counted

if TYPE_CHECKING:
    from touchline.batch.fusing import ChosenWeight
    from touchline.datasets.soccernet import Game
    from touchline.scores import Scores
    from touchline.spotting.features import FeatureSpotter
    from touchline.spotting.fused import FusedSpotter
    from touchline.spotting.spotter import VideoSpotter

app = new_app()

DEFAULT_FOLDER = Path("predictions")


@app.command()
def predict(
    run: Annotated[
        str,
        typer.Argument(metavar="RUN", help="Folder of a run, or a model of `touchline models`."),
    ],
    dataset: Annotated[
        Path,
        typer.Argument(
            metavar="DATASET", help="Folder of league/season/game/1_224p.mkv, or of features."
        ),
    ],
    split: Annotated[
        str, typer.Option(help="train, valid, test, challenge, or all for every game there is.")
    ] = "test",
    out: Annotated[
        Path | None,
        typer.Option("--out", "-o", help="Folder for league/season/game/results_spotting.json."),
    ] = None,
    challenge: Annotated[
        Path | None,
        typer.Option(metavar="ZIP", help="Zip to upload to the challenge's server."),
    ] = None,
    curves: Annotated[
        Path | None,
        typer.Option(
            metavar="FOLDER",
            help="Folder for what the network says of every step, "
            "league/season/game/<half>_curves.npz: hard negatives for a training.",
        ),
    ] = None,
    threshold: Annotated[
        float | None,
        typer.Option(
            callback=in_range(0, 1),
            help="Leave out events of lower confidence; by default the model's own floor, or 0.01.",
        ),
    ] = None,
    video: Annotated[
        str, typer.Option(help="Which of several videos of a half: 224p, 720p, HQ or frames.")
    ] = "224p",
    features: Annotated[
        str | None,
        typer.Option(help="Name of the feature files, if it differs from the model's."),
    ] = None,
    engine: Annotated[
        Literal["auto", "openvino", "torch"],
        typer.Option(help="What runs a network that reads pictures."),
    ] = "auto",
    as_published: Annotated[
        bool,
        typer.Option(
            "--as-published",
            help="Score videos as the published program does, even where that finds less: "
            "COMEDIAN's says nothing of the last twelve seconds.",
        ),
    ] = False,
    fuse: Annotated[
        str | None,
        typer.Option(
            metavar="RUN", help="A second network of dense anchors, to fuse with the first."
        ),
    ] = None,
    fuse_weight: Annotated[
        float | None,
        typer.Option(
            callback=in_range(0, 1),
            help="With --fuse: weight of the second network; by default chosen on the split valid.",
        ),
    ] = None,
    fuse_arctanh: Annotated[
        bool,
        typer.Option(
            "--fuse-arctanh",
            help="With --fuse: average the arctanh of displacements instead of displacements.",
        ),
    ] = False,
    overwrite: ReplaceOption = False,
    json: JsonOption = False,
) -> None:
    """Spot every game of a dataset and write its results_spotting.json.

    With --fuse, two networks of dense anchors are fused, each on its own feature files.
    A network of replay grounding writes which action each replay shows, in results_grounding.json.
    Without --out, --challenge and --curves the results go into the folder predictions.
    """
    from touchline.batch.predictions import (
        RESULTS_FILE,
        challenge_threshold,
        check_games,
        refuse_curves,
        refuse_results,
    )
    from touchline.batch.predictions import predict as predict_games
    from touchline.datasets.soccernet import read_games
    from touchline.errors import ConfigError, InputError
    from touchline.pipeline import check_writable
    from touchline.systems import grounds_replays, results_format, row_of
    from touchline.zoo.store import find

    if fuse is None and (fuse_weight is not None or fuse_arctanh):
        raise ConfigError("--fuse-weight and --fuse-arctanh are for --fuse", remedy="add it")
    if challenge is not None and challenge.suffix.lower() != ".zip":
        raise InputError("a challenge takes a zip", where=challenge, remedy="name it out.zip")
    targets = [path for path in (out, challenge) if path is not None]
    if not targets and curves is None:
        targets = [DEFAULT_FOLDER]
    for target in targets:
        check_writable(target.parent if target is challenge else target)
    if curves is not None:
        check_writable(curves)
    card = find(run).card
    if grounds_replays(card.system) and fuse is None:
        if curves is not None:
            raise ConfigError(
                f"{card.system} has no curves", where="--curves", remedy="leave it out"
            )
        _ground(run, dataset, split, features, threshold, targets, overwrite, json)
        return
    own = card.features
    if as_published and not row_of(card.system).as_published:
        raise ConfigError(
            f"{card.system} scores videos as the published program does anyway",
            where="--as-published",
            remedy="leave it out",
        )
    if threshold is None:
        threshold = challenge_threshold(card)
    if features is not None and own is None:
        raise InputError("the model takes video", where="--features", remedy="leave it out")
    name = features or (None if own is None else own.name)
    fused = None if fuse is None else _load_fused(run, fuse, features, fuse_weight, fuse_arctanh)
    games = read_games(dataset, None if split == "all" else split, size=video, features=name)
    if not overwrite:
        refuse_results(targets, games, RESULTS_FILE)
        if curves is not None:
            refuse_curves(curves, games)
    chosen = None
    if fused is not None and fuse_weight is None:
        check_games(fused, games)
        chosen = _choose_weight(fused, dataset, name, threshold)
        fused = fused.with_weight(chosen.weight)
    with fused or _load(run, name, engine, as_published) as spotter, progress_bar() as progress:
        bar = progress.add_task("predicting", total=sum(len(game.halves) for game in games))
        videos_done = 0

        def show(game: "Game", half: int, share: float) -> None:
            nonlocal videos_done
            videos_done += share >= 1
            done = videos_done + (share if share < 1 else 0)
            progress.update(bar, completed=done, description=f"{game.name[-40:]}, half {half}")

        found = predict_games(
            spotter,
            games,
            threshold=threshold,
            progress=show,
            keep=partial(_keep, curves, overwrite),
        )
    for warning in found.warnings:
        remarks.print(warning, style="yellow", markup=False, soft_wrap=True)
    for target in targets:
        found.write(target, format=results_format(card.system), overwrite=overwrite)
    written = [*targets, *([] if curves is None else [curves])]
    if json:
        print_json(
            {
                "games": len(found.matches),
                "events": found.events,
                "written": [str(target) for target in written],
                "warnings": list(found.warnings),
                **({} if fused is None else {"fusion": _fusion_record(fused, chosen)}),
            }
        )
        return
    if fused is not None:
        results.print(_fusion_line(fused, chosen), markup=False, soft_wrap=True)
    for target in targets:
        content = f"{counted(len(found.matches), 'game')}, {counted(found.events, 'prediction')}"
        text = f"{target}: {content}"
        results.print(text, markup=False, soft_wrap=True)
    if curves is not None:
        halves = sum(len(game.halves) for game in games)
        text = f"{curves}: the curves of {counted(halves, 'half', 'halves')}"
        results.print(text, markup=False, soft_wrap=True)


def _keep(folder: Path | None, overwrite: bool, game: "Game", half: int, curves: "Scores") -> None:
    if folder is None:
        return
    from touchline.spotting.curve_files import curves_path, write_curves

    write_curves(curves_path(folder, game.name, half), curves, overwrite=overwrite)


def _ground(
    run: str,
    dataset: Path,
    split: str,
    features: str | None,
    threshold: float | None,
    targets: list[Path],
    overwrite: bool,
    json: bool,
) -> None:
    """``predict`` for networks of replay grounding."""
    from touchline.batch.grounding import ground_games
    from touchline.batch.predictions import refuse_results
    from touchline.datasets.soccernet import read_games
    from touchline.formats.grounding import REPLAY_FILES
    from touchline.zoo.store import find

    folder = find(run)
    assert folder.card.features is not None  # as the system says
    name = features or folder.card.features.name
    games = read_games(dataset, None if split == "all" else split, features=name)
    if not overwrite:
        refuse_results(targets, games, REPLAY_FILES[0])
    with progress_bar() as progress:
        bar = progress.add_task("grounding", total=sum(len(game.halves) for game in games))
        found = ground_games(
            folder,
            games,
            features=name,
            threshold=threshold or 0.0,
            progress=lambda game, half, share: progress.advance(bar, share),
        )
    for target in targets:
        found.write(target, overwrite=overwrite)
    if json:
        written = [str(target) for target in targets]
        print_json({"games": len(games), "replays": found.count, "written": written})
        return
    for target in targets:
        text = f"{target}: {counted(len(games), 'game')}, {counted(found.count, 'replay')}"
        results.print(text, markup=False, soft_wrap=True)


def _load(
    run: str,
    features: str | None,
    engine: Literal["auto", "openvino", "torch"],
    as_published: bool,
) -> "VideoSpotter | FeatureSpotter":
    if features is None:
        from touchline.spotting.spotter import load

        return load(run, engine=engine, as_published=as_published)
    from touchline.spotting.features import load_for_features

    return load_for_features(run, features=features)


def _load_fused(
    run: str, other: str, features: str | None, weight: float | None, arctanh: bool
) -> "FusedSpotter":
    from touchline.spotting.fused import load_fused

    return load_fused(
        run, other, features=features, weight=0.5 if weight is None else weight, arctanh=arctanh
    )


def _choose_weight(
    fused: "FusedSpotter", dataset: Path, features: str | None, threshold: float
) -> "ChosenWeight":
    from touchline.batch.fusing import WEIGHTS, choose_weight
    from touchline.datasets.soccernet import read_games
    from touchline.errors import InputError

    try:
        games = read_games(dataset, "valid", features=features)
        with progress_bar() as progress:
            halves = sum(len(game.halves) for game in games)
            bar = progress.add_task("choosing the weight", total=halves + len(WEIGHTS))
            return choose_weight(
                fused, games, threshold=threshold, progress=lambda: progress.advance(bar)
            )
    except InputError as error:
        raise InputError(
            f"{error.what}, and the weight is chosen on the split valid",
            where=error.where,
            remedy="correct that, or give --fuse-weight",
        ) from error


def _fusion_record(fused: "FusedSpotter", chosen: "ChosenWeight | None") -> dict[str, Any]:
    record: dict[str, Any] = {
        "with": str(fused.second.folder.path),
        "weight": fused.weight,
        "displacements": "arctanh" if fused.arctanh else "plain",
    }
    if chosen is not None:
        by_weight = [{"weight": weight, "tight": value} for weight, value in chosen.tight.items()]
        record["validation"] = {"games": chosen.games, "by_weight": by_weight}
    return record


def _fusion_line(fused: "FusedSpotter", chosen: "ChosenWeight | None") -> str:
    line = f"fused with {fused.second.folder.path.name}, its weight {fused.weight:g}"
    if chosen is None:
        return line
    best, first, second = (chosen.tight[weight] for weight in (chosen.weight, 0.0, 1.0))
    return (
        f"{line}: tight average mAP {best:.4f} on {counted(chosen.games, 'game')} of the split "
        f"valid, "
        f"{first:.4f} and {second:.4f} each alone"
    )
