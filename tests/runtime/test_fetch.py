"""Files from the network: resumed, checked, and refused in one line where they are no files."""

import errno
import hashlib
import random
import shutil

import pytest
from file_server import serving

from touchline.errors import ConfigError, InputError
from touchline.runtime import connections, fetch
from touchline.runtime.checksums import agrees, checksums_of, git_blob
from touchline.runtime.fetch import Wanted, partial_path, size_of, start_of
from touchline.runtime.mirror import VARIABLE, inside, sources_of

DATA = random.Random(0).randbytes(3_000_000)
OTHER = random.Random(1).randbytes(3_000_000)
SHA256 = f"sha256:{hashlib.sha256(DATA).hexdigest()}"


@pytest.fixture(autouse=True)
def quickly(monkeypatch):
    monkeypatch.setattr(connections, "FIRST_PAUSE_SECONDS", 0.001)
    monkeypatch.delenv(VARIABLE, raising=False)


@pytest.fixture
def server():
    with serving() as running:
        running.files["/a.pt"] = DATA
        yield running


@pytest.fixture
def bring(server, tmp_path):
    """Fetch ``/a.pt`` of the server; the bytes that are then under the name."""

    def run(checksum=SHA256, size=None, sources=None, progress=lambda here, whole: None):
        wanted = Wanted(sources or [f"{server.address}/a.pt"], checksum, size)
        fetch.fetch(wanted, tmp_path / "a.pt", waiting=tmp_path / "waiting", progress=progress)
        assert not any((tmp_path / "waiting").iterdir())
        return (tmp_path / "a.pt").read_bytes()

    return run


@pytest.fixture
def refused(bring, tmp_path):
    """The one line with which a fetch is refused; nothing has the name of the file."""

    def run(**given):
        with pytest.raises(InputError) as caught:
            bring(**given)
        assert not (tmp_path / "a.pt").exists()
        assert "\n" not in str(caught.value) and caught.value.remedy is not None
        return str(caught.value)

    return run


def waiting_bytes(tmp_path):
    return sum(path.stat().st_size for path in (tmp_path / "waiting").iterdir())


def test_a_file_arrives_with_its_progress(bring):
    told = []
    assert bring(progress=lambda here, whole: told.append((here, whole))) == DATA
    assert told[-1] == (len(DATA), len(DATA)) and told == sorted(told)


@pytest.mark.parametrize(
    "checksum",
    [
        SHA256,
        f"md5:{hashlib.md5(DATA).hexdigest()}",
        f"sha256-begins:{hashlib.sha256(DATA).hexdigest()[:8]}",
        git_blob(DATA),
    ],
)
def test_every_form_of_checksum_is_checked(bring, refused, server, tmp_path, checksum):
    assert bring(checksum) == DATA
    server.files["/a.pt"] = DATA[:-1] + bytes([DATA[-1] ^ 1])
    (tmp_path / "a.pt").unlink()
    assert "is not the published file" in refused(checksum=checksum)


def test_git_names_bytes_as_git_does(tmp_path):
    assert git_blob(b"hello\n") == "git-blob-sha1:ce013625030ba8dba906f756967f9e9ca394464a"
    (tmp_path / "a").write_bytes(b"hello\n")
    assert agrees(checksums_of(tmp_path / "a"), git_blob(b"hello\n"))


def test_a_connection_that_ends_is_gone_on_with(bring, server):
    server.cuts["/a.pt"] = [1_000_000, 500_000]
    assert bring() == DATA
    assert server.fetched("/a.pt") == [None, "bytes=1000000-", "bytes=1500000-"]


def test_a_later_call_goes_on_where_an_earlier_one_stopped(bring, refused, server, tmp_path):
    server.cuts["/a.pt"] = [1_000_000] + [0] * connections.TRIES
    line = refused(size=len(DATA))
    assert "stopped after 1.0 MB of 3.0 MB" in line and "run the same command again" in line
    (partial,) = (tmp_path / "waiting").iterdir()
    assert partial == partial_path(Wanted([], SHA256), tmp_path / "waiting")
    server.asked.clear()
    assert bring() == DATA
    assert server.fetched("/a.pt") == ["bytes=1000000-"]


def test_what_waits_of_another_edition_is_fetched_anew(bring, server, tmp_path):
    (tmp_path / "waiting").mkdir()
    partial_path(Wanted([], SHA256), tmp_path / "waiting").write_bytes(OTHER[:1_000_000])
    assert bring() == DATA
    assert server.fetched("/a.pt") == ["bytes=1000000-", None]


@pytest.mark.parametrize("size", [None, len(DATA)])
def test_what_waits_and_is_whole_or_longer_is_no_trouble(bring, tmp_path, size):
    (tmp_path / "waiting").mkdir()
    for waits in (DATA, DATA + b"more"):
        partial_path(Wanted([], SHA256), tmp_path / "waiting").write_bytes(waits)
        assert bring(size=size) == DATA
        (tmp_path / "a.pt").unlink()


@pytest.mark.parametrize("flag", ["without_ranges", "without_lengths"])
def test_servers_without_ranges_or_lengths_serve_too(bring, server, tmp_path, flag):
    setattr(server, flag, True)
    (tmp_path / "waiting").mkdir()
    partial_path(Wanted([], SHA256), tmp_path / "waiting").write_bytes(DATA[:1000])
    assert bring() == DATA
    assert server.fetched("/a.pt") == ["bytes=1000-"]


def test_a_changed_byte_is_refused_and_removed(refused, server, tmp_path):
    server.files["/a.pt"] = DATA[:9] + bytes([DATA[9] ^ 1]) + DATA[10:]
    line = refused()
    assert "is not the published file" in line and "removed unopened" in line
    assert not any((tmp_path / "waiting").iterdir())


def test_a_file_of_another_length_is_refused_before_it_is_fetched(refused, server, tmp_path):
    server.files["/a.pt"] = DATA[:-1]
    assert "has 2999999 bytes, the published file 3000000" in refused(size=len(DATA))
    assert waiting_bytes(tmp_path) == 0


def test_a_stall_is_gone_on_with_or_ends_in_one_line(bring, refused, server, monkeypatch, tmp_path):
    monkeypatch.setattr(connections, "STALL_SECONDS", 0.2)
    monkeypatch.setattr(connections, "TRIES", 2)
    server.stalls["/a.pt"] = 70_000
    server.files["/a.pt"] = DATA[:150_000]
    sha = f"sha256:{hashlib.sha256(DATA[:150_000]).hexdigest()}"
    assert bring(sha) == DATA[:150_000]  # each connection brings some, so it goes on
    server.stalls["/a.pt"] = 0
    (tmp_path / "a.pt").unlink()
    assert "nothing came for 0.2 seconds" in refused(checksum=sha)


def test_a_redirect_is_followed_but_not_to_a_page(bring, server, tmp_path):
    server.files["/moved"] = DATA
    server.redirects["/a.pt"] = f"{server.address}/moved"
    assert bring() == DATA
    server.redirects["/a.pt"] = f"{server.address}/login"
    server.pages.add("/login")
    (tmp_path / "a.pt").unlink()
    with pytest.raises(InputError, match="/login: answers with a web page instead of the file"):
        bring()


def test_a_page_that_does_not_say_so_is_no_file(bring, server, tmp_path):
    server.files["/a.pt"] = b"\n <!doctype HTML><html>" + DATA
    with pytest.raises(InputError, match="a web page instead of the file"):
        bring()
    assert not any((tmp_path / "waiting").iterdir())


def test_no_redirect_leaves_https(monkeypatch):
    redirects = connections._Redirects()
    request = connections.Request("https://a.org/x", headers={"Authorization": "Bearer 1"})
    with pytest.raises(InputError, match="without HTTPS"):
        redirects.redirect_request(request, None, 302, "", {}, "http://a.org/x")
    elsewhere = redirects.redirect_request(request, None, 302, "", {}, "https://b.org/x")
    same = redirects.redirect_request(request, None, 302, "", {}, "https://a.org/y")
    assert not elsewhere.has_header("Authorization") and same.has_header("Authorization")


@pytest.mark.parametrize("address", ["file:///etc/hostname", "ftp://127.0.0.1/x"])
def test_addresses_open_no_files(address, tmp_path):
    with pytest.raises(InputError):
        fetch.fetch(Wanted([address], SHA256), tmp_path / "x", waiting=tmp_path / "waiting")


@pytest.mark.parametrize(("status", "word"), [(404, "is not there"), (403, "without permission")])
def test_a_status_is_told(bring, server, status, word):
    server.statuses["/a.pt"] = status
    with pytest.raises(InputError, match=rf"/a.pt: .*{word} \(HTTP {status}\)"):
        bring()


def test_a_busy_server_is_asked_again(bring, server, monkeypatch):
    server.statuses["/a.pt"] = 503
    monkeypatch.setattr(fetch.time, "sleep", lambda seconds: server.statuses.clear())
    assert bring() == DATA


def test_no_connection_is_one_line(refused, monkeypatch):
    line = refused(sources=["http://127.0.0.1:9/a.pt"])
    assert "no answer from 127.0.0.1:9" in line and "check the connection" in line


def test_the_next_source_is_taken_where_the_first_is_gone(bring, server):
    sources = [f"{server.address}/gone", f"{server.address}/a.pt"]
    assert bring(sources=sources) == DATA
    assert size_of(Wanted(sources, SHA256)) == len(DATA)
    assert start_of(Wanted(sources, SHA256), 10) == DATA[:10]


@pytest.mark.parametrize("without_ranges", [False, True])
def test_a_size_is_found_where_heads_are_unknown(server, without_ranges):
    server.without_heads, server.without_ranges = True, without_ranges
    assert size_of(Wanted([f"{server.address}/a.pt"], SHA256)) == len(DATA)
    with pytest.raises(InputError, match="HTTP 404"):
        size_of(Wanted([f"{server.address}/gone"], SHA256))


def test_a_full_disk_is_one_line_and_what_came_stays(bring, refused, server, tmp_path, monkeypatch):
    usage = shutil.disk_usage(tmp_path)
    small = usage._replace(free=1000)
    monkeypatch.setattr(fetch.shutil, "disk_usage", lambda path: small)
    assert "the disk is too full by 3.0 MB" in refused()
    assert server.fetched("/a.pt") and waiting_bytes(tmp_path) == 0
    monkeypatch.setattr(fetch.shutil, "disk_usage", lambda path: usage)

    def full(here, whole):
        if here > 1_000_000:
            raise OSError(errno.ENOSPC, "No space left on device")

    line = refused(progress=full)
    assert "the disk is too full" in line and "make room" in line
    assert waiting_bytes(tmp_path) > 1_000_000
    assert bring() == DATA


def test_two_do_not_fill_one_file(server, tmp_path, refused, bring):
    def second(here, whole):
        with pytest.raises(InputError, match="by another process"):
            fetch.fetch(
                Wanted([f"{server.address}/a.pt"], SHA256),
                tmp_path / "b.pt",
                waiting=tmp_path / "waiting",
            )

    assert bring(progress=second) == DATA and not (tmp_path / "b.pt").exists()


def test_a_mirror_is_a_server_or_a_folder(monkeypatch, tmp_path, server):
    url, short = "https://raw.githubusercontent.com/o/n/1/a%20b.pt", "o/n/a%20b.pt"
    assert sources_of(url, short) == (url,)
    monkeypatch.setenv(VARIABLE, f"{server.address}/")
    assert sources_of(url, short) == (
        f"{server.address}/raw.githubusercontent.com/o/n/1/a%20b.pt",
        f"{server.address}/o/n/a%20b.pt",
    )
    for value in (str(tmp_path), tmp_path.as_uri()):
        monkeypatch.setenv(VARIABLE, value)
        assert sources_of(url, short) == (
            tmp_path / "raw.githubusercontent.com/o/n/1/a b.pt",
            tmp_path / "o/n/a b.pt",
        )


def test_a_mirror_that_is_none_is_refused(monkeypatch, tmp_path):
    for value in (str(tmp_path / "gone"), "ftp://a.org", "https://"):
        monkeypatch.setenv(VARIABLE, value)
        with pytest.raises(ConfigError, match=VARIABLE):
            sources_of("https://a.org/b")


@pytest.mark.parametrize(
    "place",
    ["../up", "a/../../up", "/etc/passwd", "a//b", "", ".", "a/..", "C:/x", "a\\..\\b", "a\0"],
)
def test_no_place_leaves_its_folder(place, tmp_path):
    with pytest.raises(ConfigError):
        inside(tmp_path, place)
    assert inside(tmp_path, "a/..b/c") == tmp_path / "a/..b/c"


@pytest.mark.parametrize("path", ["%2e%2e/%2e%2e/etc/passwd", "a/%2Fetc%2F..%2Fpasswd"])
def test_no_quoted_address_leaves_the_mirror(path, monkeypatch, tmp_path):
    monkeypatch.setenv(VARIABLE, str(tmp_path))
    with pytest.raises(ConfigError):
        sources_of(f"https://a.org/{path}")


def test_a_folder_serves_and_is_checked(bring, refused, tmp_path):
    (tmp_path / "mirror.pt").write_bytes(DATA)
    assert bring(sources=[tmp_path / "gone.pt", tmp_path / "mirror.pt"]) == DATA
    (tmp_path / "a.pt").unlink()
    (tmp_path / "mirror.pt").write_bytes(DATA[:-1])
    assert "is not the published file" in refused(sources=[tmp_path / "mirror.pt"])
    assert (tmp_path / "mirror.pt").exists()
