"""Gunicorn's threads, which whoever sends slowly does not get to keep.

A thread reads a request from its first byte to the last of its body, and there are few threads: a dozen connections
that each send a byte now and then would keep everybody else out.
"""

import errno
import socket
import time
from typing import Any

from gunicorn.workers.gthread import ThreadWorker

PATIENCE = 10.0
"""Seconds that a request may keep us waiting altogether, when it comes at no more than SLOWEST."""
SLOWEST = 16 * 1024
"""Bytes a second; each that comes gives back its share of the patience."""
SENDING = 60.0
"""Seconds that taking one piece of an answer may last."""


class PatientSocket(socket.socket):
    """A connection that is reset when its other end neither sends nor takes what it should."""

    _patience = PATIENCE

    @classmethod
    def of(cls, connection: socket.socket) -> "PatientSocket":
        """The same connection; the object given is of no further use."""
        return cls(connection.family, connection.type, connection.proto, connection.detach())

    def begin(self) -> None:
        """A new request comes."""
        self._patience = PATIENCE

    def setblocking(self, flag: bool, /) -> None:
        """As ever, but nobody waits for ever."""
        self.settimeout(SENDING if flag else 0.0)

    def recv(self, size: int, flags: int = 0, /) -> bytes:
        """Bytes as they come; only time spent waiting for them counts. Raises ConnectionResetError when it is up."""
        began = time.monotonic()
        self.settimeout(max(self._patience, 0.001))
        try:
            data = super().recv(size, flags)
        except TimeoutError:
            # Of all errors the one that gunicorn takes for a client that left, which is what it is about to do.
            raise ConnectionResetError(
                errno.ECONNRESET, "expected a request in time, got it too slowly"
            ) from None
        finally:
            self.settimeout(SENDING)
        waited = time.monotonic() - began
        self._patience = min(self._patience - waited + len(data) / SLOWEST, PATIENCE)
        return data


class PatientWorker(ThreadWorker):
    """Gunicorn's worker with threads, on connections of ours."""

    def set_accept_enabled(self, enabled: bool | None) -> None:
        """As ever; but who comes after the worker has been told to stop is refused at once, and may ask the next one.

        Else whoever connects would be let in by the system, wait until the last request is answered, and be cut off.
        """
        super().set_accept_enabled(enabled)
        if enabled or (self.alive and self.is_parent_alive()):
            return
        for listener in self.sockets:
            known = -1
            while known < self.nr_conns:  # those who have been let in already
                known = self.nr_conns
                self.accept(listener)
            listener.close()

    def enqueue_req(self, conn: Any) -> None:
        """A connection has something to say, for the first time or again."""
        if not isinstance(conn.sock, PatientSocket):
            conn.sock = PatientSocket.of(conn.sock)
        conn.sock.begin()
        super().enqueue_req(conn)
