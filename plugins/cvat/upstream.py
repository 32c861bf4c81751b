"""A real Nuclio dashboard beside this service: CVAT knows only one, so this one passes on what is not ours."""

import json
import logging
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import IO, Any

import urllib3
from urllib3.exceptions import HTTPError

from model.errors import BoundaryClickError

logger = logging.getLogger(__name__)

LIST_TIMEOUT = urllib3.Timeout(connect=2, read=5)
"""Seconds; CVAT's page waits for the list."""

INVOKE_TIMEOUT = urllib3.Timeout(connect=2, read=130)
"""Seconds; CVAT itself gives up after 120."""

MOST_LIST_BYTES = 16 << 20
CHUNK = 1 << 16

SENT_ON = ("accept", "content-length", "content-type", "user-agent")
SENT_BACK = ("content-encoding", "content-length", "content-type")
VIA = "1.1 boundaryclick"

_NAME = re.compile(r"[A-Za-z0-9_.-]*[A-Za-z0-9_-][A-Za-z0-9_.-]*")


class UpstreamFailed(BoundaryClickError):
    """The other Nuclio cannot be reached."""


@dataclass(frozen=True)
class Forwarded:
    """What the dashboard answered.

    Attributes:
        status: code and reason phrase.
        chunks: the body, read while it is consumed.
    """

    status: str
    headers: Mapping[str, str]
    chunks: Iterator[bytes]


class Upstream:
    """A Nuclio dashboard.

    Args:
        url: its http(s) URL.
    """

    def __init__(self, url: str) -> None:
        self._url = url.rstrip("/")
        self._http = urllib3.PoolManager(retries=False)

    def functions(self, headers: Mapping[str, str]) -> dict[str, Any]:
        """Its functions by name; none, and a line in the log, if it does not answer."""
        try:
            answer = self._open("GET", "/api/functions", headers, LIST_TIMEOUT)
            text = b"".join(_within(answer.chunks, MOST_LIST_BYTES))
            functions = json.loads(text) if answer.status.startswith("200 ") else None
        except (UpstreamFailed, HTTPError, ValueError, RecursionError) as error:
            logger.warning("the functions of Nuclio are left out: %s", error)
            return {}
        if not isinstance(functions, dict):
            logger.warning("the functions of Nuclio are left out: it answered %s", answer.status)
            return {}
        return functions

    def function(self, name: str, headers: Mapping[str, str]) -> Forwarded:
        """Its answer about one function.

        Raises:
            UpstreamFailed: it does not answer, or `name` is none that a function may have.
        """
        if not _NAME.fullmatch(name):
            raise UpstreamFailed("function name: expected letters, digits, '_', '.' and '-', got others")
        return self._open("GET", f"/api/functions/{name}", headers, LIST_TIMEOUT)

    def invoke(self, headers: Mapping[str, str], body: IO[bytes]) -> Forwarded:
        """Its answer to an invocation, whose `headers` name the function.

        Raises:
            UpstreamFailed: it does not answer.
        """
        return self._open("POST", "/api/function_invocations", headers, INVOKE_TIMEOUT, body)

    def _open(
        self,
        method: str,
        path: str,
        headers: Mapping[str, str],
        timeout: urllib3.Timeout,
        body: IO[bytes] | None = None,
    ) -> Forwarded:
        if VIA in headers.get("Via", ""):
            raise UpstreamFailed("Nuclio: expected another server, got this one; check UPSTREAM_NUCLIO")
        try:
            response = self._http.request(
                method,
                self._url + path,
                headers=_sent_on(headers),
                body=body,
                timeout=timeout,
                redirect=False,
                preload_content=False,
            )
        except HTTPError as error:
            raise UpstreamFailed(
                f"Nuclio: expected an answer from {self._url}, got {type(error).__name__}; check UPSTREAM_NUCLIO"
            ) from None
        back = {name: response.headers[name] for name in SENT_BACK if name in response.headers}
        return Forwarded(f"{response.status} {response.reason or ''}", back, _chunks(response))


def _sent_on(headers: Mapping[str, str]) -> dict[str, str]:
    """What the dashboard needs to know; nothing that could be a secret."""
    sent = {
        name: value
        for name, value in headers.items()
        if name.lower() in SENT_ON or name.lower().startswith("x-nuclio-")
    }
    return {**sent, "Via": VIA}


def _chunks(response: urllib3.BaseHTTPResponse) -> Iterator[bytes]:
    try:
        yield from response.stream(CHUNK, decode_content=False)
    finally:
        # One that was read to its end is back in the pool already; any other is of no further use.
        response.close()


def _within(chunks: Iterator[bytes], limit: int) -> Iterator[bytes]:
    left = limit
    for chunk in chunks:
        left -= len(chunk)
        if left < 0:
            raise ValueError(f"expected at most {limit} bytes, got more")
        yield chunk
