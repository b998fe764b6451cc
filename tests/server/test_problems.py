"""Errors of the services become answers at one edge."""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import touchline.server
from touchline.server.errors import NotFoundError, ServiceError
from touchline.server.problems import status_of

PACKAGE = Path(touchline.server.__file__).parent
EDGE = ("routes", "app", "middleware", "problems", "serving")
"""What speaks HTTP."""


def kinds_of(kind: type[ServiceError]) -> Iterator[type[ServiceError]]:
    for one in kind.__subclasses__():
        yield one
        yield from kinds_of(one)


@pytest.mark.parametrize("kind", tuple(kinds_of(ServiceError)))
def test_every_error_of_the_services_has_a_status(kind: type[ServiceError]) -> None:
    assert 400 <= status_of(kind) < 600


def test_an_error_of_a_service_is_a_problem_in_each_api(client: object) -> None:
    unknown = "0" * 32
    plain = client.get(f"/v1/matches/{unknown}")  # type: ignore[attr-defined]
    assert plain.headers["Content-Type"] == "application/problem+json"
    assert plain.status_code == 404 and plain.json()["detail"] == str(NotFoundError("match"))
    osl = client.get(f"/api/v1/uploads/{unknown}")  # type: ignore[attr-defined]
    assert osl.status_code == 404 and osl.json()["code"] == "upload_not_found"


def test_services_know_nothing_of_http() -> None:
    """Whatever is not the edge can be used, and read, without a web framework."""
    modules = [
        ".".join(("touchline", "server", *path.relative_to(PACKAGE).with_suffix("").parts))
        for path in PACKAGE.rglob("*.py")
        if path.relative_to(PACKAGE).with_suffix("").parts[0] not in (*EDGE, "migrations")
        and path.name != "__init__.py"
    ]
    assert "touchline.server.intake.uploads" in modules and len(modules) > 40
    program = (
        f"import importlib, sys\nfor name in {modules!r}: importlib.import_module(name)\n"
        "print([n for n in ('fastapi', 'starlette', 'uvicorn', 'touchline.server.problems')"
        " if n in sys.modules])"
    )
    answer = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert answer.stdout.strip() == "[]", answer.stderr
