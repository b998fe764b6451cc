"""The errors of the server's services, beside those of ``touchline.errors``.

    ServiceError
    ├── NotFoundError           there is no such thing, or the caller may not see it
    ├── ConflictError           the state of a thing does not allow it
    │   └── WrongOffsetError    bytes for another place than the upload has reached
    ├── LockedError             another request is writing the upload
    ├── ExpiredError            the upload's time is over
    ├── UnsupportedTypeError    the file is not of a kind that is accepted
    ├── TooLargeError           beyond a limit, a quota, or what was announced
    ├── ChecksumError           the bytes are not those that were sent
    │   └── PartChecksumError   of one part of an upload
    ├── SenderTimeoutError      the sender is silent
    ├── ConnectionLostError     the sender is gone
    ├── StoppingError           the server is about to end
    ├── DiskError               the server's disk is full or fails
    └── BusyError               the database is locked, slow or cannot be reached

``problems`` is the one place that gives each a status of HTTP.
"""

from touchline.errors import TouchlineError


class ServiceError(TouchlineError):
    """A service cannot do what it is called for.

    Attributes:
        code: a name for programs.
    """

    code: str | None = None

    def __init__(self, detail: str, *, code: str | None = None) -> None:
        super().__init__(detail)
        self.code = code or self.code


class NotFoundError(ServiceError):
    """There is no such thing, or the caller may not see it."""

    def __init__(self, what: str) -> None:
        super().__init__(f"there is no such {what}", code=f"{what.replace(' ', '_')}_not_found")


class ConflictError(ServiceError):
    """The state of a thing does not allow it."""


class WrongOffsetError(ConflictError):
    """Bytes for another place than the upload has reached; ``received`` is that place."""

    code = "wrong_offset"

    def __init__(self, received: int, offset: int) -> None:
        super().__init__(f"the upload has reached byte {received}, not {offset}")
        self.received = received


class LockedError(ServiceError):
    """Another request is writing the upload; it may be free after ``retry_seconds``."""

    code = "locked"

    def __init__(self, detail: str, retry_seconds: int) -> None:
        super().__init__(detail)
        self.retry_seconds = retry_seconds


class ExpiredError(ServiceError):
    """The upload's time is over."""

    code = "upload_not_found"


class UnsupportedTypeError(ServiceError):
    """The file is not of a kind that is accepted."""

    code = "unsupported_type"


class TooLargeError(ServiceError):
    """Beyond a limit, a quota, or what was announced."""

    code = "too_large"


class ChecksumError(ServiceError):
    """The bytes are not those that were sent."""

    code = "checksum_mismatch"

    def __init__(self) -> None:
        super().__init__("the bytes do not match their checksum; send them again")


class PartChecksumError(ChecksumError):
    """The bytes of one part are not those that were sent."""


class SenderTimeoutError(ServiceError):
    """The sender is silent."""

    code = "timeout"


class ConnectionLostError(ServiceError):
    """The sender is gone."""

    code = "connection_lost"

    def __init__(self) -> None:
        super().__init__("the connection was lost")


class StoppingError(ServiceError):
    """The server is about to end, and what was asked was given up."""

    code = "stopping"

    def __init__(self) -> None:
        super().__init__("the server is stopping; send it again later")


class DiskError(ServiceError):
    """The server's disk is full or fails."""

    code = "disk_full"


class BusyError(ServiceError):
    """The database is locked, slow or cannot be reached; nothing was changed.

    Attributes:
        retry_seconds: when to try again.
    """

    code = "busy"

    def __init__(self, reason: str, retry_seconds: int = 1) -> None:
        super().__init__(f"the database is busy ({reason}); try again")
        self.retry_seconds = retry_seconds
