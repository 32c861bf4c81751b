"""What is answered where no route has an answer: one line of JSON, {"error": ...}."""

import logging

from flask import Flask, Response, g, jsonify, request
from flask.typing import ResponseReturnValue
from werkzeug.exceptions import HTTPException

log = logging.getLogger("boundaryclick")


def answer_faults(app: Flask) -> None:
    """From now on, tell errors of HTTP, and those that nobody expected, in one line; the latter by the request's id."""

    @app.errorhandler(HTTPException)
    def http_error(error: HTTPException) -> ResponseReturnValue:
        answer = error.get_response()
        if error.code == 413:
            limit, most = request.max_content_length, app.config["MAX_CONTENT_LENGTH"]
            advice = "; raise BOUNDARYCLICK_MAX_REQUEST_BYTES" if limit == most else ""
            message = f"request: expected at most {limit} bytes, got more{advice}"
        else:
            message = f"{request.method} {request.path}: {error.name.lower()}"
        answer = Response(answer.response, answer.status, answer.headers)
        answer.data = jsonify(error=message).data
        answer.mimetype = "application/json"
        return answer

    @app.errorhandler(Exception)
    def unexpected(error: Exception) -> ResponseReturnValue:
        log.error("request %s: %s %s failed", g.request_id, request.method, request.path, exc_info=error)
        return jsonify(
            error=f"internal error; the log has it as request {g.request_id}", request=g.request_id
        ), 500
