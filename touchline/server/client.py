"""A thin Python client of the HTTP API; needs nothing but the standard library.

with Client("http://127.0.0.1:8000") as client:
    match = client.add_match("match.mp4")
    client.wait(match["job"])
    reel = client.make_reel(match["id"], seconds=120)
    client.download_reel(reel["id"], "reel.mp4")
"""

import base64
import http.client
import json
import re
import secrets
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, BinaryIO, Literal, NotRequired, Self, TypedDict
from urllib.parse import quote, urlencode, urlsplit

from touchline.errors import InputError, TouchlineError
from touchline.events import Status, Timeline
from touchline.formats import read
from touchline.runtime.progress import Progress

CHUNK_BYTES = 8 * 1024**2
TRIES = 5
BUSY = (429, 503)
PASSING = (0, 429, 502, 503, 504)
"""Status of failures that pass; 0 is a lost connection."""

TIMEOUT_SECONDS = 60.0
PAUSE_SECONDS = 0.5
IDLE_SECONDS = 2.0
"""Servers close idle connections, ours after five seconds; an older connection is opened again."""

JobState = Literal["queued", "running", "succeeded", "failed", "cancelled"]


class ServerError(TouchlineError):
    """The server refused the request, or cannot be reached.

    Attributes:
        status: of HTTP; 0 where there was no answer.
        retry_seconds: after which the server asks to be asked again; 0 where it does not say.
    """

    def __init__(self, status: int, detail: str, retry_seconds: float = 0.0) -> None:
        super().__init__(detail)
        self.status = status
        self.retry_seconds = retry_seconds


class JobError(TouchlineError):
    """A job failed or was cancelled."""


class UploadFacts(TypedDict):
    """A file that was sent."""

    id: str
    name: str
    state: str
    length: int
    received: int


class VideoFacts(TypedDict):
    """A video of a match: its half, where there are several, and the stretch that it is."""

    number: int
    half: int | None
    name: str
    start: float
    duration: float | None


class MatchFacts(TypedDict):
    """A match."""

    id: str
    title: str
    state: Literal["waiting", "working", "ready", "failed"]
    problem: str | None
    videos: list[VideoFacts]
    game: dict[str, Any]
    info: dict[str, Any]
    model: str
    job: str | None


class JobFacts(TypedDict):
    """A job."""

    id: str
    kind: str
    state: JobState
    stage: str | None
    progress: float
    position: int | None
    waits_for: Literal["job", "attempt", "turn", "worker"] | None
    seconds_left: float | None
    problem: str | None
    result: dict[str, Any]


class EventFacts(TypedDict):
    """An event; ``version`` is what changes are based on."""

    id: str
    time: float
    label: str
    confidence: float
    status: Status
    version: int
    half: int | None
    half_time: float | None
    team: NotRequired[str | None]
    player: NotRequired[str | None]
    note: NotRequired[str | None]
    lead: NotRequired[float | None]
    lag: NotRequired[float | None]


class ChangeFacts(TypedDict):
    """A step of a match's history.

    Of an import, ``statuses`` counts what it added, and ``remarks`` say what it left out."""

    number: int | None
    action: str
    events: list[str]
    remarks: list[str]
    statuses: dict[str, int]


class AssetFacts(TypedDict):
    """A picture or a sound for reels; ``facts`` has width and height, or seconds."""

    id: str
    kind: Literal["picture", "sound"]
    name: str
    bytes: int
    facts: dict[str, Any]


class ReelFacts(TypedDict):
    """A reel."""

    id: str
    match: str
    title: str
    reel: dict[str, Any]
    finish: dict[str, Any]
    version: int


class Client:
    """Speaks to one server.

    Args:
        url: where it is.
        token: an API token; none for a server on this machine without passwords.

    Raises:
        InputError: the URL is malformed.
    """

    def __init__(self, url: str, token: str | None = None) -> None:
        parts = urlsplit(url)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise InputError(
                "is not the URL of a server", where=url, remedy="give http://host:8000"
            )
        kind = http.client.HTTPSConnection if parts.scheme == "https" else (
            http.client.HTTPConnection
        )  # fmt: skip
        self._connection = kind(parts.hostname, parts.port, timeout=TIMEOUT_SECONDS)
        self._used = time.monotonic()
        self._prefix = parts.path.rstrip("/")
        self._headers = {"Authorization": f"Bearer {token}"} if token else {}

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the connection."""
        self._connection.close()

    def upload(self, path: str | Path, progress: Progress | None = None) -> UploadFacts:
        """Send a file, going on where it stopped when the connection is lost.

        Raises:
            ServerError: it is refused, or the server stays away.
        """
        path = Path(path)
        length = path.stat().st_size
        name = base64.b64encode(path.name.encode()).decode()
        made = self._call(
            "POST",
            "/v1/uploads",
            headers={
                "Tus-Resumable": "1.0.0",
                "Upload-Length": str(length),
                "Upload-Metadata": f"filename {name}",
            },
        )
        url = f"/v1/uploads/{made['id']}"
        with path.open("rb") as file:
            self._send(file, url, length, progress)
        found: UploadFacts = self._call("GET", url)
        return found

    def add_asset(self, path: str | Path) -> AssetFacts:
        """Send a picture or a sound for reels; ``finish`` names it by its ``id``.

        Raises:
            ServerError: it is refused, or the server stays away.
        """
        upload = self.upload(path)["id"]
        made: AssetFacts = self._call("POST", "/v1/assets", {"upload": upload})
        return made

    def add_match(
        self,
        *videos: str | Path,
        title: str | None = None,
        model: str | None = None,
        progress: Progress | None = None,
    ) -> MatchFacts:
        """Send a video, or the halves of a match in order, and make a match of it.

        `wait` for its ``job``.
        """

        def share(done: float) -> None:
            if progress is not None:
                progress((len(sent) + done) / len(videos))

        sent: list[dict[str, str]] = []
        for video in videos:
            sent.append({"upload": self.upload(video, share)["id"]})
        wish = {"videos": sent, "title": title, "model": model}
        made: MatchFacts = self._call("POST", "/v1/matches", {k: v for k, v in wish.items() if v})
        return made

    def matches(self) -> Iterator[MatchFacts]:
        """All matches, the newest first."""
        yield from self._pages("/v1/matches")

    def match(self, match_id: str) -> MatchFacts:
        """A match."""
        found: MatchFacts = self._call("GET", f"/v1/matches/{match_id}")
        return found

    def delete_match(self, match_id: str) -> None:
        """Delete a match with all that belongs to it."""
        self._call("DELETE", f"/v1/matches/{match_id}")

    def job(self, job_id: str) -> JobFacts:
        """A job."""
        found: JobFacts = self._call("GET", f"/v1/jobs/{job_id}")
        return found

    def cancel(self, job_id: str) -> JobFacts:
        """End a job."""
        found: JobFacts = self._call("POST", f"/v1/jobs/{job_id}/cancel")
        return found

    def wait(
        self, job_id: str, progress: Progress | None = None, poll_seconds: float = 1.0
    ) -> JobFacts:
        """Wait for the end of a job.

        Raises:
            JobError: it failed or was cancelled.
        """
        while True:
            job = self.job(job_id)
            if progress is not None:
                progress(job["progress"])
            if job["state"] == "succeeded":
                return job
            if job["state"] in ("failed", "cancelled"):
                raise JobError(job["problem"] or job["state"])
            time.sleep(poll_seconds)

    def events(self, match_id: str, **filters: Any) -> Iterator[EventFacts]:
        """The events of a match; ``status``, ``label`` and ``min_confidence`` choose among them."""
        yield from self._pages(f"/v1/matches/{match_id}/events", filters)

    def timeline(self, match_id: str, target: str | Path) -> Timeline:
        """Save the events of a match that were not rejected, and read them."""
        self._save(f"/v1/matches/{match_id}/download", Path(target))
        thing = read(target)
        if not isinstance(thing, Timeline):
            raise ServerError(0, "the server sent no timeline")
        return thing

    def add_event(self, match_id: str, time: float, label: str, **fields: Any) -> EventFacts:
        """Add an event."""
        body = {"time": time, "label": label} | fields
        made: EventFacts = self._call("POST", f"/v1/matches/{match_id}/events", body)
        return made

    def change_event(self, match_id: str, event: EventFacts, **fields: Any) -> EventFacts:
        """Change an event as it was read.

        Raises:
            ServerError: with status 412 if somebody has changed it since.
        """
        headers = {"If-Match": f'"{event["version"]}"'}
        url = f"/v1/matches/{match_id}/events/{event['id']}"
        changed: EventFacts = self._call("PATCH", url, fields, headers)
        return changed

    def import_events(
        self,
        match_id: str,
        path: str | Path,
        *,
        sure: Literal["pending", "accepted"] | None = None,
        **options: Any,
    ) -> ChangeFacts:
        """Add the events of a file.

        Args:
            sure: status of events that state none and have a confidence of 1. By default what a
                model found is to be reviewed, and labels are accepted.
            options: ``format``, ``half``, ``times``.

        Raises:
            ServerError: the file cannot be read; or, with status 409, it leaves open which of its
                events are labels, and ``sure`` does not say it.
        """
        path = Path(path)
        name = re.sub(r"[^\w .()-]", "_", path.name)[-100:]
        wishes = {"name": name, "sure": sure} | options
        query = urlencode({k: v for k, v in wishes.items() if v is not None}, quote_via=quote)
        url = f"/v1/matches/{match_id}/import?{query}"
        headers = {"Content-Type": "application/octet-stream"}
        answer = self._until_answered("POST", url, path.read_bytes(), headers)
        done: ChangeFacts = json.loads(answer.read())
        return done

    def undo(self, match_id: str) -> None:
        """Undo the last change of a match's events."""
        self._call("POST", f"/v1/matches/{match_id}/undo")

    def make_reel(self, match_id: str, *, seconds: float = 180, **wishes: Any) -> ReelFacts:
        """Choose the moments worth seeing."""
        body = {"seconds": seconds} | wishes
        made: ReelFacts = self._call("POST", f"/v1/matches/{match_id}/reels", body)
        return made

    def download_reel(
        self, reel_id: str, target: str | Path, format: str = "mp4", **wishes: Any
    ) -> Path:
        """Make a file of a reel, wait for it and save it.

        Raises:
            JobError: it cannot be made.
        """
        body = {"format": format} | wishes
        job = self.wait(self._call("POST", f"/v1/reels/{reel_id}/files", body)["id"])
        made = next(stage["product_id"] for stage in job["result"].values())
        return self._save(f"/v1/files/{made}", Path(target))

    def _send(self, file: BinaryIO, url: str, length: int, progress: Progress | None) -> None:
        offset, failures = 0, 0
        while offset < length:
            file.seek(offset)
            try:
                offset = self._append(url, offset, file.read(CHUNK_BYTES))
                failures = 0
            except ServerError as error:
                failures += 1
                if failures >= TRIES or error.status not in (0, 408, 409, 423, 429, 500, 502, 503):
                    raise
                time.sleep(_pause_seconds(failures))
                offset = self._offset(url)
            if progress is not None:
                progress(offset / length)

    def _append(self, url: str, offset: int, content: bytes) -> int:
        headers = {
            "Tus-Resumable": "1.0.0",
            "Upload-Offset": str(offset),
            "Content-Type": "application/offset+octet-stream",
        }
        answer = self._answer("PATCH", url, content, headers)
        answer.read()
        return int(answer.headers["Upload-Offset"])

    def _offset(self, url: str) -> int:
        answer = self._answer("HEAD", url, None, {"Tus-Resumable": "1.0.0"})
        answer.read()
        return int(answer.headers["Upload-Offset"])

    def _pages(self, url: str, filters: dict[str, Any] | None = None) -> Iterator[Any]:
        query = dict(filters or {})
        while True:
            text = urlencode(query, doseq=True, quote_via=quote)
            page = self._call("GET", f"{url}?{text}" if text else url)
            yield from page["items"]
            if page["next"] is None:
                return
            query["cursor"] = page["next"]

    def _save(self, url: str, target: Path) -> Path:
        answer = self._answer("GET", url, None, {})
        beside = target.with_name(f".{target.name}.part")
        try:
            with beside.open("wb") as file:
                while block := answer.read(1024**2):
                    file.write(block)
            beside.replace(target)
        finally:
            beside.unlink(missing_ok=True)
        return target

    def _call(
        self,
        method: str,
        url: str,
        body: dict[str, Any] | None = None,
        headers: dict[str, str] | None = None,
    ) -> Any:
        content = None if body is None else json.dumps(body).encode()
        more = {} if body is None else {"Content-Type": "application/json"}
        text = self._until_answered(method, url, content, more | (headers or {})).read()
        return json.loads(text) if text else None

    def _until_answered(
        self, method: str, url: str, content: bytes | None, headers: dict[str, str]
    ) -> http.client.HTTPResponse:
        """A successful answer. A failure that passes is tried again, under the same key, so that a
        change is made once; without a key (deletions) only where the server did nothing."""
        if method not in ("GET", "DELETE"):
            headers = headers | {"Idempotency-Key": secrets.token_hex(16)}
        passing = BUSY if method == "DELETE" else PASSING
        for failures in range(1, TRIES):
            try:
                return self._answer(method, url, content, headers)
            except ServerError as error:
                if error.status not in passing:
                    raise
                time.sleep(error.retry_seconds or _pause_seconds(failures))
        return self._answer(method, url, content, headers)

    def _answer(
        self, method: str, url: str, content: bytes | None, headers: dict[str, str]
    ) -> http.client.HTTPResponse:
        """A successful answer.

        Raises:
            ServerError: the answer is an error, or there is no answer.
        """
        if time.monotonic() - self._used > IDLE_SECONDS:
            self._connection.close()  # the next request opens it again
        try:
            self._connection.request(
                method, self._prefix + url, content, headers=self._headers | headers
            )
            answer = self._connection.getresponse()
            text = answer.read() if answer.status >= 400 else b""
            self._used = time.monotonic()
        except (OSError, http.client.HTTPException) as error:
            self._connection.close()
            raise ServerError(0, f"{self._connection.host} does not answer ({error})") from error
        if answer.status >= 400:
            wait = answer.headers.get("Retry-After", "")
            seconds = float(wait) if wait.isdecimal() else 0.0
            raise ServerError(answer.status, _detail(text, answer.status), seconds)
        return answer


def _pause_seconds(failures: int) -> float:
    return min(8.0, PAUSE_SECONDS * 2**failures)


def _detail(text: bytes, status: int) -> str:
    try:
        return str(json.loads(text)["detail"])
    except (ValueError, KeyError, TypeError):
        return f"the server answered {status}"
