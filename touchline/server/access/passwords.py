"""Passwords, hashed with argon2; and secrets that are random already, hashed with SHA-256."""

import hashlib
import secrets
import threading
from functools import lru_cache

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from touchline.errors import ConfigError

MIN_LENGTH = 10
MAX_LENGTH = 200

AT_ONCE = 2
"""Passwords that are hashed at the same time: each takes 64 MiB, and anybody may ask for it."""

_hasher = PasswordHasher()
_hashing = threading.BoundedSemaphore(AT_ONCE)


def hash_password(password: str) -> str:
    """The hash to keep of a password.

    Raises:
        ConfigError: it is too short or too long.
    """
    if not MIN_LENGTH <= len(password) <= MAX_LENGTH:
        raise ConfigError(
            f"a password of {len(password)} characters",
            where="password",
            remedy=f"use {MIN_LENGTH} to {MAX_LENGTH} characters",
        )
    with _hashing:
        return _hasher.hash(password)


def is_right(password: str, known_hash: str | None) -> bool:
    """Whether a password matches a hash; takes the same time where there is no hash."""
    try:
        with _hashing:
            return _hasher.verify(known_hash or _nobodys(), password) and known_hash is not None
    except (VerificationError, InvalidHashError):
        return False


def new_secret() -> str:
    """A random secret."""
    return secrets.token_urlsafe(32)


def hash_secret(secret: str) -> str:
    """What is kept of a random secret."""
    return hashlib.sha256(secret.encode()).hexdigest()


@lru_cache(maxsize=1)
def _nobodys() -> str:
    return _hasher.hash(secrets.token_hex(16))
