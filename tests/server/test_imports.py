"""Files of events that are sent: read in a process of their own, whatever they are."""

import gzip
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest

from touchline.errors import InputError
from touchline.formats import write
from touchline.reel import Clip, Reel
from touchline.server.feeds import MatchVideo
from touchline.server.jobs.stages import importing

MEGABYTE = 1024**2


def send(client: Any, match: str, content: bytes, query: str = "name=a.csv") -> Any:
    return client.post(f"/v1/matches/{match}/import?{query}", content=content)


@pytest.fixture
def match(client: Any, ready_match: Callable[..., str]) -> str:
    return ready_match(client.services, events=0)


def test_nothing_that_is_sent_is_read_by_the_web_process(
    client: Any, match: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def read(*arguments: Any) -> Any:
        raise AssertionError("read here")

    monkeypatch.setattr(importing, "read", read)
    done = send(client, match, b"time,label\n1,Goal\n2,Corner\n")
    assert done.status_code == 200 and len(done.json()["events"]) == 2


def found_in(path: Path, content: bytes) -> importing.ImportResult:
    path.write_bytes(content)
    video = MatchVideo("a.mp4", None, 0.0, 60.0, None)
    asked = importing.ImportArguments(
        path=str(path), format=None, half=None, times=None, videos=(video,), periods=()
    )
    return importing.import_events(asked, lambda share: None)


@pytest.mark.parametrize("suffix", [".reel.json", ".edl", ".otio", ".fcpxml", ".csv"])
def test_a_reel_is_called_one_and_what_to_do_is_said(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"best{suffix}"
    write(Reel((Clip("a.mp4", 1.0, 3.0),)), path, rate=25)
    with pytest.raises(
        InputError, match=f"best{suffix}: this is a reel, not events.* /v1/matches/"
    ) as refusal:
        found_in(path, path.read_bytes())
    assert "--" not in str(refusal.value)


def test_a_file_without_events_says_so(tmp_path: Path) -> None:
    found = found_in(tmp_path / "a.csv", b"time,label\n")
    assert (found.events, found.remarks) == ((), ("a.csv holds no events",))


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("a.csv.gz", gzip.compress(b"time,label\n" + b"\n" * 1_100_000), "bomb"),
        ("a.csv", b"time,label\n" + b"1\n" * 400_001, "lines"),
        ("a.csv", b"time,label\n" + b"," * 2_000_001, "values"),
        ("a.csv", b"time,label\n" + b"1,a\n" * 20_001, "20001 events"),
        ("a.json", b"[" * 100_000, "nested"),
        ("a.xml", b"<a>" * 10_000, "a.xml"),
    ],
    ids=["ratio", "lines", "values", "events", "brackets", "elements"],
)
def test_what_would_take_too_much_is_refused(
    client: Any, match: str, name: str, content: bytes, said: str
) -> None:
    answer = send(client, match, content, f"name={name}")
    assert answer.status_code == 422 and said in answer.json()["detail"], answer.text
    assert "/tmp" not in answer.text and len(answer.json()["detail"]) < 400


@pytest.mark.parametrize(
    ("limits", "said"),
    [({"memory_bytes": 300 * MEGABYTE}, "a.csv: needs more memory"),
     ({"wall_seconds": 0.1}, "a.csv: took longer")],
)  # fmt: skip
def test_what_takes_too_much_all_the_same_is_ended(
    make_client: Callable[..., Any], ready_match: Callable[..., str], limits: dict[str, Any],
    said: str,
) -> None:  # fmt: skip
    settings = {"cpu_seconds": 30, "file_bytes": MEGABYTE, "wall_per_second": 0}
    client = make_client(import_limits=settings | {"memory_bytes": 2048 * MEGABYTE} | limits)
    match = ready_match(client.services, events=0)
    answer = send(client, match, b"time,label\n" + b"1,a\n" * 390_000)
    assert answer.status_code == 422 and said in answer.json()["detail"], answer.text


@pytest.mark.parametrize("name", ["..", ".", "...", "é" * 200, "a" * 200, "   "])
def test_any_name_will_do_for_a_file(client: Any, match: str, name: str) -> None:
    """It is cut to what a file system takes; a name that is no name counts as none."""
    query = f"name={quote(name)}&format=csv"
    assert send(client, match, b"time,label\n1,Goal\n", query).status_code == 200


def test_a_server_that_stops_gives_files_up(client: Any, match: str) -> None:
    client.app.state.stopping.set()
    assert send(client, match, b"time,label\n1,Goal\n").status_code == 503
