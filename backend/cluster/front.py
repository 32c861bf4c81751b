"""The process that annotation tools speak to: it counts who asks how often, and hands requests on."""

import logging
from collections.abc import Callable, Mapping

from flask import Flask, Response, g, jsonify, request
from flask.typing import ResponseReturnValue
from werkzeug.exceptions import RequestEntityTooLarge
from werkzeug.middleware.proxy_fix import ProxyFix

from backend.access import limit_rate, login_of, require_login, secure_answers
from backend.bodies import limit_body
from backend.cluster.calls import Answer, Call
from backend.cluster.figures import merged_figures
from backend.cluster.routing import Destination, Routes
from backend.faults import answer_faults
from backend.logs import identify_requests
from backend.settings import Settings
from model.errors import Unavailable

METRICS = "/metrics"
PLAIN_TEXT = "text/plain"
"""What figures are asked for in, whoever asks: the other format of Prometheus cannot be merged line by line."""

METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")

Send = Callable[[Destination, Call], Mapping[str, Answer]]
"""Hands a call on; returns at least one answer, by name of the process that gave it. Raises Unavailable."""


def create_front(settings: Settings, routes: Routes, send: Send) -> Flask:
    """A WSGI application that answers as those behind it do, and lets strangers cost no more than a look at them.

    Raises:
        SettingsError: a login by halves.
    """
    app = Flask("boundaryclick-front", static_folder=None)
    app.config["MAX_CONTENT_LENGTH"] = settings.max_request_bytes
    if settings.trusted_proxies:
        app.wsgi_app = ProxyFix(app.wsgi_app, x_for=settings.trusted_proxies)  # type: ignore[method-assign]
    identify_requests(app, logging.DEBUG)
    answer_faults(app)
    secure_answers(app)
    if settings.rate_limit:
        limit_rate(app, settings.rate_limit)
    login = login_of(settings)
    if login is not None:
        require_login(app, login, lambda asked: routes.without_login(asked.method, asked.path))

    @app.route("/", defaults={"path": ""}, methods=METHODS)
    @app.route("/<path:path>", methods=METHODS)
    def hand_on(path: str) -> ResponseReturnValue:
        most = routes.most_of(request.method, request.path)
        if most is not None:
            limit_body(most)
        call = _call()
        destination = routes.of(request.method, call.path, request.content_type or "", call.body)
        try:
            answer = _one(call.path, send(destination, call))
        except Unavailable as error:
            return jsonify(error=str(error)), 503, {"Retry-After": "5"}
        # As a list: for bytes the length would be counted anew, which to HEAD is that of what is not sent.
        return Response([answer.body], answer.status, list(answer.headers))

    return app


def behind_front(settings: Settings) -> Settings:
    """The settings of those behind: what the front has done is not done again."""
    return settings.model_copy(update={"rate_limit": 0, "trusted_proxies": 0})


def _call() -> Call:
    """The request at hand; a body that is too large is not read, so that it is refused by its length."""
    try:
        body = request.get_data(cache=False)
        length = len(body)
    except RequestEntityTooLarge:
        body, length = b"", max(request.content_length or 0, (request.max_content_length or 0) + 1)
    environ = {
        **request.environ,
        "CONTENT_LENGTH": str(length),
        "REMOTE_ADDR": request.remote_addr or "",
        "HTTP_X_REQUEST_ID": g.request_id,
    }
    environ.pop("HTTP_TRANSFER_ENCODING", None)  # it has been read
    if request.path == METRICS:
        environ["HTTP_ACCEPT"] = PLAIN_TEXT
    return Call.of(environ, body)


def _one(path: str, answers: Mapping[str, Answer]) -> Answer:
    """What several say together: all figures; else that of the least content."""
    worst = max(answers.values(), key=lambda answer: answer.code)
    if path != METRICS or worst.code != 200:
        return worst
    body = merged_figures({name: answers[name].body.decode() for name in sorted(answers)})
    headers = {**dict(worst.headers), "Content-Length": str(len(body))}
    return Answer(worst.status, tuple(headers.items()), body)
