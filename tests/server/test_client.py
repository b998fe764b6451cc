"""What the Python client does that no other test of the server shows."""

import threading
import time
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

from touchline.server import client as module
from touchline.server.client import Client


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
