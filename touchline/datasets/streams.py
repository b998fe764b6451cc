"""Opening the streams of a half, with checks that they belong together."""

from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

from touchline.datasets.features import MAIN, FeatureFile, Stream
from touchline.datasets.player_boxes import DRAWN_STREAMS, open_drawn
from touchline.errors import ConfigError, InputError
from touchline.features.store import read_description
from touchline.timebase import format_rate, format_seconds, parse_rate
from touchline.zoo.identity import FeatureIdentity

MOST_APART_SECONDS = 5.0
"""Largest difference in length between the streams of a half."""

_CHECKS_AT_ONCE = 2


@dataclass(frozen=True)
class StreamSource:
    """The files of a stream.

    Attributes:
        name: the files are ``<half>_<name>.npy``, unless the stream is in ``OPENERS``.
        rate: rows a second.
        width: required numbers per row; None for any.
        identity: required extractor; None for any.
        optional: whether a half may lack the stream.
    """

    name: str
    rate: Fraction
    width: int | None = None
    identity: FeatureIdentity | None = None
    optional: bool = False


@dataclass(frozen=True)
class HalfFiles:
    """The location of the files of a half.

    Attributes:
        folder: folder of the game.
        prefix: prefix of the file names: ``"1"`` for a first half.
        steps: number of steps of the main stream.
    """

    folder: Path
    prefix: str
    steps: int


Open = Callable[[HalfFiles, StreamSource], Stream]


def _drawn(name: str) -> Open:
    return lambda files, source: open_drawn(name, files.folder, files.prefix, files.steps)


OPENERS: dict[str, Open] = {name: _drawn(name) for name in DRAWN_STREAMS}
"""Functions that open the streams that are not a single ``.npy`` file, by name of the stream."""


def open_half(path: Path, sources: Mapping[str, StreamSource]) -> dict[str, Stream]:
    """Open all streams of a half; only headers are read.

    Args:
        path: the file of the main stream.

    Returns:
        The streams by name, without optional streams whose file is missing.

    Raises:
        FormatError: a file is missing, damaged, or not of floating-point numbers.
        InputError: rows of another width, or streams of different lengths.
        ConfigError: features of another extractor or rate than the source states.
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
    """The file of another stream of the same half.

    Args:
        path: the file of the main stream.
    """
    prefix = path.name.removesuffix(f"_{main.name}.npy")
    return path.with_name(f"{prefix}_{source.name}.npy")


def identity_of(path: Path) -> FeatureIdentity | None:
    """The extractor of a feature file; None if it has no description.

    Raises:
        FormatError: the description is malformed.
    """
    described = read_description(path)
    return None if described is None else described.identity


def check_numbers(files: Iterable[FeatureFile]) -> None:
    """Check that all numbers of the files are finite, in constant memory.

    Raises:
        FormatError: a number is not finite.
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
    """Check that two streams of a half have the same length, within ``MOST_APART_SECONDS``.

    Args:
        path: the file of the main stream.
        name: name of the other stream.

    Raises:
        InputError: their lengths differ.
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
        remedy="give files of the same half, and check the stated rates",
    )
