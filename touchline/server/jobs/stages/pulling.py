"""Downloading models."""

from touchline.pulling.plans import plan
from touchline.pulling.pull import pull
from touchline.runtime.progress import Progress
from touchline.server.jobs.stages.base import StageArguments, StageResult


class PullArguments(StageArguments):
    """The model to download."""

    name: str


class PullResult(StageResult):
    """The model as it lies in the zoo."""

    name: str
    licence: str


def pull_model(arguments: PullArguments, progress: Progress) -> PullResult:
    """Download a model into the zoo; a model that is already there stays as it is.

    Raises:
        InputError: there is no such model, or it cannot be downloaded.
    """
    planned = plan([arguments.name])
    done = pull(planned, progress=progress)
    name, licence = (done[-1].name, done[-1].licence) if done else (planned.here[-1], "")
    return PullResult(name=name, licence=licence)
