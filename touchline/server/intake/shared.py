"""Files that another program and this server share, by ``shared://<root>/<path>``."""

from pathlib import Path
from urllib.parse import unquote, urlsplit

from touchline.errors import InputError
from touchline.server.storage import inside_roots


def shared_file(uri: str, roots: dict[str, Path]) -> Path:
    """The file of a shared name.

    Raises:
        InputError: no such root, or no file below it.
    """
    try:
        parsed = urlsplit(uri)
    except ValueError as error:
        raise InputError("is not a shared file", where="uri") from error
    root = roots.get(parsed.netloc)
    if parsed.scheme != "shared" or root is None:
        raise InputError(
            "is not a shared file", where="uri", remedy=f"roots: {', '.join(roots) or 'none'}"
        )
    return inside_roots(str(root / unquote(parsed.path).lstrip("/")), {parsed.netloc: root})
