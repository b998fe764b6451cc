"""A model is downloaded into the zoo."""

from collections.abc import Iterator
from typing import Any, ClassVar

from touchline.server.jobs.queue import Payload
from touchline.server.jobs.stages.pulling import PullArguments, pull_model
from touchline.server.jobs.types.base import JobContext, JobType, StageCall

LONGEST_SECONDS = 3600.0


class PullPayload(Payload):
    """The model to download."""

    job_type: ClassVar[str] = "pull"

    name: str


class Pull(JobType[PullPayload]):
    """A model is downloaded. A model that is not there in full does not count as there."""

    payload = PullPayload

    def weights(self, payload: PullPayload) -> dict[str, float]:
        return {"pull": 1.0}

    def stages(self, context: JobContext[PullPayload]) -> Iterator[StageCall[Any, Any]]:
        yield StageCall(
            "pull",
            pull_model,
            PullArguments(name=context.payload.name),
            context.settings.stage_limits,
            LONGEST_SECONDS,
            network=True,
        )
