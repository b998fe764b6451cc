"""``touchline reel``: choose and cut the highlights."""

from functools import partial
from pathlib import Path
from typing import Annotated

import typer
from rich.progress import Progress, TaskID

from touchline.cli.batch import file_line, print_summary, reel_content, run_tasks
from touchline.cli.output import (
    JobsOption,
    JsonOption,
    OverwriteOption,
    RayCommand,
    RayOption,
    finite,
    in_range,
    new_app,
    progress_bar,
    remarks,
)
from touchline.cli.unused import given_options, refuse_unused
from touchline.formats import suffixes_of
from touchline.media.writer import SUFFIXES as VIDEO_SUFFIXES
from touchline.reel import Cut, Selection, Share

app = new_app()

_WISHES = ("include", "exclude", "players", "team", "pin", "min_clip", "max_clip")
_EVIDENCE = ("selection", "transcript", "transcribe", "goals")
_CHOOSING = ("seconds", "shift_seconds", "jitter_seconds", *_EVIDENCE, *_WISHES)
"""Options that say how clips are chosen; a reel that is given has its clips."""

_OF_PICTURE_AND_SOUND = (
    *("labels", "deinterlace", "audio_track", "aspect", "cut", "keep_hdr", "loudness", "music"),
    *("titles", "scoreboard", "teams", "logo", "outro", "encoder"),
)


@app.command(cls=RayCommand)
def reel(
    context: typer.Context,
    events: Annotated[
        list[Path],
        typer.Argument(
            metavar="EVENTS...",
            help="Events of a video or of the halves of a match in any format, or a file for each "
            "half; or a .reel.json; or a folder of the events of many games.",
        ),
    ],
    output: Annotated[
        Path,
        typer.Option(
            "-o",
            "--output",
            help=f"A video ({', '.join(VIDEO_SUFFIXES)}) or an edit list "
            f"({', '.join(suffixes_of('reel'))}), by the suffix; of a folder of events, the folder "
            "of the reels.",
        ),
    ],
    video: Annotated[
        list[Path] | None,
        typer.Option(
            help="The video to cut from; repeat it for each half, in order. For a folder of "
            "events, the folder of the videos, arranged in the same way."
        ),
    ] = None,
    seconds: Annotated[
        list[float] | None,
        typer.Option(
            help="Greatest length of the reel, by default 180; repeat it for several: "
            "reel-30s.mp4, reel-90s.mp4."
        ),
    ] = None,
    each: Annotated[
        bool, typer.Option("--each", help="One file for each moment: reel-01-goal.mp4.")
    ] = False,
    labels: Annotated[bool, typer.Option(help="Write the events into the picture.")] = False,
    snap: Annotated[
        bool | None,
        typer.Option(
            "--snap/--no-snap",
            help="Let clips begin and end at camera cuts within reach; by default those chosen "
            "here, not those of a reel file.",
            show_default=False,
        ),
    ] = None,
    deinterlace: Annotated[
        bool, typer.Option(help="Fill in the lines of interlaced pictures (bwdif).")
    ] = True,
    audio_track: Annotated[
        int | None,
        typer.Option(min=1, help="Which sound track of the video is heard, counted from 1."),
    ] = None,
    include: Annotated[
        list[str] | None, typer.Option(help="Only events of this class; may be repeated.")
    ] = None,
    exclude: Annotated[
        list[str] | None, typer.Option(help="No events of this class; may be repeated.")
    ] = None,
    players: Annotated[
        list[str] | None,
        typer.Option(help="Only events of this player, by a part of the name; may be repeated."),
    ] = None,
    team: Annotated[
        list[str] | None,
        typer.Option(help="Only events of this team: home, away or a name; may be repeated."),
    ] = None,
    pin: Annotated[
        list[str] | None,
        typer.Option(
            help="A stretch that is always shown: 12:30-12:50, or 2/12:30-12:50 of a half."
        ),
    ] = None,
    min_clip: Annotated[
        float, typer.Option(callback=in_range(0, 600), help="Least length of a clip in seconds.")
    ] = 0.0,
    max_clip: Annotated[
        float | None,
        typer.Option(callback=in_range(1, 3600), help="Greatest length of a clip in seconds."),
    ] = None,
    cut: Annotated[
        Cut,
        typer.Option(
            help="auto copies the pictures of the video as they are coded wherever it can, and "
            "encodes only those around them; copy refuses where that cannot be; encode encodes all."
        ),
    ] = "auto",
    keep_hdr: Annotated[
        bool,
        typer.Option(
            "--keep-hdr",
            help="Leave pictures of high dynamic range as they are, not tone-mapped to BT.709.",
        ),
    ] = False,
    loudness: Annotated[
        str,
        typer.Option(
            help="Loudness of the whole reel: source leaves it; r128 is -23 LUFS, web -14; or a "
            "number of LUFS."
        ),
    ] = "source",
    music: Annotated[
        Path | None,
        typer.Option(help="Music beneath the reel, turned down where the video is heard."),
    ] = None,
    titles: Annotated[
        bool, typer.Option("--titles", help="Begin clips with their title, match clock and score.")
    ] = False,
    scoreboard: Annotated[
        bool, typer.Option("--scoreboard", help="Show teams, score and match clock all the time.")
    ] = False,
    teams: Annotated[
        str | None, typer.Option(metavar="HOME,AWAY", help="Names that titles and score show.")
    ] = None,
    logo: Annotated[
        Path | None, typer.Option(help="A picture to show at the upper right all the time.")
    ] = None,
    outro: Annotated[
        str | None, typer.Option(help="A text or a picture file with which the reel ends.")
    ] = None,
    encoder: Annotated[
        str,
        typer.Option(
            metavar="auto|software|NAME",
            help="What encodes a reel of which all pictures are encoded: auto takes a device of "
            "this computer where a trial shows that it can, software x264; or FFmpeg's name of an "
            "encoder, such as h264_nvenc or hevc_videotoolbox.",
        ),
    ] = "auto",
    aspect: Annotated[
        str | None,
        typer.Option(
            help="Shape of the picture, such as 9:16 or 1:1, if not that of the video; a reel file "
            "says where its window lies in each shot."
        ),
    ] = None,
    shift_seconds: Annotated[
        float,
        typer.Option(callback=finite, help="Shift every event; negative if the detector is late."),
    ] = 0.0,
    jitter_seconds: Annotated[
        float,
        typer.Option(callback=finite, help="How far the detector's times spread around the truth."),
    ] = 3.0,
    selection: Annotated[
        Selection,
        typer.Option(
            help="learned from what real editors show (not for commercial use), or plain: by "
            "hand-set values of classes."
        ),
    ] = "learned",
    transcript: Annotated[
        list[Path] | None,
        typer.Option(
            help="What was said, once for each half, or a folder with 1_asr.json, 2_asr.json: SRT, "
            "WebVTT, Whisper's JSON or SoccerNet-Echoes. For a folder of events, their folder."
        ),
    ] = None,
    transcribe: Annotated[
        str | None,
        typer.Option(
            metavar="MODEL",
            help="Have Whisper write down what is said in the videos: a model of faster-whisper, "
            "such as small, or its folder. It is kept beside the reel, as reel.1.asr.json for the "
            "first video.",
        ),
    ] = None,
    goals: Annotated[
        Path | None,
        typer.Option(
            help="Events that are certain and complete, in any format: they take the place of the "
            "detected ones of their classes, and of all detected goals."
        ),
    ] = None,
    rate: Annotated[
        str | None,
        typer.Option(help="Frames a second, for an edit list without a video: 25 or 30000/1001."),
    ] = None,
    half: Annotated[int | None, typer.Option(help="Only this half of a match.")] = None,
    min_confidence: Annotated[
        list[str] | None,
        typer.Option(
            metavar="[CLASS=]SHARE",
            help="Leave events of a lower confidence out, 0 to 1, and what is only around an "
            "event; repeat it for classes: Goal=0.4. By default all events are weighed by their "
            "confidence, and those below 0.3 are not named.",
        ),
    ] = None,
    to: Annotated[str, typer.Option(help="Suffix of the reels of a folder of events.")] = ".mp4",
    across: Annotated[
        Share | None,
        typer.Option(
            help="One reel out of several matches, each file of EVENTS or each game of a folder: "
            "chosen together by worth, or an equal part of each. Name the videos of all: they are "
            "told apart by their names, else by their order.",
        ),
    ] = None,
    jobs: JobsOption = None,
    ray: RayOption = None,
    overwrite: OverwriteOption = False,
    json: JsonOption = False,
) -> None:
    """Choose the best moments that fit into a length, and cut them in match order.

    A folder of events gives one reel for each game, of all its halves; a game that fails does not
    stop the others. Reels that are there and were made of the same events and videos with the same
    settings are kept, so an interrupted call continues when it is given again.
    """
    from touchline.batch.across import plan_across
    from touchline.batch.executor import open_executor
    from touchline.batch.reel_versions import of_lengths, of_moments
    from touchline.batch.reels import ReelEvidence, ReelOptions, plan_reel, plan_reels
    from touchline.editing.finish import (
        Finish,
        parse_loudness,
        parse_music,
        parse_outro,
        parse_teams,
    )
    from touchline.editing.framing import parse_aspect
    from touchline.editing.wishes import Wishes, parse_pin
    from touchline.errors import InputError
    from touchline.media.encoders import parse_encoder
    from touchline.pipeline import DEFAULT_REEL_SECONDS
    from touchline.thresholds import parse_thresholds
    from touchline.timebase import parse_rate

    chosen_rate = None if rate is None else parse_rate(rate)
    shape = None if aspect is None else parse_aspect(aspect)
    is_one_folder = len(events) == 1 and events[0].is_dir()
    is_folder = is_one_folder and (output.is_dir() or not output.suffix) and across is None
    suffix = to if is_folder else output.suffix
    _refuse_unused(context, suffix, is_folder, events)
    if teams is not None and not (titles or scoreboard):
        raise InputError(
            "names are shown by --titles and --scoreboard",
            where="--teams",
            remedy="give one of them, or leave it out",
        )
    if across is not None:
        _refuse_of_one_match(context, "a reel is of several matches", is_folder=is_one_folder)
    is_given = bool(video) or any(path.name.lower().endswith(".reel.json") for path in events)
    if shape is not None and suffix.lower() == ".json" and not is_given:
        raise InputError(
            "the window follows the play in the picture",
            where="--aspect",
            remedy="name the video with --video",
        )
    lengths = seconds or [DEFAULT_REEL_SECONDS]
    options = ReelOptions(
        *(lengths[0], labels, snap, shift_seconds, jitter_seconds, chosen_rate, shape),
        half=half,
        min_confidence=parse_thresholds(min_confidence or []),
        deinterlace=deinterlace,
        audio_track=audio_track,
        wishes=Wishes(
            include=tuple(include or ()),
            exclude=tuple(exclude or ()),
            players=tuple(players or ()),
            teams=tuple(team or ()),
            pins=tuple(map(parse_pin, pin or ())),
            least_seconds=min_clip,
            greatest_seconds=max_clip,
        ),
        finish=Finish(
            *(cut, keep_hdr, parse_loudness(loudness)),
            music=None if music is None else parse_music(music),
            titles=titles,
            scoreboard=scoreboard,
            teams=None if teams is None else parse_teams(teams),
            logo=logo,
            outro=None if outro is None else parse_outro(outro),
            encoder=parse_encoder(encoder),
        ),
        selection=selection,
    )
    given, said = video or [], transcript or []
    if transcribe is not None:
        if said or is_folder or not given:
            raise InputError(
                "transcribes the videos of one match",
                where="--transcribe",
                remedy="name them with --video, and leave --transcript out",
            )
        said = _transcribed(given, output, transcribe, audio_track, overwrite)
    if across is not None:
        alone = (
            plan_reels(
                *(events[0], output.parent, suffix, options),
                transcripts=said[0] if said else None,
                goals=goals,
            )
            if is_one_folder
            else [task for path in events for task in plan_reel([path], output, options)]
        )
        tasks = plan_across(alone, output, options, across, videos=given, overwrite=overwrite)
    elif is_folder:
        if len(given) > 1 or not all(path.is_dir() for path in given):
            raise InputError("must be one folder, as EVENTS is a folder", where="--video")
        folder = given[0] if given else None
        if len(said) > 1 or not all(path.is_dir() for path in said):
            raise InputError("must be one folder, as EVENTS is a folder", where="--transcript")
        tasks = plan_reels(
            *(events[0], output, suffix, options),
            videos=folder,
            transcripts=said[0] if said else None,
            goals=goals,
            overwrite=overwrite,
        )
    else:
        choosing = tuple(given_options(context, _CHOOSING).values())
        tasks = plan_reel(
            *(events, output, options),
            videos=given,
            overwrite=overwrite,
            choosing=choosing,
            evidence=ReelEvidence(tuple(said), goals, is_of_videos=transcribe is not None),
        )
    tasks = of_lengths(tasks, lengths)
    if each:
        tasks = of_moments(tasks)
    writes = output if is_folder else output.parent
    reads = [*events, *given, *said, *filter(None, [goals])]
    executor = open_executor(ray, jobs=jobs, reads=reads, writes=writes)
    summary = run_tasks(tasks, executor, "cutting")
    print_summary(summary, lambda o: file_line(o, reel_content(o)), json)


def _refuse_of_one_match(context: typer.Context, why: str, *, is_folder: bool) -> None:
    """Refuse options that are about one match."""
    names = ["pin", "teams", "transcribe", *([] if is_folder else ["transcript", "goals"])]
    remedy = "leave it out, or leave --across out and give the events of one match"
    refuse_unused(context, names, why, remedy)


def _transcribed(
    videos: list[Path], output: Path, model: str, track: int | None, overwrite: bool
) -> list[Path]:
    """The files of what is said in each video; those made of the same already are kept."""
    from touchline.broadcast.transcribing import (
        is_made_of,
        origin_of,
        recogniser,
        transcribe,
        write_transcript,
    )
    from touchline.pipeline import check_writable, writable_folder

    check_writable(output.parent)
    stem = output.stem.removesuffix(".reel")
    files = [output.with_name(f"{stem}.{n}.asr.json") for n in range(1, len(videos) + 1)]
    missing = []
    for video, file in zip(videos, files, strict=True):
        origin = origin_of(video, model, track)
        if not overwrite and is_made_of(file, origin):
            remarks.print(
                f"{file}: kept, made of {video.name} by {model}", markup=False, soft_wrap=True
            )
        else:
            missing.append((video, file, origin))
    if missing:
        listen = recogniser(model)
        writable_folder(output.parent)
        with progress_bar() as bar:
            for video, file, origin in missing:
                task = bar.add_task(f"transcribing {video.name}", total=1.0)
                tell = partial(_tell, bar, task)
                said = transcribe(video, listen, track, tell)
                write_transcript(said, file, origin)
    return files


def _tell(bar: Progress, task: TaskID, share: float) -> None:
    bar.update(task, completed=share)


def _refuse_unused(
    context: typer.Context, suffix: str, is_folder: bool, events: list[Path]
) -> None:
    """Refuse options that change nothing in such a reel."""
    from touchline.formats import FORMATS, format_of

    if not is_folder:
        refuse_unused(
            context, ["to"], "EVENTS is no folder", "end the name behind -o in the suffix you want"
        )
    is_list = any(path.suffix.lower() in FORMATS["edl"].suffixes for path in events)
    if suffix.lower() in VIDEO_SUFFIXES:
        if not is_list:
            why = "a video has the rate of the one that it is cut from"
            refuse_unused(context, ["rate"], why, "leave it out; it is for edit lists")
        return
    why = f"a {suffix} file has no picture and no sound"
    wanted = f"leave it out, or cut a video: {', '.join(VIDEO_SUFFIXES)}"
    is_reel_file = suffix.lower() == ".json"
    unused = [name for name in _OF_PICTURE_AND_SOUND if name != "aspect" or not is_reel_file]
    refuse_unused(context, unused, why, wanted)
    if suffix.lower() not in suffixes_of("reel") or is_list:
        return
    if "rate" not in format_of(f"x{suffix}", "reel").writes_with:
        refuse_unused(context, ["rate"], f"a {suffix} file counts no frames", "leave it out")
