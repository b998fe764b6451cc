"""Fetching models."""

from typing import Any

from touchline.server.jobs.stages import Report
from touchline.zoo.download import pull


def pull_model(report: Report, *, name: str) -> dict[str, Any]:
    """Fetch a model into the zoo; one that is there already is left as it is.

    Raises:
        InputError: no such model, or it cannot be fetched.
    """
    folder = pull(name)
    report(1.0)
    return {"name": folder.path.name, "licence": folder.card.licence}
