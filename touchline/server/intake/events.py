"""Files that clients send: each is read in a limited process, few at a time."""

import threading
from collections.abc import Callable
from pathlib import Path
from typing import Literal, TypeVar

import anyio
import anyio.to_thread

from touchline.errors import InputError
from touchline.runtime.progress import Progress
from touchline.server.errors import NotFoundError, StoppingError
from touchline.server.feeds import MatchVideo
from touchline.server.games import events_of_game, known_game
from touchline.server.intake.uploads import clean_name
from touchline.server.jobs.processes import StageFailedError, run_in_child
from touchline.server.jobs.stages.base import Arguments, Result, Stage
from touchline.server.jobs.stages.hearing import HearArguments, hear
from touchline.server.jobs.stages.importing import ImportArguments, ImportResult, import_events
from touchline.server.services import Services
from touchline.server.storage import Storage
from touchline.server.tables import MatchRow, UploadRow, VideoRow
from touchline.transcripts import Transcript

T = TypeVar("T")

AT_ONCE = 2
"""Files that are read at the same time; others wait, without a thread of their own."""

Asked = tuple[str | None, str, int | None, Literal["video", "clock"] | None]
"""Format, name, half and times, as the client states them."""


class Imports:
    """Reads files of events, and others that are as small.

    Args:
        stopping: when it is set, files that are being read are given up.
    """

    def __init__(self, stopping: threading.Event) -> None:
        self._stopping = stopping
        self._limiter = anyio.CapacityLimiter(AT_ONCE)

    async def read(
        self, services: Services, match_id: str, folder: Path, content: bytes, asked: Asked
    ) -> ImportResult:
        """What a file holds for a match.

        Args:
            folder: an empty one, for the file and what its process writes.

        Raises:
            NotFoundError: there is no such match.
            InputError: the file cannot be read, does not fit the match, or takes more time or
                memory than it may have. StageFailedError: its process died.
            StoppingError: the server ends meanwhile.
        """
        return await anyio.to_thread.run_sync(
            self._read, services, match_id, folder, content, asked, limiter=self._limiter
        )

    async def apart(
        self,
        read: Callable[[Services, UploadRow, Progress], T],
        services: Services,
        upload: UploadRow,
    ) -> T:
        """What ``read`` finds of an upload, in its turn.

        Raises:
            StoppingError: the server ends meanwhile.
        """
        return await anyio.to_thread.run_sync(
            read, services, upload, self._watch, limiter=self._limiter
        )

    def _read(
        self, services: Services, match_id: str, folder: Path, content: bytes, asked: Asked
    ) -> ImportResult:
        format, name, half, times = asked
        with services.database.read() as session:
            match = session.get(MatchRow, match_id)
            if match is None:
                raise NotFoundError("match")
            videos = tuple(_video(services.storage, match, video) for video in match.videos)
            periods = known_game(match, events_of_game(session, match_id))["periods"]
        path = folder / clean_name(name)
        path.write_bytes(content)
        arguments = ImportArguments(
            path=str(path), format=format, half=half, times=times, videos=videos, periods=periods
        )
        return self._in_child(services, import_events, arguments, path)

    async def hear(self, services: Services, folder: Path, content: bytes, name: str) -> Transcript:
        """What a transcript says.

        Args:
            folder: an empty one, for the file and what its process writes.
            name: its ending says what it is.

        Raises:
            InputError: it cannot be read, is no transcript, or takes more time or memory than it
                may have. StageFailedError: its process died. StoppingError: the server ends.
        """
        return await anyio.to_thread.run_sync(
            self._hear, services, folder, content, name, limiter=self._limiter
        )

    def _hear(self, services: Services, folder: Path, content: bytes, name: str) -> Transcript:
        path = folder / clean_name(name)
        path.write_bytes(content)
        return self._in_child(services, hear, HearArguments(path=str(path)), path).transcript

    def _in_child(
        self, services: Services, stage: Stage[Arguments, Result], arguments: Arguments, path: Path
    ) -> Result:
        """What a stage finds in a file, which its messages name as the client did."""
        limits = services.settings.import_limits
        try:
            return run_in_child(
                stage, arguments, limits, limits.wall_seconds, path.parent / ".work",
                self._watch, threads=1, names={str(path): path.name},
            )  # fmt: skip
        except StageFailedError as error:
            if error.again:  # a fault of ours, or of this machine
                raise
            text = str(error)
            named = text.startswith(path.name)
            raise InputError(text, where=None if named else path.name) from error

    def _watch(self, share: float) -> None:
        if self._stopping.is_set():
            raise StoppingError


def _video(storage: Storage, match: MatchRow, video: VideoRow) -> MatchVideo:
    path = storage.broadcast(match.id, video.number)
    length = video.duration_seconds or float(match.info.get("duration_seconds", 0.0))
    broadcast = str(path) if path.is_file() else None
    return MatchVideo(video.name, video.half, video.start_seconds, length, broadcast)
