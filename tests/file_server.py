"""A web server on this machine that holds files, and can be told to fail as real ones do."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import unquote


@dataclass
class FileServer:
    """What it holds and how it fails, by path.

    Attributes:
        files: content by path, which begins with a slash.
        statuses: answers with this status instead.
        redirects: leads to this address instead.
        pages: answers with a web page instead.
        cuts: ends each of the next connections after as many bytes.
        stalls: says nothing more after as many bytes.
        without_ranges: sends the whole file whatever part is asked for.
        without_heads: knows no HEAD.
        without_lengths: does not say how long a file is.
        asked: (method, path, range) of each request.
    """

    address: str = ""
    files: dict[str, bytes] = field(default_factory=dict)
    statuses: dict[str, int] = field(default_factory=dict)
    redirects: dict[str, str] = field(default_factory=dict)
    pages: set[str] = field(default_factory=set)
    cuts: dict[str, list[int]] = field(default_factory=dict)
    stalls: dict[str, int] = field(default_factory=dict)
    without_ranges: bool = False
    without_heads: bool = False
    without_lengths: bool = False
    asked: list[tuple[str, str, str | None]] = field(default_factory=list)

    def fetched(self, path: str) -> list[str | None]:
        """The ranges of the requests for a file's content."""
        return [part for method, asked, part in self.asked if (method, asked) == ("GET", path)]


@contextmanager
def serving() -> Iterator[FileServer]:
    """A running server; its connections end with it."""
    server = FileServer()
    over = threading.Event()

    class Handler(BaseHTTPRequestHandler):
        def do_HEAD(self) -> None:
            self._answer(with_body=False)

        def do_GET(self) -> None:
            self._answer(with_body=True)

        def _answer(self, with_body: bool) -> None:
            path = unquote(self.path.partition("?")[0])
            server.asked.append((self.command, path, self.headers.get("Range")))
            if server.without_heads and not with_body:
                self._headers(405, {"Content-Length": "0"})
            elif path in server.redirects:
                self._headers(302, {"Location": server.redirects[path], "Content-Length": "0"})
            elif path in server.pages:
                text = b"<!DOCTYPE html><html>log in</html>"
                self._headers(200, {"Content-Type": "text/html", "Content-Length": str(len(text))})
                self.wfile.write(text if with_body else b"")
            elif path in server.statuses or path not in server.files:
                self._headers(server.statuses.get(path, 404), {"Content-Length": "0"})
            else:
                self._send(path, server.files[path], with_body)

        def _send(self, path: str, data: bytes, with_body: bool) -> None:
            start = int((self.headers.get("Range") or "bytes=0-")[6:].partition("-")[0])
            start = 0 if server.without_ranges else start
            if start >= len(data) > 0:
                return self._headers(416, {"Content-Length": "0"})
            rest = data[start:]
            fields = {} if server.without_lengths else {"Content-Length": str(len(rest))}
            if self.headers.get("Range") and not server.without_ranges:
                fields["Content-Range"] = f"bytes {start}-{len(data) - 1}/{len(data)}"
            self._headers(206 if "Content-Range" in fields else 200, fields)
            if not with_body:
                return None
            if server.cuts.get(path):
                self.wfile.write(rest[: server.cuts[path].pop(0)])
            elif path in server.stalls:
                self.wfile.write(rest[: server.stalls[path]])
                self.wfile.flush()
                over.wait(4)
            else:
                self.wfile.write(rest)
            return None

        def _headers(self, status: int, fields: dict[str, str]) -> None:
            self.close_connection = True
            self.send_response(status)
            for name, value in {"Content-Type": "application/octet-stream", **fields}.items():
                self.send_header(name, value)
            self.end_headers()

        def log_message(self, *words: Any) -> None:
            pass

    class Quiet(ThreadingHTTPServer):
        def handle_error(self, request: Any, client_address: Any) -> None:
            """A client that leaves early is no fault."""

    running = Quiet(("127.0.0.1", 0), Handler)
    running.daemon_threads = True
    threading.Thread(target=running.serve_forever, args=(0.01,), daemon=True).start()
    server.address = f"http://127.0.0.1:{running.server_address[1]}"
    try:
        yield server
    finally:
        over.set()
        running.shutdown()
        running.server_close()
