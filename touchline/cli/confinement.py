"""Which commands work in a limited process, and how far it may go: those that read files of others.

``--trust`` does the work without limits, as every command does where the system is not Linux.
"""

import os
from collections.abc import Iterator, Sequence
from itertools import pairwise
from pathlib import Path

from touchline.cli.output import options_of
from touchline.runtime.confined import Confinement

TRUST = "--trust"

CONFINED = {
    "spot", "broadcast", "align", "reel", "annotate", "evaluate", "convert", "extract", "predict",
    "combine", "dataset", "models",
}  # fmt: skip

_FETCHING = {"pull", "import", "download", "--pull", "--transcribe"}
"""Words of calls that need the network: verbs of ``models`` and ``dataset``, and options."""

_OF_A_HUB = "hf:"
"""What names a detector to be fetched begins with."""

_OUTPUTS = {"-o", "--out", "--output"}

_RAY = "--ray"

_MEMORY_BYTES = 8 << 30
_MEMORY_BYTES_A_CORE = 64 << 20  # the stacks of its threads count, touched or not
_FILE_BYTES = 64 << 30

_CPU_SECONDS = 3600
_BYTES_A_CPU_SECOND = 1000
"""A video of the lowest bit rates has ten times as many bytes a second, and the slowest network on
a processor takes some ten seconds for one of video."""


def confinement_of(words: Sequence[str]) -> Confinement | None:
    """The limits of a call; None for one that works without.

    Args:
        words: of the call, without the program's name.
    """
    options = options_of(words)
    command = next((word for word in options if not word.startswith("-")), None)
    if command not in CONFINED or TRUST in options:
        return None
    if any(word.startswith(_RAY) for word in options):
        return None
    cores = os.cpu_count() or 1
    return Confinement(
        memory_bytes=_MEMORY_BYTES + cores * _MEMORY_BYTES_A_CORE,
        cpu_seconds=_cpu_seconds(words, cores),
        file_bytes=_FILE_BYTES,
        network=any(_fetches(word) for word in options),
    )


def _fetches(word: str) -> bool:
    return word.partition("=")[0] in _FETCHING or _OF_A_HUB in word


def _inputs(words: Sequence[str]) -> Iterator[str]:
    """The words of a call, and values of ``--option=value``, that may name what is read."""
    options = options_of(words)
    for before, word in pairwise(["", *options]):
        option, _, value = word.partition("=") if word.startswith("--") else (before, "", word)
        if value and option not in _OUTPUTS:
            yield value
    yield from words[len(options) + 1 :]


def _cpu_seconds(words: Sequence[str], cores: int) -> int | None:
    """Processor time by the size of the files that a call reads; any for a call that reads a
    folder."""
    size = 0
    for path in map(Path, _inputs(words)):
        try:
            if path.is_dir():
                return None
            size += path.stat().st_size if path.is_file() else 0
        except (OSError, ValueError):  # not a name of a file
            continue
    return cores * (_CPU_SECONDS + size // _BYTES_A_CPU_SECOND)
