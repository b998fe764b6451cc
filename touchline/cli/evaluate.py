"""``touchline evaluate``: score predictions against labels."""

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from enum import StrEnum
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer
from rich.table import Table

from touchline.cli.output import (
    JsonOption,
    ReplaceOption,
    finite,
    in_range,
    new_app,
    print_json,
    remarks,
    results,
)
from touchline.errors import ConfigError, FormatError, InputError
from touchline.labels import LABEL_SETS
from touchline.metrics.spotting import METRICS
from touchline.runtime.wording import counted, counted_rate

if TYPE_CHECKING:
    from touchline.events import Match
    from touchline.labels import LabelSet
    from touchline.metrics.explain import Explanation, TimeErrors
    from touchline.metrics.spotting import Spots, SpottingScores
    from touchline.metrics.summary import Segment

app = new_app()


class Measure(StrEnum):
    """What is scored."""

    spotting = "spotting"
    team = "team"
    frames = "frames"
    grounding = "grounding"
    summary = "summary"


class Missing(StrEnum):
    """What to do with a labelled game or half without predictions."""

    refuse = "refuse"
    empty = "empty"


@app.command()
def evaluate(
    labels: Annotated[
        Path, typer.Argument(metavar="LABELS", help="Ground truth: a file, folder tree or zip.")
    ],
    predictions: Annotated[
        Path, typer.Argument(metavar="PREDICTIONS", help="Predictions: a file, folder tree or zip.")
    ],
    metric: Annotated[
        list[str] | None,
        typer.Option(
            help=f"{', '.join(METRICS)}; repeat it for several. Default: loose, and at1 for ball "
            "action spotting."
        ),
    ] = None,
    label_set: Annotated[
        str,
        typer.Option(
            "--label-set",
            "--labels-set",
            help=f"{', '.join(LABEL_SETS)}, your own as A,B,C, or auto.",
        ),
    ] = "auto",
    rate: Annotated[
        str | None,
        typer.Option(help="Frames a second of the evaluation. Default: 2, and 25 for the ball."),
    ] = None,
    task: Annotated[
        Measure,
        typer.Option(
            help="spotting; team (ball actions with their side); frames (E2E-Spot's mAP); "
            "grounding (replays); summary (reels against editors' segments)."
        ),
    ] = Measure.spotting,
    seconds: Annotated[
        float | None,
        typer.Option(
            callback=in_range(0),
            help="For summary, of PREDICTIONS that are events: choose reels of this length; 0 is "
            "that of each editor's.",
        ),
    ] = None,
    games: Annotated[
        Path | None, typer.Option(help="Score only the games that this list names.")
    ] = None,
    split: Annotated[
        str | None, typer.Option(help="Score only the games of this split, by the list in LABELS.")
    ] = None,
    missing: Annotated[
        Missing | None,
        typer.Option(
            help="For a game or half without predictions: refuse, or empty, which counts misses. "
            "Default: refuse games, count halves and say so."
        ),
    ] = None,
    label_file: Annotated[
        str | None, typer.Option(help="Name of each game's label file, such as Labels-v2.json.")
    ] = None,
    prediction_file: Annotated[
        str | None, typer.Option(help="Name of each game's prediction file.")
    ] = None,
    explain: Annotated[
        bool,
        typer.Option(
            "--explain",
            help="Explain the score: precision and recall, times, confusions, calibration.",
        ),
    ] = False,
    threshold: Annotated[
        float,
        typer.Option(
            callback=finite, help="Score from which --explain counts a detection as reported."
        ),
    ] = 0.5,
    html: Annotated[
        Path | None, typer.Option(help="Write the explanation as a page, with its curves.")
    ] = None,
    overwrite: ReplaceOption = False,
    json: JsonOption = False,
) -> None:
    """Print the official metric of the challenge; with --explain also what it does not show."""
    wanted = _wanted_games(labels, games, split)
    if task is not Measure.spotting and (explain or html):
        raise ConfigError(f"--explain does not apply to --task {task.value}")
    if task is not Measure.summary and seconds is not None:
        raise ConfigError(f"--seconds does not apply to --task {task.value}")
    if task in (Measure.summary, Measure.frames) and metric:
        raise ConfigError(f"--metric does not apply to --task {task.value}")
    if task is Measure.summary:
        _show_record(_summary(labels, predictions, wanted, seconds), json)
    elif task is Measure.grounding:
        _show_all([_grounding(labels, predictions, name) for name in metric or ["loose"]], json)
    elif task is Measure.frames:
        _show_record(_frames(labels, predictions, rate), json)
    else:
        from touchline.labels import SOCCERNET_BALL, evaluation_rate

        chosen = _chosen_labels(labels, label_set, label_file)
        ball = task is Measure.team or chosen.name == "soccernet-ball"
        metrics = metric or ["at1" if ball else "loose"]
        sides = _sides(
            labels, predictions, chosen, wanted, label_file, prediction_file, task is Measure.team
        )
        _say_missing_halves(sides, missing)
        frames = _rate(rate, evaluation_rate(SOCCERNET_BALL if ball else chosen))
        if task is Measure.team:
            _show_all([_team(sides, chosen, name, frames, missing) for name in metrics], json)
        else:
            spots = _prepared(sides, chosen, frames, missing)
            _spotting(spots, metrics, explain, threshold, html, overwrite, json)


def _wanted_games(labels: Path, games: Path | None, split: str | None) -> list[str] | None:
    from touchline.formats.games import games_of_split, read_game_list

    if games and split:
        raise ConfigError("--games and --split exclude each other", remedy="give one of them")
    if games:
        return read_game_list(games)
    return games_of_split(labels, split) if split else None


def _chosen_labels(labels: Path, name: str, label_file: str | None) -> "LabelSet":
    from touchline.formats.columns import LABEL_FILES, guess_label_set
    from touchline.labels import LabelSet

    if name in LABEL_SETS:
        return LABEL_SETS[name]
    if name == "auto":
        return LABEL_FILES[label_file] if label_file in LABEL_FILES else guess_label_set(labels)
    if "," not in name:
        raise ConfigError(
            f"unknown label set {name!r}",
            remedy=f"choose {', '.join(LABEL_SETS)}, or list classes with commas between",
        )
    return LabelSet("custom", tuple(part.strip() for part in name.split(",")))


Sides = tuple[Mapping[str, Any], Mapping[str, Any]]


def _sides(
    labels: Path,
    predictions: Path,
    label_set: "LabelSet",
    wanted: list[str] | None,
    label_file: str | None,
    prediction_file: str | None,
    teams: bool,
) -> Sides:
    from touchline.formats.columns import read_events
    from touchline.formats.games import align_games

    truth = read_events(
        labels, "labels", label_set, file_name=label_file, games=wanted, teams=teams
    )
    _refuse_absent(labels, wanted, truth)
    found = read_events(
        predictions, "predictions", label_set, file_name=prediction_file, teams=teams
    )
    return truth, align_games(truth, found)


def _refuse_absent(labels: Path, wanted: list[str] | None, found: Mapping[str, Any]) -> None:
    absent = [game for game in wanted or [] if game not in found]
    if absent:
        raise ConfigError(
            f"has no labels of {counted(len(absent), 'listed game')}, such as {absent[0]!r}",
            where=labels,
        )


def _rate(text: str | None, default: int) -> Fraction:
    from touchline.timebase import parse_rate

    return Fraction(default) if text is None else parse_rate(text)


def _say_missing_halves(sides: Sides, missing: Missing | None) -> None:
    """Name the halves that have labels and no predictions.

    Raises:
        InputError: they are to be refused.
    """
    from touchline.metrics.spotting import halves_without_predictions

    found = halves_without_predictions(*sides)
    if not found:
        return
    named = [f"half {half} of {game} ({counted(events, 'event')})" for game, half, events in found]
    more = f" and {len(named) - 3} more" if len(named) > 3 else ""
    what = f"no predictions for {', '.join(named[:3])}{more}"
    if missing is Missing.refuse:
        raise InputError(what, remedy="predict them, or count them as misses: --missing empty")
    remarks.print(f"{what}: counted as misses", style="yellow", markup=False, soft_wrap=True)


def _missing(missing: Missing | None) -> Literal["refuse", "empty"]:
    return "empty" if missing is Missing.empty else "refuse"


def _prepared(
    sides: Sides, label_set: "LabelSet", rate: Fraction, missing: Missing | None
) -> "Spots":
    from touchline.metrics.spotting import prepare

    return prepare(*sides, label_set=label_set, rate=rate, missing=_missing(missing))


def _spotting(
    spots: "Spots",
    metrics: list[str],
    explained: bool,
    threshold: float,
    html: Path | None,
    overwrite: bool,
    json: bool,
) -> None:
    from touchline.metrics.explain import explain
    from touchline.metrics.spotting import score

    if not explained and html is None:
        scores = [score(spots, name) for name in metrics]
        if json:
            _show_all([item.to_json() for item in scores], json)
        for item in [] if json else scores:
            _print_scores(item)
        return
    explanations = [explain(spots, name, threshold=threshold) for name in metrics]
    if html is not None:
        from touchline.report.scores import write_scores_page

        write_scores_page(explanations, html, overwrite=overwrite)
    if json:
        _show_all([item.to_json() for item in explanations], json)
    for explanation in [] if json else explanations:
        _print_explanation(explanation)
    if html is not None:
        remarks.print(f"wrote {html}", markup=False, soft_wrap=True)


def _team(
    sides: Sides, label_set: "LabelSet", metric: str, rate: Fraction, missing: Missing | None
) -> dict[str, Any]:
    from touchline.metrics.team import evaluate_team

    scores = evaluate_team(
        *sides, label_set=label_set, metric=metric, rate=rate, missing=_missing(missing)
    )
    if scores.absent:
        remarks.print(
            "the official team mAP is not a number, because these classes do not occur: "
            + ", ".join(scores.absent),
            style="yellow",
            markup=False,
            soft_wrap=True,
        )
    return scores.to_json()


def _frames(labels: Path, predictions: Path, rate: str | None) -> dict[str, Any]:
    from touchline.formats import read_matches
    from touchline.formats.columns import guess_label_set, is_soccernet, read_columns
    from touchline.metrics.frames import evaluate_frames, frames_of_columns, frames_of_matches

    if is_soccernet(labels, "labels") and is_soccernet(predictions, "predictions"):
        label_set = guess_label_set(labels)
        truth, found = (
            frames_of_columns(side, _rate(rate, 2))
            for side in (
                read_columns(labels, "labels", label_set),
                read_columns(predictions, "predictions", label_set),
            )
        )
    else:
        exact = None if rate is None else _rate(rate, 2)
        truth, found = (
            frames_of_matches(read_matches(path), exact) for path in (labels, predictions)
        )
    return evaluate_frames(truth, found).to_json()


def _grounding(labels: Path, predictions: Path, metric: str) -> dict[str, Any]:
    from touchline.formats.grounding import read_replays, read_shots
    from touchline.metrics.grounding import evaluate_grounding

    return evaluate_grounding(
        read_shots(labels), read_replays(predictions), metric=metric
    ).to_json()


def _summary(
    labels: Path, predictions: Path, wanted: list[str] | None, seconds: float | None
) -> dict[str, Any]:
    from touchline.formats import read_matches
    from touchline.formats.games import align_games
    from touchline.formats.summaries import read_segments
    from touchline.metrics.summary import evaluate_summaries

    with _hinted(f"LABELS are summaries of editors: {_SEGMENT_FILES}"):
        editors = read_segments(labels)
    _refuse_absent(labels, wanted, editors)
    if wanted is not None:
        editors = {game: editors[game] for game in wanted}
    if seconds is None:
        with _hinted(f"PREDICTIONS are reels: {_SEGMENT_FILES}; of events --seconds makes reels"):
            made = read_segments(predictions)
        return evaluate_summaries(editors, align_games(editors, made)).to_json()
    with _hinted("with --seconds PREDICTIONS are events; leave it out for reels"):
        events = read_matches(predictions)
    reels = {
        game: _chosen_segments(match, seconds or _length(editors[game]))
        for game, match in align_games(editors, events).items()
        if game in editors
    }
    scores = evaluate_summaries(editors, reels).to_json()
    return {**scores, "seconds": seconds or "those of the editors"}


_SEGMENT_FILES = "Labels-summary.json, *.reel.json or game: [[half, start, end], ...] as JSON"


@contextmanager
def _hinted(hint: str) -> Iterator[None]:
    """Have the errors of a file say what kind of file would be right in its place."""
    try:
        yield
    except FormatError as error:
        remedy = hint if error.remedy is None else f"{error.remedy}; {hint}"
        raise FormatError(error.what, where=error.where, remedy=remedy) from error


def _length(segments: "Iterable[Segment]") -> float:
    return sum(end - start for _, start, end in segments)


def _chosen_segments(match: "Match", seconds: float) -> "list[Segment]":
    from touchline.editing.curve import MIN_CLIP_SECONDS
    from touchline.editing.select import select

    reel = select(match, max(seconds, MIN_CLIP_SECONDS))
    return [(clip.half or 1, clip.start_seconds, clip.end_seconds) for clip in reel]


def _show_all(records: list[dict[str, Any]], json: bool) -> None:
    if json:
        print_json(records[0] if len(records) == 1 else records)
    for record in [] if json else records:
        _show_record(record, json)


def _show_record(record: dict[str, Any], json: bool) -> None:
    """A result as JSON, or as a table of its figures."""
    if json:
        print_json(record)
        return
    table = _table(["", str(record["metric"])])
    for name, value in record.items():
        if isinstance(value, int | float) and name != "version":
            table.add_row(name.replace("_", " "), _figure(value))
    for name, group in record.items():
        if name in ("per_class", "per_game"):
            for key, value in group.items():
                table.add_row(_plain(key), _figure(value))
    results.print(table)
    _print_notes(record.get("notes", {}))


def _print_scores(scores: "SpottingScores") -> None:
    """The official metric: per class, and for visible and unshown events."""
    from touchline.metrics.spotting import Part

    table = _table(["class", "annotations", "AP"])
    parts: list[Part] = [scores.all]
    if scores.visible and scores.unshown:
        table.add_column("visible", justify="right")
        table.add_column("unshown", justify="right")
        parts += [scores.visible, scores.unshown]
    for index, label in enumerate(scores.label_set):
        row = [_figure(float(part.per_class[index])) for part in parts]
        table.add_row(_plain(label), str(scores.annotations[index]), *row)
    table.add_section()
    averages = [_figure(part.average_map) for part in parts]
    table.add_row("official average mAP", str(scores.annotations.sum()), *averages)
    table.add_row("of classes that occur", "", _figure(scores.average_map_present))
    table.title = _title(scores)
    results.print(table)
    _print_notes(scores.notes)


def _title(scores: "SpottingScores") -> str:
    return f"{scores.metric}, {counted(scores.games, 'game')}, {counted_rate(scores.rate, 'frame')}"


def _print_explanation(explanation: "Explanation") -> None:
    """Everything beside the official metric."""
    scores = explanation.scores
    figures = _table(["class", "annotated", "AP", "95 %", "exact AP"])
    figures.title = _title(scores)
    details = _table(["class", "P", "R", "F1", "best", "at", "time error, s"])
    details.title = f"at {explanation.threshold:g}, within ±{explanation.within_seconds:g} s"
    for item in explanation.classes:
        best, chosen = item.best, item.chosen
        style = "" if item.annotations else "dim"
        figures.add_row(
            _plain(item.label),
            str(item.annotations),
            _figure(item.ap),
            _range(item.interval),
            _figure(item.exact_ap),
            style=style,
        )
        details.add_row(
            _plain(item.label),
            *(f"{value:.2f}" for value in (chosen.precision, chosen.recall, chosen.f1)),
            *([f"{best.f1:.2f}", f"{best.threshold:.2f}"] if best.f1 else ["", ""]),
            _time_cell(item.time_errors),
            style=style,
        )
    results.print(figures)
    results.print(details)
    lines = [
        f"official average mAP {_figure(scores.average_map)} {_range(explanation.interval)}",
        f"of classes that occur {_figure(scores.average_map_present)} "
        + (_range(explanation.present_interval) if explanation.present_interval else ""),
        f"with every score as a threshold {_figure(explanation.exact_average_map)}",
        f"by chance {_figure(explanation.chance)}",
        f"all classes at {explanation.threshold:g}, within ±{explanation.within_seconds:g} s: "
        f"precision {explanation.overall.precision:.3f}, recall {explanation.overall.recall:.3f}",
        f"expected calibration error {explanation.calibration.error:.3f}",
        *_confusions(explanation),
    ]
    for line in lines:
        results.print(line, markup=False, soft_wrap=True)
    _print_games("games without predictions", explanation.missing_games)
    _print_games("predicted games without labels", explanation.extra_games)
    _print_notes(scores.notes)


def _time_cell(errors: "TimeErrors | None") -> str:
    if errors is None:
        return ""
    lower, median, upper = errors.quartiles
    return f"{median:+.1f} ({lower:+.1f} {upper:+.1f})"


def _table(names: list[str]) -> Table:
    """A table of figures: the first column is text, the others are numbers."""
    table = Table()
    for place, name in enumerate(names):
        table.add_column(name, justify="right" if place else "left", no_wrap=True)
    return table


def _confusions(explanation: "Explanation") -> list[str]:
    """The most frequent confusions, a line each."""
    labels = list(explanation.scores.label_set)
    matrix = explanation.confusion[:-1, :-1]
    pairs = sorted(
        (
            (int(matrix[row, column]), row, column)
            for row in range(len(labels))
            for column in range(len(labels))
            if row != column and matrix[row, column]
        ),
        reverse=True,
    )
    return [
        f"{labels[r]} taken for {labels[c]}: {counted(count, 'time')}" for count, r, c in pairs[:5]
    ]


def _print_games(what: str, games: tuple[str, ...]) -> None:
    if games:
        remarks.print(f"{what}: {', '.join(games)}", style="yellow", markup=False, soft_wrap=True)


def _print_notes(notes: Mapping[str, int]) -> None:
    for text, number in notes.items():
        remarks.print(f"{text}: {number}", style="yellow", markup=False, soft_wrap=True)


def _figure(value: float | None) -> str:
    if value is None:
        return "-"
    return str(value) if isinstance(value, int) else f"{value:.4f}"


def _range(interval: tuple[float, float]) -> str:
    return f"{interval[0]:.3f}–{interval[1]:.3f}"


def _plain(text: str) -> str:
    """A label as it is, without effect as markup."""
    from rich.markup import escape

    return escape(text)
