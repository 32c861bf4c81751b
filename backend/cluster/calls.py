"""A WSGI request on its way to another process, and what comes back."""

import sys
from collections.abc import Iterable
from dataclasses import dataclass
from io import BytesIO
from typing import TYPE_CHECKING, Any

from werkzeug.test import run_wsgi_app

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIApplication, WSGIEnvironment

_CARRIED = frozenset(
    (
        "REQUEST_METHOD",
        "SCRIPT_NAME",
        "PATH_INFO",
        "QUERY_STRING",
        "CONTENT_TYPE",
        "CONTENT_LENGTH",
        "REMOTE_ADDR",
        "SERVER_NAME",
        "SERVER_PORT",
        "SERVER_PROTOCOL",
        "wsgi.url_scheme",
    )
)


@dataclass(frozen=True)
class Call:
    """A request: what of its WSGI environment is text, and its body."""

    environ: dict[str, str]
    body: bytes

    @staticmethod
    def of(environ: "WSGIEnvironment", body: bytes) -> "Call":
        """What is worth carrying of a request."""
        carried = {
            name: value
            for name, value in environ.items()
            if isinstance(value, str) and (name in _CARRIED or name.startswith("HTTP_"))
        }
        return Call(carried, body)

    @property
    def path(self) -> str:
        """What is asked for."""
        return self.environ.get("PATH_INFO", "/")

    @property
    def id(self) -> str:
        """As it stands in the logs, of the front and of the replica that answers."""
        return self.environ.get("HTTP_X_REQUEST_ID", "")


@dataclass(frozen=True)
class Answer:
    """What an application answered: status line, headers, body."""

    status: str
    headers: tuple[tuple[str, str], ...]
    body: bytes

    @property
    def code(self) -> int:
        """The number in the status line."""
        return int(self.status.partition(" ")[0])


def carry_out(application: "WSGIApplication", call: Call) -> Answer:
    """Have an application of this process answer a call."""
    environ: dict[str, Any] = {
        **call.environ,
        "wsgi.version": (1, 0),
        "wsgi.input": BytesIO(call.body),
        "wsgi.errors": sys.stderr,
        "wsgi.multithread": True,
        "wsgi.multiprocess": False,
        "wsgi.run_once": False,
    }
    body: Iterable[bytes]
    body, status, headers = run_wsgi_app(application, environ, buffered=True)
    return Answer(status, tuple(headers.items()), b"".join(body))
