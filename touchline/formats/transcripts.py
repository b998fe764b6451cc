"""Transcripts of commentary: SRT, WebVTT, Whisper's JSON, and SoccerNet-Echoes."""

import json
from collections.abc import Iterator, Sequence
from math import isfinite
from pathlib import Path
from typing import Any

from touchline.errors import FormatError, InputError
from touchline.events import MAX_SECONDS
from touchline.formats.base import SourceFile
from touchline.formats.captions import cues_of
from touchline.formats.games import half_in_name
from touchline.formats.reading import parse_json, read_bytes
from touchline.transcripts import Transcript, Transcripts, Utterance

SUFFIXES = (".json", ".srt", ".vtt")
MAX_UTTERANCES = 200_000
MAX_TEXT = 20_000
"""Characters of an utterance; longer ones are no speech."""

_REMEDY = (
    'give SRT, WebVTT, Whisper\'s JSON, or {"segments": {"0": [start, end, text]}} as '
    "SoccerNet-Echoes has it"
)


def read_transcripts(paths: Sequence[Path], halves: Sequence[int | None]) -> Transcripts:
    """The transcripts of a match.

    Args:
        paths: a file for each half, in order; or a folder whose files are named by their
            half, such as ``1_asr.json``.
        halves: the halves of the match; ``None`` for a video that is not one half.

    Raises:
        FormatError: a file that cannot be read. InputError: a folder without transcripts, or more
            files than halves.
    """
    if len(paths) == 1 and paths[0].is_dir():
        return {half: read_transcript(path) for half, path in in_folder(paths[0]).items()}
    if len(paths) > len(halves):
        raise InputError(
            f"{len(paths)} transcripts for {len(halves)} of a match",
            where=paths[len(halves)],
            remedy="give one for each half, in order",
        )
    named = [half_in_name(path.name) for path in paths]
    is_named = None not in named and len(set(named)) == len(named) and set(named) <= set(halves)
    numbers = named if is_named else list(halves)[: len(paths)]
    return {half: read_transcript(path) for half, path in zip(numbers, paths, strict=True)}


def read_transcript(path: Path) -> Transcript:
    """The utterances of one file, in order of time; those without words are left out.

    Raises:
        FormatError: it cannot be read, or is no transcript.
    """
    if path.suffix.lower() not in SUFFIXES:
        raise FormatError(
            f"{path.suffix or 'no'} suffix of a transcript", where=path, remedy=_REMEDY
        )
    data = read_bytes(path)
    if path.suffix.lower() == ".json":
        found = list(_of_json(parse_json(data, path), path))
    else:
        cues = (cue for _, cue in cues_of(SourceFile(path.name, str(path), data)))
        found = [
            Utterance(start, max(start, end), " ".join(text.split())[:MAX_TEXT])
            for start, end, text in cues
        ]
    return tuple(sorted(one for one in found if one.text.strip()))


def transcript_document(transcript: Transcript, **further: object) -> str:
    """A transcript as SoccerNet-Echoes has it: JSON that ``read_transcript`` reads.

    Args:
        further: fields of the object beside the segments, which no reader needs.
    """
    segments = {
        str(number): [one.start_seconds, one.end_seconds, one.text]
        for number, one in enumerate(transcript)
    }
    return json.dumps({**further, "segments": segments}, ensure_ascii=False, indent=1) + "\n"


def in_folder(folder: Path) -> dict[int, Path]:
    """The transcripts of a folder by the half that their names say.

    Raises:
        InputError: there are none.
    """
    found: dict[int, Path] = {}
    for path in sorted(folder.iterdir()):
        half = half_in_name(path.name) if path.suffix.lower() in SUFFIXES else None
        is_speech = "asr" in path.name.lower() or path.suffix.lower() != ".json"
        if half is not None and is_speech:
            found.setdefault(half, path)
    if not found:
        raise InputError(
            "holds no transcripts", where=folder, remedy="name them 1_asr.json, 2_asr.json"
        )
    return found


def _of_json(document: Any, path: Path) -> Iterator[Utterance]:
    segments = document.get("segments") if isinstance(document, dict) else document
    if isinstance(segments, dict):
        segments = list(segments.values())
    if not isinstance(segments, list):
        raise FormatError("holds no segments", where=path, remedy=_REMEDY)
    if len(segments) > MAX_UTTERANCES:
        raise FormatError(
            f"{len(segments)} segments", where=path, remedy=f"at most {MAX_UTTERANCES}"
        )
    for number, segment in enumerate(segments):
        yield _utterance(segment, f"{path}: segment {number}")


def _utterance(segment: Any, where: str) -> Utterance:
    values: Sequence[Any] = ()
    if isinstance(segment, dict):
        values = [segment.get(name) for name in ("start", "end", "text")]
    elif isinstance(segment, list):
        values = segment
    if len(values) < 3 or not isinstance(values[2], str):
        raise FormatError("no start, end and text", where=where, remedy=_REMEDY)
    start, end = (_seconds(value, where) for value in values[:2])
    return Utterance(start, max(start, end), values[2][:MAX_TEXT])


def _seconds(value: Any, where: str) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise FormatError(f"time {value!r}"[:100], where=where, remedy="times are seconds")
    if not isfinite(value) or abs(value) > MAX_SECONDS:
        raise FormatError(
            f"time {value}", where=where, remedy=f"times are within {MAX_SECONDS:g} s"
        )
    return float(value)
