"""A Nuclio dashboard with one function, over real HTTP."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

OTHER = {
    "metadata": {"name": "sam", "annotations": {"type": "interactor", "version": "2"}},
    "spec": {"description": "another"},
    "status": {"state": "ready", "httpPort": 32768},
}


@dataclass
class Dashboard:
    """What it answers, and what it was asked: method, path, headers in lower case, body.

    `listed` is the body of its list.
    """

    url: str = ""
    listed: bytes = json.dumps({"sam": OTHER}).encode()
    listed_status: int = 200
    asked: list[tuple[str, str, dict[str, str], bytes]] = field(default_factory=list)

    def answer(self, method: str, path: str, headers: dict[str, str], body: bytes) -> tuple[int, str, bytes]:
        self.asked.append((method, path, headers, body))
        if path == "/api/functions":
            return self.listed_status, "OK", self.listed
        if path == "/api/functions/sam":
            return 200, "OK", json.dumps(OTHER).encode()
        if headers.get("x-nuclio-function-name") == "sam":
            return 200, "OK", json.dumps({"blob": "A" * 100_000}).encode()
        return 404, "No such function", b'{"error": "not here"}'


@contextmanager
def dashboard() -> Iterator[Dashboard]:
    """Runs on a free port."""
    state = Dashboard()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            headers = {name.lower(): value for name, value in self.headers.items()}
            status, reason, answer = state.answer(self.command, self.path, headers, body)
            self.send_response(status, reason)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(answer)))
            self.send_header("Set-Cookie", "session=1")
            self.end_headers()
            self.wfile.write(answer)

        do_POST = do_GET  # noqa: N815

        def log_message(self, *_: Any) -> None:
            pass

    class Server(ThreadingHTTPServer):
        def handle_error(self, *_: Any) -> None:
            """The gateway may hang up before the end of an answer."""

    server = Server(("127.0.0.1", 0), Handler)
    state.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield state
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
