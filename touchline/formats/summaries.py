"""Segments of games, for comparison: edited summaries (SoccerHigh) and reels."""

import math
import re
from pathlib import Path, PurePosixPath
from typing import Any

from touchline.errors import FormatError
from touchline.formats import touchline_json
from touchline.formats.base import SourceFile
from touchline.formats.reading import Tree, is_tree, open_tree, parse_json, read_bytes
from touchline.formats.soccernet import game_and_half, game_id
from touchline.recordings import RECORDING_TIMES, read_recording_times
from touchline.reel import Reel

Segment = tuple[int, float, float]
"""Half, start and end in seconds from the start of the half."""

SUMMARY_FILE = "Labels-summary.json"
REEL_ENDING = "reel.json"

_MAX_SECONDS = 1e5
_TIME = re.compile(r"\s*([1-4])\s*-\s*(\d{1,3}):(\d{1,2}):(\d{1,2}(?:\.\d+)?)\s*")


def read_segments(path: str | Path) -> dict[str, list[Segment]]:
    """The segments of every game in a file, folder tree or zip.

    Reads ``*.reel.json``, SoccerHigh's ``Labels-summary.json`` and one JSON object of
    ``{game: [[half, start, end], ...]}``. SoccerHigh's times count from the start of the untrimmed
    broadcast; if ``video.ini`` is in the same folder, the start of each half is subtracted.

    Raises:
        FormatError: none of these, or a segment without two finite times in order.
    """
    path = Path(path)
    if not is_tree(path):
        return _segments_in(read_bytes(path), path.name, str(path))
    games: dict[str, list[Segment]] = {}
    with open_tree(path) as tree:
        for name in tree.names():
            if name.endswith((SUMMARY_FILE, REEL_ENDING)):
                for game, segments in _segments_in_tree(tree, name).items():
                    games.setdefault(game, []).extend(segments)
    if not games:
        raise FormatError(
            "no summaries or reels",
            where=path,
            remedy=f"expected {SUMMARY_FILE} or *.{REEL_ENDING}",
        )
    return games


def _segments_in_tree(tree: Tree, name: str) -> dict[str, list[Segment]]:
    segments = _segments_in(tree.read(name), name, tree.where(name))
    if not name.endswith(SUMMARY_FILE):
        return segments
    beside = str(PurePosixPath(name).with_name(RECORDING_TIMES))
    if beside not in tree.names():
        return segments
    parts = read_recording_times(tree.read(beside), tree.where(beside))
    starts = {half: part.start_seconds for half, part in parts.items()}
    return {
        game: [(half, a - starts.get(half, 0), b - starts.get(half, 0)) for half, a, b in items]
        for game, items in segments.items()
    }


def _segments_in(content: bytes, name: str, where: str) -> dict[str, list[Segment]]:
    document = parse_json(content, where)
    path = PurePosixPath(name)
    folder = game_id("/".join(path.parent.parts[-3:]))
    if isinstance(document, dict) and document.get("format") == "touchline-reel":
        game = folder or path.name.removesuffix(f".{REEL_ENDING}").removesuffix(".json")
        reel = touchline_json.read_reel(SourceFile(name, where, content))
        return {game: _segments_of_reel(reel, where)}
    if isinstance(document, dict) and isinstance(document.get("annotations"), list):
        game = folder or game_id(str(document.get("UrlLocal") or path.stem))
        return {game: [_soccerhigh(item, where) for item in document["annotations"]]}
    if isinstance(document, dict) and all(isinstance(x, list) for x in document.values()):
        return {
            game: [_segment(item, f"{where}: {game}") for item in items]
            for game, items in document.items()
        }
    raise FormatError(
        "no segments",
        where=where,
        remedy='write {"game": [[half, start, end], ...]}, or give a .reel.json',
    )


def _segments_of_reel(reel: Reel, where: str) -> list[Segment]:
    segments = []
    for place, clip in enumerate(reel):
        half = clip.half or game_and_half(clip.video)[1]
        if half is None:
            raise FormatError(
                f"clip {place} does not state its half",
                where=where,
                remedy='give the clip a "half", or a video named 1_... or 2_...',
            )
        segments.append((half, clip.start_seconds, clip.end_seconds))
    return segments


def _segment(item: Any, where: str) -> Segment:
    try:
        half, start, end = item
        return _checked(int(half), float(start), float(end), where)
    except (TypeError, ValueError, OverflowError):
        raise FormatError(
            f"{item!r:.60} is not a segment", where=where, remedy="write [half, start, end]"
        ) from None


def _soccerhigh(item: Any, where: str) -> Segment:
    times = [_TIME.fullmatch(str(item.get(key))) for key in ("start", "end")] if item else []
    start, end = times if len(times) == 2 else (None, None)
    if start is None or end is None or start[1] != end[1]:
        raise FormatError(
            f"{item!r:.80} is not a segment",
            where=where,
            remedy='start and end are like "1 - 00:09:50.500", in one half',
        )
    return _checked(int(start[1]), _seconds(start), _seconds(end), where)


def _seconds(found: re.Match[str]) -> float:
    return 3600 * int(found[2]) + 60 * int(found[3]) + float(found[4])


def _checked(half: int, start: float, end: float, where: str) -> Segment:
    if not (math.isfinite(start) and abs(start) <= end <= _MAX_SECONDS):
        raise FormatError(
            f"a segment from {start} to {end} s",
            where=where,
            remedy="give 0 <= start <= end, in seconds",
        )
    return half, start, end
