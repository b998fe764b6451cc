"""Event, label, prediction and reel files: one file per format, all of them in ``FORMATS``."""

import gzip
import re
import zipfile
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import fields, replace
from fractions import Fraction
from pathlib import Path, PurePosixPath
from typing import Any, BinaryIO

from touchline.errors import FormatError
from touchline.events import Match, Timeline
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
    xmeml,
)
from touchline.formats.base import Content, Format, Matches, Media, Options, SourceFile
from touchline.formats.comparing import events_in, lost_fields, timelines_of
from touchline.formats.doubts import doubtful
from touchline.formats.games import half_in_name
from touchline.formats.reading import Tree, is_tree, open_tree, read_bytes
from touchline.reel import Reel
from touchline.runtime.atomic import already_there, atomic_write
from touchline.timebase import parse_rate

__all__ = [
    "FORMATS",
    "Content",
    "Format",
    "Matches",
    "Media",
    "Options",
    "find_format",
    "format_of",
    "losses",
    "outside_labels",
    "read",
    "read_matches",
    "read_reel",
    "round_trip",
    "suffixes_of",
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
        xmeml.FORMAT,
        sportscode.FORMAT,
        *captions.FORMATS,
        otio.FORMAT,
        edl.FORMAT,
        fcpxml.FORMAT,
        soccerhigh.FORMAT,
        kloppy.FORMAT,
    )
}
"""Every format by name, in the order in which they are tried on a file of unknown format."""

_HALF_FILE = re.compile(r"[1-4](_|\.|$)")


def find_format(name: str) -> Format:
    """A format by its name.

    Raises:
        FormatError: unknown name; the message lists the known ones.
    """
    if name in FORMATS:
        return FORMATS[name]
    raise FormatError(f"unknown format {name!r}", remedy=f"use one of: {', '.join(FORMATS)}")


def format_of(path: str | Path, kind: str = "events") -> Format:
    """The format in which ``write`` writes a file of this name.

    Args:
        path: matched against each format's own file name first, then against its suffixes.
        kind: ``events`` or ``reel``, for suffixes that serve both.

    Raises:
        FormatError: no format writes files of this name.
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
    suffixes = suffixes_of(kind)
    if kind == "events" and name.endswith(suffixes_of("reel")):
        raise FormatError(
            "this suffix is for a reel, not for events", where=path,
            remedy=f"choose a reel of them: touchline reel EVENTS -o {Path(path).name}",
        )  # fmt: skip
    raise FormatError(
        f"no {kind} format has this suffix", where=path,
        remedy=f"use one of {', '.join(suffixes)}",
    )  # fmt: skip


def suffixes_of(kind: str) -> tuple[str, ...]:
    """The suffixes of the files that can be written for ``events`` or a ``reel``, each once."""
    known = (f for f in FORMATS.values() if f.write is not None and kind in f.kinds)
    return tuple(dict.fromkeys(suffix for one in known for suffix in one.suffixes))


def read(
    path: str | Path,
    format: str | None = None,
    *,
    rate: Fraction | str | float | None = None,
    media: Sequence[Media] = (),
) -> Content:
    """Read one file, folder tree or zip.

    Args:
        format: a name in ``FORMATS``; None detects it from the file's name and content.
        rate: frame rate, for files that count frames without stating it (EDL).
        media: the videos that an edit list is about, for the timecode at which they begin.

    Returns:
        The Timeline, Match or Reel in the file; a dictionary of games where it holds several.

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
    source = SourceFile(path.name, str(path), read_bytes(path), known_rate, media=tuple(media))
    content = _read_source(source, format, path)
    return (
        next(iter(content.values())) if isinstance(content, dict) and len(content) == 1 else content
    )


def read_matches(
    path: str | Path,
    format: str | None = None,
    *,
    broken: dict[str, FormatError] | None = None,
) -> Matches:
    """Read the games of a file, a folder tree or a zip, by game id (``league/season/game``).

    A tree is read as one format; a tree with files of several formats needs ``format``.

    Args:
        broken: where it is given, games of a tree with a file that cannot be read go into it, with
            the error, and the others are returned.

    Raises:
        FormatError: as ``read``; also a reel, no file of a known format, or a repeated game.
    """
    if not is_tree(path) or (format is not None and format.startswith(kloppy.PREFIX)):
        content = read(path, format)
        if isinstance(content, Reel):
            raise FormatError("this is a reel, not events", where=path)
        return _matches_of(content, Path(path).name)
    with open_tree(path) as tree:
        known, names = _choose(tree, format)
        matches: Matches = {}
        together: list[tuple[str, Timeline]] = []
        halves: dict[str, list[Timeline]] = {}
        for name in names:
            try:
                content = _read_as(known, SourceFile(name, tree.where(name), tree.read(name)))
            except FormatError as error:
                if broken is None:
                    raise
                broken[_game_of(name, tree, known)] = error
                continue
            if isinstance(content, Timeline) and _is_half(name):
                halves.setdefault(_folder(name, tree), []).append(_numbered(content, name))
                continue
            if isinstance(content, Timeline) and "/" not in name and _states_half(content, name):
                together.append((name, _numbered(content, name)))
                continue
            folder = _folder(name, tree)
            if isinstance(content, Match) and known.file_name is None and _is_one_of(name, names):
                folder = _game_of(name, tree, known)
            for game, match in _matches_of(content, name, folder).items():
                if game in matches:
                    raise FormatError(
                        f"the game {game!r} occurs twice", where=tree.where(name),
                        remedy="keep one file per game",
                    )  # fmt: skip
                matches[game] = match
        if len(together) > 1 and len({timeline.half for _, timeline in together}) == len(together):
            halves[tree.path.stem] = [timeline for _, timeline in together]
        else:
            for name, timeline in together:
                matches |= _matches_of(timeline, name)
    for game, timelines in halves.items():
        timelines.sort(key=lambda timeline: timeline.half or 0)
        matches[game] = Match(game, tuple(timelines))
    return {game: matches[game] for game in sorted(matches.keys() - (broken or {}).keys())}


def read_reel(
    path: str | Path,
    format: str | None = None,
    *,
    rate: Fraction | str | float | None = None,
    media: Sequence[Media] = (),
) -> Reel:
    """Read a reel.

    Raises:
        FormatError: as ``read``; also a file that holds no reel.
    """
    content = read(path, format, rate=rate, media=media)
    if isinstance(content, Reel):
        return content
    raise FormatError(
        "this file holds no reel", where=path, remedy="make one with `touchline reel EVENTS`"
    )


def write(
    content: Content,
    path: str | Path,
    format: str | None = None,
    *,
    overwrite: bool = True,
    **options: Any,
) -> None:
    """Write a Timeline, Match, Reel or games by name; a failure leaves no partial file.

    Args:
        path: a file; for games also a folder or a ``.zip``, which receives
            ``league/season/game/<file>``.
        format: a name in ``FORMATS``; None chooses it by the suffix. For a folder or zip, None
            means ``soccernet-results`` if any confidence differs from 1, else ``soccernet-v2``.
        overwrite: replace files with other content; if false, they are refused.
        options: fields of ``Options``.

    Raises:
        FormatError: the format cannot hold the content, or is read-only.
        InputError: another file is there that must stay.
    """
    path = Path(path)
    chosen = _options(options)
    known = find_format(format or target_format(content, path))
    if _is_tree_target(content, path):
        _write_tree(content, path, known, chosen, overwrite)
        return
    data = _render(content, known, chosen, path)
    if path.suffix.lower() == ".gz":
        data = gzip.compress(data, mtime=0)
    with _written_beside(path, overwrite) as stream:
        stream.write(data)


def target_format(content: Content, path: str | Path) -> str:
    """The name of the format that ``write`` chooses for this content and target.

    Raises:
        FormatError: no format writes files of this name.
    """
    if isinstance(content, Reel):
        return format_of(path, "reel").name
    if not _is_tree_target(content, Path(path)):
        return format_of(path).name
    scored = any(event.confidence != 1 for event in events_in(content))
    return "soccernet-results" if scored else "soccernet-v2"


def _is_tree_target(content: Content, path: Path) -> bool:
    if path.suffix.lower() == ".zip" or path.is_dir():
        return True
    return not path.suffix and not isinstance(content, Reel)


def outside_labels(content: Content, format: str) -> dict[str, int]:
    """Labels that the official readers of a format skip, and how often each occurs."""
    known = find_format(format).labels
    counts = Counter(
        event.label for event in events_in(content) if known and event.label not in known
    )
    return dict(sorted(counts.items()))


def losses(content: Content, format: str, **options: Any) -> dict[str, int]:
    """The fields of a content that a format does not give back, and how often each is set.

    Fields are those of ``Event`` and, for whole files, those of ``FILE_FIELDS``; see
    ``lost_fields``.

    Args:
        options: fields of ``Options``.

    Raises:
        FormatError: as ``round_trip``.
    """
    return lost_fields(content, round_trip(content, format, **options), find_format(format).holds)


def round_trip(
    content: Content, format: str, *, where: Path | None = None, **options: Any
) -> Content:
    """A content as it is read from files of a format, each of one game; no file is written.

    Args:
        where: the file that errors name.
        options: fields of ``Options``.

    Raises:
        FormatError: as ``write``, and as ``read`` where the format's reader refuses the result.
    """
    known, chosen = find_format(format), _options(options)
    if isinstance(content, dict):
        games = (
            (name, _again(match, known, chosen, name, where)) for name, match in content.items()
        )
        return {name: _as_game(back, name) for name, back in games}
    return _again(content, known, chosen, "", where)


def _as_game(content: Content, name: str) -> Match:
    """One game that was read again, by its name before: files name games in their own ways."""
    matches = _matches_of(content, name, name)
    timelines = tuple(timeline for match in matches.values() for timeline in match.timelines)
    extra = next((match.extra for match in matches.values()), {})
    return Match(name, timelines, extra)


def _again(
    content: Content, known: Format, options: Options, folder: str, where: Path | None
) -> Content:
    name = f"{folder}/" * bool(folder) + (known.file_name or f"match{known.suffixes[0]}")
    data = _render(content, known, options, where or Path(name))
    return _read_as(known, SourceFile(name, str(where or name), data, options.rate))


def _options(options: dict[str, Any]) -> Options:
    names = {f.name for f in fields(Options)}
    if unknown := sorted(set(options) - names):
        raise FormatError(
            f"writers have no option {unknown[0]!r}", remedy=f"use {', '.join(sorted(names))}"
        )
    if options.get("rate") is not None:
        options["rate"] = parse_rate(options["rate"])
    return Options(**options)


def _read_source(source: SourceFile, format: str | None, path: Path) -> Content:
    if format is not None:
        return _read_as(find_format(format), source)
    known = next((f for f in FORMATS.values() if f.sniff(source)), None)
    if known is None:
        if path.suffix.lower() == ".json":
            source.document  # noqa: B018  raises for malformed JSON, with line and column
        raise FormatError(
            "not an event, label or reel file of a known format", where=path,
            remedy=f"known are {', '.join(FORMATS)}; touchline convert --from NAME reads a file "
            "as one of them",
        )  # fmt: skip
    return _read_as(known, source)


def _read_as(known: Format, source: SourceFile) -> Content:
    """Read a file; its warnings are added to the reel or the first timeline."""
    content = known.read(source)
    doubts = [text for text in doubtful(content) if not _is_said(text, content)]
    warnings = tuple(f"{source.name}: {warning}" for warning in (*source.warnings, *doubts))
    if not warnings:
        return content
    if isinstance(content, Timeline | Reel):
        return replace(content, warnings=content.warnings + warnings)
    if isinstance(content, Match):
        return _add_warnings(content, warnings)
    first = next(iter(content), None)
    return content if first is None else content | {first: _add_warnings(content[first], warnings)}


def _is_said(text: str, content: Content) -> bool:
    """Whether what was read warns of it already, as touchline's own files do."""
    stated = content.warnings if isinstance(content, Reel) else [
        warning for timeline in timelines_of(content) for warning in timeline.warnings
    ]  # fmt: skip
    return any(warning.endswith(text) for warning in stated)


def _add_warnings(match: Match, warnings: tuple[str, ...]) -> Match:
    if not match.timelines:
        return match
    first, *others = match.timelines
    return replace(match, timelines=(replace(first, warnings=first.warnings + warnings), *others))


def _choose(tree: Tree, format: str | None) -> tuple[Format, list[str]]:
    """The format to read a tree as, and the names of the files of that format."""
    names = [
        n for n in tree.names() if not any(p.startswith((".", "__MACOSX")) for p in n.split("/"))
    ]
    looked_for = [f for f in FORMATS.values() if not f.written_only]
    wanted = [find_format(format)] if format else [f for f in looked_for if "events" in f.kinds]
    found = {f.name: mine for f in wanted if (mine := [n for n in names if _belongs(n, f)])}
    if not found and format:
        suffixes = find_format(format).suffixes
        found = {format: [n for n in names if n.lower().endswith(suffixes)]}
    if not found and not format:
        found = {f.name: [n for n in names if _belongs(n, f)] for f in looked_for}
    if not any(found.values()) and not format:
        found = _by_content(tree, names, wanted) or _by_content(tree, names, looked_for)
    found = {name: mine for name, mine in found.items() if mine}
    if len(found) > 1:
        raise FormatError(
            f"holds files of several formats: {', '.join(found)}", where=tree.path,
            remedy="keep one of them there, or name it: touchline convert --from FORMAT, "
            "touchline evaluate --label-file NAME",
        )  # fmt: skip
    if not found:
        wanted_names = sorted({f.file_name or f"*{f.suffixes[0]}" for f in wanted})
        raise FormatError(
            "holds no event or label files", where=tree.path,
            remedy=f"expected {', '.join(wanted_names)}",
        )  # fmt: skip
    name, mine = next(iter(found.items()))
    return FORMATS[name], mine


def _by_content(tree: Tree, names: list[str], known: list[Format]) -> dict[str, list[str]]:
    """The files of a tree whose names say no format, by the format that their content has."""
    found: dict[str, list[str]] = {}
    endings = tuple(suffix for one in known for suffix in one.suffixes)
    for name in names:
        if not name.lower().endswith(endings):
            continue
        source = SourceFile(name, tree.where(name), tree.read(name))
        if (mine := next((f for f in known if f.sniff(source)), None)) is not None:
            found.setdefault(mine.name, []).append(name)
    return found


def _belongs(name: str, known: Format) -> bool:
    if known.file_name is not None:
        return PurePosixPath(name).name == known.file_name
    return known.name == "touchline" and name.endswith(".events.json")


def _is_one_of(name: str, names: list[str]) -> bool:
    """Whether a folder holds further files beside one, so that it is not of one game."""
    folder = PurePosixPath(name).parent
    return sum(PurePosixPath(other).parent == folder for other in names) > 1


def _is_half(name: str) -> bool:
    return "/" in name and _HALF_FILE.match(PurePosixPath(name).name) is not None


def _states_half(timeline: Timeline, name: str) -> bool:
    """Whether a file that is in no folder of a game says which half it is of."""
    return timeline.half is not None or ("_" in name and half_in_name(name) is not None)


def _numbered(timeline: Timeline, name: str) -> Timeline:
    half = timeline.half or int(PurePosixPath(name).name[0])
    return replace(timeline, half=half)


def _folder(name: str, tree: Tree) -> str:
    """The game that a file of a tree belongs to: its folder."""
    folder = str(PurePosixPath(name).parent)
    return tree.path.stem if folder == "." else soccernet.game_id(folder)


def _game_of(name: str, tree: Tree, known: Format) -> str:
    """The game that a file of a tree would be read as."""
    folder = _folder(name, tree)
    if _is_half(name) or known.file_name is not None:
        return folder
    stem = SourceFile(name, name, b"").stem
    return f"{folder}/{stem}" if "/" in name else stem


def _matches_of(content: Content, name: str, folder: str | None = None) -> Matches:
    if isinstance(content, Reel):
        raise FormatError("this is a reel, not events", where=name)
    if isinstance(content, dict):
        return content
    if isinstance(content, Timeline):
        stem = SourceFile(name, name, b"").stem
        game = f"{folder}/{stem}" if folder and "/" in name else stem
        return {game: Match(game, (content,))}
    match = replace(content, name=folder) if folder else content
    return {match.name: match}


def _render(content: Content, known: Format, options: Options, where: Path) -> bytes:
    if known.write is None:
        raise FormatError(f"{known.name} is read-only", where=where)
    if isinstance(content, Reel) and "reel" not in known.kinds:
        raise FormatError(
            f"{known.name} holds events, not a reel",
            where=where,
            remedy=f"write a reel as {', '.join(suffixes_of('reel'))}",
        )
    try:
        return known.write(content, options)
    except FormatError as error:
        raise FormatError(error.what, where=error.where or where, remedy=error.remedy) from error


def _write_tree(
    content: Content, path: Path, known: Format, options: Options, overwrite: bool
) -> None:
    if isinstance(content, Reel):
        raise FormatError("a reel is a single file", where=path, remedy="give it a suffix")
    matches = _matches_of(content, path.stem)
    write_files(
        {
            f"{safe_folder(game)}/{known.file_name or 'match' + known.suffixes[0]}": _render(
                match, known, options, path
            )
            for game, match in sorted(matches.items())
        },
        path,
        overwrite=overwrite,
    )


def write_files(files: Mapping[str, bytes], path: Path, *, overwrite: bool = True) -> None:
    """Write files below a folder, or into a ``.zip``.

    Args:
        files: content by path below ``path``, with forward slashes.
        overwrite: replace files with other content; if false, nothing is written where there are
            any.

    Raises:
        FormatError: they cannot be written.
        InputError: another file is there that must stay.
    """
    if path.suffix.lower() == ".zip":
        with _written_beside(path, overwrite) as stream, zipfile.ZipFile(stream, "w") as archive:
            for name, data in files.items():
                info = zipfile.ZipInfo(name, date_time=(1980, 1, 1, 0, 0, 0))
                info.external_attr = 0o644 << 16
                archive.writestr(info, data, zipfile.ZIP_DEFLATED)
        return
    if path.exists() and not path.is_dir():
        raise FormatError(
            "is not a folder",
            where=path,
            remedy="give a folder, or a name that ends in the suffix of a format",
        )
    for name, data in {} if overwrite else files.items():
        if (path / name).is_file() and (path / name).read_bytes() != data:
            raise already_there(path / name)
    for name, data in files.items():
        (path / name).parent.mkdir(parents=True, exist_ok=True)
        with _written_beside(path / name, overwrite) as stream:
            stream.write(data)


def safe_folder(game: str) -> str:
    """A game id as a relative path.

    Raises:
        FormatError: the path is absolute, empty, or leads out of its root.
    """
    parts = PurePosixPath(game).parts
    if not parts or game.startswith("/") or ".." in parts or "\\" in game or "\0" in game:
        raise FormatError(f"{game[:80]!r} is not a game id", remedy="write league/season/game")
    return str(PurePosixPath(game))


@contextmanager
def _written_beside(path: Path, overwrite: bool) -> Iterator[BinaryIO]:
    """A stream whose content replaces ``path`` once it is complete."""
    try:
        with (
            atomic_write(path, overwrite=overwrite) as unfinished,
            unfinished.open("wb") as stream,
        ):
            yield stream
    except OSError as error:
        raise FormatError(f"cannot be written: {error.strerror}", where=path) from error
