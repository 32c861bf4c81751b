"""Composition root: the one place that knows settings, model, service, page and plugins, and joins them."""

import logging
import os
import uuid
from dataclasses import asdict, dataclass
from pathlib import Path

from flask import Flask, Response, jsonify, request
from flask.typing import ResponseReturnValue
from werkzeug.exceptions import HTTPException

from backend import web
from backend.access import Login, require_login
from backend.assembly import (
    connection_of,
    create_downloader,
    create_images,
    create_label_studio,
    create_learning,
    create_service,
    options_of,
)
from backend.intake import Fetch
from backend.learning import Learning
from backend.learning.queue import Queue
from backend.learning.worker import Worker, Workplace
from backend.prediction import PredictionService
from backend.settings import Settings
from backend.troubles import Troubles
from backend.web.learning import create_blueprint as create_learning_blueprint
from model import __version__
from model.corrections import ImageReference
from model.errors import BoundaryClickError, ImageTooLarge, SettingsError, StoreError
from model.predictor import Predictor
from plugins.cvat.client import Connection as CvatConnection
from plugins.cvat.client import CvatClient
from plugins.cvat.pulling import TOOL as CVAT
from plugins.cvat.pulling import fetcher as cvat_fetcher
from plugins.cvat.routes import create_blueprint as create_cvat_blueprint
from plugins.labelstudio.client import fetcher
from plugins.labelstudio.corrections import TOOL as LABEL_STUDIO
from plugins.labelstudio.routes import create_blueprint as create_label_studio_blueprint

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

log = logging.getLogger("boundaryclick")

QUEUE = "boundaryclick-queue"
"""The application's extension that fine-tunes; whoever serves it starts it."""

LAYOUTS = ("coco", "folder")
"""What `boundaryclick import` records images of, by their paths on this machine."""


@dataclass(frozen=True)
class Readiness:
    """Whether clicks can be answered; `reason` says why not, None that they can."""

    reason: str | None


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
    _add_error_handlers(app)
    login = _login(settings)
    _add_health(app, service, _try_out(service), login)
    if login is not None:
        require_login(app, login, exempt=("cvat",))
    app.register_blueprint(web.create_blueprint(service, images))
    if learning is not None:
        app.extensions[QUEUE] = create_queue(settings, learning)
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
    return app


def create_queue(settings: Settings, learning: Learning) -> Queue:
    """What fine-tunes, once it is started; told of new jobs from now on. Raises SettingsError."""
    database, url = settings.database, settings.queue_url
    if database is None:
        raise SettingsError("BOUNDARYCLICK_DATABASE_URL: expected a database to learn from, got none")
    folder = settings.jobs_folder
    place = Workplace(
        database=database,
        folder=folder,
        weights=settings.weights,
        device=settings.device,
        threads=settings.threads,
        replay=settings.replay,
        after=settings.learn_after,
        max_image_bytes=settings.max_image_bytes,
        max_image_pixels=settings.max_image_pixels,
    )
    worker = Worker(learning, place, create_fetchers(settings))
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


def _login(settings: Settings) -> Login | None:
    """User name and password that are asked for; None: none are. Raises SettingsError for one without the other."""
    user, password = settings.basic_auth_user, settings.basic_auth_pass
    secret = "" if password is None else password.get_secret_value()
    if bool(user) != bool(secret):
        raise SettingsError(
            "BASIC_AUTH_USER, BASIC_AUTH_PASS: expected both or neither, got one; set the other too"
        )
    return Login(user, secret) if user else None


def _try_out(service: PredictionService) -> Readiness:
    """Make the first prediction, which is also the slowest, before anybody waits for it."""
    try:
        service.check()
    except Exception as error:  # whatever it is, it is shown at /ready; the page and /health still answer
        log.exception("the trial prediction at start-up failed")
        return Readiness(f"the trial prediction at start-up failed: {_one_line(error)}")
    return Readiness(None)


def _add_health(app: Flask, service: PredictionService, readiness: Readiness, login: Login | None) -> None:
    troubles = Troubles()
    troubles.listen(app)

    @app.get("/health")
    def health() -> Response:
        return jsonify(status="UP", version=__version__, model_version=service.version)

    @app.get("/ready")
    def ready() -> ResponseReturnValue:
        # What went wrong is for those who may know of the images and tasks that it names.
        latest = troubles.latest() if login is None or login.is_told() else []
        errors = [asdict(trouble) for trouble in latest]
        if readiness.reason is None:
            return jsonify(ready=True, model_version=service.version, errors=errors)
        return jsonify(ready=False, error=readiness.reason, errors=errors), 503


def _status(error: BoundaryClickError) -> int:
    return 413 if isinstance(error, ImageTooLarge) else 503 if isinstance(error, StoreError) else 400


def _add_error_handlers(app: Flask) -> None:
    """Every error is one line of JSON, {"error": ...}."""

    @app.errorhandler(BoundaryClickError)
    def refused(error: BoundaryClickError) -> ResponseReturnValue:
        return jsonify(error=_one_line(error)), _status(error)

    @app.errorhandler(HTTPException)
    def http_error(error: HTTPException) -> ResponseReturnValue:
        answer = error.get_response()
        if error.code == 413:
            limit = app.config["MAX_CONTENT_LENGTH"]
            message = (
                f"request: expected at most {limit} bytes, got more; raise BOUNDARYCLICK_MAX_REQUEST_BYTES"
            )
        else:
            message = f"{request.method} {request.path}: {error.name.lower()}"
        answer = Response(answer.response, answer.status, answer.headers)
        answer.data = jsonify(error=message).data
        answer.mimetype = "application/json"
        return answer

    @app.errorhandler(Exception)
    def unexpected(error: Exception) -> ResponseReturnValue:
        request_id = uuid.uuid4().hex[:12]
        log.error("request %s: %s %s failed", request_id, request.method, request.path, exc_info=error)
        return jsonify(
            error=f"internal error; the log has it as request {request_id}", request=request_id
        ), 500


def _one_line(error: BaseException) -> str:
    return " ".join(str(error).split()) or type(error).__name__
