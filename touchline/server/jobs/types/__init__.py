"""The types of jobs, one file each."""

from typing import Any

from touchline.server.jobs.types.analysis import Analyse
from touchline.server.jobs.types.annotation import Annotate
from touchline.server.jobs.types.base import JobType
from touchline.server.jobs.types.inference import Infer
from touchline.server.jobs.types.playlist import MakePlaylist
from touchline.server.jobs.types.product import MakeProduct
from touchline.server.jobs.types.pull import Pull
from touchline.server.jobs.types.sample import Sample
from touchline.server.jobs.types.spotting import Spot

JOB_TYPES: dict[str, JobType[Any]] = {
    one.payload.job_type: one
    for one in (
        *(Analyse(), Sample(), Spot(), MakeProduct(), MakePlaylist(), Annotate(), Pull(), Infer()),
    )
}
"""Every type of job, by the name that its row holds."""
