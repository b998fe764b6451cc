"""``touchline extract``: feature files of a video or a dataset."""

from dataclasses import replace
from pathlib import Path
from typing import Annotated, Literal

import typer

from touchline.cli.batch import file_line, print_summary, run_tasks
from touchline.cli.output import (
    GpusOption,
    JobsOption,
    JsonOption,
    OverwriteOption,
    RayCommand,
    RayOption,
    new_app,
)
from touchline.features.extractors import NAMES
from touchline.runtime.wording import counted

app = new_app()


@app.command(cls=RayCommand)
def extract(
    source: Annotated[
        Path,
        typer.Argument(
            metavar="SOURCE",
            help="A video, its sound, or a folder of league/season/game/1_224p.mkv.",
        ),
    ],
    features: Annotated[
        str,
        typer.Option(
            "--features",
            "-f",
            metavar="NAME,...",
            help=f"Extractors, separated by commas: {', '.join(NAMES)} or another model. "
            "NAME@FILE takes the weights from a file.",
        ),
    ],
    out: Annotated[
        Path | None,
        typer.Option("--out", "-o", help="Folder to write to; by default beside the videos."),
    ] = None,
    split: Annotated[
        str, typer.Option(help="Of a dataset: train, valid, test, challenge, or all.")
    ] = "all",
    video: Annotated[
        str, typer.Option(help="Which of several videos of a half: 224p, 720p, HQ or frames.")
    ] = "224p",
    rate: Annotated[
        str | None,
        typer.Option(help="Rows a second, such as 2 or 25/12; by default the extractor's own."),
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
            help="Detector of people and ball for detections: an ONNX file (YOLO or RT-DETR), "
            "hf:NAME_OR_FOLDER of Hugging Face, or boxes for player-box files.",
        ),
    ] = None,
    detector_classes: Annotated[
        str | None,
        typer.Option(
            metavar="NAME,...",
            help="Classes of a detector whose file does not name them, in order (ball,player) or "
            "by number (person=0,ball=32).",
        ),
    ] = None,
    player_boxes: Annotated[
        bool,
        typer.Option(
            "--player-boxes", help="Also write the detected people as SoccerNet's player boxes."
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
        typer.Option(
            metavar="FILE", help="Fit a PCA on the extracted features; use --split train."
        ),
    ] = None,
    dims: Annotated[int, typer.Option(min=1, help="Components of --fit-pca.")] = 512,
    jobs: JobsOption = None,
    overwrite: OverwriteOption = False,
    ray: RayOption = None,
    gpus: GpusOption = 0.0,
    json: JsonOption = False,
) -> None:
    """Write <half>_<name>.npy and what made it, beside each video or under --out.

    A video that cannot be read does not stop the others. Files that are there, whole, and made of
    the same video in the same way are kept, so an interrupted call continues when it is given
    again.
    """
    from touchline.batch.executor import open_executor
    from touchline.batch.features import extract as run_extraction
    from touchline.batch.features import left_out, plan_extraction
    from touchline.errors import InputError
    from touchline.features.detections import NAME as DETECTIONS
    from touchline.features.detections import DetectionOptions
    from touchline.features.extractor import Placement
    from touchline.features.extractors import ExtractorSpec
    from touchline.media.frame_folders import is_frame_folder
    from touchline.timebase import parse_rate

    names = dict.fromkeys(name.strip() for name in features.split(",") if name.strip())
    if not names:
        raise InputError(
            "no extractor is named", where="--features", remedy="such as demo or resnet152,vggish"
        )
    if detector is not None or detector_classes is not None or player_boxes:
        if not any(name.partition("@")[0] == DETECTIONS for name in names):
            raise InputError(
                "applies to detections only", where="--detector", remedy="add -f detections"
            )
        detections = f"{DETECTIONS}@{detector}" if detector else DETECTIONS
        names = dict.fromkeys(detections if name == DETECTIONS else name for name in names)
    chosen_rate = None if rate is None else parse_rate(rate)
    if fit_pca is not None and len(names) != 1:
        raise InputError("a PCA is fitted on one extractor's features", where="--fit-pca")
    if pca is None and pca_average is not None:
        raise InputError("an average needs a PCA", where="--pca-average", remedy="give --pca")
    tasks = plan_extraction(
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
    is_dataset = source.is_dir() and not is_frame_folder(source)
    writes = out or (source if is_dataset else source.parent)
    executor = open_executor(ray, jobs=jobs, gpus=gpus, reads=[source], writes=writes)
    summary = run_tasks(
        tasks,
        executor,
        "extracting",
        run=lambda _, opened, observer: run_extraction(tasks, executor=opened, observer=observer),
    )
    if split == "all":
        missed = left_out(source, tasks, size=video)
        summary = replace(summary, left_out=tuple(map(str, missed)))
    if fit_pca is not None:
        from touchline.features.pca import fit_pca as fit

        fit([Path(file) for done in summary.done for file in done.files], dims).save(
            fit_pca, overwrite=overwrite
        )
    print_summary(
        summary, lambda o: file_line(o, f"{counted(o.rows or 0, 'row')} of {o.dims}"), json
    )
