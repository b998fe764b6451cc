"""What the web process, workers and commands share: the database, the files and the queue."""

from dataclasses import dataclass

from sqlalchemy.orm import Session

from touchline.server.database import Database
from touchline.server.jobs.queue import Queue
from touchline.server.jobs.types import JOB_TYPES
from touchline.server.settings import ServerSettings
from touchline.server.storage import Storage
from touchline.server.tables import JobRow


@dataclass(frozen=True)
class Services:
    """The parts of one server."""

    settings: ServerSettings
    database: Database
    storage: Storage
    queue: Queue

    def close(self) -> None:
        """Close the database."""
        self.database.close()


def open_services(settings: ServerSettings, *, for_requests: bool = False) -> Services:
    """Open the server's database and folders; make them on first use.

    Args:
        for_requests: somebody waits for what is done, ``database_seconds`` of the settings at most.

    Raises:
        InputError: they cannot be opened or made.
    """
    storage = Storage(settings.data.absolute())
    storage.prepare()
    database = Database(settings.url, settings.database_seconds if for_requests else None)
    database.migrate()
    return Services(settings, database, storage, Queue(database, settings.queue, _ended))


def _ended(session: Session, job: JobRow) -> None:
    """Tell the type of a job that it has failed or was cancelled."""
    job_type = JOB_TYPES.get(job.kind)
    if job_type is not None:
        job_type.ended(session, job)
