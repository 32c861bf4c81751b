"""A small HTTP server with Label Studio's rules about tokens, as observed on 1.23.2."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

LEGACY = "0123456789abcdef0123456789abcdef01234567"
PERSONAL = "eyJhbGciOiJIUzI1NiJ9.eyJ0b2tlbl90eXBlIjoicmVmcmVzaCJ9.c2lnbmF0dXJl"


class TokenServer(ThreadingHTTPServer):
    """Serves every path under /data/ to those who may see it.

    `refreshes` counts exchanged tokens, `tries` also those that were refused.
    """

    def __init__(self, body: bytes) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.body = body
        self.refreshes = 0
        self.tries = 0
        self.headers_seen: list[dict[str, str]] = []

    @property
    def url(self) -> str:
        """Where it listens."""
        return f"http://127.0.0.1:{self.server_port}"


class _Handler(BaseHTTPRequestHandler):
    server: TokenServer

    def do_GET(self) -> None:
        self.server.headers_seen.append(dict(self.headers))
        allowed = {f"Token {LEGACY}", f"Bearer access-{self.server.refreshes}"}
        if self.path.startswith("/data/") and self.headers["Authorization"] in allowed:
            self._answer(200, self.server.body)
        else:
            self._answer(401, b"{}")

    def do_POST(self) -> None:
        sent = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.server.tries += 1
        if self.path == "/api/token/refresh/" and sent == {"refresh": PERSONAL}:
            self.server.refreshes += 1
            self._answer(200, json.dumps({"access": f"access-{self.server.refreshes}"}).encode())
        else:
            self._answer(401, b'{"detail": "Token is invalid"}')

    def _answer(self, status: int, body: bytes) -> None:
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        """Tests need no access log."""


@contextmanager
def token_server(body: bytes) -> Iterator[TokenServer]:
    """Such a server, running."""
    with TokenServer(body) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        try:
            yield server
        finally:
            server.shutdown()
            thread.join()
