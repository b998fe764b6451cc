"""Whatever a request holds: an answer that is no fault of the server, in bounded time.

Every operation that takes a body is tried with its example changed in values, in bytes, or replaced
altogether, with odd headers and queries, as an administrator. ``.ci/fuzz 3600 http`` looks for an
hour; a request that was a fault once is kept in ``tests/fuzz/corpus`` as ``http-*.json``.
"""

import base64
import copy
import json
import os
import signal
import sys
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from types import FrameType
from typing import Any
from urllib.parse import quote

import pytest
from changed_bytes import changes
from hypothesis import HealthCheck, Phase, given, note, settings
from hypothesis import strategies as st

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="limits as POSIX has them")

CORPUS = sorted((Path(__file__).parents[1] / "fuzz" / "corpus").glob("http-*.json"))
CPU_SECONDS = 20
"""What one request may take of the processor, as the files of ``tests/fuzz`` may."""

fuzz = settings(
    deadline=None,
    max_examples=int(os.environ.get("FUZZ_EXAMPLES", "60")),
    phases=(Phase.explicit, Phase.reuse, Phase.generate),
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)

odd_numbers = st.one_of(
    st.integers(-2, 300), st.integers(), st.floats(),
    st.sampled_from([10**400, -(10**400), 2**63, -(2**63) - 1, 1e308, -0.0, 1e-320]),
)  # fmt: skip
odd_strings = st.one_of(
    st.text(max_size=12),
    st.sampled_from([
        "\ud800", "\x00", "é" * 300, "..", "../../etc/passwd", "0" * 32, "1e999", "9" * 5000, "<b>",
        "a" * 70_000, "%00", "\u202e", "٣", "nan", "2026-13-45T00:00:00Z", "a\nb", "{}", "=1+1",
    ]),
)  # fmt: skip
odd_values = st.one_of(
    st.none(), st.booleans(), odd_numbers, odd_strings,
    st.sampled_from([[], {}, [[]], [None], {"": None}, [{}] * 3000]),
)  # fmt: skip
"""Values that a program may have forgotten to think of."""

odd_texts = st.one_of(
    st.text(st.characters(codec="latin-1", exclude_categories=["Cc"]), max_size=20),
    st.sampled_from(
        [
            "-1",
            "0",
            "9" * 40,
            "1e9",
            "nan",
            "*",
            '"',
            "W/",
            'W/"1"',
            "bytes=0-",
            "sha256 !",
            "sha1 =",
        ]
    ),
)
one_in_ten = st.sampled_from([True] + [False] * 9)
HEADERS = (
    "Idempotency-Key", "If-Match", "If-None-Match", "Upload-Offset", "Upload-Checksum",
    "X-Content-SHA256", "Range", "Content-Encoding", "Accept", "Last-Event-ID",
)  # fmt: skip
TYPES = (
    "application/json", "application/json; charset=utf-16", "application/offset+octet-stream",
    "application/octet-stream", "multipart/form-data; boundary=x", "multipart/form-data",
    "application/x-www-form-urlencoded", "text/plain", "a/b/c", "",
)  # fmt: skip
BODIES = (
    b"",
    b"null",
    b"[" * 5000,
    b'{"a":' * 5000,
    b'{"a":1,"a":2}',
    b"\xff\xfe{",
    b"NaN",
    b"--x--",
)


@dataclass(frozen=True)
class Sent:
    """A request; its body in base64, so that it can be kept as JSON."""

    method: str
    path: str
    headers: dict[str, str]
    body: str

    def send(self, client: Any) -> Any:
        content = base64.b64decode(self.body)
        headers = {name: value.encode("latin-1") for name, value in self.headers.items()}
        return client.request(self.method, self.path, headers=headers, content=content)


@dataclass(frozen=True)
class Operation:
    """One that takes a body, with an example of it."""

    method: str
    path: str
    queries: tuple[str, ...]
    type: str
    example: Any


def filled(value: Any, known: dict[str, str]) -> Any:
    """An example with ids of things that are there, by the names of its fields."""
    if isinstance(value, list):
        return [filled(item, known) for item in value]
    if not isinstance(value, dict):
        return value
    return {key: known.get(f"{key}_id") or filled(item, known) for key, item in value.items()}


def operations(document: dict[str, Any]) -> list[Operation]:
    """Those of the OpenAPI document that take a body."""
    return [
        _operation(document, method, path, item)
        for path, methods in document["paths"].items()
        for method, item in methods.items()
        if "requestBody" in item
    ]


def _operation(document: dict[str, Any], method: str, path: str, item: dict[str, Any]) -> Operation:
    type, content = next(iter(item["requestBody"]["content"].items()))
    named = [part for part in item.get("parameters", ()) if part["in"] == "query"]
    example = _example(document, content["schema"]) if type == "application/json" else None
    return Operation(method.upper(), path, tuple(part["name"] for part in named), type, example)


def _example(document: dict[str, Any], schema: dict[str, Any]) -> Any:
    """What the schema gives as one, else a null for each of its fields."""
    for choice in schema.get("anyOf", ()):
        schema = choice if "$ref" in choice else schema
    if "$ref" in schema:
        schema = document["components"]["schemas"][schema["$ref"].rpartition("/")[2]]
    return next(iter(schema.get("examples", ())), dict.fromkeys(schema.get("properties", ())))


def places(value: Any, at: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Where a document has values, the whole of it first."""
    yield at
    if not isinstance(value, dict | list):
        return
    for key, item in value.items() if isinstance(value, dict) else enumerate(value):
        yield from places(item, (*at, key))


def replaced(document: Any, at: tuple[Any, ...], value: Any) -> Any:
    """The document with one value in the place of another."""
    if not at:
        return value
    made = copy.deepcopy(document)
    inner = made
    for key in at[:-1]:
        inner = inner[key]
    inner[at[-1]] = value
    return made


def found(document: Any, at: tuple[Any, ...]) -> Any:
    """The value at a place."""
    for key in at:
        document = document[key]
    return document


def like(value: Any, known: dict[str, str]) -> st.SearchStrategy[Any]:
    """Odd values, most of them of the same kind."""
    if isinstance(value, bool) or value is None:
        return odd_values
    if isinstance(value, int | float):
        return st.one_of(odd_numbers, odd_numbers, odd_values)
    if isinstance(value, str):
        return st.one_of(odd_strings, st.sampled_from(sorted(known.values())), odd_values)
    if isinstance(value, list):
        return st.one_of(st.integers(0, 40).map(lambda times: value * times), odd_values)
    return odd_values


@st.composite
def bodies(draw: st.DrawFn, operation: Operation, known: dict[str, str]) -> bytes:
    """An example with odd values, or changed bytes, or something else."""
    kind = draw(st.sampled_from(["values"] * 8 + ["bytes", "other"]))
    if kind == "other":
        return draw(st.sampled_from(BODIES))
    value = filled(operation.example, known)
    if kind == "values" and value is not None:
        for _ in range(draw(st.sampled_from([0, 1, 1, 2]))):
            at = draw(st.sampled_from(list(places(value))[1:] or [()]))
            value = replaced(value, at, draw(like(found(value, at), known)))
        if isinstance(value, dict) and draw(one_in_ten):
            value = value | {draw(st.text(max_size=8)): draw(odd_values)}
    content = json.dumps(value).encode()
    return content if kind == "values" else draw(changes(content))


@st.composite
def requests(draw: st.DrawFn, all: list[Operation], known: dict[str, str]) -> Sent:
    """A request to one of the operations."""
    operation = draw(st.sampled_from(all))
    path = operation.path
    for name in (part[1:-1] for part in path.split("/") if part.startswith("{")):
        there = known.get(name, "1")
        value = draw(st.sampled_from([*[there] * 20, "0" * 32, "é", "%00", "-1", "a" * 400]))
        path = path.replace(f"{{{name}}}", quote(value, safe="%"))
    queries = [
        f"{name}={quote(str(draw(odd_values)), safe='', errors='replace')}"
        for name in operation.queries
        if draw(one_in_ten)
    ]
    headers = {"Content-Type": operation.type}
    if operation.method == "PATCH":
        headers |= {"If-Match": "*", "Upload-Offset": "0", "Tus-Resumable": "1.0.0"}
    if draw(one_in_ten):
        headers["Content-Type"] = draw(st.sampled_from(TYPES))
    for name in draw(st.sets(st.sampled_from(HEADERS), max_size=1)):
        headers[name] = draw(odd_texts)
    body = draw(bodies(operation, known))
    address = f"{path}?{'&'.join(queries)}" if queries else path
    return Sent(operation.method, address, headers, base64.b64encode(body).decode())


@contextmanager
def within_cpu(seconds: int) -> Iterator[None]:
    """Raises TimeoutError once the process has computed for so long."""

    def over(number: int, frame: FrameType | None) -> None:
        raise TimeoutError(f"more than {seconds} s of the processor")

    before = signal.signal(signal.SIGPROF, over)
    signal.setitimer(signal.ITIMER_PROF, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
        signal.signal(signal.SIGPROF, before)


def faults(sent: Sent, client: Any) -> str:
    """What is wrong with the answer to a request; empty if nothing is."""
    with within_cpu(CPU_SECONDS):
        answer = sent.send(client)
    if answer.status_code >= 500:
        return f"{answer.status_code}: {answer.text[:400]}"
    if answer.status_code < 400:
        return ""
    said = answer.json()
    text = said["message"] if sent.path.startswith("/api/v1") else said["detail"]
    return "" if text and "Traceback" not in answer.text else answer.text[:400]


@pytest.fixture
def known(people: dict[str, Any], ready_match: Callable[..., str]) -> dict[str, str]:
    """Ids of things that are there."""
    editor, admin = people["editor"], people["admin"]
    owner = editor.get("/v1/me").json().get("id")
    match = ready_match(editor.services, owner=owner)
    reel = editor.post(f"/v1/matches/{match}/reels", json={"seconds": 3}).json()["id"]
    event = editor.get(f"/v1/matches/{match}/events").json()["items"][0]["id"]
    playlist = editor.post("/v1/playlists", json={"title": "a"}).json()["id"]
    window = editor.post("/v1/code-windows", json={"title": "a"}).json()["id"]
    upload = editor.post("/api/v1/uploads", json={"filename": "a.mp4", "size": 10}).json()["id"]
    users = {user["name"]: user["id"] for user in admin.get("/v1/users").json()["items"]}
    return {
        "match_id": match, "reel_id": reel, "event_id": event, "upload_id": upload,
        "user_id": users["viewer"], "playlist_id": playlist, "window_id": window,
    }  # fmt: skip


@fuzz
@given(data=st.data())
def test_changed_requests_are_answered(
    data: st.DataObject, people: Any, known: Any, tmp_path: Path
) -> None:
    client = people["admin"]
    sent = data.draw(requests(operations(client.app.openapi()), known))
    said = faults(sent, client)
    if said:
        name = f"http-{zlib.crc32(repr(sent).encode()):08x}.json"
        kept = Path(os.environ.get("FUZZ_FOUND", tmp_path)) / name
        kept.write_text(json.dumps(asdict(sent)))
        note(f"the request is {kept}")
    assert not said


@pytest.mark.parametrize("path", CORPUS, ids=lambda path: path.stem)
def test_what_was_a_fault_once_is_none(path: Path, people: Any, known: Any) -> None:
    sent = json.loads(path.read_text())
    assert not faults(Sent(**sent), people["admin"])
