"""Whether somebody still waits for an answer: the connection that a request has come by."""

import select
import socket
from collections.abc import Callable, Container
from functools import partial

from flask import Flask, Response, has_request_context, request

from backend.patience import Patience
from model.errors import Abandoned, BoundaryClickError

RETRY_SECONDS = 2
"""What those are told who are answered 503: enough for a few clicks of others."""


def waiting_client(seconds: float) -> Callable[[], Patience]:
    """Says of the request at hand how long it waits for the model; without one, as long as it takes.

    Args:
        seconds: that a request may wait.
    """

    def patience() -> Patience:
        if not has_request_context():
            return Patience()
        connection = request.environ.get("gunicorn.socket")
        return Patience(seconds) if connection is None else Patience(seconds, partial(has_left, connection))

    return patience


def has_left(connection: socket.socket) -> bool:
    """Whether the other end has closed the connection; answers at once and takes nothing away.

    One that only says that it will not send any more is taken to have left, too, as proxies do.
    """
    waiting = select.poll()
    try:
        waiting.register(connection, select.POLLIN)
        # Asked first: a socket with a time limit waits as long, whatever the flags say. The plain method: others count
        # what they are asked for.
        return bool(waiting.poll(0)) and socket.socket.recv(connection, 1, socket.MSG_PEEK) == b""
    except (OSError, ValueError):
        return True


def watch_clients(
    app: Flask,
    patience: Callable[[], Patience],
    given_up: Callable[[BoundaryClickError], None],
    answers: Container[str],
) -> None:
    """From now on, ask those to come back that are answered 503, and begin with no answer for a client who has left
    while the request waited for a thread.

    Args:
        answers: paths of requests that ask for nothing but an answer. What others ask for is done all the same: Label
            Studio tells of an event once, and waits for a second.
    """

    @app.before_request
    def still_there() -> None:
        if request.path not in answers:
            return
        try:
            patience().require()
        except Abandoned as error:
            given_up(error)
            raise

    @app.after_request
    def come_back(response: Response) -> Response:
        if response.status_code == 503:
            response.headers.setdefault("Retry-After", str(RETRY_SECONDS))
        return response
