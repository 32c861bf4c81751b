"""The whole service in a process of Ray Serve's."""

import logging

from flask import Flask, jsonify
from flask.typing import ResponseReturnValue
from ray import serve
from ray.serve.schema import ReplicaRank

from backend.app import LEARNING, QUEUE, create_app
from backend.cluster.calls import Answer, Call, carry_out
from backend.logs import configure
from backend.settings import Settings
from model.errors import BoundaryClickError

log = logging.getLogger("boundaryclick")


class Replica:
    """One of them. Ray Serve calls its methods, several at once.

    Args:
        settings: of the service behind a front.
        plan: what tells a front whether this is the service that it is to start.

    Attributes:
        name: Ray Serve's for this replica; none before or after it has the same.
    """

    def __init__(self, settings: Settings, plan: str) -> None:
        configure(settings.log_level, settings.log_format)
        logging.getLogger("ray.serve").setLevel(logging.WARNING)
        self._plan, self._refused = plan, ""
        self.name = serve.get_replica_context().replica_tag
        self._fine_tunes_here = settings.queue_url is None
        self._app = self._start(settings)

    def reconfigure(self, _user_config: object, rank: ReplicaRank) -> None:
        """Called by Ray Serve before the first request, and whenever our rank changes.

        The first one fine-tunes: jobs are taken by one worker each, but the cores are shared. While replicas are
        replaced there may be no first one, until those before have ended and the ranks are given anew; who is the
        first stays it to the end.
        """
        queue = self._app.extensions.get(QUEUE)
        if self._fine_tunes_here and rank.rank == 0 and queue is not None and queue.alive is None:
            queue.start()

    def state(self) -> tuple[str, str]:
        """The plan, and why nothing can be answered; empty if something can."""
        return self._plan, self._refused

    def answer(self, call: Call) -> tuple[str, Answer]:
        """Our name, and what the application answers."""
        return self.name, carry_out(self._app, call)

    def _start(self, settings: Settings) -> Flask:
        """The application; one that is refused is told by `state`, since Ray Serve would try again and again."""
        try:
            return create_app(settings)
        except BoundaryClickError as error:
            self._refused = _line(error)
            log.error("cannot answer: %s", self._refused)
            return _refusing()

    def __del__(self) -> None:
        """Called by Ray Serve when it stops the replica: a fine-tuning that runs goes on with the next start, and the
        last clicks are noted.
        """
        app = self.__dict__.get("_app")
        for name in (QUEUE, LEARNING):
            part = app.extensions.get(name) if app is not None else None
            if part is not None:
                part.close()


def refusal_of(settings: Settings) -> str:
    """Why the service cannot start with these settings; empty if it can."""
    try:
        app = create_app(settings)
    except BoundaryClickError as error:
        return _line(error)
    learning = app.extensions.get(LEARNING)
    if learning is not None:
        learning.close()
    return ""


def _refusing() -> Flask:
    """Answers 503 to everything, lest a route that is missing looks like a service that works."""
    app = Flask("boundaryclick", static_folder=None)

    @app.before_request
    def refuse() -> ResponseReturnValue:
        return jsonify(error="service: expected settings to start with, got others; the log tells more"), 503

    return app


def _line(error: BoundaryClickError) -> str:
    return " ".join(str(error).split())
