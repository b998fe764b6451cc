"""``touchline convert``: from one event format to another."""

from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from touchline.cli.kick_offs import parse_kick_offs
from touchline.cli.output import (
    JsonOption,
    ReplaceOption,
    finite,
    new_app,
    print_json,
    remarks,
    results,
)
from touchline.cli.unused import given_options
from touchline.runtime.wording import counted

if TYPE_CHECKING:
    from touchline.formats.converting import Conversion

app = new_app()

_FIELDS = {"rate": "rate", "video": "video", "lead": "lead_seconds", "lag": "lag_seconds"}
"""Parameters of the command that not every format heeds, and their fields in ``Options``."""


@app.command()
def convert(
    context: typer.Context,
    source: Annotated[
        Path | None,
        typer.Argument(metavar="SRC", help="A file, a folder of games or a zip of one."),
    ] = None,
    target: Annotated[
        Path | None,
        typer.Argument(
            metavar="DST", help="A file; for games also a folder or a .zip (as challenges take it)."
        ),
    ] = None,
    source_format: Annotated[
        str | None,
        typer.Option("--from", help="Format of SRC; by default that of its name and content."),
    ] = None,
    target_format: Annotated[
        str | None, typer.Option("--to", help="Format of DST; by default that of its name.")
    ] = None,
    rate: Annotated[
        str | None, typer.Option(help="Frame rate (25, 29.97, 25/12) of formats that count frames.")
    ] = None,
    video: Annotated[
        Path | None,
        typer.Option(help="The video that an edit list refers to; gives rate and timecode too."),
    ] = None,
    half: Annotated[int | None, typer.Option(help="Only this half of a match.")] = None,
    min_confidence: Annotated[
        list[str] | None,
        typer.Option(
            metavar="[CLASS=]SHARE",
            help="Leave events of a lower confidence out, 0 to 1; repeat it for classes: "
            "Goal=0.4. By default below 0.3 in subtitles and chapters, which cannot say how sure "
            "an event is, and 0 elsewhere.",
        ),
    ] = None,
    kick_off: Annotated[
        list[str] | None,
        typer.Option(
            metavar="[HALF=]TIME",
            help="When a half is kicked off in the video: 1=12.4,2=1:00:05. Puts the events of "
            "all halves on the time of one video.",
        ),
    ] = None,
    lead: Annotated[
        float,
        typer.Option(callback=finite, help="Seconds by which a window starts before an event."),
    ] = 5.0,
    lag: Annotated[
        float,
        typer.Option(callback=finite, help="Seconds by which a window ends after an event."),
    ] = 5.0,
    formats: Annotated[bool, typer.Option("--formats", help="List the formats and exit.")] = False,
    overwrite: ReplaceOption = False,
    json: JsonOption = False,
) -> None:
    """Convert events, labels, predictions or a reel; report what the target cannot hold."""
    from touchline.errors import InputError
    from touchline.formats import FORMATS
    from touchline.formats.converting import convert as convert_file
    from touchline.thresholds import parse_thresholds

    if video is not None:
        from touchline.editing.sources import media_of_video

    if formats:
        if json:
            print_json([_described(name) for name in FORMATS])
            return
        for known in FORMATS.values():
            ending = known.file_name or " ".join(known.suffixes)
            only = "" if known.write else " (only read)"
            results.print(
                f"{known.name:<17}  {ending:<21}  {known.description}{only}",
                markup=False,
                soft_wrap=True,
            )
        return
    if source is None or target is None:
        raise InputError("SRC and DST are needed", remedy="touchline convert a.json b.csv")
    media = None if video is None else media_of_video(video)
    done = convert_file(
        source,
        target,
        source_format,
        target_format,
        half=half,
        min_confidence=parse_thresholds(min_confidence) if min_confidence else None,
        kick_offs=parse_kick_offs(kick_off or []),
        media=() if media is None else (media,),
        overwrite=overwrite,
        rate=_rate_of(video) if rate is None and video is not None else rate,
        video=media,
        lead_seconds=lead,
        lag_seconds=lag,
    )
    unused = _unused(context, source, source_format, done, bool(kick_off))
    for line in (*done.remarks(), *unused):
        remarks.print(line, markup=False, soft_wrap=True)
    if json:
        print_json(done.to_json())
        return
    parts = (
        [counted(done.games, "game"), counted(done.events, "event")]
        if done.clips is None
        else [counted(done.clips, "clip")]
    )
    if done.chapters is not None:
        parts.append(counted(done.chapters, "chapter"))
    results.print(f"{target}: {', '.join([done.format, *parts])}", markup=False, soft_wrap=True)


def _unused(
    context: typer.Context,
    source: Path,
    source_format: str | None,
    done: "Conversion",
    has_kick_offs: bool,
) -> list[str]:
    """A line on the options that change nothing in such a conversion."""
    from touchline.formats.converting import used_options

    used = used_options(source, source_format, done.format, done.clips is not None)
    if has_kick_offs or "rate" in used:  # the video has a name and a rate
        used.add("video")
    given = given_options(context, _FIELDS)
    unused = [spelt for name, spelt in given.items() if _FIELDS[name] not in used]
    return [f"no use for {', '.join(unused)}: {done.format} is written without"] if unused else []


def _rate_of(video: Path) -> Fraction:
    from touchline.editing.sources import edit_rate
    from touchline.media.video import probe

    rate, remark = edit_rate(probe(video))
    if remark is not None:
        remarks.print(remark, markup=False, soft_wrap=True)
    return rate


def _described(name: str) -> dict[str, object]:
    from touchline.formats import FORMATS

    known = FORMATS[name]
    return {
        "name": known.name,
        "description": known.description,
        "suffixes": list(known.suffixes),
        "file_name": known.file_name,
        "writes": known.write is not None,
        "holds": sorted(known.holds),
        "kinds": sorted(known.kinds),
    }
