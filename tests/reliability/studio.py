"""A Label Studio that serves photos, or does whatever servers in trouble do."""

import re
import socket
import struct
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

from backend.stress.clients import Photo

HTML = b"<!doctype html><title>Sign in</title><p>Please sign in to see this image."
RESET = struct.pack("ii", 1, 0)
"""Linger for no time: closing resets the connection."""


def _answer(status: str, body: bytes, *headers: str, length: int | None = None) -> bytes:
    lines = [f"HTTP/1.1 {status}", f"Content-Length: {len(body) if length is None else length}", *headers]
    return "\r\n".join([*lines, "Connection: close", "", ""]).encode() + body


def _redirect(path: str) -> bytes:
    return _answer("302 Found", b"", f"Location: {path}")


def _reset(connection: socket.socket, _: bytes) -> None:
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)


def _reset_in_between(connection: socket.socket, photo: bytes) -> None:
    connection.sendall(_answer("200 OK", photo)[: len(photo) // 2])
    _reset(connection, photo)


def _endless(connection: socket.socket, _: bytes) -> None:
    connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Type: image/jpeg\r\n\r\n")
    while True:
        connection.sendall(bytes(1 << 16))


def _drip(connection: socket.socket, photo: bytes) -> None:
    for byte in _answer("200 OK", photo):
        connection.sendall(bytes([byte]))
        time.sleep(0.05)


def _told(answer: Callable[[bytes], bytes]) -> Callable[[socket.socket, bytes], None]:
    return lambda connection, photo: connection.sendall(answer(photo))


FAULTS: dict[str, tuple[Callable[[socket.socket, bytes], None], str]] = {
    "reset": (_reset, "got a broken connection"),
    "reset in between": (_reset_in_between, "got a broken connection"),
    "endless": (_endless, "expected at most"),
    "drip": (_drip, "BOUNDARYCLICK_FETCH_TIMEOUT"),
    "nothing": (lambda _connection, _photo: None, "got a broken connection"),
    "no http": (_told(lambda _: b"\x16\x03\x01 hello, is this an image?\r\n\r\n"), "got a broken connection"),
    "500": (_told(lambda _: _answer("500 Internal Server Error", HTML)), "got 500"),
    "503": (_told(lambda _: _answer("503 Service Unavailable", b"")), "got 503"),
    "401": (_told(lambda _: _answer("401 Unauthorized", b"")), "is the Label Studio token set and valid?"),
    "html": (_told(lambda _: _answer("200 OK", HTML, "Content-Type: text/html")), "image"),
    "empty": (_told(lambda _: _answer("200 OK", b"")), "image"),
    "longer than told": (_told(lambda photo: _answer("200 OK", photo, length=len(photo) // 2)), "image"),
    "shorter than told": (
        _told(lambda photo: _answer("200 OK", photo, length=2 * len(photo))),
        "got a broken connection",
    ),
    "half a photo": (_told(lambda photo: _answer("200 OK", photo[: len(photo) // 2])), "image"),
    "redirected in a circle": (
        _told(lambda _: _redirect("/data/fault/redirected in a circle/1-8x8.jpg")),
        "redirects",
    ),
    "redirected elsewhere": (
        _told(lambda _: _redirect("http://169.254.169.254/latest/meta-data")),
        "169.254.169.254",
    ),
    "redirected to a file": (_told(lambda _: _redirect("file:///etc/passwd")), "expected"),
}
"""By name: what is done with a connection, and what the annotator's line says of it."""


class Studio:
    """Listens on one port, when it is up; photos as `predict_body` names them, faults below /data/fault/NAME/."""

    def __init__(self) -> None:
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._port = self._listener.getsockname()[1]
        self.url = f"http://127.0.0.1:{self._port}"
        self.hanging = threading.Semaphore(0)
        self.release = threading.Event()
        self._listen()

    def close(self) -> None:
        """Be gone."""
        self.release.set()
        # Closing alone does not wake the thread that accepts.
        with suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self._thread.join()

    @contextmanager
    def down(self) -> Iterator[None]:
        """Connections are refused."""
        self.close()
        yield
        self._listener = socket.create_server(("127.0.0.1", self._port))
        self.release.clear()
        self._listen()

    def _listen(self) -> None:
        self._thread = threading.Thread(target=self._accept, daemon=True)
        self._thread.start()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                connection, _ = self._listener.accept()
                threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection: socket.socket) -> None:
        with connection, suppress(OSError):  # who asks may hang up before the end
            request = b""
            while b"\r\n\r\n" not in request:
                part = connection.recv(1 << 16)
                if not part:
                    return
                request += part
            path = request.split(b" ", 2)[1].decode().replace("%20", " ")
            found = re.search(r"/(\d+)-(\d+)x(\d+)\.jpg$", path)
            photo = b"" if found is None else Photo(*map(int, found.groups())).file()
            fault = re.match(r"/data/fault/([^/]+)/", path)
            if fault is None:
                connection.sendall(_answer("200 OK", photo) if photo else _answer("404 Not Found", HTML))
            elif fault[1] == "hang":
                self.hanging.release()
                self.release.wait()
            else:
                FAULTS[fault[1]][0](connection, photo)
