"""The whole service in a process of Ray Serve's."""

import logging

from flask import Flask
from ray import serve

from backend.app import QUEUE, create_app
from backend.cluster.calls import Answer, Call, carry_out
from backend.cluster.front import behind_front
from backend.logs import configure
from backend.settings import Settings
from model.errors import BoundaryClickError


class Replica:
    """One of them. Ray Serve calls its methods, several at once.

    Args:
        settings: of the service; its HTTP settings are the front's.
        plan: what tells a front whether this is the service that it is to start.

    Attributes:
        name: among all replicas, a number; that of one that is gone is given to the next.
    """

    def __init__(self, settings: Settings, plan: str) -> None:
        configure(settings.log_level, settings.log_format)
        logging.getLogger("ray.serve").setLevel(logging.WARNING)
        self._plan, self._refused = plan, ""
        self.name = str(serve.get_replica_context().rank.rank)
        self._app = self._start(settings)

    def state(self) -> tuple[str, str]:
        """The plan, and why nothing can be answered; empty if something can."""
        return self._plan, self._refused

    def answer(self, call: Call) -> tuple[str, Answer]:
        """Our name, and what the application answers."""
        return self.name, carry_out(self._app, call)

    def _start(self, settings: Settings) -> Flask:
        """The application; one that is refused is told by `state`, since Ray Serve would try again and again."""
        try:
            app = create_app(behind_front(settings))
        except BoundaryClickError as error:
            self._refused = " ".join(str(error).split())
            return Flask("boundaryclick")
        queue = app.extensions.get(QUEUE)
        if queue is not None and settings.queue_url is None and self.name == "0":
            queue.start()  # one fine-tunes: jobs are taken by one worker each, but the cores are shared
        return app

    def __del__(self) -> None:
        """Called by Ray Serve when it stops the replica: a fine-tuning that runs goes on with the next start."""
        app = self.__dict__.get("_app")
        queue = app.extensions.get(QUEUE) if app is not None else None
        if queue is not None:
            queue.close()
