"""Bytes of an image behind a URL, fetched so that nobody reaches through us what they should not."""

import base64
import binascii
import socket
import ssl
import threading
import time
from collections.abc import Mapping
from contextlib import suppress
from functools import partial
from typing import Any
from urllib.parse import unquote_to_bytes, urljoin, urlsplit

import certifi
import urllib3
from urllib3.connection import HTTPConnection, HTTPSConnection

from backend.addresses import HostPolicy, Origin
from model.errors import AccessRefused, ImageRejected, ImageTooLarge

MAX_REDIRECTS = 5
_CHUNK = 1 << 16
_REDIRECTS = frozenset({301, 302, 303, 307, 308})


class Downloader:
    """Fetches data:, http: and https: URLs.

    Args:
        policy: the hosts that may be asked, redirects included.
        max_bytes: longest body that is accepted.
        timeout: seconds for the whole fetch, redirects included.
        user_agent: how we introduce ourselves.
    """

    def __init__(
        self, policy: HostPolicy, max_bytes: int, timeout: float, user_agent: str = "boundaryclick"
    ) -> None:
        self._policy = policy
        self._max_bytes = max_bytes
        self._timeout = timeout
        self._user_agent = user_agent
        self._tls = ssl.create_default_context()
        # The system's authorities (a company's own, say) and the public ones, which a slim container lacks.
        self._tls.load_verify_locations(certifi.where())

    def get(self, url: str, headers: Mapping[str, str] | None = None) -> bytes:
        """The bytes behind a URL.

        Args:
            url: absolute; data:, http: or https:.
            headers: sent to the origin of `url` only, never along a redirect to another.

        Raises:
            ImageRejected: not allowed, not there, or not in time; one line that names no secret of the URL.
            ImageTooLarge: more bytes than allowed.
            AccessRefused: status 401 or 403.
        """
        if url[:5].lower() == "data:":
            return decode_data_uri(url, self._max_bytes)
        deadline = time.monotonic() + self._timeout
        secrets = dict(headers or {})
        origin = Origin.of(url)
        for _ in range(MAX_REDIRECTS + 1):
            with _Alarm(_left(deadline, url)) as alarm:
                response = self._open(origin, url, secrets, deadline, alarm)
                try:
                    if response.status not in _REDIRECTS:
                        return self._read(response, url, deadline)
                    url = _redirected(url, response.headers.get("Location", ""))
                finally:
                    response.close()
            target = Origin.of(url)
            if target != origin:
                secrets = {}
            origin = target
        raise ImageRejected(
            f"image reference: expected at most {MAX_REDIRECTS} redirects, got more; give the final URL"
        )

    def _open(
        self, origin: Origin, url: str, headers: Mapping[str, str], deadline: float, alarm: "_Alarm"
    ) -> urllib3.BaseHTTPResponse:
        """Send one request to one checked address; the body is not read yet."""
        address = self._policy.resolve(origin, _left(deadline, url))
        parts = urlsplit(url)
        target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        own = {"Host": origin.netloc, "User-Agent": self._user_agent, "Accept": "image/*,*/*;q=0.1"}
        try:
            return self._pool(origin, address, alarm).urlopen(
                "GET",
                target,
                headers={**headers, **own, "Accept-Encoding": "identity"},
                timeout=urllib3.Timeout(total=_left(deadline, url)),
                retries=False,
                redirect=False,
                preload_content=False,
                assert_same_host=False,
            )
        except (urllib3.exceptions.HTTPError, OSError, ValueError) as error:
            _left(deadline, url)
            raise ImageRejected(f"{_shown(url)}: expected an answer, got {_reason(error)}") from None

    def _pool(self, origin: Origin, address: str, alarm: "_Alarm") -> urllib3.HTTPConnectionPool:
        """Connections to an address, which must prove to be the origin's host where TLS is spoken."""
        if origin.scheme == "http":
            return _Pool(alarm, address, origin.port)
        return _SecurePool(
            alarm,
            address,
            origin.port,
            ssl_context=self._tls,
            server_hostname=origin.host,
            assert_hostname=origin.host,
        )

    def _read(self, response: urllib3.BaseHTTPResponse, url: str, deadline: float) -> bytes:
        """The body of a final answer, no more than allowed."""
        if response.headers.get("Content-Encoding", "identity") != "identity":
            raise ImageRejected(
                f"{_shown(url)}: expected the file as it is, got it compressed; switch that off there"
            )
        if response.status in (401, 403):
            raise AccessRefused(
                f"{_shown(url)}: expected status 200, got {response.status}; "
                "is the Label Studio token set and valid?"
            )
        if response.status != 200:
            raise ImageRejected(f"{_shown(url)}: expected status 200, got {response.status}")
        body = bytearray()
        try:
            # Not `stream`: that waits for full chunks, and a server that drips would outlast the deadline.
            while chunk := response.read1(_CHUNK, decode_content=False):
                body += chunk
                if len(body) > self._max_bytes:
                    raise self._too_large(url)
                _left(deadline, url)
        except (urllib3.exceptions.HTTPError, OSError, ValueError) as error:
            _left(deadline, url)
            raise ImageRejected(f"{_shown(url)}: expected the whole file, got {_reason(error)}") from None
        _left(deadline, url)  # a connection that the alarm has ended looks like the end of the file
        return bytes(body)

    def _too_large(self, url: str) -> ImageTooLarge:
        return ImageTooLarge(
            f"{_shown(url)}: expected at most {self._max_bytes} bytes, got more; "
            "use a smaller file or raise BOUNDARYCLICK_MAX_IMAGE_BYTES"
        )


class _Alarm:
    """Ends connections when the time is up: a server that drips would outlast every time limit for single bytes."""

    def __init__(self, seconds: float) -> None:
        self._connections: list[socket.socket] = []
        self._timer = threading.Timer(seconds, self._ring)
        self._timer.daemon = True

    def __enter__(self) -> "_Alarm":
        self._timer.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._timer.cancel()
        self._timer.join()
        for connection in self._connections:
            connection.close()

    def watch(self, connection: socket.socket) -> socket.socket:
        """End this one, too; returns it."""
        self._connections.append(connection.dup())  # TLS takes the original over
        return connection

    def _ring(self) -> None:
        for connection in self._connections:
            with suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)


class _Watched(HTTPConnection):
    def __init__(self, alarm: _Alarm, *args: Any, **named: Any) -> None:
        super().__init__(*args, **named)
        self._alarm = alarm

    def _new_conn(self) -> socket.socket:
        return self._alarm.watch(super()._new_conn())


class _SecurelyWatched(_Watched, HTTPSConnection):
    pass


class _Pool(urllib3.HTTPConnectionPool):
    def __init__(self, alarm: _Alarm, *args: Any, **named: Any) -> None:
        super().__init__(*args, **named)
        self.ConnectionCls = partial(_Watched, alarm)  # type: ignore[assignment]


class _SecurePool(urllib3.HTTPSConnectionPool):
    def __init__(self, alarm: _Alarm, *args: Any, **named: Any) -> None:
        super().__init__(*args, **named)
        self.ConnectionCls = partial(_SecurelyWatched, alarm)  # type: ignore[assignment]


def decode_data_uri(uri: str, max_bytes: int) -> bytes:
    """The bytes inside data:[type][;base64],...; raises ImageRejected."""
    header, comma, payload = uri.partition(",")
    if not comma:
        raise ImageRejected("image reference: expected data:image/...;base64,..., got no comma")
    if len(payload) > 4 * max_bytes:
        raise ImageTooLarge(f"image reference: expected at most {max_bytes} bytes in the data: URI, got more")
    data = unquote_to_bytes(payload)
    if not header.lower().endswith(";base64"):
        return data
    try:
        return base64.b64decode(data, validate=True)
    except binascii.Error:
        raise ImageRejected("image reference: expected base64 in the data: URI, got something else") from None


def _redirected(url: str, location: str) -> str:
    try:
        return urljoin(url, location)
    except ValueError:
        raise ImageRejected(
            f"{_shown(url)}: expected a redirect to a URL, got one to something else"
        ) from None


def _left(deadline: float, url: str) -> float:
    """Seconds left; raises ImageRejected when there are none."""
    seconds = deadline - time.monotonic()
    if seconds <= 0:
        raise ImageRejected(
            f"{_shown(url)}: expected the file in time, got too slow an answer; "
            "raise BOUNDARYCLICK_FETCH_TIMEOUT"
        )
    return seconds


def _shown(url: str) -> str:
    """The URL without query and fragment, where signatures and tokens live."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}{parts.path}"[:200]


def _reason(error: Exception) -> str:
    """A few words for what went wrong on the network."""
    if isinstance(error, urllib3.exceptions.NewConnectionError):  # to urllib3 a kind of timeout
        return "no connection"
    if isinstance(error, (urllib3.exceptions.TimeoutError, TimeoutError)):
        return "none in time"
    if isinstance(error, urllib3.exceptions.SSLError):
        return "a certificate that cannot be verified"
    return "a broken connection"
