"""Where the files of the catalogue and of the Hugging Face Hub lie on the web, or in the mirror."""

import os
import re
from urllib.parse import quote

from touchline.runtime.checksums import git_blob
from touchline.runtime.fetch import Source, Wanted, start_of
from touchline.runtime.mirror import sources_of
from touchline.zoo.catalogue import CatalogueFile, GitHub, Hub, Page, Release

RAW = "https://raw.githubusercontent.com"
LARGE = "https://media.githubusercontent.com/media"
GITHUB = "https://github.com"
HUB = "https://huggingface.co"

POINTER_BYTES = 1024
"""More than any pointer of Git LFS has."""

_POINTER = re.compile(
    rb"version https://git-lfs\.github\.com/spec/v1\noid sha256:([0-9a-f]{64})\nsize (\d{1,12})\n"
)


def hub_endpoint() -> str:
    """The Hub's own address, or the one that ``HF_ENDPOINT`` names."""
    return (os.environ.get("HF_ENDPOINT") or HUB).rstrip("/")


def hub_sources(repository: str, revision: str, path: str) -> tuple[Source, ...]:
    """Where a file of the Hub lies."""
    place = quote(path)
    url = f"{hub_endpoint()}/{repository}/resolve/{quote(revision, safe='')}/{place}"
    return sources_of(url, f"{repository}/{place}")


def published_sources(
    origin: GitHub | Release | Hub | Page, file: CatalogueFile
) -> tuple[Source, ...]:
    """Where a file of an entry lies; nowhere for pages."""
    place = quote(file.path)
    if isinstance(origin, GitHub):
        url = f"{RAW}/{origin.repository}/{origin.revision}/{place}"
        return sources_of(url, f"{origin.repository}/{place}")
    if isinstance(origin, Release):
        first = f"{GITHUB}/{origin.repository}/releases/download/{origin.tag}/{place}"
        others = (f"{folder.rstrip('/')}/{place}" for folder in origin.also)
        return tuple(source for url in (first, *others) for source in sources_of(url))
    if isinstance(origin, Hub):
        return hub_sources(origin.repository, origin.revision, file.path)
    return ()


def large_file(origin: GitHub, file: CatalogueFile, pointer: Wanted) -> Wanted | None:
    """What a pointer of Git LFS points to; None if the file is no such pointer.

    The pointer is what the published checksum is of, and it states the checksum of the file.

    Raises:
        FetchError: it cannot be read.
    """
    text = start_of(pointer, POINTER_BYTES)
    found = _POINTER.fullmatch(text)
    if found is None or git_blob(text) != pointer.checksum:
        return None
    place = quote(file.path)
    url = f"{LARGE}/{origin.repository}/{origin.revision}/{place}"
    return Wanted(
        sources_of(url, f"{origin.repository}/{place}"),
        f"sha256:{found[1].decode()}",
        int(found[2]),
    )
