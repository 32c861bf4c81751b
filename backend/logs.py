"""How log lines look, as text or as JSON, and the id by which all lines of one request are found."""

import logging
import re
import sys
import time
import uuid
from typing import Literal
from urllib.parse import quote

from flask import Flask, Response, g, has_request_context, request
from pythonjsonlogger.json import JsonFormatter

HEADER = "X-Request-ID"
"""Taken from whoever asks, when it is fit to be logged, and told in the answer."""
FIT = re.compile(r"[A-Za-z0-9._:/+=@-]{1,128}")
WATCHED = ("/health", "/ready", "/metrics")
"""Asked every few seconds: their requests are logged at level debug only."""

log = logging.getLogger("boundaryclick.requests")


def configure(level: str, form: Literal["text", "json"]) -> None:
    """Send every line of the process to standard error, in one form."""
    handler = logging.StreamHandler(sys.stderr)
    handler.addFilter(_RequestIds())
    handler.setFormatter(_formatter(form))
    root = logging.getLogger()
    root.setLevel(level.upper())
    root.addHandler(handler)
    logging.getLogger("alembic").setLevel(logging.WARNING)  # tells of its parts already when imported
    # Its lines hold whole URLs, and these the signatures and tokens by which images are fetched.
    logging.getLogger("urllib3").setLevel(logging.CRITICAL)


def identify_requests(app: Flask, level: int) -> None:
    """From now on, give each request an id, told in its answer and in every log line, and one line of its own.

    Register it first: what refuses requests has an id, too.

    Args:
        level: of the requests' own lines.
    """

    @app.before_request
    def begin() -> None:
        told = request.headers.get(HEADER, "")
        g.request_id = told if FIT.fullmatch(told) else uuid.uuid4().hex
        g.began = time.perf_counter()

    @app.after_request
    def end(response: Response) -> Response:
        response.headers[HEADER] = g.request_id
        known = {
            "method": request.method,
            "path": quote(
                request.path
            ),  # decoded, it could hold the end of a line; no query: it may hold a token
            "status": response.status_code,
            "milliseconds": round((time.perf_counter() - g.began) * 1000, 1),
        }
        log.log(
            logging.DEBUG if request.path in WATCHED else level,
            "%(method)s %(path)s %(status)d %(milliseconds).1f ms",
            known,
            extra=known,
        )
        return response


class _RequestIds(logging.Filter):
    def filter(self, record: logging.LogRecord) -> bool:
        if has_request_context() and "request_id" in g:
            record.request_id = g.request_id
        return True


def _formatter(form: Literal["text", "json"]) -> logging.Formatter:
    if form == "json":
        names = {"levelname": "level", "name": "logger", "exc_info": "exception"}
        return JsonFormatter(["levelname", "name", "message"], timestamp="time", rename_fields=names)
    line = "%(asctime)s %(levelname)s %(name)s [%(request_id)s]: %(message)s"
    return logging.Formatter(line, defaults={"request_id": "-"})
