"""Gunicorn, set up from our settings: one process that holds the model, threads that share it."""

import ctypes
import logging
import os
import socket
import sys
from collections.abc import Callable
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from gunicorn.app.base import BaseApplication
from gunicorn.glogging import Logger

from backend.connections import PatientWorker
from backend.logs import configure
from backend.settings import Settings
from model.errors import BoundaryClickError, SettingsError

if TYPE_CHECKING:
    from flask import Flask
    from gunicorn.config import Config
    from gunicorn.workers.base import Worker

WORKER_TIMEOUT = 300
"""Seconds; a worker silent for as long is replaced. Loading from a slow disk must fit in."""
GRACEFUL_TIMEOUT = 50
"""Seconds from SIGTERM to the end: requests that run are answered, then a fine-tuning is put back."""
KEEP_ALIVE = 15
M_ARENA_MAX, M_MMAP_THRESHOLD = -8, -3
"""Of glibc's malloc.h."""
LARGE = 1 << 20
"""Bytes; images and masks take more."""
REFUSED_TO_START = 4
"""Exit status with which gunicorn's worker says that the application cannot be loaded."""


def serve(settings: Settings, server: "Callable[[Settings, socket.socket], Server] | None" = None) -> int:
    """Serve until stopped by SIGTERM or SIGINT; returns the exit status.

    Args:
        settings: all of them.
        server: what makes the application, and ends what it needs; by default the whole service in one process.

    Raises:
        SettingsError: the address is taken or not ours.
    """
    listener = _listen(settings.host, settings.port)
    configure(settings.log_level, settings.log_format)
    logging.getLogger("gunicorn.error").addFilter(_says_something_new)
    try:
        (server or Server)(settings, listener).run()
    except SystemExit as stop:
        # What was wrong has been said by the worker, in one line.
        return 2 if stop.code == REFUSED_TO_START else int(stop.code or 0)
    return 0


class Server(BaseApplication):
    """Gunicorn's application object.

    The application is made in the worker, after the fork: native thread pools do not survive one, and the
    master stays small. No connection is accepted until it is made.
    """

    def __init__(self, settings: Settings, listener: socket.socket) -> None:
        self._settings = settings
        self._address = listener.getsockname()[:2]
        self._socket = (
            listener.detach()
        )  # once: gunicorn asks again for its settings when it is told to reload
        self._queue: Any = None
        self._learning: Any = None
        super().__init__()

    def load_config(self) -> None:
        """Hand our settings to gunicorn."""
        options: dict[str, Any] = {
            "bind": f"fd://{self._socket}",
            "workers": 1,
            "worker_class": PatientWorker,
            "threads": self._settings.http_threads,
            "timeout": WORKER_TIMEOUT,
            "graceful_timeout": GRACEFUL_TIMEOUT,
            "keepalive": KEEP_ALIVE,
            "loglevel": "debug" if self._settings.log_level == "debug" else "warning",
            "accesslog": None,  # ours has the requests' ids
            "logger_class": _Logger,
            "proc_name": "boundaryclick",
            "control_socket_disable": True,
            "post_worker_init": self._announce,
            "worker_exit": self.leave,
        }
        for name, value in options.items():
            if name in self.cfg.settings:  # older releases know no control socket
                self.cfg.set(name, value)

    def load(self) -> Any:
        """Make the application; runs in the worker."""
        _keep_heaps_small()
        try:
            return self.create(self._settings)
        except BoundaryClickError as error:
            print(f"boundaryclick serve: {error}", file=sys.stderr, flush=True)
            # Not sys.exit: there is nothing to clean up, and gunicorn would log a traceback.
            os._exit(REFUSED_TO_START)

    def create(self, settings: Settings) -> "Flask":
        """The Flask application; raises BoundaryClickError where the settings do not do."""
        from backend.app import LEARNING, QUEUE, create_app  # noqa: PLC0415 - loads the networks, which the master does not need

        app = create_app(settings)
        self._queue, self._learning = app.extensions.get(QUEUE), app.extensions.get(LEARNING)
        if self._queue is not None and settings.queue_url is None:
            self._queue.start()
        return app

    def leave(self, _server: object, _worker: "Worker") -> None:
        """A fine-tuning that runs goes on with the next start; the last clicks are noted."""
        for part in (self._queue, self._learning):
            if part is not None:
                part.close()

    def _announce(self, worker: "Worker") -> None:
        """Say where to go, once there is somebody to answer."""
        host, port = self._address
        shown = {"0.0.0.0": "localhost", "::": "localhost"}.get(host, f"[{host}]" if ":" in host else host)  # noqa: S104
        url = f"http://{shown}:{port}"
        print(
            f"boundaryclick is ready\n  page:         {url}/\n  Label Studio: {url}   "
            "(Settings > Model > Connect Model > Backend URL)",
            flush=True,
        )


class _Logger(Logger):
    """Gunicorn's lines, told by the root logger in one form with all others."""

    def setup(self, cfg: "Config") -> None:
        """Take gunicorn's own handlers away again."""
        super().setup(cfg)
        for logger in (self.error_log, self.access_log):
            logger.handlers.clear()
            logger.propagate = True


def _keep_heaps_small() -> None:
    """Let threads share two heaps, and give what is large its own pages, which go back as soon as it is let go.

    One heap for each thread never gives back what a large image took; in one that small and large things share, each
    gap that a large one leaves is soon too small for the next. Only glibc knows the calls; elsewhere nothing happens.
    """
    with suppress(AttributeError, OSError, TypeError):
        change = ctypes.CDLL(None).mallopt
        change(M_ARENA_MAX, 2)
        change(M_MMAP_THRESHOLD, LARGE)


def _says_something_new(record: logging.LogRecord) -> bool:
    """Drop what gunicorn says after the worker has said why it refused to start."""
    line = record.getMessage()
    refused = f"exited with code {REFUSED_TO_START}." in line or line.endswith("App failed to load.")
    return not refused and line != "Shutting down: Master"


def _listen(host: str, port: int) -> socket.socket:
    """A bound socket, so that a taken port is one clear line and port 0 is known before it is announced."""
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
        listener = socket.socket(family, kind, protocol)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(address)
    except OSError as error:
        raise SettingsError(
            f"address: expected one to listen on, got {host}:{port} ({error.strerror}); "
            "stop what uses it or choose another with --host and --port"
        ) from None
    return listener
