"""A mirror of what lies on the web: another server, or a folder, named by ``TOUCHLINE_MIRROR``.

With a mirror set, nothing outside it is asked. It holds a file of ``https://HOST/PATH`` as
``HOST/PATH``, as ``wget -x`` leaves it, or a file of a repository as ``OWNER/NAME/FILE``, as a
clone of the repository does.
"""

import os
from pathlib import Path
from urllib.parse import unquote, urlsplit

from touchline.errors import ConfigError
from touchline.runtime.fetch import Source

VARIABLE = "TOUCHLINE_MIRROR"


def mirror() -> Source | None:
    """The mirror's address or folder; None where there is none.

    Raises:
        ConfigError: it is neither.
    """
    value = os.environ.get(VARIABLE, "").strip()
    if not value:
        return None
    parts = urlsplit(value)
    if parts.scheme in ("http", "https") and parts.netloc:
        return value.rstrip("/")
    folder = Path(unquote(parts.path) if parts.scheme == "file" else value).expanduser()
    if not folder.is_dir():
        raise ConfigError(
            f"{value!r} is neither a folder nor an address",
            where=VARIABLE,
            remedy="name a folder, or an address that begins with https://",
        )
    return folder.resolve()


def sources_of(url: str, short: str | None = None) -> tuple[Source, ...]:
    """Where the file at an address is taken from: the address itself, or the mirror.

    Args:
        short: the file as ``OWNER/NAME/FILE``, quoted, where it lies in a repository.

    Raises:
        ConfigError: an address that would leave the mirror's folder, or no mirror at
            ``TOUCHLINE_MIRROR``.
    """
    at = mirror()
    if at is None:
        return (url,)
    parts = urlsplit(url)
    places = [f"{parts.hostname}{parts.path}", *([short] if short else [])]
    if isinstance(at, str):
        return tuple(f"{at}/{place}" for place in places)
    return tuple(inside(at, unquote(place)) for place in places)


def inside(folder: Path, place: str) -> Path:
    """A place below a folder.

    Args:
        place: names with slashes, from an address or a listing.

    Raises:
        ConfigError: it is not below the folder.
    """
    names = place.split("/")
    if any(name in ("", ".", "..") or set(name) & set("\\:\0") for name in names):
        raise ConfigError(
            f"{place[:120]!r} is not a place in a folder", remedy="names without .. and without :"
        )
    return folder.joinpath(*names)
