"""Event, label, prediction and reel files: one file per format, all of them in ``FORMATS``."""

import gzip
import re
import zipfile
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import fields, replace
from fractions import Fraction
from pathlib import Path, PurePosixPath
from typing import Any, BinaryIO

from touchline.errors import FormatError
from touchline.events import Event, Match, Timeline
from touchline.formats import (
    captions,
    e2e,
    edl,
    fcpxml,
    kloppy,
    osl,
    otio,
    soccerhigh,
    soccernet,
    sportscode,
    table,
    touchline_json,
)
from touchline.formats.base import Format, Matches, Options, Source, Thing, known_labels
from touchline.formats.reading import Tree, is_tree, open_tree, read_bytes
from touchline.reel import Reel
from touchline.runtime.atomic import atomic_write
from touchline.timebase import parse_rate

__all__ = [
    "FORMATS",
    "Format",
    "Matches",
    "Options",
    "Thing",
    "find_format",
    "format_of",
    "losses",
    "outside_labels",
    "read",
    "read_matches",
    "read_reel",
    "target_format",
    "write",
]

FORMATS: dict[str, Format] = {
    known.name: known
    for known in (
        touchline_json.EVENTS_FORMAT,
        touchline_json.REEL_FORMAT,
        *soccernet.FORMATS,
        e2e.FORMAT,
        *osl.FORMATS,
        table.FORMAT,
        sportscode.FORMAT,
        *captions.FORMATS,
        otio.FORMAT,
        edl.FORMAT,
        fcpxml.FORMAT,
        soccerhigh.FORMAT,
        kloppy.FORMAT,
    )
}
"""Every format by name, in the order in which files are tried."""

_HALF_FILE = re.compile(r"[1-4](_|\.|$)")


def find_format(name: str) -> Format:
    """A format by its name.

    Raises:
        FormatError: unknown; the message lists those that are.
    """
    if name in FORMATS:
        return FORMATS[name]
    raise FormatError(f"unknown format {name!r}", remedy=f"use one of: {', '.join(FORMATS)}")


def format_of(path: str | Path, kind: str = "events") -> Format:
    """The format in which a file of this name is written.

    Args:
        path: its name decides, by the name that a format's files have, then by suffix.
        kind: ``events`` or ``reel``, for suffixes that serve both.

    Raises:
        FormatError: no format has such files.
    """
    name = Path(path).name.lower()
    writers = [f for f in FORMATS.values() if f.write is not None]
    for known in writers:
        if known.file_name is not None and known.file_name.lower() == name:
            return known
    matching = [
        (len(suffix), known)
        for known in writers
        for suffix in known.suffixes
        if name.endswith(suffix) and kind in known.kinds
    ]
    if matching:
        return max(matching, key=lambda pair: pair[0])[1]
    suffixes = sorted({s for f in writers if kind in f.kinds for s in f.suffixes})
    raise FormatError(
        f"no {kind} format has the suffix of this name", where=path,
        remedy=f"use one of {', '.join(suffixes)}",
    )  # fmt: skip


def read(
    path: str | Path, format: str | None = None, *, rate: Fraction | str | float | None = None
) -> Thing:
    """Read one file, folder tree or zip.

    Args:
        format: a name in ``FORMATS``; None tells it by name and content.
        rate: frame rate, for files that count frames and do not say it (EDL).

    Returns:
        A Timeline, Match or Reel as the file holds it; games by name where it holds several.

    Raises:
        FormatError: unreadable, malformed, or of no known format.
    """
    if format is not None and format.startswith(kloppy.PREFIX):
        return kloppy.read_provider(path, format.removeprefix(kloppy.PREFIX))
    if is_tree(path):
        matches = read_matches(path, format)
        return next(iter(matches.values())) if len(matches) == 1 else matches
    path = Path(path)
    known_rate = None if rate is None else parse_rate(rate)
    source = Source(path.name, str(path), read_bytes(path), known_rate)
    thing = _read_source(source, format, path)
    return next(iter(thing.values())) if isinstance(thing, dict) and len(thing) == 1 else thing


def read_matches(path: str | Path, format: str | None = None) -> Matches:
    """Read the games of a file, a folder tree or a zip, by game id (``league/season/game``).

    In a tree only files of one format are read; a tree that holds several needs ``format``.

    Raises:
        FormatError: as ``read``; also a reel, no file of a known format, or a game twice.
    """
    if not is_tree(path) or (format is not None and format.startswith(kloppy.PREFIX)):
        thing = read(path, format)
        if isinstance(thing, Reel):
            raise FormatError("this is a reel, not events", where=path)
        return _matches_of(thing, Path(path).name)
    with open_tree(path) as tree:
        known, names = _choose(tree, format)
        matches: Matches = {}
        halves: dict[str, list[Timeline]] = {}
        for name in names:
            thing = _with_remarks(known, Source(name, tree.where(name), tree.read(name)))
            if isinstance(thing, Timeline) and _is_half(name):
                halves.setdefault(_folder(name, tree), []).append(_numbered(thing, name))
                continue
            for game, match in _matches_of(thing, name, _folder(name, tree)).items():
                if game in matches:
                    raise FormatError(
                        f"the game {game!r} occurs twice", where=tree.where(name),
                        remedy="keep one file per game",
                    )  # fmt: skip
                matches[game] = match
    for game, timelines in halves.items():
        timelines.sort(key=lambda timeline: timeline.half or 0)
        matches[game] = Match(game, tuple(timelines))
    return dict(sorted(matches.items()))


def read_reel(
    path: str | Path, format: str | None = None, *, rate: Fraction | str | float | None = None
) -> Reel:
    """Read a reel.

    Raises:
        FormatError: as ``read``; also a file that holds no reel.
    """
    thing = read(path, format, rate=rate)
    if isinstance(thing, Reel):
        return thing
    raise FormatError(
        "this file holds no reel", where=path, remedy="make one with `touchline reel EVENTS`"
    )


def write(thing: Thing, path: str | Path, format: str | None = None, **options: Any) -> None:
    """Write a Timeline, Match, Reel or games by name; nothing half-written is left behind.

    Args:
        path: a file; for games also a folder or a ``.zip``, which then hold
            ``league/season/game/<file>``.
        format: a name in ``FORMATS``; None goes by the suffix. A folder or zip without one
            gets ``soccernet-results`` where the events have confidences, else ``soccernet-v2``.
        options: fields of ``Options``.

    Raises:
        FormatError: the format cannot hold the thing, or cannot be written.
    """
    path = Path(path)
    chosen = _options(options)
    known = find_format(format or target_format(thing, path))
    if _is_tree_target(thing, path):
        _write_tree(thing, path, known, chosen)
        return
    content = _render(thing, known, chosen, path)
    if path.suffix.lower() == ".gz":
        content = gzip.compress(content, mtime=0)
    with _written_beside(path) as stream:
        stream.write(content)


def target_format(thing: Thing, path: str | Path) -> str:
    """The format that ``write`` chooses for a thing and the name of its target.

    Raises:
        FormatError: no format has such files.
    """
    if isinstance(thing, Reel):
        return format_of(path, "reel").name
    if not _is_tree_target(thing, Path(path)):
        return format_of(path).name
    scored = any(event.confidence != 1 for event in _events_of(thing))
    return "soccernet-results" if scored else "soccernet-v2"


def _is_tree_target(thing: Thing, path: Path) -> bool:
    if path.suffix.lower() == ".zip" or path.is_dir():
        return True
    return not path.suffix and not isinstance(thing, Reel)


def outside_labels(thing: Thing, format: str) -> dict[str, int]:
    """Labels that the official readers of a format would skip, and how often each occurs."""
    known = find_format(format).labels
    counts = Counter(
        event.label for event in _events_of(thing) if known and event.label not in known
    )
    return dict(sorted(counts.items()))


def losses(thing: Thing, format: str) -> dict[str, int]:
    """What the format cannot hold of a thing: name of each field, and how often it is set.

    Fields are those of ``Event`` and, for whole files, those of ``FILE_FIELDS``. A label set that
    follows from the labels is no loss.
    """
    holds = find_format(format).holds
    labels = {event.label for event in _events_of(thing)}
    counts: dict[str, int] = {}

    def count(name: str, is_set: object) -> None:
        if is_set and name not in holds:
            counts[name] = counts.get(name, 0) + 1

    for timeline in _timelines_of(thing):
        count("video", timeline.video.duration_seconds or timeline.video.frame_rate)
        count("timeline_half", timeline.half)
        declared = timeline.labels
        follows = declared is None or set(declared) == labels
        count("labels", not follows and declared != known_labels(e.label for e in timeline))
        count("model", timeline.model)
        count("warnings", timeline.warnings)
        count("file_extra", timeline.extra)
    if isinstance(thing, Match | Reel):
        count("file_extra", thing.extra)
    if isinstance(thing, dict):
        for match in thing.values():
            count("file_extra", match.extra)
    for event in _events_of(thing):
        for name, default in _EVENT_DEFAULTS.items():
            count(name, getattr(event, name) != default)
    return counts


_EVENT_DEFAULTS: dict[str, Any] = {
    f.name: f.default if f.name != "extra" else {}
    for f in fields(Event)
    if f.name not in ("seconds", "label")
}


def _timelines_of(thing: Thing) -> Iterable[Timeline]:
    if isinstance(thing, Timeline):
        return (thing,)
    if isinstance(thing, Match):
        return thing.timelines
    if isinstance(thing, Reel):
        return ()
    return tuple(timeline for match in thing.values() for timeline in match.timelines)


def _events_of(thing: Thing) -> Iterator[Event]:
    if isinstance(thing, Reel):
        for clip in thing:
            yield from clip.events
    for timeline in _timelines_of(thing):
        yield from timeline.events


def _options(options: dict[str, Any]) -> Options:
    names = {f.name for f in fields(Options)}
    if unknown := sorted(set(options) - names):
        raise FormatError(
            f"writers have no option {unknown[0]!r}", remedy=f"use {', '.join(sorted(names))}"
        )
    if options.get("rate") is not None:
        options["rate"] = parse_rate(options["rate"])
    return Options(**options)


def _read_source(source: Source, format: str | None, path: Path) -> Thing:
    if format is not None:
        return _with_remarks(find_format(format), source)
    known = next((f for f in FORMATS.values() if f.sniff(source)), None)
    if known is None:
        if path.suffix.lower() == ".json":
            source.document  # noqa: B018  a malformed file should be told so, with its place
        raise FormatError(
            "this is no event, label or reel file that touchline knows", where=path,
            remedy=f"name its format: {', '.join(FORMATS)}",
        )  # fmt: skip
    return _with_remarks(known, source)


def _with_remarks(known: Format, source: Source) -> Thing:
    """Read a source; its remarks become warnings of the first timeline."""
    thing = known.read(source)
    if not source.remarks:
        return thing
    if isinstance(thing, Reel):
        raise source.fault(source.remarks[0])
    remarks = tuple(f"{source.name}: {remark}" for remark in source.remarks)
    if isinstance(thing, Timeline):
        return replace(thing, warnings=thing.warnings + remarks)
    if isinstance(thing, Match):
        return _warned(thing, remarks)
    first = next(iter(thing), None)
    return thing if first is None else thing | {first: _warned(thing[first], remarks)}


def _warned(match: Match, remarks: tuple[str, ...]) -> Match:
    if not match.timelines:
        return match
    first, *others = match.timelines
    return replace(match, timelines=(replace(first, warnings=first.warnings + remarks), *others))


def _choose(tree: Tree, format: str | None) -> tuple[Format, list[str]]:
    """The format to read from a tree, and the names of its files there."""
    names = [
        n for n in tree.names() if not any(p.startswith((".", "__MACOSX")) for p in n.split("/"))
    ]
    wanted = (
        [find_format(format)] if format else [f for f in FORMATS.values() if "events" in f.kinds]
    )
    found = {f.name: mine for f in wanted if (mine := [n for n in names if _belongs(n, f)])}
    if not found and format:
        suffixes = find_format(format).suffixes
        found = {format: [n for n in names if n.lower().endswith(suffixes)]}
    if not found and not format:
        found = {f.name: [n for n in names if _belongs(n, f)] for f in FORMATS.values()}
    found = {name: mine for name, mine in found.items() if mine}
    if len(found) > 1:
        raise FormatError(
            f"holds files of several formats: {', '.join(found)}", where=tree.path,
            remedy="name the one to read: --from (format=), in evaluate --label-file",
        )  # fmt: skip
    if not found:
        wanted_names = sorted({f.file_name or f"*{f.suffixes[0]}" for f in wanted})
        raise FormatError(
            "holds no event or label files", where=tree.path,
            remedy=f"expected {', '.join(wanted_names)}",
        )  # fmt: skip
    name, mine = next(iter(found.items()))
    return FORMATS[name], mine


def _belongs(name: str, known: Format) -> bool:
    if known.file_name is not None:
        return PurePosixPath(name).name == known.file_name
    return known.name == "touchline" and name.endswith(".events.json")


def _is_half(name: str) -> bool:
    return "/" in name and _HALF_FILE.match(PurePosixPath(name).name) is not None


def _numbered(timeline: Timeline, name: str) -> Timeline:
    half = timeline.half or int(PurePosixPath(name).name[0])
    return replace(timeline, half=half)


def _folder(name: str, tree: Tree) -> str:
    """The game that a file of a tree belongs to: the folder it lies in."""
    folder = str(PurePosixPath(name).parent)
    return tree.path.stem if folder == "." else soccernet.game_id(folder)


def _matches_of(thing: Thing, name: str, folder: str | None = None) -> Matches:
    if isinstance(thing, Reel):
        raise FormatError("this is a reel, not events", where=name)
    if isinstance(thing, dict):
        return thing
    if isinstance(thing, Timeline):
        stem = Source(name, name, b"").stem
        game = f"{folder}/{stem}" if folder and "/" in name else stem
        return {game: Match(game, (thing,))}
    match = replace(thing, name=folder) if folder else thing
    return {match.name: match}


def _render(thing: Thing, known: Format, options: Options, where: Path) -> bytes:
    if known.write is None:
        raise FormatError(f"{known.name} is only read, not written", where=where)
    try:
        return known.write(thing, options)
    except FormatError as error:
        raise FormatError(error.what, where=error.where or where, remedy=error.remedy) from error


def _write_tree(thing: Thing, path: Path, known: Format, options: Options) -> None:
    if isinstance(thing, Reel):
        raise FormatError("a reel is one file", where=path, remedy="give it a suffix")
    matches = _matches_of(thing, path.stem)
    write_files(
        {
            f"{safe_folder(game)}/{known.file_name or 'match' + known.suffixes[0]}": _render(
                match, known, options, path
            )
            for game, match in sorted(matches.items())
        },
        path,
    )


def write_files(files: Mapping[str, bytes], path: Path) -> None:
    """Write files below a folder, or into a ``.zip``, by their names with forward slashes.

    Raises:
        FormatError: they cannot be written.
    """
    if path.suffix.lower() == ".zip":
        with _written_beside(path) as stream, zipfile.ZipFile(stream, "w") as archive:
            for name, content in files.items():
                info = zipfile.ZipInfo(name, date_time=(1980, 1, 1, 0, 0, 0))
                info.external_attr = 0o644 << 16
                archive.writestr(info, content, zipfile.ZIP_DEFLATED)
        return
    for name, content in files.items():
        (path / name).parent.mkdir(parents=True, exist_ok=True)
        with _written_beside(path / name) as stream:
            stream.write(content)


def safe_folder(game: str) -> str:
    """A game id as a path below a root.

    Raises:
        FormatError: it would lead elsewhere.
    """
    parts = PurePosixPath(game).parts
    if not parts or game.startswith("/") or ".." in parts or "\\" in game or "\0" in game:
        raise FormatError(f"{game[:80]!r} is not a game id", remedy="write league/season/game")
    return str(PurePosixPath(game))


@contextmanager
def _written_beside(path: Path) -> Iterator[BinaryIO]:
    """A stream whose content takes the place of ``path`` once it is complete."""
    try:
        with atomic_write(path) as unfinished, unfinished.open("xb") as stream:
            yield stream
    except OSError as error:
        raise FormatError(f"cannot be written: {error.strerror}", where=path) from error
