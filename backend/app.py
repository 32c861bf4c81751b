"""Composition root: the one place that knows settings, model, service, page and plugins, and joins them."""

import logging
import uuid
from dataclasses import dataclass

from flask import Flask, Response, jsonify, request
from flask.typing import ResponseReturnValue
from werkzeug.exceptions import HTTPException

from backend import web
from backend.addresses import HostPolicy, Origin
from backend.decoding import ImageLimits
from backend.fetching import Downloader
from backend.images import ImageStore
from backend.learning import Learning
from backend.prediction import PredictionService, use_threads
from backend.settings import Settings
from model import __version__
from model.errors import BoundaryClickError, ImageTooLarge
from model.predictor import Predictor, load_predictor
from plugins.cvat.routes import create_blueprint as create_cvat_blueprint
from plugins.labelstudio.client import Connection, LabelStudioClient
from plugins.labelstudio.options import Options
from plugins.labelstudio.routes import create_blueprint as create_label_studio_blueprint

log = logging.getLogger("boundaryclick")


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
    service, images = create_service(settings, predictor)
    learning = create_learning(settings, images)
    app = Flask("boundaryclick", static_folder=None)
    app.config["MAX_CONTENT_LENGTH"] = settings.max_request_bytes
    _add_error_handlers(app)
    _add_health(app, service, _try_out(service))
    app.register_blueprint(web.create_blueprint(service, images))
    app.register_blueprint(
        create_label_studio_blueprint(
            service,
            images,
            create_downloader(settings).get,
            _connection(settings),
            learning=learning,
            options=Options(
                settings.label_studio_refine,
                settings.label_studio_polygon_tolerance,
                settings.label_studio_prelabel,
            ),
        )
    )
    app.register_blueprint(
        create_cvat_blueprint(service, images, settings.cvat_right_click, settings.upstream_nuclio)
    )
    return app


def create_service(
    settings: Settings, predictor: Predictor | None = None
) -> tuple[PredictionService, ImageStore]:
    """The model with its caches, for any program that answers clicks.

    Args:
        settings: all of them.
        predictor: used instead of loading `settings.weights`.

    Raises:
        WeightsError: weights missing, damaged or made for another network; device not there.
    """
    use_threads(settings.threads)
    service = PredictionService(
        predictor or load_predictor(settings.weights, settings.device), settings.feature_cache_bytes
    )
    return service, create_images(settings)


def create_learning(settings: Settings, images: ImageStore) -> Learning | None:
    """Where corrections go; None if the settings say that nothing is kept. Raises SettingsError."""
    url = settings.database
    return None if url is None else Learning(url, images)


def create_images(settings: Settings) -> ImageStore:
    """Decodes images within the configured limits."""
    limits = ImageLimits(settings.max_image_bytes, settings.max_image_pixels)
    return ImageStore(limits, settings.image_cache_bytes, settings.image_reference_seconds)


def create_label_studio(settings: Settings) -> LabelStudioClient:
    """The configured Label Studio, for commands that ask it for something."""
    return LabelStudioClient(create_downloader(settings).get, _connection(settings))


def create_downloader(settings: Settings) -> Downloader:
    """Fetches from the configured Label Studio and the allowed hosts, from nowhere else."""
    policy = HostPolicy(trusted=(Origin.of(settings.label_studio_url),), allowed=settings.allowed_hosts)
    return Downloader(
        policy, settings.max_image_bytes, settings.fetch_timeout, f"boundaryclick/{__version__}"
    )


def _connection(settings: Settings) -> Connection:
    key = settings.label_studio_api_key
    return Connection(
        settings.label_studio_url,
        None if key is None else key.get_secret_value(),
        settings.label_studio_local_files_root,
        settings.max_image_bytes,
    )


def _try_out(service: PredictionService) -> Readiness:
    """Make the first prediction, which is also the slowest, before anybody waits for it."""
    try:
        service.check()
    except Exception as error:  # whatever it is, it is shown at /ready; the page and /health still answer
        log.exception("the trial prediction at start-up failed")
        return Readiness(f"the trial prediction at start-up failed: {_one_line(error)}")
    return Readiness(None)


def _add_health(app: Flask, service: PredictionService, readiness: Readiness) -> None:
    @app.get("/health")
    def health() -> Response:
        return jsonify(status="UP", version=__version__, model_version=service.version)

    @app.get("/ready")
    def ready() -> ResponseReturnValue:
        if readiness.reason is None:
            return jsonify(ready=True, model_version=service.version)
        return jsonify(ready=False, error=readiness.reason), 503


def _add_error_handlers(app: Flask) -> None:
    """Every error is one line of JSON, {"error": ...}."""

    @app.errorhandler(BoundaryClickError)
    def refused(error: BoundaryClickError) -> ResponseReturnValue:
        return jsonify(error=_one_line(error)), 413 if isinstance(error, ImageTooLarge) else 400

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
