"""``touchline extract``: feature files of a video or a dataset."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from touchline.cli.output import (
    GpusOption,
    JobsOption,
    JsonOption,
    OverwriteOption,
    RayCommand,
    RayOption,
    TaskBar,
    new_app,
    print_json,
    progress_bar,
    results,
)

if TYPE_CHECKING:
    from touchline.batch.features import Outcome

app = new_app()


@app.command(cls=RayCommand)
def extract(
    source: Annotated[
        Path,
        typer.Argument(
            metavar="SOURCE", help="A video, or a folder of league/season/game/1_224p.mkv."
        ),
    ],
    features: Annotated[
        str,
        typer.Option(
            "--features",
            "-f",
            metavar="NAME,...",
            help="With commas between: resnet152, vggish, vggish-half-second, log-mel, fft, "
            "timm:BACKBONE, detections, demo or another model. NAME@FILE takes its weights from a "
            "file.",
        ),
    ],
    out: Annotated[
        Path | None,
        typer.Option("--out", "-o", help="Folder to write to; beside the videos if left out."),
    ] = None,
    split: Annotated[
        str, typer.Option(help="Of a dataset: train, valid, test, challenge, or all.")
    ] = "all",
    video: Annotated[
        str, typer.Option(help="Which of several videos of a half to read: 224p or 720p.")
    ] = "224p",
    rate: Annotated[
        str | None, typer.Option(help="Rows a second, such as 2 or 25/12; the extractor's own.")
    ] = None,
    engine: Annotated[
        Literal["auto", "openvino", "torch"], typer.Option(help="Where networks run.")
    ] = "auto",
    precision: Annotated[
        Literal["auto", "fp32", "bf16"], typer.Option(help="What networks compute in.")
    ] = "auto",
    detector: Annotated[
        str | None,
        typer.Option(
            metavar="FILE",
            help="What finds people and ball for detections: a file in ONNX (YOLO or RT-DETR), "
            "hf:NAME_OR_FOLDER of Hugging Face, or boxes for player-box files.",
        ),
    ] = None,
    detector_classes: Annotated[
        str | None,
        typer.Option(
            metavar="NAME,...",
            help="Its classes if its file does not name them, in order (ball,player,referee) or "
            "by number (person=0,ball=32).",
        ),
    ] = None,
    player_boxes: Annotated[
        bool,
        typer.Option(
            "--player-boxes", help="Write a detector's people too, as SoccerNet writes them."
        ),
    ] = False,
    pca: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Reduce by this PCA: .safetensors, or a published .pkl."),
    ] = None,
    pca_average: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="The average published beside a PCA's .pkl."),
    ] = None,
    fit_pca: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Fit a PCA on what was extracted; take --split train."),
    ] = None,
    dims: Annotated[int, typer.Option(min=1, help="Components of --fit-pca.")] = 512,
    jobs: JobsOption = None,
    overwrite: OverwriteOption = False,
    ray: RayOption = None,
    gpus: GpusOption = 0.0,
    json: JsonOption = False,
) -> None:
    """Write <half>_<name>.npy and what made it, beside each video or under --out.

    Files that are there, whole, and made of the same video are kept: call it again to go on.
    """
    from touchline.batch.cluster import Watch, open_crew
    from touchline.batch.features import extract as run
    from touchline.batch.features import plan
    from touchline.errors import InputError
    from touchline.features.detections import NAME as DETECTIONS
    from touchline.features.detections import DetectionOptions
    from touchline.features.extractor import Placement
    from touchline.features.extractors import ExtractorSpec
    from touchline.timebase import parse_rate

    names = dict.fromkeys(name.strip() for name in features.split(",") if name.strip())
    if not names:
        raise InputError("no name", where="--features", remedy="such as demo or resnet152,vggish")
    if detector is not None or detector_classes is not None or player_boxes:
        if not any(name.partition("@")[0] == DETECTIONS for name in names):
            raise InputError("is about detections", where="--detector", remedy="add -f detections")
        told = f"{DETECTIONS}@{detector}" if detector else DETECTIONS
        names = dict.fromkeys(told if name == DETECTIONS else name for name in names)
    chosen_rate = None if rate is None else parse_rate(rate)
    if fit_pca is not None and len(names) != 1:
        raise InputError("a PCA is fitted on one extractor's features", where="--fit-pca")
    if pca is None and pca_average is not None:
        raise InputError("an average needs its PCA", where="--pca-average", remedy="give --pca")
    tasks = plan(
        source,
        [
            ExtractorSpec(
                name,
                chosen_rate,
                Placement(engine, precision),
                None if pca is None else (pca, pca_average),
                DetectionOptions(detector_classes, player_boxes),
            )
            for name in names
        ],
        out=out,
        split=None if split == "all" else split,
        size=video,
        overwrite=overwrite,
    )
    outcomes = []
    writes = out or (source if source.is_dir() else source.parent)
    with (
        open_crew(ray, jobs=jobs, gpus=gpus, reads=[source], writes=writes) as crew,
        progress_bar() as progress,
    ):
        bar = TaskBar(progress, "extracting", len(tasks))
        for outcome in run(tasks, crew=crew, watch=Watch(bar.done, bar.nodes, bar.remark)):
            outcomes.append(outcome)
            if outcome.message is not None:
                bar.remark(outcome.message)
    if fit_pca is not None:
        from touchline.features.pca import fit_pca as fit

        fit([o.path for o in outcomes if o.status != "failed"], dims).save(fit_pca)
    failed = [outcome for outcome in outcomes if outcome.status == "failed"]
    if json:
        print_json({"files": [outcome.told() for outcome in outcomes], "failed": len(failed)})
    else:
        for outcome in outcomes:
            results.print(_line(outcome), markup=False, soft_wrap=True)
    if failed:
        first = failed[0].message
        raise InputError(f"{len(failed)} of {len(outcomes)} files could not be made: {first}")


def _line(outcome: "Outcome") -> str:
    if outcome.status == "made":
        return f"{outcome.path}: {outcome.rows} rows of {outcome.dims}"
    return f"{outcome.path}: {'kept' if outcome.status == 'kept' else 'failed'}"
