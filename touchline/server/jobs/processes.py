"""The stages of jobs, each in a limited process."""

import re
from collections.abc import Iterable, Mapping
from pathlib import Path

from pydantic import ValidationError

from touchline.errors import InputError
from touchline.runtime.limited import ProcessDiedError, ProcessLimits, run_limited
from touchline.runtime.progress import Progress
from touchline.runtime.wording import joined
from touchline.server.jobs.stages.base import (
    Arguments,
    Result,
    Stage,
    result_type,
    run_stage,
    stage_name,
)
from touchline.server.settings import StageLimits

NETWORK_VARIABLES = (
    "HTTPS_PROXY",
    "HTTP_PROXY",
    "NO_PROXY",
    "SSL_CERT_FILE",
    "HF_ENDPOINT",
    "HF_HOME",
    "TOUCHLINE_MIRROR",
)
"""What the stages that download models need of the environment as well."""

NICENESS = 10

NAMELESS = "the file"
"""What messages call a file of the server that has no name."""


class StageFailedError(Exception):
    """A stage failed.

    Attributes:
        again: another attempt may succeed.
    """

    def __init__(self, problem: str, *, again: bool) -> None:
        super().__init__(problem)
        self.again = again


def run_in_child(
    stage: Stage[Arguments, Result],
    arguments: Arguments,
    limits: StageLimits,
    wall_seconds: float,
    scratch: Path,
    watch: Progress,
    *,
    network: bool = False,
    threads: int | None = None,
    names: Mapping[str, str] | None = None,
) -> Result:
    """Run a stage in a process of its own; whatever ends this call ends that process.

    Args:
        watch: called about ten times a second with the share done; raises to end the stage.
        network: it may reach the network, and gets the variables that downloading needs.
        threads: of numeric libraries; None leaves it to them.
        names: what messages call files, by their paths.

    Raises:
        StageFailedError: the input is wrong, a limit was reached, or the process died.
    """
    try:
        result = run_limited(
            f"{run_stage.__module__}:{run_stage.__name__}",
            [stage_name(stage), arguments.model_dump(mode="json")],
            process_limits(limits, wall_seconds, threads, network),
            scratch,
            watch,
            variables=NETWORK_VARIABLES if network else (),
        )
    except InputError as error:
        text = whole_sentence(error, names or {}, (scratch,))
        raise StageFailedError(text, again=False) from error
    except ProcessDiedError as error:
        raise StageFailedError(str(error), again=True) from error
    return _checked(stage, result)


def process_limits(
    limits: StageLimits, wall_seconds: float, threads: int | None = None, network: bool = False
) -> ProcessLimits:
    """The limits of a stage's process."""
    return ProcessLimits(
        limits.memory_bytes,
        limits.cpu_seconds,
        limits.file_bytes,
        limits.open_files,
        wall_seconds,
        niceness=NICENESS,
        threads=threads,
        network=network,
    )


def whole_sentence(
    error: InputError, names: Mapping[str, str], folders: Iterable[Path] = ()
) -> str:
    """The error's text; files have the names that people know, not their places on the server.

    Args:
        names: what to call files, by their paths; links count as what they lead to as well.
        folders: of the server, whose other files have no name.
    """
    known = {str(Path(path).resolve()): name for path, name in names.items()} | dict(names)
    text = error.what
    if error.where is not None:
        is_file = Path(error.where).is_absolute()
        name = known.get(error.where) or (NAMELESS if is_file else error.where)
        text = joined(name, text)
    text = text if error.remedy is None else f"{text}; {error.remedy}"
    for path in sorted(known, key=len, reverse=True):
        text = text.replace(path, known[path])
    for folder in folders:
        text = re.sub(rf"{re.escape(str(folder))}(/[^\s:;,'\"]*)?", NAMELESS, text)
    return text


def _checked(stage: Stage[Arguments, Result], result: object) -> Result:
    """The result in its own type: a process that has read a hostile file is not trusted."""
    try:
        return result_type(stage).model_validate(result)
    except (ValidationError, InputError) as error:
        raise StageFailedError("a fault of ours: a malformed result", again=True) from error
