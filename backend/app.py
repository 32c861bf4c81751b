"""The application: what `assembly` makes of the settings, the page, fine-tuning and the plugins' routes, joined."""

import logging
import os
from functools import partial
from pathlib import Path

from flask import Flask, jsonify
from flask.typing import ResponseReturnValue
from werkzeug.middleware.proxy_fix import ProxyFix

from backend import web
from backend.access import OPEN_ROUTES, Login, limit_rate, login_of, require_login, secure_answers
from backend.assembly import (
    connection_of,
    create_downloader,
    create_images,
    create_label_studio,
    create_learning,
    create_service,
    options_of,
)
from backend.clients import waiting_client, watch_clients
from backend.faults import answer_faults
from backend.health import Bounded, Readiness, add_health, one_line, try_out
from backend.intake import Fetch
from backend.learning import Learning
from backend.learning.queue import Queue
from backend.learning.worker import Worker, Workplace
from backend.logs import identify_requests
from backend.machine import usable_cores
from backend.metrics import Backlog, Figures, State, add_metrics
from backend.openapi import Doors, add_description
from backend.openapi.operations import OPERATIONS
from backend.settings import Settings
from backend.turns import Turns
from backend.web.learning import create_blueprint as create_learning_blueprint
from model.corrections import ImageReference
from model.errors import BoundaryClickError, SettingsError
from model.predictor import Predictor
from plugins.cvat import description as cvat
from plugins.cvat.client import Connection as CvatConnection
from plugins.cvat.client import CvatClient
from plugins.cvat.pulling import TOOL as CVAT
from plugins.cvat.pulling import fetcher as cvat_fetcher
from plugins.cvat.routes import create_blueprint as create_cvat_blueprint
from plugins.labelstudio import description as label_studio
from plugins.labelstudio.client import fetcher
from plugins.labelstudio.corrections import TOOL as LABEL_STUDIO
from plugins.labelstudio.routes import create_blueprint as create_label_studio_blueprint
from plugins.statuses import status_of

__all__ = [
    "create_app",
    "create_cvat",
    "create_downloader",
    "create_fetchers",
    "create_images",
    "create_label_studio",
    "create_learning",
    "create_queue",
    "create_service",
]

EXEMPT = ("cvat",)
"""Blueprints whose callers know no way to log in."""

ANSWERS = frozenset({"/", "/predict", "/api/images", "/api/segment", "/api/function_invocations"})
"""Paths of requests that ask for nothing but an answer."""

QUEUE = "boundaryclick-queue"
"""The application's extension that fine-tunes; whoever serves it starts it."""

LEARNING = "boundaryclick-learning"
"""The application's extension that keeps what annotators do; whoever serves it closes it."""

LAYOUTS = ("coco", "folder")
"""What `boundaryclick import` records images of, by their paths on this machine."""


def create_app(settings: Settings, predictor: Predictor | None = None) -> Flask:
    """The WSGI application, ready to serve.

    Args:
        settings: all of them.
        predictor: used instead of loading `settings.weights`.

    Raises:
        WeightsError: weights missing, damaged or made for another network; device not there.
        SettingsError: the Label Studio settings do not fit together; the database cannot be used.
    """
    images = create_images(settings)
    learning = create_learning(settings, images)
    service = create_service(settings, predictor, images, learning)[0]
    app = Flask("boundaryclick", static_folder=None)
    app.config["MAX_CONTENT_LENGTH"] = settings.max_request_bytes
    queue = None if learning is None else create_queue(settings, learning, service.turns)
    _add_error_handlers(app)
    login, figures = login_of(settings), Figures()
    _guard(app, settings, login, figures)
    service.answered, service.given_up, images.timed = figures.answered, figures.given_up, figures.timed
    service.patience = waiting_client(settings.model_timeout)
    try_out(service)
    backlog = None if learning is None else Bounded(partial(_backlog, learning))
    database = None if learning is None else Bounded(partial(_require_database, learning))
    readiness = Readiness(service, database, queue)
    add_health(app, service, readiness, login)
    add_metrics(app, figures, State(service, images, readiness, backlog))
    app.register_blueprint(web.create_blueprint(service, images))
    if learning is not None:
        app.extensions[QUEUE], app.extensions[LEARNING] = queue, learning
        app.register_blueprint(create_learning_blueprint(learning, service))
    app.register_blueprint(
        create_label_studio_blueprint(
            service,
            images,
            create_downloader(settings).get,
            connection_of(settings),
            learning=learning,
            options=options_of(settings),
        )
    )
    app.register_blueprint(
        create_cvat_blueprint(service, images, settings.cvat_right_click, settings.upstream_nuclio)
    )
    operations = {**OPERATIONS, **label_studio.OPERATIONS, **cvat.OPERATIONS}
    add_description(app, operations, Doors(() if login is None else login.schemes, EXEMPT, OPEN_ROUTES))
    return app


def create_queue(settings: Settings, learning: Learning, turns: Turns | None = None) -> Queue:
    """What fine-tunes, once it is started; told of new jobs from now on. Raises SettingsError.

    Args:
        turns: at the model of this process. A training stands still during them, and has every core in between; without
            any it leaves one to whatever else there is.
    """
    database, url = settings.database, settings.queue_url
    if database is None:
        raise SettingsError("BOUNDARYCLICK_DATABASE_URL: expected a database to learn from, got none")
    folder = settings.jobs_folder
    place = Workplace(
        database=database,
        folder=folder,
        weights=settings.weights,
        device=settings.device,
        runtime=settings.runtime,
        threads=max((settings.threads or usable_cores()) - (turns is None), 1),
        replay=settings.replay,
        after=settings.learn_after,
        max_image_bytes=settings.max_image_bytes,
        max_image_pixels=settings.max_image_pixels,
    )
    worker = Worker(learning, place, create_fetchers(settings))
    if turns is not None:
        turns.busy = worker.give_way
    redis = None if url is None else url.get_secret_value()
    queue = Queue(worker, folder, redis, settings.learn_schedule)
    learning.ring = queue.ring
    return queue


def create_fetchers(settings: Settings) -> dict[str, Fetch]:
    """Who gets the image files of each tool's corrections."""

    def read(image: ImageReference) -> bytes:
        return Path(image.reference).read_bytes()

    def from_cvat(image: ImageReference) -> bytes:
        return cvat_fetcher(create_cvat(), settings.max_image_bytes)(image)

    return {
        LABEL_STUDIO: fetcher(create_label_studio(settings)),
        CVAT: from_cvat,
        **dict.fromkeys(LAYOUTS, read),
    }


def create_cvat(url: str | None = None, organization: str | None = None) -> CvatClient:
    """The CVAT that the environment names, for whatever asks it for something; raises SettingsError."""
    told = {
        name: os.environ.get(f"CVAT_{name}") or None for name in ("URL", "ACCESS_TOKEN", "USER", "PASSWORD")
    }
    where = url or told["URL"] or ""
    return CvatClient(
        CvatConnection(where, told["ACCESS_TOKEN"], told["USER"], told["PASSWORD"], organization)
    )


def _guard(app: Flask, settings: Settings, login: Login | None, figures: Figures) -> None:
    """What all requests have to pass, in this order."""
    if settings.trusted_proxies:
        app.wsgi_app = ProxyFix(app.wsgi_app, x_for=settings.trusted_proxies)  # type: ignore[method-assign]
    # Who reads a terminal wants to see what went wrong; who collects lines wants all of them.
    identify_requests(app, logging.INFO if settings.log_format == "json" else logging.DEBUG)
    figures.watch(app)
    secure_answers(app)
    watch_clients(app, waiting_client(settings.model_timeout), figures.given_up, ANSWERS)
    if settings.rate_limit:
        limit_rate(app, settings.rate_limit)
    if login is not None:
        require_login(app, login, lambda asked: asked.blueprint in EXEMPT)


def _backlog(learning: Learning) -> Backlog:
    return Backlog(learning.inbox.counts(), learning.jobs.counts())


def _require_database(learning: Learning) -> None:
    """Raises StoreError where it cannot be read, or written: that is tried again after it has failed."""
    _backlog(learning)
    if learning.database.refuses:
        learning.database.try_out()


def _add_error_handlers(app: Flask) -> None:
    """Every error is one line of JSON, {"error": ...}."""
    answer_faults(app)

    @app.errorhandler(BoundaryClickError)
    def refused(error: BoundaryClickError) -> ResponseReturnValue:
        return jsonify(error=one_line(error)), status_of(error)
