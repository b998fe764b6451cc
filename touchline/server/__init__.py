"""The server: uploads, durable jobs, an HTTP API and access, for one person or a newsroom."""

import importlib.util

from touchline.errors import MissingExtraError

NEEDED = ("alembic", "argon2", "fastapi", "prometheus_client", "pydantic_settings", "sqlalchemy")


def needed() -> None:
    """Make sure that the server's dependencies are installed.

    Raises:
        MissingExtraError: they are not.
    """
    if any(importlib.util.find_spec(name) is None for name in (*NEEDED, "uvicorn")):
        raise MissingExtraError("the server", "serve")
