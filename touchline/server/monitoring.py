"""Figures for Prometheus, and logs as JSON lines."""

import json
import logging
import sys
import time
from collections.abc import Iterator
from typing import Any

from prometheus_client import CollectorRegistry, Counter, Histogram, generate_latest
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector
from sqlalchemy import func, select

from touchline.server.jobs.queue import ALIVE_SECONDS
from touchline.server.services import Services
from touchline.server.tables import JobRow, MatchRow, UploadRow, WorkerRow

METHODS = frozenset({"GET", "HEAD", "OPTIONS", "POST", "PUT", "PATCH", "DELETE"})
"""Methods with figures of their own; what else clients make up is counted together."""

BUCKETS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10)

_STANDARD = frozenset(vars(logging.makeLogRecord({})))


class Monitor:
    """The figures of one web process."""

    def __init__(self, services: Services) -> None:
        self.registry = CollectorRegistry()
        self._requests = Counter(
            "touchline_requests", "Requests answered.", ("method", "route", "status"),
            registry=self.registry,
        )  # fmt: skip
        self._seconds = Histogram(
            "touchline_request_seconds", "Time to answer.", ("route",), buckets=BUCKETS,
            registry=self.registry,
        )  # fmt: skip
        self.registry.register(_DatabaseFigures(services))

    def request(self, method: str, route: str, status: int, seconds: float) -> None:
        """Count a request that was answered."""
        self._requests.labels(method if method in METHODS else "other", route, str(status)).inc()
        self._seconds.labels(route).observe(seconds)

    def text(self) -> bytes:
        """All figures, as Prometheus reads them."""
        return generate_latest(self.registry)


class _DatabaseFigures(Collector):
    """Figures of the database, read when they are requested."""

    def __init__(self, services: Services) -> None:
        self._services = services

    def describe(self) -> list[Any]:
        return []

    def collect(self) -> Iterator[GaugeMetricFamily]:
        with self._services.database.read() as session:
            now = self._services.database.now(session)
            jobs = session.execute(
                select(JobRow.kind, JobRow.state, func.count()).group_by(JobRow.kind, JobRow.state)
            ).all()
            oldest = session.scalar(
                select(func.min(JobRow.created_at)).where(JobRow.state == "queued")
            )
            alive = session.scalar(
                select(func.count())
                .select_from(WorkerRow)
                .where(WorkerRow.seen_at > now - ALIVE_SECONDS)
            )
            matches = session.execute(
                select(MatchRow.state, func.count()).group_by(MatchRow.state)
            ).all()
            received = session.scalar(select(func.coalesce(func.sum(UploadRow.received), 0)))
        family = GaugeMetricFamily("touchline_jobs", "Jobs.", labels=("kind", "state"))
        for kind, state, count in jobs:
            family.add_metric((kind, state), count)
        yield family
        family = GaugeMetricFamily("touchline_matches", "Matches.", labels=("state",))
        for state, count in matches:
            family.add_metric((state,), count)
        yield family
        wait = now - oldest if oldest is not None else 0.0
        yield _gauge("touchline_queue_oldest_seconds", "Age of the oldest queued job.", wait)
        yield _gauge("touchline_workers", "Workers that are alive.", alive or 0)
        yield _gauge("touchline_upload_bytes", "Bytes of all uploads.", float(received or 0))
        free = self._services.storage.free_bytes()
        yield _gauge("touchline_disk_free_bytes", "Free bytes of the disk.", free)


def _gauge(name: str, text: str, value: float) -> GaugeMetricFamily:
    return GaugeMetricFamily(name, text, value=value)


class JsonLines(logging.Formatter):
    """One JSON object a line: time, level, logger, message and the extra fields."""

    def format(self, record: logging.LogRecord) -> str:
        line: dict[str, Any] = {
            "time": time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(record.created))
            + f".{int(record.msecs):03d}Z",
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
        }
        line |= {
            k: v for k, v in vars(record).items() if k not in _STANDARD and k != "color_message"
        }
        if record.exc_info:
            line["trace"] = self.formatException(record.exc_info)
        return json.dumps(line, ensure_ascii=False, default=str)


def log_as_json(level: str = "INFO") -> None:
    """Log everything to stderr as JSON lines."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonLines())
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level)
    for name in ("uvicorn", "uvicorn.error", "uvicorn.access"):
        logging.getLogger(name).handlers.clear()
        logging.getLogger(name).propagate = name != "uvicorn.access"
    logging.getLogger("alembic").setLevel(logging.WARNING)
