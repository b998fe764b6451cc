"""Downloading models."""

from touchline.importers.download import pull
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
    folder = pull(arguments.name)
    progress(1.0)
    return PullResult(name=folder.path.name, licence=folder.card.licence)
