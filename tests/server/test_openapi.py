"""The OpenAPI document: complete, with examples, and true."""

import importlib
import itertools
import os
import pkgutil
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from extras import needs
from pydantic import BaseModel

EXAMPLES = int(os.environ.get("TOUCHLINE_EXAMPLES", "6"))
"""Requests that schemathesis makes up for each operation."""


def operations(client: Any) -> Iterator[tuple[str, str, dict[str, Any]]]:
    for path, methods in client.get("/openapi.json").json()["paths"].items():
        for method, operation in methods.items():
            yield method, path, operation


def test_every_operation_is_described(client: Any) -> None:
    for method, path, operation in operations(client):
        assert operation.get("description"), (method, path)
        assert operation["tags"], (method, path)
        error = operation["responses"]["default"]["content"]
        wanted = "application/json" if path.startswith("/api/v1") else "application/problem+json"
        assert list(error) == [wanted]


def test_every_document_that_is_sent_has_an_example(client: Any) -> None:
    schemas = client.get("/openapi.json").json()["components"]["schemas"]
    for method, path, operation in operations(client):
        content = operation.get("requestBody", {}).get("content", {}).get("application/json")
        if content and "$ref" in content["schema"]:
            schema = schemas[content["schema"]["$ref"].rpartition("/")[2]]
            wanted = schema.get("examples") or schema["properties"].keys() <= {"threshold"}
            assert wanted or path == "/v1/settings", (method, path)


def test_examples_are_what_they_are_examples_of(client: Any) -> None:
    from touchline.server import routes

    checked = set()
    for module in pkgutil.iter_modules(routes.__path__, f"{routes.__name__}."):
        for name, kind in vars(importlib.import_module(module.name)).items():
            is_schema = isinstance(kind, type) and issubclass(kind, BaseModel)
            extra = kind.model_config.get("json_schema_extra") if is_schema else None
            for example in (extra or {}).get("examples", ()):
                kind.model_validate(example)
                checked.add(name)
    assert {"MatchIn", "UserIn", "JobRequest"} <= checked


def test_no_page_loads_scripts_from_elsewhere(client: Any) -> None:
    assert client.get("/docs").status_code == client.get("/redoc").status_code == 404


@pytest.mark.slow
def test_whatever_is_sent_the_answer_is_documented(
    make_client: Callable[..., Any], ready_match: Callable[..., str]
) -> None:
    """No 5xx, no undocumented answer, whatever schemathesis thinks of."""
    schemathesis = needs("schemathesis")
    from hypothesis import HealthCheck, Phase, given, settings
    from schemathesis.checks import not_a_server_error
    from schemathesis.specs.openapi.checks import (
        content_type_conformance,
        response_schema_conformance,
        status_code_conformance,
    )

    client = make_client(allowed_hosts=("testserver",))  # the name that schemathesis calls
    match = ready_match(client.services)
    event = client.get(f"/v1/matches/{match}/events").json()["items"][0]["id"]
    reel = client.post(f"/v1/matches/{match}/reels", json={"seconds": 3}).json()["id"]
    known = {"match_id": match, "event_id": event, "reel_id": reel, "name": "demo"}
    schema = schemathesis.openapi.from_asgi("/openapi.json", client.app)
    checks = (
        not_a_server_error,
        status_code_conformance,
        content_type_conformance,
        response_schema_conformance,
    )
    schemathesis.serializer("application/offset+octet-stream")(lambda context, value: value)
    turns = itertools.count()
    failures = []
    for result in schema.get_all_operations():
        operation = result.ok()
        if operation.label in ("POST /v1/users", "DELETE /v1/matches/{match_id}"):
            continue  # they would end the conditions of the test

        @settings(
            max_examples=EXAMPLES, database=None, deadline=None, derandomize=True,
            phases=[Phase.explicit, Phase.generate],
            suppress_health_check=list(HealthCheck),
        )  # fmt: skip
        @given(case=operation.as_strategy())
        def check(case: Any) -> None:
            if next(turns) % 3:  # else ids that schemathesis made up
                there = {name: known[name] for name in case.path_parameters if name in known}
                case.path_parameters.update(there)
            case.call_and_validate(checks=checks)

        try:
            check()
        except BaseExceptionGroup as group:
            failures.append(f"{operation.label}: {group.exceptions[0]}")
        except Exception as error:
            failures.append(f"{operation.label}: {error}")
    assert not failures, "\n\n".join(failures)
