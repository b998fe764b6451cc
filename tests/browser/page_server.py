"""A server of its own for browsers to visit, with matches that are ready."""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from touchline.events import RAN
from touchline.labels import SOCCERNET_V2
from touchline.server.jobs.stages.thumbnails import ThumbnailArguments, make_thumbnails
from touchline.server.services import open_services
from touchline.server.settings import ServerSettings
from touchline.server.tables import EventRow, MatchRow, UploadRow, VideoRow

LABELS = list(SOCCERNET_V2)


@dataclass
class PageServer:
    """`touchline serve` as a program, which can be killed and started again.

    Attributes:
        data: its folder.
        port: 0 for any at the first start; it keeps the one that it got.
    """

    data: Path
    port: int = 0
    workers: int = 0
    environment: dict[str, str] = field(default_factory=dict)
    process: "subprocess.Popen[str] | None" = None

    @property
    def url(self) -> str:
        """Where it is."""
        return f"http://127.0.0.1:{self.port}"

    def start(self) -> None:
        """Start, and wait until it answers."""
        words = ["serve", "--data", self.data, "--port", self.port, "--workers", self.workers]
        self.process = subprocess.Popen(
            [sys.executable, "-m", "touchline.cli.main", *map(str, words)],
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env=os.environ | self.environment,
            text=True,
        )
        output = self.process.stdout.readline() if self.process.stdout else ""
        self.port = int(output.strip().rpartition(":")[2])

    def stop(self) -> None:
        """End it, whatever it is doing."""
        if self.process is not None:
            self.process.terminate()
            self.process.wait(90)
            if self.process.stdout:
                self.process.stdout.close()
            self.process = None


@contextmanager
def serving(data: Path, **settings: Any) -> Iterator[PageServer]:
    """A server for a while."""
    server = PageServer(data, **settings)
    server.start()
    try:
        yield server
    finally:
        server.stop()


@dataclass(frozen=True)
class Found:
    """An event to put into a match."""

    seconds: float
    label: str
    confidence: float = 0.5
    status: str = "pending"
    source: str = "model"
    team: str | None = None
    half: int | None = None
    note: str | None = None
    player: str | None = None
    clock_seconds: float | None = None
    score: list[int] | None = None


def spread(count: int, seconds: float, labels: Sequence[str] = LABELS) -> list[Found]:
    """So many events to review, spread over a video, the same every time."""
    random = np.random.default_rng(count)
    return [
        Found(
            round(float(at), 2),
            labels[int(random.integers(len(labels)))],
            round(float(random.beta(2, 2)), 3),
        )
        for at in np.sort(random.uniform(0.2, seconds - 0.2, count))
    ]


def seed_match(
    data: Path,
    video: Path,
    seconds: float,
    found: Sequence[Found],
    *,
    title: str = "North - South",
    labels: Sequence[str] = LABELS,
    rate: str = "25/1",
    size: tuple[int, int] = (320, 180),
    curves: bool = True,
    shown_seconds: float | None = None,
    every_seconds: float = 2.0,
    half_seconds: float | None = None,
    ran: str = "",
) -> str:
    """Put a match that is ready into a server's folder; its id.

    Args:
        shown_seconds: length that the match claims, for a long one with a short video.
        half_seconds: when the second half begins, of a match that came as two videos.
        ran: the line on what read the video.
    """
    services = open_services(ServerSettings(data=data))
    width, height = size
    length = shown_seconds or seconds
    try:
        with services.database.write() as session:
            now = services.database.now(session)
            bytes_ = video.stat().st_size
            parts = _parts(length, half_seconds)
            uploads = [
                UploadRow(
                    name=video.name, kind="put", state="complete", length=bytes_, received=bytes_,
                    created_at=now, expires_at=now + 1e6,
                )
                for _ in parts
            ]  # fmt: skip
            session.add_all(uploads)
            session.flush()
            facts = {
                "width": width, "height": height, "frame_rate": rate, "duration_seconds": length,
            }  # fmt: skip
            match = MatchRow(
                videos=[
                    VideoRow(
                        upload_id=upload.id, name=f"{half or 'whole'}_{video.name}", number=number,
                        half=half, start_seconds=start, duration_seconds=end - start,
                    )
                    for upload, (number, half, start, end) in zip(uploads, parts, strict=True)
                ],
                title=title, model="demo",
                threshold=0.05, state="ready", created_at=now, updated_at=now,
                info={**facts, "has_audio": True, "codec": "h264", "proxy": facts, RAN: ran},
                labels=list(labels), producer={"name": "e2e-spot", "weights": "demo"},
                stored_bytes=bytes_,
            )  # fmt: skip
            session.add(match)
            session.flush()
            session.add_all(
                EventRow(
                    match_id=match.id, seconds=one.seconds, label=one.label,
                    confidence=one.confidence, status=one.status, source=one.source,
                    team=one.team, half=one.half, note=one.note, player=one.player,
                    clock_seconds=one.clock_seconds, score=one.score, created_by="model",
                    created_at=now, updated_by="model", updated_at=now,
                )
                for one in found
            )  # fmt: skip
            stored = [services.storage.upload(upload.id) for upload in uploads]
            for path in (services.storage.proxy(match.id), *stored):
                path.parent.mkdir(parents=True, exist_ok=True)
                shutil.copy(video, path)
            folder = services.storage.match(match.id) / "thumbnails"
            arguments = ThumbnailArguments(
                source=str(video), folder=str(folder), every_seconds=every_seconds
            )
            match.thumbnails = make_thumbnails(arguments, lambda share: None).model_dump()
            if curves:
                _write_curves(services.storage.scores(match.id), length, found, list(labels))
            return match.id
    finally:
        services.close()


def _parts(length: float, half_seconds: float | None) -> list[tuple[int, int | None, float, float]]:
    """Number, half, start and end of each video of a match."""
    if half_seconds is None:
        return [(1, None, 0.0, length)]
    return [(1, 1, 0.0, half_seconds), (2, 2, half_seconds, length)]


def _write_curves(path: Path, length: float, found: Sequence[Found], labels: list[str]) -> None:
    seconds = np.arange(0, length, 12 / 25)
    values = np.random.default_rng(1).uniform(0, 0.04, (len(seconds), len(labels)))
    for one in found:
        if one.label in labels:
            bump = one.confidence * np.exp(-(((seconds - one.seconds) / 1.2) ** 2))
            column = values[:, labels.index(one.label)]
            np.maximum(column, bump, out=column)
    np.savez_compressed(
        path, values=values.astype(np.float16), seconds=seconds, labels=np.array(labels)
    )
