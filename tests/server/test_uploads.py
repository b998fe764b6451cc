"""Files on their way in."""

import base64
import errno
import hashlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import anyio
import pytest
from starlette.requests import ClientDisconnect

from touchline.server.errors import SenderTimeoutError
from touchline.server.housekeeping import tidy
from touchline.server.intake import multipart, uploads
from touchline.server.storage import Storage
from touchline.server.tables import UploadRow

TUS = {"Tus-Resumable": "1.0.0"}
CONTENT = bytes(range(256)) * 40


def named(name: str) -> str:
    return "filename " + base64.b64encode(name.encode()).decode()


def create(client: Any, length: int = len(CONTENT), name: str = "match.mp4", **more: str) -> Any:
    headers = TUS | {"Upload-Length": str(length), "Upload-Metadata": named(name)} | more
    return client.post("/v1/uploads", headers=headers)


def patch(client: Any, url: str, offset: int, content: Any, **more: str) -> Any:
    headers = TUS | {
        "Upload-Offset": str(offset),
        "Content-Type": "application/offset+octet-stream",
    }
    return client.patch(url, content=content, headers=headers | more)


def offset(client: Any, url: str) -> int:
    return int(client.head(url, headers=TUS).headers["Upload-Offset"])


def stored(client: Any, url: str) -> bytes:
    return client.services.storage.upload(url.rpartition("/")[2]).read_bytes()


def checksum(content: bytes, algorithm: str = "sha1") -> dict[str, str]:
    digest = hashlib.new(algorithm, content).digest()
    return {"Upload-Checksum": f"{algorithm} {base64.b64encode(digest).decode()}"}


def test_the_server_says_what_of_tus_it_speaks(client: Any) -> None:
    headers = client.options("/v1/uploads").headers
    assert headers["Tus-Version"] == "1.0.0"
    assert {"creation", "checksum", "expiration"} <= set(headers["Tus-Extension"].split(","))
    assert "sha1" in headers["Tus-Checksum-Algorithm"]
    assert int(headers["Tus-Max-Size"]) == 20 * 1024**3


def test_a_file_comes_in_pieces(client: Any) -> None:
    made = create(client)
    assert made.status_code == 201
    url = made.headers["Location"]
    assert "Upload-Expires" in made.headers and offset(client, url) == 0
    for start in range(0, len(CONTENT), 3000):
        answer = patch(client, url, start, CONTENT[start : start + 3000])
        assert answer.status_code == 204
    assert int(answer.headers["Upload-Offset"]) == len(CONTENT)
    assert stored(client, url) == CONTENT
    assert client.get(url).json()["state"] == "complete"


def test_first_bytes_may_come_with_the_creation(client: Any) -> None:
    headers = TUS | {
        "Upload-Length": str(len(CONTENT)),
        "Content-Type": "application/offset+octet-stream",
    }
    made = client.post("/v1/uploads", content=CONTENT[:100], headers=headers)
    assert made.headers["Upload-Offset"] == "100" and made.json()["received"] == 100


def test_a_wrong_offset_is_409(client: Any) -> None:
    """The answer says where the upload stands, and nothing is written."""
    url = create(client).headers["Location"]
    answer = patch(client, url, 5, b"x")
    assert answer.status_code == 409 and answer.headers["Upload-Offset"] == "0"


@pytest.mark.parametrize("algorithm", uploads.CHECKSUMS)
def test_bytes_that_do_not_match_their_checksum_are_460_and_gone(
    client: Any, algorithm: str
) -> None:
    """The same upload then takes the right bytes."""
    url = create(client).headers["Location"]
    wrong = patch(client, url, 0, CONTENT[:500], **checksum(b"other", algorithm))
    assert wrong.status_code == 460 and offset(client, url) == 0
    right = patch(client, url, 0, CONTENT, **checksum(CONTENT, algorithm))
    assert right.status_code == 204 and stored(client, url) == CONTENT


def test_a_checksum_of_another_kind_is_refused(client: Any) -> None:
    url = create(client).headers["Location"]
    for given in ("crc32 AAAA", "sha1", "sha1 %%%"):
        assert patch(client, url, 0, b"x", **{"Upload-Checksum": given}).status_code in (400, 460)
    assert offset(client, url) == 0


def test_an_upload_goes_on_after_a_lost_connection(client: Any) -> None:
    """What came before is kept, unless a checksum was to vouch for it."""
    url = create(client).headers["Location"]
    upload = uploads.find(client.services, _local(), url.rpartition("/")[2])

    async def torn() -> Any:
        yield CONTENT[:4000]
        raise ClientDisconnect

    async def receive(checksum: uploads.Checksum | None) -> None:
        await uploads.receive(client.services, upload, 0, torn(), checksum)

    for checksum, kept in ((uploads.Checksum("sha1", b""), 0), (None, 4000)):
        with pytest.raises(ClientDisconnect):
            anyio.run(receive, checksum)
        assert offset(client, url) == kept
    assert patch(client, url, 4000, CONTENT[4000:]).status_code == 204
    assert stored(client, url) == CONTENT


def test_an_upload_goes_on_after_the_server_was_killed(
    make_client: Callable[..., Any],
    make_services: Callable[..., Any],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Bytes on disk beyond those that count are cut off; its lock runs out."""
    monkeypatch.setattr(uploads, "LOCK_SECONDS", 9e9)
    first = make_client()
    url = create(first).headers["Location"]
    patch(first, url, 0, CONTENT[:2000])
    upload_id = url.rpartition("/")[2]
    with first.services.storage.upload(upload_id).open("ab") as file:
        file.write(b"half a chunk that was never counted")
    with first.services.database.write() as session:
        row = session.get_one(UploadRow, upload_id)
        row.lock, row.locked_until = "f" * 32, 9e9
    again = make_client(make_services())
    assert patch(again, url, 2000, CONTENT[2000:]).status_code == 423
    with again.services.database.write() as session:
        session.get_one(UploadRow, upload_id).locked_until = 1.0
    assert offset(again, url) == 2000
    assert patch(again, url, 2000, CONTENT[2000:]).status_code == 204
    assert stored(again, url) == CONTENT


def test_a_lock_from_before_the_clock_was_set_back_holds_no_longer(client: Any) -> None:
    url = create(client).headers["Location"]
    with client.services.database.write() as session:
        row = session.get_one(UploadRow, url.rpartition("/")[2])
        row.lock, row.locked_until = "f" * 32, 9e12
    assert patch(client, url, 0, CONTENT[:2000]).status_code == 204


def test_somebody_elses_upload_is_404(people: dict[str, Any]) -> None:
    """An admin cannot see it either."""
    url = create(people["editor"]).headers["Location"]
    for method in ("HEAD", "GET", "PATCH", "DELETE"):
        headers = TUS | {"Upload-Offset": "0", "Content-Type": "application/offset+octet-stream"}
        assert people["admin"].request(method, url, headers=headers).status_code == 404
    match = {"upload": url.rpartition("/")[2]}
    assert people["admin"].post("/v1/matches", json=match).status_code == 404


def test_too_large_is_refused_before_the_first_byte(make_client: Callable[..., Any]) -> None:
    """Neither the announcement nor the plain PUT reads any of the body."""
    client = make_client(policy={"max_upload_bytes": 1000})
    read = []

    def body() -> Iterator[bytes]:
        read.append(1)
        yield b"x" * 1001

    assert create(client, 1001).status_code == 413
    headers = {"Content-Length": "1001"}
    assert client.put("/v1/uploads/a.mp4", content=b"x" * 1001, headers=headers).status_code == 413
    assert not list((client.services.storage.root / "uploads").iterdir())


def test_a_file_of_unknown_length_is_refused(client: Any) -> None:
    """Chunked, without a length."""
    answer = client.put("/v1/uploads/a.mp4", content=iter([b"some", b"bytes"]))
    assert answer.status_code == 411
    deferred = client.post("/v1/uploads", headers=TUS | {"Upload-Defer-Length": "1"})
    assert deferred.status_code == 400


def test_more_bytes_than_announced_are_refused(client: Any) -> None:
    url = create(client, 100).headers["Location"]
    assert patch(client, url, 0, b"x" * 101).status_code == 413
    assert len(stored(client, url)) <= 100


def test_a_sender_who_falls_silent_is_let_go(client: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Slowloris in the body: what came before is kept."""
    monkeypatch.setattr(uploads, "CHUNK_SECONDS", 0.1)
    upload = uploads.begin(client.services, _local(), "a.mp4", 100, "tus")

    async def slow() -> Any:
        yield b"x" * 10
        await anyio.sleep(5)
        yield b"never"

    async def receive() -> None:
        await uploads.receive(client.services, upload, 0, slow())

    with pytest.raises(SenderTimeoutError, match="nothing arrived"):
        anyio.run(receive)
    assert uploads.find(client.services, _local(), upload.id).lock is None


def test_the_quota_counts_before_the_first_byte(make_client: Callable[..., Any]) -> None:
    """What is announced counts; what is deleted is free again."""
    client = make_client(policy={"quota_bytes": 1000})
    assert create(client, 600).status_code == 201
    over = create(client, 600)
    assert over.status_code == 413 and "600 of 1000" in over.json()["detail"]
    listed = list((client.services.storage.root / "uploads").iterdir())
    assert client.delete(f"/v1/uploads/{listed[0].name}").status_code == 204
    assert create(client, 600).status_code == 201


def test_a_user_may_have_a_quota_of_their_own(people: dict[str, Any]) -> None:
    admin = people["admin"]
    editor = next(u for u in admin.get("/v1/users").json()["items"] if u["name"] == "editor")
    admin.patch(f"/v1/users/{editor['id']}", json={"quota_bytes": 10})
    assert create(people["editor"], 11).status_code == 413


def test_a_full_disk_is_refused_before_the_first_byte(
    client: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A file that does not fit on the disk is refused when it is announced."""
    monkeypatch.setattr(Storage, "free_bytes", lambda self: 1024)
    assert create(client).status_code == 507


def test_a_disk_that_fills_up_on_the_way_keeps_what_counts(
    client: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """507, and it goes on once there is room again."""
    url = create(client).headers["Location"]
    patch(client, url, 0, CONTENT[:1000])
    real = uploads._Writer.write

    def full(self: Any, data: bytes) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(uploads._Writer, "write", full)
    assert patch(client, url, 1000, CONTENT[1000:]).status_code == 507
    monkeypatch.setattr(uploads._Writer, "write", real)
    assert offset(client, url) == 1000
    assert patch(client, url, 1000, CONTENT[1000:]).status_code == 204
    assert stored(client, url) == CONTENT


@pytest.mark.parametrize(
    "name",
    [
        "subfile,,start,0,end,0,,:/etc/passwd.mp4", "concat:a|b.mp4", "-i.mp4", "|.mp4",
        "a\nb.mp4", "\u202efdp.mp4", "x" * 300 + ".mp4", "../../../etc/passwd.mp4",
        "..\\..\\boot.mp4", "/etc/shadow.mp4", "<script>alert(1)</script>.mp4", "a\x00b.mp4",
    ],
)  # fmt: skip
def test_names_are_only_shown(client: Any, name: str) -> None:
    """Never a path, never without an end, never with control characters."""
    made = create(client, name=name)
    assert made.status_code == 201, made.text
    shown = made.json()["name"]
    assert len(shown) <= 200 and shown.isprintable()
    assert "/" not in shown and "\\" not in shown
    [folder] = (client.services.storage.root / "uploads").iterdir()
    assert folder.name == made.json()["id"]
    assert [path.name for path in folder.iterdir()] == ["original.bin"]


@pytest.mark.parametrize(
    "name", ["a.srt", "a.txt", "a.svg", "a.lrc", "a.m3u8", "a.sdp", "a", "a.mpd"]
)
def test_what_does_not_end_like_a_video_is_refused(client: Any, name: str) -> None:
    assert create(client, name=name).status_code == 415
    assert client.put(f"/v1/uploads/{name}", content=b"x").status_code == 415


def test_tus_of_another_version_is_412(client: Any) -> None:
    headers = {"Upload-Length": "5", "Tus-Resumable": "0.2.2"}
    answer = client.post("/v1/uploads", headers=headers)
    assert answer.status_code == 412 and answer.headers["Tus-Version"] == "1.0.0"


@pytest.mark.parametrize("length", ["-1", "0", "1.5", "", "9" * 30, "x", "٣"])
def test_lengths_that_are_none(client: Any, length: str) -> None:
    headers = [("Tus-Resumable", "1.0.0"), ("Upload-Length", length.encode())]
    assert client.post("/v1/uploads", headers=headers).status_code in (400, 413, 422)


def test_plain_put(client: Any) -> None:
    answer = client.put("/v1/uploads/my match.mp4", content=CONTENT)
    assert answer.status_code == 201
    assert answer.json()["state"] == "complete" and answer.json()["name"] == "my match.mp4"
    assert client.services.storage.upload(answer.json()["id"]).read_bytes() == CONTENT


def test_a_large_body_is_taken_where_videos_go(client: Any) -> None:
    """The limit on documents is not one on videos."""
    content = bytes(40 * 1024**2)
    answer = client.put("/v1/uploads/large.mp4", content=content)
    assert answer.status_code == 201 and answer.json()["received"] == len(content)


def test_an_upload_that_stops_is_dropped_in_time(client: Any) -> None:
    url = create(client).headers["Location"]
    upload_id = url.rpartition("/")[2]
    with client.services.database.write() as session:
        session.get_one(UploadRow, upload_id).expires_at = 1.0
    assert client.head(url, headers=TUS).status_code == 410
    tidy(client.services)
    assert client.head(url, headers=TUS).status_code == 404
    assert not client.services.storage.upload(upload_id).parent.exists()


def test_an_upload_in_use_is_not_dropped(client: Any, ready_match: Callable[..., str]) -> None:
    match = ready_match(client.services)
    with client.services.database.write() as session:
        [upload] = session.query(UploadRow).all()
        upload.expires_at = 1.0
    tidy(client.services)
    assert client.get(f"/v1/matches/{match}/original").status_code == 200
    assert client.delete(f"/v1/uploads/{upload.id}").status_code == 409


def test_an_incomplete_upload_makes_no_match(client: Any) -> None:
    upload_id = create(client).json()["id"]
    answer = client.post("/v1/matches", json={"upload": upload_id})
    assert answer.status_code == 409 and "send the rest" in answer.json()["detail"]


def test_paths_of_the_server_only_where_allowed(
    make_client: Callable[..., Any], small_video: Path, tmp_path: Path
) -> None:
    inside = tmp_path / "media"
    inside.mkdir()
    (inside / "match.mp4").write_bytes(small_video.read_bytes())
    (tmp_path / "secret.mp4").write_bytes(b"secret")
    (inside / "link.mp4").symlink_to(tmp_path / "secret.mp4")
    client = make_client(media_roots={"media": inside})
    good = client.post("/v1/matches", json={"path": str(inside / "match.mp4")})
    assert good.status_code == 202, good.text
    for path in (
        "/etc/passwd", str(tmp_path / "secret.mp4"), str(inside / "../secret.mp4"),
        str(inside / "link.mp4"), str(inside), str(inside / "none.mp4"), "media/match.mp4",
        "concat:/etc/passwd", "http://127.0.0.1/x.mp4",
    ):  # fmt: skip
        answer = client.post("/v1/matches", json={"path": path})
        assert answer.status_code == 422
        assert "not a file inside a folder" in answer.json()["detail"]


def test_without_folders_no_path_is_taken(client: Any, small_video: Path) -> None:
    assert client.post("/v1/matches", json={"path": str(small_video)}).status_code == 422


def test_parts_are_put_together(client: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(multipart, "PART_BYTES", 4000)
    monkeypatch.setattr("touchline.server.routes.osl.multipart.PART_BYTES", 4000)
    body = {"filename": "match.mp4", "size": len(CONTENT), "mtime_ns": 5}
    state = client.post("/api/v1/uploads", json=body).json()
    url = f"/api/v1/uploads/{state['id']}"
    assert client.post("/api/v1/uploads", json=body).json()["id"] == state["id"]
    pieces = [CONTENT[i : i + 4000] for i in range(0, len(CONTENT), 4000)]
    for number in (3, 1):
        answer = client.put(f"{url}/parts/{number}", content=pieces[number - 1])
        assert answer.headers["X-Content-SHA256"] == hashlib.sha256(pieces[number - 1]).hexdigest()
    early = client.post(f"{url}/complete", json={"parts": []})
    assert early.status_code == 409 and early.json()["code"] == "upload_incomplete"
    assert [p["number"] for p in client.get(url).json()["completed_parts"]] == [1, 3]
    wrong = client.put(f"{url}/parts/2", content=pieces[1], headers={"X-Content-SHA256": "0" * 64})
    assert wrong.json()["code"] == "checksum_mismatch"
    for bad, status in (((2, b"short"), 422), ((4, b"x"), 422), ((2, b"x" * 4001), 413)):
        assert client.put(f"{url}/parts/{bad[0]}", content=bad[1]).status_code == status
    client.put(f"{url}/parts/2", content=pieces[1])
    done = client.post(f"{url}/complete", json={"parts": [{"number": 1, "sha256": ""}]}).json()
    assert done["asset_id"] == state["id"]
    assert client.services.storage.upload(state["id"]).read_bytes() == CONTENT
    assert [p.name for p in client.services.storage.upload(state["id"]).parent.iterdir()] == [
        "original.bin"
    ]


def _local() -> Any:
    from touchline.server.access.principal import LOCAL

    return LOCAL
