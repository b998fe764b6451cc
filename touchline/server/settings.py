"""The settings of the start, from environment and command line; and those that admins change.

Every field is read from ``TOUCHLINE_<NAME>``, fields of a group from ``TOUCHLINE_<GROUP>__<NAME>``.
"""

import ipaddress
from pathlib import Path
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, SecretStr, ValidationError, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from touchline.errors import ConfigError
from touchline.media.limits import Limits
from touchline.zoo.real_matches import AUTO
from touchline.zoo.store import home

GIGABYTE = 1024**3
MEGABYTE = 1024**2

Seconds = Annotated[float, Field(gt=0, le=7 * 24 * 3600)]
Bytes = Annotated[int, Field(ge=0, le=2**53)]


class Policy(BaseModel):
    """The settings that an admin can change while the server runs.

    Attributes:
        default_model: the model that matches are spotted with unless they name one.
        threshold: events of lower confidence are left out.
        max_upload_bytes: the largest file that may be uploaded.
        quota_bytes: what the files of one user may take up, unless the user has an own quota.
        upload_hours: an upload that does not continue for this long is dropped.
        retention_days: matches are deleted after this time; None keeps them.
        thumbnail_seconds: time from one thumbnail to the next.
        proxy_height: rows of the proxy's picture, at most.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    default_model: Annotated[str, Field(min_length=1, max_length=100)] = AUTO
    threshold: Annotated[float, Field(ge=0, le=1)] = 0.05
    max_upload_bytes: Bytes = 20 * GIGABYTE
    quota_bytes: Bytes = 200 * GIGABYTE
    upload_hours: Annotated[float, Field(gt=0, le=24 * 365)] = 48
    retention_days: Annotated[float, Field(gt=0, le=36500)] | None = None
    thumbnail_seconds: Annotated[float, Field(ge=1, le=600)] = 10
    proxy_height: Annotated[int, Field(ge=64, le=2160)] = 720


class StageLimits(BaseModel):
    """Limits of a child process; beyond them it is ended.

    Attributes:
        memory_bytes: address space.
        cpu_seconds: processor time over all its threads.
        file_bytes: size of one file that it writes.
        open_files: descriptors.
        wall_seconds: time, whatever the video's length.
        wall_per_second: further time for each second of the video.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    memory_bytes: Bytes = 8 * GIGABYTE
    cpu_seconds: Annotated[int, Field(gt=0)] = 24 * 3600
    file_bytes: Bytes = 40 * GIGABYTE
    open_files: Annotated[int, Field(ge=32, le=65536)] = 256
    wall_seconds: Seconds = 300
    wall_per_second: Annotated[float, Field(ge=0, le=100)] = 8


class MediaLimits(BaseModel):
    """Limits of a video."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    max_pixels: Annotated[int, Field(gt=0)] = 4096 * 2304
    max_duration_seconds: Seconds = 4 * 3600
    max_streams: Annotated[int, Field(ge=1, le=64)] = 32
    max_rate: Annotated[int, Field(ge=1, le=1000)] = 120

    def to_limits(self) -> Limits:
        """As readers of media take them."""
        return Limits(**self.model_dump())


class RateLimits(BaseModel):
    """Limits on the requests of one client.

    Attributes:
        requests_per_second: on average; ``burst`` at once.
        logins_per_minute: wrong passwords for one name from one address.
        streams: progress streams that one client may keep open.
        connections: that one address may have; proxies that are trusted may have more.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    requests_per_second: Annotated[float, Field(gt=0)] = 500
    burst: Annotated[int, Field(ge=1)] = 1000
    logins_per_minute: Annotated[float, Field(gt=0)] = 5
    streams: Annotated[int, Field(ge=1)] = 20
    connections: Annotated[int, Field(ge=1)] = 100


class QueueSettings(BaseModel):
    """How jobs are leased.

    Attributes:
        lease_seconds: a worker that does not renew its lease for this long loses its job.
        beat_seconds: how often it renews the lease, and checks whether the job was cancelled.
        max_attempts: how often a job is tried before it has failed.
        backoff_seconds: wait before a second try; doubled for each further one.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    lease_seconds: Seconds = 20
    beat_seconds: Seconds = 0.5
    max_attempts: Annotated[int, Field(ge=1, le=20)] = 3
    backoff_seconds: Annotated[float, Field(ge=0, le=3600)] = 5


class ServerSettings(BaseSettings):
    """The settings of the start.

    Attributes:
        data: folder of everything that the server keeps.
        database_url: SQLite in ``data`` by default; ``postgresql://user@host/name`` when shared.
        host, port: where to listen; every address except loopback requires a password.
        allowed_hosts: host names under which browsers reach the server, in addition to its address.
        media_roots: folders of the server whose videos may be used in place, by a short name.
        secure_cookies: the server is reached by HTTPS.
        trusted_proxies: addresses whose X-Forwarded-For and -Proto are trusted.
        admin_password: makes a user ``admin`` at the first start, where there are no users yet.
        metrics_public: ``/metrics`` needs no credentials.
        database_seconds: longest that a request waits for a connection to the database, and for a
            lock; then it is answered with 503 and Retry-After.
        workers: worker processes that ``touchline serve`` starts beside itself.
    """

    model_config = SettingsConfigDict(
        env_prefix="TOUCHLINE_", env_nested_delimiter="__", extra="ignore", frozen=True
    )

    data: Path = Field(default_factory=lambda: home() / "server")
    database_url: str | None = None
    host: str = "127.0.0.1"
    port: Annotated[int, Field(ge=0, le=65535)] = 8000
    allowed_hosts: tuple[str, ...] = ()
    media_roots: dict[str, Path] = {}
    secure_cookies: bool = False
    trusted_proxies: tuple[str, ...] = ()
    admin_password: SecretStr | None = None
    metrics_public: bool = False
    workers: Annotated[int, Field(ge=0, le=64)] = 1
    session_hours: Annotated[float, Field(gt=0, le=24 * 365)] = 24 * 14
    body_seconds: Seconds = 30
    database_seconds: Seconds = 10
    max_body_bytes: Bytes = 4 * MEGABYTE
    policy: Policy = Policy()
    probe_limits: StageLimits = StageLimits(
        memory_bytes=3 * GIGABYTE, cpu_seconds=300, wall_seconds=120, wall_per_second=0
    )
    import_limits: StageLimits = StageLimits(
        memory_bytes=GIGABYTE,
        cpu_seconds=20,
        file_bytes=256 * MEGABYTE,
        wall_seconds=45,
        wall_per_second=0,
    )
    stage_limits: StageLimits = StageLimits()
    media_limits: MediaLimits = MediaLimits()
    rates: RateLimits = RateLimits()
    queue: QueueSettings = QueueSettings()

    @field_validator("media_roots")
    @classmethod
    def _are_folders(cls, roots: dict[str, Path]) -> dict[str, Path]:
        for name, folder in roots.items():
            if not folder.is_absolute() or folder == Path(folder.anchor):
                raise ValueError(f"{name}: {folder} is not an absolute path below the root")
        return roots

    @property
    def url(self) -> str:
        """Of the database, with the driver that serves it."""
        if self.database_url is None:
            return f"sqlite:///{self.data / 'touchline.db'}"
        for prefix in ("postgres://", "postgresql://"):
            if self.database_url.startswith(prefix):
                return "postgresql+psycopg://" + self.database_url.removeprefix(prefix)
        return self.database_url

    @property
    def is_loopback(self) -> bool:
        """Whether only this machine can reach the server."""
        if self.host == "localhost":
            return True
        try:
            return ipaddress.ip_address(self.host).is_loopback
        except ValueError:
            return False


def read_settings(**given: object) -> ServerSettings:
    """The settings of the environment, those given on the command line before them.

    Raises:
        ConfigError: an invalid value.
    """
    try:
        return ServerSettings.model_validate(
            ServerSettings().model_dump() | {k: v for k, v in given.items() if v is not None}
        )
    except ValidationError as error:
        first = error.errors()[0]
        name = "TOUCHLINE_" + "__".join(str(part).upper() for part in first["loc"])
        raise ConfigError(str(first["msg"]), where=name) from error
