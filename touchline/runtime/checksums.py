"""Checksums in the forms in which files are published."""

import hashlib
from collections.abc import Mapping
from pathlib import Path

_BLOCK = 1 << 20


def checksums_of(path: Path) -> Mapping[str, str]:
    """A file's checksums by kind, in hexadecimal: ``sha256``, ``md5`` and ``git-blob-sha1``."""
    running = {
        "sha256": hashlib.sha256(),
        "md5": hashlib.md5(usedforsecurity=False),
        "git-blob-sha1": hashlib.sha1(_git_header(path.stat().st_size), usedforsecurity=False),
    }
    with path.open("rb") as file:
        while block := file.read(_BLOCK):
            for digest in running.values():
                digest.update(block)
    return {kind: digest.hexdigest() for kind, digest in running.items()}


def git_blob(data: bytes) -> str:
    """The checksum by which Git names these bytes, ``git-blob-sha1:<hexadecimal>``."""
    digest = hashlib.sha1(_git_header(len(data)) + data, usedforsecurity=False)
    return f"git-blob-sha1:{digest.hexdigest()}"


def _git_header(size: int) -> bytes:
    return b"blob %d\0" % size


def agrees(found: Mapping[str, str], published: str) -> bool:
    """Whether checksums are the published one.

    Args:
        published: ``<kind>:<hexadecimal>``; of ``sha256-begins`` the first digits are known.
    """
    kind, _, value = published.partition(":")
    if kind == "sha256-begins":
        return found["sha256"].startswith(value)
    return found[kind] == value
