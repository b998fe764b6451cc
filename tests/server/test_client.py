"""What the Python client does that no other test of the server shows."""

import threading
import time
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import ClassVar

import pytest

from touchline.server import client as module
from touchline.server.client import Client, ServerError


class ClosesIdleConnections(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    timeout = 0.1

    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("Content-Length", "2")
        self.end_headers()
        self.wfile.write(b"{}")

    def log_message(self, *words: object) -> None:
        """Nothing: a test's server is silent."""


def test_a_connection_that_the_server_closed_meanwhile_is_made_anew(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(module, "IDLE_SECONDS", 0.05)
    with HTTPServer(("127.0.0.1", 0), ClosesIdleConnections) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            client = Client(f"http://127.0.0.1:{server.server_port}")
            assert client._call("GET", "/v1/matches") == {}
            time.sleep(0.5)
            assert client._call("GET", "/v1/matches") == {}
        finally:
            server.shutdown()
            thread.join()


class FailsAtFirst(BaseHTTPRequestHandler):
    """Is busy, then loses an answer, then answers."""

    seen: ClassVar[list[tuple[str, str | None]]] = []

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers.get("Content-Length", 0)))
        self.seen.append((self.path, self.headers["Idempotency-Key"]))
        failures = [path for path, _ in self.seen].count(self.path)
        if failures == 2:
            return self.connection.close()
        self.send_response(503 if failures == 1 else 201)
        self.send_header("Content-Length", "2")
        self.end_headers()
        self.wfile.write(b"{}")

    def do_DELETE(self) -> None:
        self.seen.append((self.path, self.headers["Idempotency-Key"]))
        self.connection.close()

    def log_message(self, *words: object) -> None:
        """Nothing: a test's server is silent."""


def test_a_change_is_sent_again_under_its_key(monkeypatch: pytest.MonkeyPatch) -> None:
    """A deletion has none: sent again after a lost answer, it would find nothing."""
    monkeypatch.setattr(module, "PAUSE_SECONDS", 0.01)
    with HTTPServer(("127.0.0.1", 0), FailsAtFirst) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            client = Client(f"http://127.0.0.1:{server.server_port}")
            client.add_event("one", 1.0, "Goal")
            client.add_event("two", 1.0, "Goal")
            with pytest.raises(ServerError, match="does not answer"):
                client.delete_match("one")
        finally:
            server.shutdown()
            thread.join()
    (first, second, last) = FailsAtFirst.seen[:3], FailsAtFirst.seen[3:6], FailsAtFirst.seen[6:]
    assert len(set(first)) == len(set(second)) == len(last) == 1
    assert first[0][1] and second[0][1] and first[0][1] != second[0][1]
