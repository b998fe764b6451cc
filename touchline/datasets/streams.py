"""The streams of a half: opened, and held against each other before anything is made of them."""

from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

from touchline.datasets.features import MAIN, FeatureFile, Stream
from touchline.datasets.player_boxes import DRAWN_STREAMS, open_drawn
from touchline.errors import ConfigError, FormatError, InputError
from touchline.features.store import read_description
from touchline.timebase import format_rate, format_seconds, parse_rate
from touchline.zoo.identity import FeatureIdentity

MOST_APART_SECONDS = 5.0
"""Streams of a half may end this far from each other."""

_CHECKS_AT_ONCE = 2


@dataclass(frozen=True)
class StreamSource:
    """Where a stream of every half comes from.

    Attributes:
        name: the files are ``<half>_<name>.npy``, unless ``OPENERS`` says otherwise.
        rate: rows a second.
        width: numbers of a row; None if any will do.
        identity: which extractor made them; None if any will do.
        optional: whether a half may be without it.
    """

    name: str
    rate: Fraction
    width: int | None = None
    identity: FeatureIdentity | None = None
    optional: bool = False


@dataclass(frozen=True)
class HalfFiles:
    """What a stream may be opened from.

    Attributes:
        folder: of the game.
        prefix: how the half's files begin: ``"1"`` for a first half.
        steps: of the main stream.
    """

    folder: Path
    prefix: str
    steps: int


Open = Callable[[HalfFiles, StreamSource], Stream]


def _drawn(name: str) -> Open:
    return lambda files, source: open_drawn(name, files.folder, files.prefix, files.steps)


OPENERS: dict[str, Open] = {name: _drawn(name) for name in DRAWN_STREAMS}
"""By the name of the stream: how those are opened that are not one ``.npy`` file."""


def open_half(path: Path, sources: Mapping[str, StreamSource]) -> dict[str, Stream]:
    """Open every stream of a half; only headers are read.

    Args:
        path: the file of the main stream.

    Returns:
        the streams by name; optional ones whose file is not there are left out.

    Raises:
        FormatError: a file that is not there, damaged, or of other numbers than floats.
        InputError: rows of another width, or streams that are not equally long.
        ConfigError: features made by another extractor or at another rate than the source says.
    """
    main = _open_file(path, sources[MAIN])
    prefix = path.name.removesuffix(f"_{sources[MAIN].name}.npy")
    files = HalfFiles(path.parent, prefix, main.steps)
    streams: dict[str, Stream] = {MAIN: main}
    for name, source in sources.items():
        if name == MAIN:
            continue
        file = file_beside(path, sources[MAIN], source)
        if name in OPENERS:
            streams[name] = OPENERS[name](files, source)
        elif source.optional and not file.exists():
            continue
        else:
            streams[name] = _open_file(file, source)
        check_lengths(path, name, main, streams[name])
    return streams


def file_beside(path: Path, main: StreamSource, source: StreamSource) -> Path:
    """The file of another stream of the half that a file of the main stream is of."""
    prefix = path.name.removesuffix(f"_{main.name}.npy")
    return path.with_name(f"{prefix}_{source.name}.npy")


def identity_of(path: Path) -> FeatureIdentity | None:
    """Which extractor made a feature file; None if nothing says it.

    Raises:
        FormatError: what lies beside the file cannot be read.
    """
    described = read_description(path)
    return None if described is None else described.identity


def check_numbers(files: Iterable[FeatureFile]) -> None:
    """Read every number of the files once, at constant memory.

    Raises:
        FormatError: one that is not finite.
    """
    with ThreadPoolExecutor(_CHECKS_AT_ONCE) as pool:
        pending = [pool.submit(file.check_finite) for file in files]
        try:
            for future in pending:
                future.result()
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            raise


def _open_file(path: Path, source: StreamSource) -> FeatureFile:
    described = read_description(path)
    first_seconds = None if described is None else described.first_seconds
    file = FeatureFile(path, source.rate, first_seconds)
    if source.width is not None and file.row_shape != (source.width,):
        width = " x ".join(str(side) for side in file.row_shape)
        raise InputError(
            f"the features are {width} wide, not {source.width}",
            where=path,
            remedy=f"give features of width {source.width}, or state the width of these",
        )
    if described is None:
        return file
    identity = described.identity
    if identity.rate != format_rate(source.rate):
        raise ConfigError(
            f"these features have {parse_rate(identity.rate)} rows a second, not {source.rate}",
            where=path,
            remedy=f"state their rate, {parse_rate(identity.rate)}",
        )
    if source.identity is not None and (difference := source.identity.difference(identity)):
        raise ConfigError(
            f"these features do not fit: {difference}",
            where=path,
            remedy="extract all of them with the same extractor",
        )
    return file


def check_lengths(path: Path, name: str, main: Stream, other: Stream) -> None:
    """Refuse streams that end further apart than halves of one game may.

    Args:
        path: the file of the main stream.
        name: of the other one.

    Raises:
        InputError: they do.
    """
    seconds = [float(stream.steps / stream.rate) for stream in (main, other)]
    if abs(seconds[0] - seconds[1]) <= MOST_APART_SECONDS:
        return
    lengths = [
        f"{stream.steps} rows at {stream.rate} a second ({format_seconds(length)})"
        for stream, length in zip((main, other), seconds, strict=True)
    ]
    raise InputError(
        f"the features have {lengths[0]}, the stream {name} has {lengths[1]}",
        where=path,
        remedy="they must be of the same half, and at the rates that are stated",
    )


def main_file(streams: Mapping[str, Stream]) -> FeatureFile:
    """The file of the main stream.

    Raises:
        FormatError: the main stream is none.
    """
    stream = streams[MAIN]
    if not isinstance(stream, FeatureFile):
        raise FormatError("the main stream is not a file")
    return stream
