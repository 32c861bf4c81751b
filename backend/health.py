"""What /health and /ready answer: whether the process lives, and whether what it needs works right now."""

import logging
import threading
from collections.abc import Callable
from concurrent.futures import Future
from concurrent.futures import TimeoutError as NoAnswer
from dataclasses import asdict
from typing import Generic, TypeVar

from flask import Flask, Response, jsonify
from flask.typing import ResponseReturnValue

from backend.access import Login
from backend.learning.queue import Queue
from backend.prediction import PredictionService
from backend.troubles import Troubles
from model import __version__

T = TypeVar("T")

PATIENCE = 10.0
"""Seconds that a part may take to say that it works; whoever asks /ready should wait a little longer."""

log = logging.getLogger("boundaryclick")


class Bounded(Generic[T]):
    """Asks what may never answer, such as a database whose machine is gone; thread safe.

    One question is under way at a time, however many ask, so those that hang take no threads from annotators.

    Args:
        ask: called in a thread of its own.
        seconds: after which an answer is waited for no longer; None: PATIENCE.
    """

    def __init__(self, ask: Callable[[], T], seconds: float | None = None) -> None:
        self._ask, self._seconds = ask, seconds
        self._asked: Future[T] | None = None
        self._guard = threading.Lock()

    def __call__(self) -> T:
        """The answer; raises what asking raises, TimeoutError when it takes too long."""
        with self._guard:
            if self._asked is None or self._asked.done():
                self._asked = Future()
                threading.Thread(target=self._answer, args=(self._asked,), name="probe", daemon=True).start()
            asked = self._asked
        seconds = PATIENCE if self._seconds is None else self._seconds
        try:
            return asked.result(seconds)
        except NoAnswer:
            raise TimeoutError(
                f"expected an answer within {seconds:g} s, got none; is it overloaded or its machine gone?"
            ) from None

    def _answer(self, asked: "Future[T]") -> None:
        try:
            asked.set_result(self._ask())
        except Exception as error:
            asked.set_exception(error)


class Readiness:
    """Whether requests can be answered now, part by part.

    Args:
        service: tries itself out again after a prediction has failed for reasons of its own.
        database: asks it something, raises whatever keeps it from answering; None: nothing is kept.
        queue: what fine-tunes in this process, if any does.
    """

    def __init__(
        self, service: PredictionService, database: Callable[[], object] | None, queue: Queue | None
    ) -> None:
        self._service, self._database, self._queue = service, database, queue
        self._trial = Bounded(service.check)

    def failures(self) -> dict[str, str]:
        """What does not work and why, in one line each; requests cannot be answered properly meanwhile."""
        parts = {"model": self._try_model, "database": self._database}
        found = {}
        for name, check in parts.items():
            try:
                if check is not None:
                    check()
            except Exception as error:  # whatever it is, it is shown; the other routes still answer
                found[name] = f"{name}: {one_line(error)}"
        return found

    def learns(self) -> bool | None:
        """Whether the thread that fine-tunes lives; None where that is left to others. Clicks do not need it."""
        return None if self._queue is None else self._queue.alive

    def _try_model(self) -> None:
        if self._service.turns.broken:
            self._trial()


def add_health(app: Flask, service: PredictionService, readiness: Readiness, login: Login | None) -> None:
    """Routes /health and /ready; what names images, tasks and folders is told only to who has logged in."""
    troubles = Troubles()
    troubles.listen(app)

    @app.get("/health")
    def health() -> Response:
        return jsonify(status="UP", version=__version__, model_version=service.version)

    @app.get("/ready")
    def ready() -> ResponseReturnValue:
        failures, insider = readiness.failures(), login is None or login.is_told()
        errors = [asdict(trouble) for trouble in troubles.latest()] if insider else []
        known = {"model_version": service.version, "learning": readiness.learns(), "errors": errors}
        if not failures:
            return jsonify(ready=True, **known)
        shown = failures.values() if insider else [f"{name}: does not work" for name in failures]
        return jsonify(ready=False, error="; ".join(shown), **known), 503


def try_out(service: PredictionService) -> None:
    """Make the first prediction, which is also the slowest, before anybody waits for it; what goes wrong is logged."""
    try:
        service.check()
    except Exception:  # /ready tries again and tells it; the page and /health still answer
        log.exception("the trial prediction at start-up failed")


def one_line(error: BaseException) -> str:
    """An error's message, or its kind, without line ends."""
    return " ".join(str(error).split()) or type(error).__name__
