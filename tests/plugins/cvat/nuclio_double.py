"""A Nuclio dashboard with one function, over real HTTP."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from tests.local_server import Answer, Asked, local_server

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

    def answer(asked: Asked) -> Answer:
        status, reason, body = state.answer(asked.method, asked.target, dict(asked.headers), asked.body)
        return Answer(body, status, reason, {"Set-Cookie": "session=1"})

    with local_server(answer) as state.url:
        yield state
