"""The errors that touchline raises on purpose.

    TouchlineError
    └── InputError            the input or the call is wrong (exit 2)
        ├── MediaError        a video or its sound cannot be read or written
        ├── FormatError       an event, label, reel or prediction file is malformed
        ├── LabelError        a label is not in the set in use
        ├── CheckpointError   weights do not fit, or are not what they claim
        ├── ConfigError       a recipe or option contradicts itself or the data
        └── MissingExtraError an optional dependency is not installed

Whatever else escapes is a fault of ours (exit 1).
"""

from pathlib import Path


class TouchlineError(Exception):
    """Base of every error raised on purpose."""


class InputError(TouchlineError):
    """The input or the call is wrong; says where, what, and what would be right, in one line.

    Args:
        what: the fact, such as ``"no video stream"``.
        where: the file or option it concerns, optionally with a place inside (``"a.json:12"``).
        remedy: what would be right, such as ``"give a file with a picture"``.
    """

    def __init__(
        self, what: str, *, where: str | Path | None = None, remedy: str | None = None
    ) -> None:
        self.what = what
        self.where = None if where is None else str(where)
        self.remedy = remedy
        text = what if where is None else f"{where}: {what}"
        super().__init__(" ".join((text if remedy is None else f"{text}; {remedy}").split()))


class MediaError(InputError):
    """A video or its sound cannot be read or written."""


class FormatError(InputError):
    """An event, label, reel or prediction file is malformed."""


class LabelError(InputError):
    """A label is not in the set in use."""


class CheckpointError(InputError):
    """Weights do not fit the network, or are not what they claim to be."""


class ConfigError(InputError):
    """A recipe or an option contradicts itself or the data."""


class MissingExtraError(InputError):
    """An optional dependency is not installed."""

    def __init__(self, feature: str, extra: str) -> None:
        super().__init__(
            f"{feature} needs the optional part [{extra}]",
            remedy=f"install it with: pip install 'touchline[{extra}]'",
        )
        self.extra = extra
